package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/store"
)

type accountPage struct {
	Me       account.Person
	Wishes   wishes
	Least    int
	Sessions []store.Session
	Here     int64 // the session of this browser
	Tokens   []account.Token
	Rights   []account.Right // that a new token can have
	Made     string          // a new token, shown this once; "" = none
	Now      time.Time
}

func (c *console) accountPage(r *http.Request) (accountPage, error) {
	who := visitOf(r).who
	data := accountPage{Me: who.Person, Wishes: wishesOf(who.Person), Least: account.LeastPassword, Here: who.Session, Now: c.now()}
	data.Rights = slices.DeleteFunc(account.TokenRights(), func(x account.Right) bool { return !who.Can(x) })
	var err error
	if data.Sessions, err = c.accounts.Sessions(r.Context(), who.ID); err != nil {
		return data, err
	}
	data.Tokens, err = c.accounts.Tokens(r.Context(), who.ID)
	return data, err
}

func (c *console) showAccount(w http.ResponseWriter, r *http.Request) error {
	data, err := c.accountPage(r)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "account", data)
}

// accountAgain shows the page with what was wrong, if a person can do something about it.
func (c *console) accountAgain(w http.ResponseWriter, r *http.Request, wrong error) error {
	p, ok := told(wrong, c.now())
	if !ok {
		return wrong
	}
	data, err := c.accountPage(r)
	if err != nil {
		return err
	}
	return c.view.again(w, r, p, "account", data)
}

func (c *console) changePassword(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	note(r, v.who.Name, "")
	next := r.PostFormValue("password")
	if next != r.PostFormValue("repeat") {
		return c.accountAgain(w, r, invalid("error.repeat"))
	}
	secret, err := c.accounts.ChangePassword(r.Context(), v.who, r.PostFormValue("present"), next, v.from)
	if err != nil {
		return c.accountAgain(w, r, err)
	}
	c.setCookie(w, r, secret)
	return c.redirect(w, "/account", "password")
}

func (c *console) changeWishes(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	note(r, v.who.Name, "")
	want := wishes{Language: r.PostFormValue("language"), Theme: r.PostFormValue("theme")}
	known := want.Language == "" || slices.ContainsFunc(c.view.locales, func(l *locale) bool { return l.Tag() == want.Language })
	if !known || !slices.Contains([]string{"", "light", "dark"}, want.Theme) {
		return c.accountAgain(w, r, invalid("error.choice"))
	}
	text, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("encode preferences: %w", err)
	}
	if err := c.accounts.SetWishes(r.Context(), v.who.ID, string(text)); err != nil {
		return err
	}
	return c.redirect(w, "/account", "wishes")
}

// number returns the number in a request's path.
func number(r *http.Request, name string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, errNotFound()
	}
	return n, nil
}

func (c *console) endSession(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r, "id")
	if err != nil {
		return err
	}
	v := visitOf(r)
	note(r, v.who.Name, strconv.FormatInt(id, 10))
	had, err := c.accounts.SignOut(r.Context(), v.who.ID, id)
	if err != nil {
		return err
	}
	if !had {
		return errNotFound()
	}
	return c.redirect(w, "/account", "session")
}

func (c *console) endSessions(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	note(r, v.who.Name, "")
	if err := c.accounts.SignOutOthers(r.Context(), v.who.ID, v.who.Session); err != nil {
		return err
	}
	return c.redirect(w, "/account", "sessions")
}

// lifetimes are for how many days a token can be given; 0 = until it is revoked.
func lifetimes() []string { return []string{"30", "90", "365", "0"} }

func (c *console) addToken(w http.ResponseWriter, r *http.Request) error {
	v, days := visitOf(r), r.PostFormValue("days")
	if !slices.Contains(lifetimes(), days) {
		return c.accountAgain(w, r, invalid("error.choice"))
	}
	var expires time.Time
	if n, err := strconv.Atoi(days); err == nil && n > 0 {
		expires = c.now().AddDate(0, 0, n)
	}
	var rights []account.Right
	for _, name := range r.PostForm["right"] {
		rights = append(rights, account.Right(name))
	}
	word, made, err := c.accounts.Grant(r.Context(), v.who, r.PostFormValue("name"), rights, expires)
	if err != nil {
		return c.accountAgain(w, r, err)
	}
	note(r, made.Name, fmt.Sprint(made.Rights))
	data, err := c.accountPage(r)
	if err != nil {
		return err
	}
	data.Made = word
	return c.view.page(w, r, "account", data)
}

func (c *console) revokeToken(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r, "id")
	if err != nil {
		return err
	}
	who := visitOf(r).who
	all, err := c.accounts.Tokens(r.Context(), who.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t account.Token) bool { return t.ID == id })
	if i < 0 {
		return errNotFound()
	}
	note(r, all[i].Name, "")
	if _, err := c.accounts.Revoke(r.Context(), who.ID, id); err != nil {
		return err
	}
	return c.redirect(w, "/account", "revoked")
}

// device names the browser and the system that an agent tells of; most call themselves by each
// other's names too, so the order matters. What is not known is shown as it is.
func device(agent string) string {
	name := func(from []string) string {
		for i := 0; i < len(from); i += 2 {
			if strings.Contains(agent, from[i]) {
				return from[i+1]
			}
		}
		return ""
	}
	browser := name([]string{"Edg", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari"})
	system := name([]string{"Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS X", "macOS", "CrOS", "ChromeOS", "Linux", "Linux"})
	if browser == "" || system == "" {
		return cutTo(agent, 80)
	}
	return browser + ", " + system
}
