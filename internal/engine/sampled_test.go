package engine_test

import (
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
)

// What a mapping makes of a record is shown with its references translated and looked into, by no
// more than what is remembered.
func TestAMappingIsTriedOutOnWhatIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, header+`
  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code] }
  cards: { left: a.cards, right: b.cards, match: [email], create: none, fields: [name, email, box, label,
    { right: notes, from: "name + ' is ' + label.name" }, { right: discount, from: "1 / (stage == 'new' ? 0 : 1)" }] }
`)
	label := w.put(w.a, "labels", "", map[string]string{"name": "gold", "code": "g"})
	ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "label": label, "box": "sales", "stage": "new"})
	w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "box": "sales"})
	lone := w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "box": "sales"})
	w.settled("labels")
	w.settled("cards")
	p, _ := plan.Parse("tandem.yaml", []byte(w.yaml), func(string) (string, bool) { return w.a.Settings()["api_key"], true }, []connector.Spec{w.spec()})
	sync, _ := p.Sync("cards")
	resolved, problems, err := engine.Remembered(t.Context(), w.store, p, sync)
	if err != nil || problems.HasErrors() {
		t.Fatal(problems, err)
	}
	samples, err := engine.Samples(t.Context(), w.store, p, resolved, record.Left, []string{ann, "nobody", lone})
	if err != nil || len(samples) != 2 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	there := w.by(w.b, "labels", "code", "g").ID
	for i, f := range resolved.Mapping.Fields() {
		is, alone := samples[0].Fields[i], samples[1].Fields[i]
		switch f.Right.Name {
		case "label":
			if is.Given[1].Text() != there || !is.Given[1].Same {
				t.Errorf("the label is given as %q, want %q", is.Given[1], there)
			}
		case "notes":
			if is.Given[1].Text() != "Ann is gold" || alone.Given[1].Text() != "Bob is " {
				t.Errorf("the notes are given as %q, and as %q where nothing is referred to", is.Given[1], alone.Given[1])
			}
		case "discount":
			if is.Given[1].Why == "" || is.Given[1].Known || alone.Given[1].Text() != "1" {
				t.Errorf("what cannot be computed is %+v, and what can %+v", is.Given[1], alone.Given[1])
			}
		}
	}
	if samples[1].Rows[1].ID != "" || !samples[1].Passes[0] {
		t.Errorf("a record without a partner is shown as %+v", samples[1])
	}
}
