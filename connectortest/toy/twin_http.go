package toy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// twinRefusal is the vendor's way to say no.
type twinRefusal struct {
	Code   string `json:"code"`
	Key    string `json:"key,omitempty"`
	Holder string `json:"holder,omitempty"`
	Text   string `json:"text"`
}

// ServeHTTP answers a request.
func (a *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.Wrap(http.HandlerFunc(a.serve)).ServeHTTP(w, r)
}

func (a *Twin) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commit()
	if r.Header.Get("Authorization") != "Token "+twinKey {
		twinRefuse(w, http.StatusUnauthorized, twinRefusal{Code: "unsigned", Text: "The key is not known"})
		return
	}
	if wait := a.tooFast(); wait {
		w.Header().Set("Retry-After", "1")
		twinRefuse(w, http.StatusTooManyRequests, twinRefusal{Code: "slow down", Text: "Too many calls"})
		return
	}
	known := map[string]func(http.ResponseWriter, *http.Request){
		"GET /v1/me":      a.serveMe,
		"GET /v1/boxes":   a.serveBoxes,
		"GET /v1/fields":  a.serveFields,
		"POST /v1/fields": a.serveMakeField,
		"GET /v1/feed":    a.serveFeed,
		"POST /v1/get":    a.serveGet,
		"POST /v1/find":   a.serveFind,
		"POST /v1/do":     a.serveDo,

		"GET /v1/hooks":    a.serveHooks,
		"POST /v1/hooks":   a.serveMakeHook,
		"DELETE /v1/hooks": a.serveDropHook,
		"POST /v1/jobs":    a.serveJobs,
		"POST /v1/fold":    a.serveFold,

		"GET /v1/papers":       a.servePapers,
		"POST /v1/papers":      a.serveAddPaper,
		"DELETE /v1/papers":    a.serveDropPaper,
		"GET /v1/paper":        a.servePaper,
		"POST /v1/events":      a.serveEvents,
		"POST /v1/events/seen": a.serveEventsSeen,
	}
	serve, ok := known[r.Method+" "+r.URL.Path]
	if !ok {
		a.Unknown(r, "endpoint")
		twinRefuse(w, http.StatusNotFound, twinRefusal{Code: "nowhere", Text: "There is nothing here"})
		return
	}
	a.work()
	serve(w, r)
}

// tooFast keeps the vendor's limit of calls per second.
func (a *Twin) tooFast() bool {
	if a.noLimits {
		return false
	}
	now := time.Now()
	a.recent = slices.DeleteFunc(a.recent, func(t time.Time) bool { return now.Sub(t) >= time.Second })
	if len(a.recent) >= twinCalls {
		return true
	}
	a.recent = append(a.recent, now)
	return false
}

func (a *Twin) serveMe(w http.ResponseWriter, r *http.Request) {
	a.query(r)
	twinAnswer(w, map[string]string{"account": a.account, "name": "Toy & Daughters", "release": "3.2", "zone": "Europe/Athens"})
}

func (a *Twin) serveBoxes(w http.ResponseWriter, r *http.Request) {
	table := a.query(r, "table").Get("table")
	if table == "" {
		table = "cards"
	}
	if t := a.table(w, table); t != nil {
		twinAnswer(w, map[string]any{"boxes": t.boxes})
	}
}

func (a *Twin) serveFields(w http.ResponseWriter, r *http.Request) {
	t := a.table(w, a.query(r, "table").Get("table"))
	if t == nil {
		return
	}
	fields := make([]map[string]any, 0, len(t.columns))
	for _, c := range t.columns {
		fields = append(fields, t.describe(c))
	}
	twinAnswer(w, map[string]any{"fields": fields})
}

func (a *Twin) serveMakeField(w http.ResponseWriter, r *http.Request) {
	var in struct{ Table, Key, Label, Type string }
	t := a.body(w, r, &in, func() string { return in.Table })
	if t == nil {
		return
	}
	c, ok := t.column(in.Key)
	if !ok {
		if in.Type != "text" {
			twinRefuse(w, http.StatusUnprocessableEntity, twinRefusal{Code: "cannot", Text: "Only text columns can be made"})
			return
		}
		c = twinColumn{key: in.Key, label: in.Label, kind: in.Type, own: true}
		t.columns = append(t.columns, c)
	}
	twinAnswer(w, map[string]any{"field": t.describe(c)})
}

// serveFeed shows rows in the order in which they last moved. A token is the place in
// that order and the moment from which it lives for a week. While everything is listed it can
// be narrowed to some stages of cards, or codes of labels; what moves meanwhile is shown anyway.
func (a *Twin) serveFeed(w http.ResponseWriter, r *http.Request) {
	query := a.query(r, "table", "box", "after", "limit", "bare", "only")
	t := a.table(w, query.Get("table"))
	if t == nil {
		return
	}
	after, began, fresh, ok := a.token(query.Get("after"))
	if !ok {
		twinRefuse(w, http.StatusGone, twinRefusal{Code: "expired", Text: "The token is too old"})
		return
	}
	limit := a.page
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 {
		limit = min(limit, n)
	}
	rows := t.feed(query.Get("box"), after, fresh)
	if only := query.Get("only"); fresh && only != "" {
		column := map[string]string{"cards": "stage", "labels": "code"}[query.Get("table")]
		rows = slices.DeleteFunc(rows, func(r *twinRow) bool {
			return r.seq <= began && !slices.Contains(strings.Split(only, ","), r.cells[column])
		})
	}
	if t.blank {
		rows = nil
	}
	more := len(rows) > limit
	if more {
		rows = rows[:limit]
	}
	end := a.seq
	if more {
		end = rows[limit-1].seq
	}
	events := make([]map[string]any, 0, len(rows))
	for _, row := range rows {
		events = append(events, t.event(row, query.Get("bare") == "1"))
	}
	twinAnswer(w, map[string]any{
		"events": events, "more": more, "live": t.count(query.Get("box")),
		"next": a.mint(end, began, fresh && more),
	})
}

// token reads a token: where it stands, where its listing began, and whether everything is
// still being listed.
func (a *Twin) token(s string) (after, began int64, fresh, ok bool) {
	if s == "" {
		return 0, a.seq, true, true
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return 0, 0, false, false
	}
	var numbers [3]int64
	for i := range numbers {
		n, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil {
			return 0, 0, false, false
		}
		numbers[i] = n
	}
	if numbers[0] > a.seq || a.Now().Sub(time.Unix(numbers[1], 0)) > twinTokens { // of a time that the vendor has forgotten
		return 0, 0, false, false
	}
	return numbers[0], numbers[2], parts[3] == "all", true
}

func (a *Twin) mint(seq, began int64, fresh bool) string {
	mode := "new"
	if fresh {
		mode = "all"
	}
	return fmt.Sprintf("%d.%d.%d.%s", seq, a.Now().Unix(), began, mode)
}

// feed returns the rows that moved since, in that order. While everything is listed what
// is gone is left out, unless it went meanwhile.
func (t *twinTable) feed(box string, after int64, fresh bool) []*twinRow {
	var rows []*twinRow
	for _, r := range t.rows {
		gone := r.state != "" || r.hidden
		switch {
		case r.seq <= after, box != "" && r.cells["box"] != box:
		case gone && !t.tombstones, gone && fresh && after == 0:
		default:
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(x, y *twinRow) int { return int(x.seq - y.seq) })
	return rows
}

func (t *twinTable) count(box string) int {
	n := 0
	for _, r := range t.rows {
		if r.state == "" && !r.hidden && (box == "" || r.cells["box"] == box) {
			n++
		}
	}
	return n
}

func (a *Twin) serveGet(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Table string
		IDs   []string
	}
	t := a.body(w, r, &in, func() string { return in.Table })
	if t == nil || !twinFits(w, len(in.IDs), twinReads) {
		return
	}
	events := []map[string]any{}
	for _, row := range t.rows { // in no order: the vendor promises none
		if slices.Contains(in.IDs, row.id) {
			events = append(events, t.event(row, false))
		}
	}
	twinAnswer(w, map[string]any{"events": events})
}

func (a *Twin) serveFind(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Table, Key string
		Any        []string
	}
	t := a.body(w, r, &in, func() string { return in.Table })
	if t == nil || !twinFits(w, len(in.Any), twinReads) {
		return
	}
	if _, ok := t.column(in.Key); !ok {
		a.Unknown(r, "column "+in.Key)
	}
	events := []map[string]any{}
	for _, row := range a.live(in.Table) {
		held := row.cells[in.Key]
		if held != "" && !row.hidden && slices.ContainsFunc(in.Any, func(s string) bool { return strings.EqualFold(s, held) }) {
			events = append(events, t.event(row, false))
		}
	}
	twinAnswer(w, map[string]any{"events": events})
}

func (a *Twin) serveDo(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Table, Verb string
		Items       []struct {
			ID  string
			Rev int64
			Row map[string]any
		}
	}
	t := a.body(w, r, &in, func() string { return in.Table })
	if t == nil || !twinFits(w, len(in.Items), twinWrites) {
		return
	}
	done := make([]any, 0, len(in.Items))
	for _, item := range in.Items {
		cells, refusal := t.cells(item.Row, func(key string) { a.Unknown(r, "column "+key) })
		switch {
		case refusal != nil:
			done = append(done, refusal)
		case a.slow > 0:
			done = append(done, a.take(t, in.Table, in.Verb, item.ID, item.Rev, cells))
		default:
			done = append(done, a.carryOut(t, in.Table, in.Verb, item.ID, item.Rev, cells))
		}
	}
	twinAnswer(w, map[string]any{"done": done})
}

// carryOut does one write of a program and returns what the vendor answers.
func (a *Twin) carryOut(t *twinTable, table, verb, id string, rev int64, cells map[string]string) any {
	before := t.cellsOf(id)
	row, refusal := a.do(t, verb, id, rev, cells)
	if refusal != nil {
		return refusal
	}
	a.Ledger().Record(twin.Act{By: "api", Verb: verb, Object: table, ID: row.id, Fields: cells})
	answer := map[string]any{"id": row.id, "rev": row.rev}
	if a.follow(t, row, before) && !a.flow.Late {
		answer["rev"] = row.rev
	}
	a.tell(table, row.id)
	return answer
}

// do carries out one write of a program.
func (a *Twin) do(t *twinTable, verb, id string, rev int64, cells map[string]string) (*twinRow, *twinRefusal) {
	states := map[string][2]string{"archive": {"", "bin"}, "restore": {"bin", ""}, "delete": {"", "purged"}}
	way, moves := states[verb]
	switch {
	case verb == "create":
		return a.write(t, "api", "", 0, cells)
	case verb == "update":
		if id == "" {
			return nil, &twinRefusal{Code: "unknown", Text: "which row?"}
		}
		return a.write(t, "api", id, rev, cells)
	case !moves, !t.bin && verb != "delete":
		return nil, &twinRefusal{Code: "cannot", Text: "the table does not know this verb"}
	}
	r, ok := t.rows[id]
	switch {
	case !ok || r.state != way[0]:
		return nil, &twinRefusal{Code: "unknown", Text: "no such row"}
	case r.hidden:
		return nil, &twinRefusal{Code: "hidden", Text: "not for your eyes"}
	case rev != 0 && rev != r.rev:
		return nil, &twinRefusal{Code: "stale", Text: fmt.Sprintf("the row is at %d by now", r.rev)}
	}
	if r.state = way[1]; way[1] == "purged" {
		a.purge(t.name, r, "api")
	}
	a.touch(r, "api")
	a.spread(t, r, false)
	return r, nil
}

// table returns the table of that name if the credential may see it.
func (a *Twin) table(w http.ResponseWriter, name string) *twinTable {
	t, ok := a.tables[name]
	switch {
	case !ok:
		twinRefuse(w, http.StatusNotFound, twinRefusal{Code: "nowhere", Text: "There is no such table"})
		return nil
	case t.closed:
		twinRefuse(w, http.StatusForbidden, twinRefusal{Code: "closed", Text: "The key may not see this table"})
		return nil
	}
	return t
}

// query returns the parameters and records those that the vendor does not know.
func (a *Twin) query(r *http.Request, known ...string) url.Values {
	values := r.URL.Query()
	for name := range values {
		if !slices.Contains(known, name) {
			a.Unknown(r, "parameter "+name)
		}
	}
	return values
}

// body reads what was sent and returns the table that it names.
func (a *Twin) body(w http.ResponseWriter, r *http.Request, into any, table func() string) *twinTable {
	a.query(r)
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		a.Unknown(r, "body: "+err.Error())
		twinRefuse(w, http.StatusBadRequest, twinRefusal{Code: "unreadable", Text: "The body cannot be read"})
		return nil
	}
	return a.table(w, table())
}
