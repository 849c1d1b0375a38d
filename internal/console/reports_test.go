package console

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// noon is when the tests of reports take place.
func noon() time.Time { return time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC) }

func reportBench(t testing.TB) (*bench, *browser) {
	t.Helper()
	b := newBench(t)
	b.hub.plan = cardsPlan()
	b.c.now = noon
	b.populate()
	return b, b.signed(account.Viewer)
}

func (b *bench) aRun(sync string, at time.Time, status, why string, sides [2]store.Counts) {
	b.Helper()
	r := store.Run{ID: b.hub.store.NewID(), Sync: sync, Started: at}
	err := b.hub.store.StartRun(b.Context(), r)
	r.Ended, r.Status, r.Error, r.Sides = at.Add(time.Second), status, why, sides
	if err := errors.Join(err, b.hub.store.FinishRun(b.Context(), r)); err != nil {
		b.Fatal(err)
	}
}

// table downloads one table: its rows without the heading.
func (w *browser) table(path string) [][]string {
	w.Helper()
	got := w.get(path)
	w.want(got, http.StatusOK)
	if kind := got.Header().Get("Content-Type"); kind != "text/csv; charset=utf-8" {
		w.Errorf("%s is %s", path, kind)
	}
	rows, err := csv.NewReader(got.Body).ReadAll()
	if err != nil {
		w.Fatal(err)
	}
	return rows[1:]
}

func TestVolumeByDayAndSide(t *testing.T) {
	t.Parallel()
	b, w := reportBench(t)
	b.aRun("cards", noon().Add(-time.Hour), "ok", "", [2]store.Counts{{Created: 1}, {Created: 1000, Updated: 200, Deleted: 34}})
	b.aRun("other", noon().Add(-2*time.Hour), "ok", "", [2]store.Counts{{Updated: 5}, {}})
	b.aRun("cards", noon().AddDate(0, 0, -1), "failed", "timeout", [2]store.Counts{{Deleted: 2}, {}})
	b.aRun("cards", noon().AddDate(0, 0, -30), "ok", "", [2]store.Counts{{Created: 777}, {}}) // too old
	got := w.get("/reports")
	b.want(got, http.StatusOK, "1,234", "1,000 created, 200 changed, 34 deleted", `role="img"`, "8 on the left side, 1,234 on the right side", "1 did not get through", "30 Mar 2026", "30 Mar, Right side: 1,234")
	if strings.Contains(got.Body.String(), "777") {
		t.Error("what is too old is counted")
	}
	rows := w.table("/reports/volume/days.csv")
	if len(rows) != reportDays {
		t.Fatalf("%d days", len(rows))
	}
	want := [][]string{{"2026-03-30", "2", "0", "1", "5", "0", "1000", "200", "34"}, {"2026-03-29", "1", "1", "0", "0", "2", "0", "0", "0"}}
	if diff := cmp.Diff(want, rows[:2]); diff != "" {
		t.Error(diff)
	}
	b.want(w.get("/reports/volume?sync=cards"), http.StatusOK, "Written: a.cards", "Written: b.cards", "3 on the left side")
	if rows := w.table("/reports/volume/days.csv?sync=cards"); rows[0][4] != "0" {
		t.Errorf("another sync counts: %v", rows[0])
	}
	volume := read[list[volumeBody]](w, "GET", "/api/v1/reports/volume?sync=cards", "").Items
	counted := []volumeBody{{Day: "2026-03-29", Sync: "cards", Runs: 1, Failed: 1, Left: store.Counts{Deleted: 2}},
		{Day: "2026-03-30", Sync: "cards", Runs: 1, Left: store.Counts{Created: 1}, Right: store.Counts{Created: 1000, Updated: 200, Deleted: 34}}}
	if diff := cmp.Diff(counted, volume); diff != "" {
		t.Error(diff)
	}
	if all := read[list[volumeBody]](w, "GET", "/api/v1/reports/volume", "").Items; len(all) != 3 {
		t.Errorf("%+v", all)
	}
	b.want(w.get("/api/v1/reports/volume?sync=x"), http.StatusNotFound)
	b.want(w.get("/reports/nothing"), http.StatusNotFound)
	b.want(w.get("/reports/volume/nothing.csv"), http.StatusNotFound)
}

func TestProblemsByTheirCause(t *testing.T) {
	t.Parallel()
	b, w := reportBench(t)
	items := b.fill(7, func(i int) store.Review {
		it := parkedItem(i)
		if i > 4 {
			it.Cause, it.Field = "=cmd()", "=code"
		}
		return it
	})
	b.fill(1, func(int) store.Review {
		return store.Review{Kind: store.ReviewConflict, Subject: "c", Cause: "no problem"}
	})
	for range 3 {
		b.aRun("cards", noon().Add(-time.Hour), "failed", "the vendor is down", [2]store.Counts{})
	}
	b.aRun("cards", noon().Add(-time.Hour), "cut short", "", [2]store.Counts{})
	b.want(w.get("/reports/problems"), http.StatusOK, "invalid country", "correct the country", "the vendor is down", fmt.Sprintf(`href="/review/%d"`, items[0].ID), "4 in all")
	want := [][]string{{"5", "cards", "Not taken", "country", "invalid country", "correct the country"}, {"2", "cards", "Not taken", "code", "'=cmd()", "correct the country"}}
	if diff := cmp.Diff(want, w.table("/reports/problems/records.csv")); diff != "" {
		t.Error(diff)
	}
	runs := w.table("/reports/problems/runs.csv")
	if len(runs) != 2 || runs[0][0] != "3" || runs[0][3] != "the vendor is down" || runs[1][2] != "Cut short" {
		t.Errorf("runs: %v", runs)
	}
	told := read[problemsBody](w, "GET", "/api/v1/reports/problems", "")
	if len(told.Records) != 2 || told.Records[0].Records != 5 || told.Records[0].First != items[0].ID || told.Records[1].Cause != "=cmd()" ||
		len(told.Runs) != 2 || told.Runs[0].Runs != 3 || told.Runs[0].Error != "the vendor is down" || told.Runs[1].Status != "cut short" {
		t.Errorf("%+v", told)
	}
	if days := w.table("/reports/problems/days.csv"); days[0][1] != "4" {
		t.Errorf("days: %v", days[0])
	}
}

func TestQuotaByDay(t *testing.T) {
	t.Parallel()
	b, w := reportBench(t)
	b.want(w.get("/reports/quota"), http.StatusOK, "No budget of a system was used")
	b.hub.plan.Connections = []plan.Connection{{Name: "a", System: "toy"}}
	b.hub.specs = []connector.Spec{{Name: "toy", Limits: func(connector.Settings, connector.Identity) []connector.Limit {
		return []connector.Limit{{Name: "tokens", Units: 1000, Per: 24 * time.Hour}}
	}}}
	day := 24 * time.Hour
	spent := []store.Spending{
		{Name: "tokens", Per: day, Hour: noon(), Units: 200}, {Name: "tokens", Per: day, Hour: noon().Add(-3 * time.Hour), Units: 50},
		{Name: "tokens", Per: day, Hour: noon().AddDate(0, 0, -2), Units: 900}, {Name: "tokens", Per: day, Hour: noon().AddDate(0, 0, -31), Units: 4},
	}
	if err := b.hub.store.AddSpent(t.Context(), "a", spent, noon()); err != nil {
		t.Fatal(err)
	}
	b.want(w.get("/reports/quota"), http.StatusOK, "a: tokens", "The limit is 1,000 in 24 hours.", "25%", "90%", "1,150 in all", "<polyline")
	told := read[list[quotaBody]](w, "GET", "/api/v1/reports/quota", "").Items
	if len(told) != 1 || told[0].Budget != "tokens" || told[0].Limit != 1000 || told[0].Spent != 1150 || told[0].Hours != 24 || len(told[0].Days) != reportDays ||
		told[0].Days[reportDays-1] != (daySpent{Day: "2026-03-30", Spent: 250}) {
		t.Errorf("%+v", told)
	}
	rows := w.table("/reports/quota/a-tokens-24.csv")
	if diff := cmp.Diff([][]string{{"2026-03-30", "250", "0.2500"}, {"2026-03-29", "0", "0.0000"}, {"2026-03-28", "900", "0.9000"}}, rows[:3]); diff != "" {
		t.Error(diff)
	}
}

func TestLatencyByDay(t *testing.T) {
	t.Parallel()
	b, w := reportBench(t)
	b.want(w.get("/reports/latency"), http.StatusOK, "No system has reported anything")
	today, before := Delay{Connection: "a", Hour: noon()}, Delay{Connection: "a", Hour: noon().AddDate(0, 0, -2)}
	for range 19 {
		today.Count(1500 * time.Millisecond)
	}
	today.Count(3 * time.Hour)
	before.Count(time.Second)
	old := Delay{Connection: "b", Hour: noon().AddDate(0, 0, -31)}
	old.Count(time.Second)
	b.hub.delays = []Delay{before, today, old}
	b.want(w.get("/reports/latency"), http.StatusOK, "3 h 0 min", "95 of 100 within", `href="/reports/latency/a.csv"`)
	want := [][]string{{"2026-03-30", "20", "2s", "2s", "3h0m0s"}, {"2026-03-28", "1", "1s", "1s", "1s"}}
	if diff := cmp.Diff(want, w.table("/reports/latency/a.csv")); diff != "" {
		t.Error(diff)
	}
	told := read[list[delayBody]](w, "GET", "/api/v1/reports/latency", "").Items
	if len(told) != 2 || told[1] != (delayBody{Connection: "a", Day: "2026-03-30", Reports: 20, Half: 2, Most: 2, Longest: 10800}) {
		t.Errorf("%+v", told)
	}
	today.Count(4 * time.Hour) // and now 2 of 21 took longer
	if got := today.Within(.95); got != 4*time.Hour {
		t.Errorf("95 of 100 were in step within %v", got)
	}
}

func TestPipelineOfDeals(t *testing.T) {
	t.Parallel()
	b, w := reportBench(t)
	b.want(w.get("/reports/pipeline"), http.StatusOK, "No sync keeps deals in step")
	deals := store.Object{Connection: "a", Name: "deals"}
	b.hub.plan.Syncs = append(b.hub.plan.Syncs, plan.Sync{Name: "deals", Ends: [2]plan.Endpoint{{Connection: "a", Object: "deals"}, {Connection: "b", Object: "deals"}}})
	schema := record.Schema{Objects: []record.Object{{Name: "deals", Common: "deal", Fields: []record.Field{
		{Name: "step", Common: "stage", Kind: record.KindChoice, Choices: []record.Choice{{Value: "n", Label: "New & <b>"}, {Value: "w", Label: "Won", Kind: record.ChoiceWon}, {Value: "l", Label: "Lost", Kind: record.ChoiceLost}}},
		{Name: "sum", Common: "amount", Kind: record.KindMoney}, {Name: "cur", Common: "currency", Kind: record.KindText}, {Name: "closes", Common: "close_date", Kind: record.KindDate},
	}}}}
	if err := b.hub.store.SaveConnection(t.Context(), store.Connection{Name: "a", System: "toy", Schema: schema}); err != nil {
		t.Fatal(err)
	}
	deal := func(id, stage, sum, cur, closes string) connector.Change {
		return connector.Change{Record: record.Record{Ref: record.Ref{Object: "deals", ID: id}, Fields: record.Fields{
			"step": record.Text(stage), "sum": record.Text(sum), "cur": record.Text(cur), "closes": record.Text(closes)}}}
	}
	save := func(changes ...connector.Change) {
		if _, err := b.hub.store.SavePage(t.Context(), store.Page{Of: deals, Began: noon(), Changes: changes}); err != nil {
			t.Fatal(err)
		}
	}
	save(deal("1", "n", "1000.5", "EUR", ""), deal("2", "n", "500", "EUR", ""), deal("3", "w", "70", "USD", "2026-02-03"), deal("4", "l", "9", "EUR", "2026-02-09"))
	b.want(w.get("/reports/pipeline"), http.StatusOK, "1,500.5 EUR", "70 USD", "New &amp; &lt;b&gt;", "Feb 2026", "1 deals won and 1 lost", `href="/reports/pipeline/stages.csv?of=a.deals"`)
	want := [][]string{{"", "New & <b>", "2", "1500.5 EUR"}, {"", "Won", "1", "70 USD"}, {"", "Lost", "1", "9 EUR"}}
	if diff := cmp.Diff(want, w.table("/reports/pipeline/stages.csv")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{"2026-02", "1", "1", "70 USD", "9 EUR", "2"}}, w.table("/reports/pipeline/months.csv")); diff != "" {
		t.Error(diff)
	}
	told := read[list[jsonl.Pipeline]](w, "GET", "/api/v1/reports/pipeline?object=a.deals", "").Items
	if len(told) == 0 || told[0].Deals != 2 || told[0].Value["EUR"] != "1500.5" || len(b.c.memo.keys) != 1 {
		t.Errorf("%+v; computed once for the page and the API: %q", told, b.c.memo.keys)
	}
	save(deal("5", "n", "1", "EUR", "")) // what was computed before is not shown
	if rows := w.table("/reports/pipeline/stages.csv"); rows[0][2] != "3" {
		t.Errorf("after one more deal: %v", rows[0])
	}
}

func TestAMemoComputesOnce(t *testing.T) {
	t.Parallel()
	m, n := newMemo(), 0
	get := func(key string, fail error) (any, error) {
		return m.get(t.Context(), key, func() (any, error) { n++; return key, fail })
	}
	if _, err := get("a", errors.New("no")); err == nil {
		t.Error("a failure is an answer")
	}
	for range 3 {
		if v, err := get("a", nil); v != "a" || err != nil {
			t.Errorf("%v %v", v, err)
		}
	}
	if n != 2 {
		t.Errorf("computed %d times", n)
	}
	for i := range mostKept {
		_, _ = get(strconv.Itoa(i), nil)
	}
	if _, _ = get("a", nil); n != mostKept+3 || len(m.kept) != mostKept || len(m.keys) != mostKept {
		t.Errorf("computed %d times, keeps %d", n, len(m.kept))
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	m.turn <- struct{}{}
	if _, err := m.get(gone, "b", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever does not wait: %v", err)
	}
}

// Whatever the numbers, a chart stays within its box, and bars are as high as their numbers.
func TestChartsStayWithinTheirBox(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	l := b.c.view.locales[0]
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "n")
		values := func(name string) []float64 {
			return rapid.SliceOfN(rapid.Float64Range(0, 1e9), n, n).Draw(t, name)
		}
		labels := rapid.SliceOfN(rapid.StringN(0, 12, -1), n, n).Draw(t, "labels")
		late := rapid.Bool().Draw(t, "late")
		first := series{Class: "bar-left", Text: "a", Values: values("a")}
		bars := drawBars(l, "x", axis{labels, late}, first, series{Class: "bar-right", Text: "b", Values: values("b")})
		number := func(s string) float64 {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatalf("%q is no number", s)
			}
			return v
		}
		for _, bar := range bars.Bars {
			if x, y, w, h := number(bar.X), number(bar.Y), number(bar.W), number(bar.H); x < 0 || x+w > chartWidth+1 || y < 0 || h < 0 || y+h > chartHeight-chartBottom+1 {
				t.Fatalf("out of the box: %+v", bar)
			}
		}
		if ticks := len(bars.Ticks); ticks < 2 || ticks > 7 {
			t.Fatalf("%d lines", ticks)
		}
		line := drawLine(l, "x", axis{labels, late}, first)
		if points := strings.Fields(line.Lines[0].Points); len(points) != n {
			t.Fatalf("%d points of %d", len(points), n)
		}
	})
	c := drawBars(l, "x", axis{Labels: []string{"a", "b"}}, series{Class: "bar", Values: []float64{4, 2}})
	if c.Bars[0].H != "208" || c.Bars[1].H != "104" {
		t.Errorf("4 and 2 are %s and %s high", c.Bars[0].H, c.Bars[1].H)
	}
}

func TestValuesAreWrittenAsPeopleDo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	en, de := b.c.view.locales[0], b.c.view.locales[1]
	for _, x := range []struct {
		f      record.Field
		v      record.Value
		en, de string
	}{
		{record.Field{Kind: record.KindMoney}, record.Text("-1234567.50"), "-1,234,567.50", "-1.234.567,50"},
		{record.Field{Kind: record.KindNumber}, record.Text("12"), "12", "12"},
		{record.Field{Kind: record.KindNumber}, record.Text("1e9"), "1e9", "1e9"},
		{record.Field{Kind: record.KindBool}, record.Bool(true), "Yes", "Ja"},
		{record.Field{Kind: record.KindDate}, record.Text("2026-03-04"), "4 Mar 2026", "04.03.2026"},
		{record.Field{Kind: record.KindDateTime}, record.Text("2026-03-04T15:06:00Z"), "4 Mar 2026, 15:06", "04.03.2026, 15:06"},
		{record.Field{Kind: record.KindChoice, Choices: []record.Choice{{Value: "1", Label: "One"}}}, record.Text("1"), "One", "One"},
		{record.Field{Kind: record.KindChoices, Choices: []record.Choice{{Value: "1", Label: "One"}}}, record.Texts("1", "2"), "One, 2", "One, 2"},
		{record.Field{Kind: record.KindConsent}, record.Text(record.Denied), "Said no", "Hat Nein gesagt"},
		{record.Field{Kind: record.KindList, Elem: []record.Field{{Name: "id", Key: true}}}, record.List(record.Struct(record.Fields{"id": record.Text("7"), "nr": record.Text("x")})), "x", "x"},
		{record.Field{}, record.Text("a\nb"), "a\nb", "a\nb"},
	} {
		if got := en.value(x.f, x.v, time.UTC); got != x.en {
			t.Errorf("%v: %q, want %q", x.v, got, x.en)
		}
		if got := de.value(x.f, x.v, time.UTC); got != x.de {
			t.Errorf("%v: %q, want %q", x.v, got, x.de)
		}
	}
}

// What is marked, put together, is the value; and without it two values are the same.
func TestMarksShowAllThatDiffers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringMatching(`[abä ]{1,8}`).Draw(t, "a"), rapid.StringMatching(`[abä ]{1,8}`).Draw(t, "b")
		x, y := cell{Before: a}.against(cell{Before: b}), cell{Before: b}.against(cell{Before: a})
		if x.Before+x.Differs+x.After != a {
			t.Fatalf("%q became %+v", a, x)
		}
		if (a == b) != (x.Differs == "" && y.Differs == "") || a != b && (x.Before != y.Before || x.After != y.After) {
			t.Fatalf("%q and %q are %+v and %+v", a, b, x, y)
		}
	})
}
