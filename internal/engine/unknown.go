package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// lookUp finds out what became of operations of unknown outcome, once the vendor has had
// the time to settle (R16, invariants 4 and 8). It returns how many it brought forward.
func (r *run) lookUp(ctx context.Context) (int, error) {
	ops, err := r.e.store.Ops(ctx, r.p.Name, store.OpUnknown)
	if err != nil {
		return 0, fmt.Errorf("load operations of unknown outcome: %w", err)
	}
	n := 0
	for _, side := range record.Sides() {
		var due []store.Op
		for _, op := range ops {
			if op.Side == side && !r.due(op).After(time.Now()) {
				due = append(due, op)
			}
		}
		if due, err = r.unseen(ctx, side, due); err != nil {
			return n, err
		}
		for chunk := range slices.Chunk(due, max(1, r.p.ends[side].object.ReadBatch)) {
			if err := r.lookUpBatch(metered(ctx, r.calls[side]), side, chunk); err != nil {
				return n, err
			}
			n += len(chunk)
		}
	}
	return n, nil
}

func (r *run) lookUpBatch(ctx context.Context, side record.Side, ops []store.Op) error {
	s, err := r.newSettling(ctx, side, ops)
	if err != nil {
		return err
	}
	s.at, s.late = time.Now().Truncate(time.Microsecond), true
	var creates, others []store.Op
	for _, op := range ops {
		if op.Verb == connector.Create {
			creates = append(creates, op)
		} else {
			others = append(others, op)
		}
	}
	if err := s.lookUpCreates(ctx, creates); err != nil {
		s.postpone(ctx, creates, err)
	}
	if err := s.lookUpOthers(ctx, others); err != nil {
		s.postpone(ctx, others, err)
	}
	if err := s.finish(ctx); err != nil {
		return err
	}
	return s.stop
}

// postpone leaves operations unknown that could not be looked up now.
func (s *settling) postpone(ctx context.Context, ops []store.Op, err error) {
	e := connector.ErrorOf(err)
	for _, op := range ops {
		// As long again as it has waited already: a look that keeps failing must not keep the
		// run from ending.
		wait := max(backoff(op.Attempts+1, e.Wait), min(time.Since(op.SentAt), longestBackoff))
		s.later(op, store.OpUnknown, time.Now().Add(wait), err)
	}
	if e.Kind == connector.Unauthorized {
		s.stop = fmt.Errorf("look up %s: %w", s.end.of, s.r.e.spoil(ctx, s.end.conn, err))
	}
}

// lookUpCreates looks for the records that creates of unknown outcome may have made: by our
// key, else by a match key, else among the records created since they were sent.
func (s *settling) lookUpCreates(ctx context.Context, ops []store.Op) error {
	if len(ops) == 0 {
		return nil
	}
	s.keyless = nil
	hits, sure, err := s.byOurKey(ctx, ops)
	if err != nil {
		return err
	}
	s.dropMembers(hits)
	if !sure {
		if hits, err = s.byMatch(ctx, ops); err != nil {
			return err
		}
	}
	linked, err := s.dropLinked(ctx, ops, hits)
	if err != nil {
		return err
	}
	if err := s.fill(ctx, s.keyless, hits); err != nil {
		return err
	}
	if err := s.readDoubtful(ctx, ops, hits); err != nil {
		return err
	}
	for _, op := range ops {
		found, looked := hits[op.ID]
		switch {
		case linked[op.ID]:
			s.superseded(op) // what it made, or was to be made for, has a partner by now: never repeat it
		case len(found) == 1 && !sure && !s.isOurs(op, found[0]):
			s.adopt(op, found[0])
		case len(found) == 1:
			rec := found[0]
			s.done(op, connector.Result{Ref: rec.Ref, Version: rec.Version, After: &rec}, nil)
		case len(found) > 1:
			if err := s.several(ctx, op, nearest(op, found), fmt.Sprintf("and %d records could be the outcome", len(found))); err != nil {
				return err
			}
		case looked && s.r.restored != nil:
			s.superseded(op) // R34: it is decided anew, and nothing bypasses the guard
		case looked:
			if err := s.notFound(ctx, op); err != nil {
				return err
			}
		default:
			if err := s.alike(ctx, op); err != nil {
				return err
			}
		}
	}
	return nil
}
