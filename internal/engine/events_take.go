package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
)

// eventsSubject is the subject of the one question about events that a sync has.
const eventsSubject = "events"

// sinceRestore is why events wait that were seen after a restore.
const sinceRestore = "since a restore"

// takeUpEvents decides what of all that was seen is told, and with what; what would be too much
// waits for a person (R30), and so does what was seen right after a restore (R34).
func (r *run) takeUpEvents(ctx context.Context) error {
	if states, err := r.e.store.EventStates(ctx, r.p.Name); err != nil || len(states) == 0 {
		return err
	}
	if err := r.takeUpAnswers(ctx); err != nil {
		return err
	}
	over, err := r.tooManyEvents(ctx)
	if err != nil {
		return err
	}
	rules, now := r.eventRules(), time.Now()
	err = r.eachEvent(ctx, func(events []store.Event) error {
		refs, err := r.loadEventRefs(ctx, events, rules)
		if err != nil {
			return err
		}
		for i, e := range events {
			e = r.judgeEvent(e, rules, refs, now)
			_, blown := over[e.Rule]
			switch {
			case e.State != store.EventReady:
			case r.foreign(e):
				e.State = store.EventUnknown // R34: the installation that noted it may have told it
			case r.restored != nil:
				e.State, e.Error = store.EventHeld, sinceRestore
			case blown:
				e.State = store.EventHeld
			}
			events[i] = e
		}
		return r.e.store.SettleEvents(ctx, r.p.Name, events, store.Facts{})
	}, store.EventSeen)
	if err != nil {
		return err
	}
	return r.askAboutEvents(ctx, over)
}

// foreign reports whether an event was noted before this installation was restored.
func (r *run) foreign(e store.Event) bool { return !strings.HasPrefix(e.Key, "tandem-"+r.e.home+"-") }

// judgeEvent decides about one event that was seen.
func (r *run) judgeEvent(e store.Event, rules map[string]mapping.Event, refs mapping.Refs, now time.Time) store.Event {
	e.Taken, e.State = now, store.EventDropped
	rule, known := rules[e.Rule]
	if !known {
		e.Error = "its rule is not there any more"
		return e
	}
	wanted, err := rule.Wanted(e.Now, e.Old, refs)
	switch {
	case err != nil:
		e.Error = uncomputable + err.Error()
	case !wanted:
		e.State = "" // the rule does not mean it
	case e.Person == "":
		e.Error = "it refers to nobody"
	default:
		e.State = store.EventReady
		if e.Properties, err = rule.Properties(e.Now, e.Old, refs); err != nil {
			e.Error = uncomputable + err.Error()
		}
	}
	return e
}

// tooManyEvents returns the rules by which more would be told within a day than the guard allows,
// with how many (R30).
func (r *run) tooManyEvents(ctx context.Context) (map[string]int, error) {
	linked, err := r.linkedAtStart(ctx)
	if err != nil {
		return nil, err
	}
	total, err := r.e.store.EventsTaken(ctx, r.p.Name, time.Now().Add(-guardDay))
	if err != nil {
		return nil, err
	}
	rules := r.eventRules()
	err = r.eachEvent(ctx, func(events []store.Event) error {
		refs, err := r.loadEventRefs(ctx, events, rules)
		for _, e := range events {
			if r.judgeEvent(e, rules, refs, time.Now()).State == store.EventReady {
				total[e.Rule]++
			}
		}
		return err
	}, store.EventSeen)
	maps.DeleteFunc(total, func(_ string, n int) bool { return n <= r.p.Guard.Events.Limit(linked) })
	return total, err
}

// askAboutEvents keeps the question about held events open for as long as there are any.
func (r *run) askAboutEvents(ctx context.Context, over map[string]int) error {
	held := map[string]int{}
	err := r.eachEvent(ctx, func(events []store.Event) error {
		for _, e := range events {
			held[e.Rule]++
		}
		return nil
	}, store.EventHeld)
	if err != nil {
		return err
	}
	if len(held) == 0 {
		if !r.asking.Load() {
			return nil
		}
		return r.e.store.SettleEvents(ctx, r.p.Name, nil, store.Facts{Close: []string{eventsSubject}})
	}
	rules := r.eventRules()
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(held)) {
		name, at := key, ""
		if rule, known := rules[key]; known {
			name, at = rule.Send, r.p.ends[rule.Source.Other()].of.Connection
		}
		part := fmt.Sprintf("%d events %s wait", held[key], name)
		if n := over[key]; n > 0 {
			limit := r.p.Guard.Events.Limit(max(0, r.linked))
			part = fmt.Sprintf("%d events %s would be told to %s within a day, and the guard allows %d", n, name, at, limit)
		}
		parts = append(parts, part)
	}
	why := strings.Join(parts, "; ")
	fix := "look at what has changed so many records; approve has them told, dismiss drops them"
	if r.restored != nil {
		why += ": they were seen since a backup was restored, and may have been told before that"
		fix = "if the other side does not have them, approve has them told; dismiss drops them"
	}
	r.asking.Store(true)
	return r.e.store.SettleEvents(ctx, r.p.Name, nil, store.Facts{Reviews: []store.Review{{ID: r.e.store.NewID(), Sync: r.p.Name, Kind: store.ReviewEvents,
		Subject: eventsSubject, Opened: time.Now(), Text: why, Fix: fix, Choices: []string{sayMeant, "dismiss"}}}})
}

// takeUpAnswers carries out what people have said about events that wait or were refused.
func (r *run) takeUpAnswers(ctx context.Context) error {
	return r.eachEvent(ctx, func(events []store.Event) error {
		var done []store.Event
		for _, e := range events {
			subject := eventsSubject
			if e.State == store.EventRefused {
				subject = refusedEvent(e)
			}
			item, err := r.decision(ctx, subject)
			if err != nil {
				return err
			}
			if item.Decision == "" || item.Decided.Before(e.Taken) {
				continue
			}
			e.State, e.Approved, e.Error, e.NotBefore = store.EventReady, true, "", time.Time{}
			if r.foreign(e) {
				e.State = store.EventUnknown
			}
			if item.Decision == "dismiss" {
				e.State, e.Error = store.EventDropped, "a person said that it is not to be told"
			}
			done = append(done, e)
		}
		if len(done) == 0 {
			return nil
		}
		return r.e.store.SettleEvents(ctx, r.p.Name, done, store.Facts{})
	}, store.EventHeld, store.EventRefused)
}

func refusedEvent(e store.Event) string { return fmt.Sprintf("event %d", e.ID) }
