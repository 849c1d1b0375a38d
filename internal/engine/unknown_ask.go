package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// several asks which of some records a create of unknown outcome has made.
func (s *settling) several(ctx context.Context, op store.Op, found *alikeness, what string) error {
	other := s.side.Other()
	rows, err := s.r.e.store.Rows(ctx, s.r.p.ends[other].of, []string{op.SourceID})
	if err != nil {
		return fmt.Errorf("load source: %w", err)
	}
	theirs, candidates := map[string]store.Row{}, make([]store.Row, len(found.best))
	for i, rec := range found.best {
		candidates[i] = store.Row{Record: rec.Record}
		theirs[rec.ID] = candidates[i]
	}
	var both [2]map[string]store.Row
	both[s.side], both[other] = theirs, rows
	refs, err := s.r.loadRefs(ctx, both)
	if err != nil {
		return err
	}
	ranked, err := s.r.rank(ctx, other, rows[op.SourceID], candidates, refs)
	if err != nil {
		return err
	}
	ids := idsIn(ranked)
	s.r.doubts(op)
	item := store.Review{Kind: store.ReviewAmbiguous, Side: other, Record: op.SourceID, Candidates: ids, Opened: time.Now(), Choices: append(slices.Clone(ids), noPartner),
		Fix: "choose the right one by its id; the others are yours to delete"}
	if found.all > len(ids) {
		what = fmt.Sprintf("%s, and the %d likeliest are named", what, len(ids))
		item.Values = sentThen(op, s.side)
	}
	item.Text = fmt.Sprintf("creating %s from %s/%s was cut off, %s", s.end.of, s.r.p.ends[other].of, op.SourceID, what)
	s.r.mayBeMade(item)
	s.ask(op, item)
	return nil
}

// isUnsure reports whether nobody knows if a record was created.
func (r *run) isUnsure(about string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsure[about]
}

// doubts notes that nobody knows whether a record was created.
func (r *run) doubts(op store.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsure == nil {
		r.unsure = map[string]bool{}
	}
	r.unsure[fmt.Sprintf("match %s %s", op.Side.Other(), op.SourceID)] = true
}

func (s *settling) nobodyKnows(op store.Op) {
	s.r.doubts(op)
	s.ask(op, store.Review{Kind: store.ReviewUnknown, Choices: []string{retry, dismissed},
		Text: fmt.Sprintf("creating %s from %s/%s was cut off, and there is no key by which it could be looked up: it is not repeated", s.end.of, s.r.p.ends[s.side.Other()].of, op.SourceID),
		Fix:  "look at " + s.end.conn.spec.Title + ": if the record is not there, retry"})
}

// ask has a person say what became of a create.
func (s *settling) ask(op store.Op, item store.Review) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	s.stand(op, item.Text)
	item.Subject, item.Cause = fmt.Sprintf("match %s %s", s.side.Other(), op.SourceID), cutOff
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, item))
}
