package engine

import (
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// fields settles the written fields of one operation against what the vendor holds now
// (R2). It reports whether each of them holds what the base says.
func (s *settling) fields(link *store.Link, op store.Op, a answer) bool {
	clean := true
	for _, of := range s.r.p.fieldsOf(op) {
		sent, was := op.Set[of.Wire], op.Was[of.Wire]
		f, _ := s.end.object.Field(of.Wire)
		if slices.ContainsFunc(a.refused, func(r connector.Refusal) bool { return r.Field == of.Wire && r.Again }) {
			s.owe(link, op, of, a)
			clean = false
			continue
		}
		if i := slices.IndexFunc(a.refused, func(r connector.Refusal) bool { return r.Field == of.Wire }); i >= 0 {
			s.refuse(link, op, of, a.rec.Fields[of.Wire], a.refused[i].Why)
			continue
		}
		got, shown := a.rec.Fields[of.Wire]
		if !shown {
			expect(link, s.side, of.Key, sent)
			expect(link, s.side.Other(), of.Key, of.Source)
			s.overruled(link, op, of, sent) // nothing later knows of it (invariant 7)
			clean = false
			continue
		}
		written, more := f.Beyond(got, sent, was)
		switch {
		case f.Echoes(got, sent) || f.Same(got, sent):
			s.wrote(link, op, of, got)
		case s.halfWritten(op, of, got):
			s.wroteHalf(link, op, of, got)
			clean = false
		case op.Verb == connector.Update && f.Same(got, was) && s.late:
			s.again(op) // some vendors take an update in parts, and this one was not reached
		case op.Verb == connector.Update && f.Same(got, was):
			s.refuse(link, op, of, got, "the vendor kept the old value")
		case more:
			s.wrote(link, op, of, written) // R12: what somebody set in that moment is their edit, whatever the version says
			clean = false
		case s.unproven(op, of, a):
			s.overruled(link, op, of, sent)
			s.again(op)
			clean = false
		case a.ours:
			s.wrote(link, op, of, got)
			s.journal(*link, store.Entry{Kind: store.Rewritten, Field: of.Wire, Old: sent, New: got, Why: "the vendor keeps it so"})
		default:
			s.wrote(link, op, of, sent) // a person was quicker: theirs is a change since
			clean = false
		}
	}
	return clean
}

// owe leaves a field to be written again that a passing failure kept from being written beside the
// rest of its record (R2). A new record has agreed on what it holds, and its source on nothing, so
// that the value counts as an edit of the source's; the rounds of the run bound it (R8).
func (s *settling) owe(link *store.Link, op store.Op, of store.OpField, a answer) {
	s.r.countRound(link.ID, of.Key, s.side)
	if op.Verb != connector.Create {
		s.again(op)
		return
	}
	if _, shown := a.rec.Fields[of.Wire]; !shown {
		a.rec.Fields[of.Wire] = record.Value{}
	}
	link.Base[s.side][of.Key], link.Base[s.side.Other()][of.Key] = a.rec.Fields[of.Wire], record.Value{}
}

func expect(link *store.Link, side record.Side, key string, v record.Value) {
	if link.Expected[side] = link.Expected[side].Clone(); link.Expected[side] == nil {
		link.Expected[side] = record.Fields{}
	}
	link.Expected[side][key] = v
}

// fieldsOf says what the values that an operation sets mean for the base. A create does not
// carry that: it sets every mapped field that has a value.
func (p *pair) fieldsOf(op store.Op) []store.OpField {
	if op.Verb != connector.Create {
		return slices.DeleteFunc(slices.Clone(op.Fields), func(f store.OpField) bool { return f.Link != 0 })
	}
	fields := make([]store.OpField, 0, len(op.Set))
	for _, f := range p.Mapping.Fields() {
		wire := fieldOn(f, op.Side).Name
		if _, set := op.Set[wire]; !set {
			continue
		}
		if source, told := op.Source[f.Key]; told {
			fields = append(fields, store.OpField{Key: f.Key, Wire: wire, Source: source})
		}
	}
	return fields
}

// wrote moves the base of one field, with the line that explains it (invariant 2). A
// create is one line for all its fields.
func (s *settling) wrote(link *store.Link, op store.Op, of store.OpField, holds record.Value) {
	theirs := link.Base[s.side.Other()][of.Key]
	link.Base[s.side][of.Key], link.Base[s.side.Other()][of.Key] = holds, of.Source
	if of.Base != nil {
		link.Base[s.side][of.Key] = *of.Base
	}
	if op.Verb == connector.Create {
		return
	}
	s.r.countRound(link.ID, of.Key, s.side)
	s.journal(*link, store.Entry{Kind: store.Written, Field: of.Wire, Old: op.Was[of.Wire], New: holds, Why: of.Rule, By: enteredBy(of)})
	if enters(of) {
		s.entered(link, of, theirs)
	}
	s.overruled(link, op, of, holds)
	if reverts(op) {
		s.reverted(link, of.Key)
	}
}

// overruled journals the value that lost a conflict to what was written.
func (s *settling) overruled(link *store.Link, op store.Op, of store.OpField, holds record.Value) {
	if of.Lost != nil && op.Verb != connector.Create {
		s.journal(*link, store.Entry{Kind: store.Overruled, Field: of.Wire, Old: of.Lost.Value, New: holds, Why: of.Rule, By: enteredBy(of)})
	}
}

// refuse notes a field that the vendor did not take: it is shown, and not sent again until
// a side changes (R2).
func (s *settling) refuse(link *store.Link, op store.Op, of store.OpField, holds record.Value, why string) {
	link.Base[s.side][of.Key], link.Base[s.side.Other()][of.Key] = holds, of.Source
	diverged := map[string]string{of.Key: refusedBecause + why}
	for k, v := range link.Diverged {
		if k != of.Key {
			diverged[k] = v
		}
	}
	link.Diverged = diverged
	s.journal(*link, store.Entry{Kind: store.Refused, Field: of.Wire, Old: op.Was[of.Wire], New: op.Set[of.Wire], Why: why})
}
