// Package brevotwin simulates one Brevo account: contacts with attributes and lists, imports
// with their reports, companies, deals with their pipelines, notes, events, webhooks, API
// keys and OAuth, with a limit of calls for each group of endpoints.
//
// It answers as the documentation and Brevo's own client say; what they leave open is marked
// in the exchanges of ../testdata/wire, to which both the twin and the connector are held.
package brevotwin

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// What a fresh account is.
const (
	apiKey       = "xkeysib-7d1f4c1e2b3a4c559d110f00ba5eba11-Ba5eBa11" //nolint:gosec // invented: it opens twins only
	keyName      = "Tandem"
	organization = "5f0c7a529b1e4f7b8a3d0f00"
	firstList    = 2
)

type kit = twin.Kit

// An Account is a simulated account. Besides the methods of [twin.Twin] it has those of an
// administrator, and of a test that wants what seldom happens.
type Account struct {
	*kit
	handler http.Handler
	options twin.Options

	delivering sync.Mutex // one Deliver at a time

	mu         sync.Mutex
	attributes []*attribute
	contacts   map[int64]*contact
	index      map[identity]int64 // contacts by what one only has
	lastID     int64
	lists      []*list
	folders    []*list
	sales      map[string]*sales
	pipelines  []pipeline
	jobs       map[int64]*job
	importTime time.Duration
	listLag    time.Duration // lists show what is new so much later
	events     []event
	hooks      []*hook
	allowed    map[string][]*allowance
	grants     grants
	foreign    bool // the caller's address is not authorised
	// noCompanies says that companies cannot be imported.
	noCompanies bool
	silent      bool // processes are not listed
	serial      int64
}

// New returns an account with the default attributes and one empty list.
func New(o twin.Options) twin.Twin {
	a := &Account{
		kit: twin.NewKit(o), options: o, contacts: map[int64]*contact{}, index: map[identity]int64{}, jobs: map[int64]*job{}, importTime: 20 * time.Second,
		attributes: defaultAttributes(), sales: defaultSales(), pipelines: defaultPipelines(), allowed: defaultAllowances(), grants: newGrants(),
		folders: []*list{{id: 1, name: "Your first folder"}},
		lists:   []*list{{id: firstList, name: "Newsletter", folder: 1}},
	}
	a.serial = 100
	a.Encode = encodeFault
	a.handler = a.Wrap(http.HandlerFunc(a.serve))
	return a
}

// ServeHTTP answers one request to the API.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Settings returns the API key.
func (a *Account) Settings() map[string]string { return map[string]string{"api_key": apiKey} }

// Objects returns what people can edit.
func (a *Account) Objects() []string {
	return []string{"companies", "contacts", "deals", "folders", "lists", "notes"}
}

// Allow replaces the limits of a group of endpoints (contacts, events, other) by one.
func (a *Account) Allow(group string, calls int, per time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.allowed[group] = []*allowance{{calls: calls, per: per}}
}

// Foreign sets whether the caller's IP address is one that is not authorised.
func (a *Account) Foreign(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.foreign = on
}

// ListsLag sets how long what is new is missing in lists of contacts, companies, deals and notes; 0 at first.
func (a *Account) ListsLag(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listLag = d
}

// ImportsTake sets how long an import is under way; 20 s at first.
func (a *Account) ImportsTake(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.importTime = d
}

// RefuseCompanies has imports of companies refused from now on.
func (a *Account) RefuseCompanies() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noCompanies = true
}

// HideProcesses has processes left out of their list from now on.
func (a *Account) HideProcesses() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.silent = true
}

// AddAttribute lets an administrator add an attribute of contacts. Its kind is text, float,
// boolean, date, multiple-choice with its options, or category with its labels, whose values
// are 1, 2 and so on.
func (a *Account) AddAttribute(name, kind string, options ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := &attribute{name: name, category: "normal", kind: kind, options: options}
	if kind == "category" {
		x.category, x.kind, x.options = "category", "", nil
		for i, label := range options {
			x.values = append(x.values, enumerated{value: fmt.Sprint(i + 1), label: label})
		}
	}
	if f := a.define(x); f != nil {
		return fmt.Errorf("add attribute %s: %s", name, f.Message)
	}
	return nil
}

// next returns a number that nothing else has.
func (a *Account) next() int64 {
	a.serial++
	return a.serial
}

func (a *Account) stamp() time.Time { return a.Now().UTC().Truncate(time.Millisecond) }

func (a *Account) act(by, verb, object, id string, fields map[string]string) {
	a.Ledger().Record(twin.Act{At: a.Now(), By: by, Verb: verb, Object: object, ID: id, Fields: fields})
}

var _ twin.Twin = (*Account)(nil)
