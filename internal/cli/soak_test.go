package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

const soakYAML = `version: 1
timezone: UTC
public_url: https://hub.test/tandem
retention: { journal: 30d, runs: 14d, reviews: 30d }
keep_overruled: 30d
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  cards:
    left: a.cards
    right: b.cards
    match: [email]
    delete: delete
    schedule: %s
    fields: [name, box, email, phone, notes]
`

// A soak is a year of work. The short one has the same days, with less work in them.
type soak struct {
	every string // time between runs
	cards int
	hours int // of work in a day
	edits int // in an hour, on each side
	long  bool
}

func soakOf() soak {
	if os.Getenv("TANDEM_SOAK_YEAR") != "" {
		return soak{every: "15m", cards: 1000, hours: 10, edits: 8, long: true}
	}
	return soak{every: "24h", cards: 60, hours: 1, edits: 4}
}

// A year is people at work on both sides and what it has come to, month by month.
type year struct {
	*station
	soak
	rnd    *rand.Rand
	serial int
	months []month
}

type month struct {
	disk  store.Disk
	lines int
	heap  uint64
	runs  int
}

// A year with one process: the store stays bounded, so does its write-ahead log, no goroutine is
// left over, and memory does not grow. make soak-year lives it in full.
func TestAYearOfWorkStaysBounded(t *testing.T) { //nolint:paralleltest // it counts goroutines
	if testing.Short() {
		t.Skip("a year takes some seconds")
	}
	o := soakOf()
	before := runtime.NumGoroutine()
	synctest.Test(t, func(t *testing.T) {
		y := &year{station: newStation(t, fmt.Sprintf(soakYAML, o.every)), soak: o, rnd: rand.New(rand.NewPCG(7, 7))}
		for range o.cards {
			y.create(0) // two sides with a life of their own each would be strangers, and asked about
		}
		y.start()
		y.settle()
		for range 12 {
			for range 30 {
				y.day()
			}
			y.measure()
		}
		y.agree()
		y.bounded()
	})
	for range 100 { // what synctest has ended may take a moment to be gone
		if runtime.NumGoroutine() <= before {
			break
		}
		runtime.Gosched()
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

func (y *year) side(n int) *toy.Twin { return []*toy.Twin{y.a, y.b}[n] }

func (y *year) create(side int) {
	y.serial++
	y.put(y.side(side), "", map[string]string{"name": fmt.Sprint("Person ", y.serial), "email": fmt.Sprint("p", y.serial, "@x.gr"), "notes": y.text()})
}

func (y *year) text() string {
	return strings.Repeat(fmt.Sprintf("%08x ", y.rnd.Uint32()), 1+y.rnd.IntN(20))
}

// day is some hours of work from Monday to Friday, and rest.
func (y *year) day() {
	if weekday := time.Now().Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		time.Sleep(24 * time.Hour)
		return
	}
	time.Sleep(8 * time.Hour)
	for range y.hours {
		y.hour()
		time.Sleep(time.Hour)
	}
	time.Sleep(time.Duration(16-y.hours) * time.Hour)
}

// hour is people's edits, of which webhooks tell mostly, and now and then a card that is new or goes.
func (y *year) hour() {
	for side := range 2 {
		rows := y.side(side).Rows("cards")
		for range y.edits {
			row := rows[y.rnd.IntN(len(rows))]
			field := []string{"name", "phone", "notes"}[y.rnd.IntN(3)]
			value := map[string]string{"name": "Person " + row.ID, "phone": fmt.Sprint("+30210", 1000000+y.rnd.IntN(1000000)), "notes": y.text()}[field]
			y.put(y.side(side), row.ID, map[string]string{field: value})
		}
		if y.rnd.IntN(40) < y.edits {
			y.create(side)
			if err := y.side(side).Remove("cards", rows[y.rnd.IntN(len(rows))].ID); err != nil {
				y.t.Error(err)
			}
		}
		y.deliver(y.side(side), twin.HookFaults{Lost: y.rnd.IntN(10) == 0, Twice: y.rnd.IntN(10) == 0})
	}
}

func (y *year) measure() {
	for side := range 2 {
		y.side(side).Ledger().Forget() // the vendors' memory is none of ours
	}
	m := month{disk: y.measured()}
	lines, err := y.session.store.History(y.t.Context(), store.HistoryQuery{Limit: 1 << 30})
	runs, rerr := y.session.store.Runs(y.t.Context(), "cards", 1<<30)
	if err != nil || rerr != nil {
		y.t.Fatal(err, rerr)
	}
	m.lines, m.runs = len(lines), len(runs)
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	m.heap = mem.HeapAlloc
	y.months = append(y.months, m)
	y.t.Logf("month %2d: %5d cards, %6d lines, %5d runs; file %5d KiB, %5d free, log %5d; heap %d KiB, %d goroutines", len(y.months), len(y.a.Rows("cards")),
		m.lines, m.runs, m.disk.Bytes>>10, m.disk.Free>>10, m.disk.Log>>10, m.heap>>10, runtime.NumGoroutine())
}

// agree lets everything come to rest and holds the sides against each other.
func (y *year) agree() {
	time.Sleep(48 * time.Hour)
	y.settle()
	want := map[string]string{}
	for _, r := range y.a.Rows("cards") {
		want[r.Fields["email"]] = r.Fields["name"] + r.Fields["phone"] + r.Fields["notes"]
	}
	alone := 0
	for _, r := range y.b.Rows("cards") {
		if got, both := want[r.Fields["email"]]; !both {
			alone++
		} else if got != r.Fields["name"]+r.Fields["phone"]+r.Fields["notes"] {
			y.t.Errorf("%s: %q and %v", r.Fields["email"], got, r.Fields)
		}
		delete(want, r.Fields["email"])
	}
	// R22: what was deleted on one side and edited on the other is asked about.
	asked, err := y.session.store.Reviews(y.t.Context(), store.ReviewQuery{Open: true, Limit: 10_000})
	if alone += len(want); err != nil || alone > len(asked) {
		y.t.Errorf("%d cards are on one side only, and %d questions are open: %v", alone, len(asked), err)
	}
	if code, text := y.readiness(); code != 200 {
		y.t.Errorf("after a year: %s", text)
	}
	if log := y.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "status=failed") {
		y.t.Errorf("something went wrong in the year:\n%s", log[max(0, len(log)-3000):])
	}
}

// bounded holds the end of the year against its middle.
func (y *year) bounded() {
	half, full := y.months[5], y.months[11]
	if full.disk.Bytes > half.disk.Bytes*5/4 {
		y.t.Errorf("the database is %d KiB after twelve months and was %d after six", full.disk.Bytes>>10, half.disk.Bytes>>10)
	}
	if full.lines > half.lines*5/4 || full.runs > half.runs*5/4 {
		y.t.Errorf("%d lines and %d runs after twelve months, %d and %d after six", full.lines, full.runs, half.lines, half.runs)
	}
	for n, m := range y.months {
		if m.disk.Log > 40<<20 || !m.disk.Held.IsZero() || m.disk.Reserve == 0 {
			y.t.Errorf("month %d: %+v", n+1, m.disk)
		}
	}
	if y.long && full.heap > half.heap*3/2+8<<20 {
		y.t.Errorf("%d KiB of memory after twelve months, %d after six", full.heap>>10, half.heap>>10)
	}
}
