package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// The suite of disasters is in internal/engine; here one of them befalls real systems.
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
