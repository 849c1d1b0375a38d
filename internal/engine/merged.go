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

// People merge records at one vendor, and the pairs have to follow (R24). The lost record's
// link is closed. If the record that survives has no partner, it gets the lost one's. If it
// has one, there are two records on the other side where one would do: they are merged there
// too, if the configuration or a person says so.

// maxChain is how many merges after another are followed: a into b, b into c.
const maxChain = 16

// mergeSubject is what the review item about two partners of one survivor is about.
func mergeSubject(link int64) string { return fmt.Sprintf("merge %d", link) }

// moved follows what became of a pair whose records were merged or converted. It reports
// false where the pair, which may be another link by then, is to be treated by the fates that rows has.
func (b *batch) moved(ctx context.Context, link *store.Link, rows *[2]store.Row) (bool, error) {
	to, ends, follows := link.IDs, link.IDs, false // ends has those into which they were merged, though they be gone
	for _, side := range record.Sides() {
		if rows[side].Fate == connector.Converted {
			b.turned(*link, side, rows[side].Into)
			return true, nil
		}
		if rows[side].Fate != connector.Merged {
			continue
		}
		row, known, err := b.survivor(ctx, side, rows[side])
		switch {
		case err != nil:
			return false, err
		case !known:
			b.r.want(side, row.ID, store.Spot{Side: b.side, ID: link.IDs[b.side]})
			b.again(link.IDs[b.side])
			return true, nil
		case row.Fate == connector.Converted:
			b.turned(*link, side, row.Into)
			return true, nil
		case (row.Fate == connector.Archived || row.Fate == connector.Deleted) && rows[side.Other()].Fate == connector.Present:
			if wait, err := b.inherit(ctx, link, rows, side, row); err != nil || wait {
				return true, err
			}
			to, ends = link.IDs, link.IDs
			continue
		case row.Fate != connector.Present:
			rows[side].Fate = row.Fate // whatever became of it became of the one that went into it
			if row.Fate == connector.Archived || row.Fate == connector.Deleted {
				ends[side] = row.ID
			}
			continue
		}
		to[side], ends[side], follows = row.ID, row.ID, true
	}
	if !follows {
		return b.followBothGone(ctx, link, ends, rows)
	}
	for _, side := range record.Sides() {
		if to[side] != link.IDs[side] || rows[side].Fate == connector.Present {
			continue
		}
		return true, b.followGone(ctx, *link, ends, *rows, side)
	}
	return true, b.follow(ctx, *link, to)
}

// survivor returns the record that a merged one is in by now. A record that the mirror does
// not have is not known; one that was merged nobody knows where is returned as merged.
func (b *batch) survivor(ctx context.Context, side record.Side, row store.Row) (store.Row, bool, error) {
	of := b.r.p.ends[side].of
	for range maxChain {
		if row.Fate != connector.Merged || len(row.Into) == 0 {
			return row, true, nil
		}
		into := row.Into[0]
		if into.Object != of.Name {
			row.Fate = connector.Converted
			return row, true, nil
		}
		next, ok := b.rows[side][into.ID]
		if !ok {
			rows, err := b.r.e.store.Rows(ctx, of, []string{into.ID})
			if err != nil {
				return row, false, fmt.Errorf("load the record that %s/%s was merged into: %w", of, row.ID, err)
			}
			if next, ok = rows[into.ID]; !ok {
				return store.Row{Record: record.Record{Ref: into}}, false, nil
			}
			b.rows[side][into.ID] = next
		}
		row = next
	}
	return row, true, nil
}

// turned closes the link of a record that went on as records of other objects. Their syncs
// take them up by matching; nothing is done to the partner.
func (b *batch) turned(link store.Link, side record.Side, into []record.Ref) {
	why := fmt.Sprintf("%s/%s was converted", b.r.p.ends[side].of, link.IDs[side])
	names := make([]string, len(into))
	for i, ref := range into {
		names[i] = ref.Object + "/" + ref.ID
	}
	if len(names) > 0 {
		why = fmt.Sprintf("%s/%s was converted into %s", b.r.p.ends[side].of, link.IDs[side], strings.Join(names, ", "))
	}
	b.closeLink(link, closedTurned, why)
}

// openLink returns the open link of a record, be it one that this batch has just made.
func (b *batch) openLink(ctx context.Context, side record.Side, id string) (store.Link, error) {
	l, ok := b.links[side][id]
	if !ok || !b.made[l.ID] {
		links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, side, []string{id})
		if err != nil {
			return store.Link{}, fmt.Errorf("load link: %w", err)
		}
		l = links[id]
	}
	for _, x := range b.facts.Links { // as this batch has left it
		if x.ID == l.ID {
			l.Closed = x.Closed
		}
	}
	if l.Closed != "" {
		return store.Link{}, nil
	}
	return l, nil
}

// follow moves a pair to the records that its own have been merged into.
func (b *batch) follow(ctx context.Context, link store.Link, to [2]string) error {
	crossed := false
	others, wait, err := b.pairsOf(ctx, link, to)
	if err == nil && !wait {
		crossed, wait, err = b.displace(ctx, &others, to)
	}
	switch {
	case err != nil:
		return err
	case wait:
		b.again(link.IDs[b.side]) // R27, R36
		return nil
	}
	left, right := others[record.Left].ID, others[record.Right].ID
	switch {
	case left == 0 && right == 0:
		return b.moveLink(ctx, link, to, crossed)
	case right == 0:
		return b.propose(ctx, link, record.Right, to[record.Right], others[record.Left].IDs[record.Right])
	case left == 0:
		return b.propose(ctx, link, record.Left, to[record.Left], others[record.Right].IDs[record.Left])
	default: // both have been merged: their survivors are linked, to each other or elsewhere
		b.closeMerged(link, to)
		return nil
	}
}

// displace closes the links of survivors whose partners are gone as well, and did not move on: they are free
// for the lost record's partner. crossed says that people merged the same two things on the other side the
// other way round, so that neither side's values are the older ones.
func (b *batch) displace(ctx context.Context, others *[2]store.Link, to [2]string) (crossed, wait bool, err error) {
	for _, side := range record.Sides() {
		l := others[side]
		if l.ID == 0 {
			continue
		}
		rows, busy, err := b.loadPair(ctx, l.IDs)
		busy = busy || slices.ContainsFunc(b.facts.Ops, func(op store.Op) bool { return op.Link == l.ID })
		if err != nil || busy {
			return false, busy, err
		}
		switch rows[side.Other()].Fate {
		case connector.Present, connector.Left:
			continue
		case connector.Merged:
			moves, wait, err := b.movesFirst(ctx, &others[side], side.Other(), rows[side.Other()], to)
			switch {
			case err != nil || wait:
				return false, wait, err
			case moves:
				continue
			}
			crossed = true
		case connector.Archived, connector.Deleted, connector.Converted:
		}
		b.undecide(l.ID)
		b.closeLink(l, closedMerged, fmt.Sprintf("%s/%s is gone, and %s/%s takes the place of a record that was merged into it",
			b.r.p.ends[side.Other()].of, l.IDs[side.Other()], b.r.p.ends[side].of, l.IDs[side]))
		b.done(l.ID)
		others[side] = store.Link{}
	}
	return crossed, false, nil
}

// undecide takes back what this batch has decided about a link so far.
func (b *batch) undecide(link int64) {
	b.facts.Links = slices.DeleteFunc(b.facts.Links, func(l store.Link) bool { return l.ID == link })
	b.facts.Reviews = slices.DeleteFunc(b.facts.Reviews, func(r store.Review) bool { return r.Link == link })
}

// done keeps a link from being decided about once more in this batch.
func (b *batch) done(link int64) {
	if b.made == nil {
		b.made = map[int64]bool{}
	}
	b.made[link] = true
}

func (b *batch) closeMerged(link store.Link, to [2]string) {
	b.closeLink(link, closedMerged, b.mergeWhy(link, to))
}

func (b *batch) mergeWhy(link store.Link, to [2]string) string {
	merged := func(side record.Side) string {
		return fmt.Sprintf("%s/%s was merged into %s", b.r.p.ends[side].of, link.IDs[side], to[side])
	}
	switch left, right := to[0] != link.IDs[0], to[1] != link.IDs[1]; {
	case left && right:
		return merged(record.Left) + "; " + merged(record.Right)
	case left:
		return merged(record.Left)
	case right:
		return merged(record.Right)
	default:
		return ""
	}
}

// moveLink closes a link and opens one of the survivors in its place; crossed as [batch.displace]
// has it.
func (b *batch) moveLink(ctx context.Context, link store.Link, to [2]string, crossed bool) error {
	rows, busy, err := b.loadPair(ctx, to)
	if err != nil {
		return err
	}
	if busy || rows[0].ID == "" || rows[1].ID == "" {
		b.again(link.IDs[b.side]) // R27
		return nil
	}
	old := link
	old.Closed = closedMerged
	why := b.mergeWhy(link, to)
	heir := b.heir(link, to)
	if crossed { // decided as at a first match (R5)
		heir.Base, heir.Expected, heir.Diverged = [2]record.Fields{{}, {}}, [2]record.Fields{}, nil
	}
	b.startAnew(&heir, link, rows)
	b.facts.Links = append(b.facts.Links, old, heir) // first of all: it may be closed at once (R25)
	b.facts.Journal = append(b.facts.Journal, b.entry(old, b.side, store.Closed, "", record.Value{}, record.Value{}, why),
		b.entry(heir, b.side, store.Linked, "", record.Value{}, record.Value{}, why))
	b.r.withdrawMoved(&b.facts, link, to)
	for _, side := range record.Sides() {
		b.links[side][to[side]] = heir
		b.taken[store.Spot{Side: side, ID: to[side]}] = to[side.Other()]
		b.facts.InScope = append(b.facts.InScope, store.Spot{Side: side, ID: to[side]})
		b.facts.Close = append(b.facts.Close, fmt.Sprintf("match %s %s", side, to[side]), fmt.Sprintf("parked %s %s", side, to[side]))
	}
	b.done(heir.ID)
	d := b.draft(heir, rows)
	if left, err := b.leftScope(d); err != nil || left {
		return err
	}
	return b.merge(ctx, d)
}

// heir is the link that takes a closed one's place, with all that was agreed.
func (b *batch) heir(link store.Link, to [2]string) store.Link {
	heir := link
	heir.ID, heir.IDs, heir.Closed = b.r.e.store.NewID(), to, ""
	heir.Diverged = maps.Clone(link.Diverged)
	delete(heir.Diverged, wholeRecord)
	for _, side := range record.Sides() {
		heir.Base[side], heir.Expected[side] = link.Base[side].Clone(), link.Expected[side].Clone()
		if to[side] != link.IDs[side] {
			heir.Created[side] = b.rows[side][to[side]].Created
		}
	}
	return heir
}

// startAnew forgets what was agreed of fields in which the survivor has less than the lost
// record had: an empty field of another record is nobody's wish to empty it, and neither is
// an element of a list that it never had (R5). What the survivor says about consent it has said
// before the merge, maybe before a no: it is no answer to that (R32).
func (b *batch) startAnew(heir *store.Link, was store.Link, rows [2]store.Row) {
	for i, f := range b.r.p.Mapping.Fields() {
		for _, side := range record.Sides() {
			if heir.IDs[side] == was.IDs[side] || !f.Consent && !b.lacks(i, side, *heir, rows[side]) {
				continue
			}
			for _, s := range record.Sides() {
				delete(heir.Base[s], f.Key)
				delete(heir.Expected[s], f.Key)
			}
			break
		}
	}
}

// lacks reports whether a record has less in a field than was agreed.
func (b *batch) lacks(i int, side record.Side, link store.Link, row store.Row) bool {
	f := b.r.p.Mapping.Fields()[i]
	own, known, err := b.r.p.Mapping.Own(i, side, row.Fields, b.refs)
	base, has := link.Base[side][f.Key]
	return err == nil && known && has && !base.IsEmpty() && (own.IsEmpty() || f.Set)
}

// loadPair brings two records into the batch, and says whether an operation of either is
// unfinished.
func (b *batch) loadPair(ctx context.Context, ids [2]string) (rows [2]store.Row, busy bool, err error) {
	var fresh [2]map[string]store.Row
	spots := make([]store.Spot, 0, 2)
	for _, side := range record.Sides() {
		if fresh[side], err = b.r.e.store.Rows(ctx, b.r.p.ends[side].of, []string{ids[side]}); err != nil {
			return rows, false, fmt.Errorf("load rows: %w", err)
		}
		maps.Copy(b.rows[side], fresh[side])
		rows[side] = fresh[side][ids[side]]
		spots = append(spots, store.Spot{Side: side, ID: ids[side]})
	}
	if err := b.refs.add(ctx, fresh); err != nil {
		return rows, false, err
	}
	under, err := b.r.e.store.Busy(ctx, b.r.p.Name, spots)
	if err != nil {
		return rows, false, fmt.Errorf("load unfinished operations: %w", err)
	}
	return rows, len(under) > 0, nil
}

// propose has the two partners of one survivor merged, as the configuration or a person
// says; until then the lost record's pair rests.
func (b *batch) propose(ctx context.Context, link store.Link, side record.Side, lose, keep string) error {
	end := b.r.p.ends[side]
	decided, err := b.decided(ctx, mergeSubject(link.ID))
	if err != nil {
		return err
	}
	lost := side.Other()
	why := fmt.Sprintf("%s/%s was merged into the partner of %s/%s", b.r.p.ends[lost].of, link.IDs[lost], end.of, keep)
	able := end.conn.able.Merger != nil && b.r.p.Direction.Allows(side)
	forgets, err := b.forgetsNo(ctx, side, lose, keep)
	if err != nil {
		return err
	}
	switch {
	case decided == "leave":
		b.closeLink(link, closedMerged, why+", and a person left them apart")
		return nil
	case able && (decided == "merge" || b.r.p.Merge == plan.MergeFollow && !forgets):
		return b.planMerge(ctx, link, side, lose, keep, why)
	}
	d := b.draft(link, [2]store.Row{b.rows[0][link.IDs[0]], b.rows[1][link.IDs[1]]})
	d.diverge(wholeRecord, lost.String()+" was merged into another record")
	b.store(d)
	item := store.Review{Kind: store.ReviewMerge, Subject: mergeSubject(link.ID), Link: link.ID, Side: side, Record: link.IDs[side], Candidates: []string{keep},
		Text: fmt.Sprintf("%s: %s/%s is a second record of the same", why, end.of, lose),
		Fix:  fmt.Sprintf("merge %s into %s in %s, which is noticed by itself, or leave them apart", lose, keep, end.conn.spec.Title), Choices: []string{"leave"}}
	if able {
		item.Fix = fmt.Sprintf("merge: %s goes into %s; or leave them apart; merge: follow in the sync does it without asking", lose, keep)
		item.Choices = []string{"merge", "leave"}
	}
	if forgets {
		item.Text += "; it says no to mail, which the other one does not"
	}
	b.review(item)
	return nil
}

func (b *batch) planMerge(ctx context.Context, link store.Link, side record.Side, lose, keep, why string) error {
	var both [2]string
	both[side], both[side.Other()] = lose, link.IDs[side.Other()]
	rows, busy, err := b.loadPair(ctx, both)
	if err != nil {
		return err
	}
	for _, op := range b.facts.Ops { // planned already, from the lost record or from the one that it went into (R27)
		busy = busy || op.Side == side && op.TargetID == lose
	}
	if busy || rows[side].Fate != connector.Present {
		b.again(link.IDs[b.side])
		return nil
	}
	op := b.newOp(side, verbMerge)
	op.Link, op.TargetID, op.SourceID = link.ID, lose, link.IDs[side.Other()]
	op.Seen = [2]int64{rows[0].Seq, rows[1].Seq}
	op.Was = vendors(rows[side].Fields)
	op.Fields = []store.OpField{{Key: keepKey, Source: record.Text(keep), Rule: why}}
	b.facts.Ops = append(b.facts.Ops, op)
	b.facts.Close = append(b.facts.Close, mergeSubject(link.ID))
	return nil
}
