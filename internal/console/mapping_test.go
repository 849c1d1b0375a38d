package console

import (
	"context"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const mappedYAML = `version: 1
timezone: UTC
country: GR
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  # our people
  cards:
    left: a.cards
    right: b.cards
    match: [email] # everybody has one
    fields:
      - name # of the person
      - box
      - email
      - left: stage
        right: color
        direction: left-to-right
        values: # by hand
          new: blue # as the sky
          won: green
      # the end
`

// A mappingHub reads configurations as they would be served.
type mappingHub struct {
	*configHub

	key string
}

func (h *mappingHub) read(text string) (*plan.Plan, plan.Problems) {
	return plan.Parse("tandem.yaml", []byte(text), func(string) (string, bool) { return h.key, true }, []connector.Spec{toy.Spec()})
}

func (h *mappingHub) CheckConfiguration(ctx context.Context, text string) (*plan.Plan, plan.Problems, error) {
	p, problems := h.read(text)
	if p == nil {
		return nil, problems, nil
	}
	for _, sync := range p.Syncs {
		_, more, err := engine.Remembered(ctx, h.store, p, sync)
		if err != nil {
			return nil, nil, err
		}
		problems = append(problems, more...)
	}
	return p, problems, nil
}

// A mapped world is one whose configuration was adopted, with somebody who may edit it.
type mapped struct {
	*world

	h   *mappingHub
	who *browser
}

func newMapped(t *testing.T) *mapped {
	t.Helper()
	m := &mapped{world: newWorld(t)}
	m.put(m.left, "", "name", "Ann <script>alert(1)</script>", "email", "ann@x.gr", "stage", "new")
	m.sync()
	m.h = &mappingHub{configHub: &configHub{fakeHub: m.hub, file: mappedYAML}, key: m.left.Settings()["api_key"]}
	m.c.hub = m.h
	m.who = m.signed(account.Admin)
	return m
}

func (m *mapped) adopt() {
	m.Helper()
	m.to(m.who.post("/settings/configuration/adopt"), "/settings/configuration?done=adopted")
}

const mappingAt = "/syncs/cards/mapping"

// filled is the form of a page as a browser would send it.
func filled(body string) url.Values {
	_, body, _ = strings.Cut(body, "<form class=\"stack\"")
	body, _, _ = strings.Cut(body, "</form>")
	attribute := func(tag, name string) string {
		m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return html.UnescapeString(m[1])
	}
	v := url.Values{}
	for _, tag := range regexp.MustCompile(`<input [^>]*>`).FindAllString(body, -1) {
		if attribute(tag, "type") == "radio" && !strings.Contains(tag, " checked") {
			continue
		}
		v.Add(attribute(tag, "name"), attribute(tag, "value"))
	}
	for _, m := range regexp.MustCompile(`(?s)<select ([^>]*)>(.*?)</select>`).FindAllStringSubmatch(body, -1) {
		chosen := regexp.MustCompile(`<option value="([^"]*)" selected>`).FindStringSubmatch(m[2])
		v.Set(attribute(" "+m[1], "name"), "")
		if chosen != nil {
			v.Set(attribute(" "+m[1], "name"), chosen[1])
		}
	}
	return v
}

// send sends a form with some of its fields entered otherwise, and returns the page.
func (m *mapped) send(form url.Values, status int, pairs ...string) (string, url.Values) {
	m.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	got := m.who.do(postRequest(mappingAt, form))
	m.want(got, status)
	return got.Body.String(), filled(got.Body.String())
}

func TestAMappingIsShownAsItIsWritten(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	got := m.who.get(mappingAt)
	m.want(got, http.StatusOK, "so nothing can be saved here", `name="row-3-value-1-right" value="green"`, `value="upper("`, `<option value="discount">Discount</option>`)
	form := filled(got.Body.String())
	for name, want := range map[string]string{
		"rows": "4", "row-0-left": "name", "row-0-at": "1", "row-3-left": "stage", "row-3-direction": "left-to-right", "row-3-values": "2", "keys": "1",
		"key-0-left": "email", "direction": "both", "prefer": "newest", "delete-left": "ignore",
	} {
		if form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, form.Get(name), want)
		}
	}
	body, _ := m.send(form, http.StatusOK)
	m.reads(body, "", "What changes in the configuration", "It is the same as what counts.")
	m.want(m.who.get("/syncs/other/mapping"), http.StatusNotFound)
	m.want(m.who.get("/syncs/cards"), http.StatusOK, `href="/syncs/cards/mapping"`)
}

func TestAMappingIsCheckedAsItIsEntered(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.adopt()
	form := filled(m.who.get(mappingAt).Body.String())
	for _, x := range []struct {
		left, right, from string
		want              []string
	}{
		{"tags", "discount", "", []string{"Wrong"}},                           // a clash of types
		{"born", "seen", "", []string{"May surprise", "time of day is lost"}}, // no way back
		{"naem", "color", "", []string{"Wrong", "cards has no field", "Did you mean name?"}},
		{"discount", "", "", []string{"Unfinished"}},
		{"", "color", "upper(name", []string{"Wrong", "column"}},
		{"", "club", "upper(name)", []string{"Computed"}},
		{"", "color", "upper(name)", []string{"For new records only"}},
		{"phone", "phone", "", []string{"As it is"}},
	} {
		_, form = m.send(form, http.StatusOK, "act", "add")
		body, _ := m.send(form, http.StatusOK, "row-4-left", x.left, "row-4-right", x.right, "row-4-from", x.from)
		m.reads(body, "row-4-says", x.want...)
		form = filled(m.who.get(mappingAt).Body.String())
	}
	body, _ := m.send(form, http.StatusOK, "row-3-values", "3", "row-3-value-2-left", "new", "row-3-value-2-right", "red")
	m.reads(body, "row-3-says", "The value new is there twice.")
	body, _ = m.send(filled(m.who.get(mappingAt).Body.String()), http.StatusOK, "row-3-direction", "both", "row-3-value-1-right", "blue")
	m.reads(body, "row-3-says", "Wrong", "no way back")
	body, _ = m.send(filled(m.who.get(mappingAt).Body.String()), http.StatusOK, "keys", "2", "key-1-left", "name + email", "key-1-right", "name")
	m.reads(body, "key-1-says", "as many fields of one side")
	body, _ = m.send(filled(m.who.get(mappingAt).Body.String()), http.StatusOK, "key-0-left", "tags")
	m.reads(body, "key-0-says", "cannot be a match key")
	// What the environment holds may be a secret: it is neither read nor shown for who only tries.
	for _, name := range []string{"row-0-left", "row-3-from", "row-3-value-0-right", "key-0-left"} {
		body, _ = m.send(filled(m.who.get(mappingAt).Body.String()), http.StatusOK, name, "'${KEY}'")
		m.reads(body, map[bool]string{true: "key-0-says", false: name[:5] + "-says"}[name[0] == 'k'], "A variable of the environment can be entered in the text only.")
		if strings.Contains(body, m.h.key) {
			t.Errorf("%s shows what the environment holds", name)
		}
	}
	form = filled(m.who.get(mappingAt).Body.String())
	for range 4 {
		body, form = m.send(form, http.StatusOK, "act", "drop-0")
	}
	m.reads(body, "mapping-besides", "Choose at least one pair of fields.")
	body, _ = m.send(form, http.StatusOK, "act", "all")
	m.reads(body, "row-0-says", "kept in step", "phone")
}

func TestAMappingIsSavedAsTheNextVersion(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	form := filled(m.who.get(mappingAt).Body.String())
	m.want(m.who.do(postRequest(mappingAt+"/save", form)), http.StatusUnprocessableEntity, "Somebody else has changed the configuration")
	m.adopt()
	form = filled(m.who.get(mappingAt).Body.String())
	m.want(m.who.do(postRequest(mappingAt+"/save", form)), http.StatusUnprocessableEntity, "the same as what counts")
	_, form = m.send(form, http.StatusOK, "act", "add")
	form.Set("row-4-left", "phone")
	m.want(m.who.do(postRequest(mappingAt+"/save", form)), http.StatusUnprocessableEntity, "It cannot be used as it is.")
	form.Set("row-4-right", "phone")
	m.want(m.who.do(postRequest(mappingAt+"/save", form)), http.StatusUnprocessableEntity, "has changed since the difference was shown", `<code class="new">      - phone</code>`)
	body, form := m.send(form, http.StatusOK, "act", "value-3", "delete-right", "archive", "prefer", "ask", "note", "because\x00 <b>")
	m.want(m.who.get(mappingAt), http.StatusOK)
	if !strings.Contains(body, `formaction="/syncs/cards/mapping/save"`) {
		t.Error("it cannot be saved")
	}
	_, form = m.send(form, http.StatusOK, "row-3-value-2-left", "lost", "row-3-value-2-right", "black", "row-3-value-0-right", "sky blue")
	m.to(m.who.do(postRequest(mappingAt+"/save", form)), mappingAt+"/saved")
	want := strings.NewReplacer(
		"new: blue # as", `new: "sky blue" # as`, "          won: green\n", "          won: green\n          lost: black\n      - phone\n",
		"      # the end\n", "    prefer: ask\n    delete: { right: archive }\n      # the end\n",
	).Replace(mappedYAML)
	if got := m.text(); got != want {
		t.Errorf("saved\n%s\nwant\n%s", got, want)
	}
	audit := m.audited()
	if last := audit[len(audit)-1]; last != "admin|mapping.save|cards|because  <b>|done" {
		t.Errorf("the audit says %s", last)
	}
	m.want(m.who.do(postRequest(mappingAt+"/save", form)), http.StatusUnprocessableEntity, "Somebody else has changed the configuration")

	waits := m.who.get(mappingAt + "/saved")
	m.want(waits, http.StatusOK, "Being taken over")
	if waits.Header().Get("Refresh") == "" {
		t.Error("the page does not look again")
	}
	m.hub.plan, _ = m.h.read(m.text())
	m.want(m.who.get(mappingAt+"/saved"), http.StatusOK, `action="/syncs/cards/plan"`)
	m.want(m.who.get("/syncs/other/mapping/saved"), http.StatusNotFound)

	m.h.edited = true
	form = filled(m.who.get(mappingAt).Body.String())
	_, form = m.send(form, http.StatusOK, "prefer", "left")
	m.want(m.who.do(postRequest(mappingAt+"/save", form)), http.StatusUnprocessableEntity, "Decide first which counts.")
}

// The draft is tried out on records as they are remembered, whichever side they are of.
func TestAMappingIsTriedOutOnRecords(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.put(m.left, "", "name", "Bob", "email", "bob@x.gr")
	m.sync()
	id := m.right.Rows("cards")[0].ID
	m.put(m.right, id, "name", "Anna")
	m.put(m.right, "", "name", "Zoe", "email", "zoe@x.gr")
	still := &m.hub.plan.Syncs[0] // what differs stays so
	still.Direction, still.Create = "none", [2]bool{}
	for i := range still.Fields {
		still.Fields[i].Direction, still.Fields[i].LeftToRight, still.Fields[i].RightToLeft = "none", false, false
	}
	m.sync()
	m.adopt()
	page := m.who.get(mappingAt)
	form := filled(page.Body.String())
	m.reads(page.Body.String(), "mapping-look", "Bob", "Ann <script>alert(1)</script>")
	_, form = m.send(form, http.StatusOK, "act", "add")
	body, form := m.send(form, http.StatusOK, "act", "add", "row-4-right", "club", "row-4-from", "upper(name)", "look", "ann@x.gr")
	m.reads(body, "mapping-look", "Ann <script>alert(1)</script> · ", "name", "Ann <script>alert(1)</script>", "Anna",
		"stage", "color", "New", "blue", "club", "ANN <SCRIPT>ALERT(1)</SCRIPT>")
	body, form = m.send(form, http.StatusOK, "row-4-right", "discount")
	m.reads(body, "mapping-look", "discount", "Wrong", "discount cannot hold the value")
	body, form = m.send(form, http.StatusOK, "row-4-right", "club", "look", "Zoe", "look-side", "right")
	m.reads(body, "mapping-look", "No partner in a", "Zoe · ", "name", "Zoe")
	body, _ = m.send(form, http.StatusOK, "look", "nobody")
	m.reads(body, "mapping-look", "No record is found by that.")
	_, err := m.hub.store.SavePage(t.Context(), store.Page{Of: store.Object{Connection: "a", Name: "cards"}, Feed: store.FeedChanges, Changes: []connector.Change{
		{Record: record.Record{Ref: record.Ref{Object: "cards", ID: "99"}, Fields: record.Fields{"name": record.Text("Kim"), "box": record.Text("")}}},
	}})
	m.ok(err)
	body, _ = m.send(form, http.StatusOK, "row-4-left", "phone", "row-4-right", "phone", "row-4-from", "", "look", "", "look-side", "left")
	m.reads(body, "mapping-look", "Kim · 99", "Kim", "Kim – – email ↔ both ways email not read yet – – – stage", "phone ↔ both ways phone not read yet – – –", "Bob · 2")
}

// Every key says how many records it would pair, and of how many it is in doubt.
func TestKeysAreTriedOutOnAllRecords(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	still := &m.hub.plan.Syncs[0]
	still.Create = [2]bool{}
	for _, x := range [][]string{{"left", "Bob", "bob@x.gr", ""}, {"left", "Bob", "bob2@x.gr", "b1"}, {"right", "bob", "bob@x.gr", "b1"}, {"right", "Zoe", "zoe@x.gr", ""}, {"right", "Eve", "eve@x.gr", "e"}} {
		m.put(map[string]*toy.Twin{"left": m.left, "right": m.right}[x[0]], "", "name", x[1], "email", x[2], "code", x[3])
	}
	m.sync()
	m.adopt()
	page := m.who.get(mappingAt)
	scores := func(body string) []string {
		_, part, _ := strings.Cut(body, `id="mapping-scores"`)
		part, _, _ = strings.Cut(part, "</table>")
		var rows []string
		for _, row := range strings.Split(part, "<tr>")[2:] {
			rows = append(rows, words(row, ""))
		}
		return rows
	}
	want := []string{"email 3 4 2 0 used", "name 3 4 1 3 Use"} // Ann and Bob by their address; two Bobs and one by their name
	if diff := cmp.Diff(want, scores(page.Body.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, judged, _ := strings.Cut(page.Body.String(), `id="doubts-`)
	judged, _, _ = strings.Cut(judged, "</details>")
	_, judged, _ = strings.Cut(judged, "<tbody>")
	if got := words(judged, ""); got != "bob Bob , Bob bob" || strings.Count(judged, `href="/records/`) != 3 {
		t.Errorf("to judge: %s", got)
	}
	form := filled(page.Body.String())
	body, form := m.send(form, http.StatusOK, "key-0-left", "code", "key-0-right", "code")
	if diff := cmp.Diff([]string{"code 1 2 1 0 used", "name 3 4 1 3 Use", "email 3 4 2 0 Use"}, scores(body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, form = m.send(form, http.StatusOK, "act", "dropkey-0")
	form.Set("usual", "email")
	body, form = m.send(form, http.StatusOK, "act", "take-name=name")
	if form.Get("key-0-left") != "email" || form.Get("key-1-left") != "name" {
		t.Errorf("the keys are %v", form)
	}
	if diff := cmp.Diff([]string{"email 3 4 2 0 used", "name 3 4 1 3 used"}, scores(body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnOddSyncIsForTheText(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.h.file = "version: 1\nsyncs:\n  cards: { left: a.cards, right: b.cards, fields: x }\n"
	m.want(m.who.get(mappingAt), http.StatusOK, "This form cannot change how the sync is written.", `href="/settings/configuration"`)
	m.h.file = "version: 1\nsyncs: { cards: { left: a.cards, right: b.cards }, more: { left: a.labels, right: b.labels } }\n"
	form := filled(m.who.get(mappingAt).Body.String())
	body, _ := m.send(form, http.StatusOK, "prefer", "left")
	m.reads(body, "mapping-check", "This form cannot change how the sync is written.")
	m.h.file = "version: ["
	m.want(m.who.get(mappingAt), http.StatusOK, "This form cannot change")
}

// Whatever is sent, the answer is the page, or that there is no such choice; and what it would save
// can be read.
func TestAnyFormOfAMappingIsAnswered(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.adopt()
	base := filled(m.who.get(mappingAt).Body.String())
	names := []string{"rows", "keys", "act", "seen", "after", "direction", "delete-left", "row-0-at", "row-0-left", "row-0-right", "row-0-all", "row-1-at", "row-3-values", "row-3-value-0-left", "row-3-value-1-right", "row-4-from", "row-4-right", "row-0-prefer", "key-0-left", "key-0-right", "note"}
	words := rapid.OneOf(rapid.SampledFrom([]string{"", "0", "1", "4", "5", "-1", "99999999999999999999", "add", "all", "drop-0", "drop-3-1", "drop-9", "drop--1", "value-3", "key", "dropkey-0", "both", "left-to-right", "x\x00y\r\n", "<script>", "name", "email", "${KEY}", "a: b", "#", "upper(name)", strings.Repeat("(", 5000)}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		form := url.Values{}
		maps.Copy(form, base)
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 5).Draw(t, "names") {
			form.Set(name, words.Draw(t, name))
		}
		got := m.who.do(postRequest(rapid.SampledFrom([]string{mappingAt, mappingAt + "/save"}).Draw(t, "at"), form))
		if got.Code != http.StatusOK && got.Code != http.StatusUnprocessableEntity && got.Code != http.StatusSeeOther {
			t.Fatalf("%v: %d %s\n%s", form, got.Code, got.Body, m.log)
		}
		if strings.Contains(got.Body.String(), "<script>") {
			t.Fatalf("%v is taken for what the page says", form)
		}
		if p, problems := m.h.read(m.text()); p == nil || problems.HasErrors() {
			t.Fatalf("%v was saved as\n%s\n%v", form, m.text(), problems)
		}
	})
}
