// Package brevo connects Brevo: contacts with their attributes and lists, companies, deals
// and notes, and events that happened to contacts.
//
// It speaks API v3 (https://developers.brevo.com/reference/getting-started-1). The marketing
// half (contacts, lists, attributes) may be called often, everything else 100 times an hour.
package brevo

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const docs = "https://developers.brevo.com/reference/getting-started-1"

// Objects.
const (
	contacts  = "contacts"
	lists     = "lists"
	folders   = "folders"
	companies = "companies"
	deals     = "deals"
	notes     = "notes"
)

// The vendor's limits, which differ by endpoint; every answer's headers correct them. See
// https://developers.brevo.com/docs/api-limits
const (
	limitsPage = "https://developers.brevo.com/docs/api-limits"

	limitContacts = "contact calls" // /contacts and all below it
	limitEvents   = "event calls"   // telling events
	limitOther    = "other calls"   // every endpoint that the page does not name

	factHourly = "other calls per hour"
)

// limits returns what Brevo allows by plan.
func limits(s connector.Settings, id connector.Identity) []connector.Limit {
	second, hour, other := 10, 36000, 100
	switch s[settingPlan] {
	case planAdvanced:
		second, hour, other = 20, 72000, 200
	case planExtended:
		second, hour, other = 60, 216000, 200
	}
	if n, err := strconv.Atoi(id.Facts[factHourly]); err == nil && n > 0 {
		other = n
	}
	return []connector.Limit{
		{Name: limitContacts, Units: second, Per: time.Second, Source: limitsPage},
		{Name: limitContacts, Units: hour, Per: time.Hour, Source: limitsPage},
		{Name: limitEvents, Units: second, Per: time.Second, Source: limitsPage},
		{Name: limitEvents, Units: hour, Per: time.Hour, Source: limitsPage},
		{Name: limitOther, Units: other, Per: time.Hour, Source: limitsPage},
	}
}

// conn is one account.
type conn struct {
	api      rest.API
	settings connector.Settings
	secret   func(string) string
	state    connector.KV
	machine  *machine // signs by itself; nil = the hub signs

	mu      sync.Mutex
	known   map[string]*shape      // fields by object, as last read
	imports map[int64]*imported    // by process
	alone   map[string]bool        // keys of operations that are not imported again
	reached cursor                 // where the last search for imported contacts found the last of them
	looked  map[importID]time.Time // when imported companies were last looked for
	byKey   companySearch          // the last one

	census *census
}

func open(env connector.Env) (connector.Connection, error) {
	c := &conn{
		settings: env.Settings, secret: env.Secret, state: env.State, census: newCensus(),
		known: map[string]*shape{}, imports: map[int64]*imported{}, alone: map[string]bool{}, looked: map[importID]time.Time{},
	}
	c.api = rest.API{HTTP: env.HTTP, Base: env.BaseURL, Classify: classify}
	if secret := env.Secret(settingMachine); secret != "" && env.Secret(settingKey) == "" {
		c.machine = &machine{api: c.api, client: env.Settings[connector.ClientID], secret: secret, scope: env.Settings[settingScope]}
	}
	return c, nil
}

// limitOf names the limit that a call costs one unit of.
func limitOf(method, path string) string {
	switch {
	case path == "/v3/contacts" || strings.HasPrefix(path, "/v3/contacts/"):
		return limitContacts
	case method == http.MethodPost && strings.HasPrefix(path, "/v3/events"):
		return limitEvents
	default:
		return limitOther
	}
}

// do makes a call and takes in what the answer's headers tell.
func (c *conn) do(ctx context.Context, call rest.Call) (*rest.Response, error) {
	limit := limitOf(call.Method, call.Path)
	ctx = rest.WithCost(ctx, limit, 1)
	var r *rest.Response
	var err error
	if c.machine != nil {
		r, err = c.machine.do(ctx, call)
	} else {
		r, err = c.api.Do(ctx, call)
	}
	if r != nil && r.Header != nil {
		if left, wait, ok := allowance(r.Header); ok {
			c.api.Limits().Correct(limit, left, wait)
		}
	}
	return r, err
}

// allowance reads how many calls are left, and for how long; see
// https://developers.brevo.com/docs/limit-headers
func allowance(h http.Header) (left int, wait time.Duration, ok bool) {
	left, err := strconv.Atoi(h.Get("X-Sib-Ratelimit-Remaining"))
	if err != nil {
		return 0, 0, false
	}
	return left, resets(h), true
}

// resets reads when the allowance is full again.
func resets(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(h.Get("X-Sib-Ratelimit-Reset"), 64)
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// shape is what is known of the fields of an object.
type shape struct {
	object string
	fields map[string]record.Field
	names  []string // in their order
}

// key returns the name of the field that holds our keys, if there is one.
func (s *shape) key() (string, bool) {
	for _, name := range s.names {
		if s.fields[name].Key {
			return name, true
		}
	}
	return "", false
}

func shapeOf(o record.Object) *shape {
	s := &shape{object: o.Name, fields: make(map[string]record.Field, len(o.Fields))}
	for _, f := range o.Fields {
		s.fields[f.Name] = f
		s.names = append(s.names, f.Name)
	}
	return s
}

func (c *conn) keep(o record.Object) *shape {
	s := shapeOf(o)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[o.Name] = s
	return s
}

// Recall takes the fields from the schema that was read before.
func (c *conn) Recall(s record.Schema) {
	for _, o := range s.Objects {
		c.keep(o)
	}
}

// shape returns an object's fields, reading them if that was not done yet.
func (c *conn) shape(ctx context.Context, object string) (*shape, error) {
	c.mu.Lock()
	s := c.known[object]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	o, err := c.describe(ctx, object)
	if err != nil {
		return nil, err
	}
	return c.keep(o), nil
}

var (
	_ connector.Connection   = (*conn)(nil)
	_ connector.Source       = (*conn)(nil)
	_ connector.Reader       = (*conn)(nil)
	_ connector.Finder       = (*conn)(nil)
	_ connector.Writer       = (*conn)(nil)
	_ connector.Settler      = (*conn)(nil)
	_ connector.SchemaWriter = (*conn)(nil)
	_ connector.Recaller     = (*conn)(nil)
	_ connector.Describer    = (*conn)(nil)
	_ connector.Eraser       = (*conn)(nil)
	_ connector.EventSink    = (*conn)(nil)

	_ connector.WebhookReceiver = (*conn)(nil)
	_ connector.Subscriber      = (*conn)(nil)
)
