package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type reviewDecideCmd struct {
	Words []string `arg:"" name:"items-and-choice" help:"Numbers of items (7, 3-17,20), none if a flag selects them, and one of the choices that tandem review show names; :2 is the second candidate."`
	Kind  string   `help:"All of this kind: parked, conflict and so on."`
	Sync  string   `help:"All of this sync."`
	Field string   `help:"All about this field."`
	Text  string   `placeholder:"WORDS" help:"All whose text holds these words."`
	Like  int64    `placeholder:"ID" help:"All of the same cause as this item: one line of tandem review --group."`
	Yes   bool     `short:"y" help:"Decide many without asking."`
}

// mostReviews is how many items one command looks at.
const mostReviews = 1_000_000

// Run decides one item, or shows which ones it would decide and does so once it is confirmed.
// The next run of their syncs acts on it.
func (c *reviewDecideCmd) Run(ctx context.Context, a *app) (err error) {
	f := reviewFilter{Kind: c.Kind, Sync: c.Sync, Field: c.Field, Text: c.Text, Like: c.Like}
	choice := c.Words[len(c.Words)-1]
	named := strings.Join(c.Words[:len(c.Words)-1], ",")
	if id, wrong := strconv.ParseInt(named, 10, 64); wrong == nil && f == (reviewFilter{}) {
		return a.decide(ctx, id, choice)
	}
	if named == "" && f == (reviewFilter{}) {
		return usage("name items and a choice, as in tandem review decide 7 left, or select them: --kind, --sync, --field, --text, --like")
	}
	ranges, err := parseRanges(named)
	if err != nil {
		return err
	}
	p, s, err := a.openQueue(ctx, touch)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	items, err := f.items(ctx, p, s, false)
	if err != nil {
		return err
	}
	if items, err = ranges.pick(items); err != nil {
		return err
	}
	return a.decideMany(ctx, p, s, items, choice, c.Yes)
}

// decideMany shows what would be decided, and decides it in one transaction.
func (a *app) decideMany(ctx context.Context, p *plan.Plan, s *store.Store, items []store.Review, word string, yes bool) error {
	choices, picked := engine.ChooseMany(items, word)
	switch {
	case len(items) == 0:
		return a.print("nothing waits that this selects\n")
	case len(picked) == 0:
		return usage("%s is no choice of any of these %s; the first has: %s", word, plural(len(items), "item", "items"), strings.Join(items[0].Choices, ", "))
	}
	if !yes {
		if err := a.showMany(p, picked, choices, len(items)); err != nil {
			return err
		}
		if !a.confirmed(fmt.Sprintf("Decide %s? [y/N] ", plural(len(picked), "item", "items"))) {
			a.warnf("nothing was decided; --yes does it without asking")
			return exit(exitReview)
		}
	}
	decided, err := s.DecideReviews(ctx, choices, person(a.Env), time.Now())
	if err != nil {
		return fmt.Errorf("decide review items: %w", err)
	}
	return a.tellMany(ctx, s, decided, word, len(items))
}

// showMany is the dry listing of a bulk decision.
func (a *app) showMany(p *plan.Plan, picked []store.Review, choices []store.Choice, all int) error {
	if a.json {
		for i, it := range picked {
			line := jsonl.OfReview(it)
			line.Would = choices[i].Decision
			if err := a.line(line); err != nil {
				return err
			}
		}
		return nil
	}
	text := groupsText(p, engine.GroupsOf(picked))
	if rest := all - len(picked); rest > 0 {
		text += fmt.Sprintf("%s without such a choice: left alone\n", plural(rest, "item", "items"))
	}
	return a.print(text)
}

func (a *app) tellMany(ctx context.Context, s *store.Store, decided []int64, word string, all int) error {
	if a.json {
		for _, id := range decided {
			it, err := item(ctx, s, id)
			if err != nil {
				return err
			}
			if err := a.line(jsonl.OfReview(it)); err != nil {
				return err
			}
		}
		return nil
	}
	text := fmt.Sprintf("%s: %s; the next runs act on it", plural(len(decided), "item", "items"), word)
	if rest := all - len(decided); rest > 0 {
		text += fmt.Sprintf("; %s left alone", count(rest))
	}
	return a.print(text + "\n")
}

// A reviewFilter selects open items.
type reviewFilter struct {
	Kind, Sync, Field, Text string
	Like                    int64
}

func reviewKinds() []string {
	var names []string
	for _, k := range engine.ReviewKinds() {
		names = append(names, string(k))
	}
	return names
}

// items returns what the filter selects; all = decided ones too.
func (f reviewFilter) items(ctx context.Context, p *plan.Plan, s *store.Store, all bool) ([]store.Review, error) {
	q := store.ReviewQuery{Sync: f.Sync, Open: !all, Limit: mostReviews}
	if f.Sync != "" {
		if err := checkSyncs(p, []string{f.Sync}); err != nil {
			return nil, err
		}
	}
	if f.Kind != "" {
		if err := checkNames("kind of review item", []string{f.Kind}, reviewKinds()); err != nil {
			return nil, err
		}
		q.Kinds = []store.ReviewKind{store.ReviewKind(f.Kind)}
	}
	like, by := "", engine.NewGrouping()
	if f.Like != 0 {
		it, err := item(ctx, s, f.Like)
		if err != nil {
			return nil, err
		}
		like = by.Key(it)
	}
	items, err := s.Reviews(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("load review queue: %w", err)
	}
	return slices.DeleteFunc(items, func(it store.Review) bool {
		return f.Field != "" && !aboutField(it, f.Field) || like != "" && by.Key(it) != like ||
			f.Text != "" && !strings.Contains(strings.ToLower(it.Text), strings.ToLower(f.Text))
	}), nil
}

// aboutField reports whether an item is about a field, by its name on either side.
func aboutField(it store.Review, field string) bool {
	left, right, _ := strings.Cut(it.Field, "=")
	return it.Field == field || left == field || right == field
}

// A reviewRange is some numbers of items.
type reviewRange struct{ from, to int64 }

type reviewRanges []reviewRange

// parseRanges reads "3-17,20".
func parseRanges(text string) (reviewRanges, error) {
	var out reviewRanges
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		low, high, isRange := strings.Cut(part, "-")
		from, err := strconv.ParseInt(low, 10, 64)
		to := from
		if isRange && err == nil {
			to, err = strconv.ParseInt(high, 10, 64)
		}
		if err != nil || from < 1 || to < from {
			return nil, usage("%q is no number of an item and no range such as 3-17", part)
		}
		out = append(out, reviewRange{from, to})
	}
	return out, nil
}

// pick returns the items of those numbers; all if none is named. A single number that is not
// among them is an error; a range may have gaps.
func (r reviewRanges) pick(items []store.Review) ([]store.Review, error) {
	if len(r) == 0 {
		return items, nil
	}
	for _, one := range r {
		if one.from == one.to && !slices.ContainsFunc(items, func(it store.Review) bool { return it.ID == one.from }) {
			return nil, usage("review item %d is not among the open ones that are selected; tandem review lists them", one.from)
		}
	}
	return slices.DeleteFunc(items, func(it store.Review) bool {
		return !slices.ContainsFunc(r, func(one reviewRange) bool { return it.ID >= one.from && it.ID <= one.to })
	}), nil
}

// groupLine is one group in tandem review --group -o json.
type groupLine struct {
	Sync    string           `json:"sync"`
	Kind    store.ReviewKind `json:"kind"`
	Field   string           `json:"field,omitempty"`
	Cause   string           `json:"cause"`
	Count   int              `json:"count"`
	Like    int64            `json:"like"` // for tandem review decide --like
	Choices []string         `json:"choices,omitempty"`
	Items   []int64          `json:"items"`
}

func (a *app) reviewGroups(p *plan.Plan, items []store.Review) error {
	groups := engine.GroupsOf(items)
	if !a.json {
		if len(groups) == 0 {
			return a.print(reviewList(p, nil))
		}
		return a.print(groupsText(p, groups) + "\ntandem review decide --like LIKE CHOICE decides all of a line\n")
	}
	for _, g := range groups {
		line := groupLine{Sync: g.First.Sync, Kind: g.First.Kind, Field: g.First.Field, Cause: g.Cause(), Count: len(g.Items), Like: g.First.ID, Items: g.Items}
		if len(g.Items) == 1 || len(g.First.Candidates) == 0 {
			line.Choices = g.First.Choices
		}
		if err := a.line(line); err != nil {
			return err
		}
	}
	return nil
}

func groupsText(p *plan.Plan, groups []engine.ReviewGroup) string {
	t := table{right: map[int]bool{0: true, 1: true}}
	t.add("COUNT", "LIKE", "SYNC", "KIND", "FIELD", "WHAT")
	for _, g := range groups {
		field := oneLine(fieldName(p, g.First))
		if field == "" {
			field = "-"
		}
		what := g.Cause()
		if len(g.Items) == 1 {
			what = recordName(p, g.First) + ": " + what
		}
		t.add(count(len(g.Items)), fmt.Sprint(g.First.ID), g.First.Sync, string(g.First.Kind), field, fit(oneLine(what), 80))
	}
	return t.text("")
}
