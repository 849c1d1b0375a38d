package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// An office is what people filled both accounts with before the first sync, in words that
// use neither engine nor mapping code: the oracle of the tests.
//
// Every company is known by its domain and every contact by its e-mail address.
type office struct {
	companies []firm
	contacts  []human
}

type firm struct{ name, domain, phone, town string }

type human struct{ first, last, email, phone, domain string }

// smallOffice has records on one side, on the other and on both.
func smallOffice() (erp, crm office) {
	erp = office{
		companies: []firm{{"Ακμή ΑΕ", "acme.gr", "+302101234567", "Αθήνα"}, {"Müller & Söhne", "mueller.de", "+4930123456", "Köln"}, {"บริษัท ไทย", "thai.co.th", "+6621234567", "กรุงเทพ"}},
		contacts: []human{
			{"Ελένη", "Παπαδοπούλου", "eleni@acme.gr", "+302101234568", "acme.gr"},
			{"Jürgen", "Müller", "juergen@mueller.de", "+4930123457", "mueller.de"},
			{"Somchai", "Jaidee", "somchai@thai.co.th", "+6621234568", "thai.co.th"},
			{"Zoë", "O'Brien", "zoe@example.org", "", ""},
		},
	}
	crm = office{
		companies: []firm{{"Müller & Söhne", "mueller.de", "", ""}, {"ООО Ромашка", "romashka.example", "+74951234567", "Москва"}},
		contacts: []human{
			{"Jürgen", "Müller", "juergen@mueller.de", "", ""},
			{"Анна", "Иванова", "anna@romashka.example", "+74951234568", "romashka.example"},
			{"Bob", "Smith", "bob@example.net", "+12025550123", ""},
		},
	}
	return erp, crm
}

// furnish lets people enter both offices.
func (w *world) furnish(erp, crm office) {
	w.t.Helper()
	ids := map[string]string{}
	for _, c := range erp.companies {
		ids[c.domain] = w.put(w.erp, "thirdparties", "", map[string]string{"name": c.name, "url": "https://www." + c.domain + "/", "phone": c.phone, "town": c.town})
	}
	for _, p := range erp.contacts {
		w.put(w.erp, "contacts", "", map[string]string{"firstname": p.first, "lastname": p.last, "email": p.email, "phone_pro": p.phone, "socid": ids[p.domain]})
	}
	ids = map[string]string{}
	for _, c := range crm.companies {
		ids[c.domain] = w.put(w.crm, "companies", "", map[string]string{"name": c.name, "domain": c.domain, "phone": c.phone, "city": c.town})
	}
	for _, p := range crm.contacts {
		w.put(w.crm, "contacts", "", map[string]string{"firstname": p.first, "lastname": p.last, "email": p.email, "phone": p.phone, "associatedcompanyid": ids[p.domain]})
	}
	time.Sleep(10 * time.Second)
}

// seen returns what people see on one side now, sorted.
func (w *world) seen(tw twin.Twin) office {
	w.t.Helper()
	company, contact := "companies", map[string]string{"company": "associatedcompanyid", "phone": "phone"}
	domain, town := "domain", "city"
	if tw == w.erp {
		company, contact = "thirdparties", map[string]string{"company": "socid", "phone": "phone_pro"}
		domain, town = "url", "town"
	}
	var o office
	domains := map[string]string{}
	for _, r := range tw.Rows(company) {
		d := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(r.Fields[domain], "https://"), "http://"), "www."), "/")
		domains[r.ID] = d
		o.companies = append(o.companies, firm{r.Fields["name"], d, r.Fields["phone"], r.Fields[town]})
	}
	for _, r := range tw.Rows("contacts") {
		o.contacts = append(o.contacts, human{r.Fields["firstname"], r.Fields["lastname"], strings.ToLower(strings.TrimSpace(r.Fields["email"])), r.Fields[contact["phone"]], domains[r.Fields[contact["company"]]]})
	}
	o.sort()
	return o
}

func (o *office) sort() {
	slices.SortFunc(o.companies, func(a, b firm) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	slices.SortFunc(o.contacts, func(a, b human) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// union is what both sides must hold in the end: every company and contact of either, with
// what the other side adds to it.
func union(a, b office) office {
	firms, people := map[string]firm{}, map[string]human{}
	for _, o := range []office{a, b} {
		for _, c := range o.companies {
			was := firms[c.domain]
			firms[c.domain] = firm{cmp.Or(was.name, c.name), c.domain, cmp.Or(was.phone, c.phone), cmp.Or(was.town, c.town)}
		}
		for _, p := range o.contacts {
			was := people[p.email]
			people[p.email] = human{cmp.Or(was.first, p.first), cmp.Or(was.last, p.last), p.email, cmp.Or(was.phone, p.phone), cmp.Or(was.domain, p.domain)}
		}
	}
	out := office{companies: slices.Collect(maps.Values(firms)), contacts: slices.Collect(maps.Values(people))}
	out.sort()
	return out
}

// hold proves that both sides hold exactly what is wanted: nothing lost, nothing doubled.
func (w *world) hold(want office) {
	w.t.Helper()
	for _, side := range []struct {
		name string
		tw   twin.Twin
	}{{"erp", w.erp}, {"crm", w.crm}} {
		got := w.seen(side.tw)
		differ(w.t, side.name+" companies", want.companies, got.companies)
		differ(w.t, side.name+" contacts", want.contacts, got.contacts)
		w.told(side.name, side.tw)
	}
}

// told proves that the journal has a line for every record that was created and not only
// found there, whatever happened on the way (invariant 2).
func (w *world) told(connection string, tw twin.Twin) {
	w.t.Helper()
	for _, act := range tw.Kit().Ledger().Acts() {
		if act.By != "api" || act.Verb != "create" {
			continue
		}
		if lines := w.journal(connection, act.Object, act.ID); !tells(lines, store.Created, "") {
			w.t.Errorf("the journal does not say that %s/%s of %s was created: %+v", act.Object, act.ID, connection, lines)
		}
	}
}

func differ[T comparable](t *testing.T, what string, want, got []T) {
	t.Helper()
	for _, x := range want {
		if n := count(got, x); n != count(want, x) {
			t.Errorf("%s: %v is there %d times, want %d", what, x, n, count(want, x))
		}
	}
	for _, x := range got {
		if !slices.Contains(want, x) {
			t.Errorf("%s: %v is there and was entered by nobody", what, x)
		}
	}
}

func count[T comparable](all []T, x T) int {
	n := 0
	for _, y := range all {
		if x == y {
			n++
		}
	}
	return n
}

// settled runs the syncs and wants each to end well.
func (w *world) settled() map[string]engine.Report {
	w.t.Helper()
	got := w.trySync(engine.SyncOptions{})
	for name, rep := range got {
		if rep.Status != engine.StatusOK || !rep.Reconciled {
			w.t.Errorf("%s: status %s, reconciled %t, gaps %v, error %q", name, rep.Status, rep.Reconciled, rep.Gaps, rep.Error)
		}
	}
	if w.t.Failed() {
		w.t.Fatalf("review queue: %v", w.queue())
	}
	return got
}

// recovered runs the syncs until they end well, as a schedule would, and tells how often.
func (w *world) recovered() int {
	w.t.Helper()
	var got map[string]engine.Report
	for n := range 16 {
		got = w.trySync(engine.SyncOptions{})
		well := true
		for _, rep := range got {
			well = well && rep.Status == engine.StatusOK && rep.Reconciled
		}
		if well {
			return n + 1
		}
		time.Sleep(15 * time.Minute)
	}
	for name, rep := range got {
		w.t.Errorf("%s does not recover: %s %v %s", name, rep.Status, rep.Gaps, rep.Error)
	}
	w.t.Fatalf("review queue: %v", w.queue())
	return 0
}

// quiet proves that further runs write nothing (invariant 6), and that nothing was asked of
// a twin that it does not know.
func (w *world) quiet() {
	w.t.Helper()
	before := writes(w.erp) + writes(w.crm)
	for range 2 {
		time.Sleep(10 * time.Minute)
		for name, rep := range w.trySync(engine.SyncOptions{}) {
			if rep.Status == engine.StatusFailed || !rep.Reconciled {
				w.t.Errorf("a further run of %s: %s %v %s", name, rep.Status, rep.Gaps, rep.Error)
			}
		}
	}
	if after := writes(w.erp) + writes(w.crm); after != before {
		w.t.Errorf("further runs wrote %d times: %v %v", after-before, lastActs(w.erp, 3), lastActs(w.crm, 3))
	}
	for _, tw := range []twin.Twin{w.erp, w.crm} {
		if u := tw.Kit().Unknowns(); len(u) > 0 {
			w.t.Errorf("the twin was asked for what it does not know: %v", u)
		}
	}
}

func lastActs(tw twin.Twin, n int) []twin.Act {
	acts := tw.Kit().Ledger().Acts()
	return acts[max(0, len(acts)-n):]
}

// queue is the open review items, as people read them.
func (w *world) queue() []string {
	w.t.Helper()
	var texts []string
	for _, item := range w.reviews() {
		texts = append(texts, string(item.Kind)+": "+item.Text)
	}
	return texts
}

func (w *world) reviews(kinds ...store.ReviewKind) []store.Review {
	w.t.Helper()
	items, err := w.store.Reviews(context.Background(), store.ReviewQuery{Kinds: kinds, Open: true, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return items
}

// by returns the record whose field has that value; there must be exactly one.
func (w *world) by(tw twin.Twin, object, field, value string) twin.Row {
	w.t.Helper()
	var found []twin.Row
	for _, r := range tw.Rows(object) {
		if r.Fields[field] == value {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d %s have %s %q, want 1", len(found), object, field, value)
	}
	return found[0]
}

// journal returns the lines about one record of a connection.
func (w *world) journal(connection, object, id string) []store.Entry {
	w.t.Helper()
	lines, err := w.store.History(context.Background(), store.HistoryQuery{Connection: connection, Object: object, Record: id, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// tells reports whether a line of that kind is about that field; "" is any.
func tells(lines []store.Entry, kind store.EntryKind, field string) bool {
	return slices.ContainsFunc(lines, func(e store.Entry) bool { return e.Kind == kind && (field == "" || e.Field == field) })
}

// crash runs everything and ends it, as a killed process would end, when that many requests
// have been applied: the next one is applied too, and nothing after it happens. It tells
// whether it came to that.
func (w *world) crash(after int) bool {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var n, armed atomic.Int64
	armed.Store(1)
	dead := w.store
	for _, tw := range []twin.Twin{w.erp, w.crm} {
		tw.Kit().After(func(*http.Request) {
			if armed.Load() == 1 && n.Add(1) == int64(after)+1 {
				if err := dead.Close(); err != nil {
					w.t.Error(err)
				}
				cancel()
			}
		})
	}
	_, err := w.engine.Sync(ctx, nil, engine.SyncOptions{})
	armed.Store(0)
	crashed := n.Load() > int64(after)
	if err == nil && crashed {
		w.t.Errorf("the crash after %d calls went unnoticed", after)
	}
	return crashed
}

// must returns a twin as one that can do more than every twin: as its administrator.
func must[T any](t *testing.T, tw twin.Twin) T {
	t.Helper()
	x, ok := tw.(T)
	if !ok {
		t.Fatalf("%T has no such switches", tw)
	}
	return x
}

// stride is how far apart the calls are at which a disturbance is tried: each one, or a
// sample of them in a hurry (-short) and under the race detector, which makes all slower.
func stride() int {
	if testing.Short() || raced {
		return 5
	}
	return 1
}
