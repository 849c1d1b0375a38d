package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func eventCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"what happens is noted once, and what was there before is not":      eventsNoted,
		"events go to whom a record refers":                                 eventsOfPeople,
		"what a sync wrote itself is no event of it":                        eventsOfOwnWrites,
		"events of one record keep their order, whatever the stamps":        eventsInOrder,
		"events under way are of unknown outcome to the next process":       eventsRecovered,
		"events go when they are old, and with an erased person":            eventsRemoved,
		"after a restore only a time of creation tells what was made since": eventsAfterARestore,
	}
}

// listed makes the object one that was read to its end.
func (b *bench) listed(of store.Object, began time.Time, changes ...connector.Change) {
	b.Helper()
	p := read(of, began, changes...)
	p.Feed, p.Listing, p.Done = store.FeedChanges, began, true
	b.save(p)
}

func (b *bench) watch(of store.Object, rules ...store.EventWatch) {
	for i := range rules {
		rules[i].Sync = "contacts"
	}
	b.s.WatchEvents(map[store.Object][]store.EventWatch{of: rules})
}

func (b *bench) events(states ...store.EventState) []store.Event {
	b.Helper()
	if len(states) == 0 {
		states = []store.EventState{store.EventSeen}
	}
	all, err := b.s.Events(b.ctx, "contacts", store.EventPlace{}, 100, states...)
	b.ok(err)
	return all
}

// told is what matters of the seen events: record, rule and person.
func (b *bench) told() []string {
	b.Helper()
	var out []string
	for _, e := range b.events() {
		out = append(out, e.Record+" "+e.Rule+" of "+e.Person)
	}
	return out
}

func eventsNoted(b *bench) {
	b.watch(erp, store.EventWatch{Rule: "made", On: store.HasCreated}, store.EventWatch{Rule: "updated", On: store.HasUpdated, Fields: []string{"name", "stage"}},
		store.EventWatch{Rule: "moved", On: store.HasChanged, Field: "stage", Now: []string{"stage"}, Old: []string{"stage", "name"}},
		store.EventWatch{Rule: "gone", On: store.HasDeleted})
	b.listed(erp, at(1), change("1", "stage", "new"), change("2", "stage", "new"))
	b.same("the first load", []string(nil), b.told())
	moved := change("1", "stage", "won", "name", "Ann")
	b.save(read(erp, at(2), moved))
	b.save(read(erp, at(3), moved)) // read again
	old := change("4", "stage", "new")
	old.Created = at(-60) // it was there, and a narrowed listing did not show it
	b.save(read(erp, at(4), change("3", "stage", "new"), old))
	b.save(read(erp, at(5), gone("2", connector.Deleted)))
	b.same("what happened", []string{"1 updated of 1", "1 moved of 1", "3 made of 3", "2 gone of 2"}, b.told())
	b.save(read(erp, at(6), gone("3", connector.Archived)))
	b.save(read(erp, at(7), gone("3", connector.Deleted)))
	all := b.events()
	if last := all[len(all)-1]; len(all) != 5 || last.Rule != "gone" || last.Record != "3" {
		b.Errorf("the last event is %+v of %d", last, len(all))
	}
	b.same("then", record.Fields{"stage": record.Text("won")}, all[1].Now)
	b.same("before", record.Fields{"stage": record.Text("new")}, all[1].Old)
	if all[1].Key == "" || all[1].Key == all[0].Key || all[1].Of != erp {
		b.Errorf("the keys are %q and %q", all[0].Key, all[1].Key)
	}
}

func eventsOfPeople(b *bench) {
	b.watch(companies, store.EventWatch{Rule: "moved", On: store.HasChanged, Field: "stage", Ref: "people"})
	two := change("1", "stage", "won")
	two.Fields["people"] = record.List(record.Text("7"), record.Text("8"))
	b.save(read(companies, at(1), change("1", "stage", "new"), change("2", "stage", "new")))
	b.save(read(companies, at(2), two, change("2", "stage", "won")))
	b.same("people", []string{"1 moved of 7", "1 moved of 8", "2 moved of "}, b.told())
	b.watch(erp, store.EventWatch{Rule: "merged", On: store.HasMerged})
	b.save(read(erp, at(1), change("5", "name", "Ann")))
	lost := gone("5", connector.Merged)
	lost.Into = []record.Ref{{Object: "contacts", ID: "6"}}
	b.save(read(erp, at(3), lost))
	if all := b.told(); len(all) != 4 || all[3] != "5 merged of 6" {
		b.Errorf("events are %v, want the survivor's last", all)
	}
}

func eventsOfOwnWrites(b *bench) {
	b.watch(erp, store.EventWatch{Rule: "updated", On: store.HasUpdated, Fields: []string{"name", "stage"}}, store.EventWatch{Rule: "made", On: store.HasCreated})
	b.listed(erp, at(1), change("1", "stage", "new", "name", "A"))
	own := func(began time.Time, of string, c connector.Change, wrote ...string) {
		p := read(erp, began, c)
		p.Own, p.OwnOf, p.Wrote = true, of, map[string][]string{c.ID: wrote}
		b.save(p)
	}
	own(at(20), "contacts", change("1", "stage", "won"), "stage")
	own(at(21), "contacts", change("2", "stage", "new"), "stage")
	b.same("own writes", []string(nil), b.told())
	own(at(22), "contacts", change("1", "stage", "lost", "name", "B"), "stage") // somebody changed the name meanwhile
	own(at(23), "others", change("1", "stage", "new"), "stage")
	own(at(24), "others", change("3", "stage", "new"), "stage")
	b.same("others'", []string{"1 updated of 1", "1 updated of 1", "3 made of 3"}, b.told())
}

func eventsInOrder(b *bench) {
	b.watch(erp, store.EventWatch{Rule: "moved", On: store.HasChanged, Field: "stage", Now: []string{"stage"}})
	b.save(read(erp, at(1), change("1", "stage", "a"), change("2", "stage", "a")))
	for i, stage := range []string{"b", "c"} {
		c := change("1", "stage", stage)
		c.Modified = at(10 - i)
		b.save(read(erp, at(20+i), c))
	}
	early := change("2", "stage", "b")
	early.Modified = at(5)
	b.save(read(erp, at(30), early))
	var got []string
	for _, e := range b.events() {
		got = append(got, e.Record+e.Now["stage"].Text()+e.At.Format("04"))
	}
	b.same("order", []string{"2b05", "1b10", "1c10"}, got)
	all := b.events()
	rest, err := b.s.Events(b.ctx, "contacts", store.EventPlace{At: all[1].At, ID: all[1].ID}, 5, store.EventSeen)
	b.ok(err)
	if len(rest) != 1 || rest[0].ID != all[2].ID {
		b.Errorf("after the second there are %d", len(rest))
	}
}

func eventsRecovered(b *bench) {
	b.watch(erp, store.EventWatch{Rule: "moved", On: store.HasChanged, Field: "stage", Now: []string{"stage"}})
	b.save(read(erp, at(1), change("1", "stage", "a"), change("2", "stage", "a")))
	b.save(read(erp, at(2), change("1", "stage", "b"), change("2", "stage", "b")))
	all := b.events()
	all[0].State, all[0].Taken, all[0].Attempts, all[0].NotBefore, all[0].Target = store.EventSending, at(3), 1, at(3), "r1"
	all[0].Properties = record.Fields{"to": record.Text("b")}
	all[1].State, all[1].Taken, all[1].Approved = store.EventTold, at(3), true
	b.ok(b.s.SettleEvents(b.ctx, "contacts", all, store.Facts{Journal: []store.Entry{{At: at(3), Sync: "contacts", Of: crm, Record: "r2", Kind: store.Told}}}))
	_, err := b.s.Recover(b.ctx)
	b.ok(err)
	want := all[0]
	want.State, want.NotBefore = store.EventUnknown, at(4)
	if got := b.events(store.EventSending, store.EventUnknown); len(got) != 1 || !cmp.Equal(got[0], want, cmpopts.EquateEmpty()) {
		b.Errorf("recovered: %+v, want %+v", got, want)
	}
	n, err := b.s.EventsTaken(b.ctx, "contacts", at(3))
	b.ok(err)
	b.same("taken", map[string]int{"moved": 1}, n)
	states, err := b.s.EventStates(b.ctx, "contacts")
	b.ok(err)
	b.same("states", map[store.EventState]int{store.EventTold: 1, store.EventUnknown: 1}, states)
}

func eventsRemoved(b *bench) {
	b.watch(erp, store.EventWatch{Rule: "moved", On: store.HasChanged, Field: "stage"})
	b.save(read(erp, at(1), change("1", "stage", "a"), change("2", "stage", "a"), change("3", "stage", "a")))
	b.save(read(erp, at(2), change("1", "stage", "b"), change("2", "stage", "b"), change("3", "stage", "b")))
	all := b.events()
	all[0].State, all[0].Taken = store.EventTold, at(3)
	all[1].State = ""
	b.ok(b.s.SettleEvents(b.ctx, "contacts", all[:2], store.Facts{}))
	if n := len(b.events(store.EventSeen, store.EventTold)); n != 2 {
		b.Errorf("%d events are left, want 2", n)
	}
	_, err := b.s.Prune(b.ctx, store.Ages{Events: at(4)}, 10)
	b.ok(err)
	if left := b.events(store.EventSeen, store.EventTold); len(left) != 1 || left[0].Record != "3" {
		b.Errorf("left: %v", left)
	}
	b.ok(b.s.BeginErasure(b.ctx, "ann", nil, []store.Erasure{{Of: erp, Record: "3", Asked: "erase", At: at(5)}}, at(5), "ann"))
	if left := b.events(); len(left) != 0 {
		b.Errorf("R32: events of an erased person are left: %v", left)
	}
}

func eventsAfterARestore(b *bench) {
	b.watch(erp, store.EventWatch{Rule: "made", On: store.HasCreated})
	b.listed(erp, at(1), change("1"))
	b.ok(b.s.MarkRestored(b.ctx, at(10), at(30)))
	later, earlier := change("2"), change("3")
	later.Created, earlier.Created = at(15), at(5)
	b.listed(erp, at(31), change("1"), later, earlier, change("4"))
	b.same("made since the backup", []string{"2 made of 2"}, b.told())
}
