package status

import (
	"context"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/rest"
)

// A Budget is one budget of a vendor account, in tandem status -o json.
type Budget struct {
	Limit   string     `json:"limit"` // its name; "" = every call
	Units   int        `json:"units"`
	Hours   float64    `json:"hours"` // in which so many units may be spent
	Spent   int        `json:"spent"` // in the last such time, by every process
	Left    int        `json:"left"`
	RunsOut *time.Time `json:"runs_out,omitempty"` // at the present pace; absent if it lasts
	Free    *time.Time `json:"free,omitempty"`     // when something of what is spent is free again
}

// Budgets holds what was spent against the limits.
func Budgets(limits []connector.Limit, spent []store.Spending, now time.Time) []Budget {
	var lines []Budget
	for _, l := range limits {
		if l.Units <= 0 || !rest.IsBudget(l.Per) {
			continue
		}
		line := Budget{Limit: l.Name, Units: l.Units, Hours: l.Per.Hours()}
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
			least := min(time.Hour, l.Per/4) // what a burst spends in its first minutes is no pace
			pace := float64(line.Spent) / max(now.Sub(first), least).Hours()
			if end := now.Add(time.Duration(float64(line.Left) / pace * float64(time.Hour))); end.Before(free) {
				line.RunsOut = &end
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// BudgetsOf says what was spent of the budgets of one connection's account.
func BudgetsOf(ctx context.Context, s *store.Store, spec connector.Spec, c plan.Connection, known connector.Identity, now time.Time) ([]Budget, error) {
	if spec.Limits == nil {
		return nil, nil
	}
	spent, err := s.SpentAt(ctx, c.Name, now)
	if err != nil {
		return nil, err
	}
	return Budgets(spec.Limits(c.Settings, known), spent, now), nil
}
