package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

func TestR36APendingWriteIsAskedForAndNeverSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.b.Slow(20 * time.Second)
		for _, n := range []string{"ann", "bob", "eve"} {
			w.put(w.a, "cards", "", map[string]string{"name": n, "email": n + "@x.gr"})
		}
		rep := w.settled("cards") // the run waits for it
		if rep.Linked != 3 || rep.Right.Created != 3 || len(w.b.Rows("cards")) != 3 {
			t.Errorf("%+v, %d cards", rep, len(w.b.Rows("cards")))
		}
		if n := apiWrites(w.b); n != 3 {
			t.Errorf("%d writes, want 3", n)
		}
		left := w.by(w.a, "cards", "name", "ann").ID
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.settled("cards")
		if got := w.by(w.b, "cards", "name", "ann").Fields["notes"]; got != "new" {
			t.Errorf("notes are %q", got)
		}
		quiet(t, w)
	})
}

func TestR36APendingWriteSurvivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "    match: [email]\n", "    match: [code]\n", 1)) // and none has a code
		w.b.Slow(time.Hour)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		began := time.Now()
		rep := w.sync("cards")
		if rep.Status != engine.StatusReview || rep.Reconciled || rep.Waiting != 1 || rep.Failed != 0 || len(w.reviews()) != 0 { // R38
			t.Fatalf("%+v %v", rep, w.reviews())
		}
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("the run waited %s for what takes an hour", took)
		}
		w.restart()
		w.put(w.a, "cards", w.by(w.a, "cards", "name", "Ann").ID, map[string]string{"notes": "meanwhile"})
		if rep := w.sync("cards"); rep.Reconciled || rep.Waiting != 1 {
			t.Errorf("%+v", rep)
		}
		time.Sleep(2 * time.Hour)
		w.b.Slow(0)
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "Ann").ID, map[string]string{"phone": "1"}) // before anybody has asked
		w.settled("cards")
		if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 1 || len(b) != 1 || a[0].Fields["phone"] != "1" || b[0].Fields["notes"] != "meanwhile" {
			t.Errorf("a has %v, b has %v", a, b)
		}
		quiet(t, w)
	})
}

// What many pending creates have made is told by the records' own keys, not by a question for each
// create.
func TestR36ManyPendingCreatesDoNotCostACallEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "    match: [email]\n", "    match: [code]\n", 1)) // and none has a code
		w.b.Slow(time.Hour)
		const n = 20
		for i := range n {
			w.put(w.a, "cards", "", map[string]string{"name": fmt.Sprint("Card ", i)})
		}
		w.sync("cards")
		time.Sleep(2 * time.Hour)
		w.b.Slow(0)
		for _, row := range w.b.Rows("cards") {
			w.put(w.b, "cards", row.ID, map[string]string{"name": "Renamed " + row.ID}) // none holds what was sent
		}
		before := len(w.b.Kit().Calls())
		w.sync("cards")
		if calls := len(w.b.Kit().Calls()) - before; calls > n {
			t.Errorf("%d calls about %d creates", calls, n)
		}
		if a, b := len(w.a.Rows("cards")), len(w.b.Rows("cards")); a != n || b != n {
			t.Errorf("a has %d, b has %d", a, b)
		}
	})
}

// A vendor that cannot say now whose key a record carries is asked once for all of them, and each waits.
func TestR36AVendorThatCannotSayIsNotAskedAboutEachRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "    match: [email]\n", "    match: [code]\n", 1))
		w.b.Slow(time.Hour)
		w.put(w.a, "cards", "", map[string]string{"name": "Card"})
		w.sync("cards")
		for i := range 10 {
			w.put(w.b, "cards", "", map[string]string{"name": fmt.Sprint("Theirs ", i)})
		}
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/get"})
		w.sync("cards")
		if n := down.Hits(); n == 0 || n > 5 {
			t.Errorf("it was asked %d times", n)
		}
		if a := w.a.Rows("cards"); len(a) != 1 {
			t.Errorf("a has %v while nobody knows what was made at b", a)
		}
	})
}

func TestR36APendingWriteThatIsRefusedIsParked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    direction: left-to-right", 1))
		w.b.Slow(20 * time.Second)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "code": "k1"})
		w.b.After(onceAt("/v1/do", func() { w.put(w.b, "cards", "", map[string]string{"name": "Zoe", "email": "zoe@x.gr", "code": "k1"}) }))
		w.sync("cards")
		if item := w.review(store.ReviewDuplicate); item.Record == "" {
			t.Errorf("%+v", item)
		}
		quiet(t, w)
	})
}

func TestR36AForgottenJobIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.b.Slow(time.Hour)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.sync("cards")
		w.b.ForgetJobs()
		w.b.Slow(0)
		time.Sleep(time.Hour)
		rep := w.settled("cards")
		if rep.Linked != 1 || len(w.b.Rows("cards")) != 1 {
			t.Errorf("%+v, %d cards", rep, len(w.b.Rows("cards")))
		}
		quiet(t, w)
	})
}

// R16, R36, invariant 8: what a job has made, and people have changed and then deleted before anybody
// could ask for its key, may be the job's all the same: it is not made once more where it came from.
func TestR36WhatAJobMadeAndIsGoneBeforeItsKeyIsReadIsNotDoubled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.b.Slow(time.Hour)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.sync("cards")
		time.Sleep(2 * time.Hour)
		w.b.Slow(0)
		made := w.by(w.b, "cards", "name", "Ann").ID
		w.put(w.b, "cards", made, map[string]string{"name": "Anna", "email": "anna@x.gr"})
		w.b.Before(onceAt("/v1/get", func() { w.remove(w.b, "cards", made) })) // listed, and gone when its key is asked for
		w.sync("cards")
		time.Sleep(time.Hour)
		w.settled("cards")
		if a := w.a.Rows("cards"); len(a) != 1 {
			t.Errorf("a has %v", a)
		}
		if asked := w.reviews(); len(asked) > 0 {
			t.Errorf("asked: %v", asked)
		}
		quiet(t, w)
	})
}

// R16, R24, R36: while the vendor takes its time, people there merge another one's partner into what it has
// just made. It is the partner of what it was made for all the same, so that there are two partners of one
// survivor, as if the vendor had been quick.
func TestR36WhatAJobMadeIsItsOwnPartnerThoughAnotherOneIsMergedIntoIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		mergedIntoMade(w, map[string]string{"notes": "of both"})
		item := w.review(store.ReviewMerge)
		if ann, bob := w.by2(w.a, "Ann"), w.by2(w.a, "Bob"); item.Record != bob || len(item.Candidates) != 1 || item.Candidates[0] != ann {
			t.Errorf("asked about %s and %v: %s", item.Record, item.Candidates, item.Text)
		}
		w.decide(item, "merge")
		w.settled("cards")
		if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 1 || len(b) != 1 || a[0].Fields["notes"] != "of both" {
			t.Errorf("a has %v, b has %v", a, b)
		}
		quiet(t, w)
	})
}

// R16: where nothing tells any more what the job has made, that one is the other one's partner by the time
// the job is over. A live link is not moved: a person is asked.
func TestR36WhatAJobMadeMayHaveAnotherPartnerByThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		mergedIntoMade(w, map[string]string{"tandem_key": "", "email": "anna@x.gr"})
		if item := w.review(store.ReviewUnknown); !strings.Contains(item.Text, "has another partner by now") {
			t.Errorf("asked: %s", item.Text)
		}
		if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 2 || len(b) != 1 {
			t.Errorf("a has %v, b has %v", a, b)
		}
		quiet(t, w)
	})
}

// mergedIntoMade has b make a card for Ann so slowly that people edit it and merge Bob's into it before
// anybody has asked what came of it.
func mergedIntoMade(w *world, edit map[string]string) {
	w.t.Helper()
	w.people("Bob")
	w.b.Slow(time.Hour)
	w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
	w.sync("cards")
	time.Sleep(55 * time.Minute)
	w.sync("cards") // asks, and not again in the next ten minutes
	time.Sleep(6 * time.Minute)
	w.b.Slow(0)
	made := w.by2(w.b, "Ann")
	w.put(w.b, "cards", made, edit)
	w.merge(w.b, made, w.by2(w.b, "Bob"))
	w.sync("cards")
	time.Sleep(time.Hour)
	w.sync("cards")
}

// R22, R24, R36: what a job made, and another one was merged into, is deleted before anybody can say what the
// job made. It was the partner of what it was made for: that one is not in doubt, and neither is deleted that
// has something to lose.
func TestR36WhatAJobMadeIsItsOwnPartnerThoughItIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsWith("delete: delete"))
		w.people("Bob")
		w.b.Slow(time.Hour)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.sync("cards")
		time.Sleep(2 * time.Hour)
		w.b.Slow(0)
		made := w.by2(w.b, "Ann")
		w.merge(w.b, made, w.by2(w.b, "Bob"))
		w.remove(w.b, "cards", made)
		w.put(w.a, "cards", w.by2(w.a, "Bob"), map[string]string{"notes": "edited since"})
		w.sync("cards")
		asked := w.reviews()
		if len(asked) != 2 || !strings.HasPrefix(asked[0], "delete: ") || !strings.HasPrefix(asked[1], "delete: ") {
			t.Errorf("asked: %v", asked)
		}
		if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 2 || len(b) != 0 {
			t.Errorf("a has %v, b has %v", a, b)
		}
		quiet(t, w)
	})
}

// R16, R24, invariant 8: people merge another one's partner into what a create has made whose answer was lost, and give
// it another key, before it is looked up. It is found, and nothing is made twice.
func TestR16WhatACutOffCreateMadeIsItsOwnPartnerThoughAnotherOneIsMergedIntoIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.people("Bob")
		w.b.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/v1/do", Times: 1})
		w.b.After(onceAt("/v1/do", func() {
			made := w.by2(w.b, "Ann")
			w.put(w.b, "cards", made, map[string]string{"email": "anna@x.gr"})
			w.merge(w.b, made, w.by2(w.b, "Bob"))
		}))
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		down := w.b.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/find"})
		w.sync("cards")
		w.sync("cards") // reads of the merge, and still cannot look
		down.Remove()
		time.Sleep(time.Hour)
		w.sync("cards")
		if item := w.review(store.ReviewMerge); item.Record != w.by2(w.a, "Bob") {
			t.Errorf("asked about %s: %s", item.Record, item.Text)
		}
		if a, b := w.a.Rows("cards"), w.b.Rows("cards"); len(a) != 2 || len(b) != 1 || w.by2(w.a, "Ann") == "" {
			t.Errorf("a has %v, b has %v", a, b)
		}
		quiet(t, w)
	})
}
