package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// sqlHooks is the schema of what vendors report by themselves.
func sqlHooks() []string {
	return []string{
		// n counts the notifications that a row stands for: who has read the record removes
		// the row only if no further one has come meanwhile. ripe is when the last one can be read.
		`CREATE TABLE hints (workspace {int}, object {int}, id {text}, received {int}, due {int}, ripe {int}, attempts {int}, n {int},
			PRIMARY KEY (object, id)){keyed}`,
		`CREATE INDEX hints_due ON hints (object, due)`,
		`CREATE TABLE doors (workspace {int}, connection {text}, secret {text}, address {text}, since {int}, renew {int}, heard {int},
			lost {int}, silent {int}, problem {text}, accepted {int}, duplicate {int}, refused {int}, busy {int},
			PRIMARY KEY (workspace, connection)){keyed}`,
		`ALTER TABLE runs ADD COLUMN hinted {int} DEFAULT 0`,
		// The last run that asked the vendors, among many for what they reported.
		`CREATE INDEX runs_full ON runs (sync, id) WHERE hinted = 0`,
	}
}

// An Arrival is what one accepted delivery of a connection brings, or what a door has counted.
type Arrival struct {
	Connection string
	At         time.Time
	Due        time.Time    // when the truth about its hints can be read
	Hints      []record.Ref // records that may have changed
	Lost       bool         // notifications were dropped: the connection is to be read on from its cursors
	Accepted   int          // deliveries, 0 or 1 unless it only counts
	Refused    int
	Busy       int
}

// A Hint says that a record may have changed, been made or have gone.
type Hint struct {
	Of       Object
	ID       string
	Received time.Time // when the first notification came that nobody has acted upon
	Due      time.Time // when it is to be read
	Ripe     time.Time // when the last notification can be read; after Due if they never end
	Attempts int       // how often it was read in vain; 1 if that was before the last notification
	Count    int       // notifications that it stands for
}

// hintPatience is how long further notifications of one record may put off its reading: a
// record that changes all the time is to be read all the same.
const hintPatience = time.Minute

// TakeHints remembers what deliveries bring, all in one transaction: what it returns from is
// safe. Hints of one record that wait become one, which is read when the later one can be.
// It returns by connection how many hints were waiting already, or came twice.
func (s *Store) TakeHints(ctx context.Context, arrivals []Arrival) (doubled map[string]int, err error) {
	write := s.write // that something was lost, or counted, takes no room
	if slices.ContainsFunc(arrivals, func(a Arrival) bool { return len(a.Hints) > 0 }) {
		write = s.intake
	}
	err = write(ctx, "take hints", func(t *tx) error {
		doubled = map[string]int{}
		rows, err := t.mergeHints(arrivals, doubled)
		if err != nil {
			return err
		}
		if err := t.putHints(rows, doubled); err != nil {
			return err
		}
		return t.countArrivals(arrivals, doubled)
	})
	return doubled, err
}

type hintKey struct {
	object int64
	id     string
}

// mergeHints makes one hint of all that arrivals say about one record.
func (t *tx) mergeHints(arrivals []Arrival, doubled map[string]int) (map[hintKey]*Hint, error) {
	rows := map[hintKey]*Hint{}
	for _, a := range arrivals {
		for _, ref := range a.Hints {
			of := Object{a.Connection, ref.Object}
			object, err := t.object(of)
			if err != nil {
				return nil, err
			}
			k := hintKey{object, ref.ID}
			h := rows[k]
			if h == nil {
				rows[k] = &Hint{Of: of, Received: a.At, Due: a.Due, Count: 1}
				continue
			}
			doubled[a.Connection]++
			h.Count++
			if a.At.Before(h.Received) {
				h.Received = a.At
			}
			if a.Due.After(h.Due) {
				h.Due = a.Due
			}
		}
	}
	return rows, nil
}

// putHints stores hints and counts the records that had one waiting.
func (t *tx) putHints(rows map[hintKey]*Hint, doubled map[string]int) error {
	ids, connections := map[int64][]string{}, map[int64]string{}
	for k, h := range rows {
		ids[k.object] = append(ids[k.object], k.id)
		connections[k.object] = h.Of.Connection
	}
	for object, list := range ids {
		err := t.each(`SELECT COUNT(*) FROM hints WHERE object = ? AND `+t.s.d.in("id"), args(object, t.s.d.list(list)), func(scan scanner) error {
			var n int
			err := scan(&n)
			doubled[connections[object]] += n
			return err
		})
		if err != nil {
			return fmt.Errorf("count waiting hints: %w", err)
		}
	}
	insert := t.insert(`INSERT INTO hints (workspace, object, id, received, due, ripe, attempts, n)`, 8, fmt.Sprintf(`ON CONFLICT (object, id)
		DO UPDATE SET n = hints.n + excluded.n, attempts = CASE WHEN hints.attempts > 0 THEN 1 ELSE 0 END, ripe = CASE WHEN excluded.ripe > hints.ripe THEN excluded.ripe ELSE hints.ripe END,
		due = CASE WHEN hints.attempts > 0 AND hints.due > excluded.due THEN excluded.due WHEN excluded.received > hints.received + %d THEN hints.due
			WHEN excluded.due > hints.due THEN excluded.due ELSE hints.due END`, hintPatience.Microseconds()))
	keys := slices.SortedFunc(maps.Keys(rows), func(a, b hintKey) int {
		if a.object != b.object {
			return int(a.object - b.object)
		}
		return strings.Compare(a.id, b.id)
	})
	for _, k := range keys {
		h := rows[k]
		if err := insert.row(t.s.workspace, k.object, k.id, micros(h.Received), micros(h.Due), micros(h.Due), 0, h.Count); err != nil {
			return fmt.Errorf("store hints: %w", err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("store hints: %w", err)
	}
	return nil
}

// countArrivals brings the doors of the connections up to date.
func (t *tx) countArrivals(arrivals []Arrival, doubled map[string]int) error {
	type sum struct {
		heard, lost             int64
		accepted, refused, busy int
	}
	sums := map[string]*sum{}
	for _, a := range arrivals {
		x := sums[a.Connection]
		if x == nil {
			x = &sum{}
			sums[a.Connection] = x
		}
		x.accepted, x.refused, x.busy = x.accepted+a.Accepted, x.refused+a.Refused, x.busy+a.Busy
		if a.Accepted > 0 {
			x.heard = max(x.heard, micros(a.At))
		}
		if a.Lost {
			x.lost = max(x.lost, micros(a.At))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		x := sums[name]
		_, err := t.exec(`UPDATE doors SET heard = CASE WHEN heard > ? THEN heard ELSE ? END, lost = CASE WHEN lost > ? THEN lost ELSE ? END,
			silent = CASE WHEN ? > silent THEN 0 ELSE silent END, accepted = accepted + ?, duplicate = duplicate + ?, refused = refused + ?, busy = busy + ?
			WHERE workspace = ? AND connection = ?`, x.heard, x.heard, x.lost, x.lost, x.heard, x.accepted, doubled[name], x.refused, x.busy,
			t.s.workspace, name)
		if err != nil {
			return fmt.Errorf("count deliveries: %w", err)
		}
	}
	return nil
}

// DueHints returns hints of an object that are to be read by now, those that have waited
// longest first.
func (s *Store) DueHints(ctx context.Context, of Object, now time.Time, limit int) ([]Hint, error) {
	var hints []Hint
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT id, received, due, ripe, attempts, n FROM hints WHERE object = ? AND due <= ? ORDER BY due LIMIT ?`,
			args(object, micros(now), limit), func(scan scanner) error {
				h := Hint{Of: of}
				var received, due, ripe int64
				err := scan(&h.ID, &received, &due, &ripe, &h.Attempts, &h.Count)
				h.Received, h.Due, h.Ripe = fromMicros(received), fromMicros(due), fromMicros(ripe)
				hints = append(hints, h)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read hints of %s: %w", of, err)
	}
	return hints, nil
}

// SettleHints removes hints that have been acted upon, and puts others off to their new Due
// and Attempts. Those of which a further notification has come meanwhile stay as they are.
func (s *Store) SettleHints(ctx context.Context, done, again []Hint) error {
	return s.write(ctx, "settle hints", func(t *tx) error {
		for i, h := range slices.Concat(done, again) {
			object, err := t.object(h.Of)
			if err != nil {
				return err
			}
			if i < len(done) {
				_, err = t.exec(`DELETE FROM hints WHERE object = ? AND id = ? AND n = ?`, object, h.ID, h.Count)
			} else {
				_, err = t.exec(`UPDATE hints SET due = ?, attempts = ? WHERE object = ? AND id = ? AND n = ?`, micros(h.Due), h.Attempts,
					object, h.ID, h.Count)
			}
			if err != nil {
				return fmt.Errorf("settle the hint of %s/%s: %w", h.Of, h.ID, err)
			}
		}
		return nil
	})
}

// NextHint returns when the first hint of one of the objects is to be read, and whether there is one.
func (s *Store) NextHint(ctx context.Context, objects []Object) (time.Time, bool, error) {
	var first int64
	found := false
	err := s.read(ctx, func(q runner) error {
		for _, of := range objects {
			object, err := s.object(ctx, q, of)
			if err != nil {
				return err
			}
			err = q.each(ctx, `SELECT due FROM hints WHERE object = ? ORDER BY due LIMIT 1`, args(object), func(scan scanner) error {
				var due int64
				err := scan(&due)
				if !found || due < first {
					first, found = due, true
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return time.Time{}, false, fmt.Errorf("look for the next hint: %w", err)
	}
	return fromMicros(first), found, nil
}

// WaitingHints counts the hints of an object that wait.
func (s *Store) WaitingHints(ctx context.Context, of Object) (int, error) {
	n := 0
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT COUNT(*) FROM hints WHERE object = ?`, args(object), func(scan scanner) error { return scan(&n) })
	})
	if err != nil {
		return 0, fmt.Errorf("count hints of %s: %w", of, err)
	}
	return n, nil
}

// Listed reports whether all parts of an object that are known have been read to the end.
func (s *Store) Listed(ctx context.Context, of Object) (bool, error) {
	var parts, oldest int64
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT COUNT(*), COALESCE(MIN(listed_at), 0) FROM feeds WHERE object = ? AND kind = ?`,
			args(object, string(FeedChanges)), func(scan scanner) error { return scan(&parts, &oldest) })
	})
	if err != nil {
		return false, fmt.Errorf("feeds of %s: %w", of, err)
	}
	return parts > 0 && oldest > 0, nil
}

// WrittenSince returns which of an object's records we have written to since, and when last.
func (s *Store) WrittenSince(ctx context.Context, of Object, ids []string, since time.Time) (map[string]time.Time, error) {
	written := map[string]time.Time{}
	if len(ids) == 0 {
		return written, nil
	}
	err := s.read(ctx, func(q runner) error {
		object, err := s.object(ctx, q, of)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT record, MAX(at) FROM journal WHERE sync IN (SELECT id FROM syncs WHERE left_object = ? OR right_object = ?)
			AND at >= ? AND object = ? AND kind IN ('created', 'written', 'refused', 'archived', 'deleted', 'restored') AND `+s.d.in("record")+`
			GROUP BY record`, args(object, object, micros(since), object, s.d.list(ids)), func(scan scanner) error {
			var id string
			var at int64
			err := scan(&id, &at)
			written[id] = fromMicros(at)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look for own writes to %s: %w", of, err)
	}
	return written, nil
}

// ErrNoDoor is what a method gives that needs OpenDoor first.
var ErrNoDoor = errors.New("the connection has no door")
