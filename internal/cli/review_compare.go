package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// candidates compares the records that an item names with the one that it asks about. What
// cannot be compared is not worth an error: the item says all that is to be decided.
func (a *app) candidates(ctx context.Context, p *plan.Plan, s *store.Store, it store.Review) []engine.Candidate {
	if len(it.Candidates) == 0 {
		return nil
	}
	kept, err := a.openSafe(ctx, s, p.KeyFile)
	if err == nil {
		var e *engine.Engine
		if e, err = a.openEngine(p, s, kept, a.warnings(), nil, nil); err == nil {
			var ranked []engine.Candidate
			if ranked, err = e.Candidates(ctx, it); err == nil {
				return ranked
			}
		}
	}
	a.warnf("the candidates cannot be compared: %v", err)
	return nil
}

// mostColumns is how many candidates stand side by side.
const mostColumns = 4

// candidatesText shows candidates side by side with the fields in which any of them differs.
func candidatesText(it store.Review, ranked []engine.Candidate) string {
	if len(ranked) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("  candidates, the likeliest first:\n")
	for i, c := range ranked {
		fmt.Fprintf(&b, "    :%d  %s/%s %s\n        %d points: %s\n", i+1, c.Of, oneLine(c.ID), oneLine(c.Title), c.Score, oneLine(strings.Join(c.Why, ", ")))
	}
	side := ranked[:min(len(ranked), mostColumns)]
	t := table{}
	head := []string{"", "this record"}
	for i, c := range side {
		head = append(head, fmt.Sprintf(":%d %s", i+1, oneLine(c.ID)))
	}
	t.add(head...)
	for _, key := range differingFields(side) {
		t.add(comparison(key, side)...)
	}
	if len(t.rows) > 1 {
		b.WriteString(t.text("    "))
	}
	if len(it.Choices) > 0 && it.Decision == "" {
		fmt.Fprintf(&b, "  tandem review decide %d :1 chooses the first\n", it.ID)
	}
	return b.String()
}

// differingFields are the fields in which any candidate differs, in the order of the mapping.
func differingFields(ranked []engine.Candidate) []string {
	var keys []string
	for _, c := range ranked {
		for _, f := range c.Fields {
			if !f.Same && !slices.Contains(keys, f.Key) {
				keys = append(keys, f.Key)
			}
		}
	}
	return keys
}

// comparison is one row: the record's value and each candidate's, "=" where it is the same.
func comparison(key string, ranked []engine.Candidate) []string {
	const width = 24
	row := []string{oneLine(mapping.FieldName(key, record.Left, "")), "(empty)"}
	for _, c := range ranked {
		cell := "(empty)"
		for _, f := range c.Fields {
			if f.Key != key {
				continue
			}
			row[1], cell = shown(f.Mine, width), shown(f.Theirs, width)
			if f.Same {
				cell = "="
			}
		}
		row = append(row, cell)
	}
	return row
}
