package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

// A world is some accounts, people, the weather between them and a hub.
type world struct {
	set Setup
	ctx context.Context
	rnd *rand.Rand

	storm *rand.Rand // of what the stress brings

	store  *store.Store
	engine *engine.Engine
	plan   *planned

	cancel context.CancelFunc // of the run under way
	dead   bool               // the process has been killed and not started again
	stop   stop
	full   int  // so many transactions until the disk is full; below zero it is; 0 = there is room
	quiet  bool // people have gone home
	serial int
	focus  map[spot]string // what people talk about today, by kind and side
	busy   bool            // a run is under way

	faults    []*fault
	edits     []edit
	gone      []removal
	fused     []fusion
	hidden    []spot
	veiled    []spot                  // all that ever were
	missed    []spot                  // hidden since before the hub was restored
	late      map[seat]time.Time      // when such a one came into sight, of a sync that takes no care of a restore any more
	back      []spot                  // brought back with their ids
	mapped    map[string]time.Time    // a field, by key → when it was last mapped again
	fresh     []string                // keys of those that no run has looked at wholly since
	away      []string                // keys of the fields that are not mapped now
	backups   []string                // files
	past      []store.Entry           // the journal that a restore has lost
	pastLinks map[string][]store.Link // and the links

	pastLosses []loss         // and the values that operations of its outbox were to overrule
	homes      []string       // what the installation was called before
	mu         sync.Mutex     // over all of this while requests are under way
	asked      map[string]int // how often each request was made, where several are under way at a time
	met        []asked        // questions about first matches, those too that have settled themselves since
	seen       []int          // acts of each side's ledger that were noticed
	last       string         // what the last run said

	flowed   []int           // acts of each side's ledger that were searched for automation
	says     map[spot]string // what records say about mail
	lifts    []lift          // noes that the hub took away
	began    time.Time       // of the run under way, or the last one
	remapped bool            // another value map was tried
	remaps   [][2]time.Time  // from when until when
	former   func()          // takes a vendor back to its backup; nil = there is none
	rewound  bool            // a vendor was restored

	wrong  []string
	trace  []string
	counts map[string]int
}

// A planned is a configuration as it is at work, and as it was written.
type planned struct {
	*plan.Plan
	source string
}

var errKilled = errors.New("the process was killed")

func newWorld(ctx context.Context, s Setup) (*world, error) {
	w := &world{set: s, ctx: ctx, rnd: rand.New(rand.NewPCG(s.Seed, 0x7a4d)), counts: map[string]int{}, asked: map[string]int{}, //nolint:gosec // a seed is to be repeatable
		focus: map[spot]string{}, seen: make([]int, len(s.Sides)), flowed: make([]int, len(s.Sides)), says: map[spot]string{}, mapped: map[string]time.Time{}, late: map[seat]time.Time{}, storm: storm(s.Seed), pastLinks: map[string][]store.Link{}}
	p, problems := plan.Parse("tandem.yaml", []byte(s.Config), s.Env, s.Specs)
	if problems.HasErrors() {
		return nil, fmt.Errorf("the configuration of the simulation: %w", problems)
	}
	w.plan = &planned{p, s.Config}
	for side := range s.Sides {
		kit := s.Sides[side].Twin.Kit()
		kit.Before(func(r *http.Request) { w.within("before", side, r) })
		kit.After(func(r *http.Request) { w.within("after", side, r) })
	}
	return w, w.open()
}

// open starts the hub as a new process would.
func (w *world) open() error {
	st, err := store.Open(w.ctx, store.Options{DSN: "sqlite:" + w.set.Path, Exclusive: true, Committing: w.committing})
	if err != nil {
		return fmt.Errorf("open the store of the simulation: %w", err)
	}
	w.store = st
	w.engine, err = engine.New(engine.Options{Store: st, Plan: w.plan.Plan, Specs: w.set.Specs, Workers: max(1, w.set.Workers), Transport: w.transport,
		Jitter: func(most time.Duration) time.Duration { return most / 2 }})
	if err != nil {
		return fmt.Errorf("open the engine of the simulation: %w", err)
	}
	return nil
}

func (w *world) close() {
	if w.store == nil {
		return
	}
	if err := w.store.Close(); err != nil {
		w.blamef("the store does not close: %v", err)
	}
	w.store = nil
}

// restart is a new process over the same database.
func (w *world) restart() {
	w.close()
	w.dead, w.stop = false, stop{}
	if err := w.open(); err != nil {
		w.blamef("it does not start again: %v", err)
	}
}

// run lets all syncs run once and reports whether each ended as well as it could.
func (w *world) run(sweep bool) bool {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	w.cancel = cancel
	w.busy, w.began = true, time.Now()
	reports, err := w.engine.Sync(ctx, nil, engine.SyncOptions{Sweep: sweep})
	w.busy = false
	fine := err == nil
	w.last = fmt.Sprint(err)
	for _, rep := range reports {
		line := fmt.Sprintf("%s %s %s: wrote %d and %d, linked %d, review %d, failed %d, reconciled %t %q %s", rep.Run, rep.Sync, rep.Status,
			rep.Left.Created+rep.Left.Updated+rep.Left.Deleted, rep.Right.Created+rep.Right.Updated+rep.Right.Deleted, rep.Linked, rep.Review, rep.Failed, rep.Reconciled, rep.Gaps, rep.Error)
		w.notef("run %s", line)
		w.last = line
		fine = fine && (rep.Status == engine.StatusOK || rep.Status == engine.StatusReview) && rep.Reconciled
		if w.quiet && max(rep.Left.Calls, rep.Right.Calls) > 0 {
			w.counts["calls"] += rep.Left.Calls + rep.Right.Calls
		}
	}
	for _, key := range w.fresh { // it was compared then at the latest
		w.mapped[key] = time.Now()
	}
	if fine {
		w.fresh = nil
	}
	switch {
	case w.dead:
		w.notef("killed, and started again")
		w.counts["restart after a kill"]++
		w.restart()
	case w.stop.pulled:
	case w.full < 0 && (err == nil || errors.Is(err, store.ErrFull)):
		w.notef("the disk has room again")
	case err != nil:
		w.blamef("a run ended with %v", err)
	}
	w.stop, w.full = stop{}, 0
	w.noteMet()
	return fine
}

// transport carries a connection's requests to its twin, as long as the process lives.
func (w *world) transport(c plan.Connection) http.RoundTripper {
	for side, a := range w.set.Sides {
		if a.Connection == c.Name {
			return &wire{w, side, twin.Transport(a.Twin)}
		}
	}
	return nil
}

type wire struct {
	w    *world
	side int
	next http.RoundTripper
}

func (t *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w := t.w
	if w.set.Workers > 1 {
		if err := w.travel(t.side, r); err != nil {
			return nil, err
		}
	}
	if w.over() || w.struck(beforeCall) {
		return nil, context.Canceled
	}
	res, err := t.next.RoundTrip(r)
	w.notice(t.side)
	if w.over() || w.struck(afterCall) {
		if err == nil {
			_ = res.Body.Close() // nobody is there to read it
		}
		return nil, context.Canceled
	}
	return res, err
}

// notice notes what programs have done to a side since it was last looked at.
func (w *world) notice(side int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	acts := w.set.Sides[side].Twin.Kit().Ledger().Acts()
	for _, act := range acts[w.seen[side]:] {
		w.watchConsent(side, act)
		if ours(act) {
			fields := maps.Clone(act.Fields)
			delete(fields, engine.KeyField) // holds the installation's name, which differs from life to life
			w.notef("  the hub: %s %s/%s %q", act.Verb, w.set.Sides[side].Connection, act.ID, fields)
		}
	}
	w.seen[side] = len(acts)
	w.noteFlows(side)
}

// committing is called before a transaction of the store becomes true.
func (w *world) committing() error {
	if w.over() {
		return errKilled
	}
	if !w.busy {
		return nil // not the process's: the oracle asks what the installation is called
	}
	if w.struck(beforeCommit) {
		return errKilled
	}
	if w.brimming() {
		return store.ErrFull
	}
	w.struck(afterCommit)
	return nil
}

// syncs are those of all kinds.
func (w *world) syncs() []Sync {
	var out []Sync
	for _, k := range w.set.Kinds {
		out = append(out, k.Syncs...)
	}
	return out
}

// over reports whether the process has been killed.
func (w *world) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

// written counts what programs did to all accounts.
func (w *world) written() int {
	n := 0
	for _, a := range w.set.Sides {
		for _, act := range a.Twin.Kit().Ledger().Acts() {
			if ours(act) {
				n++
			}
		}
	}
	return n
}

// journal returns the whole journal, a line each.
func (w *world) journal() []string {
	var lines []string
	var pairs []string
	for _, home := range append(slices.Clone(w.homes), w.home()) {
		pairs = append(pairs, home, "here")
	}
	homes := strings.NewReplacer(pairs...)
	for _, e := range w.history() {
		lines = append(lines, fmt.Sprintf("%s r%d %s %s/%s %s %s %q %q %s %s", e.At.UTC().Format("02 15:04:05.000000"), e.Run, e.Sync, e.Of, e.Record, e.Kind,
			e.Field, e.Old, e.New, homes.Replace(string(e.Set.Append(nil))), e.Why))
	}
	return lines
}

// home is the name of the installation: drawn by chance, it differs from life to life.
func (w *world) home() string {
	home, err := w.store.Installation(w.ctx)
	if err != nil {
		w.blamef("the installation has no name: %v", err)
	}
	return home
}

func (w *world) history() []store.Entry {
	lines, err := w.store.History(w.ctx, store.HistoryQuery{Limit: 1 << 20})
	if err != nil {
		w.blamef("the journal cannot be read: %v", err)
	}
	return lines
}
