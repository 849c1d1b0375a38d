package engine

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// takeUpDecisions has the pairs planned again that wait for a question about all first
// matches which a person has answered since (R5).
func (r *run) takeUpDecisions(ctx context.Context) error {
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil || tally.Diverged == 0 {
		return err
	}
	decided := map[string]bool{}
	for _, f := range r.p.Mapping.Fields() {
		item, err := r.decision(ctx, firstSubject(f.Key))
		if err != nil {
			return err
		}
		if item.Decision != "" {
			decided[f.Key] = true
		}
	}
	if len(decided) == 0 {
		return nil
	}
	var after int64
	for {
		links, err := r.e.store.Links(ctx, r.p.Name, after, planBatch)
		if err != nil || len(links) == 0 {
			return err
		}
		after = links[len(links)-1].ID
		if err := r.replanDecided(ctx, links, decided); err != nil {
			return err
		}
	}
}

func (r *run) replanDecided(ctx context.Context, links []store.Link, decided map[string]bool) error {
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	var f store.Facts
	for _, l := range links {
		for key, why := range l.Diverged {
			if decided[key] && why == waitsForDecision {
				f.Dirty = append(f.Dirty, store.Spot{Side: record.Left, ID: l.IDs[record.Left]})
				break
			}
		}
	}
	if len(f.Dirty) == 0 {
		return nil
	}
	if err := r.e.store.Decide(ctx, r.p.Name, marks, f); err != nil {
		return fmt.Errorf("take up decisions: %w", err)
	}
	return nil
}
