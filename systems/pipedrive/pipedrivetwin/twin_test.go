package pipedrivetwin

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/twin"
	"github.com/tandemhub/tandem/twin/wiretest"
)

// play runs with a fresh company in virtual time.
func play(t *testing.T, with func(p *player)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		with(&player{T: t, company: New(twin.Options{}).(*Company)})
	})
}

// ask makes a call of which the status, and whether the twin knew it all, matter.
func (p *player) ask(method, path, body string) (int, string) {
	p.Helper()
	res := p.call(wiretest.Request{Method: method, Path: path, Body: json.RawMessage(body)}, false)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestWhatTheVendorDoesNotHaveIsNoted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path, body string
		status             int
		noted              bool
	}{
		{"GET", "/v2/persons", "", 404, true},             // it is below /api only
		{"GET", "/api/v1/persons", "", 404, true},         // out of support
		{"GET", "/api/v2/leads", "", 404, true},           // version 1 only
		{"GET", "/api/v2/persons?start=3", "", 200, true}, // an offset
		{"GET", "/api/v2/products?updated_since=2026-01-01T00:00:00Z", "", 200, false},
		{"GET", "/api/v2/products?updated_until=2026-01-01T00:00:00Z", "", 200, true},
		{"GET", "/api/v2/persons?include_fields=shoe_size", "", 400, true},
		{"GET", "/api/v2/persons?include_fields=marketing_status", "", 400, false},
		{"GET", "/api/v1/leads/archived?updated_since=2026-01-01T00:00:00Z", "", 200, true},
		{"POST", "/api/v2/persons", `{"name":"Ann","email":[]}`, 400, true},
		{"POST", "/api/v2/persons", `{"name":"Ann","is_deleted":true}`, 400, true},
		{"POST", "/api/v2/persons", `{"name":""}`, 400, false},
		{"POST", "/api/v2/persons", `{"name":"Ann","emails":"ann@x.io"}`, 400, false},
		{"POST", "/api/v2/persons", `{"name":"Ann","visible_to":"3"}`, 400, false},
		{"POST", "/api/v2/deals", `{"title":"Pumps","value":"7"}`, 400, false},
		{"POST", "/api/v2/deals", `{"title":"Pumps","lost_reason":"none"}`, 400, false},
		{"POST", "/api/v2/activities", `{"subject":"Call","done":1}`, 400, false},
		{"POST", "/api/v2/activities", `{"subject":"Call","type":"gossip"}`, 400, false},
		{"GET", "/api/v2/persons?limit=501", "", 400, false},
		{"GET", "/api/v2/persons?sort_by=name", "", 400, false},
		{"GET", "/api/v2/persons?cursor=x", "", 400, false},
		{"GET", "/api/v2/itemSearch?term=a", "", 400, false},
		{"GET", "/api/v2/itemSearch?term=a&exact_match=true", "", 200, false},
		{"PUT", "/api/v2/persons/1", `{}`, 404, false},
		{"GET", "/api/v2/persons?ids=" + strings.Repeat("1,", 100) + "1", "", 400, false},
	} {
		play(t, func(p *player) {
			status, text := p.ask(c.method, c.path, c.body)
			if status != c.status || (len(p.company.Unknowns()) > 0) != c.noted {
				t.Errorf("%s %s %s: %d, noted %v: %s", c.method, c.path, c.body, status, p.company.Unknowns(), text)
			}
		})
	}
}

// Tokens are counted by the day, and requests by two seconds.
func TestTokensAreCounted(t *testing.T) {
	t.Parallel()
	play(t, func(p *player) {
		left := func() string {
			res := p.call(wiretest.Request{Method: "GET", Path: "/api/v1/users/me"}, false)
			defer res.Body.Close()
			return res.Header.Get("X-Daily-Ratelimit-Token-Remaining")
		}
		if got := left(); got != fmt.Sprint(daily-2) {
			t.Errorf("after one call %s are left", got)
		}
		p.ask("GET", "/api/v2/persons", "")
		p.ask("GET", "/api/v1/leads", "")
		p.ask("GET", "/api/v2/deals/archived", "")
		p.ask("POST", "/api/v2/persons", `{"name":"Ann"}`)
		if got := left(); got != fmt.Sprint(daily-2-10-20-20-5-2) {
			t.Errorf("%s are left", got)
		}
		var last int
		for range burstLimit {
			last, _ = p.ask("GET", "/api/v1/users/me", "")
		}
		if last != 429 {
			t.Errorf("the last of too many answers %d", last)
		}
		time.Sleep(24 * time.Hour)
		if got := left(); got != fmt.Sprint(daily-2) {
			t.Errorf("a day later %s are left", got)
		}
	})
}

// What is not taken comes four times; after ten bad beginnings nothing comes for half an
// hour, and what happens then is lost.
func TestWebhooksAreRepeatedAndBanned(t *testing.T) {
	t.Parallel()
	play(t, func(p *player) {
		if err := p.prepare(act{Hook: "https://hub.example.com/x"}); err != nil {
			t.Fatal(err)
		}
		box := &postbox{status: 503}
		post := func() int {
			statuses, err := p.company.Deliver(p.Context(), box, twin.HookFaults{})
			if err != nil {
				t.Fatal(err)
			}
			return len(statuses)
		}
		enter := func() {
			if _, err := p.company.Put(persons, "", map[string]string{"name": "Ann"}); err != nil {
				t.Fatal(err)
			}
		}
		enter()
		var posts []int
		for range 5 {
			posts = append(posts, post())
		}
		if !slices.Equal(posts, []int{1, 1, 1, 1, 0}) {
			t.Errorf("attempts: %v", posts)
		}
		for range maxFailures - 1 {
			enter()
		}
		for range maxAttempts {
			post()
		}
		enter()
		if n := post(); n != 0 {
			t.Errorf("%d posts to who is banned", n)
		}
		time.Sleep(banTime)
		box.status = 200
		enter()
		if n := post(); n != 1 {
			t.Errorf("%d posts after the ban; what happened in it is lost", n)
		}
	})
}

// The search shows a change only when its index has caught up.
func TestTheSearchIsBehind(t *testing.T) {
	t.Parallel()
	play(t, func(p *player) {
		p.ask("POST", "/api/v2/persons", `{"name":"Ann"}`)
		find := func(term string) bool {
			_, text := p.ask("GET", "/api/v2/itemSearch?exact_match=true&item_types=person&term="+term, "")
			return strings.Contains(text, `"id":1`)
		}
		if find("ann") {
			t.Error("found at once")
		}
		time.Sleep(searchLag)
		if !find("ANN") {
			t.Error("not found later, whatever the case")
		}
		p.ask("PATCH", "/api/v2/persons/1", `{"name":"Bea"}`)
		if find("bea") || !find("ann") {
			t.Error("the index has the change already")
		}
		time.Sleep(searchLag)
		if !find("bea") || find("ann") {
			t.Error("the index still has what was")
		}
	})
}

// What the vendor's own client asks for besides what the connector does.
func TestWhatTheVendorsClientAsksForIsAnswered(t *testing.T) {
	t.Parallel()
	play(t, func(p *player) {
		c := p.company
		key, err := c.AddField(persons, "size", "enum", "Small", "Large")
		if err != nil {
			p.Fatal(err)
		}
		for _, put := range []map[string]string{{"name": "Ann Berg", "emails": "ann@x.io", key: "2"}, {"name": "Bob"}} {
			if _, err := c.Put(persons, "", put); err != nil {
				p.Fatal(err)
			}
		}
		for _, status := range []string{"won", "won", "lost", "open"} {
			if _, err := c.Put(deals, "", map[string]string{"title": "Pumps", "person_id": "1", "status": status}); err != nil {
				p.Fatal(err)
			}
		}
		lead, err := c.Put(leads, "", map[string]string{"title": "Lead", "person_id": "1"})
		if err != nil {
			p.Fatal(err)
		}
		time.Sleep(time.Minute)
		for _, x := range []struct{ path, shows string }{
			{"/api/v2/persons/1?include_option_labels=true", `{"id":2,"label":"Large"}`},
			{"/api/v2/persons?include_fields=won_deals_count,lost_deals_count,open_deals_count,closed_deals_count&ids=1",
				`"closed_deals_count":3`},
			{"/api/v2/persons/1?include_fields=won_deals_count", `"won_deals_count":2`},
			{"/api/v2/persons/1?custom_fields=" + strings.Repeat("0", 40), `"custom_fields":{}`},
			{"/api/v2/personFields/" + key, `"field_name":"size"`},
			{"/api/v2/pipelines/2", `"name":"Renewals"`},
			{"/api/v2/stages/6", `"pipeline_id":2`},
			{"/api/v2/persons/search?term=berg", `"emails":["ann@x.io"]`},
			{"/api/v2/deals/search?term=pumps&status=lost", `"title":"Pumps"`},
			{"/api/v2/leads/search?term=lead&person_id=2", `"items":[]`},
			{"/api/v1/users/find?term=mara", `"name":"Mara Admin"`},
			{"/api/v1/leads?sort=id", lead},
		} {
			if status, text := p.ask("GET", x.path, ""); status != 200 || !strings.Contains(text, x.shows) {
				p.Errorf("%s: %d, no %s in %s", x.path, status, x.shows, text)
			}
		}
		_, text := p.ask("POST", "/api/v2/leads/"+lead+"/convert/deal", `{"stage_id":6}`)
		var job struct {
			Data struct {
				ID string `json:"conversion_id"`
			}
		}
		if err := json.Unmarshal([]byte(text), &job); err != nil {
			p.Fatal(err)
		}
		if _, text := p.ask("GET", "/api/v2/leads/"+lead+"/convert/status/"+job.Data.ID, ""); !strings.Contains(text, `"deal_id":5`) {
			p.Errorf("the conversion has ended in %s", text)
		}
		if _, text := p.ask("GET", "/api/v2/deals/5", ""); !strings.Contains(text, lead) || !strings.Contains(text, `"stage_id":6`) {
			p.Errorf("the deal is %s", text)
		}
		if u := c.Unknowns(); len(u) > 0 {
			p.Errorf("unknown: %v", u)
		}
	})
}

// A file hangs on the organization of its person, too, and is read by an address of its own.
func TestFilesAreKeptElsewhere(t *testing.T) {
	t.Parallel()
	play(t, func(p *player) {
		c := p.company
		if _, err := c.Put(organizations, "", map[string]string{"name": "Berg"}); err != nil {
			p.Fatal(err)
		}
		if _, err := c.Put(persons, "", map[string]string{"name": "Ann", "org_id": "1"}); err != nil {
			p.Fatal(err)
		}
		if _, err := c.Attach(persons, "1", "card.pdf", []byte("card")); err != nil {
			p.Fatal(err)
		}
		if _, text := p.ask("GET", "/api/v1/organizations/1/files", ""); !strings.Contains(text, `"card.pdf"`) {
			p.Errorf("the organization has %s", text)
		}
		if status, _ := p.ask("GET", "/api/v1/persons/2/files", ""); status != 404 {
			p.Errorf("nobody's files: %d", status)
		}
		if status, _ := p.ask("GET", "/"+filesPath+"/1?X-Amz-Signature=forged", ""); status != 403 {
			p.Errorf("a forged address: %d", status)
		}
	})
}
