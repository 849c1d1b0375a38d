package dolibarrtwin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
