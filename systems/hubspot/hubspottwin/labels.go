package hubspottwin

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// labels answers /crm/associations/{version}/{from}/{to}/labels[/{associationTypeId}]; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associations-schema/guide
func (a *Account) labels(r *request, s side) (int, any) {
	switch {
	case r.Method == "GET" && len(r.path) == 3:
		return 200, map[string]any{"results": s.types()}
	case r.Method == "POST" && len(r.path) == 3:
		var in struct{ Name, Label, InverseLabel string }
		if f := r.decode(&in); f != nil {
			return 0, f
		}
		if in.Name == "" || in.Label == "" {
			return 0, invalid("name and label must not be empty")
		}
		n := a.addLabel(s.rel, in.Name, in.Label, in.InverseLabel)
		return 200, map[string]any{"results": s.rel.display([]int{n}, false)}
	case r.Method == "DELETE" && len(r.path) == 4:
		for n, t := range s.rel.types {
			if id := strconv.Itoa(t.id(s.back)); !t.gone && t.category == userDefined && t.label != "" && id == r.path[3] {
				s.rel.retire(n)
				return 204, nil
			}
		}
		return 0, notFound()
	}
	return a.unknown(r)
}

// types shows all association types as seen from one side; those between records of one
// object in both directions, if they differ.
func (s side) types() []map[string]any {
	out := []map[string]any{}
	for n, t := range s.rel.types {
		if t.gone {
			continue
		}
		out = append(out, s.rel.display([]int{n}, s.back)...)
		if s.rel.from == s.rel.to && t.there != t.back {
			out = append(out, s.rel.display([]int{n}, !s.back)...)
		}
	}
	return out
}

func (a *Account) addLabel(r *relation, name, label, inverse string) int {
	a.typeIDs += 2
	t := linkType{
		there: a.typeIDs, back: a.typeIDs + 1, category: userDefined, label: label, backLabel: inverse,
		name: name, backName: name,
	}
	if t.backLabel == "" {
		t.backLabel = label
	}
	r.types = append(r.types, t)
	return len(r.types) - 1
}

// retire deletes a label: the associations lose it and stay.
func (r *relation) retire(n int) {
	r.types[n].gone = true
	for _, links := range r.of {
		for i := range links {
			links[i].types = without(links[i].types, n)
		}
	}
}

// AddLabel lets an administrator make a label for associations of two objects, and returns
// its type as seen from either.
func (a *Account) AddLabel(object, with, label, inverse string) (there, back int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, err := a.side(object, with)
	if err != nil {
		return 0, 0, fmt.Errorf("add label: %w", err)
	}
	if s.back {
		label, inverse = inverse, label
	}
	t := s.rel.types[a.addLabel(s.rel, label, label, inverse)]
	return t.id(s.back), t.id(!s.back), nil
}

// RemoveLabel lets an administrator delete a label.
func (a *Account) RemoveLabel(object, with, label string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, err := a.side(object, with)
	if err != nil {
		return fmt.Errorf("remove label: %w", err)
	}
	for n, t := range s.rel.types {
		if !t.gone && t.category == userDefined && t.labelOf(s.back) == label {
			s.rel.retire(n)
			return nil
		}
	}
	return fmt.Errorf("remove label: %s and %s have no label %q", object, with, label)
}

// Labels returns what a person sees of the association of two records: its labels in the
// order of the alphabet, "" for the plain one.
func (a *Account) Labels(object, id, with, other string) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, err := a.side(object, with)
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	x, _ := parseID(id)
	y, _ := parseID(other)
	out := []string{}
	for _, l := range s.rel.seen(x, s.back) {
		for _, n := range l.types {
			if l.other == y {
				out = append(out, s.rel.types[n].labelOf(s.back != l.far))
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// AddObject lets an administrator make a custom object that is named by its property "name"
// and can be associated with some others. It returns its type id.
func (a *Account) AddObject(name, singular, plural string, with ...string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, other := range with {
		if a.object(other) == nil {
			return "", fmt.Errorf("add object %s: no object %q", name, other)
		}
	}
	id := exampleID
	for _, o := range a.kinds {
		if o.schema != nil {
			id++
		}
	}
	now := a.Now().Truncate(time.Millisecond)
	o := a.custom(&schema{
		id: strconv.Itoa(id), name: name, singular: singular, plural: plural, display: "name", created: now,
	}, commonProperties, nil, with)
	o.define(&property{Name: "name", Label: "Name", Type: "string", FieldType: "text", Group: o.group}, now)
	return o.typeID, nil
}

func (a *Account) side(object, with string) (side, error) {
	s := side{from: a.object(object), to: a.object(with)}
	if s.from != nil && s.to != nil {
		s.rel, s.back = a.relation(s.from, s.to)
	}
	if s.rel == nil {
		return s, fmt.Errorf("%s and %s cannot be associated", object, with)
	}
	return s, nil
}
