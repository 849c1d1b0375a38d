package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

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
	dry      *preview            // nil = for real
	restored *store.Restore      // the sync goes on from a backup and has not seen both sides since (R34)
	graves   int                 // marks of erased people that are kept (R32)
	lost     map[store.Spot]bool // records of which was asked after a restore
	unsure   map[string]bool     // subjects of records of which nobody knows whether they were created
	first    bool                // no run of this sync has been complete yet (R30)
	complete [2]time.Time        // when the first and the last complete run ended

	doubt  [2]time.Time   // since when creates of unknown outcome may have made records of a side
	marks  [2]int64       // Seq up to which each side's rows have been planned
	listed [2]atomic.Bool // the side has been read to the end (R15)
	calls  [2]*counter
	news   chan struct{} // a page has come, or a side has been read to the end
	space  chan struct{} // operations have been taken from memory
	queued chan struct{} // operations have come, or planning is over
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
		queued: make(chan struct{}, 1), space: make(chan struct{}, 1), looked: map[int64]bool{}, conflicts: map[string]bool{}, rounds: map[string]int{}, decisions: map[string]store.Review{}}
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
	r.rec.Complete = !r.rec.Hinted && r.brought()
	if err := r.endRestore(ctx); err != nil {
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

// usable returns why one of the sides cannot be used.
func (r *run) usable() error {
	for _, end := range r.p.ends {
		if err := end.conn.usable(); err != nil {
			return err
		}
	}
	if r.p.Mapping == nil {
		return fmt.Errorf("sync %s: the fields of %s or %s are not known", r.p.Name, r.p.ends[0].of, r.p.ends[1].of)
	}
	return nil
}

// prepare takes up where the last run of the sync ended.
func (r *run) prepare(ctx context.Context) error {
	if err := r.takeUpRestore(ctx); err != nil {
		return err
	}
	var err error
	if r.graves, err = r.e.store.Graves(ctx); err != nil {
		return err
	}
	// What was planned and not let through, and what the rules, decisions and other records
	// have changed since, is planned anew: by a rehearsal too, or it would not show it.
	if _, err := r.e.store.Unplan(ctx, r.p.Name); err != nil {
		return fmt.Errorf("take back what was planned: %w", err)
	}
	for _, side := range record.Sides() {
		if err := r.e.store.Reindex(ctx, r.p.ends[side].of, r.e.indexPrint(r.p.ends[side]), r.keysOf(side)); err != nil {
			return fmt.Errorf("index %s: %w", r.p.ends[side].of, err)
		}
	}
	if _, err := r.e.store.Replan(ctx, r.p.Name, r.p.print()); err != nil {
		return fmt.Errorf("compare the rules: %w", err)
	}
	if err := r.takeUpDecisions(ctx); err != nil {
		return err
	}
	if r.complete, err = r.e.store.Completed(ctx, r.p.Name); err != nil {
		return fmt.Errorf("load runs: %w", err)
	}
	r.first = r.complete[0].IsZero()
	if err := r.takeUpUndo(ctx); err != nil {
		return err
	}
	if err := r.knownLists(ctx); err != nil {
		return err
	}
	if err := r.readAside(ctx); err != nil {
		return err
	}
	if err := r.takeUpParents(ctx); err != nil {
		return err
	}
	if err := r.retryHeld(ctx); err != nil {
		return err
	}
	if err := r.takeUpUnsure(ctx); err != nil {
		return err
	}
	if err := r.takeUpEdits(ctx); err != nil {
		return err
	}
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("count what there is: %w", err)
	}
	r.asking.Store(tally.Review > 0)
	r.standing.Store(len(tally.Standing) > 0)
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	r.marks = marks
	if err := r.loadDoubt(ctx); err != nil {
		return err
	}
	return r.takeUpFormer(ctx)
}

// readAndPlan reads both sides side by side. A side's records are planned as they come
// once the other one is known to the end (R15), and on a first run their creates are sent
// at once, since no guard has to see them all first (R30).
func (r *run) readAndPlan(ctx context.Context) error {
	if r.e.workers == 1 {
		for _, side := range record.Sides() {
			if err := r.pull(ctx, side); err != nil {
				return err
			}
		}
		r.done.Store(true)
		return nil
	}
	streams := r.first && r.dry == nil && r.restored == nil
	r.streaming = streams // until planning, which runs beside this, has seen both sides
	outer := ctx
	g, ctx := errgroup.WithContext(ctx)
	var pulls sync.WaitGroup
	for _, side := range record.Sides() {
		pulls.Add(1)
		g.Go(func() error {
			defer pulls.Done()
			return r.pull(ctx, side)
		})
	}
	pulled := make(chan struct{})
	go func() { pulls.Wait(); close(pulled) }()
	g.Go(func() error {
		defer r.finishPlanning()
		return r.planAsItComes(ctx, pulled)
	})
	if streams {
		g.Go(func() error { return r.pushAsItComes(ctx) })
	}
	err := g.Wait()
	r.streaming = false
	return errors.Join(err, r.giveBack(context.WithoutCancel(outer)))
}

func (r *run) finishPlanning() {
	r.done.Store(true)
	notify(r.queued)
}

func (r *run) planAsItComes(ctx context.Context, pulled <-chan struct{}) error {
	if !r.streaming { // R24: what is gone, or new, is understood when all that was read is known
		return waitFor(ctx, pulled)
	}
	for {
		over := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pulled:
			over = true
		case <-r.news:
		}
		if again, err := r.mayStream(ctx); err != nil || !again {
			return errors.Join(err, waitFor(ctx, pulled))
		}
		for {
			if err := r.room(ctx); err != nil {
				return err
			}
			n, err := r.planChanged(ctx)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
		if over {
			return nil
		}
	}
}

func (r *run) wake() { notify(r.news) }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// remember notes that a record's row is as our own write left it. Beyond a bound nothing is
// remembered: such rows are merely looked at once more.
func (r *run) remember(side record.Side, ids []string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if len(r.settled[side]) < 1<<17 {
			r.settled[side][id] = at
		}
	}
}

// note remembers whether the run has left a trace in the journal.
func (r *run) note(f store.Facts) {
	if len(f.Journal) > 0 {
		r.noted.Store(true)
	}
}

// read counts what a page brought: what sweeps and refreshes read is told apart (R35).
func (r *run) read(side record.Side, rd *reading, n, total int) {
	r.mu.Lock()
	c := &r.rec.Sides[side]
	sum, stage := &c.Read, "reading "
	switch rd.feed {
	case store.FeedSweep:
		sum, stage = &c.Swept, "looking for what was deleted in "
	case store.FeedRefresh:
		sum, stage = &c.Refreshed, "reading silent fields of "
	}
	*sum += n
	done := *sum
	r.mu.Unlock()
	r.e.progress(Progress{Sync: r.p.Name, Stage: stage + rd.end.of.String(), Done: done, Total: total})
}

// report closes the run's line in the log of runs.
func (r *run) report(ctx context.Context, gaps []string, failure error) (Report, error) {
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil {
		return Report{}, errors.Join(failure, fmt.Errorf("count what there is: %w", err))
	}
	if !r.resting.IsZero() {
		if r.waiting == 0 || r.resting.Before(r.wait) {
			r.wait = r.resting
		}
		r.waiting++
	}
	rec := &r.rec
	rec.Ended, rec.Linked, rec.Review = time.Now(), tally.Linked, tally.Review
	rec.Unchanged, rec.Conflicts = r.unchanged(), len(r.conflicts)
	if rec.Status != StatusBlocked { // what a guard holds is in the review queue
		rec.Failed = tally.Outbox - r.pending - r.visits
	}
	rec.Reconciled = failure == nil && rec.Status == "" && len(gaps) == 0
	switch {
	case rec.Status != "":
	case tally.Review > 0 || r.waiting > 0:
		rec.Status = StatusReview
	default:
		rec.Status = StatusOK
	}
	for _, side := range record.Sides() {
		rec.Sides[side].Calls = r.calls[side].get()
	}
	if rec.Error == "" && rec.Status == StatusBlocked && len(gaps) > 0 {
		rec.Error = gaps[0]
	}
	if err := r.finish(ctx); err != nil {
		return Report{}, errors.Join(failure, fmt.Errorf("finish run: %w", err))
	}
	rep := Report{Sync: rec.Sync, Run: RunName(rec.ID), Status: rec.Status, Left: rec.Sides[0], Right: rec.Sides[1],
		Linked: rec.Linked, Unchanged: rec.Unchanged, Conflicts: rec.Conflicts, Review: rec.Review, Failed: rec.Failed,
		Reconciled: rec.Reconciled, Hinted: rec.Hinted, Took: rec.Ended.Sub(rec.Started), Error: rec.Error, Err: failure, Gaps: gaps, Waiting: r.waiting, Visit: r.visits}
	rep.DurationMS = rep.Took.Milliseconds()
	if r.waiting > 0 {
		rep.Until = &r.wait
	}
	return rep, nil
}

// finish stores the run's line. A run of hints that changed nothing leaves none: reports of our
// own writes would fill the log.
func (r *run) finish(ctx context.Context) error {
	if r.rec.Hinted && !r.noted.Load() && r.rec.Error == "" {
		return r.e.store.DropRun(ctx, r.id)
	}
	return r.e.store.FinishRun(ctx, r.rec)
}

// opKey mints the key of an operation (R16). It holds none of the characters that vendors
// are known to refuse in an external id.
func (e *Engine) opKey(id int64) string { return "tandem-" + e.home + "-" + strconv.FormatInt(id, 36) }

// print identifies the rules by which the records of a sync are planned.
func (p *pair) print() string {
	s := p.Sync
	return fmt.Sprintf("%s|%s|%s|%s|%v|%v|%v", p.Mapping.Fingerprint(), s.Direction, s.Prefer, s.Leave, s.Create, s.Delete, p.Rules)
}

// takeUpDecisions has the pairs planned again that wait for a question about all first
// matches which a person has answered since (R5).
func (r *run) takeUpDecisions(ctx context.Context) error {
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil || tally.Diverged == 0 {
		return err
	}
	decided := map[string]bool{}
	for _, f := range r.p.Mapping.Fields() {
		item, err := r.decision(ctx, firstSubject(f.Key))
		if err != nil {
			return err
		}
		if item.Decision != "" {
			decided[f.Key] = true
		}
	}
	if len(decided) == 0 {
		return nil
	}
	var after int64
	for {
		links, err := r.e.store.Links(ctx, r.p.Name, after, planBatch)
		if err != nil || len(links) == 0 {
			return err
		}
		after = links[len(links)-1].ID
		if err := r.replanDecided(ctx, links, decided); err != nil {
			return err
		}
	}
}

func (r *run) replanDecided(ctx context.Context, links []store.Link, decided map[string]bool) error {
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	var f store.Facts
	for _, l := range links {
		for key, why := range l.Diverged {
			if decided[key] && why == waitsForDecision {
				f.Dirty = append(f.Dirty, store.Spot{Side: record.Left, ID: l.IDs[record.Left]})
				break
			}
		}
	}
	if len(f.Dirty) == 0 {
		return nil
	}
	if err := r.e.store.Decide(ctx, r.p.Name, marks, f); err != nil {
		return fmt.Errorf("take up decisions: %w", err)
	}
	return nil
}

// unchanged counts the pairs that were looked at and left as they are.
func (r *run) unchanged() int {
	n := 0
	for _, written := range r.looked {
		if !written {
			n++
		}
	}
	return n
}

// RunName is how a run is called by people: "r12".
func RunName(id int64) string { return fmt.Sprintf("r%d", id) }
