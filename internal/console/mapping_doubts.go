package console

import (
	"context"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const (
	mostDoubts = 3 // values of a key that are shown
	mostAmong  = 4 // records of a side that have one
)

// A doubt is a value of a key that several records of a side have, with some of these, for a person
// to judge whether the key is a good one.
type doubt struct {
	Value   string
	Records [2][]doubtful
	More    [2]int // so many records of a side have it besides
}

// Text is the value as people read it: its parts apart.
func (d doubt) Text() string { return strings.ReplaceAll(d.Value, "\x1f", " · ") }

// A doubtful is a record that a key does not recognise for sure.
type doubtful struct{ Name, Path string }

// nameDoubts finds the records that the doubts of some keys are about.
func (c *console) nameDoubts(ctx context.Context, tried *plan.Resolved, rows [2][]store.Row, scores []score) error {
	if !slices.ContainsFunc(scores, func(s score) bool { return len(s.Doubts) > 0 }) {
		return nil
	}
	for _, side := range record.Sides() {
		of := store.Object{Connection: tried.Ends[side].Connection, Name: tried.Ends[side].Object}
		all, err := engine.RememberedObjects(ctx, c.hub.Store(), of.Connection)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(o record.Object) bool { return o.Name == of.Name })
		if i < 0 {
			return nil
		}
		for _, row := range rows[side] {
			eachKey(tried.Mapping, side, row, func(key int, value string) {
				scores[key].among(side, value, doubtful{nameOf(all[i], row), recordPath(of, row.ID)})
			})
		}
	}
	return nil
}

// among adds a record to the doubt about a value, if there is one.
func (s *score) among(side record.Side, value string, r doubtful) {
	i := slices.IndexFunc(s.Doubts, func(d doubt) bool { return d.Value == value })
	if i < 0 {
		return
	}
	if d := &s.Doubts[i]; len(d.Records[side]) < mostAmong {
		d.Records[side] = append(d.Records[side], r)
	} else {
		d.More[side]++
	}
}
