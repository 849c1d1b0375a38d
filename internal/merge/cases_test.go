package merge_test

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// How many cases each property is held against. A merge costs microseconds, so there is no reason
// to be content with rapid's hundred; -rapid.checks asks for another number. While soaking, so many
// are a round.
const cases, round = "20000", "1000000"

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	checks := cases
	if os.Getenv("TANDEM_SOAK") != "" {
		checks = round
	}
	if !asked && !testing.Short() {
		if err := flag.Set("rapid.checks", checks); err != nil {
			panic(err) // rapid has no such flag any more
		}
	}
	os.Exit(m.Run())
}

// holds checks a property, for TANDEM_SOAK, a duration, with new cases until the time is up.
func holds(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	t.Parallel()
	left := time.Duration(0)
	if s := os.Getenv("TANDEM_SOAK"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatalf("TANDEM_SOAK: %v", err)
		}
		left = d
	}
	ctx, cancel := context.WithTimeout(t.Context(), left)
	defer cancel()
	n := 0
	for again := true; again && !t.Failed(); again = ctx.Err() == nil {
		rapid.Check(t, func(t *rapid.T) {
			n++
			property(t)
		})
	}
	t.Logf("%d cases", n)
}
