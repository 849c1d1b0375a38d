package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// How a copy becomes a member, stops being one, or takes the main link over (R26).

// joinMember makes a copy a member. What was agreed of its owner's element so far was agreed
// by way of the main copy, as far as the copy itself says anything.
func (b *batch) joinMember(row store.Row, was, main store.Link) {
	if closedBecause(was, closedHand) {
		b.waits[row.ID] = "a person has parted it from its meeting"
		return
	}
	c := b.r.p.copies
	link := store.Link{ID: b.r.e.store.NewID(), Sync: b.r.p.Name, IDs: main.IDs, Created: main.Created, Role: store.MemberOn(c.side)}
	link.IDs[c.side], link.Created[c.side] = row.ID, row.Created
	b.startMember(&link, row, main)
	b.links[c.side][row.ID] = link
	thing := main.IDs[c.side.Other()]
	b.members[thing] = append(b.members[thing], link)
	b.facts.Links = append(b.facts.Links, link)
	b.facts.InScope = append(b.facts.InScope, store.Spot{Side: c.side, ID: row.ID})
	b.facts.Journal = append(b.facts.Journal, b.entry(link, c.side, store.Linked, "", noValue(), noValue(), "a participant's copy of "+main.IDs[c.side]))
	b.resume(row.ID)
}

func noValue() record.Value { return record.Value{} }

// resume has a copy planned once more in this run, when what has just been decided is known.
func (b *batch) resume(id string) {
	b.waits[id] = resumed
	b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: b.side, ID: id})
	b.r.regrouped.Store(true)
}

// resumed is what stands for the reason of a copy that is planned again at once.
const resumed = "resumed"

// joined reports whether a member has become one in this batch: it is planned in the next one.
func (b *batch) joined(m store.Link) bool {
	return b.side == b.r.p.copies.side && b.waits[m.IDs[b.side]] == resumed
}

// asCopy decides about a record of the side that keeps copies as far as it is no main copy. It
// reports false if the record goes the way of any other.
func (b *batch) asCopy(ctx context.Context, row store.Row, link store.Link) (bool, error) {
	c := b.r.p.copies
	if c == nil {
		return false, nil
	}
	if link.ID != 0 && link.Closed != "" {
		b.disband(link)
	}
	if b.side != c.side {
		return false, nil
	}
	why, waits := b.waits[row.ID]
	switch {
	case waits && why == resumed:
		return true, nil
	case waits:
		b.stand(row.ID, standsWaiting, why)
		b.again(row.ID)
		return true, nil
	case link.Role == store.Main:
		return false, nil
	case link.Closed != "" && row.Fate == connector.Present:
		b.stand(row.ID, standsClosed, "its meeting was parted from its partner: "+link.Closed)
		return true, nil
	case link.Closed != "":
		b.facts.InScope = append(b.facts.InScope, store.Spot{Side: b.side, ID: row.ID})
		return true, nil
	}
	main := b.mains[link.IDs[c.side.Other()]]
	if main.Closed != "" {
		b.disband(main)
		return true, nil
	}
	return true, b.linked(ctx, main)
}

// disband closes the members of a thing whose main link was closed: nothing is left of it that
// they could be of.
func (b *batch) disband(main store.Link) {
	thing := b.r.p.copies.side.Other()
	id := main.IDs[thing]
	if now, ok := b.mains[id]; ok && now.Closed == "" {
		return
	}
	reason := main.Closed
	if closedBecause(main, closedHand) {
		reason = closedParted
	}
	for _, m := range b.members[id] {
		if !b.joined(m) {
			b.closeLink(m, reason, "its meeting was parted from its partner")
		}
	}
	delete(b.members, id)
}

// handOver moves the main link to the copy of another organiser, with all that was agreed. It
// reports whether it has.
func (b *batch) handOver(main store.Link, rows [2]store.Row) bool {
	c := b.r.p.copies
	thing := c.side.Other()
	members := b.members[main.IDs[thing]]
	i := slices.IndexFunc(members, func(m store.Link) bool { return !b.joined(m) && c.organisers(b.rows[c.side][m.IDs[c.side]]) })
	if c.organisers(rows[c.side]) || i < 0 || rows[thing].Fate != connector.Present {
		return false
	}
	member := members[i]
	next, row := main, b.rows[c.side][member.IDs[c.side]]
	next.ID, next.IDs[c.side], next.Created[c.side] = b.r.e.store.NewID(), row.ID, row.Created
	next.Expected = [2]record.Fields{} // of the former copy; what it shows is merged as any change
	why := fmt.Sprintf("the organiser's copy is %s now, no longer %s", row.ID, main.IDs[c.side])
	main.Closed, member.Closed = closedHanded, closedHanded
	b.facts.Links = append(b.facts.Links, main, member, next)
	b.r.withdrawMoved(&b.facts, main, next.IDs)
	b.r.withdrawMoved(&b.facts, member, next.IDs)
	b.facts.Journal = append(b.facts.Journal, b.entry(main, c.side, store.Closed, "", noValue(), noValue(), why),
		b.entry(member, c.side, store.Closed, "", noValue(), noValue(), why), b.entry(next, c.side, store.Linked, "", noValue(), noValue(), why))
	b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: thing, ID: main.IDs[thing]})
	if rows[c.side].Fate == connector.Present { // it becomes a member, once the new main link is there
		b.facts.Dirty = append(b.facts.Dirty, store.Spot{Side: c.side, ID: main.IDs[c.side]})
		b.facts.Standing = append(b.facts.Standing, store.Standing{Side: c.side, ID: main.IDs[c.side], Reason: standsWaiting, Detail: why})
	}
	b.r.standing.Store(true)
	b.r.regrouped.Store(true)
	return true
}

// grouped notes a main link that opens: copies that wait for it become members in this run.
func (b *batch) grouped(main store.Link) {
	c := b.r.p.copies
	if c == nil {
		return
	}
	b.mains[main.IDs[c.side.Other()]] = main
	b.planned = noted(b.planned, main.ID)
	b.r.regrouped.Store(true)
}

// recall has the copies of a thing planned again whose main link holds again.
func (b *batch) recall(ctx context.Context, main store.Link, rows [2]store.Row) error {
	c := b.r.p.copies
	if c == nil {
		return nil
	}
	b.grouped(main)
	others, err := b.r.otherCopies(ctx, rows[c.side])
	b.facts.Dirty = append(b.facts.Dirty, others...)
	return err
}

// otherCopies are the copies, besides this one, of the thing that a row is a copy of.
func (r *run) otherCopies(ctx context.Context, row store.Row) ([]store.Spot, error) {
	side := r.p.copies.side
	k, ok := copyKey(r.p.ends[side].object, row.Fields)
	if !ok {
		return nil, nil
	}
	found, err := r.e.store.FindByKey(ctx, r.p.ends[side].of, []store.Key{k})
	if err != nil {
		return nil, fmt.Errorf("look for copies: %w", err)
	}
	var spots []store.Spot
	for _, id := range found[k] {
		if id != row.ID {
			spots = append(spots, store.Spot{Side: side, ID: id})
		}
	}
	return spots, nil
}
