package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

// faultKinds are the faults that a vendor recovers from by itself.
func faultKinds() []twin.FaultKind {
	return []twin.FaultKind{twin.FaultRateLimit, twin.FaultUnavailable, twin.FaultHTML, twin.FaultRefuse,
		twin.FaultErrorAfterCommit, twin.FaultLostReply, twin.FaultTruncate, twin.FaultSlow}
}

// TestR16AFaultAtAnyCallLosesAndDoublesNothing lets every call of a first sync meet every
// fault in turn.
func TestR16AFaultAtAnyCallLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range faultKinds() {
		for _, system := range []string{"erp", "crm"} {
			t.Run(fmt.Sprint(kind, " at ", system), func(t *testing.T) {
				t.Parallel()
				for after := 0; ; after++ {
					struck := true
					synctest.Test(t, func(t *testing.T) {
						struck = oneFault(t, system, twin.Fault{Kind: kind, After: after, Times: 1, Wait: 3 * time.Second})
					})
					if !struck {
						if after < 10 {
							t.Errorf("a first sync made only %d calls to %s", after, system)
						}
						return
					}
				}
			})
		}
	}
}

// oneFault runs a first sync with a fault in it and reports whether it struck.
func oneFault(t *testing.T, system string, f twin.Fault) bool {
	t.Helper()
	w := newWorld(t, pairYAML)
	erp, crm := smallOffice()
	w.furnish(erp, crm)
	tw := w.erp
	if system == "crm" {
		tw = w.crm
	}
	fault := tw.Kit().Inject(f)
	t.Logf("the fault strikes after %d calls", f.After)
	w.recovered()
	fault.Remove()
	w.hold(union(erp, crm))
	w.quiet()
	return fault.Hits() > 0
}

func TestFaultsOfAllKindsAgainAndAgain(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		for _, kind := range faultKinds() {
			t.Run(fmt.Sprint(kind, " with ", workers, " workers"), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, pairYAML)
					w.worker = workers
					w.restart()
					erp, crm := smallOffice()
					w.furnish(erp, crm)
					var faults []*twin.Injected
					for _, tw := range []twin.Twin{w.erp, w.crm} {
						faults = append(faults, tw.Kit().Inject(twin.Fault{Kind: kind, After: 2, Every: 5, Times: 12, Wait: 3 * time.Second}))
					}
					for range 10 {
						w.trySync(engine.SyncOptions{})
						time.Sleep(15 * time.Minute)
					}
					for _, f := range faults {
						if f.Hits() == 0 {
							t.Error("a fault did not strike")
						}
						f.Remove()
					}
					w.recovered()
					w.hold(union(erp, crm))
					w.quiet()
				})
			})
		}
	}
}

func TestRateLimitsWithAndWithoutRetryAfter(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{0, 2 * time.Second, time.Minute, time.Hour} {
		t.Run(wait.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, pairYAML)
				erp, crm := smallOffice()
				w.furnish(erp, crm)
				fault := w.crm.Kit().Inject(twin.Fault{Kind: twin.FaultRateLimit, Method: "POST", Path: "/crm/objects/2026-09/contacts", Times: 2, Wait: wait})
				began := time.Now()
				w.recovered()
				if fault.Hits() != 2 {
					t.Errorf("the limit struck %d times, want 2", fault.Hits())
				}
				if took := time.Since(began); took < wait {
					t.Errorf("all was done after %s although the vendor asked to wait %s", took, wait)
				}
				w.hold(union(erp, crm))
				w.quiet()
			})
		})
	}
}

func TestACrashAtAnyCallLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			t.Parallel()
			for after := 0; ; after++ {
				crashed := true
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, pairYAML)
					w.worker = workers
					w.restart()
					erp, crm := smallOffice()
					w.furnish(erp, crm)
					t.Logf("the crash comes after %d calls", after)
					if crashed = w.crash(after); crashed {
						w.restart()
					}
					w.recovered()
					w.hold(union(erp, crm))
					w.quiet()
				})
				if !crashed {
					if after < 20 {
						t.Errorf("a first sync of both objects made only %d calls", after)
					}
					return
				}
			}
		})
	}
}
