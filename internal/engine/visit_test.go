package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

const stockYAML = `version: 1
timezone: UTC
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  s: { system: toyhost, password: "${PASSWORD}" }
syncs:
  items:
    left: a.labels
    right: s.items
    match: [code]
    prefer: left
    delete: delete
    fields: [name, code, weight]
`

// A stock is an address book and a stock book that visits.
type stock struct {
	t     testing.TB
	a     *toy.Twin
	s     *toy.HostTwin
	path  string
	state map[string]connector.KV
	store *store.Store
	host  connector.Host
	news  int

	keyless bool     // items do not keep our keys
	parts   []string // the parts that items are kept in; nil = none
}

// keyless is a stock book without a column for our keys.
type keyless struct{ visitor }

// parted is a stock book of several stores.
type parted struct {
	visitor
	parts []string
}

func (p parted) Partitions(context.Context, string) ([]string, error) { return p.parts, nil }

type visitor interface {
	connector.Connection
	connector.Source
	connector.Host
}

func (f keyless) Schema(ctx context.Context) (record.Schema, error) {
	s, err := f.visitor.Schema(ctx)
	s.Objects[0].Fields = s.Objects[0].Fields[:3]
	return s, err
}

func newStock(t testing.TB, dir string) *stock {
	t.Helper()
	host, ok := toy.NewHost(twin.Options{PageSize: 3}).(*toy.HostTwin)
	tw, is := toy.New(twin.Options{NoLimits: true}).(*toy.Twin)
	if !ok || !is {
		t.Fatal("these are no toys")
	}
	k := &stock{t: t, a: tw, s: host, path: filepath.Join(dir, "tandem.db"), state: map[string]connector.KV{}}
	k.start()
	return k
}

// start opens store and door as a fresh process would.
func (k *stock) start() {
	k.t.Helper()
	st, err := store.Open(context.Background(), store.Options{DSN: "sqlite:" + k.path, Exclusive: true})
	if err != nil {
		k.t.Fatal(err)
	}
	k.store = st
	able, err := k.engine().Abilities("s")
	if err != nil {
		k.t.Fatal(err)
	}
	k.host = able.Host
}

// ServeHTTP is what the door does.
func (k *stock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, err := k.engine().Visit("s", func() { k.news++ })
	if err != nil {
		k.t.Error(err)
		return
	}
	r.SetPathValue("rest", strings.TrimPrefix(r.URL.Path, "/hooks/s/K/"))
	if err := k.host.Serve(r.Context(), x, w, r); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (k *stock) stop() {
	k.t.Helper()
	if err := k.store.Close(); err != nil {
		k.t.Error(err)
	}
}

func (k *stock) restart() { k.stop(); k.start() }

func (k *stock) engine() *engine.Engine {
	k.t.Helper()
	specs := []connector.Spec{toy.Spec(), toy.HostSpec()}
	if k.keyless {
		specs[1].Open = func(env connector.Env) (connector.Connection, error) {
			c, err := toy.HostSpec().Open(env)
			v, ok := c.(visitor)
			if !ok {
				return nil, errors.New("it does not visit")
			}
			return keyless{v}, err
		}
	}
	if k.parts != nil {
		specs[1].Open = func(env connector.Env) (connector.Connection, error) {
			c, err := toy.HostSpec().Open(env)
			v, ok := c.(visitor)
			if !ok {
				return nil, errors.New("it does not visit")
			}
			return parted{v, k.parts}, err
		}
	}
	secret := func(name string) (string, bool) {
		if name == "KEY" {
			return k.a.Settings()["api_key"], true
		}
		return k.s.Settings()["password"], true
	}
	p, problems := plan.Parse("tandem.yaml", []byte(stockYAML), secret, specs)
	if problems.HasErrors() {
		k.t.Fatal(problems)
	}
	e, err := engine.New(engine.Options{Store: k.store, Plan: p, Specs: specs, Workers: 1,
		Transport: func(c plan.Connection) http.RoundTripper {
			if c.Name == "a" {
				return twin.Transport(k.a)
			}
			return twin.Transport(k.s)
		}})
	if err != nil {
		k.t.Fatal(err)
	}
	return e
}

func (k *stock) sync() engine.Report {
	k.t.Helper()
	reports, err := k.engine().Sync(k.t.Context(), nil, engine.SyncOptions{})
	if err != nil {
		k.t.Fatal(err)
	}
	if reports[0].Err != nil {
		k.t.Fatal(reports[0].Err)
	}
	return reports[0]
}

func (k *stock) visit(f twin.VisitFaults) []int {
	k.t.Helper()
	statuses, err := k.s.Visit(k.t.Context(), twin.Transport(k), "http://hub.test/hooks/s/K", f)
	if err != nil {
		k.t.Fatal(err)
	}
	return statuses
}

// settle lets visits and runs follow each other until nothing is left to do.
func (k *stock) settle() engine.Report {
	k.t.Helper()
	var rep engine.Report
	for range 6 {
		time.Sleep(time.Minute)
		k.visit(twin.VisitFaults{})
		time.Sleep(time.Minute)
		rep = k.sync()
	}
	if rep.Status != engine.StatusOK || !rep.Reconciled {
		k.t.Fatalf("status %s, gaps %v", rep.Status, rep.Gaps)
	}
	return rep
}

func rows(tw twin.Twin, object string) []string {
	var out []string
	for _, r := range tw.Rows(object) {
		out = append(out, strings.TrimSpace(r.Fields["code"]+" "+r.Fields["name"]+" "+r.Fields["weight"]))
	}
	slices.Sort(out)
	return out
}

// same fails unless both sides hold exactly that.
func (k *stock) same(want ...string) {
	k.t.Helper()
	slices.Sort(want)
	if left, right := rows(k.a, "labels"), rows(k.s, "items"); !slices.Equal(left, want) || !slices.Equal(right, want) {
		k.t.Fatalf("labels %q\n items %q\n  want %q", left, right, want)
	}
}

// objectOf is the object that is kept in step: labels of the one account, items of the other.
func objectOf(tw twin.Twin) string {
	if slices.Contains(tw.Objects(), "labels") {
		return "labels"
	}
	return "items"
}

func (k *stock) put(tw twin.Twin, id string, fields map[string]string) string {
	k.t.Helper()
	id, err := tw.Put(objectOf(tw), id, fields)
	if err != nil {
		k.t.Fatal(err)
	}
	return id
}

func play(t *testing.T, f func(k *stock)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newStock(t, t.TempDir())
		defer k.stop()
		f(k)
		if unknown := k.s.Unknowns(); len(unknown) > 0 {
			t.Errorf("the stock book was called: %v", unknown)
		}
	})
}

func TestC6AVendorThatVisitsIsKeptInStep(t *testing.T) {
	t.Parallel()
	play(t, func(k *stock) {
		for i := range 7 {
			k.put(k.a, "", map[string]string{"name": fmt.Sprintf("Label %d", i), "code": fmt.Sprintf("c%d", i)})
		}
		for i := 5; i < 12; i++ {
			k.put(k.s, "", map[string]string{"name": fmt.Sprintf("Item %d", i), "code": fmt.Sprintf("c%d", i), "weight": "2"})
		}
		// Before the first visit nothing is known of the other side, and nothing is written (R15).
		rep := k.sync()
		if rep.Status != engine.StatusOK || rep.Reconciled || len(rep.Gaps) == 0 || apiWrites(k.a) != 0 || rep.Visit != 0 {
			t.Fatalf("%+v", rep)
		}
		k.visit(twin.VisitFaults{})
		if k.news == 0 {
			t.Error("no run is hurried")
		}
		rep = k.sync()
		if rep.Visit == 0 || rep.Failed != 0 || !strings.Contains(strings.Join(rep.Gaps, ";"), "next visit") {
			t.Fatalf("what waits for the visit is not told: %+v", rep)
		}
		k.settle()
		want := []string{"c5 Label 5 2", "c6 Label 6 2"}
		for i := range 5 {
			want = append(want, fmt.Sprintf("c%d Label %d", i, i))
		}
		for i := 7; i < 12; i++ {
			want = append(want, fmt.Sprintf("c%d Item %d 2", i, i))
		}
		k.same(want...)
		// Invariant 6: what was written comes back, and is nobody's change.
		before := apiWrites(k.a) + jobs(k.s)
		k.settle()
		if after := apiWrites(k.a) + jobs(k.s); after != before {
			t.Errorf("%d writes after quiet", after-before)
		}
		mine := k.a.Rows("labels")[0].ID
		k.put(k.a, mine, map[string]string{"name": "Renamed"})
		k.put(k.s, k.s.Rows("items")[0].ID, map[string]string{"weight": "9"})
		if err := k.s.Remove("items", k.s.Rows("items")[1].ID); err != nil {
			t.Fatal(err)
		}
		k.settle()
		if n := len(k.a.Rows("labels")); n != 11 {
			t.Errorf("%d labels after a delete on the other side", n)
		}
	})
}

// jobs counts what the stock book did for us.
func jobs(tw *toy.HostTwin) int {
	n := 0
	for _, act := range tw.Ledger().Acts() {
		if act.By == "api" {
			n++
		}
	}
	return n
}

// Whatever becomes of a visit, and whenever the process is killed: nothing is lost or doubled.
func TestVisitsThatGoWrongLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	faults := map[string]twin.VisitFaults{"twice": {Twice: true}, "unsaid": {Unsaid: true}}
	for n := 1; n <= 9; n++ {
		faults[fmt.Sprintf("lost %d", n)] = twin.VisitFaults{Lost: n}
		faults[fmt.Sprintf("broken %d", n)] = twin.VisitFaults{Broken: n}
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, func(k *stock) {
				var want []string
				for i := range 8 {
					k.put(k.a, "", map[string]string{"name": "Label", "code": fmt.Sprintf("a%d", i)})
					k.put(k.s, "", map[string]string{"name": "Item", "code": fmt.Sprintf("b%d", i)})
					want = append(want, fmt.Sprintf("a%d Label", i), fmt.Sprintf("b%d Item", i))
				}
				k.sync()
				for i := range 8 {
					k.visit(f)
					if i%2 == 0 {
						time.Sleep(20 * time.Second)
						k.sync()
					}
					k.restart() // what was given out is of unknown outcome (R16)
				}
				k.settle()
				k.same(want...)
				for _, tw := range []twin.Twin{k.a, k.s} {
					for _, act := range tw.Kit().Ledger().Acts() {
						if act.By == "api" && act.Verb == "delete" {
							t.Errorf("%+v", act)
						}
					}
				}
			})
		})
	}
}

// R27: an edit that comes with the visit outdates what was planned before; it is not overwritten.
func TestR27AnOperationThatAVisitOutdatesIsDecidedAnew(t *testing.T) {
	t.Parallel()
	play(t, func(k *stock) {
		mine := k.put(k.a, "", map[string]string{"name": "Nut", "code": "n"})
		k.sync()
		k.settle()
		theirs := k.s.Rows("items")[0].ID
		k.put(k.a, mine, map[string]string{"name": "Bolt"})
		k.sync() // the write waits
		k.visit(twin.VisitFaults{Unsaid: true})
		k.put(k.s, theirs, map[string]string{"weight": "5", "name": "Bolt M8"}) // after our write, of which nobody told
		k.settle()
		k.same("n Bolt 5") // nobody can tell that theirs came after ours: left is preferred, and it is told (invariant 7)
		lines, err := k.store.History(t.Context(), store.HistoryQuery{Connection: "s", Object: "items", Record: theirs, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(lines, func(e store.Entry) bool { return e.Kind == store.Overruled && e.Old.Text() == "Bolt M8" }) {
			t.Errorf("an edit vanished: %+v", lines)
		}
	})
}

// R3: the vendor's word is as old as it is, and does not undo what came after it.
func TestR3AnOutcomeDoesNotReplaceWhatALaterVisitBrought(t *testing.T) {
	t.Parallel()
	play(t, func(k *stock) {
		mine := k.put(k.a, "", map[string]string{"name": "Nut", "code": "n"})
		k.sync()
		k.settle()
		k.put(k.a, mine, map[string]string{"name": "Bolt"})
		k.sync()
		k.visit(twin.VisitFaults{}) // fetched, done and said
		time.Sleep(time.Minute)
		k.put(k.s, k.s.Rows("items")[0].ID, map[string]string{"name": "Screw"})
		k.visit(twin.VisitFaults{}) // and only then comes a run
		k.settle()
		k.same("n Screw")
	})
}

func TestWhatAVendorRefusesIsParked(t *testing.T) {
	t.Parallel()
	play(t, func(k *stock) {
		k.put(k.s, "", map[string]string{"name": "Taken", "code": "x"})
		k.sync()
		k.settle()
		k.put(k.a, "", map[string]string{"name": "Mine", "code": "y"})
		k.sync()
		k.put(k.s, "", map[string]string{"name": "Other", "code": "y"}) // meanwhile
		k.visit(twin.VisitFaults{})
		for range 4 {
			time.Sleep(time.Minute)
			k.sync()
			k.visit(twin.VisitFaults{})
		}
		if n := len(k.s.Rows("items")); n != 2 {
			t.Errorf("%d items", n)
		}
		if n := len(k.a.Rows("labels")); n != 2 {
			t.Errorf("%d labels", n)
		}
	})
}

// Invariant 8: a create that the vendor would not know again is given out once. What it made is
// found when it is brought; where nothing comes, a person is asked.
func TestR16ACreateWithoutAKeyIsGivenOutOnce(t *testing.T) {
	t.Parallel()
	for name, carried := range map[string]bool{"carried out": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newStock(t, t.TempDir())
				defer k.stop()
				k.keyless = true
				k.restart()
				k.put(k.a, "", map[string]string{"name": "Nut", "code": "n"})
				k.sync()
				k.visit(twin.VisitFaults{})
				k.sync()
				if carried {
					k.visit(twin.VisitFaults{Unsaid: true})
				} else if n := k.take(); n != 1 {
					t.Fatalf("%d operations are given out", n)
				}
				if n := k.take(); n != 0 {
					t.Errorf("%d operations are given out again", n)
				}
				for range 3 {
					time.Sleep(time.Minute)
					k.put(k.s, "", map[string]string{"name": "Other", "code": fmt.Sprint(time.Now().Unix())}) // so that it has news
					k.visit(twin.VisitFaults{})
					k.sync()
				}
				items, err := k.store.Reviews(t.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewUnknown}, Open: true, Limit: 9})
				if err != nil || (len(items) == 0) != carried {
					t.Errorf("a person is asked %d times: %v", len(items), err)
				}
				nuts := 0
				for _, tw := range []twin.Twin{k.a, k.s} {
					for _, r := range tw.Rows(objectOf(tw)) {
						if r.Fields["code"] == "n" {
							nuts++
						}
					}
				}
				if want := map[bool]int{true: 2, false: 1}[carried]; nuts != want {
					t.Errorf("%d records, want %d", nuts, want)
				}
			})
		})
	}
}

// take fetches operations as a vendor does that then forgets them.
func (k *stock) take() int {
	k.t.Helper()
	x, err := k.engine().Visit("s", func() {})
	if err != nil {
		k.t.Fatal(err)
	}
	ops, err := x.Take(k.t.Context(), "items", 10)
	if err != nil {
		k.t.Fatal(err)
	}
	return len(ops)
}

// A page that does not follow what was saved is refused, and one that was saved last is saved once.
func TestInvariant1APageIsSavedWithItsPlaceOnce(t *testing.T) {
	t.Parallel()
	play(t, func(k *stock) {
		k.put(k.s, "", map[string]string{"name": "Nut", "code": "n"})
		k.sync()
		k.visit(twin.VisitFaults{})
		x, err := k.engine().Visit("s", func() {})
		if err != nil {
			t.Fatal(err)
		}
		place, err := x.Place(t.Context(), "items")
		if err != nil || place == "" {
			t.Fatalf("place %q: %v", place, err)
		}
		err = x.Save(t.Context(), "items", "17", connector.Page{Next: "18"})
		if connector.KindOf(err) != connector.Expired {
			t.Errorf("a page after a gap: %v", err)
		}
		if err := x.Save(t.Context(), "items", "17", connector.Page{Next: place}); err != nil {
			t.Errorf("a page that was saved last: %v", err)
		}
		if err := x.Save(t.Context(), "items", place, connector.Page{}); connector.KindOf(err) != connector.Invalid {
			t.Errorf("a page without an end: %v", err)
		}
		if _, err := x.Place(t.Context(), "cards"); connector.KindOf(err) != connector.Unsupported {
			t.Errorf("an object that nobody wants: %v", err)
		}
	})
}

// People work on both sides while visits go wrong in every way. When they have stopped, both
// sides hold the same, and nothing was made twice.
func TestAnyOrderOfVisitsAndRunsEndsInStep(t *testing.T) {
	t.Parallel()
	steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [3]int {
		return [3]int{rapid.IntRange(0, 6).Draw(rt, "what"), rapid.IntRange(0, 9).Draw(rt, "which"), rapid.IntRange(0, 2).Draw(rt, "how")}
	}), 5, 25)
	for seed := range 25 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			play(t, func(k *stock) { k.live(steps.Example(seed)) })
		})
	}
}

// live lets people, visits and runs do that, and wants it to end well.
func (k *stock) live(steps [][3]int) {
	k.t.Helper()
	made := 0
	edit := func(tw twin.Twin, object string, which int) {
		if there := tw.Rows(object); len(there) > 0 {
			k.put(tw, there[which%len(there)].ID, map[string]string{"name": fmt.Sprintf("%s %d", object, which)})
		}
	}
	for _, step := range steps {
		time.Sleep(time.Duration(1+step[1]) * 10 * time.Second)
		switch step[0] {
		case 0, 1:
			made++
			k.put([]twin.Twin{k.a, k.s}[step[0]], "", map[string]string{"name": "New", "code": fmt.Sprintf("c%d", made)})
		case 2:
			edit(k.a, "labels", step[1])
		case 3:
			edit(k.s, "items", step[1])
		case 4:
			k.visit([]twin.VisitFaults{{}, {Lost: step[1]}, {Broken: step[1]}}[step[2]])
		case 5:
			k.visit([]twin.VisitFaults{{Unsaid: true}, {Twice: true}, {Twice: true, Lost: step[1]}}[step[2]])
		case 6:
			k.sync()
			if step[2] == 0 {
				k.restart()
			}
		}
	}
	k.settle()
	k.same(rows(k.a, "labels")...)
	if n := len(k.s.Rows("items")); n != made {
		k.t.Errorf("%d items of %d that people made after %v: %q", n, made, steps, rows(k.s, "items"))
	}
}
