package hubspottwin

import (
	"fmt"
	"strconv"
	"time"
)

// maxMerges is how many records can go into one.
const maxMerges = 250

// mergeCall answers POST …/merge; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
func (a *Account) mergeCall(r *request, o *object) (int, any) {
	if !o.merges {
		return a.unknown(r) // the vendor has no such call either
	}
	var in struct{ PrimaryObjectID, ObjectIDToMerge string }
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	keep, _ := a.find(o, in.PrimaryObjectID, "", false)
	lose, _ := a.find(o, in.ObjectIDToMerge, "", false)
	if keep == nil || lose == nil || keep == lose {
		return 0, notFound()
	}
	if len(keep.mergees)+len(lose.mergees) >= maxMerges {
		return 0, &failure{code: 414, Status: "error", Message: "Cannot have more than 250 identities on a profile"}
	}
	into := a.fold(o, keep, lose, "api", r.now)
	return 200, a.append(nil, o, into, shown{names: o.defaults})
}

// gdprDelete answers POST …/contacts/gdpr-delete: the record is gone for good; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide#permanently-delete-a-contact
func (a *Account) gdprDelete(r *request, o *object) (int, any) {
	if o != a.contacts {
		return a.unknown(r)
	}
	var in struct{ ObjectID, IDProperty string }
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	x, f := a.find(o, in.ObjectID, in.IDProperty, false)
	if f != nil {
		return 0, f
	}
	if x != nil {
		a.forget(o, x, r, "api")
	}
	return 204, nil
}

// forget removes a record, its trace in the bin, and its associations.
func (a *Account) forget(o *object, x *rec, r *request, by string) {
	a.archive(o, x, by, r)
	o.erase(x)
	a.act(by, "delete", o, x, nil)
	a.privacy(o, x, by, r.now)
}

// Erase lets a person delete a contact for good, as data protection asks for.
func (a *Account) Erase(contact string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := parseID(contact)
	x := a.contacts.live(n)
	if x == nil {
		return fmt.Errorf("erase contact %s: no such record", contact)
	}
	a.forget(a.contacts, x, &request{now: a.Now().Truncate(time.Millisecond)}, "person")
	return nil
}

// Merge lets a person merge a record into another. It returns the id of what is left: a
// third one, unless KeepPrimaryID was set.
func (a *Account) Merge(object, keep, lose string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.object(object)
	if o == nil || !o.merges {
		return "", fmt.Errorf("merge: no object %q that can be merged", object)
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
	moved := len(lose.props)
	into := o.merge(keep, lose, now, a.keepID)
	for _, old := range []int64{keep.id, lose.id} {
		for _, r := range o.relations {
			if r.from == o {
				r.move(old, into.id, false)
			}
			if r.to == o && r.from != o {
				r.move(old, into.id, true)
			}
		}
	}
	a.act(by, "update", o, into, into.props)
	a.act(by, "delete", o, lose, nil)
	a.merged(o, keep.id, lose.id, into.id, moved, by, now)
	return into
}
