package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
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
