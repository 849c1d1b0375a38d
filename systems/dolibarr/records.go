package dolibarr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	// pageRows is recorded to take half a second and 2.5 MB of whole records.
	pageRows = 500
	// sweepRows is what the stock memory of PHP allows (2,000 were recorded to pass and
	// 3,000 to fail): the server loads whole records even where ids are asked for.
	sweepRows = 2000
)

// Changes reads everything by id, or what was stamped since the last reading began. Both
// by keys, never by page numbers, so that nothing is skipped while people work.
func (c *conn) Changes(ctx context.Context, q connector.Query) (connector.Page, error) {
	o, err := objectOf(q.Object)
	if err != nil {
		return connector.Page{}, err
	}
	cur := cursor{Mode: modeList}
	if q.Cursor == "" {
		cur.Where = c.where(o, q.Where)
	} else {
		if cur, err = parseCursor(q.Cursor); err != nil {
			return connector.Page{}, err
		}
	}
	if q.Sweep() && cur.Mode != modeSweep {
		cur = cursor{Mode: modeSweep}
	}
	page, err := c.changes(ctx, o, q, cur)
	if err != nil {
		return connector.Page{}, fmt.Errorf("read %s: %w", o.Name, err)
	}
	return page, nil
}

func (c *conn) changes(ctx context.Context, o object, q connector.Query, cur cursor) (connector.Page, error) {
	if err := c.prepare(ctx, o, &cur); err != nil {
		return connector.Page{}, err
	}
	zone := zoneOf(cur.Zone)
	filter := both(cur.Where, fmt.Sprintf("(%s:>:%d)", o.key, cur.After))
	if cur.Mode == modeNew {
		filter = both(fmt.Sprintf("(t.tms:>=:'%s')", cur.literal(zone)), filter)
	}
	began := cur.After == 0
	got, err := c.list(ctx, o, listing{
		filter: filter, properties: properties(o, q.Fields), limit: pageSize(q, cur),
	})
	if err != nil {
		return connector.Page{}, err
	}
	if len(got.rows) == 0 && cur.After == 0 && cur.Mode != modeNew {
		if err := c.probe(ctx, o); err != nil {
			return connector.Page{}, err
		}
	}
	page := c.page(o, got, cur, zone)
	if cur.Mode != modeList || !c.wantsTags(o, q.Fields) {
		return page, nil
	}
	return page, c.tagPage(ctx, o, page, began)
}

// tagPage gives the records of a listing their categories. What is read by changes alone
// does not show them: nothing tells when they change (R35).
func (c *conn) tagPage(ctx context.Context, o object, page connector.Page, began bool) error {
	if len(page.Changes) == 0 {
		return nil
	}
	of, err := c.members(ctx, o, began)
	if err != nil || of == nil {
		return err
	}
	for _, ch := range page.Changes {
		ch.Fields[tagsName] = of[ch.ID]
	}
	return nil
}

// both joins two filters.
func both(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	default:
		return a + " and " + b
	}
}

// prepare fills into a cursor what the connection knows or must ask for.
func (c *conn) prepare(ctx context.Context, o object, cur *cursor) error {
	c.mu.Lock()
	zone, extras, loaded := c.zone, c.extras[o.Name], c.extras != nil
	cur.Drift = cur.Drift.and(c.drift)
	if most := c.most[o.Name]; most > 0 && (cur.Limit == 0 || most < cur.Limit) {
		cur.Limit = most
	}
	c.mu.Unlock()
	if zone == nil {
		if zone = zoneOf(cur.Zone); zone == nil && cur.Mode != modeSweep {
			var err error
			if zone, err = c.timezone(ctx); err != nil {
				return err
			}
		}
	}
	if zone != nil {
		cur.Zone = zoneName(zone)
	}
	switch {
	case loaded:
		cur.Kinds = kinds(extras)
	case cur.Mode == modeList && cur.Kinds == nil:
		extras, err := c.extrasOf(ctx, o.Name)
		if err != nil {
			return err
		}
		cur.Kinds = kinds(extras)
	}
	return nil
}

// page turns what was read into a page and moves the cursor on.
func (c *conn) page(o object, got list, cur cursor, zone *time.Location) connector.Page {
	more := len(got.rows) >= got.limit
	var p connector.Page
	extras := cur.extras()
	for _, row := range got.rows {
		cur.Drift = cur.Drift.with(row.number(o.created), row.number(o.modified))
	}
	for _, row := range got.rows {
		if o.only != nil && !o.only.lets(row) {
			continue
		}
		p.Changes = append(p.Changes, change(o, row, extras, cmp.Or(zone, time.UTC), cur.Drift, cur.Mode == modeSweep))
	}
	// An empty object proves nothing: it may be out of sight (recorded).
	p.Complete = !more && cur.Mode != modeNew && cur.Where == "" && (cur.After > 0 || len(got.rows) > 0)
	p.More = more
	if cur.Began == 0 {
		cur.Began = got.began.Unix()
	}
	if got.limit < got.asked {
		cur.Limit = got.limit
	}
	switch {
	case more:
		cur.After = got.rows[len(got.rows)-1].number("id")
	case cur.Mode == modeSweep:
		cur = cursor{Mode: modeSweep, Limit: cur.Limit}
	default:
		cur.Mode, cur.Since, cur.After, cur.Began, cur.Where = modeNew, cur.Began, 0, 0, ""
	}
	p.Next = cur.String()
	return p
}

// change makes a change of a row. Closed third parties, disabled contacts and products that
// are neither sold nor bought are archived: people's lists leave them out until somebody
// asks for them.
func change(o object, row wireRow, extras []field, zone *time.Location, d drift, sweep bool) connector.Change {
	ch := connector.Change{Record: row.record(o, extras, zone, d)}
	if sweep {
		ch.Fields = nil
	}
	switch {
	case o.only != nil && !o.only.lets(row):
		ch.Fate = connector.Left
	case row.closed(o):
		ch.Fate = connector.Archived
	}
	return ch
}

func pageSize(q connector.Query, cur cursor) int {
	n := pageRows
	if cur.Mode == modeSweep {
		n = sweepRows
	}
	if q.Limit > 0 {
		n = min(n, q.Limit)
	}
	if cur.Limit > 0 {
		n = min(n, cur.Limit)
	}
	return n
}

// properties returns what to ask for: the wanted fields and what every record needs. It
// spares bytes, not the server's time (recorded).
func properties(o object, wanted []string) []string {
	var need []string
	add := func(names ...string) {
		for _, name := range names {
			if name != "" && !slices.Contains(need, name) {
				need = append(need, name)
			}
		}
	}
	add("id", o.created, o.modified)
	if o.Name != users {
		add(o.modifier)
	}
	if o.only != nil {
		add(o.only.key)
	}
	add(slices.Sorted(maps.Keys(o.closed))...)
	if wanted != nil && len(wanted) == 0 {
		return need
	}
	for _, f := range o.fields {
		if (wanted == nil || slices.Contains(wanted, f.Name)) && f.Name != tagsName {
			add(f.Name)
		}
	}
	if wanted == nil || slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(w, optionsPrefix) }) {
		add("array_options")
	}
	return need
}

// timezone returns PHP's zone, asked for once.
func (c *conn) timezone(ctx context.Context) (*time.Location, error) {
	c.mu.Lock()
	zone := c.zone
	c.mu.Unlock()
	if zone != nil {
		return zone, nil
	}
	s, err := c.status(ctx)
	if err != nil {
		return nil, err
	}
	return s.location(), nil
}

// A listing is a request for a list.
type listing struct {
	filter     string
	properties []string
	limit      int
}

// A list is an answer to it.
type list struct {
	rows  []wireRow
	began time.Time // a moment of the server's clock not later than the reading's beginning
	limit int       // the limit that was used at last
	asked int
}

// list reads one page, by id. It halves the page as long as PHP's memory is too small for
// it, and remembers.
func (c *conn) list(ctx context.Context, o object, l listing) (list, error) {
	got := list{limit: l.limit, asked: l.limit}
	for {
		query := url.Values{
			"limit": {strconv.Itoa(got.limit)}, "sortfield": {o.key}, "sortorder": {"ASC"},
			"properties": {strings.Join(l.properties, ",")},
		}
		filter := l.filter
		if o.only != nil {
			filter = both(o.only.filter, filter)
		}
		if filter != "" {
			query.Set("sqlfilters", filter)
		}
		began := time.Now()
		var rows []wireRow
		res, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: o.path, Query: query, Into: &rows})
		switch {
		case errors.Is(err, errTooMuch) && got.limit > 1:
			got.limit /= 2
			c.mu.Lock()
			c.most[o.Name] = got.limit
			c.mu.Unlock()
			continue
		case errors.Is(err, errNothing):
			rows = nil
		case err != nil:
			return list{}, err
		}
		got.rows, got.began = rows, serverClock(res, began)
		c.learn(o, rows)
		return got, nil
	}
}

// serverClock returns a moment by the server's clock that was not after the request
// began. The Date of an answer is of its end, in whole seconds.
func serverClock(res *rest.Response, began time.Time) time.Time {
	took := time.Since(began)
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		return date.Add(-took - time.Second)
	}
	return began.Add(-time.Second)
}

// learn takes the evidence of how the clocks of PHP and the database differ.
func (c *conn) learn(o object, rows []wireRow) {
	var d drift
	for _, row := range rows {
		d = d.with(row.number(o.created), row.number(o.modified))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drift = c.drift.and(d)
}

// Read reads records by id in one call. Those that are missing from the answer are asked
// for one by one, because a list also leaves out what the key may not see (R21).
func (c *conn) Read(ctx context.Context, name string, ids []string) ([]connector.Change, error) {
	o, err := objectOf(name)
	if err != nil {
		return nil, err
	}
	changes, err := c.read(ctx, o, ids)
	if err != nil {
		return nil, fmt.Errorf("read %s by id: %w", o.Name, err)
	}
	return changes, nil
}

func (c *conn) read(ctx context.Context, o object, ids []string) ([]connector.Change, error) {
	decode, err := c.decoder(ctx, o)
	if err != nil {
		return nil, err
	}
	var numeric []string
	for _, id := range ids {
		if isID(id) {
			numeric = append(numeric, id)
		}
	}
	found := map[string]connector.Change{}
	if len(numeric) > 0 {
		got, err := c.listAll(ctx, o, "("+o.key+":in:"+strings.Join(numeric, ",")+")", len(numeric))
		if err != nil {
			return nil, err
		}
		for _, row := range got {
			found[row.text("id")] = decode(row)
		}
	}
	changes := make([]connector.Change, 0, len(ids))
	for _, id := range ids {
		ch, ok := found[id]
		if !ok {
			if ch, err = c.confirm(ctx, o, id, decode); err != nil {
				return nil, err
			}
		}
		changes = append(changes, ch)
	}
	return changes, c.addTags(ctx, o, changes)
}

// decoder returns what turns rows into changes.
func (c *conn) decoder(ctx context.Context, o object) (func(wireRow) connector.Change, error) {
	zone, err := c.timezone(ctx)
	if err != nil {
		return nil, err
	}
	extras, err := c.extrasOf(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	return func(row wireRow) connector.Change {
		c.mu.Lock()
		d := c.drift
		c.mu.Unlock()
		return change(o, row, extras, zone, d, false)
	}, nil
}

// listAll reads all records that a filter lets through.
func (c *conn) listAll(ctx context.Context, o object, filter string, limit int) ([]wireRow, error) {
	var all []wireRow
	for after := int64(0); ; {
		l := listing{filter: filter, properties: properties(o, nil), limit: limit}
		if after > 0 {
			if filter != "" {
				l.filter = "(" + filter + ")"
			}
			l.filter = both(l.filter, fmt.Sprintf("(%s:>:%d)", o.key, after))
		}
		got, err := c.list(ctx, o, l)
		if err != nil {
			return nil, err
		}
		all = append(all, got.rows...)
		if len(got.rows) < got.limit || len(got.rows) == 0 {
			return all, nil
		}
		limit = got.limit
		after = got.rows[len(got.rows)-1].number("id")
	}
}

// confirm asks for one record that a list did not show: unknown means deleted, forbidden
// means out of sight.
func (c *conn) confirm(ctx context.Context, o object, id string, decode func(wireRow) connector.Change) (connector.Change, error) {
	ref := record.Ref{Object: o.Name, ID: id}
	gone := connector.Change{Record: record.Record{Ref: ref}, Fate: connector.Deleted}
	if !isID(id) {
		return gone, nil
	}
	row, err := c.get(ctx, o, id)
	switch kind := connector.KindOf(err); {
	case err == nil:
		return decode(row), nil
	case kind == connector.NotFound:
		return gone, nil
	case kind == connector.Forbidden && connector.ErrorOf(err).Scope != connector.ScopeConnection:
		gone.Fate = connector.Left
		return gone, nil
	}
	return connector.Change{}, err
}

// isID reports whether a record can have that id. None has 0, for which the API answers
// 200 and a specimen (recorded).
func isID(id string) bool {
	n, err := strconv.ParseInt(id, 10, 64)
	return err == nil && n > 0
}

// get reads one record. An answer without that id is the empty shell that Dolibarr gives
// where it found nothing it likes (recorded).
func (c *conn) get(ctx context.Context, o object, id string) (wireRow, error) {
	var row wireRow
	if _, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: o.path + "/" + url.PathEscape(id), Into: &row}); err != nil {
		return nil, err
	}
	if row.text("id") != id {
		return nil, &connector.Error{Kind: connector.NotFound, Err: errors.New("the answer is of no record")}
	}
	return row, nil
}
