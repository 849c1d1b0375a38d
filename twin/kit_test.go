package twin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/twin"
)

type kit = twin.Kit

// account is the smallest twin: it counts the writes that took effect.
type account struct {
	*kit
	mux    http.Handler
	mu     sync.Mutex
	writes int
}

func newAccount(o twin.Options) *account {
	a := &account{kit: twin.NewKit(o)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /things", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.writes++
		a.Ledger().Record(twin.Act{By: "api", Verb: "create", Object: "things", ID: fmt.Sprint(a.writes)})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%d}`, a.writes)
	})
	mux.HandleFunc("GET /things/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":1,"name":"Ann"}`)
	})
	mux.HandleFunc("DELETE /things/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.Unknown(r, "endpoint")
		http.NotFound(w, r)
	})
	a.mux = a.Wrap(mux)
	return a
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *account) written() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.writes
}

func (a *account) Settings() map[string]string                           { return nil }
func (a *account) Objects() []string                                     { return nil }
func (a *account) Rows(string) []twin.Row                                { return nil }
func (a *account) Put(string, string, map[string]string) (string, error) { return "", nil }
func (a *account) Remove(string, string) error                           { return nil }

var _ twin.Twin = (*account)(nil)

// got is what a caller sees.
type got struct {
	Status int
	Body   string
	Err    string
}

func call(t *testing.T, rt http.RoundTripper, method, url string) got {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(`{"name":"Ann"}`)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return got{Err: errorName(err)}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return got{res.StatusCode, string(b), errorName(err)}
}

func errorName(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "broken"
	default:
		return err.Error()
	}
}

func TestFaultsStrikeInProcessAndOnASocket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind    twin.FaultKind
		method  string
		process got
		socket  got
		writes  int
	}{
		{twin.FaultRateLimit, "POST", got{429, `{"error":"Too Many Requests"}`, ""}, got{429, `{"error":"Too Many Requests"}`, ""}, 0},
		{twin.FaultUnavailable, "POST", got{503, `{"error":"Service Unavailable"}`, ""}, got{503, `{"error":"Service Unavailable"}`, ""}, 0},
		{twin.FaultUnauthorized, "POST", got{401, `{"error":"Unauthorized"}`, ""}, got{401, `{"error":"Unauthorized"}`, ""}, 0},
		{twin.FaultErrorAfterCommit, "POST", got{500, `{"error":"Internal Server Error"}`, ""}, got{500, `{"error":"Internal Server Error"}`, ""}, 1},
		{twin.FaultLostReply, "POST", got{Err: "broken"}, got{Err: "broken"}, 1},
		{twin.FaultTruncate, "POST", got{201, `{"id`, "broken"}, got{201, `{"id`, "broken"}, 1},
		{twin.FaultTruncate, "DELETE", got{Err: "broken"}, got{Err: "broken"}, 0},
		{twin.FaultRefuse, "POST", got{Err: "refused"}, got{Err: "broken"}, 0},
	} {
		t.Run(string(c.kind)+" "+c.method, func(t *testing.T) {
			t.Parallel()
			path := "/things"
			if c.method == "DELETE" {
				path += "/1"
			}
			a := newAccount(twin.Options{})
			fault := a.Inject(twin.Fault{Kind: c.kind, Times: 1})
			if d := cmp.Diff(c.process, call(t, twin.Transport(a), c.method, "http://vendor.example"+path)); d != "" {
				t.Errorf("in process: %s", d)
			}
			if a.written() != c.writes || fault.Hits() != 1 {
				t.Errorf("%d writes took effect with %d hits, want %d with 1", a.written(), fault.Hits(), c.writes)
			}

			b := newAccount(twin.Options{})
			b.Inject(twin.Fault{Kind: c.kind, Times: 1})
			server := httptest.NewServer(b)
			defer server.Close()
			socket := &http.Transport{}
			defer socket.CloseIdleConnections()
			if d := cmp.Diff(c.socket, call(t, socket, c.method, server.URL+path)); d != "" {
				t.Errorf("on a socket: %s", d)
			}
			if b.written() != c.writes {
				t.Errorf("on a socket %d writes took effect, want %d", b.written(), c.writes)
			}
			if d := cmp.Diff(string(c.kind), b.Calls()[0].Fault); d != "" {
				t.Errorf("logged fault: %s", d)
			}
		})
	}
}

func TestHTMLInsteadOfJSON(t *testing.T) {
	t.Parallel()
	a := newAccount(twin.Options{})
	a.Inject(twin.Fault{Kind: twin.FaultHTML})
	res, err := twin.Transport(a).RoundTrip(httptest.NewRequest("GET", "http://x/things/1", nil))
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("got %s of type %s", res.Status, res.Header.Get("Content-Type"))
	}
}

func TestFaultsStrikeByCount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault twin.Fault
		want  []int // numbers of the struck requests of 1..10
	}{
		{"each", twin.Fault{}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"each, said as every first", twin.Fault{Every: 1}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"every third", twin.Fault{Every: 3}, []int{3, 6, 9}},
		{"after two, every third", twin.Fault{After: 2, Every: 3}, []int{5, 8}},
		{"after two, twice", twin.Fault{After: 2, Times: 2}, []int{3, 4}},
		{"every second, once", twin.Fault{Every: 2, Times: 1}, []int{2}},
		{"another method", twin.Fault{Method: "POST"}, nil},
		{"another path", twin.Fault{Path: "/thongs"}, nil},
		{"a prefix of the path", twin.Fault{Path: "/thin", After: 9}, []int{10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(twin.Options{})
			c.fault.Kind = twin.FaultUnavailable
			fault := a.Inject(c.fault)
			var struck []int
			for n := 1; n <= 10; n++ {
				if call(t, twin.Transport(a), "GET", "http://x/things/1").Status == 503 {
					struck = append(struck, n)
				}
			}
			if d := cmp.Diff(c.want, struck); d != "" {
				t.Error(d)
			}
			if fault.Hits() != len(c.want) {
				t.Errorf("%d hits, want %d", fault.Hits(), len(c.want))
			}
			fault.Remove()
			if s := call(t, twin.Transport(a), "GET", "http://x/things/1").Status; s != 200 {
				t.Errorf("after the fault was removed: %d", s)
			}
		})
	}
}

func TestOnlyTheFirstOfTwoFaultsStrikesAndSlownessAdds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(twin.Options{})
		slow := a.Inject(twin.Fault{Kind: twin.FaultSlow, Wait: time.Minute})
		first := a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Times: 1})
		second := a.Inject(twin.Fault{Kind: twin.FaultUnauthorized, Times: 1})
		var statuses []int
		start := time.Now()
		for range 3 {
			statuses = append(statuses, call(t, twin.Transport(a), "GET", "http://x/things/1").Status)
		}
		if d := cmp.Diff([]int{503, 401, 200}, statuses); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]int{3, 1, 1}, []int{slow.Hits(), first.Hits(), second.Hits()}); d != "" {
			t.Error(d)
		}
		if took := time.Since(start); took != 3*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		0: "", 30 * time.Second: "30", 1500 * time.Millisecond: "2",
	} {
		a := newAccount(twin.Options{})
		a.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: wait})
		res, err := twin.Transport(a).RoundTrip(httptest.NewRequest("GET", "http://x/things/1", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("Retry-After"); got != want {
			t.Errorf("wait %v: Retry-After %q, want %q", wait, got, want)
		}
	}
}

func TestVendorsOwnFormOfAFault(t *testing.T) {
	t.Parallel()
	a := newAccount(twin.Options{})
	a.Encode = func(w http.ResponseWriter, r *http.Request, kind twin.FaultKind, wait time.Duration) {
		if kind == twin.FaultRateLimit {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "slower: %v", wait)
		}
	}
	a.Inject(twin.Fault{Kind: twin.FaultRateLimit, Wait: time.Second, Times: 1})
	a.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Times: 1})
	rt := twin.Transport(a)
	if d := cmp.Diff(got{403, "slower: 1s", ""}, call(t, rt, "POST", "http://x/things")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(got{500, `{"error":"Internal Server Error"}`, ""}, call(t, rt, "POST", "http://x/things")); d != "" {
		t.Errorf("a kind that it leaves alone: %s", d)
	}
}

func TestLatencyAndLateAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(twin.Options{Latency: 200 * time.Millisecond})
		a.Inject(twin.Fault{Kind: twin.FaultSlow, After: 1, Wait: time.Hour})
		rt := twin.Transport(a)
		start := time.Now()
		call(t, rt, "GET", "http://x/things/1")
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("the first took %v", took)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		req := httptest.NewRequest("POST", "http://x/things", strings.NewReader("{}"))
		_, err := rt.RoundTrip(req.WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("gave up with %v after %v", err, time.Since(start))
		}
		if a.written() != 1 {
			t.Error("a late answer is one to a write that took effect")
		}
		if last := a.Calls()[1]; last.Status != 0 || last.Fault != "slow" {
			t.Errorf("logged as %+v", last)
		}
	})
}

func TestCallerGivesUpDuringLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(twin.Options{Latency: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		req := httptest.NewRequest("POST", "http://x/things", strings.NewReader("{}"))
		_, err := twin.Transport(a).RoundTrip(req.WithContext(ctx))
		if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("gave up with %v after %v", err, time.Since(start))
		}
		if a.written() != 0 {
			t.Error("the handler ran")
		}
		if _, err := twin.Transport(a).RoundTrip(req.WithContext(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("with an ended context: %v", err)
		}
		if n := a.Count("", ""); n != 1 {
			t.Errorf("%d requests arrived, want 1", n)
		}
	})
}

func TestVendorsClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(twin.Options{})
		a.Skew(-5 * time.Minute)
		res, err := twin.Transport(a).RoundTrip(httptest.NewRequest("POST", "http://x/things", strings.NewReader("{}")))
		if err != nil {
			t.Fatal(err)
		}
		want := time.Now().Add(-5 * time.Minute)
		if date, err := http.ParseTime(res.Header.Get("Date")); err != nil || !date.Equal(want) {
			t.Errorf("Date is %v (%v), want %v", date, err, want)
		}
		if at := a.Ledger().Acts()[0].At; !at.Equal(want) {
			t.Errorf("the act was at %v, want %v", at, want)
		}
		if at := a.Calls()[0].At; !at.Equal(want) {
			t.Errorf("the call was at %v, want %v", at, want)
		}
	})
}

func TestHooksSurroundTheHandler(t *testing.T) {
	t.Parallel()
	a := newAccount(twin.Options{})
	var seen []int
	a.Before(func(*http.Request) { seen = append(seen, a.written()) })
	a.After(func(*http.Request) { seen = append(seen, a.written()) })
	a.Inject(twin.Fault{Kind: twin.FaultUnavailable, Times: 1})
	for range 2 {
		call(t, twin.Transport(a), "POST", "http://x/things")
	}
	if d := cmp.Diff([]int{0, 1}, seen); d != "" {
		t.Errorf("writes seen before and after the one that reached the handler: %s", d)
	}
}

func TestRequestLogIsBoundedAndItsCountsAreNot(t *testing.T) {
	t.Parallel()
	a := newAccount(twin.Options{})
	rt := twin.Transport(a)
	for n := range 1200 {
		call(t, rt, "GET", fmt.Sprintf("http://x/things/%d?page=2", n))
	}
	for n := range 6000 {
		call(t, rt, "DELETE", fmt.Sprintf("http://x/things/%d", n))
	}
	calls := a.Calls()
	first := calls[0]
	first.At = time.Time{}
	if d := cmp.Diff(twin.Call{Method: "DELETE", Path: "/things/5000", Status: 204}, first); d != "" || len(calls) != 1000 {
		t.Errorf("%d calls are kept; the first: %s", len(calls), d)
	}
	for _, c := range []struct {
		method, prefix string
		want           int
	}{{"", "", 7200}, {"GET", "", 1200}, {"DELETE", "/thing", 6000}, {"GET", "/things/7", 111}, {"POST", "", 0}} {
		if got := a.Count(c.method, c.prefix); got != c.want {
			t.Errorf("Count(%q, %q) = %d, want %d", c.method, c.prefix, got, c.want)
		}
	}
}

func TestUnknownsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	a := newAccount(twin.Options{})
	for range 2 {
		call(t, twin.Transport(a), "GET", "http://x/people")
	}
	if d := cmp.Diff([]string{"GET /people: endpoint"}, a.Unknowns()); d != "" {
		t.Error(d)
	}
}

func TestLedgerKeepsItsOwnCopy(t *testing.T) {
	t.Parallel()
	l := twin.NewKit(twin.Options{}).Ledger()
	fields := map[string]string{"name": "Ann"}
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	act := twin.Act{At: at, By: "person", Verb: "update", Object: "things", ID: "1", Fields: fields}
	l.Record(act)
	fields["name"] = "Bob"
	act.Fields = map[string]string{"name": "Ann"}
	if d := cmp.Diff([]twin.Act{act}, l.Acts()); d != "" {
		t.Error(d)
	}
	l.Forget()
	if n := len(l.Acts()); n != 0 {
		t.Errorf("%d acts after Forget", n)
	}
}

func TestKitIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	a := newAccount(twin.Options{})
	fault := a.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Every: 4})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				call(t, twin.Transport(a), "POST", "http://x/things")
				a.Calls()
				a.Skew(time.Second)
			}
		})
	}
	wg.Wait()
	if a.written() != 400 || fault.Hits() != 100 || a.Count("POST", "/things") != 400 {
		t.Errorf("%d writes, %d hits, %d requests", a.written(), fault.Hits(), a.Count("", ""))
	}
	if n := len(a.Ledger().Acts()); n != 400 {
		t.Errorf("%d acts", n)
	}
	if !slices.ContainsFunc(a.Calls(), func(c twin.Call) bool { return c.Status == 500 }) {
		t.Error("the spoiled answers are not in the log")
	}
}
