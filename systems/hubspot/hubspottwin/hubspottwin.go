// Package hubspottwin simulates one HubSpot account: companies, contacts, deals and leads
// with their pipelines, products, line items, quotes, invoices, activities, a custom object,
// owners and lists; the properties and the associations of all of them; OAuth; webhooks and
// the webhooks journal. All is as the API shows it under its dated paths (2026-09, 2026-03)
// and its legacy ones (v3, v4).
//
// It answers as the documentation says; where that is silent, as public reports of the
// vendor's answers show. The exchanges that both the twin and the connector are held to
// are in ../testdata/wire.
package hubspottwin

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// What a fresh account is.
const (
	token     = "pat-eu1-7d1f4c1e-2b3a-4c55-9d11-0f00ba5eba11" //nolint:gosec // invented: it opens twins only
	portalID  = 146000217
	searchLag = 2 * time.Second // how long the search index is behind
	searchCap = 10000           // see search.go
)

type kit = twin.Kit

// An Account is a simulated account. Besides the methods of [twin.Twin] it has those of
// an administrator, and of a test that wants what seldom happens.
type Account struct {
	*kit
	handler http.Handler
	options twin.Options

	delivering sync.Mutex // one Deliver at a time

	mu        sync.Mutex
	kinds     []*object
	named     map[string]*object // by every name that paths have
	between   map[[2]*object]*relation
	contacts  *object
	companies *object
	owners    owners
	rolls     []*roll
	files     []*file
	fileMax   int   // 0 = as a fresh account
	rates     rates // of the account's own token
	appRates  rates // of the app
	grants    grants
	hook      *hooked // where webhooks go; nil = nowhere
	journal   journal
	lag       time.Duration
	searchMax int
	lacking   map[string]bool // scopes that no credential has
	auto      bool            // contacts are associated with companies by their e-mail's domain
	keepID    bool            // a merge keeps the primary record's id
	serial    int             // of the correlation ids
	typeIDs   int             // of association types and stages that the account makes
}

// New returns an empty account with the default properties.
func New(o twin.Options) twin.Twin {
	a := &Account{
		kit:       twin.NewKit(o),
		options:   o,
		named:     map[string]*object{},
		between:   map[[2]*object]*relation{},
		grants:    newGrants(),
		appRates:  rates{oauth: true},
		lag:       searchLag,
		searchMax: searchCap,
		lacking:   map[string]bool{},
		typeIDs:   99,
	}
	if o.Prompt {
		a.lag = 0
	}
	a.build()
	a.Encode = a.encodeFault
	a.handler = a.Wrap(http.HandlerFunc(a.serve))
	return a
}

// ServeHTTP answers one request to the API.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Settings returns the token.
func (a *Account) Settings() map[string]string { return map[string]string{"access_token": token} }

// Objects returns what people can edit.
func (a *Account) Objects() []string {
	names := make([]string, 0, len(a.kinds)+1)
	for _, o := range a.kinds {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return append(names, "owners")
}

// SetSearchLag sets how long the search index is behind; 2 s at first.
func (a *Account) SetSearchLag(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lag = d
}

// IndexLate lets the search show the last write of a record so much later than that of
// others, as happens at the vendor: its index is not filled in order.
func (a *Account) IndexLate(object, id string, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, ok := parseID(id); ok && a.object(object) != nil && a.object(object).live(n) != nil {
		a.object(object).live(n).late = d
	}
}

// SetSearchCap sets how many results of one search can be paged through; 10,000 at first.
func (a *Account) SetSearchCap(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.searchMax = n
}

// AutoAssociate sets whether the account associates a new contact with the company of its
// e-mail's domain; off at first.
func (a *Account) AutoAssociate(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.auto = on
}

// KeepPrimaryID sets whether a merge keeps the primary record's id, as accounts in
// HubSpot's preview do, instead of minting a third one.
func (a *Account) KeepPrimaryID(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keepID = on
}

// Revoke takes scopes away from the token, and from the app: "crm.objects.contacts.read".
func (a *Account) Revoke(scopes ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range scopes {
		a.lacking[s] = true
	}
}

// AddProperty lets an administrator add a custom property. kind is a type with its field
// type, "enumeration/select"; options are the values of a choice.
func (a *Account) AddProperty(object, name, kind string, unique bool, options ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.object(object)
	if o == nil {
		return fmt.Errorf("add property: no object %q", object)
	}
	kind, fieldType, _ := strings.Cut(kind, "/")
	p := &property{Name: name, Label: name, Type: kind, FieldType: fieldType, Group: o.group, Unique: unique}
	for i, v := range options {
		p.Options = append(p.Options, option{Label: v, Value: v, Order: i})
	}
	if wrong := o.checkDefinition(p); wrong != "" {
		return fmt.Errorf("add property %s: %s", name, wrong)
	}
	o.define(p, a.Now())
	return nil
}

// correlation returns the id by which HubSpot's support finds a request. Each is another,
// and the same in every run.
func (a *Account) correlation() string {
	a.serial++
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", a.serial, a.serial)
}

// stamp is a time as the API shows it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func parseID(s string) (int64, bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && id > 0
}

var _ twin.Twin = (*Account)(nil)
