package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Some vendors take a write and say only later what became of it (R36). Such an operation
// stays in the outbox, across restarts, with what to ask its vendor for. It is never sent
// again; the run asks as long as it has patience, and the next one goes on.

// How long a vendor is left alone before it is asked again: as long as it has taken so far,
// within these bounds.
const (
	pendingLeast = 2 * time.Second
	pendingMost  = 10 * time.Minute
)

// pend leaves an operation with the vendor.
func (s *settling) pend(op store.Op, token string) {
	asked := min(max(s.at.Sub(op.SentAt), pendingLeast), pendingMost)
	s.settled = append(s.settled, store.Settlement{Op: op.ID, State: store.OpPending, NotBefore: s.at.Add(asked), Pending: token})
}

// due is when an operation may be touched again: one of unknown outcome not before the
// vendor has settled (R16).
func (r *run) due(op store.Op) time.Time {
	if op.State != store.OpUnknown {
		return op.NotBefore
	}
	if settled := op.SentAt.Add(r.p.ends[op.Side].object.Settle); settled.After(op.NotBefore) {
		return settled
	}
	return op.NotBefore
}

func countPending(ops []store.Op) int {
	n := 0
	for _, op := range ops {
		if op.State == store.OpPending {
			n++
		}
	}
	return n
}

// askOutcomes asks what became of the pending operations whose time has come. It returns
// how many are pending no longer.
func (r *run) askOutcomes(ctx context.Context) (int, error) {
	ops, err := r.e.store.Ops(ctx, r.p.Name, store.OpPending)
	if err != nil {
		return 0, fmt.Errorf("load pending operations: %w", err)
	}
	told := 0
	for _, side := range record.Sides() {
		var due []store.Op
		for _, op := range ops {
			if op.Side == side && !op.NotBefore.After(time.Now()) {
				due = append(due, op)
			}
		}
		if r.p.ends[side].hosted() {
			n, err := r.settleTold(ctx, side, due)
			told += n
			if err != nil {
				return told, err
			}
			continue
		}
		o := r.p.ends[side].object
		for chunk := range slices.Chunk(due, max(1, cmp.Or(o.OutcomeBatch, o.ReadBatch))) {
			n, err := r.askBatch(metered(ctx, r.calls[side]), side, chunk)
			told += n
			if err != nil {
				return told, err
			}
		}
	}
	return told, nil
}

func (r *run) askBatch(ctx context.Context, side record.Side, ops []store.Op) (int, error) {
	s, err := r.newSettling(ctx, side, ops)
	if err != nil {
		return 0, err
	}
	s.waited = true
	s.outcomes(ctx)
	if err := s.finish(ctx); err != nil {
		return 0, err
	}
	told := 0
	for _, x := range s.settled {
		if x.State != store.OpPending {
			told++
		}
	}
	return told, s.stop
}

var errNoOutcome = errors.New("the vendor's answer to it cannot be asked for")

// outcomes settles what the vendor has decided by now.
func (s *settling) outcomes(ctx context.Context) {
	s.at = time.Now().Truncate(time.Microsecond)
	settler := s.end.conn.able.Settler
	if settler == nil { // whoever took it can no longer be asked: it is looked up like any other
		for _, op := range s.ops {
			s.later(op, store.OpUnknown, s.at, errNoOutcome)
		}
		return
	}
	tokens := make([]string, len(s.ops))
	for i, op := range s.ops {
		tokens[i] = op.Pending
	}
	results, err := settler.Outcome(ctx, s.end.of.Name, tokens)
	if err == nil && len(results) != len(tokens) {
		err = fmt.Errorf("%s answered %d of %d questions", s.end.conn.spec.Title, len(results), len(tokens))
	}
	if !slices.ContainsFunc(results, func(res connector.Result) bool { return res.Fresh }) {
		s.at = time.Now().Truncate(time.Microsecond) // else what was read is no younger than the question (R3)
	}
	if err != nil {
		s.askLater(ctx, err)
		return
	}
	for i := range results {
		results[i] = s.outcome(s.ops[i], results[i])
	}
	if err := s.dropParted(ctx, &results); err != nil {
		s.askLater(ctx, err)
		return
	}
	s.results(ctx, results)
}

// dropParted takes out of a batch the creates whose source, or what was made of it, has been
// given another partner while the vendor took its time: a live link is never moved (R16), and
// nothing is made twice (invariant 8).
func (s *settling) dropParted(ctx context.Context, results *[]connector.Result) error {
	hits := map[int64][]record.Record{}
	var made []store.Op
	for i, res := range *results {
		if op := s.ops[i]; op.Verb == connector.Create && !anew(op) && res.Err == nil && res.Pending == "" {
			hits[op.ID] = []record.Record{{Ref: res.Ref}}
			made = append(made, op)
		}
	}
	if len(made) == 0 {
		return nil
	}
	linked, err := s.dropLinked(ctx, made, hits)
	if err != nil {
		return err
	}
	var ops []store.Op
	var rest []connector.Result
	for i, op := range s.ops {
		switch {
		case !linked[op.ID]:
			ops, rest = append(ops, op), append(rest, (*results)[i])
		case len(hits[op.ID]) > 0:
			s.superseded(op) // its source has a partner: what was made stands by itself
		default:
			s.parted(op, (*results)[i].Ref.ID)
		}
	}
	s.ops, *results = ops, rest
	return nil
}

// parted asks about a create whose outcome is another record's partner.
func (s *settling) parted(op store.Op, made string) {
	s.r.doubts(op)
	s.ask(op, store.Review{Kind: store.ReviewUnknown, Choices: []string{retry, dismissed},
		Text: fmt.Sprintf("creating %s from %s/%s took a while, and %s, which it made, has another partner by now: it is not repeated",
			s.end.of, s.r.p.ends[s.side.Other()].of, op.SourceID, made),
		Fix: "look at " + s.end.conn.spec.Title + ": if one more record shall be made, retry"})
}

// outcome reads a late result. What it shows of the record may be older than what has been
// read since, so the record is read anew, unless that has just been done. A vendor that no longer knows what it was asked for
// has not said that nothing happened: then the record is looked up (R16).
func (s *settling) outcome(op store.Op, res connector.Result) connector.Result {
	if s.end.conn.able.Reader != nil && !res.Fresh {
		res.After = nil
	}
	if res.Err == nil {
		return res
	}
	switch e := connector.ErrorOf(res.Err); e.Kind {
	case connector.NotFound, connector.Expired:
		if op.Verb == connector.Create || e.Kind == connector.Expired {
			res.Err = &connector.Error{Kind: connector.Ambiguous, Scope: e.Scope, Err: e}
		}
	default:
	}
	return res
}

// askLater leaves all of a batch pending: the question failed, not what was asked about.
func (s *settling) askLater(ctx context.Context, err error) {
	e := connector.ErrorOf(err)
	for _, op := range s.ops {
		s.settled = append(s.settled, store.Settlement{Op: op.ID, State: store.OpPending, Pending: op.Pending,
			NotBefore: s.at.Add(max(e.Wait, min(max(s.at.Sub(op.SentAt), pendingLeast), pendingMost))), Error: err.Error()})
	}
	if e.Kind == connector.Unauthorized {
		s.stop = fmt.Errorf("ask %s what became of writes: %w", s.end.of, s.r.e.spoil(ctx, s.end.conn, err))
	}
}

// underWay reports whether an unlinked record of a side may be what an unfinished create towards
// that side has made: it was made since, and either holds all that was sent or, whatever people
// have made of it meanwhile, may carry the create's key (R16, R36).
func (b *batch) underWay(ctx context.Context, side record.Side, row store.Row) (bool, error) {
	end := b.r.p.ends[side]
	open, err := b.loadOpen(ctx, end.of)
	if err != nil {
		return false, err
	}
	// A vendor's clock may be wrong by minutes.
	young := func(op store.Op) bool { return row.Created.IsZero() || !row.Created.Before(op.SentAt.Add(-time.Hour)) }
	if len(open.keys) > 0 && young(open.first) {
		key, known := b.keyOf(ctx, side, row.ID)
		if !known {
			return true, nil // as long as nobody can be asked, every record may
		}
		if key != "" && open.keys[key] {
			return true, nil
		}
	}
	return slices.ContainsFunc(open.ops, func(op store.Op) bool { return young(op) && end.holds(row.Fields, op.Set) }), nil
}

// pairsOf returns the open links that the survivors of a merge have by themselves. wait says that one that
// has none may be what an unfinished create has made: it is about to be the partner of what that one was
// made for, and the pair that is to follow the merge takes nothing away from it (R16, R24, R36, invariant 8).
func (b *batch) pairsOf(ctx context.Context, link store.Link, to [2]string) (pairs [2]store.Link, wait bool, err error) {
	for _, side := range record.Sides() {
		l, err := b.openLink(ctx, side, to[side])
		if err != nil {
			return pairs, false, err
		}
		if l.ID != link.ID {
			pairs[side] = l
		}
		if l.ID != 0 || to[side] == link.IDs[side] {
			continue
		}
		if making, err := b.inMaking(ctx, side, to[side]); err != nil || making {
			return pairs, making, err
		}
	}
	return pairs, false, nil
}

// inMaking reports whether a record that is in no pair may be what a create has made of which nobody knows
// yet what came of it.
func (b *batch) inMaking(ctx context.Context, side record.Side, id string) (bool, error) {
	row, ok := b.rows[side][id]
	if !ok {
		rows, err := b.r.e.store.Rows(ctx, b.r.p.ends[side].of, []string{id})
		if err != nil {
			return false, fmt.Errorf("load the record that another one was merged into: %w", err)
		}
		row = rows[id]
	}
	if row.ID == "" || b.r.doubtful(side, row) {
		return row.ID != "", nil
	}
	return b.underWay(ctx, side, row)
}

// madeElsewhere reports whether another sync of the same two objects has sent a create for a
// record of which nobody knows yet what came of it: the record may have a partner by then, and
// goes over to this sync together with it (R15, R25, invariant 8).
func (b *batch) madeElsewhere(ctx context.Context, id string) (bool, error) {
	source, target := b.r.p.ends[b.side].of, b.r.p.ends[b.side.Other()].of
	open, err := b.loadOpen(ctx, target)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(open.ops, func(op store.Op) bool {
		return op.SourceID == id && op.Sync != b.r.p.Name && slices.ContainsFunc(b.r.e.syncs, func(p *pair) bool {
			return p.Name == op.Sync && p.ends[op.Side.Other()].of == source
		})
	}), nil
}

// unfinished are the creates towards one object of which nobody knows yet what came of them.
type unfinished struct {
	ops   []store.Op
	first store.Op        // that was sent first, of those that are pending
	keys  map[string]bool // of those that are pending
}

// loadOpen loads the unfinished creates towards an object, be they of another sync of the same objects.
func (b *batch) loadOpen(ctx context.Context, of store.Object) (*unfinished, error) {
	if open := b.open[of]; open != nil {
		return open, nil
	}
	ops, err := b.r.e.store.Undecided(ctx, of, connector.Create)
	if err != nil {
		return nil, fmt.Errorf("load unfinished creates: %w", err)
	}
	open := &unfinished{ops: ops, keys: map[string]bool{}}
	for _, op := range ops {
		if op.State == store.OpPending {
			if len(open.keys) == 0 || op.SentAt.Before(open.first.SentAt) {
				open.first = op
			}
			open.keys[op.Key] = true
		}
	}
	if b.open == nil {
		b.open = map[store.Object]*unfinished{}
	}
	b.open[of] = open
	return open, nil
}

// keyOf returns the key of ours that a record carries, "" if none, and false if that cannot be
// said: no such key is kept there, the record is gone since, or the vendor cannot be asked now. Then every record may carry
// it: to make another one of what we have made ourselves would double it (invariant 8). It is read
// along with those of the batch's other records that are in no pair: of many creates that are
// pending, to ask for each one's key would be a call each.
func (b *batch) keyOf(ctx context.Context, side record.Side, id string) (key string, known bool) {
	end := b.r.p.ends[side]
	f, ok := end.object.Key()
	if !ok || end.conn.able.Reader == nil {
		return "", false
	}
	if b.carried[side] == nil {
		b.carried[side] = map[string]carried{}
	}
	if c, asked := b.carried[side][id]; asked {
		return c.key, c.known
	}
	ids := []string{id}
	for _, other := range slices.Sorted(maps.Keys(b.rows[side])) {
		l, linked := b.links[side][other]
		_, asked := b.carried[side][other]
		if other != id && !asked && (!linked || l.Closed != "") && len(ids) < max(1, end.object.ReadBatch) {
			ids = append(ids, other)
		}
	}
	changes, err := end.conn.able.Reader.Read(metered(ctx, b.r.calls[side]), end.of.Name, ids)
	for i, id := range ids {
		var c carried // who gives no answer is not asked again for each record of the batch
		if err == nil && len(changes) == len(ids) {
			v, shown := changes[i].Fields[f.Name]
			c = carried{v.Text(), shown} // what is gone since cannot say it any more
		}
		b.carried[side][id] = c
	}
	c := b.carried[side][id]
	return c.key, c.known
}

// A carried is what is known of the key of ours in a record.
type carried struct {
	key   string // "" = none
	known bool
}
