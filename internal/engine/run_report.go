package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

// report closes the run's line in the log of runs.
func (r *run) report(ctx context.Context, gaps []string, failure error) (Report, error) {
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil {
		return Report{}, errors.Join(failure, fmt.Errorf("count what there is: %w", err))
	}
	if !r.resting.IsZero() {
		if r.waiting == 0 || r.resting.Before(r.wait) {
			r.wait = r.resting
		}
		r.waiting++
	}
	rec := &r.rec
	rec.Ended, rec.Linked, rec.Review = time.Now(), tally.Linked, tally.Review
	rec.Unchanged, rec.Conflicts = r.unchanged(), len(r.conflicts)
	if rec.Status != StatusBlocked { // what a guard holds is in the review queue
		rec.Failed = tally.Outbox - r.pending - r.visits
	}
	rec.Reconciled = failure == nil && rec.Status == "" && len(gaps) == 0
	switch {
	case rec.Status != "":
	case tally.Review > 0 || r.waiting > 0:
		rec.Status = StatusReview
	default:
		rec.Status = StatusOK
	}
	for _, side := range record.Sides() {
		rec.Sides[side].Calls = r.calls[side].get()
	}
	if rec.Error == "" && rec.Status == StatusBlocked && len(gaps) > 0 {
		rec.Error = gaps[0]
	}
	if err := r.finish(ctx); err != nil {
		return Report{}, errors.Join(failure, fmt.Errorf("finish run: %w", err))
	}
	rep := Report{Sync: rec.Sync, Run: RunName(rec.ID), Status: rec.Status, Left: rec.Sides[0], Right: rec.Sides[1],
		Linked: rec.Linked, Unchanged: rec.Unchanged, Conflicts: rec.Conflicts, Review: rec.Review, Failed: rec.Failed,
		Reconciled: rec.Reconciled, Hinted: rec.Hinted, Took: rec.Ended.Sub(rec.Started), Error: rec.Error, Err: failure, Gaps: gaps, Waiting: r.waiting, Visit: r.visits, Events: rec.Sides[0].Events + rec.Sides[1].Events}
	rep.DurationMS = rep.Took.Milliseconds()
	if r.waiting > 0 {
		rep.Until = &r.wait
	}
	return rep, nil
}

// finish stores the run's line. A run of hints that changed nothing leaves none: reports of our
// own writes would fill the log.
func (r *run) finish(ctx context.Context) error {
	if r.rec.Hinted && !r.noted.Load() && r.rec.Error == "" {
		return r.e.store.DropRun(ctx, r.id)
	}
	return r.e.store.FinishRun(ctx, r.rec)
}

// print identifies the rules by which the records of a sync are planned.
func (p *pair) print() string {
	s := p.Sync
	return fmt.Sprintf("%s|%s|%s|%s|%v|%v|%v", p.Mapping.Fingerprint(), s.Direction, s.Prefer, s.Leave, s.Create, s.Delete, p.Rules)
}

// unchanged counts the pairs that were looked at and left as they are.
func (r *run) unchanged() int {
	n := 0
	for _, written := range r.looked {
		if !written {
			n++
		}
	}
	return n
}
