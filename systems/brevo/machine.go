package brevo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// machine signs calls with tokens that the app gets for itself, without a person; see
// https://developers.brevo.com/docs/oauth-m2m-authentication
type machine struct {
	api                   rest.API
	client, secret, scope string

	mu    sync.Mutex
	token string
	until time.Time
}

// do makes a call with a token, and once more with a new one if that was refused: a refused
// call has done nothing.
func (m *machine) do(ctx context.Context, call rest.Call) (*rest.Response, error) {
	token, err := m.current(ctx, "")
	if err != nil {
		return &rest.Response{}, err
	}
	r, err := m.send(ctx, call, token)
	if r.Status != http.StatusUnauthorized {
		return r, err
	}
	if token, err = m.current(ctx, token); err != nil {
		return r, err
	}
	return m.send(ctx, call, token)
}

func (m *machine) send(ctx context.Context, call rest.Call, token string) (*rest.Response, error) {
	call.Header = http.Header{"Authorization": {"Bearer " + token}}
	return m.api.Do(rest.WithOwnCredential(ctx), call)
}

// current returns a token that is not the refused one and lasts for another minute.
func (m *machine) current(ctx context.Context, refused string) (string, error) {
	m.mu.Lock()
	token, until := m.token, m.until
	m.mu.Unlock()
	if token != "" && token != refused && time.Now().Add(time.Minute).Before(until) {
		return token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {m.client}, "client_secret": {m.secret}}
	if m.scope != "" {
		form.Set("scope", m.scope)
	}
	var answer struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	ctx = rest.WithSafe(rest.WithOwnCredential(ctx))
	_, err := m.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: tokenPath, Form: form, Into: &answer})
	switch connector.KindOf(err) {
	case "":
	case connector.Invalid, connector.Unauthorized, connector.NotFound:
		return "", &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Err: fmt.Errorf("get a token: %w", err),
			Fix: "are client_id and m2m_secret those of the app, and is m2m_scope one that it has?",
		}
	}
	if err != nil {
		return "", fmt.Errorf("get a token: %w", err)
	}
	if answer.Token == "" {
		return "", &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: errors.New("get a token: the answer holds none"),
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.token, m.until = answer.Token, time.Now().Add(time.Duration(answer.Expires)*time.Second)
	return m.token, nil
}
