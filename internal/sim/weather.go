package sim

import (
	"time"

	"github.com/tandemhub/tandem/twin"
)

// A moment is one at which a process can end.
type moment string

const (
	beforeCall   moment = "before a call"
	afterCall    moment = "after a call was carried out"
	beforeCommit moment = "before a transaction"
	afterCommit  moment = "after a transaction"
)

func moments() []moment { return []moment{beforeCall, afterCall, beforeCommit, afterCommit} }

// fullDisk is what happens when transactions find no room, until the run has ended.
const fullDisk = "full disk"

// jobs is how it is counted that a vendor takes writes and decides them later.
const jobs = "writes are jobs"

const withRetryAfter = " with Retry-After"

func faultKinds() []twin.FaultKind {
	return []twin.FaultKind{twin.FaultRateLimit, twin.FaultUnavailable, twin.FaultUnauthorized, twin.FaultHTML, twin.FaultRefuse,
		twin.FaultErrorAfterCommit, twin.FaultLostReply, twin.FaultTruncate, twin.FaultSlow}
}

// A stop is the end that is waiting for a process.
type stop struct {
	at     moment // "" = none
	in     int    // so many of these moments from now
	gently bool   // it is told to stop, not killed
	pulled bool
}

// struck counts one moment, and ends the process if it was the one.
func (w *world) struck(at moment) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.stop
	if s.at != at || s.pulled {
		return false
	}
	if s.in--; s.in > 0 {
		return false
	}
	s.pulled = true
	if s.gently {
		w.count("told to stop " + string(at))
		w.cancel()
		return false
	}
	w.count("killed " + string(at))
	w.dead = true
	w.cancel()
	return at != afterCommit
}

// brimming reports whether the disk is full at this transaction.
func (w *world) brimming() bool {
	if w.full == 0 {
		return false
	}
	if w.full == 1 {
		w.count(fullDisk)
	}
	w.full--
	if w.full == 0 {
		w.full = -1 // from now on
	}
	return w.full < 0
}

// A fault is one that has been let loose, and how it is counted.
type fault struct {
	*twin.Injected
	name string
	side int
}

// weather lets faults loose, moves clocks and plans the end of the process.
func (w *world) weather() {
	w.stop = stop{}
	switch n := w.rnd.IntN(10); {
	case n < 3:
		at := moments()[w.rnd.IntN(4)]
		w.stop = stop{at: at, in: 1 + w.rnd.IntN(20)}
	case n < 5:
		at := moments()[w.rnd.IntN(4)]
		w.stop = stop{at: at, in: 1 + w.rnd.IntN(20), gently: true}
	case n == 5:
		w.count("restart")
		w.restart()
	case n == 6:
		w.full = 1 + w.rnd.IntN(30)
	}
	if w.strikes(StressKill, 1) && w.storm.IntN(4) > 0 {
		w.strikeSoon()
	}
	for range w.rnd.IntN(3) {
		w.fault()
	}
	if w.rnd.IntN(5) == 0 && !w.set.Steady {
		w.skew(w.rnd.IntN(len(w.set.Sides)))
	}
	if w.rnd.IntN(3) == 0 {
		w.clear()
	}
	if s, can := w.set.Sides[w.rnd.IntN(len(w.set.Sides))].Twin.(slower); can && w.set.Acts.Jobs && w.rnd.IntN(3) == 0 {
		s.Slow(time.Duration(1+w.rnd.IntN(int(LongestJob/time.Minute))) * time.Minute)
		w.count(jobs)
	}
}

// LongestJob is how long a vendor may take for a write that is a job.
const LongestJob = 40 * time.Minute

// A slower is a twin whose vendor takes writes and decides them later.
type slower interface{ Slow(time.Duration) }

// skew sets a vendor's clock.
func (w *world) skew(side int) {
	w.set.Sides[side].Twin.Kit().Skew(time.Duration(w.rnd.IntN(480)-240) * time.Second)
	w.count("clock skew")
}

func (w *world) fault() {
	kinds := faultKinds()
	f := twin.Fault{Kind: kinds[w.rnd.IntN(len(kinds))], After: w.rnd.IntN(8), Every: 1 + w.rnd.IntN(5), Times: 1 + w.rnd.IntN(4)}
	name := string(f.Kind)
	if w.rnd.IntN(2) == 0 {
		f.Method = "POST"
	}
	switch f.Kind {
	case twin.FaultRateLimit, twin.FaultUnavailable:
		if w.rnd.IntN(2) == 0 {
			f.Wait = time.Duration(1+w.rnd.IntN(300)) * time.Second
			name += withRetryAfter
		}
	case twin.FaultSlow:
		f.Wait = time.Duration(1+w.rnd.IntN(100)) * time.Second
	}
	side := w.rnd.IntN(len(w.set.Sides))
	w.notef("fault at %s: %s %+v", w.set.Sides[side].Connection, name, f)
	w.faults = append(w.faults, &fault{w.set.Sides[side].Twin.Kit().Inject(f), name, side})
}

// clear ends all faults.
func (w *world) clear() {
	for _, f := range w.faults {
		w.counts[f.name] += f.Hits()
		f.Remove()
	}
	w.faults = nil
	w.stop, w.full = stop{}, 0
	for _, a := range w.set.Sides {
		if s, can := a.Twin.(slower); can && w.set.Acts.Jobs {
			s.Slow(0)
		}
	}
}

func (w *world) count(what string) {
	w.counts[what]++
	w.notef("%s", what)
}
