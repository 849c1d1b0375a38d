package storetest

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func hookCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a hint waits until it is due":                              hintDue,
		"hints of one record are one, due when the later one is":    hintsMerge,
		"a record that never rests is read all the same":            hintsNeverEnd,
		"a further notification brings a hint forward that waits":   hintForward,
		"settling leaves a hint of which more has come":             hintSettled,
		"a hint that is put off is due later":                       hintAgain,
		"the next hint is the first of all objects asked for":       hintNext,
		"a door keeps its key and counts what comes":                doorKept,
		"a closed door has another key when it is opened again":     doorClosed,
		"what was dropped is known until it has been read":          doorLost,
		"an object is listed when all its parts are":                listed,
		"own writes are known by record and time":                   ownWrites,
		"runs of what was reported do not count for schedules":      hintedRuns,
		"many deliveries in one go are stored as one by one":        hintsGroup,
		"a delivery ends a silence, a refused one does not":         doorSilence,
		"a run that came to nothing can be forgotten":               droppedRun,
		"an unknown door is none, and takes no notes":               doorUnknown,
		"hints of different objects and connections are kept apart": hintsApart,
	}
}

// arrival is a delivery about contacts of the erp, to be read three seconds after it came.
func arrival(seconds int, ids ...string) store.Arrival {
	at := day.Add(time.Duration(seconds) * time.Second)
	a := store.Arrival{Connection: "erp", At: at, Due: at.Add(3 * time.Second), Accepted: 1}
	for _, id := range ids {
		a.Hints = append(a.Hints, record.Ref{Object: "contacts", ID: id})
	}
	return a
}

func (b *bench) take(want int, arrivals ...store.Arrival) {
	b.Helper()
	doubled, err := b.s.TakeHints(b.ctx, arrivals)
	b.ok(err)
	b.same("doubled", want, doubled["erp"])
}

func (b *bench) due(seconds int) []store.Hint {
	b.Helper()
	hints, err := b.s.DueHints(b.ctx, erp, day.Add(time.Duration(seconds)*time.Second), 10)
	b.ok(err)
	return hints
}

func sec(n int) time.Time { return day.Add(time.Duration(n) * time.Second) }

func hintDue(b *bench) {
	b.take(0, arrival(0, "7"))
	b.same("early", 0, len(b.due(2)))
	b.same("due", []store.Hint{{Of: erp, ID: "7", Received: sec(0), Due: sec(3), Ripe: sec(3), Count: 1}}, b.due(3))
}

func hintsMerge(b *bench) {
	b.take(1, arrival(0, "7", "7"), arrival(0, "8"))
	b.take(1, arrival(2, "7"))
	b.same("before the later one", "8", b.due(4)[0].ID)
	want := []store.Hint{
		{Of: erp, ID: "8", Received: sec(0), Due: sec(3), Ripe: sec(3), Count: 1},
		{Of: erp, ID: "7", Received: sec(0), Due: sec(5), Ripe: sec(5), Count: 3},
	}
	b.same("all", want, b.due(5))
	b.take(1, arrival(1, "7")) // out of order: the later one holds
	b.same("late comer", sec(5), b.due(5)[1].Due)
}

func hintsNeverEnd(b *bench) {
	for s := range 80 {
		if _, err := b.s.TakeHints(b.ctx, []store.Arrival{arrival(s, "7")}); err != nil {
			b.Fatal(err)
		}
	}
	got := b.due(70)
	b.same("due", []store.Hint{{Of: erp, ID: "7", Received: sec(0), Due: sec(63), Ripe: sec(82), Count: 80}}, got)
}

func hintForward(b *bench) {
	b.take(0, arrival(0, "7"))
	h := b.due(3)
	h[0].Due, h[0].Attempts = sec(600), 2
	b.ok(b.s.SettleHints(b.ctx, nil, h))
	b.same("put off", 0, len(b.due(100)))
	b.take(1, arrival(10, "7"))
	got := b.due(13)
	b.same("forward", 1, len(got))
	b.same("attempts", 1, got[0].Attempts) // that it was in vain is remembered
}

func hintSettled(b *bench) {
	b.take(0, arrival(0, "7", "8"))
	read := b.due(3)
	b.take(1, arrival(4, "7"))
	b.ok(b.s.SettleHints(b.ctx, read, nil))
	got := b.due(100)
	b.same("left", 1, len(got))
	b.same("id", "7", got[0].ID)
	b.ok(b.s.SettleHints(b.ctx, got, nil))
	b.same("none", 0, len(b.due(100)))
}

func hintAgain(b *bench) {
	b.take(0, arrival(0, "7"))
	h := b.due(3)
	h[0].Due, h[0].Attempts = sec(9), 1
	b.ok(b.s.SettleHints(b.ctx, nil, h))
	b.same("early", 0, len(b.due(8)))
	b.same("attempts", 1, b.due(9)[0].Attempts)
}

func hintNext(b *bench) {
	_, found, err := b.s.NextHint(b.ctx, []store.Object{erp, crm})
	b.ok(err)
	b.same("none", false, found)
	other := arrival(-5, "1")
	other.Connection = "crm"
	b.take(0, arrival(0, "7"))
	_, err = b.s.TakeHints(b.ctx, []store.Arrival{other})
	b.ok(err)
	for of, want := range map[store.Object]time.Time{erp: sec(3), crm: sec(-2)} {
		at, found, err := b.s.NextHint(b.ctx, []store.Object{of})
		b.ok(err)
		b.same("found", true, found)
		b.same(of.String(), want, at)
	}
	at, _, err := b.s.NextHint(b.ctx, []store.Object{erp, crm})
	b.ok(err)
	b.same("first", sec(-2), at)
}

func hintsApart(b *bench) {
	company := store.Arrival{Connection: "crm", At: sec(0), Due: sec(0), Hints: []record.Ref{{Object: "companies", ID: "7"}, {Object: "contacts", ID: "7"}}}
	b.take(0, arrival(0, "7"), company)
	for _, of := range []store.Object{erp, crm, companies} {
		n, err := b.s.WaitingHints(b.ctx, of)
		b.ok(err)
		b.same(of.String(), 1, n)
	}
}

func hintsGroup(b *bench) {
	var all []store.Arrival
	for i := range 300 {
		all = append(all, arrival(i%3, fmt.Sprint(i%100)))
	}
	b.take(200, all...)
	n, err := b.s.WaitingHints(b.ctx, erp)
	b.ok(err)
	b.same("records", 100, n)
	b.take(300, all...)
}

func (b *bench) door() store.Door {
	b.Helper()
	d, found, err := b.s.Door(b.ctx, "erp")
	b.ok(err)
	b.same("found", true, found)
	return d
}

func doorKept(b *bench) {
	d, err := b.s.OpenDoor(b.ctx, "erp")
	b.ok(err)
	if len(d.Key) < 20 {
		b.Fatalf("the key %q can be guessed", d.Key)
	}
	again, err := b.s.OpenDoor(b.ctx, "erp")
	b.ok(err)
	b.same("again", d, again)
	other, err := b.s.OpenDoor(b.ctx, "crm")
	b.ok(err)
	if other.Key == d.Key {
		b.Error("two doors have one key")
	}
	b.take(1, arrival(1, "7", "7"), store.Arrival{Connection: "erp", At: sec(9), Refused: 2, Busy: 3})
	d.Address, d.Since, d.Renew, d.Problem = "https://x.example/hooks/erp/k", sec(1), sec(50), "no right"
	b.ok(b.s.SaveDoor(b.ctx, d))
	d.Heard, d.Accepted, d.Duplicate, d.Refused, d.Busy = sec(1), 1, 1, 2, 3
	b.same("door", d, b.door())
}

func doorClosed(b *bench) {
	d, err := b.s.OpenDoor(b.ctx, "erp")
	b.ok(err)
	b.ok(b.s.CloseDoor(b.ctx, "erp"))
	again, err := b.s.OpenDoor(b.ctx, "erp")
	b.ok(err)
	if again.Key == d.Key {
		b.Error("the key of a closed door opens it")
	}
}

func doorLost(b *bench) {
	_, err := b.s.OpenDoor(b.ctx, "erp")
	b.ok(err)
	b.take(0, store.Arrival{Connection: "erp", At: sec(5), Lost: true})
	b.same("lost", sec(5), b.door().Lost)
	b.ok(b.s.FoundLost(b.ctx, "erp", sec(4)))
	b.same("read before", sec(5), b.door().Lost)
	b.ok(b.s.FoundLost(b.ctx, "erp", sec(6)))
	b.same("read since", true, b.door().Lost.IsZero())
}

func doorSilence(b *bench) {
	d, err := b.s.OpenDoor(b.ctx, "erp")
	b.ok(err)
	d.Silent = sec(10)
	b.ok(b.s.SaveDoor(b.ctx, d))
	b.take(0, store.Arrival{Connection: "erp", At: sec(20), Refused: 1})
	b.same("refused", sec(10), b.door().Silent)
	b.take(0, arrival(21))
	b.same("accepted", true, b.door().Silent.IsZero())
}

func doorUnknown(b *bench) {
	_, found, err := b.s.Door(b.ctx, "erp")
	b.ok(err)
	b.same("found", false, found)
	if err := b.s.SaveDoor(b.ctx, store.Door{Connection: "erp"}); err == nil {
		b.Error("a door that is none was saved")
	}
	b.take(0, arrival(0, "7")) // hints do not need one: a feed has no door
	b.same("hints", 1, len(b.due(3)))
}

func listed(b *bench) {
	check := func(what string, want bool) {
		b.Helper()
		got, err := b.s.Listed(b.ctx, erp)
		b.ok(err)
		b.same(what, want, got)
	}
	check("never read", false)
	b.save(store.Page{Of: erp, Partition: "a", Feed: store.FeedChanges, Began: at(1), Listing: at(1), Next: "c", Done: true})
	check("one part", true)
	b.save(store.Page{Of: erp, Partition: "b", Feed: store.FeedChanges, Began: at(1), Listing: at(1), Next: "c"})
	check("a second one is on its way", false)
}

func ownWrites(b *bench) {
	l, e := b.link("1", "2")
	wrote := func(id string, minute int, kind store.EntryKind) store.Entry {
		x := line(l, kind)
		x.Record, x.At = id, at(minute)
		return x
	}
	b.decide(store.Facts{Links: []store.Link{l}, Journal: []store.Entry{e, wrote("1", 1, store.Written), wrote("1", 3, store.Created),
		wrote("2", 5, store.Agreed), wrote("3", 0, store.Written)}})
	got, err := b.s.WrittenSince(b.ctx, erp, []string{"1", "2", "3"}, at(1))
	b.ok(err)
	b.same("written", map[string]time.Time{"1": at(3)}, got)
}

func hintedRuns(b *bench) {
	for i, hinted := range []bool{false, true, true} {
		r := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(i), Hinted: hinted}
		b.ok(b.s.StartRun(b.ctx, r))
		b.ok(b.s.FinishRun(b.ctx, r))
	}
	all, err := b.s.Runs(b.ctx, "contacts", 9)
	b.ok(err)
	b.same("all", []bool{true, true, false}, []bool{all[0].Hinted, all[1].Hinted, all[2].Hinted})
	full, err := b.s.FullRuns(b.ctx, "contacts", 9)
	b.ok(err)
	b.same("full", 1, len(full))
	b.same("when", at(0), full[0].Started)
}

func droppedRun(b *bench) {
	r := store.Run{ID: b.s.NewID(), Sync: "contacts", Started: at(0)}
	b.ok(b.s.StartRun(b.ctx, r))
	b.ok(b.s.DropRun(b.ctx, r.ID))
	all, err := b.s.Runs(b.ctx, "contacts", 9)
	b.ok(err)
	b.same("runs", 0, len(all))
}
