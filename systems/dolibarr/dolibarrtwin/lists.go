package dolibarrtwin

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// object answers what is asked of one object.
func (t *Twin) object(r *http.Request, who *login, method string, tab *table, parts []string) (any, error) {
	switch {
	case len(parts) == 0 && method == http.MethodGet:
		return t.list(r, who, tab)
	case len(parts) == 0 && method == http.MethodPost:
		return t.create(r, who, tab)
	case len(parts) == 1 && method == http.MethodGet && tab.name == users && parts[0] == "info":
		if !who.may("user.lire") {
			return nil, fail(http.StatusForbidden, "Not allowed")
		}
		return t.render(nil, tab.shape.single, tab.rows[who.id]), nil
	case len(parts) == 1:
		return t.record(r, who, method, tab, parts[0])
	case len(parts) == 2 && method == http.MethodGet && slices.Contains(tab.find, parts[0]):
		return t.lookup(who, tab, parts[0], parts[1])
	case len(parts) >= 2:
		return t.below(r, who, method, tab, parts)
	}
	return nil, t.nowhere(r)
}

// below answers what is asked of a part of a record.
func (t *Twin) below(r *http.Request, who *login, method string, tab *table, parts []string) (any, error) {
	if tab.name == categories {
		return t.categoryPath(r, who, method, parts)
	}
	if _, err := strconv.ParseInt(parts[0], 10, 64); err != nil {
		t.Unknown(r, "no such route")
		return nil, badID()
	}
	if method == http.MethodPost && len(parts) == 2 {
		for _, a := range actions() {
			if a.object == tab.name && a.verb == parts[1] {
				return t.act(r, who, tab, parts[0], a)
			}
		}
	}
	switch {
	case len(parts) == 3 && method == http.MethodPut && tab.name == thirdParties && parts[1] == "merge":
		return t.merge(r.Context(), who, tab, parts[0], parts[2])
	case tab.tagType() != "" && tab.name != projects && parts[1] == "categories":
		return t.recordTags(r, who, method, tab, parts)
	case tab.line != "" && (parts[1] == "lines" || parts[1] == "line" && tab.name == proposals):
		return t.linePath(r, who, method, tab, parts)
	case tab.name == invoices && len(parts) == 2 && parts[1] == "payments" && method == http.MethodGet:
		return []byte("[]"), nil
	case tab.name == invoices && len(parts) == 2 && parts[1] == "payments" && method == http.MethodPost:
		return nil, fail(http.StatusBadRequest, "Add payment to bank error : ThisIdNotDefined") // there is no bank account
	}
	return nil, t.nowhere(r)
}

// nowhere is the answer to what the API does not have, or the twin does not.
func (t *Twin) nowhere(r *http.Request) error {
	t.Unknown(r, "no such route")
	return fail(http.StatusNotFound, "")
}

func badID() *failure { return fail(http.StatusBadRequest, "invalid value specified for `id`") }

func (t *Twin) record(r *http.Request, who *login, method string, tab *table, id string) (any, error) {
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return nil, badID()
	}
	switch method {
	case http.MethodGet:
		if tab.name == thirdParties && id == "0" { // the vendor shows a specimen then
			return []byte(strings.Replace(tab.trait.shape, `"id":""`, `"id":0`, 1)), nil
		}
		row, err := t.visible(who, tab, id)
		if err != nil {
			return nil, err
		}
		if names := r.URL.Query().Get("properties"); names != "" && tab.name == invoices && t.version > 20 {
			chunks, _ := tab.shape.only(strings.Split(names, ","))
			return t.render(nil, chunks, row), nil
		}
		return t.render(nil, tab.shape.single, row), nil
	case http.MethodPut:
		return t.update(r, who, tab, id)
	case http.MethodDelete:
		return t.remove(r.Context(), who, tab, id)
	default:
		return nil, fail(http.StatusNotFound, "")
	}
}

// visible returns a record if the user may see it.
func (t *Twin) visible(who *login, tab *table, id string) (*row, error) {
	if !who.may(tab.right("lire")) {
		return nil, fail(http.StatusForbidden, "")
	}
	row := tab.byID(id)
	if row == nil {
		return nil, fail(http.StatusNotFound, tab.label+" not found")
	}
	if !tab.open && !who.may("client.voir") || row.hidden {
		what := map[string]string{thirdParties: " on this thirdparty", users: " on this thirdparty", contacts: " on this contact"}[tab.name]
		return nil, fail(http.StatusForbidden, "Access not allowed for login "+who.name+what)
	}
	return row, nil
}

func (t *table) right(verb string) string { return t.trait.right + "." + verb }

// lookup finds a record by a path.
func (t *Twin) lookup(who *login, tab *table, key, value string) (any, error) {
	if key == "email" {
		return t.byEmail(tab, value)
	}
	i, want := tab.byKey[key], fold(value)
	for _, r := range tab.order {
		if !r.gone && r.entity <= 1 && r.cells[i] != "" && same(r.cells[i], want) {
			row, err := t.visible(who, tab, strconv.FormatInt(r.id, 10))
			if err != nil {
				return nil, err
			}
			return t.render(nil, tab.shape.single, row), nil
		}
	}
	return nil, fail(http.StatusNotFound, tab.missing()+" not found")
}

// missing is what is not found by a lookup.
func (t *table) missing() string {
	if t.labelPut != "" {
		return t.labelPut
	}
	return t.label
}

// byEmail answers the empty shell that the vendor gives when several records match.
func (t *Twin) byEmail(tab *table, email string) (any, error) {
	col := tab.byKey["email"]
	want := fold(email)
	var found []*row
	for _, r := range tab.order {
		if !r.gone && r.entity <= 1 && r.cells[col] != "" && same(r.cells[col], want) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return nil, fail(http.StatusNotFound, tab.label+" not found")
	case 1:
		return t.render(nil, tab.shape.single, found[0]), nil
	default:
		return []byte(strings.Replace(tab.trait.shape, `"id":""`, `"id":null`, 1)), nil
	}
}

// paging reads limit and page; the limit is 100 if not given, and none if not positive.
func paging(r *http.Request) (limit, page int, err error) {
	limit = 100
	q := r.URL.Query()
	for _, p := range []struct {
		name string
		into *int
	}{{"limit", &limit}, {"page", &page}} {
		s := q.Get(p.name)
		if s == "" {
			continue
		}
		if *p.into, err = strconv.Atoi(s); err != nil {
			return 0, 0, fail(http.StatusBadRequest, "Invalid value specified for `"+p.name+"`. Expecting integer value")
		}
	}
	if limit <= 0 {
		limit = math.MaxInt32
	}
	return limit, max(page, 0), nil
}

// list answers one page.
func (t *Twin) list(r *http.Request, who *login, tab *table) (any, error) {
	limit, page, err := paging(r)
	if err != nil {
		return nil, err
	}
	if err := mayList(who, tab); err != nil {
		return nil, err
	}
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains([]string{"limit", "page", "sortfield", "sortorder", "sqlfilters", "properties", "pagination_data", "DOLAPIKEY", "api_key"}, name) && !slices.Contains(tab.params, name) {
			t.Unknown(r, "parameter "+name)
		}
	}
	f, err := t.parseFilter(tab, q.Get("sqlfilters"))
	if err != nil {
		return nil, t.filterFailure(r, tab, err)
	}
	order, err := sorting(tab, q.Get("sortfield"), q.Get("sortorder"))
	if err != nil {
		return nil, fail(http.StatusServiceUnavailable, tab.retrieving()+err.Error())
	}
	if tab.name == categories && q.Get("type") != "" && !slices.Contains(tagTypes(), q.Get("type")) {
		return t.badType()
	}
	rows := t.pick(tab, who, f, order, narrowing(tab, q), limit, page, q.Get("pagination_data") != "")
	total := len(rows)
	if order != nil || page > 0 || q.Get("pagination_data") != "" {
		rows = window(rows, limit, page)
	}
	if t.pageCap > 0 && len(rows) > t.pageCap {
		return nil, pageError{status: http.StatusInternalServerError}
	}
	if len(rows) == 0 && (tab.name == thirdParties || tab.name == contacts && t.version == 20) {
		return nil, fail(http.StatusNotFound, t.nothing(tab, q.Get("mode")))
	}
	if q.Get("ids_only") != "" && q.Get("ids_only") != "0" && q.Get("ids_only") != "false" {
		return idsOf(rows), nil
	}
	body := t.renderList(r, tab, rows, q.Get("properties"))
	if q.Get("pagination_data") != "" && (t.version > 20 && tab.name != users && tab.name != categories || tab.paged20) {
		return paged(body, total, page, limit), nil
	}
	return body, nil
}

func mayList(who *login, tab *table) error {
	if who.may(tab.right("lire")) {
		return nil
	}
	return fail(http.StatusForbidden, tab.unseen)
}

// badType is the answer to a type of categories that there is not.
func (t *Twin) badType() (any, error) {
	if t.version > 20 {
		return []byte("[]"), nil
	}
	return nil, fail(http.StatusServiceUnavailable, "Error when retrieve category list : You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near 'ORDER BY t.rowid ASC LIMIT 101' at line 1")
}

func (t *Twin) filterFailure(r *http.Request, tab *table, err error) error {
	if column, ok := errors.AsType[columnError](err); ok {
		t.Unknown(r, "column "+string(column))
		return fail(http.StatusServiceUnavailable, tab.retrieving()+err.Error())
	}
	return fail(http.StatusBadRequest, err.Error())
}

// retrieving is how the vendor begins to complain about SQL.
func (t *table) retrieving() string { return "Error when retrieve " + t.listing + " : " }

func (t *Twin) nothing(tab *table, mode string) string {
	switch {
	case tab.name == contacts:
		return "Contacts not found"
	case t.version == 20:
		return "Thirdparties not found"
	case mode == "4":
		return "No suppliers found"
	default:
		return "No third parties found"
	}
}

// sorting compiles the order; nil is by id, which the rows are in already.
func sorting(tab *table, fields, orders string) (func(a, b *row) int, error) {
	if fields == "" {
		fields = tab.sort
	}
	if fields == "" || fields == tab.idColumn() && !strings.EqualFold(orders, "DESC") {
		return nil, nil
	}
	words := strings.Split(orders, ",")
	var by []func(a, b *row) int
	for i, name := range strings.Split(fields, ",") {
		c, err := tab.comparison(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if i < len(words) && strings.EqualFold(strings.TrimSpace(words[i]), "DESC") {
			up := c
			c = func(a, b *row) int { return up(b, a) }
		}
		by = append(by, c)
	}
	return func(a, b *row) int {
		for _, c := range by {
			if n := c(a, b); n != 0 {
				return n
			}
		}
		return cmp.Compare(a.id, b.id)
	}, nil
}

// comparison compiles the order by one column.
func (t *table) comparison(name string) (func(a, b *row) int, error) {
	col, known := t.bySQL[strings.TrimPrefix(name, "t.")]
	switch {
	case name == t.idColumn():
		return func(a, b *row) int { return cmp.Compare(a.id, b.id) }, nil
	case name == "t.tms":
		return func(a, b *row) int { return cmp.Compare(a.tms, b.tms) }, nil
	case name == "tms" || name == "rowid":
		return nil, errors.New("Column '" + name + "' in ORDER BY is ambiguous")
	case !known || !strings.HasPrefix(name, "t."):
		return nil, errors.New("Unknown column '" + name + "' in 'ORDER BY'")
	}
	switch t.cols[col].kind {
	case number, decimal, moment, flag:
		return func(a, b *row) int { return cmp.Compare(numeric(a.cells[col]), numeric(b.cells[col])) }, nil
	default:
		return func(a, b *row) int { return strings.Compare(fold(a.cells[col]), fold(b.cells[col])) }, nil
	}
}

// idColumn is the id's name in filters and orders.
func (t *table) idColumn() string {
	if t.key != "" {
		return "t." + t.key
	}
	return "t.rowid"
}

// pick returns the rows that the filter wants. By id and without a page number it stops
// when the page is full.
func (t *Twin) pick(tab *table, who *login, f filter, order func(a, b *row) int, wanted cond, limit, page int, all bool) []*row {
	if !tab.open && !who.may("client.voir") {
		return nil // the rows of others are not there for this user
	}
	candidates := tab.order
	switch {
	case f.ids != nil:
		candidates = nil
		slices.Sort(f.ids)
		for _, id := range slices.Compact(f.ids) {
			if r := tab.rows[id]; r != nil {
				candidates = append(candidates, r)
			}
		}
	case f.after > 0:
		from, _ := slices.BinarySearchFunc(candidates, f.after+1, func(r *row, id int64) int { return cmp.Compare(r.id, id) })
		candidates = candidates[from:]
	}
	var rows []*row
	for _, r := range candidates {
		if r.gone || r.entity > 1 || r.hidden || !f.match(r) || !wanted(r) {
			continue
		}
		if rows = append(rows, r); order == nil && page == 0 && !all && len(rows) == limit {
			break
		}
	}
	if order != nil {
		slices.SortFunc(rows, order)
	}
	return rows
}

func (t *Twin) renderList(r *http.Request, tab *table, rows []*row, properties string) []byte {
	chunks := tab.shape.listed
	width := 4500
	if properties != "" {
		var unknown []string
		chunks, unknown = tab.shape.only(strings.Split(properties, ","))
		for _, name := range unknown {
			t.Unknown(r, "property "+name)
		}
		width = 100 + 30*len(chunks)
	}
	b := make([]byte, 0, 2+len(rows)*width)
	b = append(b, '[')
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = t.render(b, chunks, row)
	}
	return append(b, ']')
}

func paged(body []byte, total, page, limit int) []byte {
	b := append([]byte(`{"data":`), body...)
	return append(b, quotedPagination(total, page, limit)...)
}

func quotedPagination(total, page, limit int) []byte {
	p := quoted(map[string]int{"total": total, "page": page, "page_count": (total + limit - 1) / limit, "limit": limit})
	return append(append([]byte(`,"pagination":`), p...), '}')
}
