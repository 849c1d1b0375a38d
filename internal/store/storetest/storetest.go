// Package storetest is what a store must do on every database: [Run] holds one against
// it. [Postgres] starts a PostgreSQL server for that.
package storetest

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Run runs the suite. Each call of open returns a new, empty store, which the suite closes.
func Run(t *testing.T, open func(*testing.T) *store.Store) {
	t.Helper()
	for _, group := range []map[string]func(*bench){
		mirrorCases(), sweepCases(), keyCases(), feedCases(), linkCases(), planCases(), outboxCases(), journalCases(), revertCases(),
		reviewCases(), runCases(), tallyCases(), accountCases(), sealedCases(), hookCases(), eraseCases(), stageCases(), budgetCases(), eventCases(),
		peopleCases(), wordCases(), journalPageCases(), configurationCases(), overviewCases(), answerCases(),
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := &bench{T: t, ctx: t.Context(), s: open(t)}
				t.Cleanup(func() {
					if err := b.s.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				})
				b.ok(b.s.SetSync(b.ctx, "contacts", erp, crm))
				test(b)
			})
		}
	}
}

// A bench is a store under test: the sync "contacts" connects erp and crm.
type bench struct {
	*testing.T
	ctx context.Context
	s   *store.Store
}

var (
	erp       = store.Object{Connection: "erp", Name: "contacts"}
	crm       = store.Object{Connection: "crm", Name: "contacts"}
	companies = store.Object{Connection: "crm", Name: "companies"}
	// day is when the tests take place; minutes are added to it.
	day = time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
)

func at(minutes int) time.Time { return day.Add(time.Duration(minutes) * time.Minute) }

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// same compares; empty and nil lists and maps are the same.
func (b *bench) same(what string, want, got any) {
	b.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		b.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func emailKey(f record.Fields) []store.Key {
	return []store.Key{{Name: "email", Value: f["email"].Text()}}
}

// change is a present record with texts: name, value, name, value …
func change(id string, texts ...string) connector.Change {
	c := connector.Change{Record: record.Record{Ref: record.Ref{Object: "contacts", ID: id}, Fields: record.Fields{}}}
	for i := 0; i+1 < len(texts); i += 2 {
		c.Fields[texts[i]] = record.Text(texts[i+1])
	}
	return c
}

func gone(id string, fate connector.Fate) connector.Change {
	return connector.Change{Record: record.Record{Ref: record.Ref{Object: "contacts", ID: id}}, Fate: fate}
}

// read is a page of records read by id.
func read(of store.Object, began time.Time, changes ...connector.Change) store.Page {
	return store.Page{Of: of, Began: began, Changes: changes, Keys: emailKey}
}

func (b *bench) save(p store.Page) store.Saved {
	b.Helper()
	saved, err := b.s.SavePage(b.ctx, p)
	b.ok(err)
	return saved
}

func (b *bench) row(of store.Object, id string) (store.Row, bool) {
	b.Helper()
	rows, err := b.s.Rows(b.ctx, of, []string{id})
	b.ok(err)
	r, found := rows[id]
	return r, found
}

func (b *bench) text(of store.Object, id, field string) string {
	b.Helper()
	r, found := b.row(of, id)
	if !found {
		b.Fatalf("no row %s of %s", id, of)
	}
	return r.Fields[field].Text()
}

func (b *bench) decide(f store.Facts) {
	b.Helper()
	b.ok(b.s.Decide(b.ctx, "contacts", [2]int64{}, f))
}

// link is a new open link with a line that explains its base.
func (b *bench) link(left, right string) (store.Link, store.Entry) {
	l := store.Link{ID: b.s.NewID(), Sync: "contacts", IDs: [2]string{left, right},
		Base: [2]record.Fields{{"email=email": record.Text("a@x")}, {"email=email": record.Text("A@x")}}}
	return l, line(l, store.Linked)
}

func line(l store.Link, kind store.EntryKind) store.Entry {
	return store.Entry{At: day, Sync: l.Sync, Link: l.ID, Side: record.Left, Of: erp, Record: l.IDs[record.Left], Kind: kind}
}

// linked stores n links between left and right records of the numbers from 1 on.
func (b *bench) linked(n int) []store.Link {
	b.Helper()
	var f store.Facts
	for i := 1; i <= n; i++ {
		l, e := b.link(strconv.Itoa(i), "r"+strconv.Itoa(i))
		f.Links, f.Journal = append(f.Links, l), append(f.Journal, e)
	}
	b.decide(f)
	return f.Links
}

func (b *bench) op(verb connector.Verb, target, source string) store.Op {
	return store.Op{ID: b.s.NewID(), Run: 1, Sync: "contacts", Side: record.Right, Target: crm, Verb: verb, TargetID: target,
		SourceID: source, State: store.OpReady, Key: fmt.Sprintf("key-%s-%s", verb, source)}
}

func (b *bench) tally() store.Tally {
	b.Helper()
	t, err := b.s.Tally(b.ctx, "contacts")
	b.ok(err)
	return t
}

func (b *bench) dirty() []store.Spot {
	b.Helper()
	spots, err := b.s.Dirty(b.ctx, "contacts", 1000)
	b.ok(err)
	return spots
}

func left(id string) store.Spot  { return store.Spot{Side: record.Left, ID: id} }
func right(id string) store.Spot { return store.Spot{Side: record.Right, ID: id} }
