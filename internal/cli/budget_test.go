package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

func TestStatusSaysWhenABudgetIsUsedUp(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	limits := []connector.Limit{{Units: 10, Per: time.Second}, {Name: "tokens", Units: 1000, Per: day}}
	at := func(hours int, units int) store.Spending {
		return store.Spending{Name: "tokens", Per: day, Hour: now.Add(-time.Duration(hours) * time.Hour), Units: units}
	}
	for _, row := range []struct {
		name  string
		spent []store.Spending
		left  int
		says  string
	}{
		{"nothing was spent", nil, 1000, "0 of 1,000 tokens spent in 24 hours\n"},
		{"it lasts", []store.Spending{at(10, 100)}, 900, "100 of 1,000 tokens spent in 24 hours\n"},
		{"it does not last", []store.Spending{at(4, 400), at(1, 400)}, 200, "used up at 2026-03-04 13:00:00"},
		{"it is used up", []store.Spending{at(4, 1000)}, 0, "used up until 2026-03-05 08:00:00"},
		{"what is a day ago is free again", []store.Spending{at(24, 1000), at(2, 10)}, 990, "10 of 1,000"},
	} {
		got := status.Budgets(limits, row.spent, now)
		if len(got) != 1 || got[0].Left != row.left || !strings.Contains(budgetText(got[0], "crm", time.UTC), row.says) {
			t.Errorf("%s: %+v, %q", row.name, got, budgetText(got[0], "crm", time.UTC))
		}
	}
}
