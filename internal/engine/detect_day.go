package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A day is what a sync has written within the rolling day that guards count over (R30).
type day struct {
	spent [2]store.Spent
	lines []store.Entry // fields that were written, and records that were taken away
}

// maxDayLines is how much of a busy day is looked at, the newest first.
const maxDayLines = 20_000

// today is what was done within the day; it is read again once something was sent.
func (r *run) today(ctx context.Context) (*day, error) {
	if r.past == nil {
		d, err := r.loadDay(ctx)
		if err != nil {
			return nil, err
		}
		r.past = d
	}
	return r.past, nil
}

// loadDay reads what was done since the day began for the guards.
func (r *run) loadDay(ctx context.Context) (*day, error) {
	since, err := r.guardsSince(ctx)
	if err != nil {
		return nil, err
	}
	var d day
	for _, side := range record.Sides() {
		if d.spent[side], err = r.e.store.Spent(ctx, r.p.Name, side, since); err != nil {
			return nil, fmt.Errorf("count what was done: %w", err)
		}
	}
	if r.first {
		return &d, nil
	}
	d.lines, err = r.e.store.History(ctx, store.HistoryQuery{Sync: r.p.Name, Since: since, Limit: maxDayLines,
		Kinds: []store.EntryKind{store.Written, store.Deleted, store.Archived}})
	if err != nil {
		return nil, fmt.Errorf("look at what was done: %w", err)
	}
	return &d, nil
}

// guardsSince is when the day began: what an unguarded first run did, and what a person has
// said was meant, counts against nobody later.
func (r *run) guardsSince(ctx context.Context) (time.Time, error) {
	since := time.Now().Add(-guardDay)
	if first := r.complete[0]; first.After(since) {
		since = first.Add(time.Microsecond)
	}
	item, err := r.decision(ctx, guardSubject)
	if err != nil || item.Decision == "" || item.Decision == "dismiss" || item.Decided.Before(since) || !item.Decided.Before(r.complete[1]) {
		return since, err
	}
	runs, err := r.e.store.Runs(ctx, r.p.Name, maxDayRuns)
	if err != nil {
		return since, fmt.Errorf("load runs: %w", err)
	}
	through := since
	for _, run := range runs { // the newest first: the last that fits is the one that was let through
		if !run.Ended.IsZero() && run.Ended.Before(item.Decided) {
			break
		}
		if run.Complete {
			through = run.Ended.Add(time.Microsecond)
		}
	}
	return through, nil
}

// maxDayRuns is more runs than one a minute makes in a day.
const maxDayRuns = 2000

// confirmed reports whether a person has confirmed what a line tells.
func confirmed(e store.Entry) bool {
	return strings.HasPrefix(e.Why, store.RevertOf) || strings.HasPrefix(e.Why, store.ByConfiguration)
}
