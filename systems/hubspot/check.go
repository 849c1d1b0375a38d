package hubspot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

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

// lacks reads one record of each object that is known to be used, too; of companies and
// contacts if none is known yet, because each is a call. Rights to write show only when
// something is written: no call tells them. That owners may not be read shows when they are.
func (c *conn) lacks(ctx context.Context) ([]connector.Lack, error) {
	var out []connector.Lack
	for _, object := range c.used() {
		_, err := c.do(ctx, rest.Call{Path: c.path(areaObjects, object), Query: map[string][]string{"limit": {"1"}}})
		switch {
		case isAbsent(err):
			out = append(out, lackOf(object, "read", err))
		case err != nil:
			return nil, fmt.Errorf("check %s: %w", object, err)
		}
	}
	more, err := c.filesLack(ctx)
	if out = append(out, more...); err != nil || !c.withLists() {
		return out, err
	}
	_, err = c.listsPage(ctx, connector.Query{Object: lists, Limit: 1}, cursor{})
	switch {
	case isAbsent(err):
		out = append(out, lackOf(lists, "read", err))
	case err != nil:
		return nil, fmt.Errorf("check lists: %w", err)
	}
	return out, nil
}

// used returns the objects whose properties were read or recalled.
func (c *conn) used() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) == 0 {
		return []string{companies, contacts}
	}
	return slices.Sorted(maps.Keys(c.known))
}
