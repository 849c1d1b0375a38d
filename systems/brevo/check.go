package brevo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// account is the account; see https://developers.brevo.com/reference/get-account
type account struct {
	Organization string `json:"organization_id"`
	Company      string `json:"companyName"`
	Email        string `json:"email"`
	Enterprise   bool   `json:"enterprise"`
	Plan         []struct {
		Type    string  `json:"type"`
		Credits float64 `json:"credits"`
	} `json:"plan"`
	Verticals []struct {
		Category string `json:"planCategory"`
		Name     string `json:"name"`
		Status   string `json:"status"`
	} `json:"planVerticals"`
}

// Check asks who we are. An API key has all rights, so it lacks nothing that is not said here.
func (c *conn) Check(ctx context.Context) (connector.Identity, error) {
	var a account
	sent := time.Now()
	r, err := c.do(ctx, rest.Call{Path: "/v3/account", Into: &a})
	if err != nil {
		return connector.Identity{}, fmt.Errorf("check: %w", err)
	}
	id := connector.Identity{Account: a.Organization, Name: a.Company, Facts: c.facts(a, r.Header), Clock: clock(r.Header, sent, time.Now())}
	if id.Account == "" {
		id.Account = a.Email
	}
	if id.Account == "" {
		return connector.Identity{}, &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Fix: "is the address right?",
			Err: errors.New("check: the answer names no account"),
		}
	}
	if id.Name == "" {
		id.Name = "Brevo account " + id.Account
	}
	for _, v := range a.Verticals {
		if v.Category == "CRM" && v.Status != "active" {
			for _, object := range []string{companies, deals, notes} {
				id.Lacks = append(id.Lacks, connector.Lack{
					Object: object, What: "read", Why: "the account's Sales plan is " + v.Status, Remedy: "activate Sales in Brevo, or leave the object out",
				})
			}
		}
	}
	return id, nil
}

// facts are what an administrator likes to see.
func (c *conn) facts(a account, h http.Header) map[string]string {
	f := map[string]string{"own changes": "reported back too: fill key_name with the name of the API key"}
	if name := c.settings[settingKeyName]; name != "" {
		f["own changes"] = "known by the API key " + name
	}
	var plans []string
	for _, p := range a.Plan {
		plans = append(plans, fmt.Sprintf("%s (%s credits)", p.Type, strconv.FormatFloat(p.Credits, 'f', -1, 64)))
	}
	for _, v := range a.Verticals {
		plans = append(plans, v.Category+" "+v.Name)
	}
	if len(plans) > 0 {
		f["plan"] = strings.Join(plans, ", ")
	}
	if n := h.Get("X-Sib-Ratelimit-Limit"); n != "" {
		f[factHourly] = n
	}
	if n := h.Get("X-Sib-Ratelimit-Remaining"); n != "" {
		f["other calls left in this hour"] = n
	}
	return f
}

// clock compares Brevo's clock with ours in the middle of the call. Its whole seconds are
// taken for their middle, so less than a second is no difference.
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
