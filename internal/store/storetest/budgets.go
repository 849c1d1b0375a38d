package storetest

import (
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

func budgetCases() map[string]func(*bench) {
	return map[string]func(*bench){"what was spent adds up by hour, as long as it counts": spentAddsUp}
}

func spentAddsUp(b *bench) {
	const day = 24 * time.Hour
	x := store.Spending{Name: "tokens", Per: day, Hour: at(0), Units: 10}
	later := x
	later.Hour = at(60)
	b.ok(b.s.AddSpent(b.ctx, "crm", []store.Spending{x, later}, at(60)))
	b.ok(b.s.AddSpent(b.ctx, "crm", []store.Spending{later}, at(60)))
	b.ok(b.s.AddSpent(b.ctx, "erp", []store.Spending{x}, at(60)))
	later.Units = 20
	got, err := b.s.SpentAt(b.ctx, "crm", at(61))
	b.ok(err)
	b.same("spent", []store.Spending{x, later}, got)
	got, err = b.s.SpentAt(b.ctx, "crm", at(0).Add(day))
	b.ok(err)
	b.same("a day later", []store.Spending{later}, got)
	b.ok(b.s.AddSpent(b.ctx, "crm", []store.Spending{x}, at(0).Add(40*day)))
	got, err = b.s.SpentAt(b.ctx, "crm", at(0))
	b.ok(err)
	b.same("forgotten", []store.Spending{}, got)
}
