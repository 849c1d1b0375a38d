package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandemhub/tandem/internal/store"
)

// What people have decided about records without a partner.

// handmade carries out what a person decided about a record that is planned again because
// of it: its partner by id, or that it shall rest until it changes.
func (b *batch) handmade(ctx context.Context, row store.Row) (bool, error) {
	item, err := b.r.decision(ctx, b.about("match", row.ID))
	if err != nil {
		return false, err
	}
	if slices.Contains(item.Candidates, item.Decision) {
		return b.joinByHand(ctx, row, item.Decision)
	}
	rests, err := b.r.decision(ctx, b.about("parked", row.ID))
	if err != nil || !b.restsWith(rests, row) && !b.restsWith(item, row) {
		return false, err
	}
	b.stand(row.ID, standsReview, "dismissed by a person until it changes")
	return true, nil
}

// restsWith reports whether a person has dismissed what is asked about a record as it is now.
func (b *batch) restsWith(item store.Review, row store.Row) bool {
	return item.Decision == dismissed && item.Seen[b.side] == row.Seq
}

func subset(some, of []string) bool {
	return !slices.ContainsFunc(some, func(id string) bool { return !slices.Contains(of, id) })
}

func (b *batch) joinByHand(ctx context.Context, row store.Row, partner string) (bool, error) {
	other := b.side.Other()
	rows, err := b.r.e.store.Rows(ctx, b.r.p.ends[other].of, []string{partner})
	if err != nil {
		return false, fmt.Errorf("load partner: %w", err)
	}
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, other, []string{partner})
	if err != nil {
		return false, fmt.Errorf("load partner's link: %w", err)
	}
	if l, ok := links[partner]; ok && l.Closed == "" || b.isTaken(partner) {
		return false, nil
	}
	maps.Copy(b.rows[other], rows)
	if busy, err := b.partnerBusy(ctx, row, partner); err != nil || busy {
		return true, err
	}
	item, err := b.r.decision(ctx, b.about("match", row.ID))
	b.rest(item.Candidates)
	if err != nil {
		return false, err
	}
	return true, b.join(ctx, row, partner, "decided by a person")
}

// decided returns what a person decided about a subject; "" if nobody did.
func (b *batch) decided(ctx context.Context, subject string) (string, error) {
	item, err := b.r.decision(ctx, subject)
	return item.Decision, err
}

// decision returns the newest decided review item of a subject. A run asks once.
func (r *run) decision(ctx context.Context, subject string) (store.Review, error) {
	r.mu.Lock()
	item, ok := r.decisions[subject]
	r.mu.Unlock()
	if ok {
		return item, nil
	}
	got, err := r.e.store.Decisions(ctx, r.p.Name, []string{subject})
	if err != nil {
		return store.Review{}, fmt.Errorf("load decisions: %w", err)
	}
	r.mu.Lock()
	r.decisions[subject] = got[subject]
	r.mu.Unlock()
	return got[subject], nil
}
