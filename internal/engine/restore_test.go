package engine_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
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

func (w *world) backup() string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "b.tandem")
	if _, err := w.store.Backup(w.t.Context(), file, store.Backup{Taken: time.Now()}); err != nil {
		w.t.Fatal(err)
	}
	return file
}

func (w *world) restore(file string) {
	w.t.Helper()
	w.stop()
	r, err := store.BeginRestore(w.t.Context(), file, w.path, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := r.Finish(); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// acts returns what programs did to a twin since then, by verb.
func acts(tw *toy.Twin, since time.Time) map[string]int {
	n := map[string]int{}
	for _, act := range tw.Ledger().Acts() {
		if act.By == "api" && act.At.After(since) {
			n[act.Verb]++
		}
	}
	return n
}

// deletingYAML carries deletes over, which a restore must not do by itself.
var deletingYAML = strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: archive", 1)

// TestR34ADayOldBackupDoublesDeletesAndLosesNothing restores a backup after a day on which
// people worked on both sides and the hub carried over what they did.
func TestR34ADayOldBackupDoublesDeletesAndLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, deletingYAML)
		card := func(n int) map[string]string {
			return map[string]string{"name": fmt.Sprint("Card ", n), "email": fmt.Sprintf("c%d@x.gr", n), "notes": "old", "phone": "1"}
		}
		var left [8]string
		for n := range left {
			left[n] = w.put(w.a, "cards", "", card(n))
		}
		w.settled("cards")
		right := func(n int) string { return w.by(w.b, "cards", "email", fmt.Sprintf("c%d@x.gr", n)).ID }
		file := w.backup()

		// The day that the backup does not know.
		time.Sleep(time.Hour)
		w.put(w.a, "cards", left[0], map[string]string{"notes": "edited at a"})
		w.put(w.b, "cards", right(1), map[string]string{"notes": "edited at b"})
		w.put(w.a, "cards", "", map[string]string{"name": "New", "email": "new@x.gr"})
		w.put(w.a, "cards", "", map[string]string{"name": "Keyless", "phone": "77"})
		w.remove(w.a, "cards", left[2])
		w.remove(w.a, "cards", left[3])
		w.settled("cards")
		// Somebody wanted card 3 back at b: that the hub had archived it is lost.
		if _, err := w.b.Put("cards", "", map[string]string{"name": "Card 3", "email": "c3@x.gr", "notes": "old", "phone": "1"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w.settled("cards")
		time.Sleep(20 * time.Hour)
		// What the hub had no time to carry over.
		w.put(w.a, "cards", left[4], map[string]string{"phone": "4a"})
		time.Sleep(time.Minute)
		w.put(w.b, "cards", right(4), map[string]string{"phone": "4b"})
		w.put(w.a, "cards", left[5], map[string]string{"phone": "5a"})
		w.remove(w.a, "cards", left[6])
		w.put(w.a, "cards", "", map[string]string{"name": "Late", "email": "late@x.gr"})
		rowsA, rowsB := len(w.a.Rows("cards")), len(w.b.Rows("cards"))
		since := time.Now()
		time.Sleep(time.Minute)

		w.restore(file)
		rep := w.sync("cards")
		if rep.Status != engine.StatusReview {
			t.Errorf("status %s %s %v", rep.Status, rep.Error, rep.Gaps)
		}
		for name, did := range map[string]map[string]int{"a": acts(w.a, since), "b": acts(w.b, since)} {
			if did["archive"]+did["delete"]+did["create"]+did["restore"] > 0 {
				t.Errorf("%s: after the restore the hub did %v", name, did)
			}
		}
		if len(w.a.Rows("cards")) != rowsA || len(w.b.Rows("cards")) != rowsB {
			t.Errorf("cards were doubled or lost: %d and %d, want %d and %d", len(w.a.Rows("cards")), len(w.b.Rows("cards")), rowsA, rowsB)
		}
		for _, want := range []struct {
			tw           *toy.Twin
			email, field string
			value        string
		}{
			{w.a, "c0@x.gr", "notes", "edited at a"}, {w.b, "c0@x.gr", "notes", "edited at a"},
			{w.a, "c1@x.gr", "notes", "edited at b"}, {w.b, "c1@x.gr", "notes", "edited at b"},
			{w.a, "c4@x.gr", "phone", "4a"}, {w.b, "c4@x.gr", "phone", "4b"}, // asked
			{w.a, "c5@x.gr", "phone", "5a"}, {w.b, "c5@x.gr", "phone", "5a"},
		} {
			if got := w.by(want.tw, "cards", "email", want.email).Fields[want.field]; got != want.value {
				t.Errorf("%s of %s is %q, want %q", want.field, want.email, got, want.value)
			}
		}
		links, err := w.store.LinksOf(t.Context(), "cards", record.Left, []string{w.by(w.a, "cards", "name", "Keyless").ID, w.by(w.a, "cards", "email", "new@x.gr").ID})
		if err != nil || len(links) != 2 {
			t.Errorf("what was made on that day is not joined again: %v %v", links, err)
		}
		if got := w.review(store.ReviewConflict); got.Field != "phone=phone" {
			t.Errorf("asked about %q", got.Field)
		}
		w.decide(w.review(store.ReviewConflict), "right")
		asked := w.reviews()
		if n := len(asked); n < 2 {
			t.Errorf("asked only %v", asked)
		}

		// A further run keeps to the questions, although the care is over.
		time.Sleep(time.Hour)
		w.put(w.a, "cards", w.by(w.a, "cards", "email", "late@x.gr").ID, map[string]string{"notes": "touched"})
		w.put(w.b, "cards", right(6), map[string]string{"color": "red"})
		w.sync("cards")
		if did := acts(w.b, since); did["create"]+did["archive"] > 0 {
			t.Errorf("a later run did %v before anybody decided", did)
		}
		if got := w.by(w.a, "cards", "email", "c4@x.gr").Fields["phone"]; got != "4b" {
			t.Errorf("the decision was not carried out: %q", got)
		}
		// And then does what people say.
		items, err := w.store.Reviews(t.Context(), store.ReviewQuery{Open: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			switch item.Kind {
			case store.ReviewRestored:
				w.decide(item, "create")
			case store.ReviewDelete:
				w.decide(item, "delete")
			}
		}
		w.sync("cards")
		if w.by(w.b, "cards", "email", "late@x.gr").Fields["notes"] != "touched" {
			t.Error("the new card was not created after a person had said so")
		}
		for _, row := range w.b.Rows("cards") {
			if row.Fields["email"] == "c6@x.gr" {
				t.Error("the delete was not carried out after a person had said so")
			}
		}
		quiet(t, w)
	})
}

func TestR34NothingIsWrittenBeforeBothSidesAreListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		file := w.backup()
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		time.Sleep(time.Hour)
		w.restore(file)
		if err := w.engine.MayWrite(t.Context(), "cards"); err == nil || !strings.Contains(err.Error(), "nothing is written") {
			t.Errorf("writing is allowed before anything was listed: %v", err)
		}
		before := apiWrites(w.a, w.b)
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/feed"})
		if rep := w.sync("cards"); rep.Status != engine.StatusFailed {
			t.Errorf("status %s", rep.Status)
		}
		if n := apiWrites(w.a, w.b) - before; n != 0 {
			t.Errorf("%d writes before the right side was listed", n)
		}
		down.Remove()
		w.restart() // the care survives a restart
		w.settled("cards")
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "new" {
			t.Errorf("notes are %q", got)
		}
		quiet(t, w)
	})
}

func TestR34WhatWasUnderWayAtTheBackupIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [code]", 1))
		w.put(w.a, "cards", "", map[string]string{"name": "Ann"}) // no key: only the operation's own can tell
		file := ""
		w.b.Before(func(r *http.Request) {
			if r.URL.Path == "/v1/do" && file == "" {
				file = w.backup() // the create is in the outbox, and about to be carried out
			}
		})
		w.settled("cards")
		w.put(w.b, "cards", w.b.Rows("cards")[0].ID, map[string]string{"notes": "since then"})
		time.Sleep(24 * time.Hour)
		w.restore(file)
		w.settled("cards")
		if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 1 || len(b) != 1 || a[0].Fields["notes"] != "since then" {
			t.Errorf("a has %v, b has %v", a, b)
		}
		quiet(t, w)
	})
}

func TestR34AnExactCopyIsJoinedAndAnUnclearOneIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [code]", 1))
		w.settled("cards")
		file := w.backup()
		w.put(w.a, "cards", "", map[string]string{"name": "Same", "phone": "1"})
		w.put(w.a, "cards", "", map[string]string{"name": "Moved on", "phone": "2"})
		time.Sleep(time.Hour)
		w.settled("cards")
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "Moved on").ID, map[string]string{"phone": "22"})
		time.Sleep(24 * time.Hour)
		w.restore(file)
		rep := w.sync("cards")
		if rep.Linked != 1 || len(w.a.Rows("cards")) != 2 || len(w.b.Rows("cards")) != 2 {
			t.Errorf("%d linked; a has %v, b has %v", rep.Linked, w.a.Rows("cards"), w.b.Rows("cards"))
		}
		asked := strings.Join(w.reviews(), "\n")
		if strings.Count(asked, "restored:") != 2 || !strings.Contains(asked, "made by Tandem after the backup") {
			t.Errorf("asked:\n%s", asked)
		}
	})
}

func TestR33AnotherAccountBehindARestoreStopsTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		file := w.backup()
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.restore(file)
		w.b.Become("A-18") // within the hour for which an identity is otherwise believed
		before := apiWrites(w.a, w.b)
		rep := w.sync("cards")
		if other := (*engine.IdentityError)(nil); rep.Status != engine.StatusFailed || !errors.As(rep.Err, &other) {
			t.Errorf("status %s: %v", rep.Status, rep.Err)
		}
		if n := apiWrites(w.a, w.b) - before; n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}

func TestR34WhatAGuardHeldAtTheBackupIsNotSentUnseen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    guard: { create: 0 }", 1))
		w.settled("cards")
		w.put(w.a, "cards", "", map[string]string{"name": "Held", "email": "held@x.gr"})
		if rep := w.sync("cards"); rep.Status != engine.StatusBlocked {
			t.Fatalf("status %s", rep.Status)
		}
		file := w.backup()
		time.Sleep(24 * time.Hour)
		w.restore(file)
		if rep := w.sync("cards"); rep.Status != engine.StatusReview || len(w.b.Rows("cards")) != 0 {
			t.Errorf("status %s; b has %v", rep.Status, w.b.Rows("cards"))
		}
		w.decide(w.review(store.ReviewRestored), "create")
		if rep := w.sync("cards"); rep.Status != engine.StatusBlocked || len(w.b.Rows("cards")) != 0 {
			t.Errorf("the guard was passed: status %s; b has %v", rep.Status, w.b.Rows("cards"))
		}
	})
}

// R34, R20: of several records with one key, the partner may have been made from any, and what
// the lost part of the history knew is asked for, not guessed.
func TestR34OfSeveralRecordsWithOneKeyNoneIsTakenAfterARestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.people("Zoe")
		file := w.backup()
		first := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "of Ann"})
		w.settled("cards")
		second := w.put(w.a, "cards", "", map[string]string{"name": "Another Ann", "email": "ann@x.gr"})
		w.put(w.a, "cards", first, map[string]string{"color": "red"}) // so that it is listed last
		w.restore(file)
		w.sync("cards")
		if item := w.review(store.ReviewAmbiguous); len(item.Candidates) != 2 {
			t.Errorf("%+v", item)
		}
		if got := w.by(w.a, "cards", "name", "Another Ann"); got.ID != second || got.Fields["notes"] != "" {
			t.Errorf("another Ann got Ann's notes: %v", got)
		}
	})
}

// R21, R34: a record that is out of sight in the first run after a restore cancels the proof of
// what was deleted since the backup. The care goes on until that is made up for.
func TestR34ARecordOutOfSightAfterARestoreDoesNotEndTheCare(t *testing.T) {
	t.Parallel()
	for _, sees := range []bool{true, false} { // it comes back into sight, or a person goes on without it
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, deletingYAML)
			for n := range 3 {
				w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("Card ", n), "email": fmt.Sprintf("c%d@x.gr", n)})
			}
			w.settled("cards")
			file := w.backup()
			time.Sleep(time.Hour)
			hidden, gone := w.by(w.b, "cards", "email", "c1@x.gr").ID, w.by(w.b, "cards", "email", "c2@x.gr").ID
			w.remove(w.b, "cards", gone)
			if err := w.b.Hide("cards", hidden, true); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			w.restore(file)
			for range 2 { // however often it is run
				w.sync("cards")
				if n := len(w.a.Rows("cards")); n != 3 {
					t.Fatalf("%d cards are left at a", n)
				}
				time.Sleep(time.Hour)
			}
			if sees {
				if err := w.b.Hide("cards", hidden, false); err != nil {
					t.Fatal(err)
				}
			} else {
				w.decide(w.review(store.ReviewIdentity), "dismiss")
			}
			w.sync("cards")
			w.decide(w.review(store.ReviewDelete), "delete")
			w.sync("cards")
			if n := len(w.a.Rows("cards")); n != 2 {
				t.Errorf("%d cards are left at a: the delete since the backup was never found", n)
			}
			if _, after, err := w.store.Restored(t.Context(), "cards"); err != nil || after {
				t.Errorf("the care never ends: %v", err)
			}
		})
	}
}

// R34: as long as nobody has answered, every run takes the same care; it does not read both sides twice for it.
func TestR34TheCareAfterARestoreReadsEachSideOnce(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, deletingYAML)
			w.workers = workers
			w.restart()
			id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
			w.settled("cards")
			file := w.backup()
			time.Sleep(time.Hour)
			if err := w.a.Hide("cards", id, true); err != nil {
				t.Fatal(err)
			}
			w.restore(file)
			w.sync("cards")
			time.Sleep(10 * time.Minute)
			known := len(w.b.Kit().Calls())
			w.sync("cards")
			reads := 0
			for _, c := range w.b.Kit().Calls()[known:] {
				if c.Path == "/v1/feed" {
					reads++
				}
			}
			if reads != 2 { // it has two boxes
				t.Errorf("with %d workers: %d readings of two boxes", workers, reads)
			}
		})
	}
}

// R34: what the listing after a restore has shown is not asked for by its id too.
func TestR34ARestoreAsksOnlyForWhatItsListingDidNotShow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		file := w.backup()
		time.Sleep(time.Hour)
		w.restore(file)
		asked := 0
		for _, tw := range []*toy.Twin{w.a, w.b} {
			tw.Before(func(r *http.Request) {
				time.Sleep(time.Second)
				if r.URL.Path == "/v1/get" {
					asked++
				}
			})
		}
		w.settled("cards")
		if asked > 2 { // R33: the newest records of each side
			t.Errorf("%d requests by id beside the listings, want one to each side", asked)
		}
	})
}

// R34: what a listing after a restore has shown is not asked for by its id once more, and is no
// reason to tell that the listing left it out, however long the run takes.
func TestR34OnlyWhatNoListingHasShownIsAskedForAfterARestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		for n := range 15 {
			w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("Card ", n), "email": fmt.Sprintf("c%d@x.gr", n)})
		}
		w.settled("cards")
		file := w.backup()
		time.Sleep(time.Hour)
		w.remove(w.a, "cards", w.a.Rows("cards")[0].ID)
		w.restore(file)
		reads := 0
		w.a.Before(func(r *http.Request) {
			time.Sleep(time.Second)
			if r.URL.Path == "/v1/get" {
				reads++
			}
		})
		w.sync("cards")
		for _, text := range w.reviews() {
			if strings.HasPrefix(text, string(store.ReviewIdentity)) {
				t.Errorf("a person is asked: %s", text)
			}
		}
		if reads != 2 {
			t.Errorf("%d readings by id, want one of the newest records (R33), and one of the record that is gone", reads)
		}
	})
}
