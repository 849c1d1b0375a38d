package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What vendors report by themselves are hints (store.Hint). They save the waiting for the
// next reading of changes and replace nothing of it: a hinted run reads the records that
// are named, by id, and plans and pushes what that changed, as every run does. Places in
// feeds stay where they are (invariant 1).

// maxHints is how many hints of an object one turn acts upon; the next turn has the rest.
const maxHints = 1000

// maxVain is how often in a row a record is read in vain before its hint is dropped.
const maxVain = 4

// hintAge is how long a hint is kept whose record cannot be read: by then a reading of
// changes has brought it, or will.
const hintAge = 24 * time.Hour

// echoFor is how long after a write of ours a report about its record is taken for the
// echo of that write, if the record shows nothing new.
const echoFor = time.Minute

// vainly is how long to wait after a record was read in vain so often: vendors report
// before they commit, and indexes lag.
func vainly(attempts int) time.Duration { return 2 * time.Second << (2 * min(attempts, 4)) }

// SyncHinted runs those of the named syncs (none named = all) that have something to do
// because of due hints, parents first, and returns their reports; none if there was nothing.
// A sync of which one side cannot be read by id runs in full. One that never ran to its end is
// left to its first run (R15), and one of which a connection cannot be used to the next full
// run, which asks it again. settled, unless nil, is told of every hint that a run acted upon.
func (e *Engine) SyncHinted(ctx context.Context, syncs []string, settled func(store.Hint)) ([]Report, error) {
	if err := e.begin(ctx, true); err != nil {
		return nil, err
	}
	picked, err := e.pick(syncs)
	if err != nil {
		return nil, err
	}
	h := &hinted{e: e, now: time.Now(), due: map[store.Object][]store.Hint{}, taken: map[store.Object]bool{}, as: map[named]string{}}
	reports := map[string]Report{}
	for _, p := range picked {
		rep, ran, err := h.run(ctx, p)
		if err != nil {
			return nil, err
		}
		if ran {
			reports[p.Name] = rep
		}
		if ctx.Err() != nil {
			break
		}
	}
	if err := h.settle(ctx, settled); err != nil {
		return nil, err
	}
	return e.inOrder(reports), ctx.Err()
}

// hinted is what the due hints of one turn come to.
type hinted struct {
	e     *Engine
	now   time.Time
	due   map[store.Object][]store.Hint
	taken map[store.Object]bool // objects whose hints have been acted upon
	as    map[named]string      // what hints are called that name their record by a value

	done  []store.Hint
	again []store.Hint // read again later
	news  []store.Hint // of records that showed something new
}

// run runs one sync if there is something to do for it.
func (h *hinted) run(ctx context.Context, p *pair) (Report, bool, error) {
	whole, some := false, false
	for _, end := range p.sights() {
		if err := h.load(ctx, end.of); err != nil {
			return Report{}, false, err
		}
		if len(h.due[end.of]) > 0 && !h.taken[end.of] {
			some = true
			whole = whole || end.conn.able.Reader == nil && !end.hosted()
		}
	}
	if able, err := h.able(ctx, p); err != nil || !able {
		return Report{}, false, err
	}
	if !some {
		behind, err := h.e.behind(ctx, p)
		if err != nil || !behind {
			return Report{}, false, err
		}
	}
	if whole {
		rep, err := h.e.runOne(ctx, p, SyncOptions{})
		if err == nil {
			h.whole(p, rep)
		}
		return rep, true, err
	}
	rep, err := h.e.runOne(ctx, p, SyncOptions{hints: h})
	return rep, true, err
}

func (h *hinted) load(ctx context.Context, of store.Object) error {
	if _, known := h.due[of]; known {
		return nil
	}
	due, err := h.e.store.DueHints(ctx, of, h.now, maxHints)
	if err != nil {
		return fmt.Errorf("load hints: %w", err)
	}
	h.due[of] = due
	return nil
}

// able reports whether a hinted run of the sync can be: both connections are usable, and
// both sides have been read to the end (R15).
func (h *hinted) able(ctx context.Context, p *pair) (bool, error) {
	complete, err := h.e.store.Completed(ctx, p.Name)
	if err != nil {
		return false, fmt.Errorf("load runs: %w", err)
	}
	able := p.Mapping != nil && !complete[0].IsZero()
	for _, end := range p.sights() {
		listed, err := h.e.store.Listed(ctx, end.of)
		if err != nil {
			return false, fmt.Errorf("load feeds: %w", err)
		}
		able = able && listed && end.conn.usable() == nil
	}
	return able, nil
}

// behind reports whether rows have changed that the sync has not planned, or that its
// expressions look into: another sync of the turn has read or written them.
func (e *Engine) behind(ctx context.Context, p *pair) (bool, error) {
	marks, err := e.store.Marks(ctx, p.Name)
	if err != nil {
		return false, fmt.Errorf("load marks: %w", err)
	}
	for _, side := range record.Sides() {
		looks := map[store.Object]int64{p.ends[side].of: marks[side]}
		for _, of := range p.looked(side) {
			if looks[of], err = e.store.LookMark(ctx, p.Name, of); err != nil {
				return false, fmt.Errorf("load marks: %w", err)
			}
		}
		for of, mark := range looks {
			top, err := e.store.MaxSeq(ctx, of)
			if err != nil {
				return false, fmt.Errorf("look for unplanned rows: %w", err)
			}
			if top > mark {
				return true, nil
			}
		}
	}
	return false, nil
}

// whole settles the hints of a sync that ran in full.
func (h *hinted) whole(p *pair, rep Report) {
	for _, end := range p.sights() {
		if h.taken[end.of] {
			continue
		}
		h.taken[end.of] = true
		if rep.Err != nil {
			h.postpone(h.due[end.of], 0)
			continue
		}
		h.done, h.news = append(h.done, h.due[end.of]...), append(h.news, h.due[end.of]...)
	}
}

// postpone puts hints off whose records could not be read now, for longer each time.
func (h *hinted) postpone(hints []store.Hint, asked time.Duration) {
	for _, x := range hints {
		if h.now.Sub(x.Received) > hintAge {
			h.done = append(h.done, x)
			continue
		}
		x.Due = h.now.Add(max(asked, min(time.Minute<<min(x.Attempts, 6), time.Hour)))
		x.Attempts++
		h.again = append(h.again, x)
	}
}

// settle stores what became of the hints. Those that no sync acted upon wait, unless the turn
// was told to stop: then the next process finds them as they are.
func (h *hinted) settle(ctx context.Context, settled func(store.Hint)) error {
	for of, hints := range h.due {
		if !h.taken[of] && ctx.Err() == nil {
			h.postpone(hints, 0)
		}
	}
	ctx = context.WithoutCancel(ctx)
	if len(h.done)+len(h.again) == 0 {
		return nil
	}
	h.asKept(h.done)
	h.asKept(h.again)
	if err := h.e.store.SettleHints(ctx, h.done, h.again); err != nil {
		return fmt.Errorf("settle hints: %w", err)
	}
	if settled != nil {
		for _, x := range h.news {
			settled(x)
		}
	}
	return nil
}

// readHinted brings the records of due hints into the mirror, each object once a turn.
func (r *run) readHinted(ctx context.Context, h *hinted) error {
	for _, side := range record.Sides() {
		r.listed[side].Store(true) // or it could not be run by hints
		if r.p.ends[side].hosted() {
			if err := r.awaitVisit(ctx, side); err != nil {
				return err
			}
		}
	}
	for _, side := range record.Sides() {
		if err := r.readHintedOf(ctx, side, h); err != nil {
			return err
		}
	}
	return r.readHintedAside(ctx, h)
}

func (r *run) readHintedOf(ctx context.Context, side record.Side, h *hinted) error {
	end := r.p.ends[side]
	if h.taken[end.of] {
		return nil
	}
	h.taken[end.of] = true
	hints, err := r.named(ctx, side, h, h.due[end.of])
	if err != nil {
		h.postpone(h.due[end.of], connector.ErrorOf(err).Wait)
		return fmt.Errorf("read %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
	}
	for chunk := range slices.Chunk(hints, max(1, end.object.ReadBatch)) {
		err := r.readChunk(metered(ctx, r.calls[side]), side, h, chunk)
		hints = hints[len(chunk):]
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		}
		h.postpone(slices.Concat(chunk, hints), connector.ErrorOf(err).Wait)
		return fmt.Errorf("read %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
	}
	return nil
}

// readChunk reads some records by id, saves them and judges their hints.
func (r *run) readChunk(ctx context.Context, side record.Side, h *hinted, hints []store.Hint) error {
	end := r.p.ends[side]
	ids := make([]string, len(hints))
	for i, x := range hints {
		ids[i] = x.ID
	}
	before, err := r.e.store.Heads(ctx, end.of, ids)
	if err != nil {
		return fmt.Errorf("load rows: %w", err)
	}
	began := time.Now()
	rctx, span := r.e.span(ctx, "read reported", attribute.String("tandem.object", end.of.String()), attribute.Int("tandem.records", len(ids)))
	changes, err := end.conn.able.Reader.Read(rctx, end.of.Name, ids)
	if ended(span, err); err != nil {
		return fmt.Errorf("read by id: %w", err)
	}
	if changes, err = r.believable(ctx, end, changes, before); err != nil {
		return err
	}
	_, err = r.e.store.SavePage(ctx, store.Page{Of: end.of, Changes: r.mapped(end.of, changes), Keys: r.keysOf(side), Began: began})
	if err != nil {
		return fmt.Errorf("save records: %w", err)
	}
	r.read(side, &reading{end: end}, len(ids), 0)
	after, err := r.e.store.Heads(ctx, end.of, ids)
	if err != nil {
		return fmt.Errorf("load rows: %w", err)
	}
	return h.judge(ctx, end.of, hints, before, after, began)
}

// believable leaves out records that are not there and never were for us: their creation may
// not have been committed yet. Before one of ours is taken for gone, the account is looked at (R33).
func (r *run) believable(ctx context.Context, end end, changes []connector.Change, known map[string]store.Row) ([]connector.Change, error) {
	lost := false
	var kept []connector.Change
	for _, c := range changes {
		row, have := known[c.ID]
		if c.Fate != connector.Present && !have {
			continue
		}
		lost = lost || c.Fate != connector.Present && row.Fate == connector.Present
		kept = append(kept, c)
	}
	if !lost {
		return kept, nil
	}
	if err := r.e.sameAccount(ctx, end.conn, r.began); err != nil {
		return nil, err
	}
	return kept, r.stillThere(ctx, end, kept)
}

// judge decides about the hints of records that have been read. One that shows nothing new is
// read again a few times, unless it only echoes what we wrote.
func (h *hinted) judge(ctx context.Context, of store.Object, hints []store.Hint, before, after map[string]store.Row, began time.Time) error {
	var same []store.Hint
	var ids []string
	oldest := began
	for _, x := range hints {
		was, is := before[x.ID], after[x.ID]
		if was.Seq == is.Seq && was.Version == is.Version && was.Modified.Equal(is.Modified) {
			same, ids = append(same, x), append(ids, x.ID)
			if x.Received.Before(oldest) {
				oldest = x.Received
			}
			continue
		}
		h.news = append(h.news, x)
		switch {
		case x.Ripe.After(began): // the last of many reports cannot be judged yet
			x.Due, x.Attempts = x.Ripe, 0
			h.again = append(h.again, x)
		case x.Attempts > 0:
			// It was reported before it could be read, so maybe not all of it shows even now.
			x.Due, x.Attempts = began.Add(min(began.Sub(x.Received), time.Minute)), maxVain-1
			h.again = append(h.again, x)
		default:
			h.done = append(h.done, x)
		}
	}
	ours, err := h.e.store.WrittenSince(ctx, of, ids, oldest.Add(-echoFor))
	if err != nil {
		return fmt.Errorf("look for own writes: %w", err)
	}
	for _, x := range same {
		wrote, own := ours[x.ID]
		switch {
		case x.Ripe.After(began):
			x.Due, x.Attempts = x.Ripe, 0
			h.again = append(h.again, x)
		case own && wrote.After(x.Received.Add(-echoFor)):
			h.done = append(h.done, x)
		case x.Attempts+1 >= maxVain:
			h.e.log.Debug("a record was reported, and shows nothing new", "object", of.String(), "record", x.ID)
			h.done = append(h.done, x)
		default:
			x.Due = time.Now().Add(vainly(x.Attempts))
			x.Attempts++
			h.again = append(h.again, x)
		}
	}
	return nil
}
