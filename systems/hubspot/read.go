package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/tandemhub/tandem/connector"
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
	if object == owners {
		return c.readOwners(ctx, ids)
	}
	if object == lists {
		return c.readLists(ctx, ids)
	}
	if _, err := wanted(object); err != nil {
		return nil, err
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
	rows, err := c.batchRead(ctx, d, reading{ids: ids, names: d.asked(nil)})
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
