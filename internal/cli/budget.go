package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

// addBudgets says what was spent of the budgets of each connection's account.
func (a *app) addBudgets(ctx context.Context, p *plan.Plan, s *store.Store, lines []status.Connection) error {
	for i, c := range p.Connections {
		system, err := a.system(c.System)
		if err != nil || system.Spec.Limits == nil {
			continue
		}
		known, _, err := s.Connection(ctx, c.Name)
		if err != nil {
			return err
		}
		if lines[i].Budget, err = status.BudgetsOf(ctx, s, system.Spec, c, known.Identity, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// budgetText is a budget for people.
func budgetText(x status.Budget, connection string, zone *time.Location) string {
	name := "calls"
	if x.Limit != "" {
		name = x.Limit
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %s: %s of %s %s spent in %s", connection, count(x.Spent), count(x.Units), oneLine(name), plural(int(x.Hours), "hour", "hours"))
	switch {
	case x.Left == 0 && x.Free != nil:
		fmt.Fprintf(&b, "; used up until %s", stamp(*x.Free, zone))
	case x.RunsOut != nil:
		fmt.Fprintf(&b, "; at this pace it is used up at %s", stamp(*x.RunsOut, zone))
	}
	return b.String() + "\n"
}
