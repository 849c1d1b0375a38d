package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// lookUpOthers reads the targets of other operations: what took effect is settled, and what
// did not is planned anew.
func (s *settling) lookUpOthers(ctx context.Context, ops []store.Op) error {
	if len(ops) == 0 {
		return nil
	}
	if s.end.conn.able.Reader == nil {
		for _, op := range ops {
			s.superseded(op)
		}
		return nil
	}
	ids := make([]string, 0, len(ops))
	for _, op := range ops {
		if !slices.Contains(ids, op.TargetID) {
			ids = append(ids, op.TargetID)
		}
	}
	began := time.Now()
	changes, err := s.end.conn.able.Reader.Read(ctx, s.end.of.Name, ids)
	if err != nil {
		return fmt.Errorf("read by id: %w", err)
	}
	if err := s.r.stillThere(ctx, s.end, changes); err != nil {
		return err
	}
	byID := make(map[string]connector.Change, len(changes))
	for i, c := range changes {
		byID[ids[i]] = c
	}
	s.facts.Rows = append(s.facts.Rows, store.Page{Of: s.end.of, Changes: changes, Keys: s.r.keysOf(s.side), Began: began})
	for _, op := range ops {
		c := byID[op.TargetID]
		took := op.Verb == connector.Update && c.Fate == connector.Present && s.shows(c.Fields, op) ||
			op.Verb == connector.Restore && c.Fate == connector.Present ||
			(op.Verb == connector.Delete || op.Verb == connector.Archive) && (c.Fate == connector.Deleted || c.Fate == connector.Archived)
		if op.Verb == verbMerge && (c.Fate == connector.Merged || c.Fate == connector.Deleted || c.Fate == connector.Archived) {
			s.done(op, connector.Result{Ref: remains(op, c)}, nil)
			continue
		}
		if took {
			s.done(op, connector.Result{Ref: record.Ref{Object: op.Target.Name, ID: op.TargetID}, After: &c.Record}, &c.Record)
			continue
		}
		if op.Verb == connector.Update && isHidden(c) && time.Since(op.SentAt) < outOfSight {
			// Decided anew when it is in sight again, our own value would pass for a person's (invariant 6).
			s.postpone(ctx, []store.Op{op}, errOutOfSight)
			continue
		}
		if op.Verb == connector.Update {
			s.buried(op, c)
		}
		s.superseded(op)
	}
	return nil
}

// outOfSight is how long the outcome of an update is asked for whose record is hidden from us: for
// good, it may be, and nothing is to stay in the outbox for good.
const outOfSight = 24 * time.Hour

var errOutOfSight = errors.New("its record is out of sight, so that nobody can tell whether it was written")

// buried journals what an update overruled that may have been written into a record that is
// gone by now, or out of sight for longer than is waited, or in which people have changed the same fields again: they saw what was written,
// and nothing tells of the value that it replaced (invariant 7). A field that holds what it did
// before was not written.
func (s *settling) buried(op store.Op, now connector.Change) {
	link, ok := s.links[op.Link]
	if !ok {
		return
	}
	gone := now.Fate == connector.Archived || now.Fate == connector.Deleted || isHidden(now)
	link.Expected[s.side] = link.Expected[s.side].Clone()
	for _, of := range op.Fields {
		f, _ := s.end.object.Field(of.Wire)
		if now.Fate == connector.Present && f.Same(now.Fields[of.Wire], op.Was[of.Wire]) {
			continue
		}
		s.overruled(&link, op, of, op.Set[of.Wire])
		if _, agreed := link.Base[s.side][of.Key]; gone && agreed {
			if link.Expected[s.side] == nil {
				link.Expected[s.side] = record.Fields{}
			}
			link.Expected[s.side][of.Key] = op.Set[of.Wire] // should it come back, that is no edit (R2)
		}
	}
	if gone {
		s.facts.Links = append(s.facts.Links, link)
	}
}

// shows reports whether a record shows that an update took effect, be it in part: one field
// that holds what was sent, and did not before, is enough. Of the others, those that hold
// what they did are written again, and the rest was changed by people since.
func (s *settling) shows(have record.Fields, op store.Op) bool {
	for name, v := range op.Set {
		f, _ := s.end.object.Field(name)
		if f.Echoes(have[name], v) && !f.Echoes(op.Was[name], v) {
			return true
		}
	}
	for _, of := range s.r.p.fieldsOf(op) {
		if s.halfWritten(op, of, have[of.Wire]) {
			return true
		}
	}
	return s.end.holds(have, op.Set)
}

// unproven reports whether nothing tells if an update whose outcome was looked up has written a field that
// holds neither what was sent nor what it held before. Where all others show the update, somebody
// has changed this one since. Where one still holds what it did, the update was carried out in
// part, or not at all: somebody may have set by themselves what the rest shows, and after a restore
// of ours it may come of what is lost. This field may then have been edited before: taken
// as written, that edit would pass for one of the value that was sent, and replace unasked what the other
// side has (invariant 7). It is decided anew (R16, R34). What somebody entered or reverted comes from no
// side, and would not be decided again.
func (s *settling) unproven(op store.Op, of store.OpField, a answer) bool {
	if !s.late || op.Verb != connector.Update || reverts(op) || enters(of) {
		return false
	}
	return s.r.restored != nil || slices.ContainsFunc(s.r.p.fieldsOf(op), func(other store.OpField) bool {
		f, _ := s.end.object.Field(other.Wire)
		got, shown := a.rec.Fields[other.Wire]
		return shown && f.Same(got, op.Was[other.Wire]) && !f.Echoes(got, op.Set[other.Wire]) && !f.Same(got, op.Set[other.Wire])
	})
}
