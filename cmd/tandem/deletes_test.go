package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// withDelete is the usual configuration with a policy for records whose partner was deleted.
func withDelete(left, right string) string {
	policy := fmt.Sprintf("\n    delete: { left: %s, right: %s }", left, right)
	return strings.NewReplacer("match: [domain]", "match: [domain]"+policy, "match: [email]", "match: [email]"+policy).Replace(pairYAML)
}

func (w *world) remove(tw twin.Twin, object, id string) {
	w.t.Helper()
	if err := tw.Remove(object, id); err != nil {
		w.t.Fatal(err)
	}
}

// swept runs the syncs with a search for deleted records; none may fail.
func (w *world) swept() map[string]engine.Report {
	w.t.Helper()
	return w.sync(engine.SyncOptions{Sweep: true})
}

// has reports whether people still see a contact of that address.
func (w *world) has(tw twin.Twin, email string) bool {
	w.t.Helper()
	for _, r := range tw.Rows("contacts") {
		if r.Fields["email"] == email {
			return true
		}
	}
	return false
}

func TestR22AnArchivedHubSpotContactFollowsThePolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy string
		stays  bool
		kind   store.EntryKind
	}{{"ignore", true, store.Closed}, {"unlink", true, store.Closed}, {"archive", false, store.Archived}, {"delete", false, store.Deleted}} {
		t.Run(c.policy, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, _ := synced(t, withDelete(c.policy, "ignore"))
				mine := w.by(w.erp, "contacts", "email", "bob@example.net").ID
				w.remove(w.crm, "contacts", w.by(w.crm, "contacts", "email", "bob@example.net").ID)
				rep := w.swept()["contacts"]
				if w.has(w.erp, "bob@example.net") != c.stays {
					t.Errorf("policy %s: still there is %t; %+v %v", c.policy, !c.stays, rep, w.queue())
				}
				if want := map[bool]int{true: 0, false: 1}[c.stays]; rep.Left.Deleted != want {
					t.Errorf("%d deletes are counted, want %d", rep.Left.Deleted, want)
				}
				if lines := w.journal("erp", "contacts", mine); !tells(lines, c.kind, "") {
					t.Errorf("the journal does not say %s: %+v", c.kind, lines)
				}
				if c.stays { // R18: the survivor's edits neither travel nor make the record anew
					w.put(w.erp, "contacts", mine, map[string]string{"poste": "Still here"})
					w.swept()
				}
				if w.has(w.crm, "bob@example.net") {
					t.Error("the deleted contact was created again")
				}
				w.quiet()
			})
		})
	}
}

func TestR18AnArchivedContactThatComesBackIsLinkedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, all := synced(t, withDelete("ignore", "ignore"))
		theirs := w.by(w.crm, "contacts", "email", "bob@example.net").ID
		mine := w.by(w.erp, "contacts", "email", "bob@example.net").ID
		w.remove(w.crm, "contacts", theirs)
		w.swept()
		time.Sleep(time.Hour)
		if err := must[interface{ Restore(object, id string) error }](t, w.crm).Restore("contacts", theirs); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.swept()
		w.settled()
		w.hold(all)
		w.put(w.erp, "contacts", mine, map[string]string{"poste": "Welcome back"})
		w.settled()
		if got := w.row(w.crm, "contacts", theirs)["jobtitle"]; got != "Welcome back" {
			t.Errorf("the pair is not in step again: %q", got)
		}
		w.quiet()
	})
}

func TestR22AnEditWinsOverAnArchive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := synced(t, withDelete("delete", "archive"))
		mine := w.by(w.erp, "contacts", "email", "bob@example.net").ID
		w.remove(w.crm, "contacts", w.by(w.crm, "contacts", "email", "bob@example.net").ID)
		w.put(w.erp, "contacts", mine, map[string]string{"poste": "Just promoted"})
		time.Sleep(time.Minute)
		rep := w.swept()["contacts"]
		if !w.has(w.erp, "bob@example.net") {
			t.Fatal("a contact that a person had just edited was deleted")
		}
		if items := w.reviews(store.ReviewDelete); len(items) != 1 || rep.Status != engine.StatusReview {
			t.Fatalf("status %s, %d questions: %v", rep.Status, len(items), w.queue())
		}
		w.quiet()
		item := w.reviews(store.ReviewDelete)[0]
		if err := w.store.DecideReview(t.Context(), item.ID, "delete", "ann", time.Now()); err != nil {
			t.Fatal(err)
		}
		w.settled()
		if w.has(w.erp, "bob@example.net") {
			t.Error("what the person decided was not done")
		}
		w.quiet()
	})
}

func TestR21AndR23ADeletedThirdPartyTakesItsContactsWithIt(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"ignore", "archive"} {
		for _, workers := range []int{1, 8} {
			t.Run(fmt.Sprint(policy, " with ", workers, " workers"), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, all := synced(t, withDelete("ignore", policy))
					w.worker = workers
					w.restart()
					gone := w.by(w.erp, "thirdparties", "name", "Ακμή ΑΕ").ID
					w.remove(w.erp, "thirdparties", gone) // and Eleni with it
					w.settled()
					if len(w.crm.Rows("companies")) != len(all.companies) {
						t.Error("a deletion was guessed without a sweep")
					}
					w.swept()
					w.settled()
					left := map[string][2]int{"ignore": {len(all.companies), len(all.contacts)}, "archive": {len(all.companies) - 1, len(all.contacts) - 1}}[policy]
					if c, p := len(w.crm.Rows("companies")), len(w.crm.Rows("contacts")); c != left[0] || p != left[1] {
						t.Errorf("crm has %d companies and %d contacts, want %v; %v", c, p, left, w.queue())
					}
					if c, p := len(w.erp.Rows("thirdparties")), len(w.erp.Rows("contacts")); c != len(all.companies)-1 || p != len(all.contacts)-1 {
						t.Errorf("erp has %d third parties and %d contacts: something was created again", c, p)
					}
					w.quiet()
				})
			})
		}
	}
}

func TestR35ADeletionIsFoundByTheDailySweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := synced(t, withDelete("delete", "archive"))
		w.remove(w.erp, "contacts", w.by(w.erp, "contacts", "email", "zoe@example.org").ID)
		w.remove(w.crm, "contacts", w.by(w.crm, "contacts", "email", "bob@example.net").ID)
		for range 26 {
			time.Sleep(time.Hour)
			w.sync(engine.SyncOptions{})
		}
		if w.has(w.crm, "zoe@example.org") {
			t.Error("the contact that was deleted in erp is still in crm after a day")
		}
		if w.has(w.erp, "bob@example.net") {
			t.Error("the contact that was archived in crm is still in erp after a day")
		}
		w.quiet()
	})
}

// TestR23AnArchivedCompanyNeverTakesLivingContactsWithIt: at Dolibarr a third party's
// contacts are deleted together with it; at HubSpot they live on without their company.
func TestR23AnArchivedCompanyNeverTakesLivingContactsWithIt(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"ignore", "archive", "delete", "unlink"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, all := synced(t, withDelete(policy, "archive"))
				w.remove(w.crm, "companies", w.by(w.crm, "companies", "name", "Ακμή ΑΕ").ID)
				for range 3 {
					w.swept()
					time.Sleep(10 * time.Minute)
				}
				for name, tw := range map[string]twin.Twin{"erp": w.erp, "crm": w.crm} {
					if n := len(tw.Rows("contacts")); n != len(all.contacts) {
						t.Errorf("%s has %d contacts, want %d: nobody deleted one; %v", name, n, len(all.contacts), w.queue())
					}
				}
				if n := len(w.crm.Rows("companies")); n != len(all.companies)-1 {
					t.Errorf("crm has %d companies, want %d", n, len(all.companies)-1)
				}
				want := map[string]int{"ignore": 0, "unlink": 0, "archive": 1, "delete": 0}[policy]
				if n := len(w.erp.Rows("thirdparties")); n != len(all.companies)-want {
					t.Errorf("erp has %d third parties, want %d", n, len(all.companies)-want)
				}
				if policy == "delete" && len(w.reviews(store.ReviewDelete)) != 1 {
					t.Errorf("nobody was asked: %v", w.queue())
				}
				w.quiet()
			})
		})
	}
}

func TestR23ACompanyAndItsContactsDeletedTogetherGoTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, all := synced(t, withDelete("delete", "archive"))
		w.remove(w.crm, "contacts", w.by(w.crm, "contacts", "email", "eleni@acme.gr").ID)
		w.remove(w.crm, "companies", w.by(w.crm, "companies", "name", "Ακμή ΑΕ").ID)
		for range 4 {
			w.swept()
			time.Sleep(10 * time.Minute)
		}
		if c, p := len(w.erp.Rows("thirdparties")), len(w.erp.Rows("contacts")); c != len(all.companies)-1 || p != len(all.contacts)-1 {
			t.Errorf("erp has %d third parties and %d contacts, want %d and %d; %v", c, p, len(all.companies)-1, len(all.contacts)-1, w.queue())
		}
		if items := w.reviews(); len(items) != 0 {
			t.Errorf("a question is left although all was deleted by people: %v", w.queue())
		}
		w.quiet()
	})
}

func TestR23AnEditedContactHoldsItsCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, all := synced(t, withDelete("delete", "archive"))
		w.put(w.erp, "contacts", w.by(w.erp, "contacts", "email", "eleni@acme.gr").ID, map[string]string{"poste": "Just promoted"})
		w.remove(w.crm, "contacts", w.by(w.crm, "contacts", "email", "eleni@acme.gr").ID)
		w.remove(w.crm, "companies", w.by(w.crm, "companies", "name", "Ακμή ΑΕ").ID)
		for range 4 {
			w.swept()
			time.Sleep(10 * time.Minute)
		}
		if c, p := len(w.erp.Rows("thirdparties")), len(w.erp.Rows("contacts")); c != len(all.companies) || p != len(all.contacts) {
			t.Errorf("erp has %d third parties and %d contacts: an edit was lost with a cascade", c, p)
		}
		if items := w.reviews(store.ReviewDelete); len(items) != 2 {
			t.Errorf("want two questions: %v", w.queue())
		}
		w.quiet()
	})
}

func TestR24MergedHubSpotContactsAreNeverDoubled(t *testing.T) {
	t.Parallel()
	for _, keepID := range []bool{false, true} {
		t.Run(fmt.Sprint("keeps the id: ", keepID), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, all := synced(t, withDelete("delete", "archive"))
				crm := must[interface {
					KeepPrimaryID(on bool)
					Merge(object, keep, lose string) (string, error)
				}](t, w.crm)
				crm.KeepPrimaryID(keepID)
				keep := w.by(w.crm, "contacts", "email", "bob@example.net").ID
				lose := w.by(w.crm, "contacts", "email", "zoe@example.org").ID
				left, err := crm.Merge("contacts", keep, lose)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				for range 3 {
					w.swept()
					time.Sleep(10 * time.Minute)
				}
				if n := len(w.erp.Rows("contacts")); n != len(all.contacts) {
					t.Errorf("erp has %d contacts, want %d: a merge deletes nothing there and adds nothing; %v", n, len(all.contacts), w.queue())
				}
				if n := len(w.crm.Rows("contacts")); n != len(all.contacts)-1 {
					t.Errorf("crm has %d contacts, want %d", n, len(all.contacts)-1)
				}
				if len(w.queue()) == 0 {
					t.Error("nobody was told of the merge")
				}
				for range 4 { // a person lets go of the merged pairs: the survivor is matched anew
					for _, item := range w.reviews(store.ReviewDelete) {
						if err := w.store.DecideReview(t.Context(), item.ID, "unlink", "ann", time.Now()); err != nil {
							t.Fatal(err)
						}
					}
					w.swept()
					time.Sleep(10 * time.Minute)
				}
				mine := w.by(w.erp, "contacts", "email", "bob@example.net").ID
				w.put(w.erp, "contacts", mine, map[string]string{"poste": "Merged"})
				w.swept()
				if got := w.row(w.crm, "contacts", left)["jobtitle"]; got != "Merged" {
					t.Errorf("the survivor of the merge is not in step with its partner: %q; %v", got, w.queue())
				}
				w.quiet()
			})
		})
	}
}

func TestACrashAtAnyCallOfASweepDeletesExactlyWhatPeopleDeleted(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			t.Parallel()
			crashed := true
			after := 0
			for ; crashed; after += stride() {
				synctest.Test(t, func(t *testing.T) {
					w, all := synced(t, withDelete("delete", "archive"))
					w.worker = workers
					w.restart()
					w.remove(w.erp, "contacts", w.by(w.erp, "contacts", "email", "zoe@example.org").ID)
					w.remove(w.crm, "contacts", w.by(w.crm, "contacts", "email", "bob@example.net").ID)
					time.Sleep(25 * time.Hour) // the sweep is due
					t.Logf("the crash comes after %d calls", after)
					if crashed = w.crash(after); crashed {
						w.restart()
					}
					w.recovered()
					time.Sleep(25 * time.Hour) // a sweep that was cut short is due again at the latest
					w.recovered()
					want := all
					want.contacts = nil
					for _, p := range all.contacts {
						if p.email != "zoe@example.org" && p.email != "bob@example.net" {
							want.contacts = append(want.contacts, p)
						}
					}
					w.hold(want)
					w.quiet()
				})
			}
			if after < 15 {
				t.Errorf("a sync with sweeps made only %d calls", after)
			}
		})
	}
}

// An erased contact is in no bin and in no feed, and neither is one that HubSpot has thrown out
// of the bin: only a complete listing shows that they are missing.
func TestR21AContactThatIsInNoBinIsNoticed(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]string{
		"with a field that is read again":     "",
		"with no field that must be":          "\n    fields: [email, first_name, last_name, phone]",
		"and the hub was off for four months": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, _ := synced(t, withDelete("delete", "archive"))
				w.yaml = strings.Replace(w.yaml, "match: [email]", "match: [email]"+fields, 1)
				w.restart()
				crm, ok := w.crm.(*hubspottwin.Account)
				if !ok {
					t.Fatalf("%T is no account", w.crm)
				}
				if err := crm.Erase(w.by(w.crm, "contacts", "email", "bob@example.net").ID); err != nil {
					t.Fatal(err)
				}
				days := 8
				if strings.HasSuffix(name, "months") {
					time.Sleep(120 * 24 * time.Hour)
					days = 1
				}
				for range days {
					time.Sleep(24 * time.Hour)
					w.sync(engine.SyncOptions{})
				}
				if w.has(w.erp, "bob@example.net") {
					t.Error("the contact that was erased in crm is still in erp")
				}
				w.quiet()
			})
		})
	}
}

// R21: Dolibarr answers as if an object were empty where a right is missing. Nobody knows then what
// happens to its records, and a person is told so until one is shown again.
func TestR21AnObjectThatShowsNothingAnyMoreIsAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := synced(t, deletingYAML())
		had := len(w.crm.Rows("contacts"))
		for _, r := range w.erp.Rows("contacts") {
			w.remove(w.erp, "contacts", r.ID)
		}
		w.swept()
		asked := w.reviews(store.ReviewIdentity)
		if len(asked) != 1 || !strings.Contains(asked[0].Text, "shows no record of erp.contacts any more, of "+fmt.Sprint(had)) || len(w.crm.Rows("contacts")) != had {
			t.Fatalf("asked %+v; %d of %d contacts are left", asked, len(w.crm.Rows("contacts")), had)
		}
		w.put(w.erp, "contacts", "", map[string]string{"lastname": "Anew", "email": "anew@example.net"})
		w.swept()
		if asked := w.reviews(store.ReviewIdentity); len(asked) > 0 || len(w.crm.Rows("contacts")) != 1 {
			t.Errorf("asked %+v; crm has %v", asked, w.crm.Rows("contacts"))
		}
		w.quiet()
	})
}
