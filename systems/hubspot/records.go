package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

const (
	maxPage      = 100  // of a list
	maxOwners    = 500  // of the list of owners
	maxGathered  = 1000 // rows of one page of ours where associations are read, at most 1,000 a call
	maxSearch    = 200  // of a search
	maxSearchLen = 2900 // characters of a search; HubSpot takes 3,000
	maxQueryLen  = 4000 // characters of the names in an address
)

// Changes lists an object, then reads what changed; see [cursor] for how.
func (c *conn) Changes(ctx context.Context, q connector.Query) (connector.Page, error) {
	listed := q.Object == owners || q.Object == lists
	if _, err := wanted(q.Object); err != nil && !listed {
		return connector.Page{}, err
	}
	cur, err := parseCursor(q.Cursor)
	if err != nil {
		return connector.Page{}, err
	}
	switch {
	case q.Object == lists && cur.Mode != modeFeed:
		return c.listsPage(ctx, q, cur)
	case q.Sweep():
		if cur.Mode != modeBin {
			cur = cursor{Mode: modeBin}
		}
		if q.Object == owners {
			return c.ownersPage(ctx, q, cur)
		}
		return c.binPage(ctx, q, cur)
	case cur.Mode == modeBin, (cur.Mode == modeOwners) != listed && q.Cursor != "":
		return connector.Page{}, expired("it is that of another kind of reading")
	case q.Object == owners:
		return c.ownersPage(ctx, q, cur)
	}
	d, err := c.defined(ctx, q.Object)
	if err != nil {
		return connector.Page{}, err
	}
	if q.Cursor == "" {
		cur = cur.pick(d, q.Where)
	}
	switch cur.Mode {
	case modeFeed:
		return c.feedPage(ctx, q, d, cur)
	case modePick:
		return c.pickPage(ctx, q, d, cur)
	}
	return c.listPage(ctx, q, d, cur)
}

// listPage reads the next records in the order of their ids. New ones get higher ids, so
// the last page proves what is not there (R21).
func (c *conn) listPage(ctx context.Context, q connector.Query, d *definitions, cur cursor) (connector.Page, error) {
	most := maxPage
	if len(d.linked(q.Fields)) > 0 {
		most = maxGathered
	}
	if q.Limit > 0 {
		most = min(q.Limit, most)
	}
	var rows []row
	for {
		began := time.Now()
		next, r, err := c.list(ctx, d, listing{
			after: cur.After, limit: min(maxPage, most-len(rows)), names: d.asked(q.Fields),
		})
		if err != nil {
			return connector.Page{}, fmt.Errorf("list %s: %w", q.Object, err)
		}
		if cur.Full == 0 {
			cur.Full = c.began(r, began)
		}
		rows = append(rows, next.Results...)
		if cur.After = next.Paging.after(); cur.After == "" || len(rows) >= most {
			break
		}
	}
	changes, err := c.changes(ctx, d, q.Fields, rows)
	if err != nil {
		return connector.Page{}, err
	}
	page := connector.Page{Changes: changes, More: cur.After != "", Complete: cur.After == ""}
	if !page.More {
		cur = cursor{Mode: modeFeed, From: cur.Full - overlap.Milliseconds(), Full: cur.Full}
	}
	page.Next = cur.encode()
	return page, nil
}

// asked returns the properties to ask for: those wanted, and the one that tells which
// records were merged into one.
func (d *definitions) asked(fields []string) []string {
	names := d.names(fields)
	if d.kind.merges && !slices.Contains(names, propMerged) {
		names = append(names, propMerged)
	}
	return names
}

type listing struct {
	after    string
	limit    int
	names    []string
	archived bool
}

// list makes one call of a list. Names that are too many for an address are asked for by
// id in a second call.
func (c *conn) list(ctx context.Context, d *definitions, l listing) (page, *rest.Response, error) {
	q := url.Values{"limit": {strconv.Itoa(l.limit)}}
	if l.after != "" {
		q.Set("after", l.after)
	}
	if l.archived {
		q.Set("archived", "true")
	}
	names := strings.Join(l.names, ",")
	long := len(url.QueryEscape(names)) > maxQueryLen
	if long {
		names = propID
	}
	q.Set("properties", names)
	var p page
	r, err := c.read(ctx, rest.Call{Path: c.path(areaObjects, d.object), Query: q, Into: &p})
	if err == nil && long {
		p.Results, err = c.refill(ctx, d, p.Results, l.names)
	}
	return p, r, err
}

// refill reads the rows again by their ids with the given properties, in the same order. A
// row that is gone meanwhile is left out: the feed, or a sweep, tells its fate.
func (c *conn) refill(ctx context.Context, d *definitions, rows []row, names []string) ([]row, error) {
	out := rows[:0:0]
	for part := range slices.Chunk(rows, maxBatch) {
		ids := make([]string, len(part))
		for i, r := range part {
			ids[i] = r.ID
		}
		full, err := c.batchRead(ctx, d, reading{ids: ids, names: names})
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if i := slices.IndexFunc(full, func(r row) bool { return r.ID == id }); i >= 0 {
				out = append(out, full[i])
			}
		}
	}
	return out, nil
}

// changes makes the changes of rows that are there: their records, with the associations
// that are wanted, and the ends of those that were merged into them (R24).
func (c *conn) changes(ctx context.Context, d *definitions, wanted []string, rows []row) ([]connector.Change, error) {
	out := make([]connector.Change, 0, len(rows))
	ids := make([]string, 0, len(rows))
	seen := make(map[string]bool, len(rows))
	for _, r := range rows {
		if seen[r.ID] {
			continue
		}
		seen[r.ID] = true
		ids = append(ids, r.ID)
		out = append(out, connector.Change{Record: d.record(r)})
		for _, old := range r.mergedIDs() {
			end := tombstone(d.object, old, connector.Merged)
			end.Into = refs(d.object, r.ID)
			out = append(out, end)
		}
	}
	if err := c.fillLinks(ctx, d, wanted, ids, out); err != nil {
		return nil, err
	}
	return out, c.fillLists(ctx, d, wanted, ids, out)
}

// feedPage reads the next changes. See [cursor.next] for the order.
func (c *conn) feedPage(ctx context.Context, q connector.Query, d *definitions, cur cursor) (connector.Page, error) {
	cur = cur.start(c.vendorNow())
	limit := maxSearch
	if q.Limit > 0 {
		limit = min(limit, q.Limit)
	}
	stamp := stampOf(q.Object)
	names := d.asked(q.Fields)
	if !slices.Contains(names, stamp) {
		names = append(names, stamp)
	}
	began := time.Now()
	found, r, err := c.search(ctx, d, cur.search(stamp, limit), names)
	if err != nil {
		return connector.Page{}, fmt.Errorf("search changed %s: %w", q.Object, err)
	}
	if cur.Began == 0 {
		cur.Began = c.began(r, began)
	}
	changes, err := c.changes(ctx, d, q.Fields, found.full)
	if err != nil {
		return connector.Page{}, err
	}
	cur, more := cur.next(q.Object, found.Results, found.Paging.after() != "")
	return connector.Page{Changes: changes, Next: cur.encode(), More: more}, nil
}

// search makes one call of a search. It is limited by the account, and in its length: if
// that does not hold all names, the rows that it finds are read by id in further calls.
func (c *conn) search(ctx context.Context, d *definitions, in searchInput, names []string) (page, *rest.Response, error) {
	in.Properties = names
	body, err := json.Marshal(in)
	if err != nil {
		return page{}, nil, fmt.Errorf("encode search: %w", err)
	}
	long := len(body) > maxSearchLen
	if long {
		in.Properties = []string{stampOf(d.object)}
	}
	var p page
	r, err := c.read(rest.WithCost(ctx, limitSearch, 1), rest.Call{
		Method: http.MethodPost, Path: c.path(areaObjects, d.object, "search"), Body: in, Into: &p,
	})
	p.full = p.Results
	if err == nil && long && len(p.Results) > 0 {
		p.full, err = c.refill(ctx, d, p.Results, names)
	}
	return p, r, err
}

// began returns when a call began by HubSpot's clock, rather too early than too late.
func (c *conn) began(r *rest.Response, sent time.Time) int64 {
	took := time.Since(sent)
	at, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		at = time.Now()
	}
	return at.Add(-took - time.Second).UnixMilli()
}

// binPage reads the next records of the bin. Present ones are not shown, so it proves
// nothing about what is not in it.
func (c *conn) binPage(ctx context.Context, q connector.Query, cur cursor) (connector.Page, error) {
	limit := maxPage
	if q.Limit > 0 {
		limit = min(limit, q.Limit)
	}
	d := &definitions{object: q.Object}
	p, _, err := c.list(ctx, d, listing{after: cur.After, limit: limit, names: []string{propID}, archived: true})
	if err != nil {
		return connector.Page{}, fmt.Errorf("list archived %s: %w", q.Object, err)
	}
	out := connector.Page{Changes: make([]connector.Change, 0, len(p.Results))}
	for _, r := range p.Results {
		out.Changes = append(out.Changes, archived(q.Object, r))
	}
	cur.After = p.Paging.after()
	out.More, out.Next = cur.After != "", cur.encode() // at the end: from the beginning again
	return out, nil
}

func archived(object string, r row) connector.Change {
	change := tombstone(object, r.ID, connector.Archived)
	change.Created, change.Modified = time.Time(r.CreatedAt), time.Time(r.ArchivedAt)
	return change
}
