package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// sqlStages keeps when deals changed their stage: the mirror has the present one only.
func sqlStages() []string {
	return []string{`CREATE TABLE stages (workspace {int}, object {int}, id {text}, field {text}, at {int}, value {text}, seen {int},
		PRIMARY KEY (workspace, object, id, field, at)){keyed}`}
}

// A Stage is one stage that a deal came to.
type Stage struct {
	Of    Object
	ID    string
	Field string // wire name
	Value string // the vendor's value of the choice; "" = none
	At    time.Time
	// Seen says that the deal had the stage when it was first seen: when it came to it nobody knows.
	Seen bool
}

// TrackStages says of which fields, by wire name, the mirror's writes note every change from now
// on, in this process.
func (s *Store) TrackStages(fields map[Object][]string) { s.tracked.Store(&fields) }

func (s *Store) tracks(of Object) []string {
	if fields := s.tracked.Load(); fields != nil {
		return (*fields)[of]
	}
	return nil
}

// A rowChange is a row before and after a page.
type rowChange struct {
	row    *stored
	before stored
}

// putStages notes to which stages a page has brought the records of an object.
func (t *tx) putStages(object int64, p Page, changes []rowChange) error {
	if len(t.s.tracks(p.Of)) == 0 {
		return nil
	}
	insert := t.insert(`INSERT INTO stages (workspace, object, id, field, at, value, seen)`, 7,
		`ON CONFLICT (workspace, object, id, field, at) DO UPDATE SET value = excluded.value`)
	for _, c := range changes {
		if c.row.fate != connector.Present {
			continue
		}
		was, err := decode(c.before.fields)
		if err != nil {
			return fmt.Errorf("stages of %s: %w", c.row.id, err)
		}
		now, err := decode(c.row.fields)
		if err != nil {
			return fmt.Errorf("stages of %s: %w", c.row.id, err)
		}
		for _, field := range t.s.tracks(p.Of) {
			v, has := now[field]
			old, had := was[field]
			if !has || had && v.Equal(old) || !had && v.IsEmpty() {
				continue
			}
			at, seen := c.moved(p, had)
			if err := insert.row(t.s.workspace, object, c.row.id, field, at, v.Text(), int64(count(seen))); err != nil {
				return fmt.Errorf("note stages: %w", err)
			}
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("note stages: %w", err)
	}
	return nil
}

// moved says when a row came to its present stage. A deal that is new to us and was not shown
// by a listing has just been made, in the stage that it has; of one that a listing shows first nobody knows.
func (c rowChange) moved(p Page, had bool) (at int64, seen bool) {
	switch {
	case had && c.row.editFrom == c.row.editTo && c.row.editTo != 0:
		return c.row.editTo, false // the vendor's stamp
	case had:
		return micros(p.Began), false
	case !c.before.known && p.Listing.IsZero() && c.row.created != 0:
		return c.row.created, false
	}
	return micros(p.Began), true
}

// Stages returns the stages that the records of an object came to, by record, the oldest first.
func (s *Store) Stages(ctx context.Context, of Object) (map[string][]Stage, error) {
	all := map[string][]Stage{}
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT id, field, at, value, seen FROM stages WHERE workspace = ? AND object = ? ORDER BY id, at`,
			args(s.workspace, object), func(scan scanner) error {
				x := Stage{Of: of}
				var at, seen int64
				err := scan(&x.ID, &x.Field, &at, &x.Value, &seen)
				x.At, x.Seen = fromMicros(at), seen != 0
				all[x.ID] = append(all[x.ID], x)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read the stages of %s: %w", of, err)
	}
	return all, nil
}

// EachPresent shows all present records of an object, in the order in which they last changed.
func (s *Store) EachPresent(ctx context.Context, of Object, see func(record.Record) error) error {
	for after := int64(0); ; {
		rows, err := s.Changed(ctx, of, after, 500)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].Seq
		for _, r := range rows {
			if r.Fate != connector.Present {
				continue
			}
			if err := see(r.Record); err != nil {
				return err
			}
		}
	}
}

// sqlPruneStages removes what is older than is kept of deals that are gone, and what is older than the
// journal is kept.
const sqlPruneStages = `DELETE FROM stages WHERE workspace = ? AND at < ? AND (at < ? OR NOT EXISTS (
	SELECT 1 FROM mirror m WHERE m.object = stages.object AND m.id = stages.id AND m.fate = ''))`

func (t *tx) pruneStages(keep Ages) error {
	before := keep.Runs
	if keep.Journal.After(before) {
		before = keep.Journal
	}
	if before.IsZero() {
		return nil
	}
	if _, err := t.exec(sqlPruneStages, t.s.workspace, micros(before), micros(keep.Journal)); err != nil {
		return fmt.Errorf("prune stages: %w", err)
	}
	return nil
}
