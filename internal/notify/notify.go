// Package notify decides what people are told when something is wrong, and carries it to them.
//
// Deciding is pure: [Decide] is given what is wrong now and what was told, and returns what is to
// be told, each state once, and its end once. [Desk] keeps what was told and hands messages to
// senders, which are e-mail ([SMTP]) and webhooks ([Webhook]).
package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// A Kind is what can be wrong.
type Kind string

// The kinds. A test says that nothing is wrong.
const (
	Failure    Kind = "failure"    // the last run of a sync did not succeed
	Credential Kind = "credential" // a connection is paused, or nobody grants access any more
	Silence    Kind = "silence"    // a vendor that reports by itself has not done so for long
	Queue      Kind = "queue"      // ever more waits to be written
	Unusual    Kind = "unusual"    // a run was unlike those before it
	Expiry     Kind = "expiry"     // access to a connection ends within days
	Test       Kind = "test"
)

// A State is something that is wrong now.
type State struct {
	Kind  Kind
	Of    string    // the sync or the connection
	Since time.Time // when it was found
	What  string    // a sentence
	Fix   string    // what a person can do; "" = nothing to say
}

// A Told is a state that one way of telling has told of.
type Told struct {
	Way      string // the sender's name
	Kind     Kind
	Of       string
	What     string
	Since    time.Time
	At       time.Time // when it was told
	Resolved time.Time // when its end was noticed; zero = it holds
}

// A Message is what one way of telling is to carry.
type Message struct {
	ID       string // the same for the same thing, however often it is tried
	Way      string
	Kind     Kind
	Of       string
	Resolved bool
	Since    time.Time // of the state
	At       time.Time
	What     string
	Fix      string
}

// again is how soon a state that ended is told of anew when it comes back: what comes and goes with
// every run is not told with every run.
const again = time.Hour

// once reports whether nobody is told that a state of this kind has ended: a later run that is as
// usual says nothing about the one that was not, and access does not end soon once it has ended.
func once(k Kind) bool { return k == Unusual || k == Expiry }

// Options say what is told at all.
type Options struct {
	On    []string      // kinds
	Test  time.Duration // how often each way is tried out; 0 = never
	Begun time.Time     // a way that has told nothing yet is tried out from here
}

// Decide returns what one way of telling is to carry now, and what of what it has told has ended
// without a word.
func Decide(way string, states []State, told []Told, o Options, now time.Time) (messages []Message, ended []Told) {
	for _, s := range states {
		if !slices.Contains(o.On, string(s.Kind)) {
			continue
		}
		i := slices.IndexFunc(told, func(t Told) bool { return t.Way == way && t.Kind == s.Kind && t.Of == s.Of })
		if i >= 0 && (told[i].Resolved.IsZero() || now.Sub(told[i].At) < again) {
			continue
		}
		messages = append(messages, message(way, s, now))
	}
	for _, t := range told {
		holds := slices.ContainsFunc(states, func(s State) bool { return s.Kind == t.Kind && s.Of == t.Of })
		switch {
		case t.Way != way || t.Kind == Test || !t.Resolved.IsZero() || holds:
		case once(t.Kind) || !slices.Contains(o.On, string(t.Kind)):
			t.Resolved = now
			ended = append(ended, t)
		default:
			messages = append(messages, over(t, now))
		}
	}
	if m, due := test(way, told, o, now); due {
		messages = append(messages, m)
	}
	return messages, ended
}

func message(way string, s State, now time.Time) Message {
	m := Message{Way: way, Kind: s.Kind, Of: s.Of, Since: s.Since, At: now, What: s.What, Fix: s.Fix}
	m.ID = identity(way, string(s.Kind), s.Of, s.Since, "began")
	return m
}

func over(t Told, now time.Time) Message {
	m := Message{Way: t.Way, Kind: t.Kind, Of: t.Of, Since: t.Since, At: now, What: t.What, Resolved: true}
	m.ID = identity(t.Way, string(t.Kind), t.Of, t.Since, "ended")
	return m
}

// test returns the message that tries a way out, if it is time for it.
func test(way string, told []Told, o Options, now time.Time) (Message, bool) {
	if o.Test <= 0 {
		return Message{}, false
	}
	last := o.Begun.Add(-o.Test)
	for _, t := range told {
		if t.Way == way && t.Kind == Test {
			last = t.At
		}
	}
	due := last.Add(o.Test)
	return TestMessage(way, due, now), !now.Before(due)
}

// TestMessage is the message that tries a way out; due tells one from another.
func TestMessage(way string, due, now time.Time) Message {
	return Message{
		ID: identity(way, string(Test), "", due, "began"), Way: way, Kind: Test, Since: due, At: now,
		What: "Nothing is wrong: this message tries out whether you would hear of it",
	}
}

// identity is short, and says nothing of what it stands for.
func identity(way, kind, of string, since time.Time, what string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{way, kind, of, since.UTC().Format(time.RFC3339Nano), what}, "\x00")))
	return "msg_" + hex.EncodeToString(sum[:12])
}

// told is what is remembered once a message has been carried.
func (m Message) told() Told {
	t := Told{Way: m.Way, Kind: m.Kind, Of: m.Of, What: m.What, Since: m.Since, At: m.At}
	if m.Resolved {
		t.Resolved = m.At
	}
	return t
}

// Subject is the message in a line.
func (m Message) Subject() string {
	switch {
	case m.Kind == Test:
		return "Tandem: a test"
	case m.Resolved:
		return fmt.Sprintf("Tandem: over: %s", m.title())
	default:
		return fmt.Sprintf("Tandem: %s", m.title())
	}
}

func (m Message) title() string {
	switch m.Kind {
	case Failure:
		return m.Of + " does not succeed"
	case Credential:
		return m.Of + " cannot be used"
	case Expiry:
		return "access to " + m.Of + " ends soon"
	case Silence:
		return m.Of + " has fallen silent"
	case Queue:
		return "more and more waits in " + m.Of
	case Unusual:
		return "a run of " + m.Of + " was unlike the usual"
	default:
		return m.Of
	}
}

// Text is the message for people, with times in a zone.
func (m Message) Text(address string, zone *time.Location) string {
	var b strings.Builder
	what := strings.TrimSuffix(m.What, ".") // some vendors end theirs with one
	switch {
	case m.Resolved:
		fmt.Fprintf(&b, "This is over: %s.\n\nIt was:\n  %s.\n", m.title(), what)
	default:
		fmt.Fprintf(&b, "%s.\n", what)
	}
	if m.Fix != "" {
		fmt.Fprintf(&b, "\nWhat to do: %s.\n", m.Fix)
	}
	if !m.Since.IsZero() && m.Kind != Test {
		fmt.Fprintf(&b, "\nSince %s.\n", record.Moment(m.Since, zone))
	}
	if address != "" {
		fmt.Fprintf(&b, "\n%s\n", address)
	}
	return b.String()
}
