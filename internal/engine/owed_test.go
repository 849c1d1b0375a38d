package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// halting makes records without the fields of a second step as long as that one fails.
type halting struct {
	picky
	fails *int // how often it still does
	field string
}

// Write leaves the field out of a create, and says that it is owed.
func (h halting) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	var owed []int
	for i, op := range ops {
		if _, set := op.Set[h.field]; op.Verb == connector.Create && set && *h.fails > 0 {
			*h.fails--
			ops[i].Set = op.Set.Clone()
			delete(ops[i].Set, h.field)
			owed = append(owed, i)
		}
	}
	results, err := h.picky.Write(ctx, ops)
	for _, i := range owed {
		if results[i].Err == nil {
			results[i].Refused = append(results[i].Refused, connector.Refuse(h.field, &connector.Error{Kind: connector.Unavailable, Err: errors.New("down")}))
		}
	}
	return results, err
}

// A passing failure in the second step of a create is no refusal (R2): the field is owed, and
// written by the next run at the latest, a value of one kind as well as a set.
func TestR2WhatFailedAfterACreateIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for field, value := range map[string]string{"notes": "by car", "tags": "trade;vip", "stage": "won"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, cardsYAML)
			fails := 1
			w.wrap = func(c connector.Connection) connector.Connection {
				a := connector.AbilitiesOf(c)
				return halting{picky{a.Check, a.Source, a.Reader, a.Finder, a.Partitioner, a.Writer, func(connector.Op) *connector.Error { return nil }}, &fails, field}
			}
			w.configure(w.yaml)
			left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", field: value})
			w.sync("cards")
			time.Sleep(time.Minute)
			w.settled("cards")
			if fails != 0 {
				t.Error("the second step did not fail")
			}
			if got := w.b.Rows("cards"); len(got) != 1 || got[0].Fields[field] != value {
				t.Errorf("%s was not written again: %v", field, got)
			}
			if got := w.a.Rows("cards"); len(got) != 1 || got[0].Fields[field] != value {
				t.Errorf("%s was taken away at its source: %v", field, got)
			}
			if e := w.history(record.Left, left); len(e) == 0 {
				t.Error("nothing is in the journal")
			}
			quiet(t, w)
		})
	}
}

// An owed field that fails for ever ends in a question and not in a run without an end (R8); the
// rest of the record is written meanwhile, and the next run begins anew.
func TestR8AFieldThatIsOwedForEverIsAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.settled("cards")
		fails, tries := true, 0
		w.wrap = func(c connector.Connection) connector.Connection {
			a := connector.AbilitiesOf(c)
			return owing{picky{a.Check, a.Source, a.Reader, a.Finder, a.Partitioner, a.Writer, func(connector.Op) *connector.Error { return nil }}, &fails, &tries}
		}
		w.configure(w.yaml)
		w.put(w.a, "cards", w.a.Rows("cards")[0].ID, map[string]string{"name": "Anna", "notes": "by car"})
		w.sync("cards")
		if tries == 0 || tries > 5 {
			t.Errorf("it was tried %d times in one run", tries)
		}
		if got := w.b.Rows("cards")[0].Fields; got["name"] != "Anna" || got["notes"] != "" {
			t.Errorf("the record is %v", got)
		}
		if got := w.a.Rows("cards")[0].Fields["notes"]; got != "by car" {
			t.Errorf("it was taken away at its source: %q", got)
		}
		item := w.review(store.ReviewConflict)
		if item.Field != "notes=notes" {
			t.Errorf("asked about is %+v", item)
		}
		fails = false
		w.decide(item, "left")
		w.settled("cards")
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "by car" {
			t.Errorf("it was not written once it could be: %q", got)
		}
		quiet(t, w)
	})
}

// owing leaves the notes out of every update, and says that they are owed.
type owing struct {
	picky
	fails *bool
	tries *int
}

// Write writes the rest.
func (o owing) Write(ctx context.Context, ops []connector.Op) ([]connector.Result, error) {
	var owed []int
	sent := slices.Clone(ops)
	for i, op := range ops {
		if _, set := op.Set["notes"]; *o.fails && op.Verb == connector.Update && set {
			*o.tries++
			sent[i].Set = op.Set.Clone()
			delete(sent[i].Set, "notes")
			owed = append(owed, i)
		}
	}
	results, err := o.picky.Write(ctx, sent)
	for _, i := range owed {
		results[i].Refused = append(results[i].Refused, connector.Refuse("notes", &connector.Error{Kind: connector.Unavailable, Err: errors.New("down")}))
	}
	return results, err
}
