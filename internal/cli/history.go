package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

type historyCmd struct {
	Record    string `arg:"" optional:"" help:"A record (erp.contacts/12), an object (erp.contacts), a sync, a run (r12) or a record's id. All if left out."`
	Since     string `placeholder:"TIME" help:"Only what happened since: 2h, 3d, 2026-11-21 or '2026-11-21 14:30'."`
	Overruled bool   `help:"Only what lost: overruled values and the last state of records that were deleted or archived, as long as keep_overruled says."`
	Limit     int    `default:"200" help:"At most so many lines, the newest."`
}

// Run shows the journal, oldest line first.
func (c *historyCmd) Run(ctx context.Context, a *app) (err error) {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	if c.Limit < 1 {
		return usage("--limit is a number of lines, from 1")
	}
	queries, err := c.queries(p, time.Now())
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx, p, look)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	entries, err := jsonl.Journal(ctx, s, queries, c.Limit)
	if err != nil {
		return err
	}
	if !a.json {
		text := historyText(entries, p.Timezone)
		if c.Overruled && len(entries) > 0 {
			text += "\ntandem revert NUMBER brings one back\n"
		}
		return a.print(text)
	}
	for _, e := range entries {
		if err := a.line(jsonl.OfEntry(e)); err != nil {
			return err
		}
	}
	return nil
}

// queries understands what was asked for: the most particular reading that fits the plan.
// A bare id may be that of several objects.
func (c *historyCmd) queries(p *plan.Plan, now time.Time) ([]store.HistoryQuery, error) {
	q := store.HistoryQuery{Limit: c.Limit}
	if c.Overruled {
		q.Kinds = []store.EntryKind{store.Overruled, store.Deleted, store.Archived}
		q.Since = now.Add(-p.KeepOverruled)
	}
	if c.Since != "" {
		at, err := since(c.Since, now, p.Timezone)
		if err != nil {
			return nil, err
		}
		q.Since = at
	}
	queries, err := jsonl.Queries(p, c.Record, q)
	return queries, misnamed(err)
}

// misnamed makes a wrong name an error of how the command was called.
func misnamed(err error) error {
	if _, is := errors.AsType[*jsonl.UnknownError](err); is {
		return usage("%w", err)
	}
	if _, is := errors.AsType[*jsonl.NameError](err); is {
		return usage("%w", err)
	}
	return err
}

// historyText is the journal as a timeline: a heading per day, a line per entry, which
// begins with the number by which tandem revert takes it back.
func historyText(entries []store.Entry, zone *time.Location) string {
	if len(entries) == 0 {
		return "nothing has happened\n"
	}
	var b strings.Builder
	t := table{right: map[int]bool{0: true}}
	day := ""
	for _, e := range entries {
		at := stamp(e.At, zone)
		if at[:10] != day {
			b.WriteString(t.text("  "))
			t = table{right: map[int]bool{0: true}}
			if day != "" {
				b.WriteByte('\n')
			}
			day = at[:10]
			b.WriteString(day + "\n")
		}
		t.add(fmt.Sprint(e.ID), at[11:], entryRecord(e), entryWhat(e), entryWhy(e))
	}
	b.WriteString(t.text("  "))
	return b.String()
}

func entryRecord(e store.Entry) string {
	if e.Of == (store.Object{}) {
		return e.Sync
	}
	return e.Of.String() + "/" + e.Record
}

// entryWhat is what happened, in words.
func entryWhat(e store.Entry) string {
	change := shown(e.Old, valueWidth) + " → " + shown(e.New, valueWidth)
	switch e.Kind {
	case store.Written:
		return e.Field + ": " + change
	case store.Agreed:
		return e.Field + ": both sides came to " + shown(e.New, valueWidth)
	case store.Rewritten:
		return e.Field + ": the system made " + shown(e.New, valueWidth) + " of " + shown(e.Old, valueWidth)
	case store.Refused:
		return e.Field + ": not taken, still " + shown(e.Old, valueWidth)
	case store.Overruled:
		return e.Field + ": " + shown(e.Old, valueWidth) + " gave way to " + shown(e.New, valueWidth)
	case store.Created:
		return "created: " + setText(e.Set)
	case store.Linked:
		return "linked"
	case store.Closed:
		return "no longer linked"
	case store.Reopened:
		return "linked again"
	case store.Told:
		return "told of " + e.Field + ": " + setText(e.Set)
	case store.Decided:
		if e.Field != "" && (!e.Old.IsEmpty() || !e.New.IsEmpty()) {
			if strings.HasSuffix(e.Why, ": "+store.Edited) {
				return e.Field + ": " + change + " entered in the review queue"
			}
			return e.Field + ": " + shown(e.New, valueWidth) + " chosen, not " + shown(e.Old, valueWidth)
		}
		return "decided"
	case store.Deleted, store.Archived:
		if len(e.Set) > 0 {
			return string(e.Kind) + ": " + setText(e.Set)
		}
		return string(e.Kind)
	default: // restored: the word itself
		return string(e.Kind)
	}
}

// setText names the first fields of a record.
func setText(set record.Fields) string {
	var parts []string
	for _, name := range set.Names() {
		if !set[name].IsEmpty() {
			parts = append(parts, name+"="+shown(set[name], 24))
		}
	}
	if len(parts) == 0 {
		return "no fields"
	}
	return fit(strings.Join(parts, ", "), 100)
}

// entryWhy is the rule or the person, and the run.
func entryWhy(e store.Entry) string {
	var parts []string
	if e.Why != "" {
		parts = append(parts, oneLine(e.Why))
	}
	if by := "by " + oneLine(e.By); e.By != "" && !strings.HasSuffix(e.Why, by) {
		parts = append(parts, by)
	}
	if e.Run != 0 {
		parts = append(parts, "run "+engine.RunName(e.Run))
	}
	return strings.Join(parts, ", ")
}
