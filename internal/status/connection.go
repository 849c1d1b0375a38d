package status

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest/grant"
)

// A Connection is one connection in tandem status -o json.
type Connection struct {
	Connection string     `json:"connection"`
	System     string     `json:"system"`
	Health     string     `json:"health"` // one of the words below
	Account    string     `json:"account,omitempty"`
	Checked    *time.Time `json:"checked,omitempty"`
	Paused     string     `json:"paused,omitempty"`
	Grant      *Grant     `json:"grant,omitempty"` // of a connection that a person authorizes in a browser
	Hooks      *Hooks     `json:"hooks,omitempty"` // what its vendor reports by itself; absent if it cannot

	Budget []Budget `json:"budget,omitempty"` // limits of its account for a day or longer
}

// The healths of a connection.
const (
	OK        = "ok"
	Paused    = "paused"
	Unchecked = "unchecked"
	SignedOut = "signed out" // nobody grants access, or no more
)

// Hooks are what came of a vendor's reports, in tandem status -o json.
type Hooks struct {
	Heard     *time.Time `json:"heard,omitempty"`  // when something was last accepted
	Renew     *time.Time `json:"renew,omitempty"`  // until when the vendor will call
	Silent    *time.Time `json:"silent,omitempty"` // since when it is odd that nothing comes
	Visits    bool       `json:"visits,omitempty"` // the vendor comes to exchange records, and heard is when it last did
	Problem   string     `json:"problem,omitempty"`
	Accepted  int64      `json:"accepted"`
	Duplicate int64      `json:"duplicate"`
	Refused   int64      `json:"refused"`
	Busy      int64      `json:"busy"`
}

// Connections says how the connections of a plan stand. Grants and budgets are added by others, who
// have what that takes.
func Connections(ctx context.Context, p *plan.Plan, s *store.Store) ([]Connection, error) {
	known, err := s.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("load connections: %w", err)
	}
	return ConnectionsOf(ctx, p, s, known)
}

// ConnectionsOf is [Connections] for who has loaded what is known of them.
func ConnectionsOf(ctx context.Context, p *plan.Plan, s *store.Store, known []store.Connection) ([]Connection, error) {
	var lines []Connection
	var err error
	for _, c := range p.Connections {
		line := Connection{Connection: c.Name, System: c.System, Health: Unchecked}
		for _, k := range known {
			if k.Name != c.Name {
				continue
			}
			line.Health, line.Account, line.Paused = OK, k.Identity.Account, k.Paused
			if !k.CheckedAt.IsZero() {
				line.Checked = &k.CheckedAt
			}
			if k.Paused != "" {
				line.Health = Paused
			}
		}
		if line.Hooks, err = hooksOf(ctx, s, c.Name); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(known, func(k store.Connection) bool { return k.Name == c.Name }); i >= 0 && line.Hooks != nil {
			line.Hooks.Visits = slices.ContainsFunc(known[i].Schema.Objects, func(o record.Object) bool { return o.Hosted })
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// AddGrants adds how it stands with what people granted in a browser; of returns nil for a connection
// that nobody grants. Whatever the last check said, nothing is done there without.
func AddGrants(ctx context.Context, lines []Connection, of func(connection string) *grant.Grant) {
	for i := range lines {
		g := of(lines[i].Connection)
		if g == nil {
			continue
		}
		standing, err := g.Standing(ctx)
		if err != nil {
			lines[i].Grant = &Grant{Problem: err.Error()}
			continue
		}
		if lines[i].Grant = GrantOf(standing); !standing.Authorized {
			lines[i].Health = SignedOut
		}
	}
}

// hooksOf returns nil for a connection whose vendor cannot report.
func hooksOf(ctx context.Context, s *store.Store, connection string) (*Hooks, error) {
	d, found, err := s.Door(ctx, connection)
	if err != nil || !found {
		return nil, err
	}
	line := &Hooks{Problem: d.Problem, Accepted: d.Accepted, Duplicate: d.Duplicate, Refused: d.Refused, Busy: d.Busy}
	for _, x := range []struct {
		at time.Time
		to **time.Time
	}{{d.Heard, &line.Heard}, {d.Renew, &line.Renew}, {d.Silent, &line.Silent}} {
		if !x.at.IsZero() {
			*x.to = &x.at
		}
	}
	return line, nil
}
