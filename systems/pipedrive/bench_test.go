package pipedrive

import (
	"context"
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
	handle  *rest.Handle
}

const testHook = "https://hub.example.com/hooks/crm/5q2n7kxw"

// inBubble plays with a company in virtual time.
func inBubble(t *testing.T, o twin.Options, play func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{TB: t, company: company(prepared(o))}
		b.open(nil)
		defer func() { b.handle.Close() }()
		play(b)
		for _, what := range b.company.Unknowns() {
			t.Errorf("the twin does not know this: %s", what)
		}
	})
}

// open makes a new connection, with other secrets than the company's own if there are any.
func (b *bench) open(secrets map[string]string) {
	if secrets == nil {
		secrets = b.company.Settings()
	}
	var err error
	b.Abilities, b.handle, err = rest.Open(Spec(), rest.OpenOptions{
		Settings: connector.Settings{}, Secrets: secrets, Transport: twin.Transport(b.company), Hook: testHook,
	})
	if err != nil {
		b.Fatal(err)
	}
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
