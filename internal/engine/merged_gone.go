package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Merges that meet a delete: what survives one may have lost its own partner, or be gone itself (R24).

// yields reports whether a record whose partner is gone takes the place of one that was merged into
// it, and whose partner is there: then it is that one's from now on, and no delete is carried over to
// it. People merged the same two things on both sides, in opposite directions, and one vendor calls
// the lost record deleted.
func (b *batch) yields(ctx context.Context, link store.Link, side record.Side) (bool, error) {
	losers, err := b.r.losersOf(ctx, side, []string{link.IDs[side]})
	if err != nil {
		return false, err
	}
	merged := lostInto(losers, link.IDs[side])
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, side, merged)
	if err != nil {
		return false, fmt.Errorf("load links of merged records: %w", err)
	}
	for _, id := range merged {
		lost, ok := links[id]
		if !ok || lost.Closed != "" || b.made[lost.ID] {
			continue
		}
		rows, busy, err := b.loadPair(ctx, lost.IDs)
		if err != nil || busy {
			b.again(link.IDs[b.side])
			return true, err
		}
		if rows[side.Other()].Fate != connector.Present {
			continue
		}
		err = b.linked(ctx, lost)
		b.done(lost.ID)
		return b.made[link.ID], err
	}
	return false, nil
}

// movesFirst has the pair of a survivor move whose partner, a record of that side, was merged into one
// that is in no pair, and is not what takes that place here: some vendors make a new record of all that
// are merged. The pair is the moved one then. wait says that it cannot be built upon yet (R27).
func (b *batch) movesFirst(ctx context.Context, link *store.Link, side record.Side, lost store.Row, to [2]string) (moves, wait bool, err error) {
	row, known, err := b.survivor(ctx, side, lost)
	if err != nil || known && (row.Fate != connector.Present || row.ID == to[side]) {
		return false, false, err
	}
	if own, err := b.openLink(ctx, side, row.ID); err != nil || own.ID != 0 || b.made[link.ID] {
		return false, own.ID == 0, err
	}
	b.undecide(link.ID)
	if err := b.linked(ctx, *link); err != nil {
		return false, false, err
	}
	b.done(link.ID)
	moved, err := b.openLink(ctx, side.Other(), link.IDs[side.Other()])
	if err != nil || moved.ID == 0 || moved.ID == link.ID {
		return false, true, err
	}
	*link = moved
	return true, slices.ContainsFunc(b.facts.Ops, func(op store.Op) bool { return op.Link == moved.ID }), nil
}

// inherit gives a pair the record that one of its own was merged into, though that is gone by now:
// what becomes of the partner, and of the pair should it come back, is decided about that one (R18,
// R22). Where that one has a pair of its own, this pair's record counts as deleted: the other pair may
// bring it back. It reports true if that has to wait.
func (b *batch) inherit(ctx context.Context, link *store.Link, rows *[2]store.Row, side record.Side, row store.Row) (bool, error) {
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, side, []string{row.ID})
	if err != nil {
		return false, fmt.Errorf("load links of a survivor: %w", err)
	}
	own, had := links[row.ID]
	if had && own.Closed == "" || slices.ContainsFunc(b.facts.Links, func(l store.Link) bool { return l.IDs[side] == row.ID }) {
		rows[side].Fate = connector.Deleted
		return false, nil
	}
	if making, err := b.inMaking(ctx, side, row.ID); err != nil || making {
		b.again(link.IDs[b.side]) // as pairsOf has it
		return making, err
	}
	to := link.IDs
	to[side] = row.ID
	both, busy, err := b.loadPair(ctx, to)
	if err != nil {
		return false, err
	}
	if busy {
		b.again(link.IDs[b.side]) // R27
		return true, nil
	}
	heir := b.heir(*link, to)
	if had && closedBecause(own, closedGone) { // we put it away ourselves: nobody wished that, and neither side is older (R5)
		heir.Base, heir.Expected, heir.Diverged = [2]record.Fields{{}, {}}, [2]record.Fields{}, nil
	}
	key, _, _, err := b.edited(ctx, b.draft(heir, both), side.Other())
	if err != nil {
		return false, err
	}
	policy := b.r.p.Delete[side.Other()]
	if key != "" || policy != plan.DeleteArchive && policy != plan.DeleteDelete { // else it goes, too: what the survivor lacks is no edit
		b.startAnew(&heir, *link, both)
	}
	why := b.mergeWhy(*link, to)
	link.Closed = closedMerged
	b.facts.Links = append(b.facts.Links, *link, heir)
	b.facts.Journal = append(b.facts.Journal, b.entry(*link, b.side, store.Closed, "", record.Value{}, record.Value{}, why),
		b.entry(heir, b.side, store.Linked, "", record.Value{}, record.Value{}, why))
	b.r.withdrawMoved(&b.facts, *link, to)
	b.done(link.ID)
	b.done(heir.ID)
	for _, s := range record.Sides() {
		b.links[s][to[s]] = heir
		b.taken[store.Spot{Side: s, ID: to[s]}] = to[s.Other()]
	}
	b.facts.InScope = append(b.facts.InScope, store.Spot{Side: side.Other(), ID: to[side.Other()]})
	*link, *rows = heir, both
	return false, nil
}

// followGone handles a merge whose other side is gone, or out of sight, at the same time: the survivor
// takes over a closed link, so that it is not created again over there (R18). Its other end is what the
// gone one was merged into: that is what may come back.
func (b *batch) followGone(ctx context.Context, link store.Link, to [2]string, rows [2]store.Row, gone record.Side) error {
	if rows[gone].Fate == connector.Left {
		d := b.draft(link, rows)
		d.diverge(wholeRecord, gone.String()+" is out of sight")
		b.store(d)
		return nil
	}
	heir, rests, wait, err := b.resting(ctx, link, to, gone)
	if err != nil || wait {
		return err
	}
	b.done(link.ID)
	b.closeLink(link, closedMerged, b.mergeWhy(link, heir.IDs))
	survivor := gone.Other()
	open, err := b.openLink(ctx, survivor, to[survivor])
	if err != nil || open.ID != 0 || rests {
		return err
	}
	b.closeLink(heir, closedGone, fmt.Sprintf("%s/%s was deleted", b.r.p.ends[gone].of, heir.IDs[gone]))
	heir.Closed = closedGone
	for _, side := range record.Sides() {
		b.links[side][heir.IDs[side]] = heir
	}
	return nil
}

// followBothGone gives a pair of which both records are gone those that they were merged into, which
// are gone too: should these come back, they are what was a pair, and neither is created anew (R18).
// It reports true where nothing is left to be decided about the pair.
func (b *batch) followBothGone(ctx context.Context, link *store.Link, to [2]string, rows *[2]store.Row) (bool, error) {
	for _, row := range rows {
		if row.Fate == connector.Present || row.Fate == connector.Left {
			return false, nil
		}
	}
	if to == link.IDs {
		return false, nil
	}
	heir, rests, wait, err := b.resting(ctx, *link, to, record.Left, record.Right)
	if err != nil || wait || heir.IDs == link.IDs {
		return wait, err
	}
	b.done(link.ID)
	b.closeLink(*link, closedMerged, b.mergeWhy(*link, heir.IDs))
	*link = heir
	return rests, nil
}

// resting is the link with which a pair rests whose records were merged into these, of which those of
// some sides are gone. One of these that has a pair of its own, or had, keeps to that one. rests says that
// the two are a closed pair already, as where two pairs became one; wait that this has to wait.
func (b *batch) resting(ctx context.Context, link store.Link, into [2]string, gone ...record.Side) (heir store.Link, rests, wait bool, err error) {
	to := into
	for _, side := range gone {
		own, had, err := b.newestLink(ctx, side, into[side])
		switch {
		case err != nil:
			return heir, false, false, err
		case !had || into[side] == link.IDs[side]:
		case own.IDs == into && own.Closed != "":
			rests = true
		default:
			to[side] = link.IDs[side]
		}
	}
	rows, busy, err := b.loadPair(ctx, to)
	if err != nil || busy {
		b.again(link.IDs[b.side]) // R27
		return heir, false, true, err
	}
	heir = b.heir(link, to)
	b.startAnew(&heir, link, rows)
	return heir, rests, false, nil
}

// newestLink returns the link that a record has, or had last, as this batch has left it.
func (b *batch) newestLink(ctx context.Context, side record.Side, id string) (store.Link, bool, error) {
	for _, l := range slices.Backward(b.facts.Links) {
		if l.IDs[side] == id {
			return l, true, nil
		}
	}
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, side, []string{id})
	if err != nil {
		return store.Link{}, false, fmt.Errorf("load links of a survivor: %w", err)
	}
	l, had := links[id]
	return l, had, nil
}

// standAside has a record that never had a partner take over the closed link of one that was merged into
// it: what barred that one bars it too, and what was deleted is its partner should it come back (R18).
func (b *batch) standAside(ctx context.Context, row store.Row, lost []string, links map[string]store.Link) (bool, error) {
	if _, was := b.links[b.side][row.ID]; was {
		return false, nil
	}
	link, found, err := b.barring(ctx, lost, links)
	if err != nil || !found {
		return false, err
	}
	to, other := link.IDs, b.side.Other()
	to[b.side] = row.ID
	rows, busy, err := b.loadPair(ctx, to)
	if err != nil || busy {
		b.stand(row.ID, standsWaiting, "the former partner of a record that was merged into it has an operation under way")
		b.again(row.ID) // R27
		return true, err
	}
	heir := b.heir(link, to)
	b.startAnew(&heir, link, rows)
	b.closeLink(heir, link.Closed, b.mergeWhy(link, to))
	heir.Closed = link.Closed
	b.links[b.side][row.ID], b.links[other][to[other]] = heir, heir
	if revives(heir) && b.partnerPresent(heir) {
		return true, b.back(ctx, row, heir)
	}
	return true, nil
}

// barring finds among closed links of merged records the one that bars what they were merged into,
// best of all one whose partner was not merged itself: that one may come back.
func (b *batch) barring(ctx context.Context, lost []string, links map[string]store.Link) (found store.Link, ok bool, err error) {
	other := b.side.Other()
	for _, id := range lost {
		link, had := links[id]
		if !had || !revives(link) && !closedBecause(link, closedHand) {
			continue
		}
		newest, _, err := b.newestLink(ctx, other, link.IDs[other])
		if err != nil {
			return found, false, err
		}
		if newest.ID != link.ID { // it has had another partner since
			continue
		}
		heads, err := b.r.e.store.Heads(ctx, b.r.p.ends[other].of, []string{link.IDs[other]})
		if err != nil {
			return found, false, fmt.Errorf("load a former partner: %w", err)
		}
		if heads[link.IDs[other]].Fate != connector.Merged {
			return link, true, nil
		}
		if !ok {
			found, ok = link, true
		}
	}
	return found, ok, nil
}
