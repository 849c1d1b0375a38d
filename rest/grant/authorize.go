package grant

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/tandemhub/tandem/connector"
)

// A Request is one person's way through the vendor's pages.
type Request struct {
	URL string // where the person's browser goes

	redirect, state, verifier string
}

// ErrForeign is what Finish returns for an answer that belongs to no request of ours, or
// to another one. Whoever waits for the right one goes on waiting.
var ErrForeign = errors.New("the answer belongs to another request; open the address that was shown last")

// Begin begins the round trip. Redirect is the address that the vendor sends the browser
// back to; most want it registered, letter by letter.
func (g *Grant) Begin(redirect string) (*Request, error) {
	if g.o.ClientID == "" {
		return nil, &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Field: connector.ClientID,
			Fix: "set " + connector.ClientID, Err: errors.New("there is no app to authorize"),
		}
	}
	r := &Request{redirect: redirect, state: rand.Text(), verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(r.verifier), redirectTo(redirect)}
	for name, value := range g.o.OAuth.Extra {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	r.URL = g.conf.AuthCodeURL(r.state, options...)
	return r, nil
}

// Finish takes the answer that came back with the browser, exchanges its code for tokens
// and stores them.
func (g *Grant) Finish(ctx context.Context, r *Request, answer url.Values) error {
	if subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(r.state)) != 1 {
		return ErrForeign
	}
	if why := answer.Get("error"); why != "" {
		return g.unauthorized(fmt.Errorf("the vendor did not authorize it: %s",
			strings.TrimSpace(short(why, 60)+" "+short(answer.Get("error_description"), 200))))
	}
	code := answer.Get("code")
	if code == "" {
		return errors.New("the answer holds no code")
	}
	g.learn(code, r.verifier)
	done, err := g.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	was, err := g.load(ctx)
	if err != nil {
		return err
	}
	// A code works once: what it brings is stored even for somebody who leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	asked := time.Now().Round(0)
	got, err := g.exchange(ctx, r, code)
	if err != nil {
		said, _ := g.classify(err, code, r.verifier)
		return said
	}
	next := got.tokens(asked)
	g.learn(next.Access, next.Refresh)
	g.tellConnector(ctx, got)
	// It replaces whatever is there: a person has just decided so.
	for version := was.version; ; {
		_, err := g.store(ctx, next, version)
		if !errors.Is(err, connector.ErrStale) {
			return err
		}
		h, err := g.load(ctx)
		if err != nil {
			return err
		}
		version = h.version
	}
}

// Revoke gives the grant back to the vendor, where that is possible, and forgets it.
func (g *Grant) Revoke(ctx context.Context) error {
	done, err := g.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	h, err := g.load(ctx)
	if err != nil || h.version == 0 {
		return err
	}
	if err := g.takeBack(ctx, h); err != nil {
		return err
	}
	if _, err := g.o.State.Put(ctx, keyTokens, "", h.version); err != nil {
		return fmt.Errorf("forget the tokens of %s: %w", g.o.Name, err)
	}
	g.now.Store(&held{})
	return nil
}

// takeBack tells the vendor (https://www.rfc-editor.org/rfc/rfc7009). One that does not
// know the token any more has nothing to take back.
func (g *Grant) takeBack(ctx context.Context, h *held) error {
	token := h.Refresh
	if token == "" {
		token = h.Access
	}
	if g.revoke == "" || token == "" {
		return nil
	}
	form := url.Values{"token": {token}}
	if !g.o.OAuth.InHeader {
		form.Set("client_id", g.o.ClientID)
		form.Set("client_secret", g.o.Secret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.revoke, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("make the request that takes the tokens back")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if g.o.OAuth.InHeader {
		req.SetBasicAuth(url.QueryEscape(g.o.ClientID), url.QueryEscape(g.o.Secret))
	}
	res, err := g.client.Do(req)
	if err != nil {
		said, _ := g.classify(err, token)
		return said
	}
	said, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // of what is broken off, the status counts
	_ = res.Body.Close()
	return g.takenBack(res, said, token)
}

// takenBack says what a vendor's answer means. Where it does not know the app it has not
// looked at the token, which lives on.
func (g *Grant) takenBack(res *http.Response, body []byte, token string) error {
	var said struct {
		Error string `json:"error"`
		Text  string `json:"error_description"`
	}
	_ = json.Unmarshal(body, &said) // what is not JSON has no word for it
	refused := &oauth2.RetrieveError{Response: res, Body: body, ErrorCode: said.Error, ErrorDescription: said.Text}
	code, text := wordsOf(refused)
	switch {
	case slices.Contains(clientCodes(), code):
		return &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Field: connector.ClientID, Fix: compareClient,
			Err: errors.New(g.hide("take the tokens back: "+strings.TrimSpace(code+" "+text), []string{token})),
		}
	case res.StatusCode < 300, slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound}, res.StatusCode):
		return nil
	default:
		return &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: fmt.Errorf("take the tokens back: %d", res.StatusCode)}
	}
}
