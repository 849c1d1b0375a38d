// Package rest is the kit for systems that are spoken to over HTTP: a client that
// paces, retries, signs and counts, and calls that encode, decode and classify JSON.
//
// The hub makes the client with [Open]; a connector makes an [API] around it and says
// per call what it sends and where the answer goes:
//
//	api := rest.API{HTTP: env.HTTP, Base: env.BaseURL, Classify: classify}
//	var page wirePage
//	_, err := api.Do(ctx, rest.Call{Path: "/contacts", Query: query, Into: &page})
//
// Every error of a call is a [*connector.Error], or the context's own when it was
// cancelled. No text made here holds a secret or a query string (invariant 9).
package rest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

const (
	defaultBodyCap = 64 << 20
	defaultRetries = 4
	// longestWait is how long a call waits in all before it gives the wait back to the
	// caller, who has a timetable for such.
	longestWait = 2 * time.Minute
	// silence is how long a vendor may send nothing before an attempt is given up.
	silence = 2 * time.Minute
)

// ClientOptions say how a client behaves. The zero options make one that neither paces
// nor signs.
type ClientOptions struct {
	// Transport sends the requests; nil = a transport of its own with connections kept.
	Transport http.RoundTripper
	// Base is the address of the API. Every request goes to its origin, whatever host it
	// names; path and query are kept (C9). "" = requests go where they say,
	// and none is signed.
	Base string
	// Sign adds the credential to a request that is about to be sent; it is called for
	// every attempt, and only for requests to Base's origin.
	Sign func(*http.Request)
	// Tokens give the credential of each request where that changes with time; nil = Sign
	// alone signs. SignWith adds the token that they gave.
	Tokens   TokenSource
	SignWith func(r *http.Request, token string)
	// Links says that what is marked with [WithLink] may go to other hosts.
	Links bool
	// Secrets must not appear in any error or log line.
	Secrets []string
	// Limits are the vendor account's; nil = none.
	Limits *Limits
	// BodyCap is the longest answer that is read; 0 = 64 MiB.
	BodyCap int64
	// Retries is how often a request is repeated; 0 = 4, negative = never.
	Retries int
	// Jitter returns what is added to a wait, at most a quarter of it; nil = by chance.
	Jitter func(most time.Duration) time.Duration
	// Log gets one debug line per attempt; nil = none.
	Log *slog.Logger
	// OnCall is told of every attempt, at the same time from several goroutines.
	OnCall func(CallInfo)
	// Tracer makes a span of every attempt; nil = none are made.
	Tracer trace.Tracer

	scrub *scrubber // nil = one of the Secrets
}

// A TokenSource gives tokens that end and are renewed.
type TokenSource interface {
	// Token returns a token that is good for now.
	Token(ctx context.Context) (string, error)
	// Renew returns a token to use instead of one that the vendor has refused with 401; ""
	// if there is none that would fare better.
	Renew(ctx context.Context, refused string) (string, error)
}

// A CallInfo is one attempt of a request.
type CallInfo struct {
	Method   string
	Path     string // without query and secrets
	Status   int    // 0 if no answer came
	Duration time.Duration
	Class    string // what went wrong: "", refused, broken, timeout, canceled, network or status
}

// NewClient returns a client whose requests pass, in this order:
//
//   - scrub: secrets are taken out of the text of every error;
//   - body cap: reading an answer beyond the cap fails;
//   - retry: safe methods (GET, HEAD, OPTIONS and what [WithSafe] marks) after network
//     errors, 502, 503 and 504; any method after 429 and refused connections. Retry-After
//     is honoured and pauses the limits for all; else the waits are 1 s, 2 s, 4 s … with
//     jitter. A wait that would last beyond the context's deadline or two minutes in all
//     is not begun: the last answer is returned, or for a 429 a RateLimited
//     [*connector.Error] that says how long to wait. A write's 5xx or broken answer is
//     returned as it is;
//   - token: with Tokens, the request is given a token that is good for now; if that is
//     refused with 401 it is sent once more with a renewed one, whatever its method, since
//     nothing was done. An error of Tokens ends the call;
//   - pace: the request waits until the limits have room for its cost, see [WithCost];
//   - count and log: OnCall and the debug line;
//   - base and sign: the request is turned to Base's origin, then signed; see [WithLink]
//     and [WithOwnCredential] for what is not.
//
// Redirects are followed for GET and HEAD within one origin; any other redirect is
// returned as the answer. Request bodies need GetBody to be repeated, which
// [http.NewRequest] sets for the usual readers.
func NewClient(o ClientOptions) *http.Client {
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.BodyCap == 0 {
		o.BodyCap = defaultBodyCap
	}
	if o.Retries == 0 {
		o.Retries = defaultRetries
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Jitter == nil {
		o.Jitter = rand.N[time.Duration]
	}
	base, err := parseBase(o.Base)
	s := o.scrub
	if s == nil {
		s = newScrubber(o.Secrets)
	}
	var rt http.RoundTripper = &sender{next: o.Transport, base: base, baseErr: err, sign: o.signer(), links: o.Links}
	rt = &counter{next: rt, scrub: s, log: o.Log, onCall: o.OnCall}
	if o.Tracer != nil {
		rt = &tracer{next: rt, tracer: o.Tracer, base: base}
	}
	rt = &pacer{next: rt, limits: o.Limits}
	if o.Tokens != nil {
		rt = &tokener{next: rt, tokens: o.Tokens}
	}
	rt = &retrier{next: rt, limits: o.Limits, retries: o.Retries, jitter: o.Jitter}
	rt = &capper{next: rt, most: o.BodyCap}
	return &http.Client{
		Transport:     &outer{next: rt, scrub: s, limits: o.Limits, bottom: o.Transport},
		CheckRedirect: redirectPolicy(base),
	}
}

// newTransport returns a transport that gives up on peers that do not answer the phone.
// How long an answer may take is the sender's business.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          32,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

func parseBase(base string) (*url.URL, error) {
	if base == "" {
		return nil, nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("send request: the base address is none") // which may hold a password
	}
	return u, nil
}

// redirectPolicy follows reads within one origin: the one that the request named or the
// base's. A write that is redirected would arrive as a GET, so it is not followed at all.
func redirectPolicy(base *url.URL) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0]
		read := first.Method == http.MethodGet || first.Method == http.MethodHead
		if !read || len(via) > 5 || !sameOrigin(req.URL, first.URL) && !sameOrigin(req.URL, base) {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

func sameOrigin(a, b *url.URL) bool {
	return a != nil && b != nil && strings.EqualFold(a.Scheme, b.Scheme) && origin(a) == origin(b)
}

// origin returns host and port, the port also where it is the scheme's own.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
