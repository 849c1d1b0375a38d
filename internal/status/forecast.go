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
	each := max(now.Sub(first), paceLeast) / time.Duration(written)
	gone := now.Add(each * time.Duration(l.Outbox)).Truncate(time.Minute)
	l.Forecast = &gone
	return nil
}
