package dolibarrtwin

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// narrowing compiles what has a parameter of its own besides the filter.
func narrowing(tab *table, q url.Values) cond {
	var all []cond
	within := func(key, parameter string) {
		if s := q.Get(parameter); s != "" {
			col, ids := tab.byKey[key], strings.Split(s, ",")
			all = append(all, func(r *row) bool { return slices.Contains(ids, r.cells[col]) })
		}
	}
	switch tab.name {
	case thirdParties:
		all = append(all, companyMode(tab, q.Get("mode")), companyTag(q))
	case contacts, proposals, orders, projects:
		within("socid", "thirdparty_ids")
	case invoices:
		within("socid", "thirdparty_ids")
		if n := slices.Index([]string{"draft", "unpaid", "paid", "cancelled"}, q.Get("status")); n >= 0 {
			status, want := tab.byKey["status"], strconv.Itoa(n)
			all = append(all, func(r *row) bool { return r.cells[status] == want })
		}
	case events:
		within("userownerid", "user_ids")
	case products:
		if mode := q.Get("mode"); mode == "1" || mode == "2" {
			kind, want := tab.byKey["type"], strconv.Itoa(int(mode[0]-'1'))
			all = append(all, func(r *row) bool { return r.cells[kind] == want })
		}
		if tag := int64(numeric(q.Get("category"))); tag > 0 {
			all = append(all, func(r *row) bool { return r.has(tag) })
		}
	case categories:
		if n := slices.Index(tagTypes(), q.Get("type")); n >= 0 {
			kind, want := tab.byKey["type"], strconv.Itoa(n)
			all = append(all, func(r *row) bool { return r.cells[kind] == want })
		}
	}
	all = slices.DeleteFunc(all, func(c cond) bool { return c == nil })
	if len(all) == 0 {
		return func(*row) bool { return true }
	}
	return func(r *row) bool { return !slices.ContainsFunc(all, func(c cond) bool { return !c(r) }) }
}

// companyMode is the parameter mode of third parties.
func companyMode(tab *table, mode string) cond {
	client, supplier := tab.byKey["client"], tab.byKey["fournisseur"]
	switch mode {
	case "1":
		return func(r *row) bool { return r.cells[client] == "1" || r.cells[client] == "3" }
	case "2":
		return func(r *row) bool { return r.cells[client] == "2" || r.cells[client] == "3" }
	case "3":
		return func(r *row) bool { return r.cells[client] == "0" }
	case "4":
		return func(r *row) bool { return r.cells[supplier] == "1" }
	default:
		return nil
	}
}

// companyTag is the parameter category of third parties, which finds nothing without a
// mode that says of what kind (recorded).
func companyTag(q url.Values) cond {
	tag := int64(numeric(q.Get("category")))
	if tag <= 0 {
		return nil
	}
	mode := q.Get("mode")
	return func(r *row) bool { return mode == "1" && r.has(tag) }
}

// idsOf is a list of bare ids.
func idsOf(rows []*row) []byte {
	b := []byte{'['}
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuotedInt(b, r.id)
	}
	return append(b, ']')
}

func window(rows []*row, limit, page int) []*row {
	from := min(len(rows), page*limit)
	return rows[from:min(len(rows), from+limit)]
}
