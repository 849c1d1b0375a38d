package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// Find looks records up by a unique property, which needs no index and lags behind
// nothing, or else by a search.
func (c *conn) Find(ctx context.Context, object, field string, values []string) ([]record.Record, error) {
	values = keys(values)
	switch _, err := wanted(object); {
	case object == owners:
		return c.findOwners(ctx, field, values)
	case err != nil:
		return nil, err
	case len(values) == 0:
		return nil, nil
	}
	d, err := c.defined(ctx, object)
	if err != nil {
		return nil, err
	}
	f, ok := d.fields[field]
	if !ok || !f.Findable {
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: field,
			Err: fmt.Errorf("find %s: they cannot be found by %q", object, field),
		}
	}
	var rows []row
	if f.Unique {
		rows, err = c.findUnique(ctx, d, f, values)
	} else {
		rows, err = c.findSearched(ctx, d, f, values)
	}
	if err != nil {
		return nil, fmt.Errorf("find %s by %s: %w", object, field, err)
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return !holds(r, f, values) })
	changes, err := c.changes(ctx, d, nil, rows)
	if err != nil {
		return nil, err
	}
	var out []record.Record
	for _, change := range changes {
		if change.Fate == connector.Present {
			out = append(out, change.Record)
		}
	}
	return out, nil
}

// keys returns the values to look for, each once whatever its case.
func keys(values []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range values {
		v = strings.TrimSpace(v)
		if low := strings.ToLower(v); v != "" && !seen[low] {
			seen[low] = true
			out = append(out, v)
		}
	}
	return out
}

// holds reports whether a record has one of the values. A contact has several e-mail
// addresses, and HubSpot finds it by each of them.
func holds(r row, f record.Field, values []string) bool {
	have := []string{r.text(f.Name)}
	if f.Name == propEmail {
		have = append(have, strings.Split(r.text(propMoreEmails), ";")...)
	}
	for _, h := range have {
		h = strings.TrimSpace(h)
		if h != "" && slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, h) }) {
			return true
		}
	}
	return false
}

func (c *conn) findUnique(ctx context.Context, d *definitions, f record.Field, values []string) ([]row, error) {
	var rows []row
	for part := range slices.Chunk(values, maxBatch) {
		found, err := c.batchRead(ctx, d, reading{ids: part, names: d.asked(nil), by: f.Name})
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// findSearched searches. The values of IN have to be in lower case; the search compares
// without regard to it. What is found is then read by id, since all properties do not fit
// into a search.
func (c *conn) findSearched(ctx context.Context, d *definitions, f record.Field, values []string) ([]row, error) {
	var found []row
	for _, part := range searchable(values) {
		in := searchInput{
			Groups: []filterGroup{{[]filter{{Property: f.Name, Operator: "IN", Values: part}}}},
			Sorts:  []sortBy{{Property: propID, Direction: "ASCENDING"}},
			Limit:  maxSearch,
		}
		for {
			p, _, err := c.search(ctx, d, in, []string{f.Name})
			if err != nil {
				return nil, err
			}
			found = append(found, p.Results...)
			if p.Paging.after() == "" || len(p.Results) == 0 {
				break
			}
			// Behind the last id: a value that very many records hold is found to its end.
			last := p.Results[len(p.Results)-1].ID
			in.Groups[0].Filters = append(in.Groups[0].Filters[:1], filter{Property: propID, Operator: "GT", Value: last})
		}
	}
	found = slices.DeleteFunc(found, func(r row) bool { return !holds(r, f, values) })
	return c.refill(ctx, d, found, d.asked(nil))
}

// searchable cuts values into parts that fit into one search.
func searchable(values []string) [][]string {
	const room = maxSearchLen - 500 // for the rest of the search
	var parts [][]string
	size := room
	for _, v := range values {
		v = strings.ToLower(v)
		text, err := json.Marshal(v)
		if err != nil || len(text) > room {
			continue // no record can hold it
		}
		if size += len(text) + 1; size > room {
			parts, size = append(parts, nil), len(text)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], v)
	}
	return parts
}
