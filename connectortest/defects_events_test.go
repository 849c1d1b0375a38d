package connectortest

import (
	"context"
	"errors"

	"github.com/tandemhub/tandem/connector"
)

func eventDefects() []defect {
	const part = "events"
	return []defect{
		{
			name: "tells it twice", scenario: "events are told and known by their keys", part: part, says: "told 2 times",
			track: func(m *mutant, ctx context.Context, events []connector.Event) ([]connector.Result, error) {
				if out, err := m.good.Events.Track(ctx, events); err != nil {
					return out, err
				}
				return m.good.Events.Track(ctx, events)
			},
		},
		{
			name: "knows everything", scenario: "events are told and known by their keys", part: part, says: "never told",
			tracked: func(_ *mutant, _ context.Context, events []connector.Event) ([]bool, error) {
				there := make([]bool, len(events))
				for i := range there {
					there[i] = true
				}
				return there, nil
			},
		},
		{
			name: "takes a lost reply for a failure", scenario: "an event that nobody hears of can be looked up", part: part, says: "should be [ambiguous]",
			track: func(m *mutant, ctx context.Context, events []connector.Event) ([]connector.Result, error) {
				out, err := m.good.Events.Track(ctx, events)
				for i := range out {
					if out[i].Err != nil {
						out[i].Err = &connector.Error{Kind: connector.Unavailable, Err: out[i].Err}
					}
				}
				return out, err
			},
		},
		{
			name: "forgets what arrived", scenario: "an event that nobody hears of can be looked up", part: part, says: "that arrived is not known",
			tracked: func(_ *mutant, _ context.Context, events []connector.Event) ([]bool, error) {
				return make([]bool, len(events)), nil
			},
		},
		{
			name: "gives all up", scenario: "an event of nobody is refused alone", part: part, says: "beside it",
			track: func(m *mutant, ctx context.Context, events []connector.Event) ([]connector.Result, error) {
				if len(events) > 1 {
					return nil, &connector.Error{Kind: connector.Invalid, Err: errors.New("nobody")}
				}
				return m.good.Events.Track(ctx, events)
			},
		},
	}
}

// Track tells events, maybe with the defect.
func (m *mutant) Track(ctx context.Context, events []connector.Event) ([]connector.Result, error) {
	if m.d.track != nil {
		return m.d.track(m, ctx, events)
	}
	return m.good.Events.Track(ctx, events)
}

// Tracked looks events up, maybe with the defect.
func (m *mutant) Tracked(ctx context.Context, events []connector.Event) ([]bool, error) {
	if m.d.tracked != nil {
		return m.d.tracked(m, ctx, events)
	}
	return m.good.Events.Tracked(ctx, events)
}
