package merge

import "github.com/tandemhub/tandem/record"

// A Consent is what the two sides of a field say about whether a person may be contacted
// (R32). It is a kind of value of its own, because a mistake in it is not mended by writing
// the old value back: the mail has gone out.
type Consent struct {
	Says      [2]string // by side, as a [record.KindConsent]: denied, granted, or "" while nobody has said
	Firsthand [2]bool   // people say it there themselves, by a form or a link to unsubscribe
	Told      [2]bool   // a no is carried to this side whatever the direction
	Later     [2]bool   // its record may have been changed after the other one: a no that stands there may be the last word
}

// consent decides about a consent: denied stands over granted, and granted over unknown.
// Only a consent that was given after the no lifts it, and only where it comes from the
// person; a no that somebody else took away is put to a person, and so is one that may have
// been said once more after the yes.
func (f *Field) consent(t Times) Outcome {
	c := f.Consent
	if !f.Cells[0].Known || !f.Cells[1].Known {
		return f.decide(t) // R11
	}
	denies, one := f.denies()
	if !one {
		f.preferGranted()
		return f.decide(t)
	}
	other := denies.Other()
	agreed := !f.NewField && f.Cells[0].HasBase && f.Cells[1].HasBase
	switch {
	case !agreed || f.moved(denies):
		return f.deny(denies)
	case !f.moved(other):
		return f.decide(t) // they differ since a rule said so, which still holds
	case c.Says[other] == record.Granted && c.Firsthand[other] && !c.Later[denies]:
		return f.one(other)
	}
	switch f.Decision {
	case Prefer(other.String()):
		return f.one(other)
	case Prefer(denies.String()):
		return f.deny(denies)
	default:
		if c.Disputed() {
			return Outcome{State: StateAsk, Conflict: true, Rule: "consent: the no of " + denies.String() + " may be newer than the yes of " + other.String()}
		}
		return Outcome{State: StateAsk, Conflict: true, Rule: "consent: the no of " + denies.String() + " was taken away on " + other.String()}
	}
}

// Disputed reports whether one side holds a yes of the person and the other one a no that may be newer.
func (c *Consent) Disputed() bool {
	for _, side := range record.Sides() {
		if other := side.Other(); c.Says[side] == record.Denied && c.Later[side] && c.Says[other] == record.Granted && c.Firsthand[other] {
			return true
		}
	}
	return false
}

// denies returns the side that says no, if only one does.
func (f *Field) denies() (record.Side, bool) {
	left, right := f.Consent.Says[0] == record.Denied, f.Consent.Says[1] == record.Denied
	if right {
		return record.Right, !left
	}
	return record.Left, left
}

// preferGranted makes the stricter of two values win where neither is a no.
func (f *Field) preferGranted() {
	for _, side := range record.Sides() {
		if f.Consent.Says[side] == record.Granted && f.Consent.Says[side.Other()] == "" {
			f.Prefer, f.Decision = Prefer(side.String()), ""
		}
	}
}

// moved reports whether a side holds something else than at the last agreement.
func (f *Field) moved(side record.Side) bool {
	return !f.equal(f.Cells[side].Value, f.Cells[side].Base)
}

// deny carries a no to the other side.
func (f *Field) deny(from record.Side) Outcome {
	to, no := from.Other(), &f.Cells[from]
	const stands = "consent: a no stands over everything else"
	switch {
	case !no.Translated:
		return f.untold(from)
	case f.equal(no.Sent, f.Cells[to].Value):
		return Outcome{State: StateAgreed, Rule: stands}
	case !f.Direction.Allows(to) && !f.Consent.Told[to]:
		return Outcome{State: StateDiverged, Rule: stands + ", and " + to.String() + " cannot be told"}
	}
	out := Outcome{State: StateWrite, Writes: []Write{{To: to, Value: no.Sent}}, Rule: stands}
	if had := &f.Cells[to]; !had.Value.IsEmpty() && (!had.HasBase || f.NewField || f.moved(to)) {
		out.Conflict, out.Lost = true, &Lost{Side: to, Value: had.Value}
	}
	return out
}
