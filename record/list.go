package record

import "slices"

// Lists of structs: phone numbers, e-mail addresses, lines of a document. A vendor's id of
// an element is its own affair; elements are compared without it (R12).

// Natural returns the field of a list's elements that says which one an element is, in any
// system: the number of a phone. Lines of a document have none.
func (f Field) Natural() (Field, bool) {
	return f.elem(func(e Field) bool { return e.Unique && !e.Key })
}

// elemID returns the field that holds the vendor's id of an element.
func (f Field) elemID() (Field, bool) { return f.elem(func(e Field) bool { return e.Key }) }

func (f Field) elem(is func(Field) bool) (Field, bool) {
	if f.Kind == KindList {
		for _, e := range f.Elem {
			if is(e) {
				return e, true
			}
		}
	}
	return Field{}, false
}

// Plain returns a list without the vendor's ids of its elements; any other value as it is.
func (f Field) Plain(v Value) Value {
	id, ok := f.elemID()
	if !ok || !v.IsList() {
		return v
	}
	items := make([]Value, len(v.Items()))
	for i, item := range v.Items() {
		items[i] = item
		if _, has := item.Fields()[id.Name]; has {
			g := item.Fields().Clone()
			delete(g, id.Name)
			items[i] = Struct(g)
		}
	}
	return List(items...)
}

// Same reports whether two values of the field are the same, apart from the vendor's ids of
// a list's elements, and from the order of what has none (R12): many vendors keep choices in
// an order of their own.
func (f Field) Same(a, b Value) bool {
	if a.Equal(b) {
		return true
	}
	if f.Kind == KindChoices || f.Kind == KindReferences {
		return a.IsList() && b.IsList() && normalSet(a) == normalSet(b)
	}
	return f.Plain(a).Equal(f.Plain(b))
}

// Echoes reports whether read is what was sent to the field, as its vendor shows it (R2). Of
// a list's elements only what was sent counts; where they have a natural key, their order
// does not.
func (f Field) Echoes(read, sent Value) bool {
	if Echoes(read, sent, f.Rewrites) {
		return true
	}
	have, want := read.Items(), sent.Items()
	if f.Kind != KindList || len(have) != len(want) || len(f.Elem) == 0 {
		return false
	}
	if _, keyed := f.Natural(); !keyed {
		for i := range want {
			if !f.elemEchoes(have[i], want[i]) {
				return false
			}
		}
		return true
	}
	return len(f.pairs(have, want)) == len(want)
}

// pairs finds for elements that were sent those that are read, each at most once.
func (f Field) pairs(have, want []Value) map[int]int { return pairs(have, want, f.elemEchoes) }

func pairs(have, want []Value, same func(read, sent Value) bool) map[int]int {
	used, found := make([]bool, len(have)), make(map[int]int, len(want))
	for i := range want {
		for j := range have {
			if !used[j] && same(have[j], want[i]) {
				used[j], found[i] = true, j
				break
			}
		}
	}
	return found
}

// Beyond reports whether a set that is read holds all that was sent, and elements that were
// neither sent nor held before. No vendor makes such of what it is sent: somebody has added them
// meanwhile (R2), and what was to be taken away and is there too they may have set again. It returns
// what is read of that which was sent.
func (f Field) Beyond(read, sent, held Value) (written Value, more bool) {
	pairs, ok := f.setPairs()
	if !ok {
		return read, false
	}
	have, want := elements(read), elements(sent)
	known, ours := make([]bool, len(have)), make([]bool, len(have))
	found := pairs(have, want)
	for _, j := range found {
		known[j], ours[j] = true, true
	}
	same := f
	if key, keyed := f.Natural(); keyed {
		same.Elem = []Field{key}
		pairs, _ = same.setPairs()
	}
	for _, j := range pairs(have, elements(held)) {
		known[j] = true // one that was to be taken away, and was not
	}
	if len(found) < len(want) || !slices.Contains(known, false) {
		return read, false
	}
	var items []Value
	for j, e := range have {
		if ours[j] {
			items = append(items, e)
		}
	}
	if len(items) == 0 {
		return sent, true
	}
	return List(items...), true
}

// setPairs returns how the elements of a set are found again; false = the field is none.
func (f Field) setPairs() (func(have, want []Value) map[int]int, bool) {
	switch f.Kind {
	case KindChoices, KindReferences:
		return func(have, want []Value) map[int]int {
			return pairs(have, want, func(read, sent Value) bool { return Echoes(read, sent, f.Rewrites) })
		}, true
	case KindList:
		_, keyed := f.Natural()
		return f.pairs, keyed
	default:
		return nil, false
	}
}

// elements takes a scalar for a list of one: some vendors show a single choice so.
func elements(v Value) []Value {
	if v.IsEmpty() || v.IsList() {
		return v.Items()
	}
	return []Value{v}
}

func (f Field) elemEchoes(read, sent Value) bool {
	for _, e := range f.Elem {
		v, told := sent.Fields()[e.Name]
		if told && !e.Key && !e.ReadOnly && !e.Echoes(read.Fields()[e.Name], v) {
			return false
		}
	}
	return true
}

// WithIDs gives the elements of a list that is to be written the ids of those that the
// vendor holds: of the same natural key, or else equal.
func (f Field) WithIDs(held, v Value) Value {
	id, ok := f.elemID()
	if !ok || !held.IsList() || !v.IsList() {
		return v
	}
	same := f
	if key, keyed := f.Natural(); keyed {
		same.Elem = []Field{key}
	}
	items := append([]Value(nil), v.Items()...)
	for i, j := range same.pairs(held.Items(), items) {
		if has := held.Items()[j].Fields()[id.Name]; !has.IsEmpty() {
			g := items[i].Fields().Clone()
			g[id.Name] = has
			items[i] = Struct(g)
		}
	}
	return List(items...)
}
