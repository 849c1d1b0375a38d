package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// The review queue holds what only a person can decide, and nothing else: an item goes by
// itself when its cause has gone, and what was answered is not asked again about the same
// facts. What an item is about is its subject; these are the subjects of a pair as a whole.

func mergedSubject(link int64) string   { return fmt.Sprintf("merged %d", link) }
func identitySubject(link int64) string { return fmt.Sprintf("identity %d", link) }

// parkedLink is about an update of one side of a pair that the vendor does not take at all.
func parkedLink(link int64, side record.Side) string {
	return fmt.Sprintf("parked link %d %s", link, side)
}

// Decisions that several kinds of items share.
const (
	retry     = "retry"
	dismissed = "dismiss"
	noPartner = "none"
)

// seen are the rows that a draft was made from.
func (d *draft) seen() [2]int64 { return [2]int64{d.rows[0].Seq, d.rows[1].Seq} }

// restSubjects are what can be asked about a pair that rests because one side is not there.
func restSubjects(link int64) []string {
	return []string{heldSubject(link), mergeSubject(link), mergedSubject(link)}
}

// withdrawLink takes back all that is asked about a pair whose link is closed.
func (r *run) withdrawLink(f *store.Facts, link store.Link) {
	if !r.asking.Load() {
		return
	}
	f.Close = append(f.Close, restSubjects(link.ID)...)
	f.Close = append(f.Close, identitySubject(link.ID))
	for _, side := range record.Sides() {
		f.Close = append(f.Close, parkedLink(link.ID, side))
	}
	for _, m := range r.p.Mapping.Fields() {
		f.Close = append(f.Close, fieldSubjects(link, m.Key)...)
	}
}

// fieldSubjects are what can be asked about one field of a pair.
func fieldSubjects(link store.Link, key string) []string {
	return []string{subject(link.ID, key), fieldSubject(record.Left, link.IDs[record.Left], key), fieldSubject(record.Right, link.IDs[record.Right], key)}
}

// withdrawField takes back what is asked about a field that is mapped no more.
func (b *batch) withdrawField(d *draft, key string) {
	d.converge(key)
	if b.r.asking.Load() {
		b.facts.Close = append(b.facts.Close, fieldSubjects(d.link, key)...)
	}
}

// bothBack takes back what is asked about a pair of which one side was gone: both are there.
func (b *batch) bothBack(d *draft) {
	_, rested := d.noted[wholeRecord]
	if rested {
		b.facts.Back = append(b.facts.Back, d.link) // R28: what refers to them can be told again
	}
	if rested && b.r.asking.Load() {
		b.facts.Close = append(b.facts.Close, restSubjects(d.link.ID)...)
	}
}

// mayUpdate reports whether one side of a pair is to be written: if there is anything to
// write, and it is not what a person has let rest because the vendor does not take it (R29).
func (b *batch) mayUpdate(ctx context.Context, d *draft, side record.Side) (bool, error) {
	about := parkedLink(d.link.ID, side)
	if len(d.sets[side]) == 0 {
		if b.r.asking.Load() {
			b.facts.Close = append(b.facts.Close, about)
		}
		return false, nil
	}
	if !b.dirty {
		return true, nil
	}
	item, err := b.r.decision(ctx, about)
	if err != nil || item.Decision != dismissed || item.Seen != d.seen() {
		return err == nil, err
	}
	for _, f := range d.sets[side] {
		d.diverge(f.Key, refusedBecause+item.Cause)
	}
	return false, nil
}

// withdrawGone takes back all that is asked about a record that is gone and has no partner. What is asked
// since a restore stays while the record is only out of sight, or in the bin: when it is back, nobody would
// know any more that it may have had a partner, and it would be made anew (R34).
func (b *batch) withdrawGone(row store.Row) {
	if !b.r.asking.Load() {
		return
	}
	id := row.ID
	b.facts.Close = append(b.facts.Close, b.about("parked", id), erasedSubject(b.side, id))
	if row.Fate != connector.Left && row.Fate != connector.Archived {
		b.facts.Close = append(b.facts.Close, b.about("restored", id))
	}
	if !b.r.asksFor(b.side, id) {
		b.facts.Close = append(b.facts.Close, b.about("match", id))
	}
	for _, f := range b.r.p.Mapping.Fields() {
		b.facts.Close = append(b.facts.Close, fieldSubject(b.side, id, f.Key))
	}
}

// withdrawMoved takes back what is asked about a pair as such, and about those of its records
// that the link which takes its place is not about.
func (r *run) withdrawMoved(f *store.Facts, link store.Link, to [2]string) {
	for _, side := range record.Sides() {
		if to[side] == link.IDs[side] {
			link.IDs[side] = ""
		}
	}
	r.withdrawLink(f, link)
}

// withdrawRecord takes back what is asked about a record without a partner and is no longer
// the question: because it is left alone by a rule, or because another question is.
func (b *batch) withdrawRecord(id string) {
	if !b.r.asking.Load() || b.r.isUnsure(b.about("match", id)) {
		return
	}
	reason := ""
	for _, s := range b.facts.Standing {
		if s.Side == b.side && s.ID == id {
			reason = s.Reason
		}
	}
	var open []string
	kinds := []string{"match", "parked", "restored", "erased"}
	for _, what := range kinds {
		if about := b.about(what, id); !b.asked[about] {
			open = append(open, about)
		}
	}
	switch reason {
	case standsFiltered, standsDirection, standsNoCreate, standsClosed, standsParted, standsTarget:
	case standsReview:
		if len(open) == len(kinds) {
			return // dismissed, or asked about otherwise
		}
	default: // what comes of a create, or of a wait, will tell
		return
	}
	b.facts.Close = append(b.facts.Close, open...)
}

// takeUpUnsure notes of which records nobody can tell whether they have been created on the
// other side: whatever else becomes of them, only a person's word repeats that (invariant 8).
func (r *run) takeUpUnsure(ctx context.Context) error {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Sync: r.p.Name, Kinds: []store.ReviewKind{store.ReviewUnknown, store.ReviewAmbiguous}, Cause: cutOff, Limit: maxUnsure})
	if err != nil {
		return fmt.Errorf("load what nobody knows: %w", err)
	}
	r.unsure, r.outcomes, r.crowds = map[string]bool{}, nil, [2][]store.Review{}
	for _, item := range items {
		if item.Kind == store.ReviewUnknown || item.Decision == "" {
			r.unsure[item.Subject] = item.Decision != retry
		}
		r.mayBeMade(item)
	}
	return nil
}

// cutOff is why nobody knows what a create has made, if anything.
const cutOff = "a create was cut off"

const maxUnsure = 100_000

// isOpen reports whether a subject is asked about now.
func (r *run) isOpen(ctx context.Context, about string) (bool, error) {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Sync: r.p.Name, Open: true, About: about, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("load review items: %w", err)
	}
	return len(items) > 0, nil
}

// retries reports to which side a person wants a field to be sent again that the vendor has
// refused (R2). Once it has been refused anew, that is a question of its own.
func (b *batch) retries(ctx context.Context, d *draft, key string) (record.Side, bool, error) {
	for _, from := range record.Sides() {
		about := fieldSubject(from, d.link.IDs[from], key)
		item, err := b.r.decision(ctx, about)
		if err != nil {
			return 0, false, err
		}
		if item.Decision != retry {
			continue
		}
		open, err := b.r.isOpen(ctx, about)
		return from.Other(), !open, err
	}
	return 0, false, nil
}

// endFirst takes back questions about all first matches that no pair waits for any more (R5).
func (r *run) endFirst(ctx context.Context) error {
	if !r.asking.Load() || r.dry != nil {
		return nil
	}
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Sync: r.p.Name, Kinds: []store.ReviewKind{store.ReviewConflict}, Open: true})
	if err != nil {
		return fmt.Errorf("load questions: %w", err)
	}
	asked := map[string]bool{}
	for _, item := range items {
		if item.Subject == firstSubject(item.Field) {
			asked[item.Field] = true
		}
	}
	if len(asked) == 0 {
		return nil
	}
	err = r.eachLink(ctx, func(links []store.Link) error {
		for _, l := range links {
			for key, why := range l.Diverged {
				_, left := l.Base[record.Left][key]
				_, right := l.Base[record.Right][key]
				if l.Closed == "" && why == waitsForDecision && (!left || !right) {
					delete(asked, key)
				}
			}
		}
		if len(asked) == 0 {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	var f store.Facts
	for key := range asked {
		f.Close = append(f.Close, firstSubject(key))
	}
	if len(f.Close) == 0 {
		return nil
	}
	slices.Sort(f.Close)
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, f); err != nil {
		return fmt.Errorf("take back questions: %w", err)
	}
	return nil
}

var errEnough = errors.New("enough was seen")

// oneOfSeveral reports whether a right record is one of several that could be the partner of
// the left one: which of them it is, is asked about that one, and not answered by whichever
// is planned first (R14).
func (b *batch) oneOfSeveral(ctx context.Context, row store.Row, k mapping.Key, earlier []mapping.Key, partner string) (bool, error) {
	if b.side == record.Left && b.r.restored == nil {
		return false, nil // R20: of several on the left the first is linked
	} // R34: after a restore nobody knows any more which of them the partner was made from
	if l, was := b.links[record.Left][partner]; was && l.Closed != "" && !reenters(l) {
		return false, nil // R18: it is nobody's partner by itself
	}
	key := store.Key{Name: k.Name, Value: k.Value}
	found, err := b.r.e.store.FindByKey(ctx, b.r.p.ends[b.side].of, []store.Key{key})
	if err != nil {
		return false, fmt.Errorf("find by key: %w", err)
	}
	if len(found[key]) < 2 {
		return false, nil
	}
	rivals, err := b.rivals(ctx, found[key], earlier)
	if err != nil || len(rivals) < 2 {
		return false, err
	}
	b.stand(row.ID, standsReview, "several records have the same "+k.Name)
	other := b.side.Other()
	open, err := b.r.isOpen(ctx, fmt.Sprintf("match %s %s", other, partner))
	if err == nil && !open {
		b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: other, ID: partner})
	}
	return true, err
}

// rivals are those of some records of the batch's side that are there, free, in scope, and
// do not differ in an earlier key.
func (b *batch) rivals(ctx context.Context, ids []string, earlier []mapping.Key) ([]string, error) {
	rows, err := b.r.e.store.Rows(ctx, b.r.p.ends[b.side].of, ids)
	if err != nil {
		return nil, fmt.Errorf("load rows: %w", err)
	}
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, b.side, ids)
	if err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	var out []string
	for _, id := range ids {
		if l, was := links[id]; was && l.Closed == "" || rows[id].Fate != connector.Present || b.taken[store.Spot{Side: b.side, ID: id}] != "" {
			continue
		}
		theirs := b.r.p.Mapping.Keys(b.side, rows[id].Fields)
		if slices.ContainsFunc(earlier, func(k mapping.Key) bool {
			i := slices.IndexFunc(theirs, func(t mapping.Key) bool { return t.Name == k.Name })
			return i >= 0 && k.Value != "" && theirs[i].Value != "" && theirs[i].Value != k.Value
		}) {
			continue
		}
		in, err := b.r.p.Mapping.InScope(b.side, rows[id].Fields, b.refs)
		if err != nil {
			return nil, fmt.Errorf("where.%s: %w", b.side, err)
		}
		if in {
			out = append(out, id)
		}
	}
	return out, nil
}

// rest has the candidates planned again that a person did not choose.
func (b *batch) rest(candidates []string) {
	for _, id := range candidates {
		b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: b.side.Other(), ID: id})
	}
}

// partnerBusy reports whether a record is not to be joined yet because an operation writes
// its partner (R27).
func (b *batch) partnerBusy(ctx context.Context, row store.Row, partner string) (bool, error) {
	spot := store.Spot{Side: b.side.Other(), ID: partner}
	under, err := b.r.e.store.Busy(ctx, b.r.p.Name, []store.Spot{spot})
	if err != nil {
		return false, fmt.Errorf("load unfinished operations: %w", err)
	}
	if _, busy := under[spot]; !busy {
		return false, nil
	}
	b.stand(row.ID, standsWaiting, "its partner has an operation under way")
	b.again(row.ID)
	return true, nil
}
