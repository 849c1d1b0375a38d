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

// A settling turns the answers to one batch into facts.
type settling struct {
	r     *run
	side  record.Side // the side that is written
	end   end
	ops   []store.Op
	rows  [2]map[string]store.Row // without their fields
	links map[int64]store.Link

	owners map[string]store.Row // the copies of members (R26)
	likely map[int64]*alikeness // what resembles the outcome of a create; see alike

	settled []store.Settlement
	facts   store.Facts
	pages   []connector.Change          // answers for the mirror
	at      time.Time                   // when the write was answered
	late    bool                        // the answers are looked up: people may have edited since the write (R2)
	own     []string                    // records whose row is as our write left it
	waited  bool                        // the vendor tells the outcome some time after the write (R36)
	ended   map[string]connector.Change // what was read back and is not there any more, by id
	stop    error                       // ends the run: the whole object or connection is affected
}

func (r *run) newSettling(ctx context.Context, side record.Side, ops []store.Op) (*settling, error) {
	s := &settling{r: r, side: side, end: r.p.ends[side], ops: ops, facts: store.Facts{Sync: r.p.Name}}
	var links []int64
	for _, op := range ops {
		if op.Link != 0 {
			links = append(links, op.Link)
		}
		for _, f := range op.Fields {
			if f.Link != 0 {
				links = append(links, f.Link)
			}
		}
	}
	var err error
	if s.links, err = r.e.store.LinksByID(ctx, links); err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	if err := s.loadOwners(ctx); err != nil {
		return nil, err
	}
	return s, s.loadRows(ctx)
}

func (s *settling) loadRows(ctx context.Context) error {
	var targets, sources []string
	for _, op := range s.ops {
		sources = append(sources, op.SourceID)
		if op.TargetID != "" {
			targets = append(targets, op.TargetID)
		}
	}
	other := s.side.Other()
	var err error
	if s.rows[s.side], err = s.r.e.store.Heads(ctx, s.end.of, targets); err != nil {
		return fmt.Errorf("load targets: %w", err)
	}
	if s.rows[other], err = s.r.e.store.Heads(ctx, s.r.p.ends[other].of, sources); err != nil {
		return fmt.Errorf("load sources: %w", err)
	}
	return nil
}

// fresh reads old targets again, and those of merges, of which no vendor takes a condition, in any
// case, as those that a lagging index has shown (R4), and sends back to planning whatever was decided from another state than the present
// one (R27).
func (s *settling) fresh(ctx context.Context) error {
	var old []string
	for _, op := range s.ops {
		row, ok := s.rows[s.side][op.TargetID]
		if ok && op.Verb != connector.Create && (op.Verb == verbMerge || s.end.object.ReadLag > 0 || time.Since(row.ReadAt) > freshFor) {
			old = append(old, op.TargetID)
		}
	}
	if (len(old) > 0 || slices.ContainsFunc(s.ops, s.takesChildren)) && s.end.conn.able.Reader != nil {
		rd := reading{end: s.end, fields: s.r.p.wire[s.side], keys: s.r.keysOf(s.side)}
		err := s.readKin(ctx)
		if err == nil {
			err = s.r.readByID(ctx, &rd, old)
		}
		if err != nil {
			for _, op := range s.ops {
				s.failed(ctx, op, err)
			}
			s.ops = nil
			return nil
		}
		if err := s.loadRows(ctx); err != nil {
			return err
		}
	}
	paired, err := s.paired(ctx)
	if err != nil {
		return err
	}
	kept := s.ops[:0]
	for _, op := range s.ops {
		still, err := s.freshChildren(ctx, op)
		if err != nil {
			s.failed(ctx, op, err)
			continue
		}
		still = still && !paired[op.ID]
		if s.moved(op) || !still {
			s.superseded(op)
			continue
		}
		kept = append(kept, op)
	}
	if s.stop != nil { // nothing of what came with it is written either
		for _, op := range kept {
			s.later(op, store.OpReady, time.Now(), s.stop)
		}
		kept = nil
	}
	s.ops = kept
	return nil
}

// source returns the fields of the record that an operation comes from; none if they cannot
// be had now.
func (s *settling) source(ctx context.Context, op store.Op) record.Fields {
	rows, err := s.r.e.store.Rows(ctx, s.r.p.ends[s.side.Other()].of, []string{op.SourceID})
	if err != nil {
		return nil // it is wanted for a name in a sentence, or for a key that then is none
	}
	return rows[op.SourceID].Fields
}

func (s *settling) moved(op store.Op) bool {
	other := s.side.Other()
	return op.Seen[other] != 0 && s.rows[other][op.SourceID].Seq != op.Seen[other] ||
		op.TargetID != "" && s.rows[s.side][op.TargetID].Seq != op.Seen[s.side]
}

// superseded takes an operation out of the outbox unsent and has its record planned anew.
func (s *settling) superseded(op store.Op) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	s.again(op)
}

func (s *settling) again(op store.Op) {
	if anew(op) {
		return // it comes from no record
	}
	if correctsAlone(op) {
		s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: s.side, ID: op.TargetID})
		return
	}
	s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: s.side.Other(), ID: op.SourceID})
}

// write sends the batch and settles what came of each operation.
func (s *settling) write(ctx context.Context) {
	if s.ops[0].Verb == verbMerge {
		s.fold(ctx)
		return
	}
	ops := wireOps(s.ops)
	results, err := s.send(ctx, ops)
	s.at = time.Now().Truncate(time.Microsecond)
	if err == nil && len(results) != len(ops) {
		err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeObject,
			Err: fmt.Errorf("%s answered %d of %d operations", s.end.conn.spec.Title, len(results), len(ops))}
	}
	if err != nil {
		for _, op := range s.ops {
			s.failed(ctx, op, err)
		}
		return
	}
	s.results(ctx, results)
}

// wireOps are operations as a connector is given them.
func wireOps(ops []store.Op) []connector.Op {
	out := make([]connector.Op, len(ops))
	for i, op := range ops {
		out[i] = connector.Op{Key: op.Key, Verb: op.Verb, Ref: record.Ref{Object: op.Target.Name, ID: op.TargetID},
			IfVersion: op.IfVersion, Set: op.Set, Was: op.Was}
	}
	return out
}

// send hands operations to the vendor, if the connection writes at all (C2).
func (s *settling) send(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	if w := s.end.conn.able.Writer; w != nil {
		return w.Write(ctx, ops)
	}
	return nil, &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject,
		Err: fmt.Errorf("%s takes no writes", s.end.conn.spec.Title)}
}

// setByUs are the fields that the batch has written, by record.
func (s *settling) setByUs() map[string][]string {
	out := make(map[string][]string, len(s.ops))
	for _, op := range s.ops {
		if op.TargetID != "" {
			out[op.TargetID] = op.Set.Names()
		}
	}
	return out
}

// finish stores what the batch came to, all in one transaction (invariant 3).
func (s *settling) finish(ctx context.Context) error {
	if len(s.pages) > 0 {
		s.facts.Rows = append(s.facts.Rows, store.Page{Of: s.end.of, Changes: s.pages, Keys: s.r.keysOf(s.side), Began: s.at, Own: true, OwnOf: s.r.p.Name, Wrote: s.setByUs()})
	}
	s.r.note(s.facts)
	s.r.remember(s.side, s.own, s.at)
	if err := s.r.commits.settle(ctx, s.r.e.store, s.settled, s.facts); err != nil {
		return fmt.Errorf("settle operations: %w", err)
	}
	return nil
}
