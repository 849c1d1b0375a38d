package connector

import (
	"context"
	"time"

	"github.com/tandemhub/tandem/record"
)

// An Event is something that happened to a person, told to a system that acts upon it: an
// order was paid, a deal moved on.
type Event struct {
	Key        string // minted once per event, the same in every repetition (R16)
	Name       string // letters, digits, "_" and "-"
	At         time.Time
	Person     Person
	Properties record.Fields
	About      record.Ref // the system's own record that it is about; zero = none
}

// A Person is by what a system finds whom an event happened to; one of them is enough.
type Person struct {
	ID    string // of the person's record in the system
	Email string
	Phone string
}

// An EventSink takes events.
type EventSink interface {
	// Track tells the system of events, as many as the caller likes, and returns one
	// Result per Event, in order; an error of one is in its Result. The second result is for
	// what befell all of them. An event's key travels with it. Most vendors cannot tell a
	// repetition from a second event, so one whose error is Ambiguous is not told again
	// before Tracked has said that it is not there.
	Track(ctx context.Context, events []Event) ([]Result, error)
	// Tracked reports which of the events the system has, by their keys. It is asked only
	// after an unknown outcome, and when the system has had a minute to show the event.
	Tracked(ctx context.Context, events []Event) ([]bool, error)
}
