package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Events tell the system on the other side what happened to a person. That something happened is
// noted by the store with the page that shows it; events_take.go decides what of it is told, and
// events_tell.go tells it. What an event is about is read like all that a run reads besides its
// two objects.

// transitions are the words of the configuration as the store knows them.
func transitions() map[string]store.Transition {
	return map[string]store.Transition{"created": store.HasCreated, "updated": store.HasUpdated, "changed": store.HasChanged,
		"deleted": store.HasDeleted, "merged": store.HasMerged}
}

// eventsOf are the rules of a sync about one side.
func (p *pair) eventsOf(side record.Side) []mapping.Event {
	if p.Mapping == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Mapping.Events()), func(e mapping.Event) bool { return e.Source != side })
}

// eventObjects are the objects of a side that its events need besides the sync's own: those that
// something happens to, and those into which their expressions look.
func (p *pair) eventObjects(side record.Side) (happens, looked []store.Object) {
	add := func(to *[]store.Object, name string) {
		of := store.Object{Connection: p.ends[side].of.Connection, Name: name}
		if of != p.ends[side].of && !slices.Contains(*to, of) {
			*to = append(*to, of)
		}
	}
	for _, e := range p.eventsOf(side) {
		add(&happens, e.Object)
		for _, name := range e.Lookups {
			add(&looked, name)
		}
	}
	return happens, looked
}

// widenEvents asks for what events read: of an object that something happens to, the fields that
// its rules name, and its common ones where any change is an event.
func (e *Engine) widenEvents(wanted map[store.Object][]string, p *pair, side record.Side) {
	end := p.ends[side]
	for _, ev := range p.eventsOf(side) {
		of := store.Object{Connection: end.of.Connection, Name: ev.Object}
		fields := append(append([]string{ev.Ref, ev.Field}, ev.Now...), ev.Old...)
		if ev.What == "updated" && ev.Ref != "" {
			for _, f := range end.conn.objects[ev.Object].Fields {
				if f.Common != "" && !f.Key {
					fields = append(fields, f.Name)
				}
			}
		}
		wanted[of] = append(wanted[of], slices.DeleteFunc(fields, func(name string) bool { return name == "" })...)
	}
	if len(p.eventsOf(side)) > 0 { // by these too a system knows people
		for _, to := range p.ends {
			for _, common := range []string{"email", "phone"} {
				if f, ok := to.object.ByCommon(common); ok {
					wanted[to.of] = append(wanted[to.of], f.Name)
				}
			}
		}
	}
	_, looked := p.eventObjects(side)
	for _, of := range looked {
		for _, f := range end.conn.objects[of.Name].Fields {
			if f.Kind != record.KindList && !f.Key {
				wanted[of] = append(wanted[of], f.Name)
			}
		}
	}
}

// watchEvents tells the store what it has to note from now on.
func (e *Engine) watchEvents() {
	rules := map[store.Object][]store.EventWatch{}
	for _, p := range e.syncs {
		for _, side := range record.Sides() {
			for _, ev := range p.eventsOf(side) {
				of := store.Object{Connection: p.ends[side].of.Connection, Name: ev.Object}
				w := store.EventWatch{Sync: p.Name, Side: side, Rule: ev.Key(), On: transitions()[ev.What], Field: ev.Field, Now: ev.Now, Old: ev.Old, Ref: ev.Ref}
				if w.On == store.HasUpdated {
					w.Fields = e.countsAsUpdate(p, side, ev)
				}
				rules[of] = append(rules[of], w)
			}
		}
	}
	e.store.WatchEvents(rules)
}

// countsAsUpdate are the fields whose change is an update: what the syncs read of the object,
// but for what moves by itself.
func (e *Engine) countsAsUpdate(p *pair, side record.Side, ev mapping.Event) []string {
	wire := p.wire[side]
	if ev.Ref != "" {
		i := slices.IndexFunc(p.aside, func(a aside) bool { return a.end.of.Name == ev.Object && a.side == side })
		if i < 0 {
			return nil
		}
		wire = p.aside[i].wire
	}
	object := p.ends[side].conn.objects[ev.Object]
	var out []string
	for _, name := range wire {
		if f, ok := object.Field(name); ok && !f.Key && f.Common != "created_at" && f.Common != "updated_at" {
			out = append(out, name)
		}
	}
	return out
}

// strangeEvents are expressions that name the objects of a sync's events, as far as these happen
// on a side: they may have to be described first.
func (e *Engine) strangeEvents(s plan.Sync, side record.Side) []string {
	if c := e.conns[s.Ends[side.Other()].Connection]; c.able.Events == nil {
		return nil
	}
	var sources []string
	for _, rule := range s.Events {
		if object, _, _, ok := rule.Split(); ok && object != s.Ends[side].Object {
			sources = append(sources, fmt.Sprintf("f[%q]", object))
		}
	}
	return sources
}

// eventRefs lets expressions of events look into the records that theirs refer to.
type eventRefs map[record.Ref]record.Fields

// Translate implements mapping.Refs; an event tells values as they are.
func (eventRefs) Translate(record.Side, string, string) (string, bool) { return "", false }

// Lookup implements mapping.Refs.
func (f eventRefs) Lookup(_ record.Side, object, id string) (record.Fields, bool) {
	fields, ok := f[record.Ref{Object: object, ID: id}]
	return fields, ok
}

// loadEventRefs loads what the expressions of events look into.
func (r *run) loadEventRefs(ctx context.Context, events []store.Event, rules map[string]mapping.Event) (eventRefs, error) {
	wanted := map[store.Object][]string{}
	for _, e := range events {
		rule, known := rules[e.Rule]
		if !known || len(rule.Lookups) == 0 {
			continue
		}
		object := r.p.ends[e.Side].conn.objects[rule.Object]
		for _, fields := range []record.Fields{e.Now, e.Old} {
			for name, v := range fields {
				if f, ok := object.Field(name); ok && slices.Contains(rule.Lookups, f.To) {
					of := store.Object{Connection: e.Of.Connection, Name: f.To}
					wanted[of] = append(wanted[of], idsOf(v)...)
				}
			}
		}
	}
	found := eventRefs{}
	for of, ids := range wanted {
		rows, err := r.e.store.Rows(ctx, of, ids)
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", of, err)
		}
		for id, row := range rows {
			found[record.Ref{Object: of.Name, ID: id}] = row.Fields
		}
	}
	return found, nil
}

// eventRules are the sync's rules by what tells them apart.
func (r *run) eventRules() map[string]mapping.Event {
	rules := map[string]mapping.Event{}
	for _, e := range r.p.Mapping.Events() {
		rules[e.Key()] = e
	}
	return rules
}

// tellEvents tells what was taken up. It is the last that a run does: then the people that
// something happened to are on the other side.
func (r *run) tellEvents(ctx context.Context) error {
	for {
		n, next, err := r.tellRound(ctx)
		if err != nil {
			return fmt.Errorf("tell of events: %w", err)
		}
		left := time.Until(next)
		switch {
		case n > 0:
			continue
		case next.IsZero():
			return nil
		case left > patience:
			r.eventsWait(next)
			return nil
		}
		r.progress(Progress{Act: ActWait, Until: next})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
	}
}

// eventsWait notes until when events wait.
func (r *run) eventsWait(next time.Time) {
	if r.waiting == 0 || next.Before(r.wait) {
		r.wait = next
	}
	r.waiting++
}

// countEvents says for a rehearsal how many events would be told.
func (r *run) countEvents(ctx context.Context) (int, error) {
	states, err := r.e.store.EventStates(ctx, r.p.Name)
	if err != nil || len(states) == 0 {
		return 0, err
	}
	n, rules := 0, r.eventRules()
	return n, r.eachEvent(ctx, func(events []store.Event) error {
		refs, err := r.loadEventRefs(ctx, events, rules)
		if err != nil {
			return err
		}
		whom, err := r.whom(ctx, events)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.State == store.EventSeen {
				e = r.judgeEvent(e, rules, refs, time.Now())
			}
			if (e.State == store.EventReady || e.State == store.EventUnknown) && whom[e.ID].never == "" {
				n++
			}
		}
		return nil
	}, store.EventSeen, store.EventReady, store.EventUnknown)
}

// eventBatch is how many events are looked at, or told, at a time.
const eventBatch = 200

// eachEvent walks through the events of the sync in those states, in their order. What see
// settles may leave its state.
func (r *run) eachEvent(ctx context.Context, see func([]store.Event) error, states ...store.EventState) error {
	var place store.EventPlace
	for {
		events, err := r.e.store.Events(ctx, r.p.Name, place, eventBatch, states...)
		if err != nil || len(events) == 0 {
			return err
		}
		last := events[len(events)-1]
		place = store.EventPlace{At: last.At, ID: last.ID}
		if err := see(events); err != nil {
			return err
		}
	}
}

// present reports whether a row is of a record that is there.
func present(row store.Row, known bool) bool { return known && row.Fate == connector.Present }
