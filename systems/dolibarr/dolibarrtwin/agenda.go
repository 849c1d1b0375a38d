package dolibarrtwin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// autoType is the type of the events with which Dolibarr itself keeps account of saves.
const autoType = "AC_OTH_AUTO"

// An eventKind is one row of the dictionary of event types.
type eventKind struct{ id, code, label string }

func eventKinds() []eventKind {
	return []eventKind{
		{"1", "AC_TEL", "Phone call"}, {"2", "AC_FAX", "Send Fax"}, {"4", "AC_EMAIL", "Send Email"}, {"5", "AC_RDV", "Rendez-vous"},
		{"6", "AC_EMAIL_IN", "Reception of email"}, {"11", "AC_INT", "Intervention on site"}, {"50", "AC_OTH", "Other (manually inserted events)"},
	}
}

// eventType returns a type by its code.
func eventType(code string) eventKind {
	if code == autoType { // nearly all are
		return eventKind{"40", autoType, "Other (automatically inserted events)"}
	}
	kinds := eventKinds()
	if i := slices.IndexFunc(kinds, func(k eventKind) bool { return k.code == code }); i >= 0 {
		return kinds[i]
	}
	return eventKind{}
}

// automatic makes the event with which Dolibarr keeps account of a save; will is the
// record as it will be.
func (t *Twin) automatic(c firing, will *row, by int64) *row {
	agenda := t.tables[events]
	now := t.Now().Unix()
	label, at, owner := t.headline(c, will), strconv.FormatInt(now, 10), strconv.FormatInt(by, 10)
	r := t.build(agenda, edit{}, by, now)
	set := func(key, value string) { r.cells[agenda.byKey[key]] = value }
	set("label", label)
	set("note_private", label)
	set("type_code", autoType)
	set("code", "AC_"+c.code)
	set("datep", at)
	set("datef", at)
	set("percentage", "-1")
	set("userownerid", owner)
	id := strconv.FormatInt(will.id, 10)
	switch c.tab.name {
	case thirdParties:
		if c.code != "COMPANY_DELETE" {
			set("socid", id)
		}
		return r
	case contacts:
		if c.code != "CONTACT_DELETE" {
			set("socpeopleassigned", id)
		}
	case projects:
		set("fk_project", id)
	case invoices:
		set("elementtype", "invoice")
		set("elementid", id)
	case orders:
		set("elementtype", "order")
		set("elementid", id)
	default:
		set("elementtype", c.tab.kind)
		set("elementid", id)
	}
	if soc, ok := c.tab.byKey["socid"]; ok {
		set("socid", will.cells[soc])
	}
	return r
}

// headline is what such an event says.
func (t *Twin) headline(c firing, r *row) string {
	cell := func(key string) string { return r.cells[c.tab.byKey[key]] }
	id := strconv.FormatInt(r.id, 10)
	name, verb := id, c.code[strings.IndexByte(c.code, '_')+1:]
	switch {
	case c.tab.name == thirdParties && (verb != "DELETE" || t.version > 20):
		name = cell("name")
	case c.tab.name == contacts && verb == "CREATE":
		name = strings.TrimSpace(cell("firstname") + " " + cell("lastname"))
	case c.tab.name == contacts && verb == "MODIFY":
		name = "" // it looks for it in the wrong place
	case c.tab.name != thirdParties && c.tab.name != contacts:
		name = cell("ref")
	}
	done := deed(verb)
	if c.code == "PROPAL_MODIFY" {
		done = deed("UNVALIDATE") // whatever was changed
	}
	return c.tab.title + " " + name + " " + done
}

// deed is a trigger in words.
func deed(verb string) string {
	switch verb {
	case "CREATE":
		return "created"
	case "MODIFY":
		return "modified"
	case "DELETE":
		return "deleted"
	case "VALIDATE":
		return "validated"
	case "UNVALIDATE":
		return "go back to draft status"
	case "CLOSE_SIGNED":
		return "signed"
	case "CLOSE_REFUSED":
		return "refused"
	case "CLASSIFY_BILLED":
		return "classified billed"
	case "CLOSE":
		return "classified delivered"
	default:
		return "changed to paid"
	}
}

// admitEvent completes an event: its owner, type and hours.
func (t *Twin) admitEvent(tab *table, r *row, e *edit, body map[string]any) error {
	get := func(key string) string {
		i := tab.byKey[key]
		if v, given := e.cells[i]; given || r == nil {
			return v
		}
		return r.cells[i]
	}
	if r == nil {
		if get("userownerid") == "" {
			return fail(http.StatusInternalServerError, "", nil, "ErrorActionCommPropertyUserowneridNotDefined")
		}
		if get("datep") == "" {
			e.cells[tab.byKey["datep"]] = strconv.FormatInt(t.Now().Unix(), 10)
		}
	}
	if typed, given := e.cells[tab.byKey["type_code"]]; given || r == nil {
		if eventType(typed).id == "" {
			return fail(http.StatusInternalServerError, "Selected Event Type (ID: , Code: "+typed+") does not exist in the Event Type dictionary")
		}
		if get("code") == "" || r != nil {
			e.cells[tab.byKey["code"]] = typed
		}
	}
	words := false // are not compared as times
	for _, key := range []string{"datep", "datef"} {
		v, given := body[key]
		words = words || given && !integer(v)
	}
	if from, to := numeric(get("datep")), numeric(get("datef")); to > 0 && from > to && !words {
		e.cells[tab.byKey["datef"]] = get("datep")
	}
	return nil
}

// hour reads a moment of an event: an epoch, or a wall clock that is taken for UTC; of a
// form with a T only the day is seen (recorded).
func hour(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return s
	}
	at, err := time.Parse(time.DateTime, s)
	if err != nil {
		if at, err = time.Parse(time.DateOnly, s[:min(len(s), len(time.DateOnly))]); err != nil {
			return ""
		}
	}
	return strconv.FormatInt(at.Unix(), 10)
}

// assigned reads who is assigned to an event. A create takes the keys of the object for
// the ids, a change what stands under id.
func assigned(v any, creating bool) string {
	var ids []string
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if body, ok := item.(map[string]any); ok && !creating {
				key = phpText(body["id"])
			} else if !ok && !creating {
				key = phpText(item)
			}
			ids = append(ids, key)
		}
	case []any:
		for i, item := range v {
			key := strconv.Itoa(i)
			if body, ok := item.(map[string]any); ok && !creating {
				key = phpText(body["id"])
			} else if !creating {
				key = phpText(item)
			}
			ids = append(ids, key)
		}
	}
	return idList(strings.Join(ids, ","))
}

// attendees writes the users of an event as they are shown, each with all four keys.
func attendees(v any) string {
	given, _ := v.(map[string]any) // anything else is the owner alone
	if len(given) == 0 {
		return ""
	}
	out := make(map[string]map[string]string, len(given))
	for key, item := range given {
		shown := map[string]string{"id": key, "mandatory": "0", "answer_status": "0", "transparency": "0"}
		body, ok := item.(map[string]any)
		if !ok {
			body = map[string]any{"id": item}
		}
		for name := range shown {
			if n := phpText(body[name]); n != "" {
				shown[name] = n
			}
		}
		out[shown["id"]] = shown
	}
	b, err := json.Marshal(out)
	if err != nil {
		return ""
	}
	return string(b)
}

// appendAttendees writes the users of an event: the owner where nobody was named.
func (t *table) appendAttendees(b []byte, _ *Twin, r *row) []byte {
	if v := r.cells[t.byKey["userassigned"]]; v != "" {
		return append(b, v...)
	}
	if owner := r.cells[t.byKey["userownerid"]]; owner != "" {
		b = appendPeople(b, owner)
	}
	return b
}
