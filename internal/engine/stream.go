package engine

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/record"
)

// mayStream reports whether creates may go on being sent as they are planned: into a side that
// is nearly empty. Two sides in use are looked at together first; they may be strangers.
func (r *run) mayStream(ctx context.Context) (bool, error) {
	for _, side := range record.Sides() {
		if !r.listed[side].Load() {
			continue
		}
		if r.nearlyEmpty {
			return true, nil
		}
		tally, err := r.e.store.Tally(ctx, r.p.Name)
		if err != nil {
			return false, fmt.Errorf("count what there is: %w", err)
		}
		r.nearlyEmpty = tally.Rows[side] < leastFull
		r.streaming = r.nearlyEmpty
		return r.nearlyEmpty, nil
	}
	return true, nil // nothing can be planned yet
}

func waitFor(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return nil
	}
}
