package rest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// Limits keep all calls of one vendor account within the vendor's limits. One object is
// shared by every connection of the account (C5). A nil *Limits has none.
//
// A limit of so many units in a time is kept for every stretch of that length, wherever
// it begins: units may be spent at once, and each is free again when its time is over.
// Who comes first is served first, and before all others whom the vendor sent away.
type Limits struct {
	mu    sync.Mutex
	paces map[string]*pace
}

// pace is what there is under one name.
type pace struct {
	name  string
	until time.Time // paused until then
	turn  *gate     // held by who is next
	rows  []*row
}

// row is one limit and what was spent of it.
type row struct {
	limit connector.Limit
	slots *gate             // of calls under way; nil = no such limit
	spent []spend           // oldest first
	used  int               // sum of spent
	fresh map[time.Time]int // of a budget: spent by hour since that was last asked for
}

// spend is units spent from first to last, so close together that one entry does.
type spend struct {
	first, last time.Time
	units       int
}

// spends is how many entries a limit keeps at most; more would only be more exact.
const spends = 256

// NewLimits returns limits of which nothing is spent.
func NewLimits(limits []connector.Limit) *Limits {
	l := &Limits{}
	l.SetLimits(limits)
	return l
}

// SetLimits replaces the limits. What was spent of one that stays, by name and time, is
// remembered, and so are pauses.
func (l *Limits) SetLimits(limits []connector.Limit) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := map[string][]*row{}
	for name, p := range l.paces {
		old[name], p.rows = p.rows, nil
	}
	for _, limit := range limits {
		r := &row{}
		if i := slices.IndexFunc(old[limit.Name], func(r *row) bool { return r.limit.Per == limit.Per }); i >= 0 {
			r = old[limit.Name][i]
		}
		if r.limit.Concurrent != limit.Concurrent {
			r.slots = nil
			if limit.Concurrent > 0 {
				r.slots = newGate(limit.Concurrent)
			}
		}
		r.limit = limit
		p := l.pace(limit.Name)
		p.rows = append(p.rows, r)
	}
}

// pace returns what there is under a name. The caller holds the lock.
func (l *Limits) pace(name string) *pace {
	p := l.paces[name]
	if p == nil {
		p = &pace{name: name, turn: newGate(1)}
		if l.paces == nil {
			l.paces = map[string]*pace{}
		}
		l.paces[name] = p
	}
	return p
}

// Pause lets no call that costs something in the named limit begin for d; in the limit ""
// that is every call. It never shortens another pause. A call that would have to wait
// longer than two minutes does not wait: it gets a RateLimited [*connector.Error].
func (l *Limits) Pause(name string, d time.Duration) {
	if l == nil || d <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pace(name)
	if until := time.Now().Add(d); until.After(p.until) {
		p.until = until
	}
}

// Correct takes in what an answer said: of the named limit only remaining units are left
// for the time per (0 = the limit's own), because others use the account too. If more are
// left than was thought nothing changes: calls under way are not in the vendor's count.
func (l *Limits) Correct(name string, remaining int, per time.Duration) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.paces[name]
	if p == nil {
		return
	}
	r := p.nearest(per)
	if r == nil {
		return
	}
	now := time.Now()
	r.forget(now)
	others := r.limit.Units - r.used - max(remaining, 0)
	if others <= 0 {
		return
	}
	if per <= 0 || per > r.limit.Per {
		per = r.limit.Per
	}
	r.add(now.Add(per-r.limit.Per), others) // free again when per is over
}

// nearest returns the limit that a window of that length is meant for: the shortest one
// that is at least as long, else the longest; with 0 the first.
func (p *pace) nearest(per time.Duration) *row {
	var best *row
	for _, r := range p.rows {
		if r.limit.Units <= 0 || r.limit.Per <= 0 {
			continue
		}
		switch {
		case best == nil:
			best = r
		case per <= 0:
		case best.limit.Per < per && r.limit.Per > best.limit.Per,
			r.limit.Per >= per && r.limit.Per < best.limit.Per:
			best = r
		}
	}
	return best
}

// need is what one call takes of the limits under one name.
type need struct {
	*pace
	units int
}

// Wait returns when the limits have room for a call of that cost, and takes the room. The
// caller calls done when the call has ended. A wait that would outlast the context's
// deadline or two minutes is not begun: its error is a RateLimited [*connector.Error] that
// says how long it would be. If the context is cancelled Wait returns its error.
func (l *Limits) Wait(ctx context.Context, cost Cost) (done func(), err error) {
	nothing := func() {}
	if l == nil {
		return nothing, nil
	}
	needs, slots := l.needs(cost)
	if len(needs) == 0 {
		return nothing, nil
	}
	first := wasSentAway(ctx)
	taken := 0
	done = sync.OnceFunc(func() {
		for _, s := range slots[:taken] {
			s.leave()
		}
	})
	for _, s := range slots {
		if err := s.enter(ctx, first); err != nil {
			done()
			return nil, err
		}
		taken++
	}
	if err := l.spend(ctx, needs, first); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// needs returns what a cost means in limits that hold anything back at the moment, in the
// one order in which all calls take them: the special before the general, so that who
// waits for a special one holds up nobody else.
func (l *Limits) needs(cost Cost) ([]need, []*gate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var needs []need
	for name, p := range l.paces {
		units, stated := cost[name]
		if name == "" && !stated {
			units = 1
		}
		if units > 0 && (len(p.rows) > 0 || time.Now().Before(p.until)) {
			needs = append(needs, need{p, units})
		}
	}
	slices.SortFunc(needs, func(a, b need) int {
		if (a.name == "") != (b.name == "") {
			return len(b.name) - len(a.name)
		}
		return strings.Compare(a.name, b.name)
	})
	var slots []*gate
	for _, n := range needs {
		for _, r := range n.rows {
			if r.slots != nil {
				slots = append(slots, r.slots)
			}
		}
	}
	return needs, slots
}

// spend waits for its turn and for room in one limit after the other, and then spends in
// all of them at the same instant, so that the times written down are those of the call.
func (l *Limits) spend(ctx context.Context, needs []need, first bool) error {
	for i, n := range needs {
		if err := n.turn.enter(ctx, first); err != nil {
			return err
		}
		defer n.turn.leave()
		for {
			name, wait, reserved := l.try(needs[:i+1], i == len(needs)-1, priorityOf(ctx))
			if wait <= 0 {
				break
			}
			if reserved || wait > longestWait || beyond(ctx, wait) { // who may not use the rest of a budget holds up nobody
				return &connector.Error{
					Kind: connector.RateLimited, Scope: connector.ScopeConnection, Limit: name, Wait: wait,
					Err: fmt.Errorf("wait for the vendor's limit: there is room in about %s", record.Roughly(wait)),
				}
			}
			if err := sleep(ctx, wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// try spends, if it shall and there is room for all; else it returns which limit has the
// longest wait, and whether it is a share of a budget that is kept for calls of a higher priority.
func (l *Limits) try(needs []need, spend bool, p Priority) (name string, wait time.Duration, reserved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, n := range needs {
		d := n.until.Sub(now)
		for _, r := range n.rows {
			own := r.delay(now, n.units, p)
			reserved = reserved || p != Live && own > 0 && r.isBudget()
			d = max(d, own)
		}
		if d > wait {
			name, wait = n.name, d
		}
	}
	if wait > 0 || !spend {
		return name, wait, reserved
	}
	for _, n := range needs {
		for _, r := range n.rows {
			if r.limit.Units > 0 && r.limit.Per > 0 {
				r.add(now, min(n.units, r.limit.Units))
			}
		}
	}
	return "", 0, false
}

// delay returns how long it is until there is room for so many units. A call that costs
// more than all of the limit waits for all of it.
func (r *row) delay(now time.Time, units int, p Priority) time.Duration {
	if r.limit.Units <= 0 || r.limit.Per <= 0 {
		return 0
	}
	r.forget(now)
	most := r.limit.Units
	if r.isBudget() {
		most = p.share(most)
	}
	over := r.used + min(units, most) - most
	if over <= 0 {
		return 0
	}
	for _, s := range r.spent {
		if over -= s.units; over <= 0 {
			return s.last.Add(r.window()).Sub(now)
		}
	}
	return r.window()
}

// window is the limit's time and a little more, since two calls do not take equally long
// to arrive.
func (r *row) window() time.Duration {
	return r.limit.Per + min(r.limit.Per/50, 100*time.Millisecond)
}

// forget drops what is free again.
func (r *row) forget(now time.Time) {
	n := 0
	for n < len(r.spent) && !r.spent[n].last.Add(r.window()).After(now) {
		r.used -= r.spent[n].units
		n++
	}
	r.spent = slices.Delete(r.spent, 0, n)
}

func (r *row) add(at time.Time, units int) {
	if r.isBudget() {
		if r.fresh == nil {
			r.fresh = map[time.Time]int{}
		}
		r.fresh[at.UTC().Truncate(grain(r.limit.Per))] += units
	}
	r.put(at, units)
}

func (r *row) put(at time.Time, units int) {
	r.used += units
	if n := len(r.spent); n > 0 {
		last := &r.spent[n-1]
		if d := at.Sub(last.first); d >= 0 && d < r.limit.Per/spends {
			last.units += units
			if at.After(last.last) {
				last.last = at
			}
			return
		}
	}
	i, _ := slices.BinarySearchFunc(r.spent, at, func(s spend, at time.Time) int { return s.last.Compare(at) })
	r.spent = slices.Insert(r.spent, i, spend{at, at, units})
}
