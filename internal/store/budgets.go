package store

import (
	"context"
	"fmt"
	"time"
)

// sqlBudgets keeps what was spent of vendors' budgets, a small row for each hour or part of one.
func sqlBudgets() []string {
	return []string{`CREATE TABLE budgets (workspace {int}, connection {text}, name {text}, per {int}, hour {int}, units {int},
		PRIMARY KEY (workspace, connection, name, per, hour)){keyed}`}
}

// A Spending is what was spent of one budget of a connection's account in one hour, or a part of it.
type Spending struct {
	Name  string // of the limit
	Per   time.Duration
	Hour  time.Time
	Units int
}

// longestBudget is how long a spending is remembered.
const longestBudget = 32 * 24 * time.Hour

// AddSpent adds what was spent to what is remembered, and forgets what no budget asks for any more.
func (s *Store) AddSpent(ctx context.Context, connection string, spent []Spending, now time.Time) error {
	if len(spent) == 0 {
		return nil
	}
	return s.write(ctx, "remember what was spent at "+connection, func(t *tx) error {
		for _, x := range spent {
			_, err := t.exec(`INSERT INTO budgets (workspace, connection, name, per, hour, units) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (workspace, connection, name, per, hour) DO UPDATE SET units = budgets.units + excluded.units`,
				s.workspace, connection, x.Name, int64(x.Per), micros(x.Hour), x.Units)
			if err != nil {
				return err
			}
		}
		_, err := t.exec(`DELETE FROM budgets WHERE workspace = ? AND connection = ? AND hour < ?`, s.workspace, connection, micros(now.Add(-longestBudget)))
		return err
	})
}

// SpentAt returns what was spent of a connection's budgets, as far as it still counts, the oldest first.
func (s *Store) SpentAt(ctx context.Context, connection string, now time.Time) ([]Spending, error) {
	var all []Spending
	err := s.read(ctx, func(q runner) error {
		return q.each(ctx, `SELECT name, per, hour, units FROM budgets WHERE workspace = ? AND connection = ? ORDER BY hour, name, per`,
			args(s.workspace, connection), func(scan scanner) error {
				var x Spending
				var hour int64
				err := scan(&x.Name, &x.Per, &hour, &x.Units)
				if x.Hour = fromMicros(hour); x.Hour.Add(x.Per).After(now) {
					all = append(all, x)
				}
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read what was spent at %s: %w", connection, err)
	}
	return all, nil
}
