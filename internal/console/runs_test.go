package console

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func (b *bench) run(r store.Run) {
	b.Helper()
	if err := b.hub.store.StartRun(b.Context(), r); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) body(got *httptest.ResponseRecorder) string {
	b.Helper()
	b.want(got, http.StatusOK)
	return got.Body.String()
}

func TestRunsAreListedFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	for i := range runLines + 5 {
		w.run(store.Run{ID: int64(1000 + i), Sync: "cards", Started: at, Ended: at.Add(1500 * time.Millisecond), Status: "ok"})
	}
	w.run(store.Run{ID: 2000, Sync: "cards", Started: at, Ended: at.Add(3 * time.Minute), Status: "failed", Hinted: true,
		Sides: [2]store.Counts{{Created: 1234}, {Updated: 5, Deleted: 6}}})
	w.run(store.Run{ID: 2001, Sync: "cards", Started: at, Status: store.RunCutShort})
	w.run(store.Run{ID: 2002, Sync: "gone", Started: at})
	see := w.signed(account.Viewer)
	body := w.body(see.get("/runs"))
	w.reads(body, "runs", "r2002 gone Running", "r2001 cards Cut short 4 Mar 2026, 09:00 nothing", "nothing",
		"r2000 cards as reported Failed 4 Mar 2026, 09:00 3 min 0 s 1,234 created 5 changed 6 deleted", "r1054 cards Done 4 Mar 2026, 09:00 1.5 s", "Older")
	if n := strings.Count(body, "/runs/r"); n != runLines {
		t.Errorf("%d runs on a page", n)
	}
	w.reads(w.body(see.get("/runs?before=1008")), "runs", "r1007", "r1000", "Newest")
	w.reads(w.body(see.get("/runs?status=cutshort")), "runs", "r2001")
	w.reads(w.body(see.get("/runs?status=running&sync=gone")), "runs", "r2002")
	w.reads(w.body(see.get("/runs?status=blocked")), "runs", "No run is like that")
	w.want(see.get("/runs?status=nonsense"), http.StatusNotFound)
	w.want(see.get("/runs?before=-1"), http.StatusNotFound)
}

func TestTheRunUnderWayShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began := time.Now().Add(-time.Minute)
	w.run(store.Run{ID: 7, Sync: "cards", Started: began})
	w.hub.progress = &Progress{Run: 7, Sync: "cards", Stages: []Stage{
		{Act: engine.ActRead, Of: "a.cards", Done: 2500, Total: 10_000, Began: began, Seen: began.Add(20 * time.Second)},
		{Act: engine.ActWrite, Of: "b.cards", Done: 12, Began: began, Seen: began},
		{Act: engine.ActWait, Until: began, Began: began, Seen: began}}}
	operator, viewer := w.signed(account.Operator), w.signed(account.Viewer)
	body := w.body(operator.get("/runs/7"))
	w.reads(body, "run-state", "Running", "Reading a.cards", "2,500 of 10,000", "about 1 min 0 s left", "Writing b.cards", "12")
	w.reads(body, "run-actions", "Stop")
	if strings.Contains(body, "Waiting for a time") || strings.Contains(body, "Run this sync again") {
		t.Errorf("a wait that is over, or another run, is shown:\n%s", body)
	}
	if strings.Contains(w.body(viewer.get("/runs/r7")), "/cancel") {
		t.Error("a viewer is offered to stop it")
	}
	w.want(operator.post("/runs/r8/cancel"), http.StatusNotFound)
	w.to(operator.post("/runs/r7/cancel"), "/runs/r7?done=cancelled")
	w.reads(w.body(operator.get("/runs/r7")), "run-state", "It was asked to stop")
	w.hub.progress = nil
	w.want(operator.post("/runs/r7/cancel"), http.StatusUnprocessableEntity, "not under way any more")
	w.to(operator.post("/runs/r7/again"), "/runs/r7?done=asked")
	if len(w.hub.asked) != 1 || w.hub.asked[0] != "cards" {
		t.Errorf("asked for: %v", w.hub.asked)
	}
	w.run(store.Run{ID: 9, Sync: "gone", Started: began, Ended: began, Status: "ok"})
	w.want(operator.post("/runs/r9/again"), http.StatusUnprocessableEntity, "not in the configuration")
	for _, name := range []string{"r0", "x", "r07", "-7", "99"} {
		w.want(viewer.get("/runs/"+name), http.StatusNotFound)
	}
	lines := w.audited()
	for _, want := range []string{"operator|run.cancel|r7|cards|done", "operator|run.again|cards|after r7|done", "operator|run.cancel|r7|cards|refused"} {
		if !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("the audit lacks %q: %v", want, lines)
		}
	}
}

func TestAFailedRunSaysWhatWentWrongByItsCauses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	w.run(store.Run{ID: 7, Sync: "cards", Started: at, Ended: at.Add(time.Minute), Status: "failed", Error: "the <b>key</b> is wrong", Linked: 1200, Unchanged: 31,
		Conflicts: 42, Review: 53, Failed: 64, Sides: [2]store.Counts{{Read: 11, Created: 12, Updated: 13, Deleted: 14, Calls: 15, Swept: 16, Refreshed: 17, Events: 18}, {Calls: 25}}})
	item := func(subject, cause string, minutes int) store.Review {
		return store.Review{Sync: "cards", Kind: store.ReviewParked, Subject: subject, Side: record.Right, Record: "5/6", Text: "text of " + subject, Fix: "enter a name",
			Cause: cause, Choices: []string{"retry"}, Opened: at.Add(time.Duration(minutes) * time.Minute)}
	}
	facts := store.Facts{Reviews: []store.Review{item("one", "no name <script>alert(1)</script>", 0), item("two", "no name <script>alert(1)</script>", 1), item("three", "too long", 1), item("later", "later", 2)}}
	if err := w.hub.store.Decide(t.Context(), "cards", [2]int64{}, facts); err != nil {
		t.Fatal(err)
	}
	all, err := w.hub.store.Reviews(t.Context(), store.ReviewQuery{Open: true})
	if err != nil || len(all) != 4 {
		t.Fatal(all, err)
	}
	if err := w.hub.store.DecideReview(t.Context(), all[2].ID, "retry", "ann", time.Now()); err != nil {
		t.Fatal(err)
	}
	body := w.body(w.signed(account.Operator).get("/runs/r7"))
	w.reads(body, "run-state", "It ended with an error the <b>key</b> is wrong", "Failed", "1 min 0 s", "a.cards 11 12 13 14 16 17 18 15", "b.cards 0 0 0 0 0 0 0 25",
		"Linked 1,200", "left as is 31", "Conflicts 42", "decision 53", "Not written 64",
		"2 records are not taken by the other system 2 wait for a decision no name <script>alert(1)</script> What to do: enter a name", "b.cards/5/6",
		"1 record is not taken by the other system Decided text of three")
	if strings.Contains(body, "<script>alert") || strings.Contains(body, "<b>key") || strings.Contains(body, "text of later") {
		t.Errorf("markup of others, or what another run asked:\n%s", body)
	}
	if !strings.Contains(body, `href="/records/b/cards/5%2F6"`) {
		t.Errorf("the record cannot be reached:\n%s", body)
	}
	w.reads(body, "run-actions", "Try the failed ones again")
}

// listening is an answer that goes on.
type listening struct {
	header http.Header
	said   chan string
}

func (l *listening) Header() http.Header { return l.header }
func (l *listening) WriteHeader(int)     {}
func (l *listening) Flush()              {}
func (l *listening) Write(b []byte) (int, error) {
	l.said <- string(b)
	return len(b), nil
}

func TestPagesAreToldOfChangesForAsLongAsTheirSessionLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.populate()
		w := b.signed(account.Viewer)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		listen := func() (*listening, chan bool) {
			l, over := &listening{header: http.Header{}, said: make(chan string, 100)}, make(chan bool)
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/live", http.NoBody)
			r.Host, r.RemoteAddr = w.host, w.address
			r.AddCookie(&http.Cookie{Name: cookieName, Value: w.cookies[cookieName]})
			go func() {
				b.handler.ServeHTTP(l, r)
				close(over)
			}()
			synctest.Wait()
			return l, over
		}
		l, over := listen()
		heard := func(want string) {
			t.Helper()
			synctest.Wait()
			select {
			case got := <-l.said:
				if got != want {
					t.Errorf("heard %q, want %q", got, want)
				}
			default:
				if want != "" {
					t.Errorf("heard nothing, want %q", want)
				}
			}
		}
		heard("retry: 5000\n\n")
		if kind := l.header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" {
			t.Error(kind)
		}
		for range 100 {
			b.hub.bell.Ring()
		}
		heard(changed)
		time.Sleep(liveEvery)
		b.hub.bell.Ring()
		heard(changed) // the last of the hundred
		b.hub.bell.Ring()
		heard("")
		time.Sleep(liveEvery)
		heard(changed)
		time.Sleep(liveBeat)
		heard(beat)
		if err := b.hub.store.Decide(ctx, "cards", [2]int64{}, store.Facts{Journal: []store.Entry{{Kind: store.Decided, Sync: "cards"}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(liveBeat)
		heard(changed) // another process has written
		time.Sleep(liveEvery)
		w.post("/logout")
		synctest.Wait()
		select {
		case <-over:
		default:
			t.Error("it goes on without a session")
		}
		w = b.signed(account.Viewer)
		for len(l.said) > 0 {
			<-l.said
		}
		var crowd []chan bool
		for range mostOfOne {
			_, over := listen()
			crowd = append(crowd, over)
		}
		b.want(w.get("/live"), http.StatusServiceUnavailable, "Too much of that")
		b.hub.bell.Close()
		for _, over := range crowd {
			<-over
		}
		if _, _, ok := b.hub.bell.Listen("x"); ok {
			t.Error("a closed bell is listened to")
		}
	})
}

// A page is whole, or an error: a template that fails on what is not there would be one.
func TestPagesOfNothingRender(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, data := range map[string]any{"runs": runsPage{}, "run": runPage{}, "history": historyPage{}, "record": recordPage{}, "revert": revertPage{}} {
		for _, l := range b.c.view.locales {
			if err := b.c.view.pages[l.Tag()][name].ExecuteTemplate(io.Discard, "layout.html", page{Name: name, Lang: l.Tag(), Data: data}); err != nil {
				t.Errorf("%s in %s: %v", name, l.Tag(), err)
			}
		}
	}
}
