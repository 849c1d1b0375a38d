package rest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestTheOrderAtTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		if err := g.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		impatient, leave := context.WithCancel(t.Context())
		var order []string
		var wg sync.WaitGroup
		for _, who := range []struct {
			name  string
			ctx   context.Context
			first bool
		}{{"a", t.Context(), false}, {"gone", impatient, false}, {"b", t.Context(), false}, {"sent away", t.Context(), true}, {"sent away later", t.Context(), true}} {
			wg.Go(func() {
				if err := g.enter(who.ctx, who.first); err != nil {
					order = append(order, who.name+" gave up")
					return
				}
				order = append(order, who.name)
				g.leave()
			})
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		g.leave()
		wg.Wait()
		if d := cmp.Diff([]string{"gone gave up", "sent away", "sent away later", "a", "b"}, order); d != "" {
			t.Error(d)
		}
		if g.room != 1 || len(g.waiting) != 0 {
			t.Errorf("room for %d, %d wait", g.room, len(g.waiting))
		}
	})
}

func TestAPlaceGivenToWhoGaveUpIsPassedOn(t *testing.T) {
	t.Parallel()
	for range 100 { // whichever of the two comes first
		synctest.Test(t, func(t *testing.T) {
			g := newGate(1)
			if err := g.enter(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				if g.enter(ctx, false) == nil {
					g.leave()
				}
			})
			synctest.Wait()
			wg.Go(g.leave)
			wg.Go(cancel)
			wg.Wait()
			if g.room != 1 {
				t.Fatalf("room for %d", g.room)
			}
		})
	}
}
