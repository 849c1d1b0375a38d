package console

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

const (
	mostBody = 1 << 20          // bytes of a request's body
	mostTime = 30 * time.Second // of an answer
	slowest  = 10 * time.Second // more than mostTime until the last byte is taken

	cookieName = "tandem"
	secureName = "__Host-tandem" // browsers take it from this very host only, and over TLS

	formField  = "form"          // of every form: the session's token against forged requests
	formHeader = "X-Tandem-Form" // the same of a script
)

// guard is around every request: it ends panics, gives the answer its headers, and refuses
// whatever a browser was tricked into asking.
func (c *console) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.fail(w, r, errStale()) }))
	next = cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{from: account.From{Address: c.address(r), Agent: r.UserAgent()}, locale: c.view.locale(r, account.Principal{})}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		defer c.survive(w, r)
		var err error
		if v.nonce, err = newNonce(); err != nil {
			c.log.Error("make a nonce", "error", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		c.headers(w, r, v.nonce)
		if !c.knownHost(r) {
			c.fail(w, r, &problem{status: http.StatusMisdirectedRequest, key: "error.host"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func newNonce() (string, error) {
	b := make([]byte, 16)
	_, err := rand.Read(b)
	return base64.RawStdEncoding.EncodeToString(b), err
}

// survive ends a panic of a handler: one person sees an error, nobody else notices.
func (c *console) survive(w http.ResponseWriter, r *http.Request) {
	x := recover()
	if x == nil {
		return
	}
	if err, ok := x.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(x) // the server's own way to break off an answer
	}
	c.log.Error("a request broke", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(x), "stack", string(debug.Stack()))
	c.view.problem(w, r, &problem{status: http.StatusInternalServerError, key: "error.internal"})
}

// headers are those of every answer. Scripts run if they carry the answer's nonce, and what
// such a script imports; styles, pictures and connections are our own.
func (c *console) headers(w http.ResponseWriter, r *http.Request, nonce string) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'self'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// With no referrer at all a browser sends "Origin: null" with a form, which looks forged.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if c.secure(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// limit bounds what a request may bring and how long it may take.
func (c *console) limit(w http.ResponseWriter, r *http.Request, x route) (*http.Request, context.CancelFunc) {
	most := x.body
	if most == 0 {
		most = mostBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if x.live {
		return r, func() {}
	}
	ctx, end := context.WithTimeout(r.Context(), mostTime)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(mostTime + slowest)) // a recorder in a test has none
	return r.WithContext(ctx), end
}

// public returns the address at which people reach this Tandem; nil = it has none.
func (c *console) public() *url.URL {
	u, err := url.Parse(c.hub.Plan().PublicURL)
	if err != nil || u.Host == "" {
		return nil
	}
	return u
}

// secure reports whether a browser came by the public address, and that is behind TLS.
func (c *console) secure(r *http.Request) bool {
	u := c.public()
	return u != nil && u.Scheme == "https" && strings.EqualFold(hostOf(r.Host), u.Hostname())
}

// hostOf cuts the port, and the brackets of an IPv6 address.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// knownHost reports whether a request names a host that is ours. A page of somebody else can
// have its own name lead to this machine, and a browser would take our answers for its own.
func (c *console) knownHost(r *http.Request) bool {
	host := hostOf(r.Host)
	switch strings.ToLower(host) {
	case "":
		return false
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	if u := c.public(); u != nil && strings.EqualFold(host, u.Hostname()) {
		return true
	}
	if listen := hostOf(c.listen); listen != "" && strings.EqualFold(host, listen) {
		return true
	}
	// Listening everywhere: the address that this connection came to. It is a number, never a name.
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap() == ip.Unmap()
}

// address returns where a request comes from. A proxy on this machine, or in a private network
// before a public address, is asked for whom it calls; what it says last is its own word.
func (c *console) address(r *http.Request) string {
	peer, err := netip.ParseAddr(hostOf(r.RemoteAddr))
	if err != nil {
		return r.RemoteAddr
	}
	peer = peer.Unmap()
	if c.public() == nil || !peer.IsLoopback() && !peer.IsPrivate() {
		return peer.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if behind, err := netip.ParseAddr(hostOf(strings.TrimSpace(hops[len(hops)-1]))); err == nil {
		return behind.Unmap().String()
	}
	return peer.String()
}

// cookie returns the session's secret that a browser brings. Behind TLS only the cookie counts
// that nobody but this host can have set.
func (c *console) cookie(r *http.Request) string {
	k, err := r.Cookie(c.cookieName(r))
	if err != nil {
		return ""
	}
	return k.Value
}

func (c *console) cookieName(r *http.Request) string {
	if c.secure(r) {
		return secureName
	}
	return cookieName
}

// setCookie gives a browser its session; no secret takes it away.
func (c *console) setCookie(w http.ResponseWriter, r *http.Request, secret string) {
	//nolint:gosec // not Secure without TLS: a browser on this machine would not send it back
	k := &http.Cookie{Name: c.cookieName(r), Value: secret, Path: "/", HttpOnly: true, Secure: c.secure(r), SameSite: http.SameSiteLaxMode}
	k.MaxAge = int(account.SessionEnd.Seconds())
	if secret == "" {
		k.MaxAge = -1
	}
	http.SetCookie(w, k)
}

// formToken is what a form of a session carries: another site can neither read nor guess it.
func formToken(secret string) string {
	if secret == "" {
		return ""
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("forms"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// ownForm reports whether a write carries the token of its session.
func (c *console) ownForm(r *http.Request, secret string) bool {
	got := r.Header.Get(formHeader)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); got == "" && kind == "application/x-www-form-urlencoded" {
		got = r.PostFormValue(formField)
	}
	return got != "" && subtle.ConstantTimeCompare([]byte(got), []byte(formToken(secret))) == 1
}
