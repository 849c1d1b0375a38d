package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// verbMerge is an operation that no Writer sees: a Merger carries it out. Its target is the
// record to lose; the one to keep is in its only field.
const verbMerge connector.Verb = "merge"

// keepKey is the key of that field.
const keepKey = "into"

// fold carries out merges, one by one.
func (s *settling) fold(ctx context.Context) {
	results := make([]connector.Result, len(s.ops))
	for i, op := range s.ops {
		keep := record.Ref{Object: op.Target.Name, ID: keepOf(op)}
		if s.end.conn.able.Merger == nil {
			results[i].Err = &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject,
				Err: fmt.Errorf("%s cannot merge records through its API", s.end.conn.spec.Title)}
			continue
		}
		res, err := s.end.conn.able.Merger.Merge(ctx, keep, []record.Ref{{Object: op.Target.Name, ID: op.TargetID}})
		if err != nil {
			res.Err = err
		}
		if res.Ref.ID == "" {
			res.Ref = keep
		}
		results[i] = res
	}
	s.at = time.Now().Truncate(time.Microsecond)
	s.results(ctx, results)
}

func keepOf(op store.Op) string { return op.Fields[0].Source.Text() }

// remains is the record that a merge has left, as far as its loser tells.
func remains(op store.Op, lost connector.Change) record.Ref {
	if len(lost.Into) > 0 {
		return lost.Into[0]
	}
	return record.Ref{Object: op.Target.Name, ID: keepOf(op)}
}

// folded settles a merge: the loser's link is closed. What remains may have an id that
// neither had; then the kept one's link follows it as after any merge.
func (s *settling) folded(op store.Op, res connector.Result, read *record.Record) {
	keep := keepOf(op)
	lost := []string{op.TargetID}
	if res.Ref.ID != keep {
		lost = append(lost, keep)
	}
	for _, id := range lost {
		s.pages = append(s.pages, connector.Change{Record: record.Record{Ref: record.Ref{Object: op.Target.Name, ID: id}},
			Fate: connector.Merged, Into: []record.Ref{res.Ref}})
	}
	if read != nil {
		s.pages = append(s.pages, connector.Change{Record: *read})
	}
	if link, ok := s.links[op.Link]; ok {
		if link.IDs[s.side] == op.TargetID {
			link.Closed = closedMerged
			s.facts.Links = append(s.facts.Links, link)
			s.r.withdrawLink(&s.facts, link)
		} else { // a duplicate, which had no link: the operation's is that of the kept one
			link.ID, link.IDs[s.side] = 0, op.TargetID
		}
		s.journal(link, store.Entry{Kind: store.Folded, Set: op.Was, New: record.Text(res.Ref.ID), Why: op.Fields[0].Rule})
	}
	s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: s.side, ID: keep})
	s.count(func(c *store.Counts) { c.Deleted++ })
}

// loadLosers finds out which records were merged into the unlinked ones of the batch. In a first run
// too: one that was cut off has left pairs, and what was paired may have been merged since.
func (b *batch) loadLosers(ctx context.Context, ids []string) (err error) {
	var alone []string
	for _, id := range ids {
		_, ok := b.rows[b.side][id]
		if l, linked := b.links[b.side][id]; ok && (!linked || l.Closed != "") {
			alone = append(alone, id)
		}
	}
	b.losers, err = b.r.losersOf(ctx, b.side, alone)
	return err
}

// losersOf finds the records that were merged into these, and those that were merged into them.
func (r *run) losersOf(ctx context.Context, side record.Side, ids []string) (map[string][]string, error) {
	var keys []store.Key
	for _, id := range ids {
		keys = append(keys, store.IntoKey(id))
	}
	losers := map[string][]string{}
	for range maxChain { // what was merged into what was merged into them, too
		if len(keys) == 0 {
			break
		}
		found, err := r.e.store.FindByKey(ctx, r.p.ends[side].of, keys)
		if err != nil {
			return nil, fmt.Errorf("look for merged records: %w", err)
		}
		keys = keys[:0]
		for into, lost := range found {
			losers[into.Value] = lost
			for _, id := range lost {
				if _, known := losers[id]; !known {
					keys = append(keys, store.IntoKey(id))
				}
			}
		}
	}
	return losers, nil
}

// paired tells the creates of a batch whose record has got a partner since they were planned, or is
// to take over that of one that was merged into it: what remains of a merge may show before the
// merge does, as planning goes on beside reading and sweeping (R24, R27, invariant 8).
func (s *settling) paired(ctx context.Context) (map[int64]bool, error) {
	other := s.side.Other()
	var ids []string
	for _, op := range s.ops {
		if op.Verb == connector.Create && op.SourceID != "" && !anew(op) {
			ids = append(ids, op.SourceID)
		}
	}
	losers, err := s.r.losersOf(ctx, other, ids)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	links, err := s.r.e.store.LinksOf(ctx, s.r.p.Name, other, slices.Concat(append(slices.Collect(maps.Values(losers)), ids)...))
	if err != nil {
		return nil, fmt.Errorf("load links of what is to be created: %w", err)
	}
	paired := map[int64]bool{}
	for _, op := range s.ops {
		paired[op.ID] = slices.ContainsFunc(append(lostInto(losers, op.SourceID), op.SourceID), func(id string) bool {
			l, linked := links[id]
			return linked && l.Closed == ""
		})
	}
	return paired, nil
}

// lostInto are all records that were merged into one, directly or by way of another.
func lostInto(losers map[string][]string, id string) []string {
	var lost []string
	for next := losers[id]; len(next) > 0; {
		id := next[0]
		next = next[1:]
		if !slices.Contains(lost, id) {
			lost = append(lost, id)
			next = append(slices.Clone(next), losers[id]...)
		}
	}
	return lost
}

// takeOver gives an unlinked record the partner of one that was merged into it (R24). It
// comes before matching, or the record would be taken for a new one.
func (b *batch) takeOver(ctx context.Context, row store.Row) (bool, error) {
	lost := lostInto(b.losers, row.ID)
	if len(lost) == 0 {
		return false, nil
	}
	if making, err := b.inMaking(ctx, b.side, row.ID); err != nil || making {
		b.stand(row.ID, standsWaiting, "it may be what an operation under way has made")
		b.again(row.ID) // as pairsOf has it
		return making, err
	}
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, b.side, lost)
	if err != nil {
		return false, fmt.Errorf("load links of merged records: %w", err)
	}
	for _, id := range lost {
		link, ok := links[id]
		if !ok || link.Closed != "" {
			continue
		}
		switch busy, err := b.decidePair(ctx, link); {
		case err != nil:
			return false, err
		case busy:
			b.stand(row.ID, standsWaiting, "a record that was merged into it has an operation under way")
			b.again(row.ID)
			return true, nil
		}
		if l := b.links[b.side][row.ID]; l.Closed != "" && b.made[link.ID] {
			b.stand(row.ID, standsClosed, "its partner is gone: "+l.Closed) // it rests with the pair (R18)
		} else if b.taken[store.Spot{Side: b.side, ID: row.ID}] == "" {
			b.stand(row.ID, standsReview, "a linked record was merged into it, and its partner too")
		}
		return true, nil
	}
	return b.standAside(ctx, row, lost, links)
}

// decidePair decides about a pair that the batch did not come for, unless an operation is under way (R27).
func (b *batch) decidePair(ctx context.Context, link store.Link) (busy bool, err error) {
	if _, busy, err := b.loadPair(ctx, link.IDs); err != nil || busy {
		return busy, err
	}
	return false, b.linked(ctx, link)
}

// endsWith decides about the pairs of records that were merged into one that is gone now: while it was out
// of sight they waited to know what became of it (R22, R24).
func (b *batch) endsWith(ctx context.Context, row store.Row) error {
	lost := lostInto(b.losers, row.ID)
	if len(lost) == 0 || row.Fate == connector.Left {
		return nil
	}
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, b.side, lost)
	if err != nil {
		return fmt.Errorf("load links of records that were merged: %w", err)
	}
	for _, id := range lost {
		link, ok := links[id]
		if !ok || link.Closed != "" {
			continue
		}
		if busy, err := b.decidePair(ctx, link); err != nil {
			return err
		} else if busy {
			b.again(row.ID)
		}
	}
	return nil
}

// A want is a record that has to be read before another one can be decided about.
type want struct {
	end  end
	side record.Side // whose calls it counts among
	id   string      // "" = what has changed of the whole object
	then []store.Spot
}

// want asks for a record of a side to be read, once in a run, and for another one to be
// planned then.
func (r *run) want(side record.Side, id string, then store.Spot) {
	r.wantOf(r.p.ends[side], side, id, then)
}

// wantOf is want for a record of any object of that side. It reports false if it has been
// read, or cannot be; whoever asks again before that waits as well.
func (r *run) wantOf(of end, side record.Side, id string, then store.Spot) bool {
	key := of.of.String() + "/" + id
	for i := range r.wanted {
		if w := &r.wanted[i]; w.end.of == of.of && w.id == id {
			w.then = append(w.then, then)
			return true
		}
	}
	if r.met[key] || of.conn.able.Reader == nil {
		return false
	}
	if r.met == nil {
		r.met = map[string]bool{}
	}
	r.met[key] = true
	r.wanted = append(r.wanted, want{of, side, id, []store.Spot{then}})
	return true
}

// wantPulled has the changes of another object read in this run, if some sync reads it, and
// reports whether that is still to be done.
func (r *run) wantPulled(of store.Object, side record.Side, then store.Spot) bool {
	end, read := r.readElsewhere(of)
	return read && r.wantOf(end, side, "", then)
}

// readElsewhere finds an object that another sync reads, and this one does not.
func (r *run) readElsewhere(of store.Object) (end, bool) {
	if of == r.p.ends[0].of || of == r.p.ends[1].of {
		return end{}, false
	}
	for _, p := range r.e.syncs {
		for _, end := range p.ends {
			if end.of == of && p.Mapping != nil {
				return end, true
			}
		}
	}
	return end{}, false
}

// pullOf reads what has changed of an object of another sync into the mirror.
func (r *run) pullOf(ctx context.Context, w want) error {
	for _, p := range r.e.syncs {
		for s, end := range p.ends {
			if end.of == w.end.of && p.Mapping != nil {
				other := r.e.runOf(p, r.id)
				other.calls[s], other.began = r.calls[w.side], r.began
				var err error
				if other.marks, err = r.e.store.Marks(ctx, p.Name); err != nil { // what is asked on the way moves none
					return fmt.Errorf("load marks: %w", err)
				}
				return other.pull(ctx, record.Side(s))
			}
		}
	}
	return nil
}

// meetWanted reads what decisions were waiting for, and makes them.
func (r *run) meetWanted(ctx context.Context) error {
	for len(r.wanted) > 0 {
		wanted := r.wanted
		r.wanted = nil
		var then [2][]string
		for _, w := range wanted {
			for _, t := range w.then {
				if !slices.Contains(then[t.Side], t.ID) {
					then[t.Side] = append(then[t.Side], t.ID)
				}
			}
		}
		if err := r.readWanted(ctx, wanted); err != nil {
			return err
		}
		for _, side := range record.Sides() {
			for chunk := range slices.Chunk(then[side], planBatch) {
				if err := r.planDirty(ctx, side, chunk); err != nil {
					return err
				}
			}
		}
		if err := r.planAllChanged(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) readWanted(ctx context.Context, wanted []want) error {
	for len(wanted) > 0 {
		first := wanted[0]
		if first.id == "" {
			if err := r.pullOf(ctx, first); err != nil {
				return err
			}
			wanted = wanted[1:]
			continue
		}
		var ids []string
		wanted = slices.DeleteFunc(wanted, func(w want) bool {
			same := w.end.of == first.end.of && w.id != ""
			if same {
				ids = append(ids, w.id)
			}
			return same
		})
		rd := reading{end: first.end, keys: r.e.keysOf(first.end)}
		if err := r.readByID(metered(ctx, r.calls[first.side]), &rd, ids); err != nil {
			return fmt.Errorf("read %s: %w", rd.end.of, r.e.spoil(ctx, rd.end.conn, err))
		}
	}
	return nil
}
