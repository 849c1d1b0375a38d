// Package grant keeps what a person granted a connection in a browser: the tokens of
// OAuth 2. It leads through the round trip, stores tokens before anything uses them,
// renews them ahead of their end, and says when a person is needed again.
//
// Several processes may share one grant. Whoever renews it first claims it in the
// connection's memory, which compares and swaps, so a refresh token is never sent by two
// of them: vendors that give a new one each time take that for theft and end the grant.
package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/tandemhub/tandem/connector"
)

// Prefix begins the keys of a connection's memory that are the hub's own.
const Prefix = "hub:"

const (
	keyTokens = Prefix + "oauth"
	// Answer is the key under which the connector finds what the vendor's last answer with
	// tokens said besides them, as a JSON object: the address of the account, for example.
	Answer = "oauth"
)

const (
	// renewAt is the part of a token's life after which it is renewed.
	renewAt = 0.8
	// young is the age under which a token that is refused is not at fault.
	young = time.Minute
	// skew is how far clocks of one installation may be apart, or be set back.
	skew = 5 * time.Minute
	// pause is how long is waited after a failure while the old token still works.
	pause = 30 * time.Second
	// patience bounds one exchange with the vendor and what is stored about it.
	patience = 30 * time.Second
	// abandoned is how long a claim stands before its process is taken for dead; it is
	// well above patience.
	abandoned = time.Minute
)

// Options are what a grant works with.
type Options struct {
	Name     string // of the connection, for what a person is told to do
	OAuth    connector.OAuth
	ClientID string
	Secret   string // of the client; "" = it has none
	Base     string // address of the connection's API
	Given    bool   // Base was given in place of the documented address: everything goes there (C9)
	// HTTP makes the client for requests to an address. It paces, counts and does not sign.
	HTTP  func(base string) *http.Client
	State connector.KV
	// Learn is told of every secret that comes up before it is used, so that no text shows
	// it; it may be nil.
	Learn func(secret string)
}

// A Grant is one connection's. It may be used by several goroutines.
type Grant struct {
	o       Options
	conf    oauth2.Config
	revoke  string
	client  *http.Client
	turn    chan struct{}        // held by the one goroutine that looks after the tokens
	now     atomic.Pointer[held] // as last read or stored; nil before that
	later   time.Time            // not renewed before that, after a failure; held by turn
	refused int64                // version that was found dead; held by turn
}

// tokens are what is remembered.
type tokens struct {
	Access  string    `json:"access,omitempty"`
	Refresh string    `json:"refresh,omitempty"`
	Got     time.Time `json:"got"`              // when the access token was asked for
	Expires time.Time `json:"expires,omitzero"` // of the access token; zero = the vendor does not say
	Used    time.Time `json:"used"`             // when the refresh token was given or used
	Dead    string    `json:"dead,omitempty"`   // why the vendor does not take the refresh token any more
	Claim   *claim    `json:"claim,omitempty"`  // who is renewing it
}

type claim struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

type held struct {
	tokens
	version int64
}

// New returns the grant of a connection. It touches nothing.
func New(o Options) (*Grant, error) {
	authorize, err := place(o, o.OAuth.Authorize)
	if err != nil {
		return nil, fmt.Errorf("read the address to authorize at: %w", err)
	}
	token, err := place(o, o.OAuth.Token)
	if err != nil {
		return nil, fmt.Errorf("read the address of tokens: %w", err)
	}
	style := oauth2.AuthStyleInParams
	if o.OAuth.InHeader {
		style = oauth2.AuthStyleInHeader
	}
	g := &Grant{o: o, turn: make(chan struct{}, 1), conf: oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.Secret, Scopes: o.OAuth.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: authorize, TokenURL: token, AuthStyle: style},
	}}
	if o.OAuth.Revoke != "" {
		if g.revoke, err = place(o, o.OAuth.Revoke); err != nil {
			return nil, fmt.Errorf("read the address that takes tokens back: %w", err)
		}
	}
	g.client = o.HTTP(token)
	return g, nil
}

// usable reports whether the access token can be expected to work.
func (t *tokens) usable(now time.Time) bool {
	return t.Access != "" && (t.Expires.IsZero() || now.Before(t.Expires.Add(-10*time.Second)))
}

// fresh reports whether the access token need not be renewed yet. One that was asked for
// in the future shows that the clock was set back: when it ends is not known then.
func (t *tokens) fresh(now time.Time) bool {
	if t.Access == "" || now.Before(t.Got.Add(-skew)) {
		return false
	}
	if t.Expires.IsZero() {
		return true
	}
	life := float64(t.Expires.Sub(t.Got))
	return now.Before(t.Got.Add(time.Duration(life * renewAt)))
}

// Token returns an access token that is good for now.
func (g *Grant) Token(ctx context.Context) (string, error) {
	if h := g.now.Load(); h != nil && h.fresh(time.Now()) {
		return h.Access, nil
	}
	done, err := g.enter(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	if h := g.now.Load(); h != nil && (h.fresh(time.Now()) || time.Now().Before(g.later) && h.usable(time.Now())) {
		return h.Access, nil
	}
	return g.current(ctx, "")
}

// Renew returns a token to use instead of one that the vendor has refused; "" if that one
// is so new that another would fare no better.
func (g *Grant) Renew(ctx context.Context, refused string) (string, error) {
	if h := g.now.Load(); h != nil && h.Access != refused && h.fresh(time.Now()) {
		return h.Access, nil // renewed while the request was under way
	}
	done, err := g.enter(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return g.current(ctx, refused)
}

// enter waits for the turn to look after the tokens.
func (g *Grant) enter(ctx context.Context) (func(), error) {
	select {
	case g.turn <- struct{}{}:
		return func() { <-g.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// current returns the token that the memory has, renewed if that is due. What another
// process has stored meanwhile comes first.
func (g *Grant) current(ctx context.Context, refused string) (string, error) {
	h, err := g.load(ctx)
	if err != nil {
		return "", err
	}
	now := time.Now()
	switch {
	case h.Access == "" && h.Refresh == "":
		return "", g.unauthorized(errors.New("nobody has authorized it yet"))
	case h.Access != refused && h.fresh(now):
		return h.Access, nil
	case h.Access == refused && now.Sub(h.Got).Abs() < young:
		return "", nil
	case h.Refresh == "" && refused == "" && h.usable(now):
		return h.Access, nil
	case h.Refresh == "":
		return "", g.unauthorized(errors.New("its access has ended, and the vendor gave nothing to renew it with"))
	case h.Dead != "" && h.version == g.refused:
		return "", g.unauthorized(errors.New(h.Dead))
	}
	return g.renew(ctx, h, refused)
}

// load reads the memory.
func (g *Grant) load(ctx context.Context) (*held, error) {
	text, version, err := g.o.State.Get(ctx, keyTokens)
	if err != nil {
		return nil, fmt.Errorf("read the tokens of %s: %w", g.o.Name, err)
	}
	h := &held{version: version}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &h.tokens); err != nil {
			// The text is a secret, and the decoder quotes it.
			return nil, fmt.Errorf("read the tokens of %s: they are not as they were stored", g.o.Name)
		}
	}
	g.learn(h.Access, h.Refresh)
	g.now.Store(h)
	return h, nil
}

// store replaces what has that version, and takes it for the present.
func (g *Grant) store(ctx context.Context, t tokens, version int64) (*held, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode tokens: %w", err)
	}
	next, err := g.o.State.Put(ctx, keyTokens, string(b), version)
	if err != nil {
		return nil, fmt.Errorf("store the tokens of %s: %w", g.o.Name, err)
	}
	h := &held{tokens: t, version: next}
	g.now.Store(h)
	return h, nil
}

func (g *Grant) learn(secrets ...string) {
	if g.o.Learn == nil {
		return
	}
	for _, s := range secrets {
		if s != "" {
			g.o.Learn(s)
		}
	}
}

// unauthorized is the error that only a person can end.
func (g *Grant) unauthorized(why error) error {
	return &connector.Error{
		Kind: connector.Unauthorized, Scope: connector.ScopeConnection,
		Fix: strings.TrimSpace("run tandem connections authorize " + g.o.Name), Err: why,
	}
}

// A Standing says how a grant stands.
type Standing struct {
	Authorized bool      // the last that is known is that it works
	Problem    string    // what is wrong with it, or will be; "" = nothing
	Used       time.Time // when its refresh token was given or last used
	Ends       time.Time // when it ends unless it is used or renewed; zero = not by itself
}

// Standing says how the grant stands, from memory and without asking the vendor.
func (g *Grant) Standing(ctx context.Context) (Standing, error) {
	h, err := g.load(ctx)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Authorized: h.Access != "" || h.Refresh != "", Used: h.Used}
	switch {
	case !s.Authorized:
		s.Problem = "nobody has authorized it yet"
	case h.Dead != "":
		s.Authorized, s.Problem = false, h.Dead
	case h.Refresh == "":
		s.Ends, s.Problem = h.Expires, "the vendor gave nothing to renew it with"
	case g.o.OAuth.Dies > 0:
		s.Ends = h.Used.Add(g.o.OAuth.Dies)
	}
	return s, nil
}

// idle is how long a refresh token may lie unused: a day, or a tenth of what it survives
// where that is longer, and never more than half of it.
func (g *Grant) idle() time.Duration {
	dies := g.o.OAuth.Dies
	return min(max(24*time.Hour, dies/10), dies/2)
}

// Keep renews a grant that would otherwise die of not being used. It is to be called once
// a day, or more often.
func (g *Grant) Keep(ctx context.Context) error {
	done, err := g.enter(ctx)
	if err != nil {
		return err
	}
	defer done()
	h, err := g.load(ctx)
	if err != nil || h.Refresh == "" || h.Dead != "" || g.o.OAuth.Dies == 0 || time.Since(h.Used) < g.idle() {
		return err
	}
	_, err = g.renew(ctx, h, "")
	return err
}
