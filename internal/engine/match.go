package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Reasons for which a record stands alone. Together with links and the review queue they
// account for every record of a sync (R38).
const (
	standsFiltered  = "filtered"         // it does not pass its side's filter
	standsPartner   = "partner filtered" // what could be its partner does not pass the other side's filter
	standsDirection = "direction"        // nothing is written to the other side
	standsNoCreate  = "no create"        // records are not created on the other side
	standsClosed    = "closed"           // it was linked once, and its link was closed (R18)
	standsParted    = "partner parted"   // what could be its partner was linked once, and its link was closed (R18)
	standsReview    = "review"           // a person must decide
	standsWaiting   = "waiting"          // for another record, or for an operation under way
	standsTarget    = "not wanted"       // what would be created does not pass the other side's filter (R19)
	standsErased    = "erased"           // its person was erased (R32)
)

type mappingField = mapping.Field

// alone decides about a present record without a partner.
func (b *batch) alone(ctx context.Context, row store.Row) error {
	in, err := b.r.p.Mapping.InScope(b.side, row.Fields, b.refs)
	if err != nil {
		return fmt.Errorf("where.%s: %w", b.side, err)
	}
	if !in {
		b.dropEdits(b.side, row.ID)
		b.stand(row.ID, standsFiltered, "does not pass where."+b.side.String())
		return nil
	}
	if taken, err := b.takeOver(ctx, row); err != nil || taken {
		return err
	}
	if barred, err := b.barred(ctx, row); err != nil || barred {
		return err
	}
	if link, was := b.links[b.side][row.ID]; was && link.Closed != "" {
		if settled, err := b.afterClosed(ctx, row, link); err != nil || settled {
			return err
		}
	}
	if b.r.doubtful(b.side, row) {
		b.stand(row.ID, standsWaiting, "it may be what a create has made whose outcome is being looked up")
		b.again(row.ID)
		return nil
	}
	if asked, err := b.askedAbout(ctx, row); err != nil || asked {
		return err
	}
	if made, err := b.underWay(ctx, b.side, row); err != nil || made {
		b.stand(row.ID, standsWaiting, "it may be what an operation under way has made")
		b.again(row.ID)
		return err
	}
	if made, err := b.madeElsewhere(ctx, row.ID); err != nil || made {
		b.stand(row.ID, standsWaiting, "another sync may have made its partner, which nobody knows yet")
		b.again(row.ID)
		return err
	}
	if settled, err := b.correctAlone(row); err != nil || settled {
		return err
	}
	if b.r.isUnsure(b.about("match", row.ID)) {
		b.stand(row.ID, standsReview, "nobody can tell whether it has been created")
		return nil
	}
	if b.dirty {
		if settled, err := b.handmade(ctx, row); err != nil || settled {
			return err
		}
	}
	partner, comesBack, err := b.transitive(ctx, row)
	if err != nil || comesBack {
		return err
	}
	if partner != "" {
		return b.join(ctx, row, partner, "linked by another sync")
	}
	return b.match(ctx, row)
}

// afterClosed decides about a record whose partner is gone. It reports false if the record
// is to find another one, or to be created anew.
func (b *batch) afterClosed(ctx context.Context, row store.Row, link store.Link) (bool, error) {
	if reenters(link) {
		return b.reenter(ctx, row, link)
	}
	if closedBecause(link, closedErased) {
		decided, err := b.decided(ctx, b.about("erased", row.ID))
		if err == nil && decided != "admit" { // R32, also where no mark tells who it was
			b.stand(row.ID, standsErased, "its person was erased")
		}
		return decided != "admit", err
	}
	if rematches(link) {
		return false, nil
	}
	again, err := b.createsAnew(ctx, link)
	if err != nil || !again {
		b.stand(row.ID, standsClosed, "its partner is gone: "+link.Closed)
		return true, err
	}
	return false, nil
}

// match looks for the partner by key: keys in order, exactly one unlinked record (R14).
func (b *batch) match(ctx context.Context, row store.Row) error {
	keys := b.keys[row.ID]
	outside := false
	for i, k := range keys {
		if k.Value == "" || k.Free {
			continue
		}
		if _, under := b.claimed[claim(k)]; under {
			// R15: a create for the same key is under way, and what is there may be its outcome;
			// match again when it has settled.
			b.stand(row.ID, standsWaiting, "a record with the same "+k.Name+" is being created")
			b.again(row.ID)
			return nil
		}
		var fit, taken []string
		for _, id := range b.found[store.Key{Name: k.Name, Value: k.Value}] {
			_, busy := b.busy[store.Spot{Side: b.side.Other(), ID: id}]
			switch {
			case b.differs(keys[:i], id): // an earlier key is filled on both and differs (R14)
			case busy && !b.isTaken(id):
				// R27: maybe this very record is what its unfinished create has made.
				b.stand(row.ID, standsWaiting, "a record with the same "+k.Name+" has an operation under way")
				b.again(row.ID)
				return nil
			case b.isTaken(id):
				taken = append(taken, id)
			default:
				if made, err := b.underWay(ctx, b.side.Other(), b.rows[b.side.Other()][id]); err != nil || made {
					b.stand(row.ID, standsWaiting, "the record with the same "+k.Name+" may be what an operation under way has made")
					b.again(row.ID)
					return err
				}
				in, err := b.inScope(b.side.Other(), id)
				if err != nil {
					return err
				}
				if outside = outside || !in; in {
					fit = append(fit, id)
				}
			}
		}
		switch {
		case len(fit) == 1 && len(taken) == 0:
			if asked, err := b.oneOfSeveral(ctx, row, k, keys[:i], fit[0]); err != nil || asked {
				return err
			}
			return b.join(ctx, row, fit[0], "same "+k.Name)
		case len(fit) > 1:
			return b.ambiguous(ctx, row, k, fit)
		case len(taken) > 0:
			return b.duplicate(ctx, row, k, taken[0])
		}
	}
	if outside { // it is there already, and not to be synced: creating it would double it
		b.stand(row.ID, standsPartner, "its partner does not pass where."+b.side.Other().String())
		return nil
	}
	if b.mergedAway(row) { // R24: what a person merged is not made again
		b.stand(row.ID, standsClosed, "its partner was merged into another record, and none has its key")
		return nil
	}
	if settled, err := b.lostTrack(ctx, row); err != nil || settled {
		return err
	}
	return b.create(row)
}

// mergedAway reports whether the partner that a record had, here or in another sync of the same
// objects, was merged into a record that is not named, be it after they were parted by a filter.
func (b *batch) mergedAway(row store.Row) bool {
	l, other := b.links[b.side][row.ID], b.side.Other()
	return closedBecause(l, closedLost) || b.fused[row.ID] || reenters(l) && b.rows[other][l.IDs[other]].Fate == connector.Merged
}

// differs reports whether a candidate holds another value of one of these keys.
func (b *batch) differs(earlier []mapping.Key, id string) bool {
	other := b.side.Other()
	row, ok := b.rows[other][id]
	if !ok {
		return false
	}
	theirs := b.r.p.Mapping.Keys(other, row.Fields)
	for i, k := range earlier {
		if k.Value != "" && theirs[i].Value != "" && k.Value != theirs[i].Value {
			return true
		}
	}
	return false
}

// isTaken reports whether a record of the other side has a partner already.
func (b *batch) isTaken(id string) bool {
	if _, ok := b.taken[store.Spot{Side: b.side.Other(), ID: id}]; ok {
		return true
	}
	l, ok := b.links[b.side.Other()][id]
	return ok && l.Closed == ""
}

// ambiguous asks which of several records is the partner, the likeliest first.
func (b *batch) ambiguous(ctx context.Context, row store.Row, k mapping.Key, fit []string) error {
	switch was, err := b.r.decision(ctx, b.about("match", row.ID)); {
	case err != nil:
		return err
	case was.Decision == noPartner && subset(fit, was.Candidates): // another one that has come since is a new question
		b.rest(was.Candidates)
		return b.create(row)
	case slices.Contains(fit, was.Decision):
		b.rest(was.Candidates)
		return b.join(ctx, row, was.Decision, "decided by a person")
	}
	other := b.side.Other()
	candidates := make([]store.Row, len(fit))
	for i, id := range fit {
		candidates[i] = b.rows[other][id]
		candidates[i].ID = id
	}
	ranked, err := b.r.rank(ctx, b.side, row, candidates, b.refs)
	if err != nil {
		return err
	}
	fit = idsIn(ranked)
	b.stand(row.ID, standsReview, "several records have the same "+k.Name)
	b.review(store.Review{Kind: store.ReviewAmbiguous, Subject: b.about("match", row.ID), Side: b.side, Record: row.ID, Candidates: fit, Cause: "same " + k.Name,
		Text:    fmt.Sprintf("%s/%s%s could be any of %d records of %s: all have the same %s", b.r.p.ends[b.side].of, row.ID, called(row.Fields), len(fit), b.r.p.ends[other].of, k.Name),
		Fix:     "choose the right one by its id, or say none; better still, merge the duplicates at the vendor",
		Choices: append(slices.Clone(fit), noPartner)})
	return nil
}

func (b *batch) about(what, id string) string {
	return fmt.Sprintf("%s %s %s", what, b.side, id)
}

// join makes a pair of two records and merges it for the first time (R5).
func (b *batch) join(ctx context.Context, row store.Row, partner, why string) error {
	other := b.side.Other()
	if l, was := b.links[other][partner]; was && l.Closed != "" && !rematches(l) {
		b.stand(row.ID, standsParted, "the record with the same key was parted from its partner: "+l.Closed)
		return nil
	}
	mate, ok := b.rows[other][partner]
	switch {
	case !ok:
		b.stand(row.ID, standsWaiting, "its partner has not been read yet")
		b.again(row.ID)
		return nil
	case mate.Fate != connector.Present: // R18: it is planned again if it comes back
		b.stand(row.ID, standsClosed, "its partner in another sync is gone")
		return nil
	}
	in, err := b.inScope(other, partner)
	if err != nil {
		return err
	}
	if !in {
		b.stand(row.ID, standsPartner, "its partner does not pass where."+other.String())
		return nil
	}
	if barred, err := b.mateBarred(ctx, row, mate); err != nil || barred {
		return err
	}
	if len(b.r.edits) > 0 { // they are written to records that have no partner yet
		if busy, err := b.partnerBusy(ctx, row, partner); err != nil || busy {
			return err
		}
	}
	var link store.Link
	link.ID, link.Sync = b.r.e.store.NewID(), b.r.p.Name
	var rows [2]store.Row
	rows[b.side], rows[other] = row, mate
	for _, side := range record.Sides() {
		link.IDs[side], link.Created[side] = rows[side].ID, rows[side].Created
	}
	b.taken[store.Spot{Side: other, ID: partner}], b.taken[store.Spot{Side: b.side, ID: row.ID}] = row.ID, partner
	b.links[b.side][row.ID], b.links[other][partner] = link, link
	b.done(link.ID) // a merge that is followed in this batch must know of it
	b.facts.InScope = append(b.facts.InScope, store.Spot{Side: b.side, ID: row.ID}, store.Spot{Side: other, ID: partner})
	b.facts.Close = append(b.facts.Close, b.about("match", row.ID), b.about("parked", row.ID))
	if b.r.restored != nil || len(b.r.lost) > 0 {
		b.facts.Close = append(b.facts.Close, lostSubjects(link.IDs)...)
	}
	if c := b.r.p.copies; c.byRule(b.side, row.Fields) || c.byRule(other, mate.Fields) {
		why += firstCopy
	}
	b.grouped(link)
	d := b.draft(link, rows)
	from, err := b.bringAlong(ctx, &d.link) // R25
	if err != nil {
		return err
	}
	if d.fresh, d.changed = from == "", true; !d.fresh {
		why = why + agreedIn + from
	}
	d.journal = append(d.journal, b.entry(link, b.side, store.Linked, "", record.Value{}, record.Value{}, why))
	return b.merge(ctx, d)
}

func fieldOn(f mappingField, side record.Side) record.Field {
	if side == record.Left {
		return f.Left
	}
	return f.Right
}

// nameOn is what one side calls a field, else the other one: what is computed has no name there.
func nameOn(f mappingField, side record.Side) string {
	return cmp.Or(fieldOn(f, side).Name, fieldOn(f, side.Other()).Name, f.Key)
}

// fieldName is what people call the field of a key, seen from one side.
func (p *pair) fieldName(key string, side record.Side) string {
	return mapping.FieldName(key, side, p.ends[side.Other()].conn.spec.Title)
}

// title is what people call a record: its name, or what comes nearest.
func title(f record.Fields) string {
	var parts []string
	for _, name := range []string{"name", "firstname", "lastname", "title", "label", "email", "domain"} {
		if v := f[name]; !v.IsEmpty() {
			parts = append(parts, v.Text())
			if name == "name" || name == "lastname" {
				break
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " ")
}

// called is a record's title in a sentence, behind its id.
func called(f record.Fields) string {
	if t := title(f); t != "" {
		return " (" + t + ")"
	}
	return ""
}

// transitive finds the partner that other syncs have given a record already, directly or by
// way of a third system (R14). back says that it is archived and brought back first.
func (b *batch) transitive(ctx context.Context, row store.Row) (partner string, back bool, err error) {
	for _, path := range b.r.p.paths[b.side] {
		id, parted := row.ID, false
		for _, step := range path {
			links, err := b.r.e.store.LinksOf(ctx, step.sync, step.from, []string{id})
			if err != nil {
				return "", false, fmt.Errorf("follow links of %s: %w", step.sync, err)
			}
			l, ok := links[id]
			left := l.Closed == movedReason(b.r.p.Name) || len(path) == 1 && reenters(l) // R25: at once, or after a while outside of both
			if !ok || l.Closed != "" && !left {
				id = ""
				break
			}
			parted = parted || l.Closed != ""
			id = l.IDs[step.from.Other()]
		}
		if id == "" {
			continue
		}
		rows, err := b.r.e.store.Rows(ctx, b.r.p.ends[b.side.Other()].of, []string{id})
		if err != nil {
			return "", false, fmt.Errorf("load partner: %w", err)
		}
		links, err := b.r.e.store.LinksOf(ctx, b.r.p.Name, b.side.Other(), []string{id})
		if err != nil {
			return "", false, fmt.Errorf("load partner's link: %w", err)
		}
		maps.Copy(b.rows[b.side.Other()], rows)
		maps.Copy(b.links[b.side.Other()], links)
		if b.isTaken(id) {
			continue
		}
		switch fate := rows[id].Fate; {
		case !parted, fate == connector.Present, fate == connector.Left:
			return id, false, nil
		case fate == connector.Archived:
			if back, err := b.bringOver(row, rows[id]); err != nil || back {
				return "", back, err
			}
		case fate == connector.Merged:
			if b.fused == nil {
				b.fused = map[string]bool{}
			}
			b.fused[row.ID] = true
		} // else it is as if it had come back to a partner that is gone (R18)
	}
	return "", false, nil
}
