package sim

import (
	"fmt"
	"strings"
	"time"
)

// settled: the outbox is empty, every record planned, and the twins were asked for nothing
// that they do not know.
func (w *world) settled() {
	for _, s := range w.syncs() {
		ops, err := w.store.Ops(w.ctx, s.Name)
		if err != nil {
			w.blamef("the outbox cannot be read: %v", err)
		}
		for _, op := range ops {
			w.blamef("an operation is left in the outbox: %s %s/%s from %s, %s: %s", op.Verb, op.Target, op.TargetID, op.SourceID, op.State, op.Error)
		}
		tally, err := w.store.Tally(w.ctx, s.Name)
		if err != nil || tally.Dirty > 0 {
			w.blamef("%d records are left to be planned: %v", tally.Dirty, err)
		}
	}
	for _, a := range w.set.Sides {
		if u := a.Twin.Kit().Unknowns(); len(u) > 0 {
			w.blamef("%s was asked for what it does not know: %s", a.Connection, shorten(u))
		}
	}
}

// rest is invariant 6: a further run writes nothing and makes few calls, and a new process
// has nothing to do either; nor has a run before which the vendors have touched all records and
// changed none.
func (w *world) rest() {
	w.restart()
	for n := range 2 {
		for side := range w.set.Sides {
			if n == 1 {
				w.touchAll(side)
			}
		}
		time.Sleep(10 * time.Minute)
		before, lines := w.written(), len(w.history())
		w.counts["calls"] = 0
		if !w.run(false) {
			w.blamef("a further run is not in order: %s", w.last)
		}
		if n := w.written() - before; n > 0 {
			w.blamef("a further run wrote %d times", n)
		}
		if n := len(w.history()) - lines; n > 0 {
			w.blamef("a further run added %d lines to the journal: %s", n, shorten(w.journal()[lines:]))
		}
		if most := 2 * w.set.IdleCalls; n == 0 && w.counts["calls"] > most {
			w.blamef("an idle run made %d calls, of at most %d", w.counts["calls"], most)
		}
	}
	delete(w.counts, "calls")
}

// Report tells a life that went wrong: what does not hold, how to live it again, and with
// all what happened.
func (r Result) Report(command string, all bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d things do not hold; live it again with: %s\n", r.Seed, len(r.Wrong), command)
	for i, line := range r.Wrong {
		if i == 12 {
			fmt.Fprintf(&b, "  and %d more\n", len(r.Wrong)-i)
			break
		}
		fmt.Fprintln(&b, " -", line)
	}
	if all {
		fmt.Fprintln(&b, "what happened:")
		for _, line := range r.Trace {
			fmt.Fprintln(&b, "  ", line)
		}
		fmt.Fprintln(&b, "the journal:")
		for _, line := range r.Journal {
			fmt.Fprintln(&b, "  ", line)
		}
	}
	return b.String()
}
