package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/notify"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	// alertEvery is how often is looked whether somebody is to be told something.
	alertEvery = time.Minute
	// alertRuns is how many runs of a sync are looked at for what is usual.
	alertRuns = 60
)

// alerts tell people what is wrong. Looking is one goroutine's; Test and Wrong are anybody's.
type alerts struct {
	app    *app
	store  *store.Store
	log    *slog.Logger
	plan   func() *plan.Plan
	ways   func(*plan.Plan) []notify.Sender
	desk   *notify.Desk
	growth map[string]*notify.Growth // by sync
	last   []notify.State            // of those that a run under way can change
	wake   chan struct{}

	hold     func(context.Context) bool // see server.hold
	release  func()
	patience time.Duration // for a run to end

	mu    sync.Mutex
	wrong string // why the last message could not be carried; "" = nothing
}

func newAlerts(a *app, sv *server, s *store.Store) *alerts {
	quiet := *a
	quiet.quiet = true // what cannot be read is told by status, not every minute
	x := &alerts{
		app: &quiet, store: s, log: sv.log, plan: func() *plan.Plan { return sv.seen.Load().plan }, ways: waysOf,
		growth: map[string]*notify.Growth{}, wake: make(chan struct{}, 1),
		hold: sv.hold, release: sv.release, patience: alertEvery,
	}
	x.desk = &notify.Desk{Memory: memory{s}, Begun: time.Now()}
	return x
}

// waysOf are the ways of telling that a configuration names.
func waysOf(p *plan.Plan) []notify.Sender {
	var ways []notify.Sender
	at := ""
	if public := strings.TrimRight(p.PublicURL, "/"); public != "" {
		at = public + "/"
	}
	if e := p.Notify.Email; e != nil {
		ways = append(ways, &notify.SMTP{Server: e.Server, User: e.User, Password: e.Secrets[plan.NotifyPassword], From: e.From, To: e.To, At: at, Zone: p.Timezone, Now: time.Now})
	}
	if w := p.Notify.Webhook; w != nil {
		if key, err := plan.SigningKey(w.Secrets[plan.NotifySecret]); err == nil { // the configuration was refused otherwise
			ways = append(ways, &notify.Webhook{URL: w.Secrets[plan.NotifyURL], Key: key, Client: &http.Client{}, Now: time.Now, At: at})
		}
	}
	return ways
}

// memory keeps what was told in the database.
type memory struct{ store *store.Store }

// Told returns the last word about everything.
func (m memory) Told(ctx context.Context) ([]notify.Told, error) {
	all, err := m.store.Notices(ctx)
	var told []notify.Told
	for _, n := range all {
		told = append(told, notify.Told{Way: n.Way, Kind: notify.Kind(n.Kind), Of: n.Of, What: n.What, Since: n.Since, At: n.At, Resolved: n.Resolved})
	}
	return told, err
}

// Keep keeps one.
func (m memory) Keep(ctx context.Context, t notify.Told) error {
	return m.store.PutNotice(ctx, store.Notice{Way: t.Way, Kind: string(t.Kind), Of: t.Of, What: t.What, Since: t.Since, At: t.At, Resolved: t.Resolved})
}

// hurry has it looked at once what people are to be told.
func (x *alerts) hurry() {
	if x == nil {
		return
	}
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// watch looks once a minute, until ctx ends, what people are to be told, and when it is to hurry.
func (x *alerts) watch(ctx context.Context) {
	if x == nil {
		return
	}
	ticker := time.NewTicker(alertEvery)
	defer ticker.Stop()
	for {
		x.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-x.wake:
		}
	}
}

func (x *alerts) look(ctx context.Context) {
	p := x.plan()
	if !p.Notify.Set() {
		return
	}
	states, err := x.states(ctx, p, time.Now())
	if err == nil {
		err = x.desk.Tell(ctx, x.ways(p), states, notify.Options{On: p.Notify.On, Test: p.Notify.Test}, time.Now())
	}
	if ctx.Err() != nil {
		return
	}
	x.note(err)
	if err != nil {
		x.log.Warn("somebody was to be told something, and could not be", "error", err)
	}
}

func (x *alerts) note(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrong = ""
	if err != nil {
		x.wrong = err.Error()
	}
}

// Wrong says why the last message could not be carried.
func (x *alerts) Wrong() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.wrong
}

// Test sends a message by every way at once.
func (x *alerts) Test(ctx context.Context) error {
	ways := x.ways(x.plan())
	wrong := make([]error, len(ways))
	var all sync.WaitGroup
	for i, way := range ways {
		all.Go(func() { wrong[i] = x.tryOut(ctx, way) })
	}
	all.Wait()
	err := errors.Join(wrong...)
	x.note(err)
	return err
}

func (x *alerts) tryOut(ctx context.Context, way notify.Sender) error {
	now := time.Now()
	m := notify.TestMessage(way.Name(), now, now)
	if err := notify.Send(ctx, way, m); err != nil {
		return err
	}
	return memory{x.store}.Keep(context.WithoutCancel(ctx), notify.Told{Way: m.Way, Kind: m.Kind, What: m.What, Since: m.Since, At: now})
}

// states are what is wrong now. A run tries every connection anew, so that nobody knows while it
// goes on whether what failed still does: whoever looks waits for its end, or for a minute, and
// takes that to be as it was.
func (x *alerts) states(ctx context.Context, p *plan.Plan, now time.Time) ([]notify.State, error) {
	short, cancel := context.WithTimeout(ctx, x.patience)
	defer cancel()
	alone := x.hold(short)
	if alone {
		defer x.release()
	}
	all, err := x.found(ctx, p, now)
	if err != nil {
		return nil, err
	}
	moves := func(s notify.State) bool { return s.Kind == notify.Failure || s.Kind == notify.Credential }
	if !alone {
		return append(slices.DeleteFunc(all, moves), x.last...), nil
	}
	x.last = slices.DeleteFunc(slices.Clone(all), func(s notify.State) bool { return !moves(s) })
	return all, nil
}

// found is what our own records say. A sync that fails because a connection of its cannot be used is
// not told of besides that.
func (x *alerts) found(ctx context.Context, p *plan.Plan, now time.Time) ([]notify.State, error) {
	states, err := x.ofConnections(ctx, p, now)
	if err != nil {
		return nil, err
	}
	dead := map[string]bool{}
	for _, s := range states {
		dead[s.Of] = dead[s.Of] || s.Kind == notify.Credential
	}
	for _, sync := range p.Syncs {
		of, err := x.ofSync(ctx, sync, p.Notify.Queue, now)
		if err != nil {
			return nil, err
		}
		for _, s := range of {
			if s.Kind != notify.Failure || !dead[sync.Ends[0].Connection] && !dead[sync.Ends[1].Connection] {
				states = append(states, s)
			}
		}
	}
	return states, nil
}

func (x *alerts) ofConnections(ctx context.Context, p *plan.Plan, now time.Time) ([]notify.State, error) {
	lines, err := status.Connections(ctx, p, x.store)
	if err != nil {
		return nil, err
	}
	x.app.addGrants(ctx, p, x.store, lines)
	var states []notify.State
	for _, c := range lines {
		if s, dead := x.deadOf(c, now); dead {
			states = append(states, s)
		} else if s, ends := endingOf(c, p.Timezone, now); ends {
			states = append(states, s)
		}
		if c.Hooks != nil && c.Hooks.Silent != nil {
			states = append(states, notify.State{
				Kind: notify.Silence, Of: c.Connection, Since: *c.Hooks.Silent, What: c.Connection + " has reported nothing for longer than is usual; its changes are read by the schedule",
				Fix: "look whether its webhooks are still set up; tandem connections tells the address that it should call",
			})
		}
	}
	return states, nil
}

// endingOf says that the access to a connection ends within days.
func endingOf(c status.Connection, zone *time.Location, now time.Time) (notify.State, bool) {
	since := c.Grant.EndsSoon(now)
	if since.IsZero() {
		return notify.State{}, false
	}
	return notify.State{
		Kind: notify.Expiry, Of: c.Connection, Since: since, What: "the access to " + c.Connection + " ends " + stamp(*c.Grant.Ends, zone) + " unless it is renewed before",
		Fix: "tandem connections authorize " + c.Connection + " asks a person to agree",
	}, true
}

// deadOf says why a connection cannot be used. Since when it was seen to is remembered, so that a
// message that is tried again is the same one.
func (x *alerts) deadOf(c status.Connection, now time.Time) (notify.State, bool) {
	s := notify.State{Kind: notify.Credential, Of: c.Connection}
	switch {
	case c.Paused != "":
		s.What, s.Fix = oneLine(c.Paused), "when that is mended, tandem check "+c.Connection+" tries it again"
	case c.Grant != nil && c.Grant.Problem != "" && (!c.Grant.Authorized || c.Grant.Ends != nil && !now.Before(*c.Grant.Ends)) || c.Health == status.SignedOut:
		s.What, s.Fix = "nobody grants access to "+c.Connection+" any more", "tandem connections authorize "+c.Connection+" asks a person to agree"
		if c.Grant != nil && c.Grant.Problem != "" {
			s.What = oneLine(c.Grant.Problem)
		}
	default:
		return s, false
	}
	s.Since = now
	for _, was := range x.last {
		if was.Kind == s.Kind && was.Of == s.Of {
			s.Since = was.Since
		}
	}
	return s, true
}

func (x *alerts) ofSync(ctx context.Context, sync plan.Sync, queue int, now time.Time) ([]notify.State, error) {
	runs, err := x.store.Runs(ctx, sync.Name, alertRuns)
	if err != nil {
		return nil, fmt.Errorf("load runs: %w", err)
	}
	var states []notify.State
	if s, failing := failureOf(sync.Name, runs); failing {
		states = append(states, s)
	}
	done, err := x.store.Completed(ctx, sync.Name)
	if err != nil {
		return nil, fmt.Errorf("load runs: %w", err)
	}
	if s, odd := oddity(sync.Name, runs, done[0]); odd {
		states = append(states, s)
	}
	tally, err := x.store.Tally(ctx, sync.Name)
	if err != nil {
		return nil, fmt.Errorf("count what there is: %w", err)
	}
	growth, err := x.growthOf(ctx, sync.Name)
	if err != nil {
		return nil, err
	}
	if since := growth.Look(tally.Outbox, queue, now); !since.IsZero() {
		states = append(states, notify.State{
			Kind: notify.Queue, Of: sync.Name, Since: since, What: queued(tally.Outbox),
			Fix: "tandem status says when it will be done, and what a system allows in a day",
		})
	}
	return states, nil
}

// queued says how much waits in a queue that grows.
func queued(n int) string {
	if n == 1 {
		return "1 operation waits to be written, and ever more"
	}
	return count(n) + " operations wait to be written, and ever more"
}

// growthOf returns what is known of a sync's queue. One that people were told of by a process
// before this one grows until it is seen not to: else a restart would say that it is over.
func (x *alerts) growthOf(ctx context.Context, sync string) (*notify.Growth, error) {
	if g := x.growth[sync]; g != nil {
		return g, nil
	}
	told, err := memory{x.store}.Told(ctx)
	if err != nil {
		return nil, err
	}
	g := &notify.Growth{}
	for _, t := range told {
		if t.Kind == notify.Queue && t.Of == sync && t.Resolved.IsZero() {
			g.Since = t.Since
		}
	}
	x.growth[sync] = g
	return g, nil
}

// failureOf says since when the runs of a sync have not succeeded, the newest first.
func failureOf(sync string, runs []store.Run) (notify.State, bool) {
	var s notify.State
	for _, r := range runs {
		if r.Ended.IsZero() || r.Status == store.RunCutShort {
			continue // it goes on, or its process ended
		}
		if good(r.Status) {
			break
		}
		if s.Kind == "" {
			s = notify.State{Kind: notify.Failure, Of: sync, What: oneLine(r.Error), Fix: "tandem status says more"}
			if r.Status == engine.StatusBlocked {
				s.Fix = "tandem review shows what is asked"
			}
		}
		s.Since = r.Started
	}
	return s, s.Kind != ""
}

// oddity says what is unlike the usual in the last run that ended well. What the first complete run
// and those before it wrote is no measure.
func oddity(sync string, runs []store.Run, complete time.Time) (notify.State, bool) {
	var last *store.Run
	var before []notify.Run
	for _, r := range runs {
		switch {
		case r.Ended.IsZero() || !good(r.Status) || r.Hinted || complete.IsZero() || !r.Started.After(complete):
		case last == nil:
			last = &r
		default:
			before = append(before, measured(r))
		}
	}
	if last == nil {
		return notify.State{}, false
	}
	what := notify.Deviates(measured(*last), before)
	return notify.State{Kind: notify.Unusual, Of: sync, Since: last.Started, What: what, Fix: "tandem history " + engine.RunName(last.ID) + " shows what it did, and tandem revert takes it back"}, what != ""
}

func measured(r store.Run) notify.Run {
	n := 0
	for _, c := range r.Sides {
		n += c.Created + c.Updated + c.Deleted
	}
	return notify.Run{Written: n, Took: r.Ended.Sub(r.Started)}
}
