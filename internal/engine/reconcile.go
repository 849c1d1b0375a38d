package engine

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// reconcile says in plain words what is not accounted for at the end of a run; nothing
// means reconciled (R38): the outbox is empty, every changed row has been planned, so every
// linked pair equals its base, and every other record is queued or excluded by a rule.
func (r *run) reconcile(ctx context.Context) ([]string, error) {
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil {
		return nil, fmt.Errorf("count what there is: %w", err)
	}
	gaps := r.visitGaps()
	if n := tally.Outbox - r.visits; n > 0 {
		gaps = append(gaps, fmt.Sprintf("%d operations have no result yet", n))
	}
	if r.visits > 0 {
		gaps = append(gaps, fmt.Sprintf("%d operations wait for the vendor's next visit", r.visits))
	}
	waiting := 0
	for _, side := range record.Sides() {
		waiting += tally.Standing[side.String()+" "+standsWaiting]
	}
	if tally.Dirty > waiting {
		gaps = append(gaps, fmt.Sprintf("%d records are still to be planned again", tally.Dirty-waiting))
	}
	for _, side := range record.Sides() {
		more, err := r.unaccounted(ctx, side, tally)
		if err != nil {
			return nil, err
		}
		gaps = append(gaps, more...)
	}
	return gaps, nil
}

func (r *run) unaccounted(ctx context.Context, side record.Side, tally store.Tally) ([]string, error) {
	var gaps []string
	of := r.p.ends[side].of
	top, err := r.e.store.MaxSeq(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("look for unplanned rows: %w", err)
	}
	if top > r.marks[side] {
		gaps = append(gaps, "records of "+of.String()+" have changed and were not planned")
	}
	loose, err := r.e.store.Unaccounted(ctx, r.p.Name, side, 3)
	if err != nil {
		return nil, fmt.Errorf("look for records that nothing accounts for: %w", err)
	}
	if len(loose) > 0 {
		gaps = append(gaps, fmt.Sprintf("records of %s are neither linked nor excluded, for example %s", of, loose[0]))
	}
	more, err := r.vendorTotal(ctx, side, tally)
	return append(gaps, more...), err
}

// vendorTotal compares the mirror with the total that the vendor told with its last full
// listing, where that was free.
func (r *run) vendorTotal(ctx context.Context, side record.Side, tally store.Tally) ([]string, error) {
	feed, err := r.e.store.Feed(ctx, r.p.ends[side].of, "", store.FeedChanges)
	if err != nil {
		return nil, fmt.Errorf("load the vendor's total: %w", err)
	}
	if narrowedBy(feed.Fields) != "" || feed.Total == 0 || !feed.ListedAt.After(r.began) || feed.Total <= tally.Rows[side] {
		return nil, nil
	}
	return []string{fmt.Sprintf("%s says that it has %d records, and %d were read", r.p.ends[side].of, feed.Total, tally.Rows[side])}, nil
}
