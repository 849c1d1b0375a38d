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

// eventShows is how long a system has to show an event whose outcome is not known (R16).
const eventShows = time.Minute

// eventPatience is how long an event waits for its person to come to the other side.
const eventPatience = 30 * 24 * time.Hour

// tellRound tells, of each person, the first event that has not been told: an event waits for
// the one before it. It returns how many it brought forward, and when the next one is due.
func (r *run) tellRound(ctx context.Context) (n int, next time.Time, err error) {
	busy := map[string]bool{} // people of whom an earlier event is under way or waits
	err = r.eachEvent(ctx, func(events []store.Event) error {
		whom, err := r.whom(ctx, events)
		if err != nil {
			return err
		}
		var ready, unsure, dropped []store.Event
		for _, e := range events {
			to := whom[e.ID]
			if to.never != "" && e.State != store.EventHeld {
				e.State, e.Error = store.EventDropped, to.never
				dropped = append(dropped, e)
				continue
			}
			key := to.key(e)
			if busy[key] {
				continue
			}
			busy[key] = true
			switch {
			case to.id == "" || e.State == store.EventHeld:
			case e.NotBefore.After(time.Now()):
				if next.IsZero() || e.NotBefore.Before(next) {
					next = e.NotBefore
				}
			case e.State == store.EventReady:
				ready = append(ready, e)
			default:
				unsure = append(unsure, e)
			}
		}
		n += len(ready) + len(unsure) + len(dropped)
		if len(dropped) > 0 {
			if err := r.e.store.SettleEvents(ctx, r.p.Name, dropped, store.Facts{}); err != nil {
				return err
			}
		}
		for _, side := range record.Sides() {
			if err := r.lookUpEvents(ctx, side, ofSide(unsure, side), whom); err != nil {
				return err
			}
			if err := r.tellBatch(ctx, side, ofSide(ready, side), whom); err != nil {
				return err
			}
		}
		return nil
	}, store.EventReady, store.EventUnknown, store.EventHeld)
	return n, next, err
}

func ofSide(events []store.Event, side record.Side) []store.Event {
	var out []store.Event
	for _, e := range events {
		if e.Side == side {
			out = append(out, e)
		}
	}
	return out
}

// A recipient is the record on the other side that an event happened to.
type recipient struct {
	id     string // "" = there is none yet
	link   int64
	fields record.Fields // of the record, and of its partner where that says more
	never  string        // why there will be none; "" = there may be
}

// key is what keeps the events of one person in order.
func (to recipient) key(e store.Event) string {
	if to.id != "" {
		return fmt.Sprintf("%d to %s", e.Side, to.id)
	}
	return fmt.Sprintf("%d of %s", e.Side, e.Person)
}

// whom finds the recipients of events.
func (r *run) whom(ctx context.Context, events []store.Event) (map[int64]recipient, error) {
	out := make(map[int64]recipient, len(events))
	for _, side := range record.Sides() {
		mine := ofSide(events, side)
		if len(mine) == 0 {
			continue
		}
		heirs, err := r.survivors(ctx, side, mine)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, id := range heirs {
			ids = append(ids, id)
		}
		links, err := r.e.store.LinksOf(ctx, r.p.Name, side, ids)
		if err != nil {
			return nil, fmt.Errorf("load links: %w", err)
		}
		var targets []string
		for _, l := range links {
			targets = append(targets, l.IDs[side.Other()])
		}
		var rows [2]map[string]store.Row
		if rows[side], err = r.e.store.Rows(ctx, r.p.ends[side].of, ids); err != nil {
			return nil, fmt.Errorf("load people: %w", err)
		}
		if rows[side.Other()], err = r.e.store.Rows(ctx, r.p.ends[side.Other()].of, targets); err != nil {
			return nil, fmt.Errorf("load people: %w", err)
		}
		for _, e := range mine {
			l, linked := links[heirs[e.Person]]
			if out[e.ID], err = r.recipient(ctx, e, heirs[e.Person], l, linked, rows); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (r *run) recipient(ctx context.Context, e store.Event, person string, l store.Link, linked bool, rows [2]map[string]store.Row) (recipient, error) {
	other := e.Side.Other()
	if linked {
		row, known := rows[other][l.IDs[other]]
		source := rows[e.Side][person]
		// Of who is gone here, only that is told, if somebody is left there.
		if l.Closed == "" || present(row, known) && e.Record == person && e.Of == r.p.ends[e.Side].of && !present(source, true) {
			return recipient{id: l.IDs[other], link: l.ID, fields: r.addresses(other, row, source)}, nil
		}
		return recipient{never: "its person has no partner any more: " + l.Closed}, nil
	}
	stands, err := r.e.store.Standing(ctx, r.p.Name, e.Side, person)
	if err != nil {
		return recipient{}, err
	}
	row, known := rows[e.Side][person]
	switch stands.Reason {
	case standsFiltered, standsPartner, standsDirection, standsNoCreate, standsClosed, standsParted, standsTarget, standsErased:
		return recipient{never: "its person is not on the other side: " + stands.Reason}, nil
	}
	switch {
	case known && !present(row, known):
		return recipient{never: "its person is gone"}, nil
	case time.Since(e.At) > eventPatience:
		return recipient{never: "its person did not come to the other side within 30 days"}, nil
	}
	return recipient{}, nil
}

// survivors follows merges: what happened to the lost record happened to the survivor (R24).
func (r *run) survivors(ctx context.Context, side record.Side, events []store.Event) (map[string]string, error) {
	heirs := map[string]string{}
	var ids []string
	for _, e := range events {
		heirs[e.Person] = e.Person
		ids = append(ids, e.Person)
	}
	const most = 5
	for range most {
		heads, err := r.e.store.Heads(ctx, r.p.ends[side].of, ids)
		if err != nil {
			return nil, fmt.Errorf("load people: %w", err)
		}
		ids = nil
		for person, id := range heirs {
			if row := heads[id]; row.Fate == connector.Merged && len(row.Into) > 0 {
				heirs[person] = row.Into[0].ID
				ids = append(ids, row.Into[0].ID)
			}
		}
		if len(ids) == 0 {
			break
		}
	}
	return heirs, nil
}

// addresses are the e-mail address and the telephone number by which a system may know a person.
func (r *run) addresses(side record.Side, row, source store.Row) record.Fields {
	out := record.Fields{}
	for _, common := range []string{"email", "phone"} {
		for _, x := range []struct {
			object record.Object
			row    store.Row
		}{{r.p.ends[side].object, row}, {r.p.ends[side.Other()].object, source}} {
			if f, ok := x.object.ByCommon(common); ok && out[common].IsEmpty() {
				out[common] = x.row.Fields[f.Name]
			}
		}
	}
	return out
}

// connectorEvents are events as a connector is given them.
func connectorEvents(events []store.Event, whom map[int64]recipient, rules map[string]mapping.Event) []connector.Event {
	out := make([]connector.Event, len(events))
	for i, e := range events {
		to := whom[e.ID]
		person := connector.Person{ID: to.id, Email: to.fields["email"].Text(), Phone: to.fields["phone"].Text()}
		out[i] = connector.Event{Key: e.Key, Name: rules[e.Rule].Send, At: e.At, Person: person, Properties: e.Properties}
	}
	return out
}

// tellBatch tells events that happened on a side to the other side's system. That they may have
// been told is durable before they are, and what came of it with the line in the journal.
func (r *run) tellBatch(ctx context.Context, side record.Side, events []store.Event, whom map[int64]recipient) error {
	s := r.newTelling(side, whom)
	events = s.known(events)
	if len(events) == 0 {
		return s.finish(ctx)
	}
	for i := range events {
		e := &events[i]
		e.State, e.Attempts, e.NotBefore, e.Target = store.EventSending, e.Attempts+1, time.Now(), whom[e.ID].id
	}
	if err := r.e.store.SettleEvents(ctx, r.p.Name, events, store.Facts{}); err != nil {
		return err
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeFor)
	defer cancel()
	results, err := s.end.conn.able.Events.Track(metered(work, r.calls[side.Other()]), connectorEvents(events, whom, s.rules))
	if err == nil && len(results) != len(events) {
		err = &connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeObject,
			Err: fmt.Errorf("%s answered %d of %d events", s.end.conn.spec.Title, len(results), len(events))}
	}
	for i, e := range events {
		is := err
		if err == nil {
			is = results[i].Err
		}
		if is != nil {
			s.failed(context.WithoutCancel(ctx), e, is)
			continue
		}
		s.told(e, "")
	}
	if err := s.finish(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return s.stop
}

// lookUpEvents asks which events of unknown outcome the system has (R16, invariant 4).
func (r *run) lookUpEvents(ctx context.Context, side record.Side, events []store.Event, whom map[int64]recipient) error {
	s := r.newTelling(side, whom)
	events = s.known(events)
	if len(events) == 0 {
		return s.finish(ctx)
	}
	has, err := s.end.conn.able.Events.Tracked(metered(ctx, r.calls[side.Other()]), connectorEvents(events, whom, s.rules))
	if err == nil && len(has) != len(events) {
		err = fmt.Errorf("%s answered %d of %d questions", s.end.conn.spec.Title, len(has), len(events))
	}
	for i, e := range events {
		switch {
		case err != nil:
			ce := connector.ErrorOf(err)
			s.later(e, store.EventUnknown, max(backoff(e.Attempts+1, ce.Wait), eventShows), err)
			if ce.Kind == connector.Unauthorized {
				s.stop = fmt.Errorf("look events up: %w", r.e.spoil(ctx, s.end.conn, err))
			}
		case has[i]:
			s.told(e, "; looked up")
		default:
			s.later(e, store.EventReady, 0, fmt.Errorf("it did not arrive"))
		}
	}
	if err := s.finish(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return s.stop
}
