package hubspottwin

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// other is the object that a ref leads to.
func (f ref) other() *object {
	if f.back {
		return f.rel.from
	}
	return f.rel.to
}

// shown returns what a ref shows of a record.
func (f ref) shown(id int64) []int64 {
	if !f.many && !f.back {
		if n := f.rel.shown(id); n != 0 {
			return []int64{n}
		}
		return nil
	}
	var out []int64
	for _, l := range f.rel.seen(id, f.back) {
		out = append(out, l.other)
	}
	slices.Sort(out)
	if !f.many && len(out) > 1 {
		return out[:1]
	}
	return out
}

// ids reads ids with semicolons between; what is none is 0, which no record has.
func ids(text string) []int64 {
	var out []int64
	for part := range strings.SplitSeq(text, ";") {
		if n, _ := parseID(part); part != "" {
			out = append(out, n)
		}
	}
	return out
}

// putLinked makes other records those that a ref shows. A contact or a deal keeps a former
// primary company as a plain one. As at the vendor, that moves no stamp.
func (a *Account) putLinked(r *rec, f ref, others []int64, now time.Time) {
	keeps := len(others) > 0 && f.rel.to == a.companies && (f.rel.from == a.contacts || f.rel.from.name == "deals")
	for _, old := range f.shown(r.id) {
		if !keeps && !slices.Contains(others, old) {
			a.unbind(f.rel, f.back, r.id, old, now, "person")
		}
	}
	for _, n := range others {
		a.bind(r, tie{rel: f.rel, back: f.back, to: f.other().live(n), types: []int{f.rel.primary}}, now, "person")
	}
}

// Associate lets a person associate a contact with a company under a label: "primary",
// "billing" or "" for none.
func (a *Account) Associate(contact, company, label string) error {
	types := map[string]spec{
		"primary": {hubspotDefined, 1}, "billing": {userDefined, typeBilling}, "": {hubspotDefined, 279},
	}
	t, ok := types[label]
	if !ok {
		return fmt.Errorf("associate contact %s with company %s: no label %q", contact, company, label)
	}
	return a.AssociateAs("contacts", contact, "companies", company, t.AssociationCategory, t.AssociationTypeID)
}

// AssociateAs lets a person associate any two records; type 0 = without a label.
func (a *Account) AssociateAs(object, id, with, other, category string, typeID int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	from, to := a.object(object), a.object(with)
	if from == nil || to == nil {
		return fmt.Errorf("associate %s with %s: no such object", object, with)
	}
	s := side{from: from, to: to}
	if s.rel, s.back = a.relation(from, to); s.rel == nil {
		return fmt.Errorf("associate %s with %s: they cannot be", object, with)
	}
	types := s.plain()
	if typeID != 0 {
		types = []spec{{category, typeID}}
	}
	n, _ := parseID(id)
	x := from.live(n)
	t, f := a.tie(from, to, other, types)
	if x == nil || f != nil {
		return fmt.Errorf("associate %s %s with %s %s: one of them or the label does not exist", object, id, with, other)
	}
	a.bind(x, t, a.Now().Truncate(time.Millisecond), "person")
	return nil
}

// Dissociate lets a person take every association of two records away.
func (a *Account) Dissociate(object, id, with, other string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	from, to := a.object(object), a.object(with)
	if from == nil || to == nil {
		return fmt.Errorf("dissociate %s from %s: no such object", object, with)
	}
	r, back := a.relation(from, to)
	n, _ := parseID(id)
	m, _ := parseID(other)
	if r == nil || from.live(n) == nil || to.live(m) == nil {
		return fmt.Errorf("dissociate %s %s from %s %s: one of them does not exist", object, id, with, other)
	}
	a.unbind(r, back, n, m, a.Now().Truncate(time.Millisecond), "person")
	return nil
}
