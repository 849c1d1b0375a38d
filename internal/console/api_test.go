package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func TestAProgramSeesHowEverythingStands(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
	report := w.sync()
	st := read[statusBody](w, "GET", "/api/v1/status", "")
	if !st.Ready || len(st.Syncs) != 1 || len(st.Connections) != 2 {
		t.Fatalf("%+v", st)
	}
	s := st.Syncs[0]
	if s.Sync.Sync != "cards" || s.Linked != 1 || s.Run != report.Run || s.LastDone != report.Run || s.Status != "ok" || s.Left != "a.cards" {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff(s, read[syncBody](w, "GET", "/api/v1/syncs/cards", "")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(list[connectionBody]{Items: st.Connections}, read[list[connectionBody]](w, "GET", "/api/v1/connections", "")); diff != "" {
		t.Error(diff)
	}
	a := read[connectionBody](w, "GET", "/api/v1/connections/a", "")
	if a.Connection.Connection != "a" || a.System != "toy" || a.URL != "http://a.test/v1" || a.Health != "ok" || a.Read == nil || !cmp.Equal(a.Syncs, []string{"cards"}) {
		t.Errorf("%+v", a)
	}
	checked := read[jsonl.Checked](w, "POST", "/api/v1/connections/a/test", "")
	if !checked.OK || checked.Account == "" || len(checked.Objects) == 0 {
		t.Errorf("%+v", checked)
	}
	me := read[meBody](w, "GET", "/api/v1/me", "")
	if me.Name != "operator" || me.Token != "robot" || len(me.Rights) != 4 {
		t.Errorf("%+v", me)
	}
	if got := w.ask("PATCH", "/api/v1/syncs/cards/run", ""); got.Header().Get("Allow") != "POST" {
		t.Errorf("Allow: %q", got.Header().Get("Allow"))
	} else {
		w.want(got, http.StatusMethodNotAllowed, "error.method", "this address takes POST")
	}
	for path, say := range map[string]string{
		"/api/v1/syncs/x": `there is no sync \"x\"; there are: cards`, "/api/v1/connections/x": `there are: a, b`, "/api/v1/runs/r99": "error.notfound",
		"/api/v1/runs/x": "error.notfound", "/api/v1/review/99": "error.notfound", "/api/v1/history?of=a.x/1": "a.cards, b.cards",
		"/api/v1/records?id=1&connection=x": "there are: a, b", "/api/v1/reports/pipeline": "no sync keeps deals in step",
	} {
		w.want(w.ask("GET", path, ""), http.StatusNotFound, say)
	}
}

func TestARunIsAskedForAndAwaited(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
	asked := read[askedBody](w, "POST", "/api/v1/syncs/cards/run", "")
	if !asked.Asked || asked.After != "r0" || !cmp.Equal(w.hub.asked, []string{"cards"}) {
		t.Fatalf("%+v %v", asked, w.hub.asked)
	}
	report := w.sync()
	runs := read[list[jsonl.Run]](w, "GET", "/api/v1/runs?sync=cards&after=r0&wait=5", "")
	if len(runs.Items) != 1 {
		t.Fatalf("%+v", runs)
	}
	got := runs.Items[0]
	if got.Run != report.Run || got.Status != report.Status || got.Right != report.Right || got.Left != report.Left || got.Ended == nil || got.Linked != report.Linked || !got.Complete {
		t.Errorf("%+v\n%+v", got, report)
	}
	if one := read[jsonl.Run](w, "GET", "/api/v1/runs/"+got.Run+"?wait=5", ""); !cmp.Equal(one, got) {
		t.Error(cmp.Diff(got, one))
	}
	w.want(w.ask("GET", "/api/v1/runs?after=x", ""), http.StatusUnprocessableEntity, "query.after")
	w.want(w.ask("GET", "/api/v1/runs?sync=x", ""), http.StatusNotFound)
	w.want(w.ask("GET", "/api/v1/runs?wait=26", ""), http.StatusUnprocessableEntity, "query.wait")
	w.want(w.ask("POST", "/api/v1/syncs/x/run", ""), http.StatusNotFound)
}

func TestWaitingForARunEndsWithItOrWithTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looked := 0
		began := time.Now()
		err := Waiting{Wait: 3}.until(t.Context(), func() (bool, error) { looked++; return looked == 5, nil })
		if took := time.Since(began); err != nil || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
		began = time.Now()
		if err := (Waiting{Wait: 3}).until(t.Context(), func() (bool, error) { return false, nil }); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		began, looked = time.Now(), 0
		if err := (Waiting{}).until(t.Context(), func() (bool, error) { looked++; return false, nil }); err != nil || time.Since(began) != 0 || looked != 1 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestASyncIsPausedInTheCallersName(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	read[syncBody](w, "POST", "/api/v1/syncs/cards/pause", "")
	read[syncBody](w, "POST", "/api/v1/syncs/cards/resume", "")
	w.want(w.ask("POST", "/api/v1/syncs/x/pause", ""), http.StatusNotFound)
	if diff := cmp.Diff([]string{"pause cards by operator", "resume cards"}, w.hub.acts); diff != "" {
		t.Error(diff)
	}
	read[connectionBody](w, "POST", "/api/v1/connections/a/pause", "")
	read[connectionBody](w, "POST", "/api/v1/connections/b/resume", "")
	w.want(w.ask("POST", "/api/v1/connections/x/pause", ""), http.StatusNotFound, "there are: a, b")
	if diff := cmp.Diff([]string{"pause cards by operator", "resume cards"}, w.hub.acts[2:]); diff != "" {
		t.Error(diff)
	}
	w.sameAudit("operator|sync.pause|cards||done", "operator|sync.resume|cards||done", "operator|sync.pause|||refused",
		"operator|connection.pause|a||done", "operator|connection.resume|b||done", "operator|connection.pause|||refused")
}

// Every notation of a number and of an address finds the records of both systems, with what they
// are linked with.
func TestRecordsAreFoundByPhoneEmailNameAndID(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	id := w.put(w.a, "", map[string]string{"name": "<script>alert(1)</script>", "email": "Ann@x.gr", "phone": "0030 210 1234567"})
	w.put(w.a, "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
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
	id := w.put(w.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
	w.sync()
	w.put(w.a, id, map[string]string{"notes": "new"})
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
	id := w.put(w.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
	w.sync()
	w.put(w.a, id, map[string]string{"notes": "new"})
	run := w.sync().Run
	notes := func() string { return w.b.Rows("cards")[0].Fields["notes"] }
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

// conflict makes both sides differ about the notes of so many records, which is asked about.
func (w *apiWorld) conflict(n int) []jsonl.Review {
	w.Helper()
	for i := range n {
		w.put(w.a, "", map[string]string{"name": "Ann", "email": fmt.Sprintf("ann%d@x.gr", i), "notes": "old"})
	}
	w.sync()
	for _, row := range w.a.Rows("cards") {
		w.put(w.a, row.ID, map[string]string{"notes": "left"})
	}
	for _, row := range w.b.Rows("cards") {
		w.put(w.b, row.ID, map[string]string{"notes": "right"})
	}
	w.sync()
	items := read[list[jsonl.Review]](w, "GET", "/api/v1/review", "").Items
	if len(items) != n {
		w.Fatalf("%d items, want %d: %+v", len(items), n, items)
	}
	return items
}

func TestItemsAreDecidedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	items := w.conflict(3)
	for _, q := range []string{"?limit=2", "?limit=2&sync=cards&kind=conflict&field=" + items[0].Field} {
		page := read[list[jsonl.Review]](w, "GET", "/api/v1/review"+q, "")
		rest := read[list[jsonl.Review]](w, "GET", "/api/v1/review"+q+"&cursor="+page.Next, "")
		if len(page.Items) != 2 || len(rest.Items) != 1 || rest.Next != "" || rest.Items[0].ID != items[2].ID {
			t.Errorf("%s: %+v then %+v", q, page, rest)
		}
	}
	if got := read[list[jsonl.Review]](w, "GET", "/api/v1/review?kind=parked", ""); len(got.Items) != 0 {
		t.Errorf("%+v", got)
	}
	at := fmt.Sprintf("/api/v1/review/%d", items[0].ID)
	if got := read[reviewBody](w, "GET", at, ""); got.Left.Text() != "left" || got.Right.Text() != "right" {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", at+"/decide", `{"choice":"nothing"}`), http.StatusUnprocessableEntity, "one of: ")
	got := read[jsonl.Review](w, "POST", at+"/decide", `{"choice":"left"}`)
	if got.Decision != "left" || got.By != "operator" {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", at+"/decide", `{"choice":"right"}`), http.StatusConflict, "error.decided")
	at = fmt.Sprintf("/api/v1/review/%d", items[1].ID)
	seen := read[editedBody](w, "POST", at+"/edit", `{"values":{"notes":"both"},"preview":true}`)
	if len(seen.Items) != 2 || seen.Items[0].Status != "preview" {
		t.Errorf("%+v", seen)
	}
	read[editedBody](w, "POST", at+"/edit", `{"values":{"notes":"both"}}`)
	w.want(w.ask("POST", at+"/edit", `{"values":{"notes":"again"}}`), http.StatusConflict)
	w.want(w.ask("POST", fmt.Sprintf("/api/v1/review/%d/edit", items[2].ID), `{"values":{"no such":"x"}}`), http.StatusUnprocessableEntity)
	w.sync()
	notes := map[string]int{}
	for _, row := range append(w.a.Rows("cards"), w.b.Rows("cards")...) {
		notes[row.Fields["notes"]]++
	}
	if diff := cmp.Diff(map[string]int{"left": 3, "right": 1, "both": 2}, notes); diff != "" {
		t.Error(diff)
	}
}

// A token may do less than its person; what it lacks is named.
func TestATokenIsToldWhichRightItLacks(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.token = w.grant("reader", account.See)
	w.want(w.ask("POST", "/api/v1/syncs/cards/run", ""), http.StatusForbidden, "error.tokenrights", "this takes the right run")
	if len(w.hub.asked) != 0 {
		t.Errorf("it ran: %v", w.hub.asked)
	}
}

func TestASyncIsVerifiedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
	w.sync()
	got := read[verifiedBody](w, "POST", "/api/v1/syncs/cards/verify", "")
	if got.Status != "equal" || got.Pairs != 1 {
		t.Errorf("%+v", got)
	}
	w.put(w.b, w.b.Rows("cards")[0].ID, map[string]string{"notes": "edited"})
	got = read[verifiedBody](w, "POST", "/api/v1/syncs/cards/verify", `{"repair":true}`)
	if len(got.Findings) != 1 || got.Findings[0].Found.Text() != "edited" {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", "/api/v1/syncs/x/verify", ""), http.StatusNotFound)
}

func TestWhileSomethingElseWorksACallerIsToldToComeAgain(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.hub.working = errBusy
	for _, path := range []string{"/api/v1/connections/a/test", "/api/v1/syncs/cards/verify"} {
		got := w.ask("POST", path, "")
		w.want(got, http.StatusServiceUnavailable, "error.busy")
		if got.Header().Get("Retry-After") == "" {
			t.Error("nobody says when")
		}
	}
}

func TestPatienceEndsWhileItIsWaitedAndNotWhileItIsWorked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.c.hub = slowHub{fakeHub: b.hub, wait: patience + time.Second}
		if err := b.c.borrow(t.Context(), func(context.Context, *engine.Engine) error { return nil }); err != errBusy { //nolint:errorlint // itself
			t.Errorf("whoever waits too long: %v", err)
		}
		b.c.hub = slowHub{fakeHub: b.hub, wait: patience - time.Second}
		if err := b.c.borrow(t.Context(), func(ctx context.Context, _ *engine.Engine) error {
			time.Sleep(time.Hour)
			return ctx.Err()
		}); err != nil {
			t.Errorf("whoever works for long: %v", err)
		}
	})
}

// A slowHub lends an engine after a while.
type slowHub struct {
	*fakeHub
	wait time.Duration
}

func (h slowHub) Borrow(ctx context.Context, fn func(context.Context, *engine.Engine) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(h.wait):
		return fn(ctx, &engine.Engine{})
	}
}

func TestWhatVendorsReportIsPassedOn(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.want(w.ask("POST", "/api/v1/connections/a/events?x=1", "{not json", "X-Vendor-Authorization", "Basic abc", "Content-Type", "text/plain"), http.StatusAccepted, `"records":1`)
	if diff := cmp.Diff([]string{"Basic abc x=1 {not json"}, w.hub.brought); diff != "" {
		t.Error(diff) // above all: the token is nobody else's
	}
	w.want(w.ask("POST", "/api/v1/connections/b/changes", `{"records":[{"object":"cards","id":"7"}]}`), http.StatusAccepted, `"records":1`)
	if diff := cmp.Diff([]string{"b[{cards 7}]"}, w.hub.hinted); diff != "" {
		t.Error(diff)
	}
	w.want(w.ask("POST", "/api/v1/connections/b/changes", `{"records":[{"object":"x","id":"7"}]}`), http.StatusNotFound, "b.cards")
	w.want(w.ask("POST", "/api/v1/connections/x/changes", `{"records":[{"object":"cards","id":"7"}]}`), http.StatusNotFound)
	w.want(w.ask("POST", "/api/v1/connections/x/events", `x`), http.StatusNotFound)
	w.want(w.ask("POST", "/api/v1/connections/b/changes", `{"records":[]}`), http.StatusUnprocessableEntity, "body.records")
	w.want(w.ask("POST", "/api/v1/connections/b/changes", `{"records":[{"object":"cards","id":"by:email=x"}]}`), http.StatusUnprocessableEntity)
	w.hub.refuses = ErrNoDoor
	w.want(w.ask("POST", "/api/v1/connections/a/events", `x`), http.StatusConflict, "error.nodoor")
	w.want(w.ask("POST", "/api/v1/connections/b/changes", `{"records":[{"object":"cards","id":"7"}]}`), http.StatusConflict, "error.nodoor")
	w.hub.refuses = &connector.Error{Kind: connector.Unauthorized, Err: fmt.Errorf("no signature")}
	w.want(w.ask("POST", "/api/v1/connections/a/events", `x`), http.StatusUnprocessableEntity, "error.unverified", "no signature")
}

func TestAWriteWithAKeyIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	const path = "/api/v1/connections/b/changes"
	body := func(id string) string { return `{"records":[{"object":"cards","id":"` + id + `"}]}` }
	first := w.ask("POST", path, body("1"), keyHeader, "k")
	again := w.ask("POST", path, body("1"), keyHeader, "k")
	if first.Code != http.StatusAccepted || again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" || len(w.hub.hinted) != 1 {
		t.Errorf("%d %s, then %d %s; done %v", first.Code, first.Body, again.Code, again.Body, w.hub.hinted)
	}
	w.want(w.ask("POST", path, body("2"), keyHeader, "k"), http.StatusUnprocessableEntity, "error.used")
	w.want(w.ask("POST", "/api/v1/connections/a/changes", body("1"), keyHeader, "k"), http.StatusUnprocessableEntity, "error.used")
	w.want(w.ask("POST", path, body("1"), keyHeader, "other"), http.StatusAccepted)
	w.want(w.ask("POST", path, body("1"), keyHeader, strings.Repeat("k", mostKey+1)), http.StatusUnprocessableEntity)
	w.want(w.ask("POST", path, body("1"), keyHeader, "schlüssel"), http.StatusUnprocessableEntity)
	if len(w.hub.hinted) != 2 {
		t.Errorf("done %v", w.hub.hinted)
	}
	// What came to nothing is tried again.
	w.hub.refuses = ErrNoDoor
	w.want(w.ask("POST", path, body("3"), keyHeader, "late"), http.StatusConflict)
	w.hub.refuses = nil
	w.want(w.ask("POST", path, body("3"), keyHeader, "late"), http.StatusAccepted)
}

func TestTwoWritesWithOneKeyAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	begun, go1 := make(chan bool), make(chan bool)
	var once sync.Once
	w.hub.plan.Country = "GR"
	w.c.hub = hintHub{fakeHub: w.hub, hint: func() { once.Do(func() { close(begun) }); <-go1 }}
	const path, body = "/api/v1/connections/b/changes", `{"records":[{"object":"cards","id":"1"}]}`
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- w.ask("POST", path, body, keyHeader, "k") }()
	<-begun
	w.want(w.ask("POST", path, body, keyHeader, "k"), http.StatusConflict, "error.underway")
	close(go1)
	w.want(<-done, http.StatusAccepted)
	if got := w.ask("POST", path, body, keyHeader, "k"); got.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// A hintHub takes its time to note hints.
type hintHub struct {
	*fakeHub
	hint func()
}

func (h hintHub) Hint(context.Context, string, []record.Ref) error { h.hint(); return nil }

func TestTheDocumentDescribesEveryAddressOfTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			ID    string `json:"operationId"`
			Right string `json:"x-tandem-right"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	got := w.browser().get("/api/openapi.json")
	if err := json.Unmarshal(got.Body.Bytes(), &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%q %v", doc.OpenAPI, err)
	}
	n := 0
	for _, x := range w.c.apiRoutes() {
		if !strings.HasPrefix(x.pattern, "/api/v1/") {
			continue
		}
		op := doc.Paths[x.pattern][strings.ToLower(x.method)]
		if n++; op.ID == "" || op.Right != string(x.right) {
			t.Errorf("%s %s is described as %+v", x.method, x.pattern, op)
		}
	}
	described := 0
	for _, ops := range doc.Paths {
		described += len(ops)
	}
	if n != described {
		t.Errorf("%d addresses, and %d described", n, described)
	}
	for ref := range strings.SplitSeq(got.Body.String(), `"$ref":"#/components/schemas/`) {
		name, _, _ := strings.Cut(ref, `"`)
		if !strings.HasPrefix(ref, "{") && doc.Components.Schemas[name] == nil {
			t.Errorf("the document names %s, and does not describe it", name)
		}
	}
	for name, closed := range map[string]bool{"RevertWish": true, "VerifyWish": true, "Run": false, "SyncBody": false, "ProblemBody": false, "Affected": false} {
		if strict := strings.Contains(string(doc.Components.Schemas[name]), `"additionalProperties":false`); strict != closed {
			t.Errorf("%s is strict: %v", name, strict) // answers may grow, wishes may not have a member that nobody reads
		}
	}
	if doc.Components.Schemas["ErrorModel"] != nil || doc.Components.Schemas["ProblemBody"] == nil {
		t.Error("errors are described as what they are not")
	}
	for _, lang := range []string{"en", "de"} {
		for _, b := range []*browser{w.browser(), w.signed(account.Viewer)} {
			r := httptest.NewRequest(http.MethodGet, "/api/docs", http.NoBody)
			r.Header.Set("Accept-Language", lang)
			page := b.do(r)
			w.want(page, http.StatusOK, "/api/v1/syncs/{id}/run", "Idempotency-Key", "problem+json"[:7])
			if strings.Contains(page.Body.String(), "[docs.") {
				t.Error("a text is missing")
			}
		}
	}
}

// The stream tells of runs and syncs as they change, and ends with the process.
func TestTheStreamTellsWhatHappens(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
	server := httptest.NewServer(w.handler)
	defer server.Close()
	listen := func(last string) *bufio.Scanner {
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		t.Cleanup(stop)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.token)
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		got, err := server.Client().Do(r)
		if err != nil || got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%v %v", got, err)
		}
		t.Cleanup(func() { _ = got.Body.Close() })
		return bufio.NewScanner(got.Body)
	}
	next := func(in *bufio.Scanner, event string) string {
		for in.Scan() {
			if in.Text() == "event: "+event {
				data := ""
				for in.Scan() && in.Text() != "" {
					data = strings.TrimPrefix(in.Text(), "data: ")
				}
				return data
			}
		}
		t.Fatalf("no event %s: %v", event, in.Err())
		return ""
	}
	const under = 1
	if err := w.hub.Store().StartRun(t.Context(), store.Run{ID: under, Sync: "cards", Started: time.Now(), Hinted: true}); err != nil {
		t.Fatal(err)
	}
	in := listen("")
	if got := next(in, "run"); !strings.Contains(got, `"status":"running"`) {
		t.Errorf("a run under way: %s", got)
	}
	if err := w.hub.Store().DropRun(t.Context(), under); err != nil {
		t.Fatal(err)
	}
	if got := next(in, "run"); !strings.Contains(got, `"status":"nothing"`) || !strings.Contains(got, engine.RunName(under)) {
		t.Errorf("a run that came to nothing: %s", got)
	}
	in = listen("")
	if got := next(in, "sync"); !strings.Contains(got, `"sync":"cards"`) || !strings.Contains(got, `"status":"never"`) {
		t.Errorf("at first: %s", got)
	}
	report := w.sync()
	for _, in := range []*bufio.Scanner{in, listen("r0")} {
		if got := next(in, "run"); !strings.Contains(got, `"run":"`+report.Run+`"`) || !strings.Contains(got, `"status":"ok"`) {
			t.Errorf("the run: %s", got)
		}
		if got := next(in, "sync"); !strings.Contains(got, `"linked":1`) {
			t.Errorf("the sync: %s", got)
		}
	}
}

func TestRunsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
	for i := range 5 {
		w.sync()
		w.put(w.a, w.a.Rows("cards")[0].ID, map[string]string{"notes": fmt.Sprint(i)})
	}
	all := read[list[jsonl.Run]](w, "GET", "/api/v1/runs", "").Items
	var paged []jsonl.Run
	page := read[list[jsonl.Run]](w, "GET", "/api/v1/runs?limit=2&sync=cards", "")
	for ; ; page = read[list[jsonl.Run]](w, "GET", "/api/v1/runs?limit=2&sync=cards&cursor="+page.Next, "") {
		paged = append(paged, page.Items...)
		if page.Next == "" {
			break
		}
	}
	if len(all) != 5 || !cmp.Equal(all, paged) {
		t.Errorf("%d runs, and %d page by page: %s", len(all), len(paged), cmp.Diff(all, paged))
	}
}
