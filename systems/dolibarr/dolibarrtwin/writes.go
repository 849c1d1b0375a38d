package dolibarrtwin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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
	id, err := t.make(tab, row, e, byAPI)
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
	return t.alter(tab, row, e, who.id, byAPI, set, func() (any, error) {
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

// ignored are keys that are accepted and do nothing: protected ones, and parts of the
// record that the twin has no use for.
func (t *table) ignored(key string) bool {
	switch t.name {
	case thirdParties, contacts:
		return slices.Contains([]string{"id", "ref", "date_creation", "date_modification", "tms", "user_creation_id", "entity", "country_code", "status", "statut", "mail"}, key)
	case projects:
		return slices.Contains([]string{"id", "entity", "status", "statut"}, key) // the other one of the two is heeded
	case events:
		return slices.Contains([]string{"id", "entity", "contact_id"}, key) // people are linked by socpeopleassigned (recorded)
	case proposals:
		return slices.Contains([]string{"id", "entity", "duree_validite"}, key)
	case orders:
		return slices.Contains([]string{"id", "entity", "date_commande"}, key)
	default:
		return key == "id" || key == "entity"
	}
}

// demand reads what a program wants written to a record, or to a new one.
func (t *Twin) demand(r *http.Request, tab *table, was *row, body map[string]any) (edit, error) {
	e := edit{cells: map[int]string{}, extra: map[int]string{}}
	for _, key := range sortedKeys(body) {
		i, known := tab.byKey[key]
		switch {
		case key == "user" && t.version > 20:
			return edit{}, fail(http.StatusBadRequest, "Parameter user is not allowed in request")
		case key == "array_options":
			e.extras = true
			if err := t.demandExtras(r, tab, body[key], &e); err != nil {
				return edit{}, err
			}
		case key == "country_code" && t.version > 20 && (tab.name == thirdParties || tab.name == contacts):
			t.demandCountry(tab, body, &e)
		case tab.name == contacts && key == "statut":
			if _, both := body["status"]; both || t.version == 20 {
				e.cells[i], e.names = phpText(body[key]), append(e.names, key)
			}
		case tab.heeds != "" && (key == "status" || key == "statut"):
			if key == tab.heeds {
				e.cells[tab.byKey["status"]], e.names = phpText(body[key]), append(e.names, "status")
			}
		case key == linesField && tab.line != "" && was == nil:
			// read when the rest is good
		case known && !tab.cols[i].made:
			e.cells[i], e.names = t.cell(tab, tab.cols[i], body[key], was == nil), append(e.names, wireName(key))
		case !tab.ignored(key):
			t.Unknown(r, "field "+key)
		}
	}
	return e, nil
}

func wireName(key string) string {
	if key == "country_id" {
		return "country_code"
	}
	return key
}

// demandCountry lets a code stand for an id where no id is given, from version 23 on.
func (t *Twin) demandCountry(tab *table, body map[string]any, e *edit) {
	if given, ok := body["country_id"]; ok && phpText(given) != "" {
		return
	}
	if id, ok := tab.nations[strings.ToUpper(phpText(body["country_code"]))]; ok {
		e.cells[tab.byKey["country_id"]] = id
		e.names = append(e.names, "country_code")
	}
}

// cell turns a JSON value into what the column keeps.
func (t *Twin) cell(tab *table, c column, v any, creating bool) string {
	s := phpText(v)
	switch c.kind {
	case flag:
		if numeric(s) != 0 {
			return "1"
		}
		return "0"
	case decimal:
		if s == "" {
			return c.first
		}
		return rounded(s, c.digits)
	case moment:
		if tab.name == events {
			return hour(s)
		}
		return t.moment(s)
	case people:
		return assigned(v, creating)
	case raw:
		return attendees(v)
	case markup:
		return cleanNote(s, t.version)
	case number, country:
		if n := int64(numeric(s)); s != "" && (n != 0 || c.kind == number && !reference(c.key)) {
			return strconv.FormatInt(n, 10)
		}
		return c.unset()
	case day:
		return t.day(s)
	}
	if s = clean(s); tab.name == thirdParties && c.key == "phone" {
		s = dropSpaces(s)
	}
	return s
}

// reference reports whether a number is an id, of which 0 is none.
func reference(key string) bool {
	return slices.Contains([]string{"socid", "fk_project", "opp_status", "userownerid", "cond_reglement_id", "mode_reglement_id"}, key)
}

// unset is what a number holds that was emptied.
func (c column) unset() string {
	if slices.Contains([]string{"percentage", "transparency", "priority", "public", "fk_parent", "position", "visible"}, c.key) {
		return "0"
	}
	return ""
}

// day reads a date as PHP does: an epoch, or a date of the server's own zone.
func (t *Twin) day(s string) string {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0).In(t.zone).Format(time.DateOnly)
	}
	if d, err := time.Parse(time.DateOnly, s[:min(len(s), len(time.DateOnly))]); err == nil {
		return d.Format(time.DateOnly)
	}
	return ""
}

func (t *Twin) demandExtras(r *http.Request, tab *table, v any, e *edit) error {
	given, _ := v.(map[string]any) // an empty array is the other way to say nothing
	for _, key := range sortedKeys(given) {
		code, ok := strings.CutPrefix(key, "options_")
		i := tab.extraByCode(code)
		if !ok || i < 0 {
			t.Unknown(r, "extrafield "+key)
			continue
		}
		x := tab.extras[i]
		value := phpText(given[key])
		if b, isBool := given[key].(bool); isBool && !b && t.version == 20 {
			return fail(http.StatusInternalServerError, fmt.Sprintf("Incorrect integer value: '' for column `dol20`.`%s_extrafields`.`%s` at row 1", tab.db, code))
		}
		switch x.kind {
		case day:
			value = t.day(value)
		case moment:
			value = t.moment(value)
		case text:
			value = clean(value)
		case number, flag:
			if value != "" {
				value = strconv.FormatInt(int64(numeric(value)), 10)
			}
		}
		e.extra[i] = value
		e.names = append(e.names, "array_options."+key)
	}
	return nil
}

// moment reads a date with its time: an epoch, or the server's own wall clock.
func (t *Twin) moment(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return s
	}
	if at, err := time.ParseInLocation(time.DateTime, s, t.zone); err == nil {
		return strconv.FormatInt(at.Unix(), 10)
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
func (t *Twin) remove(who *login, tab *table, id string) (any, error) {
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
	return t.discard(tab, row, who.id, byAPI)
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
