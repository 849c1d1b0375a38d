// Package pipedrivetwin simulates one Pipedrive company: persons, organizations, deals,
// leads, activities, notes, products and users with their custom fields; pipelines, search,
// merges, webhooks, OAuth, and the tokens that calls cost.
//
// It answers as the OpenAPI descriptions and the guides of the vendor say; where those are
// silent, in one way that the exchanges in ../testdata/wire call unverified.
package pipedrivetwin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// What a fresh company is.
const (
	token     = "5c1f0d7a9be24e6f8d3a2b1c0e9f8a7b6c5d4e3f" //nolint:gosec // invented: it opens twins only
	companyID = 13202119
	domain    = "tandem-sandbox"
	searchLag = 2 * time.Second
	daily     = 30000 // tokens of one seat of the smallest plan
)

type kit = twin.Kit

// A Company is a simulated company. Besides the methods of [twin.Twin] it has those of an
// administrator, and of a test that wants what seldom happens.
type Company struct {
	*kit
	handler http.Handler
	options twin.Options

	delivering sync.Mutex // one Deliver at a time

	mu        sync.Mutex
	objects   []*object
	converted []conversion
	files     []*file
	lag       time.Duration
	contacts  bool              // the company has Contact Sync, and with it more fields of persons
	campaigns bool              // the company has Campaigns, and with it statuses of addresses
	statuses  map[string]string // by address
	turned    map[string]bool   // changes of statuses by the API, each of which is taken once
	lacking   map[string]bool   // scopes that no credential has
	plain     bool              // the user is no administrator
	rates     rates
	hooks     hooks
	grants    grants
}

// New returns a company without any records but the user whose token it is.
func New(o twin.Options) twin.Twin {
	c := &Company{kit: twin.NewKit(o), options: o, lag: searchLag, lacking: map[string]bool{}}
	c.statuses, c.turned = map[string]string{}, map[string]bool{}
	if o.Prompt {
		c.lag = 0
	}
	c.rates.budget = daily
	if o.NoLimits {
		c.rates.budget = 1 << 30
	}
	c.grants.access, c.grants.refresh, c.grants.codes = map[string]time.Time{}, map[string]bool{}, map[string]code{}
	c.objects = definitions()
	me := c.object(users).add(c.Now())
	me.f["name"], me.f["email"] = "Mara Admin", "mara@twin.example"
	c.Encode = c.encodeFault
	c.handler = c.Wrap(http.HandlerFunc(c.serve))
	return c
}

// ServeHTTP answers one request to the API.
func (c *Company) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Settings returns the API token.
func (c *Company) Settings() map[string]string { return map[string]string{"api_token": token} }

// Objects returns what people can edit.
func (c *Company) Objects() []string {
	var names []string
	for _, o := range c.objects {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return names
}

func (c *Company) object(name string) *object {
	for _, o := range c.objects {
		if o.name == name {
			return o
		}
	}
	return nil
}

// SetSearchLag sets how long the search index is behind; 2 s at first.
func (c *Company) SetSearchLag(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lag = d
}

// ContactSync switches on what gives persons a job title, a birthday, notes and an address.
func (c *Company) ContactSync(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.contacts = on
}

// Revoke takes scopes away from the app and from the user: "contacts:read", "admin".
func (c *Company) Revoke(scopes ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range scopes {
		c.lacking[s] = true
	}
}

// Demote makes the user one who sees only what others show.
func (c *Company) Demote() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plain = true
}

// Hide lets the owner of a record hide it from all but administrators.
func (c *Company) Hide(object, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.live(object, id)
	if err != nil {
		return err
	}
	r.hidden = true
	return nil
}

// Forget takes a record's time of change away, as records have it that nobody changed since
// they came into the company.
func (c *Company) Forget(object, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.live(object, id)
	if err != nil {
		return err
	}
	r.timeless = true
	return nil
}

// Spend leaves the company so many tokens of the day.
func (c *Company) Spend(left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rates.turn(c.Now())
	c.rates.used = c.rates.budget - left
}

// AddField lets an administrator make a custom field and returns its key. options are the
// labels of the choices of an enum or a set, whose ids count from 1.
func (c *Company) AddField(object, name, kind string, options ...string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.object(object)
	if o == nil || o.fields == "" {
		return "", fmt.Errorf("add field: no custom fields of %q", object)
	}
	return c.addField(o.fields, name, kind, options).key, nil
}

// stamp is a time as version 2 shows it, oldStamp as version 1 does.
func stamp(t time.Time) string    { return t.UTC().Format("2006-01-02T15:04:05Z") }
func oldStamp(t time.Time) string { return t.UTC().Format(time.DateTime) }

// singular is what a record is called in messages: "persons" is "person".
func singular(object string) string {
	if object == activities {
		return "activity"
	}
	return strings.TrimSuffix(object, "s")
}

var _ twin.Twin = (*Company)(nil)
