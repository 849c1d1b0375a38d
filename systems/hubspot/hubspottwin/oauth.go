package hubspottwin

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// The app that can be installed into the account. Its secret is the one of the vendor's
// examples of signatures.
const (
	appID        = 1160452
	clientID     = "5d6f1c04-7c1b-4a63-9f0e-3b1d5c8e7a20"
	clientSecret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
	accessLife   = 30 * time.Minute
	codeLife     = 10 * time.Minute
)

// A credential is what came with a call.
type credential struct {
	scopes  map[string]bool // nil = all
	oauth   bool            // of the app, not the account's own token
	client  bool            // of the app alone, by its client credentials
	expires time.Time       // zero = never
	refresh string
}

// grants are what the app was allowed.
type grants struct {
	codes    map[string]consent
	refresh  map[string]map[string]bool // scopes by refresh token
	access   map[string]*credential
	rotate   bool
	declined bool
	serial   int
}

// A consent is what a person allowed on the consent page.
type consent struct {
	redirect, challenge string
	scopes              map[string]bool
	expires             time.Time
}

// App returns the client id and secret of the app.
func (a *Account) App() (id, secret string) { return clientID, clientSecret }

// Install lets a person install the app, past the consent page, and returns its refresh
// token; no scopes = all.
func (a *Account) Install(scopes ...string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var granted map[string]bool
	if len(scopes) > 0 {
		granted = scopeSet(strings.Join(scopes, " "))
	}
	return a.grants.remember(granted)
}

// Uninstall lets a person remove the app: none of its tokens is good any more.
func (a *Account) Uninstall() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.grants.refresh)
	clear(a.grants.access)
	clear(a.grants.codes)
}

// ExpireTokens ends all access tokens of the app now, as their time does.
func (a *Account) ExpireTokens() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.grants.access {
		if now := a.Now(); now.Before(c.expires) {
			c.expires = now
		}
	}
}

// RotateRefreshTokens sets whether every refresh gives a new refresh token and voids the
// old one. HubSpot's documentation does not say that it ever does.
func (a *Account) RotateRefreshTokens(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.grants.rotate = on
}

// DeclineConsent sets whether the person on the consent page says no.
func (a *Account) DeclineConsent(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.grants.declined = on
}

func newGrants() grants {
	return grants{codes: map[string]consent{}, refresh: map[string]map[string]bool{}, access: map[string]*credential{}}
}

func (g *grants) mint(prefix string) string {
	g.serial++
	return fmt.Sprintf("%s-%04d-5f0c7a52-9b1e-4f7b-8a3d-0f00ba5e0000", prefix, g.serial)
}

func (g *grants) remember(scopes map[string]bool) string {
	t := g.mint("eu1-refresh")
	g.refresh[t] = scopes
	return t
}

func scopeSet(text string) map[string]bool {
	out := map[string]bool{}
	for s := range strings.FieldsSeq(strings.ReplaceAll(text, ",", " ")) {
		out[s] = true
	}
	return out
}

// credential reads the Authorization header.
func (a *Account) credential(header string, now time.Time) (*credential, *failure) {
	if header == "Bearer "+token {
		return &credential{}, nil
	}
	if header == "" {
		return nil, fail(401, "INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 authentication.")
	}
	text, _ := strings.CutPrefix(header, "Bearer ")
	c := a.grants.access[text]
	if c == nil {
		return nil, fail(401, "INVALID_AUTHENTICATION", "The OAuth token used to make this call is invalid or has been revoked.")
	}
	if late := now.Sub(c.expires); late >= 0 {
		return nil, fail(401, "EXPIRED_AUTHENTICATION", fmt.Sprintf("The OAuth token used to make this call expired %d second(s) ago.", int(late.Seconds())))
	}
	return c, nil
}

// lacks answers a call for which the credential has not the scope.
func (r *request) lacks(scope string) *failure {
	if !r.account.lacking[scope] && (r.cred.scopes == nil || r.cred.scopes[scope]) {
		return nil
	}
	f := fail(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.")
	f.Errors = []detail{{
		Message: "One or more of the following scopes are required.",
		Context: map[string]any{"requiredGranularScopes": []string{scope}},
	}}
	return f
}

// badAuth is how the OAuth endpoints say no; see https://nango.dev/blog/hubspot-oauth-bad-refresh-token
// for the one of refresh tokens. The dated endpoints may answer otherwise, which is not
// documented.
func badAuth(status, message string) *failure {
	return &failure{code: 400, Status: status, Message: message}
}

// oauth answers /oauth/…; see
// https://developers.hubspot.com/docs/api-reference/latest/authentication/oauth-tokens/create-oauth-token
func (a *Account) oauth(r *request, parts []string) (int, any) {
	path := strings.Join(parts, "/")
	if path == "authorize" && r.Method == "GET" {
		return a.authorize(r)
	}
	version, rest, _ := strings.Cut(path, "/")
	legacy := version == "v1"
	if !legacy && version != "v3" && version != "2026-03" && version != "2026-09" {
		return a.unknown(r)
	}
	if kind, t, ok := strings.Cut(rest, "/"); legacy && ok && strings.HasSuffix(kind, "-tokens") {
		return a.tokenInfo(r, kind, t)
	}
	if r.Method != "POST" {
		return a.unknown(r)
	}
	form, f := r.form(legacy)
	if f != nil {
		return 0, f
	}
	switch {
	case rest == "token":
		return a.token(r, form)
	case rest == "token/introspect" && !legacy:
		return a.introspect(r, form)
	case rest == "token/revoke" && !legacy:
		if f := checkClient(form); f != nil {
			return 0, f
		}
		delete(a.grants.refresh, form["token"])
		return 204, nil
	}
	return a.unknown(r)
}

// form reads a form. Only the legacy endpoints look at the address, too.
func (r *request) form(legacy bool) (map[string]string, *failure) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, &failure{code: 415, Status: "error", Message: "Unsupported Media Type"}
	}
	body, _ := io.ReadAll(r.Body) // it is in memory
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid("Invalid form: " + err.Error())
	}
	if legacy {
		for name, v := range r.URL.Query() {
			values[name] = append(values[name], v...)
		}
	} else {
		r.query() // what stands there is noted
	}
	known := []string{
		"grant_type", "client_id", "client_secret", "code", "redirect_uri", "code_verifier", "refresh_token", "scope",
		"token", "token_type_hint",
	}
	form := map[string]string{}
	for name, v := range values {
		if !slices.Contains(known, name) {
			r.account.Unknown(r.Request, "parameter "+name)
		}
		form[name] = v[0]
	}
	return form, nil
}

func checkClient(form map[string]string) *failure {
	switch {
	case form["client_id"] != clientID:
		return badAuth("BAD_CLIENT_ID", "missing or unknown client id")
	case form["client_secret"] != clientSecret:
		return badAuth("BAD_CLIENT_SECRET", "missing or invalid client secret")
	}
	return nil
}

// token gives out tokens.
func (a *Account) token(r *request, form map[string]string) (int, any) {
	if f := checkClient(form); f != nil {
		return 0, f
	}
	g := &a.grants
	var refresh string
	var scopes map[string]bool
	switch form["grant_type"] {
	case "authorization_code":
		c, f := a.redeem(form, r.now)
		if f != nil {
			return 0, f
		}
		scopes, refresh = c.scopes, g.remember(c.scopes)
	case "refresh_token":
		var ok bool
		refresh = form["refresh_token"]
		if scopes, ok = g.refresh[refresh]; !ok {
			return 0, badAuth("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
		}
		if g.rotate {
			delete(g.refresh, refresh)
			refresh = g.remember(scopes)
		}
	case "client_credentials":
		scopes = scopeSet(form["scope"])
	default:
		return 0, badAuth("BAD_GRANT_TYPE", "missing or unknown grant type")
	}
	c := &credential{scopes: scopes, oauth: true, client: refresh == "", expires: r.now.Add(accessLife), refresh: refresh}
	access := g.mint("CNyKtwin")
	g.access[access] = c
	m := map[string]any{
		"access_token": access, "expires_in": int(accessLife.Seconds()), "token_type": "bearer",
		"token_use": "access_token", "hub_id": portalID, "user_id": 900001, "scopes": c.list(),
	}
	if c.client {
		m["token_use"] = "client_credentials"
		delete(m, "hub_id")
		delete(m, "user_id")
	} else {
		m["refresh_token"] = refresh
	}
	return 200, m
}

// list returns the scopes in order.
func (c *credential) list() []string {
	if c.scopes == nil {
		return []string{"oauth"}
	}
	return slices.Sorted(maps.Keys(c.scopes))
}

// redeem takes an authorization code, once.
func (a *Account) redeem(form map[string]string, now time.Time) (consent, *failure) {
	c, ok := a.grants.codes[form["code"]]
	delete(a.grants.codes, form["code"])
	switch {
	case !ok || !now.Before(c.expires):
		return c, badAuth("BAD_AUTH_CODE", "missing or unknown auth code")
	case form["redirect_uri"] != c.redirect:
		return c, badAuth("BAD_REDIRECT_URI", "missing or unknown redirect uri")
	}
	sum := sha256.Sum256([]byte(form["code_verifier"]))
	if c.challenge != "" && base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge {
		return c, badAuth("BAD_CODE_VERIFIER", "missing or invalid code verifier")
	}
	return c, nil
}

// authorize is the consent page. The person there agrees, or declines, at once.
func (a *Account) authorize(r *request) (int, any) {
	q := r.query("client_id", "redirect_uri", "scope", "optional_scope", "state", "code_challenge", "code_challenge_method", "response_type")
	back, err := url.Parse(q["redirect_uri"])
	local := err == nil && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, back.Hostname())
	switch {
	case q["client_id"] != clientID:
		return 0, badAuth("BAD_CLIENT_ID", "missing or unknown client id")
	case err != nil || back.Scheme != "https" && (back.Scheme != "http" || !local):
		return 0, badAuth("BAD_REDIRECT_URI", "missing or unknown redirect uri")
	case q["code_challenge"] != "" && q["code_challenge_method"] != "S256":
		return 0, badAuth("BAD_CODE_CHALLENGE", "the method must be S256")
	}
	answer := back.Query()
	if q["state"] != "" {
		answer.Set("state", q["state"])
	}
	if a.grants.declined {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "The user declined to authorize the application")
	} else {
		code := a.grants.mint("eu1-code")
		a.grants.codes[code] = consent{
			redirect: q["redirect_uri"], challenge: q["code_challenge"],
			scopes: scopeSet(q["scope"] + " " + q["optional_scope"]), expires: r.now.Add(codeLife),
		}
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	return http.StatusFound, redirect(back.String())
}

// A redirect is an answer that leads elsewhere.
type redirect string

// introspect tells what a token is. What it says is not documented beyond its names.
func (a *Account) introspect(r *request, form map[string]string) (int, any) {
	if f := checkClient(form); f != nil {
		return 0, f
	}
	if _, ok := a.grants.refresh[form["token"]]; ok {
		return 200, a.tells(a.grants.refresh[form["token"]], map[string]any{"active": true, "token": form["token"], "token_type": "refresh", "client_id": clientID})
	}
	c := a.grants.access[form["token"]]
	if c == nil || !r.now.Before(c.expires) {
		return 200, map[string]any{"active": false}
	}
	return 200, a.tells(c.scopes, map[string]any{
		"active": true, "token": form["token"], "token_type": "access", "app_id": appID, "expires_in": int(c.expires.Sub(r.now).Seconds()),
	})
}

func (a *Account) tells(scopes map[string]bool, m map[string]any) map[string]any {
	c := credential{scopes: scopes}
	m["hub_id"], m["user_id"], m["user"], m["hub_domain"], m["scopes"] = portalID, 900001, "admin@twin.example", "twin.example", c.list()
	return m
}

// tokenInfo answers the legacy GET and DELETE of /oauth/v1/{access|refresh}-tokens/{token}.
func (a *Account) tokenInfo(r *request, kind, t string) (int, any) {
	if kind == "access-tokens" && r.Method == "GET" {
		c := a.grants.access[t]
		if c == nil || !r.now.Before(c.expires) {
			return 0, &failure{code: 404, Status: "error", Message: "access token not found or expired"}
		}
		return 200, a.tells(c.scopes, map[string]any{"token": t, "token_type": "access", "app_id": appID, "expires_in": int(c.expires.Sub(r.now).Seconds())})
	}
	scopes, ok := a.grants.refresh[t]
	switch {
	case kind != "refresh-tokens" || r.Method != "GET" && r.Method != "DELETE":
		return a.unknown(r)
	case !ok:
		return 0, badAuth("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
	case r.Method == "DELETE":
		delete(a.grants.refresh, t) // its access tokens live on until they expire
		return 204, nil
	}
	return 200, a.tells(scopes, map[string]any{"token": t, "token_type": "refresh", "client_id": clientID})
}

var _ twin.Granter = (*Account)(nil)
