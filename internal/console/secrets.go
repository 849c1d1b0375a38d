package console

import (
	"errors"
	"net/http"
	"slices"

	"github.com/tandemhub/tandem/internal/plan"
)

// secretsAt is the page of the secrets.
const secretsAt = "/settings/secrets"

type secretsPage struct {
	Secrets []secretLine
	Name    string // what was entered for one that is not among them; a value is never shown again
	Most    int    // bytes of a value
	Key     Key    // that they are sealed under
}

// A secretLine is a secret and what uses it.
type secretLine struct {
	Secret

	Of []secretUse
}

// A secretUse is one that uses a secret.
type secretUse struct {
	Name   string
	Path   string // of its page, if it is a connection
	SignIn bool   // it is no connection, but the identity provider
	Notify bool   // it is no connection, but the notifications
}

// Missing reports whether the configuration asks for it, and it was not set.
func (s secretLine) Missing() bool { return s.Updated.IsZero() }

func usesOf(p *plan.Plan, names []string) []secretUse {
	var all []secretUse
	for _, name := range names {
		use := secretUse{Name: name}
		if _, is := p.Connection(name); is {
			use.Path = "/connections/" + pathEscape(name)
		} else {
			use.SignIn, use.Notify = name == "console", name == "notify"
		}
		all = append(all, use)
	}
	return all
}

func (c *console) secretsPage(r *http.Request) (secretsPage, error) {
	data := secretsPage{Most: mostSecret}
	all, err := c.hub.Secrets(r.Context())
	for _, x := range all {
		data.Secrets = append(data.Secrets, secretLine{Secret: x, Of: usesOf(c.hub.Plan(), x.Uses)})
	}
	if err == nil {
		data.Key, err = c.hub.Key(r.Context())
	}
	return data, err
}

func (c *console) showSecrets(w http.ResponseWriter, r *http.Request) error {
	data, err := c.secretsPage(r)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "secrets", data)
}

// secretsAgain shows what is wrong with what was entered, but not the value.
func (c *console) secretsAgain(w http.ResponseWriter, r *http.Request, wrong error) error {
	p, ok := told(wrong, c.now())
	if errors.Is(wrong, ErrNoKey) {
		p, ok = &problem{status: http.StatusConflict, key: "error.nokey"}, true
	}
	if !ok || p.status == http.StatusNotFound {
		return wrong
	}
	data, err := c.secretsPage(r)
	if err != nil {
		return err
	}
	name := r.PostFormValue("name")
	if !slices.ContainsFunc(data.Secrets, func(s secretLine) bool { return s.Name == name }) {
		data.Name = cutTo(name, 64)
	}
	return c.view.again(w, r, p, "secrets", data)
}

func (c *console) setSecret(w http.ResponseWriter, r *http.Request) error {
	in := &sealInput{Named: Named{ID: r.PostFormValue("name")}}
	in.Body.Value = r.PostFormValue("value")
	if _, err := c.apiSeal(r.Context(), in); err != nil {
		return c.secretsAgain(w, r, err)
	}
	return c.redirect(w, secretsAt, "sealed")
}

func (c *console) removeSecret(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.apiUnseal(r.Context(), &Named{ID: r.PathValue("name")}); err != nil {
		return c.secretsAgain(w, r, err)
	}
	return c.redirect(w, secretsAt, "unsealed")
}
