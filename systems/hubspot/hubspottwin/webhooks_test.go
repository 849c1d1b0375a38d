package hubspottwin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

// target takes webhooks.
type target struct {
	status int
	posts  [][]map[string]any
	last   *http.Request
	body   []byte
}

// RoundTrip takes a post.
func (x *target) RoundTrip(r *http.Request) (*http.Response, error) {
	if x.status == 0 {
		return nil, errors.New("no way there")
	}
	x.last = r
	x.body, _ = io.ReadAll(r.Body)
	var events []map[string]any
	if err := json.Unmarshal(x.body, &events); err != nil {
		return nil, err
	}
	x.posts = append(x.posts, events)
	return &http.Response{StatusCode: x.status, Status: fmt.Sprint(x.status), Body: io.NopCloser(&bytes.Buffer{})}, nil
}

// kinds returns what came, in order.
func (x *target) kinds() []string {
	var out []string
	for _, post := range x.posts {
		for _, e := range post {
			s := e["subscriptionType"].(string)
			if p, ok := e["propertyName"].(string); ok {
				s += ":" + p
			}
			out = append(out, s)
		}
	}
	return out
}

func (a *Account) deliver(t *testing.T, x http.RoundTripper, f twin.HookFaults, want int) {
	t.Helper()
	before := a.Undelivered()
	if _, err := a.Deliver(t.Context(), x, f); err != nil || before-a.Undelivered() != want {
		t.Errorf("%d delivered, want %d: %v", before-a.Undelivered(), want, err)
	}
}

// The vectors are those of the official client's tests, and for v3 of its own function.
func TestSignaturesAreTheVendors(t *testing.T) {
	t.Parallel()
	const created = `[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation",` +
		`"attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]`
	for _, c := range []struct{ version, method, target, body, want string }{
		{"v1", "POST", "https://x.example", created, "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"},
		{"v2", "GET", "https://www.example.com/webhook_uri", "", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"},
		{"v2", "POST", "https://www.example.com/webhook_uri", `{"example_field":"example_value"}`, "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"},
		{"v3", "POST", "https://www.example.com/webhook_uri", `{"example_field":"example_value"}`, "rQEKkaNUiu+1qGF//O/pw4BCzstSqO1PyUnGICmf+7o="},
		{"v3", "POST", "https://hub.example.org/hooks/hubspot?x=1", created, "J8bNENgNBs2Ve43Ie2PL5Pay4fmSJl3oiYSaObcA0xs="},
		{"v3", "POST", "https://hub.example.org/hooks/hubspot", `[{"propertyValue":"Ελένη Ω ไทย ß"}]`, "fTqpTgaU4C+TrDTeQdAVC8XDdItys3sFwqPkrqPd7yQ="},
	} {
		h, got := &Hook{Target: c.target, Secret: clientSecret, Signature: c.version}, http.Header{}
		h.sign(got, c.method, []byte(c.body), time.UnixMilli(1700000000000))
		if !slices.Contains([]string{got.Get("X-HubSpot-Signature"), got.Get("X-HubSpot-Signature-v3")}, c.want) {
			t.Errorf("%s of %s %s: %v", c.version, c.method, c.target, got)
		}
	}
	if got := signedURI("https://x.example/a%2Fb%3Fc%20d"); got != "https://x.example/a/b?c%20d" {
		t.Errorf("%s", got)
	}
}

func TestWebhooksTellWhatHappened(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		x := &target{status: 200}
		a.Webhook(Hook{Target: "https://hub.example/hook"})
		ann := must(t)(a.Put("contacts", "", map[string]string{"email": "ann@example.com"}))
		a.want(t, 200, "PATCH", at+"/"+ann, `{"properties":{"city":"Athens","email":"ann@example.com"}}`) // the address is no change
		berg := must(t)(a.Put("companies", "", map[string]string{"name": "Berg"}))
		a.deliver(t, x, twin.HookFaults{}, 5)
		want := []string{"contact.creation", "contact.propertyChange:email", "contact.propertyChange:city", "company.creation", "company.propertyChange:name"}
		if d := cmp.Diff(want, x.kinds()); d != "" {
			t.Error(d)
		}
		change := x.posts[0][2]
		for key, want := range map[string]any{
			"propertyValue": "Athens", "changeSource": "INTEGRATION", "objectId": 1001.0, "portalId": float64(portalID), "attemptNumber": 0.0,
			"occurredAt": float64(a.Now().UnixMilli()),
		} {
			if change[key] != want {
				t.Errorf("%s: %v, want %v", key, change[key], want)
			}
		}
		x.posts = nil
		must(t)(a.Put("contacts", ann, map[string]string{"associatedcompanyid": berg}))
		must(t)(a.Put("notes", "", map[string]string{"hs_timestamp": "2026-01-02T03:04:05Z", "associations.contacts": ann}))
		bob := must(t)(a.Put("contacts", "", map[string]string{"firstname": "Bob"}))
		if _, err := a.Merge("contacts", ann, bob); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(a.Remove("contacts", "1003"), a.Restore("contacts", "1003"), a.Erase("1003")); err != nil {
			t.Fatal(err)
		}
		a.deliver(t, x, twin.HookFaults{}, 13)
		want = []string{
			"contact.associationChange", "company.associationChange", "object.creation", "object.propertyChange:hs_timestamp",
			"object.associationChange", "contact.associationChange", "contact.creation", "contact.propertyChange:firstname", "contact.merge",
			"contact.deletion", "contact.restore", "contact.deletion", "contact.privacyDeletion",
		}
		if d := cmp.Diff(want, x.kinds()); d != "" {
			t.Error(d)
		}
		if e := x.posts[0][0]; e["associationType"] != "CONTACT_TO_COMPANY" || e["isPrimaryAssociation"] != true || e["toObjectId"] != 1001.0 {
			t.Errorf("%v", e)
		}
		if e := x.posts[0][8]; e["newObjectId"] != 1003.0 || e["primaryObjectId"] != 1001.0 || !cmp.Equal(e["mergedObjectIds"], []any{1002.0}) {
			t.Errorf("%v", e)
		}
		if e := x.posts[0][2]; e["objectTypeId"] != "0-46" {
			t.Errorf("%v", e)
		}
	})
}

func TestPostsAreSignedByTheVendorsClock(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		a.Skew(time.Hour)
		x := &target{status: 204}
		a.Webhook(Hook{Target: "https://hub.example/hook?a=1", Secret: "s", Events: []string{"contact.creation"}})
		must(t)(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
		a.deliver(t, x, twin.HookFaults{}, 1)
		again := http.Header{}
		(&Hook{Target: "https://hub.example/hook?a=1", Secret: "s"}).sign(again, "POST", x.body, a.Now())
		if got := x.last.Header; got.Get("X-HubSpot-Signature-v3") != again.Get("X-HubSpot-Signature-v3") ||
			got.Get("X-HubSpot-Request-Timestamp") != fmt.Sprint(time.Now().Add(time.Hour).UnixMilli()) {
			t.Errorf("%v", got)
		}
	})
}

func TestWhatIsNotTakenComesAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		x := &target{}
		a.Webhook(Hook{Target: "https://hub.example/hook", Events: []string{"contact.creation", "contact.propertyChange:email"}})
		must(t)(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
		if _, err := a.Deliver(t.Context(), x, twin.HookFaults{}); err == nil || a.Undelivered() != 1 {
			t.Errorf("%v, %d wait", err, a.Undelivered())
		}
		x.status = 500
		if got, err := a.Deliver(t.Context(), x, twin.HookFaults{Twice: true}); err != nil || !slices.Equal(got, []int{500}) || a.Undelivered() != 1 {
			t.Errorf("answered %v, %d wait: %v", got, a.Undelivered(), err)
		}
		x.status = 200
		a.deliver(t, x, twin.HookFaults{}, 1)
		if got := x.posts[len(x.posts)-1][0]["attemptNumber"]; got != 2.0 {
			t.Errorf("attempt %v", got)
		}
		x.status = 503
		must(t)(a.Put("contacts", "", map[string]string{"firstname": "Bob"}))
		attempts := 0
		for ; a.Undelivered() > 0 && attempts < 99; attempts++ {
			if _, err := a.Deliver(t.Context(), x, twin.HookFaults{}); err != nil {
				t.Fatal(err)
			}
		}
		if attempts != 11 {
			t.Errorf("%d attempts", attempts)
		}
	})
}

func TestDeliveriesGoWrongAsWanted(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		x := &target{status: 200}
		a.Webhook(Hook{Target: "https://hub.example/hook", Signature: "v1", Events: []string{"contact.creation"}})
		people := func(n int) {
			for range n {
				must(t)(a.Put("contacts", "", map[string]string{"firstname": "Ann"}))
			}
		}
		ids := func() string {
			var out []string
			for _, post := range x.posts {
				for _, e := range post {
					out = append(out, fmt.Sprint(e["objectId"]))
				}
			}
			x.posts = nil
			return strings.Join(out, " ")
		}
		people(2)
		a.deliver(t, x, twin.HookFaults{Twice: true, Backwards: true}, 2)
		if got := ids(); got != "1002 1001 1002 1001" {
			t.Error(got)
		}
		people(2)
		a.deliver(t, x, twin.HookFaults{Lost: true}, 2)
		if got := ids(); got != "" {
			t.Error(got)
		}
		people(1)
		a.deliver(t, x, twin.HookFaults{Forged: true}, 1)
		genuine := http.Header{}
		(&Hook{Target: "https://hub.example/hook", Secret: clientSecret, Signature: "v1"}).sign(genuine, "POST", x.body, a.Now())
		if x.last.Header.Get("X-HubSpot-Signature") == genuine.Get("X-HubSpot-Signature") {
			t.Error("a forged post has the app's signature")
		}
		x.posts = nil
		people(101)
		a.deliver(t, x, twin.HookFaults{}, 101)
		if len(x.posts) != 2 || len(x.posts[0]) != 100 {
			t.Errorf("%d posts", len(x.posts))
		}
		a.Webhook(Hook{})
		people(1)
		a.deliver(t, x, twin.HookFaults{}, 0)
	})
}
