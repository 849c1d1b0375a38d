package console

import (
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

// hubSinks are the rows of what runs, reviews, the journal and connectors say.
func hubSinks() []sink {
	var all []sink
	add := func(file, dir string, whats ...string) {
		for _, what := range whats {
			all = append(all, sink{file, dir, what, 0})
		}
	}
	call := func(what string, arg int) { all = append(all, sink{"engine", "internal/engine", what, arg}) }
	add("engine", "internal/engine", "fmt.Sprintf", "fmt.Errorf", "errors.New", ".Text", ".Fix", ".Why", ".Rule", ".Note", ".Cause", ".never", ".rule",
		"text =", "fix =", "why =", "what =", "cannot =", "detail =", "now =", "name =", "edited =",
		".Error", ".waits", ".Kept", ".Answer", ".ByHand", ".Waits", ".rule", ".own", "other =", "gaps =",
		"const closed", "const waits", "const keptValues", "const keptInSync", "const keeps", "const cannot", "const goes", "const entered", "const read", "const held", "const since", "const cut",
		"mustWait()", "whyNot()", "untold()", "lastError()", "whoSince()", "askConsent()", "rule()", "enterRule()", "movedReason()", "createOp()", "emptied()", "shuffled()", "becameSame()", "oneShape()",
		"explain()", "Cause()", "Error()", "holds()", "refers()", "draftCreate()", "cannotBe()%", "lostAt()%", "cannotEdit%",
		"shifted()", "swappedDayAndMonth()", "scaled()", "negated()", "rounded()", "asSpreadsheet()", "garbled()", "escaped()", "oneCase()", "lostZeros()", "lostStart()", "lostEnd()", "cutShort()")
	for what, args := range map[string][]int{
		"stand": {2}, "closeLink": {2}, "reopen": {2}, "join": {3}, "entry": {6}, "diverge": {1}, "park": {2, 3}, "hold": {3}, "sayf": {2}, "nothing": {1}, "add": {1, 2}, "append": {1}, "answered": {2},
		"ask": {4}, "fixOr": {1}, "note": {2}, "told": {1}, "counted%": {1, 2}, "remove": {4}, "refuse": {4}, "planMerge": {5}, "tell": {2}, "find": {6}, "askListing": {3},
	} {
		for _, arg := range args {
			call(what, arg)
		}
	}
	all = append(all, sink{"engine", "internal/engine", "sayf%", 1})
	add("engine", "internal/merge", "fmt.Sprintf", ".Rule", "rule =", "absentRule()", "firstWinner()", "newest()", "winner()", "elementsRule()", "const rule")
	for what, arg := range map[string]int{"carry": 1, "overrule": 1, "hold": 1, "settle": 1} {
		all = append(all, sink{"engine", "internal/merge", what, arg})
	}
	add("engine", "record", "Roughly()")
	add("engine", "internal/store", "const Err")
	add("engine", "internal/notify", "fmt.Errorf", "errors.New")
	for _, dir := range []string{"connector", "rest", "rest/grant", "systems/..."} {
		add("systems", dir, "fmt.Errorf", "errors.New", ".Fix", ".Remedy", ".Why", "fix =", ".Fix", ".Problem", "text =", "unsupported%", "expired", "Error()", "refusal()", "remedy()", "unauthorized()", "hookAdvice()", ".Facts")
	}
	all = append(all, sink{"systems", "rest/grant", "hide", 0}, sink{"systems", "rest/grant", "fmt.Sprintf", 0}, sink{"systems", "rest/grant", "const compare", 0})
	for what, args := range map[string][]int{"refuse": {1}, "refuseStage": {0}, "invalid": {1, 2}, "wrongSetting": {2}, "firstText": {1}, "Or": {1, 2}} {
		for _, arg := range args {
			all = append(all, sink{"systems", "systems/...", what, arg})
		}
	}
	return all
}

// reasonsOfStore begin reasons of the journal that other packages write out to their end.
func reasonsOfStore() map[string]string {
	return map[string]string{".RevertOf": store.RevertOf, ".CorrectionOf": store.CorrectionOf, ".ByConfiguration": store.ByConfiguration, ".ByErasure": store.ByErasure}
}

// hubWords are what sentences of the hub have as arguments, and no source writes out.
func hubWords() map[string]string {
	all := map[string]string{"read": "connector.Lack"}
	for _, verb := range []connector.Verb{connector.Create, connector.Update, connector.Delete, connector.Archive, connector.Restore} {
		all[string(verb)] = "connector.Verb"
	}
	return all
}

// onlyWhere reports whether a format says where in the hub something went wrong, for the log,
// and nothing else: the cause stands after it, and is in the language.
func onlyWhere(format, where string) bool {
	return strings.HasSuffix(format, ": %w") && !strings.HasPrefix(where, "internal/mapping") && !strings.HasPrefix(where, "internal/plan")
}

// hubSaysElsewhere are texts at a sink of the hub that no page shows as a sentence, and why not.
func hubSaysElsewhere() map[string]string {
	all := map[string]string{"enough was seen": "it ends a loop", "waiting %s": "pages have their own words for progress", "copies:%v": "a key"}
	for _, subject := range []string{
		"delete %d", "email %v", "erased %s %s", "event %d", "field %s %s %s", "identity %d", "link %d %s", "match %s %s", "merge %d", "merged %d",
		"parked %s %s", "parked link %d %s", "phone %v", "restored %s %s", "revert %d %s",
	} {
		all[subject] = "a subject of the review queue, or a mark of a person"
	}
	for _, word := range []string{"changed", "diverged", "drifted", "refused", "same", "shape", "shuffled", "none", "unlink", "resumed", "HUBSPOT_DEFINED", "application/octet-stream"} {
		all[word] = "a name for programs"
	}
	return all
}
