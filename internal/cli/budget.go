package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/rest"
)

// budgetLine is one budget of a vendor account, in tandem status -o json.
type budgetLine struct {
	Limit   string     `json:"limit"` // its name; "" = every call
	Units   int        `json:"units"`
	Hours   float64    `json:"hours"` // in which so many units may be spent
	Spent   int        `json:"spent"` // in the last such time, by every process
	Left    int        `json:"left"`
	RunsOut *time.Time `json:"runs_out,omitempty"` // at the present pace; absent if it lasts
	Free    *time.Time `json:"free,omitempty"`     // when something of what is spent is free again
}

// addBudgets says what was spent of the budgets of each connection's account.
func (a *app) addBudgets(ctx context.Context, p *plan.Plan, s *store.Store, lines []connectionStatusLine) error {
	for i, c := range p.Connections {
		system, err := a.system(c.System)
		if err != nil || system.Spec.Limits == nil {
			continue
		}
		known, _, err := s.Connection(ctx, c.Name)
		if err != nil {
			return err
		}
		spent, err := s.SpentAt(ctx, c.Name, time.Now())
		if err != nil {
			return err
		}
		lines[i].Budget = budgets(system.Spec.Limits(c.Settings, known.Identity), spent, time.Now())
	}
	return nil
}

// budgets holds what was spent against the limits.
func budgets(limits []connector.Limit, spent []store.Spending, now time.Time) []budgetLine {
	var lines []budgetLine
	for _, l := range limits {
		if l.Units <= 0 || !rest.IsBudget(l.Per) {
			continue
		}
		line := budgetLine{Limit: l.Name, Units: l.Units, Hours: l.Per.Hours()}
		var first time.Time
		for _, x := range spent {
			if x.Name != l.Name || x.Per != l.Per || !x.Hour.Add(x.Per).After(now) {
				continue
			}
			if first.IsZero() {
				first = x.Hour
			}
			line.Spent += x.Units
		}
		line.Left = max(0, l.Units-line.Spent)
		if line.Spent > 0 {
			free := first.Add(l.Per)
			line.Free = &free
			pace := float64(line.Spent) / max(now.Sub(first).Hours(), 1) // in an hour
			if end := now.Add(time.Duration(float64(line.Left) / pace * float64(time.Hour))); end.Before(free) {
				line.RunsOut = &end
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// text is the budget for people.
func (x budgetLine) text(connection string, zone *time.Location) string {
	name := "calls"
	if x.Limit != "" {
		name = x.Limit
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %s: %s of %s %s spent in %s", connection, count(x.Spent), count(x.Units), oneLine(name), took(time.Duration(x.Hours*float64(time.Hour))))
	switch {
	case x.Left == 0 && x.Free != nil:
		fmt.Fprintf(&b, "; used up until %s", stamp(*x.Free, zone))
	case x.RunsOut != nil:
		fmt.Fprintf(&b, "; at this pace it is used up at %s", stamp(*x.RunsOut, zone))
	}
	return b.String() + "\n"
}
