package pipedrive

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/systems/pipedrive/pipedrivetwin"
	"github.com/tandemhub/tandem/twin"
)

// A bench is a connection to a prepared company.
type bench struct {
	testing.TB
	connector.Abilities
	company *pipedrivetwin.Company
	state   connector.KV
	handle  *rest.Handle

	forgiven int // what the twin may not know, on purpose
}

const testHook = "https://hub.example.com/hooks/crm/5q2n7kxw"

// inBubble plays with a company in virtual time.
func inBubble(t *testing.T, o twin.Options, play func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{TB: t, company: company(prepared(o)), state: newMemory()}
		b.open(nil)
		defer func() { b.handle.Close() }()
		play(b)
		if unknown := b.company.Unknowns(); len(unknown) != b.forgiven {
			t.Errorf("the twin does not know this: %v", unknown)
		}
	})
}

// open makes a new connection, with other secrets than the company's own if there are any.
func (b *bench) open(secrets map[string]string) {
	if secrets == nil {
		secrets = b.company.Settings()
	}
	b.openWith(rest.OpenOptions{
		Settings: connector.Settings{}, Secrets: secrets, Transport: twin.Transport(b.company), Hook: testHook, State: b.state,
	})
}

func (b *bench) openWith(o rest.OpenOptions) {
	b.Helper()
	if b.handle != nil {
		b.handle.Close()
	}
	var err error
	if b.Abilities, b.handle, err = rest.Open(Spec(), o); err != nil {
		b.Fatal(err)
	}
}

// fieldsKnown has an object's fields read, so that no call after it needs to.
func (b *bench) fieldsKnown(object string) {
	b.Helper()
	if _, _, err := b.Describe.SchemaOf(b.Context(), []string{object}); err != nil {
		b.Fatal(err)
	}
}

// grant lets a person grant the app access, through the whole round trip.
func (b *bench) grant() {
	b.Helper()
	const back = "http://127.0.0.1/cb"
	round, err := b.handle.Grant().Begin(back)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, round.URL, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	res, err := twin.Transport(b.company).RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound {
		b.Fatalf("%d, %v", res.StatusCode, err)
	}
	if err := b.handle.Grant().Finish(b.Context(), round, to.Query()); err != nil {
		b.Fatal(err)
	}
}

// A memory is what a connection remembers, beyond the connection.
type memory struct {
	mu     sync.Mutex
	last   int64
	values map[string]string
	at     map[string]int64
}

func newMemory() *memory { return &memory{values: map[string]string{}, at: map[string]int64{}} }

// Get returns a value.
func (m *memory) Get(_ context.Context, key string) (string, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.at[key], nil
}

// Put replaces a value.
func (m *memory) Put(_ context.Context, key, value string, version int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at[key] != version {
		return 0, connector.ErrStale
	}
	m.last++
	m.values[key], m.at[key] = value, m.last
	return m.last, nil
}

// fields reads the custom fields of an object.
func (b *bench) fields(tw twin.Twin, object string) []record.Field {
	a, handle, err := rest.Open(Spec(), rest.OpenOptions{Secrets: tw.Settings(), Transport: twin.Transport(tw)})
	if err != nil {
		panic(err) // a mistake in this test
	}
	defer handle.Close()
	s, _, err := a.Describe.SchemaOf(context.Background(), []string{object})
	if err != nil {
		panic(err)
	}
	var out []record.Field
	for _, f := range s.Objects[0].Fields {
		if f.Custom {
			out = append(out, f)
		}
	}
	return out
}
