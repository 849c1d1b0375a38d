package connectortest

import (
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// eventScenarios concern a system that takes events. They are part of a suite that has a
// sample of one.
func eventScenarios() []scenario {
	return []scenario{
		{name: "events are told and known by their keys", run: eventsKnown},
		{name: "an event that nobody hears of can be looked up", run: eventLookedUp},
		{name: "an event of nobody is refused alone", run: eventOfNobody},
	}
}

// event makes one more event like the sample.
func (b *Bench) event() connector.Event {
	e, n := *b.suite.Event, b.next()
	e.Key = "tdm-event-" + n
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.Person.ID = strings.ReplaceAll(e.Person.ID, "{n}", n)
	e.Person.Email = strings.ReplaceAll(e.Person.Email, "{n}", n)
	e.Person.Phone = strings.ReplaceAll(e.Person.Phone, "{n}", n)
	if e.Properties != nil {
		e.Properties = fillAll(e.Properties, n)
	}
	return e
}

// track tells events and returns their errors, one each.
func (b *Bench) track(events ...connector.Event) []error {
	b.Helper()
	results, err := b.Events.Track(b.ctx, events)
	errs := make([]error, len(events))
	if b.note(err); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	if len(results) != len(events) {
		b.Fatalf("track: %d results for %d events", len(results), len(events))
	}
	for i, res := range results {
		b.note(res.Err)
		errs[i] = res.Err
	}
	return errs
}

// tracked asks which events are there, when they have had time to show.
func (b *Bench) tracked(events ...connector.Event) []bool {
	b.Helper()
	time.Sleep(time.Minute)
	there, err := b.Events.Tracked(b.ctx, events)
	if b.note(err); err != nil {
		b.Fatalf("tracked: %v", err)
	}
	if len(there) != len(events) {
		b.Fatalf("tracked: %d answers for %d events", len(there), len(events))
	}
	return there
}

// toldOf is how often the vendor was told of an event, by the twin's ledger.
func (b *Bench) toldOf(e connector.Event) int {
	n := 0
	for _, a := range b.Twin.Kit().Ledger().Acts() {
		if a.Object == "events" && a.Verb == "create" && a.ID == e.Key {
			n++
		}
	}
	return n
}

func eventsKnown(b *Bench) {
	b.prepare()
	alone, first, second, never := b.event(), b.event(), b.event(), b.event()
	for _, err := range append(b.track(alone), b.track(first, second)...) {
		if err != nil {
			b.Fatalf("track: %v", err)
		}
	}
	for _, e := range []connector.Event{alone, first, second} {
		if n := b.toldOf(e); n != 1 {
			b.Errorf("the vendor was told %d times of %s", n, e.Key)
		}
	}
	if got := b.tracked(second, never, alone, first); !slices.Equal(got, []bool{true, false, true, true}) {
		b.Errorf("of the events these are known: %v; the second one was never told", got)
	}
}

// eventLookedUp loses the reply to an event, and then the way to the vendor (R16).
func eventLookedUp(b *Bench) {
	b.prepare()
	for _, kind := range []twin.FaultKind{twin.FaultLostReply, twin.FaultErrorAfterCommit} {
		e := b.event()
		fault := b.Twin.Kit().Inject(twin.Fault{Kind: kind, Times: 1})
		errs := b.track(e)
		if fault.Hits() == 0 {
			b.Fatalf("nothing was sent")
		}
		b.want("an event with "+string(kind), errs[0], connector.Ambiguous)
		if n := b.toldOf(e); n != 1 {
			b.Errorf("the vendor was told %d times of one event", n)
		}
		if !b.tracked(e)[0] {
			b.Errorf("an event that arrived is not known after %s", kind)
		}
	}
	e := b.event()
	fault := b.Twin.Kit().Inject(twin.Fault{Kind: twin.FaultRefuse})
	errs := b.track(e)
	fault.Remove()
	b.want("an event with nobody there", errs[0], connector.Unavailable)
	if b.tracked(e)[0] || b.toldOf(e) != 0 {
		b.Errorf("an event is known that never arrived")
	}
}

func eventOfNobody(b *Bench) {
	b.prepare()
	good, bad := b.event(), b.event()
	bad.Person, bad.About = connector.Person{}, record.Ref{}
	errs := b.track(bad, good)
	b.want("an event of nobody", errs[0], connector.Invalid)
	if errs[1] != nil || b.toldOf(good) != 1 || b.toldOf(bad) != 0 {
		b.Errorf("beside it: %v; told of %d times, and of nobody's %d times", errs[1], b.toldOf(good), b.toldOf(bad))
	}
}
