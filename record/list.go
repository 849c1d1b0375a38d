package record

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
func (f Field) pairs(have, want []Value) map[int]int {
	used, found := make([]bool, len(have)), make(map[int]int, len(want))
	for i := range want {
		for j := range have {
			if !used[j] && f.elemEchoes(have[j], want[i]) {
				used[j], found[i] = true, j
				break
			}
		}
	}
	return found
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
