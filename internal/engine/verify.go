package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// verifyBatch is how many pairs are read and judged at a time; verifyDoubts is how many
// doubtful ones are gathered before they are looked at again.
const (
	verifyBatch  = 200
	verifyDoubts = 1000
)

// VerifyOptions say how to verify.
type VerifyOptions struct {
	// Repair takes what was found into the mirror, as any read does: the next run merges it
	// as that side's change.
	Repair bool
	// Slice is how many pairs of a sync are looked at, from where the last slice ended; 0 =
	// all of them.
	Slice int
	// Found is told of each finding, in no order; nil = only the counts are wanted.
	Found func(Finding) error
}

// A FindingKind says what is to be said of a field or a record.
type FindingKind string

// The kinds of findings. Only the first two are differences: what nothing explains.
const (
	Drifted     FindingKind = "drifted"     // it differs from the base and from the mirror, and nothing has told of a change
	Gone        FindingKind = "gone"        // the record is no longer there, or out of sight
	Changed     FindingKind = "changed"     // it was edited since the last run: the next one merges it
	Diverged    FindingKind = "diverged"    // it differs by a rule (R7)
	RefusedKind FindingKind = "refused"     // the vendor did not take what was written (R2)
	Unconfirmed FindingKind = "unconfirmed" // written, and not read back by a run yet (R2)
)

// A Finding is one field of one record, or a whole record, that is not as the base says.
type Finding struct {
	Sync   string
	Kind   FindingKind
	Link   int64
	Side   record.Side
	Of     store.Object
	ID     string
	Field  string // wire name; "" = the whole record
	Base   record.Value
	Found  record.Value
	Detail string // the rule, or what may be behind it
}

// A VerifyReport is what verifying one sync came to.
type VerifyReport struct {
	Sync     string
	Counts   store.VerifyCounts // of this time: a slice's, if one was asked for
	Linked   int
	Unlinked [2]int // present records without a partner, by side: only counted
	Repaired int    // records that were taken into the mirror
	Whole    bool   // all pairs were looked at, or the slice was the last of its round
	Calls    [2]int // requests by side
	Took     time.Duration
	Err      error
}

// Verify reads both sides of the named syncs (none = all) from the vendors, not from the
// mirror, and proves for every linked pair that each side holds what the base says (R7,
// R38). It writes to no vendor. Other processes may work with the database meanwhile: what
// differs at the first look is looked at again, so that an edit, a vendor's read lag or a run
// under way is never reported as a difference. The error of one sync is in its report.
func (e *Engine) Verify(ctx context.Context, syncs []string, o VerifyOptions) ([]VerifyReport, error) {
	if err := e.Prepare(ctx); err != nil {
		return nil, err
	}
	picked, err := e.pick(syncs)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]VerifyReport, len(picked))
	for _, p := range picked {
		v := &verifier{r: e.runOf(p, 0), o: o, began: time.Now()}
		err := v.do(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if byName[p.Name], err = v.report(ctx, err); err != nil {
			return nil, err
		}
	}
	var reports []VerifyReport
	for _, s := range e.plan.Syncs {
		if rep, ok := byName[s.Name]; ok {
			reports = append(reports, rep)
		}
	}
	return reports, nil
}

// A verifier verifies one sync.
type verifier struct {
	r     *run // lends what a run knows of its sync; nothing is planned and nothing sent
	o     VerifyOptions
	began time.Time

	pulled   time.Time // when the last complete run began
	counts   store.VerifyCounts
	place    int64              // the last link up to which all is proven
	proven   store.VerifyCounts // up to there
	repaired int
	whole    bool
	listings [2]map[string]seen // by side without a Reader: everything, as one listing showed it
	doubts   []store.Link       // pairs that are to be looked at again
	settled  time.Time          // when no vendor can be behind with them any more
}

func (v *verifier) report(ctx context.Context, failure error) (VerifyReport, error) {
	p := v.r.p
	rep := VerifyReport{Sync: p.Name, Counts: v.counts, Repaired: v.repaired, Whole: v.whole && failure == nil, Took: time.Since(v.began), Err: failure}
	tally, err := v.r.e.store.Tally(ctx, p.Name)
	if err != nil {
		return rep, fmt.Errorf("count what there is: %w", err)
	}
	rep.Linked = tally.Linked
	for _, side := range record.Sides() {
		rep.Unlinked[side] = max(0, tally.Rows[side]-tally.Linked)
		rep.Calls[side] = v.r.calls[side].get()
	}
	return rep, nil
}

// do goes through the links in their order and remembers how far it came.
func (v *verifier) do(ctx context.Context) error {
	if err := v.r.usable(); err != nil {
		return err
	}
	st, name := v.r.e.store, v.r.p.Name
	state, err := st.Verification(ctx, name)
	if err != nil {
		return err
	}
	if v.o.Slice == 0 || state.Began.IsZero() || !v.sliceable() {
		state.Place, state.Began, state.Now = 0, v.began, store.VerifyCounts{}
	}
	v.place = state.Place
	failure := v.walk(ctx)
	if failure != nil && v.o.Slice == 0 {
		return failure
	}
	// A slice that was cut short, by a daily quota or a stop, is kept as far as it came.
	state.Place, state.Now = v.place, state.Now.Add(v.proven)
	if v.whole {
		state = store.Verification{Sync: name, Ended: time.Now(), Last: state.Now}
	}
	return errors.Join(failure, st.SaveVerification(context.WithoutCancel(ctx), state))
}

// sliceable reports whether records can be asked for by id: a listing shows all of them
// anyway.
func (v *verifier) sliceable() bool {
	for _, end := range v.r.p.ends {
		if end.conn.able.Reader == nil && !end.hosted() {
			return false
		}
	}
	return true
}

func (v *verifier) walk(ctx context.Context) error {
	left, after := v.o.Slice, v.place
	for {
		size := verifyBatch
		if v.o.Slice > 0 && v.sliceable() {
			size = min(size, left)
		}
		if size <= 0 {
			return nil
		}
		links, err := v.r.e.store.Links(ctx, v.r.p.Name, after, size)
		if err != nil {
			return fmt.Errorf("load links: %w", err)
		}
		if len(links) > 0 {
			after, left = links[len(links)-1].ID, left-len(links)
			if err := v.look(ctx, links); err != nil {
				return err
			}
		}
		v.r.progress(Progress{Act: ActVerify, Done: v.counts.Pairs})
		over := len(links) < size
		if !over && v.o.Slice == 0 && len(v.doubts) < verifyDoubts {
			continue // doubtful pairs of several batches are looked at again together
		}
		if err := v.lookAgain(ctx); err != nil {
			return err
		}
		v.place, v.proven = after, v.counts
		if v.whole = over; over {
			return nil
		}
	}
}

// look reads the records of some pairs. Pairs that are as they should be, or differ for a
// reason, are done with; the others are doubtful.
func (v *verifier) look(ctx context.Context, links []store.Link) error {
	links = slices.DeleteFunc(links, func(l store.Link) bool { return l.Closed != "" })
	s, err := v.read(ctx, links)
	if err != nil {
		return err
	}
	for _, l := range links {
		j := v.judge(s, l)
		if j.err != nil {
			return j.err
		}
		if j.counts.Differences() > 0 || v.o.Repair && j.counts.Changed > 0 {
			v.doubt(s, j)
			continue
		}
		if err := v.tell(j); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain reads doubtful pairs once more, after the vendors' read lag and with what is
// known by now of base and mirror. What still differs does.
func (v *verifier) lookAgain(ctx context.Context) error {
	doubts := v.doubts
	v.doubts = nil
	if len(doubts) == 0 {
		return nil
	}
	if err := v.settle(ctx); err != nil {
		return err
	}
	for chunk := range slices.Chunk(doubts, verifyBatch) {
		if err := v.confirm(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) confirm(ctx context.Context, doubts []store.Link) error {
	now, err := v.reload(ctx, doubts)
	if err != nil {
		return err
	}
	s, err := v.read(ctx, now)
	if err != nil {
		return err
	}
	if err := v.peek(ctx, s); err != nil {
		return err
	}
	after, err := v.reload(ctx, now)
	if err != nil {
		return err
	}
	for _, l := range now {
		s.moving[l.ID] = !slices.ContainsFunc(after, func(is store.Link) bool { return is.ID == l.ID && sameBase(is, l) })
		j := v.judge(s, l)
		if j.err != nil {
			return j.err
		}
		if err := v.sameAccounts(ctx, j); err != nil {
			return err
		}
		if err := v.tell(j); err != nil {
			return err
		}
		if v.o.Repair {
			if err := v.repair(ctx, s, j); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) reload(ctx context.Context, links []store.Link) ([]store.Link, error) {
	ids := make([]int64, len(links))
	for i, l := range links {
		ids[i] = l.ID
	}
	byID, err := v.r.e.store.LinksByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	var open []store.Link
	for _, id := range ids {
		if l, ok := byID[id]; ok && l.Closed == "" {
			open = append(open, l)
		}
	}
	return open, nil
}

func sameBase(a, b store.Link) bool {
	for _, side := range record.Sides() {
		if !a.Base[side].Equal(b.Base[side]) {
			return false
		}
	}
	return true
}

// tell counts what was found of a pair and passes it on.
func (v *verifier) tell(j comparison) error {
	j.counts.Pairs = 1
	if len(j.findings) == 0 && j.counts.Unread == 0 {
		j.counts.Equal = 1
	}
	v.counts = v.counts.Add(j.counts)
	if v.o.Found == nil {
		return nil
	}
	for _, f := range j.findings {
		if err := v.o.Found(f); err != nil {
			return err
		}
	}
	return nil
}

// SliceOf is how many pairs of a sync an hourly slice has to look at, so that all have been
// within the time that the plan sets for a round; 0 = nothing is verified by itself.
func SliceOf(p *plan.Plan, linked int) int {
	if p.Verify <= 0 {
		return 0
	}
	hours := max(1, int(p.Verify/time.Hour))
	return max(verifyBatch/4, (linked+hours-1)/hours)
}
