package rest

import (
	"context"
	"slices"
	"sync"
)

// gate lets so many in at a time, by priority and then in the order of arrival; those who were sent away by
// the vendor come before those who have not yet been there, or they would find the limit
// used up again and again.
type gate struct {
	mu      sync.Mutex
	room    int // more than 0 only if nobody waits
	waiting []waiter
}

type waiter struct {
	open chan struct{}
	rank int // lower goes first
}

func newGate(room int) *gate { return &gate{room: room} }

func (g *gate) enter(ctx context.Context, first bool) error {
	rank := 1 + int(priorityOf(ctx))
	if first {
		rank = 0
	}
	g.mu.Lock()
	if g.room > 0 {
		g.room--
		g.mu.Unlock()
		return nil
	}
	w := waiter{make(chan struct{}), rank}
	at := len(g.waiting)
	if i := slices.IndexFunc(g.waiting, func(w waiter) bool { return w.rank > rank }); i >= 0 {
		at = i
	}
	g.waiting = slices.Insert(g.waiting, at, w)
	g.mu.Unlock()
	select {
	case <-w.open:
		return nil
	case <-ctx.Done():
		g.forget(w)
		return ctx.Err()
	}
}

// forget takes out who gave up, or gives the place back that it was just given.
func (g *gate) forget(w waiter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, w); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return
	}
	g.next()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next()
}

func (g *gate) next() {
	if len(g.waiting) == 0 {
		g.room++
		return
	}
	close(g.waiting[0].open)
	g.waiting = slices.Delete(g.waiting, 0, 1)
}
