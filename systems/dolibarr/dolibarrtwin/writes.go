package dolibarrtwin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// create answers a POST: the bare id, or why not.
func (t *Twin) create(r *http.Request, who *login, tab *table) (any, error) {
	if tab.name == users {
		return nil, fail(http.StatusForbidden, "User creation not allowed for login "+who.name)
	}
	if !who.may(tab.right("creer")) {
		return nil, fail(http.StatusForbidden, tab.refused)
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	for _, must := range tab.must {
		if _, ok := body[must]; !ok {
			return nil, fail(http.StatusBadRequest, must+" field missing")
		}
	}
	e, err := t.demand(r, tab, nil, body)
	if err != nil {
		return nil, creating(tab, err)
	}
	if e.cells[0] == "" && tab.name == thirdParties {
		return nil, fail(http.StatusInternalServerError, "Error creating thirdparty", nil, "ErrorBadThirdPartyName")
	}
	if err := t.admit(tab, nil, &e, body); err != nil {
		return nil, creating(tab, err)
	}
	if tab.line != "" {
		if err := t.demandLines(r, tab, body, &e); err != nil {
			return nil, creating(tab, err)
		}
	}
	row := t.build(tab, e, who.id, t.Now().Unix())
	tab.count(row)
	id, err := t.make(r.Context(), tab, row, e, byAPI)
	if err != nil {
		return nil, creating(tab, err)
	}
	return id, nil
}

// creating wraps what the database refused: the reason stands beside the message.
func creating(tab *table, err error) error {
	var f *failure
	if !errors.As(err, &f) || f.status != http.StatusInternalServerError {
		return err
	}
	what := "Error creating " + tab.noun
	if f.details == nil {
		return fail(f.status, what, f.message)
	}
	return fail(f.status, what, f.details...)
}

// demandLines reads the lines of a new document.
func (t *Twin) demandLines(r *http.Request, tab *table, body map[string]any, e *edit) error {
	given, ok := body[linesField]
	if !ok {
		return nil
	}
	lines := []line{}
	for _, b := range lineBodies(given) {
		if typeless(t.version, tab.name, b) {
			tab.lastID++ // the document was there already
			return t.technical(r, tab)
		}
		l := line{}
		if err := t.takeLine(r, &l, b, true); err != nil {
			return fail(http.StatusInternalServerError, err.Error())
		}
		lines = append(lines, l)
	}
	e.lines, e.names = &lines, append(e.names, linesField)
	return nil
}

// update answers a PUT: the whole record as it is then, with what the caller sent and
// the vendor does not know echoed.
func (t *Twin) update(r *http.Request, who *login, tab *table, id string) (any, error) {
	if tab.name == users || !who.may(tab.right("creer")) {
		return nil, fail(http.StatusForbidden, "")
	}
	row, err := t.visible(who, tab, id)
	var f *failure
	if errors.As(err, &f) && f.status == http.StatusNotFound && tab.labelPut != "" {
		return nil, fail(f.status, tab.labelPut+" not found")
	}
	if err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	e, err := t.demand(r, tab, row, body)
	if err != nil {
		return nil, err
	}
	if v, given := e.cells[0]; given && v == "" && (tab.name == thirdParties || tab.name == contacts) {
		delete(e.cells, 0) // an empty name is passed over in silence
	}
	if err := t.admit(tab, row, &e, body); err != nil {
		return nil, err
	}
	if tab.name != thirdParties && tab.name != contacts {
		e.extras = len(tab.extras) > 0 // these save the extrafields in any case
	}
	set := firings(tab, "MODIFY", row, e)
	logged := len(set) > 0 && t.logs(set[0])
	return t.alter(r.Context(), tab, row, e, who.id, byAPI, set, func() (any, error) {
		if n, ok := body["entity"]; ok {
			row.entity = int(numeric(phpText(n)))
			if row.entity > 1 {
				return nil, fail(http.StatusNotFound, tab.label+" not found")
			}
		}
		return t.updated(tab, row, body, logged), nil
	})
}

// updated renders the answer to a PUT or an action. A row that the agenda got shows in it.
func (t *Twin) updated(tab *table, r *row, body map[string]any, logged bool) []byte {
	b := t.render(nil, tab.shape.single, r)
	if logged && tab.track != "" {
		b = bytes.Replace(b, []byte(`"actiontypecode":null,`), nil, 1)
	}
	b = b[:len(b)-1]
	if tab.name == thirdParties {
		b = fmt.Appendf(b, `,"socid":%d`, r.id)
	}
	if logged && tab.track != "" {
		b = fmt.Appendf(b, `,"trackid":"%s%d"`, tab.track, r.id)
	}
	for _, key := range sortedKeys(body) {
		if !tab.knows(key) {
			b = append(append(append(b, ','), quoted(key)...), ':')
			b = append(b, quoted(body[key])...)
		}
	}
	return append(b, '}')
}

func (t *table) knows(key string) bool {
	return key == "socid" || key == "trackid" || key == linesField || slices.ContainsFunc(t.shape.segments, func(g segment) bool { return g.key == key })
}

// phpText is what PHP makes of a JSON value where it wants a text.
func phpText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "1"
		}
	}
	return ""
}

// admit checks what the database and the vendor's own rules refuse.
func (t *Twin) admit(tab *table, r *row, e *edit, body map[string]any) error {
	for i, c := range tab.cols {
		v, given := e.cells[i]
		if !given {
			continue
		}
		if err := t.fits(tab.db, c.sql, c.max, v); err != nil {
			return err
		}
	}
	for i, x := range tab.extras {
		if err := t.fits(tab.db+"_extrafields", x.sql, x.max, e.extra[i]); err != nil {
			return err
		}
	}
	switch tab.name {
	case thirdParties:
		return t.customerCode(tab, r, e)
	case products:
		return t.admitProduct(tab, r, e)
	case projects:
		return t.admitProject(tab, r, e)
	case events:
		return t.admitEvent(tab, r, e, body)
	case categories:
		return t.admitCategory(tab, e, body)
	case proposals, orders, invoices:
		return t.admitDocument(tab, r, e, body)
	default:
		return t.parent(tab, r, e)
	}
}

func (t *Twin) fits(table, column string, most int, v string) error {
	if at := astral(v); at >= 0 {
		var hex strings.Builder
		for _, b := range []byte(v[at:min(len(v), at+6)]) {
			if b >= 0x80 {
				fmt.Fprintf(&hex, `\x%02X`, b)
			} else {
				hex.WriteByte(b)
			}
		}
		return fail(http.StatusInternalServerError, fmt.Sprintf("Incorrect string value: '%s...' for column `dol%d`.`%s`.`%s` at row 1", hex.String(), t.version, table, column))
	}
	if most > 0 && utf8.RuneCountInString(v) > most {
		return fail(http.StatusInternalServerError, fmt.Sprintf("Data too long for column '%s' at row 1", column))
	}
	return nil
}

// customerCode gives out a code where one is asked for, and refuses one that is taken.
func (t *Twin) customerCode(tab *table, r *row, e *edit) error {
	col := tab.byKey["code_client"]
	code, given := e.cells[col]
	switch {
	case !given || code == "":
		return nil
	case code == "auto" || code == "-1":
		t.codes++
		e.cells[col] = fmt.Sprintf("CU%s-%05d", t.Now().In(t.zone).Format("0601"), t.codes)
		return nil
	}
	for _, other := range tab.order {
		if !other.gone && other != r && strings.EqualFold(other.cells[col], code) {
			return fail(http.StatusInternalServerError, "ErrorCustomerCodeAlreadyUsed", "", "ErrorCustomerCodeAlreadyUsed")
		}
	}
	return nil
}

// parent checks the third party of a record. Version 20 ignores the wish of a contact to
// have none; projects can do without one.
func (t *Twin) parent(tab *table, r *row, e *edit) error {
	soc := tab.byKey["socid"]
	id, given := e.cells[soc]
	switch {
	case !given && (r != nil || tab.line == ""), id == "" && tab.name == projects:
		return nil
	case id == "" && t.version == 20 && tab.name == contacts:
		delete(e.cells, soc)
		return nil
	case id != "" && t.tables[thirdParties].byID(id) != nil:
		return nil
	case t.version == 20:
		name := strings.TrimPrefix(tab.db, "llx_")
		return fail(http.StatusInternalServerError, fmt.Sprintf("Cannot add or update a child row: a foreign key constraint fails (`dol20`.`%s`, CONSTRAINT `fk_%s_fk_soc` FOREIGN KEY (`fk_soc`) REFERENCES `llx_societe` (`rowid`))", tab.db, name))
	}
	if id == "" {
		id = "0"
	}
	return fail(http.StatusNotFound, "Thirdparty with id="+id+" not found or not allowed")
}

// remove answers a DELETE.
func (t *Twin) remove(ctx context.Context, who *login, tab *table, id string) (any, error) {
	if !who.may(tab.right("supprimer")) {
		return nil, fail(http.StatusForbidden, "")
	}
	row, err := t.visible(who, tab, id)
	if err != nil {
		return nil, err
	}
	if err := t.kept(tab, row); err != nil {
		return nil, err
	}
	return t.discard(ctx, tab, row, who.id, byAPI)
}

// kept says why a record cannot be deleted: documents name it, or it is an invoice that is
// not the last one. Version 20 takes every product for used (recorded).
func (t *Twin) kept(tab *table, r *row) error {
	id := strconv.FormatInt(r.id, 10)
	switch {
	case tab.name == thirdParties && (r.documents || t.documented(id)), tab.name == products && (t.version == 20 || t.used(id)):
		return fail(http.StatusConflict, "Can't delete, that product is probably used")
	case tab.name == invoices && !tab.erasable(r):
		return fail(http.StatusForbidden, "Invoice not erasable")
	}
	return nil
}
