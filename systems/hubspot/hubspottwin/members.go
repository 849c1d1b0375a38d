package hubspottwin

import (
	"fmt"
	"slices"
	"strconv"
)

// The processing types of lists, and how many records one change of a list may name; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide
const (
	manual     = "MANUAL"
	snapped    = "SNAPSHOT"
	dynamic    = "DYNAMIC"
	maxMembers = 100000
)

// ConvertList lets a person turn a list into one of another processing type.
func (a *Account) ConvertList(id, kind string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := parseID(id)
	l := a.roll(n)
	if l == nil || !slices.Contains([]string{manual, snapped, dynamic}, kind) {
		return fmt.Errorf("convert list %s: no such list, or no type %q", id, kind)
	}
	l.kind = kind
	return nil
}

// RemoveList lets a person delete a list.
func (a *Account) RemoveList(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := parseID(id)
	l := a.roll(n)
	if l == nil {
		return fmt.Errorf("remove list %s: no such list", id)
	}
	l.deleted = true
	return nil
}

// ListMembers returns who is on a list, in the order of being put on it.
func (a *Account) ListMembers(id string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, _ := parseID(id)
	l := a.roll(n)
	if l == nil {
		return nil
	}
	out := []string{}
	for _, m := range l.standing() {
		out = append(out, strconv.FormatInt(m.id, 10))
	}
	return out
}

// roll returns the list of that id; nil if there is none.
func (a *Account) roll(n int64) *roll {
	if n < 1 || n > int64(len(a.rolls)) || a.rolls[n-1].deleted {
		return nil
	}
	return a.rolls[n-1]
}

// changeMembers answers PUT …/{list}/memberships/{add|remove|add-and-remove}; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/lists/memberships/update-list-memberships
// What is said of a list that HubSpot fills itself is not documented.
func (a *Account) changeMembers(r *request, l *roll) (int, any) {
	if f := r.lacks("crm.lists.write"); f != nil {
		return 0, f
	}
	r.query()
	var in struct{ RecordIDsToAdd, RecordIDsToRemove []string }
	var f *failure
	switch r.path[2] {
	case "add":
		f = r.decode(&in.RecordIDsToAdd)
	case "remove":
		f = r.decode(&in.RecordIDsToRemove)
	case "add-and-remove":
		f = r.decode(&in)
		if f == nil && (in.RecordIDsToAdd == nil || in.RecordIDsToRemove == nil) {
			f = invalid("recordIdsToAdd and recordIdsToRemove are required")
		}
	default:
		return a.unknown(r)
	}
	switch {
	case f != nil:
		return 0, f
	case l.kind == dynamic:
		return 0, invalid("List " + strconv.FormatInt(l.id, 10) + " has processing type DYNAMIC. Its memberships can not be changed by requests.")
	case len(in.RecordIDsToAdd)+len(in.RecordIDsToRemove) > maxMembers:
		return 0, invalid(fmt.Sprintf("No more than %d records can be named", maxMembers))
	}
	added, removed, missing := []string{}, []string{}, []string{}
	on := func(n int64) int { return slices.IndexFunc(l.members, func(m member) bool { return m.id == n }) }
	for _, text := range in.RecordIDsToAdd {
		switch n, _ := parseID(text); {
		case l.of.live(n) == nil:
			missing = append(missing, text)
		case on(n) < 0:
			l.members = append(l.members, member{n, r.now})
			added = append(added, text)
		}
	}
	for _, text := range in.RecordIDsToRemove {
		n, _ := parseID(text)
		if i := on(n); i >= 0 {
			l.members = slices.Delete(l.members, i, i+1)
			removed = append(removed, text)
		} else if l.of.live(n) == nil {
			missing = append(missing, text)
		}
	}
	return 200, map[string]any{"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing}
}
