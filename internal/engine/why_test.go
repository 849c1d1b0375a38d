package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

func (w *world) why(connection, id, field string) engine.Why {
	w.t.Helper()
	all, err := w.engine.Why(w.t.Context(), store.Object{Connection: connection, Name: "cards"}, id, field)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d explanations: %v", len(all), err)
	}
	return all[0]
}

// reasons joins what is said, each behind its rule.
func reasons(y engine.Why) string {
	var b strings.Builder
	for _, r := range y.Reasons {
		b.WriteString(r.Rule.Number + " " + r.Text + "\n")
	}
	return b.String()
}

func TestWhyTellsWhereAValueCameFrom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    prefer: right", 1)
		w, left, right := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "phone": "1"})
		w.put(w.a, "cards", left, map[string]string{"notes": "from a", "phone": "2"})
		w.put(w.b, "cards", right, map[string]string{"notes": "from b"})
		w.settled("cards")

		y := w.why("a", left, "notes")
		if y.State != "linked" || y.Partner != "b.cards/"+right || len(y.Fields) != 1 {
			t.Fatalf("%+v", y)
		}
		f := y.Fields[0]
		if f.State != "agreed" || f.Value.Text() != "from b" || f.Origin.Rule.Number != "R8" || f.Origin.Replaced.Text() != "from a" ||
			!strings.Contains(f.Origin.Text, "carried it from b.cards/"+right+": both changed: prefer right") {
			t.Errorf("notes: %+v", f)
		}
		if f := w.why("a", left, "phone").Fields[0]; f.Origin.Entry == nil || !strings.Contains(f.Origin.Text, "was entered at Toy address book, and run r") {
			t.Errorf("phone at its source: %+v", f.Origin)
		}
		if f := w.why("b", right, "phone").Fields[0]; f.Origin.Rule.Number != "R8" || f.Origin.Replaced.Text() != "1" {
			t.Errorf("phone where it was carried to: %+v", f.Origin)
		}
		if f := w.why("b", right, "name").Fields[0]; f.Origin.Rule.Number != "R15" || !strings.Contains(f.Origin.Text, "created the record") {
			t.Errorf("name: %+v", f.Origin)
		}
		if f := w.why("b", right, "discount").Fields[0]; f.Origin.Text != "it is empty at Toy address book; Tandem did not empty it" {
			t.Errorf("discount, which nobody has filled: %+v", f)
		}
		if all := w.why("b", right, ""); len(all.Fields) != 9 {
			t.Errorf("%d fields are explained, want all 9", len(all.Fields))
		}
	})
}

func TestWhyTellsWhatKeepsARecordAlone(t *testing.T) {
	t.Parallel()
	where := "match: [email]\n    where: { left: \"stage == 'won'\" }\n    direction: left-to-right"
	for name, c := range map[string]struct {
		yaml string
		left bool
		card map[string]string
		want []string
	}{
		"filter":    {strings.Replace(where, "left-to-right", "both", 1), true, map[string]string{"email": "x@x.gr", "stage": "lost"}, []string{"R19 it does not pass the filter where.left: stage == 'won'; stage is \"lost\""}},
		"not asked": {where, true, map[string]string{"email": "x@x.gr", "stage": "lost"}, []string{"it does not pass the filter where.left, by which Toy address book was asked to select"}},
		"direction": {where, false, map[string]string{"email": "x@x.gr"}, []string{"nothing is created in a.cards: direction is left-to-right"}},
		"no key":    {"match: [email]\n    create: none", true, map[string]string{}, []string{"R14 it has no match key: email", "create does not name right"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", c.yaml, 1))
				tw, conn := w.a, "a"
				if !c.left {
					tw, conn = w.b, "b"
				}
				c.card["name"] = "Lone"
				id := w.put(tw, "cards", "", c.card)
				w.settled("cards")
				y := w.why(conn, id, "")
				for _, want := range c.want {
					if !strings.Contains(reasons(y), want) {
						t.Errorf("state %s, reasons:\n%swant %q", y.State, reasons(y), want)
					}
				}
			})
		})
	}
}

func TestWhyTellsOfQuestionsGuardsClosedLinksAndWhatIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    guard: { create: 0 }", 1))
		if _, err := w.engine.Check(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if y := w.why("a", "1", ""); y.State != "unknown" || !strings.Contains(reasons(y), "R15 a.cards has not been read to the end yet") {
			t.Errorf("before the first run: %s\n%s", y.State, reasons(y))
		}
		gone := w.put(w.a, "cards", "", map[string]string{"name": "Gone", "email": "g@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Twin", "email": "t@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Twin", "email": "t@x.gr"})
		w.sync("cards")
		if y := w.why("b", "2", ""); len(y.Reviews) != 1 || !strings.Contains(reasons(y), "R20 review: has the same email as 1") {
			t.Errorf("a duplicate: %v\n%s", y.Reviews, reasons(y))
		}
		partner := w.by(w.b, "cards", "email", "g@x.gr").ID
		w.remove(w.a, "cards", gone)
		time.Sleep(time.Minute)
		w.sync("cards")
		if y := w.why("b", partner, ""); !strings.Contains(reasons(y), "R18 it was linked with a.cards/"+gone+", and that link was closed: deleted") {
			t.Errorf("a closed link: %s\n%s", y.State, reasons(y))
		}
		if y := w.why("a", gone, ""); y.State != "gone" {
			t.Errorf("a deleted record: %s\n%s", y.State, reasons(y))
		}
		held := w.put(w.a, "cards", "", map[string]string{"name": "Held", "email": "held@x.gr"})
		w.sync("cards")
		if y := w.why("a", held, ""); y.State != "under way" || !strings.Contains(reasons(y), "R30 a write (create of b.cards) is decided and held by a guard") {
			t.Errorf("held by a guard: %s\n%s", y.State, reasons(y))
		}
	})
}

// TestRuleTextsAreThoseOfTheDocumentation keeps the sentences in one place: they must stand
// in docs/rules.md behind their number.
func TestRuleTextsAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	space := regexp.MustCompile(`[\s*]+`)
	doc, some := space.ReplaceAllString(string(b), " "), 0
	for _, number := range regexp.MustCompile(`\bR\d+\b`).FindAllString(doc, -1) {
		text := engine.RuleText(number)
		if text == "" {
			continue
		}
		some++
		if !strings.Contains(doc, space.ReplaceAllString(text, " ")) {
			t.Errorf("%s: docs/rules.md does not say %q", number, text)
		}
	}
	if some < 20 {
		t.Errorf("only %d rules were compared", some)
	}
}
