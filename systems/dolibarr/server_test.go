package dolibarr

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/systems/dolibarr/dolibarrtwin"
	"github.com/tandemhub/tandem/twin"
)

const twinURL = "https://erp.example.com"

// A server is a twin with a connection to it.
type server struct {
	*dolibarrtwin.Twin
	t *testing.T
	connector.Abilities
	transport http.RoundTripper // nil: the twin's
}

func start(t *testing.T, o twin.Options) *server {
	t.Helper()
	tw, err := ours(dolibarrtwin.New(o))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Twin: tw, t: t}
	s.reconnect()
	return s
}

// reconnect makes a new connection, which knows nothing of what the old one learnt.
func (s *server) reconnect() {
	s.t.Helper()
	transport := s.transport
	if transport == nil {
		transport = twin.Transport(s.Twin)
	}
	a, _, err := rest.Open(Spec(), rest.OpenOptions{URL: twinURL, Secrets: s.Settings(), Transport: transport})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Abilities = a
}

func (s *server) put(object, id string, fields map[string]string) string {
	s.t.Helper()
	id, err := s.Put(object, id, fields)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *server) company(name string) string {
	s.t.Helper()
	return s.put(thirdParties, "", map[string]string{"name": name})
}

// changes reads from a cursor to the end.
func (s *server) changes(q connector.Query) ([]connector.Change, connector.Page) {
	s.t.Helper()
	var all []connector.Change
	for {
		p, err := s.Source.Changes(context.Background(), q)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, p.Changes...)
		if !p.More {
			return all, p
		}
		q.Cursor = p.Next
	}
}

func (s *server) read(object string, ids ...string) []connector.Change {
	s.t.Helper()
	changes, err := s.Reader.Read(context.Background(), object, ids)
	if err != nil {
		s.t.Fatal(err)
	}
	return changes
}

func (s *server) write(op connector.Op) connector.Result {
	s.t.Helper()
	results, err := s.Writer.Write(context.Background(), []connector.Op{op})
	if err != nil || len(results) != 1 {
		s.t.Fatalf("%d results, %v", len(results), err)
	}
	return results[0]
}

func (s *server) create(object string, set record.Fields) connector.Result {
	s.t.Helper()
	return s.write(connector.Op{Key: "key-1", Verb: connector.Create, Ref: record.Ref{Object: object}, Set: set})
}

func (s *server) update(object, id string, set record.Fields) connector.Result {
	s.t.Helper()
	return s.write(connector.Op{Verb: connector.Update, Ref: record.Ref{Object: object, ID: id}, Set: set})
}

func (s *server) check() connector.Identity {
	s.t.Helper()
	id, err := s.Check.Check(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// calls counts the requests that f makes.
func (s *server) calls(f func()) int {
	before := s.Kit().Count("", "")
	f()
	return s.Kit().Count("", "") - before
}

func (s *server) known() {
	s.t.Helper()
	if u := s.Unknowns(); len(u) > 0 {
		s.t.Errorf("the twin does not know: %v", u)
	}
}

// written reconnects through a transport that keeps what is written, and returns what
// tells it.
func (s *server) written() func() string {
	s.t.Helper()
	w := &witness{next: twin.Transport(s.Twin)}
	s.transport = w
	s.reconnect()
	return func() string { return strings.Join(w.sent, "\n") }
}

type witness struct {
	next http.RoundTripper
	sent []string
}

// RoundTrip keeps method and body of every write.
func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		w.sent = append(w.sent, r.Method+" "+string(text))
	}
	return w.next.RoundTrip(r)
}

// wants fails unless err is of that kind and scope and, if given, says fix.
func wants(t *testing.T, err error, kind connector.Kind, scope connector.Scope, field, fix string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; %s wanted", kind)
	}
	e := connector.ErrorOf(err)
	if e.Kind != kind || cmp.Or(e.Scope, connector.ScopeRecord) != scope || e.Field != field {
		t.Errorf("got %s of scope %s, field %q (%v); want %s of %s, field %q", e.Kind, e.Scope, e.Field, err, kind, scope, field)
	}
	if !strings.Contains(e.Fix, fix) {
		t.Errorf("the fix is %q and does not say %q", e.Fix, fix)
	}
}

func ids(changes []connector.Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, c.ID)
	}
	return strings.Join(all, " ")
}

func athens(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// versions are those whose exchanges were recorded.
func versions() []string { return []string{"20", "24"} }

// door200 is the hub's door: it hands the body on and answers 200.
type door200 func(body []byte)

// RoundTrip answers as the door does.
func (d door200) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	d(body)
	return &http.Response{StatusCode: Spec().Door.OK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// asked keeps the paths that were asked for and answers nothing.
type asked struct{ paths []string }

// RoundTrip finds nobody there.
func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.paths = append(a.paths, r.URL.Path)
	return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}
