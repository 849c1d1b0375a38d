package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// maxRounds bounds how often a run plans and pushes until nothing is left to do. What is
// still unsettled then waits for the next run and is shown as a gap.
const maxRounds = 8

// patience is how long a run waits for a time that a vendor, or caution, has set (R16);
// what takes longer is left to a later run.
const patience = 2 * time.Minute

// SyncOptions are what a caller may want of one run.
type SyncOptions struct {
	Sweep   bool // look for deleted records now, whatever the schedule
	Approve bool // approve of what only a changed configuration would do (R19)

	hints *hinted // read what these name, and nothing else; nil = read what has changed
}

// Sync runs the named syncs (none named = all), parents first, each until it is settled,
// and returns one report per sync in the order of the configuration. The error of one sync
// is in its report; the error returned is of the configuration, the store or the context.
func (e *Engine) Sync(ctx context.Context, syncs []string, o SyncOptions) ([]Report, error) {
	if err := e.begin(ctx, false); err != nil {
		return nil, err
	}
	picked, err := e.pick(syncs)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]Report, len(picked))
	for _, p := range picked {
		rep, err := e.runOne(ctx, p, o)
		if err != nil {
			return nil, err
		}
		byName[p.Name] = rep
		if ctx.Err() != nil {
			break
		}
	}
	if err := Tidy(ctx, e.store, e.plan, e.log); err != nil {
		e.log.Warn("the database was not tidied up; the next run tries again", "error", err)
	}
	return e.inOrder(byName), ctx.Err()
}

// begin makes ready what all runs of a turn need. With leave, a connection that cannot be
// used is left alone rather than asked again.
func (e *Engine) begin(ctx context.Context, leave bool) error {
	if err := e.room(ctx); err != nil {
		return err
	}
	err := e.prepare(ctx, leave)
	if err != nil {
		return err
	}
	if _, err := e.store.Recover(ctx); err != nil {
		return fmt.Errorf("take over the outbox: %w", err)
	}
	if e.home, err = e.store.Installation(ctx); err != nil {
		return fmt.Errorf("load the installation's name: %w", err)
	}
	return nil
}

// inOrder returns reports in the order of the configuration.
func (e *Engine) inOrder(byName map[string]Report) []Report {
	var reports []Report
	for _, s := range e.plan.Syncs {
		if rep, ok := byName[s.Name]; ok {
			reports = append(reports, rep)
		}
	}
	return reports
}

// A run is one execution of one sync.
type run struct {
	e        *Engine
	p        *pair
	id       int64
	began    time.Time
	dry      *preview                    // nil = for real
	restored *store.Restore              // the sync goes on from a backup and has not seen both sides since (R34)
	unproven atomic.Bool                 // and what is out of sight keeps it from knowing what was deleted since
	graves   int                         // marks of erased people that are kept (R32)
	lost     map[store.Spot]bool         // records that wait since a restore, whatever for
	apart    map[store.Spot]bool         // those that a person wanted left alone since then
	lostAt   [2]time.Time                // by side: when the last of those that are asked about since a restore was
	unsure   map[string]bool             // subjects of records of which nobody knows whether they were created
	outcomes map[store.Spot]store.Review // records that may be what a create has made, and the question
	crowds   [2][]store.Review           // questions that do not name all such records of a side
	first    bool                        // no run of this sync has been complete yet (R30)
	complete [2]time.Time                // when the first and the last complete run ended

	doubt  [2]time.Time   // since when creates of unknown outcome may have made records of a side
	marks  [2]int64       // Seq up to which each side's rows have been planned
	listed [2]atomic.Bool // the side has been read to the end (R15)
	calls  [2]*counter
	news   chan struct{} // a page has come, or a side has been read to the end
	space  chan struct{} // operations have been taken from memory
	queued chan struct{} // operations have come, or planning is over
	kin    chan struct{} // what goes with records that are to be deleted is looked for
	done   atomic.Bool   // planning is over: no need to wait for full batches

	mu          sync.Mutex
	rec         store.Run
	decisions   map[string]store.Review       // newest decided review items by subject
	looked      map[int64]bool                // pairs that were planned, and whether something is to be written
	conflicts   map[string]bool               // fields of links that both sides had changed
	edits       map[store.Spot][]store.Review // what people entered and is not carried out yet, by record
	rounds      map[string]int                // writes of one field of one link in this run (R8)
	wanted      []want                        // records to be read before a decision can be made
	met         map[string]bool               // those that were
	asking      atomic.Bool                   // the sync has, or may have, open review items
	noted       atomic.Bool                   // something was written into the journal
	standing    atomic.Bool                   // the sync has, or may have, records that stand alone
	regrouped   atomic.Bool                   // copies have got another role: some are to be planned again at once (R26)
	streaming   bool                          // creates are sent as they are planned
	fresh       [2][]store.Op                 // creates of a first run that are to be sent to either side, in memory
	commits     commits
	settled     [2]map[string]time.Time // records whose row is as our own write left it
	wait        time.Time               // the first time that something waits for
	waiting     int
	pending     int         // of those that wait, how many the vendor has taken (R36)
	former      *former     // the rules that were last approved of; nil = today's
	approve     bool        // a changed configuration is approved of
	linked      int         // pairs linked when the run began; -1 = not counted yet
	nearlyEmpty bool        // one side is: creates into it may be sent as they are planned
	seen        []Alarm     // before anything was planned
	undo        *undo       // what a person wants taken back; nil = nothing
	past        *day        // what was done within the day before this run wrote; nil = not looked at yet
	rows        [2]int      // of a first run: records of either side
	made        [2]int      // of a first run: creates that are held, towards either side
	makers      [2][]string // and the records that some of them come from
	paired      int         // of a first run: those that belong together
	visits      int         // operations that a vendor has yet to fetch, or to speak about
	resting     time.Time   // until when a vendor's budget has no room for what the run left out; zero = it left out nothing
	sweeping    bool        // deleted records are looked for now
}

func (e *Engine) newRun(p *pair) *run { return e.runOf(p, e.store.NewID()) }

// runOf makes a run of that id. One that only looks has none: beside an owner of the
// database, no other process may give ids.
func (e *Engine) runOf(p *pair, id int64) *run {
	r := &run{e: e, p: p, linked: -1, id: id, began: time.Now(), news: make(chan struct{}, 1),
		queued: make(chan struct{}, 1), space: make(chan struct{}, 1), kin: make(chan struct{}, 1), looked: map[int64]bool{}, conflicts: map[string]bool{}, rounds: map[string]int{}, decisions: map[string]store.Review{}}
	for _, side := range record.Sides() {
		c := p.ends[side].conn
		r.calls[side] = &counter{}
		r.calls[side].n.Add(c.spent.n.Swap(0)) // identity and schema requests made on the way here
		r.settled[side] = map[string]time.Time{}
	}
	r.rec = store.Run{ID: r.id, Sync: p.Name, Started: r.began}
	return r
}

// runOne runs one sync and writes its line into the log of runs. The error is the store's.
func (e *Engine) runOne(ctx context.Context, p *pair, o SyncOptions) (Report, error) {
	r := e.newRun(p)
	r.rec.Hinted = o.hints != nil
	r.approve, r.sweeping = o.Approve, o.Sweep
	ctx, span := e.span(ctx, "run", r.about()...)
	rep, err := r.whole(ctx, o)
	ended(span, errors.Join(err, rep.Err), r.aboutReport(rep)...)
	return rep, err
}

// whole is the run from its first to its last word.
func (r *run) whole(ctx context.Context, o SyncOptions) (Report, error) {
	e := r.e
	if err := e.store.StartRun(ctx, r.rec); err != nil {
		return Report{}, fmt.Errorf("start run: %w", err)
	}
	r.progress(Progress{Act: ActBegin})
	status, gaps, err := r.do(ctx, o)
	r.rec.Status = status
	until, spent := exhausted(err)
	switch {
	case spent:
		r.rests(until, err)
		r.rec.Status, err = StatusReview, nil
	case errors.Is(err, context.Canceled):
		r.rec.Status, r.rec.Error = StatusFailed, "it was stopped on the way; the next run goes on from here"
	case err != nil:
		r.rec.Status, r.rec.Error = StatusFailed, err.Error()
	}
	// The run's last words are written even if it was told to stop.
	wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	r.e.saveBudgets(wctx)
	if back, is := errors.AsType[*RestoredError](err); is {
		r.rec.Status, r.rec.Error, gaps, err = StatusBlocked, "", []string{back.Error()}, nil
	}
	rep, serr := r.report(wctx, gaps, err)
	if serr != nil {
		return rep, serr
	}
	return rep, nil
}

// do is the way of a run: recover what an earlier one left, read both sides and plan as
// their pages come, let the guard judge, push, and plan again what the answers changed.
func (r *run) do(ctx context.Context, o SyncOptions) (status string, gaps []string, err error) {
	if err := r.usable(); err != nil {
		return "", nil, err
	}
	if err := r.stillBack(ctx); err != nil {
		return "", nil, err
	}
	if err := r.prepare(ctx); err != nil {
		return "", nil, err
	}
	if err := r.relist(ctx); err != nil {
		return "", nil, err
	}
	if err := r.fill(ctx, o); err != nil {
		return "", nil, err
	}
	switch stop, err := r.lookFirst(ctx); {
	case err != nil:
		return "", nil, err
	case stop != "":
		return StatusBlocked, []string{stop}, nil
	}
	for range maxRounds {
		if err := r.planRound(ctx); err != nil {
			return "", nil, err
		}
		if err := r.askApproval(ctx); err != nil {
			return "", nil, err
		}
		blown, err := r.guard(ctx)
		if err != nil {
			return "", nil, err
		}
		if blown != "" {
			return StatusBlocked, []string{blown}, nil
		}
		sent, err := r.pushAll(ctx)
		if err != nil {
			return "", nil, err
		}
		if sent == 0 && !r.undo.goesOn() {
			break
		}
	}
	if err := r.endFirst(ctx); err != nil {
		return "", nil, err
	}
	if err := r.takeUpEvents(ctx); err != nil {
		return "", nil, err
	}
	r.rec.Complete = !r.rec.Hinted && r.brought()
	if err := r.endRestore(ctx); err != nil {
		return "", nil, err
	}
	if err := r.tellEvents(ctx); err != nil { // all else is done: a system that takes no event keeps nothing up
		return "", nil, err
	}
	if gaps, err = r.reconcile(ctx); err != nil {
		return "", nil, err
	}
	return "", gaps, r.endFormer(ctx, gaps)
}

// fill brings the mirror up to date: with what has changed, or with what was reported.
func (r *run) fill(ctx context.Context, o SyncOptions) error {
	if o.hints != nil {
		return r.readHinted(ctx, o.hints)
	}
	if err := r.readAndPlan(ctx); err != nil {
		return err
	}
	for _, side := range record.Sides() {
		if err := r.later(r.sweep(ctx, side, o.Sweep)); err != nil {
			return err
		}
		if err := r.later(r.refresh(ctx, side)); err != nil {
			return err
		}
	}
	return nil
}

// opKey mints the key of an operation (R16). It holds none of the characters that vendors
// are known to refuse in an external id.
func (e *Engine) opKey(id int64) string { return e.keysBegin() + strconv.FormatInt(id, 36) }

// anyKey begins the keys of all installations' operations, and keysBegin those of this one's.
const anyKey = "tandem-"

func (e *Engine) keysBegin() string { return anyKey + e.home + "-" }
