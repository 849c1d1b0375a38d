package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

const (
	// longestWait is beyond what the hub waits because of failures: ten minutes, after which it tries again.
	longestWait = 11 * time.Minute
	// longestSilence is beyond what one process waits before it ends and leaves the rest to the next: two minutes.
	longestSilence = 4 * time.Minute
	// mostCalls is far beyond what some hundred contacts take.
	mostCalls = 20_000
)

// said is what one run of the program told.
type said struct {
	engine.Report

	code int
	text string // all of it
}

// finish starts the program again until it is done. As long as something waits it says until when,
// and that is how long it is left alone, as its timetable would. It has to keep its word: when the time
// has come, less must wait than before.
func (h *harness) finish() {
	h.t.Helper()
	for before := 0; ; {
		s := h.sync()
		wait, err := s.next(before, time.Now())
		if err != nil {
			h.fatalf("it does not come to an end: %v\n%s", err, s.text)
		}
		if wait == 0 {
			return
		}
		if deadline, ok := h.t.Deadline(); ok && time.Now().Add(wait).After(deadline) {
			h.fatalf("it waits for longer than this test has time\n%s", s.text)
		}
		before = s.Waiting
		time.Sleep(wait)
	}
}

// next is how long to leave the program alone, 0 when it is done. before is how many operations
// waited for the time that has just come; 0 = none was announced.
func (s said) next(before int, now time.Time) (time.Duration, error) {
	switch {
	case s.code == 0 && s.Status == engine.StatusOK:
		return 0, nil
	case s.Status != engine.StatusReview:
		return 0, fmt.Errorf("it ended with %d, %q, and no fault is at work any more", s.code, s.Status)
	case s.Review > 0:
		return 0, errors.New("it asks people, who have done nothing that needs an answer")
	case s.Waiting == 0 || s.Until == nil:
		return 0, errors.New("it is not done, and does not say when it goes on")
	case before > 0 && s.Waiting >= before:
		return 0, fmt.Errorf("%d operations waited for a time, it has come, and now %d wait", before, s.Waiting)
	case s.Until.Sub(now) > longestWait:
		return 0, fmt.Errorf("it goes on only at %s, in %s", s.Until, s.Until.Sub(now))
	}
	return max(s.Until.Sub(now), 0) + time.Second, nil
}

// sync runs the program to its end.
func (h *harness) sync() said {
	h.t.Helper()
	h.gate.await(0, 0)
	r := h.start("sync", "-o", "json")
	for running := true; running; {
		select {
		case <-r.over:
			running = false
		case <-time.After(100 * time.Millisecond):
			h.mayGoOn(r)
		}
	}
	s := said{code: r.ProcessState.ExitCode(), text: r.out.String() + r.told.String()}
	if err := json.Unmarshal(r.out.Bytes(), &s.Report); err != nil {
		h.fatalf("it told no result: %v, %s\n%s", err, r.ProcessState, s.text)
	}
	return s
}

// mayGoOn fails the test if the program will not end by itself, which has to say where it stands.
func (h *harness) mayGoOn(r *running) {
	h.t.Helper()
	why := h.gate.stuck(r.began)
	if why == "" {
		return
	}
	_ = r.Process.Signal(syscall.SIGQUIT) // prints what every goroutine does
	deaf := time.AfterFunc(10*time.Second, func() { _ = r.Process.Kill() })
	<-r.over
	deaf.Stop()
	h.fatalf("%s\n%s%s", why, &r.out, &r.told)
}

// stuck says why a process that began then will not end by itself; "" = it may.
func (g *gate) stuck(began time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last.After(began) {
		began = g.last
	}
	switch quiet := time.Since(began); {
	case quiet > longestSilence:
		return fmt.Sprintf("it hangs: it has asked nothing for %s", quiet.Round(time.Second))
	case g.calls > mostCalls:
		return fmt.Sprintf("it goes round in circles: %d requests", g.calls)
	}
	return ""
}

// fatalf ends the test with what the hub says of itself.
func (h *harness) fatalf(format string, args ...any) {
	h.t.Helper()
	h.t.Fatalf(format+"\n%s", append(args, h.says())...)
}

// says asks the hub how things stand, as a person would.
func (h *harness) says() string {
	h.t.Helper()
	var b strings.Builder
	for _, words := range []string{"status", "review list"} {
		out, err := h.program(strings.Fields(words)...).CombinedOutput()
		if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
			fmt.Fprintf(&b, "tandem %s: %v\n", words, err)
		}
		fmt.Fprintf(&b, "tandem %s:\n%s\n", words, out)
	}
	return b.String()
}

// judge asks the ledgers: every contact once at each side, created there once at most, and
// with what people gave it.
func (h *harness) judge() {
	h.t.Helper()
	for side, tw := range []twin.Twin{h.erp, h.crm} {
		name, seen, made := []string{"erp", "crm"}[side], map[string]int{}, map[string]int{}
		for _, r := range tw.Rows("contacts") {
			email := r.Fields["email"]
			if seen[email]++; r.Fields[titleOf(side)] != h.title[email] {
				h.t.Errorf("%s: %s of %s is %q, want %q", name, titleOf(side), email, r.Fields[titleOf(side)], h.title[email])
			}
		}
		for _, act := range tw.Kit().Ledger().Acts() {
			if act.Verb == "create" {
				made[act.Fields["email"]]++
			}
		}
		for email := range h.title {
			if seen[email] != 1 || made[email] != 1 {
				h.t.Errorf("%s has %s %d times and it was created %d times, want once", name, email, seen[email], made[email])
			}
		}
	}
	before := writes(h.erp) + writes(h.crm)
	if s := h.sync(); s.code != 0 || writes(h.erp)+writes(h.crm) != before {
		h.t.Errorf("a further run wrote %d times\n%s", writes(h.erp)+writes(h.crm)-before, s.text)
	}
	if h.t.Failed() {
		h.t.Log(h.says())
	}
}

// The harness waits as the hub says, and no longer than it keeps its word.
func TestTheKillHarnessBelievesWhatTheHubAnnounces(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	for _, c := range []struct {
		name   string
		s      said
		before int
		wait   time.Duration
		err    string
	}{
		{"done", said{Report: engine.Report{Status: engine.StatusOK}}, 3, 0, ""},
		{"waits", said{code: 3, Report: engine.Report{Status: engine.StatusReview, Waiting: 3, Until: at(9 * time.Minute)}}, 0, 9*time.Minute + time.Second, ""},
		{"waits for less", said{code: 3, Report: engine.Report{Status: engine.StatusReview, Waiting: 2, Until: at(-time.Minute)}}, 3, time.Second, ""},
		{"waits again", said{code: 3, Report: engine.Report{Status: engine.StatusReview, Waiting: 3, Until: at(time.Minute)}}, 3, 0, "now 3 wait"},
		{"waits for hours", said{code: 3, Report: engine.Report{Status: engine.StatusReview, Waiting: 3, Until: at(time.Hour)}}, 0, 0, "goes on only at"},
		{"says not when", said{code: 3, Report: engine.Report{Status: engine.StatusReview}}, 0, 0, "does not say when"},
		{"asks", said{code: 3, Report: engine.Report{Status: engine.StatusReview, Review: 1, Waiting: 1, Until: at(time.Minute)}}, 0, 0, "asks people"},
		{"fails", said{code: 1, Report: engine.Report{Status: engine.StatusFailed, Waiting: 1, Until: at(time.Minute)}}, 0, 0, "no fault is at work"},
		{"is stopped", said{code: 3, Report: engine.Report{Status: engine.StatusBlocked, Waiting: 1, Until: at(time.Minute)}}, 0, 0, "no fault is at work"},
	} {
		wait, err := c.s.next(c.before, now)
		if wait != c.wait || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %s, %v; want %s, %q", c.name, wait, err, c.wait, c.err)
		}
	}
}
