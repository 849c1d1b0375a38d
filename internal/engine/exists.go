package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// duplicated is R17: the vendor says that the record, or a value of it, exists already.
func (s *settling) duplicated(ctx context.Context, op store.Op, e *connector.Error) {
	if op.Verb != connector.Create {
		s.invalid(ctx, op, &connector.Error{Kind: connector.Invalid, Field: e.Field, Err: e,
			Fix: "another record holds the same value; if both are the same, merge them at the vendor"})
		return
	}
	if f, is := s.end.object.Key(); is && e.Field == f.Name && e.Existing.ID != "" && s.madeBefore(ctx, op, e.Existing.ID) {
		return
	}
	other := s.side.Other()
	existing, ok, err := s.existing(ctx, op, e)
	fits := false
	if err == nil && ok {
		fits, err = s.couldBe(ctx, op, existing)
	}
	if err != nil {
		// Nothing was created, and nothing can be said yet: try again later.
		s.later(op, store.OpReady, time.Now().Add(backoff(op.Attempts, connector.ErrorOf(err).Wait)), err)
		return
	}
	if fits {
		// It is in the mirror now; planning finds it by its key and links it.
		s.superseded(op)
		return
	}
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	what := "another record"
	if ok {
		what = s.end.of.String() + "/" + existing.ID
	}
	why := fmt.Sprintf("%s holds a value that must be unique: %v", what, e.Err)
	s.stand(op, why)
	item := store.Review{Kind: store.ReviewDuplicate, Subject: fmt.Sprintf("match %s %s", other, op.SourceID), Field: e.Field, Cause: general(op, fmt.Sprint(e.Err)),
		Text: fmt.Sprintf("%s/%s%s cannot be created in %s: %s", s.r.p.ends[other].of, op.SourceID, called(s.source(ctx, op)), s.end.of, why),
		Fix:  fixOr(e, "merge the duplicates at the vendor, or change the value on one side"), Choices: []string{"retry", "dismiss"}}
	if ok {
		item.Candidates = []string{existing.ID}
	}
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, item))
}

// madeBefore settles a create of which the vendor says that a record holds its own key: an earlier
// attempt made that one, though nothing showed it when it was looked for (R16). It is linked where it is
// in sight, and where it is hidden from us or was put away since: as nobody's, it would pass for
// somebody's own when it comes back, and be made once more after people had done away with its source
// (invariant 8). It reports false if the vendor does not say what became of it.
func (s *settling) madeBefore(ctx context.Context, op store.Op, id string) bool {
	ref := record.Ref{Object: op.Target.Name, ID: id}
	hits := map[int64][]record.Record{op.ID: {{Ref: ref}}}
	linked, err := s.dropLinked(ctx, []store.Op{op}, hits)
	var changes []connector.Change
	if err == nil && !linked[op.ID] && s.end.conn.able.Reader != nil {
		changes, err = s.end.conn.able.Reader.Read(ctx, s.end.of.Name, []string{id})
	}
	if err != nil {
		s.later(op, store.OpReady, time.Now().Add(backoff(op.Attempts, connector.ErrorOf(err).Wait)), err)
		return true
	}
	if linked[op.ID] { // a live link is never moved, and its source has a partner or is planned anew
		s.superseded(op)
		return true
	}
	var found *record.Record
	for _, c := range changes {
		switch c.Fate {
		case connector.Present:
			found = &c.Record
		case connector.Left, connector.Archived:
			s.over(id, c)
		case connector.Deleted, connector.Merged, connector.Converted:
			return false // what the vendor says of it does not go together
		}
	}
	defer func(was bool) { s.waited = was }(s.waited)
	s.waited = true // people may have edited it since it was made
	s.done(op, connector.Result{Ref: ref}, found)
	return true
}

// existing brings the record that a create collided with into the mirror.
func (s *settling) existing(ctx context.Context, op store.Op, e *connector.Error) (record.Record, bool, error) {
	began := time.Now()
	var found []connector.Change
	if e.Existing.ID != "" && s.end.conn.able.Reader != nil {
		changes, err := s.end.conn.able.Reader.Read(ctx, s.end.of.Name, []string{e.Existing.ID})
		if err != nil {
			return record.Record{}, false, fmt.Errorf("read %s/%s: %w", s.end.of, e.Existing.ID, err)
		}
		if len(changes) == 1 && changes[0].Fate == connector.Present {
			found = changes
		}
	} else if f, v := s.findable(op); f.Name != "" && s.end.conn.able.Finder != nil {
		recs, err := s.end.conn.able.Finder.Find(ctx, s.end.of.Name, f.Name, []string{v})
		if err != nil {
			return record.Record{}, false, fmt.Errorf("find by %s: %w", f.Name, err)
		}
		if len(recs) == 1 {
			found = []connector.Change{{Record: recs[0]}}
		}
	}
	if len(found) == 0 {
		return record.Record{}, false, nil
	}
	s.facts.Rows = append(s.facts.Rows, store.Page{Of: s.end.of, Changes: found, Keys: s.r.keysOf(s.side), Began: began})
	return found[0].Record, true, nil
}

// couldBe reports whether a record is unlinked and equal to the source on a match key.
func (s *settling) couldBe(ctx context.Context, op store.Op, existing record.Record) (bool, error) {
	links, err := s.r.e.store.LinksOf(ctx, s.r.p.Name, s.side, []string{existing.ID})
	if err != nil {
		return false, fmt.Errorf("load the link of %s/%s: %w", s.end.of, existing.ID, err)
	}
	if l, ok := links[existing.ID]; ok && l.Closed == "" {
		return false, nil
	}
	other := s.side.Other()
	theirs := s.r.p.Mapping.Keys(s.side, existing.Fields)
	for i, k := range s.r.p.Mapping.Keys(other, s.source(ctx, op)) {
		if k.Value != "" && !k.Free && theirs[i].Value == k.Value {
			return true, nil
		}
	}
	return false, nil
}
