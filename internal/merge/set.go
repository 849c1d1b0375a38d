package merge

import (
	"slices"

	"github.com/tandemhub/tandem/record"
)

// unite is R5 for a set: without a base no side can have removed anything, so each side
// gets what the other has and loses nothing.
func (f *Field) unite() Outcome {
	if f.keyed() {
		return f.uniteKeyed()
	}
	var writes []Write
	for _, to := range record.Sides() {
		from, c := &f.Cells[to.Other()], &f.Cells[to]
		if !f.Direction.Allows(to) {
			continue
		}
		if !from.Translated {
			return f.untold(to.Other())
		}
		if got := with(c.Value, from.Sent); !sameElements(got, c.Value) {
			writes = append(writes, Write{To: to, Value: got})
		}
	}
	return settle(writes, "first match: each side gets the other's elements")
}

// elements is R12: what one side added or removed since the agreement is added to or
// removed from the other. Elements that neither touched stay, whoever put them there.
func (f *Field) elements(changed [2]bool, t Times) Outcome {
	changed, rule := f.again(changed)
	for _, s := range record.Sides() {
		if changed[s] && f.Direction.Allows(s.Other()) && !f.Cells[s].Translated {
			return f.untold(s)
		}
	}
	if source, oneWay := f.source(); oneWay {
		return f.followElements(source, changed, rule)
	}
	if f.Direction != Both {
		return Outcome{State: StateDiverged, Rule: rule + ", and nothing is written in direction none"}
	}
	if f.keyed() {
		return f.mergeKeyed(changed, t, rule)
	}
	var writes []Write
	for _, to := range record.Sides() {
		c := &f.Cells[to]
		if !changed[to.Other()] {
			continue
		}
		if got := applied(c.Value, &f.Cells[to.Other()]); !sameElements(got, c.Value) {
			writes = append(writes, Write{To: to, Value: got})
		}
	}
	return settle(writes, rule)
}

// again is R2 for a set: once a side changes, what the other one has not taken counts as a change
// once more. A single value goes over as a whole; of a set only what changed does, so that what
// was refused would neither be sent again nor shown.
func (f *Field) again(changed [2]bool) (since [2]bool, rule string) {
	since, rule = changed, elementsRule(changed)
	for _, to := range record.Sides() {
		from, r := &f.Cells[to.Other()], f.Refused[to]
		if !f.Direction.Allows(to) || !from.Translated || sameElements(r.Was, r.Sent) {
			continue
		}
		// What both sides have agreed on since then is in the base, and refused no more.
		was, sent, held, now := keys(r.Was), keys(r.Sent), keys(f.Cells[to].Base), keys(from.Sent)
		owed := false
		before := slices.DeleteFunc(slices.Clone(elementsOf(from.SentBase)), func(e record.Value) bool {
			k := key(e)
			lacks := sent[k] && !was[k] && !held[k]
			owed = owed || lacks && now[k]
			return lacks
		})
		for _, e := range elementsOf(r.Was) {
			if k := key(e); !sent[k] && held[k] {
				before, owed = append(before, e), owed || !now[k]
			}
		}
		from.SentBase = record.List(before...)
		if owed {
			since[to.Other()], rule = true, elementsRule(changed)+", and what was refused is sent again"
		}
	}
	return since, rule
}

// followElements is R10 for a set.
func (f *Field) followElements(source record.Side, changed [2]bool, rule string) Outcome {
	to := source.Other()
	from, c := &f.Cells[source], &f.Cells[to]
	if from.Translated && sameElements(from.Sent, c.Value) {
		return Outcome{State: StateAgreed, Rule: "both hold the same elements"}
	}
	held, put := c.Value, changed[to] && f.Enforce
	if put {
		held = c.Base
	}
	switch {
	case changed[source] && f.keyed():
		held, _ = f.carryKeyed(to, held, &source)
	case changed[source]:
		held = applied(held, from)
	case !put:
		return Outcome{State: StateDiverged, Rule: to.String() + " changed, and only " + source.String() + " is carried over"}
	}
	if sameElements(held, c.Value) {
		return Outcome{State: StateAgreed, Rule: rule}
	}
	out := settle([]Write{{To: to, Value: held}}, rule)
	if put {
		out.Conflict, out.Lost = true, &Lost{Side: to, Value: c.Value}
		out.Rule = "enforced: " + source.String() + " is the source"
	}
	return out
}

func settle(writes []Write, rule string) Outcome {
	if len(writes) == 0 {
		return Outcome{State: StateAgreed, Rule: rule}
	}
	return Outcome{State: StateWrite, Writes: writes, Rule: rule}
}

func elementsRule(changed [2]bool) string {
	switch {
	case changed[record.Left] && changed[record.Right]:
		return "elements of both changed"
	case changed[record.Left]:
		return "elements of left changed"
	default:
		return "elements of right changed"
	}
}

// applied carries what a side added and removed over to what the other side holds.
func applied(held record.Value, from *Cell) record.Value {
	now, before := keys(from.Sent), keys(from.SentBase)
	var kept []record.Value
	for _, e := range elementsOf(held) {
		k := key(e)
		if before[k] && !now[k] {
			continue
		}
		kept = append(kept, e)
	}
	have := keysOf(kept)
	for _, e := range elementsOf(from.Sent) {
		if k := key(e); !before[k] && !have[k] {
			kept, have[k] = append(kept, e), true
		}
	}
	return record.List(kept...)
}

// with returns the elements of both, in the order of a and then of b.
func with(a, b record.Value) record.Value {
	all := slices.Clone(elementsOf(a))
	have := keysOf(all)
	for _, e := range elementsOf(b) {
		if k := key(e); !have[k] {
			all, have[k] = append(all, e), true
		}
	}
	return record.List(all...)
}

// elementsOf takes a scalar for a list of one: some vendors send a single choice so.
func elementsOf(v record.Value) []record.Value {
	if v.IsEmpty() || v.IsList() {
		return v.Items()
	}
	return []record.Value{v}
}

func keys(v record.Value) map[string]bool { return keysOf(elementsOf(v)) }

func keysOf(vs []record.Value) map[string]bool {
	m := make(map[string]bool, len(vs))
	for _, e := range vs {
		m[key(e)] = true
	}
	return m
}

// key tells elements apart: a scalar by its text, a struct by its canonical encoding.
func key(e record.Value) string {
	if e.IsList() || e.Fields() != nil {
		return "\x00" + e.String()
	}
	return e.Text()
}

func sameElements(a, b record.Value) bool {
	x, y := elementsOf(a), elementsOf(b)
	if len(x) == len(y) && slices.EqualFunc(x, y, record.Value.Equal) {
		return true
	}
	have, other := keysOf(x), keysOf(y)
	if len(have) != len(other) {
		return false
	}
	for k := range have {
		if !other[k] {
			return false
		}
	}
	return true
}
