package pipedrive

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// A tap answers some calls in the twin's stead, as the vendor might one day.
type tap struct {
	twin   http.RoundTripper
	answer func(*http.Request) (status int, kind, body string) // 0 = the twin's answer
}

// RoundTrip answers a request.
func (p tap) RoundTrip(r *http.Request) (*http.Response, error) {
	status, kind, body := p.answer(r)
	if status == 0 {
		return p.twin.RoundTrip(r)
	}
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

const asJSON = "application/json"

// tapped opens a connection of which some calls are answered otherwise.
func (b *bench) tapped(answer func(*http.Request) (int, string, string)) {
	b.Helper()
	b.openWith(rest.OpenOptions{
		Settings: connector.Settings{}, Secrets: b.company.Settings(), Hook: testHook, State: b.state,
		Transport: tap{twin.Transport(b.company), answer},
	})
}

func TestEveryRefusalHasItsMeaning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path string
		status             int
		headers            map[string]string
		body               string
		kind               connector.Kind
		scope              connector.Scope
		limit              string
	}{
		{name: "a record that is not there", path: "/api/v2/persons/7", status: 404, body: `{"success":false,"error":"Person not found"}`, kind: connector.NotFound, scope: connector.ScopeRecord},
		{name: "a call that is not there", path: "/api/v1/leads/7", status: 404, body: `{"status":false,"error":"Unknown method ."}`, kind: connector.Unsupported, scope: connector.ScopeObject},
		{name: "an old call", path: "/api/v1/leads/7", status: 410, body: `{"success":false,"error":"Gone"}`, kind: connector.Unsupported, scope: connector.ScopeObject},
		{name: "a call log that is gone", path: "/api/v1/callLogs/CA1", status: 410, body: `{"success":false}`, kind: connector.NotFound, scope: connector.ScopeRecord},
		{name: "somebody else's page", path: "/api/v2/persons/7", status: 404, body: `<html>Not here</html>`, kind: connector.Unavailable, scope: connector.ScopeConnection},
		{name: "an unpaid bill", path: "/api/v2/persons", status: 402, body: `{"success":false}`, kind: connector.Forbidden, scope: connector.ScopeConnection},
		{name: "a feature that is off", path: "/api/v2/products", status: 415, body: `{"success":false}`, kind: connector.Unsupported, scope: connector.ScopeObject},
		{name: "a list that may not be read", path: "/api/v2/persons", status: 403, body: `{"success":false}`, kind: connector.Forbidden, scope: connector.ScopeObject},
		{name: "a record that may not be changed", method: "PATCH", path: "/api/v2/persons/7", status: 403, body: `{"success":false}`, kind: connector.Forbidden, scope: connector.ScopeRecord},
		{name: "a scope that is missing", method: "PATCH", path: "/api/v2/persons/7", status: 403, body: `{"error":"Scope and URL mismatch"}`, kind: connector.Forbidden, scope: connector.ScopeObject},
		{name: "a plan's limit", method: "PATCH", path: "/api/v2/deals/7", status: 403, body: `{"code":"feature_capping_deals_limit"}`, kind: connector.Forbidden, scope: connector.ScopeObject},
		{name: "a burst", path: "/", status: 429, headers: map[string]string{headerLeft: "0", headerDailyLeft: "900"}, body: `{}`, kind: connector.RateLimited, scope: connector.ScopeConnection, limit: limitBurst},
		{name: "a burst near the day's end", path: "/", status: 429, headers: map[string]string{headerLeft: "0", headerDailyLeft: "9"}, body: `{}`, kind: connector.RateLimited, scope: connector.ScopeConnection, limit: limitBurst},
		{name: "the day's tokens", path: "/", status: 429, headers: map[string]string{headerLeft: "0", headerDailyLeft: "0"}, body: `{}`, kind: connector.RateLimited, scope: connector.ScopeConnection, limit: limitDaily},
		{name: "too few of the day's tokens", path: "/", status: 429, headers: map[string]string{headerLeft: "18", headerDailyLeft: "3"}, body: `{}`, kind: connector.RateLimited, scope: connector.ScopeConnection, limit: limitDaily},
		{name: "the day's tokens, untold", path: "/", status: 429, headers: map[string]string{headerLeft: "18"}, body: `{}`, kind: connector.RateLimited, scope: connector.ScopeConnection, limit: limitDaily},
		{name: "the limit of webhooks", method: "POST", path: "/api/v1/webhooks", status: 422, body: `{"error":"too many"}`, kind: connector.Invalid, scope: connector.ScopeRecord},
	} {
		h := http.Header{}
		for name, v := range c.headers {
			h.Set(name, v)
		}
		err := new(conn).classify(&rest.Response{Status: c.status, Header: h, Body: []byte(c.body), Method: c.method, Path: c.path})
		if e := want(t, c.name, err, c.kind, c.scope); e.Limit != c.limit {
			t.Errorf("%s: limit %q", c.name, e.Limit)
		}
	}
}

// Where no header tells the burst from the day, calls rest longer each time, and an answer
// ends that.
func TestUntoldLimitsAreWaitedOutLonger(t *testing.T) {
	t.Parallel()
	c := new(conn)
	refused := &rest.Response{Status: 429, Header: http.Header{}, Body: []byte(`{}`)}
	var last time.Duration
	for n := range 12 {
		e := want(t, "refused", c.classify(refused), connector.RateLimited, connector.ScopeConnection)
		if e.Wait < last || n == 0 && e.Wait != burstWindow || e.Wait > longestPatience {
			t.Errorf("%d: wait %v after %v", n, e.Wait, last)
		}
		last = e.Wait
	}
	c.learn(&rest.Response{Status: 200, Header: http.Header{}})
	if e := connector.ErrorOf(c.classify(refused)); last != longestPatience || e.Wait != burstWindow {
		t.Errorf("%v, and after an answer %v", last, e.Wait)
	}
}

// A part of version 1 that is taken out of service, an address that is not Pipedrive's and a
// call that is refused delete nothing (R21).
func TestOnlyTheRecordsAbsenceIsADeletion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		kind   string
		body   string
		want   connector.Kind
		fate   connector.Fate
	}{
		{"retired", 410, asJSON, `{"success":false,"error":"Gone"}`, connector.Unsupported, ""},
		{"unknown", 404, asJSON, `{"status":false,"error":"Unknown method ."}`, connector.Unsupported, ""},
		{"a proxy", 404, "text/html", `<html>404</html>`, connector.Unavailable, ""},
		{"a bad parameter", 400, asJSON, `{"success":false,"error":"Validation failed: include_fields: is not supported"}`, "", connector.Left},
		{"not there", 404, asJSON, `{"success":false,"error":"not found"}`, "", connector.Deleted},
	} {
		inBubble(t, twin.Options{}, func(b *bench) {
			lead, person := b.put(leads, "", "title", "Pumps", "person_id", "1"), b.put(persons, "", "name", "Ann")
			b.tapped(func(r *http.Request) (int, string, string) {
				if strings.HasSuffix(r.URL.Path, lead) || strings.HasSuffix(r.URL.Path, "persons/"+person) {
					return c.status, c.kind, c.body
				}
				return 0, "", ""
			})
			for object, id := range map[string]string{leads: lead, persons: person} {
				got, err := b.Reader.Read(b.Context(), object, []string{id})
				if connector.KindOf(err) != c.want || err == nil && got[0].Fate != c.fate {
					b.Errorf("%s: %s read as %+v, %v", c.name, object, got, err)
				}
				_, err = b.write(connector.Op{Verb: connector.Delete, Ref: record.Ref{Object: object, ID: id}})
				if c.want != "" && err == nil {
					b.Errorf("%s: a delete of %s is said to be done", c.name, object)
				}
			}
		})
	}
}

// A server whose midnight is not that of UTC gives the tokens back hours later, not a day.
func TestTokensAreLookedForAgainBeforeNoon(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		time.Sleep(10 * time.Minute)
		id := b.put(persons, "", "name", "Ann")
		b.fieldsKnown(persons)
		b.company.Spend(0)
		_, err := b.Reader.Read(b.Context(), persons, []string{id})
		if e := want(b, "in the night", err, connector.RateLimited, connector.ScopeConnection); e.Limit != limitDaily || e.Wait != askAgain {
			b.Errorf("limit %q, wait %v", e.Limit, e.Wait)
		}
		time.Sleep(askAgain)
		b.company.Spend(500)
		b.one(persons, id)
	})
}
