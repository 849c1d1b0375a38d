package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// The suite of disasters is in internal/engine; here one of each shape befalls real systems.
func TestAnImportInTheWrongEncodingIsStoppedAndTakenBackAtHubSpot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairYAML)
		for i := range 40 {
			w.put(w.erp, "contacts", "", map[string]string{"firstname": fmt.Sprint("N", i), "lastname": "Müller", "email": fmt.Sprintf("n%d@example.org", i)})
		}
		firm := w.put(w.erp, "thirdparties", "", map[string]string{"name": "Acme", "url": "https://acme.gr/"})
		w.settled()
		time.Sleep(time.Hour)
		for _, row := range w.crm.Rows("contacts") {
			w.put(w.crm, "contacts", row.ID, map[string]string{"lastname": "MÃ¼ller"})
		}
		w.put(w.erp, "thirdparties", firm, map[string]string{"name": "Acme SA"})
		time.Sleep(time.Minute)
		if rep := w.sync(engine.SyncOptions{})["contacts"]; rep.Status != engine.StatusBlocked {
			t.Fatalf("%+v", rep)
		}
		w.by(w.crm, "companies", "name", "Acme SA") // the other sync goes on
		items := w.reviews(store.ReviewGuard)
		if len(items) != 1 || len(items[0].Candidates) != 40 || !slices.ContainsFunc(engine.Alarms(items[0]), func(a engine.Alarm) bool {
			return a.Detector == "shape" && strings.Contains(a.Text, "wrong encoding")
		}) {
			t.Fatalf("%+v", items)
		}
		if err := w.store.DecideReview(t.Context(), items[0].ID, "revert", "ann", time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.settled()
		for _, side := range [][]string{lastnames(w, "erp"), lastnames(w, "crm")} {
			if len(side) != 40 || side[0] != "Müller" || side[39] != "Müller" {
				t.Errorf("it was not put back: %q", side)
			}
		}
		w.quiet()
	})
}

// Records, a field, two fields, new records and the configuration: each disaster stops the one sync
// before anything of it is sent, the other sync goes on, and the answer puts everything right.
func TestDisastersAreStoppedAndMendedAtRealSystems(t *testing.T) {
	t.Parallel()
	every := func(tw twin.Twin, w *world, change func(i int, row map[string]string) map[string]string) {
		for i, row := range tw.Rows("contacts") {
			w.put(tw, "contacts", row.ID, change(i, row.Fields))
		}
	}
	for name, d := range map[string]struct {
		strike func(w *world)
		want   string // detector, or kind of question
		answer string // "" = the configuration is set back
		grows  int    // so many records stay in the end that were not there before
	}{
		"one side is emptied": {func(w *world) {
			for _, row := range w.crm.Rows("contacts") {
				w.remove(w.crm, "contacts", row.ID)
			}
		}, "gone", "revert", 0},
		"a field is emptied": {func(w *world) {
			every(w.erp, w, func(int, map[string]string) map[string]string { return map[string]string{"phone_pro": ""} })
		}, "emptied", "revert", 0},
		"two columns changed places": {func(w *world) {
			every(w.erp, w, func(_ int, row map[string]string) map[string]string {
				return map[string]string{"firstname": row["lastname"], "lastname": row["firstname"]}
			})
		}, "swapped", "revert", 0},
		"a test leaves records that are all alike": {func(w *world) {
			for i := range 20 {
				w.put(w.crm, "contacts", "", map[string]string{"email": fmt.Sprintf("test%d@example.org", i), "lastname": "Test", "firstname": "Please ignore"})
			}
		}, "copies", "approve", 20},
		"the filter in the file is wrong": {func(w *world) {
			w.yaml = strings.Replace(w.yaml, "match: [email]", "match: [email]\n    where: { left: \"town == 'nowhere'\" }\n    leave: unlink", 1)
			w.restart()
		}, "configuration", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, withDelete("ignore", "archive"))
				for i := range 24 {
					w.put(w.erp, "contacts", "", map[string]string{"firstname": fmt.Sprint("First", i), "lastname": fmt.Sprint("Last", i),
						"email": fmt.Sprintf("n%d@example.org", i), "phone_pro": fmt.Sprintf("+3021012345%02d", i)})
				}
				firm := w.put(w.erp, "thirdparties", "", map[string]string{"name": "Acme", "url": "https://acme.gr/"})
				w.settled()
				time.Sleep(time.Hour)
				before, good, sent := people(w), w.yaml, len(w.lines())
				d.strike(w)
				w.put(w.erp, "thirdparties", firm, map[string]string{"name": "Acme SA"})
				time.Sleep(time.Minute)
				w.swept()
				w.by(w.crm, "companies", "name", "Acme SA") // the other sync goes on
				if n := len(w.lines()); n != sent {
					t.Fatalf("%d lines in the journal of contacts before anybody was asked", n-sent)
				}
				w.answered(d.want, d.answer)
				if d.answer == "" {
					w.yaml = good
					w.restart()
				}
				for range 3 {
					time.Sleep(time.Minute)
					w.swept()
				}
				after := people(w)
				if d.grows > 0 {
					after = slices.DeleteFunc(after, func(s string) bool { return strings.Contains(s, "Test") })
				}
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("in the end both sides are not as they were:\n%s", diff)
				}
				if n := len(w.erp.Rows("contacts")); n != 24+d.grows || len(w.crm.Rows("contacts")) != n {
					t.Errorf("%d and %d contacts, want %d", n, len(w.crm.Rows("contacts")), 24+d.grows)
				}
				w.quiet()
			})
		})
	}
}

// lines are those of the contacts in the journal.
func (w *world) lines() []store.Entry {
	w.t.Helper()
	lines, err := w.store.History(w.t.Context(), store.HistoryQuery{Sync: "contacts", Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// answered decides the one question that a disaster raised: of that detector, or kind.
func (w *world) answered(want, choice string) {
	w.t.Helper()
	items := slices.DeleteFunc(w.reviews(), func(item store.Review) bool {
		return string(item.Kind) != want && !slices.ContainsFunc(engine.Alarms(item), func(a engine.Alarm) bool { return a.Detector == want })
	})
	if len(items) != 1 {
		w.t.Fatalf("%d questions of %s: %v", len(items), want, w.queue())
	}
	if choice == "" {
		return
	}
	if err := w.store.DecideReview(w.t.Context(), items[0].ID, choice, "ann", time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// people are the contacts of both sides, as people read them.
func people(w *world) []string {
	var all []string
	for _, row := range w.erp.Rows("contacts") {
		all = append(all, fmt.Sprint("erp ", row.Fields["email"], row.Fields["firstname"], row.Fields["lastname"], row.Fields["phone_pro"]))
	}
	for _, row := range w.crm.Rows("contacts") {
		all = append(all, fmt.Sprint("crm ", row.Fields["email"], row.Fields["firstname"], row.Fields["lastname"], row.Fields["phone"]))
	}
	slices.Sort(all)
	return all
}

func lastnames(w *world, side string) []string {
	tw := w.erp
	if side == "crm" {
		tw = w.crm
	}
	var names []string
	for _, row := range tw.Rows("contacts") {
		names = append(names, row.Fields["lastname"])
	}
	slices.Sort(names)
	return names
}
