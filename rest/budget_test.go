package rest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// calls makes calls of a priority until the limits refuse one, and returns how many there were.
func calls(t *testing.T, l *rest.Limits, p rest.Priority) (n int, last error) {
	t.Helper()
	ctx := rest.WithPriority(t.Context(), p)
	for {
		done, err := l.Wait(ctx, nil)
		if err != nil {
			return n, err
		}
		done()
		n++
	}
}

func TestC5TheEndOfABudgetIsKeptForWhatPeopleDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{{Units: 100, Per: 24 * time.Hour}})
		verified, _ := calls(t, l, rest.Verify)
		filled, err := calls(t, l, rest.Backfill)
		e := connector.ErrorOf(err)
		if e.Kind != connector.RateLimited || e.Wait < 23*time.Hour {
			t.Errorf("refused with %v, wait %v", err, e.Wait)
		}
		live, _ := calls(t, l, rest.Live)
		if verified != 67 || filled != 13 || live != 20 {
			t.Errorf("verified %d, filled %d, live %d", verified, filled, live)
		}
	})
}

func TestABudgetIsRememberedBeyondTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := []connector.Limit{{Units: 100, Per: 24 * time.Hour}, {Units: 1000, Per: time.Second}}
		l := rest.NewLimits(limits)
		for range 60 {
			wait(t, l, nil)
		}
		spent := l.Fresh()
		if len(spent) != 1 || spent[0].Units != 60 || spent[0].Per != 24*time.Hour {
			t.Fatalf("fresh: %+v, want the budget only", spent)
		}
		if again := l.Fresh(); len(again) != 0 {
			t.Errorf("told twice: %+v", again)
		}
		next := rest.NewLimits(limits)
		next.Remember(spent)
		if again := next.Fresh(); len(again) != 0 {
			t.Errorf("what is remembered is not new: %+v", again)
		}
		if n, _ := calls(t, next, rest.Live); n != 40 {
			t.Errorf("%d calls were left, want 40", n)
		}
	})
}

// A limit for an hour is a budget too; what was spent of it is remembered by minutes, or nothing
// would be known of when it is free again.
func TestABudgetForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := []connector.Limit{{Units: 100, Per: time.Hour}}
		l := rest.NewLimits(limits)
		time.Sleep(55 * time.Minute)
		if n, _ := calls(t, l, rest.Backfill); n != 80 {
			t.Errorf("listings may use %d", n)
		}
		spent := l.Fresh()
		next := rest.NewLimits(limits)
		next.Remember(spent)
		time.Sleep(10 * time.Minute) // the next hour by the clock
		if n, _ := calls(t, next, rest.Live); n != 20 {
			t.Errorf("%d calls were left, want 20: %+v", n, spent)
		}
	})
}

func TestC5WhoIsLiveGoesBeforeWhoFillsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{{Concurrent: 1}})
		done, err := l.Wait(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var order []rest.Priority
		enter := func(p rest.Priority) {
			go func() {
				done, err := l.Wait(rest.WithPriority(context.WithoutCancel(t.Context()), p), nil)
				if err == nil {
					order = append(order, p)
					done()
				}
			}()
			synctest.Wait()
		}
		enter(rest.Verify)
		enter(rest.Backfill)
		enter(rest.Live)
		done()
		synctest.Wait()
		if len(order) != 3 || order[0] != rest.Live || order[1] != rest.Backfill || order[2] != rest.Verify {
			t.Errorf("order %v", order)
		}
	})
}
