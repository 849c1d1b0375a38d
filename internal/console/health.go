package console

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/rest/grant"
)

// pathEscape makes a name a segment of an address.
func pathEscape(s string) string { return url.PathEscape(s) }

// A connectionView is how one connection stands.
type connectionView struct {
	status.Connection
	Title  string // of its system
	URL    string
	Known  bool      // it was checked once
	Name   string    // of the account, for people
	Read   time.Time // since when all that syncs use of it has been read to its end; zero = not yet
	Syncs  []string
	Asleep bool // all of its syncs are paused
	Ending bool // a person has to sign in again within days
}

// Path is the address of the connection's page.
func (v connectionView) Path() string { return "/connections/" + pathEscape(v.Connection.Connection) }

// State is the connection's health as the end of a key below "health.".
func (v connectionView) State() string {
	return keyOf(cmp.Or(v.Health, status.Unchecked))
}

// Badge is the class of its health's badge.
func (v connectionView) Badge() string {
	switch v.Health {
	case status.OK:
		return "badge-ok"
	case status.Paused, status.SignedOut:
		return "badge-fail"
	default:
		return "badge-wait"
	}
}

// A budgetView is a budget as it is drawn.
type budgetView struct {
	status.Budget
	Percent int
}

// Meter is the class of the drawing.
func (b budgetView) Meter() string {
	switch {
	case b.Left == 0:
		return "meter meter-fail"
	case b.RunsOut != nil || b.Percent >= 80:
		return "meter meter-wait"
	default:
		return "meter"
	}
}

// In is the time for which the budget is, in hours.
func (b budgetView) In() int { return int(b.Hours) }

// Budgets are those of its account.
func (v connectionView) Budgets() []budgetView {
	var all []budgetView
	for _, b := range v.Budget {
		all = append(all, budgetView{b, min(100, b.Spent*100/max(b.Units, 1))})
	}
	return all
}

// connectionViews says how all connections stand, from our own records.
func (c *console) connectionViews(ctx context.Context) ([]connectionView, error) {
	p, s := c.hub.Plan(), c.hub.Store()
	known, err := s.Connections(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := status.ConnectionsOf(ctx, p, s, known)
	if err != nil {
		return nil, err
	}
	objects, err := s.Objects(ctx)
	if err != nil {
		return nil, err
	}
	paused, err := s.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.addGrants(ctx, lines); err != nil {
		return nil, err
	}
	all := make([]connectionView, 0, len(lines))
	for i, line := range lines {
		v := connectionView{Connection: line, Title: line.System, URL: p.Connections[i].URL, Known: line.Checked != nil}
		v.Syncs = syncsAt(p, line.Connection)
		v.Asleep = len(v.Syncs) > 0 && !slices.ContainsFunc(v.Syncs, func(name string) bool { _, is := paused[name]; return !is })
		v.Read = readSince(p, line.Connection, objects)
		v.Ending = !line.Grant.EndsSoon(c.now()).IsZero()
		var identity connector.Identity
		if k := slices.IndexFunc(known, func(k store.Connection) bool { return k.Name == line.Connection }); k >= 0 {
			identity = known[k].Identity
		}
		v.Name = identity.Name
		if spec, has := c.specOf(line.System); has {
			v.Title = spec.Title
			if v.URL == "" {
				v.URL = spec.BaseURL
			}
			if v.Budget, err = status.BudgetsOf(ctx, s, spec, p.Connections[i], identity, c.now()); err != nil {
				return nil, err
			}
		}
		all = append(all, v)
	}
	return all, nil
}

// addGrants adds how it stands with what people granted in a browser.
func (c *console) addGrants(ctx context.Context, lines []status.Connection) error {
	grants, err := c.hub.Grants(ctx)
	if err != nil {
		return fmt.Errorf("look at what was granted: %w", err)
	}
	status.AddGrants(ctx, lines, func(connection string) *grant.Grant { return grants[connection] })
	return nil
}

// syncsAt are the syncs of which a connection is an end.
func syncsAt(p *plan.Plan, connection string) []string {
	var names []string
	for _, s := range p.Syncs {
		if s.Ends[0].Connection == connection || s.Ends[1].Connection == connection {
			names = append(names, s.Name)
		}
	}
	return names
}

// readSince returns when the read began that every object which a sync uses has at least had; the
// zero time if one was never read to its end.
func readSince(p *plan.Plan, connection string, objects map[store.Object]store.ObjectState) time.Time {
	var since time.Time
	for _, s := range p.Syncs {
		for _, end := range s.Ends {
			if end.Connection != connection {
				continue
			}
			read := objects[store.Object{Connection: connection, Name: end.Object}].Read
			if read.IsZero() {
				return time.Time{}
			}
			if since.IsZero() || read.Before(since) {
				since = read
			}
		}
	}
	return since
}

// notices are what somebody should know of the connection.
func (v connectionView) notices(now time.Time) []homeNotice {
	var all []homeNotice
	add := func(kind, text string) {
		all = append(all, homeNotice{Kind: kind, Of: v.Connection.Connection, Text: text, Path: v.Path()})
	}
	if v.Paused != "" {
		add("paused", v.Paused)
	}
	switch {
	case v.Health == status.SignedOut:
		add("signedout", v.Grant.Problem)
	case !v.Grant.EndsSoon(now).IsZero():
		all = append(all, homeNotice{Kind: "expiry", Of: v.Connection.Connection, At: *v.Grant.Ends, Path: v.Path()})
	case v.Grant.Pressing(now):
		add("grant", v.Grant.Problem)
	}
	if v.Hooks != nil && v.Hooks.Problem != "" {
		add("hooks", v.Hooks.Problem)
	}
	if v.Hooks != nil && v.Hooks.Silent != nil {
		add("silent", "")
	}
	if slices.ContainsFunc(v.Budget, func(b status.Budget) bool { return b.Left == 0 }) {
		add("spent", "")
	}
	return all
}

// lackWord is what a lack is of as the end of a key below "lack."; what nobody has foreseen is
// "other".
func lackWord(what string) string {
	if slices.Contains(lackWords(), what) {
		return what
	}
	return "other"
}

func lackWords() []string {
	return []string{"read", "create", "update", "delete", "schema", "files", "other"}
}
