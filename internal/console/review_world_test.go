package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A desk is a world at which somebody answers what the sync asks.
type desk struct {
	*world
	w *browser
}

func newDesk(t *testing.T, rules string) *desk {
	t.Helper()
	return newDeskOf(t, "", rules)
}

// newDeskOf is newDesk with more fields.
func newDeskOf(t *testing.T, more, rules string) *desk {
	t.Helper()
	d := &desk{world: newWorld(t, "match: [email], prefer: ask, fields: ["+cardFields+more+"]"+rules)}
	d.w = d.signed(account.User)
	return d
}

// sync runs the sync a minute later.
func (d *desk) sync() {
	d.Helper()
	time.Sleep(time.Minute)
	d.world.sync()
}

// pair makes a linked pair of cards.
func (d *desk) pair(pairs ...string) (left, right string) {
	d.Helper()
	left = d.put(d.left, "", pairs...)
	d.sync()
	links, err := d.hub.store.LinksOf(d.Context(), "cards", record.Left, []string{left})
	if err != nil {
		d.Fatal(err)
	}
	return left, links[left].IDs[1]
}

func (d *desk) open(kind store.ReviewKind) []store.Review {
	d.Helper()
	items, err := d.hub.store.Reviews(d.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{kind}, Open: true})
	if err != nil {
		d.Fatal(err)
	}
	return items
}

func (d *desk) only(kind store.ReviewKind) store.Review {
	d.Helper()
	items := d.open(kind)
	if len(items) != 1 {
		d.Fatalf("%d items of kind %s: %+v", len(items), kind, items)
	}
	return items[0]
}

func (d *desk) item(id int64) store.Review {
	d.Helper()
	it, found, err := d.hub.store.Review(d.Context(), id)
	if err != nil || !found {
		d.Fatalf("item %d: %t %v", id, found, err)
	}
	return it
}

func at(id int64) string { return fmt.Sprintf("/review/%d", id) }

func id(n int64) string { return fmt.Sprint(n) }

// newPile makes a console with open items of which the store alone knows.
func newPile(t testing.TB, n int, item func(i int) store.Review) (*bench, []store.Review) {
	t.Helper()
	b := newBench(t)
	b.hub.plan = cardsPlan()
	b.populate()
	return b, b.fill(n, item)
}

// fill opens items of which the store alone knows.
func (b *bench) fill(n int, item func(i int) store.Review) []store.Review {
	b.Helper()
	if err := b.hub.store.SetSync(b.Context(), "cards", store.Object{Connection: "a", Name: "cards"}, store.Object{Connection: "b", Name: "cards"}); err != nil {
		b.Fatal(err)
	}
	var f store.Facts
	for i := range n {
		it := item(i)
		it.ID, it.Sync, it.Opened = b.hub.store.NewID(), "cards", time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
		f.Reviews = append(f.Reviews, it)
	}
	if err := b.hub.store.Decide(b.Context(), "cards", [2]int64{}, f); err != nil {
		b.Fatal(err)
	}
	items, err := b.hub.store.Reviews(b.Context(), store.ReviewQuery{Open: true, Limit: n})
	if err != nil {
		b.Fatal(err)
	}
	return items
}

func parkedItem(i int) store.Review {
	return store.Review{Kind: store.ReviewParked, Subject: fmt.Sprint(i), Record: fmt.Sprint(i), Field: "country=country", Cause: "invalid country",
		Text: fmt.Sprintf("no-%d. <script>alert(1)</script>", i), Fix: "correct the country", Choices: []string{"retry", "dismiss"}}
}

func cardsPlan() *plan.Plan {
	return &plan.Plan{Timezone: time.UTC, Syncs: []plan.Sync{{Name: "cards", Ends: [2]plan.Endpoint{{Connection: "a", Object: "cards"}, {Connection: "b", Object: "cards"}}}}}
}

func (b *bench) renders(name string, data any) {
	b.Helper()
	for _, l := range b.c.view.locales {
		p := page{Name: name, Lang: l.Tag(), Data: data, Who: account.Principal{}}
		if err := b.c.view.pages[l.Tag()][name].ExecuteTemplate(&strings.Builder{}, "content", p); err != nil {
			b.Errorf("%s in %s: %v", name, l.Tag(), err)
		}
	}
}
