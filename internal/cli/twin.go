package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

type twinCmd struct {
	System   string        `arg:"" help:"Which system."`
	Port     int           `default:"0" help:"Port on this machine; 0 takes a free one."`
	Rows     int           `default:"0" help:"So many invented companies, and three times as many people."`
	Latency  time.Duration `default:"0s" help:"How long every answer takes."`
	NoLimits bool          `help:"Answer however fast it is called."`
	Version  string        `help:"Version of the system, where several are simulated."`
	OAuth    bool          `name:"oauth" help:"Tell the settings of an app to which a person grants access: tandem connections authorize."`
}

// twinLine is tandem twin -o json.
type twinLine struct {
	System   string            `json:"system"`
	URL      string            `json:"url"`
	Settings map[string]string `json:"settings"`
	Rows     map[string]int    `json:"rows"`
}

// Run serves until the context ends. It answers on the loopback interface only: a twin
// has a known key and is no server for others.
func (c *twinCmd) Run(ctx context.Context, a *app) error {
	sys, err := a.system(c.System)
	if err != nil {
		return err
	}
	if sys.Twin == nil {
		return usage("there is no simulation of %s", sys.Spec.Title)
	}
	t := sys.Twin(twin.Options{Version: c.Version, Latency: c.Latency, NoLimits: c.NoLimits})
	settings, err := c.settings(sys.Spec, t)
	if err != nil {
		return err
	}
	if c.Rows > 0 {
		if err := seed(ctx, sys.Spec, t, c.Rows); err != nil {
			return err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("listen: %w; --port names another port", err)
	}
	line := twinLine{System: c.System, URL: "http://" + listener.Addr().String(), Settings: settings, Rows: map[string]int{}}
	for _, o := range t.Objects() {
		line.Rows[o] = len(t.Rows(o))
	}
	if a.json {
		err = a.line(line)
	} else {
		err = a.print(twinText(sys.Spec, line))
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return serveTwin(ctx, listener, t)
}

// settings are what a connection to the twin needs.
func (c *twinCmd) settings(spec connector.Spec, t twin.Twin) (map[string]string, error) {
	settings := maps.Clone(t.Settings())
	if !c.OAuth {
		return settings, nil
	}
	g, ok := t.(twin.Granter)
	i := slices.IndexFunc(spec.Auth, func(a connector.Auth) bool { return a.OAuth != nil })
	if !ok || i < 0 {
		return nil, usage("nobody grants access to the simulated %s in a browser; leave out --oauth", spec.Title)
	}
	for _, a := range spec.Auth {
		delete(settings, a.Setting) // the first way that is filled would be taken
	}
	settings[connector.ClientID], settings[spec.Auth[i].Setting] = g.App()
	return settings, nil
}

func serveTwin(ctx context.Context, listener net.Listener, t twin.Twin) error {
	web := &http.Server{Handler: t, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		stopped <- web.Shutdown(grace)
	})
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve: %w", err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// twinText is what to put into tandem.yaml and .env to talk to the twin.
func twinText(spec connector.Spec, line twinLine) string {
	var b, env strings.Builder
	fmt.Fprintf(&b, "A simulated %s answers at %s until you press Ctrl-C.\n\nIn tandem.yaml:\n\nconnections:\n  my_%s:\n    system: %s\n    url: %s\n",
		spec.Title, line.URL, line.System, line.System, line.URL)
	for _, name := range sortedKeys(line.Settings) {
		if secretSetting(spec, name) {
			variable := plan.EnvName(line.System, name)
			fmt.Fprintf(&b, "    %s: ${%s}\n", name, variable)
			fmt.Fprintf(&env, "%s=%s\n", variable, line.Settings[name])
			continue
		}
		fmt.Fprintf(&b, "    %s: %s\n", name, line.Settings[name])
	}
	if env.Len() > 0 {
		fmt.Fprintf(&b, "\nIn the file .env beside it:\n\n%s", env.String())
	}
	if line.Settings[connector.ClientID] != "" {
		fmt.Fprintf(&b, "\nThen: tandem connections authorize my_%s. Whoever opens the address that it shows agrees.\n", line.System)
	}
	var held []string
	for _, o := range sortedKeys(line.Rows) {
		if line.Rows[o] > 0 {
			held = append(held, count(line.Rows[o])+" "+o)
		}
	}
	if len(held) == 0 {
		held = []string{"nothing yet"}
	}
	b.WriteString("\nIt holds " + strings.Join(held, ", ") + ".\n")
	return b.String()
}

func secretSetting(spec connector.Spec, name string) bool {
	return slices.ContainsFunc(spec.Auth, func(a connector.Auth) bool { return a.Setting == name }) ||
		slices.ContainsFunc(spec.Settings, func(s connector.Setting) bool { return s.Name == name && s.Secret })
}

// schemaOf reads what a twin has, through the system's connector and in process.
func schemaOf(ctx context.Context, spec connector.Spec, t twin.Twin) (record.Schema, error) {
	settings, secrets := connector.Settings{}, map[string]string{}
	for name, v := range t.Settings() {
		if secretSetting(spec, name) {
			secrets[name] = v
		} else {
			settings[name] = v
		}
	}
	able, handle, err := rest.Open(spec, rest.OpenOptions{
		Settings: settings, Secrets: secrets, URL: "http://twin.invalid", Transport: twin.Transport(t),
	})
	if err != nil {
		return record.Schema{}, fmt.Errorf("open the twin: %w", err)
	}
	defer handle.Close()
	if able.Source == nil {
		return record.Schema{}, nil
	}
	schema, err := able.Source.Schema(ctx)
	if err != nil {
		return schema, fmt.Errorf("read the twin's fields: %w", err)
	}
	return schema, nil
}

// twinSchema is what a fresh account of a system has, as far as its simulation knows.
func twinSchema(ctx context.Context, sys connector.System) (record.Schema, error) {
	return schemaOf(ctx, sys.Spec, sys.Twin(twin.Options{NoLimits: true}))
}

// seed fills a twin with invented companies and people. It knows no system: the schema
// says which field holds a company's name.
func seed(ctx context.Context, spec connector.Spec, t twin.Twin, companies int) error {
	schema, err := schemaOf(ctx, spec, t)
	if err != nil {
		return err
	}
	var parents []string
	for _, o := range ofCommon(schema, "company") {
		for i := range companies {
			id, err := t.Put(o.Name, "", inventedCompany(i).fields(o, nil))
			if err != nil {
				return fmt.Errorf("invent a company: %w", err)
			}
			parents = append(parents, id)
		}
	}
	for _, o := range ofCommon(schema, "contact") {
		for i := range 3 * companies {
			if _, err := t.Put(o.Name, "", inventedPerson(i).fields(o, parents)); err != nil {
				return fmt.Errorf("invent a person: %w", err)
			}
		}
	}
	return nil
}

// ofCommon returns the objects of a kind in which records can be made.
func ofCommon(schema record.Schema, common string) []record.Object {
	return slices.DeleteFunc(slices.Clone(schema.Objects), func(o record.Object) bool { return o.Common != common || !o.Create })
}
