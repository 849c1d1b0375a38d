// Package hubspot connects HubSpot: companies and contacts with all their properties, the
// primary company of a contact, and owners.
//
// It speaks the dated API (https://developers.hubspot.com/docs/api-reference/latest/overview)
// and, if set so, the legacy v3 and v4 paths, which answer alike.
package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

const docs = "https://developers.hubspot.com/docs/api-reference/latest/overview"

// The vendor's limits.
const (
	// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
	limitsPage  = "https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines"
	burstWindow = 10 * time.Second
	// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm#limits
	searchesPage   = "https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm#limits"
	searchesPerSec = 5

	limitBurst  = ""       // every call
	limitSearch = "search" // searches, of all apps of the account together
	limitDaily  = "daily"  // every call of a day; nothing paces it, the answer says when it is spent
)

// Names of settings and facts.
const (
	settingVersion = "api_version"
	settingTier    = "tier"
	versionLegacy  = "v3"
	factBurst      = "requests per 10 s"
)

// Spec describes HubSpot.
func Spec() connector.Spec {
	return connector.Spec{
		Name: "hubspot", Title: "HubSpot", API: "2026-09", Docs: docs,
		Notes: []string{
			"The access token needs the scopes crm.objects.contacts, crm.objects.companies and crm.schemas.contacts, crm.schemas.companies (read and write) and crm.objects.owners.read.",
			"A deleted record goes to HubSpot's bin, where a person can restore it for 90 days; no API brings it back.",
			"A lifecycle stage only moves forward: an earlier one is accepted by HubSpot and not written, which is shown as refused.",
			"With automatic association switched on, HubSpot itself gives a new contact the company of its e-mail's domain.",
			"Validation rules of properties hold for API writes too since version 2026-09.",
		},
		BaseURL: "https://api.hubapi.com",
		Auth: []connector.Auth{{
			Setting: "access_token", Header: "Authorization", Prefix: "Bearer ",
			Help: "HubSpot, Settings, Integrations: a service key, or the access token of a private app",
		}},
		Settings: []connector.Setting{
			{Name: "access_token", Label: "Access token", Help: "a service key, or the access token of a private app", Required: true, Secret: true},
			{Name: settingVersion, Label: "API version", Help: "version of HubSpot's API; v3 means the legacy paths", Default: "2026-09", Choices: []string{"2026-09", "2026-03", versionLegacy}},
			{Name: settingTier, Label: "Subscription", Help: "decides how often HubSpot may be called; its answers correct it", Default: "professional", Choices: []string{"starter", "professional", "enterprise", "addon"}},
		},
		Limits: limits,
		Open:   open,
	}
}

// limits returns what HubSpot allows the app of an account: as its answers told Check,
// else by subscription.
func limits(s connector.Settings, id connector.Identity) []connector.Limit {
	burst := 190
	switch s[settingTier] {
	case "starter":
		burst = 100
	case "addon":
		burst = 250
	}
	if n, err := strconv.Atoi(id.Facts[factBurst]); err == nil && n > 0 {
		burst = n
	}
	return []connector.Limit{
		{Name: limitBurst, Units: burst, Per: burstWindow, Source: limitsPage},
		{Name: limitSearch, Units: searchesPerSec, Per: time.Second, Source: searchesPage},
	}
}

// conn is one account.
type conn struct {
	api     rest.API
	version string

	offset atomic.Int64 // HubSpot's clock minus ours in nanoseconds, of the last answer

	mu    sync.Mutex
	known map[string]*definitions // properties by object, as last read
	zone  *time.Location          // the account's; nil = not known
}

func open(env connector.Env) (connector.Connection, error) {
	c := &conn{version: env.Settings[settingVersion], known: map[string]*definitions{}}
	if c.version == "" {
		c.version = "2026-09"
	}
	c.api = rest.API{HTTP: env.HTTP, Base: env.BaseURL, Classify: c.classify}
	return c, nil
}

// path returns the path of an area of the API: dated versions stand behind the area, the
// legacy one before it.
func (c *conn) path(area string, parts ...string) string {
	head := "/crm/" + area + "/" + c.version
	switch {
	case c.version == versionLegacy && area == areaAssociations:
		head = "/crm/v4/" + area // v3's associations know no labels
	case c.version == versionLegacy:
		head = "/crm/v3/" + area
	}
	for _, p := range parts {
		head += "/" + p
	}
	return head
}

// Areas of the API.
const (
	areaObjects      = "objects"
	areaProperties   = "properties"
	areaOwners       = "owners"
	areaAssociations = "associations"
)

// do makes a call and takes in what the answer's headers tell.
func (c *conn) do(ctx context.Context, call rest.Call) (*rest.Response, error) {
	r, err := c.api.Do(ctx, call)
	c.learn(r)
	return r, err
}

// read makes a call that changes nothing, whatever its method.
func (c *conn) read(ctx context.Context, call rest.Call) (*rest.Response, error) {
	return c.do(rest.WithSafe(ctx), call)
}

// learn takes in HubSpot's clock and how many calls are left, which other apps' tokens of
// the same kind spend too. Searches tell neither of the latter.
func (c *conn) learn(r *rest.Response) {
	if r == nil || r.Header == nil {
		return
	}
	if at, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		c.offset.Store(int64(time.Until(at)))
	}
	left, err := strconv.Atoi(r.Header.Get("X-HubSpot-RateLimit-Remaining"))
	if err != nil {
		return
	}
	window := burstWindow
	if ms, err := strconv.Atoi(r.Header.Get("X-HubSpot-RateLimit-Interval-Milliseconds")); err == nil && ms > 0 {
		window = time.Duration(ms) * time.Millisecond
	}
	c.api.Limits().Correct(limitBurst, left, window)
}

// vendorNow is the time by HubSpot's clock, up to a second early: its answers tell whole
// seconds.
func (c *conn) vendorNow() time.Time {
	return time.Now().Add(time.Duration(c.offset.Load()))
}

// Check asks who we are, and object by object whether it may be read.
func (c *conn) Check(ctx context.Context) (connector.Identity, error) {
	var info accountInfo
	sent := time.Now()
	r, err := c.do(ctx, rest.Call{Path: "/account-info/" + c.version + "/details", Into: &info})
	if err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	if info.PortalID == 0 {
		return connector.Identity{}, &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Fix: "is the address right?",
			Err: errors.New("check: the answer names no account"),
		}
	}
	id := connector.Identity{
		Account: strconv.FormatInt(info.PortalID, 10),
		Name:    info.PortalName,
		Version: c.version,
		Facts:   facts(info, r.Header),
		Clock:   clock(r.Header, sent, time.Now()),
	}
	if id.Name == "" {
		id.Name = "HubSpot account " + id.Account
	}
	if zone, err := time.LoadLocation(info.TimeZone); err == nil && info.TimeZone != "" {
		id.Zone = info.TimeZone
		c.mu.Lock()
		c.zone = zone
		c.mu.Unlock()
	}
	id.Lacks, err = c.lacks(ctx)
	return id, err
}

// facts are what an administrator likes to see.
func facts(info accountInfo, h http.Header) map[string]string {
	f := map[string]string{
		"account type":     strings.ToLower(strings.ReplaceAll(info.AccountType, "_", " ")),
		"address":          info.UIDomain,
		"data centre":      info.DataHostingLocation,
		"currency":         info.CompanyCurrency,
		factBurst:          h.Get("X-HubSpot-RateLimit-Max"),
		"calls left today": h.Get("X-HubSpot-RateLimit-Daily-Remaining"),
	}
	for name, v := range f {
		if v == "" {
			delete(f, name)
		}
	}
	return f
}

// clock compares HubSpot's clock with ours in the middle of the call. Its whole seconds
// are taken for their middle, so less than a second is no difference.
func clock(h http.Header, sent, received time.Time) time.Duration {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	d := at.Add(time.Second / 2).Sub(sent.Add(received.Sub(sent) / 2))
	if d.Abs() < time.Second {
		return 0
	}
	return d
}

// lacks reads one record of each object that is written, too. Rights to write show only when
// something is written: no call tells them. That owners may not be read shows when they are.
func (c *conn) lacks(ctx context.Context) ([]connector.Lack, error) {
	var out []connector.Lack
	for _, object := range []string{companies, contacts} {
		_, err := c.do(ctx, rest.Call{Path: c.listPath(object), Query: map[string][]string{"limit": {"1"}}})
		switch {
		case connector.KindOf(err) == connector.Forbidden:
			e := connector.ErrorOf(err)
			out = append(out, connector.Lack{Object: object, What: "read", Why: e.Err.Error(), Remedy: e.Fix})
		case err != nil:
			return nil, fmt.Errorf("check %s: %w", object, err)
		}
	}
	return out, nil
}

// listPath is where an object is listed.
func (c *conn) listPath(object string) string {
	if object == owners {
		return c.path(areaOwners)
	}
	return c.path(areaObjects, object)
}

// checkObject refuses objects that there are not.
func checkObject(object string, among ...string) error {
	if slices.Contains(among, object) {
		return nil
	}
	return &connector.Error{
		Kind: connector.Unsupported, Scope: connector.ScopeObject,
		Err: fmt.Errorf("%q is no object that can be used like this", object),
	}
}

var (
	_ connector.Connection   = (*conn)(nil)
	_ connector.Source       = (*conn)(nil)
	_ connector.Reader       = (*conn)(nil)
	_ connector.Finder       = (*conn)(nil)
	_ connector.Writer       = (*conn)(nil)
	_ connector.SchemaWriter = (*conn)(nil)
	_ connector.Recaller     = (*conn)(nil)
)
