package pipedrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// Check asks who we are, and object by object whether it may be read.
func (c *conn) Check(ctx context.Context) (connector.Identity, error) {
	sent := time.Now()
	var answer envelope[me]
	r, err := c.do(ctx, 2, rest.Call{Path: c.v1("users", "me"), Into: &answer})
	if err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	m := answer.Data
	if m.CompanyID == "" {
		return connector.Identity{}, &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Fix: "is the address right?",
			Err: errors.New("check: the answer names no company"),
		}
	}
	id := connector.Identity{
		Account: string(m.CompanyID), Name: m.Company, Version: "v2",
		Facts: c.facts(ctx, m, r.Header), Clock: clock(r.Header, sent, time.Now()),
	}
	if id.Name == "" {
		id.Name = "Pipedrive company " + id.Account
	}
	if _, err := time.LoadLocation(m.Zone); err == nil && m.Zone != "" {
		id.Zone = m.Zone
		c.mu.Lock()
		c.zone = m.Zone
		c.mu.Unlock()
	}
	id.Lacks, err = c.lacks(ctx, m)
	return id, err
}

// facts are what an administrator likes to see.
func (c *conn) facts(ctx context.Context, m me, h http.Header) map[string]string {
	f := map[string]string{
		"user":     m.Name,
		"currency": m.Currency,
		factDaily:  h.Get(headerDailyLimit),
		factLeft:   h.Get(headerDailyLeft),
	}
	if m.Domain != "" {
		f["address"] = "https://" + m.Domain + ".pipedrive.com"
	}
	// What came with an OAuth app's tokens says it too, and better.
	var granted struct {
		Domain string `json:"api_domain"`
	}
	if text, _, err := c.state.Get(ctx, "oauth"); err == nil && json.Unmarshal([]byte(text), &granted) == nil && granted.Domain != "" {
		f["address"] = granted.Domain
	}
	maps.DeleteFunc(f, func(_, v string) bool { return v == "" })
	return f
}

// clock compares Pipedrive's clock with ours in the middle of the call. Its whole seconds
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

// lacks reads one record of each object that is known to be used, too; of organizations and
// persons if none is known yet, because each costs tokens. Rights to write show only when
// something is written: no call tells them.
func (c *conn) lacks(ctx context.Context, m me) ([]connector.Lack, error) {
	var out []connector.Lack
	if !m.admin("sales") {
		out = append(out, connector.Lack{
			What: "read", Why: "the user is no administrator of sales and may not see all records",
			Remedy: "use the API token of an administrator: without it nothing proves that a record was deleted",
		})
	}
	for _, object := range c.used() {
		k, _ := kindOf(object)
		if object == users {
			continue // read in one piece, when it is needed
		}
		_, err := c.do(ctx, k.list, rest.Call{Path: c.path(k), Query: url.Values{"limit": {"1"}}})
		switch connector.KindOf(err) {
		case connector.Forbidden, connector.NotFound, connector.Unsupported:
			out = append(out, lackOf(object, "read", err))
		default:
			if err != nil {
				return nil, fmt.Errorf("check %s: %w", object, err)
			}
		}
	}
	return out, nil
}

// used returns the objects whose fields were read or recalled.
func (c *conn) used() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) == 0 {
		return []string{organizations, persons}
	}
	return slices.Sorted(maps.Keys(c.known))
}
