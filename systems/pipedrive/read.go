package pipedrive

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Changes reads a page of a listing or of what changed since.
func (c *conn) Changes(ctx context.Context, q connector.Query) (connector.Page, error) {
	s, err := c.shaped(ctx, q.Object)
	if err != nil {
		return connector.Page{}, err
	}
	cur, err := parseCursor(q.Cursor)
	if err != nil {
		return connector.Page{}, err
	}
	if q.Cursor == "" {
		cur = cur.pick(s.kind, q.Where)
	}
	narrowed := len(cur.Pick) > 0
	if s.kind.log && cur.Mode == modeFeed && cur.Began == 0 && c.vendorNow().Sub(time.Unix(cur.Seen, 0)) < relog {
		return connector.Page{Next: q.Cursor}, nil
	}
	if cur.Mode == modeList {
		ctx = rest.WithCost(ctx, limitBulk, 1)
	}
	sent := time.Now()
	var r *rest.Response
	var rows []row
	var more bool
	switch {
	case s.kind.name == users:
		rows, more, r, err = c.userPage(ctx, s.kind, &cur, q.Limit)
	case s.kind.old:
		rows, more, r, err = c.oldPage(ctx, s.kind, &cur, q.Limit)
	default:
		rows, more, r, err = c.page(ctx, s.kind, &cur, q.Limit)
	}
	if err != nil {
		if connector.KindOf(err) == connector.Invalid && cur.After != "" {
			err = expired("Pipedrive does not take it any more")
		}
		return connector.Page{}, fmt.Errorf("list %s: %w", q.Object, err)
	}
	if cur.Began == 0 {
		cur.Began = began(r, sent)
	}
	listing := cur.Mode == modeList
	page := connector.Page{Changes: s.changes(rows, q.Sweep())}
	if !listing {
		c.noteSources(q.Object, rows)
		if err := c.follow(ctx, page.Changes); err != nil {
			return connector.Page{}, fmt.Errorf("list %s: %w", q.Object, err)
		}
	}
	cur, page.More = cur.next(s.kind, more, c.vendorNow())
	page.Complete = listing && !page.More && !narrowed
	if q.Sweep() && listing && !page.More {
		cur = cursor{Mode: modeList} // the next sweep begins anew
	}
	page.Next = cur.encode()
	return page, nil
}

// changes makes changes of rows; of a sweep, without their fields.
func (s *shape) changes(rows []row, sweep bool) []connector.Change {
	out := make([]connector.Change, 0, len(rows))
	for _, r := range rows {
		out = append(out, s.change(r, sweep))
	}
	return out
}

func (s *shape) change(r row, bare bool) connector.Change {
	change := connector.Change{Record: s.record(r)}
	if r.gone() {
		change.Fate = connector.Archived
		if s.kind.old {
			change.Fate = connector.Deleted
		}
		bare = true
	}
	if bare {
		change.Fields = nil
	}
	return change
}

// size returns how many rows to ask for.
func size(wanted int) int {
	if wanted > 0 {
		return min(wanted, maxPage)
	}
	return maxPage
}

// page reads a page of version 2. The deals of a feed include those that were deleted in
// the last 30 days.
func (c *conn) page(ctx context.Context, k kind, cur *cursor, limit int) ([]row, bool, *rest.Response, error) {
	q := url.Values{"limit": {strconv.Itoa(size(limit))}, "sort_by": {"id"}, "sort_direction": {"asc"}}
	cur.picked(q)
	if cur.After != "" {
		q.Set("cursor", cur.After)
	}
	if cur.Mode == modeFeed {
		q.Set("sort_by", "update_time")
		q.Set("updated_since", cur.since().Format(time.RFC3339)) // it takes whole seconds only
		if k.name == deals {
			q.Set("status", "open,won,lost,deleted")
		}
	}
	path, tokens := c.path(k), k.list
	if cur.Shelf {
		path, tokens = c.path(k, "archived"), 2*k.list
	}
	var answer envelope[[]row]
	r, err := c.get(ctx, k, tokens, rest.Call{Path: path, Query: q, Into: &answer})
	if err != nil {
		return nil, false, r, err
	}
	cur.After = answer.Additional.Next
	return answer.Data, cur.After != "", r, nil
}

// userPage cuts a page out of the list of all users, which Pipedrive gives in one piece. A
// user has no time of change in some accounts, and is then told each time.
func (c *conn) userPage(ctx context.Context, k kind, cur *cursor, limit int) ([]row, bool, *rest.Response, error) {
	all, r, err := c.allUsers(ctx, k)
	if err != nil {
		return nil, false, r, err
	}
	last, _ := strconv.ParseInt(cur.After, 10, 64) // 0 before the first
	var rows []row
	for _, u := range all {
		id, _ := strconv.ParseInt(u.id(), 10, 64)
		switch {
		case id <= last, cur.Mode == modeFeed && u.moved() && u.stamp().Before(cur.since()):
		case len(rows) == size(limit):
			cur.After = rows[len(rows)-1].id()
			return rows, true, r, nil
		default:
			rows = append(rows, u)
		}
	}
	return rows, false, r, nil
}

func (c *conn) allUsers(ctx context.Context, k kind) ([]row, *rest.Response, error) {
	var answer envelope[[]row]
	r, err := c.do(ctx, k.list, rest.Call{Path: c.path(k), Into: &answer})
	slices.SortFunc(answer.Data, func(a, b row) int {
		x, _ := strconv.ParseInt(a.id(), 10, 64)
		y, _ := strconv.ParseInt(b.id(), 10, 64)
		return int(x - y)
	})
	return answer.Data, r, err
}

// Read reads records by id. Those of version 2 come a hundred at a time; what is not among
// them is then asked for one by one, since a list shows neither what is archived, nor what
// was deleted, nor what we may not see (R21).
func (c *conn) Read(ctx context.Context, object string, ids []string) ([]connector.Change, error) {
	s, err := c.shaped(ctx, object)
	if err != nil {
		return nil, err
	}
	found, err := c.rows(ctx, s.kind, ids)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", object, err)
	}
	proof := &proof{c: c}
	out := make([]connector.Change, len(ids))
	for i, id := range ids {
		if r, ok := found[id]; ok {
			out[i] = s.change(r, false)
			continue
		}
		if out[i], err = c.readOne(ctx, s, id, proof); err != nil {
			return nil, fmt.Errorf("read %s %s: %w", object, id, err)
		}
	}
	return out, nil
}

// rows reads what a list by ids shows.
func (c *conn) rows(ctx context.Context, k kind, ids []string) (map[string]row, error) {
	found := map[string]row{}
	if k.name == users {
		all, _, err := c.allUsers(ctx, k)
		for _, r := range all {
			found[r.id()] = r
		}
		return found, err
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !isNumber(id) })
	if k.old || len(ids) < 2 { // one costs a token, a list ten
		return found, nil
	}
	for part := range slices.Chunk(ids, maxIDs) {
		q := url.Values{"ids": {strings.Join(part, ",")}, "limit": {strconv.Itoa(maxIDs)}}
		for cursor := ""; ; {
			if cursor != "" {
				q.Set("cursor", cursor)
			}
			var answer envelope[[]row]
			if _, err := c.get(ctx, k, k.list, rest.Call{Path: c.path(k), Query: q, Into: &answer}); err != nil {
				return nil, err
			}
			for _, r := range answer.Data {
				found[r.id()] = r
			}
			if cursor = answer.Additional.Next; cursor == "" {
				break
			}
		}
	}
	return found, nil
}

func isNumber(id string) bool { return id != "" && strings.Trim(id, "0123456789") == "" }

// readOne reads a record that no list showed, or finds out what became of it.
func (c *conn) readOne(ctx context.Context, s *shape, id string, p *proof) (connector.Change, error) {
	object := s.kind.name
	if object == users || object != leads && object != callLogs && !isNumber(id) {
		return tombstone(object, id, connector.Deleted), nil // all users are shown
	}
	r, err := c.getRow(ctx, s.kind, url.PathEscape(id))
	switch connector.KindOf(err) {
	case "", connector.NotFound, connector.Invalid:
		if err == nil && !r.gone() {
			return s.change(r, false), nil
		}
		return c.ended(ctx, s, id, r, err, p)
	case connector.Forbidden:
		return tombstone(object, id, connector.Left), p.forbidden(ctx, s.kind, err)
	default:
		return connector.Change{}, err
	}
}

// ended finds out what became of a record that is in the bin, or is not there by what err says.
func (c *conn) ended(ctx context.Context, s *shape, id string, r row, err error, p *proof) (connector.Change, error) {
	if errors.Is(err, context.Canceled) {
		return connector.Change{}, err
	}
	ref := record.Ref{Object: s.kind.name, ID: id}
	proven := connector.KindOf(err) != connector.Invalid // of the id, or of something else in the call: it proves nothing
	into, stateErr := c.mergedInto(ctx, ref)
	if stateErr != nil {
		return connector.Change{}, stateErr
	}
	if into == "" && proven {
		var lookErr error
		if into, proven, lookErr = p.successor(ctx, ref); lookErr != nil { // R21: most leads go because they become deals
			return connector.Change{}, lookErr
		}
	}
	if into != "" { // R24
		return became(ref, into), nil
	}
	if err == nil {
		return s.change(r, true), nil
	}
	all, err := p.seesAll(ctx)
	if err != nil || !all || !proven {
		return tombstone(ref.Object, id, connector.Left), err
	}
	return tombstone(ref.Object, id, connector.Deleted), nil
}

// proof finds out, once for a read, whether "not found" proves anything: Pipedrive says it
// of what we may not see, too, unless we are an administrator of sales (R21).
type proof struct {
	c     *conn
	asked bool
	all   bool

	turned map[record.Ref]string // what leads or deals became; nil = not asked yet
	blind  bool                  // we may not see that
}

func (p *proof) seesAll(ctx context.Context) (bool, error) {
	if p.asked {
		return p.all, nil
	}
	m, err := old[me](ctx, p.c, 2, p.c.v1("users", "me"))
	if err != nil {
		return false, fmt.Errorf("ask for our rights: %w", err)
	}
	p.asked, p.all = true, m.admin("sales")
	return p.all, nil
}

// forbidden tells a record that we may not see from an object that we may not see.
func (p *proof) forbidden(ctx context.Context, k kind, err error) error {
	_, listed := p.c.do(ctx, k.list, rest.Call{Path: p.c.path(k), Query: url.Values{"limit": {"1"}}})
	if connector.KindOf(listed) == connector.Forbidden {
		return err
	}
	if listed != nil && !errors.Is(listed, context.Canceled) && connector.KindOf(listed) == "" {
		return listed
	}
	return nil
}
