package engine_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// hint reports records of a connection's cards, to be read after two seconds.
func (w *world) hint(connection string, ids ...string) {
	w.t.Helper()
	a := store.Arrival{Connection: connection, At: time.Now(), Due: time.Now().Add(2 * time.Second), Accepted: 1}
	for _, id := range ids {
		a.Hints = append(a.Hints, record.Ref{Object: "cards", ID: id})
	}
	if _, err := w.store.TakeHints(w.t.Context(), []store.Arrival{a}); err != nil {
		w.t.Fatal(err)
	}
}

// hinted runs what due hints ask for.
func (w *world) hinted() []engine.Report {
	w.t.Helper()
	reports, err := w.engine.SyncHinted(w.t.Context(), nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return reports
}

func (w *world) waiting(connection string) int {
	w.t.Helper()
	n, err := w.store.WaitingHints(w.t.Context(), store.Object{Connection: connection, Name: "cards"})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// paths logs the requests to a twin from now on.
func paths(tw interface{ After(func(*http.Request)) }) *[]string {
	seen := &[]string{}
	tw.After(func(r *http.Request) { *seen = append(*seen, r.Method+" "+r.URL.Path) })
	return seen
}

func TestAHintIsOneReadOnItsSideAndOneWriteOnTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		time.Sleep(10 * time.Minute)
		feed := func() store.Feed {
			f, err := w.store.Feed(t.Context(), store.Object{Connection: "a", Name: "cards"}, "sales", store.FeedChanges)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		before := feed()
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.hint("a", left)
		if reports := w.hinted(); len(reports) != 0 {
			t.Errorf("the hint is not due, and there are reports %v", reports)
		}
		time.Sleep(2 * time.Second)
		toA, toB := paths(w.a), paths(w.b)
		reports := w.hinted()
		if len(reports) != 1 || reports[0].Right.Updated != 1 || !reports[0].Hinted || !reports[0].Reconciled {
			t.Fatalf("reports %+v", reports)
		}
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "new" {
			t.Errorf("notes are %q on the other side", got)
		}
		if want := []string{"POST /v1/get"}; !slices.Equal(*toA, want) {
			t.Errorf("asked the side of the hint %v, want %v", *toA, want)
		}
		// R4 looks before it overwrites, and the answers of the toy show no record (R2).
		if want := []string{"POST /v1/get", "POST /v1/do", "POST /v1/get"}; !slices.Equal(*toB, want) {
			t.Errorf("asked the other side %v, want %v", *toB, want)
		}
		if after := feed(); after != before {
			t.Errorf("the place in the feed moved from %+v to %+v (invariant 1)", before, after)
		}
		if n := w.waiting("a"); n != 0 {
			t.Errorf("%d hints wait", n)
		}
		full, err := w.store.FullRuns(t.Context(), "cards", 1)
		if err != nil || full[0].Hinted {
			t.Errorf("the last full run is %+v: %v", full, err)
		}
		runs, err := w.store.Runs(t.Context(), "cards", 1)
		if err != nil || !runs[0].Hinted || runs[0].Complete {
			t.Errorf("the last run is %+v: %v", runs, err)
		}

		// The other vendor reports our own write: it is read once, and nothing comes of it.
		w.hint("b", right)
		time.Sleep(2 * time.Second)
		writes := apiWrites(w.a, w.b)
		w.hinted()
		if n := apiWrites(w.a, w.b); n != writes || w.waiting("b") != 0 {
			t.Errorf("an echo: %d writes more, %d hints wait (invariant 6)", n-writes, w.waiting("b"))
		}
		if again, err := w.store.Runs(t.Context(), "cards", 1); err != nil || again[0].ID != runs[0].ID {
			t.Errorf("an echo leaves a line in the log of runs: %+v %v", again, err)
		}
		quiet(t, w)
	})
}

// Some vendors name a record by an address: the mirror knows whose it is, also when it is gone.
func TestAHintByAValueFindsItsRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: archive", 1)
		w, left, _ := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		time.Sleep(10 * time.Minute)
		by := func(mail string) string { return connector.By("cards", "email", mail).ID }
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.hint("a", by("ann@x.gr"), by("nobody@x.gr"), left)
		time.Sleep(2 * time.Second)
		if reports := w.hinted(); len(reports) != 1 || reports[0].Right.Updated != 1 {
			t.Fatalf("reports %+v", reports)
		}
		if n := w.waiting("a"); n != 0 {
			t.Errorf("%d hints wait", n)
		}
		made, err := w.a.Put("cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr", "box": "sales"})
		if err != nil {
			t.Fatal(err)
		}
		w.hint("a", by("bob@x.gr"))
		time.Sleep(2 * time.Second)
		if reports := w.hinted(); len(reports) != 1 || reports[0].Right.Created != 1 {
			t.Fatalf("reports of a new record %+v", reports)
		}
		if err := w.a.Remove("cards", made); err != nil {
			t.Fatal(err)
		}
		w.hint("a", by("bob@x.gr"))
		time.Sleep(2 * time.Second)
		if reports := w.hinted(); len(reports) != 1 || reports[0].Right.Deleted != 1 {
			t.Errorf("reports of a record that is gone %+v", reports)
		}
		if n := w.waiting("a"); n != 0 {
			t.Errorf("%d hints wait", n)
		}
	})
}

func TestAHintBeforeTheCommitIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		time.Sleep(10 * time.Minute)
		w.a.Early(7 * time.Second)
		made := w.put(w.a, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.hint("a", left, made)
		for range 30 {
			time.Sleep(time.Second)
			w.hinted()
		}
		if got := w.by(w.b, "cards", "email", "ann@x.gr").Fields["notes"]; got != "new" {
			t.Errorf("notes are %q", got)
		}
		w.by(w.b, "cards", "email", "bob@x.gr")
		if n := w.waiting("a"); n != 0 {
			t.Errorf("%d hints wait", n)
		}
		w.a.Early(0)
		quiet(t, w)
	})
}

func TestAHintOfNothingIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		time.Sleep(10 * time.Minute)
		w.hint("a", left, "4711")
		reads := paths(w.a)
		for range 200 {
			time.Sleep(time.Second)
			w.hinted()
		}
		if n := w.waiting("a"); n != 0 || len(*reads) != 4 {
			t.Errorf("%d hints wait after %d reads, want 0 after 4", n, len(*reads))
		}
		rows, err := w.store.Rows(t.Context(), store.Object{Connection: "a", Name: "cards"}, []string{"4711"})
		if err != nil || len(rows) != 0 {
			t.Errorf("a record that never was is in the mirror: %v %v", rows, err)
		}
		quiet(t, w)
	})
}

func TestAHintedDeleteIsProvenAndCarriedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    delete: archive", 1)
		w, left, _ := pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr"})
		time.Sleep(10 * time.Minute)
		w.remove(w.a, "cards", left)
		w.hint("a", left)
		time.Sleep(2 * time.Second)
		asked := paths(w.a)
		if reports := w.hinted(); len(reports) != 1 || reports[0].Right.Deleted != 1 {
			t.Errorf("reports %+v", reports)
		}
		if n := len(w.b.Rows("cards")); n != 0 {
			t.Errorf("%d cards are left (R22)", n)
		}
		if !slices.Contains(*asked, "GET /v1/me") {
			t.Errorf("a record was taken for gone without a look at the account (R33): %v", *asked)
		}
		quiet(t, w)
	})
}

func TestR15AHintDoesNotRunWhatWasNeverReadToTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		w.hint("a", id)
		time.Sleep(2 * time.Second)
		if reports := w.hinted(); len(reports) != 0 || apiWrites(w.a, w.b) != 0 {
			t.Errorf("reports %+v, %d writes", reports, apiWrites(w.a, w.b))
		}
		w.settled("cards")
		if n := len(w.b.Rows("cards")); n != 1 {
			t.Errorf("%d cards, want 1 (invariant 8)", n)
		}
	})
}

func TestAHintDoesNotTryAWrongCredentialOverAndOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		time.Sleep(10 * time.Minute)
		refuse := w.a.Inject(twin.Fault{Kind: twin.FaultUnauthorized})
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		for range 60 {
			w.hint("a", left)
			time.Sleep(2 * time.Second)
			w.hinted()
		}
		if refuse.Hits() != 1 {
			t.Errorf("asked %d times with a credential that is refused, want once", refuse.Hits())
		}
		if w.waiting("a") != 1 {
			t.Errorf("%d hints wait, want 1", w.waiting("a"))
		}
		refuse.Remove()
		w.configure(cardsYAML) // the next full turn
		w.settled("cards")
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "new" {
			t.Errorf("notes are %q", got)
		}
		time.Sleep(2 * time.Hour)
		for range 200 {
			time.Sleep(time.Second)
			w.hinted()
		}
		if w.waiting("a") != 0 {
			t.Error("the hint waits for ever")
		}
	})
}

func TestAHintWaitsWhileItsVendorIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, _ := pairOf(t, cardsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		time.Sleep(10 * time.Minute)
		w.put(w.a, "cards", left, map[string]string{"notes": "new"})
		w.hint("a", left)
		time.Sleep(2 * time.Second)
		down := w.a.Inject(twin.Fault{Kind: twin.FaultUnavailable})
		if reports := w.hinted(); len(reports) != 1 || reports[0].Status != engine.StatusFailed {
			t.Errorf("reports %+v", reports)
		}
		down.Remove()
		for range 10 {
			time.Sleep(time.Minute)
			w.hinted()
		}
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "new" || w.waiting("a") != 0 {
			t.Errorf("notes are %q, %d hints wait", got, w.waiting("a"))
		}
		quiet(t, w)
	})
}

// unread is a connection without the ability to read by id.
type unread struct {
	connector.Connection
	connector.Source
	connector.Partitioner
	connector.Writer
}

func TestAHintOfWhatCannotBeReadByIDRunsInFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		w.wrap = func(c connector.Connection) connector.Connection {
			a := connector.AbilitiesOf(c)
			return unread{a.Check, a.Source, a.Partitioner, a.Writer}
		}
		w.configure(cardsYAML)
		id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		w.sync("cards")
		w.put(w.a, "cards", id, map[string]string{"notes": "new"})
		w.hint("a", id)
		time.Sleep(2 * time.Second)
		if reports := w.hinted(); len(reports) != 1 || reports[0].Hinted {
			t.Errorf("reports %+v", reports)
		}
		if got := w.b.Rows("cards")[0].Fields["notes"]; got != "new" || w.waiting("a") != 0 {
			t.Errorf("notes are %q, %d hints wait", got, w.waiting("a"))
		}
	})
}

const chainYAML = `version: 1
timezone: UTC
country: GR
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  one:
    left: a.cards
    right: b.cards
    match: [email]
    direction: left-to-right
    fields: [name, box, email]
  two:
    left: a.cards
    right: b.cards
    match: [code]
    direction: right-to-left
    create: none
    fields: [notes]
`

func TestSyncsOfOneObjectReadAHintedRecordOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, chainYAML)
		id := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr"})
		for range 2 {
			w.sync("one")
		}
		time.Sleep(10 * time.Minute)
		w.put(w.a, "cards", id, map[string]string{"name": "Anna"})
		w.hint("a", id)
		time.Sleep(2 * time.Second)
		asked := paths(w.a)
		if reports := w.hinted(); len(reports) != 2 {
			t.Errorf("reports %+v", reports)
		}
		if want := []string{"POST /v1/get"}; !slices.Equal(*asked, want) {
			t.Errorf("asked %v, want %v", *asked, want)
		}
		if got := w.b.Rows("cards")[0].Fields["name"]; got != "Anna" {
			t.Errorf("the name is %q", got)
		}
	})
}
