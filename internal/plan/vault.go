package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
)

// Sources are where the values come from that do not stand in the file.
type Sources struct {
	// Env looks a variable up.
	Env func(name string) (string, bool)
	// Vault opens the vault of a database, whose key may be in a file. It is called at most
	// once, and only if the file asks for a secret. nil = there is no vault.
	Vault func(database, keyFile string) (Vault, error)
}

// A Vault holds secrets by name. Its errors hold none.
type Vault interface {
	Names() []string
	// Secret returns the secret of that name and whether there is one.
	Secret(name string) (string, bool, error)
}

// secretMark stands before the name of a secret of the vault: ${secret:NAME}.
const secretMark = "secret:"

// IsSecretName reports whether s can name a secret.
func IsSecretName(s string) bool { return validName(s) }

// vaultedName returns the name in a setting's text that is ${secret:NAME}.
func vaultedName(text string) (string, bool) {
	name, is := strings.CutPrefix(strings.TrimSpace(text), "${"+secretMark)
	if !is {
		return "", false
	}
	return strings.CutSuffix(name, "}")
}

// unlockWith has secrets of the vault looked up from now on: until the database is known,
// they cannot be.
func (r *reader) unlockWith(open func() (Vault, error)) {
	if open == nil {
		return
	}
	done := false
	var v Vault
	var err error
	r.vault = func() (Vault, error) {
		if !done {
			v, err = open()
			done = true
		}
		return v, err
	}
}

// vaulted looks a secret of the vault up. Its problems never quote one (invariant 9).
func (r *reader) vaulted(at place, name string) (string, bool) {
	switch {
	case !validName(name):
		r.fail(at, "a secret of the vault is written ${secret:NAME}: a letter, then letters, digits, _ and -")
		return "", false
	case r.vault == nil:
		text := "there is no vault here"
		if validVariable(name) {
			text += "; use an environment variable: ${" + name + "}"
		}
		r.fail(at, text)
		return "", false
	}
	v, err := r.vault()
	if err != nil {
		r.failOnce(at, "the vault cannot be opened: "+err.Error())
		return "", false
	}
	value, found, err := v.Secret(name)
	switch {
	case err != nil:
		r.fail(at, fmt.Sprintf("the secret %s cannot be read: %v", name, err))
		return "", false
	case !found:
		r.near(at, fmt.Sprintf("the vault has no secret %s; tandem secret set %s puts it there", name, name), nearest(name, v.Names()))
		return "", false
	}
	r.secrets = append(r.secrets, value)
	return value, true
}

// failOnce reports what is wrong for the whole file, at the first place that shows it.
func (r *reader) failOnce(at place, text string) {
	if !slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Text == text }) {
		r.fail(at, text)
	}
}

// An Outline is what a file says about its vault. It can be read before the secrets that
// the file asks for are there.
type Outline struct {
	Database string
	KeyFile  string
	Uses     map[string][]string // names of connections by secret, in file order; "console" and "notify" for what those use
}

// ParseOutline reads the outline of a configuration. Only what is wrong with that is a
// problem.
func ParseOutline(file string, src []byte, env func(string) (string, bool)) (Outline, Problems) {
	r := &reader{file: file, env: env}
	root, ok := r.document(src)
	if !ok {
		return Outline{}, r.finish()
	}
	d := r.blank()
	for _, k := range topKeys() {
		if n, has := root.get(k.name); has && (k.name == "database" || k.name == "key_file") {
			k.read(r, n, &d)
		}
	}
	o := Outline{Database: d.Database, KeyFile: d.KeyFile, Uses: map[string][]string{}}
	connections, _ := root.get("connections")
	users := connections.pairs
	for _, besides := range []string{"console", "notify"} {
		if value, has := root.get(besides); has {
			users = append(slices.Clip(users), pair{key: besides, value: value})
		}
	}
	for _, c := range users {
		c.value.walk(func(n node) {
			for rest := n.text; ; {
				_, after, found := strings.Cut(rest, "${"+secretMark)
				name, more, closed := strings.Cut(after, "}")
				if !found || !closed {
					return
				}
				if validName(name) && !slices.Contains(o.Uses[name], c.key) {
					o.Uses[name] = append(o.Uses[name], c.key)
				}
				rest = more
			}
		})
	}
	return o, r.finish()
}

// walk calls fn with every scalar below the node.
func (n node) walk(fn func(node)) {
	if n.shape == shapeScalar {
		fn(n)
	}
	for _, item := range n.items {
		item.walk(fn)
	}
	for _, p := range n.pairs {
		p.value.walk(fn)
	}
}

// Renewed returns the plan with the secrets of the vault looked up afresh, so that a
// credential can be changed while a process runs. A secret that is not there any more is
// left out: what needs it says so.
func (p *Plan) Renewed(look func(name string) (string, bool, error)) (*Plan, error) {
	fresh := *p
	fresh.Connections = slices.Clone(p.Connections)
	for i, c := range fresh.Connections {
		if len(c.Vaulted) == 0 {
			continue
		}
		secrets := maps.Clone(c.Secrets)
		for setting, name := range c.Vaulted {
			value, found, err := look(name)
			if err != nil {
				return nil, fmt.Errorf("look up the secret %s of connection %s: %w", name, c.Name, err)
			}
			delete(secrets, setting)
			if value = strings.TrimSpace(value); found && value != "" {
				secrets[setting] = value
			}
		}
		fresh.Connections[i].Secrets = secrets
	}
	return &fresh, nil
}

// oauthSettings are what a way to authenticate by OAuth 2 needs beside the person who
// agrees.
func oauthSettings(a connector.Auth) []connector.Setting {
	return []connector.Setting{
		{Name: connector.ClientID, Label: "Client ID", Help: "Of the app that you registered at the vendor; then \"tandem connections authorize\" asks a person to agree."},
		{Name: a.Setting, Label: "Client secret", Help: a.Help, Secret: true},
	}
}
