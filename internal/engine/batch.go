package engine

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// planBatch is how many records are decided about in one transaction.
const planBatch = 250

// maxDirty is how many records are taken up again in one round; the next round has the rest.
const maxDirty = 1 << 18

// planRound plans what is dirty once, then whatever rows have changed.
func (r *run) planRound(ctx context.Context) error {
	if err := r.loadDoubt(ctx); err != nil {
		return err
	}
	if err := r.planAllDirty(ctx); err != nil {
		return err
	}
	if err := r.planAllChanged(ctx); err != nil {
		return err
	}
	for range maxRounds { // R26: whose copy became what
		if !r.regrouped.Swap(false) || r.dry != nil {
			break
		}
		if err := r.planAllDirty(ctx); err != nil {
			return err
		}
	}
	return r.meetWanted(ctx)
}

// planAllDirty plans once what is to be planned again.
func (r *run) planAllDirty(ctx context.Context) error {
	dirty, err := r.e.store.Dirty(ctx, r.p.Name, maxDirty)
	if err != nil {
		return fmt.Errorf("load what is to be planned again: %w", err)
	}
	for _, side := range record.Sides() {
		var ids []string
		for _, spot := range dirty {
			if spot.Side == side {
				ids = append(ids, spot.ID)
			}
		}
		for len(ids) > 0 {
			n := min(planBatch, len(ids))
			if err := r.planDirty(ctx, side, ids[:n]); err != nil {
				return err
			}
			ids = ids[n:]
		}
	}
	return nil
}

func (r *run) planAllChanged(ctx context.Context) error {
	for {
		n, err := r.planChanged(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// loadDoubt notes since when creates of unknown outcome may have made records of each side.
func (r *run) loadDoubt(ctx context.Context) error {
	ops, err := r.e.store.Ops(ctx, "", store.OpUnknown)
	if err != nil {
		return fmt.Errorf("load operations of unknown outcome: %w", err)
	}
	r.doubt = [2]time.Time{}
	for _, side := range record.Sides() {
		for _, op := range ops {
			if at := r.doubt[side]; op.Verb == connector.Create && op.Target == r.p.ends[side].of && (at.IsZero() || op.SentAt.Before(at)) {
				r.doubt[side] = op.SentAt
			}
		}
	}
	return nil
}

// doubtful reports whether a record without a partner may be what a create of unknown
// outcome has made: its key may have been changed since, so only looking up tells (R16,
// invariant 8).
func (r *run) doubtful(side record.Side, row store.Row) bool {
	since := r.doubt[side]
	return !since.IsZero() && (row.Created.IsZero() || row.Created.After(since.Add(-time.Hour)))
}

func (r *run) planDirty(ctx context.Context, side record.Side, ids []string) error {
	rows, err := r.e.store.Rows(ctx, r.p.ends[side].of, ids)
	if err != nil {
		return fmt.Errorf("load rows: %w", err)
	}
	b, err := r.load(ctx, side, ids, rows)
	if err != nil {
		return err
	}
	b.dirty = true
	for _, id := range ids {
		b.facts.Clean = append(b.facts.Clean, store.Spot{Side: side, ID: id})
	}
	return b.decide(ctx, ids)
}

// planChanged plans the next batch of changed rows of either side whose other side is
// known to the end, and returns how many rows it looked at.
func (r *run) planChanged(ctx context.Context) (int, error) {
	for _, side := range record.Sides() {
		if !r.listed[side.Other()].Load() {
			continue // R15: nothing may be created there yet, and no match is certain
		}
		own := map[string]bool{}
		changed, err := r.e.store.ChangedBut(ctx, r.p.ends[side].of, r.marks[side], planBatch, func(row store.Row) bool {
			own[row.ID] = r.ownWrite(side, row)
			return own[row.ID]
		})
		if err != nil {
			return 0, fmt.Errorf("load changed rows: %w", err)
		}
		if len(changed) == 0 {
			continue
		}
		var ids []string
		rows := make(map[string]store.Row, len(changed))
		for _, row := range changed {
			r.marks[side] = row.Seq
			if own[row.ID] {
				continue
			}
			ids = append(ids, row.ID)
			rows[row.ID] = row
		}
		b, err := r.load(ctx, side, ids, rows)
		if err != nil {
			return 0, err
		}
		return len(changed), b.decide(ctx, ids)
	}
	return 0, nil
}

// ownWrite reports whether a row is exactly as the settling of our own write left it: its
// base says so too, and there is nothing to decide.
func (r *run) ownWrite(side record.Side, row store.Row) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.settled[side][row.ID]
	delete(r.settled[side], row.ID)
	return ok && at.Equal(row.ReadAt)
}

// A batch is everything that is needed to decide about some records of one side.
type batch struct {
	r       *run
	side    record.Side
	rows    [2]map[string]store.Row
	links   [2]map[string]store.Link // open, or else the newest closed one, by id on either side
	keys    map[string][]mapping.Key // of the unlinked records of side
	found   map[store.Key][]string   // records of the other side by key
	busy    map[store.Spot]int64
	claimed map[string]int64
	taken   map[store.Spot]string // records that this batch, or a preview so far, has linked, with their partner
	refs    *refs
	facts   store.Facts
	asked   map[string]bool              // subjects of review items that the batch has opened
	losers  map[string][]string          // of the unlinked records of side: what was merged into them (R24)
	made    map[int64]bool               // links that this batch has made
	fused   map[string]bool              // records whose partner in another sync was merged into another record
	mains   map[string]store.Link        // of things that have copies: the main link by the record's id (R26)
	members map[string][]store.Link      // and the open links that share the record
	waits   map[string]string            // copies that are not planned now, and why
	planned map[int64]bool               // main links that the batch has planned
	open    map[store.Object]*unfinished // creates of unknown or pending outcome; nil = not loaded yet
	dirty   bool                         // the records are planned again, maybe because of a decision
	erased  map[store.Spot]time.Time     // when the person of an unlinked record, or of a candidate, was erased; zero = never (R32)
	carried [2]map[string]carried        // the key of ours that a record carries, as far as it was asked for
}

// load brings together what deciding about the records of one side needs, in few queries.
func (r *run) load(ctx context.Context, side record.Side, ids []string, rows map[string]store.Row) (*batch, error) {
	b := &batch{r: r, side: side, taken: map[store.Spot]string{}, claimed: map[string]int64{}}
	if r.dry != nil {
		b.taken = r.dry.taken
	}
	b.rows[side] = rows
	links, err := r.e.store.LinksOf(ctx, r.p.Name, side, ids)
	if err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	b.links[side], b.links[side.Other()] = links, map[string]store.Link{}
	spots := make([]store.Spot, 0, 2*len(ids))
	var partners []string
	for _, id := range ids {
		spots = append(spots, store.Spot{Side: side, ID: id})
		if l, ok := links[id]; ok {
			partners = append(partners, l.IDs[side.Other()])
			spots = append(spots, store.Spot{Side: side.Other(), ID: l.IDs[side.Other()]}) // R27: another sync may be writing it
		}
	}
	if b.rows[side.Other()], err = r.e.store.Rows(ctx, r.p.ends[side.Other()].of, partners); err != nil {
		return nil, fmt.Errorf("load partners: %w", err)
	}
	if b.busy, err = r.e.store.Busy(ctx, r.p.Name, spots); err != nil {
		return nil, fmt.Errorf("load unfinished operations: %w", err)
	}
	if b.refs, err = r.loadRefs(ctx, b.rows); err != nil {
		return nil, err
	}
	if err := b.loadMembers(ctx); err != nil {
		return nil, err
	}
	if err := b.loadLosers(ctx, ids); err != nil {
		return nil, err
	}
	if err := b.loadErased(ctx, ids); err != nil {
		return nil, err
	}
	return b, b.loadCandidates(ctx, ids)
}

// loadCandidates finds the records of the other side that hold a key of an unlinked one.
func (b *batch) loadCandidates(ctx context.Context, ids []string) error {
	b.keys = make(map[string][]mapping.Key)
	var keys []store.Key
	var claims []string
	for _, id := range ids {
		row, ok := b.rows[b.side][id]
		if l, linked := b.links[b.side][id]; !ok || row.Fate != connector.Present || linked && l.Closed == "" {
			continue
		}
		ks := b.r.p.Mapping.Keys(b.side, row.Fields)
		b.keys[id] = ks
		for _, k := range ks {
			if k.Value != "" && !k.Free {
				keys = append(keys, store.Key{Name: k.Name, Value: k.Value})
				claims = append(claims, claim(k))
			}
		}
	}
	other := b.side.Other()
	of := b.r.p.ends[other].of
	var err error
	if b.found, err = b.r.e.store.FindByKey(ctx, of, keys); err != nil {
		return fmt.Errorf("find by key: %w", err)
	}
	if b.r.dry == nil {
		if b.claimed, err = b.r.e.store.Claimed(ctx, of, claims); err != nil {
			return fmt.Errorf("load claims: %w", err)
		}
	} else {
		b.claimed = b.r.dry.claimed
	}
	var candidates []string
	for _, ids := range b.found {
		candidates = append(candidates, ids...)
	}
	if len(candidates) == 0 {
		return nil
	}
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, other, candidates)
	if err != nil {
		return fmt.Errorf("load links of candidates: %w", err)
	}
	maps.Copy(b.links[other], links)
	spots := make([]store.Spot, 0, len(candidates))
	for _, id := range candidates {
		spots = append(spots, store.Spot{Side: other, ID: id})
	}
	busy, err := b.r.e.store.Busy(ctx, b.r.p.Name, spots)
	if err != nil {
		return fmt.Errorf("load unfinished operations of candidates: %w", err)
	}
	maps.Copy(b.busy, busy)
	rows, err := b.r.e.store.Rows(ctx, of, candidates)
	if err != nil {
		return fmt.Errorf("load candidates: %w", err)
	}
	if err := b.dropMembers(ctx, rows); err != nil {
		return err
	}
	maps.Copy(b.rows[other], rows)
	if err := b.findErased(ctx, other, rows); err != nil {
		return err
	}
	var more [2]map[string]store.Row
	more[other] = rows
	return b.refs.add(ctx, more)
}

// claim is what a create holds in the outbox so that no second one is sent for the same
// key (R15).
func claim(k mapping.Key) string { return k.Name + "=" + k.Value }

// decide plans each record and stores what was decided, all of the batch at once
// (invariants 2 and 3).
func (b *batch) decide(ctx context.Context, ids []string) error {
	if err := b.assemble(ctx, ids); err != nil {
		return err
	}
	for _, id := range ids {
		if err := b.record(ctx, id); err != nil {
			return fmt.Errorf("plan %s/%s: %w", b.r.p.ends[b.side].of, id, err)
		}
	}
	if b.r.dry != nil {
		b.r.dry.add(b)
		return nil
	}
	if err := b.r.e.store.Decide(ctx, b.r.p.Name, b.r.marks, b.facts); err != nil {
		return fmt.Errorf("store decisions: %w", err)
	}
	b.r.note(b.facts)
	b.r.enqueue(b.facts.Ops)
	return nil
}

// enqueue tells the pusher what may be sent at once.
func (r *run) enqueue(ops []store.Op) {
	some := false
	r.mu.Lock()
	for _, op := range ops {
		if op.State == store.OpSent {
			r.fresh[op.Side] = append(r.fresh[op.Side], op)
			some = true
		}
	}
	r.mu.Unlock()
	if some {
		notify(r.queued)
	}
}

// record decides about one record: as part of its pair if it has one, else alone.
func (b *batch) record(ctx context.Context, id string) error {
	row, ok := b.rows[b.side][id]
	if !ok {
		return nil
	}
	if _, busy := b.busy[store.Spot{Side: b.side, ID: id}]; busy {
		b.again(id) // R27: planned when the operation under way has settled
		return nil
	}
	link, linked := b.links[b.side][id]
	if settled, err := b.asCopy(ctx, row, link); settled || err != nil {
		return err
	}
	switch {
	case linked && link.Closed == "":
		return b.linked(ctx, link)
	case row.Fate != connector.Present:
		b.dropEdits(b.side, id)
		if linked {
			if err := b.recreate(ctx, link); err != nil {
				return err
			}
			if err := b.unbar(ctx, row); err != nil {
				return err
			}
		}
		b.facts.InScope = append(b.facts.InScope, store.Spot{Side: b.side, ID: id}) // it is gone and was nobody's
		b.withdrawGone(row)
		return b.endsWith(ctx, row)
	case b.taken[store.Spot{Side: b.side, ID: id}] != "":
		return nil // just linked, from the other side
	case linked && revives(link) && b.partnerPresent(link):
		return b.back(ctx, row, link)
	default:
		return b.single(ctx, row)
	}
}

// single decides about a record that is in no pair.
func (b *batch) single(ctx context.Context, row store.Row) error {
	if err := b.alone(ctx, row); err != nil {
		return err
	}
	b.withdrawRecord(row.ID)
	return nil
}

// again marks a record of this side as one to plan anew.
func (b *batch) again(id string) {
	b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: b.side, ID: id})
}
