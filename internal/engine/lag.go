package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

// current takes out of a page of changes what may be older than what is known, and reads it
// again by id (R3): some vendors answer searches from an index that is behind, so that a
// record which was read or written a moment ago shows as it was before. Merged, that would
// carry the replaced value back over a person's.
func (r *run) current(ctx context.Context, rd *reading, changes []connector.Change, began time.Time) ([]connector.Change, error) {
	lag := rd.end.object.ReadLag
	if lag == 0 || rd.feed == store.FeedSweep || rd.end.conn.able.Reader == nil || rd.feed == store.FeedChanges && rd.state.ListedAt.IsZero() {
		return changes, nil
	}
	known, err := r.knownOf(ctx, rd, changes)
	if err != nil {
		return nil, err
	}
	var sure []connector.Change
	var doubtful []string
	var settled time.Time // when the vendor's index has caught up with all that is doubtful
	for _, c := range changes {
		row, ok := known[c.ID]
		if !ok || !row.ReadAt.After(began.Add(-lag)) || !contradicts(c, row) {
			sure = append(sure, c)
			continue
		}
		doubtful = append(doubtful, c.ID)
		if at := row.ReadAt.Add(lag); at.After(settled) {
			settled = at
		}
	}
	return sure, r.reread(ctx, rd, doubtful, known, settled)
}

func (r *run) knownOf(ctx context.Context, rd *reading, changes []connector.Change) (map[string]store.Row, error) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = c.ID
	}
	known, err := r.e.store.Rows(ctx, rd.end.of, ids)
	if err != nil {
		return nil, fmt.Errorf("load rows: %w", err)
	}
	return known, nil
}

// contradicts reports whether a change shows a record otherwise than the mirror has it, and
// not certainly later: what the vendor stamped after what the mirror has is no older.
func contradicts(c connector.Change, row store.Row) bool {
	if c.Fate != connector.Present || row.Fate != connector.Present {
		return c.Fate == connector.Present && row.Fate != connector.Present
	}
	if !row.Modified.IsZero() && c.Modified.After(row.Modified) {
		return false
	}
	for name, v := range c.Fields {
		if has, ok := row.Fields[name]; ok && !has.Equal(v) {
			return true
		}
	}
	return false
}

// reread reads doubtful records by id at once, which at most vendors is never behind. What
// still contradicts the mirror is read once more when the lag is over.
func (r *run) reread(ctx context.Context, rd *reading, ids []string, known map[string]store.Row, settled time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	changes, began, err := r.ask(ctx, rd, ids)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if contradicts(c, known[c.ID]) || c.Fate != known[c.ID].Fate {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Until(settled)):
			}
			return r.readByID(ctx, rd, ids)
		}
	}
	if err := r.stillThere(ctx, rd.end, changes); err != nil {
		return err
	}
	if _, err := r.e.store.SavePage(ctx, store.Page{Of: rd.end.of, Changes: r.mapped(rd.end.of, changes), Keys: rd.keys, Began: began}); err != nil {
		return fmt.Errorf("save records: %w", err)
	}
	return nil
}
