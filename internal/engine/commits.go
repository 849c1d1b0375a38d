package engine

import (
	"context"
	"sync"

	"github.com/tandemhub/tandem/internal/store"
)

// commits joins what several batches come to at the same time into one transaction: a
// commit costs nearly the same for one batch as for all that are under way.
type commits struct {
	mu      sync.Mutex
	leading bool
	waiting []*commit
}

// A commit is what one batch has come to.
type commit struct {
	settled []store.Settlement
	facts   store.Facts
	done    chan error
}

// settle stores one batch's outcome, alone or together with others. It returns when the
// outcome is durable.
func (c *commits) settle(ctx context.Context, st *store.Store, settled []store.Settlement, f store.Facts) error {
	mine := &commit{settled: settled, facts: f, done: make(chan error, 1)}
	c.mu.Lock()
	c.waiting = append(c.waiting, mine)
	lead := !c.leading
	c.leading = true
	c.mu.Unlock()
	if lead {
		c.lead(ctx, st)
	}
	return <-mine.done
}

// lead stores what waits until nothing does. The first one to come leads.
func (c *commits) lead(ctx context.Context, st *store.Store) {
	for {
		c.mu.Lock()
		all := c.waiting
		c.waiting = nil
		if len(all) == 0 {
			c.leading = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		settleAll(ctx, st, all)
	}
}

// settleAll stores several outcomes at once; if that is refused, each by itself, so that
// only the one at fault fails.
func settleAll(ctx context.Context, st *store.Store, all []*commit) {
	if len(all) > 1 {
		settled, facts := join(all)
		if st.Settle(ctx, settled, facts) == nil {
			for _, c := range all {
				c.done <- nil
			}
			return
		}
	}
	for _, c := range all {
		c.done <- st.Settle(ctx, c.settled, c.facts)
	}
}

func join(all []*commit) ([]store.Settlement, store.Facts) {
	var settled []store.Settlement
	f := store.Facts{Sync: all[0].facts.Sync}
	for _, c := range all {
		settled = append(settled, c.settled...)
		f.Rows = append(f.Rows, c.facts.Rows...)
		f.Links = append(f.Links, c.facts.Links...)
		f.Ops = append(f.Ops, c.facts.Ops...)
		f.Journal = append(f.Journal, c.facts.Journal...)
		f.Reviews = append(f.Reviews, c.facts.Reviews...)
		f.Close = append(f.Close, c.facts.Close...)
		f.Standing = append(f.Standing, c.facts.Standing...)
		f.InScope = append(f.InScope, c.facts.InScope...)
		f.Dirty = append(f.Dirty, c.facts.Dirty...)
		f.Clean = append(f.Clean, c.facts.Clean...)
		f.Waits = append(f.Waits, c.facts.Waits...)
		f.Carried = append(f.Carried, c.facts.Carried...)
	}
	return settled, f
}
