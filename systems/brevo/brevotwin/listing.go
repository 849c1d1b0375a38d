package brevotwin

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sorted returns all contacts by creation.
func (a *Account) sorted() []*contact {
	return slices.SortedFunc(maps.Values(a.contacts), func(x, y *contact) int {
		if c := x.created.Compare(y.created); c != 0 {
			return c
		}
		return int(x.id - y.id)
	})
}

// listContacts answers a page; see https://developers.brevo.com/reference/get-contacts
func (a *Account) listContacts(r *request) (int, any) {
	q := r.query("limit", "offset", "modifiedSince", "createdSince", "sort", "ids", "listIds", "filter")
	limit, offset, f := a.window(q, 50, 1000)
	if f != nil {
		return failed(f)
	}
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

func (a *Account) selected(q map[string][]string) ([]*contact, *failure) {
	created, f := moment(q, "createdSince")
	modified, g := moment(q, "modifiedSince")
	ids, h := numbers(q["ids"], 20)
	on, i := numbers(q["listIds"], 50)
	for _, wrong := range []*failure{f, g, h, i} {
		if wrong != nil {
			return nil, wrong
		}
	}
	keep, f := filter(q["filter"])
	if f != nil {
		return nil, f
	}
	return slices.DeleteFunc(a.sorted(), func(x *contact) bool {
		onList := len(on) == 0 || slices.ContainsFunc(on, func(id int64) bool { return slices.Contains(x.lists, id) })
		return x.created.Add(a.listLag).After(a.Now()) || !created.IsZero() && !x.created.After(created) || !modified.IsZero() && !x.modified.After(modified) ||
			len(ids) > 0 && !slices.Contains(ids, x.id) || !onList || !keep(x)
	}), nil
}

func numbers(texts []string, most int) ([]int64, *failure) {
	var out []int64
	for _, text := range texts {
		for one := range strings.SplitSeq(text, ",") {
			n, err := strconv.ParseInt(one, 10, 64)
			if err != nil {
				return nil, invalid("ids must be integers")
			}
			out = append(out, n)
		}
	}
	if len(out) > most {
		return nil, invalid(fmt.Sprintf("at most %d ids can be passed", most))
	}
	return out, nil
}

// filter reads equals(ATTRIBUTE,"value").
func filter(given []string) (func(*contact) bool, *failure) {
	if len(given) == 0 {
		return func(*contact) bool { return true }, nil
	}
	m := regexp.MustCompile(`^equals\(([A-Z0-9_]+), ?"?([^"]*)"?\)$`).FindStringSubmatch(given[0])
	if m == nil {
		return nil, invalid("filter is not valid")
	}
	return func(x *contact) bool { return x.values[m[1]] != nil && fmt.Sprint(x.values[m[1]]) == m[2] }, nil
}

// batchCall changes contacts, all of them or none. One that is not there is passed over; how
// the vendor answers then is not documented.
func (a *Account) batchCall(r *request) (int, any) {
	r.query()
	var in struct {
		Contacts []contactInput `json:"contacts"`
	}
	if f := r.decode(&in); f != nil {
		return failed(f)
	}
	if len(in.Contacts) == 0 || len(in.Contacts) > 100 {
		return failed(invalid("contacts must be between 1 and 100"))
	}
	for _, try := range []bool{true, false} {
		for _, c := range in.Contacts {
			x := a.contacts[c.ID]
			if c.ID == 0 {
				x = a.by("email", c.Email)
			}
			if x == nil {
				continue
			}
			if try {
				copied := *x
				copied.values, copied.lists = maps.Clone(x.values), slices.Clone(x.lists)
				if _, f := a.apply(&copied, c, r); f != nil {
					return failed(f)
				}
				continue
			}
			if f := a.change(x, c, r, "api"); f != nil {
				return failed(f)
			}
		}
	}
	return 204, nil
}
