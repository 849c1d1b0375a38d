package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// An EventState is how far an event has come.
type EventState string

// The states of an event.
const (
	EventSeen    EventState = "seen"    // it happened; nobody has looked yet what is to be told of it
	EventHeld    EventState = "held"    // a person has to say whether it is told
	EventReady   EventState = "ready"   // to be told from NotBefore on
	EventSending EventState = "sending" // it may have been told
	EventUnknown EventState = "unknown" // to be looked up from NotBefore on (R16)
	EventTold    EventState = "told"
	EventRefused EventState = "refused" // the system does not take it
	EventDropped EventState = "dropped" // it is told to nobody; Error says why
)

// lookUpAfter is how long a system has to show an event that it was told of.
const lookUpAfter = time.Minute

// An Event is something that happened to a record and is told to the system on the other side.
type Event struct {
	ID         int64 // grows in the order in which events were seen
	Sync       string
	Side       record.Side // where it happened
	Of         Object      // of Record
	Record     string
	Rule       string
	Person     string        // id of the sync's record of that side that it happened to; "" = nobody's
	Key        string        // travels with it, the same in every repetition (R16)
	At         time.Time     // when it happened, as far as is known
	Now, Old   record.Fields // what the rule needs of the record, then and before
	State      EventState    // "" takes it out of the queue
	Taken      time.Time     // when it was found to be worth telling
	Approved   bool          // by a person; guards do not count it
	Attempts   int
	NotBefore  time.Time
	Target     string // id of the person's record on the other side, once it is known
	Error      string
	Properties record.Fields
}

// An EventPlace is where a list of events goes on: after that one.
type EventPlace struct {
	At time.Time
	ID int64
}

const eventColumns = `id, side, object, record, rule, person, ident, at, state, taken, approved, attempts, not_before, target, error, now_fields, old_fields, told`

// Events returns events of a sync in those states, in the order in which they happened.
func (s *Store) Events(ctx context.Context, sync string, after EventPlace, n int, states ...EventState) ([]Event, error) {
	var all []Event
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		a := args(s.names.sync(sync).id, micros(after.At), micros(after.At), after.ID)
		for _, state := range states {
			a = append(a, string(state))
		}
		return q.each(ctx, `SELECT `+eventColumns+` FROM events WHERE sync = ? AND (at > ? OR at = ? AND id > ?) AND state IN (?`+
			strings.Repeat(", ?", len(states)-1)+`) ORDER BY at, id LIMIT ?`, append(a, n), func(scan scanner) error {
			e, err := s.scanEvent(scan)
			e.Sync = sync
			all = append(all, e)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read events of %s: %w", sync, err)
	}
	return all, nil
}

func (s *Store) scanEvent(scan scanner) (Event, error) {
	var e Event
	var object, at, taken, approved, notBefore int64
	var now, old, told sql.RawBytes
	err := scan(&e.ID, &e.Side, &object, &e.Record, &e.Rule, &e.Person, &e.Key, &at, &e.State, &taken, &approved, &e.Attempts, &notBefore,
		&e.Target, &e.Error, &now, &old, &told)
	if err != nil {
		return e, err
	}
	e.Of, e.At, e.Taken, e.Approved, e.NotBefore = s.names.objectOf(object), fromMicros(at), fromMicros(taken), approved != 0, fromMicros(notBefore)
	for _, x := range []struct {
		from sql.RawBytes
		to   *record.Fields
	}{{now, &e.Now}, {old, &e.Old}, {told, &e.Properties}} {
		if *x.to, err = decode(x.from); err != nil {
			return e, fmt.Errorf("event %d: %w", e.ID, err)
		}
	}
	return e, nil
}

// SettleEvents says what has become of events of a sync, together with what that means for the
// journal and the review queue, in one transaction. An event that is not there any more, because
// its person was erased, stays away.
func (s *Store) SettleEvents(ctx context.Context, sync string, events []Event, f Facts) error {
	if f.Sync == "" {
		f.Sync = sync
	}
	return s.finish(ctx, "settle events", func(t *tx) error {
		for _, e := range events {
			if err := t.settleEvent(e); err != nil {
				return fmt.Errorf("event %d: %w", e.ID, err)
			}
		}
		return t.facts(f, nil)
	})
}

func (t *tx) settleEvent(e Event) error {
	if e.State == "" {
		_, err := t.exec(`DELETE FROM events WHERE workspace = ? AND id = ?`, t.s.workspace, e.ID)
		return err
	}
	now, old, told := encode(e.Now), encode(e.Old), encode(e.Properties)
	if e.State == EventTold || e.State == EventDropped {
		now, old, told = nil, nil, nil // the journal says what was told
	}
	_, err := t.exec(`UPDATE events SET state = ?, taken = ?, approved = ?, attempts = ?, not_before = ?, target = ?, error = ?,
		now_fields = ?, old_fields = ?, told = ? WHERE workspace = ? AND id = ?`, string(e.State), micros(e.Taken), int64(count(e.Approved)),
		e.Attempts, micros(e.NotBefore), e.Target, e.Error, now, old, told, t.s.workspace, e.ID)
	return err
}

// EventsTaken counts, by rule, the events of a sync that were to be told since a time, without
// those that a person has approved of.
func (s *Store) EventsTaken(ctx context.Context, sync string, since time.Time) (map[string]int, error) {
	return s.countEvents(ctx, sync, `SELECT rule, COUNT(*) FROM events WHERE sync = ? AND taken >= ? AND approved = 0
		AND state IN ('ready', 'sending', 'unknown', 'told', 'refused') GROUP BY rule`, micros(since))
}

// EventStates counts the events of a sync by their state.
func (s *Store) EventStates(ctx context.Context, sync string) (map[EventState]int, error) {
	n, err := s.countEvents(ctx, sync, `SELECT state, COUNT(*) FROM events WHERE sync = ? GROUP BY state`)
	states := make(map[EventState]int, len(n))
	for state, count := range n {
		states[EventState(state)] = count
	}
	return states, err
}

func (s *Store) countEvents(ctx context.Context, sync, query string, more ...any) (map[string]int, error) {
	counts := map[string]int{}
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, query, append(args(s.names.sync(sync).id), more...), func(scan scanner) error {
			var of string
			var n int
			err := scan(&of, &n)
			counts[of] = n
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("count events of %s: %w", sync, err)
	}
	return counts, nil
}

// recoverEvents turns what an earlier process was telling into events of unknown outcome.
func (t *tx) recoverEvents() error {
	_, err := t.exec(`UPDATE events SET state = 'unknown', not_before = not_before + ? WHERE workspace = ? AND state = 'sending'`,
		lookUpAfter.Microseconds(), t.s.workspace)
	if err != nil {
		return fmt.Errorf("recover events: %w", err)
	}
	return nil
}

// forgetEvents removes what happened to an erased person, or to a record of theirs.
func (t *tx) forgetEvents(object int64, id string) error {
	if _, err := t.exec(`DELETE FROM events WHERE object = ? AND record = ?`, object, id); err != nil {
		return fmt.Errorf("remove events: %w", err)
	}
	for _, side := range record.Sides() {
		for _, sync := range t.syncsOf(object, side) {
			if _, err := t.exec(`DELETE FROM events WHERE sync = ? AND person = ? AND side = ?`, sync, id, int64(side)); err != nil {
				return fmt.Errorf("remove events: %w", err)
			}
		}
	}
	return nil
}

// sqlPruneEvents removes what was told, or dropped, some time ago.
const sqlPruneEvents = `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE workspace = ? AND state IN ('told', 'dropped') AND taken < ? LIMIT ?)`

// pruneLeft removes events of syncs that are not there any more: nobody tells them, or asks about them.
func (t *tx) pruneLeft(keep Ages, most int) (int, error) {
	if keep.Left.IsZero() {
		return 0, nil
	}
	var gone []int64
	err := t.each(`SELECT id, name FROM syncs WHERE workspace = ?`, args(t.s.workspace), func(scan scanner) error {
		var id int64
		var name string
		err := scan(&id, &name)
		if !slices.Contains(keep.Syncs, name) {
			gone = append(gone, id)
		}
		return err
	})
	removed := 0
	for _, id := range gone {
		if err != nil {
			break
		}
		var n int64
		n, err = t.exec(`DELETE FROM events WHERE id IN (SELECT id FROM events WHERE sync = ? AND at < ? LIMIT ?)`, id, micros(keep.Left), most)
		removed += int(n)
	}
	return removed, err
}

// EventsOf returns events of one person that have not been told, or never will be, in their order.
func (s *Store) EventsOf(ctx context.Context, sync string, side record.Side, person string, n int) ([]Event, error) {
	var all []Event
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+eventColumns+` FROM events WHERE sync = ? AND person = ? AND side = ? AND state <> 'told' ORDER BY at, id LIMIT ?`,
			args(s.names.sync(sync).id, person, int64(side), n), func(scan scanner) error {
				e, err := s.scanEvent(scan)
				e.Sync = sync
				all = append(all, e)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read events of %s: %w", person, err)
	}
	return all, nil
}
