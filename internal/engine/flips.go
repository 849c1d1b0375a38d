package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// maxFlips is how often a field may come back within a day to a value that it had before.
const maxFlips = 8

// goesBackAndForth is why a field diverges that two programs want to be different things.
const goesBackAndForth = "goes back and forth"

// flips asks a person about a field that was written back and forth all day and would be
// once more; the rest of the record goes on. It reports true if nothing is to be written, and
// otherwise lets what a person has said since decide.
func (b *batch) flips(ctx context.Context, d *draft, f mappingField, in merge.Field, out *merge.Outcome) (bool, error) {
	if b.r.first || d.fresh || out.State != merge.StateWrite || len(out.Writes) != 1 {
		return false, nil
	}
	day, err := b.r.today(ctx)
	if err != nil {
		return false, err
	}
	to := out.Writes[0].To
	wire := fieldOn(f, to).Name
	n, last := day.returns(d.link.ID, to, wire, out.Writes[0].Value.String())
	if n < maxFlips {
		return false, nil
	}
	about := subject(d.link.ID, f.Key)
	switch said, err := b.r.decision(ctx, about); {
	case err != nil:
		return false, err
	case said.Decided.After(last) && said.Decision == "left":
		in.Direction, in.Enforce = allowed(merge.LeftToRight, f), true
		*out = merge.One(in, d.times)
		return false, nil
	case said.Decided.After(last) && said.Decision == "right":
		in.Direction, in.Enforce = allowed(merge.RightToLeft, f), true
		*out = merge.One(in, d.times)
		return false, nil
	}
	b.review(store.Review{Kind: store.ReviewConflict, Subject: about, Link: d.link.ID, Side: to, Record: d.link.IDs[to], Field: f.Key,
		Values: [2]record.Value{in.Cells[0].Value, in.Cells[1].Value}, Choices: []string{"left", "right"},
		Text: fmt.Sprintf("%s of %s/%s goes back and forth: within a day it came back %d times to a value that it had before", wire, b.r.p.ends[to].of, d.link.IDs[to], n),
		Fix:  "look for two programs, one at either side, that set this field; say which side holds: left or right"})
	d.diverge(f.Key, goesBackAndForth)
	return true, nil
}

// returns counts how often a field of a pair would have come back to an earlier value if it was
// written once more, and says when it was last written.
func (d *day) returns(link int64, side record.Side, wire, next string) (n int, last time.Time) {
	var values []string
	add := func(v string) {
		if len(values) > 0 && values[len(values)-1] == v {
			return
		}
		if slices.Contains(values, v) {
			n++
		}
		values = append(values, v)
	}
	for _, e := range d.lines {
		if e.Link == link && e.Side == side && e.Field == wire && e.Kind == store.Written && !confirmed(e) {
			add(e.Old.String())
			add(e.New.String())
			last = e.At
		}
	}
	add(next)
	return n, last
}
