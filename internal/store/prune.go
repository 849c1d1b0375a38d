package store

import (
	"context"
	"fmt"
	"time"
)

// Ages say how old things may be to be kept; the zero time keeps all.
type Ages struct {
	Journal time.Time // the audit too
	Runs    time.Time
	Reviews time.Time
	Events  time.Time // told, or dropped
	// Left is since when events of syncs that are not among Syncs may come to be told after all:
	// a sync that somebody takes out of the configuration may come back. Zero = for ever.
	Left  time.Time
	Syncs []string
	// Drawer is since when what lost a conflict, was deleted or archived lies ready to be taken
	// back: such lines stay, however old the others may be.
	Drawer time.Time
	// Now lets the journal be walked from its beginning again, once a day: what was needed then
	// may not be any more. Zero = it is only walked on.
	Now time.Time
}

// Pruned says what one portion of removing came to.
type Pruned struct {
	Removed int
	More    bool      // the portion was full: there may be more to remove
	Upto    time.Time // how old the lines of the journal are that were looked at last; zero = none were
}

// roundEvery is how often the journal is walked from its beginning.
const roundEvery = 24 * time.Hour

// Prune removes what is older than is kept, and not needed: it looks at so many lines of the
// journal, and removes at most so many rows of each other kind. Of runs the first and the last
// complete one of each sync stay, and the newest: rules are measured by them. Of decided review
// items those stay that go on deciding: what was dismissed, who is nobody's partner, and the
// answer for all first matches. What of the journal is needed, see sqlPruneJournal.
func (s *Store) Prune(ctx context.Context, keep Ages, most int) (Pruned, error) {
	var p Pruned
	err := s.write(ctx, "remove what is old", func(t *tx) (err error) {
		if p, err = t.pruneJournal(keep, most); err != nil {
			return err
		}
		for _, x := range []struct {
			before time.Time
			sql    string
		}{{keep.Runs, sqlPruneRuns}, {keep.Reviews, sqlPruneReviews}, {keep.Journal, sqlPruneAudit}} {
			if x.before.IsZero() {
				continue
			}
			n, err := t.exec(x.sql, s.workspace, most, micros(x.before))
			if err != nil {
				return err
			}
			p.Removed += int(n)
			p.More = p.More || int(n) == most
		}
		if !keep.Events.IsZero() {
			n, err := t.exec(sqlPruneEvents, s.workspace, micros(keep.Events), most)
			if err != nil {
				return fmt.Errorf("prune events: %w", err)
			}
			p.Removed, p.More = p.Removed+int(n), p.More || int(n) == most
		}
		n, err := t.pruneLeft(keep, most)
		if err != nil {
			return fmt.Errorf("prune events of removed syncs: %w", err)
		}
		p.Removed, p.More = p.Removed+n, p.More || n >= most
		return t.pruneStages(keep)
	})
	return p, err
}

const (
	sqlPruneRuns = `DELETE FROM runs WHERE id IN (SELECT id FROM (SELECT id, started FROM runs WHERE workspace = ? AND id NOT IN (
		SELECT MIN(id) FROM runs WHERE complete = 1 GROUP BY sync UNION SELECT MAX(id) FROM runs WHERE complete = 1 GROUP BY sync
		UNION SELECT MAX(id) FROM runs GROUP BY sync) ORDER BY id LIMIT ?) AS oldest WHERE started < ?)`

	sqlPruneReviews = `DELETE FROM reviews WHERE id IN (SELECT id FROM (SELECT id, decided FROM reviews WHERE workspace = ? AND decision NOT IN ('', 'dismiss', 'none')
		AND subject NOT LIKE 'first match %' ORDER BY decided LIMIT ?) AS oldest WHERE decided < ?)`

	sqlPruneAudit = `DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at FROM audit WHERE workspace = ? ORDER BY id LIMIT ?) AS oldest WHERE at < ?)`

	// sqlPruneJournal removes the lines of a stretch that nothing rests on. What stays:
	// the drawer of what was overruled or taken away; of each open link how it came to be, and
	// for each field of a side the line that explains what is agreed now (invariant 2), which
	// for a reverted field is that of its revert; all of a record that an operation is under way
	// to; and what tells that a record was created anew as a person decided, as long as the
	// decision is there, or it would be created again (invariant 8).
	sqlPruneJournal = `DELETE FROM journal AS j WHERE j.workspace = ? AND j.id > ? AND j.id <= ? AND j.at < ?
		AND NOT (j.kind IN ('overruled', 'deleted', 'archived') AND j.at >= ?)
		AND NOT (j.link <> 0 AND EXISTS (SELECT 1 FROM links l WHERE l.id = j.link AND l.closed = '') AND (
			j.kind IN ('linked', 'created', 'restored', 'reopened') OR j.kind IN ('written', 'agreed', 'rewritten', 'refused')
			AND NOT EXISTS (SELECT 1 FROM journal n WHERE n.link = j.link AND n.link <> 0 AND n.id > j.id AND n.side = j.side AND n.field = j.field
				AND n.kind IN ('written', 'agreed', 'rewritten', 'refused'))))
		AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.object = j.object AND o.target_id = j.record AND o.target_id <> '')
		AND NOT (j.link <> 0 AND j.kind IN ('created', 'deleted', 'archived') AND EXISTS (SELECT 1 FROM reviews r
			WHERE r.workspace = j.workspace AND r.sync = j.sync AND r.subject = '` + anewMark + `' || CAST(j.link AS TEXT) AND r.decision <> ''))`
)

const anewMark = "create anew "

// AnewSubject is the subject of the question whether a lost record of a link is created anew.
func AnewSubject(link int64) string { return fmt.Sprint(anewMark, link) }

// pruneJournal walks on through the journal from where the last portion ended: what is needed
// stays where it is, and is not looked at over and over.
func (t *tx) pruneJournal(keep Ages, most int) (Pruned, error) {
	var p Pruned
	if keep.Journal.IsZero() {
		return p, nil
	}
	place, err := t.counter(t.own("journal walked"))
	if err != nil {
		return p, err
	}
	last, before := place, micros(keep.Journal)
	looked, young := 0, false
	// Lines are numbered as they come: the oldest have the lowest ids.
	err = t.each(`SELECT id, at FROM journal WHERE workspace = ? AND id > ? ORDER BY id LIMIT ?`, args(t.s.workspace, place, most), func(scan scanner) error {
		var id, at int64
		if err := scan(&id, &at); err != nil {
			return err
		}
		if young = young || at >= before; !young {
			last, p.Upto = id, fromMicros(at)
			looked++
		}
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("walk the journal: %w", err)
	}
	p.More = looked == most
	if last > place {
		n, err := t.exec(sqlPruneJournal, t.s.workspace, place, last, before, micros(keep.Drawer))
		if err != nil {
			return p, fmt.Errorf("prune the journal: %w", err)
		}
		p.Removed = int(n)
		if err := t.setCounter(t.own("journal walked"), last); err != nil {
			return p, err
		}
	}
	if !p.More && !keep.Now.IsZero() {
		return p, t.beginRound(keep.Now)
	}
	return p, nil
}

// beginRound has the next portion begin at the journal's beginning, if the last round is
// long enough ago.
func (t *tx) beginRound(now time.Time) error {
	began, err := t.counter(t.own("journal round"))
	if err != nil || now.Sub(fromMicros(began)) < roundEvery {
		return err
	}
	if err := t.setCounter(t.own("journal round"), micros(now)); err != nil || began == 0 {
		return err // the very first round is the one under way
	}
	return t.setCounter(t.own("journal walked"), 0)
}

// own names a counter of the workspace.
func (t *tx) own(name string) string { return fmt.Sprintf("%s %d", name, t.s.workspace) }

// counter returns a number that is kept under a name; 0 if there is none.
func (t *tx) counter(name string) (int64, error) {
	var n int64
	err := t.each(`SELECT value FROM counters WHERE name = ?`, args(name), func(scan scanner) error { return scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("read the counter %q: %w", name, err)
	}
	return n, nil
}

func (t *tx) setCounter(name string, n int64) error {
	_, err := t.exec(`INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, n)
	if err != nil {
		return fmt.Errorf("keep the counter %q: %w", name, err)
	}
	return nil
}
