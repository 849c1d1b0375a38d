package pipedrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
		if e.Limit != limitDaily || e.Wait < 23*time.Hour || e.Wait > 24*time.Hour+time.Minute {
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
		for range 4 { // new processes, of which none knows what the others were told
			b.open(nil)
			_, err = b.Check.Check(b.Context())
		}
		e := want(b, "shut out", err, connector.RateLimited, connector.ScopeConnection)
		if e.Wait != blocked || !strings.Contains(e.Fix, "gateway") {
			b.Errorf("%v: %s", e.Wait, e.Fix)
		}
	})
}

// Records that changed in one second, more than a page holds, come once and all of them.
func TestManyChangesOfOneSecondAreAllRead(t *testing.T) {
	t.Parallel()
	for _, object := range []string{persons, leads, notes, products} {
		inBubble(t, twin.Options{PageSize: 3}, func(b *bench) {
			time.Sleep(time.Hour)
			q := &connector.Query{Object: object}
			b.read(q)
			time.Sleep(time.Hour)
			var all []string
			for i := range 20 {
				fields := []string{"name", fmt.Sprint("Ann ", i)}
				switch object {
				case leads:
					fields = []string{"title", "Lead", "person_id", "1"}
				case notes:
					fields = []string{"content", "Note", "person_id", "1"}
				}
				all = append(all, b.put(object, "", fields...))
			}
			slices.Sort(all)
			if got := ids(b.read(q)); !slices.Equal(got, all) {
				b.Errorf("%s: read %v, want %v", object, got, all)
			}
		})
	}
}

// Offsets move when rows are deleted or changed between two pages. Notes have offsets only.
func TestNoNoteIsSkippedWhateverHappensBetweenPages(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{PageSize: 3}, func(b *bench) {
		var all []string
		for range 12 {
			all = append(all, b.put(notes, "", "content", "<p>Note</p>", "person_id", "1"))
			time.Sleep(time.Second)
		}
		q := &connector.Query{Object: notes}
		seen := map[string]bool{}
		removed := 0
		for more := true; more; {
			page, err := b.Source.Changes(b.Context(), *q)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range page.Changes {
				seen[c.ID] = true
			}
			if removed < 3 { // of those that were shown
				if err := b.company.Remove(notes, all[removed]); err != nil {
					b.Fatal(err)
				}
				removed++
			}
			q.Cursor, more = page.Next, page.More
		}
		for _, id := range all[removed:] {
			if !seen[id] {
				b.Errorf("%s was skipped", id)
			}
		}
		time.Sleep(time.Hour) // and in a feed, where a change moves a row to the end
		for _, id := range all[3:] {
			b.put(notes, id, "content", "<p>Edited</p>")
			time.Sleep(time.Second)
		}
		seen = map[string]bool{}
		for n, more := 0, true; more; n++ {
			page, err := b.Source.Changes(b.Context(), *q)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range page.Changes {
				seen[c.ID] = c.Fields["content"].Text() == "<p>Edited</p>" || seen[c.ID]
			}
			if n == 0 {
				b.put(notes, all[3], "content", "<p>Edited</p>")
			}
			q.Cursor, more = page.Next, page.More
		}
		for _, id := range all[3:] {
			if !seen[id] {
				b.Errorf("the change of %s was skipped", id)
			}
		}
	})
}

// Records that show no time of change are in listings and sweeps, and when they are read.
func TestARecordWithoutATimeOfChangeIsRead(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.put(persons, "", "name", "Ann")
		if err := b.company.Forget(persons, id); err != nil {
			b.Fatal(err)
		}
		for _, fields := range [][]string{nil, {}} {
			if got := ids(b.read(&connector.Query{Object: persons, Fields: fields})); !slices.Contains(got, id) {
				b.Errorf("a listing of %v shows %v", fields, got)
			}
		}
		c := b.one(persons, id)
		if c.Fate != connector.Present || !c.Modified.Equal(c.Created) || c.Version == "" {
			b.Errorf("%+v", c)
		}
	})
}

// What was archived is not in the usual list. It is read with the listing, and from then on
// a quarter of an hour after the last time.
func TestArchivedDealsAndLeadsAreRead(t *testing.T) {
	t.Parallel()
	for object, face := range map[string]string{deals: "title", leads: "title"} {
		inBubble(t, twin.Options{}, func(b *bench) {
			old := b.put(object, "", face, "Old", "is_archived", "true", "person_id", "1")
			live := b.put(object, "", face, "Live", "person_id", "1")
			time.Sleep(2 * overlap)
			q := &connector.Query{Object: object}
			all := []string{old, live}
			slices.Sort(all)
			if got := ids(b.read(q)); !slices.Equal(got, all) {
				b.Fatalf("%s: the listing shows %v, want %v", object, got, all)
			}
			if got := ids(b.read(&connector.Query{Object: object, Fields: []string{}})); !slices.Equal(got, all) {
				b.Errorf("%s: the sweep shows %v, want %v", object, got, all)
			}
			time.Sleep(5 * time.Minute)
			b.set(object, live, record.Fields{fieldArchived: record.Bool(true)})
			if got := b.read(q); len(got) != 0 {
				b.Errorf("%s: told too early: %v", object, ids(got))
			}
			time.Sleep(archive)
			if got := ids(b.read(q)); !slices.Equal(got, []string{live}) {
				b.Errorf("%s: %v, want what was archived", object, got)
			}
			if c := b.one(object, live); c.Fate != connector.Present || !c.Fields[fieldArchived].Bool() {
				b.Errorf("%s: archived reads %+v", object, c)
			}
		})
	}
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

// Every endpoint that the connector calls has an exchange.
func TestEveryEndpointHasAnExchange(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, x := range exchanges(t) {
		known[endpoint(x.Request.Method, x.Request.Path)] = true
	}
	inBubble(t, twin.Options{}, func(b *bench) {
		b.everything()
		called := map[string]bool{}
		for _, c := range b.company.Calls() {
			called[endpoint(c.Method, c.Path)] = true
		}
		for _, e := range slices.Sorted(maps.Keys(called)) {
			if !known[e] {
				b.Errorf("%s is called and stands in no file of testdata/wire", e)
			}
		}
		if len(called) < 20 {
			b.Errorf("only %d endpoints were called: %v", len(called), slices.Sorted(maps.Keys(called)))
		}
	})
}

// everything calls all that the connector can.
func (b *bench) everything() {
	b.Helper()
	ctx := b.Context()
	if _, err := b.Source.Schema(ctx); err != nil {
		b.Fatal(err)
	}
	if _, err := b.Check.Check(ctx); err != nil {
		b.Fatal(err)
	}
	sample := map[string]record.Fields{
		persons: {"name": record.Text("Ann")}, organizations: {"name": record.Text("Berg")}, deals: {"title": record.Text("Pumps")},
		leads: {"title": record.Text("Pumps"), "person_id": record.Text("1")}, activities: {"subject": record.Text("Call")},
		notes: {"content": record.Text("Note"), "person_id": record.Text("1")}, products: {"name": record.Text("Pump")},
	}
	for object, set := range sample {
		made, err := b.write(connector.Op{Key: "tdm-" + object, Verb: connector.Create, Ref: record.Ref{Object: object}, Set: set})
		if err != nil {
			b.Fatal(err)
		}
		b.read(&connector.Query{Object: object})
		b.set(object, made.Ref.ID, set)
		if _, err := b.Reader.Read(ctx, object, []string{made.Ref.ID, "4711"}); err != nil {
			b.Fatal(err)
		}
		if _, err := b.write(connector.Op{Verb: connector.Archive, Ref: made.Ref}); err != nil {
			b.Fatal(err)
		}
	}
	b.read(&connector.Query{Object: users})
	if _, err := b.Finder.Find(ctx, persons, fieldEmails, []string{"ann@example.com"}); err != nil {
		b.Fatal(err)
	}
	if _, err := b.AddField.AddField(ctx, organizations, record.Field{Name: "region", Kind: record.KindChoice, Choices: []record.Choice{{Value: "north"}}}); err != nil {
		b.Fatal(err)
	}
	for range 2 {
		if _, err := b.Subscriber.Subscribe(ctx, testHook, nil); err != nil {
			b.Fatal(err)
		}
	}
	if err := b.Subscriber.Unsubscribe(ctx, testHook); err != nil {
		b.Fatal(err)
	}
	keep, lose := b.put(persons, "", "name", "Ann"), b.put(persons, "", "name", "Anna")
	if _, err := b.Merger.Merge(ctx, record.Ref{Object: persons, ID: keep}, []record.Ref{{Object: persons, ID: lose}}); err != nil {
		b.Fatal(err)
	}
}

// endpoint names what a request asks for, whatever the record, and for lists of records
// whatever the object.
func endpoint(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = strings.TrimPrefix(path, "/api")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if isNumber(p) || len(p) == 36 {
			parts[i] = "{id}"
		}
		if k, ok := kindOf(p); ok && !k.old {
			parts[i] = "*"
		}
		if strings.HasSuffix(p, "Fields") {
			parts[i] = "Fields"
		}
	}
	return method + " " + strings.Join(parts, "/")
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
