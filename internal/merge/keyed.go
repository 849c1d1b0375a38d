package merge

import (
	"maps"
	"slices"

	"github.com/tandemhub/tandem/record"
)

// A Keyed says how the elements of one side's list are told apart: a phone by its number.
type Keyed struct {
	Name string                    // the field of an element that is its key
	Key  func(record.Value) string // the key's normal form; "" = none: such an element is nobody's but its side's
}

func (f *Field) keyed() bool { return f.Keyed[0].Key != nil && f.Keyed[1].Key != nil }

// of is the key of an element; "" if it has none.
func (k Keyed) of(e record.Value) string {
	v := e.Fields()[k.Name]
	if v.IsEmpty() {
		return ""
	}
	return k.Key(v)
}

// index returns the fields of the elements by key; of several with one key the first.
func (k Keyed) index(v record.Value) map[string]record.Fields {
	m := make(map[string]record.Fields, len(v.Items()))
	for _, e := range v.Items() {
		if key := k.of(e); key != "" && m[key] == nil {
			m[key] = e.Fields()
		}
	}
	return m
}

// uniteKeyed is R5 for a keyed list: without a base nothing was removed. Each side gets the
// elements that it lacks; of one that both have, empty fields are filled.
func (f *Field) uniteKeyed() Outcome {
	winner, rule, decided := f.firstWinner()
	out := f.eachWay([2]bool{true, true}, winner, decided, "first match: each side gets the other's elements")
	return f.judged(out, rule, decided)
}

// mergeKeyed is R12 for a keyed list: elements that one side added, removed or changed since
// the agreement are added, removed or changed on the other, field by field.
func (f *Field) mergeKeyed(changed [2]bool, t Times, elements string) Outcome {
	winner, rule, decided := f.winner(t)
	return f.judged(f.eachWay(changed, winner, decided, elements), rule, decided)
}

// judged says by which rule the values that excluded each other were decided, or asks.
func (f *Field) judged(out Outcome, rule string, decided bool) Outcome {
	switch {
	case !out.Conflict:
		return out
	case !decided:
		return Outcome{State: StateAsk, Conflict: true, Rule: rule}
	}
	out.Rule = rule
	return out
}

// winner says who wins where both sides changed the same.
func (f *Field) winner(t Times) (winner record.Side, rule string, decided bool) {
	if s, ok := f.Decision.side(); ok {
		return s, "both changed: decided for " + s.String(), true
	}
	if s, ok := f.Prefer.side(); ok {
		return s, "both changed: prefer " + s.String(), true
	}
	if f.Prefer == Newest {
		s, rule := newest(t)
		return s, rule, true
	}
	return 0, "both changed differently", false
}

// eachWay carries what changed to each side that may be written.
func (f *Field) eachWay(changed [2]bool, winner record.Side, decided bool, rule string) Outcome {
	var writes []Write
	conflict := false
	for _, to := range record.Sides() {
		from, c := to.Other(), &f.Cells[to]
		if !changed[from] || !f.Direction.Allows(to) {
			continue
		}
		if !f.Cells[from].Translated {
			return f.untold(from)
		}
		wins := &winner
		if !decided {
			wins = nil
		}
		got, clash := f.carryKeyed(to, c.Value, wins)
		conflict = conflict || clash
		if !sameElements(got, c.Value) {
			writes = append(writes, Write{To: to, Value: got})
		}
	}
	out := settle(writes, rule)
	if conflict {
		loser := winner.Other()
		out.Conflict, out.Lost = true, &Lost{Side: loser, Value: f.Cells[loser].Value}
	}
	return out
}

// carryKeyed returns what a side holds once the other one's changes are in it, and whether
// both had changed one field of one element differently. Without a winner its own stays.
func (f *Field) carryKeyed(to record.Side, held record.Value, winner *record.Side) (record.Value, bool) {
	from, c, k := &f.Cells[to.Other()], &f.Cells[to], f.Keyed[to]
	agreed := from.HasBase && c.HasBase && !f.NewField
	now, before, base := k.index(from.Sent), map[string]record.Fields{}, map[string]record.Fields{}
	if agreed {
		before, base = k.index(from.SentBase), k.index(c.Base)
	}
	var kept []record.Value
	have, conflict := map[string]bool{}, false
	for _, e := range held.Items() {
		key := k.of(e)
		sent, there := now[key]
		switch {
		case key == "" || have[key]:
		case there:
			merged, clash := f.carryFields(e.Fields(), sent, before[key], base[key], k.Name, winner != nil && *winner != to)
			e, conflict = record.Struct(merged), conflict || clash
		case before[key] != nil && base[key] != nil && within(base[key], e.Fields()):
			continue // removed over there, and untouched here
		}
		have[key] = true
		kept = append(kept, e)
	}
	for _, e := range from.Sent.Items() {
		// What is not here was added there, or removed here: then it comes back only if it
		// was changed there since.
		key := k.of(e)
		if key != "" && !have[key] && (before[key] == nil || !within(before[key], e.Fields())) {
			kept, have[key] = append(kept, e), true
		}
	}
	return record.List(kept...), conflict
}

// within reports whether an element still holds what was agreed of it.
func within(agreed, now record.Fields) bool {
	for name, v := range agreed {
		if !now[name].Equal(v) {
			return false
		}
	}
	return true
}

// carryFields lays the changed fields of an element over what is held of it. Where there
// was no agreement, empty fills nothing and filled fields differ.
func (f *Field) carryFields(held, sent, before, base record.Fields, key string, wins bool) (record.Fields, bool) {
	out, conflict := held.Clone(), false
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		v, mine := sent[name], held[name]
		agreed := before != nil && base != nil
		switch {
		case name == key || v.Equal(mine) || agreed && v.Equal(before[name]) || !agreed && v.IsEmpty():
			continue
		case agreed && !mine.Equal(base[name]) || !agreed && !mine.IsEmpty():
			conflict = true
			if !wins {
				continue
			}
		}
		out[name] = v
	}
	return out, conflict
}
