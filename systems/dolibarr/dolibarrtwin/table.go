package dolibarrtwin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A kind says how the database keeps a column.
type kind uint8

const (
	text    kind = iota // varchar
	markup              // text that may hold HTML
	number              // int or tinyint
	country             // id of the dictionary; people see the code
	day                 // DATE
	moment              // DATETIME, kept as epoch
	flag                // boolean, kept as 1 or 0
	decimal             // double
)

// A column is one column of a table and one key of the API.
type column struct {
	key   string // in the API and, for most, the connector's wire name
	sql   string // in sqlfilters
	kind  kind
	max   int
	first string // what it holds when nothing is said
}

func columnsOf(object string) []column {
	town := 255
	if object == thirdParties {
		town = 50
	}
	address := []column{
		{key: "address", sql: "address", max: 255}, {key: "zip", sql: "zip", max: 25},
		{key: "town", sql: "town", max: town}, {key: "country_id", sql: "fk_pays", kind: country},
	}
	notes := []column{
		{key: "note_private", sql: "note_private", kind: markup}, {key: "note_public", sql: "note_public", kind: markup},
		{key: "ref_ext", sql: "ref_ext", max: 255},
	}
	switch object {
	case thirdParties:
		return slices.Concat([]column{
			{key: "name", sql: "nom", max: 128}, {key: "email", sql: "email", max: 128},
			{key: "phone", sql: "phone", max: 30}, {key: "url", sql: "url", max: 255},
			{key: "client", sql: "client", kind: number, first: "0"}, {key: "fournisseur", sql: "fournisseur", kind: number, first: "0"},
			{key: "code_client", sql: "code_client", max: 24}, {key: "tva_intra", sql: "tva_intra", max: 20},
			{key: "status", sql: "status", kind: number, first: "1"},
		}, address, notes)
	case contacts:
		return slices.Concat([]column{
			{key: "lastname", sql: "lastname", max: 50}, {key: "firstname", sql: "firstname", max: 50},
			{key: "email", sql: "email", max: 255}, {key: "phone_pro", sql: "phone", max: 30},
			{key: "phone_mobile", sql: "phone_mobile", max: 30}, {key: "phone_perso", sql: "phone_perso", max: 30},
			{key: "poste", sql: "poste", max: 255}, {key: "civility_code", sql: "civility", max: 6},
			{key: "birthday", sql: "birthday", kind: day}, {key: "socid", sql: "fk_soc", kind: number},
			{key: "statut", sql: "statut", kind: number, first: "1"},
		}, address, notes)
	default:
		return []column{
			{key: "login", sql: "login", max: 50}, {key: "lastname", sql: "lastname", max: 50},
			{key: "firstname", sql: "firstname", max: 50}, {key: "email", sql: "email", max: 255},
			{key: "office_phone", sql: "office_phone", max: 20}, {key: "user_mobile", sql: "user_mobile", max: 20},
			{key: "job", sql: "job", max: 128}, {key: "admin", sql: "admin", kind: number, first: "0"},
			{key: "statut", sql: "statut", kind: number, first: "1"},
		}
	}
}

// An extra is the definition of an extrafield and its column.
type extra struct {
	column
	def  ExtraField
	id   int
	made string // by PHP's wall clock
}

// A table holds the records of one object.
type table struct {
	name    string
	element string // Dolibarr's word: elementtype of the extrafields
	db      string // name in SQL, for error messages
	label   string // for error messages
	version int
	cols    []column
	byKey   map[string]int
	bySQL   map[string]int
	extras  []extra
	rows    map[int64]*row
	order   []*row // by id, with the deleted ones still in it until too many are
	dead    int
	lastID  int64
	shape   *shape
	codes   map[string]string // countries by id
	nations map[string]string // and their ids by code
}

// A row is one record. Its cells are as the database keeps them, "" is NULL.
type row struct {
	id             int64
	entity         int
	cells          []string
	extra          []string // nil: nothing was ever saved in the table of extrafields
	created        int64
	tms, extraTms  int64
	wall           int64 // tms by the database's wall clock, as 20060102150405
	author, editor int64
	documents      bool
	hidden         bool // from every key
	gone           bool
}

// An edit is what someone wants to change.
type edit struct {
	cells  map[int]string
	extra  map[int]string
	extras bool     // array_options was given, filled or not
	names  []string // the connector's names of what is written, in order
}

func newTable(object string, version int) *table {
	t := &table{name: object, version: version, cols: columnsOf(object), rows: map[int64]*row{}, byKey: map[string]int{}, bySQL: map[string]int{}}
	t.codes, t.nations = countryCodes()
	switch object {
	case thirdParties:
		t.element, t.db, t.label = "societe", "llx_societe", "Thirdparty"
	case contacts:
		t.element, t.db, t.label = "socpeople", "llx_socpeople", "Contact"
	default:
		t.element, t.db, t.label = "user", "llx_user", "User"
	}
	for i, c := range t.cols {
		t.byKey[c.key], t.bySQL[c.sql] = i, i
	}
	t.shape = newShape(t)
	return t
}

func (t *table) addExtra(f ExtraField, id int, made string) {
	x := extra{def: f, id: id, made: made, column: column{key: "options_" + f.Code, sql: f.Code}}
	switch f.Type {
	case "int":
		x.kind = number
	case "double", "price":
		x.kind = decimal
	case "boolean":
		x.kind = flag
	case "date":
		x.kind = day
	case "datetime":
		x.kind = moment
	}
	if n, err := strconv.Atoi(f.Size); err == nil && f.Type == "varchar" {
		x.max = n
	}
	t.extras = append(t.extras, x)
	for _, r := range t.order {
		if r.extra != nil {
			r.extra = append(r.extra, "")
		}
	}
	t.shape = newShape(t)
}

func (t *table) extraByCode(code string) int {
	return slices.IndexFunc(t.extras, func(x extra) bool { return x.def.Code == code })
}

// find returns the record of an id that this key's company sees, or nil.
func (t *table) find(id string) *row {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	r := t.rows[n]
	if r == nil || r.entity > 1 {
		return nil
	}
	return r
}

// closed reports whether a third party is closed or a contact disabled.
func (t *table) closed(r *row) bool {
	switch t.name {
	case thirdParties:
		return r.cells[t.byKey["status"]] == "0"
	case contacts:
		return r.cells[t.byKey["statut"]] == "0"
	default:
		return false
	}
}

func (t *table) remove(r *row) {
	delete(t.rows, r.id)
	r.gone = true
	if t.dead++; t.dead > 64 && t.dead > len(t.order)/2 {
		t.order = slices.DeleteFunc(slices.Clone(t.order), func(r *row) bool { return r.gone })
		t.dead = 0
	}
}

// insert makes a record.
func (t *Twin) insert(tab *table, e edit, by, now int64) *row {
	tab.lastID++
	r := &row{id: tab.lastID, entity: 1, cells: make([]string, len(tab.cols)), created: now, author: by, editor: by}
	for i, c := range tab.cols {
		r.cells[i] = c.first
	}
	for i, v := range e.cells {
		r.cells[i] = v
	}
	if e.extras && (len(e.extra) > 0 || tab.version > 20) {
		r.saveExtra(tab, e, now)
	}
	r.tms, r.wall = now, wall(now, t.dbZone)
	tab.rows[r.id] = r
	tab.order = append(tab.order, r)
	return r
}

// change applies an edit. The database moves the stamp only if a column really changes;
// version 20 writes the row of extrafields in any case, so that only that one moves.
func (t *Twin) change(tab *table, r *row, e edit, by, now int64) {
	moved := r.editor != by
	for i, v := range e.cells {
		moved = moved || r.cells[i] != v
		r.cells[i] = v
	}
	for i, v := range e.extra {
		moved = moved || r.extra == nil || r.extra[i] != v
	}
	if e.extras || tab.version == 20 && len(tab.extras) > 0 {
		r.saveExtra(tab, e, now)
	}
	r.editor = by
	if moved {
		r.tms, r.wall = now, wall(now, t.dbZone)
	}
}

func (r *row) saveExtra(tab *table, e edit, now int64) {
	if r.extra == nil {
		r.extra = make([]string, len(tab.extras))
		r.extraTms = now
	}
	for i, v := range e.extra {
		if r.extra[i] != v {
			r.extraTms = now
		}
		r.extra[i] = v
	}
	if tab.version == 20 {
		r.extraTms = now
	}
}

// personal reads what a person typed, by the connector's names.
func (t *Twin) personal(tab *table, fields map[string]string) (edit, error) {
	e := edit{cells: map[int]string{}}
	for _, name := range sortedKeys(fields) {
		typed := fields[name]
		if code, ok := strings.CutPrefix(name, extraPrefix); ok {
			i := tab.extraByCode(code)
			if i < 0 {
				return edit{}, fmt.Errorf("no extrafield %q", code)
			}
			v, err := tab.fromPerson(tab.extras[i].column, typed)
			if err != nil {
				return edit{}, fmt.Errorf("field %s: %w", name, err)
			}
			if e.extra == nil {
				e.extra, e.extras = map[int]string{}, true
			}
			e.extra[i] = v
		} else {
			key := name
			if name == "country_code" {
				key = "country_id"
			}
			i, ok := tab.byKey[key]
			if !ok {
				return edit{}, fmt.Errorf("no field %q", name)
			}
			v, err := tab.fromPerson(tab.cols[i], typed)
			if err != nil {
				return edit{}, fmt.Errorf("field %s: %w", name, err)
			}
			if tab.name == thirdParties && key == "phone" {
				v = dropSpaces(v)
			}
			e.cells[i] = v
		}
		e.names = append(e.names, name)
	}
	return e, nil
}

func (t *table) fromPerson(c column, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	switch c.kind {
	case country:
		id, ok := t.nations[strings.ToUpper(s)]
		if !ok {
			return "", fmt.Errorf("no country %q", s)
		}
		return id, nil
	case flag:
		if s == "true" || s == "1" {
			return "1", nil
		}
		return "0", nil
	case day:
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return "", err
		}
		return s, nil
	case moment:
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(at.Unix(), 10), nil
	case number, decimal:
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "", errors.New("no number")
		}
		return s, nil
	case markup:
		return dropAstral(s), nil
	default:
		return clean(dropAstral(s)), nil
	}
}

// shown returns a record as people see it, under the connector's names.
func (t *table) shown(r *row) map[string]string {
	m := make(map[string]string, len(t.cols))
	for _, c := range t.cols {
		if name := wireName(c.key); t.value(r, name) != "" {
			m[name] = t.value(r, name)
		}
	}
	for i, x := range t.extras {
		if r.extra != nil && r.extra[i] != "" {
			m[extraPrefix+x.def.Code] = forPerson(x.column, r.extra[i])
		}
	}
	return m
}

// value returns one field as people see it, under the connector's name.
func (t *table) value(r *row, name string) string {
	if code, ok := strings.CutPrefix(name, extraPrefix); ok {
		i := t.extraByCode(code)
		if i < 0 || r.extra == nil {
			return ""
		}
		return forPerson(t.extras[i].column, r.extra[i])
	}
	if name == "country_code" {
		return t.codes[r.cells[t.byKey["country_id"]]]
	}
	i, ok := t.byKey[name]
	if !ok {
		return ""
	}
	return r.cells[i]
}

// extraPrefix begins the connector's names of extrafields.
const extraPrefix = "array_options.options_"

func forPerson(c column, v string) string {
	if v == "" {
		return ""
	}
	switch c.kind {
	case flag:
		return strconv.FormatBool(v == "1")
	case moment:
		n, _ := strconv.ParseInt(v, 10, 64) // the twin itself wrote it
		return time.Unix(n, 0).UTC().Format(time.RFC3339)
	default:
		return v
	}
}

// wall renders an instant by a zone's wall clock as a number: 20060102150405.
func wall(epoch int64, zone *time.Location) int64 {
	at := time.Unix(epoch, 0).In(zone)
	y, m, d := at.Date()
	hh, mm, ss := at.Clock()
	return ((((int64(y)*100+int64(m))*100+int64(d))*100+int64(hh))*100+int64(mm))*100 + int64(ss)
}

// fromWall reads such a number as a wall clock of a zone.
func fromWall(n int64, zone *time.Location) int64 {
	return time.Date(int(n/1e10), time.Month(n/1e8%100), int(n/1e6%100), int(n/1e4%100), int(n/100%100), int(n%100), 0, zone).Unix()
}
