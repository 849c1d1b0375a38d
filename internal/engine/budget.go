package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// recallBudgets tells a connection's limits what earlier processes have spent. The caller holds c.mu.
func (e *Engine) recallBudgets(ctx context.Context, c *conn) error {
	if c.budgeted || c.spec.Limits == nil {
		return nil
	}
	spent, err := e.store.SpentAt(ctx, c.plan.Name, time.Now())
	if err != nil {
		return err
	}
	before := make([]rest.Spending, len(spent))
	for i, s := range spent {
		before[i] = rest.Spending(s)
	}
	c.limits.Remember(before)
	c.budgeted = true
	return nil
}

// saveBudgets remembers what was spent, for later processes and for status. What cannot be
// remembered is only told.
func (e *Engine) saveBudgets(ctx context.Context) {
	for _, name := range slices.Sorted(maps.Keys(e.conns)) {
		var spent []store.Spending
		for _, s := range e.conns[name].limits.Fresh() {
			spent = append(spent, store.Spending(s))
		}
		if err := e.store.AddSpent(ctx, name, spent, time.Now()); err != nil {
			e.log.Warn("what was spent of the vendor's budget was not remembered", "connection", name, "error", err)
		}
	}
}

// exhausted reports whether a run had to end because a vendor's budget is used up for longer than a
// run waits, and until when. That is no failure: the next run goes on.
func exhausted(err error) (until time.Time, is bool) {
	e, is := errors.AsType[*connector.Error](err)
	if !is || e.Kind != connector.RateLimited || e.Wait <= patience {
		return time.Time{}, false
	}
	return time.Now().Add(e.Wait), true
}

// rests notes that the run leaves something to a later one until a vendor's budget has room again.
func (r *run) rests(until time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.resting.IsZero() || until.Before(r.resting) {
		r.resting = until
	}
	r.rec.Error = fmt.Sprintf("the vendor's budget is used up, or kept for what people do, until %s: %v", r.e.moment(until), err)
}

// moment writes a time in the zone of the configuration.
func (e *Engine) moment(t time.Time) string { return record.Moment(t, e.plan.Timezone) }

// later carries out what can wait: where the budget has no room for it, the run goes on without.
func (r *run) later(err error) error {
	until, is := exhausted(err)
	if !is {
		return err
	}
	r.rests(until, err)
	return nil
}
