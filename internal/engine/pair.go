package engine

import (
	"context"
	"fmt"
	"maps"
	"strings"
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

// maxReversals is how often in a day the source's value is put back at a follower that
// keeps changing it, before a person is asked (R10).
const maxReversals = 3

// linked decides about a linked pair.
func (b *batch) linked(ctx context.Context, link store.Link) error {
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
	if stop, err := b.replaced(ctx, &link, rows); err != nil || stop {
		return err
	}
	gone := [2]bool{rows[0].Fate != connector.Present, rows[1].Fate != connector.Present}
	if gone[0] || gone[1] {
		return b.gone(ctx, link, rows, gone)
	}
	d := b.draft(link, rows)
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
		about := fmt.Sprintf("identity %d", link.ID)
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
				was.UTC().Format(time.DateTime), is.UTC().Format(time.DateTime)),
			Fix:     "was the vendor restored from a backup, or does the address lead elsewhere? If all is well, keep the pair; else unlink it",
			Choices: []string{"keep", "unlink"}})
		return true, nil
	}
	return false, nil
}

// A draft is what is being decided about one pair.
type draft struct {
	link    store.Link
	rows    [2]store.Row
	times   merge.Times
	fresh   bool               // the link is made by this decision
	changed bool               // the link has to be stored
	sets    [2][]store.OpField // by side to be written
	values  [2]record.Fields
	journal []store.Entry
	waits   bool // something is not translatable yet
}

func (b *batch) draft(link store.Link, rows [2]store.Row) *draft {
	for _, side := range record.Sides() {
		link.Base[side] = link.Base[side].Clone()
		link.Expected[side] = link.Expected[side].Clone()
		if link.Base[side] == nil {
			link.Base[side] = record.Fields{}
		}
	}
	diverged := make(map[string]string, len(link.Diverged))
	maps.Copy(diverged, link.Diverged)
	link.Diverged = diverged
	return &draft{link: link, rows: rows, times: b.times(rows)}
}

// times are the moments at which a person last edited each record, by our clock (R9).
func (b *batch) times(rows [2]store.Row) merge.Times {
	var t merge.Times
	for _, side := range record.Sides() {
		if at := rows[side].Modified; !at.IsZero() {
			t.At[side] = at.Add(-b.r.p.ends[side].conn.known.Identity.Clock)
			t.Known[side] = true
		}
	}
	return t
}

// leftScope handles a pair of which a side no longer passes its filter.
func (b *batch) leftScope(d *draft) (bool, error) {
	for _, side := range record.Sides() {
		in, err := b.r.p.Mapping.InScope(side, d.rows[side].Fields, b.refs)
		if err != nil {
			return false, fmt.Errorf("where.%s: %w", side, err)
		}
		if in {
			continue
		}
		why := side.String() + " no longer passes the filter"
		switch b.r.p.Leave {
		case plan.LeaveUnlink:
			b.closeLink(d.link, closedFilter, why)
		case plan.LeaveArchive:
			other := side.Other()
			if _, busy := b.busy[store.Spot{Side: other, ID: d.link.IDs[other]}]; !busy {
				b.remove(d.link, d.rows, other, connector.Archive, why)
			}
		default: // keep: the pair stays linked and at rest
			d.diverge(wholeRecord, why)
			b.store(d)
		}
		return true, nil
	}
	d.converge(wholeRecord)
	return false, nil
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
	for i := range b.r.p.Mapping.Fields() {
		if err := b.mergeField(ctx, d, i); err != nil {
			return err
		}
	}
	planned := false
	for _, side := range record.Sides() {
		if len(d.sets[side]) > 0 {
			b.update(d, side)
			planned = true
		}
	}
	b.r.looked[d.link.ID] = b.r.looked[d.link.ID] || planned
	if d.waits {
		b.waitForParents(d)
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
	for _, side := range record.Sides() {
		for key, sent := range d.link.Expected[side] {
			i := b.r.p.index[key]
			f := fieldOn(b.r.p.Mapping.Fields()[i], side)
			own, known, err := b.r.p.Mapping.Own(i, side, d.rows[side].Fields, b.refs)
			if err != nil || !known {
				continue
			}
			delete(d.link.Expected[side], key)
			d.changed = true
			if record.Echoes(own, sent, f.Rewrites) {
				d.link.Base[side][key] = own
				d.journal = append(d.journal, b.entry(d.link, side, store.Agreed, f.Name, sent, own, "read back"))
				continue
			}
			// A person was quicker: agreed is what we wrote, and theirs is a change since.
			d.link.Base[side][key] = sent
			d.journal = append(d.journal, b.entry(d.link, side, store.Agreed, f.Name, sent, sent, "written; changed again before it was read back"))
		}
	}
}

func (b *batch) mergeField(ctx context.Context, d *draft, i int) error {
	m, rule := b.r.p.Mapping, b.r.p.Rules[i]
	f := m.Fields()[i]
	in, quiet, err := b.cells(d, i)
	if err != nil {
		return err
	}
	if quiet {
		if d.link.Diverged[f.Key] == waitsForDecision {
			b.inOrder(d, f.Key, in) // people took their edits back
		}
		return nil
	}
	in.Direction, in.Prefer, in.Enforce, in.Set = allowed(rule.Direction, f), rule.Prefer, rule.Enforce, f.Set
	in.Same = func(l, r record.Value) bool { return m.Same(i, l, r) }
	out := merge.One(in, d.times)
	if out.State == merge.StateAsk {
		if in.Decision, err = b.decision(ctx, d, f.Key, in); err != nil {
			return err
		}
		if in.Decision != "" {
			out = merge.One(in, d.times)
		}
	}
	return b.apply(ctx, d, i, in, out)
}

// allowed narrows a direction to what the mapping can convert.
func allowed(dir merge.Direction, f mappingField) merge.Direction {
	right, left := dir.Allows(record.Right) && f.ToRight, dir.Allows(record.Left) && f.ToLeft
	switch {
	case right && left:
		return merge.Both
	case right:
		return merge.LeftToRight
	case left:
		return merge.RightToLeft
	default:
		return merge.None
	}
}

// cells prepares both sides of one field for the merge. quiet says that neither has changed
// since the last agreement, which is so for nearly all fields of nearly all records.
func (b *batch) cells(d *draft, i int) (in merge.Field, quiet bool, err error) {
	m := b.r.p.Mapping
	f := m.Fields()[i]
	quiet = true
	for _, side := range record.Sides() {
		c := &in.Cells[side]
		if c.Value, c.Known, err = m.Own(i, side, d.rows[side].Fields, b.refs); err != nil {
			return in, false, fmt.Errorf("field %s: %w", f.Key, err)
		}
		c.Base, c.HasBase = baseOf(d.link, side, f.Key)
		quiet = quiet && c.HasBase && c.Known && c.Value.Equal(c.Base)
	}
	if quiet && !b.r.p.Rules[i].Enforce {
		return in, true, nil
	}
	for _, side := range record.Sides() {
		b.translate(d, i, side, &in.Cells[side], f.Set)
	}
	return in, false, nil
}

func baseOf(l store.Link, side record.Side, key string) (record.Value, bool) {
	v, ok := l.Base[side][key]
	return v, ok
}

// translate says how one side's value would read on the other one. What cannot be told is
// absent there (R11); if it is the value's own fault, it is shown.
func (b *batch) translate(d *draft, i int, side record.Side, c *merge.Cell, set bool) {
	if !c.Known {
		return
	}
	m := b.r.p.Mapping
	f := m.Fields()[i]
	var err error
	if c.Sent, c.Translated, err = m.Convert(i, side, c.Value, b.refs); err != nil {
		c.Translated = false
		d.diverge(f.Key, err.Error())
		return
	}
	if !c.Translated {
		d.waits = true
		if fieldOn(f, side).To != "" {
			c.Known = false // R11: a reference to a record without a partner is absent
		}
		return
	}
	if set && c.HasBase {
		if base, ok, err := m.Convert(i, side, c.Base, b.refs); err == nil && ok {
			c.SentBase = base
		}
	}
}

// apply turns the outcome of one field into facts.
func (b *batch) apply(ctx context.Context, d *draft, i int, in merge.Field, out merge.Outcome) error {
	f := b.r.p.Mapping.Fields()[i]
	if out.Conflict {
		b.r.conflicts[subject(d.link.ID, f.Key)] = true
	}
	switch out.State {
	case merge.StateAgreed:
		b.agree(d, f, in, out)
	case merge.StateWrite:
		for _, w := range out.Writes {
			if b.r.p.Rules[i].Enforce && in.Cells[w.To].HasBase && in.Cells[w.To.Other()].Value.Equal(in.Cells[w.To.Other()].Base) {
				stop, err := b.reversedTooOften(ctx, d, f, in, w)
				if err != nil || stop {
					return err
				}
			}
			b.write(d, i, in, out, w)
		}
	case merge.StateAsk:
		d.diverge(f.Key, waitsForDecision)
	case merge.StateDiverged:
		d.diverge(f.Key, out.Rule)
	case merge.StateEqual, merge.StateUnknown:
	}
	return nil
}

// agree moves both bases to what is there now, with the line that says so (invariant 2). A
// first match is explained by its one line "linked".
func (b *batch) agree(d *draft, f mappingField, in merge.Field, out merge.Outcome) {
	for _, side := range record.Sides() {
		d.link.Base[side][f.Key] = in.Cells[side].Value
	}
	d.changed = true
	b.inOrder(d, f.Key, in)
	if d.fresh {
		return
	}
	d.journal = append(d.journal, b.entry(d.link, record.Right, store.Agreed, f.Right.Name,
		in.Cells[record.Right].Base, in.Cells[record.Right].Value, out.Rule))
}

// inOrder ends what was noted and asked about a field of which nothing is open any more.
func (b *batch) inOrder(d *draft, key string, in merge.Field) {
	if _, was := d.link.Diverged[key]; !was && (d.fresh || in.Cells[0].HasBase && in.Cells[1].HasBase) {
		return
	}
	d.converge(key)
	b.facts.Close = append(b.facts.Close, subject(d.link.ID, key))
	for _, side := range record.Sides() {
		b.facts.Close = append(b.facts.Close, fieldSubject(side, d.link.IDs[side], key))
	}
}

// write plans one field for the update of one side, if that side can take it.
func (b *batch) write(d *draft, i int, in merge.Field, out merge.Outcome, w merge.Write) {
	f := b.r.p.Mapping.Fields()[i]
	to := fieldOn(f, w.To)
	if (to.NoClear && w.Value.IsEmpty() || to.CreateOnly) && !d.fresh {
		b.cannot(d, f, in, w, to)
		return
	}
	if b.r.tooOften(d.link.ID, f.Key, w.To) {
		b.review(store.Review{Kind: store.ReviewConflict, Subject: subject(d.link.ID, f.Key), Link: d.link.ID, Side: w.To, Record: d.link.IDs[w.To], Field: f.Key,
			Values: [2]record.Value{in.Cells[0].Value, in.Cells[1].Value}, Choices: []string{"left", "right"},
			Text: fmt.Sprintf("%s keeps changing back: it was written %d times in one run", to.Name, maxFieldRounds),
			Fix:  "look for an automation at either side that sets this field, or make the field one-way"})
		d.diverge(f.Key, "keeps changing back")
		return
	}
	b.inOrder(d, f.Key, in)
	of := store.OpField{Key: f.Key, Wire: to.Name, Source: in.Cells[w.To.Other()].Value, Rule: out.Rule}
	if out.Lost != nil && out.Lost.Side == w.To {
		of.Lost = &store.Lost{Side: out.Lost.Side, Value: out.Lost.Value}
	}
	if d.values[w.To] == nil {
		d.values[w.To] = record.Fields{}
	}
	d.values[w.To][to.Name] = w.Value
	d.sets[w.To] = append(d.sets[w.To], of)
}

// cannot notes a write that the vendor has no way for: it is shown and not retried until a
// side changes again (R11).
func (b *batch) cannot(d *draft, f mappingField, in merge.Field, w merge.Write, to record.Field) {
	why := "cannot be emptied there"
	if to.CreateOnly {
		why = "cannot be changed there"
	}
	for _, side := range record.Sides() {
		d.link.Base[side][f.Key] = in.Cells[side].Value
	}
	d.changed = true
	d.diverge(f.Key, why)
	d.journal = append(d.journal, b.entry(d.link, w.To, store.Refused, to.Name, in.Cells[w.To].Value, w.Value, why))
}

// reversedTooOften asks a person when an enforced field has been put back three times in a
// day and was changed once more (R10).
func (b *batch) reversedTooOften(ctx context.Context, d *draft, f mappingField, in merge.Field, w merge.Write) (bool, error) {
	to := fieldOn(f, w.To)
	of := b.r.p.ends[w.To].of
	lines, err := b.r.e.store.History(ctx, store.HistoryQuery{Connection: of.Connection, Object: of.Name, Record: d.link.IDs[w.To], Since: time.Now().Add(-guardDay)})
	if err != nil {
		return false, fmt.Errorf("count reversals: %w", err)
	}
	n := 0
	for _, e := range lines {
		if e.Kind == store.Overruled && e.Field == to.Name && strings.HasPrefix(e.Why, "enforced") {
			n++
		}
	}
	if n < maxReversals {
		return false, nil
	}
	d.diverge(f.Key, "put back too often")
	b.review(store.Review{Kind: store.ReviewConflict, Subject: subject(d.link.ID, f.Key), Link: d.link.ID, Side: w.To, Record: d.link.IDs[w.To], Field: f.Key,
		Values: [2]record.Value{in.Cells[0].Value, in.Cells[1].Value}, Choices: []string{"left", "right"},
		Text: fmt.Sprintf("%s of %s/%s was put back %d times within a day and changed again", to.Name, of, d.link.IDs[w.To], n),
		Fix:  "talk to whoever changes it, or take enforce off the field"})
	return true, nil
}

func (r *run) tooOften(link int64, key string, side record.Side) bool {
	k := fmt.Sprintf("%d %s %d", link, key, side)
	r.rounds[k]++
	return r.rounds[k] > maxFieldRounds
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

// decision looks up what a person decided about a conflict between exactly these values,
// and asks if nobody did. Conflicts of first matches are one question per field (R5).
func (b *batch) decision(ctx context.Context, d *draft, key string, in merge.Field) (merge.Prefer, error) {
	first := !in.Cells[0].HasBase || !in.Cells[1].HasBase
	about := subject(d.link.ID, key)
	if first {
		about = firstSubject(key)
	}
	was, err := b.r.decision(ctx, about)
	if err != nil {
		return "", err
	}
	if (was.Decision == "left" || was.Decision == "right") &&
		(first || was.Values[0].Equal(in.Cells[0].Value) && was.Values[1].Equal(in.Cells[1].Value)) {
		return merge.Prefer(was.Decision), nil
	}
	item := store.Review{Kind: store.ReviewConflict, Subject: about, Link: d.link.ID, Side: record.Left, Record: d.link.IDs[0], Field: key,
		Values: [2]record.Value{in.Cells[0].Value, in.Cells[1].Value}, Choices: []string{"left", "right"},
		Text: fmt.Sprintf("both sides changed %s: left has %q, right has %q", key, in.Cells[0].Value, in.Cells[1].Value),
		Fix:  "say which one holds: left or right"}
	if first {
		item.Link, item.Record = 0, ""
		item.Text = fmt.Sprintf("records that were matched hold different values of %s, for example %s/%s %q and %s/%s %q", key,
			b.r.p.ends[0].of, d.link.IDs[0], in.Cells[0].Value, b.r.p.ends[1].of, d.link.IDs[1], in.Cells[1].Value)
		item.Fix = "say once which side wins for this field in all first matches: left or right; what loses is kept in the history"
	}
	b.review(item)
	return "", nil
}

func subject(link int64, key string) string { return fmt.Sprintf("link %d %s", link, key) }
func firstSubject(key string) string        { return "first match " + key }

// fieldSubject is the subject of a review item about one value of a record that could not be
// carried over.
func fieldSubject(side record.Side, id, key string) string {
	return fmt.Sprintf("field %s %s %s", side, id, key)
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

// review opens a review item of this run's sync, or refreshes it. Of one subject, a batch
// opens one item.
func (b *batch) review(item store.Review) {
	if b.asked == nil {
		b.asked = map[string]bool{}
	}
	if b.asked[item.Subject] {
		return
	}
	b.asked[item.Subject] = true
	item.ID, item.Sync, item.Opened = b.r.e.store.NewID(), b.r.p.Name, time.Now()
	b.facts.Reviews = append(b.facts.Reviews, item)
}

// entry is one line of the journal about a record of a link.
func (b *batch) entry(l store.Link, side record.Side, kind store.EntryKind, field string, was, is record.Value, why string) store.Entry {
	return b.r.entry(l, side, kind, field, was, is, why)
}

func (r *run) entry(l store.Link, side record.Side, kind store.EntryKind, field string, was, is record.Value, why string) store.Entry {
	return store.Entry{At: time.Now(), Run: r.id, Sync: r.p.Name, Link: l.ID, Side: side, Of: r.p.ends[side].of,
		Record: l.IDs[side], Kind: kind, Field: field, Old: was, New: is, Why: why}
}
