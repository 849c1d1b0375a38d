package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// sqlCorrections keeps why items were opened, to tell those of one cause, and what people
// entered themselves; carried is 1 once that has had its result. The two seen are the rows' Seq that
// an item was opened about.
func sqlCorrections() []string {
	return []string{
		`ALTER TABLE reviews ADD COLUMN cause {text} DEFAULT ''`,
		`ALTER TABLE reviews ADD COLUMN edit {text} DEFAULT ''`,
		`ALTER TABLE reviews ADD COLUMN carried {int} DEFAULT 0`,
		`ALTER TABLE reviews ADD COLUMN left_seen {int} DEFAULT 0`,
		`ALTER TABLE reviews ADD COLUMN right_seen {int} DEFAULT 0`,
		`CREATE INDEX reviews_edits ON reviews (workspace, sync) WHERE edit <> '' AND carried = 0`,
	}
}

// Edited is the decision of an item to which a person gave values of their own.
const Edited = "edit"

// CorrectionOf begins the reason of whatever was written because a person entered it: the
// number of the review item and the person follow.
const CorrectionOf = "correction "

// An Edit is what a person enters instead of choosing.
type Edit struct {
	Side   record.Side  `json:"side"` // written first, as if somebody had edited there
	Fields []Correction `json:"fields"`
}

// A Correction is the edit of one field.
type Correction struct {
	Key  string          `json:"key"`  // mapping key
	Wire string          `json:"wire"` // its name on the side that is written first
	Now  [2]record.Value `json:"now"`  // by side: what the person saw
	To   [2]record.Value `json:"to"`   // by side: what it is to hold, as far as it can be told there
}

func decodeEdit(text string) (*Edit, error) {
	if text == "" {
		return nil, nil
	}
	e := &Edit{}
	return e, json.Unmarshal([]byte(text), e)
}

// A Choice is a person's decision of one item.
type Choice struct {
	ID       int64
	Decision string
}

// DecideReview notes a person's decision, in the journal too, and marks the record as
// dirty, or the link's left record if the item names none, so that the decision is
// carried out. Any process may call it while an owner runs. An item that is not open is
// [ErrDecided]; a decision that is none of its choices is refused.
func (s *Store) DecideReview(ctx context.Context, id int64, decision, by string, at time.Time) error {
	return s.write(ctx, fmt.Sprintf("decide review item %d", id), func(t *tx) error {
		return t.decideReview(Choice{id, decision}, by, at)
	})
}

// DecideReviews is DecideReview for many items in one transaction: all of them are decided, or
// none is. Items that have been decided or have settled themselves meanwhile are left out;
// it returns the numbers of the others.
func (s *Store) DecideReviews(ctx context.Context, choices []Choice, by string, at time.Time) ([]int64, error) {
	var decided []int64
	err := s.write(ctx, fmt.Sprintf("decide %d review items", len(choices)), func(t *tx) error {
		decided = decided[:0]
		for _, c := range choices {
			err := t.decideReview(c, by, at)
			if errors.Is(err, ErrDecided) {
				continue
			}
			if err != nil {
				return fmt.Errorf("item %d: %w", c.ID, err)
			}
			decided = append(decided, c.ID)
		}
		return nil
	})
	return decided, err
}

func (t *tx) decideReview(c Choice, by string, at time.Time) error {
	r, err := t.openReview(c.ID)
	if err != nil {
		return err
	}
	if err := allowed(r, c.Decision); err != nil {
		return err
	}
	e := Entry{Field: r.Field, Why: string(r.Kind) + ": " + c.Decision}
	if chosen, ok := sideOf(c.Decision); ok && r.Kind == ReviewConflict {
		e.Old, e.New = r.Values[chosen.Other()], r.Values[chosen]
	}
	return t.closeDecided(r, c.Decision, "", by, at, []Entry{e})
}

// sideOf is the side that a decision names.
func sideOf(decision string) (record.Side, bool) {
	for _, side := range record.Sides() {
		if decision == side.String() {
			return side, true
		}
	}
	return record.Left, false
}

// EditReview notes the values that a person has entered for an item, in the journal too, a
// line for each field, and marks the record like a decision. They stay pending until the facts
// of their result name the item as carried out.
func (s *Store) EditReview(ctx context.Context, id int64, e Edit, by string, at time.Time) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("keep the values of review item %d: %w", id, err)
	}
	return s.write(ctx, fmt.Sprintf("edit review item %d", id), func(t *tx) error {
		r, err := t.openReview(id)
		if err != nil {
			return err
		}
		if len(e.Fields) == 0 {
			return errors.New("no value was given")
		}
		lines := make([]Entry, len(e.Fields))
		for i, c := range e.Fields {
			lines[i] = Entry{Field: c.Key, Old: c.Now[r.Side], New: c.To[r.Side], Why: string(r.Kind) + ": " + Edited}
			if r.Side == e.Side {
				lines[i].Field = c.Wire
			}
		}
		return t.closeDecided(r, Edited, string(text), by, at, lines)
	})
}

// closeDecided ends an open item with its lines in the journal, and marks its record.
func (t *tx) closeDecided(r Review, decision, edit, by string, at time.Time, lines []Entry) error {
	_, err := t.exec(`UPDATE reviews SET decision = ?, decided = ?, by_whom = ?, edit = ? WHERE id = ? AND workspace = ?`,
		decision, micros(at), by, edit, r.ID, t.s.workspace)
	if err != nil {
		return fmt.Errorf("note the decision: %w", err)
	}
	sync, err := t.sync(r.Sync)
	if err != nil {
		return err
	}
	if r.Sync != "" {
		if err := t.dirtyReview(sync.id, r); err != nil {
			return err
		}
	}
	for i := range lines {
		e := &lines[i]
		e.At, e.Sync, e.Link, e.Side, e.Record, e.Kind, e.By = at, r.Sync, r.Link, r.Side, r.Record, Decided, by
		if r.Record != "" {
			e.Of = t.s.names.objectOf(sync.ends[r.Side])
		}
	}
	return t.putJournal(lines)
}

// PendingEdits returns the items of a sync whose values have not been carried out yet, the
// oldest first.
func (s *Store) PendingEdits(ctx context.Context, sync string) ([]Review, error) {
	return s.reviews(ctx, func() (string, []any) {
		return ` AND sync = ? AND edit <> '' AND carried = 0 ORDER BY id`, args(s.names.sync(sync).id)
	})
}

// carry notes that what people entered has had its result.
func (t *tx) carry(items []int64) error {
	if len(items) == 0 {
		return nil
	}
	_, err := t.exec(`UPDATE reviews SET carried = 1 WHERE workspace = ? AND `+t.s.d.in("id"), t.s.workspace, t.s.d.list(items))
	if err != nil {
		return fmt.Errorf("note what was carried out: %w", err)
	}
	return nil
}

func (t *tx) openReview(id int64) (Review, error) {
	var r Review
	found := false
	if err := t.s.knowNames(t.ctx, t.run); err != nil {
		return r, err
	}
	err := t.each(`SELECT id, `+reviewColumns+` FROM reviews WHERE workspace = ? AND id = ?`, args(t.s.workspace, id),
		func(scan scanner) (err error) {
			r, err = t.s.scanReview(scan)
			found = true
			return err
		})
	switch {
	case err != nil:
		return r, fmt.Errorf("read the item: %w", err)
	case !found:
		return r, fmt.Errorf("%w: there is none of that number, or it has settled itself", ErrDecided)
	case r.Decision != "":
		return r, fmt.Errorf("%w: %s decided %q on %s", ErrDecided, r.By, r.Decision, record.Moment(r.Decided, nil))
	}
	return r, nil
}

func allowed(r Review, decision string) error {
	if decision == "" {
		return errors.New("no decision was given")
	}
	if len(r.Choices) == 0 || slices.Contains(r.Choices, decision) {
		return nil
	}
	return fmt.Errorf("%q is none of its choices: %s", decision, strings.Join(r.Choices, ", "))
}

func (t *tx) dirtyReview(sync int64, r Review) error {
	if r.Record != "" {
		return t.dirty(sync, []Spot{{r.Side, r.Record}})
	}
	if r.Link == 0 {
		return nil
	}
	_, err := t.exec(`INSERT INTO dirty (workspace, sync, side, id) SELECT workspace, sync, 0, left_id FROM links
		WHERE id = ? AND sync = ? ON CONFLICT (sync, side, id) DO NOTHING`, r.Link, sync)
	if err != nil {
		return fmt.Errorf("mark the link: %w", err)
	}
	return nil
}
