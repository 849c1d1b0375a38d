// Package dolibarr connects Dolibarr through its REST API: third parties, contacts, users,
// products, opportunities, proposals, orders, invoices, events and categories, with the
// customer's extrafields.
//
// The vendor's documentation says little of how the API behaves; what this package relies
// on was recorded from running servers of the versions 20.0.2 and 24.0.0-beta, and the
// exchanges are kept in testdata/wire. Where a comment says "recorded", that is meant.
package dolibarr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

const (
	docs = "https://wiki.dolibarr.org/index.php?title=Module_Web_Services_API_REST_(developer)"

	// apiPath is where the API is below the address of the installation.
	apiPath = "/api/index.php"

	// defaultParallel is how many calls run at a time. Dolibarr sets no limit; recorded
	// throughput stops growing at about twice the server's cores.
	defaultParallel = 4
)

// Spec describes Dolibarr.
func Spec() connector.Spec {
	return connector.Spec{
		Name:  "dolibarr",
		Title: "Dolibarr",
		API:   "REST",
		Docs:  docs,
		Notes: []string{
			"Verified on the versions 20.0.2 and 24.0.0-beta; others are expected to work and are reported as unverified.",
			"Switch on the module \"API/Web services REST\" and give a user of its own an API key on that user's card.",
			"That user needs the rights to read, create, modify and delete what is synchronised, to read users, and \"Read all third parties\": without the last one Dolibarr shows an empty list instead of an error.",
			"The key travels in the header DOLAPIKEY, which all versions take; the Bearer form of version 23 is not needed.",
			"Only an administrator's key can read the definitions of extrafields; with another key their names are learnt from records and all of them are texts, unless the setting extrafields says what they are.",
			"Closed third parties, disabled contacts and products that are neither sold nor bought count as archived: they are not synchronised until they are opened again. Version 20 deletes no product.",
			"Projects are synchronised if they follow an opportunity; the API does not show the list of opportunity statuses, so the setting lead_statuses must say so if it was changed.",
			"The events with which Dolibarr logs what happens are left out.",
			"Writing the status of a proposal, an order or an invoice validates, closes or reopens it. Lines change only while it is a draft.",
			"Validating and closing are done without Dolibarr's triggers, so that its module Notification mails nobody. The calls setinvoiced, settopaid, settounpaid, reopen and settodraft always run them, as does making or changing a record: what somebody has set up in that module for these is mailed.",
			"Categories of third parties and contacts move no time stamp: a change of them is seen at the next refresh.",
			"A payment of a part of an invoice moves no time stamp either: what is left to pay is seen at the next refresh, or at once with the webhook of PAYMENT_CUSTOMER_CREATE.",
			"Webhooks make changes arrive within seconds. Choose a target of the type \"non-blocking\" (version 23 and later): with a blocking one, people cannot save while the hub is down.",
			"The database keeps no emoji and no double quotes or tags in names; they are dropped.",
		},
		Auth: []connector.Auth{{
			Setting: "api_key",
			Header:  "DOLAPIKEY",
			Help:    "in Dolibarr, on the card of the user who shall synchronise, under API key",
		}},
		Settings: []connector.Setting{
			{
				Name: "api_key", Label: "API key", Required: true, Secret: true,
				Help: "in Dolibarr, on the card of the user who shall synchronise, under API key",
			},
			{
				Name: "parallel", Label: "Calls at a time", Default: strconv.Itoa(defaultParallel),
				Help: "more than twice the cores of the server gain nothing",
			},
			{
				Name: "lead_statuses", Label: "Opportunity statuses",
				Help: "the dictionary of opportunity statuses if it was changed: 1=Prospecting, 2=Qualification, 6=Won:won, 7=Lost:lost",
			},
			{
				Name: "extrafields", Label: "Types of extrafields",
				Help: "for a key that is no administrator's: thirdparties.segment=choice, contacts.since=date",
			},
		},
		Limits: limits,
		Door:   door(),
		Open:   open,
	}
}

// limits is ours: the vendor has none.
func limits(s connector.Settings, _ connector.Identity) []connector.Limit {
	n, err := strconv.Atoi(s["parallel"])
	if err != nil || n < 1 {
		n = defaultParallel
	}
	return []connector.Limit{{Concurrent: n, Source: docs}}
}

// A conn is one installation. Besides the API it holds caches that may be lost.
type conn struct {
	api      rest.API
	host     string
	declared declared        // types of extrafields
	leads    []record.Choice // opportunity statuses; nil: the usual ones

	mu        sync.Mutex
	zone      *time.Location       // of PHP
	extras    map[string][]field   // by object: the extrafields
	extrasAt  time.Time            // when they were read
	sampled   map[string]time.Time // by object: when the names of extrafields were learnt from records
	typed     bool                 // the extrafields' types are known
	countries map[string]int64     // id by code
	drift     drift                // of the database's clock against PHP's
	most      map[string]int       // by object: rows that PHP's memory allows
	bare      map[string]bool      // by object: its lists do not join the extrafields
	tagged    map[string]members   // by object: the categories of its records
	asked     map[string]bool      // by object: whether anybody wants them
	wanted    map[string]bool      // objects that were described, besides people
	self      string               // the id of the key's own user
}

func open(env connector.Env) (connector.Connection, error) {
	base := env.BaseURL
	if !strings.HasSuffix(base, apiPath) {
		base += apiPath
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeConnection, Field: "url",
			Fix: "give the address of Dolibarr, like https://erp.example.com", Err: errors.New("the address cannot be read"),
		}
	}
	types, err := parseExtras(env.Settings["extrafields"])
	if err != nil {
		return nil, err
	}
	leads, err := parseLeadStatuses(env.Settings["lead_statuses"])
	if err != nil {
		return nil, err
	}
	return &conn{
		api:      rest.API{HTTP: env.HTTP, Base: base, Classify: classify},
		host:     u.Host,
		declared: types, leads: leads,
		most: map[string]int{}, bare: map[string]bool{}, sampled: map[string]time.Time{}, tagged: map[string]members{}, asked: map[string]bool{}, wanted: map[string]bool{},
	}, nil
}

// Check asks for the server's state, then for the first record of every object, because
// a missing right shows in no other way.
func (c *conn) Check(ctx context.Context) (connector.Identity, error) {
	began := time.Now()
	s, err := c.status(ctx)
	if err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	middle := began.Add(time.Since(began) / 2)
	id := connector.Identity{
		Name:    c.host,
		Version: s.Version,
		Facts:   map[string]string{},
		Clock:   time.Unix(s.Now, 0).Sub(middle).Truncate(time.Second),
	}
	if _, err := time.LoadLocation(s.Zone); err == nil {
		id.Zone = s.Zone
	}
	if s.Environment != "" {
		id.Facts["environment"] = s.Environment
	}
	if s.Locked != "" && s.Locked != "0" {
		id.Facts["maintenance"] = "people are locked out; the API still answers"
	}
	if !verified(s.Version) {
		id.Facts["unverified"] = "this connector was tried on the versions 20 and 24 only"
	}
	id.Facts["webhooks"] = hookAdvice(s.Version)
	if err := c.checkRights(ctx, &id); err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	return id, nil
}

// verified reports whether the version is one whose exchanges were recorded.
func verified(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	return major == "20" || major == "24"
}

// hookAdvice says what to know before webhooks are set up.
func hookAdvice(version string) string {
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n >= 23 {
		return "choose the non-blocking type for the target, so that people can save while the hub is down"
	}
	return "this version only has blocking ones: while the hub is down people cannot save"
}

// status reads the server's state and remembers its zone.
func (c *conn) status(ctx context.Context) (wireStatus, error) {
	var got struct {
		Success wireStatus `json:"success"`
	}
	if _, err := c.api.Do(ctx, rest.Call{Path: "/status", Into: &got}); err != nil {
		return wireStatus{}, fmt.Errorf("read status: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.zone = got.Success.location()
	return got.Success, nil
}

// checkRights asks for the oldest record of every object and for the definitions of the
// extrafields, names what is lacking and pins the account.
//
// The account (R33) must stay the same whoever's key is used and whatever people delete,
// and differ if another installation answers. No id of the installation can be read
// without being an administrator, so it is the oldest user: that is the one whom the
// installer made, and people cannot delete him. A key that may not read users sees the
// oldest third party at best.
func (c *conn) checkRights(ctx context.Context, id *connector.Identity) error {
	oldest := map[string]string{}
	for _, o := range objects() {
		if !c.wants(o.Name) {
			continue
		}
		row, lack, err := c.first(ctx, o)
		if err != nil {
			return err
		}
		if lack != nil {
			id.Lacks = append(id.Lacks, *lack)
		}
		if row != nil {
			oldest[o.Name] = o.Name + ":" + row.text("id") + "@" + cmp.Or(row.text("date_creation"), row.text("datec"))
		}
	}
	id.Account = cmp.Or(oldest[users], oldest[thirdParties], c.host)
	if err := c.loadExtras(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.typed {
		id.Lacks = append(id.Lacks, connector.Lack{
			What:   "schema",
			Why:    "the definitions of extrafields are open to administrators only",
			Remedy: "name the key's login in the constant API_LOGINS_ALLOWED_FOR_GET_EXTRAFIELDS (Home, Setup, Other setup), or use the key of an administrator; until then extrafields are texts",
		})
	}
	return nil
}

// first reads the oldest record of an object. An empty list of third parties may mean
// that there are none, or that the right to see them is missing: then a record that is
// asked for by its id is forbidden and not unknown (recorded).
func (c *conn) first(ctx context.Context, o object) (wireRow, *connector.Lack, error) {
	page, err := c.list(ctx, o, listing{properties: sampled(o), limit: sampleSize})
	if err == nil && len(page.rows) == 0 {
		err = c.probe(ctx, o)
	}
	switch {
	case missing(err):
		e := connector.ErrorOf(err)
		return nil, &connector.Lack{Object: o.Name, What: "read", Why: e.Err.Error(), Remedy: e.Fix}, nil
	case err != nil:
		return nil, nil, err
	}
	c.sample(o, page.rows)
	if len(page.rows) == 0 {
		return nil, nil, nil
	}
	return page.rows[0], nil, nil
}

// probe asks for record 1 of an object that seems to be empty, and returns Forbidden if
// it is only out of sight. That it is unknown proves nothing: it may have been deleted.
func (c *conn) probe(ctx context.Context, o object) error {
	_, err := c.api.Do(ctx, rest.Call{Method: http.MethodGet, Path: o.path + "/1"})
	switch connector.KindOf(err) {
	case connector.Forbidden:
		e := *connector.ErrorOf(err)
		e.Scope = connector.ScopeObject
		e.Fix = seeAll
		return &e
	case connector.NotFound, connector.Unsupported:
		return nil
	}
	if err != nil {
		return fmt.Errorf("probe the right to see %s: %w", o.Name, err)
	}
	return nil
}

const seeAll = "give the user the right \"Read all third parties (otherwise only those of which he is the sales representative)\""

var (
	_ connector.Source = (*conn)(nil)

	_ connector.Describer = (*conn)(nil)
	_ connector.Recaller  = (*conn)(nil)

	_ connector.Reader = (*conn)(nil)
	_ connector.Finder = (*conn)(nil)
	_ connector.Writer = (*conn)(nil)
	_ connector.Merger = (*conn)(nil)

	_ connector.WebhookReceiver = (*conn)(nil)
)
