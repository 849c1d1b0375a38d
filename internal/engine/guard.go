package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// guardDay is the time over which a guard counts besides the run (R30).
const guardDay = 24 * time.Hour

// guard judges what has been planned and not been sent. If a guard or a detector blows, nothing
// of it is sent, a review item says what was about to happen, and why is returned. Counts are
// over the run and a rolling day, in records; the first complete run is not guarded on creates
// and updates (R30).
func (r *run) guard(ctx context.Context) (why string, err error) {
	if r.first {
		return r.guardFirst(ctx)
	}
	held, err := r.e.store.Ops(ctx, r.p.Name, store.OpHeld)
	if err != nil {
		return "", fmt.Errorf("load planned operations: %w", err)
	}
	if len(held) == 0 {
		return "", r.unblow(ctx)
	}
	return r.judge(ctx, held)
}

// guardFirst is guard for a first run, which may be about to create a million records: they are
// counted and not loaded.
func (r *run) guardFirst(ctx context.Context) (string, error) {
	held, err := r.e.store.HeldBesides(ctx, r.p.Name, connector.Create)
	if err != nil {
		return "", fmt.Errorf("load planned operations: %w", err)
	}
	if r.made, r.makers, err = r.e.store.HeldCreates(ctx, r.p.Name, maxAffected); err != nil {
		return "", err
	}
	if len(held) == 0 && r.made == [2]int{} {
		return "", r.unblow(ctx)
	}
	return r.judge(ctx, held)
}

func (r *run) judge(ctx context.Context, held []store.Op) (string, error) {
	if _, err := r.linkedAtStart(ctx); err != nil {
		return "", err
	}
	d, err := r.today(ctx)
	if err != nil {
		return "", err
	}
	if r.first {
		if err := r.countPairs(ctx, len(held)+r.made[0]+r.made[1]); err != nil {
			return "", err
		}
	}
	alarms := r.alarms(held, d)
	if len(alarms) == 0 {
		return "", r.unblow(ctx)
	}
	return r.blow(ctx, alarms)
}

// countPairs counts what a first run has found on both sides. As long as the outcome of a
// write is not known, an earlier try may have made what has no partner yet.
func (r *run) countPairs(ctx context.Context, held int) error {
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("count pairs: %w", err)
	}
	r.rows, r.paired = tally.Rows, tally.Linked
	if r.dry != nil {
		r.paired += len(r.dry.taken) / 2
		held = 0
	}
	if tally.Outbox > held {
		r.rows = [2]int{}
	}
	return nil
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
func (r *run) overdrawn(side record.Side, total store.Spent, from map[string][]string, linked int) []Alarm {
	var out []Alarm
	g, of := r.p.Guard, r.p.ends[side].of
	tell := func(detector, field, what string, n int, limit plan.Amount) {
		if n > limit.Limit(linked) {
			out = append(out, r.alarm(detector, side, field, from[detector+field], n,
				fmt.Sprintf("%d records of %s would be %s within a day, and the guard allows %d", n, of, what, limit.Limit(linked))))
		}
	}
	tell(alarmDelete, "", "deleted", total.Deleted, g.Delete)
	if r.first {
		return out
	}
	tell(alarmCreate, "", "created", total.Created, g.Create)
	for _, field := range slices.Sorted(maps.Keys(total.Updated)) {
		tell(alarmUpdate, field, "changed in "+field, total.Updated[field], g.Update)
	}
	return out
}

// guardSubject is the subject of the one review item that a sync's guard opens.
const guardSubject = "guard"

// What a person can say about what a guard stopped.
const (
	sayMeant    = "approve"
	sayTakeBack = "revert"
)

// inForce reports whether a person's word about what the guard stopped counts for this run: it
// is good for one run that gets through, and for a day.
func (r *run) inForce(item store.Review) bool {
	return time.Since(item.Decided) < guardDay && !item.Decided.Before(r.complete[1])
}

// blow opens the review item of a blown guard, unless a person has already approved of what
// it saw.
func (r *run) blow(ctx context.Context, alarms []Alarm) (string, error) {
	item, err := r.decision(ctx, guardSubject)
	if err != nil {
		return "", err
	}
	if item.Decision == sayMeant && r.inForce(item) && meant(alarms, item) {
		return "", nil
	}
	why := tell(alarms)
	if r.dry != nil {
		return why, nil
	}
	f := store.Facts{Reviews: []store.Review{r.question(alarms, why)}}
	r.asking.Store(true)
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, f); err != nil {
		return "", errors.Join(errors.New(why), fmt.Errorf("open review: %w", err))
	}
	return why, nil
}

// putBack says where a person can have put back what was there: in one system or in both.
func putBack(sides []string) string {
	if len(sides) == 1 {
		return "revert has the next run put back what was there in " + sides[0]
	}
	return "revert has the next run put back what was there in both, " + sides[0] + " and " + sides[1]
}

func (r *run) question(alarms []Alarm, why string) store.Review {
	q := store.Review{ID: r.e.store.NewID(), Sync: r.p.Name, Kind: store.ReviewGuard, Subject: guardSubject, Opened: time.Now(),
		Text: "stopped before anything was written: " + why, Candidates: r.affected(alarms), Choices: []string{sayMeant, "dismiss"},
		Fix: "look at tandem plan " + r.p.Name + "; if this is meant, approve it, and the next run goes through"}
	q.Values[0] = encodeAlarms(alarms)
	if sides := r.backTo(alarms); len(sides) > 0 {
		q.Choices = []string{sayMeant, sayTakeBack, "dismiss"}
		q.Fix += "; if not, " + putBack(sides) + ": tandem plan shows that too, once decided"
		if r.ofConsent(alarms) {
			q.Fix += "; a no to mail is not put back, and asked about once more" // R32
		}
	}
	return q
}

// unblow withdraws the question of a guard that has nothing to say any more.
func (r *run) unblow(ctx context.Context) error {
	if r.dry != nil || !r.asking.Load() {
		return nil
	}
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, store.Facts{Close: []string{guardSubject}}); err != nil {
		return fmt.Errorf("withdraw the question of the guard: %w", err)
	}
	return nil
}
