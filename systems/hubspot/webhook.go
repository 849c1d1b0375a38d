package hubspot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// freshFor is how old a signed request may be; one that comes from the future by more is
// refused, too. See
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
const freshFor = 5 * time.Minute

const settingSecret = "client_secret"

// Receive verifies and decodes what HubSpot sends: up to 100 events, in no order, some of
// them twice; see
// https://developers.hubspot.com/docs/api-reference/latest/webhooks/guide
func (c *conn) Receive(now time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
	secret := c.secret(settingSecret)
	if secret == "" {
		return connector.Delivery{}, &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection,
			Fix: "fill client_secret with the client secret of the app that HubSpot calls from: without it nobody can tell who calls",
			Err: errors.New("receive webhook: no client_secret is set"),
		}
	}
	if err := verify(now, secret, r, body); err != nil {
		return connector.Delivery{}, &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection,
			Fix: "is client_secret that of the app, and public_url the address that HubSpot calls?",
			Err: fmt.Errorf("receive webhook: %w", err),
		}
	}
	var events []event
	if err := json.Unmarshal(body, &events); err != nil {
		return connector.Delivery{}, &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeConnection,
			Err: errors.New("receive webhook: the body is not a list of events"),
		}
	}
	return connector.Delivery{Hints: hintsOf(events)}, nil
}

// verify checks a request's signature: by the newest way that it is signed in. The older
// two know no time, so what they sign can be sent again by whoever saw it; a hint does no
// harm when it is repeated.
func verify(now time.Time, secret string, r *http.Request, body []byte) error {
	if given := r.Header.Get("X-HubSpot-Signature-v3"); given != "" {
		return verifyTimed(now, secret, given, r, body)
	}
	given := r.Header.Get("X-HubSpot-Signature")
	if given == "" {
		return errors.New("the request is not signed")
	}
	h := sha256.New()
	h.Write([]byte(secret)) // a hash never fails
	switch version := r.Header.Get("X-HubSpot-Signature-Version"); version {
	case "v1", "":
	case "v2":
		h.Write([]byte(r.Method + r.URL.String()))
	default:
		return fmt.Errorf("signatures of version %.20q are not known", version)
	}
	h.Write(body)
	if !hmac.Equal([]byte(hex.EncodeToString(h.Sum(nil))), []byte(strings.ToLower(given))) {
		return errors.New("the signature is not right")
	}
	return nil
}

func verifyTimed(now time.Time, secret, given string, r *http.Request, body []byte) error {
	stamp := r.Header.Get("X-HubSpot-Request-Timestamp")
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("the request has no time")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(r.Method + signable(r.URL))) // a hash never fails
	mac.Write(body)
	mac.Write([]byte(stamp))
	sum, err := base64.StdEncoding.DecodeString(given)
	if err != nil || !hmac.Equal(mac.Sum(nil), sum) {
		return errors.New("the signature is not right")
	}
	if age := now.Sub(time.UnixMilli(ms)); age > freshFor || age < -freshFor {
		if age < 0 {
			return fmt.Errorf("the request will be signed in %s; is the clock of this machine right?", record.Roughly(age))
		}
		return fmt.Errorf("the request was signed %s ago; is the clock of this machine right?", record.Roughly(age))
	}
	return nil
}

// signable returns an address as HubSpot signs it: with the escapes of some characters, and
// of no others, undone.
func signable(u *url.URL) string {
	return strings.NewReplacer(
		"%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'",
		"%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
		"%3a", ":", "%2f", "/", "%3f", "?", "%2a", "*", "%2c", ",", "%3b", ";",
	).Replace(u.String())
}
