package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
)

type reviewEditCmd struct {
	ID     int64    `arg:"" help:"The number of the item."`
	Values []string `arg:"" name:"field=value" help:"What the field is to hold, on both sides. An empty value empties it."`
	Yes    bool     `short:"y" help:"Do it without asking."`
}

func editText(e *store.Edit) string {
	var b strings.Builder
	for _, l := range jsonl.EnteredOf(e) {
		fmt.Fprintf(&b, "    %s: %s → %s\n", l.Field, shown(l.Old, valueWidth), shown(l.New, valueWidth))
	}
	return b.String()
}

// Run shows what will be written, and has the next run write it once it is confirmed.
func (c *reviewEditCmd) Run(ctx context.Context, a *app) (err error) {
	var set []engine.Assignment
	for _, v := range c.Values {
		field, value, ok := strings.Cut(v, "=")
		if !ok || field == "" {
			return usage("%q is not FIELD=VALUE", v)
		}
		set = append(set, engine.Assignment{Field: field, Value: value})
	}
	s, err := a.open(ctx, touch)
	if err != nil {
		return err
	}
	defer s.close(&err)
	it, err := item(ctx, s.store, c.ID)
	if err != nil {
		return err
	}
	if it.Decision != "" {
		return usage("review item %d is decided already: %s", c.ID, it.Decision)
	}
	p, err := s.engine.PlanEdit(ctx, it, set)
	if wrong, is := errors.AsType[*engine.EditError](err); is {
		return usage("%s", wrong.Text)
	}
	if err != nil {
		return err
	}
	if !a.json {
		if err := a.print(editPreview(p)); err != nil {
			return err
		}
	}
	yes := c.Yes || a.confirmed("Write it? [y/N] ")
	if yes {
		if err := s.store.EditReview(ctx, c.ID, p.Edit, person(a.Env), time.Now()); err != nil {
			return fmt.Errorf("keep what was entered: %w", err)
		}
	}
	return a.entered(it, p, yes)
}

// entered tells what came of it.
func (a *app) entered(it store.Review, p engine.EditPlan, yes bool) error {
	if !a.json {
		if yes {
			return a.print(fmt.Sprintf("%d: entered; the next run of %s writes it and tries again\n", it.ID, it.Sync))
		}
		a.warnf("nothing was entered; --yes does it without asking")
		return exit(exitReview)
	}
	status := "preview"
	if yes {
		status = "entered"
	}
	for _, line := range jsonl.Edits(it, p, status) {
		if err := a.line(line); err != nil {
			return err
		}
	}
	if !yes {
		return exit(exitReview)
	}
	return nil
}

// editPreview says what will be written where.
func editPreview(p engine.EditPlan) string {
	t := table{}
	for _, w := range p.Writes {
		where, note := w.Of.String()+"/"+w.ID, ""
		if w.ID == "" {
			where = w.Of.String() + " (new)"
		}
		what := w.Field + ": " + shown(w.Old, valueWidth) + " → " + shown(w.New, valueWidth)
		switch {
		case w.Kept != "":
			what, note = w.Field+": keeps "+shown(w.Old, valueWidth), w.Kept
		case w.Then:
			note = "then"
		}
		t.add(where, what, note)
	}
	return t.text("  ")
}
