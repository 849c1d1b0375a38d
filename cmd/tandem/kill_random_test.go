package main

import (
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
	beside  int       // installations at work at a time: most of their time they wait for vendors to settle
	each    int       // kills in one installation
	patient bool      // replies of HubSpot are lost too, which settles in a minute: too long for every day
	until   time.Time // zero = left counts

	mu     sync.Mutex
	left   int
	homes  int
	counts map[string]int
}

// killsOf reads the environment.
func killsOf(env func(string) string) (*killing, error) {
	k := &killing{beside: 1, each: 120, left: 24, counts: map[string]int{}}
	if s := env("TANDEM_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("TANDEM_KILLS: %w", err)
		}
		k.left, k.patient = n, true
		k.beside = min(besides, (n+k.each-1)/k.each)
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

// besides is how many installations two processors carry: with more, most kills would strike a
// process that has only begun.
const besides = 8

// open reports whether there is more to kill.
func (k *killing) open() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.until.IsZero() {
		return time.Now().Before(k.until)
	}
	return k.left > 0
}

// take takes one kill of those that are left.
func (k *killing) take() bool {
	if !k.open() {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left--
	return true
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
	for n := 0; n < k.each && k.take(); n++ {
		h.edit(rnd, n)
		k.count(h.kill(rnd), 1)
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
