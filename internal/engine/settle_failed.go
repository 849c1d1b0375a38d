package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

// What becomes of operations that were not carried out, or not wholly.

// failed settles one operation that did not take effect, or of which nobody knows, by the
// kind of its error and by nothing else.
func (s *settling) failed(ctx context.Context, op store.Op, err error) {
	e := connector.ErrorOf(err)
	now := time.Now()
	if _, back := errors.AsType[*RestoredError](err); back { // R33: it stays in the outbox as it was
		s.later(op, store.OpReady, now, err)
		s.stop = err
		return
	}
	switch e.Kind {
	case connector.Ambiguous:
		s.later(op, store.OpUnknown, now.Add(s.end.object.Settle), err)
	case connector.Unauthorized, connector.Forbidden:
		if e.Kind == connector.Forbidden && (e.Scope == connector.ScopeRecord || !s.r.p.writes(s.side)) {
			s.settled = append(s.settled, store.Settlement{Op: op.ID}) // R32: where only a no is told, a key that reads will do
			told := *e
			if e.Scope != connector.ScopeRecord {
				told.Fix = fixOr(e, "let the credential write there, or say the no there by hand")
			}
			s.refuseRecord(ctx, op, &told)
			return
		}
		s.later(op, store.OpReady, now, err)
		s.stop = fmt.Errorf("write %s: %w", s.end.of, s.r.e.spoil(ctx, s.end.conn, err))
	case connector.Conflict, connector.NotFound:
		s.stale(ctx, op)
	case connector.Invalid, connector.Unsupported:
		s.invalid(ctx, op, e)
	case connector.Duplicate:
		s.duplicated(ctx, op, e)
	case connector.Unavailable, connector.RateLimited, connector.Expired:
		s.later(op, store.OpReady, now.Add(backoff(op.Attempts, e.Wait)), err)
	default: // cancelled before it was sent
		s.later(op, store.OpUnknown, now.Add(s.end.object.Settle), err)
	}
}

func (s *settling) later(op store.Op, state store.OpState, at time.Time, err error) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID, State: state, NotBefore: at, Error: err.Error()})
}

// stale sends an operation back to planning after its target has been read again.
func (s *settling) stale(ctx context.Context, op store.Op) {
	if s.end.conn.able.Reader == nil || op.TargetID == "" {
		s.superseded(op)
		return
	}
	began := time.Now()
	changes, err := s.end.conn.able.Reader.Read(ctx, s.end.of.Name, []string{op.TargetID})
	if err == nil {
		err = s.r.stillThere(ctx, s.end, changes)
	}
	if _, back := errors.AsType[*RestoredError](err); back {
		s.failed(ctx, op, err)
		return
	}
	s.superseded(op)
	if err != nil {
		return // planned again from what a later read shows
	}
	s.facts.Rows = append(s.facts.Rows, store.Page{Of: s.end.of, Changes: changes, Keys: s.r.keysOf(s.side), Began: began})
}

// invalid leaves out the field that the vendor does not take and writes the rest; a record
// that cannot be without the field is parked (R29).
func (s *settling) invalid(ctx context.Context, op store.Op, e *connector.Error) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	fields := s.r.p.fieldsOf(op)
	if s.invalidMembers(op, e) {
		return
	}
	i := slices.IndexFunc(fields, func(f store.OpField) bool { return f.Wire != "" && f.Wire == e.Field })
	f, _ := s.end.object.Field(e.Field)
	if i < 0 || correctsAlone(op) || op.Verb == connector.Create && (f.Required || s.r.p.matched[fields[i].Key]) {
		s.refuseRecord(ctx, op, e)
		return
	}
	of := fields[i]
	if link, ok := s.links[op.Link]; ok {
		link.Base[s.side], link.Base[s.side.Other()] = link.Base[s.side].Clone(), link.Base[s.side.Other()].Clone()
		s.refuse(&link, op, of, op.Was[of.Wire], e.Error())
		s.links[op.Link] = link
		s.facts.Links = append(s.facts.Links, link)
	}
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, store.Review{Kind: store.ReviewParked, Subject: fieldSubject(s.side.Other(), op.SourceID, of.Key), Field: of.Key, Cause: general(op, fmt.Sprint(e.Err)),
		Text:    s.notTaken(op, of, e),
		Fix:     fixOr(e, "correct the value"),
		Choices: []string{"retry", "dismiss"}}))
	rest := op
	rest.ID, rest.State, rest.NotBefore = s.r.e.store.NewID(), store.OpReady, time.Time{}
	rest.Set = op.Set.Clone()
	delete(rest.Set, of.Wire)
	if op.Verb != connector.Create {
		rest.Fields = slices.Delete(slices.Clone(op.Fields), i, i+1)
	} else {
		rest.Fields = append(slices.Clone(op.Fields), store.OpField{Key: of.Key, Wire: of.Wire, Source: op.Set[of.Wire], Rule: refusedBecause + e.Error()})
	}
	if _, more := correctionOf(rest); enters(of) && !more {
		s.carried(op)
	}
	if len(rest.Set) > 0 {
		s.facts.Ops = append(s.facts.Ops, rest)
	}
}

// refuseRecord parks a record that the vendor does not take as a whole.
func (s *settling) refuseRecord(ctx context.Context, op store.Op, e *connector.Error) {
	cause := e.Err
	if cause == nil {
		cause = e
	}
	s.carried(op)
	if correctsAlone(op) {
		s.correctionRefused(op, e, cause)
		return
	}
	if op.Verb == connector.Create {
		name := called(s.source(ctx, op))
		s.facts.Reviews = append(s.facts.Reviews, s.item(op, s.parkedOp(op, name, e, cause)))
		s.stand(op, cause.Error())
		return
	}
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, store.Review{Kind: store.ReviewParked, Subject: parkedLink(op.Link, s.side), Cause: general(op, cause.Error()), Field: e.Field,
		Text: fmt.Sprintf(cannotBe(op.Verb), s.end.of, op.TargetID, cause),
		Fix:  fixOr(e, "correct the record"), Choices: []string{"retry", "dismiss"}}))
}

// cannotBe words what a vendor does not do with a record.
func cannotBe(verb connector.Verb) string {
	switch verb { //nolint:exhaustive // a create that is refused is worded by parked
	case connector.Delete:
		return "%s/%s cannot be deleted: %v"
	case connector.Archive:
		return "%s/%s cannot be archived: %v"
	case connector.Restore:
		return "%s/%s cannot be restored: %v"
	case verbMerge:
		return "%s/%s cannot be merged: %v"
	default:
		return "%s/%s cannot be updated: %v"
	}
}

// parkedOp is the item of a create that the vendor does not take.
func (s *settling) parkedOp(op store.Op, name string, e *connector.Error, cause error) store.Review {
	item := parked(s.r, s.side.Other(), op.SourceID, name, e.Field, cause.Error(), fixOr(e, "correct the record"))
	item.Cause = general(op, cause.Error())
	return item
}

// stand says that the record an operation comes from waits for a person.
func (s *settling) stand(op store.Op, why string) {
	if anew(op) {
		return // it comes from no record
	}
	s.r.standing.Store(true)
	s.facts.Standing = append(s.facts.Standing, store.Standing{Side: s.side.Other(), ID: op.SourceID, Reason: standsReview, Detail: why})
}

// item fills in what a review item says about its operation.
func (s *settling) item(op store.Op, item store.Review) store.Review {
	s.r.asking.Store(true)
	item.ID, item.Sync, item.Link, item.Opened = s.r.e.store.NewID(), s.r.p.Name, op.Link, time.Now()
	item.Seen = op.Seen
	if item.Record == "" {
		item.Side, item.Record = s.side.Other(), op.SourceID
	}
	if reverts(op) {
		return s.notReverted(op, item)
	}
	return item
}

func fixOr(e *connector.Error, otherwise string) string {
	if e.Fix != "" {
		return e.Fix
	}
	return otherwise
}

// general leaves out of a vendor's words the values of the one record that they are about, so
// that they read alike for all records that are refused for one reason.
func general(op store.Op, words string) string {
	const least = 3 // shorter ones stand in ordinary words too
	var texts []string
	for _, v := range op.Set {
		if text := v.Text(); len(text) >= least {
			texts = append(texts, text)
		}
	}
	slices.SortFunc(texts, func(x, y string) int { return cmp.Or(len(y)-len(x), strings.Compare(x, y)) })
	for _, text := range texts {
		words = strings.ReplaceAll(words, text, "…")
	}
	return words
}
