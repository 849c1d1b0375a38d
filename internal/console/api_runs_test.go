package console

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
)

func TestARunIsAskedForAndAwaited(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
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

// A promptHub runs what it is asked for at once.
type promptHub struct {
	*fakeHub

	run func()
}

func (h promptHub) Run(...string) error {
	h.run()
	return nil
}

// Whoever waits for the run that follows would wait for ever for one after it.
func TestARunThatBeginsAtOnceIsTheOneThatFollows(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.sync()
	w.c.hub = promptHub{fakeHub: w.hub, run: func() { w.sync() }}
	want := "r1"
	for _, path := range []string{"/api/v1/runs/r1/again", "/api/v1/syncs/cards/run"} {
		if got := read[askedBody](w, "POST", path, ""); got.After != want {
			t.Errorf("%s: after %s, want %s", path, got.After, want)
		}
		want = "r2"
	}
	if got := read[list[askedBody]](w, "POST", "/api/v1/runs", "").Items[0]; got.After != "r3" {
		t.Errorf("%+v", got)
	}
}

func TestAllSyncsAreRunOrThoseThatAreNamed(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.sync()
	for _, body := range []string{"", `{}`, `{"syncs":[]}`, `{"syncs":["cards","cards"]}`} {
		w.hub.asked = nil
		got := read[list[askedBody]](w, "POST", "/api/v1/runs", body).Items
		if len(got) != 1 || got[0].Sync != "cards" || !got[0].Asked || got[0].After != "r1" || !cmp.Equal(w.hub.asked, []string{"cards"}) {
			t.Errorf("%s: %+v %v", body, got, w.hub.asked)
		}
	}
	w.hub.asked = nil
	w.want(w.ask("POST", "/api/v1/runs", `{"syncs":["cards","x"]}`), http.StatusNotFound, "error.notfound")
	if w.hub.asked != nil {
		t.Errorf("one that there is not, and %v are run", w.hub.asked)
	}
	if lines := strings.Join(w.audited(), "\n"); !strings.Contains(lines, "operator|sync.run|all syncs||done") || !strings.Contains(lines, "operator|sync.run|cards, x||refused") {
		t.Error(lines)
	}
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

func TestASyncIsVerifiedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
	w.sync()
	got := read[verifiedBody](w, "POST", "/api/v1/syncs/cards/verify", "")
	if got.Status != "equal" || got.Pairs != 1 {
		t.Errorf("%+v", got)
	}
	w.put(w.right, w.right.Rows("cards")[0].ID, "notes", "edited")
	got = read[verifiedBody](w, "POST", "/api/v1/syncs/cards/verify", `{"repair":true}`)
	if len(got.Findings) != 1 || got.Findings[0].Found.Text() != "edited" {
		t.Errorf("%+v", got)
	}
	w.want(w.ask("POST", "/api/v1/syncs/x/verify", ""), http.StatusNotFound)
}

// The stream tells of runs and syncs as they change, and ends with the process.
func TestTheStreamTellsWhatHappens(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close) // once all that listens has been closed
	listen := func(last string) *bufio.Scanner {
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
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
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
	for i := range 5 {
		w.sync()
		w.put(w.left, w.left.Rows("cards")[0].ID, "notes", fmt.Sprint(i))
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

// Cancelling and running again are the pages' own: with the same words in the audit.
func TestARunIsEndedAndRepeatedOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.conflict(2)
	runs := read[list[jsonl.Run]](w, "GET", "/api/v1/runs?status=review", "").Items
	if len(runs) != 1 {
		t.Fatalf("%+v", runs)
	}
	w.want(w.ask("GET", "/api/v1/runs?status=cutshort", ""), http.StatusUnprocessableEntity, "query.status")
	at := "/api/v1/runs/" + runs[0].Run
	one := read[runBody](w, "GET", at, "")
	if len(one.Causes) != 1 || one.Causes[0].Items != 2 || one.Causes[0].Kind != store.ReviewConflict || len(one.Stages) != 0 || !cmp.Equal(one.Run, runs[0]) {
		t.Errorf("%+v", one)
	}
	w.want(w.ask("POST", at+"/cancel", ""), http.StatusUnprocessableEntity, "error.notrunning")
	id, _ := engine.ParseRun(runs[0].Run)
	began := time.Now().Add(-time.Minute)
	w.hub.progress = &Progress{Run: id, Sync: "cards", Stages: []Stage{{Act: engine.ActRead, Of: "a.cards", Done: 50, Total: 100, Began: began, Seen: began.Add(30 * time.Second)}}}
	got := read[runBody](w, "POST", at+"/cancel", "")
	if !got.Stopping || len(got.Stages) != 1 || got.Stages[0].Done != 50 || got.Stages[0].Left == nil || *got.Stages[0].Left != 30 {
		t.Errorf("%+v", got)
	}
	asked := read[askedBody](w, "POST", at+"/again", "")
	if asked.After != runs[0].Run || !cmp.Equal(w.hub.asked, []string{"cards"}) {
		t.Errorf("%+v %v", asked, w.hub.asked)
	}
	w.want(w.ask("POST", "/api/v1/runs/r99/again", ""), http.StatusNotFound)
	w.sameAudit("operator|run.cancel|"+runs[0].Run+"|cards|refused", "operator|run.cancel|"+runs[0].Run+"|cards|done",
		"operator|run.again|cards|after "+runs[0].Run+"|done", "operator|run.again|||refused")
}
