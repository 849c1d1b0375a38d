package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// putJournal appends lines; nothing ever changes one, but the erasure of a person takes its values away.
func (t *tx) putJournal(entries []Entry) error {
	insert := t.insert(`INSERT INTO journal (workspace, at, run, sync, link, side, object, record, kind, field, old, new, fields,
		why, by_whom)`, 15, "")
	for _, e := range entries {
		sync, err := t.sync(e.Sync)
		if err != nil {
			return err
		}
		object, err := t.object(e.Of)
		if err != nil {
			return err
		}
		err = insert.row(t.s.workspace, micros(e.At), e.Run, sync.id, e.Link, int64(e.Side), object, e.Record, string(e.Kind),
			e.Field, encodeValue(e.Old), encodeValue(e.New), encode(e.Set), e.Why, e.By)
		if err != nil {
			return fmt.Errorf("append to the journal: %w", err)
		}
	}
	if err := insert.flush(); err != nil {
		return fmt.Errorf("append to the journal: %w", err)
	}
	return nil
}

// A HistoryQuery selects lines of the journal; zero members select all.
type HistoryQuery struct {
	Connection string
	Object     string // of Connection
	Record     string // of Object: lines about it and about every record that it is or was linked with
	Sync       string
	Run        int64
	Field      string // wire name
	By         string // the person who decided
	Since      time.Time
	UpTo       int64       // no line after the one of this number; 0 = to the end
	Kinds      []EntryKind // nil = all
	Limit      int         // the newest so many; 0 = 1,000
	Look       int         // of Journal: how many lines one search looks through at most; 0 = 200,000
}

const entryColumns = `id, at, run, sync, link, side, object, record, kind, field, old, new, fields, why, by_whom`

func (s *Store) scanEntry(scan scanner) (Entry, error) {
	var e Entry
	var at, sync, object int64
	var old, fresh, fields sql.RawBytes
	err := scan(&e.ID, &at, &e.Run, &sync, &e.Link, &e.Side, &object, &e.Record, &e.Kind, &e.Field, &old, &fresh, &fields,
		&e.Why, &e.By)
	if err != nil {
		return e, err
	}
	e.At, e.Sync, e.Of = fromMicros(at), s.names.syncOf(sync), s.names.objectOf(object)
	var errs [3]error
	e.Old, errs[0] = decodeValue(old)
	e.New, errs[1] = decodeValue(fresh)
	e.Set, errs[2] = decode(fields)
	if err := errors.Join(errs[:]...); err != nil {
		return e, fmt.Errorf("journal line %d: %w", e.ID, err)
	}
	return e, nil
}

// History returns lines of the journal, the newest last.
func (s *Store) History(ctx context.Context, h HistoryQuery) ([]Entry, error) {
	var entries []Entry
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		where, a, err := s.historyWhere(ctx, q, h)
		if err != nil {
			return err
		}
		limit := h.Limit
		if limit <= 0 {
			limit = 1000
		}
		newest := `id DESC`
		if (h.Sync != "" || h.Run != 0) && h.Record == "" {
			newest = `at DESC, id DESC` // as the index on sync and time has it
		}
		return q.each(ctx, `SELECT `+entryColumns+` FROM journal WHERE `+where+` ORDER BY `+newest+` LIMIT ?`, append(a, limit),
			func(scan scanner) error {
				e, err := s.scanEntry(scan)
				entries = append(entries, e)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return entries, nil
}

func (s *Store) historyWhere(ctx context.Context, q runner, h HistoryQuery) (string, []any, error) {
	where, a := []string{`workspace = ?`}, args(s.workspace)
	add := func(condition string, more ...any) { where, a = append(where, condition), append(a, more...) }
	switch {
	case h.Record != "":
		object := s.names.object(Object{h.Connection, h.Object})
		links, err := s.linksEver(ctx, q, object, h.Record)
		if err != nil {
			return "", nil, err
		}
		// One list of ids, so that each half walks its own index.
		add(`id IN (SELECT id FROM journal WHERE link = 0 AND object = ? AND object <> 0 AND record = ?
			UNION SELECT id FROM journal WHERE link <> 0 AND `+s.d.in("link")+`)`, object, h.Record, s.d.list(links))
	case h.Connection != "":
		add(s.d.in("object"), s.d.list(s.names.objectsOf(h.Connection, h.Object)))
	}
	switch {
	case h.Sync != "" && h.Record != "":
		add(`+sync = ?`, s.names.sync(h.Sync).id) // the lines of a record are few: the index on syncs is kept out
	case h.Sync != "":
		add(`sync = ?`, s.names.sync(h.Sync).id)
	}
	if h.Run != 0 {
		sync, from, to, err := s.runTimes(ctx, q, h.Run)
		if err != nil {
			return "", nil, err
		}
		add(`run = ?`, h.Run)
		if sync != 0 {
			add(`sync = ? AND at >= ? AND at <= ?`, sync, from, to)
		}
	}
	if h.Field != "" {
		add(`field = ?`, h.Field)
	}
	if h.By != "" {
		add(`by_whom = ? AND by_whom <> ''`, h.By)
	}
	if !h.Since.IsZero() {
		add(`at >= ?`, micros(h.Since))
	}
	if h.UpTo != 0 {
		add(`id <= ?`, h.UpTo)
	}
	if len(h.Kinds) > 0 {
		kinds := make([]any, len(h.Kinds))
		for i, k := range h.Kinds {
			kinds[i] = string(k)
		}
		add(`kind IN (?`+strings.Repeat(", ?", len(kinds)-1)+`)`, kinds...)
	}
	if !h.Since.IsZero() && h.Record == "" && h.Sync == "" {
		add(s.d.in("sync"), s.d.list(s.names.allSyncs())) // so that the index on sync and time finds them
	}
	return strings.Join(where, " AND "), a, nil
}

// runTimes returns a run's sync, and from when to when its lines are: the index on these finds
// them. A run that was cut short is over when the next one of its sync begins.
func (s *Store) runTimes(ctx context.Context, q runner, run int64) (sync, from, to int64, err error) {
	var ended int64
	err = q.each(ctx, `SELECT sync, started, ended FROM runs WHERE id = ? AND workspace = ?`, args(run, s.workspace),
		func(scan scanner) error { return scan(&sync, &from, &ended) })
	if err != nil || sync == 0 {
		return sync, from, ended, err
	}
	if to = ended; to == 0 {
		to = math.MaxInt64
		err = q.each(ctx, `SELECT started FROM runs WHERE sync = ? AND id > ? ORDER BY id LIMIT 1`, args(sync, run),
			func(scan scanner) error { return scan(&to) })
	}
	return sync, from, to, err
}

// linksEver returns the links, closed ones too, of a record in all syncs of its object.
func (s *Store) linksEver(ctx context.Context, q runner, object int64, id string) ([]int64, error) {
	links := []int64{}
	for _, side := range record.Sides() {
		column, end := sideColumn(side), side.String()+"_object"
		for _, state := range []string{`= ''`, `<> ''`} {
			err := q.each(ctx, `SELECT l.id FROM syncs s JOIN links l ON l.sync = s.id AND l.`+column+` = ? AND l.closed `+state+`
				WHERE s.workspace = ? AND s.`+end+` = ?`, args(id, s.workspace, object), func(scan scanner) error {
				var link int64
				err := scan(&link)
				links = append(links, link)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("read the record's links: %w", err)
			}
		}
	}
	return links, nil
}

// Spent counts, from the journal, the distinct records that were created, deleted,
// archived or merged away, and changed per field, on one side of a sync since then (R30).
// What a person has seen and confirmed is left out: reverts, and changed configurations.
func (s *Store) Spent(ctx context.Context, sync string, side record.Side, since time.Time) (Spent, error) {
	spent := Spent{Updated: map[string]int{}}
	err := s.read(ctx, func(q runner) error {
		e, err := s.sync(ctx, q, sync)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT what, field, COUNT(DISTINCT CAST(object AS TEXT) || ' ' || record) FROM (
			SELECT CASE kind WHEN 'archived' THEN 'deleted' WHEN 'merged' THEN 'deleted' ELSE kind END AS what,
				CASE kind WHEN 'written' THEN field ELSE '' END AS field, object, record
			FROM journal WHERE sync = ? AND at >= ? AND side = ? AND kind IN ('created', 'written', 'deleted', 'archived', 'merged')
				AND why NOT LIKE ? AND why NOT LIKE ?) AS done
			GROUP BY what, field`, args(e.id, micros(since), int64(side), ByConfiguration+"%", RevertOf+"%"), func(scan scanner) error {
			var what, field string
			var n int
			err := scan(&what, &field, &n)
			switch EntryKind(what) {
			case Created:
				spent.Created = n
			case Deleted:
				spent.Deleted = n
			case Written:
				spent.Updated[field] = n
			}
			return err
		})
	})
	if err != nil {
		return Spent{}, fmt.Errorf("count what was done to %s: %w", sync, err)
	}
	return spent, nil
}
