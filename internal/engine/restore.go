package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A restored database does not know what happened since its backup: which records were
// made, which were parted, what was sent. R34 makes the first run after a restore careful:
// nothing is written before both sides have been listed anew; what was under way is of
// unknown outcome; and what only the lost part of the history could explain goes to a
// person. Later runs keep to the questions that it asked.

// waitsSinceRestore is why a field diverges about which a person was asked after a restore.
const waitsSinceRestore = waitsForDecision + ", since a restore"

// heldSinceRestore is why a pair rests of which a side was deleted since a backup.
const heldSinceRestore = "deleted on the other side; held since a restore"

// maxLost is how many open questions of a restore a run knows of.
const maxLost = 1 << 17

// takeUpRestore finds out whether the sync goes on from a backup, and what was asked then.
func (r *run) takeUpRestore(ctx context.Context) error {
	mark, is, err := r.e.store.Restored(ctx, r.p.Name)
	if err != nil {
		return err
	}
	if is {
		r.restored = &mark
	}
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Sync: r.p.Name, Kinds: []store.ReviewKind{store.ReviewRestored}, Limit: maxLost})
	if err != nil {
		return fmt.Errorf("load what was asked after a restore: %w", err)
	}
	r.lost, r.apart = make(map[store.Spot]bool, len(items)), map[store.Spot]bool{}
	for _, item := range items {
		spot := store.Spot{Side: item.Side, ID: item.Record}
		if r.apart[spot] = item.Decision == dismissed; item.Decision != "" {
			continue
		}
		r.lost[spot] = true
		if at := &r.lostAt[item.Side]; item.Opened.After(*at) {
			*at = item.Opened
		}
	}
	standing, err := r.e.store.Standings(ctx, r.p.Name, maxLost, standsReview, standsWaiting)
	if err != nil {
		return fmt.Errorf("load what waits since a restore: %w", err)
	}
	for _, s := range standing {
		if strings.HasPrefix(s.Detail, lostSince) {
			r.lost[store.Spot{Side: s.Side, ID: s.ID}] = true
		}
	}
	return nil
}

// lostSince begins why a record waits of which nobody knows since a restore whether it has a
// partner, whatever else is asked about it or has it wait (R34).
const lostSince = "since a restore: "

// isLost reports whether only the lost part of the history could tell if a record has a partner:
// in the first run after a restore that is every one, later those that wait since then. One that
// was made before, and was neither there nor in sight at that run, may be the partner of one that
// still waits on the other side (R34). One that a person wanted left alone then, and that has had no
// partner since, is lost too, though nothing stood for it while it was out of sight.
func (b *batch) isLost(row store.Row) bool {
	at, spot := b.r.lostAt[b.side.Other()], store.Spot{Side: b.side, ID: row.ID}
	_, linked := b.links[b.side][row.ID]
	return b.r.restored != nil || b.r.lost[spot] || b.r.apart[spot] && !linked || !row.Created.IsZero() && row.Created.Before(at)
}

// mayWrite is R34: after a restore nothing is written until both sides have been listed.
func (r *run) mayWrite(ctx context.Context) error {
	mark, is, err := r.e.store.Restored(ctx, r.p.Name)
	if err != nil || !is {
		return err
	}
	for _, side := range record.Sides() {
		parts, err := partitions(metered(ctx, r.calls[side]), r.p.ends[side])
		if err != nil {
			return fmt.Errorf("list the parts of %s: %w", r.p.ends[side].of, err)
		}
		for _, part := range parts {
			feed, err := r.e.store.Feed(ctx, r.p.ends[side].of, part, store.FeedChanges)
			if err != nil {
				return fmt.Errorf("load feed: %w", err)
			}
			if feed.ListedAt.IsZero() || feed.ListedAt.Before(mark.At) {
				return fmt.Errorf("sync %s was restored from a backup, and %s has not been listed since: nothing is written", r.p.Name, r.p.ends[side].of)
			}
		}
	}
	return nil
}

// relist reads both sides to the end after a restore and finds out what became of the
// operations that were under way at the backup, before anything is planned: a record that
// one of them has made is no stranger.
func (r *run) relist(ctx context.Context) error {
	if r.restored == nil {
		return nil
	}
	for _, side := range record.Sides() {
		if err := r.pull(ctx, side); err != nil {
			return err
		}
	}
	if r.dry != nil {
		return nil // a rehearsal settles nothing
	}
	const tries = 5
	for range tries {
		if _, err := r.lookUp(ctx); err != nil {
			return err
		}
		left, err := r.e.store.Ops(ctx, r.p.Name, store.OpUnknown)
		if err != nil {
			return fmt.Errorf("load operations of unknown outcome: %w", err)
		}
		if left = r.leaveToVisits(left); len(left) == 0 {
			return nil
		}
		wait := patience
		for _, op := range left {
			wait = min(wait, time.Until(r.due(op)))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return nil
}

// lostSubjects are what was asked about two records that have found each other.
func lostSubjects(ids [2]string) []string {
	return []string{fmt.Sprintf("restored %s %s", record.Left, ids[record.Left]), fmt.Sprintf("restored %s %s", record.Right, ids[record.Right])}
}

// endRestore ends the care when a run has read and planned everything.
func (r *run) endRestore(ctx context.Context) error {
	if r.restored == nil || r.dry != nil || r.unproven.Load() {
		return nil
	}
	left, err := r.e.store.Ops(ctx, r.p.Name, store.OpUnknown)
	if err != nil {
		return fmt.Errorf("load operations of unknown outcome: %w", err)
	}
	if len(left) > 0 {
		return nil // what could not be looked up yet is to be treated with the same care
	}
	return r.e.store.DoneRestore(ctx, r.p.Name)
}

// proveLost asks by id for the records that nothing has shown since a restore, however the
// vendor tells of deletions otherwise: what was told meanwhile is lost. As long as a record that
// is out of sight cancels that, each run asks anew.
func (r *run) proveLost(ctx context.Context, side record.Side) error {
	end := r.p.ends[side]
	if r.restored == nil || end.object.Deletes == record.EvidenceNone || end.conn.able.Reader == nil {
		return nil
	}
	rd := reading{end: end, keys: r.keysOf(side)}
	return r.proveUnseen(ctx, &rd, r.restored.At)
}

// goesOnWithout reports whether a person has said since a restore that what is out of sight
// shall not keep the rest from being proven deleted. What is proven is held and asked about.
func (r *run) goesOnWithout(ctx context.Context, rd *reading) (bool, error) {
	if r.restored == nil {
		return false, nil
	}
	item, err := r.decision(ctx, sightSubject(rd.end.of))
	return item.Decision == "dismiss" && item.Decided.After(r.restored.At), err
}

// prefer returns the preference for a field: after a restore a person decides what both
// sides have changed differently (R34).
func (b *batch) prefer(d *draft, key string, rule merge.Prefer) merge.Prefer {
	if b.r.restored != nil || d.link.Diverged[key] == waitsSinceRestore {
		return merge.Ask
	}
	return rule
}

// askedBecause is why a field diverges about which a person is asked.
func (b *batch) askedBecause(d *draft, key string, in merge.Field) string {
	if in.Consent != nil && in.Consent.Disputed() {
		return waitsForOrder
	}
	known := in.Cells[0].HasBase && in.Cells[1].HasBase // first matches have a question of their own
	if known && (b.r.restored != nil || d.link.Diverged[key] == waitsSinceRestore) {
		return waitsSinceRestore
	}
	return waitsForDecision
}

// heldByRestore holds a delete of which the partner was deleted since the backup: whether
// it was carried over then, and undone by a person, nobody knows (R34).
func (b *batch) heldByRestore(ctx context.Context, d *draft, side record.Side) (bool, error) {
	if b.r.restored == nil && d.link.Diverged[wholeRecord] != heldSinceRestore {
		return false, nil
	}
	return true, b.hold(ctx, d, side, heldSinceRestore, store.Review{Kind: store.ReviewDelete,
		Text: fmt.Sprintf("%s/%s was deleted since the backup that was restored; %s/%s would be deleted too", b.r.p.ends[side.Other()].of,
			d.link.IDs[side.Other()], b.r.p.ends[side].of, d.link.IDs[side]),
		Fix: "delete it too, or keep it alone", Choices: []string{"delete", "unlink"}})
}

// lostTrack is R34 for a record without a partner that no key joins: in the run after a
// restore it is joined to the one record that equals it in full, and otherwise never created
// on the other side before a person has said so, because it may have a partner there, or be
// one that we made.
func (b *batch) lostTrack(ctx context.Context, row store.Row) (bool, error) {
	if !b.mightCreate() {
		return false, nil
	}
	ours := b.oursBeforeRestore(row)
	if !b.isLost(row) {
		made, known := b.madeSinceBackup(ctx, row)
		if !known {
			b.stand(row.ID, standsWaiting, "whether Tandem has made it after a backup that was restored cannot be asked now")
			b.again(row.ID)
		}
		if ours = made; !made {
			return !known, nil
		}
	}
	about := b.about("restored", row.ID)
	switch decided, err := b.decided(ctx, about); {
	case err != nil:
		return true, err
	case decided == "create":
		return false, nil
	case decided == "dismiss":
		b.stand(row.ID, standsReview, lostSince+"left alone by a person")
		return true, nil
	}
	equals, err := b.equals(ctx, row)
	if err != nil {
		return true, err
	}
	if len(equals) == 1 {
		return true, b.join(ctx, row, equals[0], "equal in full, after a restore")
	}
	text := "has no partner that could be found"
	switch {
	case len(equals) > 1:
		text = fmt.Sprintf("could be any of %d records", len(equals))
	case ours:
		text = "was made by Tandem after the backup, and its original cannot be found"
	}
	b.stand(row.ID, standsReview, lostSince+text)
	b.review(store.Review{Kind: store.ReviewRestored, Subject: about, Side: b.side, Record: row.ID, Candidates: equals,
		Text:    fmt.Sprintf("%s/%s%s %s in %s since a backup was restored", b.r.p.ends[b.side].of, row.ID, called(row.Fields), text, b.r.p.ends[b.side.Other()].of),
		Fix:     "if it is on the other side already, give both the same key or delete one; if it is new, create it",
		Choices: []string{"create", "dismiss"}})
	return true, nil
}

// mightCreate reports whether the rules let a record of this side be created on the other.
func (b *batch) mightCreate() bool {
	other := b.side.Other()
	return b.r.p.Direction.Allows(other) && b.r.p.Create[other] && b.r.p.ends[other].object.Create
}

// oursBeforeRestore reports whether a record carries a key of an operation that the lost
// part of the history has sent.
func (b *batch) oursBeforeRestore(row store.Row) bool {
	f, ok := b.r.p.ends[b.side].object.Key()
	if !ok || b.r.restored == nil || b.r.restored.Home == "" {
		return false
	}
	return strings.HasPrefix(row.Fields[f.Name].Text(), anyKey+b.r.restored.Home+"-")
}

// madeSinceBackup reports whether a record is what an operation has made of which a restore has lost
// all knowledge: its vendor may have carried it out only after the first run since (R36). It may be the
// partner of a record that still waits on the other side; without any, nobody is asked. known is
// false if the vendor keeps such keys and cannot be asked for this one now.
func (b *batch) madeSinceBackup(ctx context.Context, row store.Row) (made, known bool) {
	if _, keeps := b.r.p.ends[b.side].object.Key(); !keeps || b.r.lostAt[b.side.Other()].IsZero() {
		return false, true
	}
	key, known := b.keyOf(ctx, b.side, row.ID)
	return strings.HasPrefix(key, anyKey) && !strings.HasPrefix(key, b.r.e.keysBegin()), known
}

// equals returns the free records of the other side that equal this one in every mapped
// field that has a value on either side.
func (b *batch) equals(ctx context.Context, row store.Row) ([]string, error) {
	other := b.side.Other()
	of := b.r.p.ends[other].of
	var found []string
	var after int64
	for {
		rows, err := b.r.e.store.Changed(ctx, of, after, planBatch)
		if err != nil {
			return nil, fmt.Errorf("search the mirror: %w", err)
		}
		if len(rows) == 0 {
			return b.free(ctx, found)
		}
		for _, candidate := range rows {
			after = candidate.Seq
			if candidate.Fate == connector.Present && b.equalInFull(row, candidate) {
				found = append(found, candidate.ID)
				b.rows[other][candidate.ID] = candidate
			}
		}
	}
}

// equalInFull reports whether two records say the same in all mapped fields, and anything
// at all.
func (b *batch) equalInFull(row, candidate store.Row) bool {
	m, some := b.r.p.Mapping, false
	for i, f := range m.Fields() {
		if f.Left.To != "" || f.Right.To != "" {
			continue // references are not comparable before their records are linked
		}
		v, known, err := m.Own(i, b.side, row.Fields, b.refs)
		w, also, err2 := m.Own(i, b.side.Other(), candidate.Fields, b.refs)
		if err != nil || err2 != nil || !known || !also {
			continue
		}
		if b.side == record.Right {
			v, w = w, v
		}
		if !m.Same(i, v, w) {
			return false
		}
		some = some || !v.IsEmpty()
	}
	return some
}

// free leaves out the records that have a partner, or had one.
func (b *batch) free(ctx context.Context, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	other := b.side.Other()
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, other, ids)
	if err != nil {
		return nil, fmt.Errorf("load links of candidates: %w", err)
	}
	var out []string
	for _, id := range ids {
		if _, was := links[id]; !was && !b.isTaken(id) {
			out = append(out, id)
		}
	}
	return out, nil
}
