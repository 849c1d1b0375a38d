package hubspottwin

import (
	"maps"
	"slices"
)

// The association types between contacts and companies as seen from the contact; from the
// company each is one higher. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#association-type-id-values
const (
	typePrimary  = 1
	typePlain    = 279
	typeBilling  = 37 // a label of this account's own: "Billing contact"
	labelBilling = "Billing contact"
)

// A link is one contact's association with one company.
type link struct {
	company int64
	types   []int
}

// links are all associations between contacts and companies.
type links struct {
	of      map[int64][]link         // by contact, oldest first
	members map[int64]map[int64]bool // contacts by company
}

func newLinks() links {
	return links{of: map[int64][]link{}, members: map[int64]map[int64]bool{}}
}

// primary returns a contact's primary company; 0 if it has none.
func (l *links) primary(contact int64) int64 {
	for _, x := range l.of[contact] {
		if slices.Contains(x.types, typePrimary) {
			return x.company
		}
	}
	return 0
}

// set associates a contact with a company under the given types. The first association
// of a contact becomes its primary one, and a new primary one takes that from the old.
func (l *links) set(contact, company int64, types ...int) {
	all, types := l.of[contact], slices.Clone(types)
	if len(all) == 0 {
		types = append(types, typePrimary)
	}
	if slices.Contains(types, typePrimary) {
		for i := range all {
			all[i].types = without(all[i].types, typePrimary)
		}
	}
	i := slices.IndexFunc(all, func(x link) bool { return x.company == company })
	if i < 0 {
		i = len(all)
		all = append(all, link{company: company})
	}
	for _, t := range append(types, typePlain) {
		if !slices.Contains(all[i].types, t) {
			all[i].types = append(all[i].types, t)
		}
	}
	l.of[contact] = all
	if l.members[company] == nil {
		l.members[company] = map[int64]bool{}
	}
	l.members[company][contact] = true
}

// clear removes every association of a contact with a company.
func (l *links) clear(contact, company int64) {
	l.of[contact] = slices.DeleteFunc(l.of[contact], func(x link) bool { return x.company == company })
	if len(l.of[contact]) == 0 {
		delete(l.of, contact)
	}
	delete(l.members[company], contact)
}

// unlabel removes types from an association, and the association with its last one.
func (l *links) unlabel(contact, company int64, types ...int) {
	all := l.of[contact]
	i := slices.IndexFunc(all, func(x link) bool { return x.company == company })
	if i < 0 {
		return
	}
	for _, t := range types {
		all[i].types = without(all[i].types, t)
	}
	if len(all[i].types) == 0 {
		l.clear(contact, company)
	}
}

func without(types []int, t int) []int {
	return slices.DeleteFunc(slices.Clone(types), func(x int) bool { return x == t })
}

// from returns the associations of a record on either side; swap says that it is a company.
func (l *links) from(id int64, swap bool) []link {
	if !swap {
		return l.of[id]
	}
	var out []link
	for _, contact := range slices.Sorted(maps.Keys(l.members[id])) {
		for _, x := range l.of[contact] {
			if x.company != id {
				continue
			}
			types := make([]int, 0, len(x.types))
			for _, t := range x.types {
				types = append(types, t+1)
			}
			out = append(out, link{company: contact, types: types})
		}
	}
	return out
}

// moveContact gives a merged contact's associations to the survivor.
func (l *links) moveContact(old, into int64) {
	if old == into {
		return
	}
	for _, x := range slices.Clone(l.of[old]) {
		types := x.types
		if l.primary(into) != 0 {
			types = without(types, typePrimary)
		}
		l.clear(old, x.company)
		l.set(into, x.company, types...)
	}
}

// moveCompany gives a merged company's contacts to the survivor.
func (l *links) moveCompany(old, into int64) {
	if old == into {
		return
	}
	for _, contact := range slices.Sorted(maps.Keys(l.members[old])) {
		for _, x := range slices.Clone(l.of[contact]) {
			if x.company == old {
				l.clear(contact, old)
				l.set(contact, into, x.types...)
			}
		}
	}
}

// forget removes all associations of a record that was archived.
func (l *links) forget(id int64, company bool) {
	if !company {
		for _, x := range slices.Clone(l.of[id]) {
			l.clear(id, x.company)
		}
		return
	}
	for _, contact := range slices.Sorted(maps.Keys(l.members[id])) {
		l.clear(contact, id)
	}
}
