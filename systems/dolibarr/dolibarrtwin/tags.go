package dolibarrtwin

import (
	"net/http"
	"slices"
	"strconv"
)

// tagTypes are the types of categories by name, in the order of their numbers.
func tagTypes() []string {
	return []string{"product", "supplier", "customer", "member", "contact", "account", "project", "user"}
}

// tagType is the number of the type of the categories that an object's records can be in,
// "" for none.
func (t *table) tagType() string {
	switch t.name {
	case thirdParties:
		return "2"
	case contacts:
		return "4"
	case products:
		return "0"
	case projects:
		return "6"
	default:
		return ""
	}
}

// tagged returns the object whose records are in categories of a type.
func (t *Twin) tagged(typeName string) *table {
	for _, tab := range t.tables {
		if n := slices.Index(tagTypes(), typeName); n >= 0 && tab.tagType() == strconv.Itoa(n) {
			return tab
		}
	}
	return nil
}

// admitCategory turns the name of a type into its number.
func (t *Twin) admitCategory(tab *table, e *edit, body map[string]any) error {
	i := tab.byKey["type"]
	if n := slices.Index(tagTypes(), phpText(body["type"])); n >= 0 {
		e.cells[i] = strconv.Itoa(n)
	}
	if v, given := e.cells[tab.byKey["label"]]; given && v == "" {
		return fail(http.StatusInternalServerError, "ErrorFieldRequired")
	}
	return nil
}

// has reports whether a record is in a category.
func (r *row) has(tag int64) bool {
	_, found := slices.BinarySearch(r.tags, tag)
	return found
}

// untag takes every record out of a category that goes.
func (t *Twin) untag(tag int64) {
	for _, tab := range t.tables {
		for _, r := range tab.order {
			if i, found := slices.BinarySearch(r.tags, tag); found {
				r.tags = slices.Delete(r.tags, i, i+1)
			}
		}
	}
}

// recordTags answers what is asked of the categories of one record. Tagging moves no stamp
// and sets off no trigger (recorded).
func (t *Twin) recordTags(r *http.Request, who *login, method string, tab *table, parts []string) (any, error) {
	right := tab.right("creer")
	if method == http.MethodGet {
		right = "categorie.lire"
	}
	if !who.may(right) {
		return nil, fail(http.StatusForbidden, "")
	}
	row, err := t.visible(who, tab, parts[0])
	if err != nil {
		return nil, err
	}
	switch {
	case len(parts) == 2 && method == http.MethodGet && t.version == 20 && tab.name == contacts && len(row.tags) == 0:
		return 0, nil // seen on a running 20.0.2
	case len(parts) == 2 && method == http.MethodGet:
		return t.renderTags(row.tags), nil
	case len(parts) == 3 && (method == http.MethodPut || method == http.MethodDelete) && tab.name != products:
		if err := t.tag(r, tab, row, parts[2], method == http.MethodPut); err != nil {
			return nil, err
		}
		return t.render(nil, tab.shape.single, row), nil
	}
	return nil, fail(http.StatusNotFound, "")
}

// tag puts a record into a category or takes it out.
func (t *Twin) tag(r *http.Request, tab *table, row *row, id string, in bool) error {
	all := t.tables[categories]
	c := all.byID(id)
	if c == nil {
		return fail(http.StatusNotFound, "category not found")
	}
	if c.cells[all.byKey["type"]] != tab.tagType() {
		t.Unknown(r, "category of another type")
		return nil
	}
	tags := slices.Clone(row.tags)
	i, found := slices.BinarySearch(tags, c.id)
	switch {
	case found == in:
		return nil
	case in:
		tags = slices.Insert(tags, i, c.id)
	default:
		tags = slices.Delete(tags, i, i+1)
	}
	e := edit{tags: &tags, names: []string{tagsField}}
	t.change(tab, row, e, row.editor, row.tms)
	t.note(tab, row, byAPI, "update", e)
	return nil
}

func (t *Twin) renderTags(tags []int64) []byte {
	all := t.tables[categories]
	b := []byte{'['}
	for _, id := range tags {
		if c := all.rows[id]; c != nil {
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = t.render(b, all.shape.single, c)
		}
	}
	return append(b, ']')
}

// categoryPath answers what is asked below a category: its members, and making some.
func (t *Twin) categoryPath(r *http.Request, who *login, method string, parts []string) (any, error) {
	if parts[0] == "object" && len(parts) == 3 && method == http.MethodGet {
		return t.tagsOf(r, who, parts[1], parts[2])
	}
	if !who.may("categorie.lire") {
		return nil, fail(http.StatusForbidden, "")
	}
	c := t.tables[categories].byID(parts[0])
	if c == nil {
		return nil, fail(http.StatusNotFound, "category not found")
	}
	switch {
	case len(parts) == 2 && parts[1] == "objects" && method == http.MethodGet:
		return t.members(r, c)
	case len(parts) == 4 && parts[1] == "objects" && (method == http.MethodPost || method == http.MethodDelete):
		return t.tagBy(r, who, method, parts)
	}
	return nil, t.nowhere(r)
}

// members lists who is in a category.
func (t *Twin) members(r *http.Request, c *row) (any, error) {
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains([]string{"type", "onlyids", "DOLAPIKEY", "api_key"}, name) {
			t.Unknown(r, "parameter "+name)
		}
	}
	if q.Get("type") == "" {
		return nil, fail(http.StatusBadRequest, "type is required")
	}
	tab := t.tagged(q.Get("type"))
	if tab == nil {
		t.Unknown(r, "type of categories")
		return []byte("[]"), nil
	}
	b := []byte{'['}
	for _, row := range tab.order {
		if row.gone || row.entity > 1 || !row.has(c.id) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		if numeric(q.Get("onlyids")) != 0 {
			b = appendQuotedInt(b, row.id)
			continue
		}
		b = t.render(b, tab.shape.single, row)
	}
	return append(b, ']'), nil
}

// tagBy puts a record into a category by the category's address.
func (t *Twin) tagBy(r *http.Request, who *login, method string, parts []string) (any, error) {
	tab := t.tagged(parts[2])
	switch {
	case tab == nil || tab.name == projects:
		return nil, fail(http.StatusBadRequest, "this type is not recognized yet.")
	case !who.may(tab.right("creer")):
		return nil, fail(http.StatusForbidden, "")
	}
	row := tab.byID(parts[3])
	if row == nil {
		return nil, fail(http.StatusInternalServerError, "Error when fetching object")
	}
	if err := t.tag(r, tab, row, parts[0], method == http.MethodPost); err != nil {
		return nil, err
	}
	done := "linked to"
	if method == http.MethodDelete {
		done = "unlinked from"
	}
	return map[string]any{"success": map[string]any{"code": 200, "message": "Objects successfully " + done + " the category"}}, nil
}

// tagsOf lists the categories of a record by the categories' address, which asks for a
// right to contacts that does not exist (recorded).
func (t *Twin) tagsOf(r *http.Request, who *login, typeName, id string) (any, error) {
	tab := t.tagged(typeName)
	if tab == nil || tab.name == contacts && !who.admin || !who.may(tab.right("lire")) {
		return nil, fail(http.StatusForbidden, "")
	}
	row := tab.byID(id)
	if row == nil {
		t.Unknown(r, "record")
		return []byte("[]"), nil
	}
	return t.renderTags(row.tags), nil
}
