package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	// hintGap is the least time between the beginnings of two turns for what was reported:
	// what comes meanwhile goes into one.
	hintGap = time.Second
	// hintFault is how long is waited after a turn that could not be at all.
	hintFault = time.Minute
	// unreadDelay is how long reports of what cannot be read by id gather before a full run.
	unreadDelay = 10 * time.Second
	// visitDelay is how long what a vendor brings gathers before a full run: a visit takes a while.
	visitDelay = 10 * time.Second
	// engineFor is how long an engine serves turns that follow each other within seconds.
	// Its connections and the allowance of their limits live on; what has changed in a
	// vendor's schema is found out by the next one.
	engineFor = time.Hour
)

// hooks is what a server does about what vendors report by themselves.
type hooks struct {
	store   *store.Store
	door    *door.Door
	subs    []*door.Subscription
	watches []*door.Watch
	names   []string       // connections that report
	syncs   []string       // that run for it: those with a schedule
	objects []store.Object // of these syncs

	news  *news
	found map[string]time.Time     // when, by connection, as far as its syncs have been hurried
	shows map[string]time.Duration // by connection: how long after a report its truth can be read
	after time.Time                // the next turn begins no earlier

	// current returns an error if a secret is another one than this door has: with the old one
	// a vendor would refuse us, and the connection would be paused for nothing.
	current func(ctx context.Context) error

	callers   sync.WaitGroup // requests that are answered by this door
	followers sync.WaitGroup // subs and watches
	unfollow  context.CancelFunc
}

// A news is what has come in and the server's loop does not know yet, whichever door took it.
type news struct {
	wake   chan struct{}
	lost   atomic.Bool // a connection lost notifications; see hooks.found
	bell   console.Bell
	reread atomic.Bool // somebody has changed the configuration

	mu      sync.Mutex
	visited map[string]time.Time // when a vendor last brought something, as far as its syncs have not been hurried
	asked   map[string]bool      // syncs that somebody wants to run now
}

func newNews() *news {
	return &news{wake: make(chan struct{}, 1), visited: map[string]time.Time{}, asked: map[string]bool{}}
}

// tell wakes the loop, and whoever watches.
func (n *news) tell() {
	n.bell.Ring()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// newHooks makes ready what vendors may call for the syncs of a timetable. It returns nil if
// none can.
func newHooks(ctx context.Context, a *app, s *session, sv *server, t *timetable) (*hooks, error) {
	h := &hooks{store: s.store, news: sv.news, found: map[string]time.Time{}, shows: map[string]time.Duration{}}
	asides, err := s.engine.Asides(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for what syncs read besides: %w", err)
	}
	for _, sync := range t.syncs {
		h.syncs = append(h.syncs, sync.Name)
		of := asides[sync.Name]
		for _, end := range sync.Ends {
			of = append(of, store.Object{Connection: end.Connection, Name: end.Object})
		}
		for _, o := range of {
			if !slices.Contains(h.objects, o) {
				h.objects = append(h.objects, o)
			}
		}
	}
	keys, err := h.keys(ctx, s)
	if err != nil || len(h.names) == 0 {
		return nil, err
	}
	// The door has connections of its own: who subscribes must be who verifies, and both live
	// as long as the server.
	e, err := a.openEngine(s.plan, s.store, s.safe, sv.log, nil, func(name string) string {
		if s.plan.PublicURL == "" || keys[name] == "" {
			return ""
		}
		return door.Address(s.plan.PublicURL, name, keys[name])
	})
	if err != nil {
		return nil, err
	}
	h.current = func(ctx context.Context) error {
		p, err := s.renewed(ctx)
		if err == nil && !maps.Equal(sealed(p), sealed(s.plan)) {
			err = errors.New("a secret has just been changed; it is used within a minute")
		}
		return err
	}
	h.open(a, s, sv, e, keys)
	h.news.lost.Store(true) // what an earlier process has not made up for
	return h, nil
}

// keys finds the connections that report, and returns the keys of those that call, by name.
func (h *hooks) keys(ctx context.Context, s *session) (map[string]string, error) {
	keys := map[string]string{}
	for _, c := range s.plan.Connections {
		able, problem := s.engine.Abilities(c.Name)
		_, known, err := s.store.Door(ctx, c.Name)
		if err != nil {
			return nil, fmt.Errorf("look for the doors: %w", err)
		}
		// A connection that cannot be opened keeps the door that it had: it is busy, not gone.
		calls := able.Receiver != nil || able.Host != nil || problem != nil && able.Check == nil && known
		if !calls && able.Hints == nil {
			continue
		}
		h.names = append(h.names, c.Name)
		if !calls {
			continue
		}
		d, err := s.store.OpenDoor(ctx, c.Name)
		if err != nil {
			return nil, fmt.Errorf("open the doors: %w", err)
		}
		keys[c.Name] = d.Key
	}
	return keys, nil
}

// open makes the door, and whoever keeps its vendors calling.
func (h *hooks) open(a *app, s *session, sv *server, e *engine.Engine, keys map[string]string) {
	p := s.plan
	var rooms []door.Connection
	for _, name := range h.names {
		c, _ := p.Connection(name)
		sys, err := a.system(c.System)
		if err != nil {
			continue // no connection could have been opened
		}
		able, _ := e.Abilities(name)
		room := door.Connection{Name: name, Key: keys[name], Door: sys.Spec.Door, Objects: h.objectsOf(name), Receiver: able.Receiver} // without a key nobody can call
		if able.Host != nil {
			room.Host, room.Exchange = able.Host, func() (connector.Exchange, error) { return h.exchange(a, p, s, name) }
			h.came(name) // what an earlier process was brought, and had no time for
		}
		if able.Reader == nil {
			room.Door.ReadDelay = max(room.Door.ReadDelay, unreadDelay)
		}
		rooms = append(rooms, room)
		h.shows[name] = room.Door.ReadDelay
		h.follow(p, sv, e, room, able)
	}
	h.door = door.New(door.Options{
		Keeper: h.store, Connections: rooms, PublicURL: p.PublicURL, Log: sv.log, Tracer: a.tracer,
		Count: sv.meters.delivered,
		Stored: func(lost bool) {
			if lost {
				h.news.lost.Store(true)
			}
			h.news.tell()
		},
	})
}

// follow has a vendor call, or fetches from one that cannot.
func (h *hooks) follow(p *plan.Plan, sv *server, e *engine.Engine, room door.Connection, able connector.Abilities) {
	subscribes := able.Subscriber != nil && p.PublicURL != "" && len(room.Objects) > 0
	if able.Receiver != nil || able.Host != nil {
		s := &door.Subscription{
			Connection: room.Name, Key: room.Key, Visits: able.Host != nil, Objects: room.Objects, Quiet: room.Door.Quiet, Doors: h.store, Log: sv.log,
			Silent: func(silent bool) { sv.meters.fellSilent(room.Name, silent) },
			Moved:  func() { h.door.Missed(room.Name) },
		}
		if subscribes {
			s.Address = door.Address(p.PublicURL, room.Name, room.Key)
			s.Ready = func(ctx context.Context) (connector.Subscriber, error) {
				if err := h.current(ctx); err != nil {
					return nil, err
				}
				able, err := e.Ready(ctx, room.Name)
				return able.Subscriber, err
			}
		}
		h.subs = append(h.subs, s)
	}
	if able.Hints == nil || subscribes || len(room.Objects) == 0 {
		return
	}
	h.watches = append(h.watches, &door.Watch{
		Connection: room.Name, Objects: room.Objects, Log: sv.log,
		Ready: func(ctx context.Context) (connector.HintWatcher, error) {
			if err := h.current(ctx); err != nil {
				return nil, err
			}
			able, err := e.Ready(ctx, room.Name)
			return able.Hints, err
		},
		Feed: func(ctx context.Context, connection string, d connector.Delivery) error {
			return h.door.Feed(ctx, connection, d)
		},
	})
}

func (h *hooks) objectsOf(connection string) []string {
	var names []string
	for _, of := range h.objects {
		if of.Connection == connection {
			names = append(names, of.Name)
		}
	}
	return names
}

// objectsIn returns the objects of those syncs that report.
func (h *hooks) objectsIn(syncs []plan.Sync) []store.Object {
	return slices.DeleteFunc(slices.Clone(h.objects), func(of store.Object) bool {
		return !slices.ContainsFunc(syncs, func(s plan.Sync) bool {
			end := plan.Endpoint{Connection: of.Connection, Object: of.Name}
			return s.Ends[0] == end || s.Ends[1] == end
		})
	})
}

// next returns when the next turn for what was reported begins, and whether there is one. What
// only concerns syncs that are paused waits.
func (h *hooks) next(ctx context.Context, t *timetable) (time.Time, bool, error) {
	if h == nil {
		return time.Time{}, false, nil
	}
	objects := h.objects
	if len(t.paused) > 0 {
		objects = h.objectsIn(t.awake())
	}
	at, found, err := h.store.NextHint(ctx, objects)
	if err != nil {
		return at, false, fmt.Errorf("look for what was reported: %w", err)
	}
	if at.Before(h.after) {
		at = h.after
	}
	return at, found, nil
}

// hurry makes the syncs of connections due that have lost notifications: their cursors know
// what is missing.
func (h *hooks) hurry(ctx context.Context, t *timetable) error {
	if h == nil {
		return nil
	}
	h.welcome(t)
	if !h.news.lost.Swap(false) {
		return nil
	}
	for _, name := range h.names {
		d, _, err := h.store.Door(ctx, name)
		if err != nil {
			h.news.lost.Store(true)
			return fmt.Errorf("look for what was lost: %w", err)
		}
		if d.Lost.IsZero() || d.Lost.Equal(h.found[name]) {
			continue
		}
		h.found[name] = d.Lost
		for _, sync := range t.of(name) {
			t.hurry(sync, h.readable(name, d.Lost))
		}
	}
	return nil
}

// readable is when what a connection had reported by then can be read: vendors report before
// they commit, and a run that came too early would make up for nothing.
func (h *hooks) readable(connection string, lost time.Time) time.Time {
	return lost.Add(h.shows[connection] + time.Millisecond)
}

// caughtUp forgets losses that full runs have made up for.
func (h *hooks) caughtUp(ctx context.Context, t *timetable) error {
	if h == nil {
		return nil
	}
	for name, lost := range h.found {
		late := false
		for _, sync := range t.of(name) {
			if at := h.readable(name, lost); t.began[sync].Before(at) {
				late = true
				t.hurry(sync, at) // its run may just have come too early
			}
		}
		if late {
			continue
		}
		if err := h.store.FoundLost(ctx, name, lost); err != nil {
			return fmt.Errorf("note what was made up for: %w", err)
		}
		delete(h.found, name)
	}
	return nil
}

// reported runs the syncs that due hints concern.
func (s *server) reported(ctx context.Context) error {
	began, h := time.Now(), s.hooks()
	names := slices.DeleteFunc(slices.Clone(h.syncs), func(name string) bool { _, paused := s.table.paused[name]; return paused })
	reports, err := s.hinted(ctx, names)
	h.after = began.Add(hintGap)
	if err != nil && ctx.Err() == nil {
		h.after = time.Now().Add(hintFault)
		s.log.Warn("what vendors reported could not be acted upon; it waits", "error", err)
	}
	for _, r := range reports {
		if errors.Is(r.Err, context.Canceled) {
			s.log.Info("stopped within a run; the next one takes up what is left", "sync", r.Sync)
			continue
		}
		if r.Hinted {
			s.table.later(r.Sync, began, r.Until)
		} else {
			s.table.ran(r.Sync, began, r.Until)
		}
		if err := s.told(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// weigh counts what waits, and what the database takes, for whoever asks for the numbers.
func (s *server) weigh(ctx context.Context) {
	if err := s.disk.weigh(ctx, s.meters); err != nil {
		s.log.Warn("the gauges were not brought up to date", "error", err)
	}
	h := s.hooks()
	if h == nil {
		return
	}
	waiting := map[string]int{}
	for _, of := range h.objects {
		n, err := h.store.WaitingHints(ctx, of)
		if err != nil {
			s.log.Warn("the gauges were not brought up to date", "error", err)
			return
		}
		waiting[of.Connection] += n
	}
	for _, name := range h.names {
		s.meters.waits(name, waiting[name])
	}
}

// An engineKeeper lends an engine to turns that follow each other within seconds. A full
// turn has a new one (docs/decisions).
type engineKeeper struct {
	fresh func(context.Context) (*engine.Engine, error)
	last  *engine.Engine
	made  time.Time
}

func (k *engineKeeper) anew(ctx context.Context) (*engine.Engine, error) {
	e, err := k.fresh(ctx)
	if err == nil {
		k.last, k.made = e, time.Now()
	}
	return e, err
}

func (k *engineKeeper) same(ctx context.Context) (*engine.Engine, error) {
	if k.last != nil && time.Since(k.made) < engineFor {
		return k.last, nil
	}
	return k.anew(ctx)
}

// unheard is the log line for a server whose vendors could call and cannot reach it.
func unheard(log *slog.Logger, p *plan.Plan, h *hooks) {
	if h == nil || p.PublicURL != "" {
		return
	}
	for _, s := range h.subs {
		if s.Visits {
			continue // it may come from where we are
		}
		log.Info("webhooks are possible, and not asked for: set public_url to the address at which vendors reach this server",
			"connection", s.Connection)
	}
}
