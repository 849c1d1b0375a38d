package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tandemhub/tandem/record"
)

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
