package engine

import (
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// half reports whether an update of unknown outcome has written a list in part: some vendors take
// the lines of a document one by one. Such a list holds nothing but lines that were sent and lines
// that were to be replaced, at least one of the former, and not yet all or still some of the latter.
func half(f record.Field, now, was, sent record.Value) bool {
	if _, keyed := f.Natural(); f.Kind != record.KindList || keyed || !now.IsList() || !sent.IsList() {
		return false
	}
	in := func(v record.Value, item record.Value) bool {
		return slices.ContainsFunc(v.Items(), func(x record.Value) bool { return f.Echoes(record.List(item), record.List(x)) })
	}
	began, left, ordered := false, false, len(now.Items()) < len(sent.Items())
	for i, item := range now.Items() {
		isNew, isOld := in(sent, item), in(was, item)
		if !isNew && !isOld {
			return false
		}
		began, left = began || isNew && !isOld, left || isOld && !isNew
		ordered = ordered && f.Echoes(record.List(item), record.List(sent.Items()[i]))
	}
	return began && (left || ordered)
}

// halfWritten reports whether what a record holds of a field is half of what an operation wrote,
// which is then nobody's edit. What somebody entered or reverted is no change of the other side, and
// would not be sent again.
func (s *settling) halfWritten(op store.Op, of store.OpField, got record.Value) bool {
	f, _ := s.end.object.Field(of.Wire)
	return s.late && op.Verb == connector.Update && !reverts(op) && !enters(of) && half(f, got, op.Was[of.Wire], op.Set[of.Wire])
}

// wroteHalf agrees on the half that was written with the side that it was written to, and on nothing
// with the other one, whose change is thus sent again (R16).
func (s *settling) wroteHalf(link *store.Link, op store.Op, of store.OpField, got record.Value) {
	s.r.countRound(link.ID, of.Key, s.side)
	link.Base[s.side][of.Key] = got
	s.journal(*link, store.Entry{Kind: store.Written, Field: of.Wire, Old: op.Was[of.Wire], New: got, Why: of.Rule + "; it was cut off in part, and the rest follows"})
	s.again(op)
}
