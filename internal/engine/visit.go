package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A visit is what one request of a vendor that comes to us works with. It changes the mirror,
// and how far operations of the outbox have come, and nothing else: bases, links and the
// journal are the runs', which may be under way at the same time.
type visit struct {
	e     *Engine
	c     *conn
	came  time.Time
	news  func() // told when a run has something to do
	ready bool
}

// Visit returns what a request of the connection's vendor works with that has just come in.
// news is told whenever there is something for a run to do. The engine should be of that
// request alone.
func (e *Engine) Visit(connection string, news func()) (connector.Exchange, error) {
	c := e.conns[connection]
	if c == nil {
		return nil, fmt.Errorf("there is no connection named %q", connection)
	}
	return &visit{e: e, c: c, came: time.Now().Truncate(time.Microsecond), news: news}, nil
}

// at returns the syncs of a hosted object, as they are remembered.
func (v *visit) at(ctx context.Context, object string) ([]*pair, record.Side, error) {
	if !v.ready {
		if err := v.e.prepareConn(ctx, v.c, true); err != nil {
			return nil, 0, err
		}
		if err := v.c.usable(); err != nil {
			return nil, 0, err
		}
		if err := v.e.recall(ctx); err != nil {
			return nil, 0, err
		}
		v.ready = true
	}
	var pairs []*pair
	var on record.Side
	for _, p := range v.e.syncs {
		for _, side := range record.Sides() {
			if of := p.ends[side].of; of.Connection != v.c.plan.Name || of.Name != object {
				continue
			}
			if p.Mapping == nil || !p.ends[side].hosted() {
				return nil, 0, unready(fmt.Errorf("the fields of sync %s are not known yet", p.Name))
			}
			if len(pairs) == 0 {
				on = side
			}
			pairs = append(pairs, p)
		}
	}
	if len(pairs) == 0 {
		return nil, 0, &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf("no sync wants %s.%s", v.c.plan.Name, object)}
	}
	return pairs, on, nil
}

func unready(err error) error {
	return &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: err, Fix: "come again in a few minutes"}
}

// place returns how far an object has been brought, and whether it is wanted from the beginning.
func (v *visit) place(ctx context.Context, p *pair, side record.Side) (store.Feed, bool, error) {
	feed, err := v.e.store.Feed(ctx, p.ends[side].of, "", store.FeedChanges)
	if err != nil {
		return feed, false, fmt.Errorf("load feed: %w", err)
	}
	rd := reading{fields: p.wire[side], state: feed}
	return feed, rd.mustList(""), nil
}

func (v *visit) Place(ctx context.Context, object string) (connector.Cursor, error) {
	pairs, side, err := v.at(ctx, object)
	if err != nil {
		return "", fmt.Errorf("look how far %s was brought: %w", object, err)
	}
	feed, anew, err := v.place(ctx, pairs[0], side)
	if err != nil || anew {
		return "", err
	}
	return feed.Cursor, nil
}

func (v *visit) Save(ctx context.Context, object string, after connector.Cursor, p connector.Page) error {
	pairs, side, err := v.at(ctx, object)
	if err != nil {
		return fmt.Errorf("save a page of %s: %w", object, err)
	}
	if p.Next == "" {
		return fmt.Errorf("save a page of %s: %w", object, errNoNext)
	}
	feed, anew, err := v.place(ctx, pairs[0], side)
	if err != nil {
		return err
	}
	listing := feed.Began
	switch {
	case after == "":
		listing = v.came
	case !anew && p.Next == feed.Cursor && after != feed.Cursor:
		return nil // the vendor was not told: it is saved, and maybe older than what is known (R3)
	case anew || after != feed.Cursor:
		return &connector.Error{Kind: connector.Expired, Scope: connector.ScopeObject,
			Err: fmt.Errorf("save a page of %s: it does not follow what was saved last", object)}
	}
	r := v.run(pairs[0])
	rd := reading{feed: store.FeedChanges, state: feed}
	_, err = v.e.store.SavePage(ctx, store.Page{ // invariant 1: the place with its page
		Of: r.p.ends[side].of, Feed: store.FeedChanges, Changes: r.mapped(r.p.ends[side].of, slices.Clone(p.Changes)), Keys: r.keysOf(side),
		Began: v.came, After: rd.shownUntil(), Mapped: r.p.wire[side], Listing: listing, Next: p.Next, Done: !p.More,
		Fields: printOf(r.p.wire[side]), Total: p.Total})
	if err != nil {
		return fmt.Errorf("save page: %w", err)
	}
	v.news()
	return nil
}

var errNoNext = &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeObject, Err: errors.New("it does not say where it ends")}

func (v *visit) Take(ctx context.Context, object string, n int) ([]connector.Op, error) {
	pairs, side, err := v.at(ctx, object)
	if err != nil {
		return nil, fmt.Errorf("give out operations of %s: %w", object, err)
	}
	var all []connector.Op
	for _, p := range pairs {
		side := side
		if p.ends[side].of != pairs[0].ends[side].of {
			side = side.Other()
		}
		for len(all) < n {
			ops, left, err := v.take(ctx, p, side, n-len(all))
			if err != nil {
				return nil, fmt.Errorf("give out operations of %s: %w", object, err)
			}
			all = append(all, ops...)
			if len(ops) > 0 || !left {
				break // or all of them were out of date: see what else there is
			}
		}
	}
	return all, nil
}

// take gives out operations of one sync. left tells whether there were any, given out or not.
func (v *visit) take(ctx context.Context, p *pair, side record.Side, n int) (out []connector.Op, left bool, err error) {
	if _, restored, err := v.e.store.Restored(ctx, p.Name); err != nil || restored {
		return nil, false, err // R34: the next run decides what may be written
	}
	_, keyed := p.ends[side].object.Key()
	ops, err := v.e.store.GiveOut(ctx, p.Name, p.ends[side].of, keyed, n, time.Now())
	if err != nil || len(ops) == 0 {
		return nil, false, err
	}
	// A create that the vendor may have carried out is given out as it was, whatever has changed
	// since: another one would be another record (invariant 8).
	var creates, others []store.Op
	for _, op := range ops {
		if op.Verb == connector.Create && op.Attempts > 1 {
			creates = append(creates, op)
		} else {
			others = append(others, op)
		}
	}
	s, err := v.run(p).newSettling(ctx, side, others)
	if err != nil {
		return nil, true, err
	}
	if err := s.fresh(ctx); err != nil {
		return nil, true, err
	}
	if err := s.finish(ctx); err != nil {
		return nil, true, err
	}
	if len(s.settled) > 0 {
		v.news() // R27: what has moved since is decided anew
	}
	return wireOps(slices.Concat(creates, s.ops)), true, nil
}

func (v *visit) Settle(ctx context.Context, object string, outcomes map[string]connector.Result) error {
	pairs, _, err := v.at(ctx, object)
	if err != nil {
		return fmt.Errorf("settle operations of %s: %w", object, err)
	}
	of := store.Object{Connection: v.c.plan.Name, Name: object}
	for _, p := range pairs {
		ops, err := v.e.store.Ops(ctx, p.Name, store.OpSent, store.OpUnknown)
		if err != nil {
			return fmt.Errorf("load operations: %w", err)
		}
		var settled []store.Settlement
		for _, op := range ops {
			res, said := outcomes[op.Key]
			if !said || op.Target != of || res.Pending != "" {
				continue
			}
			word, err := encodeTold(res, v.came)
			if err != nil {
				return err
			}
			settled = append(settled, store.Settlement{Op: op.ID, State: store.OpPending, Pending: word})
		}
		if len(settled) == 0 {
			continue
		}
		if err := v.e.store.Settle(ctx, settled, store.Facts{Sync: p.Name}); err != nil { // invariant 3: the next run has the result
			return fmt.Errorf("keep what the vendor said: %w", err)
		}
		v.news()
	}
	return nil
}

// run is what the parts of a run need that a visit shares. It has no line in the log of runs.
func (v *visit) run(p *pair) *run { return v.e.runOf(p, 0) }
