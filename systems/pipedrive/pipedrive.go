// Package pipedrive connects Pipedrive: persons, organizations, deals, leads, activities,
// notes, products and users, with their custom fields.
//
// It speaks version 2 of the API (https://developers.pipedrive.com/docs/api/v1), and version
// 1 for what the newer one does not have: leads, notes, users, webhooks and merges.
package pipedrive

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	docs       = "https://developers.pipedrive.com/docs/api/v1"
	limitsPage = "https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting"
	baseURL    = "https://api.pipedrive.com"
)

// The vendor's limits. Every call costs tokens of the day, which all apps and users of the
// company share. Nothing paces them: their day ends at a midnight, not 24 hours later. What
// the answers say of them holds calls back: all when none is left, and before that listings,
// so that what people edit still gets through.
const (
	limitBurst  = ""
	limitSearch = "search"
	limitDaily  = "daily"
	limitBulk   = "bulk"

	burstWindow = 2 * time.Second
	searches    = 10 // in a burst window, of any plan
	reserve     = 10 // one part in so many of the day's tokens is not for listings
)

// Names of settings and facts.
const (
	settingToken  = "api_token"
	settingSecret = "client_secret"
	settingHook   = "hook_password"
	settingPlan   = "plan"
	factDaily     = "tokens per day"
	factLeft      = "tokens left today"
)

// conn is one company, seen by one of its users.
type conn struct {
	api     rest.API
	secret  func(string) string
	state   connector.KV
	hook    string
	oldPath string // where version 1 of the API is

	unasked atomic.Bool // the marketing status is not asked for: the company has no Campaigns any more

	offset   atomic.Int64 // Pipedrive's clock minus ours in nanoseconds, of the last answer
	refusals atomic.Int64 // answers in a row that say too many calls and not of which kind

	mu     sync.Mutex
	known  map[string]*shape // by object, as last read or recalled
	zone   string            // of the user
	merged map[record.Ref]string
}

func open(env connector.Env) (connector.Connection, error) {
	c := &conn{
		secret: env.Secret, state: env.State, hook: env.Hook, oldPath: "/api/v1",
		known: map[string]*shape{}, merged: map[record.Ref]string{},
	}
	if env.BaseURL == baseURL {
		c.oldPath = "/v1" // what a company's own address has below /api, the common one has not
	}
	c.api = rest.API{HTTP: env.HTTP, Base: env.BaseURL, Classify: c.classify}
	return c, nil
}

// do makes a call that costs so many tokens, and takes in what the answer's headers tell.
func (c *conn) do(ctx context.Context, tokens int, call rest.Call) (*rest.Response, error) {
	r, err := c.api.Do(rest.WithCost(ctx, limitDaily, tokens), call)
	c.learn(r)
	if e, ok := errors.AsType[*connector.Error](err); ok && e.Limit == limitDaily && r.Status == http.StatusTooManyRequests {
		c.api.Limits().Pause(limitDaily, e.Wait)
	}
	return r, err
}

// v2 and v1 are the paths of both versions.
func (c *conn) v2(parts ...string) string { return "/api/v2/" + strings.Join(parts, "/") }
func (c *conn) v1(parts ...string) string { return c.oldPath + "/" + strings.Join(parts, "/") }

// Headers that tell what is left. Those of the day are not documented, and now and then
// they are missing.
const (
	headerLeft       = "X-Ratelimit-Remaining"
	headerReset      = "X-Ratelimit-Reset"
	headerDailyLimit = "X-Daily-Ratelimit-Token-Limit"
	headerDailyLeft  = "X-Daily-Ratelimit-Token-Remaining"
)

// learn takes in Pipedrive's clock and what is left of the burst and of the day.
func (c *conn) learn(r *rest.Response) {
	if r == nil || r.Header == nil {
		return
	}
	if at, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		c.offset.Store(int64(time.Until(at)))
	}
	if r.Status < http.StatusBadRequest {
		c.refusals.Store(0)
	}
	limits := c.api.Limits()
	if left, err := strconv.Atoi(r.Header.Get(headerLeft)); err == nil {
		limits.Correct(limitBurst, left, resetIn(r.Header))
	}
	left, err := strconv.Atoi(r.Header.Get(headerDailyLeft))
	if err != nil {
		return
	}
	if left <= 0 {
		limits.Pause(limitDaily, c.untilRenewed())
	}
	if most, err := strconv.Atoi(r.Header.Get(headerDailyLimit)); err == nil && left <= most/reserve {
		limits.Pause(limitBulk, c.untilRenewed())
	}
}

// resetIn is when the burst window is over, in seconds.
func resetIn(h http.Header) time.Duration {
	if s, err := strconv.Atoi(h.Get(headerReset)); err == nil && s > 0 && s <= 60 {
		return time.Duration(s) * time.Second
	}
	return burstWindow
}

// vendorNow is the time by Pipedrive's clock, up to a second early: its answers tell whole
// seconds.
func (c *conn) vendorNow() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// askAgain is how soon it is looked whether the day's tokens are there again, in the half of
// the day in which that can be.
const askAgain = 3 * time.Hour

// untilRenewed is when the day's tokens are there again: at midnight "of the server", whose
// zone the documentation does not name. It is taken for UTC, and a minute later; but if none
// are there before noon, that may be a server farther west, whose midnight is still to come.
func (c *conn) untilRenewed() time.Duration {
	now := c.vendorNow().UTC()
	wait := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 1, 0, 0, time.UTC).Sub(now)
	if now.Hour() < 12 {
		wait = min(wait, askAgain)
	}
	return wait
}

// began returns when a call began by Pipedrive's clock, rather too early than too late.
func began(r *rest.Response, sent time.Time) int64 {
	at, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		at = time.Now()
	}
	return at.Add(-time.Since(sent) - time.Second).Unix()
}

var (
	_ connector.Connection   = (*conn)(nil)
	_ connector.Source       = (*conn)(nil)
	_ connector.Reader       = (*conn)(nil)
	_ connector.Finder       = (*conn)(nil)
	_ connector.Writer       = (*conn)(nil)
	_ connector.SchemaWriter = (*conn)(nil)
	_ connector.Recaller     = (*conn)(nil)
	_ connector.Describer    = (*conn)(nil)
	_ connector.Merger       = (*conn)(nil)

	_ connector.WebhookReceiver = (*conn)(nil)
	_ connector.Subscriber      = (*conn)(nil)
	_ connector.FileStore       = (*conn)(nil)
)
