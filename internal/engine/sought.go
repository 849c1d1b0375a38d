package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A named is a hint of a record that was found.
type named struct {
	of store.Object
	id string
}

// named gives hints that name their records by a value ([connector.By]) the ids of these. The
// mirror knows them if the value is a match key, also where the record is gone at the vendor;
// otherwise the vendor is asked. A hint of which nothing is found is dropped.
func (r *run) named(ctx context.Context, side record.Side, h *hinted, hints []store.Hint) ([]store.Hint, error) {
	end := r.p.ends[side]
	var out []store.Hint
	for _, x := range hints {
		if _, _, sought := connector.Sought(record.Ref{ID: x.ID}); !sought {
			out = append(out, x)
		}
	}
	for _, x := range hints {
		field, value, sought := connector.Sought(record.Ref{ID: x.ID})
		if !sought {
			continue
		}
		ids, err := r.holders(ctx, side, field, value)
		if err != nil {
			return nil, err
		}
		as := x.ID
		x.ID = ""
		for _, id := range ids {
			if slices.ContainsFunc(out, func(have store.Hint) bool { return have.ID == id }) {
				continue // it is read anyway
			}
			x.ID = id
			h.as[named{end.of, id}] = as
			out = append(out, x)
		}
		if x.ID == "" {
			x.ID = as
			h.done = append(h.done, x)
		}
	}
	return out, nil
}

// holders returns the ids of the records that hold a value.
func (r *run) holders(ctx context.Context, side record.Side, field, value string) ([]string, error) {
	end := r.p.ends[side]
	var ids []string
	keys := r.keysOf(side)(record.Fields{field: record.Text(value)})
	found, err := r.e.store.FindByKey(ctx, end.of, keys)
	if err != nil {
		return nil, fmt.Errorf("find what was reported: %w", err)
	}
	for _, key := range keys {
		ids = append(ids, found[key]...)
	}
	if len(ids) > 0 || end.conn.able.Finder == nil {
		return ids, nil
	}
	records, err := end.conn.able.Finder.Find(metered(ctx, r.calls[side]), end.of.Name, field, []string{value})
	if err != nil {
		return nil, fmt.Errorf("find what was reported: %w", err)
	}
	for _, x := range records {
		ids = append(ids, x.ID)
	}
	return ids, nil
}

// asKept gives the hints back the names under which the store has them.
func (h *hinted) asKept(hints []store.Hint) {
	for i, x := range hints {
		if as, ok := h.as[named{x.Of, x.ID}]; ok {
			hints[i].ID = as
		}
	}
}
