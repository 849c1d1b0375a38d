package pipedrive

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/rest"
)

// A sorting is the order that a list of version 1 is read in.
type sorting struct {
	by   string // as the parameter has it
	desc bool
	key  func(row) int64
}

// sorting picks the order: in a listing one in which nothing moves, in a feed by the time of
// change. The list of archived leads cannot be narrowed by time, so it is read from the
// newest on.
func (c cursor) sorting(k kind) sorting {
	stamp := func(r row) int64 { return r.stamp().UnixMilli() }
	switch {
	case k.log: // in an order that is not documented
		return sorting{key: func(row) int64 { return 0 }}
	case c.Mode == modeFeed && c.Shelf:
		return sorting{by: "update_time DESC", desc: true, key: stamp}
	case c.Mode == modeFeed:
		return sorting{by: "update_time ASC", key: stamp}
	case k.name == leads:
		return sorting{by: "id ASC", key: func(r row) int64 { return rank(r.id()) }}
	default:
		return sorting{by: "id ASC", key: func(r row) int64 {
			id, _ := strconv.ParseInt(r.id(), 10, 64) // it is a number
			return id
		}}
	}
}

// rank is the order of a UUID, by its first 63 bits.
func rank(id string) int64 {
	head := strings.ReplaceAll(id, "-", "")
	n, err := strconv.ParseUint(head[:min(16, len(head))], 16, 64)
	if err != nil {
		return 0 // none: then only the id itself tells where it stands
	}
	return int64(n >> 1)
}

// behind reports whether a row stands before an anchor, or is it: then a page that begins
// with the row leaves nothing out that follows the anchor.
func (s sorting) behind(r row, a anchor) bool {
	if r.id() == a.ID {
		return true
	}
	if s.desc {
		return s.key(r) > a.Key
	}
	return s.key(r) < a.Key
}

// oldPage reads a page of version 1, which counts rows. Rows that are deleted, or that
// change while a feed is read, would move others to a page that was read already. So a page
// begins with the last row of the one before; if that is not where it was, the page is
// looked for further in front.
func (c *conn) oldPage(ctx context.Context, k kind, cur *cursor, limit int) ([]row, bool, *rest.Response, error) {
	order := cur.sorting(k)
	q := url.Values{}
	if order.by != "" {
		q.Set("sort", order.by)
	}
	cur.picked(q)
	path, tokens := c.path(k), k.list
	switch {
	case cur.Shelf:
		path, tokens = c.path(k, "archived"), 2*k.list
	case cur.Mode == modeFeed && !k.log:
		q.Set("updated_since", cur.since().Format(time.RFC3339))
	}
	start, back, want, most := 0, 1, size(limit), maxPage
	if k.log {
		most = maxLogs
	}
	if cur.At != nil {
		start = max(0, cur.At.Start-1)
		want++
	}
	want = min(want, most)
	for {
		q.Set("start", strconv.Itoa(start))
		q.Set("limit", strconv.Itoa(want))
		var answer envelope[[]row]
		r, err := c.do(ctx, tokens, rest.Call{Path: path, Query: q, Into: &answer})
		if err != nil {
			return nil, false, r, err
		}
		rows := answer.Data
		if start > 0 && (len(rows) == 0 || !order.behind(rows[0], *cur.At)) {
			start = max(0, start-back)
			back *= 2
			continue
		}
		rows, more := cur.pass(rows, start, order, answer.Additional.more())
		return rows, more, r, nil
	}
}

// pass moves the cursor behind rows that begin at start, and takes out those that were read
// or are too old.
func (c *cursor) pass(rows []row, start int, order sorting, more bool) ([]row, bool) {
	was := c.At
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		c.At = &anchor{Start: start + len(rows), ID: last.id(), Key: order.key(last)}
	}
	if was != nil && len(rows) > 0 && rows[0].id() == was.ID {
		rows = rows[1:]
	}
	if !order.desc {
		return rows, more
	}
	return newer(rows, c.since(), more)
}

// newer cuts rows, newest first, where they become older than a time: all that follows is
// older still. Rows that were never changed have no time to be sorted by and may stand
// anywhere; they end nothing, and count by when they were made.
func newer(rows []row, since time.Time, more bool) ([]row, bool) {
	var out []row
	for _, r := range rows {
		switch old := r.stamp().Before(since); {
		case !old:
			out = append(out, r)
		case r.moved():
			return out, false
		}
	}
	return out, more
}
