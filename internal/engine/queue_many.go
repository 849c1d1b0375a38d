package engine

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
)

// What people can say about items of the review queue, one or many, wherever they say it.

// ReviewKinds returns all kinds of items, in the order in which people are shown them.
func ReviewKinds() []store.ReviewKind {
	return []store.ReviewKind{
		store.ReviewConflict, store.ReviewAmbiguous, store.ReviewDuplicate, store.ReviewParked, store.ReviewDelete, store.ReviewMerge,
		store.ReviewGuard, store.ReviewIdentity, store.ReviewUnknown, store.ReviewRestored, store.ReviewErased, store.ReviewConfiguration, store.ReviewEvents,
	}
}

// NamesAffected reports whether an item's candidates are the records that it is about.
func NamesAffected(it store.Review) bool {
	return it.Kind == store.ReviewGuard || it.Kind == store.ReviewConfiguration || it.Kind == store.ReviewIdentity
}

// Approval returns the choice that says yes to an item, if yes is an answer to it.
func Approval(it store.Review) (string, bool) {
	if slices.Contains(it.Choices, approved) {
		return approved, true
	}
	if it.Kind == store.ReviewMerge && slices.Contains(it.Choices, mergeInto) {
		return mergeInto, true
	}
	if it.Kind == store.ReviewDelete && len(it.Choices) > 0 {
		return it.Choices[0], true
	}
	return "", false
}

// ChoiceOf is the choice that a word means: ":2" is the second candidate, any other word itself.
func ChoiceOf(it store.Review, word string) string {
	number, is := strings.CutPrefix(word, ":")
	if n, err := strconv.Atoi(number); is && err == nil && n >= 1 && n <= len(it.Candidates) {
		return it.Candidates[n-1]
	}
	return word
}

// ChooseMany finds what one word means for each of many items, "approve" being yes. Items of
// which it is no choice are left out.
func ChooseMany(items []store.Review, word string) ([]store.Choice, []store.Review) {
	var choices []store.Choice
	var picked []store.Review
	for _, it := range items {
		choice := ChoiceOf(it, word)
		if word == approved {
			choice, _ = Approval(it)
		}
		if slices.Contains(it.Choices, choice) {
			choices, picked = append(choices, store.Choice{ID: it.ID, Decision: choice}), append(picked, it)
		}
	}
	return choices, picked
}

// A ReviewGroup is all items of one cause.
type ReviewGroup struct {
	First store.Review
	Items []int64
}

// A Grouping tells items of one cause from others. What differs from record to record in a
// vendor's words, such as values and numbers, does not count.
type Grouping struct{ particular *regexp.Regexp }

// NewGrouping returns one.
func NewGrouping() Grouping {
	// What is about one record: what stands in quotes, addresses and numbers.
	return Grouping{regexp.MustCompile(`"[^"]*"|\S+@\S+|[0-9][0-9.,:-]*`)}
}

// Key is the same for all items of one cause.
func (g Grouping) Key(it store.Review) string {
	return strings.Join([]string{it.Sync, string(it.Kind), it.Field, g.particular.ReplaceAllString(strings.ToLower(it.Cause), "…")}, "\x00")
}

// GroupsOf puts items of one cause together, the largest group first.
func GroupsOf(items []store.Review) []ReviewGroup {
	g, at := NewGrouping(), map[string]int{}
	var groups []ReviewGroup
	for _, it := range items {
		key := g.Key(it)
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, ReviewGroup{First: it})
		}
		groups[i].Items = append(groups[i].Items, it.ID)
	}
	slices.SortStableFunc(groups, func(x, y ReviewGroup) int { return len(y.Items) - len(x.Items) })
	return groups
}

// Cause is why the items of a group wait.
func (g ReviewGroup) Cause() string {
	switch {
	case g.First.Cause == "":
		return g.First.Text
	case strings.Contains(g.First.Cause, mapping.CannotHold):
		return g.First.Cause
	case g.First.Kind == store.ReviewParked:
		return "the system says: " + g.First.Cause
	default:
		return g.First.Cause
	}
}
