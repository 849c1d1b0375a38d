package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func (b *batch) mergeField(ctx context.Context, d *draft, i int) error {
	m, rule := b.r.p.Mapping, b.r.p.Rules[i]
	f := m.Fields()[i]
	if d.entered[f.Key] {
		return nil // merged once it is written
	}
	in, quiet, err := b.cells(d, i)
	if err != nil {
		return err
	}
	if quiet {
		switch anew, err := b.revalued(ctx, d, i, in); {
		case err != nil:
			return err
		case anew:
			return b.mergeField(ctx, d, i) // without a base, it is not quiet any more
		}
		why := d.link.Diverged[f.Key]
		if waitsForPerson(why) || untellable(f.Key, why) && m.Same(i, in.Cells[0].Value, in.Cells[1].Value) {
			b.inOrder(d, f.Key, in) // people took their edits back
		}
		return b.sendAgain(ctx, d, i, in)
	}
	in.Direction, in.Prefer, in.Enforce, in.Set = allowed(rule.Direction, f), b.prefer(d, f.Key, rule.Prefer), rule.Enforce, f.Set
	in.Keyed = b.r.p.keyed[i]
	in.Same = func(l, r record.Value) bool { return m.Same(i, l, r) }
	if b.takenBack(d, i, &in) {
		return nil
	}
	if err := b.notTaken(ctx, d, i, &in); err != nil {
		return err
	}
	out, err := b.unlessEmptied(ctx, d, i, in, merge.One(in, d.times))
	if err != nil {
		return err
	}
	mails := b.newAddress(d, f, out)
	if out.State == merge.StateAsk || mails {
		if in.Decision, err = b.decision(ctx, d, f.Key, in, mails); err != nil {
			return err
		}
		switch {
		case in.Decision != "":
			out = merge.One(in, d.times)
		case mails:
			out = merge.Outcome{State: merge.StateAsk, Rule: "consent: the person said no to mail"}
		}
	}
	if stop, err := b.flips(ctx, d, f, in, &out); err != nil || stop {
		return err
	}
	if b.byConfiguration(d, f.Key, out) && b.configured(d, f.Key, in, &out) {
		return nil
	}
	return b.apply(ctx, d, i, in, out)
}

// sendAgain writes a field once more that the vendor has refused, if a person says so (R2).
func (b *batch) sendAgain(ctx context.Context, d *draft, i int, in merge.Field) error {
	f := b.r.p.Mapping.Fields()[i]
	if !b.dirty || !strings.HasPrefix(d.link.Diverged[f.Key], refusedBecause) {
		return nil
	}
	to, wanted, err := b.retries(ctx, d, f.Key)
	if err != nil || !wanted || !allowed(b.r.p.Rules[i].Direction, f).Allows(to) {
		return err
	}
	from := &in.Cells[to.Other()]
	b.translate(d, i, to.Other(), from, f.Set)
	if from.Translated {
		b.write(d, i, in, merge.Outcome{Rule: "sent again, as a person decided"}, merge.Write{To: to, Value: from.Sent})
	}
	return nil
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
		if f.Computed(side) {
			b.notComputed(d, i, side, c.Known)
		}
		c.Base, c.HasBase = baseOf(d.link, side, f.Key)
		if own := fieldOn(f, side); own.Kind == record.KindList { // R12
			c.Value, c.Base = own.Plain(c.Value), own.Plain(c.Base)
			b.leaveToMembers(d, i, side, c)
		}
		quiet = quiet && c.HasBase && c.Known && c.Value.Equal(c.Base)
	}
	if quiet && !b.r.p.Rules[i].Enforce {
		return in, true, nil
	}
	for _, side := range record.Sides() {
		b.translate(d, i, side, &in.Cells[side], f.Set)
	}
	byRules(f, &in)
	in.Consent = b.consentOf(d, f, in)
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
		if fieldOn(f, side).To != "" && !f.Computed(side.Other()) {
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

// untellable reports whether a field's note is that of translate: a value cannot be told to the
// other side, and that is the value's own fault.
func untellable(key, why string) bool { return strings.HasPrefix(why, "convert "+key+": ") }

// unsettled reports whether a value other than the one agreed on is still on its way to the other
// side, by what is noted of its field: nobody has merged it, a person is asked, or it cannot be told.
// Else a rule lets it differ (R7), as it does with a follower's edit (R10).
func (b *batch) unsettled(i int, side record.Side, why string) bool {
	f := b.r.p.Mapping.Fields()[i]
	return why == "" || waitsForPerson(why) || untellable(f.Key, why) && allowed(b.r.p.Rules[i].Direction, f).Allows(side.Other())
}

// waitsForPerson reports whether a field's note says that a person is asked about its values.
func waitsForPerson(why string) bool {
	return why == waitsForDecision || why == waitsSinceRestore || why == waitsForOrder
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
		d.diverge(f.Key, b.askedBecause(d, f.Key, in))
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
	if len(out.Writes) > 1 { // R12: until the other write is settled, only the other side's part is agreed
		of.Base = new(in.Cells[w.To.Other()].Sent)
	}
	if d.values[w.To] == nil {
		d.values[w.To] = record.Fields{}
	}
	d.values[w.To][to.Name] = to.WithIDs(d.rows[w.To].Fields[to.Name], w.Value)
	d.sets[w.To] = append(d.sets[w.To], of)
}

// Why a field differs that a vendor has no way to write.
const (
	cannotEmpty  = "cannot be emptied there"
	cannotChange = "cannot be changed there"
)

// cannot notes a write that the vendor has no way for: it is shown and not retried until a
// side changes again (R11).
func (b *batch) cannot(d *draft, f mappingField, in merge.Field, w merge.Write, to record.Field) {
	why := cannotEmpty
	if to.CreateOnly {
		why = cannotChange
	}
	for _, side := range record.Sides() {
		d.link.Base[side][f.Key] = in.Cells[side].Value
	}
	d.changed = true
	d.diverge(f.Key, why)
	d.journal = append(d.journal, b.entry(d.link, w.To, store.Refused, to.Name, in.Cells[w.To].Value, w.Value, why))
}
