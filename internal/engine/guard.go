package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// guardDay is the time over which a guard counts besides the run (R30).
const guardDay = 24 * time.Hour

// guard judges what has been planned and not been sent. If it blows, nothing of it is sent,
// a review item says what was about to happen, and why is returned. Counts are over the run
// and a rolling day, in records; the first complete run is not guarded on creates and
// updates (R30).
func (r *run) guard(ctx context.Context) (why string, err error) {
	held, err := r.e.store.Ops(ctx, r.p.Name, store.OpHeld)
	if err != nil {
		return "", fmt.Errorf("load planned operations: %w", err)
	}
	if len(held) == 0 {
		return "", nil
	}
	return r.judge(ctx, held)
}

func (r *run) judge(ctx context.Context, held []store.Op) (string, error) {
	since := time.Now().Add(-guardDay)
	if first := r.complete[0]; first.After(since) {
		since = first.Add(time.Microsecond) // what an unguarded first run did counts against nobody
	}
	linked, err := r.linkedAtStart(ctx)
	if err != nil {
		return "", err
	}
	var blown []string
	for _, side := range record.Sides() {
		spent, err := r.e.store.Spent(ctx, r.p.Name, side, since)
		if err != nil {
			return "", fmt.Errorf("count what was done: %w", err)
		}
		blown = append(blown, r.overdrawn(side, r.countOps(held, side, spent), linked)...)
	}
	if len(blown) == 0 {
		return "", nil
	}
	return r.blow(ctx, strings.Join(blown, "; "))
}

// linkedAtStart is what percents are of: the pairs linked when the run began.
func (r *run) linkedAtStart(ctx context.Context) (int, error) {
	if r.linked < 0 {
		tally, err := r.e.store.Tally(ctx, r.p.Name)
		if err != nil {
			return 0, fmt.Errorf("count links: %w", err)
		}
		r.linked = tally.Linked
	}
	return r.linked, nil
}

// countOps adds what is planned for one side to what was done there.
func (r *run) countOps(held []store.Op, side record.Side, spent store.Spent) store.Spent {
	total := store.Spent{Created: spent.Created, Deleted: spent.Deleted, Updated: maps.Clone(spent.Updated)}
	if total.Updated == nil {
		total.Updated = map[string]int{}
	}
	for _, op := range held {
		if op.Side != side {
			continue
		}
		switch op.Verb {
		case connector.Create:
			total.Created++
		case connector.Delete, connector.Archive, verbMerge:
			if len(op.Fields) == 0 || !byApproval(op.Fields[0]) {
				total.Deleted += 1 + len(childrenOf(op)) // R23: what goes with it counts too
			}
		case connector.Update, connector.Restore:
			for i, f := range op.Fields { // R26: of several members' parts of one field the record changes once
				same := func(g store.OpField) bool { return g.Wire == f.Wire && !byApproval(g) }
				if !byApproval(f) && !slices.ContainsFunc(op.Fields[:i], same) {
					total.Updated[f.Wire]++
				}
			}
		}
	}
	return total
}

// overdrawn says in plain words which limits the counts are beyond.
func (r *run) overdrawn(side record.Side, total store.Spent, linked int) []string {
	var out []string
	g, of := r.p.Guard, r.p.ends[side].of
	tell := func(what string, n int, limit plan.Amount) {
		if n > limit.Limit(linked) {
			out = append(out, fmt.Sprintf("%d records of %s would be %s within a day, and the guard allows %d", n, of, what, limit.Limit(linked)))
		}
	}
	tell("deleted", total.Deleted, g.Delete)
	if r.first {
		return out
	}
	tell("created", total.Created, g.Create)
	for _, field := range slices.Sorted(maps.Keys(total.Updated)) {
		tell("changed in "+field, total.Updated[field], g.Update)
	}
	return out
}

// guardSubject is the subject of the one review item that a sync's guard opens.
const guardSubject = "guard"

// blow opens the review item of a blown guard, unless a person has already approved of what
// it saw: an approval is good for one run that gets through, and for a day.
func (r *run) blow(ctx context.Context, why string) (string, error) {
	item, err := r.decision(ctx, guardSubject)
	if err != nil {
		return "", err
	}
	if item.Decision == "approve" && time.Since(item.Decided) < guardDay && !item.Decided.Before(r.complete[1]) {
		return "", nil
	}
	if r.dry != nil {
		return why, nil
	}
	f := store.Facts{Reviews: []store.Review{{ID: r.e.store.NewID(), Sync: r.p.Name, Kind: store.ReviewGuard, Subject: guardSubject, Opened: time.Now(),
		Text: "stopped before anything was written: " + why, Fix: "look at tandem plan " + r.p.Name + "; if this is meant, approve it, and the next run goes through",
		Choices: []string{"approve", "dismiss"}}}}
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, f); err != nil {
		return "", errors.Join(errors.New(why), fmt.Errorf("open review: %w", err))
	}
	return why, nil
}
