// Package hubspot connects HubSpot: companies, contacts, leads, deals, products, quotes,
// invoices, line items, activities, owners and the customer's own objects, with all their
// properties and with the associations between them.
//
// It speaks the dated API (https://developers.hubspot.com/docs/api-reference/latest/overview)
// and, if set so, the legacy v3 and v4 paths, which answer alike.
package hubspot

import (
	"context"
	"net/http"
	"strconv"
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
	settingObjects = "objects"
	versionCurrent = "2026-09"
	versionLegacy  = "v3"
	factBurst      = "requests per 10 s"
)

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
	api      rest.API
	version  string
	settings connector.Settings
	secret   func(string) string
	state    connector.KV

	offset atomic.Int64 // HubSpot's clock minus ours in nanoseconds, of the last answer

	mu    sync.Mutex
	known map[string]*definitions // properties by object, as last read
	zone  *time.Location          // the account's; nil = not known
}

func open(env connector.Env) (connector.Connection, error) {
	c := &conn{
		version: env.Settings[settingVersion], known: map[string]*definitions{},
		settings: env.Settings, secret: env.Secret, state: env.State,
	}
	if c.version == "" {
		c.version = versionCurrent
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
	areaPipelines    = "pipelines"
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
	_ connector.Eraser       = (*conn)(nil)
	_ connector.FileStore    = (*conn)(nil)

	_ connector.WebhookReceiver = (*conn)(nil)
	_ connector.HintWatcher     = (*conn)(nil)
)
