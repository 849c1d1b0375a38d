package engine

import (
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/store"
)

// A Rule is one rule of docs/rules.md with the sentence that it is known by there.
type Rule struct {
	Number string `json:"rule"`
	Text   string `json:"text"`
}

// Rules are the rules that say more about a record than their numbers, with their sentences in the
// words of docs/rules.md.
func Rules() []Rule {
	return []Rule{
		{"R2", "The base takes what the vendor holds, not what was sent"},
		{"R5", "Without a base (a new pair, a field mapped later) equal values are agreed, an empty side is filled, and two different values are decided by `left` or `right`, or by one question per field for all pairs."},
		{"R7", "\"In step\" means that each side equals its base. Differences that a rule explains count as diverged"},
		{"R8", "One side changed: it wins where the direction lets it. Both came to the same: agreed. Both changed differently: `prefer` decides."},
		{"R9", "`newest` compares when the records were last edited: by the vendor's stamp, corrected to our clock"},
		{"R10", "One way: the follower's edits are neither carried back nor undone; when the source changes, the source wins."},
		{"R11", "What a vendor cannot empty is shown, not retried."},
		{"R12", "Choices and lists of references merge per element, and so do lists whose elements have a key of their own"},
		{"R14", "Only records without a partner match. Links of other syncs are followed first, then keys in their order."},
		{"R15", "Nothing is created in an object that has not been read to its end."},
		{"R16", "After an unknown outcome the vendor gets time to settle, then the record is looked up by that key, by a match key, or by equality."},
		{"R18", "Links are closed, never removed. A closed link keeps its surviving record from being matched or created again"},
		{"R19", "What is created must pass the other side's filter."},
		{"R20", "Of several records of one side with the same key the first is linked; the others are shown."},
		{"R21", "Absence and \"not found\" are suspicions."},
		{"R22", "A delete is carried out only on a record that nobody has edited since."},
		{"R23", "A delete that would take children along is held while one of them is alive on the other side, linked to nothing or changed since its sides agreed"},
		{"R26", "A member carries its own fields only, such as answer and reminder, to and from its owner's element of the participants' list"},
		{"R27", "A record has at most one unfinished operation."},
		{"R28", "Parents before children. A required reference is waited for, an optional one is filled in a second step."},
		{"R29", "A field that the vendor does not take is left out and shown; a record that cannot be without it is parked."},
		{"R30", "Guards count over the run and a rolling day, never below ten records."},
		{"R32", "Consent is a kind of value of its own: denied stands over granted, and granted over unknown"},
		{"R33", "The account behind an address is pinned."},
		{"R34", "After our own restore nothing is written until both sides of a sync have been listed anew"},
		{"R39", "What a record went through is told as events in the order in which it was seen, each once, and an event of a person waits for the one before it."},
	}
}

// RuleText returns the sentence of a rule; "" if nothing says more about a record than its number.
func RuleText(number string) string {
	rules := Rules()
	if i := slices.IndexFunc(rules, func(r Rule) bool { return r.Number == number }); i >= 0 {
		return rules[i].Text
	}
	return ""
}

func ruleOf(number string) Rule { return Rule{number, RuleText(number)} }

// ruleOfEntry derives from a line of the journal which rule wrote it: from its kind, or from
// how its reason begins.
func ruleOfEntry(e store.Entry) Rule {
	switch e.Kind {
	case store.Rewritten, store.Refused:
		if strings.HasPrefix(e.Why, "cannot be") {
			return ruleOf("R11")
		}
		return ruleOf("R2")
	case store.Created:
		return ruleOf("R15")
	case store.Deleted, store.Archived, store.Restored:
		return ruleOf("R22")
	case store.Closed, store.Reopened:
		return ruleOf("R18")
	case store.Linked:
		if strings.Contains(e.Why, "after a restore") {
			return ruleOf("R34")
		}
		return ruleOf("R14")
	case store.Unmapped:
		return ruleOf("R5")
	case store.Told:
		return ruleOf("R39")
	default:
		return ruleOf(ruleOfReason(e.Why))
	}
}

// ruleOfReason returns the number of the rule whose words a reason is; "" for none.
func ruleOfReason(why string) string {
	for _, x := range []struct{ begins, rule string }{
		{"first match", "R5"},
		{"consent: ", "R32"},
		{"no longer in the configuration", "R5"},
		{"both changed: left is the source", "R10"},
		{"both changed: right is the source", "R10"},
		{"both changed", "R8"},
		{"left changed, and only right", "R10"},
		{"right changed, and only left", "R10"},
		{"left changed", "R8"},
		{"right changed", "R8"},
		{"prefer newest", "R9"},
		{"times not comparable", "R9"},
		{"enforced", "R10"},
		{"put back too often", "R10"},
		{store.CorrectionOf, "R29"},
		{enteredAlone, "R10"},
		{"sent again", "R2"},
		{"elements of", "R12"},
		{"both hold the same elements", "R12"},
		{"keeps changing back", "R8"},
		{waitsSinceRestore, "R34"},
		{waitsForOrder, "R32"},
		{heldSinceRestore, "R34"},
		{waitsForDecision, "R8"},
		{refusedBecause, "R2"},
		{"read back", "R2"},
		{"written; changed again", "R2"},
		{uncomputable, ""}, // the expression, and no rule of sync
		{"cannot be", "R11"},
		{"deleted on the other side; held", "R23"},
		{"left was deleted", "R22"},
		{"right was deleted", "R22"},
		{"left is out of sight", "R21"},
		{"right is out of sight", "R21"},
		{"left no longer passes", "R19"},
		{"right no longer passes", "R19"},
		{"same ", "R14"},
		{"linked by another sync", "R14"},
	} {
		if strings.HasPrefix(why, x.begins) {
			return x.rule
		}
	}
	return ""
}

// ruleOfStanding is the rule by which a record stands alone.
func ruleOfStanding(reason, detail string) Rule {
	switch reason {
	case standsClosed, standsParted:
		return ruleOf("R18")
	case standsTarget:
		return ruleOf("R19")
	case standsErased:
		return ruleOf("R32")
	case standsDirection:
		return ruleOf("R10")
	case standsWaiting:
		if strings.Contains(detail, "points to") {
			return ruleOf("R28")
		}
		return ruleOf("R27")
	case standsReview:
		why, lost := strings.CutPrefix(detail, lostSince)
		switch {
		case strings.HasPrefix(why, "several records"):
			return ruleOf("R14")
		case strings.HasPrefix(why, "has the same"):
			return ruleOf("R20")
		case lost:
			return ruleOf("R34")
		default:
			return ruleOf("R29")
		}
	default:
		return Rule{}
	}
}
