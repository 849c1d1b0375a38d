package hubspot

import (
	"context"
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

// ownersPage reads the next owners. There is no search and no filter by time: every read
// lists all, 500 a call, and after the first one tells those that changed.
func (c *conn) ownersPage(ctx context.Context, q connector.Query, cur cursor) (connector.Page, error) {
	limit := maxOwners
	if q.Limit > 0 {
		limit = min(limit, q.Limit)
	}
	if cur.Mode == modeList {
		cur = cursor{Mode: modeOwners}
	}
	began := time.Now()
	p, r, err := c.listOwners(ctx, cur.After, limit, cur.Mode == modeBin)
	if err != nil {
		return connector.Page{}, err
	}
	out := connector.Page{Changes: make([]connector.Change, 0, len(p.Results))}
	for _, o := range p.Results {
		switch {
		case cur.Mode == modeBin:
			out.Changes = append(out.Changes, tombstone(owners, o.ID, connector.Archived))
		case time.Time(o.UpdatedAt).UnixMilli() >= cur.From:
			out.Changes = append(out.Changes, connector.Change{Record: o.record()})
		}
	}
	cur.After = p.Paging.after()
	out.More = cur.After != ""
	if cur.Mode == modeOwners {
		if cur.Full == 0 {
			cur.Full = c.began(r, began)
		}
		if !out.More {
			out.Complete = cur.From == 0
			cur = cursor{Mode: modeOwners, From: cur.Full - overlap.Milliseconds()}
		}
	}
	out.Next = cur.encode()
	return out, nil
}

func (c *conn) listOwners(ctx context.Context, after string, limit int, archived bool) (ownerPage, *rest.Response, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "archived": {strconv.FormatBool(archived)}}
	if after != "" {
		q.Set("after", after)
	}
	var p ownerPage
	r, err := c.read(ctx, rest.Call{Path: c.path(areaOwners), Query: q, Into: &p})
	if err != nil {
		return p, r, fmt.Errorf("list owners: %w", err)
	}
	return p, r, nil
}

// allOwners lists the owners, at 500 a call.
func (c *conn) allOwners(ctx context.Context, archived bool) ([]owner, error) {
	var all []owner
	for after := ""; ; {
		p, _, err := c.listOwners(ctx, after, maxOwners, archived)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Results...)
		if after = p.Paging.after(); after == "" {
			return all, nil
		}
	}
}

// readOwners finds owners in the list of all, which takes fewer calls than one for each.
func (c *conn) readOwners(ctx context.Context, ids []string) ([]connector.Change, error) {
	out := make([]connector.Change, len(ids))
	left := map[string]int{}
	for i, id := range ids {
		out[i] = tombstone(owners, id, connector.Deleted)
		left[id] = i
	}
	for _, archived := range []bool{false, true} {
		if len(left) == 0 {
			break
		}
		all, err := c.allOwners(ctx, archived)
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			i, ok := left[o.ID]
			switch {
			case !ok:
				continue
			case archived:
				out[i] = tombstone(owners, o.ID, connector.Archived)
			default:
				out[i] = connector.Change{Record: o.record()}
			}
			delete(left, o.ID)
		}
	}
	return out, nil
}

func (c *conn) findOwners(ctx context.Context, field string, values []string) ([]record.Record, error) {
	if field != propEmail {
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: field,
			Err: fmt.Errorf("find owners: they cannot be found by %q", field),
		}
	}
	all, err := c.allOwners(ctx, false)
	if err != nil {
		return nil, err
	}
	var out []record.Record
	for _, o := range all {
		if slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, o.Email) }) {
			out = append(out, o.record())
		}
	}
	return out, nil
}
