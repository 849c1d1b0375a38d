package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

func TestR9ClockSkewDoesNotDecideWhoIsNewest(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		for _, at := range []string{"erp", "crm"} {
			for _, last := range []string{"erp", "crm"} {
				t.Run(fmt.Sprint(at, " off by ", skew, ", last edit at ", last), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { skewed(t, skew, at, last) })
				})
			}
		}
	}
}

func skewed(t *testing.T, skew time.Duration, at, last string) {
	t.Helper()
	w := newWorld(t, pairYAML)
	w.erp = twinOf(t, "dolibarr", twin.Options{Zone: athens(t), Version: "20"}) // shows stamps without being asked
	w.restart()
	if at == "erp" {
		w.erp.Kit().Skew(skew)
	} else {
		w.crm.Kit().Skew(skew)
	}
	erp, crm := smallOffice()
	w.furnish(erp, crm)
	w.settled()
	time.Sleep(2 * time.Hour)
	mine := w.by(w.erp, "contacts", "email", "eleni@acme.gr").ID
	theirs := w.by(w.crm, "contacts", "email", "eleni@acme.gr").ID
	edits := []func(){
		func() { w.put(w.erp, "contacts", mine, map[string]string{"poste": "from erp"}) },
		func() { w.put(w.crm, "contacts", theirs, map[string]string{"jobtitle": "from crm"}) },
	}
	if last == "erp" {
		edits[0], edits[1] = edits[1], edits[0]
	}
	edits[0]()
	time.Sleep(10 * time.Minute)
	edits[1]()
	time.Sleep(time.Minute)
	w.settled()
	want := "from " + last
	if got := w.row(w.erp, "contacts", mine)["poste"]; got != want {
		t.Errorf("erp holds %q, want %q", got, want)
	}
	if got := w.row(w.crm, "contacts", theirs)["jobtitle"]; got != want {
		t.Errorf("crm holds %q, want %q", got, want)
	}
	lines := append(w.journal("erp", "contacts", mine), w.journal("crm", "contacts", theirs)...)
	if !tells(lines, store.Overruled, "") {
		t.Errorf("the journal does not tell what was overruled (invariant 7): %+v", lines)
	}
	w.quiet()
}

// TestR9WithoutAStampLeftWinsAndTheJournalSaysWhy is about Dolibarr from version 23 on, which
// shows no stamp of a record for which no extrafield was ever saved.
func TestR9WithoutAStampLeftWinsAndTheJournalSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := synced(t, pairYAML)
		mine := w.by(w.erp, "contacts", "email", "eleni@acme.gr").ID
		theirs := w.by(w.crm, "contacts", "email", "eleni@acme.gr").ID
		w.put(w.erp, "contacts", mine, map[string]string{"poste": "from erp"})
		time.Sleep(10 * time.Minute)
		w.put(w.crm, "contacts", theirs, map[string]string{"jobtitle": "from crm"})
		time.Sleep(time.Minute)
		w.settled()
		if got := w.row(w.crm, "contacts", theirs)["jobtitle"]; got != "from erp" {
			t.Errorf("crm holds %q", got)
		}
		why := ""
		for _, e := range w.journal("crm", "contacts", theirs) {
			if e.Kind == store.Overruled && e.Old.Text() == "from crm" {
				why = e.Why
			}
		}
		if !strings.Contains(why, "not comparable") {
			t.Errorf("the journal says %q", why)
		}
		w.quiet()
	})
}
