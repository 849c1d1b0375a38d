package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// What is old is removed in small portions after the syncs have run, so that nobody waits for
// it; what is left over goes after the next ones.
const (
	pruneRows   = 500
	pruneRounds = 20
)

func (e *Engine) prune(ctx context.Context) error {
	now := time.Now()
	ago := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	k := e.plan.Retention
	keep := store.Ages{Journal: ago(k.Journal), Runs: ago(k.Runs), Reviews: ago(k.Reviews)}
	if keep == (store.Ages{}) {
		return nil
	}
	for range pruneRounds {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop: the next time does it
		}
		n, err := e.store.Prune(ctx, keep, pruneRows)
		if err != nil {
			return fmt.Errorf("keep what is recent: %w", err)
		}
		if n == 0 {
			return nil
		}
	}
	return nil
}
