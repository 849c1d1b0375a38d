package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

// afresh opens all connections anew, with the secrets of now: a credential that was
// changed in the vault is used from the next turn on.
func (a *app) afresh(ctx context.Context, s *session, log *slog.Logger, see func(engine.Progress)) (*engine.Engine, error) {
	p, err := s.renewed(ctx)
	if err != nil {
		return nil, err
	}
	return a.openEngine(p, s.store, s.safe, log, see, nil)
}

// keepGrants renews what would die of not being used, and tells ahead what will end.
func (a *app) keepGrants(ctx context.Context, s *session, log *slog.Logger) {
	e, err := a.afresh(ctx, s, log, nil)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		log.Warn("authorizations could not be looked after", "error", err)
		return
	}
	for _, c := range s.plan.Connections {
		g := e.Grant(c.Name)
		if g == nil {
			continue
		}
		err := g.Keep(ctx)
		standing, serr := g.Standing(ctx)
		line := status.GrantOf(standing)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("the authorization could not be renewed", "connection", c.Name, "error", err)
		case serr != nil:
			log.Warn("the authorization could not be looked at", "connection", c.Name, "error", serr)
		case line.Pressing(time.Now()):
			log.Warn("the connection needs a person", "connection", c.Name, "problem", line.Problem, "ends", standing.Ends,
				"fix", "tandem connections authorize "+c.Name)
		}
	}
}

// grantText says what is to be known about a grant, and nothing if all is well.
func grantText(l *status.Grant, connection string, zone *time.Location, now time.Time) string {
	if !l.Pressing(now) {
		return ""
	}
	text := fmt.Sprintf("  %s: ", connection)
	switch {
	case l.Ends != nil && l.Problem != "":
		text += oneLine(l.Problem) + ", and it ends " + stamp(*l.Ends, zone)
	case l.Ends != nil:
		text += "its authorization ends " + stamp(*l.Ends, zone) + " unless it is used; tandem serve does that by itself"
	default:
		text += oneLine(l.Problem)
	}
	return text + "\n  tandem connections authorize " + connection + " asks a person to agree\n"
}

// addGrants adds how the grants stand, as far as that can be read: a status that says the
// rest is better than none.
func (a *app) addGrants(ctx context.Context, p *plan.Plan, s *store.Store, lines []status.Connection) {
	if !slices.ContainsFunc(p.Connections, func(c plan.Connection) bool { return c.Settings[connector.ClientID] != "" }) {
		return
	}
	kept, err := a.openSafe(ctx, s, p.KeyFile)
	if err != nil {
		a.warnf("%v", err)
		return
	}
	e, err := a.openEngine(p, s, kept, a.warnings(), nil, nil)
	if err != nil {
		a.warnf("%v", err)
		return
	}
	status.AddGrants(ctx, lines, e.Grant)
}
