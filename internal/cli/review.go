package cli

import (
	"context"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type reviewCmd struct {
	List    reviewListCmd    `cmd:"" default:"withargs" help:"List what waits."`
	Show    reviewShowCmd    `cmd:"" help:"Say all about one item."`
	Decide  reviewDecideCmd  `cmd:"" help:"Decide one item, or many at once."`
	Edit    reviewEditCmd    `cmd:"" help:"Enter the right value yourself: it goes to both sides, and what was refused is tried again."`
	Approve reviewApproveCmd `cmd:"" help:"Say yes to one item: let held deletes, or what a guard stopped, go on."`
}

type reviewListCmd struct {
	Sync  string `help:"Only of this sync."`
	Kind  string `help:"Only of this kind: parked, conflict and so on."`
	Field string `help:"Only about this field."`
	All   bool   `help:"Decided ones too."`
	Group bool   `short:"g" help:"One line for all items of one cause."`
}

type reviewShowCmd struct {
	ID  int64 `arg:"" help:"The number of the item."`
	All bool  `help:"Name every record that it is about, and what would be written to it."`
}

type reviewApproveCmd struct {
	ID int64 `arg:"" help:"The number of the item."`
}

// Run lists the queue, oldest first.
func (c *reviewListCmd) Run(ctx context.Context, a *app) (err error) {
	p, s, err := a.openQueue(ctx, look)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	if c.Sync != "" {
		if err := checkSyncs(p, []string{c.Sync}); err != nil {
			return err
		}
	}
	f := reviewFilter{Kind: c.Kind, Sync: c.Sync, Field: c.Field}
	items, err := f.items(ctx, p, s, c.All)
	if err != nil {
		return err
	}
	if c.Group {
		return a.reviewGroups(p, items)
	}
	if a.json {
		for _, it := range items {
			if err := a.line(jsonl.OfReview(it)); err != nil {
				return err
			}
		}
		return nil
	}
	return a.print(reviewList(p, items))
}

func (a *app) openQueue(ctx context.Context, how access) (*plan.Plan, *store.Store, error) {
	p, err := a.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := a.openStore(ctx, p, how)
	return p, s, err
}

func reviewList(p *plan.Plan, items []store.Review) string {
	if len(items) == 0 {
		return "nothing waits for you\n"
	}
	t := table{right: map[int]bool{0: true}}
	t.add("ID", "SYNC", "KIND", "RECORD", "WHAT")
	for _, it := range items {
		what := oneLine(it.Text)
		if it.Decision != "" {
			what = "decided: " + it.Decision + "; " + what
		}
		t.add(fmt.Sprint(it.ID), it.Sync, string(it.Kind), recordName(p, it), fit(what, 80))
	}
	return t.text("") + "\ntandem review show ID says more, tandem review decide ID CHOICE decides, tandem review --group sums up\n"
}

// recordName writes an item's record as tandem history takes it: "erp.contacts/12".
func recordName(p *plan.Plan, it store.Review) string {
	if it.Record == "" {
		return "-"
	}
	s, ok := p.Sync(it.Sync)
	if !ok {
		return it.Record
	}
	return s.Ends[it.Side].String() + "/" + it.Record
}

// fieldName is what people call the field of an item, seen from its side.
func fieldName(p *plan.Plan, it store.Review) string {
	other := ""
	if s, ok := p.Sync(it.Sync); ok {
		other = s.Ends[it.Side.Other()].Connection
	}
	return mapping.FieldName(it.Field, it.Side, other)
}

// Run shows one item.
func (c *reviewShowCmd) Run(ctx context.Context, a *app) (err error) {
	p, s, err := a.openQueue(ctx, look)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	it, err := item(ctx, s, c.ID)
	if err != nil {
		return err
	}
	if !engine.NamesAffected(it) {
		ranked := a.candidates(ctx, p, s, it)
		if a.json {
			line := jsonl.OfReview(it)
			line.Ranked = jsonl.Candidates(ranked)
			return a.line(line)
		}
		return a.print(reviewText(p, it) + candidatesText(it, ranked))
	}
	about, err := a.affected(ctx, p, s, it, c.All)
	if err != nil {
		return err
	}
	if a.json {
		return a.line(about.line())
	}
	return a.print(reviewText(p, it) + about.text())
}

func item(ctx context.Context, s *store.Store, id int64) (store.Review, error) {
	it, ok, err := s.Review(ctx, id)
	if err != nil {
		return it, fmt.Errorf("load review item: %w", err)
	}
	if !ok {
		return it, usage("there is no review item %d; tandem review list names those there are", id)
	}
	return it, nil
}

func reviewText(p *plan.Plan, it store.Review) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d: %s in %s, since %s\n", it.ID, it.Kind, it.Sync, stamp(it.Opened, p.Timezone))
	if it.Record != "" {
		fmt.Fprintf(&b, "  record   %s\n", recordName(p, it))
	}
	fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(printable(it.Text), "\n", "\n  "))
	if it.Kind == store.ReviewConflict {
		s, _ := p.Sync(it.Sync)
		t := table{}
		t.add("left", s.Ends[0].String(), shown(it.Values[0], 200))
		t.add("right", s.Ends[1].String(), shown(it.Values[1], 200))
		b.WriteString(t.text("  "))
	}
	if len(it.Candidates) > 0 && !engine.NamesAffected(it) {
		fmt.Fprintf(&b, "  could be  %s\n", strings.Join(it.Candidates, ", "))
	}
	if it.Field != "" && it.Kind != store.ReviewConflict {
		fmt.Fprintf(&b, "  field    %s\n", oneLine(fieldName(p, it)))
	}
	if it.Fix != "" {
		fmt.Fprintf(&b, "  what to do: %s\n", oneLine(it.Fix))
	}
	switch {
	case it.Decision != "":
		fmt.Fprintf(&b, "  decided: %s, by %s, %s\n", it.Decision, it.By, stamp(it.Decided, p.Timezone))
		b.WriteString(editText(it.Edit))
	case len(it.Choices) > 0:
		fmt.Fprintf(&b, "  choices: %s\n  tandem review decide %d %s\n", strings.Join(it.Choices, ", "), it.ID, it.Choices[0])
		if it.Record != "" && (it.Kind == store.ReviewParked || it.Kind == store.ReviewConflict) {
			fmt.Fprintf(&b, "  tandem review edit %d FIELD=VALUE enters the right value\n", it.ID)
		}
	default:
		b.WriteString("  there is nothing to choose: it goes once its cause has gone\n")
	}
	return b.String()
}

// Run approves one item: of what is held, it chooses what was held.
func (c *reviewApproveCmd) Run(ctx context.Context, a *app) error {
	return a.decide(ctx, c.ID, "")
}

// decide makes a choice for an item; "" approves it.
func (a *app) decide(ctx context.Context, id int64, choice string) (err error) {
	_, s, err := a.openQueue(ctx, touch)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	it, err := item(ctx, s, id)
	if err != nil {
		return err
	}
	if it.Decision != "" {
		return usage("review item %d is decided already: %s", id, it.Decision)
	}
	if choice = engine.ChoiceOf(it, choice); choice == "" {
		choice, _ = engine.Approval(it)
	}
	if !slices.Contains(it.Choices, choice) {
		if len(it.Choices) == 0 {
			return usage("review item %d has nothing to choose; %s", id, it.Fix)
		}
		return usage("review item %d asks for a choice; tandem review decide %d with one of: %s", id, id, strings.Join(it.Choices, ", "))
	}
	if err := s.DecideReview(ctx, id, choice, person(a.Env), time.Now()); err != nil {
		return fmt.Errorf("decide review item: %w", err)
	}
	if a.json {
		it, err := item(ctx, s, id)
		if err != nil {
			return err
		}
		return a.line(jsonl.OfReview(it))
	}
	return a.print(fmt.Sprintf("%d: %s; the next run of %s acts on it\n", id, choice, it.Sync))
}

// person is who decides, for the journal: the login name.
func person(env func(string) (string, bool)) string {
	for _, name := range []string{"SUDO_USER", "USER", "USERNAME"} {
		if v, ok := env(name); ok && v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}
