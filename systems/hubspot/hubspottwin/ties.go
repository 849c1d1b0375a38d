package hubspottwin

import (
	"fmt"
	"strconv"
	"time"
)

// An association as a new record names it. Which object the other record is of, its type
// says.
type association struct {
	To    struct{ ID string }
	Types []spec
}

type spec struct {
	AssociationCategory string
	AssociationTypeID   int
}

// A tie is an association that was asked for and can be made.
type tie struct {
	rel   *relation
	back  bool // the record that it goes out from is on the far side
	to    *rec
	types []int
}

// other is the object that a tie leads to.
func (t tie) other() *object {
	if t.back {
		return t.rel.from
	}
	return t.rel.to
}

// tie finds the record and the types of an association; to nil = any object that has the
// first of the types.
func (a *Account) tie(from, to *object, id string, types []spec) (tie, *failure) {
	gone := fail(400, "VALIDATION_ERROR", "The following object ids do not exist or are archived: ["+id+"]")
	if len(types) == 0 {
		return tie{}, gone
	}
	t := tie{}
	if to != nil {
		t.rel, t.back = a.relation(from, to)
	} else {
		t.rel, t.back = from.relationOf(types[0])
	}
	for _, s := range types {
		n, far, ok := 0, false, false
		if t.rel != nil {
			n, far, ok = t.rel.find(s, t.back)
		}
		if !ok {
			name := "any object"
			if to != nil {
				name = to.name
			}
			return tie{}, invalid(fmt.Sprintf("%d is not a valid association type between %s and %s", s.AssociationTypeID, from.name, name))
		}
		t.back = far
		t.types = append(t.types, n)
	}
	if t.to, _ = a.find(t.other(), id, "", false); t.to == nil {
		return tie{}, gone
	}
	return t, nil
}

// relationOf returns the relation that knows an association type.
func (o *object) relationOf(s spec) (r *relation, back bool) {
	for _, r := range o.relations {
		for _, back := range []bool{false, true} {
			if back && r.to != o || !back && r.from != o {
				continue
			}
			if _, _, ok := r.find(s, back); ok {
				return r, back
			}
		}
	}
	return nil, false
}

// bind makes an association.
func (a *Account) bind(x *rec, t tie, now time.Time, by string) {
	from, to := x, t.to
	if t.back {
		from, to = to, from
	}
	if !t.rel.set(from.id, to.id, t.types...) {
		return
	}
	a.tied(t.rel, from.id, to.id, t.types, false, by, now)
	a.linked(t.rel, from, to, now)
}

// unbind takes all associations of two records away.
func (a *Account) unbind(r *relation, back bool, x, y int64, now time.Time, by string) {
	if back {
		x, y = y, x
	}
	if !r.clear(x, y) && (r.from != r.to || !r.clear(y, x)) {
		return
	}
	a.tied(r, x, y, []int{0}, true, by, now)
	if r.to.name == "line_items" {
		a.total(r.from, x, now)
	}
}

// linked does what an association brings about by itself: an activity moves the stamp of
// the record that it is logged on, and a paper adds its lines up anew.
func (a *Account) linked(r *relation, from, to *rec, now time.Time) {
	switch {
	case r.from.activity && !r.to.activity:
		values := texts{}
		if r.to.props["notes_last_updated"] != nil {
			values["notes_last_updated"] = stamp(now)
		}
		r.to.change(to, values, now, a.lag)
	case r.to.name == "line_items":
		a.total(r.from, from.id, now)
	}
}

// toID shows the id of the other record: a text in dated answers, a number in v4's.
func (r *request) toID(n int64) any {
	if r.version == "v4" {
		return n
	}
	return strconv.FormatInt(n, 10)
}
