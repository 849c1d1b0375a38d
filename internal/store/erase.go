package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// ByErasure begins the reason of every journal line whose values were taken away because its
// person was erased, and of every link that was closed for it (R32): there is nothing left that
// could be taken back (invariant 10).
const ByErasure = "erased"

// sqlErasures keeps what was asked of every system when a person was erased, and what the answer was.
func sqlErasures() []string {
	return []string{`CREATE TABLE erasures (id {auto}, workspace {int}, who {text}, object {int}, record {text}, asked {text},
		answer {text}, fate {text}, at {int}, by_whom {text})`,
		`CREATE INDEX erasures_who ON erasures (workspace, who)`}
}

// An Erasure is the receipt for one record of an erased person. While Answer is "" it has still
// to be carried out.
type Erasure struct {
	ID     int64
	Of     Object
	Record string
	Asked  string         // what was asked of the system
	Answer string         // what came of it
	Fate   connector.Fate // of the mirror's row from then on
	At     time.Time
	By     string
}

// BeginErasure makes sure, in one transaction, that no sync brings a person back or carries
// their removal on as an ordinary delete: the marks are buried, the records' links are closed
// without their bases, operations that were not sent are dropped, and the records are noted as
// still to be erased. who is what the person was asked for by; only its hash is kept. Begun twice it
// changes nothing.
func (s *Store) BeginErasure(ctx context.Context, who string, marks []string, records []Erasure, at time.Time, by string) error {
	return s.write(ctx, "begin the erasure of a person", func(t *tx) error {
		if err := t.bury(marks, at); err != nil {
			return err
		}
		for _, e := range records {
			object, err := t.object(e.Of)
			if err != nil {
				return err
			}
			if err := t.part(object, e, at, by); err != nil {
				return fmt.Errorf("%s/%s: %w", e.Of, e.Record, err)
			}
			if err := t.noteErasure(graveOf(who), object, e, at, by); err != nil {
				return err
			}
		}
		return nil
	})
}

// noteErasure notes that a record is to be erased, unless that is noted.
func (t *tx) noteErasure(who string, object int64, e Erasure, at time.Time, by string) error {
	_, err := t.exec(`INSERT INTO erasures (workspace, who, object, record, asked, answer, fate, at, by_whom)
		SELECT ?, ?, ?, ?, ?, '', '', ?, ? WHERE NOT EXISTS (SELECT 1 FROM erasures
		WHERE workspace = ? AND object = ? AND record = ? AND answer = '')`,
		t.s.workspace, who, object, e.Record, e.Asked, micros(at), by, t.s.workspace, object, e.Record)
	if err != nil {
		return fmt.Errorf("note the erasure: %w", err)
	}
	return nil
}

// Erasures returns the receipts of a person, oldest first; of all people for "".
func (s *Store) Erasures(ctx context.Context, who string) ([]Erasure, error) {
	var all []Erasure
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		where, a := "", args(s.workspace)
		if who != "" {
			where, a = ` AND who = ?`, append(a, graveOf(who))
		}
		return q.each(ctx, `SELECT id, object, record, asked, answer, fate, at, by_whom FROM erasures WHERE workspace = ?`+where+` ORDER BY id`,
			a, func(scan scanner) error {
				var e Erasure
				var object, at int64
				err := scan(&e.ID, &object, &e.Record, &e.Asked, &e.Answer, &e.Fate, &at, &e.By)
				e.Of, e.At = s.names.objectOf(object), fromMicros(at)
				all = append(all, e)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read receipts of erasures: %w", err)
	}
	return all, nil
}

// Forget keeps the receipt of one record and takes everything away that is known of it: the
// fields of its row, the values of the journal's lines, and review items about it. Lines stay
// as lines without values.
func (s *Store) Forget(ctx context.Context, e Erasure) error {
	return s.finish(ctx, "forget a record", func(t *tx) error {
		object, err := t.object(e.Of)
		if err != nil {
			return err
		}
		if err := t.part(object, e, e.At, e.By); err != nil {
			return err
		}
		if err := t.forget(object, e); err != nil {
			return err
		}
		_, err = t.exec(`UPDATE erasures SET asked = ?, answer = ?, fate = ?, at = ?, by_whom = ? WHERE workspace = ? AND object = ? AND record = ? AND answer = ''`,
			e.Asked, e.Answer, string(e.Fate), micros(e.At), e.By, t.s.workspace, object, e.Record)
		return err
	})
}

// part closes the links of a record, without what was agreed, and drops what was planned for it.
func (t *tx) part(object int64, e Erasure, at time.Time, by string) error {
	links, err := t.linksEver(object, e.Record)
	if err != nil {
		return err
	}
	var closed []Link
	var lines []Entry
	for _, l := range links {
		if l.Closed == ByErasure {
			continue
		}
		l.Closed, l.Base, l.Expected, l.Diverged = ByErasure, [2]record.Fields{}, [2]record.Fields{}, nil
		closed = append(closed, l)
		side := record.Left
		if ends, err := t.sync(l.Sync); err != nil {
			return err
		} else if ends.ends[record.Right] == object && l.IDs[record.Right] == e.Record {
			side = record.Right
		}
		lines = append(lines, Entry{At: at, Sync: l.Sync, Link: l.ID, Side: side, Of: e.Of, Record: e.Record, Kind: Closed, Why: ByErasure + ": its person asked for it", By: by})
	}
	if err := t.putLinks(closed, lines); err != nil {
		return err
	}
	if err := t.putJournal(lines); err != nil {
		return err
	}
	if err := t.forgetEvents(object, e.Record); err != nil {
		return err
	}
	return t.dropOps(object, e.Record)
}

// linksEver returns all links of a record, closed ones too.
func (t *tx) linksEver(object int64, id string) ([]Link, error) {
	if err := t.s.knowNames(t.ctx, t.run); err != nil {
		return nil, err
	}
	ids, err := t.s.linksEver(t.ctx, t.run, object, id)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var links []Link
	err = t.each(`SELECT `+linkColumns+` FROM links WHERE workspace = ? AND `+t.s.d.in("id")+` ORDER BY id`, args(t.s.workspace, t.s.d.list(ids)), func(scan scanner) error {
		l, err := t.s.scanLink(scan)
		links = append(links, l)
		return err
	})
	return links, err
}

// dropOps drops the operations that write a record or come from it. An erasure supersedes them
// (invariant 3).
func (t *tx) dropOps(object int64, id string) error {
	syncs := map[record.Side][]int64{}
	for _, side := range record.Sides() {
		syncs[side] = t.syncsOf(object, side)
	}
	var ops []int64
	note := func(scan scanner) error {
		var op int64
		err := scan(&op)
		if !slices.Contains(ops, op) {
			ops = append(ops, op)
		}
		return err
	}
	err := t.each(`SELECT id FROM outbox WHERE object = ? AND target_id = ?`, args(object, id), note)
	for _, side := range record.Sides() {
		if err == nil {
			err = t.each(`SELECT id FROM outbox WHERE source_id = ? AND side = ? AND `+t.s.d.in("sync"),
				args(id, int64(side.Other()), t.s.d.list(syncs[side])), note)
		}
	}
	if err != nil {
		return fmt.Errorf("look for operations: %w", err)
	}
	if _, err := t.removeOps(ops); err != nil {
		return err
	}
	for _, side := range record.Sides() {
		for _, sync := range syncs[side] {
			spot := []Spot{{Side: side, ID: id}}
			if err := t.putStanding(sync, spot, nil); err != nil {
				return err
			}
			if _, err := t.exec(`DELETE FROM waits WHERE sync = ? AND side = ? AND id = ?`, sync, int64(side), id); err != nil {
				return fmt.Errorf("drop waits: %w", err)
			}
			if err := t.clean(sync, spot); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget blanks what is known of a record.
func (t *tx) forget(object int64, e Erasure) error {
	if err := t.blankRow(object, e); err != nil {
		return err
	}
	links, err := t.linksEver(object, e.Record)
	if err != nil {
		return err
	}
	ids := make([]int64, len(links))
	for i, l := range links {
		ids[i] = l.ID
	}
	why := ByErasure + " on " + e.At.UTC().Format(time.DateOnly) + ": its values were taken away"
	_, err = t.exec(`UPDATE journal SET old = NULL, new = NULL, fields = NULL, why = ? WHERE workspace = ?
		AND (link = 0 AND object = ? AND record = ? OR link <> 0 AND `+t.s.d.in("link")+`)`,
		why, t.s.workspace, object, e.Record, t.s.d.list(ids))
	if err != nil {
		return fmt.Errorf("blank the journal: %w", err)
	}
	// What programs were answered within the last day may hold the person too.
	if _, err := t.exec(`DELETE FROM answers WHERE workspace = ? AND status <> 0`, t.s.workspace); err != nil {
		return fmt.Errorf("forget answers: %w", err)
	}
	return t.forgetReviews(object, e.Record, ids)
}

// blankRow leaves of a row of the mirror what says that there was one.
func (t *tx) blankRow(object int64, e Erasure) error {
	rows, err := t.stored(object, []connector.Change{{Record: record.Record{Ref: record.Ref{ID: e.Record}}}})
	if err != nil || rows[e.Record] == nil {
		return err
	}
	r := rows[e.Record]
	r.changed, r.fate, r.fields, r.keys = true, e.Fate, nil, nil
	r.into, r.modifiedBy, r.readAt = "", "", max(r.readAt, micros(e.At)) // R3: no page that began earlier fills it again
	var saved Saved
	return t.put(object, []*stored{r}, &saved)
}

// forgetReviews removes the review items about a record or its links. An item about another
// record that proposes this one is removed too, and planned again.
func (t *tx) forgetReviews(object int64, id string, links []int64) error {
	for _, side := range record.Sides() {
		for _, sync := range t.syncsOf(object, side) {
			_, err := t.exec(`DELETE FROM reviews WHERE workspace = ? AND sync = ? AND (side = ? AND record = ? OR link <> 0 AND `+t.s.d.in("link")+`)`,
				t.s.workspace, sync, int64(side), id, t.s.d.list(links))
			if err != nil {
				return fmt.Errorf("remove review items: %w", err)
			}
			if err := t.forgetProposals(sync, side, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetProposals removes items of the other side that propose a record as the partner.
func (t *tx) forgetProposals(sync int64, side record.Side, id string) error {
	var items []int64
	var again []Spot
	err := t.each(`SELECT id, side, record, candidates, decision FROM reviews WHERE workspace = ? AND sync = ? AND candidates <> ''`,
		args(t.s.workspace, sync), func(scan scanner) error {
			var item int64
			var x Spot
			var candidates, decision string
			if err := scan(&item, &x.Side, &x.ID, &candidates, &decision); err != nil {
				return err
			}
			list, err := decodeTexts(candidates)
			if x.Side == side || !slices.Contains(list, id) {
				return err
			}
			items = append(items, item)
			if decision == "" && x.ID != "" {
				again = append(again, x)
			}
			return err
		})
	if err != nil || len(items) == 0 {
		return err
	}
	if _, err := t.exec(`DELETE FROM reviews WHERE workspace = ? AND `+t.s.d.in("id"), t.s.workspace, t.s.d.list(items)); err != nil {
		return fmt.Errorf("remove review items: %w", err)
	}
	return t.dirty(sync, again)
}

// A LinkEver is a link with the objects of its two sides.
type LinkEver struct {
	Link

	Ends [2]Object
}

// LinksEver returns all links of a record in all syncs that there are or were, closed ones too.
func (s *Store) LinksEver(ctx context.Context, of Object, id string) ([]LinkEver, error) {
	var ids []int64
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		object, err := s.object(ctx, q, of)
		if err == nil && object != 0 {
			ids, err = s.linksEver(ctx, q, object, id)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the links of %s/%s: %w", of, id, err)
	}
	byID, err := s.LinksByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	var links []LinkEver
	for _, link := range slices.Compact(ids) {
		x := LinkEver{Link: byID[link]}
		for side, object := range s.names.sync(x.Sync).ends {
			x.Ends[side] = s.names.objectOf(object)
		}
		links = append(links, x)
	}
	return links, nil
}
