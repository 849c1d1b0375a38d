package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/plan"
)

// withIssuer is a console whose people can sign in by an issuer.
func withIssuer(t *testing.T, publicURL string) (*bench, *issuer) {
	t.Helper()
	b, i := newBenchAt(t, publicURL), newIssuer(t)
	b.populate()
	b.c.outside.client = &http.Client{Transport: i}
	b.hub.plan.Console.OIDC = &plan.OIDC{
		Issuer: issuerAddress, ClientID: "tandem", Secrets: plan.Secrets{plan.ClientSecret: clientSecret}, Groups: "groups",
		Roles: map[string]string{"sales": "user", "hub-operators": "operator", "hub-admins": "admin"},
	}
	return b, i
}

// leave goes to the issuer, signs in there, and returns the way back.
func (w *browser) leave(i *issuer, next string) string {
	w.Helper()
	got := w.get("/login/oidc?" + url.Values{"next": {next}}.Encode())
	w.want(got, http.StatusSeeOther)
	return i.authorize(got.Header().Get("Location"))
}

// pathOf is what a browser asks of an address.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.RequestURI()
}

func TestSigningInByAnIssuer(t *testing.T) {
	t.Parallel()
	b, i := withIssuer(t, "https://tandem.example.com")
	w := b.browser()
	w.host = "tandem.example.com"
	back := w.leave(i, "/account")
	if !strings.HasPrefix(back, "https://tandem.example.com/login/oidc/callback?") {
		t.Fatalf("the way back is %s", back)
	}
	b.to(w.get(pathOf(back)), "/account")
	b.want(w.get("/account"), http.StatusOK, "You are kim@example.com, Operator.")
	if len(w.cookies) != 1 || w.cookies[secureName] == "" {
		t.Errorf("cookies: %v", w.cookies)
	}
	b.want(w.get(pathOf(back)), http.StatusUnprocessableEntity, "That sign-in was begun elsewhere, or too long ago.")
	// The groups decide each time.
	i.claims["groups"] = "hub-admins"
	again := b.browser()
	again.host = w.host
	b.to(again.get(pathOf(again.leave(i, "https://evil.example"))), "/")
	b.want(again.get("/settings/people"), http.StatusOK, issuerAddress)
	b.want(w.get("/account"), http.StatusSeeOther)
	b.sameAudit("kim@example.com|sign.in.oidc|kim@example.com|"+issuerAddress+"|done", "kim@example.com|sign.in.oidc|||refused", "kim@example.com|sign.in.oidc|kim@example.com|"+issuerAddress+"|done")
}

func TestWithoutAPublicAddressTheWayBackIsToThisMachine(t *testing.T) {
	t.Parallel()
	b, i := withIssuer(t, "")
	w := b.browser()
	back := w.leave(i, "")
	if !strings.HasPrefix(back, "http://127.0.0.1:8420/login/oidc/callback?") {
		t.Fatalf("the way back is %s", back)
	}
	b.to(w.get(pathOf(back)), "/")
}

func TestWhatAnIssuerMustProve(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		spoil func(*issuer)
		want  string
	}{
		"a nonce of another sign-in":  {func(i *issuer) { i.claims["nonce"] = "x" }, "cannot be used now"},
		"another client's token":      {func(i *issuer) { i.claims["aud"] = "shop" }, "cannot be used now"},
		"another issuer's token":      {func(i *issuer) { i.claims["iss"] = "https://evil.example" }, "cannot be used now"},
		"a token that has expired":    {func(i *issuer) { i.claims["exp"] = time.Now().Add(-time.Hour).Unix() }, "cannot be used now"},
		"a signature of somebody":     {func(i *issuer) { i.sign = other }, "cannot be used now"},
		"no subject":                  {func(i *issuer) { i.claims["sub"] = "" }, "you have no account here"},
		"groups that give no role":    {func(i *issuer) { i.claims["groups"] = []string{"press"} }, "you have no account here"},
		"a local administrator's":     {func(i *issuer) { i.claims["email"], i.claims["preferred_username"] = "", "admin" }, "you have no account here"},
		"an address that is unproven": {func(i *issuer) { i.claims["email_verified"], i.claims["preferred_username"] = false, "admin" }, "you have no account here"},
		"a refusal":                   {func(i *issuer) { i.refuse = true }, "cannot be used now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, i := withIssuer(t, "")
			w := b.browser()
			back := w.leave(i, "")
			i.mu.Lock()
			x.spoil(i)
			i.mu.Unlock()
			got := w.get(pathOf(back))
			if got.Code < 400 || w.cookies[cookieName] != "" {
				t.Fatalf("taken in: %d", got.Code)
			}
			b.want(got, got.Code, x.want)
			// Invariant 9: the issuer quotes what it was sent, and nobody repeats it.
			if log := b.log.String(); strings.Contains(log, clientSecret) || strings.Contains(got.Body.String(), clientSecret) {
				t.Errorf("the client's secret is in %s", log)
			}
		})
	}
}

func TestWhoComesBackIsWhoLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, i := withIssuer(t, "")
		w, eve := b.browser(), b.browser()
		back := pathOf(w.leave(i, ""))
		// Eve has a link, by which she would make somebody sign in as herself.
		b.want(eve.get(back), http.StatusUnprocessableEntity)
		back = pathOf(w.leave(i, ""))
		eve.leave(i, "")
		b.want(eve.get(back), http.StatusUnprocessableEntity)
		b.want(w.get("/login/oidc/callback?code=x&state=guess"), http.StatusUnprocessableEntity)
		back = pathOf(w.leave(i, ""))
		time.Sleep(awayFor + time.Second)
		b.want(w.get(back), http.StatusUnprocessableEntity)
		back = pathOf(w.leave(i, ""))
		b.want(w.get(back+"&error=access_denied"), http.StatusUnprocessableEntity, "has refused the sign-in")
		if len(w.cookies[cookieName]) > 0 || len(eve.cookies[cookieName]) > 0 {
			t.Error("somebody was taken in")
		}
		for range mostAway + 10 {
			b.browser().get("/login/oidc")
		}
		if n := len(b.c.outside.away); n > mostAway {
			t.Errorf("%d people are remembered", n)
		}
	})
}

func TestAnIssuerThatIsDownIsAskedAgain(t *testing.T) {
	t.Parallel()
	b, i := withIssuer(t, "")
	i.down = true
	b.want(b.browser().get("/login/oidc"), http.StatusBadGateway, "The identity provider cannot be used now.")
	i.down = false
	w := b.browser()
	b.to(w.get(pathOf(w.leave(i, ""))), "/")
	b.hub.plan.Console.OIDC = nil
	b.want(b.browser().get("/login/oidc"), http.StatusNotFound)
	b.want(b.browser().get("/login/oidc/callback"), http.StatusNotFound)
}

func TestWithoutRolesAnAdministratorInvites(t *testing.T) {
	t.Parallel()
	b, i := withIssuer(t, "")
	b.hub.plan.Console.OIDC.Roles = nil
	w := b.browser()
	b.want(w.get(pathOf(w.leave(i, ""))), http.StatusUnprocessableEntity, "Ask an administrator for one.")
	if _, err := b.c.accounts.Add(t.Context(), account.NewUser{Name: "kim@example.com", Role: account.User, Invited: true}); err != nil {
		t.Fatal(err)
	}
	b.to(w.get(pathOf(w.leave(i, ""))), "/")
	b.want(w.get("/account"), http.StatusOK, "You are kim@example.com, User.")
}
