package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/twin"
)

// takeBack carries a revert out and wants all of it done.
func (w *world) takeBack(q engine.RevertRequest, want int) []engine.RevertItem {
	w.t.Helper()
	var items []engine.RevertItem
	done, err := w.engine.Revert(w.t.Context(), q, func(it engine.RevertItem) error {
		items = append(items, it)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, d := range done {
		n += d.Counts[engine.RevertDone]
		for state, m := range d.Counts {
			if state != engine.RevertDone && state != engine.RevertSilent && m > 0 {
				w.t.Errorf("%s: %d are %s", d.Sync, m, state)
			}
		}
		if d.Err != nil {
			w.t.Errorf("%s: %v", d.Sync, d.Err)
		}
	}
	if n != want {
		w.t.Errorf("%d changes went back, want %d: %+v", n, want, items)
	}
	return items
}

func TestAWholeFirstRunIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, pairYAML)
				w.worker = workers
				w.restart()
				erp, crm := smallOffice()
				w.furnish(erp, crm)
				had := [2]office{w.seen(w.erp), w.seen(w.crm)}
				began := time.Now()
				made := 0
				for _, rep := range w.settled() {
					made += rep.Left.Created + rep.Right.Created
				}
				time.Sleep(2 * time.Hour)
				var sizes []engine.Reverted
				before := writes(w.erp) + writes(w.crm)
				sizes, err := w.engine.PreviewRevert(t.Context(), engine.RevertRequest{Since: began}, func(engine.RevertItem) error { return nil })
				if err != nil || len(sizes) != 2 || writes(w.erp)+writes(w.crm) != before {
					t.Fatalf("the preview says %+v, %v", sizes, err)
				}
				todo := 0
				for _, s := range sizes {
					todo += s.Counts[engine.RevertDo]
				}
				if made == 0 || todo < made {
					t.Errorf("%d records were created, and %d changes would go back", made, todo)
				}
				w.takeBack(engine.RevertRequest{Since: began}, todo)
				for i, tw := range []twin.Twin{w.erp, w.crm} {
					got := w.seen(tw)
					differ(t, "companies", had[i].companies, got.companies)
					differ(t, "contacts", had[i].contacts, got.contacts)
				}
				w.quiet() // nothing is created again, and nothing written
			})
		})
	}
}

func TestARunOfUpdatesIsTakenBackOnBothSystems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := synced(t, pairYAML)
		was := [2]office{w.seen(w.erp), w.seen(w.crm)}
		bob, ann := w.by(w.erp, "contacts", "email", "bob@example.net").ID, w.crm.Rows("contacts")[0].ID
		w.put(w.erp, "contacts", bob, map[string]string{"phone_pro": "+30 210 7777777", "lastname": "Built"})
		w.put(w.crm, "contacts", ann, map[string]string{"phone": "+30 210 8888888"})
		time.Sleep(time.Minute)
		now := [2]office{w.seen(w.erp), w.seen(w.crm)}
		w.settled()
		runs, err := w.store.Runs(t.Context(), "contacts", 1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		w.takeBack(engine.RevertRequest{Run: runs[0].ID}, 3)
		for i, tw := range []twin.Twin{w.erp, w.crm} {
			differ(t, "contacts", now[i].contacts, w.seen(tw).contacts) // what people edited stays where they did
		}
		w.quiet()
		undo, err := w.store.Runs(t.Context(), "contacts", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range undo { // the revert's own run, behind the quiet ones
			if lines, err := w.store.History(t.Context(), store.HistoryQuery{Run: run.ID}); err == nil && len(lines) > 0 && run.ID > runs[0].ID {
				w.takeBack(engine.RevertRequest{Run: run.ID}, 3)
				break
			}
		}
		if got := w.seen(w.erp); len(got.contacts) != len(was[0].contacts) {
			t.Errorf("%d contacts, want %d", len(got.contacts), len(was[0].contacts))
		}
		differ(t, "both sides", w.seen(w.erp).contacts, w.seen(w.crm).contacts)
		w.quiet()
	})
}

var revertRows = flag.Int("revert.rows", 10_000, "changes of BenchmarkRevert")

// BenchmarkRevert takes back the first sync of many contacts from Dolibarr to HubSpot:
//
//	go test ./cmd/tandem -run '^$' -bench Revert -benchtime 1x -revert.rows 100000
//
// preview-s is how long the preview takes, revert-s how long carrying it out; sync-s, how
// long the first sync took, is what to compare with. On a machine that does other work the
// processor's time, -cpu-s, tells more. The rest of the time is a second sync, which reads
// what the vendors repeat of the first one.
func BenchmarkRevert(b *testing.B) {
	for range b.N {
		erp, crm := benchTwin(b, "dolibarr"), benchTwin(b, "hubspot")
		for i := range *revertRows {
			if _, err := erp.Put("contacts", "", map[string]string{"lastname": fmt.Sprint("Person ", i), "email": fmt.Sprintf("p%d@example.com", i)}); err != nil {
				b.Fatal(err)
			}
		}
		e, st := benchEngine(b, erp, crm)
		ctx := context.Background()
		began, spent := time.Now(), processor()
		reports, err := e.Sync(ctx, nil, engine.SyncOptions{})
		if err != nil || reports[0].Right.Created != *revertRows {
			b.Fatalf("%+v, %v", reports, err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "sync-s")
		b.ReportMetric((processor() - spent).Seconds(), "sync-cpu-s")
		runs, err := st.Runs(ctx, "contacts", 1)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Sync(ctx, nil, engine.SyncOptions{}); err != nil { // the vendors' overlap is read once more
			b.Fatal(err)
		}
		for _, x := range []struct {
			name string
			do   func(context.Context, engine.RevertRequest, func(engine.RevertItem) error) ([]engine.Reverted, error)
			want engine.RevertState
		}{{"preview", e.PreviewRevert, engine.RevertDo}, {"revert", e.Revert, engine.RevertDone}} {
			began, spent = time.Now(), processor()
			got, err := x.do(ctx, engine.RevertRequest{Run: runs[0].ID}, func(engine.RevertItem) error { return nil })
			if err != nil || len(got) != 1 || got[0].Counts[x.want] != *revertRows {
				b.Fatalf("%s: %+v, %v", x.name, got, err)
			}
			b.ReportMetric(time.Since(began).Seconds(), x.name+"-s")
			b.ReportMetric((processor() - spent).Seconds(), x.name+"-cpu-s")
		}
	}
}

// processor is the time that this process has had of the processors.
func processor() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func benchTwin(b *testing.B, system string) twin.Twin {
	b.Helper()
	for _, s := range systems.All() {
		if s.Spec.Name == system {
			return s.Twin(twin.Options{NoLimits: true})
		}
	}
	b.Fatalf("no system %s", system)
	return nil
}

func benchEngine(b *testing.B, erp, crm twin.Twin) (*engine.Engine, *store.Store) {
	b.Helper()
	st, err := store.Open(context.Background(), store.Options{DSN: "sqlite:" + filepath.Join(b.TempDir(), "tandem.db"), Exclusive: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	var specs []connector.Spec
	for _, s := range systems.All() {
		specs = append(specs, s.Spec)
	}
	const yaml = `version: 1
connections:
  erp: { system: dolibarr, url: http://erp.test/api/index.php, api_key: "${ERP}" }
  crm: { system: hubspot, access_token: "${CRM}" }
syncs:
  contacts:
    left: erp.contacts
    right: crm.contacts
    match: [email]
    direction: left-to-right
    fields: [lastname, email]
`
	secrets := map[string]string{"ERP": erp.Settings()["api_key"], "CRM": crm.Settings()["access_token"]}
	p, problems := plan.Parse("tandem.yaml", []byte(yaml), func(name string) (string, bool) { return secrets[name], true }, specs)
	if problems.HasErrors() {
		b.Fatal(problems)
	}
	e, err := engine.New(engine.Options{Store: st, Plan: p, Specs: specs, Transport: func(c plan.Connection) http.RoundTripper {
		if c.Name == "erp" {
			return twin.Transport(erp)
		}
		return twin.Transport(crm)
	}})
	if err != nil {
		b.Fatal(err)
	}
	return e, st
}
