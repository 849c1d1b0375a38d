package cli

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/tandemhub/tandem/internal/plan"
)

// hangups sends a word for each SIGHUP, until stop is called. Several that come while nobody
// looks are one.
func hangups() (words <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// reread returns the configuration as the file has it now, if all of it is good: it is parsed,
// its connections are opened and its syncs resolved, all beside what is being served. Nothing
// is written to any vendor. The safe is that of the key's place of now.
func (a *app) reread(ctx context.Context, s *session) (*session, *timetable, error) {
	p, err := a.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	if p.Database != s.plan.Database {
		return nil, nil, errors.New("database: another one needs a restart")
	}
	kept, err := a.openSafe(ctx, s.store, p.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	e, err := a.openEngine(p, s.store, kept, a.warnings(), nil, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := e.Prepare(ctx); err != nil {
		return nil, nil, prepareError(err)
	}
	table, err := newTimetable(ctx, p, s.store)
	return &session{plan: p, store: s.store, safe: kept, engine: e}, table, err
}

// rehook makes a door ready beside the one that is open, with the secrets of now.
func (a *app) rehook(ctx context.Context, s *session, sv *server, t *timetable) (*hooks, error) {
	p, err := s.renewed(ctx)
	if err != nil {
		return nil, err
	}
	e, err := a.openEngine(p, s.store, s.safe, sv.log, nil, nil)
	if err != nil {
		return nil, err
	}
	h, err := newHooks(ctx, a, &session{plan: p, store: s.store, safe: s.safe, engine: e}, sv, t)
	if err == nil {
		sv.opened = sealed(p)
	}
	return h, err
}

// prepareReload makes all that a new configuration needs. It may ask vendors, and an engine at
// work keeps their limits by itself, so none is at work meanwhile.
func (s *server) prepareReload(ctx context.Context) (*plan.Plan, *timetable, *hooks, error) {
	if !s.hold(ctx) {
		return nil, nil, nil, ctx.Err()
	}
	defer s.release()
	p, table, err := s.reread(ctx)
	if err != nil || s.rehook == nil {
		return p, table, nil, err
	}
	next, err := s.rehook(ctx, table)
	return p, table, next, err
}

// reload serves by the configuration as the file has it now. It is called between runs, so the
// run under way has ended by the old one, and all is exchanged at once. If anything is wrong
// with the new one nothing changes.
func (s *server) reload(ctx context.Context) {
	still := s.halt()
	p, table, next, err := s.prepareReload(ctx)
	if err != nil {
		s.withdraw(ctx, still)
		if ctx.Err() == nil {
			s.meters.reloads.WithLabelValues("refused").Inc()
			why := err.Error()
			s.refusal.Store(&why)
			s.log.Error("the configuration was not taken over, the one before stays", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		return
	}
	maps.Copy(table.early, s.table.early)
	for _, sync := range s.plan.Syncs {
		if _, still := p.Sync(sync.Name); !still {
			delete(table.early, sync.Name)
			s.meters.forget(sync.Name)
		}
	}
	s.plan, s.table = p, table
	s.refusal.Store(nil)
	s.heed(ctx)
	s.adopt(p)
	if s.rehook != nil {
		s.changeDoors(ctx, next, still)
	}
	s.meters.reloads.WithLabelValues("taken").Inc()
	s.log.Info("the configuration was read again", "syncs", len(table.syncs))
	for _, sync := range p.Syncs {
		if err := s.gauge(ctx, sync.Name); err != nil {
			s.log.Warn("the gauges were not brought up to date", "sync", sync.Name, "error", err)
		}
	}
}

// reloadIfAsked reloads if a word is waiting.
func (s *server) reloadIfAsked(ctx context.Context) {
	if s.news.reread.Swap(false) {
		s.reload(ctx)
		return
	}
	select {
	case <-s.hup:
		s.reload(ctx)
	default:
	}
}
