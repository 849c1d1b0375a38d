package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// maxDoubtful is how many records are read anew when the outcome of a create was not found.
const maxDoubtful = 1000

// readDoubtful reads the records anew that wait because they may be what a create has made, if
// one of the creates has no outcome by now: a person may have deleted it just before we looked,
// and what the mirror still has of it would pass for a record that somebody made (invariant 8).
func (s *settling) readDoubtful(ctx context.Context, ops []store.Op, hits map[int64][]record.Record) error {
	none := slices.ContainsFunc(ops, func(op store.Op) bool { found, looked := hits[op.ID]; return looked && len(found) == 0 })
	if !none || s.end.conn.able.Reader == nil || !s.r.standing.Load() {
		return nil
	}
	waiting, err := s.r.e.store.Standings(ctx, s.r.p.Name, maxDoubtful, standsWaiting)
	if err != nil {
		return fmt.Errorf("load records that wait: %w", err)
	}
	var ids []string
	for _, w := range waiting {
		if w.Side == s.side {
			ids = append(ids, w.ID)
		}
	}
	rd := &reading{end: s.end, keys: s.r.keysOf(s.side)}
	changes, began, err := s.r.ask(ctx, rd, ids)
	if err != nil || len(ids) == 0 {
		return err
	}
	changes = slices.DeleteFunc(s.r.mapped(s.end.of, changes), isHidden) // R21: that they are hidden proves nothing
	if err := s.r.stillThere(ctx, s.end, changes); err != nil {
		return err
	}
	if _, err := s.r.e.store.SavePage(ctx, store.Page{Of: s.end.of, Changes: changes, Keys: rd.keys, Began: began}); err != nil {
		return fmt.Errorf("save records that wait: %w", err)
	}
	return nil
}

// notFound has a create repeated of which nothing was found. If its source has changed, or gone, since
// it was decided, it would be another create, whose key does not meet what the first one made: as long as
// a record is out of sight that came since and never was in sight, that may be it, and no other is made
// (invariant 8).
func (s *settling) notFound(ctx context.Context, op store.Op) error {
	if s.moved(op) && time.Since(op.SentAt) < outOfSight {
		hidden, err := s.hiddenSince(ctx, op.Seen[s.side.Other()])
		if err != nil {
			return err
		}
		if hidden {
			s.postpone(ctx, []store.Op{op}, errOutOfSight)
			return nil
		}
	}
	s.later(op, store.OpReady, time.Now(), errors.New("it did not take effect"))
	return nil
}

// hiddenSince reports whether a record that has no partner, and of which nothing was ever seen, was told
// to be out of our sight after a row had changed.
func (s *settling) hiddenSince(ctx context.Context, seq int64) (bool, error) {
	for {
		rows, err := s.r.e.store.ChangedBut(ctx, s.end.of, seq, planBatch, func(row store.Row) bool { return row.Fate != connector.Left })
		if err != nil {
			return false, fmt.Errorf("look for what is out of sight: %w", err)
		}
		if len(rows) == 0 {
			return false, nil
		}
		var ids []string
		for _, row := range rows {
			seq = row.Seq
			if row.Fate == connector.Left && len(row.Fields) == 0 {
				ids = append(ids, row.ID)
			}
		}
		links, err := s.r.e.store.LinksOf(ctx, s.r.p.Name, s.side, ids)
		if err != nil {
			return false, fmt.Errorf("load links of what is out of sight: %w", err)
		}
		if slices.ContainsFunc(ids, func(id string) bool { return links[id].ID == 0 }) {
			return true, nil
		}
	}
}

// byOurKey finds records by the key that travelled with the create. sure says that the
// object has such a key, so that finding nothing means there is nothing.
func (s *settling) byOurKey(ctx context.Context, ops []store.Op) (map[int64][]record.Record, bool, error) {
	f, ok := s.end.object.Key()
	if !ok || !f.Findable || s.end.conn.able.Finder == nil {
		return nil, false, nil
	}
	keys := make([]string, len(ops))
	for i, op := range ops {
		keys[i] = op.Key
	}
	found, err := s.end.conn.able.Finder.Find(ctx, s.end.of.Name, f.Name, keys)
	if err != nil {
		return nil, false, fmt.Errorf("find by %s: %w", f.Name, err)
	}
	hits := make(map[int64][]record.Record, len(ops))
	for _, op := range ops {
		hits[op.ID] = nil
		for _, rec := range found {
			if rec.Fields[f.Name].Text() == op.Key {
				hits[op.ID] = append(hits[op.ID], rec)
			}
		}
	}
	return hits, true, nil
}

// byMatch finds records by a findable match key, or, where there is none, by equality with
// what was sent among the records that the mirror has got since. Those of which a key was
// looked for have an entry, be it empty.
func (s *settling) byMatch(ctx context.Context, ops []store.Op) (map[int64][]record.Record, error) {
	hits := make(map[int64][]record.Record, len(ops))
	byField := map[string][]store.Op{}
	var keyless []store.Op
	for _, op := range ops {
		if f, _ := s.findable(op); f.Name != "" && s.end.conn.able.Finder != nil {
			byField[f.Name] = append(byField[f.Name], op)
			continue
		}
		keyless = append(keyless, op)
	}
	for _, field := range slices.Sorted(maps.Keys(byField)) { // in order (invariant 12)
		if err := s.findAll(ctx, field, byField[field], hits); err != nil {
			return nil, err
		}
	}
	s.dropMembers(hits)
	s.keyless = keyless
	return hits, s.createdSince(ctx, keyless, hits)
}

// findAll looks several operations up by one field in one call.
func (s *settling) findAll(ctx context.Context, field string, ops []store.Op, hits map[int64][]record.Record) error {
	f, _ := s.end.object.Field(field)
	values := make([]string, len(ops))
	for i, op := range ops {
		_, values[i] = s.findable(op)
	}
	found, err := s.end.conn.able.Finder.Find(ctx, s.end.of.Name, field, values)
	if err != nil {
		return fmt.Errorf("find by %s: %w", field, err)
	}
	country := s.r.e.plan.Country
	for i, op := range ops {
		hits[op.ID] = nil
		for _, rec := range found {
			// What was there long before it was sent cannot be its outcome.
			old := !rec.Created.IsZero() && rec.Created.Before(op.SentAt.Add(-time.Hour))
			if !old && record.Normal(f, rec.Fields[field], country) == record.Normal(f, record.Text(values[i]), country) {
				hits[op.ID] = append(hits[op.ID], rec)
			}
		}
	}
	return nil
}

// findable returns a field of the operation that is part of a match key and by which the
// vendor can look records up.
func (s *settling) findable(op store.Op) (record.Field, string) {
	for _, of := range s.r.p.fieldsOf(op) {
		f, ok := s.end.object.Field(of.Wire)
		if v := op.Set[of.Wire]; ok && f.Findable && s.r.p.matched[of.Key] && !v.IsEmpty() {
			return f, v.Text()
		}
	}
	return record.Field{}, ""
}

// createdSince looks operations up among the mirror's records that were created after they
// were sent: a record that holds everything that one of them set is its outcome.
func (s *settling) createdSince(ctx context.Context, ops []store.Op, hits map[int64][]record.Record) error {
	if len(ops) == 0 {
		return nil
	}
	if err := s.r.pull(ctx, s.side); err != nil {
		return err
	}
	s.likely = map[int64]*alikeness{}
	old := func(row store.Row) bool {
		return !slices.ContainsFunc(ops, func(op store.Op) bool { return mayBeSince(op, row) })
	}
	var after int64
	for {
		rows, err := s.r.e.store.ChangedBut(ctx, s.end.of, after, planBatch, old)
		if err != nil {
			return fmt.Errorf("search the mirror: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, row := range rows {
			after = row.Seq
			for _, op := range ops {
				if mayBeSince(op, row) && s.end.holds(row.Fields, op.Set) {
					hits[op.ID] = s.noteHit(hits[op.ID], row.Record)
				}
			}
		}
		if err := s.noteAlike(ctx, ops, rows); err != nil {
			return err
		}
	}
}

// noteHit adds a record to those that hold what was sent, without its fields: there may be as many of
// them as the object has records. A member copy is none (see dropMembers).
func (s *settling) noteHit(found []record.Record, rec record.Record) []record.Record {
	if c := s.r.p.copies; c != nil && s.side == c.side && c.byRule(s.side, rec.Fields) {
		return found
	}
	return append(found, record.Record{Ref: rec.Ref, Created: rec.Created})
}

// fill gives the records that are left of those that createdSince found their fields back: of many, the
// nearest to when they may have been made, which are the ones that a question names.
func (s *settling) fill(ctx context.Context, keyless []store.Op, hits map[int64][]record.Record) error {
	for _, op := range keyless {
		found := hits[op.ID]
		if len(found) == 0 {
			continue
		}
		slices.SortStableFunc(found, func(a, b record.Record) int {
			return cmp.Compare(a.Created.Sub(op.SentAt).Abs(), b.Created.Sub(op.SentAt).Abs())
		})
		named := found[:min(len(found), mostAlike)]
		ids := make([]string, len(named))
		for i, rec := range named {
			ids[i] = rec.ID
		}
		rows, err := s.r.e.store.Rows(ctx, s.end.of, ids)
		if err != nil {
			return fmt.Errorf("load what holds all that was sent: %w", err)
		}
		for i, rec := range named {
			if row, ok := rows[rec.ID]; ok {
				named[i] = row.Record
			}
		}
	}
	return nil
}

// mayBeSince reports whether a record that is there may have been created after an operation was sent. A
// vendor's clock may be wrong by minutes.
func mayBeSince(op store.Op, row store.Row) bool {
	return row.Fate == connector.Present && row.Created.After(op.SentAt.Add(-time.Hour))
}

// holds reports whether a record has all values that were sent.
func (e end) holds(have, set record.Fields) bool {
	for name, v := range set {
		f, _ := e.object.Field(name)
		if !f.Echoes(have[name], v) {
			return false
		}
	}
	return true
}

// dropLinked takes away hits that are somebody's partner: a live link is never moved. It
// returns the operations that lost a hit in this way or whose source has a partner.
func (s *settling) dropLinked(ctx context.Context, ops []store.Op, hits map[int64][]record.Record) (map[int64]bool, error) {
	var ids [2][]string
	for _, op := range ops {
		ids[s.side.Other()] = append(ids[s.side.Other()], op.SourceID)
		for _, rec := range hits[op.ID] {
			ids[s.side] = append(ids[s.side], rec.ID)
		}
	}
	var links [2]map[string]store.Link
	for _, side := range record.Sides() {
		var err error
		if links[side], err = s.r.e.store.LinksOf(ctx, s.r.p.Name, side, ids[side]); err != nil {
			return nil, fmt.Errorf("load links of hits: %w", err)
		}
	}
	open := func(side record.Side, id string) bool {
		l, ok := links[side][id]
		return ok && l.Closed == ""
	}
	linked := map[int64]bool{}
	for _, op := range ops {
		before := len(hits[op.ID])
		if found, looked := hits[op.ID]; looked {
			hits[op.ID] = slices.DeleteFunc(found, func(rec record.Record) bool { return open(s.side, rec.ID) })
		}
		linked[op.ID] = open(s.side.Other(), op.SourceID) || before > 0 && len(hits[op.ID]) == 0
	}
	return linked, nil
}
