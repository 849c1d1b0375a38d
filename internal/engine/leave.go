package engine

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// leftScope handles a pair of which a side no longer passes its filter.
func (b *batch) leftScope(d *draft) (bool, error) {
	stays := false
	for _, side := range record.Sides() {
		in, err := b.r.p.Mapping.InScope(side, d.rows[side].Fields, b.refs)
		if err != nil {
			return false, fmt.Errorf("where.%s: %w", side, err)
		}
		if in {
			continue
		}
		if b.stays(d, side) || b.unread(d, side) {
			stays = true
			continue
		}
		b.leave(d, side)
		return true, nil
	}
	if !stays {
		d.converge(leftFilter)
	}
	d.back = strings.HasSuffix(d.noted[wholeRecord], outOfFilter)
	d.converge(wholeRecord)
	return false, nil
}

// unread reports whether a record does not show what was written to it: it was out of sight when
// it was to be read back. Then nobody knows whether it passes (R2, R11).
func (b *batch) unread(d *draft, side record.Side) bool {
	for key := range d.link.Expected[side] {
		i, mapped := b.r.p.index[key]
		if !mapped {
			continue
		}
		if _, shown := d.rows[side].Fields[fieldOn(b.r.p.Mapping.Fields()[i], side).Name]; !shown {
			return true
		}
	}
	return false
}

// outOfFilter is why a pair is at rest, after the side that has left.
const outOfFilter = " no longer passes the filter"

// leave carries out what the configuration says of a pair that has left the filter. A record
// that has gone over to another sync is only unlinked: there it may need its partner (R25).
func (b *batch) leave(d *draft, side record.Side) {
	d.converge(leftFilter)
	why := side.String() + outOfFilter
	if f := b.r.former; f != nil && f.decided[changesFilter] == approved {
		if in, err := f.Mapping.InScope(side, d.rows[side].Fields, b.refs); err == nil && in {
			why = store.ByConfiguration + why
		}
	}
	if sync := b.movedTo(d, side); sync != "" {
		b.closeLink(d.link, movedReason(sync), why+"; it belongs to "+sync+" now")
		return
	}
	switch b.r.p.Leave {
	case plan.LeaveUnlink:
		b.closeLink(d.link, closedFilter, why)
	case plan.LeaveArchive:
		other := side.Other()
		if b.optedOut(d.rows[other], other) {
			b.closeLink(d.link, closedFilter, why+", and the other side is not archived: "+keepsNo)
			return
		}
		if _, busy := b.busy[store.Spot{Side: other, ID: d.link.IDs[other]}]; !busy {
			b.remove(d.link, d.rows, other, connector.Archive, why)
			b.facts.Ops[len(b.facts.Ops)-1].Fields[0].Key = leftFilter
		}
	default: // keep: the pair stays linked and at rest
		d.diverge(wholeRecord, why)
		b.store(d)
	}
}

// leftFilter stands as the key of an archive that leave asked for: its link may be reopened.
const leftFilter = "where"

// movedReason is why a link was closed whose record went over to another sync.
func movedReason(sync string) string { return closedFilter + " for " + sync }

// movedTo returns the sync towards the same connection that a record has gone over to: one
// whose filter it passes and could not have passed before, or one of the same two objects,
// which has the same partner for it.
func (b *batch) movedTo(d *draft, side record.Side) string {
	p := b.r.p
	for _, q := range b.r.e.syncs {
		for _, s := range record.Sides() {
			there := q.ends[s.Other()].of
			if q == p || q.Mapping == nil || q.Where[s] == "" || q.ends[s].of != p.ends[side].of || there.Connection != p.ends[side.Other()].of.Connection {
				continue
			}
			if there != p.ends[side.Other()].of && !plan.Disjoint(p.Where[side], q.Where[s]) {
				continue
			}
			if in, err := q.Mapping.InScope(s, d.rows[side].Fields, b.refs); err == nil && in {
				return q.Name
			}
		}
	}
	return ""
}

// reenter decides about a record whose link was closed because one side had left the filter
// (R18): once both pass, they are a pair again, with the base that they had; an archived
// partner is brought back first. It reports false if the record has to find a partner anew.
func (b *batch) reenter(ctx context.Context, row store.Row, link store.Link) (bool, error) {
	other := b.side.Other()
	id := link.IDs[other]
	mate, known := b.rows[other][id]
	links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, other, []string{id})
	if err != nil {
		return false, fmt.Errorf("load the partner's link: %w", err)
	}
	maps.Copy(b.links[other], links)
	if !known || b.isTaken(id) {
		return false, nil
	}
	switch {
	case mate.Fate == connector.Archived && b.r.p.ends[other].object.Restore && b.r.p.Direction.Allows(other):
		b.bringBack(row, link, mate)
		return true, nil
	case mate.Fate == connector.Left: // R21: it is there, and would be doubled
		b.stand(row.ID, standsClosed, "its partner is out of sight")
		return true, nil
	case mate.Fate == connector.Deleted || mate.Fate == connector.Archived:
		return b.stayed(ctx, row, link)
	case mate.Fate != connector.Present:
		return false, nil
	}
	in, err := b.inScope(other, id)
	if err != nil {
		return false, err
	}
	if !in {
		b.stand(row.ID, standsClosed, partedFrom+link.Closed)
		return true, nil
	}
	return true, b.reopen(ctx, link, "it passes the filter again")
}

// partedFrom begins why a record stands alone that has stayed in the filter when its partner left.
const partedFrom = "its partner was parted from it: "

// stayed leaves a record alone that has been in the filter ever since its partner left it, which is
// gone by now: nothing lets it be created anew there (R18, R22). One that has left the filter itself,
// and passes it again, stands as one that did not pass.
func (b *batch) stayed(ctx context.Context, row store.Row, link store.Link) (bool, error) {
	stands, err := b.r.e.store.Standing(ctx, b.r.p.Name, b.side, row.ID)
	if err != nil {
		return false, fmt.Errorf("load why it stands alone: %w", err)
	}
	left := strings.Contains(stands.Detail, b.side.Other().String()+outOfFilter)
	if stands.Reason != standsClosed || !left && !strings.HasPrefix(stands.Detail, partedFrom) {
		return false, nil
	}
	b.stand(row.ID, standsClosed, partedFrom+link.Closed)
	return true, nil
}

// bringOver has an archived partner brought back that a record had in another sync of the same
// objects, whose filter it has left: another one would be its double (R25, invariant 8). It is
// remembered as a pair that was parted here, and is one again when the partner is back.
func (b *batch) bringOver(row, mate store.Row) (bool, error) {
	other := b.side.Other()
	if !b.r.p.ends[other].object.Restore || !b.r.p.Direction.Allows(other) {
		return false, nil
	}
	if in, err := b.inScope(other, mate.ID); err != nil || !in {
		return false, err
	}
	link := store.Link{ID: b.r.e.store.NewID(), Sync: b.r.p.Name, Closed: closedFilter}
	link.IDs[b.side], link.IDs[other] = row.ID, mate.ID
	link.Created[b.side], link.Created[other] = row.Created, mate.Created
	b.facts.Links = append(b.facts.Links, link)
	b.bringBack(row, link, mate)
	return true, nil
}

func (b *batch) bringBack(row store.Row, link store.Link, mate store.Row) {
	op := b.newOp(b.side.Other(), connector.Restore)
	op.Link, op.TargetID, op.SourceID = link.ID, mate.ID, row.ID
	op.Seen[b.side], op.Seen[b.side.Other()] = row.Seq, mate.Seq
	op.Fields = []store.OpField{{Key: leftFilter, Rule: "its partner passes the filter again"}}
	b.facts.Ops = append(b.facts.Ops, op)
	b.facts.InScope = append(b.facts.InScope, store.Spot{Side: b.side, ID: row.ID})
}
