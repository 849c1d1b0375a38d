package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// Lives says which seeds are to be lived, by the variables of the environment: one with
// TANDEM_SIM_SEED; for TANDEM_SOAK, a duration, as many as there is time for, beginning at a
// seed that depends on the day; else the first n.
type Lives struct {
	first, n uint64
	until    time.Time // zero = n lives

	Stress []string // what TANDEM_SIM_STRESS names
}

// LivesOf reads the environment.
func LivesOf(env func(string) string, n int) (Lives, error) {
	stress, err := stressOf(env("TANDEM_SIM_STRESS"))
	if err != nil {
		return Lives{}, err
	}
	l := Lives{first: 1, n: uint64(n), Stress: stress}
	if s := env("TANDEM_SIM_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return l, fmt.Errorf("TANDEM_SIM_SEED: %w", err)
		}
		l.first, l.n = seed, 1
	} else if s := env("TANDEM_SOAK"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			return l, fmt.Errorf("TANDEM_SOAK: %w", err)
		}
		now := time.Now()
		l.first, l.until = uint64(now.Unix())*1_000, now.Add(d)
	}
	return l, nil
}

// Few reports whether too few seeds are lived to expect everything to have happened.
func (l Lives) Few() bool { return l.until.IsZero() && l.n < 50 }

// Again is how one of these lives is lived again, by a target of the Makefile.
func (l Lives) Again(target string, seed uint64) string {
	again := fmt.Sprintf("make %s SEED=%d", target, seed)
	if len(l.Stress) > 0 {
		again += " STRESS=" + strings.Join(l.Stress, ",")
	}
	return again
}

// All yields the seeds, a further one as long as there is time.
func (l Lives) All(yield func(uint64) bool) {
	for seed := l.first; ; seed++ {
		if l.until.IsZero() && seed == l.first+l.n || !l.until.IsZero() && time.Now().After(l.until) || !yield(seed) {
			return
		}
	}
}

// Missing names the faults and acts that never happened in all those lives: a simulation in
// which they do not proves nothing about them. more are those that only some setups bring.
func Missing(counts map[string]int, more ...string) []string {
	var missing []string
	for _, what := range append(happens(), more...) {
		if counts[what] == 0 {
			missing = append(missing, what)
		}
	}
	return missing
}

// Seldom lists what lives bring in which everything that [Acts] names happens.
func Seldom() []string {
	return []string{"a merge with a pointer", "a merge without a pointer", "a merge into a third record", "merges in opposite directions",
		"a record archived", "a record restored with its id", "a reference changed", "a record deleted with its parent",
		"switched off for a month", "the configuration changed", "a field mapped again"}
}

// Rarest lists what only those lives bring in which vendors hide and touch records, take writes as
// jobs, run automations and are restored, people say yes and no to mail, value maps change, and the
// hub goes on from a backup.
func Rarest() []string {
	return []string{hidden, jobs, backedUp, touchedOne, touchedAll, relabelled, remapped, automated, denied, granted, rewound}
}

// Told tells counts, a line each.
func Told(counts map[string]int) string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%8d  %s\n", counts[what], what)
	}
	return b.String()
}

// happens lists all that a life may bring.
func happens() []string {
	list := []string{"a record made", "a record edited", "a record deleted", "a record deleted and made again", "a field cleared", "saved without a change",
		"the same person made on both sides at once", "acts before a request is carried out", "acts after a request is carried out",
		"a question answered", "clock skew", "restart", "restart after a kill", fullDisk}
	for _, at := range moments() {
		list = append(list, "killed "+string(at), "told to stop "+string(at))
	}
	for _, kind := range faultKinds() {
		list = append(list, string(kind))
	}
	for _, kind := range []twin.FaultKind{twin.FaultRateLimit, twin.FaultUnavailable} {
		list = append(list, string(kind)+withRetryAfter)
	}
	return list
}
