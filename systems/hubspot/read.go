package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// reading is a batch read; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
type reading struct {
	ids      []string
	names    []string
	by       string // the unique property that ids are values of; "" = record ids
	archived bool
}

// batchRead reads records by id or by a unique value. What is not there is left out; the
// answer tells it with status 207.
func (c *conn) batchRead(ctx context.Context, d *definitions, in reading) ([]row, error) {
	body := readInput{Properties: in.names, IDProperty: in.by}
	for _, id := range in.ids {
		body.Inputs = append(body.Inputs, idInput{ID: id})
	}
	call := rest.Call{Method: http.MethodPost, Path: c.path(areaObjects, d.object, "batch", "read"), Body: body}
	if in.archived {
		call.Query = url.Values{"archived": {"true"}}
	}
	var answer batch
	call.Into = &answer
	if _, err := c.read(ctx, call); err != nil {
		return nil, fmt.Errorf("read %s: %w", d.object, err)
	}
	for _, f := range answer.Errors {
		if e := f.meaning(f.status(), d.object); e != nil && e.Kind != connector.NotFound {
			return nil, fmt.Errorf("read %s: %w", d.object, e)
		}
	}
	return answer.Results, nil
}

// Read reads records by id: those that are there with all their properties, then, of what
// is missing, whether it is in the bin.
func (c *conn) Read(ctx context.Context, object string, ids []string) ([]connector.Change, error) {
	if err := checkObject(object, companies, contacts, owners); err != nil {
		return nil, err
	}
	if object == owners {
		return c.readOwners(ctx, ids)
	}
	d, err := c.defined(ctx, object)
	if err != nil {
		return nil, err
	}
	found := make(map[string]connector.Change, len(ids))
	for part := range slices.Chunk(valid(ids), maxBatch) {
		if err := c.readLive(ctx, d, part, found); err != nil {
			return nil, err
		}
		if err := c.readBin(ctx, d, part, found); err != nil {
			return nil, err
		}
	}
	out := make([]connector.Change, len(ids))
	for i, id := range ids {
		change, ok := found[id]
		if !ok {
			change = tombstone(object, id, connector.Deleted)
		}
		out[i] = change
	}
	return out, nil
}

// valid returns the ids that can be ids, each once: another would have HubSpot refuse the
// whole batch.
func valid(ids []string) []string {
	out := make([]string, 0, len(ids))
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if !seen[id] && id != "" && digits(id) == id {
			out = append(out, id)
		}
		seen[id] = true
	}
	return out
}

// readLive reads what is there. A merged record is answered under the id of the one that
// it was merged into.
func (c *conn) readLive(ctx context.Context, d *definitions, ids []string, found map[string]connector.Change) error {
	rows, err := c.batchRead(ctx, d, reading{ids: ids, names: withMerged(d.names(nil))})
	if err != nil {
		return err
	}
	var strangers []row
	for _, r := range rows {
		if !slices.Contains(ids, r.ID) {
			strangers = append(strangers, r)
		}
	}
	changes, err := c.changes(ctx, d, nil, rows)
	if err != nil {
		return err
	}
	for _, change := range changes {
		found[change.ID] = change
	}
	return c.followStrangers(ctx, d, ids, strangers, found)
}

// followStrangers finds out which id led to a record that does not name it among those
// merged into it, by asking for one after the other.
func (c *conn) followStrangers(ctx context.Context, d *definitions, ids []string, strangers []row, found map[string]connector.Change) error {
	named := map[string]bool{}
	for _, change := range found {
		for _, into := range change.Into {
			named[into.ID] = true
		}
	}
	strangers = slices.DeleteFunc(strangers, func(r row) bool { return named[r.ID] })
	if len(strangers) == 0 {
		return nil
	}
	for _, id := range ids {
		if _, ok := found[id]; ok {
			continue
		}
		rows, err := c.batchRead(ctx, d, reading{ids: []string{id}, names: []string{propID}})
		if err != nil {
			return err
		}
		if len(rows) == 1 && rows[0].ID != id {
			change := tombstone(d.object, id, connector.Merged)
			change.Into = refs(d.object, rows[0].ID)
			found[id] = change
		}
	}
	return nil
}

// readBin looks for what is missing among the archived records.
func (c *conn) readBin(ctx context.Context, d *definitions, ids []string, found map[string]connector.Change) error {
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		_, ok := found[id]
		return ok
	})
	if len(missing) == 0 {
		return nil
	}
	rows, err := c.batchRead(ctx, d, reading{ids: missing, names: []string{propID}, archived: true})
	if err != nil {
		return err
	}
	for _, r := range rows {
		found[r.ID] = archived(d.object, r)
	}
	return nil
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

// Find looks records up by a unique property, which needs no index and lags behind
// nothing, or else by a search.
func (c *conn) Find(ctx context.Context, object, field string, values []string) ([]record.Record, error) {
	if err := checkObject(object, companies, contacts, owners); err != nil {
		return nil, err
	}
	values = keys(values)
	if len(values) == 0 {
		return nil, nil
	}
	if object == owners {
		return c.findOwners(ctx, field, values)
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
		found, err := c.batchRead(ctx, d, reading{ids: part, names: withMerged(d.names(nil)), by: f.Name})
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
	return c.refill(ctx, d, found, withMerged(d.names(nil)))
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
