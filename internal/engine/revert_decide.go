package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// maxRevertTries is how often one thing is attempted in one revert: more than once only
// because its record moved between the look and the write.
const maxRevertTries = 3

// decide turns what can be done into operations and facts, for each link at most one step:
// the result of a step moves the row that the next one has to be decided from (R27). It
// reports whether there is anything to do.
func (b *revertBatch) decide(ctx context.Context, units []unit) (bool, error) {
	some := false
	for from := 0; from < len(units); {
		to := from
		for to < len(units) && units[to].link == units[from].link {
			to++
		}
		stepped, err := b.step(ctx, b.links[units[from].link], units[from:to])
		if err != nil {
			return false, err
		}
		some = stepped || some
		from = to
	}
	return some, nil
}

// step decides what is done next to one link: what comes back, then fields, then what goes.
func (b *revertBatch) step(ctx context.Context, l store.Link, units []unit) (bool, error) {
	for _, side := range record.Sides() {
		if _, busy := b.busy[store.Spot{Side: side, ID: l.IDs[side]}]; busy {
			return false, nil // R27: an operation is under way; it is shown
		}
	}
	todo := func(fits func(*unit) bool) []*unit {
		var some []*unit
		for i := range units {
			u := &units[i]
			if u.State == RevertDo && !u.later && b.tried[u.key()] < maxRevertTries && fits(u) {
				some = append(some, u)
			}
		}
		return some
	}
	for _, u := range todo(func(u *unit) bool { return u.Kind == RevertRestore }) {
		b.whole(l, u, connector.Restore)
		return true, nil
	}
	for _, side := range record.Sides() {
		if some := todo(func(u *unit) bool { return u.Kind == RevertField && u.Side == side }); len(some) > 0 {
			b.update(l, side, some)
			return true, nil
		}
	}
	for _, u := range todo(func(u *unit) bool { return u.Kind != RevertField && u.Kind != RevertRestore }) {
		if b.tried[u.key()] > 0 && u.Kind == RevertAsk {
			continue
		}
		switch u.Kind { //nolint:exhaustive // fields and what comes back are done
		case RevertArchive:
			b.whole(l, u, connector.Archive)
		case RevertDelete:
			b.whole(l, u, connector.Delete)
		case RevertAsk:
			b.propose(l, u)
		case RevertUnlink:
			b.unlink(l, u)
		case RevertRelink:
			return true, b.relink(ctx, l, u)
		default:
			continue
		}
		return true, nil
	}
	return false, nil
}

// newOp is an operation of the revert. It is ready at once: the person who confirmed the
// revert is its guard.
func (b *revertBatch) newOp(l store.Link, side record.Side, verb connector.Verb) store.Op {
	r := b.v.r
	id := r.e.store.NewID()
	rows := [2]store.Row{b.rows[0][l.IDs[0]], b.rows[1][l.IDs[1]]}
	return store.Op{ID: id, Run: r.id, Sync: r.p.Name, Link: l.ID, Side: side, Target: r.p.ends[side].of, Verb: verb,
		TargetID: l.IDs[side], SourceID: l.IDs[side.Other()], Key: r.e.opKey(id), State: store.OpReady,
		IfVersion: rows[side].Version, Seen: [2]int64{rows[0].Seq, rows[1].Seq}}
}

// update plans the fields of one side that go back.
func (b *revertBatch) update(l store.Link, side record.Side, units []*unit) {
	op := b.newOp(l, side, connector.Update)
	op.Set, op.Was = record.Fields{}, record.Fields{}
	for _, u := range units {
		b.tried[u.key()]++
		if u.unsent && b.tried[u.key()] == 1 { // invariant 7: an edit that goes nowhere is told
			other := side.Other()
			b.facts.Journal = append(b.facts.Journal, b.v.r.entry(l, other, store.Overruled, fieldOn(u.field, other).Name, u.source, u.To, b.v.q.rule()))
		}
		op.Set[u.Field], op.Was[u.Field] = u.To, u.Now
		op.Fields = append(op.Fields, store.OpField{Key: u.field.Key, Wire: u.Field, Source: u.source, Rule: b.v.q.rule(), Lost: u.lost})
	}
	b.spread(l, &op)
	b.facts.Ops = append(b.facts.Ops, op)
}

// whole plans what happens to a record as a whole.
func (b *revertBatch) whole(l store.Link, u *unit, verb connector.Verb) {
	b.tried[u.key()]++
	op := b.newOp(l, u.Side, verb)
	op.Fields = []store.OpField{{Rule: b.v.q.rule()}}
	if verb != connector.Restore {
		op.Was = vendors(b.rows[u.Side][u.ID].Fields)
	}
	b.facts.Ops = append(b.facts.Ops, op)
}

func (b *revertBatch) entry(l store.Link, u *unit, kind store.EntryKind) store.Entry {
	e := b.v.r.entry(l, u.Side, kind, "", record.Value{}, record.Value{}, b.v.q.rule())
	e.By = b.v.q.By
	return e
}

// unlink closes a link that a run made. Nothing joins its records again by itself (R18).
func (b *revertBatch) unlink(l store.Link, u *unit) {
	b.tried[u.key()]++
	l.Closed = closedHand
	b.facts.Links = append(b.facts.Links, l)
	b.v.r.withdrawLink(&b.facts, l)
	b.facts.Journal = append(b.facts.Journal, b.entry(l, u, store.Closed))
	for _, side := range record.Sides() {
		if b.rows[side][l.IDs[side]].Fate == connector.Present && !l.Shares(side) { // R26: what a member shares keeps its own link
			b.facts.Standing = append(b.facts.Standing, store.Standing{Side: side, ID: l.IDs[side], Reason: standsClosed, Detail: b.v.q.rule()})
		}
	}
}

// relink opens a link again. Copies that were members of what it joins become so again (R26).
func (b *revertBatch) relink(ctx context.Context, l store.Link, u *unit) error {
	b.tried[u.key()]++
	l.Closed = ""
	b.facts.Links = append(b.facts.Links, l)
	b.facts.Journal = append(b.facts.Journal, b.entry(l, u, store.Reopened))
	for _, side := range record.Sides() {
		b.facts.InScope = append(b.facts.InScope, store.Spot{Side: side, ID: l.IDs[side]})
		b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: side, ID: l.IDs[side]})
	}
	c := b.v.r.p.copies
	if c == nil || l.Role != store.Main {
		return nil
	}
	others, err := b.v.r.otherCopies(ctx, b.rows[c.side][l.IDs[c.side]])
	b.facts.Dirty = append(b.facts.Dirty, others...)
	return err
}

// anewSubject is what the proposal to create a lost record anew is about.
func anewSubject(link int64) string { return store.AnewSubject(link) }

// propose asks a person whether a record that cannot be brought back shall be created anew
// (R22: never by itself). The item is about the record that is planned again once it is
// decided: the partner, if that is still there.
func (b *revertBatch) propose(l store.Link, u *unit) {
	b.tried[u.key()]++
	r := b.v.r
	about, other := u.Side, u.Side.Other()
	if b.rows[other][l.IDs[other]].Fate == connector.Present && b.rows[other][l.IDs[other]].ID != "" {
		about = other
	}
	last := ""
	for _, name := range vendors(b.rows[u.Side][u.ID].Fields).Names() {
		if v := b.rows[u.Side][u.ID].Fields[name]; !v.IsEmpty() && len(last) < 200 {
			last += fmt.Sprintf(" %s=%q", name, v)
		}
	}
	b.facts.Reviews = append(b.facts.Reviews, store.Review{ID: r.e.store.NewID(), Sync: r.p.Name, Kind: store.ReviewDelete, Subject: anewSubject(l.ID),
		Link: l.ID, Side: about, Record: l.IDs[about], Opened: time.Now(),
		Text:    fmt.Sprintf("%s/%s was taken away and cannot be brought back with its id; its last state was%s", u.Of, u.ID, last),
		Fix:     "create it anew with another id, or leave it as it is",
		Choices: []string{"create", "dismiss"}})
}
