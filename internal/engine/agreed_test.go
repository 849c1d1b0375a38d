package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// movingYAML parts the cards of both accounts by their stage at a; what is decided without a base
// is decided for b. flipped has the customers begin with the other account.
func movingYAML(first, second string, flipped bool) string {
	parts := map[string]string{
		"leads": `
  leads:
    left: a.cards
    right: b.cards
    prefer: right
    where: { left: "stage == 'new'", right: "stage in ['new', 'won']" }
`,
		"customers": `
  customers:
    left: a.cards
    right: b.cards
    prefer: right
    where: { left: "stage == 'won'", right: "stage in ['new', 'won']" }
`,
	}
	if flipped {
		parts["customers"] = `
  customers:
    left: b.cards
    right: a.cards
    prefer: left
    where: { right: "stage == 'won'", left: "stage in ['new', 'won']" }
`
	}
	const rest = "    match: [email]\n    leave: unlink\n    fields: [name, box, email, stage, tags, notes]\n"
	return header + parts[first] + rest + parts[second] + rest
}

// moved runs the syncs until the pair is in its new one.
func (w *world) moved() {
	w.t.Helper()
	for range 3 {
		w.sync("leads")
		time.Sleep(time.Minute)
	}
}

func (w *world) overruled() []store.Entry {
	w.t.Helper()
	lines, err := w.store.History(w.t.Context(), store.HistoryQuery{Connection: "a", Object: "cards", Record: w.a.Rows("cards")[0].ID, Kinds: []store.EntryKind{store.Overruled}})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// moves has a test for either order of the two syncs, and for one that is the other way round.
func moves(t *testing.T, test func(t *testing.T, w *world)) {
	for name, yaml := range map[string]string{
		"leads first":     movingYAML("leads", "customers", false),
		"customers first": movingYAML("customers", "leads", false),
		"flipped":         movingYAML("leads", "customers", true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, yaml)) })
		})
	}
}

func TestR25WhatAPersonEditsAsTheyMoveARecordIsTheirEdit(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new", "tags": "vip;trade", "notes": "old"})
		w.moved()
		theirs := w.by(w.b, "cards", "name", "Ann").ID
		w.put(w.b, "cards", theirs, map[string]string{"notes": "theirs"})
		w.put(w.a, "cards", ann, map[string]string{"stage": "won", "name": "Ann Smith", "tags": "vip"})
		w.moved()
		for _, row := range []map[string]string{w.a.Rows("cards")[0].Fields, w.b.Rows("cards")[0].Fields} {
			if row["name"] != "Ann Smith" || row["tags"] != "vip" || row["notes"] != "theirs" || row["stage"] != "won" {
				t.Errorf("%v: an edit was taken for the value of a first match", row)
			}
		}
		if lines := w.overruled(); len(lines) != 0 {
			t.Errorf("overruled: %v", lines)
		}
		w.settled("leads")
		w.settled("customers")
	})
}

// R25, R2: what a create has written and could not be read back is agreed on as well for the sync that the
// pair moves to.
func TestR25AMoveBeforeACreateWasReadBack(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new", "notes": "old"})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get"})
		w.sync("leads")
		if down.Remove(); down.Hits() == 0 || len(w.b.Rows("cards")) != 1 {
			t.Fatalf("%d faults, right has %v", down.Hits(), w.b.Rows("cards"))
		}
		w.put(w.a, "cards", left, map[string]string{"stage": "won", "notes": "new"})
		time.Sleep(time.Minute)
		w.moved()
		for _, tw := range []*toy.Twin{w.a, w.b} {
			if f := tw.Rows("cards")[0].Fields; f["notes"] != "new" || f["stage"] != "won" {
				t.Errorf("a side has %v", f)
			}
		}
		if lost := w.overruled(); len(lost) > 0 {
			t.Errorf("overruled: %+v", lost)
		}
		quiet(t, w)
	})
}

func TestR25WayBackInStepWithWhatWasAgreedElsewhere(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new"})
		w.moved()
		w.put(w.a, "cards", ann, map[string]string{"stage": "won", "name": "Ann Smith"})
		w.moved()
		// The link of the leads still remembers the maiden name, to which she now returns.
		w.put(w.a, "cards", ann, map[string]string{"stage": "new", "name": "Ann"})
		w.moved()
		if got := w.b.Rows("cards")[0].Fields["name"]; got != "Ann" {
			t.Errorf("right has %q, want the name that was entered last", got)
		}
		w.by(w.a, "cards", "name", "Ann")
		if lines := w.overruled(); len(lines) != 0 {
			t.Errorf("overruled: %v", lines)
		}
		w.settled("leads")
		w.settled("customers")
	})
}

// R7: what a person took back stays as it is, whichever sync the pair goes to.
func TestR25ARevertedFieldStaysApartInTheOtherSync(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new", "notes": "first"})
		w.moved()
		w.put(w.a, "cards", ann, map[string]string{"notes": "second"})
		w.moved()
		var line int64
		for _, e := range w.history(record.Left, ann) {
			if e.Kind == store.Written && e.Field == "notes" {
				line = e.ID
			}
		}
		w.revert(engine.RevertRequest{Change: line, By: "ann"})
		w.moved()
		w.put(w.a, "cards", ann, map[string]string{"stage": "won"})
		w.moved()
		if a, b := w.a.Rows("cards")[0].Fields["notes"], w.b.Rows("cards")[0].Fields["notes"]; a != "second" || b != "first" {
			t.Errorf("notes are %q and %q, want second and first", a, b)
		}
		w.settled("customers")
	})
}

// R25: a pair that was for a while in neither sync is a pair again in the one that both its records
// enter, whatever their keys have become; as long as one is outside, the other is not doubled.
func TestR25APairThatWasInNoSyncIsOneAgain(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new", "notes": "old"})
		w.moved()
		theirs := w.by(w.b, "cards", "name", "Ann").ID
		w.put(w.b, "cards", theirs, map[string]string{"stage": "lost", "email": "ann@y.gr"})
		w.moved()
		w.put(w.a, "cards", ann, map[string]string{"stage": "won", "phone": "1"})
		w.moved()
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Fatalf("%d cards at b: the one that is out of the filter was made again", n)
		}
		w.put(w.b, "cards", theirs, map[string]string{"stage": "won", "notes": "theirs"})
		w.moved()
		a, b := w.a.Rows("cards")[0].Fields, w.b.Rows("cards")[0].Fields
		if len(w.b.Rows("cards")) != 1 || a["notes"] != "theirs" || b["notes"] != "theirs" || a["email"] != "ann@y.gr" || b["email"] != "ann@y.gr" {
			t.Errorf("%v and %v, want one pair with the edits of both", a, b)
		}
		w.settled("leads")
		w.settled("customers")
	})
}

// R25, invariant 8: a record goes over to another sync of the same objects while nobody knows yet
// what came of the create that the first one has sent for it: it is not made once more.
func TestR25AMovedRecordIsNotMadeTwiceWhileItsCreateIsPending(t *testing.T) {
	t.Parallel()
	moves(t, func(t *testing.T, w *world) {
		w.b.Slow(time.Hour)
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "stage": "new"}) // no key by which a second one would be claimed
		w.moved()
		w.put(w.a, "cards", ann, map[string]string{"stage": "won", "notes": "signed"})
		w.moved()
		w.b.Slow(0)
		time.Sleep(2 * time.Hour)
		w.moved()
		if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].Fields["notes"] != "signed" {
			t.Errorf("b has %v, want one card, signed", rows)
		}
		w.settled("leads")
		w.settled("customers")
	})
}

// R25, invariant 8: a partner that was archived because its record left one sync is brought back
// when the record enters another one of the same objects.
func TestR25APartnerThatLeavingArchivedIsBroughtBackByTheNextSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.ReplaceAll(movingYAML("leads", "customers", false), "leave: unlink", "leave: archive"))
		ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new", "notes": "old"})
		w.moved()
		theirs := w.by(w.b, "cards", "name", "Ann").ID
		w.put(w.a, "cards", ann, map[string]string{"stage": "lost", "notes": "lost"})
		w.moved()
		if n := len(w.b.Rows("cards")); n != 0 {
			t.Fatalf("%d cards at b, want the only one archived", n)
		}
		w.put(w.a, "cards", ann, map[string]string{"stage": "won", "email": "ann@y.gr"})
		w.moved()
		if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].ID != theirs || rows[0].Fields["notes"] != "lost" || rows[0].Fields["email"] != "ann@y.gr" {
			t.Errorf("b has %v, want the archived card back, in step", rows)
		}
		w.settled("leads")
		w.settled("customers")
	})
}
