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
		return nil, fail(http.StatusForbidden, "")
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	must := tab.cols[0].key
	if _, ok := body[must]; !ok {
		return nil, fail(http.StatusBadRequest, must+" field missing")
	}
	e, err := t.demand(r, tab, body)
	if err != nil {
		return nil, creating(tab, err)
	}
	if e.cells[0] == "" && tab.name == thirdParties {
		return nil, fail(http.StatusInternalServerError, "Error creating thirdparty", nil, "ErrorBadThirdPartyName")
	}
	if err := t.admit(tab, nil, &e); err != nil {
		return nil, creating(tab, err)
	}
	row := t.insert(tab, e, who.id, t.Now().Unix())
	t.note(tab, row, "api", "create", e)
	return row.id, nil
}

// creating wraps what the database refused: the reason stands beside the message.
func creating(tab *table, err error) error {
	var f *failure
	if !errors.As(err, &f) || f.status != http.StatusInternalServerError {
		return err
	}
	what := "Error creating contact"
	if tab.name == thirdParties {
		what = "Error creating thirdparty"
	}
	if f.details == nil {
		return fail(f.status, what, f.message)
	}
	return fail(f.status, what, f.details...)
}

// update answers a PUT: the whole record as it is then, with what the caller sent and
// the vendor does not know echoed.
func (t *Twin) update(r *http.Request, who *login, tab *table, id string) (any, error) {
	if tab.name == users || !who.may(tab.right("creer")) {
		return nil, fail(http.StatusForbidden, "")
	}
	row, err := t.visible(who, tab, id)
	if err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	e, err := t.demand(r, tab, body)
	if err != nil {
		return nil, err
	}
	if v, given := e.cells[0]; given && v == "" {
		delete(e.cells, 0) // an empty name is passed over in silence
	}
	if err := t.admit(tab, row, &e); err != nil {
		return nil, err
	}
	t.change(tab, row, e, who.id, t.Now().Unix())
	t.note(tab, row, "api", "update", e)
	if n, ok := body["entity"]; ok {
		row.entity = int(numeric(phpText(n)))
		if row.entity > 1 {
			return nil, fail(http.StatusNotFound, tab.label+" not found")
		}
	}
	return t.updated(tab, row, body), nil
}

// updated renders the answer to a PUT.
func (t *Twin) updated(tab *table, r *row, body map[string]any) []byte {
	b := t.render(nil, tab.shape.single, r)
	b = bytes.Replace(b, []byte(`"actiontypecode":null,`), nil, 1)
	b = b[:len(b)-1]
	if tab.name == thirdParties {
		b = fmt.Appendf(b, `,"socid":%d,"trackid":"thi%d"`, r.id, r.id)
	} else {
		b = fmt.Appendf(b, `,"trackid":"ctc%d"`, r.id)
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
	return key == "socid" || key == "trackid" || slices.ContainsFunc(t.shape.segments, func(g segment) bool { return g.key == key })
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
func ignored(key string) bool {
	return slices.Contains([]string{"id", "ref", "date_creation", "date_modification", "tms", "user_creation_id", "entity", "country_code", "status", "statut", "mail"}, key)
}

// demand reads what a program wants written.
func (t *Twin) demand(r *http.Request, tab *table, body map[string]any) (edit, error) {
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
		case key == "country_code" && t.version > 20:
			t.demandCountry(tab, body, &e)
		case tab.name == contacts && key == "statut":
			if _, both := body["status"]; both || t.version == 20 {
				e.cells[i], e.names = phpText(body[key]), append(e.names, key)
			}
		case known:
			e.cells[i], e.names = t.cell(tab, tab.cols[i], body[key]), append(e.names, wireName(key))
		case !ignored(key):
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
func (t *Twin) cell(tab *table, c column, v any) string {
	s := phpText(v)
	switch c.kind {
	case markup:
		return cleanNote(s, t.version)
	case number, country:
		if n := int64(numeric(s)); s != "" && (n != 0 || c.kind == number && c.key != "socid") {
			return strconv.FormatInt(n, 10)
		}
		return ""
	case day:
		return t.day(s)
	}
	if s = clean(s); tab.name == thirdParties && c.key == "phone" {
		s = dropSpaces(s)
	}
	return s
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
func (t *Twin) admit(tab *table, r *row, e *edit) error {
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
	if tab.name == thirdParties {
		return t.customerCode(tab, r, e)
	}
	return t.parent(tab, e)
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

// parent checks the third party of a contact. Version 20 ignores the wish to have none.
func (t *Twin) parent(tab *table, e *edit) error {
	soc := tab.byKey["socid"]
	id, given := e.cells[soc]
	switch {
	case !given:
		return nil
	case id == "" && t.version == 20:
		delete(e.cells, soc)
		return nil
	case id != "" && t.tables[thirdParties].find(id) != nil:
		return nil
	case t.version == 20:
		return fail(http.StatusInternalServerError, "Cannot add or update a child row: a foreign key constraint fails (`dol20`.`llx_socpeople`, CONSTRAINT `fk_socpeople_fk_soc` FOREIGN KEY (`fk_soc`) REFERENCES `llx_societe` (`rowid`))")
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
	if row.documents {
		return nil, fail(http.StatusConflict, "Can't delete, that product is probably used")
	}
	t.erase(tab, row, "api")
	message := "Object deleted"
	if tab.name == contacts {
		message = "Contact deleted"
	}
	return map[string]any{"success": map[string]any{"code": 200, "message": message}}, nil
}

// merge folds one third party into another, which takes over its contacts, its notes and
// what it has not itself.
func (t *Twin) merge(who *login, tab *table, keep, gone string) (any, error) {
	if !who.may("societe.creer") || !who.may("societe.supprimer") {
		return nil, fail(http.StatusForbidden, "")
	}
	to, from := tab.find(keep), tab.find(gone)
	if to == nil || from == nil {
		return nil, fail(http.StatusNotFound, "Thirdparty not found")
	}
	t.fold(to, from, who.id)
	return t.updated(tab, to, nil), nil
}

// fold is the merge itself.
func (t *Twin) fold(to, from *row, by int64) {
	tab, people := t.tables[thirdParties], t.tables[contacts]
	now := t.Now().Unix()
	e := edit{cells: map[int]string{}}
	for i, c := range tab.cols {
		switch {
		case from.cells[i] == "" || c.kind == number:
		case to.cells[i] == "":
			e.cells[i] = from.cells[i]
		case c.kind == markup:
			e.cells[i] = to.cells[i] + "\n" + from.cells[i]
		}
	}
	soc, old := people.byKey["socid"], strconv.FormatInt(from.id, 10)
	for _, c := range people.order {
		if !c.gone && c.cells[soc] == old {
			c.cells[soc], c.tms, c.wall = strconv.FormatInt(to.id, 10), now, wall(now, t.dbZone)
		}
	}
	tab.remove(from)
	t.change(tab, to, e, by, now)
}
