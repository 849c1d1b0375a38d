package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

// rulesYAML puts the card of a label on lists by the stage of the cards that refer to the
// label: labels stand for people, the cards at a for their deals, those at b for contacts.
const rulesYAML = header + `
  people:
    left: a.labels
    right: b.cards
    match: [code]
    direction: left-to-right
    create: none
    guard: { update: 100% }
    fields: [name]
    lists:
      - { of: cards, field: tags, by: stage, pick: [new, won, lost], newest: seen, to: { new: vip, won: trade } }
`

func (w *world) onLists() string {
	w.t.Helper()
	var codes []string
	for _, r := range w.b.Rows("cards") {
		tags := strings.Split(r.Fields["tags"], ";")
		slices.Sort(tags)
		codes = append(codes, r.Fields["code"]+":"+strings.Trim(strings.Join(tags, ";"), ";"))
	}
	slices.Sort(codes)
	return strings.Join(codes, " ")
}

func TestAMoveLeavesTheOldListInTheSameWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, rulesYAML)
		ann := w.put(w.a, "labels", "", map[string]string{"name": "Ann", "code": "ann"})
		deal := w.card("", ann, "new", "1", "", "2026-01-01T00:00:00Z")
		// Of her own she is on press, and on trade, which the rules name and do not put her on.
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "code": "ann", "tags": "press;trade"})
		w.settled("people")
		if got := w.onLists(); got != "ann:press;vip" {
			t.Errorf("after the first match they are on %s", got)
		}
		quiet(t, w)

		before := apiWrites(w.b)
		w.put(w.a, "labels", ann, map[string]string{"name": "Anna"})
		w.card(deal, ann, "won", "1", "", "2026-01-02T00:00:00Z")
		w.settled("people")
		if got := w.onLists(); got != "ann:press;trade" || apiWrites(w.b) != before+1 {
			t.Errorf("they are on %s after %d writes, want one", got, apiWrites(w.b)-before)
		}
		w.card("", ann, "new", "2", "", "2026-01-01T00:00:00Z") // an open one counts before a won one
		w.settled("people")
		if got := w.onLists(); got != "ann:press;vip" {
			t.Errorf("with an open deal beside they are on %s", got)
		}
		quiet(t, w)
	})
}

// R10: whom a person takes off a list stays off until the deal moves; a stage of which no rule
// speaks leaves the named lists only.
func TestAPersonsOwnMembershipsStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, rulesYAML)
		ann := w.put(w.a, "labels", "", map[string]string{"name": "Ann", "code": "ann"})
		deal := w.card("", ann, "new", "1", "", "")
		card := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "code": "ann", "tags": "press"})
		w.settled("people")
		w.put(w.b, "cards", card, map[string]string{"tags": "press"})
		w.settled("people")
		if got := w.onLists(); got != "ann:press" {
			t.Errorf("they are on %s although somebody took them off", got)
		}
		w.card(deal, ann, "won", "1", "", "")
		w.settled("people")
		if got := w.onLists(); got != "ann:press;trade" {
			t.Errorf("after the deal moved they are on %s", got)
		}
		w.card(deal, ann, "lost", "1", "", "")
		w.settled("people")
		if got := w.onLists(); got != "ann:press" {
			t.Errorf("a lost deal has no list, and they are on %s", got)
		}
		quiet(t, w)
	})
}

// Whatever happened on the way, and wherever the process was killed, the lists that the rules
// name are those that the newest deal of the first status gives, and the others are untouched.
func TestListsComeOutTheSameHoweverTheyCameAbout(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type move struct{ deal, stage, crash int }
		moves := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
			return move{rapid.IntRange(0, 2).Draw(t, "deal"), rapid.IntRange(-1, 2).Draw(t, "stage"), rapid.IntRange(-3, 9).Draw(t, "crash")}
		}), 1, 5).Draw(rt, "moves")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, rulesYAML)
			ann := w.put(w.a, "labels", "", map[string]string{"name": "Ann", "code": "ann"})
			w.put(w.b, "cards", "", map[string]string{"name": "Ann", "code": "ann", "tags": "press"})
			w.settled("people")
			deals, stages := make([]string, 3), map[string]string{}
			for _, m := range moves {
				switch {
				case m.stage >= 0:
					stage := []string{"new", "won", "lost"}[m.stage]
					deals[m.deal] = w.card(deals[m.deal], ann, stage, "1", "", "")
					stages[deals[m.deal]] = stage
				case deals[m.deal] != "":
					w.remove(w.a, "cards", deals[m.deal])
					delete(stages, deals[m.deal])
					deals[m.deal] = ""
				}
				if m.crash >= 0 {
					w.crash(m.crash)
					w.restart()
				} else if m.crash == -1 {
					w.sync("people")
				}
			}
			w.settled("people")
			want := "ann:press"
			for _, x := range []struct{ stage, on string }{{"won", "ann:press;trade"}, {"new", "ann:press;vip"}} {
				for _, stage := range stages {
					if stage == x.stage {
						want = x.on
					}
				}
			}
			if got := w.onLists(); got != want {
				t.Errorf("with deals %v they are on %s, want %s", stages, got, want)
			}
		})
	})
}

func TestAPersonIsPutOnAListByACondition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(rulesYAML, "    lists:\n", "    lists:\n      - { in: press, field: tags, when: \"name != 'Bob'\" }\n", 1))
		w.put(w.a, "labels", "", map[string]string{"name": "Ann", "code": "ann"})
		w.put(w.a, "labels", "", map[string]string{"name": "Bob", "code": "bob"})
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "code": "ann"})
		w.put(w.b, "cards", "", map[string]string{"name": "Bob", "code": "bob", "tags": "press;vip"})
		w.settled("people")
		if got := w.onLists(); got != "ann:press bob:" {
			t.Errorf("they are on %s", got)
		}
	})
}

// tagged makes the tags of cards references to labels, as a system has its lists.
type tagged struct {
	connector.Connection
	connector.Source
	connector.Reader
	connector.Partitioner
	connector.Writer
}

func (c tagged) Schema(ctx context.Context) (record.Schema, error) {
	s, err := c.Source.Schema(ctx)
	for i, o := range s.Objects {
		for j, f := range o.Fields {
			if f.Name == "tags" {
				s.Objects[i].Fields[j] = record.Field{Name: "tags", Kind: record.KindReferences, To: "labels"}
			}
		}
	}
	return s, err
}

func TestAListThatIsNotThereStopsTheSyncBeforeItWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, rulesYAML)
		w.wrap = func(c connector.Connection) connector.Connection {
			a := connector.AbilitiesOf(c)
			return tagged{a.Check, a.Source, a.Reader, a.Partitioner, a.Writer}
		}
		there := w.put(w.b, "labels", "", map[string]string{"name": "List", "code": "l"})
		w.configure(strings.NewReplacer("{ new: vip, won: trade }", `{ new: "`+there+`", won: 9999 }`, "of: cards", "of: cards.label").Replace(rulesYAML))
		w.put(w.a, "labels", "", map[string]string{"name": "Ann", "code": "ann"})
		w.put(w.b, "cards", "", map[string]string{"name": "Anne", "code": "ann"})
		rep := w.sync("people")
		if rep.Status != engine.StatusFailed || !strings.Contains(rep.Error, "b has no labels 9999;") || apiWrites(w.b) != 0 {
			t.Errorf("%s: %q after %d writes", rep.Status, rep.Error, apiWrites(w.b))
		}
	})
}
