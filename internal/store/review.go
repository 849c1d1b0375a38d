package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tandemhub/tandem/record"
)

const reviewColumns = `sync, kind, subject, link, side, record, body, fix, field, left_value, right_value, candidates,
	choices, opened, decision, decided, by_whom, cause, edit, left_seen, right_seen`

// putReviews opens items; an open one of the same subject keeps its id and the time it was
// opened, and takes everything else.
func (t *tx) putReviews(reviews []Review) error {
	for _, r := range reviews {
		sync, err := t.sync(r.Sync)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO reviews (workspace, `+reviewColumns+`)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, '', ?, '', ?, ?)
			ON CONFLICT (workspace, sync, subject) WHERE decision = '' DO UPDATE SET kind = excluded.kind, link = excluded.link,
			side = excluded.side, record = excluded.record, body = excluded.body, fix = excluded.fix, field = excluded.field,
			left_value = excluded.left_value, right_value = excluded.right_value, candidates = excluded.candidates,
			choices = excluded.choices, cause = excluded.cause,
			left_seen = excluded.left_seen, right_seen = excluded.right_seen`,
			t.s.workspace, sync.id, string(r.Kind), r.Subject, r.Link, int64(r.Side), r.Record, r.Text, r.Fix, r.Field,
			encodeValue(r.Values[record.Left]), encodeValue(r.Values[record.Right]), encodeTexts(r.Candidates),
			encodeTexts(r.Choices), micros(r.Opened), r.Cause, r.Seen[record.Left], r.Seen[record.Right])
		if err != nil {
			return fmt.Errorf("open the review item %q: %w", r.Subject, err)
		}
	}
	return nil
}

// closeReviews drops open items that have settled themselves; decided ones stay.
func (t *tx) closeReviews(sync int64, subjects []string) error {
	if len(subjects) == 0 {
		return nil
	}
	_, err := t.exec(`DELETE FROM reviews WHERE workspace = ? AND sync = ? AND decision = '' AND `+t.s.d.in("subject"),
		t.s.workspace, sync, t.s.d.list(subjects))
	if err != nil {
		return fmt.Errorf("close review items: %w", err)
	}
	return nil
}

func (s *Store) scanReview(scan scanner) (Review, error) {
	var r Review
	var sync, opened, decided int64
	var left, right []byte
	var candidates, choices, edit string
	err := scan(&r.ID, &sync, &r.Kind, &r.Subject, &r.Link, &r.Side, &r.Record, &r.Text, &r.Fix, &r.Field, &left, &right,
		&candidates, &choices, &opened, &r.Decision, &decided, &r.By, &r.Cause, &edit, &r.Seen[record.Left], &r.Seen[record.Right])
	if err != nil {
		return r, err
	}
	r.Sync, r.Opened, r.Decided = s.names.syncOf(sync), fromMicros(opened), fromMicros(decided)
	var errs [5]error
	r.Values[record.Left], errs[0] = decodeValue(left)
	r.Values[record.Right], errs[1] = decodeValue(right)
	r.Candidates, errs[2] = decodeTexts(candidates)
	r.Choices, errs[3] = decodeTexts(choices)
	r.Edit, errs[4] = decodeEdit(edit)
	if err := errors.Join(errs[:]...); err != nil {
		return r, fmt.Errorf("review item %d: %w", r.ID, err)
	}
	return r, nil
}

// A ReviewQuery selects review items; zero members select all.
type ReviewQuery struct {
	Sync  string
	Kinds []ReviewKind
	Open  bool   // only those that nobody has decided
	About string // only those of this subject
	Field string // only those about this field
	Cause string // only those of this cause
	Link  int64  // only those about this link
	After int64  // only those of a higher number

	Before int64 // only those of a lower number, the newest of them first; 0 = all
	Limit  int   // 0 = 1,000
}

// Reviews returns review items, the oldest first unless the query says otherwise.
func (s *Store) Reviews(ctx context.Context, r ReviewQuery) ([]Review, error) {
	return s.reviews(ctx, func() (string, []any) {
		var where strings.Builder
		var a []any
		if r.Sync != "" {
			where.WriteString(` AND sync = ?`)
			a = append(a, s.names.sync(r.Sync).id)
		}
		if len(r.Kinds) > 0 {
			where.WriteString(` AND kind IN (?` + strings.Repeat(", ?", len(r.Kinds)-1) + `)`)
			for _, k := range r.Kinds {
				a = append(a, string(k))
			}
		}
		if r.Open {
			where.WriteString(` AND decision = ''`)
		}
		if r.About != "" {
			where.WriteString(` AND subject = ?`)
			a = append(a, r.About)
		}
		if r.Link != 0 {
			where.WriteString(` AND link = ? AND link <> 0`)
			a = append(a, r.Link)
		}
		if r.Field != "" {
			where.WriteString(` AND field = ?`)
			a = append(a, r.Field)
		}
		if r.Cause != "" {
			where.WriteString(` AND cause = ?`)
			a = append(a, r.Cause)
		}
		if r.After != 0 {
			where.WriteString(` AND id > ?`)
			a = append(a, r.After)
		}
		order := ` ORDER BY id LIMIT ?`
		if r.Before != 0 {
			where.WriteString(` AND id < ?`)
			a = append(a, r.Before)
			order = ` ORDER BY id DESC LIMIT ?`
		}
		limit := r.Limit
		if limit <= 0 {
			limit = 1000
		}
		return where.String() + order, append(a, limit)
	})
}

// Review returns one item, and whether there is one of that id.
func (s *Store) Review(ctx context.Context, id int64) (Review, bool, error) {
	list, err := s.reviews(ctx, func() (string, []any) { return ` AND id = ?`, args(id) })
	if err != nil || len(list) == 0 {
		return Review{}, false, err
	}
	return list[0], true, nil
}

// Decisions returns the newest decided item of each of those subjects; of all syncs, those that are
// no longer configured too, for "".
func (s *Store) Decisions(ctx context.Context, sync string, subjects []string) (map[string]Review, error) {
	found := map[string]Review{}
	if len(subjects) == 0 {
		return found, nil
	}
	list, err := s.reviews(ctx, func() (string, []any) {
		of, whose := `= ?`, any(s.names.sync(sync).id)
		if sync == "" { // their index is by sync
			of, whose = `IN (SELECT id FROM syncs WHERE workspace = ?)`, s.workspace
		}
		return ` AND sync ` + of + ` AND decision <> '' AND ` + s.d.in("subject") + ` ORDER BY decided, id`, args(whose, s.d.list(subjects))
	})
	for _, r := range list {
		found[r.Subject] = r
	}
	return found, err
}

// reviews asks for items; where is called once the names are known.
func (s *Store) reviews(ctx context.Context, where func() (string, []any)) ([]Review, error) {
	var list []Review
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		tail, a := where()
		return q.each(ctx, `SELECT id, `+reviewColumns+` FROM reviews WHERE workspace = ?`+tail, append(args(s.workspace), a...),
			func(scan scanner) error {
				r, err := s.scanReview(scan)
				list = append(list, r)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read review items: %w", err)
	}
	return list, nil
}
