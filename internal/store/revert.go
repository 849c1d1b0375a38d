package store

import (
	"context"
	"fmt"
)

// JournalEnd returns the number of the newest line of the journal, 0 if it has none.
func (s *Store) JournalEnd(ctx context.Context) (int64, error) {
	var end int64
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT COALESCE(MAX(id), 0) FROM journal`, nil, func(scan scanner) error { return scan(&end) })
	})
	if err != nil {
		return 0, fmt.Errorf("read the end of the journal: %w", err)
	}
	return end, nil
}

// Line returns one line of the journal, and whether there is one of that number.
func (s *Store) Line(ctx context.Context, id int64) (Entry, bool, error) {
	list, err := s.lines(ctx, `id = ?`, id)
	if err != nil || len(list) == 0 {
		return Entry{}, false, err
	}
	return list[0], true, nil
}

// LinesOf returns all lines about those links, oldest first.
func (s *Store) LinesOf(ctx context.Context, links []int64) ([]Entry, error) {
	if len(links) == 0 {
		return nil, nil
	}
	return s.lines(ctx, `link <> 0 AND `+s.d.in("link")+` ORDER BY id`, s.d.list(links))
}

// Loose returns the lines of a selection that are about no link, oldest first.
func (s *Store) Loose(ctx context.Context, h HistoryQuery) ([]Entry, error) {
	var list []Entry
	err := s.walk(ctx, entryColumns, h, ` AND link = 0 ORDER BY at, id`, func(scan scanner) error {
		e, err := s.scanEntry(scan)
		list = append(list, e)
		return err
	})
	return list, err
}

// LinksIn returns, in order, the links that a selection has lines about. It is all of a
// large selection that has to be held in memory at once.
func (s *Store) LinksIn(ctx context.Context, h HistoryQuery) ([]int64, error) {
	var links []int64
	err := s.walk(ctx, `DISTINCT link`, h, ` AND link <> 0 ORDER BY link`, func(scan scanner) error {
		var link int64
		err := scan(&link)
		links = append(links, link)
		return err
	})
	return links, err
}

// walk walks the lines that a query selects, whatever its limit.
func (s *Store) walk(ctx context.Context, columns string, h HistoryQuery, tail string, row func(scanner) error) error {
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		where, a, err := s.historyWhere(ctx, q, h)
		if err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+columns+` FROM journal WHERE `+where+tail, a, row)
	})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	return nil
}

func (s *Store) lines(ctx context.Context, where string, a ...any) ([]Entry, error) {
	var list []Entry
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+entryColumns+` FROM journal WHERE workspace = ? AND `+where, append(args(s.workspace), a...),
			func(scan scanner) error {
				e, err := s.scanEntry(scan)
				list = append(list, e)
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return list, nil
}

// RunByID returns one run, and whether there is one of that number.
func (s *Store) RunByID(ctx context.Context, id int64) (Run, bool, error) {
	var r Run
	found := false
	err := s.read(ctx, func(q runner) error {
		if err := s.knowNames(ctx, q); err != nil {
			return err
		}
		return q.each(ctx, `SELECT `+runColumns+` FROM runs WHERE workspace = ? AND id = ?`, args(s.workspace, id),
			func(scan scanner) (err error) {
				r, err = s.scanRun(scan)
				found = true
				return err
			})
	})
	if err != nil {
		return Run{}, false, fmt.Errorf("read run %d: %w", id, err)
	}
	return r, found, nil
}
