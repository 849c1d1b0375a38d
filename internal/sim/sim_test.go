package sim_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/sim"
)

// live lives one life in a bubble.
func live(t *testing.T, seed uint64) sim.Result {
	t.Helper()
	var res sim.Result
	synctest.Test(t, func(t *testing.T) {
		var err error
		if res, err = sim.Run(t.Context(), toys(t, seed)); err != nil {
			t.Fatal(err)
		}
	})
	return res
}

func TestLives(t *testing.T) {
	t.Parallel()
	first, n := uint64(1), uint64(300)
	if s := os.Getenv("TANDEM_SIM_SEED"); s != "" {
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, n = v, 1
	}
	counts := map[string]int{}
	for seed := first; seed < first+n; seed++ {
		res := live(t, seed)
		for what, n := range res.Counts {
			counts[what] += n
		}
		if len(res.Wrong) > 0 {
			t.Error(res.Report(fmt.Sprintf("make sim SEED=%d", seed), testing.Verbose()))
		}
	}
	t.Log(counts)
}

// Invariant 12: the same seed lives the same days.
func TestInvariant12TheSameSeedLivesTheSameDays(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 20; seed++ {
		first, second := live(t, seed), live(t, seed)
		if diff := cmp.Diff(first.Trace, second.Trace); diff != "" {
			t.Errorf("two lives of seed %d differ:\n%s", seed, diff)
		}
		if diff := cmp.Diff(first.Journal, second.Journal); diff != "" {
			t.Errorf("two journals of seed %d differ:\n%s", seed, diff)
		}
	}
}
