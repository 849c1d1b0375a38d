package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// look sees what has been pulled before anything is decided about it. It reports why the run
// has to end here: where deciding alone would part pairs, or forget what was seen.
func (r *run) look(ctx context.Context) ([]Alarm, error) {
	if r.first || r.undo != nil {
		return nil, nil
	}
	var stop []Alarm
	for _, side := range record.Sides() {
		lost, err := r.vanished(ctx, side)
		if err != nil {
			return nil, err
		}
		said, err := r.e.saidDeleted(ctx, r.p.ends[side].of)
		if err != nil {
			return nil, err
		}
		if r.inForce(store.Review{Decided: said}) {
			continue // a person has looked already (R33)
		}
		if len(lost) > leastStrayed && len(lost)*2 > r.linked {
			a := r.alarm(alarmGone, side.Other(), "", lost, len(lost), fmt.Sprintf("%d of the %d records of %s that are linked are gone", len(lost), r.linked, r.p.ends[side].of))
			if r.holdsDeletes(side.Other()) {
				r.seen = append(r.seen, a) // what follows from it is planned, held and shown
			} else {
				stop = append(stop, a)
			}
		}
		a, err := r.lookAtCanary(ctx, side)
		if err != nil {
			return nil, err
		}
		stop = append(stop, a...)
	}
	return stop, nil
}

// holdsDeletes reports whether a deleted record makes an operation on that side, which waits
// for the guard.
func (r *run) holdsDeletes(side record.Side) bool {
	p := r.p.Delete[side]
	return r.p.Direction.Allows(side) && (p == plan.DeleteArchive || p == plan.DeleteDelete)
}

// vanished finds the linked records of one side of which news has come that they are gone.
func (r *run) vanished(ctx context.Context, side record.Side) ([]string, error) {
	if _, err := r.linkedAtStart(ctx); err != nil {
		return nil, err
	}
	var gone []string
	for mark := r.marks[side]; ; {
		rows, err := r.e.store.ChangedBut(ctx, r.p.ends[side].of, mark, proofBatch, func(store.Row) bool { return true })
		if err != nil {
			return nil, fmt.Errorf("look for what is gone: %w", err)
		}
		if len(rows) == 0 {
			return gone, nil
		}
		mark = rows[len(rows)-1].Seq
		var ids []string
		for _, row := range rows {
			if row.Fate == connector.Deleted || row.Fate == connector.Archived {
				ids = append(ids, row.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		links, err := r.e.store.LinksOf(ctx, r.p.Name, side, ids)
		if err != nil {
			return nil, fmt.Errorf("load links of what is gone: %w", err)
		}
		for _, id := range ids {
			if l, ok := links[id]; ok && l.Closed == "" {
				gone = append(gone, id)
			}
		}
	}
}

// lookAtCanary reads the record that nobody may touch: that it changed, or is gone, is what it
// is there for.
func (r *run) lookAtCanary(ctx context.Context, side record.Side) ([]Alarm, error) {
	id := r.p.canary(side)
	if id == "" {
		return nil, nil
	}
	end := r.p.ends[side]
	rd := reading{end: end, fields: r.p.wire[side], keys: r.keysOf(side)}
	if err := r.readByID(metered(ctx, r.calls[side]), &rd, []string{id}); err != nil {
		return nil, fmt.Errorf("look at %s/%s: %w", end.of, id, r.e.spoil(ctx, end.conn, err))
	}
	rows, err := r.e.store.Rows(ctx, end.of, []string{id})
	if err != nil {
		return nil, fmt.Errorf("look at %s/%s: %w", end.of, id, err)
	}
	row, known := rows[id]
	if known && row.Seq <= r.marks[side] {
		return nil, nil // it is as it was, or a person has seen what became of it
	}
	what := "was changed"
	if !known || row.Fate != connector.Present {
		what = "is not there any more"
	}
	return []Alarm{r.alarm(alarmCanary, side.Other(), "", []string{id}, 1, fmt.Sprintf("%s/%s, which nobody may touch, %s", end.of, id, what))}, nil
}

// touchesCanary reports whether an operation would write the record that nobody may touch.
func (r *run) touchesCanary(ops []store.Op) bool {
	return slices.ContainsFunc(ops, func(op store.Op) bool { return op.TargetID != "" && op.TargetID == r.p.canary(op.Side) })
}

// canary is the id of the record of one side that nobody may touch; "" = there is none.
func (p *pair) canary(side record.Side) string {
	of, id, _ := strings.Cut(p.Guard.Canary, "/")
	if of != p.Ends[side].String() {
		return ""
	}
	return id
}

// leastFull is how many records make a side look as if it was in use.
const leastFull = 25

// strangers finds, in a first run, two sides in use of which nearly no record has a partner:
// another account than was meant, or a key that they do not share.
func (r *run) strangers(side record.Side) []Alarm {
	made, n := r.made[side], min(r.rows[0], r.rows[1])
	if made < leastFull || n < leastFull || r.paired*50 >= n || !r.p.hasKeys() {
		return nil
	}
	return []Alarm{r.alarm(alarmStrangers, side, "", r.makers[side], made, fmt.Sprintf("%s has %d records and %s has %d, and only %d belong together: %d would be created in %s",
		r.p.ends[0].of, r.rows[0], r.p.ends[1].of, r.rows[1], r.paired, made, r.p.ends[side].of))}
}

// hasKeys reports whether records are recognised by anything at all.
func (p *pair) hasKeys() bool {
	return slices.Contains(slices.Collect(maps.Values(p.matched)), true)
}

// leastFlood is the least that is more new records than an import brings to a small system.
const leastFlood = 250

// newcomers looks at what would be created.
func (r *run) newcomers(side record.Side, held []store.Op, d *day) []Alarm {
	ids, of := sources(held)[alarmCreate], r.p.ends[side].of
	if len(ids) == 0 {
		return nil
	}
	var out []Alarm
	if n := d.spent[side].Created + len(ids); n > max(leastFlood, r.linked) {
		out = append(out, r.alarm(alarmFlood, side, "", ids, n, fmt.Sprintf("%d records would be created in %s within a day, which is more than there were (%d)", n, of, r.linked)))
	}
	if same := r.copies(held); len(same) > strayed(r.linked) {
		out = append(out, r.alarm(alarmCopies, side, "", same, len(same), fmt.Sprintf("%d records that would be created in %s differ in nothing but their keys", len(same), of)))
	}
	return out
}

// copies returns the largest group of new records that differ in their keys only.
func (r *run) copies(held []store.Op) []string {
	by := map[string][]string{}
	best := ""
	for _, op := range held {
		if op.Verb != connector.Create {
			continue
		}
		rest := op.Set.Clone()
		for i, f := range r.p.Mapping.Fields() {
			if own := fieldOn(f, op.Side); r.p.Mapping.Matched(i) || own.Unique {
				delete(rest, own.Name)
			}
		}
		if title(rest) == "" || len(rest) < 2 {
			continue
		}
		var all strings.Builder
		for _, name := range slices.Sorted(maps.Keys(rest)) {
			fmt.Fprintf(&all, "%s=%q ", name, rest[name])
		}
		alike := all.String()
		if by[alike] = append(by[alike], op.SourceID); len(by[alike]) > len(by[best]) {
			best = alike
		}
	}
	return by[best]
}

// manyRuns is in how many runs of a day records were taken away when that is no longer a
// person who clears up.
const manyRuns = 6

// dripping finds deletes that stay small in each run and do not end.
func (r *run) dripping(side record.Side, held []store.Op, d *day) []Alarm {
	ids := sources(held)[alarmDelete]
	if len(ids) == 0 {
		return nil
	}
	runs := map[int64]bool{r.id: true}
	n := len(ids)
	for _, e := range d.lines {
		if (e.Kind == store.Deleted || e.Kind == store.Archived) && e.Side == side && !confirmed(e) {
			runs[e.Run] = true
			n++
		}
	}
	if n <= strayed(r.linked) || len(runs) < manyRuns {
		return nil
	}
	return []Alarm{r.alarm(alarmDrip, side, "", ids, n, fmt.Sprintf("%d records of %s would be deleted within a day, a few in each of %d runs", n, r.p.ends[side].of, len(runs)))}
}

// lookFirst looks at what was pulled, and returns why nothing is even planned.
func (r *run) lookFirst(ctx context.Context) (string, error) {
	stop, err := r.look(ctx)
	if err != nil || len(stop) == 0 {
		return "", err
	}
	return r.blow(ctx, append(stop, r.seen...))
}
