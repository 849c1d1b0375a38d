package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

const (
	issuerAddress = "https://id.example/realms/main"
	clientSecret  = "the-secret-of-the-client"
)

// An issuer is a small identity provider in this process. It keeps to the code flow with PKCE:
// https://openid.net/specs/openid-connect-core-1_0.html, RFC 7636.
type issuer struct {
	t   *testing.T
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	codes  map[string]url.Values // what was asked for, by code
	claims map[string]any        // of whoever signs in next, over what is right
	sign   *ecdsa.PrivateKey     // another key than it tells; nil = its own
	down   bool
	refuse bool // the token endpoint refuses, and quotes what it was sent
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t: t, key: key, codes: map[string]url.Values{}, claims: map[string]any{}}
}

// RoundTrip answers in process.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down || r.URL.Host != "id.example" {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	switch r.URL.Path {
	case "/realms/main/.well-known/openid-configuration":
		i.answer(w, map[string]any{
			"issuer": issuerAddress, "authorization_endpoint": issuerAddress + "/authorize", "token_endpoint": issuerAddress + "/token",
			"jwks_uri": issuerAddress + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	case "/realms/main/keys":
		point, err := i.key.PublicKey.Bytes() // 4, then both coordinates
		if err != nil {
			i.t.Error(err)
		}
		i.answer(w, map[string]any{"keys": []map[string]string{{
			"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": encoded(point[1:33]), "y": encoded(point[33:]),
		}}})
	case "/realms/main/token":
		i.token(w, r)
	default:
		i.t.Errorf("the issuer does not know %s", r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), nil
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *issuer) answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		i.t.Error(err)
	}
}

// authorize is what a person does there: sign in and agree. It returns the way back.
func (i *issuer) authorize(address string) string {
	i.t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme+"://"+u.Host+u.Path != issuerAddress+"/authorize" {
		i.t.Fatalf("sent to %q: %v", address, err)
	}
	q := u.Query()
	for name, want := range map[string]string{"response_type": "code", "client_id": "tandem", "code_challenge_method": "S256", "scope": "openid email profile"} {
		if q.Get(name) != want {
			i.t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) < 22 { // 128 bits
			i.t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = q
	i.mu.Unlock()
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
}

// token exchanges a code, once, for who has the verifier and the client's secret.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		i.t.Error(err)
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	asked, known := i.codes[r.PostForm.Get("code")]
	delete(i.codes, r.PostForm.Get("code"))
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !known || id != "tandem" || secret != clientSecret || r.PostForm.Get("redirect_uri") != asked.Get("redirect_uri") ||
		encoded(challenge[:]) != asked.Get("code_challenge") || i.refuse {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"you sent ` + secret + " " + r.PostForm.Get("code_verifier") + `"}`))
		return
	}
	now := time.Now()
	claims := map[string]any{
		"iss": issuerAddress, "aud": "tandem", "sub": "4711", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": asked.Get("nonce"),
		"email": "kim@example.com", "email_verified": true, "preferred_username": "kim", "groups": []string{"sales", "hub-operators"},
	}
	maps.Copy(claims, i.claims)
	i.answer(w, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": i.signed(claims)})
}

// signed is RFC 7515's compact form, with ES256.
func (i *issuer) signed(claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	text := encoded([]byte(`{"alg":"ES256","kid":"1","typ":"JWT"}`)) + "." + encoded(body)
	key := i.key
	if i.sign != nil {
		key = i.sign
	}
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		i.t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encoded(signature)
}
