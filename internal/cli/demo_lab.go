package cli

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

const (
	// troubleFor is how long a trouble lasts that nobody ends.
	troubleFor = time.Minute
	// killWithin is how long a process that is to die waits for a write to die in.
	killWithin = 20 * time.Second
	// stormWait is what the systems ask for in a storm.
	stormWait = 3 * time.Second
)

// A lab is where a visitor breaks the simulated systems. It outlives the processes that serve.
type lab struct {
	demo    *demo
	base    string // the console's address
	address string
	through *http.Transport // to whoever serves, for what vendors report

	mu       sync.Mutex
	word     string // of the link that signs in
	troubles []*trouble
	work     []console.Work // the newest first
	seq      int            // of what people do
	life     *life
	store    *store.Store          // of the life; nil while there is none
	run      func(...string) error // asks for syncs to be run
}

// A trouble is one of those that can be played.
type trouble struct {
	name  string
	begin func() []*twin.Injected // what is put to work; nil = something else than faults

	on       bool
	until    time.Time
	hits     int // of faults that are over
	injected []*twin.Injected
	timer    *time.Timer
}

func newLab(d *demo, r *relay) *lab {
	address := r.Addr().String()
	l := &lab{demo: d, base: "http://" + address, address: address, through: &http.Transport{DialContext: r.dial, DisableKeepAlives: true}}
	everywhere := func(f twin.Fault, sides ...*side) func() []*twin.Injected {
		return func() (all []*twin.Injected) {
			for _, s := range sides {
				all = append(all, s.twin.Kit().Inject(f))
			}
			return all
		}
	}
	l.troubles = []*trouble{
		{name: "storm", begin: everywhere(twin.Fault{Kind: twin.FaultRateLimit, Wait: stormWait}, d.sides()...)},
		{name: "token", begin: everywhere(twin.Fault{Kind: twin.FaultUnauthorized}, &d.crm)},
		{name: "hooks"},
		{name: "kill"},
	}
	return l
}

// of returns the trouble of a name, for who holds mu.
func (l *lab) of(name string) (*trouble, error) {
	i := slices.IndexFunc(l.troubles, func(t *trouble) bool { return t.name == name })
	if i < 0 {
		return nil, console.ErrNoTrouble
	}
	return l.troubles[i], nil
}

// Troubles tells how all of them stand.
func (l *lab) Troubles() []console.Trouble {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []console.Trouble
	for _, t := range l.troubles {
		x := console.Trouble{Name: t.name, On: t.on, Until: t.until, Hits: t.hits}
		for _, i := range t.injected {
			x.Hits += i.Hits()
		}
		all = append(all, x)
	}
	return all
}

// Break begins a trouble.
func (l *lab) Break(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, err := l.of(name)
	if err != nil {
		return err
	}
	if name == "kill" {
		return l.kill(t)
	}
	t.end()
	t.on, t.until = true, time.Now().Add(troubleFor)
	if t.begin != nil {
		t.injected = t.begin()
	}
	var timer *time.Timer
	timer = time.AfterFunc(troubleFor, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.timer == timer {
			t.end()
		}
	})
	t.timer = timer
	return nil
}

// Mend ends a trouble.
func (l *lab) Mend(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, err := l.of(name)
	if err == nil {
		t.end()
	}
	return err
}

// end takes a trouble away, for who holds the lab's mu.
func (t *trouble) end() {
	for _, i := range t.injected {
		t.hits += i.Hits()
		i.Remove()
	}
	if t.timer != nil {
		t.timer.Stop()
	}
	t.on, t.until, t.injected, t.timer = false, time.Time{}, nil, nil
}

// Work tells what people did last.
func (l *lab) Work() []console.Work {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.work)
}

// Compare reads the systems of the first pair themselves.
func (l *lab) Compare(ctx context.Context) (console.Comparison, error) {
	l.mu.Lock()
	st := l.store
	l.mu.Unlock()
	var c console.Comparison
	if st == nil {
		return c, errors.New("nothing is served at the moment")
	}
	d := l.demo
	for _, sync := range d.officeSyncs() {
		left, right := rowsByID(d.erp.twin, sync.left.Name), rowsByID(d.crm.twin, sync.right.Name)
		pairs, values, differ, err := d.comparePairs(ctx, st, sync.name, sync.left, sync.right, left, right)
		if err != nil {
			return c, err
		}
		c.Pairs, c.Values, c.Differ = c.Pairs+pairs, c.Values+values, c.Differ+differ
	}
	return c, nil
}

// invite shows the terminal a link that signs in, once.
func (l *lab) invite() error {
	word := rand.Text()
	l.mu.Lock()
	l.word = word
	l.mu.Unlock()
	return l.demo.print("This link signs in, once:\n  " + l.base + "/demo/enter?token=" + word + "\nPress Ctrl-C to end the demo; nothing of it is kept.\n")
}

// Redeem takes the word of the link. Another link is shown for another browser.
func (l *lab) Redeem(word string) bool {
	l.mu.Lock()
	right := l.word != "" && subtle.ConstantTimeCompare([]byte(l.word), []byte(word)) == 1
	if right {
		l.word = ""
	}
	l.mu.Unlock()
	return right && l.invite() == nil
}

// adopt takes over what the console of a new process works with, and sees to it that there is
// somebody to sign in as.
func (l *lab) adopt(ctx context.Context, h *hub, accounts *account.Accounts) error {
	l.mu.Lock()
	l.store, l.run = h.store, h.Run
	l.mu.Unlock()
	fresh, err := accounts.NeedsSetup(ctx)
	if err != nil || !fresh {
		return err
	}
	return console.AddDemo(ctx, accounts)
}

// A life is what a process is cut off from when it is killed.
type life struct {
	end   context.CancelFunc
	armed atomic.Pointer[trouble] // the next write ends it
	dead  atomic.Bool
	lab   *lab
}

// born begins the life of a process.
func (l *lab) born(end context.CancelFunc) *life {
	x := &life{end: end, lab: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life, l.store, l.run = x, nil, nil
	return x
}

// kill has twelve people edited, and the process die in the middle of writing that. It is called
// by who holds mu.
func (l *lab) kill(t *trouble) error {
	x, run := l.life, l.run
	if x == nil || run == nil || t.on {
		return nil // it dies already
	}
	for range 12 {
		if err := l.editOffice(); err != nil {
			return err
		}
	}
	t.on, t.until = true, time.Now().Add(killWithin)
	t.timer = time.AfterFunc(killWithin, func() { x.die(t) })
	x.armed.Store(t)
	return run("companies", "contacts")
}

// die cuts the process off.
func (x *life) die(t *trouble) {
	if !x.dead.CompareAndSwap(false, true) {
		return
	}
	x.end()
	x.lab.mu.Lock()
	defer x.lab.mu.Unlock()
	t.hits++
	t.end()
}

// transport carries a connection's requests for as long as the process lives.
func (x *life) transport(c plan.Connection) http.RoundTripper {
	return mortal{life: x, next: x.lab.demo.transport(c)}
}

type mortal struct {
	life *life
	next http.RoundTripper
}

// RoundTrip carries one request. A process that dies in a write never hears what became of it.
func (m mortal) RoundTrip(req *http.Request) (*http.Response, error) {
	if m.life.dead.Load() {
		return nil, fmt.Errorf("the demo has cut this process off: %w", syscall.ECONNREFUSED)
	}
	res, err := m.next.RoundTrip(req)
	if err == nil && req.Method != http.MethodGet && !strings.Contains(req.URL.Path, "search") {
		if t := m.life.armed.Swap(nil); t != nil {
			m.life.die(t)
		}
	}
	if m.life.dead.Load() {
		if err == nil {
			_ = res.Body.Close() // nobody is there to read it
		}
		return nil, fmt.Errorf("the demo has cut this process off: %w", syscall.ECONNRESET)
	}
	return res, err
}

// carry delivers what waits at the vendors that call. What nobody takes stays with them.
func (l *lab) carry(ctx context.Context) {
	for _, s := range []*side{&l.demo.sales, &l.demo.mail} {
		if n, is := s.twin.(twin.Notifier); is {
			_, _ = n.Deliver(ctx, l, twin.HookFaults{})
		}
	}
}

// RoundTrip takes what a vendor sends to the public address to whoever serves. In a time of lost
// webhooks somebody on the way thanks for it, and it never arrives.
func (l *lab) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.loses() {
		return &http.Response{Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", l.address
	return l.through.RoundTrip(r)
}

// loses reports whether a webhook is lost now, and counts it.
func (l *lab) loses() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, err := l.of("hooks")
	if err != nil || !t.on {
		return false
	}
	t.hits++
	return true
}
