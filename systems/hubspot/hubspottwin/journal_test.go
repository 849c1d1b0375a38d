package hubspottwin

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

const journalScopes = journalRead + " " + journalSubs + "read " + journalSubs + "write crm.objects.contacts.read"

// reader is the app, reading its journal.
type reader struct {
	*testing.T
	*Account
	token string
}

func (a *Account) reader(t *testing.T, scopes string) *reader {
	t.Helper()
	got := a.send(t, 200, "/oauth/2026-09/token", "grant_type", "client_credentials", "scope", scopes)
	if got["token_use"] != "client_credentials" || got["refresh_token"] != nil {
		t.Errorf("%v", got)
	}
	return &reader{t, a, got["access_token"].(string)}
}

func (r *reader) call(status int, method, path, body string) map[string]any {
	r.Helper()
	var sent []byte
	if body != "" {
		sent = []byte(body)
	}
	got, text := call(r.T, r.Account, r.token, method, "/webhooks-journal/"+path, sent)
	if got != status {
		r.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	out := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			r.Fatal(err)
		}
	}
	return out
}

// file follows a signed address.
func (r *reader) file(status int, entry map[string]any) map[string]any {
	r.Helper()
	u, err := url.Parse(entry["url"].(string))
	if err != nil {
		r.Fatal(err)
	}
	got, text := call(r.T, r.Account, "", "GET", u.RequestURI(), nil)
	if got != status {
		r.Fatalf("%d, want %d: %s", got, status, text)
	}
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil {
		r.Fatal(err)
	}
	return out
}

const wantContacts = `{"subscriptionType":"OBJECT","objectTypeId":"0-1","portalId":146000217,"objectIds":[],
	"actions":["CREATE","UPDATE","DELETE","MERGE"],"properties":["email","lastmodifieddate"]}`

func TestTheJournalIsReadEntryByEntry(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		r := a.reader(t, journalScopes)
		r.call(204, "GET", "journal/2026-03/earliest", "")
		must(t)(a.Put("contacts", "", map[string]string{"firstname": "Before"})) // nobody asked for it
		sub := r.call(201, "POST", "subscriptions/2026-03", wantContacts)
		ann := must(t)(a.Put("contacts", "", map[string]string{"email": "ann@example.com"}))
		must(t)(a.Put("companies", "", map[string]string{"name": "Berg"}))
		first := r.call(200, "GET", "journal/2026-03/earliest", "")
		must(t)(a.Put("contacts", ann, map[string]string{"city": "Athens"}))
		if err := a.Remove("contacts", ann); err != nil {
			t.Fatal(err)
		}
		offset := first["currentOffset"].(string)
		second := r.call(200, "GET", "journal-local/2026-03/offset/"+offset+"/next?installPortalId=146000217", "")
		r.call(204, "GET", "journal/2026-03/offset/"+second["currentOffset"].(string)+"/next", "")
		now := stamp(a.Now())
		base := func(action string, changes map[string]any) map[string]any {
			m := map[string]any{"type": "crmObject", "portalId": float64(portalID), "occurredAt": now, "action": action, "objectTypeId": "0-1", "objectId": 1002.0}
			if changes != nil {
				m["propertyChanges"] = changes
			}
			return m
		}
		if d := cmp.Diff([]any{base("CREATE", map[string]any{"email": "ann@example.com", "lastmodifieddate": now})}, r.file(200, first)["journalEvents"]); d != "" {
			t.Error(d)
		}
		want := []any{base("UPDATE", map[string]any{"lastmodifieddate": now}), base("DELETE", nil)}
		if d := cmp.Diff(want, r.file(200, second)["journalEvents"]); d != "" {
			t.Error(d)
		}
		if got := r.call(200, "GET", "journal/2026-03/latest", ""); got["currentOffset"] != second["currentOffset"] {
			t.Errorf("%v", got)
		}
		if got := r.call(200, "GET", "journal/2026-03/batch/"+offset+"/next/10", "")["results"].([]any); len(got) != 1 {
			t.Errorf("%v", got)
		}
		if got := r.call(200, "GET", "journal/2026-03/batch/earliest/10", "")["results"].([]any); len(got) != 2 {
			t.Errorf("%v", got)
		}
		if got := r.call(200, "GET", "subscriptions/2026-03", "")["results"].([]any); len(got) != 1 {
			t.Errorf("%v", got)
		}
		if sub["id"] != 1.0 {
			t.Errorf("%v", sub)
		}
		r.call(204, "DELETE", "subscriptions/2026-03/1", "")
		r.call(404, "GET", "subscriptions/2026-03/1", "")
		if u := a.Unknowns(); len(u) > 0 {
			t.Error(u)
		}
	})
}

func TestTheJournalForgets(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 1}, func(t *testing.T, a *Account) {
		r := a.reader(t, journalScopes)
		r.call(201, "POST", "subscriptions/2026-03", wantContacts)
		for range 2 {
			must(t)(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
		}
		first := r.call(200, "GET", "journal/2026-03/earliest", "")
		last := r.call(200, "GET", "journal/2026-03/latest", "")
		if first["currentOffset"] == last["currentOffset"] {
			t.Error("both events are in one entry")
		}
		time.Sleep(signedLife)
		r.file(403, first) // its address has expired
		r = a.reader(t, journalScopes)
		r.file(200, r.call(200, "GET", "journal/2026-03/earliest", ""))
		time.Sleep(journalKept)
		r = a.reader(t, journalScopes)
		r.call(404, "GET", "journal/2026-03/offset/"+first["currentOffset"].(string)+"/next", "")
		r.call(204, "GET", "journal/2026-03/earliest", "")
	})
}

func TestTheJournalIsForTheAppOnly(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		a.want(t, 403, "GET", "/webhooks-journal/journal/2026-03/earliest", "")
		r := a.reader(t, journalRead)
		r.call(403, "GET", "subscriptions/2026-03", "")
		a.reader(t, strings.ReplaceAll(journalScopes, "contacts", "deals")).call(403, "POST", "subscriptions/2026-03", wantContacts)
		r = a.reader(t, journalScopes)
		r.call(400, "POST", "subscriptions/2026-03", strings.Replace(wantContacts, `"objectIds":[],`, "", 1))
		r.call(400, "POST", "subscriptions/2026-03", strings.Replace(wantContacts, "0-1", "contacts", 1))
		r.call(400, "POST", "subscriptions/2026-03", strings.Replace(wantContacts, "146000217", "1", 1))
		r.call(400, "GET", "journal/2026-03/batch/earliest/0", "")
		if status, _ := call(t, a, r.token, "GET", at, nil); status != 200 { // it has the scope
			t.Errorf("%d", status)
		}
		for range readsPerSec {
			call(t, a, r.token, "GET", "/webhooks-journal/journal/2026-03/earliest", nil)
		}
		r.call(429, "GET", "journal/2026-03/earliest", "")
	})
}

func TestTheJournalKnowsAssociationsAndErasures(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		r := a.reader(t, journalScopes)
		r.call(201, "POST", "subscriptions/2026-03", `{"subscriptionType":"ASSOCIATION","objectTypeId":"0-1","associatedObjectTypeIds":["0-2"],
			"portalId":146000217,"actions":["ASSOCIATION_ADDED","ASSOCIATION_REMOVED"]}`)
		r.call(201, "POST", "subscriptions/2026-03", `{"subscriptionType":"GDPR_PRIVACY_DELETION","portalId":146000217,"actions":["GDPR_DELETE"]}`)
		ann, berg := fresh(t, a, "contacts"), fresh(t, a, "companies")
		must(t)(a.Put("contacts", ann, map[string]string{"associatedcompanyid": berg}))
		must(t)(a.Put("contacts", ann, map[string]string{"associatedcompanyid": ""}))
		if err := a.Erase(ann); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range r.file(200, r.call(200, "GET", "journal/2026-03/latest", ""))["journalEvents"].([]any) {
			m := e.(map[string]any)
			got = append(got, m["type"].(string)+" "+m["action"].(string))
		}
		if d := cmp.Diff([]string{"association ASSOCIATION_ADDED", "association ASSOCIATION_REMOVED", "crmObject GDPR_DELETE"}, got); d != "" {
			t.Error(d)
		}
	})
}
