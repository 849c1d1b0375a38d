package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// What one search may hold, with room for the filter by id; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm#limits
const (
	maxGroups      = 5
	maxGroupFilter = 5
	maxFilters     = 18
)

// conditions makes filters of the conditions of a listing, nil if none can be passed on.
// Only comparisons are used of which HubSpot certainly finds all that satisfy them: whole
// values of choices, booleans and owners, and whether there is a value. Text is cut into
// words by the search, and whether it finds an empty field is not documented.
//
// The index is a few moments behind. That loses nothing: what changed shortly before the
// listing, or during it, comes with the feed, which begins earlier than the listing did.
func (d *definitions) conditions(where []connector.Cond) []filterGroup {
	base := []filter{}
	var choice []filter
	for _, cond := range where {
		f, ok := d.fields[cond.Field]
		if !ok || d.isLink(f.Name) || len(base) == maxGroupFilter-1 {
			continue
		}
		switch {
		case cond.Op == connector.Filled:
			base = append(base, filter{Property: f.Name, Operator: "HAS_PROPERTY"})
		case cond.Op != connector.In || !exact(f) || len(cond.Values) == 0 || slices.Contains(cond.Values, ""):
		case len(cond.Values) == 1:
			base = append(base, filter{Property: f.Name, Operator: "EQ", Value: cond.Values[0]})
		case choice == nil && len(cond.Values) <= maxGroups: // one group for each value
			for _, v := range cond.Values {
				choice = append(choice, filter{Property: f.Name, Operator: "EQ", Value: v})
			}
		}
	}
	if choice == nil {
		if len(base) == 0 {
			return nil
		}
		return []filterGroup{{base}}
	}
	base = base[:min(len(base), maxFilters/len(choice)-2)]
	var groups []filterGroup
	for _, one := range choice {
		groups = append(groups, filterGroup{append(slices.Clone(base), one)})
	}
	return groups
}

// exact reports whether a search for a value finds all records that hold it.
func exact(f record.Field) bool {
	switch f.Kind {
	case record.KindChoice, record.KindBool:
		return true
	default:
		return f.Kind == record.KindReference && f.To == owners
	}
}

// pick turns a listing that begins into one by search, if its conditions can be searched.
func (c cursor) pick(d *definitions, where []connector.Cond) cursor {
	groups := d.conditions(where)
	if groups == nil {
		return c
	}
	text, err := json.Marshal(groups)
	if err != nil || len(text) > maxSearchLen/2 {
		return c
	}
	return cursor{Mode: modePick, Pick: string(text)}
}

// picking asks for the next records that satisfy the conditions, behind the last id: so it
// never comes to the 10,000 results beyond which a search cannot be paged.
func (c cursor) picking(limit int) (searchInput, error) {
	in := searchInput{Sorts: []sortBy{{Property: propID, Direction: "ASCENDING"}}, Limit: limit}
	if err := json.Unmarshal([]byte(c.Pick), &in.Groups); err != nil {
		return in, expired("it is none of ours")
	}
	if c.After != "" {
		for i := range in.Groups {
			in.Groups[i].Filters = append(in.Groups[i].Filters, filter{Property: propID, Operator: "GT", Value: c.After})
		}
	}
	return in, nil
}

// pickPage reads the next of the records that satisfy conditions. What it does not show may
// be there, so it proves nothing.
func (c *conn) pickPage(ctx context.Context, q connector.Query, d *definitions, cur cursor) (connector.Page, error) {
	limit := maxSearch
	if q.Limit > 0 {
		limit = min(limit, q.Limit)
	}
	in, err := cur.picking(limit)
	if err != nil {
		return connector.Page{}, err
	}
	began := time.Now()
	found, r, err := c.search(ctx, d, in, d.asked(q.Fields))
	if err != nil {
		return connector.Page{}, fmt.Errorf("search %s: %w", q.Object, err)
	}
	if cur.Full == 0 {
		cur.Full = c.began(r, began)
	}
	changes, err := c.changes(ctx, d, q.Fields, found.full)
	if err != nil {
		return connector.Page{}, err
	}
	page := connector.Page{Changes: changes, More: found.Paging.after() != "" && len(found.Results) > 0}
	if page.More {
		cur.After = found.Results[len(found.Results)-1].ID
	} else {
		cur = cursor{Mode: modeFeed, From: cur.Full - overlap.Milliseconds(), Full: cur.Full}
	}
	page.Next = cur.encode()
	return page, nil
}

// pickable reports whether a stored pick is one that we made.
func pickable(text, after string) bool {
	var groups []filterGroup
	if digits(after) != after || json.Unmarshal([]byte(text), &groups) != nil || len(groups) == 0 || len(groups) > maxGroups {
		return false
	}
	return !slices.ContainsFunc(groups, func(g filterGroup) bool {
		return len(g.Filters) == 0 || len(g.Filters) > maxGroupFilter ||
			slices.ContainsFunc(g.Filters, func(f filter) bool { return strings.TrimSpace(f.Property) == "" })
	})
}
