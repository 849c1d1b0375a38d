package pipedrive

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// Find searches, one value at a time, and reads what was found: the search tells which
// records hold the value somewhere, not in which field, and disregards case. See
// https://developers.pipedrive.com/docs/api/v1/ItemSearch
func (c *conn) Find(ctx context.Context, object, field string, values []string) ([]record.Record, error) {
	s, err := c.shaped(ctx, object)
	if err != nil {
		return nil, err
	}
	f, ok := s.fields[field]
	if !ok || !f.Findable {
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: field,
			Err: fmt.Errorf("find %s: they cannot be found by %q", object, field),
		}
	}
	wanted := distinct(values)
	rows, err := c.findRows(ctx, s, f, wanted)
	if err != nil {
		return nil, fmt.Errorf("find %s by %s: %w", object, field, err)
	}
	var out []record.Record
	for _, r := range rows {
		if !r.gone() && s.holds(r, f, wanted) {
			out = append(out, s.record(r))
		}
	}
	return out, nil
}

// findRows returns the rows that may hold one of the values.
func (c *conn) findRows(ctx context.Context, s *shape, f record.Field, values []string) ([]row, error) {
	if s.kind.name == users {
		rows, _, err := c.allUsers(ctx, s.kind)
		return rows, err
	}
	var ids []string
	for _, v := range values {
		found, err := c.search(ctx, s.kind, f, v)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	known, err := c.rows(ctx, s.kind, ids)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, id := range ids {
		r, ok := known[id]
		if !ok { // archived, or gone since the index was made
			r, err = c.getRow(ctx, s.kind, url.PathEscape(id))
			if kind := connector.KindOf(err); kind == connector.NotFound || kind == connector.Forbidden {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// search returns the ids of what a search for a whole value finds.
func (c *conn) search(ctx context.Context, k kind, f record.Field, value string) ([]string, error) {
	q := url.Values{
		"term": {value}, "item_types": {k.entity}, "fields": {searchField(f)},
		"exact_match": {"true"}, "limit": {strconv.Itoa(maxFound)},
	}
	var ids []string
	for {
		var answer envelope[struct {
			Items []struct {
				Item row `json:"item"`
			} `json:"items"`
		}]
		ctx := rest.WithCost(ctx, limitSearch, 1)
		if _, err := c.do(ctx, 20, rest.Call{Path: c.v2("itemSearch"), Query: q, Into: &answer}); err != nil {
			return nil, err
		}
		for _, one := range answer.Data.Items {
			if one.Item.text("type") == k.entity {
				ids = append(ids, one.Item.id())
			}
		}
		if answer.Additional.Next == "" {
			return ids, nil
		}
		q.Set("cursor", answer.Additional.Next)
	}
}

// searchField is what the search calls a field.
func searchField(f record.Field) string {
	switch {
	case f.Custom:
		return keyCustom
	case f.Name == fieldEmails:
		return "email"
	default:
		return f.Name
	}
}

// distinct returns the values to look for, each once whatever its case.
func distinct(values []string) []string {
	var out []string
	for _, v := range values {
		v = strings.TrimSpace(v)
		if v != "" && !slices.ContainsFunc(out, func(have string) bool { return strings.EqualFold(have, v) }) {
			out = append(out, v)
		}
	}
	return out
}

// holds reports whether a record has one of the values. A person is found by each of its
// e-mail addresses.
func (s *shape) holds(r row, f record.Field, values []string) bool {
	v := s.record(r).Fields[f.Name]
	have := []string{v.Text()}
	if f.Name == fieldEmails {
		all, _ := waysIn(r, fieldEmails)
		for _, one := range all {
			have = append(have, one.Value)
		}
	}
	for _, h := range have {
		h = strings.TrimSpace(h)
		if h != "" && slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, h) }) {
			return true
		}
	}
	return false
}
