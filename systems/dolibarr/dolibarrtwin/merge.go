package dolibarrtwin

import (
	"context"
	"net/http"
	"strconv"
)

// merge answers the call that folds one third party into another, which takes over its
// contacts and documents, its notes and what it has not itself.
func (t *Twin) merge(ctx context.Context, who *login, tab *table, keep, gone string) (any, error) {
	if keep == gone {
		return nil, fail(http.StatusBadRequest, "Try to merge a thirdparty into itself")
	}
	if !who.may("societe.creer") || !who.may("societe.supprimer") {
		return nil, fail(http.StatusForbidden, "")
	}
	to, from := tab.byID(keep), tab.byID(gone)
	if to == nil || from == nil {
		return nil, fail(http.StatusNotFound, "Thirdparty not found")
	}
	return t.fold(ctx, to, from, who.id, byAPI)
}

// fold is the merge itself.
func (t *Twin) fold(ctx context.Context, to, from *row, by int64, doer string) (any, error) {
	tab := t.tables[thirdParties]
	e := edit{cells: map[int]string{}}
	for i, c := range tab.cols {
		switch {
		case from.cells[i] == "" || c.kind == number:
		case to.cells[i] == "":
			e.cells[i], e.names = from.cells[i], append(e.names, wireName(c.key))
		case c.kind == markup:
			e.cells[i], e.names = to.cells[i]+"\n"+from.cells[i], append(e.names, c.key)
		}
	}
	set := []firing{{"COMPANY_MODIFY", tab, to, e}, {"COMPANY_DELETE", tab, from, edit{}}}
	return t.commit(ctx, save{by: by, calls: set, do: func() (any, error) {
		if to.gone || from.gone {
			return nil, fail(http.StatusNotFound, "Thirdparty not found")
		}
		now := t.Now().Unix()
		for _, name := range []string{contacts, projects, proposals, orders, invoices, events} {
			t.relink(t.tables[name], strconv.FormatInt(from.id, 10), strconv.FormatInt(to.id, 10), now)
		}
		t.note(tab, from, doer, "delete", edit{})
		tab.remove(from)
		t.change(tab, to, e, by, now)
		t.note(tab, to, doer, "update", e)
		return t.updated(tab, to, nil, true), nil
	}})
}

// relink moves what hangs on one third party to another.
func (t *Twin) relink(tab *table, from, to string, now int64) {
	soc := tab.byKey["socid"]
	for _, r := range tab.order {
		if !r.gone && r.cells[soc] == from {
			r.cells[soc], r.tms, r.wall = to, now, wall(now, t.dbZone)
		}
	}
}
