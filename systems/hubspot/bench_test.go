package hubspot

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/systems/hubspot/hubspottwin"
	"github.com/tandemhub/tandem/twin"
)

// bench is a connection to an account of its own.
type bench struct {
	*testing.T
	connector.Abilities
	account  *hubspottwin.Account
	handle   *rest.Handle
	settings connector.Settings
}

// inBubble runs a test in virtual time on a fresh account.
func inBubble(t *testing.T, o twin.Options, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, account: account(prepared(o))}
		b.open(nil)
		test(b)
		if u := b.account.Unknowns(); len(u) > 0 {
			t.Errorf("the twin does not know: %v", u)
		}
	})
}

// open opens a connection with all associations unless the settings say otherwise.
func (b *bench) open(s connector.Settings) {
	b.Helper()
	if s[settingAssociations] == "" {
		all := connector.Settings{settingAssociations: associationsAll}
		maps.Copy(all, s)
		s = all
	}
	a, h, err := rest.Open(Spec(), rest.OpenOptions{
		Settings: s, Secrets: b.account.Settings(), Transport: twin.Transport(b.account),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Abilities, b.handle, b.settings = a, h, s
}

func (b *bench) put(object, id string, fields ...string) string {
	b.Helper()
	m := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	got, err := b.account.Put(object, id, m)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

// contacts makes n of them.
func (b *bench) contacts(n int) []string {
	b.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = b.put(contacts, "", "email", fmt.Sprintf("c%d@example.com", i), "lastname", "L"+strconv.Itoa(i))
	}
	return ids
}

// schema makes the connection know the properties, as the hub does first.
func (b *bench) schema() record.Schema {
	b.Helper()
	s, err := b.Source.Schema(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// read follows a cursor to the end and returns what came, and the pages.
func (b *bench) read(q *connector.Query) (changes []connector.Change, pages []connector.Page) {
	b.Helper()
	for {
		p, err := b.Source.Changes(b.Context(), *q)
		if err != nil {
			b.Fatal(err)
		}
		q.Cursor = p.Next
		changes, pages = append(changes, p.Changes...), append(pages, p)
		if !p.More {
			return changes, pages
		}
		if len(pages) > 3000 {
			b.Fatal("the pages do not end")
		}
	}
}

// later lets the index catch up.
func later() { time.Sleep(10 * time.Second) }

// count returns how many requests a function sends whose path contains part.
func (b *bench) count(part string, f func()) int {
	b.Helper()
	before := len(b.matching(part))
	f()
	return len(b.matching(part)) - before
}

func (b *bench) matching(part string) []twin.Call {
	var out []twin.Call
	for _, c := range b.account.Calls() {
		if strings.Contains(c.Path, part) {
			out = append(out, c)
		}
	}
	return out
}

// write carries out operations; the keys are made up.
func (b *bench) write(verb connector.Verb, object string, ops ...connector.Op) []connector.Result {
	b.Helper()
	for i := range ops {
		ops[i].Verb, ops[i].Ref.Object = verb, object
		if ops[i].Key == "" {
			ops[i].Key = "key-" + strconv.Itoa(i) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		}
	}
	got, err := b.Writer.Write(b.Context(), ops)
	if err != nil {
		b.Fatal(err)
	}
	if len(got) != len(ops) {
		b.Fatalf("%d results for %d operations", len(got), len(ops))
	}
	return got
}

func set(pairs ...string) record.Fields {
	f := record.Fields{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = record.Text(pairs[i+1])
	}
	return f
}

func ids(changes []connector.Change) []string {
	out := make([]string, len(changes))
	for i, c := range changes {
		out[i] = c.ID
	}
	return out
}

func (b *bench) wantKind(err error, kind connector.Kind) *connector.Error {
	b.Helper()
	if err == nil || connector.KindOf(err) != kind {
		b.Fatalf("the error should be %s, it is: %v", kind, err)
	}
	return connector.ErrorOf(err)
}
