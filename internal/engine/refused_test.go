package engine_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// R2: what a person sets back right after our write looks like a refusal, and is shown. Once a side
// changes it is sent again, an element of a set too, of which only what changed goes over (R12):
// else the sides differed for good, and nothing said so (R7).
func TestR2ElementsThatWereRefusedAreSentAgainOnceASideChanges(t *testing.T) {
	t.Parallel()
	for _, changes := range []string{"left", "right"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsYAML)
			left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "vip"})
			right := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "trade;vip"})
			once := false
			w.a.After(func(r *http.Request) {
				if !once && r.URL.Path == "/v1/do" {
					once = true
					w.put(w.a, "cards", left, map[string]string{"tags": "vip"})
				}
			})
			w.sync("cards")
			w.settled("cards")
			if e := w.lines(store.Refused, record.Left, left); len(e) != 1 || e[0].New.String() != "trade, vip" && e[0].New.String() != "vip, trade" {
				t.Fatalf("refused was %v", e)
			}
			quiet(t, w) // shown, and not sent again by itself
			want := "trade"
			if changes == "left" {
				w.put(w.a, "cards", left, map[string]string{"tags": ""})
			} else {
				w.put(w.b, "cards", right, map[string]string{"tags": "press;trade;vip"})
				want = "press;trade;vip"
			}
			w.settled("cards")
			w.wantBoth("tags", want)
			w.nothingDiverges()
			quiet(t, w)
		})
	}
}

// R29: a set that a create has left out is corrected by taking away what the system does not know.
// The rest of it was never there either, and goes over with that.
func TestR29WhatIsLeftOfASetThatACreateLeftOutIsWrittenOnceItIsCorrected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.refusingTag("trade")
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "trade;vip"})
		w.sync("cards")
		if got := w.b.Rows("cards")[0].Fields["tags"]; got != "" {
			t.Fatalf("tags arrived as %q", got)
		}
		w.put(w.a, "cards", left, map[string]string{"tags": "vip"})
		w.settled("cards")
		w.wantBoth("tags", "vip")
		w.nothingDiverges()
		quiet(t, w)
	})
}

// R2: as long as the system refuses, every change is one more attempt and no more.
func TestR2AnElementThatIsRefusedForEverIsSentOncePerChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "vip"})
		w.b.After(func(r *http.Request) { // it knows no trade
			tags := w.b.Rows("cards")[0].Fields["tags"]
			if known := strings.Replace(tags, "trade;", "", 1); r.URL.Path == "/v1/do" && known != tags {
				w.put(w.b, "cards", right, map[string]string{"tags": known})
			}
		})
		w.put(w.a, "cards", left, map[string]string{"tags": "trade;vip"})
		w.settled("cards")
		quiet(t, w)
		w.put(w.b, "cards", right, map[string]string{"tags": "press;vip"})
		w.settled("cards")
		if got := w.a.Rows("cards")[0].Fields["tags"]; got != "press;trade;vip" {
			t.Errorf("left has %q", got)
		}
		if got := w.lines(store.Refused, record.Right, right); len(got) != 2 {
			t.Errorf("it was refused %d times, want 2: %v", len(got), got)
		}
		quiet(t, w)
		w.put(w.a, "cards", left, map[string]string{"tags": "press;vip"})
		w.settled("cards")
		w.wantBoth("tags", "press;vip")
		w.nothingDiverges()
	})
}

// refusingTag has both systems refuse tags of which one is that.
func (w *world) refusingTag(tag string) {
	w.wrap = func(c connector.Connection) connector.Connection {
		a := connector.AbilitiesOf(c)
		return picky{a.Check, a.Source, a.Reader, a.Finder, a.Partitioner, a.Writer, func(op connector.Op) *connector.Error {
			if !strings.Contains(op.Set["tags"].String(), tag) {
				return nil
			}
			return &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: "tags", Err: errors.New("no such tag")}
		}}
	}
	w.configure(w.yaml)
}

// nothingDiverges wants no field of a pair to be noted as different.
func (w *world) nothingDiverges() {
	w.t.Helper()
	links, err := w.store.Links(w.t.Context(), "cards", 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range links {
		if len(l.Diverged) > 0 {
			w.t.Errorf("link %d differs: %v", l.ID, l.Diverged)
		}
	}
}
