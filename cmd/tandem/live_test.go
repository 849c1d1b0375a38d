package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/cli"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/systems"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// liveYAML is a pair whose vendors call, and whose schedule is hours away.
const liveYAML = `version: 1
timezone: Europe/Athens
country: GR
public_url: https://hub.test/tandem
connections:
  erp:
    system: dolibarr
    url: http://erp.test/api/index.php
    api_key: ${ERP_SECRET}
  crm:
    system: hubspot
    access_token: ${CRM_SECRET}
    client_secret: ${CRM_APP_SECRET}
syncs:
  companies: { left: erp.thirdparties, right: crm.companies, match: [domain], schedule: 6h }
  contacts: { left: erp.contacts, right: crm.contacts, match: [email], schedule: 6h }
`

// A site is an installation: the configuration in a folder, two vendors, the program as
// people run it, and the proxy through which vendors reach it. All of it is in one process
// and in one bubble, so that hours pass at once.
type site struct {
	t    *testing.T
	dir  string
	erp  *dolibarrtwin.Twin
	crm  *hubspottwin.Account
	at   map[string]twin.Twin // by system
	env  map[string]string
	door *entrance // nil while nothing is served
	log  *buffer
	stop func()
}

// A buffer takes what several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newSite(t *testing.T, yaml string) *site {
	t.Helper()
	return newSiteOf(t, yaml, twin.Options{})
}

func newSiteOf(t *testing.T, yaml string, crm twin.Options) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), log: &buffer{}}
	s.erp = must[*dolibarrtwin.Twin](t, twinOf(t, "dolibarr", twin.Options{Zone: athens(t)}))
	s.crm = must[*hubspottwin.Account](t, twinOf(t, "hubspot", crm))
	s.at = map[string]twin.Twin{"dolibarr": s.erp, "hubspot": s.crm}
	id, secret := s.crm.App()
	s.env = map[string]string{
		"ERP_SECRET": s.erp.Settings()["api_key"], "CRM_SECRET": s.crm.Settings()["access_token"], "CRM_APP_ID": id, "CRM_APP_SECRET": secret,
	}
	s.configure(yaml)
	t.Cleanup(s.close)
	return s
}

func (s *site) configure(yaml string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "tandem.yaml"), []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) streams(out *buffer, in io.Reader) cli.Streams {
	return cli.Streams{
		In: in, Out: out, Err: out,
		Env: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		Transport: func(c plan.Connection) http.RoundTripper {
			return twin.Transport(s.at[c.System])
		},
		Listen: func(context.Context, string) (net.Listener, error) { return s.door, nil },
	}
}

// run runs a command and returns its exit code and what it told.
func (s *site) run(args ...string) (int, string) {
	s.t.Helper()
	var out buffer
	code := cli.Run(s.t.Context(), s.args(args), s.streams(&out, strings.NewReader("")), systems.All())
	return code, out.String()
}

func (s *site) args(args []string) []string {
	return append([]string{"-c", filepath.Join(s.dir, "tandem.yaml")}, args...)
}

// serve runs tandem serve until close, and has both vendors call it.
func (s *site) serve() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.door = newEntrance()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, s.args([]string{"serve"}), s.streams(s.log, strings.NewReader("")), systems.All())
	}()
	s.stop = func() {
		cancel()
		if code := <-ended; code != 0 {
			s.t.Errorf("serve ended with %d\n%s", code, s.log)
		}
	}
	time.Sleep(time.Minute) // the first runs
}

// open serves, with a blocking target at Dolibarr, as older versions only have, and the
// webhooks of HubSpot's app.
func (s *site) open() {
	s.t.Helper()
	s.serve()
	s.erp.Hook(s.address("erp"), &http.Client{Transport: s.door}, true)
	s.crm.Webhook(hubspottwin.Hook{Target: s.address("crm")})
}

func (s *site) close() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// address is where a connection's vendor calls, as tandem connections tells it.
func (s *site) address(connection string) string {
	s.t.Helper()
	code, out := s.run("connections")
	found := regexp.MustCompile(`(?m)^` + connection + ` is called at (\S+)$`).FindStringSubmatch(out)
	if code != 0 || found == nil {
		s.t.Fatalf("connections: exit %d\n%s", code, out)
	}
	return found[1]
}

// deliver has HubSpot send what has happened.
func (s *site) deliver(f twin.HookFaults) []int {
	s.t.Helper()
	statuses, err := s.crm.Deliver(s.t.Context(), s.door, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return statuses
}

// quiet lets our own writes be reported and looked at, and proves that nothing is written
// because of it (invariant 6).
func (s *site) quiet() {
	s.t.Helper()
	before := writes(s.erp) + writes(s.crm)
	for range 3 {
		s.deliver(twin.HookFaults{})
		time.Sleep(2 * time.Minute)
	}
	if n := writes(s.erp) + writes(s.crm) - before; n != 0 {
		s.t.Errorf("%d writes that nobody asked for: %v %v", n, lastActs(s.erp, 3), lastActs(s.crm, 3))
	}
	for _, tw := range []twin.Twin{s.erp, s.crm} {
		if u := tw.Kit().Unknowns(); len(u) > 0 {
			s.t.Errorf("the twin was asked for what it does not know: %v", u)
		}
	}
}

func (s *site) put(tw twin.Twin, object, id string, fields map[string]string) string {
	s.t.Helper()
	id, err := tw.Put(object, id, fields)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// value returns what one record of a twin has in a field; "" if it is not there.
func (s *site) value(tw twin.Twin, object, key, is, field string) string {
	for _, r := range tw.Rows(object) {
		if r.Fields[key] == is {
			return r.Fields[field]
		}
	}
	return ""
}

// within waits until a record of a twin has a value, and returns how long that took.
func (s *site) within(most time.Duration, tw twin.Twin, object, key, is, field, want string) time.Duration {
	s.t.Helper()
	began, got := time.Now(), ""
	for time.Since(began) <= most {
		if got = s.value(tw, object, key, is, field); got == want {
			return time.Since(began)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("after %v %s with %s %q has %s %q, want %q\n%s", most, object, key, is, field, got, want, s.log)
	return 0
}

// metric reports whether the server's numbers have that line.
func (s *site) metric(line string) bool {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://hub.test/tandem/metrics", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := s.door.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		s.t.Fatal(err)
	}
	return strings.Contains(b.String(), line+"\n")
}

// An entrance is the listener of a server, and the proxy before it that takes /tandem off
// the path.
type entrance struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	client *http.Transport
}

func newEntrance() *entrance {
	e := &entrance{conns: make(chan net.Conn), closed: make(chan struct{})}
	e.client = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case e.conns <- theirs:
			return ours, nil
		case <-e.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	return e
}

func (e *entrance) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme = "http"
	r.URL.Path, r.URL.RawPath = strings.TrimPrefix(r.URL.Path, "/tandem"), strings.TrimPrefix(r.URL.RawPath, "/tandem")
	return e.client.RoundTrip(r)
}

func (e *entrance) Accept() (net.Conn, error) {
	select {
	case c := <-e.conns:
		return c, nil
	case <-e.closed:
		return nil, net.ErrClosed
	}
}

func (e *entrance) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

func (e *entrance) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8420} }

// polls counts how often HubSpot was asked what there is, or has changed.
func (s *site) polls() int {
	n := 0
	for _, object := range []string{"companies", "contacts"} {
		n += s.crm.Kit().Count("POST", "/crm/objects/2026-09/"+object+"/search") + s.crm.Kit().Count("GET", "/crm/objects/2026-09/"+object)
	}
	return n
}
