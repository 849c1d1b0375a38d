package account

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// A WaitError says that somebody has tried too often, and may try again then.
type WaitError struct{ Until time.Time }

// Error says so without a time: a log has its own.
func (e *WaitError) Error() string { return "too many tries; wait a while" }

// A pace is how tries are slowed down: so many failures are free, then each wait is twice the
// one before.
type pace struct {
	free  int
	first time.Duration
	most  time.Duration
}

func (p pace) wait(failures int) time.Duration {
	if failures <= p.free {
		return 0
	}
	wait := p.first
	for range failures - p.free - 1 {
		if wait *= 2; wait >= p.most {
			return p.most
		}
	}
	return wait
}

const (
	// forgetAfter is how long a failure counts.
	forgetAfter = time.Hour
	// mostTries is how much is remembered: strangers can invent names and have many addresses.
	mostTries = 20_000
)

// paceOfPair is for one name from one address, paceOfAddress for an address whatever the name,
// and paceOfName for a name from anywhere.
func paceOfPair() pace    { return pace{free: 3, first: time.Second, most: 15 * time.Minute} }
func paceOfAddress() pace { return pace{free: 20, first: time.Second, most: 15 * time.Minute} }
func paceOfName() pace    { return pace{free: 10, first: time.Second, most: time.Minute} }

// A tries is what is remembered of one name, address, or pair of them.
type tries struct {
	failures int
	last     time.Time
	until    time.Time // no try before
	ticket   time.Time // of a pair: from then on one try is let in, whatever others do to the name
}

// A throttle slows down who guesses passwords. What strangers do to a name can delay the
// person whose it is by a minute and never keep them out: whoever has waited as told is let in
// to try once, however many others fail meanwhile.
type throttle struct {
	mu    sync.Mutex
	tries map[string]*tries
}

func newThrottle() *throttle { return &throttle{tries: map[string]*tries{}} }

func keys(name, address string) (pair, byAddress, byName string) {
	name, address = fold(name), network(address)
	return "pair " + address + " " + name, "address " + address, "name " + name
}

// network returns what one customer of a provider has: an IPv4 address, a /64 of IPv6.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// allow lets a try in, or returns a *WaitError. Who is let in counts as failed until succeeded
// says otherwise: tries at the same time are no way around the wait.
func (t *throttle) allow(name, address string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	pair, byAddress, byName := keys(name, address)
	p, a, n := t.of(pair, now), t.of(byAddress, now), t.of(byName, now)
	until := p.until
	if a.until.After(until) {
		until = a.until
	}
	if until.After(now) {
		return &WaitError{until}
	}
	if n.until.After(now) && (p.ticket.IsZero() || p.ticket.After(now)) {
		if p.ticket.IsZero() {
			p.ticket, p.last = n.until, now
			t.keep(pair, p)
		}
		return &WaitError{p.ticket}
	}
	p.ticket = time.Time{}
	for key, x := range map[string]*tries{pair: p, byAddress: a, byName: n} {
		x.failures++
		x.last = now
		x.until = now.Add(paceOf(key).wait(x.failures))
		t.keep(key, x)
	}
	return nil
}

func paceOf(key string) pace {
	switch {
	case strings.HasPrefix(key, "pair "):
		return paceOfPair()
	case strings.HasPrefix(key, "address "):
		return paceOfAddress()
	default:
		return paceOfName()
	}
}

// succeeded forgets what was held against a name from an address. The address itself keeps
// what it has done to others, less this try.
func (t *throttle) succeeded(name, address string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pair, byAddress, byName := keys(name, address)
	delete(t.tries, pair)
	for _, key := range []string{byAddress, byName} {
		if x := t.of(key, now); x.failures > 0 {
			x.failures--
			x.until = now
		}
	}
}

// of returns what is remembered and still counts.
func (t *throttle) of(key string, now time.Time) *tries {
	x := t.tries[key]
	if x == nil || now.Sub(x.last) > forgetAfter && !x.until.After(now) {
		return &tries{}
	}
	return x
}

// keep remembers; when there is too much, what was longest ago goes.
func (t *throttle) keep(key string, x *tries) {
	t.tries[key] = x
	if len(t.tries) <= mostTries {
		return
	}
	oldest := slices.SortedFunc(maps.Keys(t.tries), func(a, b string) int {
		return cmp.Or(t.tries[a].last.Compare(t.tries[b].last), strings.Compare(a, b))
	})
	for _, k := range oldest[:mostTries/10] {
		delete(t.tries, k)
	}
}

// String tells how much is remembered, and of whom nothing.
func (t *throttle) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("%d tries", len(t.tries))
}
