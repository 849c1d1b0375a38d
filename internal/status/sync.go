// Package status says how syncs and connections stand, from our own records and without
// calling anybody: what tandem status prints and the console shows is the same.
package status

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// A Sync is one sync in tandem status -o json.
type Sync struct {
	Sync       string         `json:"sync"`
	Left       string         `json:"left"`
	Right      string         `json:"right"`
	Status     string         `json:"status"` // of the last run; "never", "running" or "cut short" besides
	Run        string         `json:"run,omitempty"`
	Started    *time.Time     `json:"started,omitempty"`
	Ended      *time.Time     `json:"ended,omitempty"`
	Next       *time.Time     `json:"next,omitempty"`
	Schedule   string         `json:"schedule,omitempty"`
	Reconciled bool           `json:"reconciled"`
	Linked     int            `json:"linked"`
	Diverged   int            `json:"diverged"`
	Review     int            `json:"review"`
	Outbox     int            `json:"outbox"`
	Waiting    int            `json:"waiting"`
	Forecast   *time.Time     `json:"forecast,omitempty"` // when the outbox will be empty at the pace so far
	Alone      map[string]int `json:"alone,omitempty"`    // records without a partner, by side and rule
	Calls      map[string]int `json:"calls,omitempty"`    // of the last run, by connection
	Error      string         `json:"error,omitempty"`
	Verified   *Verified      `json:"verified,omitempty"` // the last whole round
	Restored   *time.Time     `json:"restored,omitempty"` // goes on from a backup, and has not seen both sides since
	Events     *Events        `json:"events,omitempty"`   // its queue of events; absent if it has none
	Guard      *Guard         `json:"guard,omitempty"`    // what the sync's last month suggests; never applied by itself
}

// OfSync says how a sync stands. What its last month suggests for its guard is not in it: that
// takes a walk through the journal; see [SuggestGuard].
func OfSync(ctx context.Context, p *plan.Plan, s *store.Store, sync plan.Sync, now time.Time) (Sync, error) {
	line := Sync{
		Sync: sync.Name, Left: sync.Ends[0].String(), Right: sync.Ends[1].String(), Status: "never",
		Schedule: sync.Schedule.String(),
	}
	tally, err := s.Tally(ctx, sync.Name)
	if err != nil {
		return line, fmt.Errorf("count what there is: %w", err)
	}
	line.Linked, line.Diverged, line.Review = tally.Linked, tally.Diverged, tally.Review
	line.Outbox, line.Waiting, line.Alone = tally.Outbox, tally.Waiting, tally.Standing
	if line.Events, err = queueOf(ctx, s, sync.Name); err != nil {
		return line, err
	}
	if err := line.addVerified(ctx, s); err != nil {
		return line, err
	}
	if err := line.addForecast(ctx, s, now); err != nil {
		return line, err
	}
	runs, err := s.FullRuns(ctx, sync.Name, 1)
	if err != nil {
		return line, fmt.Errorf("load runs: %w", err)
	}
	if len(runs) == 0 {
		return line, nil
	}
	last := runs[0]
	line.Run, line.Started, line.Status = engine.RunName(last.ID), &last.Started, last.Status
	line.Reconciled, line.Error = last.Reconciled, last.Error
	line.Calls = map[string]int{sync.Ends[0].Connection: last.Sides[0].Calls}
	line.Calls[sync.Ends[1].Connection] += last.Sides[1].Calls
	if !last.Ended.IsZero() {
		line.Ended = &last.Ended
	} else if line.Status, err = unended(ctx, s, last); err != nil {
		return line, err
	}
	if next := sync.Schedule.Next(last.Started, p.Timezone); sync.Schedule != (plan.Schedule{}) && !next.IsZero() {
		line.Next = &next
	}
	return line, nil
}

// unended says of a run without an end whether it is still going on: then somebody owns the
// database, and whoever came to own it has not found the run dead.
func unended(ctx context.Context, s *store.Store, last store.Run) (string, error) {
	if last.Status != "" {
		return last.Status, nil
	}
	owned, err := s.Owned(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("see whether a run goes on: %w", err)
	case owned:
		return "running", nil
	default:
		return store.RunCutShort, nil
	}
}

// Verified is the last whole round of verifying a sync in tandem status -o json.
type Verified struct {
	Ended time.Time `json:"ended"`
	store.VerifyCounts
}

// addVerified says how a sync was verified the last time, and whether it was restored.
func (l *Sync) addVerified(ctx context.Context, s *store.Store) error {
	v, err := s.Verification(ctx, l.Sync)
	if err != nil {
		return err
	}
	if !v.Ended.IsZero() {
		l.Verified = &Verified{v.Ended, v.Last}
	}
	mark, is, err := s.Restored(ctx, l.Sync)
	if is {
		l.Restored = &mark.At
	}
	return err
}
