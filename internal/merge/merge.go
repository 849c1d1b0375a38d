// Package merge decides, for one field of one pair of linked records, what has to be
// written where. It is pure: it reads no clock and does no I/O, so every rule of the merge
// can be tested by a table.
//
// A side has changed if and only if its value differs from what that side held at the last
// agreement. Left is compared with right only while there is no such agreement, and when
// both changed (R5, R8):
//
//	out := merge.One(field, times)
//	switch out.State {
//	case merge.StateWrite: // send out.Writes
//	case merge.StateAgreed: // move the bases to the present values
//	case merge.StateAsk: // a person must decide
//	}
package merge

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

// A Direction says towards which side a field may be written.
type Direction string

// The directions, spelt as in tandem.yaml. The zero Direction writes nothing.
const (
	Both        Direction = "both"
	LeftToRight Direction = "left-to-right"
	RightToLeft Direction = "right-to-left"
	None        Direction = "none"
)

// Allows reports whether the side may be written.
func (d Direction) Allows(to record.Side) bool {
	switch d {
	case Both:
		return true
	case LeftToRight:
		return to == record.Right
	case RightToLeft:
		return to == record.Left
	default:
		return false
	}
}

// A Prefer says who wins when both sides changed differently. Whatever is none of the
// four asks.
type Prefer string

// The preferences, spelt as in tandem.yaml.
const (
	Left   Prefer = "left"
	Right  Prefer = "right"
	Newest Prefer = "newest"
	Ask    Prefer = "ask"
)

// side returns the side that a preference names.
func (p Prefer) side() (record.Side, bool) {
	switch p {
	case Left:
		return record.Left, true
	case Right:
		return record.Right, true
	default:
		return 0, false
	}
}

// A Cell is one side of a field.
type Cell struct {
	Value record.Value // what the side holds now
	Known bool         // false: the field is absent there now (R11)

	Base    record.Value // what the side held at the last agreement
	HasBase bool

	Sent       record.Value // Value as the other side would hold it
	Translated bool         // false: Value cannot be told to the other side, so it is absent there (R11)
	SentBase   record.Value // Base as the other side would hold it; needed for sets only
}

// An Unsent is a write of a set that its side has not taken: it kept what it had.
type Unsent struct{ Was, Sent record.Value }

// A Field is all that the merge of one field depends on, apart from time.
type Field struct {
	Cells     [2]Cell // by side
	Direction Direction
	Prefer    Prefer
	Enforce   bool      // a one-way field's follower is put back when it was edited (R10)
	Set       bool      // choices, references, keyed lists: merged per element (R12)
	Keyed     [2]Keyed  // by side; for lists of structs whose elements are found again by a key of their own
	Refused   [2]Unsent // by side; of a set, what was written there last and not taken (R2)

	// Consent is what the values say where the field is a consent (R32), else nil.
	Consent *Consent

	// Same reports whether both sides' values mean the same: equal under the normaliser of
	// the field's type. nil compares what would be sent with what is there.
	Same func(left, right record.Value) bool
	// Decision is a person's decision of a conflict between exactly these values: Left or
	// Right; "" means that there is none.
	Decision Prefer
	// NewField says that the field was mapped after the link had been made: whatever base
	// it may have is no agreement (R5).
	NewField bool
}

// Times say when each side was last edited by a person, corrected to our clock.
type Times struct {
	At    [2]time.Time // by side: at the latest
	Since [2]time.Time // at the earliest; zero = exactly at At
	Known [2]bool
}

// ahead returns for how long a side was certainly edited after the other one; if that is not
// certain it is no more than nothing.
func (t Times) ahead(side record.Side) time.Duration {
	from := t.At[side]
	if s := t.Since[side]; !s.IsZero() && s.Before(from) {
		from = s
	}
	return from.Sub(t.At[side.Other()])
}

// A State says what a merge came to.
type State string

// The states. Bases move in StateAgreed at once and in StateWrite when the write is
// settled; in all others they stay.
const (
	StateUnknown  State = "unknown"  // a value is absent where it is needed: nothing can be said now
	StateEqual    State = "equal"    // neither side changed
	StateAgreed   State = "agreed"   // nothing to write; the bases move to the present values
	StateWrite    State = "write"    // Writes are to be sent
	StateAsk      State = "ask"      // a person must decide
	StateDiverged State = "diverged" // the sides differ, and a rule says to leave it so (R7)
)

// An Outcome is the decision about one field.
type Outcome struct {
	State    State
	Writes   []Write // for StateWrite: one, or up to two for sets
	Conflict bool    // both sides held values that exclude each other, whoever won
	Lost     *Lost   // the value that was overruled, if one was
	Rule     string  // why, for people: "left changed"
}

// A Write is a value to be written, in the form of the side that it goes to.
type Write struct {
	To    record.Side
	Value record.Value
}

// A Lost value was overruled; it goes to the journal, from where it can be taken back.
type Lost struct {
	Side  record.Side
	Value record.Value
}

// One decides about one field. It never returns a write towards a side that the direction
// forbids, a no to mail aside, and never a write of a value that is absent.
func One(f Field, t Times) Outcome {
	if f.Consent != nil {
		return f.consent(t) // R32
	}
	return f.decide(t)
}

func (f *Field) decide(t Times) Outcome {
	left, right := &f.Cells[record.Left], &f.Cells[record.Right]
	if !left.Known || !right.Known {
		return Outcome{State: StateUnknown, Rule: absentRule(left.Known, right.Known)} // R11
	}
	if f.NewField || !left.HasBase || !right.HasBase {
		if f.Set {
			return f.unite()
		}
		return f.first()
	}
	changed := [2]bool{!f.equal(left.Value, left.Base), !f.equal(right.Value, right.Base)}
	switch {
	case !changed[record.Left] && !changed[record.Right]:
		return Outcome{State: StateEqual, Rule: "nothing changed"} // R7
	case f.Set:
		return f.elements(changed, t)
	case changed[record.Left] && changed[record.Right]:
		return f.both(t)
	case changed[record.Left]:
		return f.oneOrHold(record.Left)
	default:
		return f.oneOrHold(record.Right)
	}
}

func absentRule(left, right bool) string {
	switch {
	case left:
		return "right is not known"
	case right:
		return "left is not known"
	default:
		return "neither side is known"
	}
}

// first is R5: no base yet, so left is compared with right.
func (f *Field) first() Outcome {
	left, right := f.Cells[record.Left].Value, f.Cells[record.Right].Value
	switch {
	case f.same():
		return Outcome{State: StateAgreed, Rule: "first match: equal"}
	case left.IsEmpty():
		return f.fill(record.Left)
	case right.IsEmpty():
		return f.fill(record.Right)
	}
	winner, rule, decided := f.firstWinner()
	if !decided {
		return Outcome{State: StateAsk, Conflict: true, Rule: rule}
	}
	to := winner.Other()
	sent := &f.Cells[winner]
	switch {
	case !f.Direction.Allows(to):
		return Outcome{State: StateAgreed, Rule: rule + ", and " + to.String() + " is not written to"}
	case sent.Translated && sent.Sent.IsEmpty() && f.Decision == "":
		return Outcome{State: StateAgreed, Rule: "first match: empty does not wipe " + to.String()}
	}
	return f.overrule(winner, rule)
}

// firstWinner says who wins when both sides were filled differently before they were
// linked. Where only one side may be written, a person who set `newest` has already said
// whose value counts: the source's.
func (f *Field) firstWinner() (winner record.Side, rule string, decided bool) {
	if s, ok := f.Decision.side(); ok {
		return s, "first match: decided for " + s.String(), true
	}
	if s, ok := f.Prefer.side(); ok {
		return s, "first match: prefer " + s.String(), true
	}
	source, oneWay := f.source()
	switch {
	case f.Prefer == Newest && oneWay:
		return source, "first match: " + source.String() + " is the source", true
	case !oneWay && f.Direction != Both:
		return record.Left, "first match: different", true
	default:
		return 0, "first match: both are filled and differ", false
	}
}

// fill fills an empty side at the first match. Empty never wipes filled here (R5).
func (f *Field) fill(empty record.Side) Outcome {
	from := &f.Cells[empty.Other()]
	switch {
	case !f.Direction.Allows(empty):
		return Outcome{State: StateAgreed, Rule: "first match: " + empty.String() + " is empty and is not written to"}
	case !from.Translated:
		return f.untold(empty.Other())
	case from.Sent.IsEmpty():
		return Outcome{State: StateAgreed, Rule: "first match: nothing to fill " + empty.String() + " with"}
	}
	return Outcome{
		State: StateWrite, Writes: []Write{{To: empty, Value: from.Sent}},
		Rule: "first match: " + empty.String() + " is empty",
	}
}

// one is the first half of R8, and R10: only one side changed.
func (f *Field) one(changed record.Side) Outcome {
	to := changed.Other()
	if f.Direction.Allows(to) {
		return f.carry(changed, changed.String()+" changed")
	}
	source, oneWay := f.source()
	if !oneWay {
		return Outcome{State: StateDiverged, Rule: changed.String() + " changed, and nothing is written in direction none"}
	}
	if from := &f.Cells[source]; from.Translated && f.equal(from.Sent, f.Cells[changed].Value) {
		return Outcome{State: StateAgreed, Rule: changed.String() + " changed to what " + source.String() + " holds"}
	}
	if f.Enforce {
		return f.overrule(source, "enforced: "+source.String()+" is the source") // R10
	}
	return Outcome{State: StateDiverged, Rule: changed.String() + " changed, and only " + source.String() + " is carried over"} // R10
}

// oneOrHold is one, unless a person has said that what the unchanged side has holds.
func (f *Field) oneOrHold(changed record.Side) Outcome {
	s, decided := f.Decision.side()
	if !decided || s == changed {
		return f.one(changed)
	}
	return f.hold(s, changed.String()+" changed: decided for "+s.String())
}

// hold keeps what a side has, as a person has decided, on the other side too if that is written.
func (f *Field) hold(s record.Side, rule string) Outcome {
	if to := s.Other(); !f.Direction.Allows(to) {
		return Outcome{State: StateDiverged, Rule: rule + ", and " + to.String() + " is not written to"}
	}
	return f.overrule(s, rule)
}

// both is the second half of R8: both sides changed.
func (f *Field) both(t Times) Outcome {
	if f.same() {
		return Outcome{State: StateAgreed, Rule: "both changed to the same"}
	}
	source, oneWay := f.source()
	s, decided := f.Decision.side()
	switch {
	case oneWay && decided:
		return f.hold(s, "both changed: decided for "+s.String())
	case oneWay:
		return f.overrule(source, "both changed: "+source.String()+" is the source") // R10
	case f.Direction != Both:
		return Outcome{State: StateDiverged, Rule: "both changed, and nothing is written in direction none"}
	}
	if decided {
		return f.overrule(s, "both changed: decided for "+s.String())
	}
	if s, ok := f.Prefer.side(); ok {
		return f.overrule(s, "both changed: prefer "+s.String())
	}
	if f.Prefer == Newest {
		s, rule := newest(t)
		return f.overrule(s, rule)
	}
	return Outcome{State: StateAsk, Conflict: true, Rule: "both changed differently"}
}

// comparableEdits is how far apart two edits must be for their order to be trusted (R9).
const comparableEdits = 2 * time.Second

// newest is R9.
func newest(t Times) (record.Side, string) {
	if !t.Known[record.Left] || !t.Known[record.Right] {
		return record.Left, "times not comparable: left wins"
	}
	for _, side := range record.Sides() {
		if by := t.ahead(side); by > comparableEdits {
			return side, newerRule(side, by)
		}
	}
	return record.Left, "times not comparable: left wins"
}

func newerRule(s record.Side, by time.Duration) string {
	return fmt.Sprintf("prefer newest: %s is %s newer", s, record.Roughly(by))
}

// overrule writes the winner's value over another one, which is lost.
func (f *Field) overrule(winner record.Side, rule string) Outcome {
	out := f.carry(winner, rule)
	if out.State == StateWrite {
		to := winner.Other()
		out.Conflict = true
		out.Lost = &Lost{Side: to, Value: f.Cells[to].Value}
	}
	return out
}

// carry writes a side's value to the other one unless that holds it already: an update
// with nothing to set sends nothing (R11).
func (f *Field) carry(from record.Side, rule string) Outcome {
	c, to := &f.Cells[from], from.Other()
	switch {
	case !c.Translated:
		return f.untold(from)
	case f.equal(c.Sent, f.Cells[to].Value):
		return Outcome{State: StateAgreed, Rule: rule + " to what " + to.String() + " holds"}
	}
	return Outcome{State: StateWrite, Writes: []Write{{To: to, Value: c.Sent}}, Rule: rule}
}

// untold is R11: what cannot be translated is absent, never empty, so it waits.
func (f *Field) untold(from record.Side) Outcome {
	return Outcome{State: StateUnknown, Rule: from.String() + " holds what cannot be told to " + from.Other().String() + " yet"}
}

// source returns the only side that is carried over, if there is only one.
func (f *Field) source() (record.Side, bool) {
	switch f.Direction {
	case LeftToRight:
		return record.Left, true
	case RightToLeft:
		return record.Right, true
	default:
		return 0, false
	}
}

// same reports whether both sides mean the same, by the normaliser or because the one
// holds exactly what the other would send.
func (f *Field) same() bool {
	left, right := &f.Cells[record.Left], &f.Cells[record.Right]
	switch {
	case left.Value.IsEmpty() && right.Value.IsEmpty():
		return true
	case f.Same != nil && f.Same(left.Value, right.Value):
		return true
	}
	return left.Translated && f.equal(left.Sent, right.Value) ||
		right.Translated && f.equal(right.Sent, left.Value)
}

// equal compares two values of one side exactly (R6); the order of a set has no meaning.
func (f *Field) equal(a, b record.Value) bool {
	return a.Equal(b) || f.Set && sameElements(a, b)
}
