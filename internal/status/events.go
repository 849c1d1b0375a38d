package status

import (
	"context"

	"github.com/tandemhub/tandem/internal/store"
)

// Events is the queue of events of one sync in tandem status -o json.
type Events struct {
	Waiting int `json:"waiting"` // to be told, or being looked up
	Held    int `json:"held"`    // until a person says whether they are told
	Failed  int `json:"failed"`  // the other system does not take them
}

// EventsOf counts the events of a sync that have not been told, by what they wait for.
func EventsOf(ctx context.Context, s *store.Store, sync string) (Events, error) {
	states, err := s.EventStates(ctx, sync)
	if err != nil {
		return Events{}, err
	}
	return Events{
		Waiting: states[store.EventSeen] + states[store.EventReady] + states[store.EventSending] + states[store.EventUnknown],
		Held:    states[store.EventHeld], Failed: states[store.EventRefused],
	}, nil
}

// queueOf is nil for a sync without such events.
func queueOf(ctx context.Context, s *store.Store, sync string) (*Events, error) {
	queue, err := EventsOf(ctx, s, sync)
	if err != nil || queue == (Events{}) {
		return nil, err
	}
	return &queue, nil
}
