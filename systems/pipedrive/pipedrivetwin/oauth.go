package pipedrivetwin

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// The app that can be installed into the company.
const (
	clientID     = "7b2f6c1d9e0a4c35"
	clientSecret = "0d9f1c7e5b3a48266af0c4d2e8b71935c6aa40ff" //nolint:gosec // invented: it opens twins only
	accessLife   = 3599 * time.Second
	codeLife     = 5 * time.Minute
)

// grants are what the app was allowed.
type grants struct {
	access  map[string]time.Time // until when a token is good
	refresh map[string]bool
	codes   map[string]code
	serial  int
}

type code struct {
	redirect string
	expires  time.Time
}

// App returns the client id and secret of the app.
func (c *Company) App() (id, secret string) { return clientID, clientSecret }

// ExpireTokens ends all access tokens of the app now.
func (c *Company) ExpireTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.grants.access)
}

// Uninstall lets a person remove the app.
func (c *Company) Uninstall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.grants.access)
	clear(c.grants.refresh)
}

// oauth answers what oauth.pipedrive.com does; see
// https://pipedrive.readme.io/docs/marketplace-oauth-authorization
func (c *Company) oauth(r *request, what string) (int, any) {
	if what == "authorize" && r.Method == "GET" {
		return c.authorize(r)
	}
	if r.Method != "POST" || what != "token" && what != "revoke" {
		return c.unknown(r)
	}
	id, secret, ok := r.BasicAuth()
	if !ok || id != clientID || secret != clientSecret {
		return 401, denied("invalid_client", "the client id or secret is not valid")
	}
	body, _ := io.ReadAll(r.Body) // it is in memory
	form, err := url.ParseQuery(string(body))
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return 400, denied("invalid_request", "a form is wanted")
	}
	if what == "revoke" {
		if c.grants.refresh[form.Get("token")] { // the app is uninstalled
			clear(c.grants.access)
		}
		delete(c.grants.refresh, form.Get("token"))
		delete(c.grants.access, form.Get("token"))
		return 200, nil
	}
	return c.token(form, apiDomain(r.Host))
}

func denied(why, text string) map[string]any {
	return map[string]any{"success": false, "error": why, "error_description": text, "message": text}
}

// token gives tokens. A refresh token is replaced each time.
func (c *Company) token(form url.Values, address string) (int, any) {
	g := &c.grants
	switch form.Get("grant_type") {
	case "authorization_code":
		given, ok := g.codes[form.Get("code")]
		delete(g.codes, form.Get("code"))
		if !ok || !c.Now().Before(given.expires) || form.Get("redirect_uri") != given.redirect {
			return 400, denied("invalid_grant", "the code is not valid")
		}
	case "refresh_token":
		if !g.refresh[form.Get("refresh_token")] {
			return 400, denied("invalid_grant", "the refresh token is not valid")
		}
		delete(g.refresh, form.Get("refresh_token"))
	default:
		return 400, denied("unsupported_grant_type", "the grant type is not supported")
	}
	g.serial++
	access := fmt.Sprintf("v1u:AQIBAHj%04d-5d0b7c52-9b1e-4f7b-8a3d-0f00ba5e0000", g.serial)
	refresh := fmt.Sprintf("%d:%d:2a5496a8bdd0f829dcb09dc8ba82b188f0ea%04d", companyID, g.serial, g.serial)
	g.access[access], g.refresh[refresh] = c.Now().Add(accessLife), true
	return 200, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(accessLife.Seconds()), "refresh_token": refresh,
		"scope":      "base,contacts:full,deals:full,leads:full,activities:full,products:full,users:read,search:read,admin",
		"api_domain": address,
	}
}

// apiDomain is the company's own address, which a client goes on with: this machine's, where
// the twin is served there.
func apiDomain(host string) string {
	if name, _, _ := strings.Cut(host, ":"); name == "127.0.0.1" || name == "localhost" {
		return "http://" + host
	}
	return "https://" + domain + ".pipedrive.com"
}

// authorize is the page on which a person lets the app in; that person agrees at once.
// Scopes are fixed when an app is registered, so none are asked for here.
func (c *Company) authorize(r *request) (int, any) {
	q := r.query("client_id", "redirect_uri", "state", "response_type", "code_challenge", "code_challenge_method")
	back, err := url.Parse(q["redirect_uri"])
	if err != nil || back.Host == "" || q["client_id"] != clientID {
		return 400, denied("invalid_request", "the client id or the redirect address is not valid")
	}
	c.grants.serial++
	text := fmt.Sprintf("code%04d", c.grants.serial)
	c.grants.codes[text] = code{redirect: q["redirect_uri"], expires: c.Now().Add(codeLife)}
	answer := back.Query()
	answer.Set("code", text)
	if q["state"] != "" {
		answer.Set("state", q["state"])
	}
	back.RawQuery = answer.Encode()
	return http.StatusFound, redirect(back.String())
}

var _ twin.Granter = (*Company)(nil)
