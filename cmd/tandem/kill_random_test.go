package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/sim"
)

// Invariant 11: killed at any moment, as often as TANDEM_KILLS says or until TANDEM_SOAK is over,
// among lost replies and with people at work on both sides, the program loses no edit and makes no
// record twice.
func TestInvariant11KilledAtRandomMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("waits in real time for Dolibarr to settle")
	}
	t.Parallel()
	k, err := killsOf(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var all sync.WaitGroup
	for range k.beside {
		all.Go(func() {
			for k.open() {
				if !t.Run(fmt.Sprint("installation", k.next()), k.installation) {
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d kills and %d replies lost, in %d installations and %s:\n%s",
		k.sum(killedBefore), k.sum(lostBefore), k.homes, time.Since(began).Round(time.Second), sim.Told(k.counts))
	if k.sum(killedBefore) == 0 {
		t.Error("no kill struck: it had always ended before")
	}
	if k.sum(killedBefore) > 20 && k.sum(lostBefore) == 0 {
		t.Error("no reply was lost")
	}
}

// What is counted begins with one of these, or is neither.
const (
	killedBefore = "killed "
	lostBefore   = "lost: "
)

// killing is what all installations share: how much is still to be killed, and what came of it.
type killing struct {
	beside  int       // installations at work at a time
	patient bool      // replies of HubSpot are lost too, which settles in a minute: too long for every day
	until   time.Time // zero = left counts
	turns   chan struct{}

	mu     sync.Mutex
	left   int
	homes  int
	counts map[string]int
}

// killsOf reads the environment.
func killsOf(env func(string) string) (*killing, error) {
	k := &killing{beside: 1, turns: make(chan struct{}, turns), left: 24, counts: map[string]int{}}
	if s := env("TANDEM_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("TANDEM_KILLS: %w", err)
		}
		k.left, k.patient = n, true
		k.beside = min(besides, (n+bout-1)/bout)
	}
	if s := env("TANDEM_SOAK"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, fmt.Errorf("TANDEM_SOAK: %w", err)
		}
		k.until, k.patient, k.beside = time.Now().Add(d), true, besides
	}
	return k, nil
}

const (
	// besides is how many installations are at work at a time: they wait most of the time.
	besides = 24
	// turns is how many of them are killed at a time: with more, a process gets so little of two
	// processors that most kills strike one that has only begun.
	turns = 6
	// bout is how often a program is killed in a row, and bouts how often that happens. After a bout
	// little is left that does not wait for HubSpot to settle.
	bout, bouts = 24, 5
	// pause is how long nobody starts it then: HubSpot has settled, and the next kills strike a
	// program that looks for what became of its writes.
	pause = 65 * time.Second
)

// open reports whether there is more to kill.
func (k *killing) open() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.until.IsZero() {
		return k.left > 0
	}
	return time.Now().Before(k.until)
}

// take takes one kill of those that are left.
func (k *killing) take() bool {
	open := k.open()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left--
	return open && (k.left >= 0 || !k.until.IsZero())
}

// rest lets vendors settle, or the time be over.
func (k *killing) rest(ctx context.Context) {
	long := pause
	if !k.until.IsZero() {
		long = min(long, time.Until(k.until))
	}
	select {
	case <-ctx.Done():
	case <-time.After(long):
	}
}

// next numbers installations.
func (k *killing) next() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.homes++
	return k.homes
}

func (k *killing) count(what string, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n > 0 {
		k.counts[what] += n
	}
}

// sum counts all of which the word begins so.
func (k *killing) sum(prefix string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for what, times := range k.counts {
		if strings.HasPrefix(what, prefix) {
			n += times
		}
	}
	return n
}

// installation has one program killed while people work, and started again until it is done.
func (k *killing) installation(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d (the moments of the kills are real time's own)", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	h := newHarness(t, 60)
	faults := h.faults(k.patient)
	began := time.Now()
	for n := 0; n < bouts && k.open(); n++ {
		if n > 0 {
			k.rest(t.Context())
		}
		k.bout(h, rnd, n)
	}
	killed := time.Since(began)
	for _, f := range faults {
		f.Remove() // so that what the hub waits for comes to an end
		k.count(f.what, f.Hits())
	}
	h.finish()
	h.judge()
	t.Logf("killed for %s, at an end after %s", killed.Round(time.Second), time.Since(began).Round(time.Second))
}

// bout has one program killed again and again.
func (k *killing) bout(h *harness, rnd *rand.Rand, nth int) {
	k.turns <- struct{}{}
	defer func() { <-k.turns }()
	for n := 0; n < bout && k.take(); n++ {
		h.edit(rnd, nth*bout+n)
		k.count(h.kill(rnd), 1)
	}
}
