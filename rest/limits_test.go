package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// wait makes one call of that cost that ends at once, and returns when it began.
func wait(t *testing.T, l *rest.Limits, cost rest.Cost) time.Time {
	t.Helper()
	done, err := l.Wait(t.Context(), cost)
	if err != nil {
		t.Fatal(err)
	}
	done()
	return time.Now()
}

// mostIn returns how many of the times, in order, fall into any stretch of length per.
func mostIn(times []time.Time, per time.Duration) int {
	most, first := 0, 0
	for i, at := range times {
		for at.Sub(times[first]) >= per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestALimitHoldsForEveryStretchOfTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit connector.Limit
		calls int
		most  time.Duration // that all of them may take
	}{
		{connector.Limit{Units: 100, Per: 10 * time.Second}, 1000, 92 * time.Second},
		{connector.Limit{Units: 5, Per: time.Second}, 50, 9500 * time.Millisecond},
		{connector.Limit{Units: 1, Per: 20 * time.Second}, 5, 81 * time.Second},
		{connector.Limit{Units: 5000, Per: time.Minute}, 10001, 122 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := rest.NewLimits([]connector.Limit{c.limit})
			start := time.Now()
			var mu sync.Mutex
			var times []time.Time
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					for range c.calls / 10 {
						at := wait(t, l, nil)
						mu.Lock()
						times = append(times, at)
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			if n := mostIn(times, c.limit.Per); n > c.limit.Units {
				t.Errorf("%d calls in %v, allowed are %d", n, c.limit.Per, c.limit.Units)
			}
			if took := time.Since(start); took > c.most {
				t.Errorf("%d calls of %d per %v took %v", c.calls, c.limit.Units, c.limit.Per, took)
			}
		})
	}
}

func TestALimitHoldsWheneverCallsCome(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limit := connector.Limit{
			Units: rapid.IntRange(1, 20).Draw(rt, "units"),
			Per:   time.Duration(rapid.IntRange(1, 60).Draw(rt, "seconds")) * time.Second,
		}
		gaps := rapid.SliceOfN(rapid.IntRange(0, 5000), 1, 100).Draw(rt, "gaps")
		var times []time.Time
		synctest.Test(t, func(t *testing.T) {
			l := rest.NewLimits([]connector.Limit{limit})
			for _, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Millisecond)
				times = append(times, wait(t, l, nil))
			}
		})
		if n := mostIn(times, limit.Per); n > limit.Units {
			rt.Errorf("%d calls in %v, allowed are %d", n, limit.Per, limit.Units)
		}
	})
}

func TestCostsAndNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{
			{Units: 100, Per: 10 * time.Second},
			{Name: "search", Units: 5, Per: time.Second},
			{Name: "tokens", Units: 40, Per: 2 * time.Second},
		})
		start := time.Now()
		for range 6 { // the sixth search waits for the first to be free again
			wait(t, l, rest.Cost{"search": 1})
		}
		if took := time.Since(start); took != 1020*time.Millisecond {
			t.Errorf("six searches took %v", took)
		}
		start = time.Now()
		for range 3 {
			wait(t, l, rest.Cost{"tokens": 20})
		}
		if took := time.Since(start); took != 2040*time.Millisecond {
			t.Errorf("sixty tokens took %v", took)
		}
		start = time.Now()
		wait(t, l, rest.Cost{"tokens": 1000}) // more than there ever is: waits for all of it
		wait(t, l, rest.Cost{"": 50, "nobody's": 7})
		if took := time.Since(start); took != 2040*time.Millisecond {
			t.Errorf("took %v", took)
		}
		for range 40 {
			wait(t, l, nil)
		}
		if took := time.Since(start); took != 2040*time.Millisecond {
			t.Errorf("the hundredth unit took %v", took)
		}
		wait(t, l, nil)
		if took := time.Since(start); took < 7*time.Second {
			t.Errorf("the next took only %v", took)
		}
	})
}

func TestWaitingForASpecialLimitHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{{Units: 100, Per: time.Second}, {Name: "search", Units: 1, Per: time.Minute}})
		wait(t, l, rest.Cost{"search": 1})
		var wg sync.WaitGroup
		wg.Go(func() { wait(t, l, rest.Cost{"search": 1}) })
		synctest.Wait()
		start := time.Now()
		wait(t, l, nil)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		wg.Wait()
	})
}

func TestTwoLimitsOfOneName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{{Units: 10, Per: time.Second}, {Units: 15, Per: time.Hour}})
		start := time.Now()
		for range 15 {
			wait(t, l, nil)
		}
		if took := time.Since(start); took != 1020*time.Millisecond {
			t.Errorf("took %v", took)
		}
		_, err := l.Wait(t.Context(), nil)
		if e := connector.ErrorOf(err); e.Kind != connector.RateLimited || e.Wait < 59*time.Minute {
			t.Errorf("the sixteenth: %v, wait %v", err, e.Wait)
		}
	})
}

func TestCallsAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		p := newPeer(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			jsonOK(w, r)
		})
		client := p.client(rest.ClientOptions{Limits: rest.NewLimits([]connector.Limit{{Concurrent: 2}})})
		start := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				res, err := client.Get(vendor)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, res.Body) // the end of the answer gives the place back
			})
		}
		wg.Wait()
		if took := time.Since(start); most != 2 || took != 5*time.Second {
			t.Errorf("%d at a time, took %v", most, took)
		}
	})
}

func TestAPlaceIsGivenBackWhateverHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(faultOf("refuse", 1))
		p.Inject(faultOf("lost reply", 1))
		p.Inject(faultOf("rate limit", 1))
		p.Inject(faultOf("truncate", 1))
		limits := rest.NewLimits([]connector.Limit{{Concurrent: 1}})
		api := rest.API{HTTP: p.client(rest.ClientOptions{Limits: limits}), Base: vendor}
		if _, err := api.Do(t.Context(), rest.Call{}); err != nil {
			t.Fatal(err)
		}
		done, err := limits.Wait(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := limits.Wait(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second place: %v", err)
		}
		done()
		done()
		wait(t, limits, nil)
	})
}

func TestVendorsCountCorrectsOurs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		limit     string
		remaining int
		per       time.Duration
		want      time.Duration // until three further calls have begun
	}{
		{"others used some", "", 2, 0, 10100 * time.Millisecond},
		{"others used some, and it ends soon", "", 2, 4 * time.Second, 4100 * time.Millisecond},
		{"others used all", "", 0, 0, 10100 * time.Millisecond},
		{"more is left than we thought", "", 99, 0, 0},
		{"nonsense", "", -5, -time.Hour, 10100 * time.Millisecond},
		{"of a limit that is not known", "other", 0, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := rest.NewLimits([]connector.Limit{{Units: 10, Per: 10 * time.Second}})
				wait(t, l, nil)
				l.Correct(c.limit, c.remaining, c.per)
				start := time.Now()
				for range 3 {
					wait(t, l, nil)
				}
				if took := time.Since(start); took != c.want {
					t.Errorf("took %v, want %v", took, c.want)
				}
			})
		})
	}
}

func TestCorrectionIsOfTheWindowThatItNames(t *testing.T) {
	t.Parallel()
	for _, per := range []time.Duration{10 * time.Second, 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := rest.NewLimits([]connector.Limit{{Units: 1000, Per: 24 * time.Hour}, {Units: 100, Per: 10 * time.Second}, {Units: 1, Per: time.Millisecond}})
			l.Correct("", 0, per)
			start := time.Now()
			wait(t, l, nil)
			if took := time.Since(start); took < per || took > per+time.Second {
				t.Errorf("took %v, want %v", took, per)
			}
		})
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{{Name: "search", Units: 5, Per: time.Second}})
		l.Pause("search", 30*time.Second)
		l.Pause("search", time.Second) // never shortens
		start := time.Now()
		wait(t, l, nil)
		if took := time.Since(start); took != 0 {
			t.Errorf("another call waited %v", took)
		}
		wait(t, l, rest.Cost{"search": 1})
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("a search waited %v", took)
		}
		l.Pause("", 10*time.Second)
		wait(t, l, nil)
		if took := time.Since(start); took != 40*time.Second {
			t.Errorf("a call in a general pause waited until %v", took)
		}
	})
}

func TestA429HoldsTheWholeAccountBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(faultOf("rate limit", 1))
		limits := rest.NewLimits(nil)
		first, second := p.client(rest.ClientOptions{Limits: limits}), p.client(rest.ClientOptions{Limits: limits})
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { call(t.Context(), t, first) })
		synctest.Wait()
		call(t.Context(), t, second)
		if took := time.Since(start); took < time.Second {
			t.Errorf("another connection waited only %v", took)
		}
		wg.Wait()
	})
}

func TestA429OfANamedLimitHoldsBackOnlyThat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(faultOf("rate limit", 1))
		client := p.client(rest.ClientOptions{Limits: rest.NewLimits([]connector.Limit{{Name: "search", Units: 4, Per: time.Second}})})
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { call(rest.WithCost(t.Context(), "search", 1), t, client) })
		synctest.Wait()
		call(t.Context(), t, client)
		if took := time.Since(start); took != 0 {
			t.Errorf("another call waited %v", took)
		}
		wg.Wait()
	})
}

func call(ctx context.Context, t *testing.T, c *http.Client) {
	t.Helper()
	if res, err := send(ctx, t, c, "GET", vendor, ""); err != nil || res.StatusCode != 200 {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestSetLimitsRemembersWhatWasSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{{Units: 2, Per: 10 * time.Second}, {Name: "gone", Units: 1, Per: time.Hour}})
		wait(t, l, rest.Cost{"gone": 1})
		wait(t, l, nil)
		l.SetLimits([]connector.Limit{{Units: 3, Per: 10 * time.Second, Concurrent: 1}})
		start := time.Now()
		wait(t, l, rest.Cost{"gone": 1})
		if took := time.Since(start); took != 0 {
			t.Errorf("the third call waited %v", took)
		}
		wait(t, l, nil)
		if took := time.Since(start); took != 10100*time.Millisecond {
			t.Errorf("the fourth call waited %v", took)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rest.NewLimits([]connector.Limit{{Units: 1, Per: time.Minute}})
		wait(t, l, nil)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.Wait(short, nil)
		if e := connector.ErrorOf(err); e.Kind != connector.RateLimited || e.Wait != time.Minute+100*time.Millisecond || time.Now().Second() != 0 {
			t.Errorf("a wait beyond the deadline: %v, wait %v", err, e.Wait)
		}
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		for range 2 { // one sleeps, one waits for its turn
			go func() {
				_, err := l.Wait(ctx, nil)
				errs <- err
			}()
		}
		synctest.Wait()
		cancel()
		for range 2 {
			if err := <-errs; err != context.Canceled { //nolint:errorlint // as it is, promises Wait
				t.Errorf("cancelled: %v", err)
			}
		}
		start := time.Now()
		wait(t, l, nil)
		if took := time.Since(start); took > time.Minute+100*time.Millisecond {
			t.Errorf("those who gave up cost %v", took)
		}
	})
}

func TestNoLimitsAtAll(t *testing.T) {
	t.Parallel()
	var none *rest.Limits
	none.Pause("", time.Hour)
	none.Correct("", 0, time.Hour)
	none.SetLimits(nil)
	for _, l := range []*rest.Limits{none, rest.NewLimits(nil), rest.NewLimits([]connector.Limit{{Name: "free"}, {}})} {
		start := time.Now()
		for range 1000 {
			wait(t, l, rest.Cost{"x": 3})
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
	}
}

func BenchmarkWaitWithoutLimits(b *testing.B) {
	l := rest.NewLimits(nil)
	for b.Loop() {
		done, _ := l.Wait(b.Context(), nil)
		done()
	}
}

func BenchmarkWait(b *testing.B) {
	l := rest.NewLimits([]connector.Limit{{Units: 1 << 40, Per: time.Second}})
	for b.Loop() {
		done, _ := l.Wait(b.Context(), nil)
		done()
	}
}
