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
				for after := 0; ; after += stride() {
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
			for after := 0; ; after += stride() {
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

// busyDay lets people work on both sides of a synced world, and returns what both sides
// must hold in the end: edits of different fields of one contact, a contact that moves to
// another company, a new company with a new contact on each side.
func (w *world) busyDay() office {
	w.t.Helper()
	id := func(tw twin.Twin, mail string) string { return w.by(tw, "contacts", "email", mail).ID }
	w.put(w.erp, "contacts", id(w.erp, "somchai@thai.co.th"), map[string]string{"phone_pro": "+66900000000"})
	w.put(w.crm, "contacts", id(w.crm, "somchai@thai.co.th"), map[string]string{"lastname": "Deesuk"})
	w.put(w.erp, "contacts", id(w.erp, "zoe@example.org"), map[string]string{"socid": w.by(w.erp, "thirdparties", "name", "Müller & Söhne").ID})
	w.put(w.crm, "contacts", id(w.crm, "bob@example.net"), map[string]string{"phone": "", "lastname": "Jones"})
	w.put(w.crm, "companies", w.by(w.crm, "companies", "name", "Ακμή ΑΕ").ID, map[string]string{"city": "Πάτρα"})
	a := w.put(w.erp, "thirdparties", "", map[string]string{"name": "Left Ltd", "url": "left.example"})
	w.put(w.erp, "contacts", "", map[string]string{"firstname": "Lea", "lastname": "Left", "email": "lea@left.example", "socid": a})
	b := w.put(w.crm, "companies", "", map[string]string{"name": "Right Ltd", "domain": "right.example"})
	w.put(w.crm, "contacts", "", map[string]string{"firstname": "Ria", "lastname": "Right", "email": "ria@right.example", "associatedcompanyid": b})
	time.Sleep(time.Minute)

	erp, crm := smallOffice()
	all := union(erp, crm)
	for i, c := range all.companies {
		if c.domain == "acme.gr" {
			all.companies[i].town = "Πάτρα"
		}
	}
	for i := range all.contacts {
		switch p := &all.contacts[i]; p.email {
		case "somchai@thai.co.th":
			p.phone, p.last = "+66900000000", "Deesuk"
		case "zoe@example.org":
			p.domain = "mueller.de"
		case "bob@example.net":
			p.phone, p.last = "", "Jones"
		}
	}
	all.companies = append(all.companies, firm{"Left Ltd", "left.example", "", ""}, firm{"Right Ltd", "right.example", "", ""})
	all.contacts = append(all.contacts, human{"Lea", "Left", "lea@left.example", "", "left.example"}, human{"Ria", "Right", "ria@right.example", "", "right.example"})
	return all
}

func TestACrashAtAnyCallOfALaterSyncLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			t.Parallel()
			crashed := true
			after := 0
			for ; crashed; after += stride() {
				synctest.Test(t, func(t *testing.T) {
					w, _ := synced(t, pairYAML)
					w.worker = workers
					w.restart()
					want := w.busyDay()
					t.Logf("the crash comes after %d calls", after)
					if crashed = w.crash(after); crashed {
						w.restart()
					}
					w.recovered()
					w.hold(want)
					w.quiet()
				})
			}
			if after < 12 {
				t.Errorf("a later sync of both objects made only %d calls", after)
			}
		})
	}
}

func TestR16AFaultAtAnyCallOfALaterSyncLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range faultKinds() {
		for _, system := range []string{"erp", "crm"} {
			t.Run(fmt.Sprint(kind, " at ", system), func(t *testing.T) {
				t.Parallel()
				struck := true
				after := 0
				for ; struck; after += stride() {
					synctest.Test(t, func(t *testing.T) {
						w, _ := synced(t, pairYAML)
						want := w.busyDay()
						tw := w.erp
						if system == "crm" {
							tw = w.crm
						}
						fault := tw.Kit().Inject(twin.Fault{Kind: kind, After: after, Times: 1, Wait: 3 * time.Second})
						t.Logf("the fault strikes after %d calls", after)
						w.recovered()
						fault.Remove()
						struck = fault.Hits() > 0
						w.hold(want)
						w.quiet()
					})
				}
				if after < 8 {
					t.Errorf("a later sync made only %d calls to %s", after, system)
				}
			})
		}
	}
}
