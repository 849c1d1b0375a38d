package cli

import (
	"context"
	"runtime/debug"

	"github.com/tandemhub/tandem/internal/plan"
)

type connectionsCmd struct {
	List      connectionsListCmd `cmd:"" default:"withargs" help:"List the connections of the configuration."`
	Authorize authorizeCmd       `cmd:"" help:"Ask a person to agree in a browser, for systems that want that (OAuth 2)."`
	Revoke    revokeCmd          `cmd:"" help:"Give back at the vendor what a person agreed to."`
}

type connectionsListCmd struct{}

// connectionLine is one connection in tandem connections -o json.
type connectionLine struct {
	Connection string   `json:"connection"`
	System     string   `json:"system"`
	URL        string   `json:"url"`
	Syncs      []string `json:"syncs"`
}

// Run lists what the configuration names. It calls nobody.
func (c *connectionsListCmd) Run(ctx context.Context, a *app) error {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	var t table
	t.add("CONNECTION", "SYSTEM", "ADDRESS", "SYNCS")
	for _, conn := range p.Connections {
		line := connectionLine{Connection: conn.Name, System: conn.System, URL: conn.URL, Syncs: syncsOf(p, conn.Name)}
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
	return a.print(t.text(""))
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
