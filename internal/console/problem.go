package console

import (
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/store"
)

// A problem is an error that a person, or a program, is told: a status and a text of the
// catalogues.
type problem struct {
	status int
	key    string
	args   []any
	wait   int // seconds until it makes sense to try again; 0 = unknown

	detail string      // for programs: what in particular; "" = nothing is added
	wrong  []wrongPart // for programs: what is wrong with which part of what they sent
}

// Error is the key: what people read depends on their language.
func (p *problem) Error() string { return p.key }

func errNotFound() error { return &problem{status: http.StatusNotFound, key: "error.notfound"} }
func errUnknown() error  { return &problem{status: http.StatusUnauthorized, key: "error.unknown"} }
func errStale() error    { return &problem{status: http.StatusForbidden, key: "error.stale"} }

// errForbidden names the right that is missing; a token may have fewer than its person.
func errForbidden(who account.Principal, takes account.Right) error {
	key := "error.forbidden"
	if who.Token != "" {
		key = "error.tokenrights"
	}
	return &problem{status: http.StatusForbidden, key: key, detail: "this takes the right " + string(takes)}
}

func errCrowded() error {
	return &problem{status: http.StatusServiceUnavailable, key: "error.crowded", wait: 60}
}

// invalid is a problem with what somebody has entered.
func invalid(key string) *problem {
	return &problem{status: http.StatusUnprocessableEntity, key: key}
}

// told returns the problem that a person can do something about, if that is what an error is.
func told(err error, now time.Time) (*problem, bool) {
	if p, ok := errors.AsType[*problem](err); ok {
		return p, true
	}
	if wait, ok := errors.AsType[*account.WaitError](err); ok {
		seconds := max(1, int(math.Ceil(wait.Until.Sub(now).Seconds())))
		return &problem{status: http.StatusTooManyRequests, key: "error.wait", args: []any{seconds}, wait: seconds}, true
	}
	for _, known := range []struct {
		err error
		key string
	}{
		{account.ErrWrong, "error.wrong"}, {account.ErrWeak, "error.weak"}, {account.ErrName, "error.name"}, {account.ErrRole, "error.role"},
		{account.ErrRight, "error.right"}, {account.ErrTokenName, "error.tokenname"}, {account.ErrStranger, "error.stranger"},
		{store.ErrTaken, "error.taken"}, {store.ErrNotFirst, "error.notfirst"}, {store.ErrLastAdmin, "error.lastadmin"}, {store.ErrNoUser, "error.nouser"},
	} {
		if errors.Is(err, known.err) {
			p := invalid(known.key)
			if errors.Is(err, account.ErrWeak) {
				p.args = []any{account.LeastPassword}
			}
			return p, true
		}
	}
	if errors.Is(err, store.ErrFull) {
		return &problem{status: http.StatusServiceUnavailable, key: "error.full"}, true
	}
	return nil, false
}

// asked turns an error of what a person wanted into a problem where it is one.
func (c *console) asked(err error) error {
	if p, ok := told(err, c.now()); ok {
		return p
	}
	return err
}
