package engine

import (
	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Where nothing of ours stands in a record, a create of unknown outcome is looked up by a match
// key. What has that key and does not hold what was sent may be ours, changed by a person since,
// or a person's own, made while we were not looking: nothing tells. To link it prevents a double
// (invariant 8); but taken for ours, its values would pass for changes of what was sent, and
// replace those of the record it is linked with as if somebody had chosen them. So it is linked
// like any two records with the same key: agreed is what is equal, and of the rest one side is
// chosen by the rule, and the other one journaled (R5, invariant 7).

// mayBeOurs begins the journal's reason of such a link.
const mayBeOurs = "same key: it may be what a create has made whose outcome nobody saw"

// isOurs reports whether a record that was found by a match key is certainly the outcome of a
// create, or as good as that: it holds all that was sent.
func (s *settling) isOurs(op store.Op, found record.Record) bool {
	for name, sent := range op.Set {
		f, _ := s.end.object.Field(name)
		if got := found.Fields[name]; !f.Echoes(got, sent) && !f.Same(got, sent) {
			return false
		}
	}
	return true
}

// adopt links the record that a create of unknown outcome may have made.
func (s *settling) adopt(op store.Op, found record.Record) {
	s.settled = append(s.settled, store.Settlement{Op: op.ID})
	res := connector.Result{Ref: found.Ref, Version: found.Version, After: &found}
	a, other := s.answerOf(op, res, nil), s.side.Other()
	link := s.newLink(op, a)
	for _, of := range s.r.p.fieldsOf(op) {
		f, _ := s.end.object.Field(of.Wire)
		if got, shown := a.rec.Fields[of.Wire]; shown && (f.Echoes(got, op.Set[of.Wire]) || f.Same(got, op.Set[of.Wire])) {
			link.Base[s.side][of.Key], link.Base[other][of.Key] = got, of.Source
		}
	}
	s.carried(op)
	s.facts.Dirty = append(s.facts.Dirty, store.Spot{Side: other, ID: op.SourceID})
	s.keep(link, a, false)
	s.journal(link, store.Entry{Kind: store.Linked, Why: mayBeOurs})
	s.inOrder(op, link)
}
