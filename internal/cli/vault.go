package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
)

// openSafe opens the safe of a store. A key that is wanted and not there ends the command
// with 2: it is as if the configuration were wrong.
func (a *app) openSafe(ctx context.Context, s *store.Store, keyFile string) (*safe.Safe, error) {
	env, err := a.environment()
	if err != nil {
		return nil, err
	}
	kept, err := safe.Open(ctx, s, safe.Places{Env: env, File: keyFile}, func(text string) { a.warnf("%s", text) })
	if missing, ok := errors.AsType[*safe.KeyError](err); ok {
		return kept, &exitError{code: exitUsage, err: missing}
	}
	return kept, err
}

// vaultFor reads the vault of a database while the configuration is read. The database is
// open only for that long: what the command does with it is decided later.
func (a *app) vaultFor(ctx context.Context, env func(string) (string, bool)) func(database, keyFile string) (plan.Vault, error) {
	return func(database, keyFile string) (_ plan.Vault, err error) {
		s, err := openDatabase(ctx, database, look)
		if errors.Is(err, store.ErrOlder) {
			s, err = openDatabase(ctx, database, touch) // which brings it up to date: no command would get further
		}
		if err != nil {
			return nil, err
		}
		defer (&session{store: s}).close(&err)
		kept, err := safe.Open(ctx, s, safe.Places{Env: env, File: keyFile}, nil)
		if err != nil {
			return nil, err
		}
		all, err := kept.List(ctx)
		if err != nil {
			return nil, err
		}
		v := readVault{}
		for _, x := range all {
			var found looked
			found.value, _, found.err = kept.Secret(ctx, x.Name)
			v[x.Name] = found
		}
		return v, nil
	}
}

// A readVault is a plan.Vault: the secrets as they were when the configuration was read.
type readVault map[string]looked

type looked struct {
	value string
	err   error // why this one cannot be opened
}

// Names returns the names of all secrets.
func (v readVault) Names() []string { return sortedKeys(v) }

// Secret looks one up.
func (v readVault) Secret(name string) (string, bool, error) {
	x, found := v[name]
	return x.value, found, x.err
}

// renewed is the plan with the secrets of the vault as they are now.
func (s *session) renewed(ctx context.Context) (*plan.Plan, error) {
	return s.plan.Renewed(func(name string) (string, bool, error) { return s.safe.Secret(ctx, name) })
}

// outline reads what the configuration says about its vault, before the secrets that it
// asks for need be there.
func (a *app) outline(ctx context.Context) (plan.Outline, error) {
	d, err := a.document(ctx)
	if err != nil {
		return plan.Outline{}, err
	}
	env, err := a.environment()
	if err != nil {
		return plan.Outline{}, err
	}
	o, problems := plan.ParseOutline(d.name, d.text, env)
	if problems.HasErrors() {
		return plan.Outline{}, problemsError(problems)
	}
	if o.Database == "sqlite::memory:" {
		return o, usage("the database is in memory only, and forgets a secret at once; give it a file")
	}
	return o, nil
}

// secretName checks the name of a secret.
func secretName(name string) error {
	if !plan.IsSecretName(name) {
		return usage("%q cannot be the name of a secret: a letter, then letters, digits, _ and -", printable(name))
	}
	return nil
}

// checkSecret checks a value as the configuration will when it uses it.
func checkSecret(value string) (string, error) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "", usage("the secret is empty; nothing was stored")
	case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "", usage("the secret holds a line break or another control character; nothing was stored")
	}
	return value, nil
}
