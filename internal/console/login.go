package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tandemhub/tandem/internal/account"
)

type loginPage struct {
	Name    string // what was entered
	Next    string // where to go afterwards; "" = home
	Outside bool   // there is an identity provider
}

func (c *console) loginPage(r *http.Request) loginPage {
	return loginPage{Next: local(r.FormValue("next")), Outside: c.hub.Plan().Console.OIDC != nil}
}

// local returns an address if it is one of this console: nobody is sent elsewhere by a link.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsAny(to, "\\\r\n\t") {
		return ""
	}
	return u.RequestURI()
}

func (c *console) showLogin(w http.ResponseWriter, r *http.Request) error {
	if visitOf(r).who.Somebody() {
		return c.redirect(w, "/", "")
	}
	fresh, err := c.accounts.NeedsSetup(r.Context())
	if err != nil {
		return err
	}
	if fresh {
		return c.redirect(w, "/setup", "")
	}
	return c.view.page(w, r, "login", c.loginPage(r))
}

func (c *console) signIn(w http.ResponseWriter, r *http.Request) error {
	v, name := visitOf(r), strings.TrimSpace(r.PostFormValue("name"))
	entry, err := c.accounts.SignIn(r.Context(), name, r.PostFormValue("password"), v.from)
	if err != nil {
		p, ok := told(err, c.now())
		if !ok {
			return err
		}
		if _, waits := errors.AsType[*account.WaitError](err); !waits { // or a flood of tries would be one of lines
			note(r, cutTo(name, 64), "")
		}
		data := c.loginPage(r)
		data.Name = name
		return c.view.again(w, r, p, "login", data)
	}
	note(r, entry.Name, "")
	return c.enter(w, r, entry, local(r.PostFormValue("next")))
}

// enter gives the browser its session and goes on to where the person wanted to be. What
// session it had before ends.
func (c *console) enter(w http.ResponseWriter, r *http.Request, entry account.Entry, next string) error {
	v := visitOf(r)
	if v.who.Session != 0 {
		if _, err := c.accounts.SignOut(r.Context(), v.who.ID, v.who.Session); err != nil {
			return err
		}
	}
	v.by = entry.Name
	c.setCookie(w, r, entry.Secret)
	if next == "" {
		next = "/"
	}
	return c.redirect(w, next, "")
}

func (c *console) signOut(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	note(r, v.who.Name, "")
	if _, err := c.accounts.SignOut(r.Context(), v.who.ID, v.who.Session); err != nil {
		return err
	}
	c.setCookie(w, r, "")
	return c.redirect(w, "/login", "")
}

type setupPage struct {
	Token string // of the link that the terminal shows
	Name  string
	Least int // characters of a password
}

func (c *console) showSetup(w http.ResponseWriter, r *http.Request) error {
	fresh, err := c.accounts.NeedsSetup(r.Context())
	if err != nil {
		return err
	}
	if !fresh {
		return c.redirect(w, "/login", "")
	}
	return c.view.page(w, r, "setup", setupPage{Token: r.URL.Query().Get("token"), Least: account.LeastPassword})
}

func (c *console) setUp(w http.ResponseWriter, r *http.Request) error {
	name, password := strings.TrimSpace(r.PostFormValue("name")), r.PostFormValue("password")
	data := setupPage{Token: r.PostFormValue("token"), Name: name, Least: account.LeastPassword}
	if password != r.PostFormValue("repeat") {
		return c.view.again(w, r, invalid("error.repeat"), "setup", data)
	}
	entry, err := c.accounts.SetUp(r.Context(), data.Token, name, password, visitOf(r).from)
	if errors.Is(err, account.ErrWrong) {
		note(r, cutTo(name, 64), "")
		return c.view.again(w, r, invalid("error.setup"), "setup", data)
	}
	if err != nil {
		p, ok := told(err, c.now())
		if !ok {
			return err
		}
		return c.view.again(w, r, p, "setup", data)
	}
	note(r, entry.Name, "")
	return c.enter(w, r, entry, "")
}
