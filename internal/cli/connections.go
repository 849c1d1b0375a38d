package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type connectionsCmd struct {
	List       connectionsListCmd `cmd:"" default:"withargs" help:"List the connections of the configuration."`
	Authorize  authorizeCmd       `cmd:"" help:"Ask a person to agree in a browser, for systems that want that (OAuth 2)."`
	Revoke     revokeCmd          `cmd:"" help:"Give back at the vendor what a person agreed to."`
	Disconnect disconnectCmd      `cmd:"" help:"Have a connection's vendor call here no more, and forget the address it called."`
}

type connectionsListCmd struct{}

// connectionLine is one connection in tandem connections -o json.
type connectionLine struct {
	Connection string   `json:"connection"`
	System     string   `json:"system"`
	URL        string   `json:"url"`
	Syncs      []string `json:"syncs"`
	Hook       string   `json:"hook,omitempty"` // where its vendor calls; whoever knows it can send what the connector then verifies
}

// Run lists what the configuration names. It calls nobody.
func (c *connectionsListCmd) Run(ctx context.Context, a *app) error {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	hooks, err := a.addresses(ctx, p)
	if err != nil {
		return err
	}
	var t table
	t.add("CONNECTION", "SYSTEM", "ADDRESS", "SYNCS")
	for _, conn := range p.Connections {
		line := connectionLine{Connection: conn.Name, System: conn.System, URL: conn.URL, Syncs: syncsOf(p, conn.Name), Hook: hooks[conn.Name]}
		if sys, err := a.system(conn.System); err == nil && line.URL == "" {
			line.URL = sys.Spec.BaseURL
		}
		if a.json {
			if err := a.line(line); err != nil {
				return err
			}
			continue
		}
		t.add(line.Connection, line.System, oneLine(line.URL), joined(line.Syncs))
	}
	if a.json {
		return nil
	}
	return a.print(t.text("") + a.hooksText(p, hooks))
}

// addresses returns where vendors call, by connection; none before the first tandem serve.
func (a *app) addresses(ctx context.Context, p *plan.Plan) (hooks map[string]string, err error) {
	if p.PublicURL == "" {
		return nil, nil
	}
	s, err := a.openStore(ctx, p, look)
	if err != nil {
		return nil, err
	}
	defer (&session{store: s}).close(&err)
	hooks = map[string]string{}
	for _, c := range p.Connections {
		d, found, err := s.Door(ctx, c.Name)
		if err != nil {
			return nil, fmt.Errorf("look for the doors: %w", err)
		}
		if found {
			hooks[c.Name] = door.Address(p.PublicURL, c.Name, d.Key)
		}
	}
	return hooks, nil
}

// hooksText tells people where vendors call, and what is left to them to do about it.
func (a *app) hooksText(p *plan.Plan, hooks map[string]string) string {
	var b strings.Builder
	for _, c := range p.Connections {
		if hooks[c.Name] == "" {
			continue
		}
		fmt.Fprintf(&b, "\n%s is called at %s\n", c.Name, hooks[c.Name])
		if sys, err := a.system(c.System); err == nil && sys.Spec.Door.Help != "" {
			fmt.Fprintf(&b, "  %s\n", oneLine(sys.Spec.Door.Help))
		}
	}
	return b.String()
}

type disconnectCmd struct {
	Connection string `arg:"" help:"Which connection."`
}

// Run takes back what the vendor was asked for and forgets the door. It needs the database to
// itself, because a server would ask the vendor anew.
func (c *disconnectCmd) Run(ctx context.Context, a *app) (err error) {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	if err := checkConnections(p, []string{c.Connection}); err != nil {
		return err
	}
	s, err := a.openPlan(ctx, p, own, nil)
	if err != nil {
		return err
	}
	defer s.close(&err)
	_, found, err := s.store.Door(ctx, c.Connection)
	if err != nil {
		return fmt.Errorf("look for the door: %w", err)
	}
	if !found {
		return a.print(c.Connection + " has no address that its vendor could call\n")
	}
	if err := unhook(ctx, s.store, s.engine, c.Connection); err != nil {
		return err
	}
	if err := s.store.CloseDoor(ctx, c.Connection); err != nil {
		return fmt.Errorf("forget the door: %w", err)
	}
	return a.print(c.Connection + " is called no more; tandem serve opens another address for it while it is in " + a.config + "\n")
}

// unhook has the vendor of a connection with a door call here no more.
func unhook(ctx context.Context, st *store.Store, e *engine.Engine, connection string) error {
	d, found, err := st.Door(ctx, connection)
	if err != nil {
		return fmt.Errorf("look for the door: %w", err)
	}
	if !found {
		return nil
	}
	sub := &door.Subscription{Connection: connection, Key: d.Key, Doors: st, Ready: func(ctx context.Context) (connector.Subscriber, error) {
		able, err := e.Ready(ctx, connection)
		return able.Subscriber, err
	}}
	if err := sub.Withdraw(ctx); err != nil {
		return fmt.Errorf("take back what the vendor was asked for: %w", err)
	}
	return nil
}

func syncsOf(p *plan.Plan, connection string) []string {
	names := []string{}
	for _, s := range p.Syncs {
		if s.Ends[0].Connection == connection || s.Ends[1].Connection == connection {
			names = append(names, s.Name)
		}
	}
	return names
}

type schemaCmd struct{}

// Run prints the JSON Schema of tandem.yaml, made from the same tables that read it.
func (c *schemaCmd) Run(a *app) error {
	b, err := plan.JSONSchema(a.specs())
	if err != nil {
		return err
	}
	return a.print(string(b) + "\n")
}

type versionCmd struct{}

// versionLine is tandem version -o json.
type versionLine struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
}

// Run prints what this build is. Go itself writes that into the program.
func (c *versionCmd) Run(a *app) error {
	line := buildOf(debug.ReadBuildInfo())
	if a.json {
		return a.line(line)
	}
	text := "tandem " + line.Version
	if line.Commit != "" {
		text += " (" + line.Commit + ")"
	}
	return a.print(text + ", " + line.Go + "\n")
}

func buildOf(info *debug.BuildInfo, ok bool) versionLine {
	line := versionLine{Version: "dev"}
	if !ok {
		return line
	}
	line.Go = info.GoVersion
	if v := info.Main.Version; v != "" && v != "(devel)" {
		line.Version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			line.Commit = s.Value[:12]
		}
	}
	return line
}
