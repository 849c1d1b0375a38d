package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Why a link was closed (R18). A link is never removed; a closed one keeps its surviving
// record from being matched or created again.
const (
	closedMerged = "merged"    // into a record that has, or now gets, a partner of its own
	closedTurned = "converted" // into records of other objects

	closedGone   = "deleted" // one side was deleted and the other was left, archived or deleted too
	closedBoth   = "both are gone"
	closedLost   = "merged into a record that is not named"
	closedFilter = "left the filter"
	closedHand   = "unlinked" // by a person, or by delete: unlink
	closedErased = store.ByErasure
)

func closedBecause(l store.Link, reason string) bool { return strings.HasPrefix(l.Closed, reason) }

// revives reports whether a link holds again once both its records are there (R18).
func revives(l store.Link) bool { return closedBecause(l, closedGone) || closedBecause(l, closedBoth) }

// rematches reports whether a closed link lets its record be matched anew (R18).
func rematches(l store.Link) bool {
	return reenters(l) || closedBecause(l, closedLost) || closedBecause(l, closedErased)
}

// reenters reports whether it lets its record be created anew, too.
func reenters(l store.Link) bool { return closedBecause(l, closedFilter) }

func (b *batch) partnerPresent(l store.Link) bool {
	other := b.side.Other()
	row, ok := b.rows[other][l.IDs[other]]
	return ok && row.Fate == connector.Present && b.rows[b.side][l.IDs[b.side]].Fate == connector.Present
}

// back opens a link again whose deleted side has come back with the same id (R18), unless the
// other side has got another partner meanwhile, as the survivor of a merge does: it keeps that one.
func (b *batch) back(ctx context.Context, row store.Row, link store.Link) error {
	if barred, err := b.barred(ctx, row); err != nil || barred {
		return err
	}
	other := b.side.Other()
	mate := link.IDs[other]
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, other, []string{mate})
	if err != nil {
		return fmt.Errorf("load the partner's link: %w", err)
	}
	maps.Copy(b.links[other], links)
	busy, err := b.r.e.store.Busy(ctx, b.r.p.Name, []store.Spot{{Side: other, ID: mate}})
	switch {
	case err != nil:
		return fmt.Errorf("load unfinished operations of the partner: %w", err)
	case len(busy) > 0:
		b.again(row.ID) // it may be getting another one
		return nil
	case b.isTaken(mate):
		return b.single(ctx, row)
	}
	return b.reopen(ctx, link, "the deleted record is back")
}

// reopen opens a closed link again and merges the pair from the base that it had.
func (b *batch) reopen(ctx context.Context, link store.Link, why string) error {
	link.Closed = ""
	rows := [2]store.Row{b.rows[0][link.IDs[0]], b.rows[1][link.IDs[1]]}
	if err := b.recall(ctx, link, rows); err != nil {
		return err
	}
	d := b.draft(link, rows)
	from, err := b.bringAlong(ctx, &d.link) // R25: what it remembers itself may be older
	if err != nil {
		return err
	}
	if from != "" {
		why = why + agreedIn + from
	}
	d.changed, d.back = true, true
	d.journal = append(d.journal, b.entry(link, b.side, store.Reopened, "", record.Value{}, record.Value{}, why))
	b.done(link.ID) // R24: a merge that is followed in this batch must know of it
	for _, side := range record.Sides() {
		b.links[side][link.IDs[side]], b.taken[store.Spot{Side: side, ID: link.IDs[side]}] = d.link, link.IDs[side.Other()]
		b.facts.InScope = append(b.facts.InScope, store.Spot{Side: side, ID: link.IDs[side]})
	}
	return b.merge(ctx, d)
}

// gone decides about a linked pair of which one side or both are no longer there.
func (b *batch) gone(ctx context.Context, link store.Link, rows [2]store.Row, gone [2]bool) error {
	if b.r.streaming {
		b.again(link.IDs[b.side]) // R24: what looks deleted may turn out to be merged
		return nil
	}
	moved, err := b.moved(ctx, &link, &rows)
	if err != nil || moved {
		return err
	}
	if gone[0] && gone[1] {
		b.closeLink(link, closedBoth, "both records are gone")
		return nil
	}
	lost := record.Left
	if gone[1] {
		lost = record.Right
	}
	if b.broughtBack(link, rows, lost) {
		return nil
	}
	d := b.draft(link, rows)
	switch rows[lost].Fate {
	case connector.Left:
		d.diverge(wholeRecord, lost.String()+" is out of sight") // R21: frozen, shown, nothing sent
		b.store(d)
		return nil
	case connector.Merged:
		return b.mergedNowhere(ctx, d, lost)
	default:
	}
	return b.deleted(ctx, d, lost)
}

// deleted carries out what is to happen to a record whose partner was deleted (R22).
func (b *batch) deleted(ctx context.Context, d *draft, lost record.Side) error {
	survivor := lost.Other()
	why := fmt.Sprintf("%s/%s was deleted", b.r.p.ends[lost].of, d.link.IDs[lost])
	policy := b.r.p.Delete[survivor]
	if !b.r.p.Direction.Allows(survivor) && policy != plan.DeleteUnlink {
		policy = plan.DeleteIgnore
	}
	switch policy {
	case plan.DeleteArchive, plan.DeleteDelete:
	case plan.DeleteUnlink:
		b.closeLink(d.link, closedHand, why)
		return nil
	default:
		b.closeLink(d.link, closedGone, why+", and the other side is kept")
		return nil
	}
	if passed, err := b.yields(ctx, d.link, survivor); err != nil || passed {
		return err
	}
	if held, err := b.suspectMerge(ctx, d, lost); err != nil || held {
		return err
	}
	if b.optedOut(d.rows[survivor], survivor) {
		b.closeLink(d.link, closedGone, why+", and the other side is kept: "+keepsNo)
		return nil
	}
	b.meetExpected(d)
	switch f, was, is, err := b.edited(ctx, d, survivor); {
	case err != nil:
		return err
	case f != "":
		return b.editWins(ctx, d, lost, f, was, is)
	}
	if held, err := b.heldByRestore(ctx, d, survivor); err != nil || held {
		return err
	}
	kids, held, err := b.heldByChildren(ctx, d, survivor, policy)
	if err != nil || held {
		return err
	}
	verb := connector.Archive
	if policy == plan.DeleteDelete {
		verb = connector.Delete
	}
	b.facts.Close = append(b.facts.Close, heldSubject(d.link.ID))
	b.remove(d.link, d.rows, survivor, verb, why, kids...)
	return nil
}

// edited finds a mapped field of the survivor that a person changed since the agreement, or
// that never was agreed: the deleted record did not have it.
func (b *batch) edited(ctx context.Context, d *draft, side record.Side) (key string, was, is record.Value, err error) {
	for i, f := range b.r.p.Mapping.Fields() {
		own, known, err := b.r.p.Mapping.Own(i, side, d.rows[side].Fields, b.refs)
		if !known || err != nil {
			continue
		}
		base, agreed := d.link.Base[side][f.Key]
		why := d.link.Diverged[f.Key]
		switch {
		case agreed && !fieldOn(f, side).Same(own, base) && b.unsettled(i, side, why):
			if cut, err := b.cutOff(ctx, side, fieldOn(f, side), base, own); err != nil || !cut {
				return f.Key, base, own, err
			}
		case !agreed && !own.IsEmpty() && b.owed(i, side, own):
			return f.Key, base, own, nil
		}
	}
	key, was, is = b.memberEdited(d, side)
	return key, was, is, nil
}

// cutOff reports whether a reference is empty because the record that it led to is gone: its
// vendor has done that, be it because we have deleted the parent ourselves, and no person (R23).
func (b *batch) cutOff(ctx context.Context, side record.Side, f record.Field, was, is record.Value) (bool, error) {
	if f.To == "" || was.IsEmpty() || was.IsList() || !is.IsEmpty() {
		return false, nil
	}
	of := store.Object{Connection: b.r.p.ends[side].of.Connection, Name: f.To}
	rows, err := b.r.e.store.Heads(ctx, of, []string{was.Text()})
	if err != nil {
		return false, fmt.Errorf("load what %s led to: %w", f.Name, err)
	}
	row, known := rows[was.Text()]
	return known && (row.Fate == connector.Deleted || row.Fate == connector.Archived), nil
}

// owed reports whether a value would have been carried over to the other side.
func (b *batch) owed(i int, side record.Side, own record.Value) bool {
	m := b.r.p.Mapping
	if !allowed(b.r.p.Rules[i].Direction, m.Fields()[i]).Allows(side.Other()) {
		return false
	}
	_, told, err := m.Convert(i, side, own, b.refs)
	return told && err == nil
}

// editWins is R22: an edit against a delete. The record is brought back with the same id
// where the vendor can; it is never created anew by itself.
func (b *batch) editWins(ctx context.Context, d *draft, lost record.Side, key string, was, is record.Value) error {
	end := b.r.p.ends[lost]
	if d.rows[lost].Fate == connector.Archived && end.object.Restore && b.r.p.Direction.Allows(lost) {
		op := b.newOp(lost, connector.Restore)
		op.Link, op.TargetID, op.SourceID = d.link.ID, d.link.IDs[lost], d.link.IDs[lost.Other()]
		op.Seen = [2]int64{d.rows[0].Seq, d.rows[1].Seq}
		op.Fields = []store.OpField{{Key: key, Rule: "edited on the other side since it was deleted: the edit wins"}}
		b.facts.Ops = append(b.facts.Ops, op)
		return nil
	}
	return b.hold(ctx, d, lost.Other(), lost.String()+" was deleted, "+lost.Other().String()+" was edited", store.Review{Kind: store.ReviewDelete, Field: key,
		Text:    b.editText(d, lost, key, was, is),
		Fix:     "delete the other record too, keep it alone, or restore the deleted one at the vendor",
		Choices: []string{"delete", "unlink"}})
}

// hold leaves a delete undone, as a person has decided or until one does.
func (b *batch) hold(ctx context.Context, d *draft, side record.Side, why string, item store.Review) error {
	if settled, err := b.deleteDecided(ctx, d, side); err != nil || settled {
		return err
	}
	b.ask(d, side, why, item)
	return nil
}

// ask leaves a delete undone until a person has decided.
func (b *batch) ask(d *draft, side record.Side, why string, item store.Review) {
	d.diverge(wholeRecord, why)
	b.store(d)
	item.Subject, item.Link, item.Side, item.Record, item.Seen = heldSubject(d.link.ID), d.link.ID, side, d.link.IDs[side], d.seen()
	b.review(item)
}

// heldSubject is what a held delete's review item is about.
func heldSubject(link int64) string { return fmt.Sprintf("delete %d", link) }

// maxHeld is how many held deletes are looked at again in one run.
const maxHeld = 1000

// retryHeld has held deletes and merges planned again, and records that another one's key keeps
// from being matched: what held them may have gone, and nothing about themselves tells of it.
func (r *run) retryHeld(ctx context.Context) error {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Sync: r.p.Name, Kinds: []store.ReviewKind{store.ReviewDelete, store.ReviewMerge}, Open: true, Limit: maxHeld})
	if err != nil {
		return fmt.Errorf("load held deletes and merges: %w", err)
	}
	var f store.Facts
	for _, item := range items {
		if item.Subject == heldSubject(item.Link) || item.Subject == mergeSubject(item.Link) {
			f.Dirty = append(f.Dirty, store.Spot{Side: item.Side, ID: item.Record})
		}
	}
	waiting, err := r.overshadowed(ctx)
	if err != nil {
		return err
	}
	if f.Dirty = append(f.Dirty, waiting...); len(f.Dirty) == 0 {
		return nil
	}
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	if err := r.e.store.Decide(ctx, r.p.Name, marks, f); err != nil {
		return fmt.Errorf("plan held deletes again: %w", err)
	}
	return nil
}

// overshadowed are records that stand alone because of what another record holds (R14, R20).
func (r *run) overshadowed(ctx context.Context) ([]store.Spot, error) {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Sync: r.p.Name, Kinds: []store.ReviewKind{store.ReviewDuplicate, store.ReviewAmbiguous}, Open: true, Limit: maxHeld})
	if err != nil {
		return nil, fmt.Errorf("load records with the same key: %w", err)
	}
	var spots []store.Spot
	for _, item := range items {
		if !slices.Contains(item.Choices, "retry") { // those the vendor refused
			spots = append(spots, store.Spot{Side: item.Side, ID: item.Record})
		}
	}
	standing, err := r.e.store.Standings(ctx, r.p.Name, maxHeld, standsPartner, standsErased)
	if err != nil {
		return nil, err
	}
	for _, s := range standing {
		spots = append(spots, store.Spot{Side: s.Side, ID: s.ID})
	}
	return spots, nil
}

// unbar has those planned again that a record kept from being created with its key, once it is gone
// itself: it was parted from its partner, and they could have been it (R18).
func (b *batch) unbar(ctx context.Context, row store.Row) error {
	var keys []store.Key
	for _, k := range b.r.p.Mapping.Keys(b.side, row.Fields) {
		if k.Value != "" && !k.Free {
			keys = append(keys, store.Key{Name: k.Name, Value: k.Value})
		}
	}
	other := b.side.Other()
	found, err := b.r.e.store.FindByKey(ctx, b.r.p.ends[other].of, keys)
	if err != nil {
		return fmt.Errorf("find what has the key of a record that is gone: %w", err)
	}
	for _, key := range keys {
		for _, id := range found[key] {
			if stands, err := b.r.e.store.Standing(ctx, b.r.p.Name, other, id); err != nil {
				return err
			} else if stands.Reason == standsParted {
				b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: other, ID: id})
			}
		}
	}
	return nil
}

// remove plans the delete or archive of one side (invariant 5), and of what it takes along.
func (b *batch) remove(link store.Link, rows [2]store.Row, side record.Side, verb connector.Verb, why string, kids ...child) {
	op := b.newOp(side, verb)
	op.Link, op.TargetID, op.SourceID = link.ID, link.IDs[side], link.IDs[side.Other()]
	op.Seen = [2]int64{rows[0].Seq, rows[1].Seq}
	op.Was = vendors(rows[side].Fields)
	op.Fields = []store.OpField{{Rule: why}}
	for _, k := range kids {
		op.Fields = append(op.Fields, k.field(why))
	}
	op.IfVersion = rows[side].Version
	b.facts.Ops = append(b.facts.Ops, op)
}

// closeLink closes a link with its line in the journal (R18).
func (b *batch) closeLink(link store.Link, reason, why string) {
	link.Closed = reason
	if c := b.r.p.copies; c != nil && link.Role == store.Main {
		b.mains[link.IDs[c.side.Other()]] = link
		defer b.disband(link)
	}
	b.facts.Links = append(b.facts.Links, link)
	b.r.withdrawLink(&b.facts, link)
	b.facts.Journal = append(b.facts.Journal, b.entry(link, b.side, store.Closed, "", record.Value{}, record.Value{}, why))
	for _, side := range record.Sides() {
		b.dropEdits(side, link.IDs[side])
		if row, ok := b.rows[side][link.IDs[side]]; ok && row.Fate == connector.Present && !link.Shares(side) {
			b.r.standing.Store(true)
			b.facts.Standing = append(b.facts.Standing, store.Standing{Side: side, ID: link.IDs[side], Reason: standsClosed, Detail: why})
		}
	}
}

// deleteDecided carries out what a person decided about a held delete. A record that was
// edited since, or came back and was deleted once more, is a new question (invariant 5).
func (b *batch) deleteDecided(ctx context.Context, d *draft, side record.Side) (bool, error) {
	item, err := b.r.decision(ctx, heldSubject(d.link.ID))
	if err != nil || item.Seen != d.seen() {
		return false, err
	}
	switch item.Decision {
	case "unlink":
		b.closeLink(d.link, closedHand, "a person kept it alone")
	case "delete":
		return true, b.deleteToo(ctx, d, side, item)
	default:
		return false, nil
	}
	return true, nil
}
