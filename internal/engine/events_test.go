package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// eventsYAML tells b what happens to people: labels at a stand for them, cards at a for their
// deals, cards at b for the contacts, whom b knows by their e-mail address.
const eventsYAML = header + `
  people:
    left: a.labels
    right: b.cards
    match: [code]
    direction: left-to-right
    create: none
    guard: { events: 12 }
    fields: [name]
    events:
      - { on: labels.updated, send: contact_updated, with: { name: name, was: old.name } }
      - { on: labels.created, send: contact_created }
      - { on: labels.deleted, send: contact_deleted }
      - { on: cards.created, send: deal_created, with: { of: label.name } }
      - { on: cards.changed.stage, send: deal_stage_changed, with: { from: old.stage, to: stage } }
      - { on: cards.changed.phone, send: called, when: 'phone != ""', with: { number: phone } }
`

// somebody puts a person into both systems.
func (w *world) somebody(name string) string {
	w.t.Helper()
	w.put(w.b, "cards", "", map[string]string{"name": name, "code": name, "email": name + "@x.gr"})
	return w.put(w.a, "labels", "", map[string]string{"name": name, "code": name})
}

// stories is what b was told, in order.
func (w *world) stories() []string {
	var out []string
	for _, s := range w.b.Stories() {
		var facts []string
		for name, v := range s.Facts {
			facts = append(facts, name+"="+v)
		}
		slices.Sort(facts)
		out = append(out, strings.TrimSpace(strings.TrimSuffix(s.Who, "@x.gr")+" "+s.Name+" "+strings.Join(facts, " ")))
	}
	return out
}

func (w *world) wantStories(want ...string) {
	w.t.Helper()
	if got := w.stories(); !slices.Equal(got, want) {
		w.t.Errorf("b was told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatHappensIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventsYAML)
		ann := w.somebody("ann")
		deal := w.card("", ann, "new", "1", "", "")
		w.settled("people")
		w.wantStories() // the first load is no news

		time.Sleep(time.Hour)
		w.card(deal, ann, "won", "1", "", "")
		time.Sleep(time.Second)
		w.put(w.a, "labels", ann, map[string]string{"name": "anna"})
		rep := w.settled("people")
		w.wantStories("ann deal_stage_changed from=new to=won", "ann contact_updated name=anna was=ann")
		if rep.Events != 2 || rep.Right.Events != 2 {
			t.Errorf("the report counts %d events, %d to the right", rep.Events, rep.Right.Events)
		}
		quiet(t, w)
		w.wantStories("ann deal_stage_changed from=new to=won", "ann contact_updated name=anna was=ann")

		told := w.b.Stories()[0]
		if told.Key == "" || told.At.After(time.Now().Add(-time.Second)) {
			t.Errorf("the event is %+v", told)
		}
		lines, err := w.store.History(t.Context(), store.HistoryQuery{Connection: "b", Object: "cards", Record: w.by(w.b, "cards", "code", "ann").ID, Kinds: []store.EntryKind{store.Told}})
		if err != nil || len(lines) != 2 || lines[0].Field != "contact_updated" && lines[1].Field != "contact_updated" || !strings.Contains(lines[0].Why+lines[1].Why, "a.cards/"+deal) {
			t.Errorf("the journal has %+v, %v", lines, err)
		}
	})
}

func TestEventsOfRecordsThatComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventsYAML)
		ann := w.somebody("ann")
		w.settled("people")
		time.Sleep(time.Hour)
		deal := w.card("", ann, "new", "1", "", "")
		w.put(w.a, "cards", deal, map[string]string{"phone": "+30 210 1234567"}) // together with its creation: no change
		bob := w.somebody("bob")
		nobody := w.put(w.a, "labels", "", map[string]string{"name": "eve", "code": "eve"}) // not at b, and not made there
		w.settled("people")
		w.card("", nobody, "new", "1", "", "")
		w.card("", "", "new", "1", "", "")
		w.put(w.a, "cards", deal, map[string]string{"phone": "+30 210 7654321"})
		w.settled("people")
		w.remove(w.a, "labels", bob)
		w.syncWith("people", engine.SyncOptions{Sweep: true})
		got := w.stories()
		slices.Sort(got)
		want := []string{"ann called number=+30 210 7654321", "ann deal_created of=ann", "bob contact_created", "bob contact_deleted"}
		if !slices.Equal(got, want) {
			t.Errorf("b was told %q, want %q", got, want)
		}
		states, err := w.store.EventStates(t.Context(), "people")
		if err != nil || states[store.EventTold] != 4 || states[store.EventDropped] != 3 || len(states) != 2 {
			t.Errorf("states are %v, %v; want 3 events that are nobody's dropped", states, err)
		}
	})
}

// An event waits for its person to be linked, and is told then.
func TestAnEventWaitsForItsPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(eventsYAML, "    create: none\n", "    create: right\n", 1))
		w.somebody("ann")
		w.settled("people")
		time.Sleep(time.Hour)
		eve := w.put(w.a, "labels", "", map[string]string{"name": "eve", "code": "eve"})
		deal := w.card("", eve, "new", "1", "", "") // b makes no card without a box: it waits in the review queue
		w.sync("people")
		w.card(deal, eve, "won", "1", "", "")
		w.sync("people")
		w.wantStories()
		w.put(w.b, "cards", "", map[string]string{"name": "eve", "code": "eve", "email": "eve@x.gr"})
		w.sync("people")
		got := w.stories()
		if len(got) != 3 || got[2] != "eve deal_stage_changed from=new to=won" {
			t.Errorf("b was told %q, want eve's creation, her deal's and what became of it", got)
		}
	})
}

// R16, invariant 4: an event of which nobody knows whether it arrived is looked up before it is
// told again, and those after it wait.
func TestR16AnEventOfUnknownOutcomeIsLookedUp(t *testing.T) {
	t.Parallel()
	for _, kind := range []twin.FaultKind{twin.FaultLostReply, twin.FaultRefuse, twin.FaultErrorAfterCommit} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, eventsYAML)
			ann := w.somebody("ann")
			deal := w.card("", ann, "new", "1", "", "")
			w.settled("people")
			time.Sleep(time.Hour)
			w.card(deal, ann, "won", "1", "", "")
			w.b.Kit().Inject(twin.Fault{Kind: kind, Path: "/v1/events", Times: 1})
			w.settled("people")
			w.card(deal, ann, "lost", "1", "", "")
			w.settled("people")
			w.wantStories("ann deal_stage_changed from=new to=won", "ann deal_stage_changed from=won to=lost")
		})
	}
}

// An event that the system refuses waits for a person; those after it go on.
func TestARefusedEventWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"retry", "dismiss"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, eventsYAML)
			ann := w.somebody("ann")
			deal := w.card("", ann, "new", "1", "", "")
			card := w.by(w.b, "cards", "code", "ann").ID
			w.put(w.b, "cards", card, map[string]string{"email": ""}) // b knows people by it
			w.settled("people")
			time.Sleep(time.Hour)
			w.card(deal, ann, "won", "1", "", "")
			if rep := w.sync("people"); rep.Status != engine.StatusReview || rep.Review != 1 {
				t.Errorf("the run is %+v", rep)
			}
			item := w.review(store.ReviewEvents)
			if !strings.Contains(item.Text, "b does not take the event deal_stage_changed of a.cards/"+deal) {
				t.Errorf("the item says %q", item.Text)
			}
			w.put(w.b, "cards", card, map[string]string{"email": "ann@x.gr"})
			w.card(deal, ann, "lost", "1", "", "")
			w.sync("people")
			want := []string{"ann deal_stage_changed from=won to=lost"}
			w.wantStories(want...)
			w.decide(item, say)
			w.settled("people")
			if say == "retry" {
				want = append(want, "ann deal_stage_changed from=new to=won")
			}
			w.wantStories(want...)
		})
	}
}

// R30: more events of a rule than the guard allows wait until a person has looked.
func TestR30ABurstOfEventsWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"approve", "dismiss"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, eventsYAML)
			var people, deals []string
			for i := range 13 {
				people = append(people, w.somebody("p"+strconv.Itoa(i)))
				deals = append(deals, w.card("", people[i], "new", "1", "", ""))
			}
			w.settled("people")
			time.Sleep(time.Hour)
			for i, id := range deals {
				w.card(id, people[i], "won", "1", "", "")
			}
			w.put(w.a, "labels", people[3], map[string]string{"name": "x"})
			previews, err := w.engine.Preview(t.Context(), nil)
			if err != nil || previews[0].Events != 14 {
				t.Errorf("the preview counts %d events, %v", previews[0].Events, err)
			}
			rep := w.sync("people")
			item := w.review(store.ReviewEvents)
			if want := "13 events deal_stage_changed would be told to b within a day, and the guard allows 12"; rep.Status != engine.StatusReview || item.Text != want {
				t.Errorf("%s: %q, want %q", rep.Status, item.Text, want)
			}
			w.wantStories() // p3's other event waits for the one before it
			w.decide(item, say)
			w.settled("people")
			want := 1
			if say == "approve" {
				want = 14
			}
			if got := w.stories(); len(got) != want {
				t.Errorf("after %s b was told %d events, want %d", say, len(got), want)
			}
			time.Sleep(time.Hour) // a yes counts against nobody later
			w.card(deals[0], people[0], "lost", "1", "", "")
			w.settled("people")
			if got := w.stories(); got[len(got)-1] != "p0 deal_stage_changed from=won to=lost" {
				t.Errorf("the last is %q", got[len(got)-1])
			}
		})
	}
}

// R34: what an installation that was restored may have told already is looked up, and what it
// sees anew waits for a person.
func TestR34NoEventIsToldTwiceAfterARestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventsYAML)
		ann := w.somebody("ann")
		deal := w.card("", ann, "new", "1", "", "")
		w.settled("people")
		time.Sleep(time.Hour)
		w.card(deal, ann, "won", "1", "", "")
		if _, err := w.engine.Preview(t.Context(), nil); err != nil { // it is seen, and not told
			t.Fatal(err)
		}
		file := w.backup()
		w.settled("people")
		w.card(deal, ann, "lost", "1", "", "")
		w.settled("people")
		told := []string{"ann deal_stage_changed from=new to=won", "ann deal_stage_changed from=won to=lost"}
		w.wantStories(told...)

		time.Sleep(time.Hour)
		w.restore(file)
		w.sync("people")
		w.wantStories(told...)
		item := w.review(store.ReviewEvents)
		if !strings.Contains(item.Text, "since a backup was restored") {
			t.Errorf("the item says %q", item.Text)
		}
		w.decide(item, "dismiss")
		w.settled("people")
		w.card(deal, ann, "new", "1", "", "")
		w.settled("people")
		w.wantStories(append(told, "ann deal_stage_changed from=lost to=new")...)
	})
}

// A sync that is taken out of the configuration may come back; after a month nobody would want to be
// told of what happened then.
func TestEventsOfARemovedSyncGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventsYAML)
		ann := w.somebody("ann")
		deal := w.card("", ann, "new", "1", "", "")
		w.settled("people")
		w.card(deal, ann, "won", "1", "", "")
		if _, err := w.engine.Preview(t.Context(), nil); err != nil { // it is seen, and not told
			t.Fatal(err)
		}
		w.yaml = cardsYAML
		w.restart()
		for _, left := range []int{1, 0} {
			w.sync("cards")
			states, err := w.store.EventStates(t.Context(), "people")
			if n := states[store.EventSeen]; err != nil || n != left {
				t.Errorf("%d events are left, want %d: %v %v", n, left, states, err)
			}
			time.Sleep(31 * 24 * time.Hour)
		}
	})
}

func TestASystemThatTakesNoEventsIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventsYAML)
		w.wrap = func(c connector.Connection) connector.Connection {
			a := connector.AbilitiesOf(c)
			return struct {
				connector.Connection
				connector.Source
				connector.Reader
				connector.Partitioner
				connector.Writer
			}{a.Check, a.Source, a.Reader, a.Partitioner, a.Writer}
		}
		w.configure(eventsYAML)
		_, err := w.engine.Sync(t.Context(), nil, engine.SyncOptions{})
		if err == nil || !strings.Contains(err.Error(), "b takes no events") {
			t.Errorf("the error is %v", err)
		}
	})
}

// Every transition that the mirror saw is told once, in order, whatever replies are lost and
// wherever the process is killed (invariants 4, 8 and 11).
func TestEveryTransitionIsToldOnceInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type move struct{ person, stage, crash, fault int }
		moves := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
			return move{rapid.IntRange(0, 1).Draw(t, "person"), rapid.IntRange(0, 2).Draw(t, "stage"), rapid.IntRange(-4, 8).Draw(t, "crash"), rapid.IntRange(-4, 3).Draw(t, "fault")}
		}), 1, 6).Draw(rt, "moves")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, strings.Replace(eventsYAML, "events: 12", "events: 100", 1))
			names := []string{"ann", "bob"}
			var people, deals []string
			for i, name := range names {
				people = append(people, w.somebody(name))
				deals = append(deals, w.card("", people[i], "new", "1", "", ""))
			}
			w.settled("people")
			stages := []string{"new", "new"}
			for _, m := range moves {
				time.Sleep(time.Minute)
				stages[m.person] = []string{"new", "won", "lost"}[m.stage]
				w.card(deals[m.person], people[m.person], stages[m.person], "1", "", "")
				if m.fault >= 0 {
					kinds := []twin.FaultKind{twin.FaultLostReply, twin.FaultErrorAfterCommit, twin.FaultTruncate, twin.FaultUnavailable}
					w.b.Kit().Inject(twin.Fault{Kind: kinds[m.fault], Path: "/v1/events", Times: 1})
				}
				if m.crash >= 0 {
					w.crash(m.crash)
					w.restart()
				} else if m.crash > -3 {
					w.sync("people")
				}
			}
			w.settled("people")
			keys := map[string]bool{}
			for i, name := range names {
				is := "new"
				for _, s := range w.b.Stories() {
					if s.Who != name+"@x.gr" {
						continue
					}
					if keys[s.Key] {
						t.Errorf("%s was told twice of %v", name, s.Facts)
					}
					keys[s.Key] = true
					if s.Facts["from"] != is {
						t.Errorf("%s: %v follows %s", name, s.Facts, is)
					}
					is = s.Facts["to"]
				}
				if is != stages[i] {
					t.Errorf("of %s the last that was told is %s, and the deal is %s: %s", name, is, stages[i], fmt.Sprint(w.stories()))
				}
			}
		})
	})
}

// A reported change is told within the turn that reads it, whoever else reads the object.
func TestAReportedChangeIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventsYAML)
		w.workers = 8
		w.configure(w.yaml)
		ann := w.somebody("ann")
		deal := w.card("", ann, "new", "1", "", "")
		w.settled("people")
		time.Sleep(time.Hour)
		w.card(deal, ann, "won", "1", "", "")
		w.hint("a", deal)
		time.Sleep(3 * time.Second)
		if reports := w.hinted(); len(reports) != 1 || reports[0].Events != 1 {
			t.Errorf("reports are %+v", reports)
		}
		w.settled("people")
		w.wantStories("ann deal_stage_changed from=new to=won")
	})
}

// R24: what was merged is told of the survivor; invariant 6: what the sync wrote itself is not told.
func TestMergesAreToldAndOwnWritesAreNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.TrimRight(cardsYAML, "\n")+`
    events:
      - { on: cards.merged, send: contact_merged, with: { lost: name } }
      - { on: cards.updated, send: contact_updated, with: { name: name } }
      - { on: cards.created, send: contact_created }
`)
		w.people("Ann", "Anna")
		w.put(w.b, "cards", w.by(w.b, "cards", "name", "Ann").ID, map[string]string{"notes": "from b"})
		w.put(w.b, "cards", "", map[string]string{"name": "Bob", "email": "bob@x.gr"})
		w.settled("cards")
		w.wantStories()
		time.Sleep(time.Minute)
		ann, anna := w.by(w.a, "cards", "name", "Ann").ID, w.by(w.a, "cards", "name", "Anna").ID
		w.merge(w.a, ann, anna)
		w.sync("cards")
		if got := w.stories(); !slices.Contains(got, "ann contact_merged lost=Anna") || slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "bob") }) {
			t.Errorf("b was told %q", got)
		}
	})
}

// Whoever asks why something was not told gets an answer, and so does the person.
func TestWhySaysWhatWasNotTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(eventsYAML, "    create: none\n", "    create: none\n    where: { left: 'name != \"x\"' }\n", 1))
		ann := w.somebody("ann")
		eve := w.put(w.a, "labels", "", map[string]string{"name": "x", "code": "eve"})
		w.settled("people")
		time.Sleep(time.Hour)
		w.card("", ann, "new", "1", "", "")
		w.card("", eve, "new", "1", "", "")
		w.b.Kit().Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/v1/events", Wait: time.Hour})
		rep := w.sync("people")
		if rep.Status != engine.StatusReview || rep.Until == nil || time.Until(*rep.Until) < 30*time.Minute {
			t.Errorf("an event that waits for an hour: %+v", rep)
		}
		for id, want := range map[string]string{ann: "waits; tried 1 times", eve: "is not told: its person is not on the other side: filtered"} {
			whys, err := w.engine.Why(t.Context(), store.Object{Connection: "a", Name: "labels"}, id, "")
			if err != nil || !slices.ContainsFunc(whys[0].Reasons, func(r engine.WhyReason) bool {
				return r.Rule.Number == "R39" && strings.Contains(r.Text, "deal_created") && strings.Contains(r.Text, want)
			}) {
				t.Errorf("why says %+v, %v; want %q", whys, err, want)
			}
		}
		p, err := w.engine.Person(t.Context(), engine.PersonKey{Of: store.Object{Connection: "a", Name: "labels"}, ID: ann}, nil)
		if err != nil || len(p.Events) != 1 || p.Events[0].Properties["of"].Text() != "ann" {
			t.Errorf("of the person is known %+v, %v", p.Events, err)
		}
	})
}
