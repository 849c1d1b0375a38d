package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// keep puts people into the mirror: id, first name, last name, e-mail, phone.
func (b *bench) keep(people ...[5]string) {
	b.Helper()
	p := store.Page{Of: store.Object{Connection: "crm", Name: "contacts"}, Feed: store.FeedChanges, Began: time.Now(), Listing: time.Now(), Done: true}
	p.Keys = func(f record.Fields) []store.Key {
		var keys []store.Key
		for name, v := range f {
			for _, w := range engine.SearchWords(v.Text(), b.hub.plan.Country) {
				if name != "state" {
					keys = append(keys, store.WordKey(w))
				}
			}
		}
		return keys
	}
	for _, x := range people {
		p.Changes = append(p.Changes, connector.Change{Record: record.Record{Ref: record.Ref{Object: "contacts", ID: x[0]}, Fields: record.Fields{
			"first": record.Text(x[1]), "last": record.Text(x[2]), "mail": record.Text(x[3]), "tel": record.Text(x[4]), "state": record.Text("1"),
		}}})
	}
	_, err := b.hub.store.SavePage(b.Context(), p)
	b.ok(err)
}

// found returns the ids of the records that a page links to.
func found(body string) string {
	var ids []string
	for _, m := range regexp.MustCompile(`/records/crm/contacts/([^"]+)"`).FindAllStringSubmatch(body, -1) {
		ids = append(ids, m[1])
	}
	return strings.Join(ids, " ")
}

func TestRecordsAreFoundByNameAddressNumberAndID(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	b.keep([5]string{"101", "Ελένη", "Παπαδοπούλου", "eleni@example.com", "+30 210 1234567"}, [5]string{"102", "Zoë", "St. John", "zoe@example.com", "+44 113 4950088"},
		[5]string{"a/b 3", "Ann", script, "ann@example.com", ""})
	w := b.signed(account.Viewer)
	for query, want := range map[string]string{
		"παπαδ": "101", "ΠΑΠΑΔΟΠΟΎΛΟΥ ελ": "101", "zoe": "102", "john": "102", "ELENI@example.com": "101", "ann@": "a%2Fb%203", "210-123 4567": "101",
		"0030 (210) 1234567": "101", "+441134950088": "102", "102": "102", "a/b 3": "a%2Fb%203", "nobody": "", "script alert": "a%2Fb%203",
	} {
		got := w.get("/connections/crm/contacts?" + url.Values{"q": {query}}.Encode())
		b.want(got, http.StatusOK)
		if ids := found(got.Body.String()); ids != want {
			t.Errorf("%q finds %q, want %q", query, ids, want)
		}
	}
	got := w.get("/connections/crm/contacts")
	b.want(got, http.StatusOK, "3 records kept here", "Ελένη Παπαδοπούλου", "Active", "E-mail", "&#43;30 210 1234567", "Ann &lt;script&gt;alert(1)&lt;/script&gt;")
	if strings.Contains(got.Body.String(), script) {
		t.Error("a record's name is markup")
	}
	b.want(w.get("/connections/crm/contacts?q="+url.QueryEscape(script)), http.StatusOK, `value="&lt;script&gt;`)
	b.want(w.get("/connections/crm/deals"), http.StatusOK, "No sync uses this object")
	b.want(w.get("/connections/crm/contacts/fields"), http.StatusOK, "email", "required", "changes unannounced", "1 choice")
	for _, path := range []string{"/connections/crm/nothing", "/connections/nothing/contacts", "/connections/crm/contacts?before=x", "/connections/crm/nothing/fields"} {
		b.want(w.get(path), http.StatusNotFound)
	}
}

func TestRecordsComeByPages(t *testing.T) {
	t.Parallel()
	b := newConnected(t)
	var all [][5]string
	for i := range browseRows + 5 {
		all = append(all, [5]string{fmt.Sprint(i), "Same", fmt.Sprintf("Name%02d", i), "", ""})
	}
	b.keep(all...)
	w := b.signed(account.Viewer)
	first := w.get("/connections/crm/contacts")
	older := regexp.MustCompile(`/connections/crm/contacts\?before=\d+`).FindString(first.Body.String())
	second := w.get(older)
	seen := map[string]bool{}
	for _, body := range []string{first.Body.String(), second.Body.String()} {
		for id := range strings.FieldsSeq(found(body)) {
			if seen[id] {
				t.Errorf("%s comes twice", id)
			}
			seen[id] = true
		}
	}
	if len(seen) != len(all) || strings.Contains(second.Body.String(), "before=") {
		t.Errorf("%d records on two pages", len(seen))
	}
	b.want(w.get("/connections/crm/contacts?q=same"), http.StatusOK, "There may be more.")
}

// A list of records writes values as every other page does.
func TestRecordsAreListedInTheLanguageOfWhoLooks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := browsePage{Object: objectLine{Object: record.Object{Name: "deals", Fields: []record.Field{
		{Name: "value", Label: "Value", Common: "amount", Kind: record.KindMoney}, {Name: "due", Label: "Due", Common: "due_at", Kind: record.KindDate},
		{Name: "stage", Label: "Stage", Common: "stage", Kind: record.KindChoice, Choices: []record.Choice{{Value: "1", Label: "New"}}},
	}}}}
	full, empty := store.Row{}, store.Row{}
	full.ID, empty.ID = "7", "8"
	full.Fields = record.Fields{"value": record.Text("1234.50"), "due": record.Text("2026-03-04"), "stage": record.Text("1")}
	p.fill([]store.Row{full, empty}, pick(b.c.view.locales, "de", ""), time.UTC)
	want := []browseRow{{ID: "7", Name: "7", Path: "/records///7", Cells: []browseCell{{"Stage", "New"}, {"Value", "1.234,50"}, {"Due", "04.03.2026"}}},
		{ID: "8", Name: "8", Path: "/records///8", Cells: []browseCell{{"Stage", ""}, {"Value", ""}, {"Due", ""}}}}
	if diff := cmp.Diff(want, p.Rows); diff != "" {
		t.Error(diff)
	}
}

func FuzzSearchingTheMirror(f *testing.F) {
	f.Add("ann", "3")
	f.Add("\x00%_'\"", "-1")
	b := newBench(f)
	b.populate()
	b.connected()
	b.keep([5]string{"1", "Ann", "Lee", "a@x.gr", ""})
	w := b.signed(account.Viewer)
	f.Fuzz(func(t *testing.T, q, before string) {
		if got := w.get("/connections/crm/contacts?" + url.Values{"q": {q}, "before": {before}}.Encode()); got.Code != http.StatusOK && got.Code != http.StatusNotFound {
			t.Errorf("%q %q: %d", q, before, got.Code)
		}
	})
}
