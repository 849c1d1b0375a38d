package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

type peoplePage struct {
	People  []account.Person
	Roles   []account.Role
	Least   int
	Outside bool   // there is an identity provider: a person can do without a password
	Name    string // what was entered
	Role    account.Role
}

func (c *console) peoplePage(r *http.Request) (peoplePage, error) {
	people, err := c.accounts.List(r.Context())
	return peoplePage{People: people, Roles: account.Roles(), Least: account.LeastPassword, Outside: c.hub.Plan().Console.OIDC != nil, Role: account.Viewer}, err
}

func (c *console) showPeople(w http.ResponseWriter, r *http.Request) error {
	data, err := c.peoplePage(r)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "people", data)
}

func (c *console) peopleAgain(w http.ResponseWriter, r *http.Request, wrong error) error {
	p, ok := told(wrong, c.now())
	if !ok {
		return wrong
	}
	data, err := c.peoplePage(r)
	if err != nil {
		return err
	}
	data.Name = r.PostFormValue("name")
	if role := account.Role(r.PostFormValue("role")); role.Known() {
		data.Role = role
	}
	return c.view.again(w, r, p, "people", data)
}

func (c *console) addPerson(w http.ResponseWriter, r *http.Request) error {
	_, err := c.invite(r.Context(), account.NewUser{Name: r.PostFormValue("name"), Role: account.Role(r.PostFormValue("role")), Password: r.PostFormValue("password")})
	if err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "added")
}

// invite adds a person: without a password, who signs in by the identity provider.
func (c *console) invite(ctx context.Context, n account.NewUser) (account.Person, error) {
	noteIn(ctx, cutTo(n.Name, 64), cutTo(string(n.Role), 20))
	n.Invited = n.Password == "" && c.hub.Plan().Console.OIDC != nil
	return c.accounts.Add(ctx, n)
}

// person returns who has a number, and notes it.
func (c *console) person(ctx context.Context, id int64) (account.Person, error) {
	all, err := c.accounts.List(ctx)
	if err != nil {
		return account.Person{}, err
	}
	i := slices.IndexFunc(all, func(p account.Person) bool { return p.ID == id })
	if i < 0 {
		return account.Person{}, errNotFound()
	}
	noteIn(ctx, all[i].Name, "")
	return all[i], nil
}

// toPerson does something to the person that a request's path names.
func toPerson(r *http.Request, act func(ctx context.Context, id int64) error) error {
	id, err := number(r, "id")
	if err != nil {
		return err
	}
	return act(r.Context(), id)
}

func (c *console) changeRole(w http.ResponseWriter, r *http.Request) error {
	err := toPerson(r, func(ctx context.Context, id int64) error {
		return c.setRole(ctx, id, account.Role(r.PostFormValue("role")))
	})
	if err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "role")
}

func (c *console) setRole(ctx context.Context, id int64, role account.Role) error {
	p, err := c.person(ctx, id)
	if err != nil {
		return err
	}
	noteIn(ctx, p.Name, string(p.Role)+" -> "+cutTo(string(role), 20))
	return c.accounts.SetRole(ctx, p.ID, role)
}

type tokensPage struct {
	Of     account.Person
	Tokens []account.Token
	Now    time.Time
	At     string // where each is revoked
}

// showTokens shows the tokens of somebody else, of which an administrator can revoke each.
func (c *console) showTokens(w http.ResponseWriter, r *http.Request) error {
	return toPerson(r, func(ctx context.Context, id int64) error {
		data := tokensPage{Now: c.now(), At: tokensAt(r)}
		var err error
		if data.Of, err = c.person(ctx, id); err != nil {
			return err
		}
		if data.Tokens, err = c.accounts.Tokens(ctx, id); err != nil {
			return err
		}
		return c.view.page(w, r, "tokens", data)
	})
}

// tokensAt is the page of the tokens of the person that a request's path names.
func tokensAt(r *http.Request) string {
	return "/settings/people/" + pathEscape(r.PathValue("id")) + "/tokens"
}

func (c *console) revokeTokenOf(w http.ResponseWriter, r *http.Request) error {
	err := toPerson(r, func(ctx context.Context, id int64) error {
		token, err := number(r, "token")
		if err == nil {
			_, err = c.apiTakeTokenOf(ctx, &tokenOfInput{Numbered: Numbered{ID: id}, Token: token})
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.redirect(w, tokensAt(r), "revoked")
}

func (c *console) resetPassword(w http.ResponseWriter, r *http.Request) error {
	err := toPerson(r, func(ctx context.Context, id int64) error { return c.setPassword(ctx, id, r.PostFormValue("password")) })
	if err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "reset")
}

func (c *console) setPassword(ctx context.Context, id int64, password string) error {
	p, err := c.person(ctx, id)
	if err != nil {
		return err
	}
	return c.accounts.SetPassword(ctx, p.ID, password)
}

func (c *console) removePerson(w http.ResponseWriter, r *http.Request) error {
	if err := toPerson(r, c.remove); err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "removed")
}

func (c *console) remove(ctx context.Context, id int64) error {
	p, err := c.person(ctx, id)
	if err != nil {
		return err
	}
	return c.accounts.Remove(ctx, p.ID)
}
