package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

var (
	pageRecords = flag.Int("pages.records", 2000, "records in the mirror of BenchmarkPages, half of them on each side")
	pageRuns    = flag.Int("pages.runs", 100, "runs in the store of BenchmarkPages")
)

// How long each page of the console takes over HTTP, of an installation that has been used for
// long:
//
//	go test ./cmd/tandem -run '^$' -bench Pages -benchtime 300x -pages.records 1000000 -pages.runs 10000 -timeout 2h
//
// p50-ms and p95-ms are what counts. The first time that a page is asked for is not among them.
func BenchmarkPages(b *testing.B) {
	path := filepath.Join(b.TempDir(), "tandem.db")
	l := longUsed(b, path, *pageRecords/2, *pageRuns)
	s := serving(b, nil, twoConnections()+"syncs: { contacts: { left: erp.contacts, right: crm.contacts, match: [email] } }\nverify: off\ndatabase: sqlite:"+path+"\n", "serve")
	v := s.reader(b)
	addresses := l.addresses()
	eachPage(b, addresses)
	for _, address := range addresses {
		b.Run(strings.NewReplacer("/", "|", "?", "!").Replace(address), func(b *testing.B) {
			v.get(b, address)
			took := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for range b.N {
				began := time.Now()
				v.get(b, address)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// A longLife names some of what is in the store of an installation that has been used for long.
type longLife struct {
	runs    []int64
	reviews []int64
	left    string // ids of a record
	right   string
}

// longUsed fills a database with pairs of contacts, each made by one of so many runs, some edited
// since, and some asked about.
func longUsed(b *testing.B, path string, pairs, runs int) longLife {
	b.Helper()
	ctx := b.Context()
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + path, Exclusive: true})
	if err != nil {
		b.Fatal(err)
	}
	f := filler{s: s, pairs: pairs, began: time.Now().AddDate(0, 0, -100).UTC().Truncate(time.Second)}
	err = errors.Join(s.SetSync(ctx, "contacts", f.of(record.Left), f.of(record.Right)), f.fillRuns(ctx, runs))
	const page = 1000
	for from := 0; from < pairs && err == nil; from += page {
		err = f.fillPairs(ctx, from, min(from+page, pairs))
	}
	if err == nil {
		err = f.fillPeople(ctx)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		b.Fatal(err)
	}
	return longLife{runs: f.runs, reviews: f.reviews, left: fmt.Sprint(pairs / 2), right: fmt.Sprint(700_000 + pairs/2)}
}

type filler struct {
	s       *store.Store
	pairs   int
	began   time.Time
	runs    []int64
	reviews []int64
}

func (filler) of(side record.Side) store.Object {
	return store.Object{Connection: [2]string{"erp", "crm"}[side], Name: "contacts"}
}

// at is when a run began: they go through a hundred days.
func (f *filler) at(run int) time.Time {
	return f.began.Add(time.Duration(run) * (100 * 24 * time.Hour) / time.Duration(len(f.runs)+1))
}

func (f *filler) fillRuns(ctx context.Context, n int) error {
	for range n {
		f.runs = append(f.runs, f.s.NewID())
	}
	for i, id := range f.runs {
		r := store.Run{ID: id, Sync: "contacts", Started: f.at(i), Status: "ok", Linked: f.pairs, Reconciled: true, Complete: true}
		r.Sides[record.Right] = store.Counts{Read: 10, Created: f.pairs / n, Updated: 3, Calls: 12}
		if i%50 == 0 {
			r.Status, r.Failed, r.Error = "failed", 1, "the vendor does not answer"
		}
		if err := f.s.StartRun(ctx, r); err != nil {
			return err
		}
		r.Ended = r.Started.Add(time.Minute)
		if err := f.s.FinishRun(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// fields of a person on a side; an id spells differently there.
func (filler) fields(side record.Side, i int) record.Fields {
	phone := [2]string{"phone_pro", "phone"}[side]
	return record.Fields{
		"email": record.Text(fmt.Sprintf("p%x@example.com", uint32(i)*2654435761)), "firstname": record.Text("Ann"),
		"lastname": record.Text(fmt.Sprint("Papadopoulou ", i)), phone: record.Text(fmt.Sprintf("+30210%07d", i)),
	}
}

func (filler) keys(f record.Fields) []store.Key {
	return []store.Key{{Name: "email", Value: f["email"].Text()}}
}

func (f *filler) fillPairs(ctx context.Context, from, to int) error {
	facts := store.Facts{}
	for _, side := range record.Sides() {
		facts.Rows = append(facts.Rows, store.Page{Of: f.of(side), Feed: store.FeedChanges, Keys: f.keys, Began: f.began, Listing: f.began, Done: to == f.pairs})
	}
	for i := from; i < to; i++ {
		run := i * len(f.runs) / f.pairs
		at, ids := f.at(run), [2]string{fmt.Sprint(i), fmt.Sprint(700_000 + i)}
		link := store.Link{ID: f.s.NewID(), Sync: "contacts", IDs: ids, Created: [2]time.Time{at, at}}
		for _, side := range record.Sides() {
			own := f.fields(side, i)
			facts.Rows[side].Changes = append(facts.Rows[side].Changes, connector.Change{Record: record.Record{
				Ref: record.Ref{Object: "contacts", ID: ids[side]}, Created: at, Modified: at, Fields: own,
			}})
			link.Base[side] = record.Fields{"email": own["email"], "firstname": own["firstname"], "lastname": own["lastname"]}
		}
		facts.Links = append(facts.Links, link)
		entry := store.Entry{At: at, Run: f.runs[run], Sync: "contacts", Link: link.ID, Side: record.Right, Of: f.of(record.Right), Record: ids[1], Kind: store.Created, Set: f.fields(record.Right, i), Why: "it was only on the left"}
		facts.Journal = append(facts.Journal, entry)
		if i%5 == 0 {
			entry.Kind, entry.Field, entry.Set, entry.Old, entry.New, entry.Why = store.Written, "phone", nil, record.Text("+302100000000"), record.Text("+302101234567"), "left changed"
			facts.Journal = append(facts.Journal, entry)
		}
		if i%500 == 0 {
			facts.Reviews = append(facts.Reviews, store.Review{
				Sync: "contacts", Kind: store.ReviewConflict, Subject: fmt.Sprint("link ", i), Link: link.ID, Record: ids[0], Field: "lastname", Opened: at,
				Text: "both sides have changed lastname", Values: [2]record.Value{record.Text("Smith"), record.Text("Jones")}, Choices: []string{"left", "right"},
			})
		}
	}
	var marks [2]int64
	if err := f.s.Decide(ctx, "contacts", marks, facts); err != nil {
		return err
	}
	for _, side := range record.Sides() {
		seq, err := f.s.MaxSeq(ctx, f.of(side))
		if err != nil {
			return err
		}
		marks[side] = seq
	}
	return f.s.Decide(ctx, "contacts", marks, store.Facts{}) // all of it has been planned
}

// fillPeople has somebody decide a few of the questions.
func (f *filler) fillPeople(ctx context.Context) error {
	items, err := f.s.Reviews(ctx, store.ReviewQuery{Open: true, Limit: 200})
	if err != nil {
		return err
	}
	for i, it := range items {
		f.reviews = append(f.reviews, it.ID)
		if i%4 != 3 {
			continue
		}
		if err := f.s.DecideReview(ctx, it.ID, "left", "ann", f.at(len(f.runs))); err != nil {
			return err
		}
	}
	return nil
}

// addresses are those that are asked for: every page, and what makes it work hardest.
func (l longLife) addresses() []string {
	run := "r" + fmt.Sprint(l.runs[len(l.runs)/2])
	return []string{
		"/", "/systems", "/connections", "/connections/erp", "/connections/new?system=dolibarr", "/connections/erp/contacts", "/connections/erp/contacts?q=Papadopoulou",
		"/connections/crm/contacts?q=Papadopoulou+" + l.left, "/connections/crm/contacts?q=%2B302100000007", "/connections/erp/contacts?q=nobody", "/connections/erp/contacts/fields",
		"/syncs", "/syncs/contacts", "/syncs/contacts/plan", "/syncs/contacts/verify", "/syncs/new", "/syncs/new?left=erp.contacts&right=crm.contacts", "/syncs/new/saved?name=contacts", "/syncs/contacts/mapping", "/syncs/contacts/mapping/saved", "/connections/new/saved?name=erp",
		"/runs", "/runs?sync=contacts&status=failed", "/runs?status=blocked", "/runs/" + run,
		"/history", "/history?sync=contacts", "/history?record=crm.contacts/" + l.right, "/history?field=phone", "/history?run=" + run, "/history?by=ann", "/history?connection=crm&kind=written", "/history?by=nobody", "/history?kind=deleted",
		"/history?field=fax", "/history?connection=erp", "/history?lost=1", "/history?record=erp.contacts/nobody", "/history?before=" + l.left, "/history?sync=contacts&before=" + l.left, "/history?since=2h",
		"/records/crm/contacts/" + l.right, "/records/erp/contacts/" + l.left,
		"/review", "/review?kind=conflict&sync=contacts", fmt.Sprintf("/review/%d", l.reviews[0]), "/review/many?kind=conflict&all=1&choice=left",
		"/reports", "/reports/volume", "/reports/pipeline", "/reports/problems", "/reports/quota", "/reports/volume/days.csv",
		"/account", "/settings/people", "/settings/audit", "/settings/notifications", "/settings/configuration", "/settings/configuration/export", "/settings/secrets",
	}
}

// A reader is somebody's browser without a window.
type reader struct {
	base   string
	client *http.Client
}

// reader is signed in as an administrator.
func (s *served) reader(b *testing.B) *reader {
	b.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	v := &reader{base: s.base, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	link := s.told(`/setup\?token=\S+`)
	_, token, _ := strings.Cut(link, "token=")
	form := url.Values{"token": {token}, "name": {"ann"}, "password": {passphrase}, "repeat": {passphrase}}
	for _, hidden := range regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(v.get(b, link), -1) {
		form.Set(hidden[1], hidden[2])
	}
	res, err := v.client.PostForm(v.base+"/setup", form)
	if err != nil {
		b.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK || res.Request.URL.Path != "/" {
		b.Fatalf("set up: %d at %s, %v", res.StatusCode, res.Request.URL, err)
	}
	return v
}

// get reads a page to its end.
func (v *reader) get(b *testing.B, address string) string {
	b.Helper()
	res, err := v.client.Get(v.base + address)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%s is answered with %d, %v", address, res.StatusCode, err)
	}
	return string(body)
}

// eachPage wants every page to be among the addresses, but for those that whoever is signed in does
// not see, and those that show what a form has just made.
func eachPage(b *testing.B, addresses []string) {
	b.Helper()
	made := []string{"/reverts/{id}", "/settings/configuration/{number}", "/demo"}
	rows, open := http.NewServeMux(), map[string]bool{}
	for _, p := range console.Pages() {
		rows.Handle(p.Pattern, http.NotFoundHandler())
		open[p.Pattern] = !p.Public && !slices.Contains(made, p.Pattern)
	}
	for _, address := range addresses {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		_, pattern := rows.Handler(r)
		open[pattern] = false
	}
	for pattern, left := range open {
		if left {
			b.Errorf("no address stands for %s", pattern)
		}
	}
}
