package engine

import (
	"fmt"
	"maps"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// enteredAlone is why the two sides of a field may differ into which a person entered
// something: one of them is not to be written (R7).
const enteredAlone = "entered by a person on this side alone"

// carried ends the edit that an operation carries, if it carries one: it has had its result.
func (s *settling) carried(op store.Op) bool {
	id, is := correctionOf(op)
	if is {
		s.facts.Carried = append(s.facts.Carried, id)
		s.r.forget(id)
	}
	return is
}

// entered settles a field into which a person entered something: what people had made of it
// on the other side is told before it gives way (invariant 7), and where nothing is carried
// over there the two sides may differ.
func (s *settling) entered(link *store.Link, of store.OpField, base record.Value) {
	other := s.side.Other()
	if i, mapped := s.r.p.index[of.Key]; of.Base != nil && !of.Source.Equal(base) && mapped {
		e := s.r.entry(*link, other, store.Overruled, fieldOn(s.r.p.Mapping.Fields()[i], other).Name, of.Source, record.Value{}, of.Rule)
		e.At, e.By = s.at, enteredBy(of)
		s.facts.Journal = append(s.facts.Journal, e)
	}
	if of.Base == nil {
		s.note(link, of.Key, enteredAlone)
	}
}

// note says why the sides of a field may differ.
func (s *settling) note(link *store.Link, key, why string) {
	diverged := maps.Clone(link.Diverged)
	if diverged == nil {
		diverged = map[string]string{}
	}
	diverged[key] = why
	link.Diverged = diverged
}

// leftOut notes what a create has left out because the vendor did not take it, and what a
// person entered for the new record alone.
func (s *settling) leftOut(link *store.Link, op store.Op) {
	for _, of := range op.Fields {
		switch {
		case enters(of):
			s.note(link, of.Key, enteredAlone)
		case strings.HasPrefix(of.Rule, refusedBecause):
			s.note(link, of.Key, of.Rule)
			s.journal(*link, store.Entry{Kind: store.Refused, Field: of.Wire, New: of.Source, Why: strings.TrimPrefix(of.Rule, refusedBecause)})
		}
	}
}

// correctedAlone settles what a person entered into a record that has no partner yet.
func (s *settling) correctedAlone(op store.Op, a answer) {
	if !correctsAlone(op) {
		return
	}
	var link store.Link
	link.IDs[s.side] = op.TargetID
	for _, of := range op.Fields {
		got, shown := a.rec.Fields[of.Wire]
		if !shown {
			got = op.Set[of.Wire]
		}
		e := store.Entry{Kind: store.Written, Field: of.Wire, Old: op.Was[of.Wire], New: got, Why: of.Rule, By: enteredBy(of)}
		f, _ := s.end.object.Field(of.Wire)
		if f.Same(got, op.Was[of.Wire]) {
			e.Kind, e.New, e.Why = store.Refused, op.Set[of.Wire], "the vendor kept the old value"
		}
		s.journal(link, e)
	}
	s.pages = append(s.pages, connector.Change{Record: a.rec})
	s.carried(op)
	s.again(op)
	s.count(func(c *store.Counts) { c.Updated++ })
}

// correctionRefused parks a record once more whose vendor does not take what a person entered.
func (s *settling) correctionRefused(op store.Op, e *connector.Error, cause error) {
	who := enteredBy(op.Fields[0])
	s.r.standing.Store(true)
	s.facts.Standing = append(s.facts.Standing, store.Standing{Side: s.side, ID: op.TargetID, Reason: standsReview, Detail: cause.Error()})
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, store.Review{Kind: store.ReviewParked, Subject: fmt.Sprintf("parked %s %s", s.side, op.TargetID),
		Side: s.side, Record: op.TargetID, Field: e.Field, Cause: general(op, cause.Error()),
		Text: fmt.Sprintf("%s/%s does not take what %s entered: %v", s.end.of, op.TargetID, who, cause),
		Fix:  fixOr(e, "enter another value"), Choices: []string{retry, dismissed}}))
}

// notTaken words that a vendor does not take one field.
func (s *settling) notTaken(op store.Op, of store.OpField, e *connector.Error) string {
	if enters(of) {
		return fmt.Sprintf("%s of %s/%s: the system does not take what %s entered: %v", of.Wire, s.end.of, op.TargetID, enteredBy(of), e.Err)
	}
	return fmt.Sprintf("%s of %s/%s is not taken by %s: %v", s.r.p.fieldName(of.Key, s.side.Other()), s.r.p.ends[s.side.Other()].of, op.SourceID, s.end.of, e.Err)
}
