package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// usable returns why one of the sides cannot be used.
func (r *run) usable() error {
	for _, end := range r.p.ends {
		if err := end.conn.usable(); err != nil {
			return err
		}
	}
	if r.p.Mapping == nil {
		return fmt.Errorf("sync %s: the fields of %s or %s are not known", r.p.Name, r.p.ends[0].of, r.p.ends[1].of)
	}
	return nil
}

// prepare takes up where the last run of the sync ended.
func (r *run) prepare(ctx context.Context) error {
	if err := r.takeUpRestore(ctx); err != nil {
		return err
	}
	var err error
	if r.graves, err = r.e.store.Graves(ctx); err != nil {
		return err
	}
	// What was planned and not let through, and what the rules, decisions and other records
	// have changed since, is planned anew: by a rehearsal too, or it would not show it.
	if _, err := r.e.store.Unplan(ctx, r.p.Name); err != nil {
		return fmt.Errorf("take back what was planned: %w", err)
	}
	for _, side := range record.Sides() {
		if err := r.e.store.Reindex(ctx, r.p.ends[side].of, r.e.indexPrint(r.p.ends[side]), r.keysOf(side)); err != nil {
			return fmt.Errorf("index %s: %w", r.p.ends[side].of, err)
		}
	}
	if _, err := r.e.store.Replan(ctx, r.p.Name, r.p.print()); err != nil {
		return fmt.Errorf("compare the rules: %w", err)
	}
	if err := r.takeUpDecisions(ctx); err != nil {
		return err
	}
	if r.complete, err = r.e.store.Completed(ctx, r.p.Name); err != nil {
		return fmt.Errorf("load runs: %w", err)
	}
	r.first = r.complete[0].IsZero()
	if err := r.takeUpUndo(ctx); err != nil {
		return err
	}
	if err := r.knownLists(ctx); err != nil {
		return err
	}
	if err := r.readAside(ctx); err != nil {
		return err
	}
	if err := r.takeUpParents(ctx); err != nil {
		return err
	}
	if err := r.retryHeld(ctx); err != nil {
		return err
	}
	if err := r.takeUpUnsure(ctx); err != nil {
		return err
	}
	if err := r.takeUpEdits(ctx); err != nil {
		return err
	}
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("count what there is: %w", err)
	}
	r.asking.Store(tally.Review > 0)
	r.standing.Store(len(tally.Standing) > 0)
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	r.marks = marks
	if err := r.loadDoubt(ctx); err != nil {
		return err
	}
	return r.takeUpFormer(ctx)
}

// readAndPlan reads both sides side by side. A side's records are planned as they come
// once the other one is known to the end (R15), and on a first run their creates are sent
// at once, since no guard has to see them all first (R30).
func (r *run) readAndPlan(ctx context.Context) error {
	if r.restored != nil { // R34: both sides have just been read, and nothing is planned before
		r.finishPlanning()
		return nil
	}
	if r.e.workers == 1 {
		for _, side := range record.Sides() {
			if err := r.pull(ctx, side); err != nil {
				return err
			}
		}
		r.done.Store(true)
		return nil
	}
	streams := r.first && r.dry == nil
	r.streaming = streams // until planning, which runs beside this, has seen both sides
	outer := ctx
	g, ctx := errgroup.WithContext(ctx)
	var pulls sync.WaitGroup
	for _, side := range record.Sides() {
		pulls.Add(1)
		g.Go(func() error {
			defer pulls.Done()
			return r.pull(ctx, side)
		})
	}
	pulled := make(chan struct{})
	go func() { pulls.Wait(); close(pulled) }()
	g.Go(func() error {
		defer r.finishPlanning()
		return r.planAsItComes(ctx, pulled)
	})
	if streams {
		g.Go(func() error { return r.pushAsItComes(ctx) })
	}
	err := g.Wait()
	r.streaming = false
	return errors.Join(err, r.giveBack(context.WithoutCancel(outer)))
}

func (r *run) finishPlanning() {
	r.done.Store(true)
	notify(r.queued)
}

func (r *run) planAsItComes(ctx context.Context, pulled <-chan struct{}) error {
	if !r.streaming { // R24: what is gone, or new, is understood when all that was read is known
		return waitFor(ctx, pulled)
	}
	for {
		over := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pulled:
			over = true
		case <-r.news:
		}
		if again, err := r.mayStream(ctx); err != nil || !again {
			return errors.Join(err, waitFor(ctx, pulled))
		}
		for {
			if err := r.room(ctx); err != nil {
				return err
			}
			n, err := r.planChanged(ctx)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
		if over {
			return nil
		}
	}
}

func (r *run) wake() { notify(r.news) }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// remember notes that a record's row is as our own write left it. Beyond a bound nothing is
// remembered: such rows are merely looked at once more.
func (r *run) remember(side record.Side, ids []string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if len(r.settled[side]) < 1<<17 {
			r.settled[side][id] = at
		}
	}
}

// note remembers whether the run has left a trace in the journal.
func (r *run) note(f store.Facts) {
	if len(f.Journal) > 0 {
		r.noted.Store(true)
	}
}

// read counts what a page brought: what sweeps and refreshes read is told apart (R35).
func (r *run) read(side record.Side, rd *reading, n, total int) {
	r.mu.Lock()
	c := &r.rec.Sides[side]
	sum, act := &c.Read, ActRead
	switch rd.feed {
	case store.FeedSweep:
		sum, act = &c.Swept, ActSweep
	case store.FeedRefresh:
		sum, act = &c.Refreshed, ActRefresh
	}
	*sum += n
	done := *sum
	r.mu.Unlock()
	r.progress(Progress{Act: act, Of: rd.end.of.String(), Done: done, Total: total})
}
