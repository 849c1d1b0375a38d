package rest

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tandemhub/tandem/connector"
)

// scrubber takes secrets out of texts (invariant 9), also those that come up on the way.
type scrubber struct {
	replacer atomic.Pointer[strings.Replacer] // nil = there are none
	mu       sync.Mutex
	given    []string
	learnt   []string // the latest, the newest last
}

// shortest is the length under which a secret is none, and taking it out would make
// every text unreadable.
const shortest = 3

const hidden = "[secret]"

// mostLearnt is how many secrets that came up on the way are taken out: with a new token
// an old one soon ends.
const mostLearnt = 16

// newScrubber returns a scrubber of the secrets.
func newScrubber(secrets []string) *scrubber {
	s := &scrubber{given: secrets}
	s.replacer.Store(replacerOf(secrets))
	return s
}

// learn adds a secret that came up.
func (s *scrubber) learn(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.given, secret) || slices.Contains(s.learnt, secret) {
		return
	}
	s.learnt = append(s.learnt, secret)
	s.learnt = slices.Clone(s.learnt[max(0, len(s.learnt)-mostLearnt):])
	s.replacer.Store(replacerOf(slices.Concat(s.given, s.learnt)))
}

// replacerOf finds the secrets, also as they look inside an address.
func replacerOf(secrets []string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		if len(s) >= shortest {
			forms = append(forms, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	if len(forms) == 0 {
		return nil
	}
	// The longest first: one secret may begin with another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, hidden)
	}
	return strings.NewReplacer(pairs...)
}

func (s *scrubber) text(text string) string {
	r := s.replacer.Load()
	if r == nil {
		return text
	}
	return r.Replace(text)
}

// err returns an error like err with no secret in its text, nor in that of any error that
// can be got out of it. One without a secret is returned as it is.
func (s *scrubber) err(err error) error {
	if err == nil || s.clean(err) {
		return err
	}
	var known *connector.Error
	var address *url.Error
	switch {
	case asItself(err, &known):
		e := *known
		e.Err, e.Fix, e.Field, e.Existing.ID = s.err(e.Err), s.text(e.Fix), s.text(e.Field), s.text(e.Existing.ID)
		return &e
	case asItself(err, &address):
		return &url.Error{Op: address.Op, URL: s.text(address.URL), Err: s.err(address.Err)}
	default:
		return s.conceal(err)
	}
}

// asItself reports whether err is a T, and not only holds one.
func asItself[T error](err error, to *T) bool {
	t, ok := err.(T) //nolint:errorlint // the outermost error is meant
	if ok {
		*to = t
	}
	return ok
}

// clean reports whether neither err nor what it wraps holds a secret. The texts of
// wrapped errors are usually part of the outer one's, but nothing makes them so.
func (s *scrubber) clean(err error) bool {
	if text := err.Error(); s.text(text) != text {
		return false
	}
	if e, ok := err.(*connector.Error); ok && s.text(e.Existing.ID) != e.Existing.ID { //nolint:errorlint // each in turn
		return false
	}
	switch e := err.(type) { //nolint:errorlint // each in turn
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		return inner == nil || s.clean(inner)
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(inner error) bool { return !s.clean(inner) })
	}
	return true
}

// conceal keeps of err what is safe: its scrubbed text, what it is, and the connector's
// error within it.
func (s *scrubber) conceal(err error) error {
	c := &concealed{text: s.text(err.Error()), is: err}
	if known, ok := errors.AsType[*connector.Error](err); ok {
		c.known = s.err(known)
	}
	return c
}

// concealed is an error whose text held a secret.
type concealed struct {
	text  string
	is    error // never shown, only compared with
	known error // the scrubbed *connector.Error within, or nil
}

func (c *concealed) Error() string        { return c.text }
func (c *concealed) Unwrap() error        { return c.known }
func (c *concealed) Is(target error) bool { return errors.Is(c.is, target) }

// Timeout reports whether the error was a timeout.
func (c *concealed) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(c.is, &t) && t.Timeout()
}

// GoString keeps %#v from showing what is concealed.
func (c *concealed) GoString() string { return "rest.concealed(" + c.text + ")" }

// chainOf returns the end of a client's chain, if NewClient made the client.
func chainOf(c *http.Client) *outer {
	if c == nil {
		return nil
	}
	o, _ := c.Transport.(*outer)
	return o
}
