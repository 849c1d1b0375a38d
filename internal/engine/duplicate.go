package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
)

// mergeInto is the decision that folds a duplicate into the record that has the partner.
const mergeInto = "merge"

// duplicate tells that another record of the same side has the partner already (R20).
func (b *batch) duplicate(ctx context.Context, row store.Row, k mapping.Key, partner string) error {
	other := b.side.Other()
	twin := b.taken[store.Spot{Side: other, ID: partner}]
	if l, ok := b.links[other][partner]; ok && l.Closed == "" {
		twin = l.IDs[b.side]
	}
	b.stand(row.ID, standsReview, "has the same "+k.Name+" as "+twin)
	was, err := b.r.decision(ctx, b.about("match", row.ID))
	switch same := slices.Contains(was.Candidates, twin); {
	case err != nil:
		return err
	case same && was.Decision == dismissed:
		return nil
	case same && was.Decision == mergeInto:
		return b.mergeDuplicate(ctx, row, twin, was.By)
	}
	end := b.r.p.ends[b.side]
	item := store.Review{Kind: store.ReviewDuplicate, Subject: b.about("match", row.ID), Side: b.side, Record: row.ID, Candidates: []string{twin},
		Text:    fmt.Sprintf("%s/%s%s has the same %s as %s/%s, which is linked to %s/%s already", end.of, row.ID, called(row.Fields), k.Name, end.of, twin, b.r.p.ends[other].of, partner),
		Fix:     "merge the two records at the vendor, or give one of them another " + k.Name,
		Choices: []string{dismissed}}
	if end.conn.able.Merger != nil && b.r.p.Direction.Allows(b.side) {
		item.Fix = fmt.Sprintf("merge: %s goes into %s in %s, which nobody can undo; or give one of them another %s", row.ID, twin, end.conn.spec.Title, k.Name)
		item.Choices = []string{mergeInto, dismissed}
		forgets, err := b.forgetsNo(ctx, b.side, row.ID, twin)
		if err != nil {
			return err
		}
		if forgets {
			item.Text += "; it says no to mail, which the other one does not"
		}
	}
	b.review(item)
	return nil
}

// mergeDuplicate has a duplicate folded into the record that has the partner, as a person said.
// What the vendor has refused waits until that is answered.
func (b *batch) mergeDuplicate(ctx context.Context, row store.Row, twin, by string) error {
	link, err := b.openLink(ctx, b.side, twin)
	if err != nil {
		return err
	}
	if link.ID == 0 || b.made[link.ID] {
		b.again(row.ID)
		return nil
	}
	waits, err := b.r.isOpen(ctx, parkedLink(link.ID, b.side))
	if err != nil || waits {
		return err
	}
	return b.planMerge(ctx, link, b.side, row.ID, twin, "a duplicate, merged as "+by+" decided")
}
