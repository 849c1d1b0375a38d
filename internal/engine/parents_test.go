package engine_test

import (
	"testing"
	"testing/synctest"
)

func TestAnExpressionFollowsAReferenceAndItsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, header+`
  labels:
    left: a.labels
    right: b.labels
    match: [code]
    fields: [name, code]
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    direction: left-to-right
    fields:
      - name
      - box
      - email
      - { right: notes, from: "name + ' is ' + label.name" }
`)
		label := w.put(w.a, "labels", "", map[string]string{"name": "gold", "code": "g"})
		w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "label": label})
		w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.settled("cards")
		if got := w.by(w.b, "cards", "name", "Ann").Fields["notes"]; got != "Ann is gold" {
			t.Errorf("notes are %q", got)
		}
		w.put(w.a, "labels", label, map[string]string{"name": "platinum"})
		rep := w.settled("cards")
		if got := w.by(w.b, "cards", "name", "Ann").Fields["notes"]; got != "Ann is platinum" {
			t.Errorf("notes are %q after the label was renamed", got)
		}
		if rep.Right.Updated != 1 {
			t.Errorf("%d cards were updated, want the one that refers to the label", rep.Right.Updated)
		}
		quiet(t, w)
	})
}
