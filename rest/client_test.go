package rest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

const (
	vendor = "https://api.vendor.example/v1" // the documented base
	secret = "s3cr3t/key+1"
)

// sign puts the credential where vendors want it: into a header and into the query.
func sign(r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+secret)
	q := r.URL.Query()
	q.Set("api_token", secret)
	r.URL.RawQuery = q.Encode()
}

// peer is a vendor behind a kit.
type peer struct {
	*twin.Kit
	rt http.RoundTripper
}

func newPeer(h http.HandlerFunc) peer {
	k := twin.NewKit(twin.Options{})
	return peer{k, twin.Transport(k.Wrap(h))}
}

func jsonOK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"name":"Ann"}`)
}

func (p peer) client(o rest.ClientOptions) *http.Client {
	o.Transport = p.rt
	if o.Base == "" {
		o.Base = vendor
	}
	return rest.NewClient(o)
}

func send(ctx context.Context, t *testing.T, c *http.Client, method, url, body string) (*http.Response, error) {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err == nil {
		t.Cleanup(func() { res.Body.Close() })
	}
	return res, err
}

func TestEveryRequestGoesToTheBase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, asked, want string }{
		{"http://127.0.0.1:8080", vendor + "/a%2Fb?x=1&y=%20", "http://127.0.0.1:8080/v1/a%2Fb?x=1&y=%20"},
		{"http://127.0.0.1:8080/sub", "https://other.example/next?cursor=2", "http://127.0.0.1:8080/next?cursor=2"},
		{"https://erp.example/api/index.php", "https://erp.example/api/index.php/things", "https://erp.example/api/index.php/things"},
	} {
		var got, host string
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			got, host = r.URL.String(), r.Host
			return twin.Transport(http.HandlerFunc(jsonOK)).RoundTrip(r)
		})
		client := rest.NewClient(rest.ClientOptions{Transport: transport, Base: c.base})
		if _, err := send(t.Context(), t, client, "GET", c.asked, ""); err != nil {
			t.Fatal(err)
		}
		if got != c.want || host != "" {
			t.Errorf("%s at %s went to %s as host %q, want %s", c.asked, c.base, got, host, c.want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBadBaseIsAnErrorWithoutTheBase(t *testing.T) {
	t.Parallel()
	client := rest.NewClient(rest.ClientOptions{Base: "ann:" + secret + "@vendor.example"})
	_, err := send(t.Context(), t, client, "POST", vendor, "{}")
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsSignedWithoutABase(t *testing.T) {
	t.Parallel()
	var header http.Header
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		header = r.Header
		return twin.Transport(http.HandlerFunc(jsonOK)).RoundTrip(r)
	})
	client := rest.NewClient(rest.ClientOptions{Transport: transport, Sign: sign})
	if _, err := send(t.Context(), t, client, "GET", "https://anywhere.example/", ""); err != nil {
		t.Fatal(err)
	}
	if header.Get("Authorization") != "" {
		t.Error("the credential went to a host that nobody named")
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, to string
		status           int // of the answer that the caller gets
		paths            []string
	}{
		{"of a read within the host are followed", "GET", "/b", 200, []string{"/a", "/b"}},
		{"to the base are followed", "GET", "http://127.0.0.1:99/b", 200, []string{"/a", "/b"}},
		{"to the documented host are followed", "HEAD", "https://api.vendor.example:443/b", 200, []string{"/a", "/b"}},
		{"to another host are not", "GET", "https://evil.example/b", 302, []string{"/a"}},
		{"to another scheme are not", "GET", "http://api.vendor.example/b", 302, []string{"/a"}},
		{"to another port are not", "GET", "https://api.vendor.example:8443/b", 302, []string{"/a"}},
		{"of a write are not", "POST", "/b", 302, []string{"/a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/a" {
					http.Redirect(w, r, c.to, http.StatusFound)
				}
			})
			client := p.client(rest.ClientOptions{Base: "http://127.0.0.1:99"})
			res, err := send(t.Context(), t, client, c.method, "https://api.vendor.example/a", "")
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, call := range p.Calls() {
				paths = append(paths, call.Path)
			}
			if d := cmp.Diff(c.paths, paths); d != "" || res.StatusCode != c.status {
				t.Errorf("status %d, paths: %s", res.StatusCode, d)
			}
		})
	}
}

func TestEndlessRedirectsEnd(t *testing.T) {
	t.Parallel()
	p := newPeer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/a", http.StatusFound) })
	if _, err := send(t.Context(), t, p.client(rest.ClientOptions{}), "GET", vendor+"/a", ""); err != nil {
		t.Fatal(err)
	}
	if n := p.Count("", ""); n > 10 {
		t.Errorf("%d requests", n)
	}
}

// attempts is what a vendor saw of one request under a fault.
type attempts struct {
	Sent   int
	Status int
	Err    connector.Kind
}

func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault twin.FaultKind
		read  attempts // GET, and a POST marked as safe
		write attempts
	}{
		{twin.FaultUnavailable, attempts{3, 200, ""}, attempts{1, 503, ""}},
		{twin.FaultErrorAfterCommit, attempts{1, 500, ""}, attempts{1, 500, ""}},
		{twin.FaultRateLimit, attempts{3, 200, ""}, attempts{3, 200, ""}},
		{twin.FaultRefuse, attempts{3, 200, ""}, attempts{3, 200, ""}},
		{twin.FaultLostReply, attempts{3, 200, ""}, attempts{1, 0, connector.Unavailable}},
		{twin.FaultUnauthorized, attempts{1, 401, ""}, attempts{1, 401, ""}},
	} {
		for _, how := range []string{"GET", "HEAD", "safe POST", "POST", "PATCH", "DELETE"} {
			t.Run(string(c.fault)+" "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var bodies []string
					p := newPeer(func(w http.ResponseWriter, r *http.Request) {
						b, _ := io.ReadAll(r.Body)
						bodies = append(bodies, string(b))
						jsonOK(w, r)
					})
					p.Inject(twin.Fault{Kind: c.fault, Times: 2})
					ctx, want := t.Context(), c.write
					method := strings.TrimPrefix(how, "safe ")
					if method != how {
						ctx = rest.WithSafe(ctx)
					}
					if method != how || method == "GET" || method == "HEAD" {
						want = c.read
					}
					body := ""
					if method == "POST" || method == "PATCH" {
						body = `{"a":1}`
					}
					res, err := send(ctx, t, p.client(rest.ClientOptions{}), method, vendor+"/things", body)
					got := attempts{Sent: p.Count("", ""), Err: connector.KindOf(err)}
					if res != nil {
						got.Status = res.StatusCode
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Error(d)
					}
					for n, b := range bodies {
						if b != body {
							t.Errorf("body %d is %q, want %q", n, b, body)
						}
					}
				})
			})
		}
	}
}

func TestABodyThatCannotBeReplayedIsSentOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: time.Second})
		req, err := http.NewRequestWithContext(t.Context(), "POST", vendor, io.MultiReader(strings.NewReader("{}")))
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.client(rest.ClientOptions{}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if n := p.Count("", ""); n != 1 || res.StatusCode != 429 {
			t.Errorf("%d requests, status %d", n, res.StatusCode)
		}
	})
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	for retries, want := range map[int]int{0: 5, 2: 3, -1: 1} {
		synctest.Test(t, func(t *testing.T) {
			p := newPeer(jsonOK)
			p.Inject(twin.Fault{Kind: twin.FaultUnavailable})
			res, err := send(t.Context(), t, p.client(rest.ClientOptions{Retries: retries}), "GET", vendor, "")
			if err != nil {
				t.Fatal(err)
			}
			if n := p.Count("", ""); n != want || res.StatusCode != 503 {
				t.Errorf("with %d retries: %d requests and status %d, want %d", retries, n, res.StatusCode, want)
			}
		})
	}
}

func TestABriefCallIsRepeatedOnceIfNothingAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault twin.Fault
		brief bool
		want  int
	}{
		{twin.Fault{Kind: twin.FaultRefuse}, true, 2},
		{twin.Fault{Kind: twin.FaultRefuse}, false, 5},
		{twin.Fault{Kind: twin.FaultRateLimit}, true, 5}, // it answers: what it asks for is done
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPeer(jsonOK)
			p.Inject(c.fault)
			ctx := t.Context()
			if c.brief {
				ctx = rest.WithBrief(ctx)
			}
			res, err := send(ctx, t, p.client(rest.ClientOptions{}), "GET", vendor, "")
			if err == nil && res.StatusCode == http.StatusOK {
				t.Error("a fault that never ends was overcome")
			}
			if n := p.Count("", ""); n != c.want {
				t.Errorf("%s, brief %t: %d requests, want %d", c.fault.Kind, c.brief, n, c.want)
			}
		})
	}
}

func TestWaitsBetweenAttempts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		fault    twin.Fault
		min, max time.Duration
	}{
		{"429 with Retry-After is waited out exactly", twin.Fault{Kind: twin.FaultRateLimit, Wait: 30 * time.Second, Times: 3}, 90 * time.Second, 90 * time.Second},
		{"429 without: 1 s, 2 s, 4 s with jitter", twin.Fault{Kind: twin.FaultRateLimit, Times: 3}, 7 * time.Second, 8750 * time.Millisecond},
		{"503 with Retry-After", twin.Fault{Kind: twin.FaultUnavailable, Wait: 10 * time.Second, Times: 2}, 20 * time.Second, 20 * time.Second},
		{"503 without", twin.Fault{Kind: twin.FaultUnavailable, Times: 4}, 15 * time.Second, 18750 * time.Millisecond},
		{"a refused connection", twin.Fault{Kind: twin.FaultRefuse, Times: 1}, time.Second, 1250 * time.Millisecond},
	} {
		for _, limits := range []*rest.Limits{nil, rest.NewLimits(nil)} {
			t.Run(fmt.Sprintf("%s, limits %v", c.name, limits != nil), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newPeer(jsonOK)
					p.Inject(c.fault)
					start := time.Now()
					res, err := send(t.Context(), t, p.client(rest.ClientOptions{Limits: limits}), "GET", vendor, "")
					if err != nil || res.StatusCode != 200 {
						t.Fatal(res, err)
					}
					if took := time.Since(start); took < c.min || took > c.max {
						t.Errorf("took %v, want %v to %v", took, c.min, c.max)
					}
				})
			})
		}
	}
}

func TestRetryAfterAsADateByTheVendorsClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p peer
		p = newPeer(func(w http.ResponseWriter, r *http.Request) {
			if p.Count("", "") > 1 {
				jsonOK(w, r)
				return
			}
			w.Header().Set("Retry-After", p.Now().Add(20*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(429)
		})
		p.Skew(-time.Hour)
		start := time.Now()
		if _, err := send(t.Context(), t, p.client(rest.ClientOptions{}), "POST", vendor, "{}"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestALongWaitIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: 10 * time.Minute, Times: 1})
		client := p.client(rest.ClientOptions{Limits: rest.NewLimits(nil)})
		start := time.Now()
		_, err := send(t.Context(), t, client, "GET", vendor+"/things?x=1", "")
		var e *connector.Error
		if !errors.As(err, &e) || e.Kind != connector.RateLimited || e.Wait != 10*time.Minute || e.Scope != connector.ScopeConnection {
			t.Fatalf("got %#v", err)
		}
		time.Sleep(time.Minute)
		_, err = send(t.Context(), t, client, "POST", vendor+"/things", "{}")
		if e := connector.ErrorOf(err); e.Kind != connector.RateLimited || e.Wait != 9*time.Minute {
			t.Errorf("while the account is paused: %v, wait %v", err, e.Wait)
		}
		if n := p.Count("", ""); n != 1 || time.Since(start) != time.Minute {
			t.Errorf("%d requests in %v", n, time.Since(start))
		}
		time.Sleep(9 * time.Minute)
		if _, err = send(t.Context(), t, client, "GET", vendor+"/things", ""); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

func TestWaitsOfOneCallAddUpToTwoMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: 50 * time.Second})
		start := time.Now()
		_, err := send(t.Context(), t, p.client(rest.ClientOptions{}), "GET", vendor, "")
		if e := connector.ErrorOf(err); e.Kind != connector.RateLimited || e.Wait != 50*time.Second {
			t.Errorf("got %v, wait %v", err, e.Wait)
		}
		if n := p.Count("", ""); n != 3 || time.Since(start) != 100*time.Second {
			t.Errorf("%d requests in %v", n, time.Since(start))
		}
	})
}

func TestNoSleepBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultUnavailable, Wait: 30 * time.Second, Times: 1})
		p.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: 30 * time.Second, After: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		client := p.client(rest.ClientOptions{})
		start := time.Now()
		res, err := send(ctx, t, client, "GET", vendor, "")
		if err != nil || res.StatusCode != 503 {
			t.Errorf("got %v, %v", res, err)
		}
		_, err = send(ctx, t, client, "GET", vendor, "")
		if e := connector.ErrorOf(err); e.Kind != connector.RateLimited || e.Wait != 30*time.Second {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("slept %v", took)
		}
	})
}

func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := send(ctx, t, p.client(rest.ClientOptions{}), "GET", vendor, "")
		if !errors.Is(err, context.Canceled) || connector.KindOf(err) != "" || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestASilentVendorIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultSlow, Wait: time.Hour})
		start := time.Now()
		_, err := send(t.Context(), t, p.client(rest.ClientOptions{}), "POST", vendor, "{}")
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() || errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != 2*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestBodyCap(t *testing.T) {
	t.Parallel()
	for length, fits := range map[int]bool{0: true, 99: true, 100: true, 101: false, 5000: false} {
		p := newPeer(func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("x"), length)) })
		res, err := send(t.Context(), t, p.client(rest.ClientOptions{BodyCap: 100}), "GET", vendor, "")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if (err == nil) != fits || len(b) != min(length, 100) {
			t.Errorf("of %d bytes %d came: %v", length, len(b), err)
		}
	}
}

func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultSlow, Wait: 2 * time.Second, Times: 1})
		for _, kind := range []twin.FaultKind{twin.FaultUnavailable, twin.FaultRefuse, twin.FaultLostReply} {
			p.Inject(twin.Fault{Kind: kind, Times: 1})
		}
		var got []rest.CallInfo
		client := p.client(rest.ClientOptions{Sign: sign, Secrets: []string{secret}, OnCall: func(i rest.CallInfo) { got = append(got, i) }})
		if _, err := send(t.Context(), t, client, "GET", vendor+"/hook/s3cr3t%2Fkey+1?x=1", ""); err != nil {
			t.Fatal(err)
		}
		want := []rest.CallInfo{
			{Method: "GET", Path: "/v1/hook/[secret]", Status: 503, Duration: 2 * time.Second, Class: "status"},
			{Method: "GET", Path: "/v1/hook/[secret]", Class: "refused"},
			{Method: "GET", Path: "/v1/hook/[secret]", Class: "broken"},
			{Method: "GET", Path: "/v1/hook/[secret]", Status: 200},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestClientOverASocket(t *testing.T) {
	t.Parallel()
	k := twin.NewKit(twin.Options{})
	server := httptest.NewServer(k.Wrap(http.HandlerFunc(jsonOK)))
	defer server.Close()
	k.Inject(twin.Fault{Kind: twin.FaultTruncate, Times: 1})
	client := rest.NewClient(rest.ClientOptions{Base: server.URL})
	defer client.CloseIdleConnections()
	var got struct{ Name string }
	api := rest.API{HTTP: client, Base: server.URL}
	if _, err := api.Do(t.Context(), rest.Call{Path: "/things/1", Into: &got}); err != nil || got.Name != "Ann" {
		t.Errorf("got %+v, %v", got, err)
	}
	server.Close()
	_, err := rest.API{HTTP: rest.NewClient(rest.ClientOptions{Base: server.URL, Retries: -1}), Base: server.URL}.
		Do(t.Context(), rest.Call{Method: "POST", Path: "/things", Body: struct{}{}})
	if e := connector.ErrorOf(err); e.Kind != connector.Unavailable || e.Fix == "" {
		t.Errorf("a write that was refused: %v of kind %s", err, e.Kind)
	}
}

func TestClientIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultRateLimit, Every: 7, Times: 3, Wait: time.Second})
		p.Inject(twin.Fault{Kind: twin.FaultLostReply, After: 40, Times: 1}) // four are repeated for sure
		client := p.client(rest.ClientOptions{
			Sign: sign, Secrets: []string{secret}, OnCall: func(rest.CallInfo) {},
			Limits: rest.NewLimits([]connector.Limit{{Units: 10, Per: time.Second, Concurrent: 3}}),
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					api := rest.API{HTTP: client, Base: vendor}
					if _, err := api.Do(t.Context(), rest.Call{Path: "/things"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}
