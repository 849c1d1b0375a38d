package hubspottwin

import (
	"errors"
	"fmt"
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
		fields := make(map[string]string, len(r.props)+len(o.refs))
		for name, v := range r.props {
			if v != "" {
				fields[name] = v
			}
		}
		for _, f := range o.refs {
			if others := f.shown(id); len(others) > 0 {
				fields[f.field] = joinIDs(others)
			}
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

// Put lets a person create a record, or change one on its page. A field like
// associations.companies names the record that it is associated with.
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
	links := map[string]string{}
	for _, f := range o.refs {
		if v, ok := props[f.field]; ok {
			links[f.field] = v
			delete(props, f.field)
		}
	}
	var r *rec
	if id != "" {
		n, _ := parseID(id)
		if r = o.live(n); r == nil {
			return "", fmt.Errorf("put %s %s: no such record", object, id)
		}
	}
	now := a.Now().Truncate(time.Millisecond)
	values, err := a.checkPerson(o, r, props, links, now)
	if err != nil {
		return "", fmt.Errorf("put %s %s: %w", object, id, err)
	}
	switch {
	case r == nil:
		r = o.add(values, now)
		a.act("person", "create", o, r, fields)
		a.autoLink(o, r)
	case len(props) > 0:
		a.change(o, r, values, fields, "person", now)
	default:
		a.act("person", "update", o, r, fields)
	}
	for _, f := range o.refs {
		if other, ok := links[f.field]; ok {
			a.putLinked(r, f, ids(other), now)
		}
	}
	return strconv.FormatInt(r.id, 10), nil
}

// checkPerson refuses what the page would refuse, and returns what is written.
func (a *Account) checkPerson(o *object, r *rec, props, links texts, now time.Time) (texts, error) {
	var was map[string]string
	self := int64(0)
	if r != nil {
		was, self = r.props, r.id
	}
	values, wrong := a.accept(o, props, was)
	if len(wrong) > 0 {
		return nil, errors.New(wrong[0].Message)
	}
	if c := o.clashes(values, self); c != nil {
		return nil, fmt.Errorf("%s %s is that of record %d", c.name, c.value, c.holder)
	}
	for _, f := range o.refs {
		for _, n := range ids(links[f.field]) {
			if f.other().live(n) == nil {
				return nil, fmt.Errorf("no %s %d", f.other().single, n)
			}
		}
	}
	if r == nil {
		if f := o.required(values); f != nil {
			return nil, errors.New(f.Message)
		}
		if o.name == "leads" && links[o.refs[0].field] == "" {
			return nil, errors.New(leadAlone().Message)
		}
	}
	if f := a.settle(o, r, values, now); f != nil {
		return nil, errors.New(f.Message)
	}
	return values, nil
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
			a.bind(r, tie{rel: o.refs[0].rel, to: c, types: []int{0}}, r.created, "person")
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
	o.erase(o.recs[n])
	return nil
}
