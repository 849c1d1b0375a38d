package console

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Every notation of a number and of an address finds the records of both systems, with what they
// are linked with.
func TestRecordsAreFoundByPhoneEmailNameAndID(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	id := w.put(w.left, "", "name", "<script>alert(1)</script>", "email", "Ann@x.gr", "phone", "0030 210 1234567")
	w.put(w.left, "", "name", "Bob", "email", "bob@x.gr")
	w.sync()
	for _, q := range []string{"phone=2101234567", "phone=%2B30+210+123+4567", "phone=00302101234567", "email=ann@X.GR", "name=alert+SCR", "id=" + id + "&connection=a"} {
		got := read[recordsBody](w, "GET", "/api/v1/records?"+q, "")
		want := 2
		if strings.HasPrefix(q, "id=") {
			want = 1
		}
		if len(got.Items) != want {
			t.Errorf("%s: %d records, want %d: %+v", q, len(got.Items), want, got)
			continue
		}
		a := got.Items[0]
		if a.Record != "a.cards/"+id || a.Common["name"].Text() != "<script>alert(1)</script>" || a.Fields["phone"].IsEmpty() || len(a.Links) != 1 || a.Links[0].Sync != "cards" || a.Read == nil {
			t.Errorf("%s: %+v", q, a)
		}
		if want == 2 && (a.Links[0].Record != got.Items[1].Record || got.Items[1].Links[0].Record != a.Record) {
			t.Errorf("%s: they are not linked: %+v", q, got.Items)
		}
	}
	for q, n := range map[string]int{"email=bob@x.gr&connection=b": 1, "email=bob@x.gr&object=x": 0, "phone=2109999999": 0, "email=nobody@x.gr": 0, "id=nothing": 0, "name=nobody": 0, "email=ann@x.g": 0, "email=ann@x.gr&limit=1": 1} {
		got := read[recordsBody](w, "GET", "/api/v1/records?"+q, "")
		if len(got.Items) != n || got.More != strings.Contains(q, "limit=1") {
			t.Errorf("%s: %+v", q, got)
		}
	}
	if got := read[recordsBody](w, "GET", "/api/v1/records?phone=2101234567", ""); !cmp.Equal(got.Searched, []string{"a.cards", "b.cards"}) {
		t.Errorf("searched %v", got.Searched)
	}
	for _, q := range []string{"", "?phone=", "?phone=12&email=a@b.gr", "?phone=hello", "?email=hello", "?name=%3F", "?name=ann&id=1", "?phone=2101234567&limit=0", "?phone=2101234567&x=y"} {
		w.want(w.ask("GET", "/api/v1/records"+q, ""), http.StatusUnprocessableEntity, "error.input")
	}
}

func TestJournalAndWhyOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	id := w.put(w.left, "", "name", "Ann", "email", "ann@x.gr", "notes", "old")
	w.sync()
	w.put(w.left, id, "notes", "new")
	run := w.sync().Run
	all := read[list[jsonl.Entry]](w, "GET", "/api/v1/history?of=a.cards/"+id, "")
	if len(all.Items) < 2 || all.Items[0].Kind != store.Written || all.Items[0].New.Text() != "new" || all.Items[0].Run != run {
		t.Fatalf("%+v", all)
	}
	for _, of := range []string{"a.cards/" + id, "cards", "", "b.cards"} {
		want := read[list[jsonl.Entry]](w, "GET", "/api/v1/history?of="+of, "").Items
		var paged []jsonl.Entry
		for next := "x"; next != ""; {
			cursor := "&cursor=" + next
			if next == "x" {
				cursor = ""
			}
			page := read[list[jsonl.Entry]](w, "GET", "/api/v1/history?limit=1&of="+of+cursor, "")
			paged, next = append(paged, page.Items...), page.Next
		}
		if diff := cmp.Diff(want, paged, cmp.Comparer(func(a, b record.Value) bool { return a.String() == b.String() })); diff != "" {
			t.Errorf("%q page by page: %s", of, diff)
		}
	}
	if got := read[list[jsonl.Entry]](w, "GET", "/api/v1/history?of="+run+"&since=1h", ""); len(got.Items) != 1 {
		t.Errorf("of the run: %+v", got)
	}
	why := read[list[jsonl.Why]](w, "GET", "/api/v1/why?record=a.cards/"+id+"&field=notes", "")
	if len(why.Items) != 1 || why.Items[0].State != "linked" || len(why.Items[0].Fields) != 1 || why.Items[0].Fields[0].Value.Text() != "new" {
		t.Errorf("%+v", why)
	}
	for path, part := range map[string]string{
		"/api/v1/history?cursor=x": "query.cursor", "/api/v1/history?cursor=-1": "query.cursor", "/api/v1/history?since=soon": "query.since",
		"/api/v1/why": "query.record", "/api/v1/why?record=12": "a record is named", "/api/v1/history?limit=501": "query.limit",
	} {
		w.want(w.ask("GET", path, ""), http.StatusUnprocessableEntity, part, "error.input")
	}
	if got := read[list[jsonl.Entry]](w, "GET", "/api/v1/history?cursor=1", ""); len(got.Items) != 0 {
		t.Errorf("before the first line: %+v", got)
	}
}

func TestChangesAreTakenBackOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	id := w.put(w.left, "", "name", "Ann", "email", "ann@x.gr", "notes", "old")
	w.sync()
	w.put(w.left, id, "notes", "new")
	run := w.sync().Run
	notes := func() string { return w.right.Rows("cards")[0].Fields["notes"] }
	seen := read[revertedBody](w, "POST", "/api/v1/revert/preview", `{"run":"`+run+`"}`)
	if len(seen.Items) != 1 || seen.Items[0].State != engine.RevertDo || seen.Syncs[0].Status != "preview" || seen.UpTo == 0 || notes() != "new" {
		t.Fatalf("%+v", seen)
	}
	done := read[revertedBody](w, "POST", "/api/v1/revert", fmt.Sprintf(`{"run":%q,"up_to":%d}`, run, seen.UpTo))
	if len(done.Syncs) != 1 || done.Syncs[0].Counts[engine.RevertDone] != 1 || notes() != "old" {
		t.Errorf("%+v, notes are %q", done, notes())
	}
	for _, body := range []string{`{}`, `{"run":"x"}`, `{"run":"r1","change":1}`, `{"since":"soon"}`, `{"change":1,"since":"2h"}`, `{"record":"x"}`, `{"run":"r1","x":1}`, `[]`, `{`, ``, `null`} {
		for _, path := range []string{"/api/v1/revert", "/api/v1/revert/preview"} {
			if got := w.ask("POST", path, body); got.Code/100 != 4 {
				t.Errorf("%s: %d %s", body, got.Code, got.Body)
			}
		}
	}
	w.want(w.ask("POST", "/api/v1/revert", `{"change":9999}`), http.StatusNotFound, "in the journal")
	w.want(w.ask("POST", "/api/v1/revert", `{"run":"r1","sync":"x"}`), http.StatusNotFound)
}

// What goes back is shown first, and done when somebody says so: as on the pages, which show the same.
func TestAFewLinesAreShownAndTakenBackOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	left := w.put(w.left, "", "name", "Ann", "email", "ann@x.gr", "notes", "old", "phone", "+302101234567")
	w.sync()
	w.put(w.left, left, "notes", "new", "phone", "+302107654321")
	w.sync()
	notes, phone := w.line(store.Written, "notes").ID, w.line(store.Written, "phone").ID
	got := read[proposedBody](w, "POST", "/api/v1/reverts", fmt.Sprintf(`{"changes":[%d,%d,%d]}`, notes, phone, notes))
	if got.What != fmt.Sprintf("change %d and 1 more", min(notes, phone)) || got.By != "operator" {
		t.Errorf("%+v", got)
	}
	at := fmt.Sprintf("/api/v1/reverts/%d", got.ID)
	got = read[proposedBody](w, "GET", at+"?wait=20", "")
	if got.State != revertShown || len(got.Items) != 2 || got.Counts[engine.RevertDo] != 2 || got.Applied {
		t.Fatalf("%+v", got)
	}
	if now := w.cell(w.right, "notes"); now != "new" {
		t.Errorf("a look has written %q", now)
	}
	w.want(w.signed(account.Operator).get(fmt.Sprintf("/reverts/%d", got.ID)), http.StatusOK, "old")
	read[proposedBody](w, "POST", at+"/apply", "")
	got = read[proposedBody](w, "GET", at+"?wait=20", "")
	if got.State != revertDone || !got.Applied || len(got.Syncs) != 1 || got.Syncs[0].Status != "ok" || w.cell(w.right, "notes") != "old" || w.cell(w.right, "phone") != "+302101234567" {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", at+"/apply", ""), http.StatusUnprocessableEntity, "error.reverted")
	since := read[proposedBody](w, "POST", "/api/v1/reverts", `{"since":"2h","sync":"cards"}`)
	read[proposedBody](w, "GET", fmt.Sprintf("/api/v1/reverts/%d?wait=20", since.ID), "")
	w.want(w.signed(account.Operator).get(fmt.Sprintf("/reverts/%d", since.ID)), http.StatusOK, "everything in cards since")
	all := read[list[proposedBody]](w, "GET", "/api/v1/reverts", "").Items
	if len(all) != 2 || all[0].ID != since.ID || all[1].State != revertDone || len(all[1].Items) != 0 {
		t.Errorf("%+v", all)
	}
	for _, body := range []string{`{}`, `{"changes":[1],"run":"r1"}`, `{"changes":[0]}`, `{"changes":[1],"since":"2h"}`, `{"run":"x"}`, `{"run":"r1","sync":"x"}`} {
		if got := w.ask("POST", "/api/v1/reverts", body); got.Code/100 != 4 {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
	w.want(w.ask("GET", "/api/v1/reverts/99", ""), http.StatusNotFound, "error.norevert")
	w.want(w.ask("POST", "/api/v1/reverts/99/apply", ""), http.StatusNotFound, "error.norevert")
}
