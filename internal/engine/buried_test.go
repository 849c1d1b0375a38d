package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/twin"
)

// R2, R16: a write of unknown outcome, of which the record is deleted before anybody could look, and
// brought back later. What it shows then of that write is ours: what people have entered on the other side
// since is newer, and is carried over; and what was never written is no edit either.
func TestR16WhatAWriteLeftInARecordThatComesBackIsNoEdit(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultLostReply, twin.FaultRefuse} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, cardsWith("prefer: left"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				w.put(w.b, "cards", right, map[string]string{"phone": "2101000001", "notes": "new"})
				lost := w.a.Inject(twin.Fault{Kind: kind, Path: "/v1/do", Times: 1})
				w.a.After(onceAt("/v1/do", func() { w.remove(w.a, "cards", left) })) // before its outcome is looked up
				w.sync("cards")
				if lost.Hits() != 1 {
					t.Fatal("no answer was lost")
				}
				time.Sleep(time.Hour)
				w.sync("cards")
				if err := w.a.Restore("cards", left); err != nil {
					t.Fatal(err)
				}
				w.put(w.b, "cards", right, map[string]string{"phone": "2101000002", "notes": "newer"})
				time.Sleep(time.Hour)
				w.sync("cards")
				for _, tw := range []twin.Twin{w.a, w.b} {
					if f := tw.Rows("cards")[0].Fields; f["phone"] != "2101000002" || f["notes"] != "newer" {
						t.Errorf("a side has %v", f)
					}
				}
				quiet(t, w)
			})
		})
	}
}

// R2, R16: the write never arrived, and the record comes back because the edit wins over the delete, or
// because a person restores it before the pair is decided about: what stands there is no edit against which
// that one would have to be held.
func TestR16WhatWasNeverWrittenIsNoEditWhicheverWayTheRecordComesBack(t *testing.T) {
	t.Parallel()
	for _, byPerson := range []bool{false, true} {
		t.Run(fmt.Sprintf("by a person %t", byPerson), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, cardsWith("prefer: ask", "delete: delete"), map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
				back := func() {
					if err := w.a.Restore("cards", left); err != nil {
						t.Error(err)
					}
				}
				lost := 0
				w.losing(func() bool {
					if lost++; lost > 1 {
						return false
					}
					if err := w.a.Archive("cards", left); err != nil {
						t.Error(err)
					}
					if byPerson {
						w.a.After(onceAt("/v1/get", back)) // when that shows what became of it
					}
					return true
				})
				w.put(w.b, "cards", right, map[string]string{"notes": "new"})
				w.sync("cards")
				time.Sleep(time.Hour)
				w.settled("cards")
				for _, tw := range []twin.Twin{w.a, w.b} {
					if got := tw.Rows("cards"); len(got) != 1 || got[0].Fields["notes"] != "new" {
						t.Errorf("a side has %v", got)
					}
				}
				if lost == 0 {
					t.Error("no write was lost")
				}
				if got := w.reviews(); len(got) > 0 {
					t.Errorf("a person was asked although only one side's people touched it: %q", got)
				}
				quiet(t, w)
			})
		})
	}
}

// losing has both systems not get the updates of notes of which lose says so, and nobody know.
func (w *world) losing(lose func() bool) {
	w.wrap = func(c connector.Connection) connector.Connection {
		a := connector.AbilitiesOf(c)
		return picky{a.Check, a.Source, a.Reader, a.Finder, a.Partitioner, a.Writer, func(op connector.Op) *connector.Error {
			if _, set := op.Set["notes"]; op.Verb != connector.Update || !set || !lose() {
				return nil
			}
			return &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord, Err: errors.New("the connection broke")}
		}}
	}
	w.configure(w.yaml)
}
