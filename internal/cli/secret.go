package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/safe"
)

type secretCmd struct {
	Set    secretSetCmd    `cmd:"" help:"Store a secret, sealed; the value is asked for, or read from standard input."`
	List   secretListCmd   `cmd:"" help:"List the secrets by name, and who uses them. Shows no values."`
	Rm     secretRmCmd     `cmd:"" help:"Remove a secret."`
	Rotate secretRotateCmd `cmd:"" help:"Make a new key and seal everything anew under it."`
	Reset  secretResetCmd  `cmd:"" help:"Remove all that is sealed, because its key is lost."`
}

type secretSetCmd struct {
	Name string `arg:"" help:"How tandem.yaml names it: NAME for $${secret:NAME}."`
}

type secretListCmd struct{}

type secretRmCmd struct {
	Name string `arg:"" help:"The name of the secret."`
}

type secretRotateCmd struct {
	Confirm bool `help:"End a rotation: check that the new key opens everything, and remove the old one."`
}

type secretResetCmd struct {
	Yes bool `help:"Really do it."`
}

// secretLine is one secret in tandem secret list -o json.
type secretLine struct {
	Secret      string     `json:"secret"`
	Set         bool       `json:"set"`
	Updated     *time.Time `json:"updated,omitempty"`
	Connections []string   `json:"connections"`
}

// rotationLine is tandem secret rotate -o json.
type rotationLine struct {
	Key     string `json:"key"` // fingerprint of the new one
	Was     string `json:"was,omitempty"`
	Values  int    `json:"values"`
	KeyFile string `json:"key_file,omitempty"`
	OldFile string `json:"old_key_file,omitempty"`
	Removed string `json:"removed,omitempty"`
}

// withSafe opens the safe that the configuration names, without needing any secret of it.
func (a *app) withSafe(ctx context.Context, how access, fn func(plan.Outline, *safe.Safe) error) (err error) {
	o, err := a.outline(ctx)
	if err != nil {
		return err
	}
	s, err := openDatabase(ctx, o.Database, how)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	kept, err := a.openSafe(ctx, s, o.KeyFile)
	if err != nil && (kept == nil || !errors.As(err, new(*safe.KeyError))) {
		return err
	}
	return fn(o, kept) // what needs the key says itself that it is missing
}

// Run stores a secret. It never stands on the command line, where others could read it.
func (c *secretSetCmd) Run(ctx context.Context, a *app) error {
	if err := secretName(c.Name); err != nil {
		return err
	}
	return a.withSafe(ctx, touch, func(o plan.Outline, kept *safe.Safe) error {
		value, err := a.askSecret(c.Name)
		if err != nil {
			return err
		}
		if err := kept.Set(ctx, c.Name, value); err != nil {
			return keyUsage(err)
		}
		users := o.Uses[c.Name]
		if a.json {
			return a.line(secretLine{Secret: c.Name, Set: true, Connections: nonNil(users)})
		}
		if len(users) == 0 {
			return a.print(fmt.Sprintf("stored %s; use it in %s as ${secret:%s}\n", c.Name, a.config, c.Name))
		}
		return a.print(fmt.Sprintf("stored %s, which %s uses; tandem check %s tries it\n", c.Name, joined(users), strings.Join(users, " ")))
	})
}

// keyUsage makes a missing key an error of configuration.
func keyUsage(err error) error {
	if missing, ok := errors.AsType[*safe.KeyError](err); ok {
		return &exitError{code: exitUsage, err: missing}
	}
	return err
}

// askSecret asks a person without showing what is typed, or reads all of standard input.
func (a *app) askSecret(name string) (string, error) {
	f, terminal := a.In.(*os.File)
	if !terminal || !isTerminal(a.In) {
		b, err := io.ReadAll(io.LimitReader(a.In, 64<<10))
		if err != nil {
			return "", fmt.Errorf("read the secret: %w", err)
		}
		return checkSecret(string(b))
	}
	fmt.Fprintf(a.Err, "Value of %s (not shown): ", name)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(a.Err)
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	return checkSecret(string(b))
}

// Run lists names and dates. It needs no key.
func (c *secretListCmd) Run(ctx context.Context, a *app) error {
	return a.withSafe(ctx, look, func(o plan.Outline, kept *safe.Safe) error {
		all, err := kept.List(ctx)
		if err != nil {
			return err
		}
		lines := secretLines(o, all)
		if a.json {
			for _, line := range lines {
				if err := a.line(line); err != nil {
					return err
				}
			}
			return nil
		}
		if len(lines) == 0 {
			return a.print("there are no secrets; tandem secret set NAME stores one\n")
		}
		var t table
		t.add("SECRET", "STORED", "USED BY")
		for _, line := range lines {
			stored := "not yet"
			if line.Updated != nil {
				stored = stamp(*line.Updated, nil)
			}
			t.add(line.Secret, stored, joined(line.Connections))
		}
		return a.print(t.text(""))
	})
}

// secretLines are the secrets that there are, and those that the file asks for besides.
func secretLines(o plan.Outline, all []safe.Secret) []secretLine {
	lines := make([]secretLine, 0, len(all))
	for _, x := range all {
		lines = append(lines, secretLine{Secret: x.Name, Set: true, Updated: &x.Updated, Connections: nonNil(o.Uses[x.Name])})
	}
	for _, name := range sortedKeys(o.Uses) {
		if !slices.ContainsFunc(all, func(x safe.Secret) bool { return x.Name == name }) {
			lines = append(lines, secretLine{Secret: name, Connections: o.Uses[name]})
		}
	}
	return lines
}

func nonNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// Run removes a secret. It needs no key.
func (c *secretRmCmd) Run(ctx context.Context, a *app) error {
	return a.withSafe(ctx, touch, func(o plan.Outline, kept *safe.Safe) error {
		had, err := kept.Remove(ctx, c.Name)
		if err != nil {
			return err
		}
		if !had {
			all, err := kept.List(ctx)
			if err != nil {
				return err
			}
			var names []string
			for _, x := range all {
				names = append(names, x.Name)
			}
			return unknown("secret", c.Name, names)
		}
		if users := o.Uses[c.Name]; len(users) > 0 {
			a.warnf("%s still asks for it, and cannot be used without it", joined(users))
		}
		if a.json {
			return a.line(secretLine{Secret: c.Name, Connections: nonNil(o.Uses[c.Name])})
		}
		return a.print("removed " + c.Name + "\n")
	})
}

// Run changes the key, or ends such a change.
func (c *secretRotateCmd) Run(ctx context.Context, a *app) error {
	return a.withSafe(ctx, touch, func(_ plan.Outline, kept *safe.Safe) error {
		if c.Confirm {
			return confirmRotation(ctx, a, kept)
		}
		r, err := kept.Rotate(ctx)
		if err != nil {
			return keyUsage(err)
		}
		if a.json {
			return a.line(rotationLine{Key: r.To, Was: r.From, Values: r.Values, KeyFile: r.File, OldFile: r.OldFile})
		}
		return a.print(a.rotationText(r))
	})
}

func confirmRotation(ctx context.Context, a *app, kept *safe.Safe) error {
	removed, err := kept.Confirm(ctx)
	if err != nil {
		return keyUsage(err)
	}
	key, err := kept.Key(ctx)
	if err != nil {
		return err
	}
	switch {
	case a.json:
		return a.line(rotationLine{Key: key, Removed: removed})
	case removed == "":
		return a.print("key " + key + " opens everything; there is no old key file\n")
	default:
		return a.print("key " + key + " opens everything; removed " + removed + "\n")
	}
}

// rotationText says what to do next.
func (a *app) rotationText(r safe.Rotation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s sealed anew under key %s, which is in %s\n\nNext:\n", plural(r.Values, "value is", "values are"), r.To, r.File)
	step := 0
	todo := func(format string, args ...any) {
		step++
		fmt.Fprintf(&b, "  %d. %s\n", step, fmt.Sprintf(format, args...))
	}
	env, err := a.environment()
	if err == nil {
		if text, set := env(safe.Variable); set && strings.TrimSpace(text) != "" {
			todo("%s has the old key: put in the content of %s, or remove the variable", safe.Variable, r.File)
		}
	}
	todo("copy %s to the safe place where you keep the key", r.File)
	todo("what runs goes on with the new key by itself, if it can read %s; else restart it", r.File)
	if r.OldFile != "" {
		todo("the old key is in %s: backups of the database made before need it, so keep it with them", r.OldFile)
		todo("tandem secret rotate --confirm   checks the new key and removes the old one here")
	}
	return b.String()
}

// Run removes what nobody can open any more.
func (c *secretResetCmd) Run(ctx context.Context, a *app) error {
	if !c.Yes {
		return usage("this removes every secret and every authorization from the database, for good; it is meant for a key that is lost. --yes does it")
	}
	return a.withSafe(ctx, touch, func(o plan.Outline, kept *safe.Safe) error {
		n, err := kept.Reset(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.line(rotationLine{Values: n})
		}
		var text strings.Builder
		fmt.Fprintf(&text, "removed %s\n", plural(n, "sealed value", "sealed values"))
		for _, name := range sortedKeys(o.Uses) {
			fmt.Fprintf(&text, "  tandem secret set %s\n", name)
		}
		return a.print(text.String() + "Connections that a person authorized are to be authorized again: tandem connections authorize NAME\n")
	})
}
