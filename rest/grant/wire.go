package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/tandemhub/tandem/connector"
)

// place returns a whole address: relative ones come after the connection's base, and with
// a base that was given every one goes to its origin (C9).
func place(o Options, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("it is none")
	}
	if !u.IsAbs() {
		return o.Base + "/" + strings.TrimPrefix(address, "/"), nil
	}
	if o.Given {
		base, err := url.Parse(o.Base)
		if err != nil {
			return "", errors.New("the base is none")
		}
		u.Scheme, u.Host, u.User = base.Scheme, base.Host, nil
	}
	return u.String(), nil
}

// An answer is what a vendor gave for a code or a refresh token.
type answer struct {
	*oauth2.Token
	extra map[string]any
}

func (g *Grant) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, g.client)
}

func (g *Grant) refresh(ctx context.Context, token string) (answer, error) {
	return answered(g.conf.TokenSource(g.context(ctx), &oauth2.Token{RefreshToken: token}).Token())
}

func (g *Grant) exchange(ctx context.Context, r *Request, code string) (answer, error) {
	return answered(g.conf.Exchange(g.context(ctx), code, oauth2.VerifierOption(r.verifier), redirectTo(r.redirect)))
}

func redirectTo(address string) oauth2.AuthCodeOption {
	return oauth2.SetAuthURLParam("redirect_uri", address)
}

func answered(t *oauth2.Token, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return answer{t, extraOf(t)}, nil
}

// tokens are those of an answer that was asked for at a time: our own clock decides when
// they end, whatever the vendor's shows.
func (a answer) tokens(asked time.Time) tokens {
	t := tokens{Access: a.AccessToken, Refresh: a.RefreshToken, Got: asked, Used: asked}
	life := time.Duration(a.ExpiresIn) * time.Second
	if life == 0 && !a.Expiry.IsZero() {
		life = time.Until(a.Expiry)
	}
	// Older servers of Zoho give milliseconds, and the seconds under this name.
	if s, ok := a.extra["expires_in_sec"].(float64); ok && s > 0 {
		life = time.Duration(s) * time.Second
	}
	if life > 0 {
		t.Expires = asked.Add(life)
	}
	return t
}

// extraOf returns what else the answer says, without anything that is or may be a secret.
func extraOf(t *oauth2.Token) map[string]any {
	extra := map[string]any{}
	for _, name := range []string{
		// Of Salesforce, Pipedrive, Bitrix24, HubSpot and Xero: who and where the account is.
		"instance_url", "api_instance_url", "id", "api_domain", "client_endpoint", "server_endpoint", "domain", "member_id",
		"user_id", "hub_id", "scope", "scopes", "realmId", "expires_in_sec",
	} {
		if v := t.Extra(name); v != nil && v != "" {
			extra[name] = v
		}
	}
	return extra
}

// tellConnector puts into the connection's memory what the answer says besides tokens. A
// connector may read it; if it cannot be written, the next answer says it again.
func (g *Grant) tellConnector(ctx context.Context, a answer) {
	b, err := json.Marshal(a.extra)
	if err != nil || len(a.extra) == 0 {
		return
	}
	if was, version, err := g.o.State.Get(ctx, Answer); err == nil && was != string(b) {
		_, _ = g.o.State.Put(ctx, Answer, string(b), version)
	}
}

// What vendors say when a refresh token or a code is worth nothing any more. HubSpot's
// first endpoints have a word of their own, and Zoho's word comes with status 200.
func deadCodes() []string {
	return []string{"invalid_grant", "BAD_REFRESH_TOKEN", "BAD_AUTH_CODE", "invalid_code", "invalid_refresh_token", "interaction_required", "consent_required"}
}

// What they say when it is the app that is at fault.
func clientCodes() []string {
	return []string{"invalid_client", "invalid_client_id", "invalid_client_secret", "unauthorized_client", "invalid_app_access"}
}

const compareClient = "compare " + connector.ClientID + " and the client's secret with what the vendor shows for your app"

// classify says what a failure to get tokens means, and whether the grant has ended with
// it. No text of it holds one of the secrets.
func (g *Grant) classify(err error, secrets ...string) (said *connector.Error, dead bool) {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		if known, ok := errors.AsType[*connector.Error](err); ok {
			return known, false
		}
		if address, ok := errors.AsType[*url.Error](err); ok {
			err = address.Err
		}
		text := g.hide(err.Error(), secrets)
		return &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: errors.New("get tokens: " + text)}, false
	}
	code, text := wordsOf(refused)
	e := &connector.Error{
		Kind: connector.Unauthorized, Scope: connector.ScopeConnection,
		Err: errors.New(g.hide(fmt.Sprintf("get tokens: %d %s", refused.Response.StatusCode, strings.TrimSpace(code+" "+text)), secrets)),
	}
	switch status := refused.Response.StatusCode; {
	case status == http.StatusTooManyRequests:
		e.Kind = connector.RateLimited
	case status >= 500, strings.Contains(text, "already being processed"):
		// Salesforce says the latter, as an invalid_grant, to the second of two at a time.
		e.Kind = connector.Unavailable
	case slices.Contains(deadCodes(), code):
		e.Fix, dead = strings.TrimSpace("run tandem connections authorize "+g.o.Name), true
	case slices.Contains(clientCodes(), code):
		e.Fix = compareClient
	default:
		e.Fix = strings.TrimSpace("see what the vendor says; it may help to run tandem connections authorize " + g.o.Name)
	}
	return e, dead
}

// wordsOf returns the code and the text of a refusal, as the standard has them or as
// vendors have them instead.
func wordsOf(refused *oauth2.RetrieveError) (code, text string) {
	code, text = refused.ErrorCode, refused.ErrorDescription
	if code == "" {
		var own struct{ Status, Code, Message string }
		if json.Unmarshal(refused.Body, &own) == nil {
			code, text = own.Status, own.Message
			if code == "" {
				code = own.Code
			}
		}
	}
	return short(code, 60), short(text, 200)
}

func short(s string, most int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if letters := []rune(s); len(letters) > most {
		s = string(letters[:most]) + "…"
	}
	return s
}

// hide takes secrets out of a text (invariant 9).
func (g *Grant) hide(text string, secrets []string) string {
	for _, s := range append(secrets, g.o.Secret) {
		if len(s) > 2 {
			text = strings.NewReplacer(s, "[secret]", url.QueryEscape(s), "[secret]").Replace(text)
		}
	}
	return text
}
