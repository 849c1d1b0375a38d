package console

import (
	"context"
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
	At       string // where each token is revoked
}

func (c *console) accountPage(r *http.Request) (accountPage, error) {
	who := visitOf(r).who
	data := accountPage{Me: who.Person, Wishes: wishesOf(who.Person), Least: account.LeastPassword, Here: who.Session, Now: c.now(), At: "/account/tokens"}
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
	next := r.PostFormValue("password")
	if next != r.PostFormValue("repeat") {
		note(r, visitOf(r).who.Name, "")
		return c.accountAgain(w, r, invalid("error.repeat"))
	}
	if _, err := c.exchange(w, r, r.PostFormValue("present"), next); err != nil {
		return c.accountAgain(w, r, err)
	}
	return c.redirect(w, "/account", "password")
}

// exchange gives the caller another password and this browser another session, and returns the token
// that its forms carry from now on.
func (c *console) exchange(w http.ResponseWriter, r *http.Request, present, next string) (string, error) {
	v := visitOf(r)
	note(r, v.who.Name, "")
	secret, err := c.accounts.ChangePassword(r.Context(), v.who, present, next, v.from)
	if err != nil {
		return "", err
	}
	c.setCookie(w, r, secret)
	return formToken(secret), nil
}

func (c *console) changeWishes(w http.ResponseWriter, r *http.Request) error {
	if err := c.setWishes(r.Context(), wishes{Language: r.PostFormValue("language"), Theme: r.PostFormValue("theme")}); err != nil {
		return c.accountAgain(w, r, err)
	}
	return c.redirect(w, "/account", "wishes")
}

// setWishes keeps how the caller wants to see the console.
func (c *console) setWishes(ctx context.Context, want wishes) error {
	who := visitIn(ctx).who
	noteIn(ctx, who.Name, "")
	known := want.Language == "" || slices.ContainsFunc(c.view.locales, func(l *locale) bool { return l.Tag() == want.Language })
	if !known || !slices.Contains([]string{"", "light", "dark"}, want.Theme) {
		return invalid("error.choice")
	}
	text, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("encode preferences: %w", err)
	}
	return c.accounts.SetWishes(ctx, who.ID, string(text))
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
	if err := c.signOutOf(r.Context(), id); err != nil {
		return err
	}
	return c.redirect(w, "/account", "session")
}

// signOutOf ends one of the caller's own sessions.
func (c *console) signOutOf(ctx context.Context, session int64) error {
	who := visitIn(ctx).who
	noteIn(ctx, who.Name, strconv.FormatInt(session, 10))
	had, err := c.accounts.SignOut(ctx, who.ID, session)
	if err == nil && !had {
		err = errNotFound()
	}
	return err
}

func (c *console) endSessions(w http.ResponseWriter, r *http.Request) error {
	if err := c.signOutOthers(r.Context()); err != nil {
		return err
	}
	return c.redirect(w, "/account", "sessions")
}

// signOutOthers ends the caller's own sessions but the present one.
func (c *console) signOutOthers(ctx context.Context) error {
	who := visitIn(ctx).who
	noteIn(ctx, who.Name, "")
	return c.accounts.SignOutOthers(ctx, who.ID, who.Session)
}

// lifetimes are for how many days a token can be given; 0 = until it is revoked.
func lifetimes() []string { return []string{"30", "90", "365", "0"} }

func (c *console) addToken(w http.ResponseWriter, r *http.Request) error {
	days := r.PostFormValue("days")
	n, err := strconv.Atoi(days)
	if err != nil || !slices.Contains(lifetimes(), days) {
		return c.accountAgain(w, r, invalid("error.choice"))
	}
	var rights []account.Right
	for _, name := range r.PostForm["right"] {
		rights = append(rights, account.Right(name))
	}
	word, _, err := c.giveToken(r.Context(), r.PostFormValue("name"), rights, n)
	if err != nil {
		return c.accountAgain(w, r, err)
	}
	data, err := c.accountPage(r)
	if err != nil {
		return err
	}
	data.Made = word
	return c.view.page(w, r, "account", data)
}

// giveToken makes a token of the caller's for so many days, or until it is revoked.
func (c *console) giveToken(ctx context.Context, name string, rights []account.Right, days int) (string, account.Token, error) {
	var expires time.Time
	if days > 0 {
		expires = c.now().AddDate(0, 0, days)
	}
	word, made, err := c.accounts.Grant(ctx, visitIn(ctx).who, name, rights, expires)
	if err == nil {
		noteIn(ctx, made.Name, fmt.Sprint(made.Rights))
	}
	return word, made, err
}

func (c *console) revokeToken(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r, "id")
	if err != nil {
		return err
	}
	if err := c.takeToken(r.Context(), visitOf(r).who.ID, id); err != nil {
		return err
	}
	return c.redirect(w, "/account", "revoked")
}

// takeToken revokes a token of a person.
func (c *console) takeToken(ctx context.Context, person, id int64) error {
	all, err := c.accounts.Tokens(ctx, person)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t account.Token) bool { return t.ID == id })
	if i < 0 {
		return errNotFound()
	}
	noteIn(ctx, all[i].Name, visitIn(ctx).target) // and whose it is, if somebody else revokes it
	_, err = c.accounts.Revoke(ctx, person, id)
	return err
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
