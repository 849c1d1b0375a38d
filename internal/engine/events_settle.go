package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A telling turns a system's answers about events into facts.
type telling struct {
	r     *run
	side  record.Side // that is told
	end   end
	whom  map[int64]recipient
	rules map[string]mapping.Event

	settled []store.Event
	facts   store.Facts
	n       int   // events that the system has
	stop    error // ends the run: the whole connection is affected
}

// newTelling is for events that happened on a side.
func (r *run) newTelling(side record.Side, whom map[int64]recipient) *telling {
	other := side.Other()
	return &telling{r: r, side: other, end: r.p.ends[other], whom: whom, rules: r.eventRules(), facts: store.Facts{Sync: r.p.Name}}
}

// known leaves out, and drops, events whose rule is not there any more.
func (s *telling) known(events []store.Event) []store.Event {
	var out []store.Event
	for _, e := range events {
		if _, is := s.rules[e.Rule]; is {
			out = append(out, e)
			continue
		}
		e.State, e.Error = store.EventDropped, "its rule is not there any more"
		s.settled = append(s.settled, e)
	}
	return out
}

// told journals an event that the system has.
func (s *telling) told(e store.Event, how string) {
	rule, to := s.rules[e.Rule], s.whom[e.ID]
	s.facts.Journal = append(s.facts.Journal, store.Entry{At: time.Now().Truncate(time.Microsecond), Run: s.r.id, Sync: s.r.p.Name, Link: to.link, Side: s.side,
		Of: s.end.of, Record: to.id, Kind: store.Told, Field: rule.Send, Set: e.Properties, Why: rule.On + " of " + e.Of.String() + "/" + e.Record + how})
	e.State, e.Target, e.Error = store.EventTold, to.id, ""
	s.settled = append(s.settled, e)
	s.n++
}

func (s *telling) later(e store.Event, state store.EventState, wait time.Duration, err error) {
	e.State, e.Error, e.NotBefore = state, err.Error(), time.Now().Add(wait)
	s.settled = append(s.settled, e)
}

// failed settles one event that was not taken, or of which nobody knows, by the kind of its
// error. One that the system refuses waits for a person, and those after it go on: it may never
// be taken.
func (s *telling) failed(ctx context.Context, e store.Event, err error) {
	ce := connector.ErrorOf(err)
	switch ce.Kind {
	case connector.Duplicate:
		s.told(e, "; it was there")
	case connector.Unavailable, connector.RateLimited, connector.Expired:
		s.later(e, store.EventReady, backoff(e.Attempts, ce.Wait), err)
	case connector.Invalid, connector.Unsupported, connector.NotFound, connector.Conflict:
		s.refused(e, ce)
	case connector.Unauthorized, connector.Forbidden:
		if ce.Kind == connector.Forbidden && ce.Scope == connector.ScopeRecord {
			s.refused(e, ce)
			return
		}
		s.later(e, store.EventReady, 0, err)
		s.stop = fmt.Errorf("tell %s of events: %w", s.end.of.Connection, s.r.e.spoil(ctx, s.end.conn, err))
	default: // it may have arrived
		s.later(e, store.EventUnknown, max(eventShows, backoff(e.Attempts, 0)), err)
	}
}

func (s *telling) refused(e store.Event, ce *connector.Error) {
	name, cause := s.rules[e.Rule].Send, ce.Error()
	if ce.Err != nil {
		cause = ce.Err.Error()
	}
	e.State, e.Error = store.EventRefused, cause
	s.settled = append(s.settled, e)
	s.r.asking.Store(true)
	s.facts.Reviews = append(s.facts.Reviews, store.Review{ID: s.r.e.store.NewID(), Sync: s.r.p.Name, Kind: store.ReviewEvents, Subject: refusedEvent(e),
		Side: s.side, Record: s.whom[e.ID].id, Field: name, Opened: time.Now(), Cause: cause, Choices: []string{"retry", "dismiss"},
		Text: fmt.Sprintf("%s does not take the event %s of %s/%s: %s", s.end.of.Connection, name, e.Of, e.Record, cause),
		Fix:  fixOr(ce, "correct what it objects to, and retry; dismiss drops the event")})
}

// finish stores what came of the events, all in one transaction.
func (s *telling) finish(ctx context.Context) error {
	if len(s.settled) == 0 {
		return nil
	}
	s.r.note(s.facts)
	if err := s.r.e.store.SettleEvents(ctx, s.r.p.Name, s.settled, s.facts); err != nil {
		return fmt.Errorf("settle events: %w", err)
	}
	s.r.mu.Lock()
	s.r.rec.Sides[s.side].Events += s.n
	done := s.r.rec.Sides[s.side].Events
	s.r.mu.Unlock()
	s.r.progress(Progress{Act: ActTell, Of: s.end.of.Connection, Done: done})
	return nil
}
