package dolibarrtwin

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An action is a call that takes a document to another state.
type action struct {
	object, verb string
	to           string
	trigger      string
	from         []string // the states in which it does something; nil: any other
	idle         bool     // from others it answers as if it had, instead of 304
	must         string   // an integer that the body must hold
	takes        []string // what else it may hold
}

// actions are those that the API has. A single parameter that is missing is an error, as
// the whole body is taken for it (recorded of validate).
func actions() []action {
	return []action{
		{object: proposals, verb: "validate", to: validated, trigger: "VALIDATE", from: []string{draft}, idle: true, must: "notrigger"},
		{object: proposals, verb: "close", trigger: "CLOSE", must: "status", takes: []string{"note_private", "note_public", "notrigger"}},
		{object: proposals, verb: "settodraft", to: draft, trigger: "MODIFY"},
		{object: proposals, verb: "setinvoiced", to: billed, trigger: "CLASSIFY_BILLED", from: []string{signed}, idle: true},
		{object: orders, verb: "validate", to: validated, trigger: "VALIDATE", must: "notrigger", takes: []string{"idwarehouse"}},
		{object: orders, verb: "close", to: closed, trigger: "CLOSE", from: []string{validated, "2"}, idle: true, must: "notrigger"},
		{object: orders, verb: "reopen", to: validated, trigger: "REOPEN", from: []string{closed, canceled}},
		{object: orders, verb: "settodraft", to: draft, trigger: "UNVALIDATE", takes: []string{"idwarehouse"}},
		{object: orders, verb: "setinvoiced", trigger: "CLASSIFY_BILLED", from: []string{validated, "2", closed}, idle: true},
		{object: invoices, verb: "validate", to: validated, trigger: "VALIDATE", from: []string{draft}, must: "notrigger", takes: []string{"idwarehouse", "force_number"}},
		{object: invoices, verb: "settodraft", to: draft, trigger: "UNVALIDATE", takes: []string{"idwarehouse"}},
		{object: invoices, verb: "settopaid", to: paid, trigger: settled, takes: []string{"close_code", "close_note"}},
		{object: invoices, verb: "settounpaid", to: validated, trigger: "UNPAYED", from: []string{draft, validated, paid, "3"}},
		{object: projects, verb: "validate", to: validated, trigger: "VALIDATE", must: "notrigger"},
	}
}

// act answers a call that changes the state of a record.
func (t *Twin) act(r *http.Request, who *login, tab *table, id string, a action) (any, error) {
	if !who.may(tab.right("creer")) {
		return nil, fail(http.StatusForbidden, "")
	}
	row, err := t.visible(who, tab, id)
	if err != nil {
		return nil, err
	}
	body, err := t.parameters(r, a)
	if err != nil {
		return nil, err
	}
	if a.verb == "close" && tab.name == proposals {
		if a.to = phpText(body["status"]); a.to != signed && a.to != refused {
			return nil, fail(http.StatusBadRequest, "Invalid value specified for `status`. Expecting a value between 2 and 3")
		}
		a.trigger = map[string]string{signed: "CLOSE_SIGNED", refused: "CLOSE_REFUSED"}[a.to]
	}
	state := row.cells[tab.byKey["status"]]
	switch {
	case a.from == nil && a.to == state && a.verb != "close", tab.name == proposals && a.verb == "validate" && state == validated,
		a.verb == "close" && tab.name == orders && state == closed, a.from != nil && !a.idle && !slices.Contains(a.from, state):
		return nil, fail(http.StatusNotModified, "")
	case a.from != nil && !slices.Contains(a.from, state):
		return t.render(nil, tab.shape.single, row), nil
	}
	e := t.effect(tab, row, a, body, who.id)
	set := []firing{{tab.trigger + "_" + a.trigger, tab, row, e}}
	if numeric(phpText(body["notrigger"])) != 0 {
		set = nil
	}
	return t.alter(r.Context(), tab, row, e, who.id, byAPI, set, func() (any, error) {
		t.buys(tab, row, e.cells[tab.byKey["status"]], who.id)
		return t.acted(tab, row, a, set), nil
	})
}

// effect is what an action writes.
func (t *Twin) effect(tab *table, r *row, a action, body map[string]any, by int64) edit {
	switch {
	case a.verb == "setinvoiced" && tab.name == orders:
		return edit{cells: map[int]string{tab.byKey["billed"]: "1"}, act: true, names: []string{"billed"}}
	case tab.name == projects:
		return edit{cells: map[int]string{tab.byKey["status"]: a.to}, act: true, names: []string{"status"}}
	}
	e := t.move(tab, r, a.to, by)
	if a.verb != "validate" && tab.name == proposals { // not even of a draft that is signed
		for _, key := range []string{"ref", "date_validation", "user_validation_id"} {
			delete(e.cells, tab.byKey[key])
		}
	}
	for _, key := range []string{"note_private", "note_public"} {
		note, given := body[key]
		if i := tab.byKey[key]; given && phpText(note) != "" {
			e.cells[i] = strings.TrimPrefix(r.cells[i]+"\n"+cleanNote(phpText(note), t.version), "\n")
			e.names = append(e.names, key)
		}
	}
	for _, key := range []string{"close_code", "close_note"} {
		if i, ok := tab.byKey[key]; ok {
			e.cells[i] = clean(phpText(body[key])) // emptied by what does not say it
		}
	}
	if phpText(body["close_code"]) != "" {
		e.cells[tab.byKey["paye"]] = "0" // settled, but not paid
	}
	if n := phpText(body["force_number"]); n != "" {
		e.cells[tab.byKey["ref"]] = clean(n)
	}
	return e
}

// acted is what an action answers: the record, or less.
func (t *Twin) acted(tab *table, r *row, a action, set []firing) any {
	tab.count(r)
	switch {
	case a.verb == "reopen":
		return 1
	case tab.name == projects:
		return map[string]any{"success": map[string]any{"code": 200, "message": "Project validated"}}
	}
	b := t.updated(tab, r, nil, len(set) > 0 && t.posted(set[0].code))
	if tab.name == invoices { // not worked out then
		b = bytes.Replace(b, append([]byte(`"remaintopay":`), tab.appendUnpaid(nil, t, r)...), []byte(`"remaintopay":null`), 1)
	}
	return b
}

// parameters reads the body of an action, which holds nothing but its parameters.
func (t *Twin) parameters(r *http.Request, a action) (map[string]any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	for _, key := range sortedKeys(body) {
		if key != a.must && !slices.Contains(a.takes, key) {
			t.Unknown(r, "parameter "+key)
		}
	}
	for _, key := range []string{a.must, "notrigger", "idwarehouse"} {
		v, given := body[key]
		if key == "" || !given && key != a.must {
			continue
		}
		if !integer(v) {
			return nil, fail(http.StatusBadRequest, "Invalid value specified for `"+key+"`. Expecting integer value")
		}
	}
	return body, nil
}

func integer(v any) bool {
	switch v := v.(type) {
	case json.Number:
		_, err := v.Int64()
		return err == nil
	case string:
		_, err := strconv.Atoi(v)
		return err == nil
	default:
		return false
	}
}

// linePath answers what is asked of the lines of a document.
func (t *Twin) linePath(r *http.Request, who *login, method string, tab *table, parts []string) (any, error) {
	right := "creer"
	if method == http.MethodGet {
		right = "lire"
	}
	if !who.may(tab.right(right)) {
		return nil, fail(http.StatusForbidden, "")
	}
	row, err := t.visible(who, tab, parts[0])
	if err != nil {
		return nil, err
	}
	fixed := row.cells[tab.byKey["status"]] != draft
	switch {
	case len(parts) == 2 && method == http.MethodGet && parts[1] == "lines":
		return tab.appendLines(nil, t, row), nil
	case fixed && method != http.MethodGet:
		return tab.unchangeable(method)
	case len(parts) == 2 && method == http.MethodPost && (parts[1] == "lines" || tab.name == proposals):
		return t.addLines(r, who, tab, row, parts[1] == "lines" && tab.name == proposals)
	case len(parts) != 3 || parts[1] != "lines":
		return nil, t.nowhere(r)
	}
	at := slices.IndexFunc(row.lines, func(l line) bool { return strconv.FormatInt(l.id, 10) == parts[2] })
	switch {
	case method == http.MethodGet && tab.name == orders && t.version > 20 && at >= 0:
		return tab.appendLine(nil, t, row, &row.lines[at]), nil
	case method == http.MethodPut:
		return t.changeLine(r, who, tab, row, at)
	case method == http.MethodDelete && at < 0:
		return nil, fail(http.StatusMethodNotAllowed, "")
	case method == http.MethodDelete:
		return t.saveLines(r.Context(), who, tab, row, slices.Delete(slices.Clone(row.lines), at, at+1), func() any { return t.render(nil, tab.shape.single, row) })
	}
	return nil, fail(http.StatusNotFound, "")
}

// unchangeable is the answer where the lines of what is no draft are to be changed. A
// change of a line of a proposal or order is a success with nothing in it but false.
func (t *table) unchangeable(method string) (any, error) {
	switch {
	case method == http.MethodDelete:
		return nil, fail(http.StatusMethodNotAllowed, "ErrorDeleteLineNotAllowedByObjectStatus")
	case method == http.MethodPut && t.name == invoices:
		return nil, fail(http.StatusNotModified, "")
	case method == http.MethodPut:
		return false, nil
	case t.name == invoices:
		return nil, fail(http.StatusBadRequest, "Unable to insert the new line. Check your inputs. ")
	default:
		return nil, fail(http.StatusBadRequest, "")
	}
}

// addLines adds one line, or of a proposal a list of them, and answers the last id.
func (t *Twin) addLines(r *http.Request, who *login, tab *table, row *row, list bool) (any, error) {
	bodies := []map[string]any{{}}
	if list {
		given, err := readList(r)
		if err != nil {
			return nil, err
		}
		bodies = given
	} else if body, err := readBody(r); err != nil {
		return nil, err
	} else {
		bodies[0] = body
	}
	lines := slices.Clone(row.lines)
	for _, body := range bodies {
		if typeless(t.version, tab.name, body) {
			return nil, t.technical(r, tab)
		}
		l := line{}
		if err := t.takeLine(r, &l, body, false); err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return t.saveLines(r.Context(), who, tab, row, lines, func() any { return row.lines[len(row.lines)-1].id })
}

// takeLine reads a line and checks its product.
func (t *Twin) takeLine(r *http.Request, l *line, body map[string]any, creating bool) error {
	for _, key := range t.readLine(l, body, creating) {
		t.Unknown(r, "field "+key+" of a line")
	}
	if l.product != "" && t.tables[products].byID(l.product) == nil {
		return fail(http.StatusBadRequest, "ErrorProductIdDoesNotExists")
	}
	return nil
}

// changeLine changes a line: of a proposal what is sent; orders and invoices take what is
// not sent for empty.
func (t *Twin) changeLine(r *http.Request, who *login, tab *table, row *row, at int) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if at < 0 {
		if tab.name == proposals {
			return nil, fail(http.StatusNotFound, "Proposal line not found")
		}
		return nil, fail(http.StatusNotModified, "")
	}
	lines := slices.Clone(row.lines)
	l := &lines[at]
	if tab.name != proposals {
		*l = line{id: l.id, product: l.product}
	}
	// A line keeps its product: updateline, which all three call, takes none.
	// https://github.com/Dolibarr/dolibarr/blob/20.0/htdocs/compta/facture/class/api_invoices.class.php (putLine)
	delete(body, "fk_product")
	if err := t.takeLine(r, l, body, false); err != nil {
		return nil, err
	}
	return t.saveLines(r.Context(), who, tab, row, lines, func() any { return t.render(nil, tab.shape.single, row) })
}

// saveLines saves the lines of a document, for which there is no trigger of our table.
func (t *Twin) saveLines(ctx context.Context, who *login, tab *table, row *row, lines []line, answer func() any) (any, error) {
	e := edit{lines: &lines, act: true, names: []string{linesField}}
	return t.alter(ctx, tab, row, e, who.id, byAPI, nil, func() (any, error) { return answer(), nil })
}
