package toy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// The sizes and spans that the made-up vendor keeps to.
const (
	twinPage     = 50 // rows of a page of the feed
	twinWrites   = 10 // items of one call of /do
	twinReads    = 25 // ids or values of one call
	twinCalls    = 20 // calls per second
	twinTokens   = 7 * 24 * time.Hour
	twinKey      = "toy-key-5f1c9a"
	twinTextCap  = 80
	twinNotesCap = 4000
)

type kit = twin.Kit

// A Twin is one simulated toy account. Besides what every twin can, its rows can be
// hidden from the credential, merged, and its tables closed.
type Twin struct {
	*kit
	page     int
	noLimits bool
	account  string

	mu     sync.Mutex
	seq    int64
	lastID int64
	lineID int64 // of a line of a list
	tables map[string]*twinTable
	recent []time.Time // of calls within the last second

	hooks    []*twinHook
	late     []twinLate // in the order of their times
	early    time.Duration
	deaf     bool
	reserved string        // the id that the next new row gets; "" = a new one
	slow     time.Duration // writes of programs are jobs that take so long; 0 = they are done at once
	jobs     []*twinJob
	outside  string          // the meeting that is being put into mailboxes from outside
	tracks   bool            // answers of guests show in the organiser's copy
	invited  map[string]bool // who got a copy of which meeting
	papers   []*twinPaper

	lastPaper int
	folding   Folding
	flow      Flow
	stories   []twinStory
}

// New returns a twin without rows.
func New(o twin.Options) twin.Twin {
	page := twinPage
	if o.PageSize > 0 {
		page = min(page, o.PageSize)
	}
	return &Twin{
		kit: twin.NewKit(o), page: page, noLimits: o.NoLimits, account: "A-17",
		tables:  map[string]*twinTable{"cards": twinCards(), "labels": twinLabels(), "visits": twinVisits(), "meetings": twinMeetings()},
		invited: map[string]bool{},
	}
}

// twinTable is one table: its columns and rows, and what the vendor tells of it.
type twinTable struct {
	name       string
	columns    []twinColumn
	rows       map[string]*twinRow
	boxes      []string          // of which "box" names one; nil = not kept in boxes
	tombstones bool              // the feed tells what is gone
	bin        bool              // rows can be put aside and brought back
	closed     bool              // the credential may not see the table
	blank      bool              // the feed shows nothing of it
	unstamped  bool              // a row does not tell when it moved
	labels     map[string]string // of options that were renamed, by column=option

	rewound map[string]*twinRow // all rows before the table was taken back
}

type twinColumn struct {
	key, label, kind string
	must, own, fixed bool // fixed: set when the row is made, then never
	sole             bool // one row per value
	quiet            bool // a change does not move the row
	lower            bool
	plain            bool // it is kept without quotation marks
	form             bool // of an opt column: people fill it in themselves
	made             bool // the vendor fills it
	cap              int
	options          []string
	table            string
	parts            []twinPart // of a list
}

// A twinPart is a column of the lines of a list.
type twinPart struct {
	key, kind string
	sole      bool
}

type twinRow struct {
	id          string
	seq, rev    int64
	made, moved time.Time
	by          string
	state       string // "", bin, purged, merged or moved
	into        string
	on          []map[string]string // of a moved row: table and id of where it goes on
	hidden      bool
	cells       map[string]string // lists are joined by ";"; empty ones are left out
}

func twinCards() *twinTable {
	boxes := []string{"sales", "support"}
	return &twinTable{
		name: "cards", boxes: boxes, tombstones: true, bin: true, rows: map[string]*twinRow{},
		columns: []twinColumn{
			{key: "name", label: "Name", kind: "text", must: true, cap: twinTextCap},
			{key: "box", label: "Box", kind: "pick", must: true, fixed: true, options: boxes},
			{key: "email", label: "E-mail", kind: "email", cap: twinTextCap},
			{key: "phone", label: "Phone", kind: "phone"},
			{key: "code", label: "Code", kind: "text", sole: true, lower: true, cap: 20},
			{key: "discount", label: "Discount", kind: "number"},
			{key: "active", label: "Active", kind: "bool"},
			{key: "born", label: "Born", kind: "day"},
			{key: "seen", label: "Last seen", kind: "time"},
			{key: "stage", label: "Stage", kind: "pick", options: []string{"new", "won", "lost"}},
			{key: "tags", label: "Tags", kind: "picks", options: []string{"vip", "trade", "press"}},
			{key: "color", label: "Colour", kind: "text", quiet: true},
			{key: "mail", label: "Newsletter", kind: "opt", options: []string{"in", "out"}, form: true},
			{key: "label", label: "Label", kind: "row", table: "labels"},
			{key: "phones", label: "More phones", kind: "list", parts: []twinPart{{"number", "phone", true}, {"use", "text", false}}},
			{key: "lines", label: "Lines", kind: "list", parts: []twinPart{{"text", "text", false}, {"price", "text", false}}},
			{key: "notes", label: "Notes", kind: "text", cap: twinNotesCap},
			{key: "serial", label: "Serial", kind: "number", made: true},
			{key: "club", label: "Club", kind: "text", own: true},
			{key: "tandem_key", label: "Tandem key", kind: "text", own: true, sole: true},
		},
	}
}

func twinLabels() *twinTable {
	return &twinTable{
		name: "labels", unstamped: true, rows: map[string]*twinRow{},
		columns: []twinColumn{
			{key: "name", label: "Name", kind: "text", must: true, cap: twinTextCap},
			{key: "code", label: "Code", kind: "text", sole: true, lower: true, cap: 20},
			{key: "weight", label: "Weight", kind: "number"},
		},
	}
}

func (t *twinTable) column(key string) (twinColumn, bool) {
	i := slices.IndexFunc(t.columns, func(c twinColumn) bool { return c.key == key })
	if i < 0 {
		return twinColumn{}, false
	}
	return t.columns[i], true
}

// Settings returns the key that the twin accepts.
func (a *Twin) Settings() map[string]string { return map[string]string{"api_key": twinKey} }

// Objects returns the tables.
func (a *Twin) Objects() []string { return []string{"cards", "labels", "visits", "meetings"} }

// Rows returns the rows that are neither in the bin nor gone.
func (a *Twin) Rows(object string) []twin.Row {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commit()
	a.work()
	var out []twin.Row
	for _, r := range a.live(object) {
		out = append(out, twin.Row{ID: r.id, Fields: maps.Clone(r.cells)})
	}
	return out
}

func (a *Twin) live(object string) []*twinRow {
	t, ok := a.tables[object]
	if !ok {
		return nil
	}
	rows := slices.Collect(maps.Values(t.rows))
	rows = slices.DeleteFunc(rows, func(r *twinRow) bool { return r.state != "" })
	slices.SortFunc(rows, func(x, y *twinRow) int { return twinNumber(x.id) - twinNumber(y.id) })
	return rows
}

func twinNumber(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil {
		return 0
	}
	return n
}

// Put lets a person make or change a row.
func (a *Twin) Put(object, id string, fields map[string]string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commit()
	a.work()
	t, ok := a.tables[object]
	if !ok {
		return "", fmt.Errorf("put: no table %q", object)
	}
	verb := "update"
	if id == "" {
		verb = "create"
		if _, ok := fields["box"]; !ok && t.boxes != nil {
			fields = maps.Clone(fields)
			fields["box"] = t.boxes[0]
		}
	}
	if a.early > 0 {
		return a.putLate(t, object, id, verb, fields), nil
	}
	before := t.cellsOf(id)
	row, refusal := a.write(t, "person", id, 0, fields)
	if refusal != nil {
		return "", fmt.Errorf("put into %s: %s", object, refusal.Text)
	}
	a.Ledger().Record(twin.Act{By: "person", Verb: verb, Object: object, ID: row.id, Fields: fields})
	a.follow(t, row, before)
	a.tell(object, row.id)
	return row.id, nil
}

// putLate tells of what a person writes before it shows.
func (a *Twin) putLate(t *twinTable, object, id, verb string, fields map[string]string) string {
	made := id
	if id == "" {
		made = a.takeID()
	}
	a.tell(object, made)
	a.late = append(a.late, twinLate{time.Now().Add(a.early), func() {
		if id == "" {
			a.reserved = made
		}
		if _, refusal := a.write(t, "person", id, 0, fields); refusal == nil {
			a.Ledger().Record(twin.Act{By: "person", Verb: verb, Object: object, ID: made, Fields: fields})
		}
	}})
	return made
}

func (a *Twin) takeID() string {
	if id := a.reserved; id != "" {
		a.reserved = ""
		return id
	}
	a.lastID++
	return strconv.FormatInt(a.lastID, 10)
}

// Remove lets a person delete a row for good.
func (a *Twin) Remove(object, id string) error {
	return a.mark(object, id, "delete", func(_ *twinTable, r *twinRow) { a.purge(object, r, "person") })
}

// Hide takes a row out of the credential's sight, or brings it back. What was put into the bin
// meanwhile comes into sight there.
func (a *Twin) Hide(object, id string, hidden bool) error {
	return a.mark(object, id, "", func(_ *twinTable, r *twinRow) { r.hidden = hidden }, "bin")
}

// Close takes a table out of the credential's sight.
func (a *Twin) Close(object string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, ok := a.tables[object]; ok {
		t.closed = true
	}
}

func (a *Twin) mark(object, id, verb string, change func(*twinTable, *twinRow), states ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commit()
	a.work()
	t, ok := a.tables[object]
	if !ok {
		return fmt.Errorf("no table %q", object)
	}
	r, ok := t.rows[id]
	if !ok || r.state != "" && !slices.Contains(states, r.state) {
		return fmt.Errorf("no row %s in %s", id, object)
	}
	change(t, r)
	a.touch(r, "person")
	a.spread(t, r, false)
	a.tell(object, id)
	if verb != "" {
		a.Ledger().Record(twin.Act{By: "person", Verb: verb, Object: object, ID: id})
	}
	return nil
}

// touch moves a row to the end of the feed.
func (a *Twin) touch(r *twinRow, by string) {
	a.seq++
	r.seq, r.by, r.moved = a.seq, by, a.Now().Truncate(time.Millisecond)
	r.rev++
}

// write makes or changes a row as the vendor does: it checks, rewrites and stamps.
func (a *Twin) write(t *twinTable, by, id string, rev int64, cells map[string]string) (*twinRow, *twinRefusal) {
	r, ok := t.rows[id]
	switch {
	case id == "":
		r = &twinRow{cells: map[string]string{}, made: a.Now().Truncate(time.Millisecond)}
	case !ok || r.ended():
		return nil, &twinRefusal{Code: "unknown", Text: "no such row"}
	case r.hidden && by != "person":
		return nil, &twinRefusal{Code: "hidden", Text: "not for your eyes"}
	case rev != 0 && rev != r.rev:
		return nil, &twinRefusal{Code: "stale", Text: fmt.Sprintf("the row is at %d by now", r.rev)}
	}
	next, moves, refusal := a.apply(t, r, cells)
	if refusal != nil {
		return nil, refusal
	}
	r.cells = next
	made := r.id == ""
	if made {
		r.id = a.takeID()
		if _, ok := t.column("serial"); ok {
			r.cells["serial"] = strconv.Itoa(1000 + twinNumber(r.id))
		}
		t.rows[r.id] = r
		moves = true
	}
	if moves {
		a.touch(r, by)
		a.spread(t, r, made)
	}
	return r, nil
}

// apply returns the cells as they will be, and whether the row moves.
func (a *Twin) apply(t *twinTable, r *twinRow, cells map[string]string) (map[string]string, bool, *twinRefusal) {
	next, moves := maps.Clone(r.cells), false
	for key, text := range cells {
		c, ok := t.column(key)
		if !ok || c.made || c.fixed && r.id != "" && text != r.cells[key] {
			return nil, false, &twinRefusal{Code: "invalid", Key: key, Text: "this column cannot be written"}
		}
		text, err := c.check(text)
		if err == nil && c.kind == "list" {
			text, err = a.lines(c, r.cells[key], text)
		}
		if err != nil {
			return nil, false, &twinRefusal{Code: "invalid", Key: key, Text: err.Error()}
		}
		if text == next[key] {
			continue
		}
		if c.sole && text != "" {
			if holder := t.holder(key, text); holder != "" && holder != r.id {
				return nil, false, &twinRefusal{Code: "taken", Key: key, Holder: holder, Text: "another row has it"}
			}
		}
		moves = moves || !c.quiet
		if next[key] = text; text == "" {
			delete(next, key)
		}
	}
	for _, c := range t.columns {
		if c.must && next[c.key] == "" {
			return nil, false, &twinRefusal{Code: "invalid", Key: c.key, Text: "this column must be filled"}
		}
	}
	return next, moves, nil
}

func (t *twinTable) holder(key, text string) string {
	for _, r := range t.rows {
		if !r.ended() && r.cells[key] == text {
			return r.id
		}
	}
	return ""
}

// check returns the text as the vendor keeps it.
func (c twinColumn) check(text string) (string, error) {
	if c.plain {
		text = strings.ReplaceAll(text, `"`, "")
	}
	if c.kind == "text" {
		text = strings.TrimSpace(text)
	}
	if c.lower {
		text = strings.ToLower(text)
	}
	switch {
	case text == "":
		return "", nil
	case c.cap > 0 && len([]rune(text)) > c.cap:
		return "", fmt.Errorf("longer than %d characters", c.cap)
	case c.kind == "email" && strings.Count(text, "@") != 1:
		return "", errors.New("this is no e-mail address")
	case c.kind == "number" && !json.Valid([]byte(text)):
		return "", errors.New("this is no number")
	case (c.kind == "pick" || c.kind == "opt") && !slices.Contains(c.options, text):
		return "", errors.New("this is none of the options")
	case c.kind == "picks":
		items := slices.Compact(slices.Sorted(slices.Values(strings.Split(text, ";"))))
		for _, item := range items {
			if !slices.Contains(c.options, item) {
				return "", errors.New("this is none of the options")
			}
		}
		return strings.Join(items, ";"), nil
	}
	return text, nil
}
