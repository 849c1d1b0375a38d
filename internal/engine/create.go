package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// create plans a new record on the other side, if everything allows it.
func (b *batch) create(row store.Row) error {
	other := b.side.Other()
	end := b.r.p.ends[other]
	switch {
	case !b.r.p.Direction.Allows(other):
		b.stand(row.ID, standsDirection, "direction is "+string(b.r.p.Direction))
		return nil
	case !b.r.p.Create[other]:
		b.stand(row.ID, standsNoCreate, "create does not name "+other.String())
		return nil
	case !end.object.Create:
		b.stand(row.ID, standsNoCreate, end.of.String()+" cannot be created with this credential")
		return nil
	}
	op, why, err := b.draftCreate(row)
	if err != nil {
		return err
	}
	switch {
	case why != "":
		b.park(row, "", why, "fill it in, or leave such records out with where."+b.side.String())
		return nil
	case op == nil:
		return nil
	}
	in, err := b.r.p.Mapping.InScope(other, op.Set, b.refs)
	if err != nil {
		return fmt.Errorf("where.%s: %w", other, err)
	}
	if !in { // R19
		b.stand(row.ID, standsTarget, "what would be created does not pass where."+other.String())
		return nil
	}
	for _, k := range b.keys[row.ID] {
		if k.Value != "" && !k.Free {
			op.Claim = claim(k)
			b.claimed[op.Claim] = op.ID
			break
		}
	}
	if b.r.standing.Load() {
		b.facts.InScope = append(b.facts.InScope, store.Spot{Side: b.side, ID: row.ID})
	}
	if b.r.p.copies.byRule(b.side, row.Fields) {
		op.Fields = []store.OpField{{Rule: firstCopy}}
	}
	b.facts.Ops = append(b.facts.Ops, *op)
	return nil
}

// draftCreate converts a record into a new one of the other side. why is what keeps it
// from being created; a nil op without a why waits for a parent.
func (b *batch) draftCreate(row store.Row) (op *store.Op, why string, err error) {
	other := b.side.Other()
	m := b.r.p.Mapping
	made := b.newOp(other, connector.Create)
	made.SourceID, made.Set, made.Source = row.ID, make(record.Fields, len(m.Fields())), make(record.Fields, len(m.Fields()))
	made.Seen[b.side] = row.Seq
	waits := false
	for i, f := range m.Fields() {
		own, known, err := m.Own(i, b.side, row.Fields, b.refs)
		if err != nil {
			return nil, "", fmt.Errorf("field %s: %w", f.Key, err)
		}
		to := fieldOn(f, other)
		if to.Name == "" || !allowed(b.r.p.Rules[i].Direction, f).Allows(other) && !b.tellsNo(i, own) {
			continue
		}
		if first := m.First(i, other, row.Fields, b.refs); own.IsEmpty() && !first.IsEmpty() {
			made.Set[to.Name] = first
			continue // it is no agreement: what the other side lacks is filled in a second step (R5)
		}
		if !known {
			continue
		}
		sent, told, err := m.Convert(i, b.side, own, b.refs)
		if entered, note, is := b.entered(row.ID, f, to); is {
			sent, told, err = entered, true, nil
			made.Fields = append(made.Fields, note)
		}
		switch {
		case err != nil && (to.Required || b.isKey(i)):
			return nil, fmt.Sprintf("%s: %v", b.r.p.fieldName(f.Key, b.side), err), nil // R29
		case err != nil:
			b.showField(row, f, err)
			continue
		case !told && to.Required:
			b.waitOn(b.side, row) // R28: a required parent is waited for
			b.stand(row.ID, standsWaiting, "the record that "+to.Name+" points to has no partner yet")
			return nil, "", nil
		case !told:
			waits = true // R28: an optional reference is filled in a second step
			continue
		case sent.IsEmpty() && to.Required:
			return nil, to.Name + " is required and empty", nil
		}
		if b.r.asking.Load() {
			b.facts.Close = append(b.facts.Close, fieldSubject(b.side, row.ID, f.Key))
		}
		made.Source[f.Key] = own
		if !sent.IsEmpty() {
			made.Set[to.Name] = sent
		}
	}
	if missing := b.unfilled(made.Set, other); missing != "" {
		return nil, missing + " is required and no mapped field fills it", nil
	}
	if len(made.Set) == 0 {
		return nil, "it holds nothing that could be carried over", nil
	}
	if waits {
		b.waitOn(b.side, row)
	}
	b.waitForPartners(b.side, row)
	if b.r.streaming && !b.r.p.ends[other].hosted() { // R30: a first complete run is not guarded on creates
		made.State, made.SentAt, made.Attempts = store.OpSent, time.Now().Truncate(time.Microsecond), 1
	}
	return &made, "", nil
}

// unfilled names a required field of the target that the create would leave out.
func (b *batch) unfilled(set record.Fields, side record.Side) string {
	for _, f := range b.r.p.ends[side].object.Fields {
		if f.Required && f.Writable() && set[f.Name].IsEmpty() {
			return f.Name
		}
	}
	return ""
}

// isKey reports whether a mapped field is part of the first match key.
func (b *batch) isKey(i int) bool { return b.r.p.matched[b.r.p.Mapping.Fields()[i].Key] }

// park puts a record aside that cannot be created: its reason is in the review queue, and
// it is tried again when it changes or when a person says so.
func (b *batch) park(row store.Row, field, why, fix string) {
	b.stand(row.ID, standsReview, why)
	b.review(parked(b.r, b.side, row.ID, called(row.Fields), field, why, fix))
}

func parked(r *run, side record.Side, id, name, field, why, fix string) store.Review {
	return store.Review{Kind: store.ReviewParked, Subject: fmt.Sprintf("parked %s %s", side, id), Side: side, Record: id, Field: field, Cause: why,
		Text: fmt.Sprintf("%s/%s%s cannot be created in %s: %s", r.p.ends[side].of, id, name, r.p.ends[side.Other()].of, why),
		Fix:  fix, Choices: []string{"retry", "dismiss"}}
}

// showField tells that one field was left out of a record that is written without it.
func (b *batch) showField(row store.Row, f mappingField, err error) {
	if misfit, is := errors.AsType[*mapping.MisfitError](err); is {
		err = misfit // says all of it
	}
	b.review(store.Review{Kind: store.ReviewParked, Subject: fieldSubject(b.side, row.ID, f.Key), Side: b.side, Record: row.ID, Field: f.Key, Cause: err.Error(),
		Text: fmt.Sprintf("%s of %s/%s%s is left out: %v", b.r.p.fieldName(f.Key, b.side), b.r.p.ends[b.side].of, row.ID, called(row.Fields), err),
		Fix:  "correct the value; if it is all of them, the two fields are of kinds that do not fit: change the one that is wrong there, or name another one", Choices: []string{"dismiss"}})
}

// stand says why a record is not synced.
func (b *batch) stand(id, reason, detail string) {
	b.r.standing.Store(true)
	if lost := b.r.restored != nil || b.r.lost[store.Spot{Side: b.side, ID: id}]; lost && (reason == standsReview || reason == standsWaiting) && !strings.HasPrefix(detail, lostSince) {
		detail = lostSince + detail // R34: the next runs are as careful with it
	}
	b.facts.Standing = append(b.facts.Standing, store.Standing{Side: b.side, ID: id, Reason: reason, Detail: detail})
}
