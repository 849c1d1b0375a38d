package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A value map that changes makes pairs differ that nobody has edited (R19). So does one that was
// tried and set back, or changed once more, before anybody approved of it: what people edited
// meanwhile was carried over by it (R7: such a difference must not pass for agreement).

// takeUpTried makes out by which other rules values were carried over since any were approved of,
// and remembers today's if they are such.
func (r *run) takeUpTried(ctx context.Context, tried []string, present string) error {
	f := r.former
	if !f.back && len(f.revalue) > 0 && !slices.Contains(tried, present) && r.dry == nil {
		if err := r.e.store.Try(ctx, r.p.Name, present); err != nil {
			return fmt.Errorf("remember the rules that are tried: %w", err)
		}
	}
	for _, rules := range tried {
		if rules == present {
			continue
		}
		was, err := r.e.formerly(r.p, rules)
		if err != nil {
			return err
		}
		if was != nil {
			f.tried = append(f.tried, was)
			f.compare(r.p, was)
		}
	}
	return nil
}

// revalued handles a field that nobody has edited and whose value map has changed: the one
// side then no longer says what the other one means. anew tells that it is to be compared as at
// a first match.
func (b *batch) revalued(ctx context.Context, d *draft, i int, in merge.Field) (anew bool, err error) {
	m, f := b.r.p.Mapping, b.r.former
	field := m.Fields()[i]
	if d.fresh || m.Same(i, in.Cells[0].Value, in.Cells[1].Value) {
		return false, nil
	}
	if f == nil || !f.revalue[field.Key] {
		return b.revaluedAway(ctx, d, i, in)
	}
	from, tried := b.r.p.leading(i), false
	if b.carriedBy(b.r.p.Resolved, field, from, in) {
		return false, nil
	}
	if !b.carriedBy(f.Resolved, field, from, in) {
		if tried = slices.ContainsFunc(f.tried, func(was *plan.Resolved) bool { return b.carriedBy(was, field, from, in) }); !tried {
			return false, nil // they differed before, and a rule said so
		}
		last, err := b.lastWritten(ctx, d, field)
		if err != nil || last.Why == keptValues { // a person has said that it stays
			return false, err
		}
		if !wrote(last) { // people entered both, and only the map that was tried said that they are the same
			b.disagree(d, field)
			return true, nil
		}
		from = last.Side.Other() // that it was we who wrote it there loses nobody's value
	}
	to := from.Other()
	sent, told, err := m.Convert(i, from, in.Cells[from].Value, b.refs)
	if err != nil || !told || sent.Equal(in.Cells[to].Value) || !allowed(b.r.p.Rules[i].Direction, field).Allows(to) {
		return false, nil //nolint:nilerr // what cannot be told is shown when somebody edits it
	}
	if in.Consent = b.r.p.consentOf(field, in); in.Consent != nil && in.Consent.Says[to] == record.Denied {
		return false, nil // R32: no value map takes a no away
	}
	out := merge.Outcome{State: merge.StateWrite, Rule: "the value map says so"}
	if !f.back && (f.decided[changesValues] == kept && !tried || b.configured(d, field.Key, in, &out)) {
		return false, nil
	}
	b.write(d, i, in, out, merge.Write{To: to, Value: sent})
	return false, nil
}

// carriedBy reports whether one side of a field is what other rules made of the other side.
func (b *batch) carriedBy(was *plan.Resolved, field mappingField, from record.Side, in merge.Field) bool {
	i := slices.IndexFunc(was.Mapping.Fields(), func(f mappingField) bool { return f.Key == field.Key })
	if i < 0 {
		return false
	}
	before, told, err := was.Mapping.Convert(i, from, in.Cells[from].Value, b.refs)
	return err == nil && told && record.Echoes(in.Cells[from.Other()].Value, before, fieldOn(field, from.Other()).Rewrites)
}

// revaluedAway handles a field that nobody has edited of a pair that was out of the sync until now:
// if the value map is another one than when they agreed, the one side no longer says what the other
// one means (R7), and no approval has reached them. What stands where we wrote last counts as agreed
// on, so that what people entered is carried over by today's map.
func (b *batch) revaluedAway(ctx context.Context, d *draft, i int, in merge.Field) (anew bool, err error) {
	m := b.r.p.Mapping
	field := m.Fields()[i]
	if !d.back || d.link.Diverged[field.Key] != "" || valuesOf(b.r.p.Sync, field.Entry) == nil {
		return false, nil
	}
	for _, from := range record.Sides() {
		if b.carriedBy(b.r.p.Resolved, field, from, in) {
			return false, nil
		}
	}
	last, err := b.lastWritten(ctx, d, field)
	if err != nil || last.Why == keptValues {
		return false, err
	}
	base, told, err := m.Convert(i, last.Side, in.Cells[last.Side].Value, b.refs)
	if !wrote(last) || !told || err != nil {
		b.disagree(d, field)
		return true, nil //nolint:nilerr // what cannot be told by today's map is compared as at a first match
	}
	to := last.Side.Other()
	d.journal = append(d.journal, b.entry(d.link, to, store.Unmapped, field.Key, d.link.Base[to][field.Key], base, "the value map changed while the pair was out of the sync"))
	d.link.Base[to][field.Key], d.changed = base, true
	return true, nil
}

// lastWritten finds the line of the journal that tells what a pair last came to agree on in a field:
// that we have written it on a side, or that people have made both sides agree.
func (b *batch) lastWritten(ctx context.Context, d *draft, field mappingField) (store.Entry, error) {
	of := b.r.p.ends[record.Left].of
	lines, err := b.r.e.store.History(ctx, store.HistoryQuery{Sync: b.r.p.Name, Connection: of.Connection, Object: of.Name, Record: d.link.IDs[record.Left],
		Kinds: []store.EntryKind{store.Written, store.Created, store.Agreed}})
	if err != nil {
		return store.Entry{}, fmt.Errorf("look for what was written last: %w", err)
	}
	for _, e := range slices.Backward(lines) {
		name := fieldOn(field, e.Side).Name
		_, made := e.Set[name]
		if e.Record == d.link.IDs[e.Side] && (e.Field == name || made) && (e.Kind != store.Agreed || e.Why != readBack) {
			return e, nil
		}
	}
	return store.Entry{}, nil
}

// wrote reports whether a line tells that we have written; it is empty if there is none.
func wrote(e store.Entry) bool { return e.Kind == store.Written || e.Kind == store.Created }

// disagree takes an agreement back, so that the field is compared as at a first match (R5).
func (b *batch) disagree(d *draft, field mappingField) {
	for _, side := range record.Sides() {
		d.journal = append(d.journal, b.entry(d.link, side, store.Unmapped, field.Key, d.link.Base[side][field.Key], record.Value{},
			"only a value map that nobody approved of said that both are the same"))
		delete(d.link.Base[side], field.Key)
	}
	d.changed = true
}
