package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// A harness is the program, two servers and what people did there.
type harness struct {
	t        *testing.T
	erp, crm twin.Twin
	gate     *gate
	dir      string
	title    map[string]string // by e-mail: the job title that people gave last
	at       map[string]int    // by e-mail: the side on which people give titles
}

// newHarness lets people fill both sides: a third of the contacts here, a third there, and a
// third on both.
func newHarness(t *testing.T, n int) *harness {
	t.Helper()
	h := &harness{t: t, dir: t.TempDir(), gate: &gate{}, title: map[string]string{}, at: map[string]int{}}
	h.erp = twinOf(t, "dolibarr", twin.Options{NoLimits: true, Latency: 5 * time.Millisecond})
	h.crm = twinOf(t, "hubspot", twin.Options{NoLimits: true, Prompt: true, Latency: 5 * time.Millisecond})
	for i := range n {
		for side := range 2 {
			if i%3 != side {
				h.meet(side, i)
			}
		}
	}
	erp, crm := httptest.NewServer(h.gate.before(h.erp)), httptest.NewServer(h.gate.before(h.crm))
	t.Cleanup(erp.Close)
	t.Cleanup(crm.Close)
	yaml := strings.Replace(killYAML, "direction: right-to-left, ", "guard: { create: 100000, update: 100000 }, ", 1)
	if err := os.WriteFile(filepath.Join(h.dir, "tandem.yaml"), fmt.Appendf(nil, yaml, erp.URL, crm.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// meet has people enter a contact.
func (h *harness) meet(side, i int) {
	h.t.Helper()
	email := fmt.Sprintf("p%d@x.example", i)
	h.put(side, "", map[string]string{"lastname": fmt.Sprintf("Person %d", i), "email": email})
	h.title[email] = ""
}

func (h *harness) put(side int, id string, fields map[string]string) {
	h.t.Helper()
	if _, err := []twin.Twin{h.erp, h.crm}[side].Put("contacts", id, fields); err != nil {
		h.t.Fatal(err)
	}
}

// titleOf is what a job title is called on a side.
func titleOf(side int) string { return []string{"poste", "jobtitle"}[side] }

// edit lets people enter some contacts and give some a job title, each at one side only: nobody
// overrules anybody, so that whatever is missing in the end is lost.
func (h *harness) edit(rnd *rand.Rand, n int) {
	h.t.Helper()
	for range rnd.IntN(4) {
		h.meet(rnd.IntN(2), len(h.title))
	}
	for side, tw := range []twin.Twin{h.erp, h.crm} {
		rows := tw.Rows("contacts")
		for _, r := range rows {
			email := r.Fields["email"]
			if at, given := h.at[email]; rnd.IntN(max(12, len(rows)/4)) > 0 || given && at != side {
				continue
			}
			h.at[email], h.title[email] = side, fmt.Sprintf("%s %d", []string{"chief of", "head of"}[side], n)
			h.put(side, r.ID, map[string]string{titleOf(side): h.title[email]})
		}
	}
}

// A mishap is a fault at work, and what its strikes are counted as.
type mishap struct {
	*twin.Injected
	what string
}

// faults has vendors carry out writes of which the program is not told. patient has HubSpot do so
// too, and fail to answer when it is asked what became of them.
func (h *harness) faults(patient bool) []mishap {
	const contacts = "/crm/objects/2026-09/contacts/batch/"
	all := []mishap{{h.erp.Kit().Inject(twin.Fault{Kind: twin.FaultLostReply, Method: "POST", After: 2, Every: 5}), lostBefore + "reply to a create in Dolibarr"}}
	if !patient {
		return all
	}
	for _, x := range []struct {
		at   twin.Twin
		f    twin.Fault
		what string
	}{
		{h.erp, twin.Fault{Kind: twin.FaultLostReply, Method: "PUT", After: 3, Every: 7}, lostBefore + "reply to an update in Dolibarr"},
		{h.crm, twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Path: contacts + "create", After: 1, Every: 4}, lostBefore + "HubSpot's creates end in an error"},
		{h.crm, twin.Fault{Kind: twin.FaultLostReply, Method: "POST", Path: contacts + "create", After: 2, Every: 4}, lostBefore + "reply to creates in HubSpot"},
		{h.crm, twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Path: contacts + "update", After: 1, Every: 5}, lostBefore + "HubSpot's updates end in an error"},
		{h.crm, twin.Fault{Kind: twin.FaultTruncate, Method: "POST", Path: contacts + "update", After: 2, Every: 5}, lostBefore + "half of a reply to updates in HubSpot"},
		{h.crm, twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Path: contacts + "read", After: 1, Every: 6}, "HubSpot could not be asked what it holds"},
	} {
		all = append(all, mishap{x.at.Kit().Inject(x.f), x.what})
	}
	return all
}

func (h *harness) program(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(h.t.Context(), asTandem(h.t, h.dir), args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "ERP_KEY="+h.erp.Settings()["api_key"], "CRM_TOKEN="+h.crm.Settings()["access_token"])
	return cmd
}

// running is the program at work.
type running struct {
	*exec.Cmd

	began     time.Time
	over      chan struct{} // closed when it has ended: then what it told may be read
	out, told bytes.Buffer
}

func (h *harness) start(args ...string) *running {
	h.t.Helper()
	r := &running{Cmd: h.program(args...), began: time.Now(), over: make(chan struct{})}
	r.Stdout, r.Stderr = &r.out, &r.told
	if err := r.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		_ = r.Wait() // its state tells
		close(r.over)
	}()
	return r
}

// What a kill struck. The last is none.
const (
	beforeAll = killedBefore + "before its first request"
	reading   = killedBefore + "among its reads"
	writing   = killedBefore + "after its first write"
	resting   = killedBefore + "while it waited"
	ended     = "ended before it was killed"
)

// kill starts the program, kills it at some moment and says what it struck.
func (h *harness) kill(rnd *rand.Rand) string {
	h.t.Helper()
	reached, late, jitter := h.moment(rnd)
	r := h.start("sync", "-q")
	what := ""
	for what == "" {
		select {
		case <-r.over:
			what = ended
		case <-late:
			what = h.gate.seen()
		case <-reached:
			time.Sleep(jitter)
			what = h.gate.seen()
		case <-time.After(50 * time.Millisecond):
			h.mayGoOn(r)
			if h.gate.quiet(r.began) {
				what = resting
			}
		}
	}
	_ = r.Process.Kill() // it may just have ended
	<-r.over
	return h.struck(r, what)
}

// struck corrects what a kill seemed to strike: a process may have ended just before, and one that
// ends with 2 finds its database or its configuration unusable, or has panicked.
func (h *harness) struck(r *running, what string) string {
	h.t.Helper()
	if status, ok := r.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return what
	}
	if code := r.ProcessState.ExitCode(); code != 0 && code != 1 && code != 3 {
		h.fatalf("after a kill: %s\n%s%s", r.ProcessState, &r.out, &r.told)
	}
	return ended
}

// moment draws when to kill: after some time, at some request, or, most often, at some write; then
// not at once, so that it strikes before the vendor has acted, after that, and in what the program
// does about the answer.
func (h *harness) moment(rnd *rand.Rand) (reached <-chan struct{}, late <-chan time.Time, jitter time.Duration) {
	jitter = time.Duration(rnd.IntN(20_000)) * time.Microsecond
	switch rnd.IntN(6) {
	case 0:
		late = time.After(time.Duration(rnd.IntN(400)) * time.Millisecond)
		return h.gate.await(0, 0), late, 0
	case 1:
		return h.gate.await(1+rnd.IntN(24), 0), nil, jitter
	default:
		return h.gate.await(0, 1+rnd.IntN(4)), nil, jitter
	}
}

// A gate stands before both vendors, counts what one process asks them for, and tells when that is
// so much.
type gate struct {
	mu            sync.Mutex
	calls, writes int       // so far
	atCall, at    int       // of which the one to wait for; 0 = none
	first, last   time.Time // when they came; zero = none yet
	reached       chan struct{}
}

// await begins to count anew.
func (g *gate) await(call, write int) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls, g.writes, g.atCall, g.at, g.first, g.last = 0, 0, call, write, time.Time{}, time.Time{}
	g.reached = make(chan struct{})
	return g.reached
}

func (g *gate) count(r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	write := r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/search") && !strings.HasSuffix(r.URL.Path, "/read")
	g.last = time.Now()
	if g.calls++; g.calls == 1 {
		g.first = g.last
	}
	if write {
		g.writes++
	}
	if g.calls == g.atCall || write && g.writes == g.at {
		close(g.reached)
	}
}

func (g *gate) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.count(r)
		next.ServeHTTP(w, r)
	})
}

// seen says what a kill strikes now.
func (g *gate) seen() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.calls == 0:
		return beforeAll
	case g.writes == 0:
		return reading
	default:
		return writing
	}
}

// quiet reports whether a process that began then has nothing to ask for now. How long it took to
// begin tells how much else the machine has to do.
func (g *gate) quiet(began time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls > 0 && time.Since(g.last) > max(250*time.Millisecond, 3*g.first.Sub(began))
}
