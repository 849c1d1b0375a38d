package rest

import (
	"context"
	"maps"
)

type (
	costKey struct{}
	safeKey struct{}
	tripKey struct{}
	awayKey struct{}
	ownKey  struct{}
	linkKey struct{}
)

// A Cost is what a call takes of the vendor's limits, in units by name of the limit.
type Cost map[string]int

// WithCost states what the calls made with ctx cost in a named limit; costs in several
// limits add up by calling it for each. In the limit "" every call costs 1 unless said
// otherwise; the costs in limits that the account does not have are nothing.
func WithCost(ctx context.Context, limit string, units int) context.Context {
	cost := maps.Clone(costOf(ctx))
	if cost == nil {
		cost = Cost{}
	}
	cost[limit] = units
	return context.WithValue(ctx, costKey{}, cost)
}

func costOf(ctx context.Context) Cost {
	cost, _ := ctx.Value(costKey{}).(Cost)
	return cost
}

// WithSafe says that the calls made with ctx change nothing at the vendor whatever their
// method, so that they may be repeated: a search or a batch read by POST.
func WithSafe(ctx context.Context) context.Context {
	return context.WithValue(ctx, safeKey{}, true)
}

func isSafe(ctx context.Context, method string) bool {
	switch method {
	case "", "GET", "HEAD", "OPTIONS":
		return true
	}
	safe, _ := ctx.Value(safeKey{}).(bool)
	return safe
}

// WithOwnCredential says that the calls made with ctx carry a credential of their own, or
// none: they are not signed with that of the connection.
func WithOwnCredential(ctx context.Context) context.Context {
	return context.WithValue(ctx, ownKey{}, true)
}

func hasOwnCredential(ctx context.Context) bool {
	own, _ := ctx.Value(ownKey{}).(bool)
	return own || followsLink(ctx)
}

// WithLink lets the calls made with ctx go where their address says, without any
// credential: to a link at another host, whose own query is its right to be read. Where
// the setting url replaces the vendor's address they go there like all others (C9).
func WithLink(ctx context.Context) context.Context {
	return context.WithValue(ctx, linkKey{}, true)
}

func followsLink(ctx context.Context) bool {
	link, _ := ctx.Value(linkKey{}).(bool)
	return link
}

// sentAway marks a request that the vendor answered with 429.
func sentAway(ctx context.Context) context.Context {
	return context.WithValue(ctx, awayKey{}, true)
}

func wasSentAway(ctx context.Context) bool {
	away, _ := ctx.Value(awayKey{}).(bool)
	return away
}

// A trip is what an API call and the client tell each other about one request. It is
// used by one goroutine.
type trip struct {
	asked    bool // the call wants the vendor's last answer, not the client's error about it
	streamed bool // the body is read piece by piece, so its length is no matter
	sent     bool // the vendor may have seen the last attempt
}

// withTrip begins a trip.
func withTrip(ctx context.Context, t *trip) context.Context {
	return context.WithValue(ctx, tripKey{}, t)
}

// tripOf returns the trip of ctx, or one that nobody looks at.
func tripOf(ctx context.Context) *trip {
	if t, ok := ctx.Value(tripKey{}).(*trip); ok {
		return t
	}
	return &trip{}
}

type briefKey struct{}

// WithBrief says that somebody waits for the calls made with ctx, and would rather hear that
// nothing answers than wait for it: a call without any answer is repeated once only.
func WithBrief(ctx context.Context) context.Context {
	return context.WithValue(ctx, briefKey{}, true)
}

func isBrief(ctx context.Context) bool {
	brief, _ := ctx.Value(briefKey{}).(bool)
	return brief
}

type priorityKey struct{}

// A Priority says which calls go first, and how much of a budget for an hour or longer they may
// use up (C5).
type Priority int

// The priorities.
const (
	Live     Priority = iota // what people do, and what follows from it: all of the budget
	Backfill                 // first listings, sweeps, refreshes: not the last fifth
	Verify                   // comparing what nobody has touched: not the last third
)

// WithPriority states the priority of the calls made with ctx; Live if nothing is said.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

func priorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}

// share is what calls of a priority may use of so many units.
func (p Priority) share(units int) int {
	switch p {
	case Backfill:
		return units - units/5
	case Verify:
		return units - units/3
	default:
		return units
	}
}
