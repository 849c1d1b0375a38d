package sim_test

import (
	"os"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/sim"
)

// lives is how many lives an ordinary test run has time for.
const lives = 120

// crowds is how many lives with several workers, and workers how many these are.
const crowds, workers = 24, 4

// live lives one life in a bubble.
func live(t *testing.T, seed uint64, workers int, stress ...string) sim.Result {
	t.Helper()
	var res sim.Result
	synctest.Test(t, func(t *testing.T) {
		var err error
		s := toys(t, seed, stress...)
		s.Workers = workers
		if res, err = sim.Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	})
	return res
}

// Invariants 3 to 8 and 11, held against what people did, over two toys. One seed again:
// make sim SEED=n; for as long as you like: make soak DURATION=1h.
func TestLives(t *testing.T) {
	t.Parallel()
	which, err := sim.LivesOf(os.Getenv, lives)
	if err != nil {
		t.Fatal(err)
	}
	counts, n := map[string]int{}, 0
	for seed := range which.All {
		res := live(t, seed, 1, which.Stress...)
		for what, times := range res.Counts {
			counts[what] += times
		}
		counts[shapeOf(seed)]++
		if len(res.Wrong) > 0 {
			t.Error(res.Report(which.Again("sim", seed), testing.Verbose()))
		}
		n++
	}
	t.Logf("%d lives:\n%s", n, sim.Told(counts))
	if missing := sim.Missing(counts, slices.Concat(sim.Seldom(), sim.Rarest(), shapes)...); !which.Few() && len(missing) > 0 {
		t.Errorf("in %d lives these never happened: %q", n, missing)
	}
}

// Several workers at a time: the same invariants hold. One seed again: make sim-many SEED=n.
func TestLivesWithSeveralWorkers(t *testing.T) {
	t.Parallel()
	which, err := sim.LivesOf(os.Getenv, crowds)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for seed := range which.All {
		if res := live(t, seed, workers, which.Stress...); len(res.Wrong) > 0 {
			t.Error(res.Report(which.Again("sim-many", seed), testing.Verbose()))
		}
		n++
	}
	t.Logf("%d lives, each with %d workers", n, workers)
}

// Invariant 12: the same seed lives the same days, with several workers too.
func TestInvariant12TheSameSeedLivesTheSameDays(t *testing.T) {
	t.Parallel()
	for seed := uint64(1001); seed <= 1016; seed++ {
		crew := 1
		if seed > 1012 {
			crew = workers
		}
		first, second := live(t, seed, crew), live(t, seed, crew)
		if diff := cmp.Diff(first.Trace, second.Trace); diff != "" {
			t.Errorf("two lives of seed %d differ:\n%s", seed, diff)
		}
		if diff := cmp.Diff(first.Journal, second.Journal); diff != "" {
			t.Errorf("two journals of seed %d differ:\n%s", seed, diff)
		}
		if len(first.Journal) == 0 {
			t.Errorf("seed %d: an empty journal proves nothing", seed)
		}
	}
}
