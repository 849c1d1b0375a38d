package status

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// How far back the pace of a sync is measured, and at least over how long: what a burst has
// written in its first minute is not what the vendor lets through.
const (
	paceRuns  = 100
	paceFor   = 24 * time.Hour
	paceLeast = time.Hour
)

// fewWait is up to how many operations are looked at one by one: the pace says enough of more.
const fewWait = 1000

// addForecast says when what waits in the outbox will be gone at the pace so far; nothing, if
// nothing has been written lately.
func (l *Sync) addForecast(ctx context.Context, s *store.Store, now time.Time) error {
	if l.Outbox == 0 {
		return nil
	}
	runs, err := s.FullRuns(ctx, l.Sync, paceRuns)
	if err != nil {
		return fmt.Errorf("load runs: %w", err)
	}
	written, first := 0, now
	for _, r := range runs {
		if now.Sub(r.Started) > paceFor {
			break
		}
		first = r.Started
		for _, c := range r.Sides {
			written += c.Created + c.Updated + c.Deleted
		}
	}
	if written == 0 {
		return nil
	}
	var ops []store.Op
	if l.Outbox <= fewWait {
		if ops, err = s.Ops(ctx, l.Sync); err != nil {
			return err
		}
	}
	gone := goneBy(now, max(now.Sub(first), paceLeast)/time.Duration(written), l.Outbox, ops)
	l.Forecast = &gone
	return nil
}

// goneBy is when so many operations are written at that pace: not before those of ops that wait for a
// time, such as that of a vendor's budget.
func goneBy(now time.Time, each time.Duration, waiting int, ops []store.Op) time.Time {
	gone := now.Add(each * time.Duration(waiting))
	for _, op := range ops {
		if op.NotBefore.After(gone) {
			gone = op.NotBefore
		}
	}
	return gone.Truncate(time.Minute)
}
