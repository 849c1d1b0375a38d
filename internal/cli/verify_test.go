package cli

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

// A shelf is a system of one record, which holds a name, and tells of no change.
type shelf struct {
	mu   sync.Mutex
	name string
}

func (s *shelf) Check(context.Context) (connector.Identity, error) {
	return connector.Identity{Account: "A"}, nil
}

func (s *shelf) Schema(context.Context) (record.Schema, error) {
	return record.Schema{Objects: []record.Object{{Name: "things", ReadBatch: 10, Fields: []record.Field{{Name: "name", Kind: record.KindText}, {Name: "code", Kind: record.KindText}}}}}, nil
}

func (s *shelf) change() connector.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return connector.Change{Record: record.Record{Ref: record.Ref{Object: "things", ID: "1"}, Fields: record.Fields{"name": record.Text(s.name), "code": record.Text("7")}}}
}

func (s *shelf) Changes(_ context.Context, q connector.Query) (connector.Page, error) {
	if q.Cursor != "" {
		return connector.Page{Next: q.Cursor}, nil
	}
	return connector.Page{Changes: []connector.Change{s.change()}, Next: "end", Complete: true}, nil
}

func (s *shelf) Read(context.Context, string, []string) ([]connector.Change, error) {
	return []connector.Change{s.change()}, nil
}

const shelfPlan = `version: 1
verify: 2h
connections:
  one: { system: shelf, place: left }
  two: { system: shelf, place: right }
syncs:
  things: { left: one.things, right: two.things, direction: none, match: [code], fields: [name, code] }
`

func TestServeVerifiesASliceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelves := map[string]*shelf{"left": {name: "as agreed"}, "right": {name: "as agreed"}}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "tandem.yaml"), []byte(shelfPlan), 0o600); err != nil {
			t.Fatal(err)
		}
		a := &app{Streams: Streams{Err: &bytes.Buffer{}, Env: func(string) (string, bool) { return "", false }}, config: filepath.Join(dir, "tandem.yaml"),
			systems: []connector.System{{Spec: connector.Spec{Name: "shelf", Title: "Shelf", BaseURL: "https://shelf.invalid", Settings: []connector.Setting{{Name: "place"}},
				Open: func(env connector.Env) (connector.Connection, error) { return shelves[env.Settings["place"]], nil }}}}}
		s, err := a.open(t.Context(), own)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close(&err)
		if reports, err := s.engine.Sync(t.Context(), nil, engine.SyncOptions{}); err != nil || reports[0].Linked != 1 {
			t.Fatalf("%+v: %v", reports, err)
		}
		var log bytes.Buffer
		sv := newTestServer(nil, nil)
		sv.log = slog.New(slog.NewTextHandler(&log, nil))
		sv.verify = func(ctx context.Context) { a.verify(ctx, s, sv) }
		shelves["right"].name = "secretly another"
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		sv.hourly(ctx)
		shown := httptest.NewRecorder()
		sv.routes().ServeHTTP(shown, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
		for _, want := range []string{"tandem_verified_pairs_total{sync=\"things\"} 1\n", "tandem_verify_differences{sync=\"things\"} 1\n"} {
			if !strings.Contains(shown.Body.String(), want) {
				t.Errorf("the metrics lack %s", want)
			}
		}
		if text := log.String(); !strings.Contains(text, "record=two.things/1 field=name kind=drifted") || strings.Contains(text, "secretly") {
			t.Errorf("the log says:\n%s", text)
		}
		v, err := s.store.Verification(t.Context(), "things")
		if err != nil || v.Last.Drifted != 1 || v.Ended.IsZero() {
			t.Errorf("remembered %+v: %v", v, err)
		}
	})
}
