package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// What is old is removed in small portions after the syncs have run, so that nobody waits for
// it; what is left over goes after the next ones. So does room that is given back.
const (
	pruneRows   = 500
	pruneRounds = 20
	sizeRounds  = 100 // for a size that is to be kept
	shrinkPages = 256 // 1 MiB
	shrinkTimes = 64
	pageBits    = 12 // a page is 4 KiB
)

// keptFree is the part of a database, one in so many, that may lie free in it: it is
// used before the file grows again.
const keptFree = 8

// longLog is the size of a write-ahead log that is folded at the end of a turn.
const longLog = 4 << 20

// Tidy keeps the database within what the configuration lets it take: it removes what is old
// or too much, and not needed, gives room back and folds the write-ahead log. If the disk has been
// full it looks whether there is room again. It works in small portions beside whatever runs.
func Tidy(ctx context.Context, s *store.Store, p *plan.Plan, log *slog.Logger) error {
	t := &tidying{s: s, k: p.Retention, log: log, ages: agesOf(p, time.Now())}
	_, full := s.Full()
	if full { // the log may hold the room that the rest takes
		if err := s.Fold(ctx); err != nil && !errors.Is(err, store.ErrFull) {
			return err
		}
	}
	for _, step := range []func(context.Context) error{t.byAge, t.bySize, t.shrink, t.fold} {
		if err := step(ctx); err != nil && (!full || !errors.Is(err, store.ErrFull)) {
			return err
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop: the next time does it
		}
	}
	if _, err := s.Regain(ctx); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

// tidying is one round of cleaning.
type tidying struct {
	s    *store.Store
	k    plan.Retention
	ages store.Ages
	log  *slog.Logger
}

func agesOf(p *plan.Plan, now time.Time) store.Ages {
	ago := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	k, names := p.Retention, make([]string, 0, len(p.Syncs))
	for _, s := range p.Syncs {
		names = append(names, s.Name)
	}
	return store.Ages{Journal: ago(k.Journal), Runs: ago(k.Runs), Reviews: ago(k.Reviews), Events: now.Add(-plan.LeastKept), Left: now.Add(-eventPatience), Syncs: names, Drawer: now.Add(-p.KeepOverruled), Now: now}
}

func (t *tidying) byAge(ctx context.Context) error {
	for range pruneRounds {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop: the next time does it
		}
		done, err := t.s.Prune(ctx, t.ages, pruneRows)
		if err != nil {
			return fmt.Errorf("keep what is recent: %w", err)
		}
		if !done.More {
			return nil
		}
	}
	return nil
}

// bySize removes the oldest of what is not needed until the database is as large as it may be.
// What is needed is never removed: if it is too much, that is said.
func (t *tidying) bySize(ctx context.Context) error {
	d, err := t.s.Disk(ctx)
	if err != nil || d.Path == "" {
		return err
	}
	more := true
	for n := 0; t.k.Size > 0 && d.Used() > t.k.Size && more && n < sizeRounds && ctx.Err() == nil; n++ {
		if more, err = t.oldest(ctx); err != nil {
			return fmt.Errorf("keep the database within its size: %w", err)
		}
		if d, err = t.s.Disk(ctx); err != nil {
			return err
		}
	}
	unmet := t.k.Size > 0 && d.Used() > t.k.Size && !more
	switch {
	case unmet && d.Unmet.IsZero():
		t.log.Warn("the database is larger than retention.size, and all that is left of it is needed; a larger size, or a larger disk, is needed too",
			"bytes", d.Used(), "size", t.k.Size)
		return t.s.NoteUnmet(ctx, t.ages.Now)
	case !d.Unmet.IsZero() && (t.k.Size == 0 || d.Used() <= t.k.Size):
		return t.s.NoteUnmet(ctx, time.Time{})
	}
	return nil
}

// oldest removes one portion of the oldest lines of the journal, and of runs and decided
// review items as old as these. It reports whether there may be more.
func (t *tidying) oldest(ctx context.Context) (bool, error) {
	week := t.ages.Now.Add(-plan.LeastKept)
	lines, err := t.s.Prune(ctx, store.Ages{Journal: week, Drawer: t.ages.Drawer, Now: t.ages.Now}, pruneRows)
	if err != nil {
		return false, err
	}
	before := week
	if lines.More {
		before = lines.Upto
	}
	others, err := t.s.Prune(ctx, store.Ages{Runs: before, Reviews: before}, pruneRows)
	return lines.More || others.More, err
}

// shrink gives free room back to the disk, if there is more than is soon used again.
func (t *tidying) shrink(ctx context.Context) error {
	for range shrinkTimes {
		d, err := t.s.Disk(ctx)
		if err != nil || !d.Shrinks || d.Path == "" || ctx.Err() != nil {
			return err
		}
		pages := (d.Free - d.Bytes/keptFree) >> pageBits
		if pages < shrinkPages { // so little is used again soon
			pages = 0
		}
		if t.k.Size > 0 && d.Bytes > t.k.Size {
			pages = max(pages, min(d.Free, d.Bytes-t.k.Size+1<<pageBits-1)>>pageBits)
		}
		if pages == 0 {
			return nil
		}
		if err := t.s.Shrink(ctx, int(min(pages, shrinkPages))); err != nil {
			return err
		}
	}
	return nil
}

func (t *tidying) fold(ctx context.Context) error {
	d, err := t.s.Disk(ctx)
	if err != nil || d.Log < longLog && d.Held.IsZero() {
		return err
	}
	if err := t.s.Fold(ctx); err != nil {
		return err
	}
	if d.Held.IsZero() {
		return nil
	}
	if d, err = t.s.Disk(ctx); err == nil && !d.Held.IsZero() {
		t.log.Warn("somebody who has been reading the database for long keeps its write-ahead log growing; end that program",
			"since", d.Held.UTC().Format(time.RFC3339), "log", d.Path+"-wal", "bytes", d.Log)
	}
	return err
}

// room makes sure that a turn may begin: while the disk is full, none does.
func (e *Engine) room(ctx context.Context) error {
	if _, full := e.store.Full(); !full {
		return nil
	}
	if err := Tidy(ctx, e.store, e.plan, e.log); err != nil {
		return err
	}
	return e.store.Roomy()
}
