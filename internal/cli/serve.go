package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

type serveCmd struct {
	Listen string `placeholder:"ADDRESS" default:"127.0.0.1:8420" help:"Where to answer the console, webhooks, /healthz, /readyz and /metrics. Default: 127.0.0.1:8420."`
}

// Run serves until the context ends; that is a good end.
func (c *serveCmd) Run(ctx context.Context, a *app) (err error) {
	var hup <-chan os.Signal
	if a.Listen == nil { // whoever brings a listener has a process of their own
		words, stop := hangups() // first of all: to begin takes a while, and nobody's word is to end it
		defer stop()
		hup = words
	}
	s, err := a.open(ctx, own)
	if err != nil {
		return err
	}
	defer s.close(&err)
	sv, err := newServer(ctx, a, s)
	if err != nil {
		return err
	}
	sv.hup = hup
	listen := a.Listen
	if listen == nil {
		listen = func(ctx context.Context, address string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		}
	}
	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; --listen names another address", c.Listen, err)
	}
	within, leave := context.WithCancel(ctx)
	defer sv.beside.Wait() // before the database is closed
	defer leave()
	if err := a.openConsole(within, sv, s.store, listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close())
	}
	sv.log.Info("serving", "address", listener.Addr().String(), "syncs", len(sv.table.syncs))
	if len(sv.table.syncs) == 0 {
		sv.log.Warn("no sync has a schedule, so none will run; give one to each that should")
	}
	err = sv.serve(ctx, listener)
	sv.log.Info("stopped")
	return err
}

// A server runs the syncs of a plan by their schedules, one after the other.
type server struct {
	plan   *plan.Plan
	table  *timetable
	meters *meters
	log    *slog.Logger
	ready  atomic.Bool
	run    func(ctx context.Context, syncs []string) ([]engine.Report, error)
	tell   func(engine.Report) error // nil, or told of each report
	gauge  func(ctx context.Context, sync string) error
	keep   func(ctx context.Context)                                          // keeps alive what would die of not being used
	hinted func(ctx context.Context, syncs []string) ([]engine.Report, error) // runs what due hints concern
	news   *news
	group  *errgroup.Group  // of work
	hup    <-chan os.Signal // asks for the configuration to be read again; nil = nobody can
	reread func(ctx context.Context) (*plan.Plan, *timetable, error)
	adopt  func(*plan.Plan)                                        // what the next turn runs by
	rehook func(ctx context.Context, t *timetable) (*hooks, error) // makes another door; nil = it stays
	verify func(ctx context.Context)                               // verifies a slice of every sync; nil = nothing is verified
	disk   *disk                                                   // nil = it is never full
	beside sync.WaitGroup                                          // what the console does in the background
	busy   chan struct{}                                           // holds one while an engine works: limits are kept within one
	now    atWork

	alerts  *alerts      // nil = nobody is told anything
	console http.Handler // nil = there is none
	pauses  func(ctx context.Context) (map[string]store.Pause, error)
	borrow  func(ctx context.Context) (*engine.Engine, error) // an engine of its own, for who holds busy
	seen    atomic.Pointer[outlook]                           // what the loop last let others see

	refusal atomic.Pointer[string] // why the configuration that counts now is not served; nil = it is

	gate sync.Mutex // held for no longer than it takes to look
	open *hooks     // see hooks

	alone   chan struct{} // closed when nobody but the open door is left; nil = no other one was
	leaving *leaving      // nil = no vendor

	closeDoor func(ctx context.Context, connection string) error // forgets a connection's door

	opened  map[string]string                       // the secrets of the vault that the last door was made with
	renewal func(ctx context.Context) (bool, error) // whether they are others now; nil = they never are
	looked  time.Time                               // for that
}

func newServer(ctx context.Context, a *app, s *session) (*server, error) {
	if err := s.engine.Prepare(ctx); err != nil {
		return nil, prepareError(err)
	}
	table, err := newTimetable(ctx, s.plan, s.store)
	if err != nil {
		return nil, err
	}
	sv := &server{busy: make(chan struct{}, 1), news: newNews(), plan: s.plan, table: table, meters: newMeters(), log: a.logger(), closeDoor: s.store.CloseDoor}
	// Every turn has an engine of its own: what was wrong with a connection, or has changed
	// in its schema, is found out afresh.
	live := &atomic.Pointer[session]{} // another one for each configuration
	live.Store(s)
	keeper := &engineKeeper{fresh: func(ctx context.Context) (*engine.Engine, error) { return a.afresh(ctx, live.Load(), sv.log, sv.see) }}
	sv.run = func(ctx context.Context, syncs []string) ([]engine.Report, error) {
		e, err := keeper.anew(ctx)
		if err != nil {
			return nil, err
		}
		return e.Sync(ctx, syncs, engine.SyncOptions{})
	}
	sv.borrow, sv.pauses = keeper.fresh, s.store.Pauses
	sv.keep = func(ctx context.Context) { a.keepGrants(ctx, live.Load(), sv.log) }
	sv.verify = func(ctx context.Context) { a.verify(ctx, live.Load(), sv) }
	next := s // what was read last, adopted or refused
	sv.reread = func(ctx context.Context) (*plan.Plan, *timetable, error) {
		read, table, err := a.reread(ctx, live.Load())
		if err != nil {
			return nil, nil, err
		}
		next = read
		return read.plan, table, nil
	}
	sv.adopt = func(*plan.Plan) {
		live.Store(next)
		keeper.last = nil
	}
	sv.disk = newDisk(s.store, sv.log, func(ctx context.Context) error { return engine.Tidy(ctx, s.store, live.Load().plan, sv.log) })
	sv.rehook = func(ctx context.Context, t *timetable) (*hooks, error) { return a.rehook(ctx, next, sv, t) }
	if sv.open, err = sv.rehook(ctx, table); err != nil {
		return nil, err
	}
	sv.renewal = func(ctx context.Context) (bool, error) {
		next = live.Load() // a door that is renewed is one of the configuration that is served by
		p, err := next.renewed(ctx)
		return err == nil && !maps.Equal(sealed(p), sv.opened), err
	}
	sv.hinted = func(ctx context.Context, syncs []string) ([]engine.Report, error) {
		e, err := keeper.same(ctx)
		if err != nil {
			return nil, err
		}
		if !sv.hold(ctx) {
			return nil, ctx.Err()
		}
		defer sv.release()
		ctx, end := sv.begin(ctx)
		defer end()
		return e.SyncHinted(ctx, syncs, sv.meters.settled)
	}
	unheard(sv.log, s.plan, sv.open)
	sv.gauge = func(ctx context.Context, sync string) error { return sv.count(ctx, s.store, sync) }
	if a.json {
		sv.tell = func(r engine.Report) error { return a.line(r) }
	}
	for _, sync := range s.plan.Syncs {
		if err := sv.gauge(ctx, sync.Name); err != nil {
			return nil, err
		}
		runs, err := s.store.FullRuns(ctx, sync.Name, lookBack)
		if err != nil {
			return nil, fmt.Errorf("load runs: %w", err)
		}
		sv.meters.remember(sync.Name, runs)
	}
	return sv, nil
}

// count takes over how a sync stands into the metrics.
func (s *server) count(ctx context.Context, st *store.Store, sync string) error {
	tally, err := st.Tally(ctx, sync)
	if err != nil {
		return fmt.Errorf("count what there is: %w", err)
	}
	events, err := status.EventsOf(ctx, st, sync)
	if err != nil {
		return err
	}
	s.meters.stands(sync, tally, events)
	return nil
}

// prepareError makes the problems of a configuration one readable error.
func prepareError(err error) error {
	if problems, ok := errors.AsType[plan.Problems](err); ok {
		return unfit(problems)
	}
	return fmt.Errorf("prepare: %w", err)
}

// logger is the log of a process that runs for long: one line per run and whatever
// somebody should act on.
func (a *app) logger() *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.quiet {
		o.Level = slog.LevelWarn
	}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.Err, o))
	}
	return slog.New(slog.NewTextHandler(a.Err, o))
}

// serve answers and runs until ctx ends. It returns when the run under way has drained.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	web := s.web()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		s.daily(gctx)
		return nil
	})
	g.Go(func() error {
		s.hourly(gctx)
		return nil
	})
	g.Go(func() error {
		s.alerts.watch(gctx)
		return nil
	})
	g.Go(func() error {
		err := s.work(gctx)
		// Answers go on while the run drains, so that whoever watches sees it.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		s.news.bell.Close()
		if web.Shutdown(stop) != nil {
			_ = web.Close() // who still hangs on is cut off, which is no bad end
		}
		return err
	})
	return g.Wait()
}

// work runs until ctx ends: what is scheduled, what is reported, and what keeps vendors
// reporting. It returns when the run under way has drained and all that was accepted is kept.
func (s *server) work(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	s.group = g
	context.AfterFunc(gctx, func() { s.hooks().drain() })
	alone := make(chan struct{})
	close(alone)
	s.hooks().serve(gctx, g, alone)
	g.Go(func() error {
		s.disk.watch(gctx)
		return nil
	})
	g.Go(func() error {
		defer func() { s.hooks().stop() }()
		return s.loop(gctx)
	})
	return g.Wait()
}

// loop runs what is due and waits for what will be, until ctx ends.
func (s *server) loop(ctx context.Context) error {
	s.ready.Store(true)
	defer s.ready.Store(false)
	context.AfterFunc(ctx, func() { s.ready.Store(false) })
	for ctx.Err() == nil {
		s.reloadIfAsked(ctx)
		if s.disk.full() {
			s.disk.wait(ctx)
			s.catchUp()
			continue
		}
		s.renewDoor(ctx)
		s.heed(ctx)
		if err := s.hooks().hurry(ctx, s.table); err != nil {
			return stopped(ctx, err)
		}
		now := time.Now()
		if names := s.due(now); len(names) > 0 {
			if err := s.turn(ctx, names); err != nil {
				return err
			}
			continue
		}
		at, reported, err := s.hooks().next(ctx, s.table)
		if err != nil {
			return stopped(ctx, err)
		}
		if reported && !at.After(now) {
			if err := s.reported(ctx); err != nil {
				return err
			}
			continue
		}
		if scheduled, ok := s.table.next(); ok && (!reported || scheduled.Before(at)) {
			at, reported = scheduled, true
		}
		if look := s.looked.Add(secretsFor); len(s.opened) > 0 && (!reported || look.Before(at)) {
			at, reported = look, true
		}
		s.sleep(ctx, at, reported)
	}
	return nil
}

// daily does once a day, and at the start, what is due whether or not a sync runs.
func (s *server) daily(ctx context.Context) {
	if s.keep == nil {
		return
	}
	ticker := time.NewTicker(24 * time.Hour)
	defer ticker.Stop()
	for {
		s.keep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// stopped is err, unless it only says that the server is to stop.
func stopped(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// sleep waits until then, if there is such a time, or until something has come in.
func (s *server) sleep(ctx context.Context, until time.Time, ever bool) {
	var wake <-chan time.Time // nil for ever, if nothing is to come
	if ever {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		wake = timer.C
	}
	select {
	case <-ctx.Done():
	case <-wake:
	case <-s.news.wake:
	case <-s.disk.again():
		s.catchUp()
	case <-s.hup:
		s.reload(ctx)
	}
}

// turn runs the syncs that are due. What a run fails with is told and counted, and the
// next one is tried at its time.
func (s *server) turn(ctx context.Context, names []string) error {
	if !s.hold(ctx) {
		return nil
	}
	began := time.Now()
	wctx, end := s.begin(ctx)
	reports, err := s.run(wctx, names)
	stopped := end()
	s.release()
	s.looked = time.Time{} // the run had the secrets of now, and so has the door
	switch {
	case ctx.Err() != nil:
		// The engine has ended the batch that was under way (invariant 11).
		s.log.Info("stopped within a run; the next one takes up what is left", "syncs", names)
		reports = slices.DeleteFunc(reports, func(r engine.Report) bool { return errors.Is(r.Err, context.Canceled) })
	case stopped && len(reports) > 0:
		s.again(names, reports)
	default:
		reports = complete(reports, chosen(s.plan, names), err)
	}
	for _, r := range reports {
		s.table.ran(r.Sync, began, r.Until)
		if err := s.told(ctx, r); err != nil {
			return err
		}
	}
	err = s.hooks().caughtUp(context.WithoutCancel(ctx), s.table)
	if errors.Is(err, store.ErrFull) {
		return nil // it stays noted, and is made up for when there is room
	}
	return err
}

// hold waits until no engine works; it reports false if ctx ends first.
func (s *server) hold(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case s.busy <- struct{}{}:
		s.news.bell.Ring()
		return true
	}
}

func (s *server) release() {
	<-s.busy
	s.news.bell.Ring()
}

// told counts and tells what one run came to.
func (s *server) told(ctx context.Context, r engine.Report) error {
	sync, _ := s.plan.Sync(r.Sync)
	s.meters.ran(sync, r, time.Now())
	s.logRun(ctx, r)
	if !good(r.Status) {
		s.alerts.hurry()
	}
	if s.tell != nil {
		if err := s.tell(r); err != nil {
			s.log.Warn("a run could not be told; the log and tandem history have it", "sync", r.Sync, "error", err)
		}
	}
	if err := s.gauge(context.WithoutCancel(ctx), r.Sync); err != nil {
		s.log.Warn("the gauges were not brought up to date", "sync", r.Sync, "error", err)
	}
	return nil
}

func (s *server) logRun(ctx context.Context, r engine.Report) {
	level := slog.LevelInfo
	if r.Status == engine.StatusFailed || r.Status == engine.StatusBlocked {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("sync", r.Sync), slog.String("run", r.Run), slog.String("status", r.Status),
		slog.String("took", took(time.Duration(r.DurationMS)*time.Millisecond)),
		slog.Int("created", r.Left.Created+r.Right.Created), slog.Int("updated", r.Left.Updated+r.Right.Updated),
		slog.Int("deleted", r.Left.Deleted+r.Right.Deleted), slog.Int("calls", r.Left.Calls+r.Right.Calls),
		slog.Int("review", r.Review), slog.Bool("reconciled", r.Reconciled),
	}
	if r.Hinted {
		attrs = append(attrs, slog.Bool("hinted", true))
	}
	if r.Error != "" {
		attrs = append(attrs, slog.String("error", r.Error))
	}
	s.log.LogAttrs(ctx, level, "run", attrs...)
}
