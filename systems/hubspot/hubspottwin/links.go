package hubspottwin

import (
	"maps"
	"slices"
)

// A relation is what records of two objects can be to each other, and what they are.
type relation struct {
	from, to *object
	types    []linkType               // the plain one first
	primary  int                      // position of the type that one link of a record has; 0 = there is none
	of       map[int64][]link         // by record of from, oldest first
	members  map[int64]map[int64]bool // records of from by record of to
}

// A linkType is an association type: its ids, labels and names as seen from either side.
type linkType struct {
	there, back      int
	category         string
	label, backLabel string
	name, backName   string
	gone             bool // it was deleted; those after it keep their positions
}

// A link is one record's association with another.
type link struct {
	other int64
	types []int // positions in the relation's types
	far   bool  // as seen from the far side, of two records of one object
}

// shown returns the record that a page shows as a record's: the primary one or, where
// there are no primary ones, the one with the lowest id; 0 if there is none.
func (r *relation) shown(id int64) int64 {
	lowest := int64(0)
	for _, x := range r.of[id] {
		if r.primary > 0 && slices.Contains(x.types, r.primary) {
			return x.other
		}
		if r.primary == 0 && (lowest == 0 || x.other < lowest) {
			lowest = x.other
		}
	}
	return lowest
}

// set associates two records under the given types. The first association of a record
// becomes its primary one, and a new primary one takes that from the old. It reports
// whether anything changed.
func (r *relation) set(from, to int64, types ...int) bool {
	all, types := r.of[from], slices.Clone(types)
	if r.primary > 0 && len(all) == 0 {
		types = append(types, r.primary)
	}
	i := slices.IndexFunc(all, func(x link) bool { return x.other == to })
	if i < 0 {
		i = len(all)
		all = append(all, link{other: to})
	}
	changed := false
	for _, t := range append(types, 0) {
		if slices.Contains(all[i].types, t) {
			continue
		}
		if t == r.primary && t > 0 {
			for k := range all {
				all[k].types = without(all[k].types, t)
			}
		}
		all[i].types = append(all[i].types, t)
		changed = true
	}
	r.of[from] = all
	if r.members[to] == nil {
		r.members[to] = map[int64]bool{}
	}
	r.members[to][from] = true
	return changed
}

// clear removes every association of two records and reports whether there was one.
func (r *relation) clear(from, to int64) bool {
	all := r.of[from]
	i := slices.IndexFunc(all, func(x link) bool { return x.other == to })
	if i < 0 {
		return false
	}
	if r.of[from] = slices.Delete(all, i, i+1); len(all) == 1 {
		delete(r.of, from)
	}
	delete(r.members[to], from)
	return true
}

// unlabel removes types from an association, and the association with its last one.
func (r *relation) unlabel(from, to int64, types ...int) {
	all := r.of[from]
	i := slices.IndexFunc(all, func(x link) bool { return x.other == to })
	if i < 0 {
		return
	}
	for _, t := range types {
		all[i].types = without(all[i].types, t)
	}
	if len(all[i].types) == 0 {
		r.clear(from, to)
	}
}

func without(types []int, t int) []int {
	return slices.DeleteFunc(slices.Clone(types), func(x int) bool { return x == t })
}

// seen returns the associations of a record on either side.
func (r *relation) seen(id int64, back bool) []link {
	if !back && r.from != r.to {
		return r.of[id]
	}
	var out []link
	if r.from == r.to {
		out = slices.Clone(r.of[id])
	}
	for _, from := range slices.Sorted(maps.Keys(r.members[id])) {
		for _, x := range r.of[from] {
			if x.other == id {
				out = append(out, link{other: from, types: x.types, far: r.from == r.to})
			}
		}
	}
	return out
}

// move gives the associations of a merged record to the survivor.
func (r *relation) move(old, into int64, back bool) {
	if old == into {
		return
	}
	for _, x := range slices.Clone(r.seen(old, back)) {
		types := slices.Clone(x.types)
		if back || x.far {
			r.clear(x.other, old)
			if x.other != into {
				r.set(x.other, into, types...)
			}
			continue
		}
		if r.primary > 0 && r.shown(into) != 0 {
			types = without(types, r.primary)
		}
		r.clear(old, x.other)
		if x.other != into {
			r.set(into, x.other, types...)
		}
	}
}

// forget removes all associations of a record that was archived.
func (r *relation) forget(id int64, back bool) {
	for _, x := range slices.Clone(r.seen(id, back)) {
		if back || x.far {
			r.clear(x.other, id)
		} else {
			r.clear(id, x.other)
		}
	}
}
