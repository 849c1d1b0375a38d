package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// maxFieldRounds is how often one field of one link is written in one run before it is
// taken for a quarrel that only a person can end (R8).
const maxFieldRounds = 5

// wholeRecord is the key under which a link's divergence is noted that concerns all fields.
const wholeRecord = "*"

// waitsForDecision is why a field diverges about which a person was asked.
const waitsForDecision = "waits for a decision"

// readBack is why a field is agreed on whose write was answered without it.
const readBack = "read back"

// writes reports whether the configuration has anything written to a side. A no to mail goes to
// the other sides, too (R32).
func (p *pair) writes(side record.Side) bool {
	return p.Direction.Allows(side) || slices.ContainsFunc(p.Rules, func(r plan.Rule) bool { return r.Direction.Allows(side) })
}

// maxReversals is how often in a day the source's value is put back at a follower that
// keeps changing it, before a person is asked (R10).
const maxReversals = 3

// linked decides about a linked pair.
func (b *batch) linked(ctx context.Context, link store.Link) error {
	if b.made[link.ID] {
		return nil
	}
	rows := [2]store.Row{b.rows[0][link.IDs[0]], b.rows[1][link.IDs[1]]}
	for _, side := range record.Sides() {
		if rows[side].ID == "" {
			return nil // not read yet: it is planned when it has been
		}
		if _, busy := b.busy[store.Spot{Side: side, ID: link.IDs[side]}]; busy {
			b.again(link.IDs[b.side])
			return nil
		}
	}
	if b.r.p.copies != nil {
		if b.planned[link.ID] {
			return nil
		}
		b.planned = noted(b.planned, link.ID)
	}
	if stop, err := b.replaced(ctx, &link, rows); err != nil || stop {
		return err
	}
	if b.r.p.copies != nil && b.handOver(link, rows) {
		return nil
	}
	gone := [2]bool{rows[0].Fate != connector.Present, rows[1].Fate != connector.Present}
	if gone[0] || gone[1] {
		return b.gone(ctx, link, rows, gone)
	}
	d := b.draft(link, rows)
	b.bothBack(d)
	b.forgetWaiting(d)
	if left, err := b.leftScope(d); err != nil || left {
		return err
	}
	return b.merge(ctx, d)
}

// replaced notices that another record now answers to a linked id: a vendor that was
// restored from a backup and counts anew, or another installation (R33). The pair is left
// alone until a person has looked.
func (b *batch) replaced(ctx context.Context, link *store.Link, rows [2]store.Row) (bool, error) {
	for _, side := range record.Sides() {
		was, is := link.Created[side], rows[side].Created
		if was.IsZero() || is.IsZero() || rows[side].Fate != connector.Present || is.Sub(was).Abs() < time.Minute {
			continue
		}
		about := identitySubject(link.ID)
		switch decided, err := b.decided(ctx, about); {
		case err != nil:
			return false, err
		case decided == "keep":
			link.Created[side] = is
			b.facts.Links = append(b.facts.Links, *link)
			continue
		case decided == "unlink":
			b.closeLink(*link, closedHand, "a person said that it is another record")
			return true, nil
		}
		of := b.r.p.ends[side].of
		b.review(store.Review{Kind: store.ReviewIdentity, Subject: about, Link: link.ID, Side: side, Record: link.IDs[side],
			Text: fmt.Sprintf("%s/%s was created on %s when it was linked and says %s now: it is another record under the same id", of, link.IDs[side],
				b.r.e.moment(was), b.r.e.moment(is)),
			Fix:     "was the vendor restored from a backup, or does the address lead elsewhere? If all is well, keep the pair; else unlink it",
			Choices: []string{"keep", "unlink"}})
		return true, nil
	}
	if b.r.asking.Load() {
		b.facts.Close = append(b.facts.Close, identitySubject(link.ID))
	}
	return false, nil
}

// A draft is what is being decided about one pair.
type draft struct {
	link    store.Link
	rows    [2]store.Row
	times   merge.Times
	fresh   bool               // the link is made by this decision
	back    bool               // the pair was out of the sync until now
	changed bool               // the link has to be stored
	sets    [2][]store.OpField // by side to be written
	values  [2]record.Fields
	journal []store.Entry
	waits   bool            // something is not translatable yet
	entered map[string]bool // fields that get what a person entered

	noted map[string]string // why fields diverged before this decision
}

func (b *batch) draft(link store.Link, rows [2]store.Row) *draft {
	for _, side := range record.Sides() {
		link.Base[side] = link.Base[side].Clone()
		link.Expected[side] = link.Expected[side].Clone()
		if link.Base[side] == nil {
			link.Base[side] = record.Fields{}
		}
	}
	diverged, noted := make(map[string]string, len(link.Diverged)), link.Diverged
	maps.Copy(diverged, noted)
	link.Diverged = diverged
	return &draft{noted: noted, link: link, rows: rows, times: b.times(rows)}
}

// times are the moments at which a person last edited each record, by our clock: the vendor's
// stamp, or else the time between two reads of ours (R9).
func (b *batch) times(rows [2]store.Row) merge.Times {
	var t merge.Times
	for _, side := range record.Sides() {
		clock := b.r.p.ends[side].conn.known.Identity.Clock
		from, to := rows[side].Edited[0], rows[side].Edited[1]
		switch at := rows[side].Modified; {
		case to.IsZero() && !at.IsZero(): // a row from before the times of edits were kept
			t.At[side], t.Known[side] = at.Add(-clock), true
		case to.Equal(from) && !to.IsZero():
			t.At[side], t.Known[side] = to.Add(-clock), true
		case !from.IsZero():
			t.Since[side], t.At[side], t.Known[side] = from, to, true
		}
	}
	return t
}

func (d *draft) diverge(key, why string) {
	if d.link.Diverged[key] != why {
		d.link.Diverged[key] = why
		d.changed = true
	}
}

func (d *draft) converge(key string) {
	if _, ok := d.link.Diverged[key]; ok {
		delete(d.link.Diverged, key)
		d.changed = true
	}
}

// store keeps the draft's link if anything about it changed.
func (b *batch) store(d *draft) {
	if d.changed || d.fresh {
		b.facts.Links = append(b.facts.Links, d.link)
	}
	b.facts.Journal = append(b.facts.Journal, d.journal...)
}

// merge merges a pair field by field and plans what has to be written (R8).
func (b *batch) merge(ctx context.Context, d *draft) error {
	b.dropUnmapped(d)
	b.meetExpected(d)
	b.correct(d)
	for i := range b.r.p.Mapping.Fields() {
		if err := b.mergeField(ctx, d, i); err != nil {
			return err
		}
	}
	if err := b.mergeMembers(ctx, d); err != nil {
		return err
	}
	planned := false
	for _, side := range record.Sides() {
		some, err := b.mayUpdate(ctx, d, side)
		if err != nil {
			return err
		}
		if some {
			b.update(d, side)
			planned = true
		}
	}
	b.r.looked[d.link.ID] = b.r.looked[d.link.ID] || planned
	if d.waits {
		b.waitForParents(d)
	}
	for _, side := range record.Sides() {
		b.waitForPartners(side, d.rows[side])
	}
	b.store(d)
	return nil
}

// dropUnmapped forgets the base of fields that are no longer mapped: mapped again one day,
// they start anew (R5).
func (b *batch) dropUnmapped(d *draft) {
	for _, side := range record.Sides() {
		for _, key := range d.link.Base[side].Names() {
			if _, ok := b.r.p.index[key]; !ok {
				d.journal = append(d.journal, b.entry(d.link, side, store.Unmapped, key, d.link.Base[side][key], record.Value{}, "no longer in the configuration"))
				delete(d.link.Base[side], key)
				d.changed = true
				b.withdrawField(d, key)
			}
		}
		for key := range d.link.Expected[side] {
			if _, ok := b.r.p.index[key]; !ok {
				delete(d.link.Expected[side], key)
				d.changed = true
			}
		}
	}
}

// meetExpected compares what was written and not read back with what is there now (R2).
func (b *batch) meetExpected(d *draft) {
	doubted := d.doubted()
	for _, side := range record.Sides() {
		if d.rows[side].Fate != connector.Present {
			continue // it shows nothing any more
		}
		for _, key := range d.link.Expected[side].Names() { // in order (invariant 12)
			sent := d.link.Expected[side][key]
			if b.neverShown(d, key) {
				continue
			}
			i := b.r.p.index[key]
			f := fieldOn(b.r.p.Mapping.Fields()[i], side)
			own, known, err := b.r.p.Mapping.Own(i, side, d.rows[side].Fields, b.refs)
			if err != nil || !known {
				continue
			}
			delete(d.link.Expected[side], key)
			d.changed = true
			if base, agreed := d.link.Base[side][key]; agreed && doubted[side][key] && !f.Echoes(own, sent) && f.Same(own, base) {
				continue // it was gone before anybody knew whether the write took effect, which it did not
			}
			if f.Echoes(own, sent) {
				d.link.Base[side][key] = own
				d.journal = append(d.journal, b.entry(d.link, side, store.Agreed, f.Name, sent, own, readBack))
				continue
			}
			// A person was quicker: agreed is what we wrote, and theirs is a change since.
			d.link.Base[side][key] = sent
			d.journal = append(d.journal, b.entry(d.link, side, store.Agreed, f.Name, sent, sent, "written; changed again before it was read back"))
		}
	}
}

// doubted are the fields of each side of which nobody knows if they were ever written, since the record was
// gone when that was looked up, whichever way it has come back. Of a write that was answered the other
// side expects its value too; see expect.
func (d *draft) doubted() (fields [2]map[string]bool) {
	for _, side := range record.Sides() {
		fields[side] = map[string]bool{}
		for key := range d.link.Expected[side] {
			_, answered := d.link.Expected[side.Other()][key]
			fields[side][key] = !answered
		}
	}
	return fields
}

// neverShown reports whether a field was written into a record that was gone before anything showed it:
// nobody has agreed on that (R22), but should the record come back with it, it is no person's.
func (b *batch) neverShown(d *draft, key string) bool {
	i := b.r.p.index[key]
	for _, side := range record.Sides() {
		sent, expected := d.link.Expected[side][key]
		if !expected || d.rows[side].Fate == connector.Present {
			continue
		}
		own, known, err := b.r.p.Mapping.Own(i, side, d.rows[side].Fields, b.refs)
		if err != nil || !known || !fieldOn(b.r.p.Mapping.Fields()[i], side).Echoes(own, sent) {
			return true
		}
	}
	return false
}

// update plans one operation with all fields of one side (R27: it names the rows it was
// decided from).
func (b *batch) update(d *draft, side record.Side) {
	was := make(record.Fields, len(d.values[side]))
	for name := range d.values[side] {
		if v, ok := d.rows[side].Fields[name]; ok {
			was[name] = v
		}
	}
	op := b.newOp(side, connector.Update)
	op.Link, op.TargetID, op.SourceID = d.link.ID, d.link.IDs[side], d.link.IDs[side.Other()]
	op.Set, op.Was, op.Fields = d.values[side], was, d.sets[side]
	op.Seen = [2]int64{d.rows[0].Seq, d.rows[1].Seq}
	op.IfVersion = d.rows[side].Version
	b.facts.Ops = append(b.facts.Ops, op)
}

func (b *batch) newOp(side record.Side, verb connector.Verb) store.Op {
	id := b.r.e.store.NewID()
	return store.Op{ID: id, Run: b.r.id, Sync: b.r.p.Name, Side: side, Target: b.r.p.ends[side].of, Verb: verb,
		Key: b.r.e.opKey(id), State: store.OpHeld}
}

// waitForParents asks to be planned again when a referenced record gets its partner (R28).
func (b *batch) waitForParents(d *draft) {
	for _, side := range record.Sides() {
		b.waitOn(side, d.rows[side])
	}
}

func (b *batch) waitOn(side record.Side, row store.Row) {
	for _, f := range b.r.p.references(side) {
		for _, id := range idsOf(row.Fields[f.Name]) {
			if _, ok := b.refs.Translate(side, f.To, id); !ok {
				b.facts.Waits = append(b.facts.Waits, store.Wait{Spot: store.Spot{Side: side, ID: row.ID},
					On: store.Object{Connection: b.r.p.ends[side].of.Connection, Name: f.To}, OnID: id})
			}
		}
	}
}

// entry is one line of the journal about a record of a link.
func (b *batch) entry(l store.Link, side record.Side, kind store.EntryKind, field string, was, is record.Value, why string) store.Entry {
	return b.r.entry(l, side, kind, field, was, is, why)
}

func (r *run) entry(l store.Link, side record.Side, kind store.EntryKind, field string, was, is record.Value, why string) store.Entry {
	return store.Entry{At: time.Now(), Run: r.id, Sync: r.p.Name, Link: l.ID, Side: side, Of: r.p.ends[side].of,
		Record: l.IDs[side], Kind: kind, Field: field, Old: was, New: is, Why: why}
}
