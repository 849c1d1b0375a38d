package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest/grant"
)

// OpenOptions are what a connection is opened with.
type OpenOptions struct {
	Name      string                            // of the connection, for what a person is told to do; may be ""
	Settings  connector.Settings                // without secrets; defaults may be missing
	Secrets   map[string]string                 // by name of the setting
	URL       string                            // replaces Spec.BaseURL (C9); "" = the documented address
	Transport http.RoundTripper                 // nil = the network
	Limits    *Limits                           // of the vendor account, shared by its connections; nil = limits of its own
	Log       *slog.Logger                      // nil = none
	Jitter    func(time.Duration) time.Duration // see ClientOptions
	OnCall    func(CallInfo)                    // told of every request; nil = nobody
	Tracer    trace.Tracer                      // of requests; nil = none
	State     connector.KV                      // what the connection remembers; nil = forgotten with the process
	Hook      string                            // the door's address for this connection; "" = there is none
}

// A Handle is what the hub keeps of an open connection besides its abilities.
type Handle struct {
	spec     connector.Spec
	settings connector.Settings
	base     string
	limits   *Limits
	client   *http.Client
	grant    *grant.Grant
}

// Grant returns what a person granted the connection in a browser; nil if it signs with
// something else.
func (h *Handle) Grant() *grant.Grant { return h.grant }

// BaseURL returns the address that all requests go to.
func (h *Handle) BaseURL() string { return h.base }

// Limits returns the limits that requests keep to.
func (h *Handle) Limits() *Limits { return h.limits }

// Learn adjusts the limits to what Check found out about the account.
func (h *Handle) Learn(id connector.Identity) {
	if h.spec.Limits != nil {
		h.limits.SetLimits(h.spec.Limits(h.settings, id))
	}
}

// Close drops idle connections. Requests under way go on.
func (h *Handle) Close() { h.client.CloseIdleConnections() }

// Open makes a connection the way the hub, the conformance suite and the demo all do:
// it picks the first way to authenticate whose secret is filled, builds the client that
// signs with it, fills the Env and finds the abilities. It does not touch the network.
// Its errors are [*connector.Error]s that say what to do; they hold no secret.
func Open(spec connector.Spec, o OpenOptions) (connector.Abilities, *Handle, error) {
	auth, err := pickAuth(spec, o)
	if err != nil {
		return connector.Abilities{}, nil, err
	}
	base, err := baseURL(spec, o.URL)
	if err != nil {
		return connector.Abilities{}, nil, err
	}
	h := &Handle{spec: spec, settings: fill(spec, o), base: base, limits: o.Limits}
	if h.limits == nil {
		h.limits = NewLimits(nil)
		h.Learn(connector.Identity{})
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.State == nil {
		o.State = &memory{}
	}
	client := ClientOptions{
		Transport: o.Transport,
		Base:      base,
		Links:     o.URL == "", // C9
		Secrets:   filled(o.Secrets),
		Limits:    h.limits,
		Log:       o.Log,
		Jitter:    o.Jitter,
		OnCall:    o.OnCall,
		Tracer:    o.Tracer,
	}
	if auth.OAuth == nil {
		client.Sign = sign(auth, o.Secrets[auth.Setting])
		h.client = NewClient(client)
	} else if err := h.openGrant(auth, o, client); err != nil {
		return connector.Abilities{}, nil, err
	}
	c, err := spec.Open(connector.Env{
		Settings: h.settings, BaseURL: base, HTTP: h.client, State: lent{o.State}, Hook: o.Hook, Log: o.Log,
		Secret: func(name string) string { return o.Secrets[name] },
	})
	if err != nil {
		return connector.Abilities{}, nil, fmt.Errorf("open %s: %w", spec.Name, err)
	}
	return connector.AbilitiesOf(c), h, nil
}

// openGrant makes the two clients of a connection that signs with what a person granted:
// the one that gets tokens, and the one that signs with them.
func (h *Handle) openGrant(auth connector.Auth, o OpenOptions, client ClientOptions) error {
	shared := newScrubber(client.Secrets)
	client.scrub = shared
	g, err := grant.New(grant.Options{
		Name: o.Name, OAuth: auth.OAuth(h.settings), ClientID: o.Settings[connector.ClientID], Secret: o.Secrets[auth.Setting],
		Base: h.base, Given: o.URL != "", State: o.State, Learn: shared.learn,
		HTTP: func(base string) *http.Client {
			tokens := client
			tokens.Base = base
			return NewClient(tokens)
		},
	})
	if err != nil {
		return &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeConnection, Err: fmt.Errorf("open %s: %w", h.spec.Name, err),
		}
	}
	client.Tokens = g
	client.SignWith = func(r *http.Request, token string) { r.Header.Set(auth.Header, auth.Prefix+token) }
	h.grant, h.client = g, NewClient(client)
	return nil
}

// lent is the memory as the connector has it: without what the hub keeps there.
type lent struct{ kv connector.KV }

func (l lent) Get(ctx context.Context, key string) (string, int64, error) {
	if strings.HasPrefix(key, grant.Prefix) {
		return "", 0, errNotYours
	}
	return l.kv.Get(ctx, key)
}

func (l lent) Put(ctx context.Context, key, value string, version int64) (int64, error) {
	if strings.HasPrefix(key, grant.Prefix) {
		return 0, errNotYours
	}
	return l.kv.Put(ctx, key, value, version)
}

var errNotYours = errors.New("keys that begin with " + grant.Prefix + " are the hub's own")

// pickAuth returns the first way to authenticate whose secret is given; for OAuth the
// name of the app is enough, since some have no secret. A system without any way needs
// none.
func pickAuth(spec connector.Spec, o OpenOptions) (connector.Auth, error) {
	if len(spec.Auth) == 0 {
		return connector.Auth{}, nil
	}
	var names []string
	for _, a := range spec.Auth {
		if o.Secrets[a.Setting] != "" || a.OAuth != nil && o.Settings[connector.ClientID] != "" {
			return a, nil
		}
		names = append(names, a.Setting)
	}
	fix := "fill " + strings.Join(names, " or ")
	if help := spec.Auth[0].Help; help != "" {
		fix += ": " + help
	}
	return connector.Auth{}, &connector.Error{
		Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Fix: fix,
		Err: fmt.Errorf("open %s: no credential is given", spec.Name),
	}
}

// sign returns what adds the credential to a request, or nil if there is none.
func sign(a connector.Auth, secret string) func(*http.Request) {
	if a.Header == "" || secret == "" {
		return nil
	}
	return func(r *http.Request) { r.Header.Set(a.Header, a.Prefix+secret) }
}

// baseURL returns the address of the API without a slash at its end.
func baseURL(spec connector.Spec, given string) (string, error) {
	refuse := func(why error) error {
		return &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeConnection, Field: "url",
			Fix: "give the address of the API, like https://crm.example.com",
			Err: fmt.Errorf("open %s: %w", spec.Name, why),
		}
	}
	if given == "" {
		given = spec.BaseURL
	}
	if given == "" {
		return "", refuse(errors.New("no address is given"))
	}
	u, err := url.Parse(given)
	switch {
	case err != nil: // the parser's error repeats the address, and that may hold a password
		return "", refuse(errors.New("the address cannot be read"))
	case u.Scheme != "http" && u.Scheme != "https":
		return "", refuse(errors.New("the address begins with neither https:// nor http://"))
	case u.Host == "":
		return "", refuse(errors.New("the address names no host"))
	case u.User != nil:
		return "", refuse(errors.New("the address holds a user or password; they belong into the settings"))
	case u.RawQuery != "" || u.Fragment != "":
		return "", refuse(errors.New("the address has a query or a fragment"))
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// fill returns the settings that the connector sees: the given ones, the defaults of
// those not given, and secrets that the hub does not sign with.
func fill(spec connector.Spec, o OpenOptions) connector.Settings {
	s := make(connector.Settings, len(spec.Settings))
	maps.Copy(s, o.Settings)
	for _, row := range spec.Settings {
		if s[row.Name] == "" && row.Default != "" {
			s[row.Name] = row.Default
		}
	}
	for name, secret := range o.Secrets {
		if !slices.ContainsFunc(spec.Auth, func(a connector.Auth) bool { return a.Setting == name }) {
			s[name] = secret
		}
	}
	return s
}

// filled returns the secrets that have a value, in order of their names.
func filled(secrets map[string]string) []string {
	var values []string
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if secrets[name] != "" {
			values = append(values, secrets[name])
		}
	}
	return values
}
