package brevotwin

import (
	"net/http"
	"slices"
	"strconv"
)

// A list, or a folder of lists.
type list struct {
	id, folder int64
	name       string
}

func (a *Account) list(id int64) *list {
	i := slices.IndexFunc(a.lists, func(l *list) bool { return l.id == id })
	if i < 0 {
		return nil
	}
	return a.lists[i]
}

func (l *list) show() map[string]any {
	m := map[string]any{"id": l.id, "name": l.name, "totalBlacklisted": 0, "totalSubscribers": 0, "uniqueSubscribers": 0}
	if l.folder != 0 {
		m["folderId"] = l.folder
	}
	return m
}

// listsCall answers /contacts/lists and /contacts/folders; see
// https://developers.brevo.com/reference/get-lists
func (a *Account) listsCall(r *request) (int, any) {
	all := a.lists
	if r.path[1] == "folders" {
		all = a.folders
	}
	switch {
	case len(r.path) == 2 && r.Method == http.MethodGet:
		q := r.query("limit", "offset", "sort")
		limit, offset, f := a.window(q, 10, 50)
		if f != nil {
			return failed(f)
		}
		all = slices.Clone(all)
		if q.Get("sort") != "asc" {
			slices.Reverse(all)
		}
		out := []any{}
		for _, l := range part(all, offset, limit) {
			out = append(out, l.show())
		}
		return 200, map[string]any{r.path[1]: out, "count": len(all)}
	case len(r.path) == 2 && r.Method == http.MethodPost && r.path[1] == "lists":
		return a.createList(r)
	case len(r.path) == 2 && r.Method == http.MethodPost:
		return a.createFolder(r)
	case len(r.path) < 3:
		return a.unknown(r)
	}
	id, _ := strconv.ParseInt(r.path[2], 10, 64)
	i := slices.IndexFunc(all, func(l *list) bool { return l.id == id })
	if i < 0 {
		return failed(notFound("List ID does not exist"))
	}
	if len(r.path) > 3 {
		return a.insideCall(r, all[i])
	}
	r.query()
	switch {
	case r.Method == http.MethodDelete:
		return a.dropList(r, all[i])
	case r.Method == http.MethodPut && r.path[1] == "folders":
		return a.renameFolder(r, all[i])
	case r.Method == http.MethodGet:
		m := all[i].show()
		if r.path[1] == "lists" {
			m["createdAt"], m["dynamicList"] = "2026-01-01T00:00:00.000Z", false
		}
		return 200, m
	case r.Method == http.MethodPut && r.path[1] == "lists":
		return a.changeList(r, all[i])
	}
	return a.unknown(r)
}

type listInput struct {
	Name   string `json:"name"`
	Folder int64  `json:"folderId"`
}

func (a *Account) createList(r *request) (int, any) {
	var in listInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	switch {
	case in.Name == "":
		return failed(missing("name is missing"))
	case !a.hasFolder(in.Folder):
		return failed(invalid("Folder ID does not exist"))
	}
	l := &list{id: a.next(), name: in.Name, folder: in.Folder}
	a.lists = append(a.lists, l)
	a.act("api", "create", "lists", strconv.FormatInt(l.id, 10), map[string]string{"name": in.Name})
	return 201, map[string]any{"id": l.id}
}

func (a *Account) changeList(r *request, l *list) (int, any) {
	var in listInput
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	switch {
	case in.Name != "" && in.Folder != 0:
		return failed(invalid("Either of the two parameters name and folderId can be updated at a time"))
	case in.Name != "":
		l.name = in.Name
	case a.hasFolder(in.Folder):
		l.folder = in.Folder
	default:
		return failed(invalid("Folder ID does not exist"))
	}
	a.act("api", "update", "lists", strconv.FormatInt(l.id, 10), map[string]string{"name": l.name})
	return 204, nil
}

func (a *Account) hasFolder(id int64) bool {
	return slices.ContainsFunc(a.folders, func(l *list) bool { return l.id == id })
}
