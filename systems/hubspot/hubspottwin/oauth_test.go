package hubspottwin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// send sends a form, with the app's credentials, and returns the answer's JSON.
func (a *Account) send(t *testing.T, status int, path string, pairs ...string) map[string]any {
	t.Helper()
	form := url.Values{"client_id": {clientID}, "client_secret": {clientSecret}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest("POST", "https://api.hubapi.com"+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := twin.Transport(a).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s: %d, want %d: %s %v", path, res.StatusCode, status, text, err)
	}
	out := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// consent opens the consent page and returns where it leads.
func (a *Account) consent(t *testing.T, status int, query url.Values) url.Values {
	t.Helper()
	req, err := http.NewRequest("GET", "https://app.hubspot.com/oauth/authorize?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := twin.Transport(a).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != status {
		t.Fatalf("%d, want %d", res.StatusCode, status)
	}
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return to.Query()
}

const loopback = "http://127.0.0.1:8123/callback"

func consentQuery() url.Values {
	sum := sha256.Sum256([]byte("a verifier"))
	return url.Values{
		"client_id": {clientID}, "redirect_uri": {loopback}, "scope": {"oauth crm.objects.contacts.read"}, "state": {"xyz"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
}

func TestConsentGivesACodeAndTheCodeTokensOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		back := a.consent(t, 302, consentQuery())
		if back.Get("state") != "xyz" {
			t.Errorf("%v", back)
		}
		redeem := []string{"grant_type", "authorization_code", "code", back.Get("code"), "redirect_uri", loopback, "code_verifier", "a verifier"}
		got := a.send(t, 200, "/oauth/2026-09/token", redeem...)
		status, text := call(t, a, got["access_token"].(string), "GET", at, nil)
		if status != 200 {
			t.Errorf("contacts: %d %s", status, text)
		}
		if status, _ = call(t, a, got["access_token"].(string), "GET", api+"deals", nil); status != 403 {
			t.Errorf("deals without the right to them: %d", status)
		}
		if again := a.send(t, 400, "/oauth/2026-09/token", redeem...); again["status"] != "BAD_AUTH_CODE" {
			t.Errorf("%v", again)
		}
	})
}

func TestCodesAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pairs []string
		wait  time.Duration
		want  string
	}{
		"another address":  {[]string{"redirect_uri", "https://elsewhere.example"}, 0, "BAD_REDIRECT_URI"},
		"another verifier": {[]string{"code_verifier", "other"}, 0, "BAD_CODE_VERIFIER"},
		"too late":         {nil, codeLife, "BAD_AUTH_CODE"},
		"another secret":   {[]string{"client_secret", "x"}, 0, "BAD_CLIENT_SECRET"},
		"another app":      {[]string{"client_id", "x"}, 0, "BAD_CLIENT_ID"},
		"another grant":    {[]string{"grant_type", "password"}, 0, "BAD_GRANT_TYPE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
				code := a.consent(t, 302, consentQuery()).Get("code")
				time.Sleep(c.wait)
				pairs := append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", loopback, "code_verifier", "a verifier"}, c.pairs...)
				if got := a.send(t, 400, "/oauth/v1/token", pairs...); got["status"] != c.want {
					t.Errorf("%v, want %s", got, c.want)
				}
			})
		})
	}
}

func TestTheConsentPageRefusesStrangers(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		for name, value := range map[string]string{"client_id": "x", "redirect_uri": "http://elsewhere.example", "code_challenge_method": "plain"} {
			q := consentQuery()
			q.Set(name, value)
			a.consent(t, 400, q)
		}
		a.DeclineConsent(true)
		if back := a.consent(t, 302, consentQuery()); back.Get("error") != "access_denied" || back.Get("state") != "xyz" || back.Get("code") != "" {
			t.Errorf("%v", back)
		}
	})
}

func TestAccessTokensExpireAndAreRefreshed(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		refresh := []string{"grant_type", "refresh_token", "refresh_token", a.Install()}
		got := a.send(t, 200, "/oauth/v1/token", refresh...)
		if got["refresh_token"] != refresh[3] || got["expires_in"] != 1800.0 {
			t.Errorf("%v", got)
		}
		access := got["access_token"].(string)
		time.Sleep(accessLife - time.Second)
		if status, _ := call(t, a, access, "GET", at, nil); status != 200 {
			t.Errorf("a second before its end: %d", status)
		}
		time.Sleep(time.Second)
		status, text := call(t, a, access, "GET", at, nil)
		if status != 401 || !strings.Contains(string(text), "EXPIRED_AUTHENTICATION") {
			t.Errorf("at its end: %d %s", status, text)
		}
		a.RotateRefreshTokens(true)
		got = a.send(t, 200, "/oauth/2026-09/token", refresh...)
		if got["refresh_token"] == refresh[3] {
			t.Error("the refresh token was not rotated")
		}
		a.send(t, 400, "/oauth/2026-09/token", refresh...)
		access = got["access_token"].(string)
		if info := a.send(t, 200, "/oauth/2026-09/token/introspect", "token", access); info["active"] != true || info["expires_in"] != 1800.0 {
			t.Errorf("%v", info)
		}
		a.Uninstall()
		if status, _ := call(t, a, access, "GET", at, nil); status != 401 {
			t.Errorf("after the app was removed: %d", status)
		}
		if info := a.send(t, 200, "/oauth/2026-09/token/introspect", "token", access); info["active"] != false {
			t.Errorf("%v", info)
		}
	})
}

func TestRevokedRefreshTokensAreNoLongerGood(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		dated, legacy := a.Install(), a.Install()
		access := a.send(t, 200, "/oauth/v1/token", "grant_type", "refresh_token", "refresh_token", legacy)["access_token"].(string)
		a.send(t, 204, "/oauth/2026-09/token/revoke", "token", dated, "token_type_hint", "refresh_token")
		a.want(t, 200, "GET", "/oauth/v1/refresh-tokens/"+legacy, "")
		a.want(t, 204, "DELETE", "/oauth/v1/refresh-tokens/"+legacy, "")
		for _, token := range []string{dated, legacy} {
			for _, path := range []string{"/oauth/2026-09/token", "/oauth/v1/token"} {
				if got := a.send(t, 400, path, "grant_type", "refresh_token", "refresh_token", token); got["status"] != "BAD_REFRESH_TOKEN" {
					t.Errorf("%v", got)
				}
			}
		}
		if status, _ := call(t, a, access, "GET", at, nil); status != 200 {
			t.Errorf("its access token ended with it: %d", status)
		}
		a.send(t, 404, "/oauth/v2/token", "grant_type", "refresh_token")
		a.send(t, 200, "/oauth/2026-09/token?client_id="+clientID, "grant_type", "client_credentials", "scope", "x") // noted: it stands in logs then
		if len(a.Unknowns()) != 2 {
			t.Errorf("%v", a.Unknowns())
		}
	})
}

func TestAnInstalledAppHasLimitsOfItsOwn(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(t *testing.T, a *Account) {
		access := a.send(t, 200, "/oauth/2026-09/token", "grant_type", "refresh_token", "refresh_token", a.Install())["access_token"].(string)
		for range oauthLimit {
			call(t, a, access, "GET", "/account-info/2026-09/details", nil)
		}
		if status, _ := call(t, a, access, "GET", "/account-info/2026-09/details", nil); status != 429 {
			t.Errorf("%d", status)
		}
		a.want(t, 200, "GET", "/account-info/2026-09/details", "") // the account's own token has others
	})
}
