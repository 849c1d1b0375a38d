package dolibarr

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
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
	began := cur.After == 0
	got, err := c.listFrom(ctx, o, cur, listing{properties: properties(o, q.Fields), limit: pageSize(q, cur)})
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

// listFrom reads the page that a cursor wants. A record's extrafields have a row and a stamp of
// their own: whoever changes one of them by the pencil beside it moves that stamp only, so both
// are asked about. All lists join that table; a server that does not is asked without.
func (c *conn) listFrom(ctx context.Context, o object, cur cursor, l listing) (list, error) {
	after := both(cur.Where, fmt.Sprintf("(%s:>:%d)", o.key, cur.After))
	if cur.Mode != modeNew {
		l.filter = after
		return c.list(ctx, o, l)
	}
	moment := cur.literal(zoneOf(cur.Zone))
	own := fmt.Sprintf("(t.tms:>=:'%s')", moment)
	c.mu.Lock()
	bare := c.bare[o.Name]
	c.mu.Unlock()
	if !bare {
		l.filter = both(fmt.Sprintf("(%s or (%stms:>=:'%s'))", own, o.extraAlias(), moment), after)
		got, err := c.list(ctx, o, l)
		if connector.KindOf(err) != connector.Unsupported {
			return got, err
		}
	}
	l.filter = both(own, after)
	got, err := c.list(ctx, o, l)
	if err == nil && !bare {
		c.mu.Lock()
		c.bare[o.Name] = true
		c.mu.Unlock()
	}
	return got, err
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
		cur = cursor{Mode: modeSweep, Limit: c.longer(o, cur.Limit)}
	default:
		cur.Mode, cur.Since, cur.After, cur.Began, cur.Where = modeNew, cur.Began, 0, 0, ""
		cur.Limit = c.longer(o, cur.Limit)
	}
	p.Next = cur.String()
	return p
}

// longer lets the next reading try pages of twice the rows, 0 = the usual: what broke the server
// down without a word may have been something else than the length of a page, and with a few rows a page
// all later readings would be many requests.
func (c *conn) longer(o object, limit int) int {
	if limit *= 2; limit >= pageRows {
		limit = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most[o.Name] = limit
	return limit
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
