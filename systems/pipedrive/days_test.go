package pipedrive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// put lets a person enter a record; the fields come as name and text in turn.
func (b *bench) put(object, id string, fields ...string) string {
	b.Helper()
	m := map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	id, err := b.company.Put(object, id, m)
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// read reads on to the end.
func (b *bench) read(q *connector.Query) []connector.Change {
	b.Helper()
	var all []connector.Change
	for range 500 {
		page, err := b.Source.Changes(b.Context(), *q)
		if err != nil {
			b.Fatal(err)
		}
		all, q.Cursor = append(all, page.Changes...), page.Next
		if !page.More {
			return all
		}
	}
	b.Fatal("it does not end")
	return nil
}

func (b *bench) one(object, id string) connector.Change {
	b.Helper()
	got, err := b.Reader.Read(b.Context(), object, []string{id})
	if err != nil {
		b.Fatal(err)
	}
	return got[0]
}

func (b *bench) write(op connector.Op) (connector.Result, error) {
	b.Helper()
	got, err := b.Writer.Write(b.Context(), []connector.Op{op})
	if err != nil {
		return connector.Result{}, err
	}
	return got[0], got[0].Err
}

// set writes fields and returns the record as it is then.
func (b *bench) set(object, id string, fields record.Fields) record.Fields {
	b.Helper()
	op := connector.Op{Key: "tdm-1", Verb: connector.Update, Ref: record.Ref{Object: object, ID: id}, Set: fields}
	if id == "" {
		op.Verb = connector.Create
	}
	r, err := b.write(op)
	if err != nil {
		b.Fatal(err)
	}
	return b.one(object, r.Ref.ID).Fields
}

func ids(changes []connector.Change) []string {
	var out []string
	for _, c := range changes {
		if c.Fate == connector.Present {
			out = append(out, c.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func want(t testing.TB, what string, err error, kind connector.Kind, scope connector.Scope) *connector.Error {
	t.Helper()
	e := connector.ErrorOf(err)
	if err == nil || e.Kind != kind || e.Scope != scope {
		t.Fatalf("%s: %v, want %s of the %s", what, err, kind, scope)
	}
	return e
}

func TestAWrongTokenIsUnauthorizedEverywhere(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.open(map[string]string{settingToken: "wrong"})
		_, err := b.Check.Check(b.Context())
		want(b, "check", err, connector.Unauthorized, connector.ScopeConnection)
		_, err = b.Subscriber.Subscribe(b.Context(), testHook, nil)
		if e := want(b, "subscribe", err, connector.Unauthorized, connector.ScopeConnection); e.Fix == "" {
			b.Error("nobody is told what to do")
		}
	})
}

// A scope that is missing pauses the object, and the schema goes on without it.
func TestAMissingScopeIsALackOfThatObject(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.company.Revoke("leads:read", "products:read")
		s, lacks, err := b.Describe.SchemaOf(b.Context(), []string{persons, leads, products})
		if err != nil || len(s.Objects) != 1 || len(lacks) != 2 || !strings.Contains(lacks[0].Remedy, "scope") {
			b.Fatalf("%d objects, lacks %+v, %v", len(s.Objects), lacks, err)
		}
		_, err = b.Source.Changes(b.Context(), connector.Query{Object: leads})
		want(b, "leads", err, connector.Forbidden, connector.ScopeObject)
		b.company.Revoke("admin")
		_, err = b.Subscriber.Subscribe(b.Context(), testHook, nil)
		want(b, "subscribe", err, connector.Forbidden, connector.ScopeObject)
	})
}

// The key of a custom field that is no more is named, and parks the record only.
func TestAWrongHashKeyIsNamed(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		const gone = "00000000000000000000000000000000000000ff"
		id := b.put(persons, "", "name", "Ann")
		_, err := b.write(connector.Op{Verb: connector.Update, Ref: record.Ref{Object: persons, ID: id}, Set: record.Fields{gone: record.Text("x")}})
		if e := want(b, "unknown to us", err, connector.Invalid, connector.ScopeRecord); e.Field != gone {
			b.Errorf("names %q", e.Field)
		}
		f := b.fields(b.company, persons)[0]
		b.Recall.Recall(record.Schema{Objects: []record.Object{{Name: persons, Fields: []record.Field{{Name: gone, Kind: f.Kind, Custom: true}}}}})
		_, err = b.write(connector.Op{Verb: connector.Update, Ref: record.Ref{Object: persons, ID: id}, Set: record.Fields{gone: record.Text("x")}})
		if e := want(b, "unknown to Pipedrive", err, connector.Invalid, connector.ScopeRecord); e.Field != gone {
			b.Errorf("names %q", e.Field)
		}
		if u := b.company.Unknowns(); len(u) != 1 {
			b.Errorf("the twin does not know: %v", u)
		}
		b.forgiven = 1
	})
}

// When no token of the day is left nothing is sent any more, until midnight; when few are
// left, listings wait and what people change still gets through.
func TestTheDaysTokensAreSpentOnLiveEditsFirst(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(persons, "", "name", "Ann")
		b.read(&connector.Query{Object: persons})
		time.Sleep(13 * time.Hour) // it is afternoon: no server's midnight is before the next one
		b.company.Spend(2500)
		b.one(persons, id) // its answer tells
		_, err := b.Source.Changes(b.Context(), connector.Query{Object: organizations})
		if e := want(b, "a listing", err, connector.RateLimited, connector.ScopeConnection); e.Limit != limitBulk || e.Wait < time.Hour {
			b.Errorf("limit %q, wait %v", e.Limit, e.Wait)
		}
		b.set(persons, id, record.Fields{"name": record.Text("Ann Berg")})

		b.company.Spend(2)
		_, err = b.write(connector.Op{Verb: connector.Update, Ref: record.Ref{Object: persons, ID: id}, Set: record.Fields{"name": record.Text("Ann")}})
		e := want(b, "a write", err, connector.RateLimited, connector.ScopeConnection)
		if e.Limit != limitDaily || e.Wait < 9*time.Hour || e.Wait > 12*time.Hour {
			b.Errorf("limit %q, wait %v; it is until midnight", e.Limit, e.Wait)
		}
		calls := b.company.Count("", "")
		for range 30 {
			_, err = b.Reader.Read(b.Context(), persons, []string{id})
			want(b, "a read", err, connector.RateLimited, connector.ScopeConnection)
		}
		if n := b.company.Count("", "") - calls; n > 0 {
			b.Errorf("%d calls went out although none was left", n)
		}
		time.Sleep(e.Wait)
		if got := b.one(persons, id).Fields["name"].Text(); got != "Ann Berg" {
			b.Errorf("the next day it is %q", got)
		}
	})
}

// Who goes on in spite of 429 gets a web page with status 403, which is no missing right.
func TestTheGatewaysPageIsALimit(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.company.Spend(0)
		var err error
		for range 12 { // new processes, of which none knows what the others were told
			b.open(nil)
			_, err = b.Check.Check(b.Context())
		}
		e := want(b, "shut out", err, connector.RateLimited, connector.ScopeConnection)
		if e.Wait != blocked || !strings.Contains(e.Fix, "gateway") {
			b.Errorf("%v: %s", e.Wait, e.Fix)
		}
	})
}

// Deleted deals are told by the feed; of everything else a read proves it, if we may see
// all (R21).
func TestDeletesAreProvenByThoseWhoSeeAll(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		deal, lead := b.put(deals, "", "title", "Pumps"), b.put(leads, "", "title", "Pumps", "person_id", "1")
		q := &connector.Query{Object: deals}
		b.read(q)
		time.Sleep(time.Hour)
		for object, id := range map[string]string{deals: deal, leads: lead} {
			if err := b.company.Remove(object, id); err != nil {
				b.Fatal(err)
			}
		}
		if got := b.read(q); len(got) != 1 || got[0].Fate != connector.Archived {
			b.Errorf("the feed tells %+v", got)
		}
		if c := b.one(leads, lead); c.Fate != connector.Deleted {
			b.Errorf("an administrator reads fate %q", c.Fate)
		}
		b.company.Demote()
		if c := b.one(leads, lead); c.Fate != connector.Left {
			b.Errorf("who does not see all reads fate %q", c.Fate)
		}
		id, err := b.Check.Check(b.Context())
		if err != nil || len(id.Lacks) == 0 || !strings.Contains(id.Lacks[0].Remedy, "administrator") {
			b.Errorf("lacks %+v, %v", id.Lacks, err)
		}
	})
}

// A person grants access, tokens rotate, and the company's address is kept.
func TestOAuthKeepsTheCompanysAddress(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id, secret := b.company.App()
		b.openWith(rest.OpenOptions{
			Settings: connector.Settings{connector.ClientID: id}, Secrets: map[string]string{settingSecret: secret},
			Transport: twin.Transport(b.company), Hook: testHook,
		})
		b.grant()
		for range 3 {
			got, err := b.Check.Check(b.Context())
			if err != nil || got.Facts["address"] != "https://tandem-sandbox.pipedrive.com" {
				b.Fatalf("%+v, %v", got.Facts, err)
			}
			time.Sleep(2 * time.Hour) // the token is old, and is renewed
		}
		b.company.Uninstall()
		time.Sleep(2 * time.Hour)
		_, err := b.Check.Check(b.Context())
		want(b, "after the app was removed", err, connector.Unauthorized, connector.ScopeConnection)
	})
}

func TestACancelledWriteIsAmbiguous(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{Latency: time.Second}, func(b *bench) {
		b.fieldsKnown(persons)
		ctx, cancel := context.WithCancel(b.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		got, err := b.Writer.Write(ctx, []connector.Op{{Verb: connector.Create, Ref: record.Ref{Object: persons}, Set: record.Fields{"name": record.Text("Ann")}}})
		if err != nil || connector.KindOf(got[0].Err) != connector.Ambiguous && !errors.Is(got[0].Err, context.Canceled) {
			b.Errorf("%+v, %v", got, err)
		}
	})
}
