package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// The budget: all that a first sync of 10,000 records makes the store do costs about half
// a second of one processor, and an idle run less than 10 ms.
const benchRecords = 10_000

var (
	benchLeft  = store.Object{Connection: "erp", Name: "contacts"}
	benchRight = store.Object{Connection: "crm", Name: "contacts"}
)

func benchKeys(f record.Fields) []store.Key {
	return []store.Key{{Name: "email", Value: f["email"].Text()}}
}

func benchFields(i int) record.Fields {
	return record.Fields{
		"email": record.Text(fmt.Sprintf("p%x@example.com", uint32(i)*2654435761)), "firstname": record.Text("Ann"),
		"lastname": record.Text(fmt.Sprint("Papadopoulou ", i)), "address": record.Text("12 Some Street"),
		"town": record.Text("Athens"), "zip": record.Text("11528"), "phone": record.Text("+30 210 1234567"), "fax": {},
	}
}

func openBench(b *testing.B) *store.Store {
	b.Helper()
	s, err := store.Open(context.Background(), store.Options{DSN: "sqlite:" + filepath.Join(b.TempDir(), "b.db"), Exclusive: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := s.SetSync(context.Background(), "contacts", benchLeft, benchRight); err != nil {
		b.Fatal(err)
	}
	return s
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// firstSync does what the engine does with the store for n records that only the left has.
func firstSync(tb testing.TB, s *store.Store, n, page int, spent map[string]time.Duration) {
	ctx := context.Background()
	now := time.Now()
	check := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	stage, since := "", cpuTime()
	begin := func(next string) {
		at := cpuTime()
		if stage != "" && spent != nil {
			spent[stage] += at - since
		}
		stage, since = next, cpuTime()
	}
	run := s.NewID()
	for from := 0; from < n; from += page {
		begin("prepare")
		p := store.Page{Of: benchLeft, Feed: store.FeedChanges, Keys: benchKeys, Began: now, Listing: now, Next: connector.Cursor(fmt.Sprint(from))}
		for i := from; i < from+page; i++ {
			p.Changes = append(p.Changes, connector.Change{Record: record.Record{Ref: record.Ref{Object: "contacts", ID: fmt.Sprint(i)},
				Created: now, Modified: now, Fields: benchFields(i)}})
		}
		begin("save page")
		_, err := s.SavePage(ctx, p)
		check(err)
	}
	var mark int64
	for {
		begin("changed")
		rows, err := s.Changed(ctx, benchLeft, mark, page)
		check(err)
		if len(rows) == 0 {
			break
		}
		mark = rows[len(rows)-1].Seq
		var ids []string
		var spots []store.Spot
		for _, r := range rows {
			ids, spots = append(ids, r.ID), append(spots, store.Spot{Side: record.Left, ID: r.ID})
		}
		begin("links of")
		_, err = s.LinksOf(ctx, "contacts", record.Left, ids)
		check(err)
		begin("busy")
		_, err = s.Busy(ctx, "contacts", spots)
		check(err)
		begin("prepare")
		var f store.Facts
		for _, r := range rows {
			op := store.Op{ID: s.NewID(), Run: run, Sync: "contacts", Side: record.Right, Target: benchRight, Verb: connector.Create,
				SourceID: r.ID, Claim: "email " + r.Fields["email"].Text(), Key: "k" + r.ID, Set: r.Fields, State: store.OpReady,
				Source: r.Fields, Seen: [2]int64{r.Seq, 0}}
			f.Ops = append(f.Ops, op)
		}
		begin("decide")
		check(s.Decide(ctx, "contacts", [2]int64{mark, 0}, f))
	}
	next := 0
	for {
		begin("claim")
		ops, err := s.Claim(ctx, benchRight, connector.Create, 100, now)
		check(err)
		if len(ops) == 0 {
			break
		}
		begin("prepare")
		f := store.Facts{Rows: []store.Page{{Of: benchRight, Began: now, Keys: benchKeys}}}
		var settled []store.Settlement
		for _, o := range ops {
			next++
			id := fmt.Sprint(700000 + next)
			f.Rows[0].Changes = append(f.Rows[0].Changes, connector.Change{Record: record.Record{Ref: record.Ref{Object: "contacts", ID: id},
				Created: now, Modified: now, Fields: o.Set}})
			link := s.NewID()
			f.Links = append(f.Links, store.Link{ID: link, Sync: "contacts", IDs: [2]string{o.SourceID, id},
				Base: [2]record.Fields{o.Source, o.Set}, Created: [2]time.Time{now, now}})
			f.Journal = append(f.Journal, store.Entry{At: now, Run: run, Sync: "contacts", Link: link, Side: record.Right,
				Of: benchRight, Record: id, Kind: store.Created, Set: o.Set, Why: "it was only on the left"})
			settled = append(settled, store.Settlement{Op: o.ID})
		}
		begin("settle")
		check(s.Settle(ctx, settled, f))
	}
	begin("")
}

func BenchmarkFirstSync10k(b *testing.B) {
	spent := map[string]time.Duration{}
	for range b.N {
		b.StopTimer()
		s := openBench(b)
		b.StartTimer()
		firstSync(b, s, benchRecords, 500, spent)
	}
	var total time.Duration
	for stage, d := range spent {
		b.ReportMetric(float64(d.Milliseconds())/float64(b.N), "cpu-ms-"+stage[:min(4, len(stage))])
		if stage != "prepare" {
			total += d
		}
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "cpu-ms-store")
}

func BenchmarkIdleTally(b *testing.B) {
	s := openBench(b)
	firstSync(b, s, benchRecords, 500, nil)
	ctx := context.Background()
	b.ResetTimer()
	for range b.N {
		if _, err := s.Tally(ctx, "contacts"); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Marks(ctx, "contacts"); err != nil {
			b.Fatal(err)
		}
		for _, of := range []store.Object{benchLeft, benchRight} {
			if _, err := s.MaxSeq(ctx, of); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := s.Dirty(ctx, "contacts", 100); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Ops(ctx, "contacts"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLookUp500 is what planning 500 changed records asks when 10,000 are linked.
func BenchmarkLookUp500(b *testing.B) {
	s := openBench(b)
	firstSync(b, s, benchRecords, 500, nil)
	ctx := context.Background()
	var ids []string
	var spots []store.Spot
	var keys []store.Key
	for i := 5000; i < 5500; i++ {
		ids, spots = append(ids, fmt.Sprint(i)), append(spots, store.Spot{Side: record.Left, ID: fmt.Sprint(i)})
		keys = append(keys, benchKeys(benchFields(i))...)
	}
	b.ResetTimer()
	for range b.N {
		links, err := s.LinksOf(ctx, "contacts", record.Left, ids)
		if err != nil || len(links) != len(ids) {
			b.Fatal(len(links), err)
		}
		if _, err := s.Rows(ctx, benchLeft, ids); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Busy(ctx, "contacts", spots); err != nil {
			b.Fatal(err)
		}
		if found, err := s.FindByKey(ctx, benchRight, keys); err != nil || len(found) != len(keys) {
			b.Fatal(len(found), err)
		}
	}
}
