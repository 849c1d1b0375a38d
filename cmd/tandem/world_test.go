package main

import (
	"cmp"
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

// pairYAML is the usual configuration of the tests: a Dolibarr and a HubSpot.
const pairYAML = `version: 1
timezone: Europe/Athens
country: GR
connections:
  erp:
    system: dolibarr
    url: http://erp.test/api/index.php
    api_key: ${ERP_SECRET}
  crm:
    system: hubspot
    access_token: ${CRM_SECRET}
syncs:
  companies:
    left: erp.thirdparties
    right: crm.companies
    match: [domain]
  contacts:
    left: erp.contacts
    right: crm.contacts
    match: [email]
`

// A world is two twins, a store and an engine over them: everything but the command line.
type world struct {
	t      *testing.T
	erp    twin.Twin
	crm    twin.Twin
	path   string
	yaml   string
	worker int
	pages  int                                       // most pages of the database; 0 = as many as fit
	around func(http.RoundTripper) http.RoundTripper // stands between the engine and the twins; nil = nothing

	store  *store.Store
	engine *engine.Engine
}

// newWorld makes a world; its twins are empty.
func newWorld(t *testing.T, yaml string) *world {
	t.Helper()
	w := &world{t: t, yaml: yaml, worker: 1, path: filepath.Join(t.TempDir(), "tandem.db")}
	w.erp = twinOf(t, "dolibarr", twin.Options{Zone: athens(t)})
	w.crm = twinOf(t, "hubspot", twin.Options{})
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

func athens(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func twinOf(t testing.TB, system string, o twin.Options) twin.Twin {
	t.Helper()
	i := slices.IndexFunc(systems.All(), func(s connector.System) bool { return s.Spec.Name == system })
	return systems.All()[i].Twin(o)
}

// start opens store and engine as a fresh process would.
func (w *world) start() {
	w.t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{DSN: "sqlite:" + w.path, Exclusive: true, MaxPages: w.pages})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = st
	var specs []connector.Spec
	for _, s := range systems.All() {
		specs = append(specs, s.Spec)
	}
	p, problems := plan.Parse("tandem.yaml", []byte(w.yaml), w.env, specs)
	if problems.HasErrors() {
		w.t.Fatal(problems)
	}
	w.engine, err = engine.New(engine.Options{Store: st, Plan: p, Specs: specs, Workers: w.worker, Transport: w.transport})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stop() {
	if w.store == nil {
		return
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
	w.store, w.engine = nil, nil
}

// restart is a new process over the same database.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

func (w *world) env(name string) (string, bool) {
	switch name {
	case "ERP_SECRET":
		s := w.erp.Settings()
		return cmp.Or(s["api_key"], s["api_token"]), true
	case "CRM_SECRET":
		s := w.crm.Settings()
		return cmp.Or(s["access_token"], s["api_key"]), true
	}
	return "", false
}

func (w *world) transport(c plan.Connection) http.RoundTripper {
	to := w.crm
	if c.System == "dolibarr" || c.System == "pipedrive" {
		to = w.erp
	}
	if w.around != nil {
		return w.around(twin.Transport(to))
	}
	return twin.Transport(to)
}

// sync runs the syncs and returns their reports by name. No error of a run is expected.
func (w *world) sync(o engine.SyncOptions, names ...string) map[string]engine.Report {
	w.t.Helper()
	out := w.trySync(o, names...)
	for name, rep := range out {
		if rep.Status == engine.StatusFailed {
			w.t.Fatalf("%s: %s", name, rep.Error)
		}
	}
	return out
}

func (w *world) trySync(o engine.SyncOptions, names ...string) map[string]engine.Report {
	w.t.Helper()
	reports, err := w.engine.Sync(w.t.Context(), names, o)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]engine.Report{}
	for _, rep := range reports {
		out[rep.Sync] = rep
	}
	return out
}

// put lets a person work on a twin.
func (w *world) put(tw twin.Twin, object, id string, fields map[string]string) string {
	w.t.Helper()
	id, err := tw.Put(object, id, fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// row returns one record of a twin as people see it.
func (w *world) row(tw twin.Twin, object, id string) map[string]string {
	w.t.Helper()
	for _, r := range tw.Rows(object) {
		if r.ID == id {
			return r.Fields
		}
	}
	return nil
}

// only returns the single record of an object.
func (w *world) only(tw twin.Twin, object string) twin.Row {
	w.t.Helper()
	rows := tw.Rows(object)
	if len(rows) != 1 {
		w.t.Fatalf("%s has %d records, want 1: %v", object, len(rows), rows)
	}
	return rows[0]
}

// writes counts what programs did to a twin.
func writes(tw twin.Twin) int {
	n := 0
	for _, a := range tw.Kit().Ledger().Acts() {
		if a.By == "api" {
			n++
		}
	}
	return n
}
