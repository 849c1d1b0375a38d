package rest

import (
	"cmp"
	"slices"
	"time"
)

// budgetFrom is how long the time of a limit is from which it is a budget: what is spent of it is
// remembered beyond the process, and its end is kept for what people do.
const budgetFrom = time.Hour

// IsBudget reports whether a limit of that time is a budget.
func IsBudget(per time.Duration) bool { return per >= budgetFrom }

func (r *row) isBudget() bool { return r.limit.Units > 0 && IsBudget(r.limit.Per) }

// grain is the stretch of time by which what was spent of a budget is remembered: of a budget for
// an hour, by hours, nothing would be known of its end.
func grain(per time.Duration) time.Duration { return min(time.Hour, per/12) }

// Spending is what was spent of a budget in one hour, or in a part of one if the budget is for few.
type Spending struct {
	Name  string
	Per   time.Duration
	Hour  time.Time // when that hour, or part, began
	Units int
}

// Fresh returns what was spent of budgets since it was last called: it is to be remembered.
func (l *Limits) Fresh() []Spending {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Spending
	for name, p := range l.paces {
		for _, r := range p.rows {
			for hour, units := range r.fresh {
				all = append(all, Spending{name, r.limit.Per, hour, units})
			}
			r.fresh = nil
		}
	}
	slices.SortFunc(all, func(a, b Spending) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Per, b.Per), a.Hour.Compare(b.Hour))
	})
	return all
}

// Remember takes in what an earlier process has spent of budgets.
func (l *Limits) Remember(spent []Spending) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range spent {
		p := l.paces[s.Name]
		if p == nil {
			continue
		}
		for _, r := range p.rows {
			if r.isBudget() && r.limit.Per == s.Per {
				r.put(s.Hour, s.Units)
			}
		}
	}
}
