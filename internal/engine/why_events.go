package engine

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// someEvents is how many events of a person that were not told are explained.
const someEvents = 20

// events says why what happened to the record was not told; what was told is in its history.
func (x *explainer) events(ctx context.Context) error {
	if x.r.p.Mapping == nil || len(x.r.p.Mapping.Events()) == 0 {
		return nil
	}
	rules := x.r.eventRules()
	for _, side := range record.Sides() {
		person := x.id
		if side != x.side {
			person = x.link.IDs[side]
		}
		if person == "" {
			continue
		}
		all, err := x.r.e.store.EventsOf(ctx, x.r.p.Name, side, person, someEvents)
		if err != nil {
			return err
		}
		for _, e := range all {
			name := e.Rule
			if rule, known := rules[e.Rule]; known {
				name = rule.Send
			}
			text, fix := untold(e, x.r.p.Name)
			x.sayf(ruleOf("R39"), fix, "the event %s of %s/%s, %s, %s", name, e.Of, e.Record, x.r.e.moment(e.At), text)
		}
	}
	return nil
}

// untold says how an event stands that has not been told.
func untold(e store.Event, sync string) (text, fix string) {
	switch e.State {
	case store.EventSeen:
		return "was seen, and the next run decides about it", "tandem sync " + sync
	case store.EventHeld:
		return "waits for a person's word", "tandem review list"
	case store.EventRefused:
		return "was refused: " + e.Error, "tandem review list"
	case store.EventDropped:
		return "is not told: " + e.Error, ""
	case store.EventSending, store.EventUnknown:
		return "may have been told, and is to be looked up: " + e.Error, ""
	case store.EventReady, store.EventTold:
	}
	why := "its person is not on the other side yet, or an earlier event waits"
	if e.Error != "" {
		why = e.Error
	}
	return fmt.Sprintf("waits; tried %d times: %s", e.Attempts, why), ""
}
