package console

import (
	"net/http"
	"slices"

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
	n := account.NewUser{Name: r.PostFormValue("name"), Role: account.Role(r.PostFormValue("role")), Password: r.PostFormValue("password")}
	note(r, cutTo(n.Name, 64), string(n.Role))
	n.Invited = n.Password == "" && c.hub.Plan().Console.OIDC != nil
	if _, err := c.accounts.Add(r.Context(), n); err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "added")
}

// person returns who a request's path names, and notes it.
func (c *console) person(r *http.Request) (account.Person, error) {
	id, err := number(r, "id")
	if err != nil {
		return account.Person{}, err
	}
	all, err := c.accounts.List(r.Context())
	if err != nil {
		return account.Person{}, err
	}
	i := slices.IndexFunc(all, func(p account.Person) bool { return p.ID == id })
	if i < 0 {
		return account.Person{}, errNotFound()
	}
	note(r, all[i].Name, "")
	return all[i], nil
}

func (c *console) changeRole(w http.ResponseWriter, r *http.Request) error {
	p, err := c.person(r)
	if err != nil {
		return err
	}
	role := account.Role(r.PostFormValue("role"))
	note(r, p.Name, string(p.Role)+" -> "+cutTo(string(role), 20))
	if err := c.accounts.SetRole(r.Context(), p.ID, role); err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "role")
}

func (c *console) resetPassword(w http.ResponseWriter, r *http.Request) error {
	p, err := c.person(r)
	if err != nil {
		return err
	}
	if err := c.accounts.SetPassword(r.Context(), p.ID, r.PostFormValue("password")); err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "reset")
}

func (c *console) removePerson(w http.ResponseWriter, r *http.Request) error {
	p, err := c.person(r)
	if err != nil {
		return err
	}
	if err := c.accounts.Remove(r.Context(), p.ID); err != nil {
		return c.peopleAgain(w, r, err)
	}
	return c.redirect(w, "/settings/people", "removed")
}
