package hubspottwin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// Rows returns what people see of an object.
func (a *Account) Rows(object string) []twin.Row {
	a.mu.Lock()
	defer a.mu.Unlock()
	if object == "owners" {
		return a.owners.rows()
	}
	o := a.object(object)
	if o == nil {
		return nil
	}
	var rows []twin.Row
	for _, id := range o.order {
		r := o.recs[id]
		if r == nil || !r.archived.IsZero() {
			continue
		}
		fields := make(map[string]string, len(r.props)+1)
		for name, v := range r.props {
			if v != "" {
				fields[name] = v
			}
		}
		if company := a.links.primary(id); o == a.contacts && company != 0 {
			fields["associatedcompanyid"] = strconv.FormatInt(company, 10)
		}
		rows = append(rows, twin.Row{ID: strconv.FormatInt(id, 10), Fields: fields})
	}
	return rows
}

func (l *owners) rows() []twin.Row {
	var rows []twin.Row
	for _, o := range l.all {
		if o.Archived {
			continue
		}
		fields := map[string]string{"email": o.Email, "firstName": o.First, "lastName": o.Last}
		for name, v := range fields {
			if v == "" {
				delete(fields, name)
			}
		}
		rows = append(rows, twin.Row{ID: strconv.FormatInt(o.ID, 10), Fields: fields})
	}
	return rows
}

// Put lets a person create a record, or change one on its page.
func (a *Account) Put(object, id string, fields map[string]string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if object == "owners" {
		return a.putOwner(id, fields)
	}
	o := a.object(object)
	if o == nil {
		return "", fmt.Errorf("put: no object %q", object)
	}
	props := clone(fields)
	company, links := props["associatedcompanyid"]
	delete(props, "associatedcompanyid")
	var r *rec
	if id != "" {
		n, _ := parseID(id)
		if r = o.live(n); r == nil {
			return "", fmt.Errorf("put %s %s: no such record", object, id)
		}
	}
	if err := a.checkPerson(o, r, props, company); err != nil {
		return "", fmt.Errorf("put %s %s: %w", object, id, err)
	}
	now := a.Now().Truncate(time.Millisecond)
	verb := "update"
	switch {
	case r == nil:
		verb = "create"
		values, _ := a.accept(o, props, nil)
		r = o.add(values, now)
		a.autoLink(o, r)
	case len(props) > 0:
		values, _ := a.accept(o, props, r.props)
		o.change(r, values, now, a.lag)
	}
	if links {
		a.putCompany(r.id, company)
	}
	a.act("person", verb, o, r, fields)
	return strconv.FormatInt(r.id, 10), nil
}

// checkPerson refuses what the page would refuse.
func (a *Account) checkPerson(o *object, r *rec, props texts, company string) error {
	var was map[string]string
	self := int64(0)
	if r != nil {
		was, self = r.props, r.id
	}
	values, wrong := a.accept(o, props, was)
	if len(wrong) > 0 {
		return errors.New(wrong[0].Message)
	}
	if c := o.clashes(values, self); c != nil {
		return fmt.Errorf("%s %s is that of record %d", c.name, c.value, c.holder)
	}
	if company != "" {
		n, _ := parseID(company)
		if o != a.contacts || a.companies.live(n) == nil {
			return fmt.Errorf("no company %s", company)
		}
	}
	if r == nil {
		if f := o.required(values); f != nil {
			return errors.New(f.Message)
		}
	}
	return nil
}

// putCompany makes a company a contact's primary one; "" takes the primary one away. As
// at the vendor, that moves no stamp of the contact.
func (a *Account) putCompany(contact int64, company string) {
	if company == "" {
		if old := a.links.primary(contact); old != 0 {
			a.links.clear(contact, old)
		}
		return
	}
	n, _ := parseID(company)
	a.links.set(contact, n, typePrimary)
}

// autoLink associates a new contact with the company of its e-mail's domain, where the
// account is set so.
func (a *Account) autoLink(o *object, r *rec) {
	_, domain, ok := strings.Cut(r.props["email"], "@")
	if !a.auto || o != a.contacts || !ok {
		return
	}
	for _, id := range a.companies.order {
		if c := a.companies.recs[id]; c != nil && c.archived.IsZero() && c.props["domain"] == domain {
			a.links.set(r.id, id, typePlain)
			return
		}
	}
}

func (a *Account) putOwner(id string, fields map[string]string) (string, error) {
	now := a.Now().Truncate(time.Millisecond)
	n, _ := parseID(id)
	o := a.owners.get(n)
	verb := "update"
	if id == "" {
		last := int64(77000)
		if k := len(a.owners.all); k > 0 {
			last = a.owners.all[k-1].ID
		}
		o = &owner{ID: last + 1, UserID: last + 900001, Created: now}
		verb = "create"
	}
	if o == nil {
		return "", fmt.Errorf("put owners %s: no such owner", id)
	}
	for name, v := range fields {
		switch name {
		case "email":
			o.Email = strings.ToLower(v)
		case "firstName":
			o.First = v
		case "lastName":
			o.Last = v
		default:
			return "", fmt.Errorf("put owners: no field %q", name)
		}
	}
	if id == "" {
		a.owners.all = append(a.owners.all, o)
	}
	o.Updated = now
	text := strconv.FormatInt(o.ID, 10)
	a.Ledger().Record(twin.Act{At: now, By: "person", Verb: verb, Object: "owners", ID: text, Fields: fields})
	return text, nil
}

// Remove lets a person delete a record: it goes to the bin for 90 days. An owner is
// deactivated.
func (a *Account) Remove(object, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := parseID(id)
	now := a.Now().Truncate(time.Millisecond)
	if object == "owners" {
		o := a.owners.get(n)
		if o == nil {
			return fmt.Errorf("remove owners %s: no such owner", id)
		}
		o.Archived, o.Updated = true, now
		a.Ledger().Record(twin.Act{At: now, By: "person", Verb: "archive", Object: object, ID: id})
		return nil
	}
	o := a.object(object)
	if o == nil || o.live(n) == nil {
		return fmt.Errorf("remove %s %s: no such record", object, id)
	}
	a.archive(o, o.live(n), "person", &request{now: now})
	return nil
}

// Restore lets a person take a record out of the bin, with its id.
func (a *Account) Restore(object, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.object(object)
	n, _ := parseID(id)
	if o == nil || o.binned(n) == nil {
		return fmt.Errorf("restore %s %s: it is not in the bin", object, id)
	}
	r := o.binned(n)
	if c := o.clashes(r.props, n); c != nil {
		return fmt.Errorf("restore %s %s: %s is that of record %d", object, id, c.name, c.holder)
	}
	now := a.Now().Truncate(time.Millisecond)
	r.archived, r.modified, r.written, r.old = time.Time{}, now, now, nil
	for name, v := range r.props {
		o.claim(name, v, n)
	}
	a.act("person", "restore", o, r, nil)
	return nil
}

// Purge lets the 90 days of the bin pass for one record: it is gone for good.
func (a *Account) Purge(object, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.object(object)
	n, _ := parseID(id)
	if o == nil || o.binned(n) == nil {
		return fmt.Errorf("purge %s %s: it is not in the bin", object, id)
	}
	a.act("person", "delete", o, o.recs[n], nil)
	delete(o.recs, n)
	if i, ok := slices.BinarySearch(o.order, n); ok {
		o.order = slices.Delete(o.order, i, i+1)
	}
	return nil
}

// Merge lets a person merge a record into another. It returns the id of what is left: a
// third one, unless KeepPrimaryID was set.
func (a *Account) Merge(object, keep, lose string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.object(object)
	if o == nil {
		return "", fmt.Errorf("merge: no object %q", object)
	}
	k, _ := parseID(keep)
	l, _ := parseID(lose)
	x, y := o.live(k), o.live(l)
	if x == nil || y == nil || x == y {
		return "", fmt.Errorf("merge %s %s into %s: both must exist", object, lose, keep)
	}
	into := a.fold(o, x, y, "person", a.Now().Truncate(time.Millisecond))
	return strconv.FormatInt(into.id, 10), nil
}

// fold merges two records with their associations.
func (a *Account) fold(o *object, keep, lose *rec, by string, now time.Time) *rec {
	into := o.merge(keep, lose, now, a.keepID)
	for _, old := range []int64{keep.id, lose.id} {
		if o == a.contacts {
			a.links.moveContact(old, into.id)
		} else {
			a.links.moveCompany(old, into.id)
		}
	}
	a.act(by, "update", o, into, into.props)
	a.act(by, "delete", o, lose, nil)
	return into
}

// Associate lets a person associate a contact with a company under a label: "primary",
// "billing" or "" for none.
func (a *Account) Associate(contact, company, label string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, _ := parseID(contact)
	f, _ := parseID(company)
	t, ok := map[string]int{"primary": typePrimary, "billing": typeBilling, "": typePlain}[label]
	if a.contacts.live(c) == nil || a.companies.live(f) == nil || !ok {
		return fmt.Errorf("associate contact %s with company %s: one of them or the label does not exist", contact, company)
	}
	a.links.set(c, f, t)
	return nil
}
