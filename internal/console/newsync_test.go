package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// newSyncBench has two systems that were asked, and an adopted configuration.
func newSyncBench(t *testing.T) (*bench, *configHub) {
	t.Helper()
	b, h := syncBench(t)
	c := &configHub{fakeHub: h.fakeHub, file: "version: 1\nsyncs: # ours\n  contacts:\n    left: crm.people\n"}
	b.c.hub = c
	return b, c
}

func (b *bench) text() string {
	b.Helper()
	a, _, err := b.hub.store.Adoption(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return a.Current.Text
}

func mirror(t *testing.T, s *store.Store, connection, field string, values ...string) {
	t.Helper()
	p := store.Page{Of: store.Object{Connection: connection, Name: "people"}, Began: time.Now()}
	for i, v := range values {
		p.Changes = append(p.Changes, connector.Change{Record: record.Record{Ref: record.Ref{Object: "people", ID: string(rune('a' + i))}, Fields: record.Fields{field: record.Text(v)}}})
	}
	if _, err := s.SavePage(context.Background(), p); err != nil {
		t.Fatal(err)
	}
}

func TestASyncIsAddedToTheAdoptedConfiguration(t *testing.T) {
	t.Parallel()
	b, h := newSyncBench(t)
	mirror(t, b.hub.store, "crm", "mail1", "ANN@x.gr", "bob@x.gr", "eve@x.gr", "tom@x.gr")
	mirror(t, b.hub.store, "erp", "mail2", "ann@x.gr", "bob@x.gr", "bob@x.gr", "zoe@x.gr")
	w := b.signed(account.Admin)
	b.to(w.post("/settings/configuration/adopt"), "/settings/configuration?done=adopted")
	b.want(w.get("/syncs"), http.StatusOK, `href="/syncs/new"`)
	b.want(w.get("/syncs/new"), http.StatusOK, `<option value="crm.people" selected>crm.people`, `<option value="erp.people" selected>erp.people`, "Go on")
	b.want(
		w.get("/syncs/new?left=crm.people&right=erp.people"), http.StatusOK, `value="people"`, "<code>mail1</code>", "Mail &lt;b&gt;1&lt;/b&gt;",
		"1 pair by it.", "3 doubtful.", "Save, and plan it", "the later edit wins",
	)
	form := []string{"left", "crm.people", "right", "erp.people", "name", "people", "direction", "both", "prefer", "ask", "delete", "archive", "schedule", "1h", "key", "mail1\tmail2"}
	with := func(more ...string) []string { return append(append([]string{}, form...), more...) }
	b.want(w.post("/syncs/new", form...), http.StatusUnprocessableEntity, "Choose at least one pair of fields.")
	b.to(w.post("/syncs/new", with("field", "0", "field", "1")...), "/syncs/new/saved?name=people")
	want := "version: 1\nsyncs: # ours\n  contacts:\n    left: crm.people\n  people:\n    left: crm.people\n    right: erp.people\n    direction: both\n" +
		"    prefer: ask\n    delete: archive\n    schedule: 1h\n    match:\n      - { left: mail1, right: mail2 }\n"
	if got := b.text(); got != want {
		t.Errorf("saved\n%s\nwant\n%s", got, want)
	}
	b.held("people", true)
	waiting := w.get("/syncs/new/saved?name=people")
	b.want(waiting, http.StatusOK, "Being taken over")
	if waiting.Header().Get("Refresh") == "" {
		t.Error("the page does not look again")
	}
	h.plan.Syncs = append(h.plan.Syncs, plan.Sync{Name: "people", Ends: h.plan.Syncs[0].Ends})
	b.want(w.get("/syncs/new/saved?name=people"), http.StatusOK, `action="/syncs/people/plan"`)
	b.want(w.get("/syncs/new?left=crm.people&right=erp.people"), http.StatusOK, `value="people_2"`)
	b.want(w.get("/syncs/new/saved?name=%3Cb%3E"), http.StatusNotFound)

	b.want(w.post("/syncs/new", with("field", "0", "field", "1")...), http.StatusUnprocessableEntity, "no other sync has it")
	form[5] = "others"
	b.to(w.post("/syncs/new", with("field", "0", "direction-0", "left-to-right", "left-1", "role1", "right-1", "name2", "more-1", "right-to-left")...), "/syncs/new/saved?name=others")
	for _, line := range []string{"      - { left: mail1, right: mail2, direction: left-to-right }\n", "      - { left: role1, right: name2, direction: right-to-left }\n"} {
		if got := b.text(); !strings.Contains(got, line) {
			t.Errorf("%q is not in\n%s", line, got)
		}
	}
}

// held wants a sync to be paused, or not.
func (b *bench) held(sync string, want bool) {
	b.Helper()
	all, err := b.hub.store.Pauses(b.Context())
	b.ok(err)
	if _, got := all[sync]; got != want {
		b.Errorf("%s is paused: %t", sync, got)
	}
}

func TestTheFileIsAdoptedWithANewSync(t *testing.T) {
	t.Parallel()
	b, h := newSyncBench(t)
	w := b.signed(account.Admin)
	b.want(w.get("/syncs/new?left=crm.people&right=erp.people"), http.StatusOK, "Adopt the configuration, save, and plan it", "Show what to put into the file")
	form := []string{"left", "crm.people", "right", "erp.people", "name", "people", "direction", "both", "prefer", "left", "delete", "ignore", "schedule", "1h", "field", "0", "adopt", "1"}
	h.file = "version: 1\nwrong: 1\n"
	b.want(w.post("/syncs/new", form...), http.StatusUnprocessableEntity, "It cannot be used as it is.")
	if got := b.text(); got != "" {
		t.Errorf("what is wrong was adopted: %q", got)
	}
	b.held("people", false)
	h.file = "version: 1\nsyncs:\n  contacts:\n    left: crm.people\n"
	b.to(w.post("/syncs/new", form...), "/syncs/new/saved?name=people")
	if got := b.text(); !strings.HasPrefix(got, h.file) || !strings.Contains(got, "  people:\n") {
		t.Errorf("saved %q", got)
	}
	if first, _, err := b.hub.store.Configuration(t.Context(), 1); err != nil || first.Text != h.file {
		t.Errorf("the first version is %q, %v", first.Text, err)
	}
	b.held("people", true)
	h.plan.Syncs = append(h.plan.Syncs, plan.Sync{Name: "people", Ends: h.plan.Syncs[0].Ends})
	b.want(w.get("/syncs/people/plan"), http.StatusOK, "This sync is paused")
	h.acts = nil
	b.to(w.post("/syncs/people/run", "begin", "1"), "/syncs/people?done=running")
	if got := strings.Join(h.acts, ", "); got != "resume people" {
		t.Errorf("the hub was asked for %q", got)
	}
}

func TestASyncIsShownToBePutIntoTheFile(t *testing.T) {
	t.Parallel()
	b, h := newSyncBench(t)
	w := b.signed(account.Admin)
	form := []string{"left", "crm.people", "right", "erp.people", "name", "people", "direction", "left-to-right", "prefer", "left", "delete", "ignore", "schedule", "", "field", "0"}
	b.want(w.post("/syncs/new", form...), http.StatusOK, "Put this into the file", "  people:\n    left: crm.people\n    right: erp.people\n    direction: left-to-right\n")
	if got := b.text(); got != "" {
		t.Errorf("saved %q", got)
	}
	h.file = "version: 1\nsyncs: {\n  }\n"
	b.want(w.post("/syncs/new", form...), http.StatusUnprocessableEntity, "cannot be added here", "  people:\n")
	h.file = "version: 1\nwrong: 1\n"
	b.want(w.post("/syncs/new", form...), http.StatusUnprocessableEntity, "It cannot be used as it is.", "Did you mean prefer?")
	b.want(w.post("/syncs/new", "left", "crm.people", "right", "crm.people"), http.StatusUnprocessableEntity, "Choose two different objects")
}

// Whatever is entered, the answer is a page that says what is wrong, or what was meant.
func TestAnyFormOfANewSyncIsAnswered(t *testing.T) {
	t.Parallel()
	b, _ := newSyncBench(t)
	w := b.signed(account.Admin)
	words := []string{"", "1", "crm.people", "erp.people", "people", "new", "both", "left-to-right", "ask", "archive", "15m", "0", "-1", "99", "mail1\tmail2", "role1", "name2", "x\x00y", "<b>", strings.Repeat("a", 300)}
	names := []string{"left", "right", "name", "direction", "prefer", "delete", "schedule", "key", "field", "direction-0", "left-0", "right-0", "more-0", "adopt"}
	rapid.Check(t, func(t *rapid.T) {
		values := url.Values{formField: {w.form()}}
		for _, name := range names {
			values[name] = rapid.SliceOfN(rapid.SampledFrom(words), 0, 2).Draw(t, name)
		}
		if rapid.Bool().Draw(t, "ends") {
			values["left"], values["right"] = []string{"crm.people"}, []string{"erp.people"}
		}
		got := w.do(postRequest("/syncs/new", values))
		if got.Code != http.StatusOK && got.Code != http.StatusUnprocessableEntity {
			t.Fatalf("%v: %d %s", values, got.Code, got.Body)
		}
	})
}

func TestAKeyIsNotCountedBeforeBothSidesWereRead(t *testing.T) {
	t.Parallel()
	b, _ := newSyncBench(t)
	mirror(t, b.hub.store, "crm", "mail1", "ann@x.gr")
	w := b.signed(account.Admin)
	got := w.get("/syncs/new?left=crm.people&right=erp.people")
	b.want(got, http.StatusOK, "<code>mail1</code>", "How many would be recognised is not known yet")
	if strings.Contains(got.Body.String(), "0 pairs by it.") {
		t.Error("what was not read counts as none")
	}
	mirror(t, b.hub.store, "erp", "mail2", "bob@x.gr")
	b.want(w.get("/syncs/new?left=crm.people&right=erp.people"), http.StatusOK, "0 pairs by it.")
}
