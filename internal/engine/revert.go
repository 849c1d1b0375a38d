package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// PreviewRevert says what would go back to what, and what would be left alone and why. It
// reads both sides into the mirror and writes to no vendor.
func (e *Engine) PreviewRevert(ctx context.Context, q RevertRequest, see func(RevertItem) error) ([]Reverted, error) {
	return e.revert(ctx, q, true, see)
}

// Revert takes back what a request names, through the outbox and with the care of every
// write: versions are looked at first (R4, R27) and each result is journaled with the base
// that it moves (invariant 2). It is a run of its own, one per sync, and can be reverted.
// What was carried out already is found so: a revert that was cut short is repeated.
func (e *Engine) Revert(ctx context.Context, q RevertRequest, see func(RevertItem) error) ([]Reverted, error) {
	return e.revert(ctx, q, false, see)
}

func (e *Engine) revert(ctx context.Context, q RevertRequest, dry bool, see func(RevertItem) error) ([]Reverted, error) {
	err := e.Prepare(ctx)
	if err != nil {
		return nil, err
	}
	if !dry {
		if _, err := e.store.Recover(ctx); err != nil {
			return nil, fmt.Errorf("take over the outbox: %w", err)
		}
	}
	if e.home, err = e.store.Installation(ctx); err != nil {
		return nil, fmt.Errorf("load the installation's name: %w", err)
	}
	if q.UpTo == 0 { // what the revert itself writes is not reverted by it
		if q.UpTo, err = e.store.JournalEnd(ctx); err != nil {
			return nil, fmt.Errorf("look at the journal: %w", err)
		}
	}
	picked, err := e.revertSyncs(ctx, q, see)
	if err != nil {
		return nil, err
	}
	var all []Reverted
	for _, p := range slices.Backward(picked) { // children before parents: a delete must not take them along (R23)
		v := &reverting{r: e.newRun(p), q: q, dry: dry, see: see, out: Reverted{Sync: p.Name, Counts: map[RevertState]int{}}}
		some, err := v.run(ctx)
		if some {
			all = append(all, v.out)
		}
		if err != nil {
			return all, err
		}
	}
	return all, ctx.Err()
}

// revertSyncs returns the syncs that a request is about, parents first.
func (e *Engine) revertSyncs(ctx context.Context, q RevertRequest, see func(RevertItem) error) ([]*pair, error) {
	of := q.Sync
	switch {
	case q.Change != 0:
		return e.syncsOfLines(ctx, q, see)
	case q.Run != 0:
		run, ok, err := e.store.RunByID(ctx, q.Run)
		if err != nil {
			return nil, fmt.Errorf("look for the run: %w", err)
		}
		if !ok {
			return nil, &NoChangeError{What: "run " + RunName(q.Run)}
		}
		of = run.Sync
	case q.Record != "":
		return e.syncsOf(q.Of, q.Sync)
	}
	if of == "" {
		return e.syncs, nil
	}
	return e.syncToRevert(q, of, q.Change, see)
}

// syncsOfLines returns the syncs of the lines that a request names one by one.
func (e *Engine) syncsOfLines(ctx context.Context, q RevertRequest, see func(RevertItem) error) ([]*pair, error) {
	picked := map[string]bool{}
	for _, id := range q.changes() {
		line, ok, err := e.store.Line(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("look for the change: %w", err)
		}
		if !ok {
			return nil, &NoChangeError{What: fmt.Sprintf("change %d", id)}
		}
		if picked[line.Sync] {
			continue
		}
		found, err := e.syncToRevert(q, line.Sync, id, see)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			picked[p.Name] = true
		}
	}
	var list []*pair
	for _, p := range e.syncs {
		if picked[p.Name] {
			list = append(list, p)
		}
	}
	return list, nil
}

// syncToRevert returns the sync of that name; none, and says so, if it is not configured any more.
func (e *Engine) syncToRevert(q RevertRequest, of string, change int64, see func(RevertItem) error) ([]*pair, error) {
	if q.Sync != "" && of != q.Sync {
		return nil, &NoChangeError{What: fmt.Sprintf("line of sync %s among what was named (it is of %s)", q.Sync, of)}
	}
	i := slices.IndexFunc(e.syncs, func(p *pair) bool { return p.Name == of })
	if i < 0 {
		if q.Sync != "" {
			return nil, &NoSyncError{Name: of}
		}
		return nil, see(RevertItem{Change: change, Sync: of, Kind: RevertNothing, State: RevertCannot,
			Why: "the sync " + of + " is no longer in the configuration; put it back first"})
	}
	return e.syncs[i : i+1], nil
}

func (e *Engine) syncsOf(of store.Object, name string) ([]*pair, error) {
	var picked []*pair
	for _, p := range e.syncs {
		if (p.ends[0].of == of || p.ends[1].of == of) && (name == "" || p.Name == name) {
			picked = append(picked, p)
		}
	}
	if len(picked) == 0 {
		return nil, &NoChangeError{What: "sync of " + of.String()}
	}
	return picked, nil
}

// A reverting is one revert within one sync.
type reverting struct {
	r   *run
	q   RevertRequest
	dry bool
	see func(RevertItem) error
	out Reverted

	links  []int64
	loose  []store.Entry
	byWire [2]map[string]int // mapping fields by wire name
	size   [2]store.Spent    // what is reverted, as the guard counts
	notes  int               // items that did not go back
}

// run reverts, or rehearses, in one sync. It reports false if there is nothing to look at.
// The error is the store's or the context's; any other is in the outcome.
func (v *reverting) run(ctx context.Context) (bool, error) {
	var err error
	if v.q.Change == 0 {
		err = v.pick(ctx)
	} else {
		err = v.pickLines(ctx)
	}
	if err != nil || len(v.links)+len(v.loose) == 0 {
		return false, err
	}
	if v.dry {
		v.out.Err = v.do(ctx)
		return true, ctx.Err()
	}
	r := v.r
	if err := r.e.store.StartRun(ctx, r.rec); err != nil {
		return false, fmt.Errorf("start run: %w", err)
	}
	r.progress(Progress{Act: ActBegin})
	v.out.Run = RunName(r.id)
	v.out.Err = v.do(ctx)
	var gaps []string
	if v.notes > 0 {
		gaps = append(gaps, fmt.Sprintf("%s: %d changes were left as they are", v.q.rule(), v.notes))
	}
	switch {
	case errors.Is(v.out.Err, context.Canceled):
		r.rec.Status, r.rec.Error = StatusFailed, "the revert was stopped on the way; repeat it"
	case v.out.Err != nil:
		r.rec.Status, r.rec.Error = StatusFailed, v.out.Err.Error()
	case v.notes > 0:
		r.rec.Status = StatusReview
	}
	wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	v.out.Report, err = r.report(wctx, gaps, v.out.Err)
	return true, errors.Join(err, ctx.Err())
}

// pick finds the links that the request has lines about: their numbers are all of it that
// is held in memory at once.
func (v *reverting) pick(ctx context.Context) error {
	h := v.query()
	var err error
	if v.links, err = v.r.e.store.LinksIn(ctx, h); err != nil {
		return fmt.Errorf("look for changes: %w", err)
	}
	if v.loose, err = v.r.e.store.Loose(ctx, h); err != nil {
		return fmt.Errorf("look for changes: %w", err)
	}
	return nil
}

func (v *reverting) query() store.HistoryQuery {
	return store.HistoryQuery{Connection: v.q.Of.Connection, Object: v.q.Of.Name, Record: v.q.Record, Sync: v.r.p.Name,
		Run: v.q.Run, Since: v.q.Since, UpTo: v.q.UpTo}
}

func (v *reverting) pickLines(ctx context.Context) error {
	for _, id := range v.q.changes() {
		line, _, err := v.r.e.store.Line(ctx, id)
		switch {
		case err != nil:
			return fmt.Errorf("look for the change: %w", err)
		case line.Sync != v.r.p.Name:
		case line.Link == 0:
			v.loose = append(v.loose, line)
		case !slices.Contains(v.links, line.Link):
			v.links = append(v.links, line.Link)
		}
	}
	return nil
}

// selects reports whether a line is among those to be taken back.
func (v *reverting) selects(e store.Entry) bool {
	q := &v.q
	if q.Change != 0 {
		return e.ID == q.Change || slices.Contains(q.Also, e.ID)
	}
	about := q.Record == "" || e.Of == q.Of && e.Record == q.Record || joins(e.Kind)
	return about && e.ID <= q.UpTo && (q.Run == 0 || e.Run == q.Run) && (q.Since.IsZero() || !e.At.Before(q.Since.Truncate(time.Microsecond)))
}

// revertLinks is how many links are looked at, and their operations pushed, at a time.
const revertLinks = 1000

func (v *reverting) do(ctx context.Context) error {
	if err := v.r.usable(); err != nil {
		return err
	}
	if err := v.ready(ctx); err != nil {
		return err
	}
	for chunk := range slices.Chunk(v.links, revertLinks) {
		if err := v.chunk(ctx, chunk); err != nil {
			return err
		}
	}
	for _, e := range v.loose {
		if err := v.tell(&unit{RevertItem: v.nothing(e, whyNot(e.Kind))}, 0); err != nil {
			return err
		}
	}
	return v.measure(ctx)
}

// ready brings the mirror up to date, since what people did since decides about what is
// left alone, and finishes what an earlier run has left in the outbox.
func (v *reverting) ready(ctx context.Context) error {
	r := v.r
	var err error
	if r.marks, err = r.e.store.Marks(ctx, r.p.Name); err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	if r.complete, err = r.e.store.Completed(ctx, r.p.Name); err != nil {
		return fmt.Errorf("load runs: %w", err)
	}
	r.first = r.complete[0].IsZero()
	if _, err := r.linkedAtStart(ctx); err != nil {
		return err
	}
	r.asking.Store(true)
	r.standing.Store(true)
	for _, side := range record.Sides() {
		v.size[side].Updated = map[string]int{}
		v.byWire[side] = map[string]int{}
		for i, f := range r.p.Mapping.Fields() {
			if wire := fieldOn(f, side).Name; wire != "" {
				v.byWire[side][wire] = i
			}
		}
		if err := r.pull(ctx, side); err != nil {
			return err
		}
	}
	if v.dry {
		return nil
	}
	_, err = r.drain(ctx)
	return err
}

// maxRevertRounds bounds how often a batch is looked at: a record may need several writes,
// one after the other, and what moved under our hands is decided anew (R27).
const maxRevertRounds = 8

// chunk reverts what was done to some links: it looks, decides, pushes, and looks again,
// until nothing is left that can be done.
func (v *reverting) chunk(ctx context.Context, ids []int64) error {
	tried := map[string]int{}
	was := map[string]record.Value{}
	for round := 1; ; round++ {
		b, err := v.look(ctx, ids)
		if err != nil {
			return err
		}
		b.tried = tried
		units, err := b.units(ctx, ids)
		if err != nil {
			return err
		}
		for i := range units {
			if _, ok := was[units[i].key()]; !ok {
				was[units[i].key()] = units[i].Now
			}
		}
		some := false
		if !v.dry && round <= maxRevertRounds {
			if some, err = b.decide(ctx, units); err != nil {
				return err
			}
		}
		if some {
			if err := v.r.e.store.Decide(ctx, v.r.p.Name, v.r.marks, b.facts); err != nil {
				return fmt.Errorf("store decisions: %w", err)
			}
			if _, err := v.r.drain(ctx); err != nil {
				return err
			}
			continue
		}
		for i := range units {
			units[i].Now = was[units[i].key()]
			if err := v.tell(&units[i], tried[units[i].key()]); err != nil {
				return err
			}
		}
		return nil
	}
}

// tell reports one item in its last state; tried says how often it was attempted.
func (v *reverting) tell(u *unit, tried int) error {
	switch {
	case v.dry:
	case tried > 0 && (u.State == RevertAlready || u.State == RevertDo && u.Kind == RevertAsk):
		u.State = RevertDone
	case tried > 0 && (u.State == RevertDo || u.State == RevertWaits) && v.r.p.ends[u.Side].hosted():
		u.State, u.Why = RevertWaits, "it is done by the next visit of "+v.r.p.ends[u.Side].conn.spec.Title
	case u.State == RevertDo:
		u.State, u.Why = RevertWaits, "it did not come through; tandem review may say why, and the revert can be repeated"
	}
	switch u.State {
	case RevertEdited, RevertCannot, RevertWaits:
		v.notes++
	case RevertDo, RevertDone:
		v.weigh(u)
	case RevertAlready, RevertSilent:
	}
	v.out.Counts[u.State]++
	return v.see(u.RevertItem)
}

// weigh counts an item as the guard would.
func (v *reverting) weigh(u *unit) {
	size := &v.size[u.Side]
	switch u.Kind {
	case RevertField:
		size.Updated[u.Field]++
	case RevertArchive, RevertDelete:
		size.Deleted++
	case RevertRestore, RevertAsk, RevertUnlink, RevertRelink, RevertNothing:
	}
}

// measure says what the guard of a sync would have thought of the size (R30). A person
// confirms a revert, so it stops none.
func (v *reverting) measure(ctx context.Context) error {
	linked, err := v.r.linkedAtStart(ctx)
	if err != nil {
		return err
	}
	for _, side := range record.Sides() {
		for _, a := range v.r.overdrawn(side, v.size[side], nil, linked) {
			v.out.Beyond = append(v.out.Beyond, a.Text)
		}
	}
	return nil
}
