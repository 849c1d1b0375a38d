package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
)

const (
	// awayFor is how long somebody may take at the identity provider.
	awayFor  = 10 * time.Minute
	mostAway = 1000 // people at the same time; when there are more, who left first is forgotten

	awayCookie       = "tandem_away"
	secureAwayCookie = "__Host-tandem_away"
)

// An outside is the way in by an identity provider: the authorization code flow with PKCE,
// https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
type outside struct {
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider // of issuer, once it has answered
	issuer   string
	away     map[string]departure // by state
}

// A departure is what is remembered of somebody who is at the identity provider.
type departure struct {
	at       time.Time
	nonce    string
	verifier string
	browser  string // hash of the cookie: who comes back is who left
	next     string
	redirect string
}

func newOutside(client *http.Client, now func() time.Time) *outside {
	return &outside{client: client, now: now, away: map[string]departure{}}
}

// find returns the provider of an issuer. What it says of itself is asked for once, when
// somebody wants in: it may be down when we start.
func (o *outside) find(ctx context.Context, issuer string) (*oidc.Provider, error) {
	o.mu.Lock()
	known := o.provider
	if o.issuer != issuer {
		known = nil
	}
	o.mu.Unlock()
	if known != nil {
		return known, nil
	}
	// Its keys are asked for later, by this context: it must not end with the request.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client), issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the identity provider %s about itself: %w", issuer, err)
	}
	o.mu.Lock()
	o.provider, o.issuer = p, issuer
	o.mu.Unlock()
	return p, nil
}

// leave remembers who goes.
func (o *outside) leave(state string, d departure) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := state
	for s, x := range o.away {
		if o.now().Sub(x.at) > awayFor {
			delete(o.away, s)
		} else if first == state || x.at.Before(o.away[first].at) {
			first = s
		}
	}
	if len(o.away) >= mostAway {
		delete(o.away, first)
	}
	o.away[state] = d
}

// back returns who comes back, once.
func (o *outside) back(state string) (departure, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, known := o.away[state]
	delete(o.away, state)
	return d, known && o.now().Sub(d.at) <= awayFor
}

func (c *console) oauth(p *oidc.Provider, k *plan.OIDC, redirect string) *oauth2.Config {
	scopes := []string{oidc.ScopeOpenID, "email", "profile"}
	return &oauth2.Config{ClientID: k.ClientID, ClientSecret: k.Secrets[plan.ClientSecret], Endpoint: p.Endpoint(), RedirectURL: redirect, Scopes: scopes}
}

// here is the address under which a browser has found us.
func (c *console) here(r *http.Request) string {
	if u := c.public(); u != nil && strings.EqualFold(hostOf(r.Host), u.Hostname()) {
		return u.Scheme + "://" + u.Host
	}
	return "http://" + r.Host
}

func (c *console) awayName(r *http.Request) string {
	if c.secure(r) {
		return secureAwayCookie
	}
	return awayCookie
}

func (c *console) setAway(w http.ResponseWriter, r *http.Request, value string, age time.Duration) {
	// Lax: the way back is a link of another site.
	//nolint:gosec // as with the session's, not Secure without TLS
	http.SetCookie(w, &http.Cookie{Name: c.awayName(r), Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, Secure: c.secure(r), SameSite: http.SameSiteLaxMode})
}

// goOutside sends a person to the identity provider.
func (c *console) goOutside(w http.ResponseWriter, r *http.Request) error {
	k := c.hub.Plan().Console.OIDC
	if k == nil {
		return errNotFound()
	}
	p, err := c.outside.find(r.Context(), k.Issuer)
	if err != nil {
		c.log.Warn("nobody can sign in by the identity provider", "error", err)
		return &problem{status: http.StatusBadGateway, key: "error.outside"}
	}
	var words [3]string
	for i := range words {
		if words[i], err = newNonce(); err != nil {
			return fmt.Errorf("make a state: %w", err)
		}
	}
	state, nonce, browser := words[0], words[1], words[2]
	d := departure{at: c.now(), nonce: nonce, verifier: oauth2.GenerateVerifier(), browser: formToken(browser), next: local(r.URL.Query().Get("next")),
		redirect: c.here(r) + "/login/oidc/callback"}
	c.outside.leave(state, d)
	c.setAway(w, r, browser, awayFor)
	http.Redirect(w, r, c.oauth(p, k, d.redirect).AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(d.verifier)), http.StatusSeeOther)
	return nil
}

// comeBack takes in who comes back.
func (c *console) comeBack(w http.ResponseWriter, r *http.Request) error {
	k := c.hub.Plan().Console.OIDC
	if k == nil {
		return errNotFound()
	}
	q := r.URL.Query()
	d, known := c.outside.back(q.Get("state"))
	cookie, err := r.Cookie(c.awayName(r))
	if !known || err != nil || formToken(cookie.Value) != d.browser {
		return invalid("error.away")
	}
	c.setAway(w, r, "", -time.Second)
	if q.Get("error") != "" {
		return invalid("error.refused")
	}
	o, err := c.outsider(r, k, d)
	if err != nil {
		c.log.Warn("somebody came back from the identity provider and could not be taken in", "error", err)
		return &problem{status: http.StatusBadGateway, key: "error.outside"}
	}
	note(r, o.Name, o.Issuer)
	entry, err := c.accounts.SignInOutsider(r.Context(), o, visitOf(r).from)
	if errors.Is(err, account.ErrStranger) {
		c.log.Warn("the identity provider knows somebody who has no account here", "name", o.Name, "error", err)
		return invalid("error.stranger")
	}
	if err != nil {
		return c.asked(err)
	}
	return c.enter(w, r, entry, d.next)
}

// idClaims are what we read of an ID token, beside the groups.
type idClaims struct {
	Name     string `json:"preferred_username"`
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
}

// outsider exchanges the code and finds out who it stands for.
func (c *console) outsider(r *http.Request, k *plan.OIDC, d departure) (account.Outsider, error) {
	ctx := oidc.ClientContext(r.Context(), c.outside.client)
	p, err := c.outside.find(ctx, k.Issuer)
	if err != nil {
		return account.Outsider{}, err
	}
	token, err := c.oauth(p, k, d.redirect).Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(d.verifier))
	if err != nil {
		return account.Outsider{}, fmt.Errorf("exchange the code: %w", scrubbed(err))
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: k.ClientID, Now: c.now}).Verify(ctx, raw)
	if err != nil {
		return account.Outsider{}, fmt.Errorf("verify the ID token: %w", err)
	}
	if id.Nonce != d.nonce {
		return account.Outsider{}, errors.New("the ID token is for another sign-in")
	}
	var claims idClaims
	if err := id.Claims(&claims); err != nil {
		return account.Outsider{}, fmt.Errorf("read the ID token: %w", err)
	}
	var all map[string]any
	if err := id.Claims(&all); err != nil {
		return account.Outsider{}, fmt.Errorf("read the ID token: %w", err)
	}
	o := account.Outsider{Issuer: id.Issuer, Subject: id.Subject, Name: claims.Name, Mapped: len(k.Roles) > 0, Role: roleOf(k.Roles, all[k.Groups])}
	if claims.Email != "" && (claims.Verified || claims.Name == "") {
		o.Name, o.Proven = claims.Email, claims.Verified
	}
	return o, nil
}

// scrubbed says what an identity provider refused without what it answered: that may quote what
// it was sent (invariant 9).
func scrubbed(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("the identity provider answered %s %s", refused.Response.Status, refused.ErrorCode)
	}
	return err
}

// roleOf returns the strongest role that somebody's groups give; "" = none. Most providers name
// them in an array, and some one in a text.
func roleOf(roles map[string]string, groups any) account.Role {
	var names []string
	switch groups := groups.(type) {
	case string:
		names = []string{groups}
	case []any:
		for _, g := range groups {
			if name, ok := g.(string); ok {
				names = append(names, name)
			}
		}
	}
	var best account.Role
	for group, role := range roles {
		if slices.Contains(names, group) && account.Role(role).Above(best) {
			best = account.Role(role)
		}
	}
	return best
}
