package hubspot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// The secret and the bodies of the vendor's own examples.
const (
	exampleSecret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
	exampleEvents = `[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]`
	exampleField  = `{"example_field":"example_value"}`
	exampleTime   = "1700000000000"
)

func exampleNow() time.Time { return time.UnixMilli(1700000000000) }

func receiver(secret string) *conn {
	return &conn{secret: func(string) string { return secret }}
}

func webhook(method, address string, headers ...string) *http.Request {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // a mistake in this test
	}
	r := &http.Request{Method: method, URL: u, Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// The vectors of the vendor's SDK (v1, v2), and of running it (v3, 14.0.1).
func TestSignaturesOfTheVendorsExamples(t *testing.T) {
	t.Parallel()
	const v3, at, old, version = "X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp", "X-HubSpot-Signature", "X-HubSpot-Signature-Version"
	for _, c := range []struct {
		name, method, url, body string
		headers                 []string
	}{
		{"v1", "POST", "https://www.example.com/x", exampleEvents, []string{old, "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de", version, "v1"}},
		{"v1 without a version", "POST", "https://www.example.com/x", exampleEvents, []string{old, "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"}},
		{"v2 GET", "GET", "https://www.example.com/webhook_uri", "", []string{old, "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e", version, "v2"}},
		{"v2 POST", "POST", "https://www.example.com/webhook_uri", exampleField, []string{old, "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900", version, "v2"}},
		{"v3", "POST", "https://www.example.com/webhook_uri", exampleField, []string{v3, "rQEKkaNUiu+1qGF//O/pw4BCzstSqO1PyUnGICmf+7o=", at, exampleTime}},
		{"v3 with a query", "POST", "https://hub.example.org/hooks/hubspot?x=1", exampleEvents, []string{v3, "J8bNENgNBs2Ve43Ie2PL5Pay4fmSJl3oiYSaObcA0xs=", at, exampleTime}},
		{"v3 with many scripts", "POST", "https://hub.example.org/hooks/hubspot", `[{"propertyValue":"Ελένη Ω ไทย ß"}]`, []string{v3, "fTqpTgaU4C+TrDTeQdAVC8XDdItys3sFwqPkrqPd7yQ=", at, exampleTime}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := webhook(c.method, c.url, c.headers...)
			if err := verify(exampleNow(), exampleSecret, r, []byte(c.body)); err != nil {
				t.Errorf("refused: %v", err)
			}
			if verify(exampleNow(), exampleSecret, r, []byte(c.body+" ")) == nil || verify(exampleNow(), "another", r, []byte(c.body)) == nil {
				t.Error("another body or secret is accepted")
			}
		})
	}
}

// signed makes a request as HubSpot signs it.
func signed(at time.Time, address, body string) *http.Request {
	stamp := strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(exampleSecret))
	mac.Write([]byte("POST" + address + body + stamp))
	return webhook("POST", address,
		"X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)), "X-HubSpot-Request-Timestamp", stamp)
}

func TestSignedRequestsGrowOld(t *testing.T) {
	t.Parallel()
	now := exampleNow()
	for age, good := range map[time.Duration]bool{
		0: true, 5 * time.Minute: true, 5*time.Minute + time.Millisecond: false, -5 * time.Minute: true, -6 * time.Minute: false,
	} {
		_, err := receiver(exampleSecret).Receive(now, signed(now.Add(-age), "https://hub.example.org/h", "[]"), []byte("[]"))
		if (err == nil) != good {
			t.Errorf("signed %v ago: %v", age, err)
		}
		if err != nil && connector.KindOf(err) != connector.Unauthorized {
			t.Errorf("signed %v ago: %v", age, err)
		}
	}
}

// The newest signature counts: a request is not saved by an older one.
func TestSignatureV3IsNotBypassed(t *testing.T) {
	t.Parallel()
	r := signed(exampleNow(), "https://hub.example.org/h", exampleEvents)
	r.Header.Set("X-HubSpot-Signature", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de")
	if err := verify(exampleNow(), exampleSecret, r, []byte(exampleEvents)); err != nil {
		t.Error(err)
	}
	r.Header.Set("X-HubSpot-Signature-v3", "AAAA")
	if verify(exampleNow(), exampleSecret, r, []byte(exampleEvents)) == nil {
		t.Error("a wrong signature v3 is accepted for the sake of v1")
	}
	for _, r := range []*http.Request{webhook("POST", "https://hub.example.org/h"), webhook("POST", "https://hub.example.org/h", "X-HubSpot-Signature", "x", "X-HubSpot-Signature-Version", "v9")} {
		if verify(exampleNow(), exampleSecret, r, nil) == nil {
			t.Error("an unsigned request is accepted")
		}
	}
}

func TestEscapesAreSignedUndone(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("https://h.example/a%3Ab%2F%21?q=%40%3f%20%E2%82%AC%25")
	if err != nil {
		t.Fatal(err)
	}
	if got := signable(u); got != "https://h.example/a:b/!?q=@?%20%E2%82%AC%25" {
		t.Errorf("%s", got)
	}
}

func TestReceiveHintsAtWhatMayHaveChanged(t *testing.T) {
	t.Parallel()
	ref := func(object, id string) record.Ref { return record.Ref{Object: object, ID: id} }
	for _, c := range []struct {
		name, body string
		want       []record.Ref
	}{
		{"creation", exampleEvents, []record.Ref{ref(contacts, "123")}},
		{"its name in other pages", `[{"eventType":"deal.propertyChange","objectId":"7"}]`, []record.Ref{ref(deals, "7")}},
		{"the same twice", `[{"subscriptionType":"company.deletion","objectId":7},{"subscriptionType":"company.restore","objectId":7}]`, []record.Ref{ref(companies, "7")}},
		{"any object", `[{"subscriptionType":"object.creation","objectTypeId":"0-136","objectId":8},{"subscriptionType":"object.creation","objectTypeId":"2-77","objectId":9}]`, []record.Ref{ref(leads, "8"), ref("2-77", "9")}},
		{
			"a merge",
			`[{"subscriptionType":"contact.merge","objectId":1,"primaryObjectId":1,"mergedObjectIds":[2,"3"],"newObjectId":4,"numberOfPropertiesMoved":3}]`,
			[]record.Ref{ref(contacts, "1"), ref(contacts, "2"), ref(contacts, "3"), ref(contacts, "4")},
		},
		{
			"an association",
			`[{"subscriptionType":"contact.associationChange","associationType":"CONTACT_TO_COMPANY","fromObjectId":5,"toObjectId":6,"associationRemoved":true}]`,
			[]record.Ref{ref(contacts, "5"), ref(companies, "6")},
		},
		{
			"an association of any objects",
			`[{"subscriptionType":"object.associationChange","objectTypeId":"0-3","fromObjectTypeId":"0-3","fromObjectId":5,"toObjectTypeId":"0-8","toObjectId":6}]`,
			[]record.Ref{ref(deals, "5"), ref(lineItems, "6")},
		},
		{"an erasure", `[{"subscriptionType":"contact.privacyDeletion","objectId":12}]`, []record.Ref{ref(contacts, "12")}},
		{"what we do not know", `[{"subscriptionType":"conversation.newMessage","objectId":1},{"subscriptionType":"ticket.creation","objectId":2},{"objectId":{}},{}]`, nil},
		{"no numbers", `[{"subscriptionType":"contact.creation","objectId":"1/../2"},{"subscriptionType":"contact.creation","objectId":1.5}]`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := receiver(exampleSecret).Receive(exampleNow(), signed(exampleNow(), "https://hub.example.org/h", c.body), []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got.Hints); d != "" || got.Lost || got.Reply != nil {
				t.Errorf("hints (-want +got):\n%s", d)
			}
		})
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	r := signed(exampleNow(), "https://hub.example.org/h", "{}")
	if _, err := receiver(exampleSecret).Receive(exampleNow(), r, []byte("{}")); connector.KindOf(err) != connector.Invalid {
		t.Errorf("what is no list: %v", err)
	}
	_, err := receiver("").Receive(exampleNow(), r, []byte("{}"))
	if e := connector.ErrorOf(err); e.Kind != connector.Unauthorized || !strings.Contains(e.Fix, "client_secret") {
		t.Errorf("without a secret: %v", err)
	}
}

// The whole way: what people do is posted by the twin, in each way of signing.
func TestReceiveUnderstandsTheTwin(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"v1", "v2", "v3"} {
		inBubble(t, twin.Options{}, func(b *bench) {
			c := receiver(exampleSecret)
			hints := map[record.Ref]bool{}
			door := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					b.Error(err)
				}
				r.URL.Scheme, r.URL.Host = "https", r.Host // as the door hands it on
				got, err := c.Receive(time.Now(), r, body)
				if err != nil {
					b.Errorf("%s: %v: %s", way, err, body)
				}
				for _, h := range got.Hints {
					hints[h] = true
				}
				w.WriteHeader(http.StatusOK)
			})
			b.account.Webhook(hubspottwin.Hook{
				Target: "https://hub.example.org/hooks/hubspot?key=a%2Fb%21", Secret: exampleSecret, Signature: way,
			})
			two, berg := b.contacts(2), b.put(companies, "", "name", "Berg")
			lead := b.put(leads, "", "hs_lead_name", "Ann", linkContacts, two[0])
			b.put(contacts, two[1], propCompany, berg)
			into, err := b.account.Merge(contacts, two[0], two[1])
			if err != nil {
				b.Fatal(err)
			}
			for range 3 {
				if _, err := b.account.Deliver(b.Context(), twin.Transport(door), twin.HookFaults{}); err != nil {
					b.Fatal(err)
				}
				time.Sleep(time.Minute)
			}
			for _, want := range []record.Ref{{Object: contacts, ID: two[0]}, {Object: contacts, ID: two[1]}, {Object: contacts, ID: into}, {Object: companies, ID: berg}, {Object: leads, ID: lead}} {
				if !hints[want] {
					b.Errorf("%s: no hint at %+v", way, want)
				}
			}
		})
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(exampleEvents, "J8bNENgNBs2Ve43Ie2PL5Pay4fmSJl3oiYSaObcA0xs=", exampleTime)
	f.Add(`[{"subscriptionType":"contact.merge","mergedObjectIds":[1,{}],"objectId":null}]`, "", "x")
	f.Add(`[null,{"associationType":"_to_","fromObjectId":1e9}]`, "AA", "-1")
	f.Fuzz(func(t *testing.T, body, signature, stamp string) {
		c := receiver(exampleSecret)
		forged := webhook("POST", "https://hub.example.org/hooks/hubspot", "X-HubSpot-Signature-v3", signature, "X-HubSpot-Request-Timestamp", stamp)
		if _, err := c.Receive(exampleNow(), forged, []byte(body)); signature == "" && err == nil {
			t.Error("an unsigned request is accepted")
		}
		got, err := c.Receive(exampleNow(), signed(exampleNow(), "https://hub.example.org/h", body), []byte(body))
		if err != nil && connector.KindOf(err) != connector.Invalid {
			t.Errorf("%v", err)
		}
		for _, h := range got.Hints {
			if _, ok := kindOf(h.Object); !ok || h.ID == "" || strings.Trim(h.ID, "0123456789") != "" {
				t.Errorf("hint %+v", h)
			}
		}
	})
}
