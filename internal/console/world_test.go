package console

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

const worldYAML = `version: 1
timezone: UTC
country: GR
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  cards: { left: a.cards, right: b.cards, `

// cardFields are those that the sync of a world keeps in step.
const cardFields = "name, box, email, phone, code, discount, stage, tags, notes"

// A world is a console over two toy address books that are kept in step.
type world struct {
	*bench
	left, right *toy.Twin
}

// newWorld makes a world. given are the rules of its sync, if they are not those of most worlds.
func newWorld(t testing.TB, given ...string) *world {
	t.Helper()
	rules := "match: [email], fields: [" + cardFields + "]"
	if len(given) > 0 {
		rules = given[0]
	}
	w := &world{bench: newBench(t), left: newToy(t), right: newToy(t)}
	w.populate()
	specs := []connector.Spec{toy.Spec()}
	p, problems := plan.Parse("tandem.yaml", []byte(worldYAML+rules+" }\n"), func(string) (string, bool) { return w.left.Settings()["api_key"], true }, specs)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	w.hub.plan, w.hub.specs = p, specs
	w.hub.engine = func() *engine.Engine {
		e, err := engine.New(engine.Options{Store: w.hub.store, Plan: p, Specs: specs, Workers: 1, Transport: func(c plan.Connection) http.RoundTripper {
			if c.Name == "a" {
				return twin.Transport(w.left)
			}
			return twin.Transport(w.right)
		}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	return w
}

func newToy(t testing.TB) *toy.Twin {
	t.Helper()
	tw, ok := toy.New(twin.Options{NoLimits: true}).(*toy.Twin)
	if !ok {
		t.Fatal("toy.New makes no *toy.Twin")
	}
	return tw
}

// put writes a card, or makes one: name, value, name, value …
func (w *world) put(tw *toy.Twin, id string, pairs ...string) string {
	w.Helper()
	fields := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	if id == "" {
		fields["box"] = "sales"
	}
	id, err := tw.Put("cards", id, fields)
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// sync runs all there is and returns the run of the cards.
func (w *world) sync() engine.Report {
	w.Helper()
	reports, err := w.hub.engine().Sync(w.Context(), nil, engine.SyncOptions{})
	if err != nil {
		w.Fatal(err)
	}
	for _, rep := range reports {
		if rep.Err != nil {
			w.Fatalf("%+v", rep)
		}
	}
	return reports[0]
}

// cell returns a field of the only record of a twin.
func (w *world) cell(tw *toy.Twin, field string) string {
	w.Helper()
	rows := tw.Rows("cards")
	if len(rows) != 1 {
		w.Fatalf("%d records", len(rows))
	}
	return rows[0].Fields[field]
}

// line returns the newest line of the journal of a kind and a field.
func (w *world) line(kind store.EntryKind, field string) store.Entry {
	w.Helper()
	page, _, err := w.hub.store.Journal(w.Context(), store.HistoryQuery{Sync: "cards", Field: field, Kinds: []store.EntryKind{kind}, Limit: 1}, 0)
	if err != nil || len(page) != 1 {
		w.Fatalf("no line of kind %s about %q: %v", kind, field, err)
	}
	return page[0]
}

// words are what a person reads of a part of a page, blanks as one.
func words(body, id string) string {
	if id != "" {
		_, body, _ = strings.Cut(body, `id="`+id+`"`)
		_, body, _ = strings.Cut(body, ">")
	}
	text := regexp.MustCompile(`(?s)<(script|style|svg).*?</(script|style|svg)>|<[^>]*>`).ReplaceAllString(body, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

// reads wants a person to read these words in this order.
func (b *bench) reads(body, id string, want ...string) {
	b.Helper()
	text := words(body, id)
	rest := text
	for _, part := range want {
		_, after, found := strings.Cut(rest, part)
		if !found {
			b.Errorf("%q is not there, or not in its place, in\n%s", part, text)
			return
		}
		rest = after
	}
}
