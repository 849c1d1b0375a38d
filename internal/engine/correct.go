package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What a person enters in the review queue is an edit like any other, made through Tandem: it
// is written to one side first, by the outbox and with the care of every write, and then
// merged and carried to the other one (R8). Where one of the two sides is not to be written,
// it is written to the other one alone. If somebody has edited the field at a system since
// the person looked, that edit is younger, and holds.

func enterRule(item store.Review) string {
	return store.CorrectionOf + fmt.Sprintf("%d by %s", item.ID, item.By)
}

// enters reports whether a field is written because a person entered it.
func enters(f store.OpField) bool { return strings.HasPrefix(f.Rule, store.CorrectionOf) }

func enteredBy(f store.OpField) string {
	if !enters(f) {
		return ""
	}
	_, who, _ := strings.Cut(f.Rule, " by ")
	return who
}

// correctionOf returns the review item whose values an operation carries.
func correctionOf(op store.Op) (int64, bool) {
	i := slices.IndexFunc(op.Fields, enters)
	if i < 0 {
		return 0, false
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(op.Fields[i].Rule, store.CorrectionOf), " ")
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil
}

// correctsAlone reports whether an operation corrects a record that has no partner yet.
func correctsAlone(op store.Op) bool { return op.Verb == connector.Update && op.Link == 0 }

// takeUpEdits has the records planned again for which people have entered something.
func (r *run) takeUpEdits(ctx context.Context) error {
	items, err := r.e.store.PendingEdits(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load what people entered: %w", err)
	}
	r.edits = map[store.Spot][]store.Review{}
	var dirty []store.Spot
	for _, item := range items {
		spot := store.Spot{Side: item.Side, ID: item.Record}
		r.edits[spot] = append(r.edits[spot], item)
		dirty = append(dirty, spot)
	}
	return r.markDirty(ctx, dirty)
}

// pendingFor returns what is to be entered into one of some records.
func (r *run) pendingFor(spots ...store.Spot) []store.Review {
	r.mu.Lock()
	defer r.mu.Unlock()
	var items []store.Review
	for _, spot := range spots {
		items = append(items, r.edits[spot]...)
	}
	return items
}

// forget ends a person's edit: it has had its result.
func (r *run) forget(id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for spot, items := range r.edits {
		r.edits[spot] = slices.DeleteFunc(slices.Clone(items), func(item store.Review) bool { return item.ID == id })
	}
}

func (b *batch) endEdit(item store.Review) {
	b.facts.Carried = append(b.facts.Carried, item.ID)
	if b.r.dry == nil {
		b.r.forget(item.ID)
	}
}

// correct plans what people have entered for a pair.
func (b *batch) correct(d *draft) {
	for _, item := range b.r.pendingFor(store.Spot{Side: record.Left, ID: d.link.IDs[0]}, store.Spot{Side: record.Right, ID: d.link.IDs[1]}) {
		var fields []store.OpField
		for _, c := range item.Edit.Fields {
			of, fits := b.enter(d, item, c)
			if !fits {
				b.overtaken(d, item)
				fields = nil
				break
			}
			fields = append(fields, of)
		}
		for i, of := range fields {
			b.plan(d, item.Edit.Side, of, item.Edit.Fields[i].To[item.Edit.Side])
		}
	}
}

// dropEdits ends what was entered for a record that is gone or is not synced any more.
func (b *batch) dropEdits(side record.Side, id string) {
	for _, item := range b.r.pendingFor(store.Spot{Side: side, ID: id}) {
		d := &draft{}
		d.link.IDs[item.Edit.Side], d.link.IDs[side], d.rows[side] = item.Record, id, b.rows[side][id]
		b.overtaken(d, item)
		b.facts.Journal = append(b.facts.Journal, d.journal...)
	}
}

func (b *batch) plan(d *draft, side record.Side, of store.OpField, v record.Value) {
	if d.values[side] == nil {
		d.values[side] = record.Fields{}
	}
	if d.entered == nil {
		d.entered = map[string]bool{}
	}
	d.values[side][of.Wire] = v
	d.sets[side] = append(d.sets[side], of)
	d.entered[of.Key] = true
}

// enter makes the write of one field. fits is false if either side no longer holds what the
// person saw, or the field is not to be written any more.
func (b *batch) enter(d *draft, item store.Review, c store.Correction) (of store.OpField, fits bool) {
	side := item.Edit.Side
	i, mapped := b.r.p.index[c.Key]
	if !mapped || d.entered[c.Key] || !b.r.p.enterable(i, side, c.To[side], false) {
		return of, false
	}
	var now [2]record.Value
	for _, s := range record.Sides() {
		own, known, err := b.r.p.Mapping.Own(i, s, d.rows[s].Fields, b.refs)
		if err != nil || known && !own.Equal(c.Now[s]) {
			return of, false
		}
		now[s] = own
	}
	of = store.OpField{Key: c.Key, Wire: c.Wire, Source: now[side.Other()], Rule: enterRule(item)}
	if base, agreed := baseOf(d.link, side, c.Key); agreed && !base.Equal(now[side]) {
		of.Lost = &store.Lost{Side: side, Value: now[side]} // invariant 7
	}
	if b.r.p.passesOn(i, side) { // until it is merged, the other side has yet to be told
		of.Base = new(now[side])
	}
	return of, true
}

// overtaken ends an edit that somebody's edit at a system has made pointless (invariant 7).
func (b *batch) overtaken(d *draft, item store.Review) {
	side := item.Edit.Side
	for _, c := range item.Edit.Fields {
		e := b.entry(d.link, side, store.Overruled, c.Wire, c.To[side], d.rows[side].Fields[c.Wire], enterRule(item)+" was overtaken by what has become of the record since")
		e.By = item.By
		d.journal = append(d.journal, e)
	}
	b.endEdit(item)
}

// enterable reports whether a value may be written to one side of a field. A new record takes
// what cannot be changed later.
func (p *pair) enterable(i int, side record.Side, v record.Value, create bool) bool {
	f := p.Mapping.Fields()[i]
	to, object := fieldOn(f, side), p.ends[side].object
	switch {
	case to.Name == "", !to.Writable(), !p.Rules[i].Direction.Allows(side):
		return false
	case create:
		return object.Create
	default:
		return object.Update && !to.CreateOnly && (!to.NoClear || !v.IsEmpty())
	}
}

// passesOn reports whether what one side of a field holds is carried to the other one.
func (p *pair) passesOn(i int, from record.Side) bool {
	return allowed(p.Rules[i].Direction, p.Mapping.Fields()[i]).Allows(from.Other()) && p.ends[from.Other()].object.Update
}

// correctAlone writes what a person has entered for a record without a partner; once that is
// done it is planned anew, and what it was parked for is tried again (R29). What goes to the
// other side alone becomes part of the create.
func (b *batch) correctAlone(row store.Row) (bool, error) {
	for _, item := range b.r.pendingFor(store.Spot{Side: b.side, ID: row.ID}) {
		fits, err := b.unmoved(item, row)
		if err != nil {
			return false, err
		}
		if !fits {
			d := &draft{link: store.Link{}, rows: [2]store.Row{}}
			d.link.IDs[b.side], d.rows[b.side] = row.ID, row
			b.overtaken(d, item)
			b.facts.Journal = append(b.facts.Journal, d.journal...)
			continue
		}
		if item.Edit.Side != b.side {
			continue
		}
		op := b.newOp(b.side, connector.Update)
		op.TargetID, op.Set, op.Was, op.IfVersion = row.ID, record.Fields{}, record.Fields{}, row.Version
		op.Seen[b.side] = row.Seq
		for _, c := range item.Edit.Fields {
			op.Set[c.Wire], op.Was[c.Wire] = c.To[b.side], row.Fields[c.Wire]
			op.Fields = append(op.Fields, store.OpField{Key: c.Key, Wire: c.Wire, Rule: enterRule(item)})
		}
		b.facts.Ops = append(b.facts.Ops, op)
		b.stand(row.ID, standsWaiting, "what "+item.By+" entered is being written")
		return true, nil
	}
	return false, nil
}

// unmoved reports whether a record still holds what a person saw who entered something.
func (b *batch) unmoved(item store.Review, row store.Row) (bool, error) {
	if item.Side != b.side {
		return false, nil
	}
	for _, c := range item.Edit.Fields {
		i, mapped := b.r.p.index[c.Key]
		if !mapped || !b.r.p.enterable(i, item.Edit.Side, c.To[item.Edit.Side], item.Edit.Side != b.side) {
			return false, nil
		}
		own, known, err := b.r.p.Mapping.Own(i, b.side, row.Fields, b.refs)
		if err != nil {
			return false, fmt.Errorf("field %s: %w", c.Key, err)
		}
		if known && !own.Equal(c.Now[b.side]) {
			return false, nil
		}
	}
	return true, nil
}

// entered returns what a person has entered for a field of a record that is to be created.
func (b *batch) entered(id string, f mappingField, to record.Field) (record.Value, store.OpField, bool) {
	for _, item := range b.r.pendingFor(store.Spot{Side: b.side, ID: id}) {
		for _, c := range item.Edit.Fields {
			if item.Edit.Side != b.side && c.Key == f.Key {
				return c.To[item.Edit.Side], store.OpField{Key: f.Key, Wire: to.Name, Rule: enterRule(item)}, true
			}
		}
	}
	return record.Value{}, store.OpField{}, false
}
