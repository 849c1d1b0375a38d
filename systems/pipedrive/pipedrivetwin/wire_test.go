package pipedrivetwin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
	"github.com/tandemhub/tandem/twin/wiretest"
)

// A scene is what stands only in the files of this vendor: what happened before, and whether
// a delivery of a webhook is shown.
type scene struct {
	Setup    []act
	Delivery bool
	Nth      int
	Request  struct{ Basic bool }
}

// An act is one thing that happened before.
type act struct {
	Put, Remove, Merge, Field, Revoke, Hook, Wait, Spend, Grant, Redeem string
	Attach                                                              string
	ID, Keep, Lose, Name, Kind                                          string
	Options                                                             []string
	Fields                                                              map[string]string
	Calls                                                               int
	Deliver                                                             bool
}

func TestTwinAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	for _, x := range wiretest.Read(t, "../testdata/wire", 60) {
		if x.Twin != nil && !*x.Twin {
			continue // the twin does not play this
		}
		t.Run(x.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { replay(t, x) })
		})
	}
}

// A player is a company with what was heard of it.
type player struct {
	*testing.T
	company *Company
	refresh string
}

func replay(t *testing.T, x wiretest.Exchange) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	p := &player{T: t, company: New(twin.Options{Zone: zone}).(*Company)}
	what := wiretest.Extra[scene](t, x)
	for _, s := range what.Setup {
		if err := p.prepare(s); err != nil {
			t.Fatal(err)
		}
	}
	if what.Delivery {
		box := &postbox{}
		if _, err := p.company.Deliver(t.Context(), box, twin.HookFaults{}); err != nil || len(box.bodies) <= what.Nth {
			t.Fatalf("%d deliveries, %v", len(box.bodies), err)
		}
		allowed().Same(t, x.Request.Body, box.bodies[what.Nth])
		return
	}
	allowed().Answered(t, x, p.call(x.Request, what.Request.Basic))
	if u := p.company.Unknowns(); len(u) != x.Unknowns {
		t.Errorf("unknown to the twin: %v", u)
	}
}

// allowed are the times, and that examples show only part of an object, or the first and the
// last of many fields.
func allowed() wiretest.Rules {
	return wiretest.Rules{
		Free:   []string{"add_time", "update_time", "created", "modified", "won_time", "lost_time", "close_time", "stage_change_time", "cc_email"},
		Open:   func(string) bool { return true },
		Absent: func(_, key string) bool { return key == "data" || key == "additional_data" },
		Sample: func(name string, want, got []any) []any {
			if len(want) == 0 || name != "data" && name != "access" {
				return got
			}
			return append(slices.Clone(got[:len(want)-1]), got[len(got)-1])
		},
	}
}

func (p *player) prepare(s act) error {
	p.Helper()
	c := p.company
	switch {
	case s.Put != "":
		_, err := c.Put(s.Put, s.ID, s.Fields)
		return err
	case s.Attach != "":
		_, err := c.Attach(s.Attach, s.ID, s.Name, []byte("card"))
		return err
	case s.Remove != "":
		return c.Remove(s.Remove, s.ID)
	case s.Merge != "":
		return c.Merge(s.Merge, s.Lose, s.Keep)
	case s.Field != "":
		_, err := c.AddField(s.Field, s.Name, s.Kind, s.Options...)
		return err
	case s.Revoke != "":
		c.Revoke(s.Revoke)
	case s.Wait != "":
		d, err := time.ParseDuration(s.Wait)
		time.Sleep(d)
		return err
	case s.Spend != "":
		left, err := strconv.Atoi(s.Spend)
		c.Spend(left)
		return err
	case s.Deliver:
		_, err := c.Deliver(p.Context(), &postbox{}, twin.HookFaults{})
		return err
	}
	return p.prepareCalls(s)
}

// prepareCalls does what only calls can do.
func (p *player) prepareCalls(s act) error {
	p.Helper()
	var r wiretest.Request
	switch {
	case s.Hook != "":
		r.Method, r.Path = "POST", "/api/v1/webhooks"
		r.Body = fmt.Appendf(nil, `{"subscription_url":%q,"event_action":"*","event_object":"*","name":"Tandem 00000000",
			"http_auth_user":"tandem","http_auth_password":"secret","version":%q}`, s.Hook, cmp.Or(s.Name, "2.0"))
	case s.Grant != "":
		r.Method, r.Path = "GET", "/oauth/authorize?client_id="+clientID+"&redirect_uri="+url.QueryEscape(s.Grant)
	case s.Redeem != "":
		r.Method, r.Path = "POST", "/oauth/token"
		r.Form = map[string]string{"grant_type": "authorization_code", "code": s.Redeem, "redirect_uri": "http://127.0.0.1/cb"}
		var tokens struct {
			Refresh string `json:"refresh_token"`
		}
		res := p.call(r, true)
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&tokens); err != nil {
			return err
		}
		p.refresh = tokens.Refresh
		return nil
	default:
		for range s.Calls {
			_ = p.call(wiretest.Request{Method: "GET", Path: "/api/v2/persons"}, false).Body.Close()
		}
		return nil
	}
	res := p.call(r, false)
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s", r.Method, r.Path, res.Status)
	}
	return nil
}

// call asks with the token of the company, or as the app that it knows.
func (p *player) call(r wiretest.Request, basic bool) *http.Response {
	p.Helper()
	for name, v := range r.Form {
		r.Form[name] = strings.ReplaceAll(v, "$refresh", p.refresh)
	}
	req := r.HTTP(p, "api.pipedrive.com")
	switch {
	case basic:
		req.SetBasicAuth(clientID, clientSecret)
	case r.Token != nil:
		req.Header.Set("X-Api-Token", *r.Token)
	default:
		req.Header.Set("X-Api-Token", token)
	}
	res, err := twin.Transport(p.company).RoundTrip(req)
	if err != nil {
		p.Fatal(err)
	}
	return res
}

// A postbox takes deliveries.
type postbox struct {
	bodies [][]byte
	status int
}

// RoundTrip takes one.
func (b *postbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	b.bodies = append(b.bodies, body)
	if b.status == 0 {
		b.status = 200
	}
	return &http.Response{StatusCode: b.status, Body: http.NoBody, Request: r}, err
}
