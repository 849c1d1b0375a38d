package grant_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/rest/grant"
)

// grantChallenge is S256 of https://www.rfc-editor.org/rfc/rfc7636.
func grantChallenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

func TestRoundTrip(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		if err := p.post(); connector.KindOf(err) != connector.Unauthorized || !strings.Contains(err.Error(), "run tandem connections authorize crm") {
			t.Fatalf("before anybody agreed: %v", err)
		}
		if len(p.v.calls) > 0 {
			t.Errorf("the vendor was called: %q", p.v.calls)
		}
		r, err := p.g.Begin(redirect)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		for name, want := range map[string]string{
			"response_type": "code", "client_id": "app", "redirect_uri": redirect, "scope": "crm users", "prompt": "consent",
			"tenant": "1", "code_challenge_method": "S256",
		} {
			if q.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, q.Get(name), want)
			}
		}
		if u.Host != "app.acme.example" || len(q.Get("state")) < 20 || len(q.Get("code_challenge")) != 43 {
			t.Errorf("the address is %s", r.URL)
		}
		answer := p.agree(r)
		if err := p.g.Finish(t.Context(), r, url.Values{"state": {"another"}, "code": {"c0de-of-ann"}}); !errors.Is(err, grant.ErrForeign) {
			t.Errorf("another request's answer: %v", err)
		}
		denied := url.Values{"state": answer["state"], "error": {"access_denied"}, "error_description": {"Ann said no"}}
		if err := p.g.Finish(t.Context(), r, denied); err == nil || !strings.Contains(err.Error(), "access_denied Ann said no") {
			t.Errorf("denied: %v", err)
		}
		if err := p.g.Finish(t.Context(), r, answer); err != nil {
			t.Fatal(err)
		}
		p.must()
		want := []string{"POST api.acme.example/v2/oauth/token authorization_code", "POST api.acme.example/v2/things"}
		if diff := cmp.Diff(want, p.v.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		p.quiet()
	})
}

// TestURLReplacesEveryAddress is C9, and that tokens do not go elsewhere.
func TestURLReplacesEveryAddress(t *testing.T) {
	for name, c := range map[string]struct {
		url, token, authorize string
		want                  string
	}{
		"relative":                {"", "/oauth/token", "https://app.acme.example/oauth/authorize", "POST api.acme.example/v2/oauth/token"},
		"absolute":                {"", "https://login.acme.example/oauth/token", "https://app.acme.example/oauth/authorize", "POST login.acme.example/oauth/token"},
		"relative, address given": {"http://127.0.0.1:9/v2", "/oauth/token", "http://127.0.0.1:9/oauth/authorize", "POST 127.0.0.1:9/v2/oauth/token"},
		"absolute, address given": {"http://127.0.0.1:9/v2", "https://login.acme.example/oauth/token", "http://127.0.0.1:9/oauth/authorize", "POST 127.0.0.1:9/oauth/token"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := start(t, newVendor(), newKV(), func(o *rest.OpenOptions, oauth *connector.OAuth) { o.URL, oauth.Token = c.url, c.token })
				r, err := p.g.Begin(redirect)
				if err != nil || !strings.HasPrefix(r.URL, c.authorize+"?") {
					t.Errorf("authorize at %v, %v; want %s", r, err, c.authorize)
				}
				p.authorize()
				p.must()
				if p.v.count(c.want) != 1 {
					t.Errorf("calls %q, want one %s", p.v.calls, c.want)
				}
			})
		})
	}
}

func TestTokensAreRenewedAheadOfTheirEndByOneOfMany(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		time.Sleep(23 * time.Minute)
		p.must()
		if n := p.v.refreshes(); n != 0 {
			t.Fatalf("renewed %d times before 80%% of its life", n)
		}
		time.Sleep(2 * time.Minute)
		p.v.set(func() { p.v.slow = 2 * time.Second })
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(p.must)
		}
		wg.Wait()
		if n := p.v.refreshes(); n != 1 {
			t.Errorf("renewed %d times", n)
		}
		for range 20 {
			time.Sleep(20 * time.Minute)
			p.must()
		}
		if n := p.v.count("POST api.acme.example/v2/things"); n != 41 {
			t.Errorf("%d requests: some were refused", n)
		}
	})
}

// Five processes notice at the same moment that a token has ended. The vendor ends the
// grant if two of them send the same refresh token.
func TestOneOfManyProcessesRenews(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, m := newVendor(), newKV()
		start(t, v, m).authorize()
		v.set(func() { v.slow = 3 * time.Second })
		var processes []*process
		for range 5 {
			processes = append(processes, start(t, v, m))
		}
		for range 4 {
			time.Sleep(31 * time.Minute)
			var wg sync.WaitGroup
			for _, p := range processes {
				wg.Go(p.must)
				wg.Go(p.must)
			}
			wg.Wait()
		}
		if n := v.refreshes(); n != 4 {
			t.Errorf("renewed %d times in 4 rounds", n)
		}
	})
}

// What was refused had been used by another process, which did not claim it: an older
// version, or a copy of the installation.
func TestARefreshTokenUsedElsewhereDoesNotEndTheGrant(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, m := newVendor(), newKV()
		p := start(t, v, m)
		p.authorize()
		time.Sleep(31 * time.Minute)
		v.set(func() {
			v.say = func(string) (int, string) {
				v.say = nil
				v.access["acc3ss-token-of-others"] = time.Now().Add(time.Hour)
				m.mu.Lock()
				defer m.mu.Unlock()
				m.last++
				m.at["hub:oauth"] = m.last
				m.values["hub:oauth"] = fmt.Sprintf(`{"access":"acc3ss-token-of-others","refresh":"r3fresh-token-of-others","got":%q,"expires":%q,"used":%q}`,
					time.Now().Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339), time.Now().Format(time.RFC3339))
				return 400, `{"error":"invalid_grant"}`
			}
		})
		p.must()
		if s, err := p.g.Standing(t.Context()); err != nil || !s.Authorized || s.Problem != "" {
			t.Errorf("standing %+v, %v", s, err)
		}
	})
}

// The vendor ends a token in the middle of a listing: the request that meets it, a POST, is
// sent once more with another.
func TestATokenEndsInMidPage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		time.Sleep(5 * time.Minute)
		p.must()
		p.v.end()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(p.must)
		}
		wg.Wait()
		if n := p.v.refreshes(); n != 1 {
			t.Errorf("renewed %d times", n)
		}
		p.quiet()
	})
}

func TestANewTokenThatIsRefusedIsNotRenewedAgainAndAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		p.v.end()
		for range 10 {
			err := p.post()
			if connector.KindOf(err) != connector.Unauthorized {
				t.Fatalf("got %v", err)
			}
			p.quiet(err.Error()) // the vendor repeats the token
		}
		if n := p.v.refreshes(); n != 0 {
			t.Errorf("renewed %d times", n)
		}
		time.Sleep(2 * time.Minute)
		p.must()
	})
}

// A vendor that does not say how long a token lives is asked until it refuses.
func TestTokensWithoutAnEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV(), func(*rest.OpenOptions, *connector.OAuth) {})
		p.v.life, p.v.keeps = 0, true
		p.authorize()
		time.Sleep(48 * time.Hour)
		p.must()
		p.v.end()
		p.must()
		if n := p.v.refreshes(); n != 1 {
			t.Errorf("renewed %d times", n)
		}
		time.Sleep(time.Hour)
		p.v.end()
		p.must() // the refresh token that was not in the answer is kept
	})
}

func TestWhileTheVendorGivesNoTokensTheOldOneIsUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		p.v.set(func() { p.v.say = func(string) (int, string) { return 503, "busy" } })
		time.Sleep(25 * time.Minute)
		for range 10 {
			p.must()
		}
		if n := p.v.refreshes(); n != 1 {
			t.Errorf("asked %d times within half a minute", n)
		}
		time.Sleep(6 * time.Minute)
		err := p.post()
		if connector.KindOf(err) != connector.Unavailable {
			t.Errorf("after its end: %v", err)
		}
		p.quiet(err.Error())
		p.v.set(func() { p.v.say = nil })
		p.must()
	})
}

// TestWhatARefusalMeans holds the words of vendors against what is done about them.
func TestWhatARefusalMeans(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		text       string
		kind       connector.Kind
		dead       bool
		says, asks string
	}{
		"the standard":         {400, `{"error":"invalid_grant","error_description":"expired"}`, connector.Unauthorized, true, "invalid_grant expired", "tandem connections authorize crm"},
		"HubSpot, first API":   {400, `{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}`, connector.Unauthorized, true, "BAD_REFRESH_TOKEN", "tandem connections authorize crm"},
		"Zoho, with 200":       {200, `{"error":"invalid_code"}`, connector.Unauthorized, true, "invalid_code", "tandem connections authorize crm"},
		"Salesforce, at once":  {400, `{"error":"invalid_grant","error_description":"token request is already being processed"}`, connector.Unavailable, false, "being processed", ""},
		"the app is wrong":     {401, `{"error":"invalid_client"}`, connector.Unauthorized, false, "invalid_client", "compare client_id"},
		"something else":       {400, `{"error":"invalid_scope"}`, connector.Unauthorized, false, "invalid_scope", "see what the vendor says"},
		"a web page":           {400, `<html>`, connector.Unauthorized, false, "get tokens: 400", ""},
		"a broken server":      {500, `oops`, connector.Unavailable, false, "get tokens: 500", ""},
		"a web page, with 200": {200, `<html>`, connector.Unavailable, false, "get tokens", ""},
		"no token, with 200":   {200, `{}`, connector.Unavailable, false, "get tokens", ""},
		"it repeats secrets":   {400, `{"error":"invalid_grant","error_description":"` + clientSecret + ` r3fresh-token-1"}`, connector.Unauthorized, true, "[secret]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := start(t, newVendor(), newKV())
				p.authorize()
				p.v.set(func() { p.v.say = func(string) (int, string) { return c.status, c.text } })
				time.Sleep(31 * time.Minute)
				err := p.post()
				var e *connector.Error
				if !errors.As(err, &e) || e.Kind != c.kind || e.Scope != connector.ScopeConnection || !strings.Contains(err.Error(), c.says) || !strings.Contains(e.Fix, c.asks) {
					t.Errorf("got %v (%+v)", err, e)
				}
				p.quiet(err.Error())
				s, err := p.g.Standing(t.Context())
				if err != nil || s.Authorized == c.dead || (s.Problem != "") != c.dead {
					t.Errorf("standing %+v, %v", s, err)
				}
				p.quiet(s.Problem)
			})
		})
	}
}

func TestAGrantThatEndedIsAskedForOncePerProcessAndCanBeGivenAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, m := newVendor(), newKV()
		p := start(t, v, m)
		p.authorize()
		v.set(func() { v.ended = true })
		time.Sleep(31 * time.Minute)
		for range 5 {
			if err := p.post(); connector.KindOf(err) != connector.Unauthorized || !strings.Contains(err.Error(), "authorize crm") {
				t.Fatalf("got %v", err)
			}
		}
		if n := v.refreshes(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		if err := start(t, v, m).post(); connector.KindOf(err) != connector.Unauthorized {
			t.Errorf("the next process: %v", err)
		}
		if n := v.refreshes(); n != 2 {
			t.Errorf("asked %d times", n)
		}
		start(t, v, m).authorize() // in a process of its own, as people do
		p.must()
	})
}

func TestNothingIsSpentThatCouldNotBeStored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		time.Sleep(31 * time.Minute)
		full := errors.New("the disk is full")
		p.kv.before = func(string, string) error { return full }
		if err := p.post(); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
		if n := p.v.refreshes(); n != 0 {
			t.Errorf("asked %d times", n)
		}
		// It fills up between the claim and the tokens, and is mended after some seconds.
		writes := 0
		p.kv.before = func(key, _ string) error {
			if writes++; key == "hub:oauth" && writes > 1 && writes < 7 {
				return full
			}
			return nil
		}
		p.must()
		p.kv.before = nil
		time.Sleep(31 * time.Minute)
		p.must()
	})
}

// TestTokensAreStoredBeforeTheyAreUsed stops the writing: nothing new may be sent.
func TestTokensAreStoredBeforeTheyAreUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		time.Sleep(31 * time.Minute)
		writes := 0
		p.kv.before = func(key, _ string) error {
			if key == "hub:oauth" {
				writes++
			}
			if writes > 1 {
				return errors.New("the disk is full")
			}
			return nil
		}
		if err := p.post(); err == nil {
			t.Error("it went on")
		}
		if n := p.v.count("POST api.acme.example/v2/things"); n != 0 {
			t.Errorf("%d requests were sent with a token that is not stored", n)
		}
	})
}

// TestWhoeverIsToldToStopStoresWhatCame is invariant 11 for tokens.
func TestWhoeverIsToldToStopStoresWhatCame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, m := newVendor(), newKV()
		p := start(t, v, m)
		p.authorize()
		v.set(func() { v.slow = 5 * time.Second })
		time.Sleep(31 * time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := p.api.Do(ctx, rest.Call{Path: "/things"}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		start(t, v, m).must()
		if n := v.refreshes(); n != 1 {
			t.Errorf("renewed %d times: the first was forgotten", n)
		}
	})
}

func TestAClaimOfAProcessThatDiedGivesWay(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"clocks agree": 0, "its clock was ahead": 2 * time.Hour, "long ago": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				v, m := newVendor(), newKV()
				p := start(t, v, m)
				p.authorize()
				time.Sleep(31 * time.Minute)
				m.last++
				m.at["hub:oauth"] = m.last
				m.values["hub:oauth"] = strings.TrimSuffix(m.values["hub:oauth"], "}") +
					fmt.Sprintf(`,"claim":{"by":"the dead","at":%q}}`, time.Now().Add(ahead).Format(time.RFC3339))
				began := time.Now()
				start(t, v, m).must()
				took := time.Since(began)
				if ahead < 0 && took > time.Second || ahead >= 0 && (took < time.Minute || took > 2*time.Minute) {
					t.Errorf("took %v", took)
				}
				if n := v.refreshes(); n != 1 {
					t.Errorf("renewed %d times", n)
				}
			})
		})
	}
}

// A clock that is set back would let an ended token look new for as long.
func TestAClockThatWasSetBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v, m := newVendor(), newKV()
		start(t, v, m).authorize()
		for _, moment := range []string{"got", "expires", "used"} {
			_, after, _ := strings.Cut(m.values["hub:oauth"], `"`+moment+`":"`)
			text, _, _ := strings.Cut(after, `"`)
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				t.Fatal(err)
			}
			m.values["hub:oauth"] = strings.Replace(m.values["hub:oauth"], text, at.Add(3*time.Hour).Format(time.RFC3339Nano), 1)
		}
		time.Sleep(time.Hour)
		start(t, v, m).must()
		if n, sent := v.refreshes(), v.count("POST api.acme.example/v2/things"); n != 1 || sent != 1 {
			t.Errorf("renewed %d times, and %d requests: one was refused", n, sent)
		}
	})
}

func TestAnIdleGrantIsKeptAlive(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		dies time.Duration
		want int // refreshes in 30 days of one Keep a day
	}{"it does not die": {0, 0}, "30 days": {30 * day, 10}, "5 days": {5 * day, 30}, "100 days": {100 * day, 3}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p := start(t, newVendor(), newKV(), func(_ *rest.OpenOptions, oauth *connector.OAuth) { oauth.Dies = c.dies })
				p.authorize()
				for range 30 {
					time.Sleep(day)
					if err := p.g.Keep(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if n := p.v.refreshes(); n < c.want || n > c.want+1 {
					t.Errorf("renewed %d times, want %d", n, c.want)
				}
				s, err := p.g.Standing(t.Context())
				if err != nil || !s.Authorized || s.Ends.IsZero() != (c.dies == 0) {
					t.Errorf("standing %+v, %v", s, err)
				}
				if c.dies > 0 && time.Until(s.Ends) < c.dies/2-day {
					t.Errorf("it ends in %v", time.Until(s.Ends))
				}
			})
		})
	}
}

func TestRevoke(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		p.must()
		if err := p.g.Revoke(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !p.v.ended {
			t.Error("the vendor does not know")
		}
		if err := p.post(); connector.KindOf(err) != connector.Unauthorized {
			t.Errorf("got %v", err)
		}
		if s, err := p.g.Standing(t.Context()); err != nil || s.Authorized || s.Problem == "" {
			t.Errorf("standing %+v, %v", s, err)
		}
	})
}

// A vendor that does not know the app has taken nothing back, and the tokens stay.
func TestRevokeByAnAppThatTheVendorDoesNotKnow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, said := range []string{`{"error":"invalid_client","error_description":"no such app"}`, `{"error":"invalid_token"}`, `gone`} {
			p := start(t, newVendor(), newKV())
			p.authorize()
			p.v.revoked = func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprint(w, said)
			}
			unknown := strings.Contains(said, "client")
			err := p.g.Revoke(t.Context())
			if unknown != (err != nil) || unknown && !strings.Contains(connector.ErrorOf(err).Fix, connector.ClientID) {
				t.Errorf("%s: %v", said, err)
			}
			if s, err := p.g.Standing(t.Context()); err != nil || s.Authorized != unknown {
				t.Errorf("%s: standing %+v, %v", said, s, err)
			}
		}
	})
}

// The connector reads where its account is, and never a token.
func TestTheConnectorSeesTheAnswerWithoutTokens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV())
		p.authorize()
		got, _, err := p.env.State.Get(t.Context(), grant.Answer)
		if err != nil || got != `{"instance_url":"https://eu7.acme.example"}` {
			t.Errorf("got %s, %v", got, err)
		}
		for key := range p.kv.values {
			text, _, err := p.env.State.Get(t.Context(), key)
			if key != grant.Answer && (err == nil || text != "") {
				t.Errorf("it reads %s", key)
			}
			if _, err := p.env.State.Put(t.Context(), key, "x", 1); key != grant.Answer && (err == nil || errors.Is(err, connector.ErrStale)) {
				t.Errorf("it writes %s: %v", key, err)
			}
			p.quiet(text)
		}
	})
}

func TestAnAppWithoutASecret(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := start(t, newVendor(), newKV(), func(o *rest.OpenOptions, _ *connector.OAuth) { o.Secrets = nil })
		if p.g == nil {
			t.Fatal("client_id alone does not choose OAuth")
		}
		var env connector.Env
		_, _, err := rest.Open(spec(&env, nil), rest.OpenOptions{})
		if connector.KindOf(err) != connector.Unauthorized {
			t.Errorf("with nothing at all: %v", err)
		}
		_, h, err := rest.Open(spec(&env, nil), rest.OpenOptions{Secrets: map[string]string{"client_secret": clientSecret}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Grant().Begin(redirect); err == nil || !strings.Contains(err.Error(), "set client_id") {
			t.Errorf("without client_id: %v", err)
		}
	})
}
