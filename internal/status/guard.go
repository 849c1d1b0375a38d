package status

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// A Guard is what a sync's own last month says about its guards.
type Guard struct {
	Days    int            `json:"days"`
	Most    map[string]int `json:"most"`    // in one day
	Suggest map[string]int `json:"suggest"` // records; would have stopped nothing in those days
}

// SuggestGuard looks at a sync's last 30 days. It suggests what is tighter than the guard
// of today, once there is a week to judge by; nil = nothing.
func SuggestGuard(ctx context.Context, s *store.Store, sync plan.Sync, linked int, until time.Time) (*Guard, error) {
	const month, week = 30, 7
	complete, err := s.Completed(ctx, sync.Name)
	if err != nil {
		return nil, fmt.Errorf("load runs: %w", err)
	}
	since := until.AddDate(0, 0, -month)
	if complete[0].After(since) {
		since = complete[0].Add(time.Microsecond)
	}
	days := int(until.Sub(since).Hours() / 24)
	if complete[0].IsZero() || days < week {
		return nil, nil
	}
	peaks, err := s.Peaks(ctx, sync.Name, since)
	if err != nil {
		return nil, fmt.Errorf("look at the last month: %w", err)
	}
	g := &Guard{Days: days, Most: map[string]int{}, Suggest: map[string]int{}}
	for _, one := range []struct {
		name  string
		most  int
		today plan.Amount
	}{{"create", peaks.Created, sync.Guard.Create}, {"delete", peaks.Deleted, sync.Guard.Delete}, {"update", peaks.Updated, sync.Guard.Update}} {
		g.Most[one.name] = one.most
		// A rolling day holds no more than two days of the calendar.
		if n := roundUp(2 * one.most); n < one.today.Limit(linked) {
			g.Suggest[one.name] = n
		}
	}
	if len(g.Suggest) == 0 {
		return nil, nil
	}
	return g, nil
}

// roundUp returns a number that people would write, at least 10.
func roundUp(n int) int {
	for unit := 10; ; unit *= 10 {
		for _, step := range []int{1, 2, 5} {
			if n <= step*unit {
				return step * unit
			}
		}
	}
}
