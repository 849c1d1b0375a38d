package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What a create of unknown outcome has made, where nothing of ours stands in it and it has no match
// key, is told by its values alone. Once a person has changed one of these, it can only be asked.

// mostAlike is among how many records, at most, a person is to find what a create has made.
const mostAlike = 50

// An alikeness is what may be the outcome of a create: how many records, and the likeliest of them.
type alikeness struct {
	best []likeRecord
	all  int
}

// A likeRecord is a record with how many of the values that were sent it has, and how long before or
// after that it was created.
type likeRecord struct {
	record.Record

	same int
	away time.Duration
}

// add counts a record, which is kept if it is among the likeliest.
func (a *alikeness) add(rec record.Record, same int, sent time.Time) {
	a.all++
	a.best = append(a.best, likeRecord{rec, same, rec.Created.Sub(sent).Abs()})
	slices.SortStableFunc(a.best, func(x, y likeRecord) int {
		return cmp.Or(cmp.Compare(y.same, x.same), cmp.Compare(x.away, y.away))
	})
	a.best = a.best[:min(len(a.best), mostAlike)]
}

// nearest are the records that may all be the outcome of a create, those next to it in time first.
func nearest(op store.Op, found []record.Record) *alikeness {
	a := &alikeness{}
	for _, rec := range found {
		a.add(rec, 0, op.SentAt)
	}
	return a
}

// resembles returns how many of the values that were sent a record has, if it has half of them, or
// more; else 0.
func (e end) resembles(have, set record.Fields) int {
	sent, same := 0, 0
	for name, v := range set {
		if v.IsEmpty() {
			continue
		}
		f, _ := e.object.Field(name)
		sent++
		if f.Echoes(have[name], v) {
			same++
		}
	}
	if 2*same < sent {
		return 0
	}
	return same
}

// noteAlike notes which of some rows resemble what creates have sent that nothing else tells of. Those
// that have, or had, a partner are not the outcome (R16).
func (s *settling) noteAlike(ctx context.Context, ops []store.Op, rows []store.Row) error {
	var ids []string
	for _, row := range rows {
		if slices.ContainsFunc(ops, func(op store.Op) bool { return mayBeSince(op, row) }) {
			ids = append(ids, row.ID)
		}
	}
	links, err := s.r.e.store.LinksOf(ctx, s.r.p.Name, s.side, ids)
	if err != nil {
		return fmt.Errorf("load links of what was made since: %w", err)
	}
	for _, row := range rows {
		if _, linked := links[row.ID]; linked {
			continue
		}
		for _, op := range ops {
			if same := s.end.resembles(row.Fields, op.Set); same > 0 && mayBeSince(op, row) && !s.end.holds(row.Fields, op.Set) {
				if s.likely[op.ID] == nil {
					s.likely[op.ID] = &alikeness{}
				}
				s.likely[op.ID].add(row.Record, same, op.SentAt)
			}
		}
	}
	return nil
}

// alike asks whether one of the records that resemble what was sent is the outcome of a create that
// nothing else tells of.
func (s *settling) alike(ctx context.Context, op store.Op) error {
	like := s.likely[op.ID]
	if like == nil {
		s.nobodyKnows(op)
		return nil
	}
	return s.several(ctx, op, like, fmt.Sprintf("and has no key by which it could be looked up; of the records made since, %d resemble it", like.all))
}

// sentThen is what a question remembers where more records may be the outcome than it names: what was
// sent, on the side of these, and when, on the other one.
func sentThen(op store.Op, side record.Side) (sent [2]record.Value) {
	sent[side], sent[side.Other()] = record.Struct(op.Set), record.Time(op.SentAt)
	return sent
}

// unnamed finds the question about an unlinked record that a person is asked about among more than it
// names: until that is answered, nothing is made of any of them (R16).
func (b *batch) unnamed(row store.Row) (store.Review, bool) {
	b.r.mu.Lock()
	defer b.r.mu.Unlock()
	for _, item := range b.r.crowds[b.side] {
		op := store.Op{Set: item.Values[b.side].Fields(), SentAt: item.Values[b.side.Other()].Time()}
		if mayBeSince(op, row) && row.Created.Before(item.Opened.Add(time.Hour)) && b.r.p.ends[b.side].resembles(row.Fields, op.Set) > 0 {
			return item, true
		}
	}
	return store.Review{}, false
}

// mayBeMade notes of which records a person is to say whether they are what a create has made, or
// has said so.
func (r *run) mayBeMade(item store.Review) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcomes == nil {
		r.outcomes = map[store.Spot]store.Review{}
	}
	if side := item.Side.Other(); item.Decision == "" && !item.Values[side].IsEmpty() {
		r.crowds[side] = append(r.crowds[side], item)
	}
	for _, id := range item.Candidates {
		if item.Decision == "" || item.Decision == id {
			r.outcomes[store.Spot{Side: item.Side.Other(), ID: id}] = item
		}
	}
}

// asksFor reports whether a person is still to say which record was made for this one. That is asked
// though it be gone: what is left of it would pass for a new record otherwise.
func (r *run) asksFor(side record.Side, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range r.outcomes {
		if item.Side == side && item.Record == id && item.Decision == "" {
			return true
		}
	}
	return false
}

// askedAbout leaves a record alone of which a person is to say whether it is what a create has
// made: to make another one of it on the side that it came from would double that (invariant 8). Once
// it is said, it has its partner, whichever of the two is planned first. If that one is gone by now,
// it stays alone, as what has lost its partner does (R18).
func (b *batch) askedAbout(ctx context.Context, row store.Row) (bool, error) {
	b.r.mu.Lock()
	item, is := b.r.outcomes[store.Spot{Side: b.side, ID: row.ID}]
	b.r.mu.Unlock()
	if _, linked := b.links[b.side][row.ID]; linked {
		return false, nil
	}
	if !is {
		item, is = b.unnamed(row)
	}
	if !is {
		return false, nil
	}
	if item.Decision == "" {
		b.stand(row.ID, standsWaiting, "a person is asked whether it is what a create has made")
		b.again(row.ID)
		return true, nil
	}
	of := b.r.p.ends[item.Side].of
	rows, err := b.r.e.store.Rows(ctx, of, []string{item.Record})
	if err != nil {
		return false, fmt.Errorf("load what it was made for: %w", err)
	}
	if rows[item.Record].Fate != connector.Present {
		b.stand(row.ID, standsClosed, fmt.Sprintf("it was made for %s/%s, which is gone", of, item.Record))
		return true, nil
	}
	return b.joinByHand(ctx, row, item.Record)
}
