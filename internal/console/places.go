package console

import (
	"context"
	"net/http"

	"github.com/tandemhub/tandem/internal/account"
)

// A place is one of those that the navigation leads to.
type place struct {
	Path  string
	Text  string // its key in the catalogues
	right account.Right
	below string // the prefix of all addresses that belong to it; "" = its own
}

// Under is the prefix of all addresses that belong to the place.
func (p place) Under() string {
	if p.below != "" {
		return p.below
	}
	return p.Path
}

// places are all of them, in the order in which they are shown.
func places() []place {
	return []place{
		{Path: "/", Text: "nav.home", right: account.See},
		{Path: "/connections", Text: "nav.connections", right: account.See},
		{Path: "/syncs", Text: "nav.syncs", right: account.See},
		{Path: "/runs", Text: "nav.runs", right: account.See},
		{Path: "/history", Text: "nav.history", right: account.See},
		{Path: "/review", Text: "nav.review", right: account.See},
		{Path: "/reports", Text: "nav.reports", right: account.See},
		{Path: "/settings/people", Text: "nav.settings", right: account.People, below: "/settings"},
	}
}

// settings are the places below Settings, each a tab.
func settings() []place {
	return []place{
		{Path: "/settings/people", Text: "nav.people", right: account.People},
		{Path: "/settings/configuration", Text: "nav.configuration", right: account.Configure},
		{Path: "/settings/notifications", Text: "nav.notifications", right: account.Configure},
		{Path: "/settings/audit", Text: "nav.audit", right: account.People},
		{Path: secretsAt, Text: "nav.secrets", right: account.Secrets},
		{Path: personAt, Text: "nav.person", right: account.Configure},
		{Path: databaseAt, Text: "nav.database", right: account.Configure},
	}
}

// placesFor are those of the places that somebody may go to.
func placesFor(who account.Principal, from []place) []place {
	var all []place
	for _, p := range from {
		if who.Can(p.right) {
			all = append(all, p)
		}
	}
	return all
}

// waiting counts what waits for a decision, as the review queue does: also of syncs that are no
// longer configured.
func (v *view) waiting(ctx context.Context) (int, error) {
	counts, err := v.hub.Store().CountReviews(ctx)
	n := 0
	for _, x := range counts {
		n += x.N
	}
	return n, err
}

// around fills in what every page of somebody who is signed in has around it.
func (v *view) around(r *http.Request, p *page) error {
	if !p.Who.Somebody() {
		return nil
	}
	p.Places, p.Settings = placesFor(p.Who, places()), placesFor(p.Who, settings())
	if v.demo {
		p.Places = append(p.Places, place{Path: "/demo", Text: "nav.demo"})
	}
	n, err := v.waiting(r.Context())
	p.Open = n
	return err
}
