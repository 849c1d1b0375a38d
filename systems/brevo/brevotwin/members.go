package brevotwin

import (
	"net/http"
	"slices"
	"strconv"
)

// mostMembers is how many contacts one call puts on a list or takes off it; see
// https://developers.brevo.com/reference/add-contact-to-list
const mostMembers = 150

// insideCall answers what is below one list or folder.
func (a *Account) insideCall(r *request, l *list) (int, any) {
	below := r.path[1] + " " + r.path[3]
	switch {
	case len(r.path) == 4 && below == "folders lists" && r.Method == http.MethodGet:
		return a.folderLists(r, l)
	case len(r.path) == 4 && below == "lists contacts" && r.Method == http.MethodGet:
		return a.members(r, l)
	case len(r.path) == 5 && below == "lists contacts" && r.Method == http.MethodPost && r.path[4] == "add":
		return a.joinCall(r, l, true)
	case len(r.path) == 5 && below == "lists contacts" && r.Method == http.MethodPost && r.path[4] == "remove":
		return a.joinCall(r, l, false)
	}
	return a.unknown(r)
}

func (a *Account) folderLists(r *request, folder *list) (int, any) {
	limit, offset, f := a.window(r.query("limit", "offset", "sort"), 10, 50)
	if f != nil {
		return failed(f)
	}
	in := slices.DeleteFunc(slices.Clone(a.lists), func(l *list) bool { return l.folder != folder.id })
	out := []any{}
	for _, l := range part(in, offset, limit) {
		out = append(out, l.show())
	}
	return 200, map[string]any{"lists": out, "count": len(in)}
}

// members shows who is on a list; see https://developers.brevo.com/reference/get-contacts-from-list
func (a *Account) members(r *request, l *list) (int, any) {
	q := r.query("limit", "offset", "modifiedSince", "sort")
	limit, offset, f := a.window(q, 50, 500)
	if f != nil {
		return failed(f)
	}
	q.Set("listIds", strconv.FormatInt(l.id, 10))
	all, f := a.selected(q)
	if f != nil {
		return failed(f)
	}
	if q.Get("sort") != "asc" {
		slices.Reverse(all)
	}
	out := []any{}
	for _, x := range part(all, offset, limit) {
		out = append(out, x.show())
	}
	return 200, map[string]any{"contacts": out, "count": len(all)}
}

// joinCall puts contacts on a list, or takes them off it, and tells of each of them.
func (a *Account) joinCall(r *request, l *list, on bool) (int, any) {
	var in struct {
		Emails []string `json:"emails"`
		IDs    []int64  `json:"ids"`
		ExtIDs []string `json:"extIds"`
		All    bool     `json:"all"`
	}
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	who := map[string]*contact{}
	var named []any
	name := func(kind, value string, as any) { named, who[value] = append(named, as), a.by(kind, value) }
	for _, v := range in.Emails {
		name("email_id", v, v)
	}
	for _, v := range in.IDs {
		name("contact_id", strconv.FormatInt(v, 10), v)
	}
	for _, v := range in.ExtIDs {
		name("ext_id", v, v)
	}
	switch {
	case in.All && !on:
		return 201, map[string]any{"contacts": map[string]any{"processId": a.next(), "total": a.empty(r, l)}}
	case len(named) == 0:
		return failed(missing("emails, ids or extIds are missing"))
	case len(named) > mostMembers:
		return failed(invalid("at most 150 contacts can be passed"))
	}
	success, failure := []any{}, []any{}
	for _, as := range named {
		key, ok := as.(string)
		if n, is := as.(int64); is && !ok {
			key = strconv.FormatInt(n, 10)
		}
		x := who[key]
		if x == nil || slices.Contains(x.lists, l.id) == on {
			failure = append(failure, as)
			continue
		}
		success = append(success, as)
		a.join(x, l, r, on)
	}
	if len(success) == 0 {
		return failed(invalid("Contact already in list and/or does not exist"))
	}
	return 201, map[string]any{"contacts": map[string]any{"success": success, "failure": failure}}
}

func (a *Account) join(x *contact, l *list, r *request, on bool) {
	in := contactInput{Lists: []int64{l.id}}
	if !on {
		in = contactInput{Unlink: []int64{l.id}}
	}
	_ = a.change(x, in, r, "api") // the list is there
}

func (a *Account) empty(r *request, l *list) int {
	n := 0
	for _, x := range a.sorted() {
		if slices.Contains(x.lists, l.id) {
			a.join(x, l, r, false)
			n++
		}
	}
	return n
}

func (a *Account) createFolder(r *request) (int, any) {
	var in listInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if in.Name == "" {
		return failed(missing("name is missing"))
	}
	l := &list{id: a.next(), name: in.Name}
	a.folders = append(a.folders, l)
	a.act("api", "create", "folders", strconv.FormatInt(l.id, 10), map[string]string{"name": in.Name})
	return 201, map[string]any{"id": l.id}
}

func (a *Account) renameFolder(r *request, l *list) (int, any) {
	var in listInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if in.Name == "" {
		return failed(missing("name is missing"))
	}
	l.name = in.Name
	a.act("api", "update", "folders", strconv.FormatInt(l.id, 10), map[string]string{"name": in.Name})
	return 204, nil
}

// dropList deletes a list, or a folder with the lists in it. Contacts stay.
func (a *Account) dropList(r *request, l *list) (int, any) {
	gone := []*list{l}
	if r.path[1] == "folders" {
		gone = slices.DeleteFunc(slices.Clone(a.lists), func(x *list) bool { return x.folder != l.id })
		a.folders = slices.DeleteFunc(a.folders, func(x *list) bool { return x == l })
	}
	for _, x := range gone {
		a.lists = slices.DeleteFunc(a.lists, func(y *list) bool { return y == x })
		for _, c := range a.contacts {
			c.lists = slices.DeleteFunc(slices.Clone(c.lists), func(id int64) bool { return id == x.id })
		}
	}
	a.act("api", "delete", r.path[1], strconv.FormatInt(l.id, 10), nil)
	return 204, nil
}
