package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// faultOf is a fault that strikes so often; 0 = for ever.
func faultOf(kind twin.FaultKind, times int) twin.Fault {
	return twin.Fault{Kind: kind, Times: times}
}

func (p peer) api() rest.API {
	return rest.API{HTTP: p.client(rest.ClientOptions{Base: "http://127.0.0.1:99/v1"}), Base: "http://127.0.0.1:99/v1"}
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		call rest.Call
		want string
	}{
		{"a read", rest.Call{Path: "/things/a%2Fb"}, "GET /v1/things/a%2Fb [application/json] [] "},
		{"no slash", rest.Call{Path: "things"}, "GET /v1/things [application/json] [] "},
		{"the base itself", rest.Call{}, "GET /v1 [application/json] [] "},
		{"a query", rest.Call{Path: "/a?x=1", Query: url.Values{"y": {"a b"}}}, "GET /v1/a?x=1&y=a+b [application/json] [] "},
		{"the next page", rest.Call{Path: "https://api.vendor.example/v1/a?after=2", Query: url.Values{"y": {"1"}}}, "GET /v1/a?after=2&y=1 [application/json] [] "},
		{"JSON", rest.Call{Method: "PUT", Body: map[string]any{"a": 1}}, `PUT /v1 [application/json] [application/json] {"a":1}`},
		{"a form", rest.Call{Method: "POST", Form: url.Values{"a": {"1 2"}}}, "POST /v1 [application/json] [application/x-www-form-urlencoded] a=1+2"},
		{"bytes", rest.Call{Method: "POST", Body: []byte("<a/>"), Header: http.Header{"content-type": {"text/xml"}, "Accept": {"text/xml"}}}, "POST /v1 [text/xml] [text/xml] <a/>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got string
			p := newPeer(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got = fmt.Sprintf("%s %s %v %v %s", r.Method, r.RequestURI, r.Header["Accept"], r.Header["Content-Type"], b)
				jsonOK(w, r)
			})
			r, err := p.api().Do(t.Context(), c.call)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if !r.Sent || r.Status != 200 || r.Path == "" || strings.Contains(r.Path, "?") || string(r.Body) != `{"name":"Ann"}` {
				t.Errorf("response is %+v", r)
			}
		})
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	p := newPeer(jsonOK)
	for _, c := range []rest.Call{{Path: "/a%zz?key=" + "x"}, {Method: "POST", Body: func() {}}, {Method: "NO GOOD"}} {
		r, err := p.api().Do(t.Context(), c)
		if connector.KindOf(err) != connector.Invalid || r == nil || r.Sent {
			t.Errorf("%+v: %v of kind %s, response %+v", c, err, connector.KindOf(err), r)
		}
		if strings.Contains(err.Error(), "key=") {
			t.Errorf("the error holds the query: %v", err)
		}
	}
	if n := p.Count("", ""); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const none = connector.Kind("")
	for _, c := range []struct {
		name         string
		status       int
		kind, body   string
		into         bool
		read, write  connector.Kind
		readAttempts int
	}{
		{"JSON", 200, "application/json; charset=utf-8", `{"name":"Ann"}`, true, none, none, 1},
		{"JSON of a vendor's own type", 201, "application/vnd.api+json", `{"name":"Ann"}`, true, none, none, 1},
		{"JSON nobody wants", 200, "text/json", `{"name":"Ann"}`, false, none, none, 1},
		{"nothing, and nothing is wanted", 200, "", "", false, none, none, 1},
		{"nothing, as it says", 204, "", "", true, none, none, 1},
		{"nothing yet", 202, "application/json", "", true, none, none, 1},
		{"nothing, and something is wanted", 200, "application/json", " \n", true, connector.Unavailable, connector.Ambiguous, 3},
		{"a web page", 200, "text/html", "<html>Sign in</html>", true, connector.Unavailable, connector.Ambiguous, 1},
		{"a web page, and nothing is wanted", 200, "text/html", "<html>Sign in</html>", false, connector.Unavailable, connector.Ambiguous, 1},
		{"text", 200, "text/plain", "OK", false, connector.Unavailable, connector.Ambiguous, 1},
		{"a web page that calls itself JSON", 200, "application/json", "<html>Sign in</html>", true, connector.Unavailable, connector.Ambiguous, 1},
		{"a warning before the JSON", 200, "application/json", `Warning: x {"name":"Ann"}`, true, connector.Unavailable, connector.Ambiguous, 1},
		{"a warning after the JSON", 200, "application/json", `{"name":"Ann"} Warning: x`, true, connector.Unavailable, connector.Ambiguous, 1},
		{"JSON cut short", 200, "application/json", `{"name":"An`, true, connector.Unavailable, connector.Ambiguous, 3},
		{"JSON cut short, and nothing is wanted", 200, "application/json", `{"name":"An`, false, connector.Unavailable, connector.Ambiguous, 3},
		{"JSON of another shape", 200, "application/json", `{"name":{}}`, true, connector.Unavailable, connector.Ambiguous, 1},
		{"not found", 404, "application/json", `{"message":"no such thing"}`, true, connector.NotFound, connector.NotFound, 1},
		{"not found, cut short", 404, "application/json", `{"mess`, true, connector.NotFound, connector.NotFound, 1},
		{"failed", 500, "application/json", `{}`, true, connector.Unavailable, connector.Ambiguous, 1},
		{"a bad gateway", 502, "text/html", `<html>`, true, connector.Unavailable, connector.Ambiguous, 5},
		{"not built", 501, "text/html", `<html>`, true, connector.Unsupported, connector.Unsupported, 1},
		{"moved", 307, "text/html", `<html>`, true, connector.Unavailable, connector.Unavailable, 1},
		{"see elsewhere", 303, "text/html", `<html>`, true, connector.Unavailable, connector.Ambiguous, 1},
		{"not modified", 304, "", "", true, none, none, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", c.kind)
					if c.kind == "" {
						w.Header().Del("Content-Type")
					}
					if c.status == 303 || c.status == 307 {
						w.Header().Set("Location", "https://elsewhere.example/x?token=1")
					}
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
				})
				for method, want := range map[string]connector.Kind{"GET": c.read, "PUT": c.write} {
					var got struct{ Name string }
					call := rest.Call{Method: method, Path: "/things", Query: url.Values{"token": {"1"}}}
					if c.into {
						call.Into = &got
					}
					r, err := p.api().Do(t.Context(), call)
					if connector.KindOf(err) != want {
						t.Errorf("%s: %v of kind %s, want %s", method, err, connector.KindOf(err), want)
					}
					if r == nil || !r.Sent || r.Status != c.status {
						t.Errorf("%s: response %+v", method, r)
					}
					if err == nil && c.into && c.body != "" && got.Name != "Ann" {
						t.Errorf("%s: decoded %+v", method, got)
					}
					if err != nil && (strings.Contains(err.Error(), "token") || !strings.Contains(err.Error(), method+" /v1/things")) {
						t.Errorf("%s: the error says %q", method, err)
					}
					if _, err := p.api().Do(t.Context(), rest.Call{Method: method, Raw: true}); c.status == 200 && err != nil {
						t.Errorf("%s raw: %v", method, err)
					}
				}
				if n := p.Count("GET", "/v1/things"); n != c.readAttempts {
					t.Errorf("%d reads, want %d", n, c.readAttempts)
				}
				if n := p.Count("PUT", "/v1/things"); n != 1 {
					t.Errorf("%d writes", n)
				}
			})
		})
	}
}

func TestFaultsOfReadsAndWrites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault       twin.FaultKind
		wait        time.Duration
		read, write connector.Kind
		scope       connector.Scope // of the read's error
		sent        bool
	}{
		{twin.FaultRefuse, 0, connector.Unavailable, connector.Unavailable, connector.ScopeConnection, false},
		{twin.FaultLostReply, 0, connector.Unavailable, connector.Ambiguous, connector.ScopeConnection, true},
		{twin.FaultTruncate, 0, connector.Unavailable, connector.Ambiguous, connector.ScopeConnection, true},
		{twin.FaultErrorAfterCommit, 0, connector.Unavailable, connector.Ambiguous, connector.ScopeConnection, true},
		{twin.FaultUnavailable, 0, connector.Unavailable, connector.Ambiguous, connector.ScopeConnection, true},
		{twin.FaultUnavailable, time.Second, connector.Unavailable, connector.Unavailable, connector.ScopeConnection, true},
		{twin.FaultUnauthorized, 0, connector.Unauthorized, connector.Unauthorized, connector.ScopeConnection, true},
		{twin.FaultRateLimit, 0, connector.RateLimited, connector.RateLimited, connector.ScopeConnection, true},
		{twin.FaultRateLimit, time.Hour, connector.RateLimited, connector.RateLimited, connector.ScopeConnection, true},
		{twin.FaultHTML, 0, connector.Unavailable, connector.Ambiguous, connector.ScopeConnection, true},
		{twin.FaultSlow, time.Hour, connector.Unavailable, connector.Ambiguous, connector.ScopeConnection, true},
	} {
		t.Run(fmt.Sprint(c.fault, " ", c.wait), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(jsonOK)
				p.Inject(twin.Fault{Kind: c.fault, Wait: c.wait})
				r, err := p.api().Do(t.Context(), rest.Call{Path: "/things"})
				if e := connector.ErrorOf(err); e.Kind != c.read || e.Scope != c.scope || r.Sent != c.sent {
					t.Errorf("read: %v of kind %s and scope %s, sent %v", err, e.Kind, e.Scope, r.Sent)
				}
				r, err = p.api().Do(t.Context(), rest.Call{Method: "POST", Path: "/things", Body: 1})
				e := connector.ErrorOf(err)
				if e.Kind != c.write || r.Sent != c.sent {
					t.Errorf("write: %v of kind %s, sent %v", err, e.Kind, r.Sent)
				}
				if c.fault != twin.FaultSlow && e.Wait != c.wait {
					t.Errorf("write: wait %v, want %v", e.Wait, c.wait)
				}
				_, err = p.api().Do(rest.WithSafe(t.Context()), rest.Call{Method: "POST", Path: "/things", Body: 1})
				if e := connector.ErrorOf(err); e.Kind != c.read || e.Scope != c.scope {
					t.Errorf("safe POST: %v of kind %s and scope %s", err, e.Kind, e.Scope)
				}
			})
		})
	}
}

func TestABrokenAnswerToAReadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(faultOf(twin.FaultTruncate, 2))
		var got struct{ Name string }
		if _, err := p.api().Do(t.Context(), rest.Call{Into: &got}); err != nil || got.Name != "Ann" {
			t.Errorf("got %+v, %v", got, err)
		}
		if n := p.Count("", ""); n != 3 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestTheVendorsWordCounts(t *testing.T) {
	t.Parallel()
	classify := func(r *rest.Response) error {
		var said struct{ Kind, Scope, Text string }
		if json.Unmarshal(r.Body, &said) != nil || said.Kind == "" {
			return nil //nolint:nilerr // nil: what the status says
		}
		return &connector.Error{Kind: connector.Kind(said.Kind), Scope: connector.Scope(said.Scope), Err: errors.New(said.Text)}
	}
	for _, c := range []struct {
		name, method string
		status       int
		body         string
		want         connector.Error
		text         string
	}{
		{"over a 2xx", "GET", 200, `{"kind":"expired","text":"too old"}`, connector.Error{Kind: connector.Expired, Scope: connector.ScopeRecord}, "GET /v1/x: 200: too old"},
		{"over a status", "GET", 404, `{"kind":"forbidden","scope":"object"}`, connector.Error{Kind: connector.Forbidden, Scope: connector.ScopeObject}, "GET /v1/x: 404: "},
		{"over a write's 503", "PUT", 503, `{"kind":"unavailable","text":"row lock","scope":"record"}`, connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeRecord}, "PUT /v1/x: 503: row lock"},
		{"over a write's 500", "PUT", 500, `{"kind":"invalid","text":"no name"}`, connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord}, "PUT /v1/x: 500: no name"},
		{"but Unavailable after a write's 500 is not known", "PUT", 500, `{"kind":"unavailable","text":"oops"}`, connector.Error{Kind: connector.Ambiguous, Scope: connector.ScopeRecord}, "PUT /v1/x: 500: oops"},
		{"a scope that is left out", "GET", 500, `{"kind":"unavailable","text":"oops"}`, connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeConnection}, "GET /v1/x: 500: oops"},
		{"silence leaves it to the status", "GET", 409, `{}`, connector.Error{Kind: connector.Conflict, Scope: connector.ScopeRecord}, "GET /v1/x: 409 conflict: {}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			api := p.api()
			api.Classify = classify
			_, err := api.Do(t.Context(), rest.Call{Method: c.method, Path: "/x"})
			e := connector.ErrorOf(err)
			if e.Kind != c.want.Kind || e.Scope != c.want.Scope || !strings.HasPrefix(err.Error(), c.text) {
				t.Errorf("got %q of kind %s and scope %q", err, e.Kind, e.Scope)
			}
		})
	}
}

func TestAClassifiedWebPage(t *testing.T) {
	t.Parallel()
	p := newPeer(jsonOK)
	p.Inject(faultOf(twin.FaultHTML, 0))
	api := p.api()
	api.Classify = func(r *rest.Response) error {
		if strings.Contains(string(r.Body), "sign in") {
			return &connector.Error{Kind: connector.Forbidden}
		}
		return nil
	}
	if _, err := api.Do(t.Context(), rest.Call{}); connector.KindOf(err) != connector.Forbidden {
		t.Errorf("got %v", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		401: "GET /v1/x: 401 unauthorized: no; renew the credential: the vendor does not accept it",
		403: "GET /v1/x: 403 forbidden: no; give the credential the right to do this",
		308: "GET /v1/x: 308 permanent redirect, to https://elsewhere.example: no; is the address right?",
		407: "GET /v1/x: 407 proxy authentication required: no; give the proxy's user and password",
		599: "GET /v1/x: 599: no",
	} {
		p := newPeer(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/y?key=1")
			w.WriteHeader(status)
			io.WriteString(w, "  no\n")
		})
		if _, err := p.api().Do(t.Context(), rest.Call{Path: "/x", Query: url.Values{"key": {"1"}}}); err == nil || err.Error() != want {
			t.Errorf("%d: got %v, want %s", status, err, want)
		}
	}
	p := newPeer(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		io.WriteString(w, strings.Repeat("é \xff", 1000))
	})
	_, err := p.api().Do(t.Context(), rest.Call{})
	if text := err.Error(); len(text) > 600 || !strings.HasSuffix(text, "…") {
		t.Errorf("a long answer makes %q", text)
	}
}

func TestTooLongAnAnswer(t *testing.T) {
	t.Parallel()
	p := newPeer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `"`+strings.Repeat("x", 1000)+`"`)
	})
	api := rest.API{HTTP: p.client(rest.ClientOptions{BodyCap: 1000}), Base: vendor}
	for method, want := range map[string]connector.Kind{"GET": connector.Unsupported, "POST": connector.Ambiguous} {
		if _, err := api.Do(t.Context(), rest.Call{Method: method}); connector.KindOf(err) != want {
			t.Errorf("%s: %v of kind %s", method, err, connector.KindOf(err))
		}
	}
	if n := p.Count("", ""); n != 2 {
		t.Errorf("%d requests", n)
	}
	err := api.Stream(t.Context(), rest.Call{}, func(d *json.Decoder) error {
		var s string
		return d.Decode(&s)
	})
	if err != nil {
		t.Errorf("streamed: %v", err)
	}
}

func TestCancelledAndLateCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(jsonOK)
		p.Inject(twin.Fault{Kind: twin.FaultSlow, Wait: time.Minute})
		for method, want := range map[string]connector.Kind{"GET": connector.Unavailable, "POST": connector.Ambiguous} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := p.api().Do(ctx, rest.Call{Method: method})
			if err != context.Canceled { //nolint:errorlint // as it is, promises Do
				t.Errorf("%s cancelled: %v", method, err)
			}
			late, cancel := context.WithTimeout(t.Context(), time.Second)
			r, err := p.api().Do(late, rest.Call{Method: method})
			if !errors.Is(err, context.DeadlineExceeded) || connector.KindOf(err) != want || !r.Sent {
				t.Errorf("%s late: %v of kind %s", method, err, connector.KindOf(err))
			}
			cancel()
		}
	})
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	p := newPeer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":12345678901234567890,"sum":0.10}`)
	})
	var got map[string]any
	if _, err := p.api().Do(t.Context(), rest.Call{Into: &got}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"id": json.Number("12345678901234567890"), "sum": json.Number("0.10")}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAnotherClientThanOurs(t *testing.T) {
	t.Parallel()
	p := newPeer(jsonOK)
	p.Inject(faultOf(twin.FaultRefuse, 1))
	p.Inject(faultOf(twin.FaultLostReply, 1))
	api := rest.API{HTTP: &http.Client{Transport: p.rt}, Base: vendor}
	for _, want := range []connector.Kind{connector.Unavailable, connector.Ambiguous, ""} {
		if _, err := api.Do(t.Context(), rest.Call{Method: "POST"}); connector.KindOf(err) != want {
			t.Errorf("got %v of kind %s, want %s", err, connector.KindOf(err), want)
		}
	}
	if api.Limits() != nil {
		t.Error("there are limits")
	}
}

func TestAConnectorReachesItsLimits(t *testing.T) {
	t.Parallel()
	l := rest.NewLimits(nil)
	if got := (rest.API{HTTP: rest.NewClient(rest.ClientOptions{Limits: l})}).Limits(); got != l {
		t.Errorf("got %p, want %p", got, l)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	own := errors.New("each is done")
	list := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `[{"id":1},{"id":2},{"id":3}]`)
	}
	for _, c := range []struct {
		name   string
		fault  twin.FaultKind
		method string
		stop   error
		want   connector.Kind
		seen   []int
		calls  int
	}{
		{"all of it", "", "GET", nil, "", []int{1, 2, 3}, 1},
		{"part of it", "", "GET", own, connector.Unavailable, []int{1}, 1},
		{"broken", twin.FaultTruncate, "GET", nil, connector.Unavailable, []int{1}, 1},
		{"broken write", twin.FaultTruncate, "POST", nil, connector.Ambiguous, []int{1}, 1},
		{"a web page", twin.FaultHTML, "GET", nil, connector.Unavailable, nil, 1},
		{"unauthorized", twin.FaultUnauthorized, "GET", nil, connector.Unauthorized, nil, 1},
		{"refused", twin.FaultRefuse, "POST", nil, connector.Unavailable, nil, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(list)
				if c.fault != "" {
					p.Inject(faultOf(c.fault, 0))
				}
				var seen []int
				err := p.api().Stream(t.Context(), rest.Call{Method: c.method}, func(d *json.Decoder) error {
					if _, err := d.Token(); err != nil {
						return err
					}
					for d.More() {
						var row struct{ ID int }
						if err := d.Decode(&row); err != nil {
							return err
						}
						seen = append(seen, row.ID)
						if c.stop != nil {
							return c.stop
						}
					}
					_, err := d.Token()
					return err
				})
				if connector.KindOf(err) != c.want || c.stop != nil && err != c.stop { //nolint:errorlint // as it is, promises Stream
					t.Errorf("got %v of kind %s, want %s", err, connector.KindOf(err), c.want)
				}
				if d := cmp.Diff(c.seen, seen); d != "" {
					t.Error(d)
				}
				if n := p.Count("", ""); n != c.calls {
					t.Errorf("%d requests, want %d", n, c.calls)
				}
			})
		})
	}
}

func TestDefaultKindOfEveryStatus(t *testing.T) {
	t.Parallel()
	special := map[int]connector.Kind{
		304: "", 401: connector.Unauthorized, 402: connector.Forbidden, 403: connector.Forbidden,
		404: connector.NotFound, 405: connector.Unsupported, 406: connector.Unsupported, 407: connector.Unauthorized,
		408: connector.Unavailable, 409: connector.Conflict, 410: connector.NotFound, 412: connector.Conflict,
		421: connector.Unavailable, 423: connector.Unavailable, 424: connector.Unavailable, 425: connector.Unavailable,
		426: connector.Unsupported, 428: connector.Conflict, 429: connector.RateLimited, 451: connector.Forbidden,
		501: connector.Unsupported, 505: connector.Unsupported,
	}
	for status := range 700 {
		want, ok := special[status]
		switch {
		case ok:
		case status >= 200 && status < 300:
			want = ""
		case status >= 400 && status < 500:
			want = connector.Invalid
		default:
			want = connector.Unavailable
		}
		if got := rest.DefaultKind(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}
