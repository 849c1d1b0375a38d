package hubspottwin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A roll is a list of records, HubSpot's "segment"; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide
// Those that people make are manual, and can be turned into others.
type roll struct {
	id      int64
	name    string
	of      *object
	kind    string // processing type
	created time.Time
	deleted bool
	members []member // oldest first
}

type member struct {
	id int64
	at time.Time
}

// PutList lets a person make a list of records, or change who is on the one of that name.
// It returns the list's id.
func (a *Account) PutList(name, object string, ids ...string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, now := a.object(object), a.Now().Truncate(time.Millisecond)
	if o == nil {
		return "", fmt.Errorf("put list %s: no object %q", name, object)
	}
	i := slices.IndexFunc(a.rolls, func(l *roll) bool { return l.name == name && l.of == o })
	if i < 0 {
		i = len(a.rolls)
		a.rolls = append(a.rolls, &roll{id: int64(i + 1), name: name, of: o, kind: manual, created: now})
	}
	l := a.rolls[i]
	var members []member
	for _, id := range ids {
		n, _ := parseID(id)
		if o.live(n) == nil {
			return "", fmt.Errorf("put list %s: no record %s %s", name, object, id)
		}
		at := now
		if k := slices.IndexFunc(l.members, func(m member) bool { return m.id == n }); k >= 0 {
			at = l.members[k].at
		}
		members = append(members, member{n, at})
	}
	l.members = members
	return strconv.FormatInt(l.id, 10), nil
}

// standing returns who is on a list and was not archived since.
func (l *roll) standing() []member {
	return slices.DeleteFunc(slices.Clone(l.members), func(m member) bool { return l.of.live(m.id) == nil })
}

func (l *roll) show() map[string]any {
	return map[string]any{
		"listId": id(l.id), "listVersion": 1, "name": l.name, "objectTypeId": l.of.typeID,
		"processingType": l.kind, "processingStatus": "COMPLETE", "size": len(l.standing()),
		"createdAt": stamp(l.created), "updatedAt": stamp(l.created),
	}
}

// lists answers /crm/lists/{version}/….
func (a *Account) lists(r *request) (int, any) {
	if f := r.lacks("crm.lists.read"); f != nil {
		return 0, f
	}
	path := strings.TrimSuffix(strings.Join(r.path, "/"), "/")
	switch call := r.Method + " " + path; {
	case call == "GET ":
		return a.listsByID(r)
	case call == "POST search":
		return a.searchLists(r)
	case call == "POST records/memberships/batch/read":
		return a.batchListsOf(r)
	case r.Method == "GET" && len(r.path) == 4 && r.path[0] == "records" && r.path[3] == "memberships":
		return a.listsOf(r)
	case len(r.path) == 0:
		return a.unknown(r)
	}
	n, _ := parseID(r.path[0])
	l := a.roll(n)
	if l == nil {
		return 0, fail(404, "OBJECT_NOT_FOUND", "List does not exist with ID "+r.path[0]+".")
	}
	switch {
	case r.Method == "PUT" && len(r.path) == 3 && r.path[1] == "memberships":
		return a.changeMembers(r, l)
	case r.Method != "GET":
		return a.unknown(r)
	case len(r.path) == 1:
		r.query("includeFilters")
		return 200, map[string]any{"list": l.show()}
	case len(r.path) == 2 && r.path[1] == "memberships":
		return a.memberships(r, l)
	}
	return a.unknown(r)
}

func (a *Account) listsByID(r *request) (int, any) {
	r.query("listIds", "includeFilters")
	out := []map[string]any{}
	for _, text := range r.URL.Query()["listIds"] {
		n, _ := parseID(text)
		if l := a.roll(n); l != nil {
			out = append(out, l.show())
		}
	}
	return 200, map[string]any{"lists": out}
}

func (a *Account) searchLists(r *request) (int, any) {
	var in struct {
		Query, Sort, ObjectTypeID             string
		Offset, Count                         int
		ListIDs                               []string
		ProcessingTypes, AdditionalProperties []string
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if in.Count == 0 {
		in.Count = 20
	}
	all := []map[string]any{}
	for _, l := range a.rolls {
		if strings.Contains(strings.ToLower(l.name), strings.ToLower(in.Query)) && (in.ObjectTypeID == "" || in.ObjectTypeID == l.of.typeID) &&
			(len(in.ProcessingTypes) == 0 || slices.Contains(in.ProcessingTypes, l.kind)) && !l.deleted {
			m := l.show()
			m["additionalProperties"] = map[string]any{"hs_list_size": strconv.Itoa(len(l.standing()))}
			all = append(all, m)
		}
	}
	from := min(max(in.Offset, 0), len(all))
	to := min(from+in.Count, len(all))
	return 200, map[string]any{"lists": all[from:to], "offset": to, "hasMore": to < len(all), "total": len(all)}
}

// memberships answers GET …/{list}/memberships, ordered by record.
func (a *Account) memberships(r *request, l *roll) (int, any) {
	q := r.query("limit", "after", "before")
	limit, f := a.limit(q["limit"], 100, 250)
	if f != nil {
		return 0, f
	}
	all := l.standing()
	slices.SortFunc(all, func(x, y member) int { return int(x.id - y.id) })
	after, _ := parseID(q["after"])
	results := []map[string]any{}
	m := map[string]any{"total": len(all)}
	last := int64(0)
	for _, x := range all {
		if x.id <= after {
			continue
		}
		if len(results) == limit {
			m["paging"] = next(last)
			break
		}
		last = x.id
		results = append(results, map[string]any{"recordId": id(x.id), "membershipTimestamp": stamp(x.at)})
	}
	m["results"] = results
	return 200, m
}

// batchListsOf answers POST …/records/memberships/batch/read; how many records it takes is
// not documented. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/lists/memberships/get-memberships-batch
func (a *Account) batchListsOf(r *request) (int, any) {
	var in struct {
		Inputs []struct{ ObjectTypeID, RecordID string }
	}
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	if len(in.Inputs) == 0 || len(in.Inputs) > maxBatch {
		return 0, invalid(fmt.Sprintf("inputs must hold between 1 and %d records", maxBatch))
	}
	results := []map[string]any{}
	for _, i := range in.Inputs {
		o := a.object(i.ObjectTypeID)
		n, _ := parseID(i.RecordID)
		if o == nil || o.typeID != i.ObjectTypeID {
			return 0, invalid("Unable to infer object type from: " + i.ObjectTypeID)
		}
		results = append(results, map[string]any{"objectTypeId": o.typeID, "recordId": i.RecordID, "recordListMemberships": a.memberOf(o, n)})
	}
	return 200, map[string]any{"status": "COMPLETE", "results": results, "startedAt": stamp(r.now), "completedAt": stamp(r.now)}
}

// memberOf shows on which lists a record is.
func (a *Account) memberOf(o *object, n int64) []map[string]any {
	results := []map[string]any{}
	for _, l := range a.rolls {
		for _, m := range l.standing() {
			if l.of == o && m.id == n && !l.deleted {
				results = append(results, map[string]any{
					"listId": id(l.id), "listVersion": 1, "firstAddedTimestamp": stamp(m.at), "lastAddedTimestamp": stamp(m.at),
				})
			}
		}
	}
	return results
}

// listsOf answers GET …/records/{objectTypeId}/{recordId}/memberships.
func (a *Account) listsOf(r *request) (int, any) {
	o := a.object(r.path[1])
	n, _ := parseID(r.path[2])
	if o == nil {
		return 0, notFound()
	}
	results := a.memberOf(o, n)
	return 200, map[string]any{"results": results, "total": len(results)}
}
