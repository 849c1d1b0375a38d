package console

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
)

func TestAProgramSeesHowEverythingStands(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
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
