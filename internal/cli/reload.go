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
// is written to any vendor.
func (a *app) reread(ctx context.Context, s *session) (*plan.Plan, *timetable, error) {
	p, err := a.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	if p.Database != s.plan.Database {
		return nil, nil, errors.New("database: another one needs a restart")
	}
	e, err := a.openEngine(p, s.store, s.safe, a.warnings(), nil, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := e.Prepare(ctx); err != nil {
		return nil, nil, prepareError(err)
	}
	table, err := newTimetable(ctx, p, s.store)
	return p, table, err
}

// reload serves by the configuration as the file has it now. It is called between runs, so the
// run under way has ended by the old one, and all is exchanged at once. If anything is wrong
// with the new one nothing changes.
func (s *server) reload(ctx context.Context) {
	p, table, err := s.reread(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.meters.reloads.WithLabelValues("refused").Inc()
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
	if s.hooks.outgrown(s.plan, p, table) {
		s.log.Warn("what vendors call, and what for, is as it was at the start: restart to have it follow the new configuration")
	}
	s.plan, s.table = p, table
	s.adopt(p)
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
	select {
	case <-s.hup:
		s.reload(ctx)
	default:
	}
}
