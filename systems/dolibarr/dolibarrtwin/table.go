package dolibarrtwin

import (
	"slices"
	"strconv"
	"time"
)

// An extra is the definition of an extrafield and its column.
type extra struct {
	column
	def  ExtraField
	id   int
	made string // by PHP's wall clock
}

// A table holds the records of one object.
type table struct {
	trait
	version  int
	cols     []column
	byKey    map[string]int
	bySQL    map[string]int
	extras   []extra
	rows     map[int64]*row
	order    []*row // by id, with the deleted ones still in it until too many are
	dead     int
	lastID   int64
	numbers  int // the highest number that a document or project was given
	lastLine int64
	shape    *shape
	lines    []lineChunk
	codes    map[string]string // countries by id
	nations  map[string]string // and their ids by code
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
	lines          []line
	tags           []int64 // ids of categories, in order
	documents      bool
	hidden         bool // from every key
	edited         bool // after it was made
	gone           bool
	paid           int64 // cents, of an invoice
}

// An edit is what someone wants to change.
type edit struct {
	cells  map[int]string
	extra  map[int]string
	extras bool     // array_options was given, filled or not
	lines  *[]line  // nil: stay as they are
	tags   *[]int64 // nil: stay as they are
	byHand bool     // a person's
	pencil bool     // by the pencil beside an extrafield, which changes nothing else
	press  string   // the state of the button that a person pressed
	act    bool     // a call of its own, which saves no extrafields
	names  []string // the connector's names of what is written, in order
}

// tagging reports whether nothing but tags is changed, which moves no stamp.
func (e edit) tagging() bool {
	return e.tags != nil && len(e.cells) == 0 && len(e.extra) == 0 && !e.extras && e.lines == nil
}

func newTable(x trait, version int) *table {
	t := &table{trait: x, version: version, cols: columnsOf(x.name), rows: map[int64]*row{}, byKey: map[string]int{}, bySQL: map[string]int{}}
	t.codes, t.nations = countryCodes()
	for i, c := range t.cols {
		if t.byKey[c.key] = i; c.sql != "" {
			t.bySQL[c.sql] = i
		}
	}
	t.shape, t.lines = newShape(t), newLineShape(x)
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

// byID returns the record of an id that this key's company sees, or nil.
func (t *table) byID(id string) *row {
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

// closed reports whether people do not see a record unless they ask for it: a closed third
// party, a disabled contact, a product that is neither sold nor bought, a project that is
// no lead, and the events that Dolibarr makes itself.
func (t *table) closed(r *row) bool {
	is := func(key, value string) bool { return r.cells[t.byKey[key]] == value }
	switch t.name {
	case thirdParties:
		return is("status", "0")
	case contacts:
		return is("statut", "0")
	case products:
		return is("status", "0") && is("status_buy", "0")
	case projects:
		return is("usage_opportunity", "0")
	case events:
		return is("type_code", autoType)
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
	r := t.build(tab, e, by, now)
	tab.add(r)
	return r
}

// build makes a record that nobody sees yet. Its id is spent even if it never is added.
func (t *Twin) build(tab *table, e edit, by, now int64) *row {
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
	if tab.line != "" {
		r.cells[tab.byKey["ref"]] = "(PROV" + strconv.FormatInt(r.id, 10) + ")"
	}
	r.hang(tab, e)
	r.tms, r.wall = now, wall(now, t.dbZone)
	return r
}

// add shows a record. Two that were built at the same time may come in either order.
func (t *table) add(r *row) {
	t.rows[r.id] = r
	at := len(t.order)
	for at > 0 && t.order[at-1].id > r.id {
		at--
	}
	t.order = slices.Insert(t.order, at, r)
}

// hang replaces what hangs on a record.
func (r *row) hang(tab *table, e edit) {
	if e.lines != nil {
		for i := range *e.lines {
			if l := &(*e.lines)[i]; l.id == 0 { // kept if the edit is tried first
				tab.lastLine++
				l.id = tab.lastLine
			}
		}
		r.lines = slices.Clone(*e.lines)
		tab.total(r)
	}
	if e.tags != nil {
		r.tags = slices.Clone(*e.tags)
	}
}

// change applies an edit. The database moves the stamp only if a column really changes;
// version 20 writes the row of extrafields in any case, so that only that one moves. Tags
// are no columns. The pencil beside an extrafield leaves the record's row alone in version 20;
// later ones write into it who it was, so that its stamp moves if somebody else was the last:
// https://github.com/Dolibarr/dolibarr/blob/20.0/htdocs/core/class/commonobject.class.php (insertExtraFields)
func (t *Twin) change(tab *table, r *row, e edit, by, now int64) {
	moved := r.editor != by && !e.tagging()
	for i, v := range e.cells {
		moved = moved || r.cells[i] != v
		r.cells[i] = v
	}
	for i, v := range e.extra {
		moved = moved || !e.pencil && (r.extra == nil || r.extra[i] != v)
	}
	if e.pencil && tab.version == 20 {
		by, moved = r.editor, false
	}
	if e.extras || tab.version == 20 && len(tab.extras) > 0 && !e.act && !e.tagging() {
		r.saveExtra(tab, e, now)
	}
	r.hang(tab, e)
	if !e.tagging() {
		r.editor, r.edited = by, true
	}
	if moved || e.lines != nil {
		r.tms, r.wall = now, wall(now, t.dbZone)
	}
}

// copy returns a record to try an edit on.
func (r *row) copy() *row {
	c := *r
	c.cells, c.extra = slices.Clone(r.cells), slices.Clone(r.extra)
	return &c
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
