package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What a create of unknown outcome has made, where nothing of ours stands in it and it has no match
// key, is told by its values alone. Once a person has changed one of these, it can only be asked.

// resembles reports whether a record has half, or more, of the values that were sent.
func (e end) resembles(have, set record.Fields) bool {
	sent, same := 0, 0
	for name, v := range set {
		if v.IsEmpty() {
			continue
		}
		f, _ := e.object.Field(name)
		sent++
		if f.Echoes(have[name], v) {
			same++
		}
	}
	return same > 0 && 2*same >= sent
}

// alike asks whether one of the records that resemble what was sent is the outcome of a create that
// nothing else tells of. Those that have, or had, a partner are not (R16).
func (s *settling) alike(ctx context.Context, op store.Op) error {
	found := s.likely[op.ID]
	ids := make([]string, len(found))
	for i, rec := range found {
		ids[i] = rec.ID
	}
	links, err := s.r.e.store.LinksOf(ctx, s.r.p.Name, s.side, ids)
	if err != nil {
		return fmt.Errorf("load links of what resembles it: %w", err)
	}
	found = slices.DeleteFunc(found, func(rec record.Record) bool { _, linked := links[rec.ID]; return linked })
	if len(found) == 0 {
		s.nobodyKnows(op)
		return nil
	}
	return s.several(ctx, op, found, fmt.Sprintf("and has no key by which it could be looked up; of the records made since, %d resemble it", len(found)))
}

// mayBeMade notes of which records a person is to say whether they are what a create has made, or
// has said so.
func (r *run) mayBeMade(item store.Review) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcomes == nil {
		r.outcomes = map[store.Spot]store.Review{}
	}
	for _, id := range item.Candidates {
		if item.Decision == "" || item.Decision == id {
			r.outcomes[store.Spot{Side: item.Side.Other(), ID: id}] = item
		}
	}
}

// asksFor reports whether a person is still to say which record was made for this one. That is asked
// though it be gone: what is left of it would pass for a new record otherwise.
func (r *run) asksFor(side record.Side, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range r.outcomes {
		if item.Side == side && item.Record == id && item.Decision == "" {
			return true
		}
	}
	return false
}

// askedAbout leaves a record alone of which a person is to say whether it is what a create has
// made: to make another one of it on the side that it came from would double that (invariant 8). Once
// it is said, it has its partner, whichever of the two is planned first. If that one is gone by now,
// it stays alone, as what has lost its partner does (R18).
func (b *batch) askedAbout(ctx context.Context, row store.Row) (bool, error) {
	b.r.mu.Lock()
	item, is := b.r.outcomes[store.Spot{Side: b.side, ID: row.ID}]
	b.r.mu.Unlock()
	if _, linked := b.links[b.side][row.ID]; !is || linked {
		return false, nil
	}
	if item.Decision == "" {
		b.stand(row.ID, standsWaiting, "a person is asked whether it is what a create has made")
		b.again(row.ID)
		return true, nil
	}
	of := b.r.p.ends[item.Side].of
	rows, err := b.r.e.store.Rows(ctx, of, []string{item.Record})
	if err != nil {
		return false, fmt.Errorf("load what it was made for: %w", err)
	}
	if rows[item.Record].Fate != connector.Present {
		b.stand(row.ID, standsClosed, fmt.Sprintf("it was made for %s/%s, which is gone", of, item.Record))
		return true, nil
	}
	return b.joinByHand(ctx, row, item.Record)
}
