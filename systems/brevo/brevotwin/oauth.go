package brevotwin

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// The app to which a person can grant access; it may also get tokens for itself.
const (
	clientID     = "5d6f1c04-7c1b-4a63-9f0e-3b1d5c8e7a20"
	clientSecret = "twin-client-secret-3f7a" //nolint:gosec // invented: it opens twins only
	accessLife   = time.Hour
	refreshLife  = 30 * 24 * time.Hour
	codeLife     = 10 * time.Minute
)

// grants are what the app was allowed, each with its end.
type grants struct {
	codes, access, refresh map[string]time.Time
	redirects              map[string]string // by code
	serial                 int
}

func newGrants() grants {
	return grants{codes: map[string]time.Time{}, access: map[string]time.Time{}, refresh: map[string]time.Time{}, redirects: map[string]string{}}
}

func (g *grants) valid(token string, now time.Time) bool { return now.Before(g.access[token]) }

func (g *grants) mint(kind string) string {
	g.serial++
	return fmt.Sprintf("%s-%04d-5f0c7a529b1e4f7b8a3d", kind, g.serial)
}

// App returns the client id and secret of the app.
func (a *Account) App() (id, secret string) { return clientID, clientSecret }

// redirect is an answer that leads elsewhere.
type redirect string

// refusal is how the token endpoint says no.
func refusal(code string) (int, any) {
	return 400, map[string]string{"error": code, "error_description": "the request was refused"}
}

// oauth answers /realms/partner/oauth; see https://developers.brevo.com/docs/oauth-integration-guide
// and https://developers.brevo.com/docs/oauth-m2m-authentication
func (a *Account) oauth(r *request) (int, any) {
	switch r.Method + " " + r.URL.Path {
	case "GET /realms/partner/oauth/authorize":
		return a.authorize(r)
	case "POST /realms/partner/oauth/token":
		form, err := url.ParseQuery(string(r.body))
		if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			return refusal("invalid_request")
		}
		if form.Get("client_id") != clientID || form.Get("client_secret") != clientSecret {
			return 401, map[string]string{"error": "unauthorized_client", "error_description": "Invalid client or Invalid client credentials"}
		}
		return a.tokens(r, form)
	}
	return a.unknown(r)
}

func (a *Account) authorize(r *request) (int, any) {
	q := r.query("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != clientID || q.Get("response_type") != "code" {
		return refusal("invalid_request")
	}
	code := a.grants.mint("code")
	a.grants.codes[code], a.grants.redirects[code] = r.now.Add(codeLife), q.Get("redirect_uri")
	answer := back.Query()
	answer.Set("code", code)
	answer.Set("state", q.Get("state"))
	back.RawQuery = answer.Encode()
	return http.StatusFound, redirect(back.String())
}

func (a *Account) tokens(r *request, form url.Values) (int, any) {
	g := &a.grants
	alone := false
	switch form.Get("grant_type") {
	case "authorization_code":
		code := form.Get("code")
		good := r.now.Before(g.codes[code]) && g.redirects[code] == form.Get("redirect_uri")
		delete(g.codes, code)
		if !good {
			return refusal("invalid_grant")
		}
	case "refresh_token":
		if !r.now.Before(g.refresh[form.Get("refresh_token")]) {
			return refusal("invalid_grant")
		}
		delete(g.refresh, form.Get("refresh_token"))
	case "client_credentials":
		alone = true
		if scope := form.Get("scope"); scope != "" && scope != "all" && scope != "contacts" {
			return refusal("invalid_scope")
		}
	default:
		return refusal("unsupported_grant_type")
	}
	access := g.mint("access")
	g.access[access] = r.now.Add(accessLife)
	m := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(accessLife.Seconds()), "scope": "all"}
	if !alone {
		refresh := g.mint("refresh")
		g.refresh[refresh] = r.now.Add(refreshLife)
		m["refresh_token"], m["refresh_expires_in"] = refresh, int(refreshLife.Seconds())
	}
	return 200, m
}

var _ twin.Granter = (*Account)(nil)
