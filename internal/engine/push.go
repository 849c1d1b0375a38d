package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/sync/errgroup"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// freshFor is how old the mirror's row of a target may be when it is overwritten; an older
// one is read again right before, and so is one of an object whose index lags (R3): what a
// listing has just shown of it may be what a person has replaced since (R4).
const freshFor = 30 * time.Second

// writeFor is how long a batch under way may take to be finished after the run was told to
// stop: what has been sent is settled rather than left unknown (invariant 11).
const writeFor = 90 * time.Second

// order is the order in which verbs are sent: what adds before what takes away, and deletes
// only when all else is planned and sent (R30).
func order() []connector.Verb {
	return []connector.Verb{connector.Create, connector.Restore, connector.Update, verbMerge, connector.Archive, connector.Delete}
}

// pushAsItComes sends creates in full batches while planning goes on, and the rest when it is
// over. It takes them from memory, where planning has just left them: they stand in the
// outbox as sent from the beginning, so that a process that dies looks them up (R16).
func (r *run) pushAsItComes(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.e.workers)
	for {
		over := r.done.Load()
		for _, side := range record.Sides() {
			for ops := r.takeFresh(side, over); len(ops) > 0; ops = r.takeFresh(side, over) {
				g.Go(func() error { return r.send(gctx, side, ops) })
			}
		}
		if over {
			return g.Wait()
		}
		select {
		case <-gctx.Done():
			return joinWait(g, gctx.Err())
		case <-r.queued:
		}
	}
}

// batchOf is how many operations of a verb go into one call of an object's.
func batchOf(o record.Object, verb connector.Verb) int {
	if verb == connector.Create && o.CreateBatch > 0 {
		return o.CreateBatch
	}
	return max(1, o.Batch)
}

// takeFresh takes a full batch out of memory, or with flush whatever is there.
func (r *run) takeFresh(side record.Side, flush bool) []store.Op {
	size := batchOf(r.p.ends[side].object, connector.Create)
	r.mu.Lock()
	defer r.mu.Unlock()
	if flush {
		size = min(size, len(r.fresh[side]))
	}
	if size == 0 || len(r.fresh[side]) < size {
		return nil
	}
	ops := slices.Clone(r.fresh[side][:size])
	r.fresh[side] = slices.Delete(r.fresh[side], 0, size)
	notify(r.space)
	return ops
}

// giveBack lets go what planning has left in memory and nobody has sent, after an error.
func (r *run) giveBack(ctx context.Context) error {
	r.mu.Lock()
	left := slices.Concat(r.fresh[record.Left], r.fresh[record.Right])
	r.fresh = [2][]store.Op{}
	r.mu.Unlock()
	if len(left) == 0 {
		return nil
	}
	var settled []store.Settlement
	for _, op := range left {
		settled = append(settled, store.Settlement{Op: op.ID, State: store.OpReady})
	}
	if err := r.e.store.Settle(ctx, settled, store.Facts{Sync: r.p.Name}); err != nil {
		return fmt.Errorf("give back operations: %w", err)
	}
	return nil
}

// room waits until what planning has left in memory is no more than a few rounds of batches,
// so that a slow vendor does not make it grow.
func (r *run) room(ctx context.Context) error {
	for r.crowded() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.space:
		}
	}
	return nil
}

func (r *run) crowded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, side := range record.Sides() {
		if len(r.fresh[side]) > max(planBatch, r.e.workers*batchOf(r.p.ends[side].object, connector.Create)/2) {
			return true
		}
	}
	return false
}

// pushAll sends everything that may be sent, looks up what is unknown, and waits for what
// must wait, as far as that is a matter of minutes. It returns how many operations it
// brought forward.
func (r *run) pushAll(ctx context.Context) (int, error) {
	if err := r.mayWrite(ctx); err != nil {
		return 0, err
	}
	r.past = nil
	if _, err := r.e.store.Release(ctx, r.p.Name); err != nil {
		return 0, fmt.Errorf("release operations: %w", err)
	}
	return r.drain(ctx)
}

// drain is pushAll without what is held.
func (r *run) drain(ctx context.Context) (int, error) {
	if err := r.mayWrite(ctx); err != nil { // a revert comes here by itself
		return 0, err
	}
	total := 0
	for {
		n := 0
		for _, verb := range order() {
			sent, err := r.pushVerb(ctx, verb)
			if err != nil {
				return total, err
			}
			n += sent
		}
		found, err := r.lookUp(ctx)
		if err != nil {
			return total, err
		}
		told, err := r.askOutcomes(ctx)
		if err != nil {
			return total, err
		}
		total += n + found + told
		if n+found+told > 0 {
			continue
		}
		again, err := r.await(ctx)
		if err != nil || !again {
			return total, err
		}
	}
}

// await sleeps until the next operation is due. It reports false if there is none, or if
// only waits beyond patience remain.
func (r *run) await(ctx context.Context) (bool, error) {
	ops, err := r.e.store.Ops(ctx, r.p.Name, store.OpReady, store.OpUnknown, store.OpPending)
	if err != nil {
		return false, fmt.Errorf("load outbox: %w", err)
	}
	ops = r.leaveToVisits(ops)
	r.waiting, r.pending = len(ops), countPending(ops)
	if len(ops) == 0 {
		return false, nil
	}
	next := r.due(ops[0])
	for _, op := range ops[1:] {
		if due := r.due(op); due.Before(next) {
			next = due
		}
	}
	r.wait = next
	left := time.Until(next)
	if left > patience {
		return false, nil
	}
	r.progress(Progress{Act: ActWait, Until: next, Total: len(ops)})
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(left):
		return true, nil
	}
}

// pushVerb sends the ready operations of one verb, to one side after the other: both may be
// about one pair, and each stores what has been agreed of all its fields (R1).
func (r *run) pushVerb(ctx context.Context, verb connector.Verb) (int, error) {
	total := 0
	for _, side := range record.Sides() {
		if r.p.ends[side].hosted() {
			continue // its vendor fetches them
		}
		n, err := r.pushSide(ctx, side, verb)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// pushSide sends the ready operations of one verb to one side in the vendor's largest batches,
// several at a time.
func (r *run) pushSide(ctx context.Context, side record.Side, verb connector.Verb) (int, error) {
	total := 0
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.e.workers)
	size := batchOf(r.p.ends[side].object, verb)
	for gctx.Err() == nil {
		ops, err := r.e.store.ClaimOf(gctx, r.p.Name, r.p.ends[side].of, verb, size, time.Now())
		if err != nil {
			return total, joinWait(g, fmt.Errorf("claim operations: %w", err))
		}
		if len(ops) == 0 {
			break
		}
		total += len(ops)
		if r.e.workers > 1 {
			g.Go(func() error { return r.send(gctx, side, ops) })
			continue
		}
		if err := r.send(ctx, side, ops); err != nil { // one thing after the other (invariant 12)
			return total, err
		}
	}
	return total, g.Wait()
}

// joinWait waits for what is under way before an error is returned.
func joinWait(g *errgroup.Group, err error) error {
	if werr := g.Wait(); werr != nil {
		return werr
	}
	return err
}

// send carries out one batch: operations decided from rows that have moved since go back to
// planning (R27), the rest is written and settled.
func (r *run) send(ctx context.Context, side record.Side, ops []store.Op) (err error) {
	ctx, span := r.e.span(ctx, "write batch", attribute.String("tandem.object", r.p.ends[side].of.String()),
		attribute.String("tandem.verb", string(ops[0].Verb)), attribute.Int("tandem.operations", len(ops)))
	defer func() { ended(span, err) }()
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeFor)
	defer cancel()
	work = metered(work, r.calls[side])
	s, err := r.newSettling(work, side, ops)
	if err != nil {
		return err
	}
	if err := s.fresh(work); err != nil {
		return err
	}
	if len(s.ops) > 0 {
		s.write(work)
	}
	if err := s.finish(context.WithoutCancel(ctx)); err != nil { // answers are kept, however long they took
		return err
	}
	r.progress(Progress{Act: ActWrite, Of: r.p.ends[side].of.String(), Done: r.writes(side)})
	return s.stop
}

func (r *run) writes(side record.Side) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.rec.Sides[side]
	return c.Created + c.Updated + c.Deleted
}
