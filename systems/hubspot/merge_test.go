package hubspot

import (
	"slices"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// What remains of a merge mostly has an id that neither had; the old ones lead to it (R24).
func TestMerge(t *testing.T) {
	t.Parallel()
	for _, keepID := range []bool{false, true} {
		for _, object := range []string{contacts, companies, deals} {
			inBubble(t, twin.Options{}, func(b *bench) {
				b.account.KeepPrimaryID(keepID)
				b.schema()
				var refs []record.Ref
				for range 3 {
					fields := map[string][]string{contacts: {"lastname", "Berg"}, companies: {"name", "Berg"}, deals: {"dealname", "Berg", "dealstage", "closedwon"}}
					refs = append(refs, record.Ref{Object: object, ID: b.put(object, "", fields[object]...)})
				}
				r, err := b.Merger.Merge(b.Context(), refs[0], refs[1:])
				if err != nil || (r.Ref == refs[0]) != keepID || r.Version == "" {
					b.Fatalf("%s: %+v %v", object, r, err)
				}
				if rows := b.account.Rows(object); len(rows) != 1 || rows[0].ID != r.Ref.ID {
					b.Errorf("%s: %v, answered %s", object, rows, r.Ref.ID)
				}
				got, err := b.Reader.Read(b.Context(), object, []string{refs[1].ID, refs[2].ID})
				if err != nil || got[0].Fate != connector.Merged || got[0].Into[0] != r.Ref || got[1].Into[0] != r.Ref {
					b.Errorf("%s: %+v %v", object, got, err)
				}
				again, err := b.Merger.Merge(b.Context(), refs[0], refs[1:])
				if err != nil || again.Ref != r.Ref {
					b.Errorf("%s again: %+v %v", object, again, err)
				}
			})
		}
	}
}

func TestMergeThatCannotBe(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.contacts(1)[0]
		r, err := b.Merger.Merge(b.Context(), record.Ref{Object: contacts, ID: id}, []record.Ref{{Object: contacts, ID: "4711"}})
		b.wantKind(err, connector.NotFound)
		if r.Err == nil || r.Ref.ID != id {
			b.Errorf("%+v", r)
		}
		for _, object := range []string{leads, owners, "2-17701501"} {
			_, err = b.Merger.Merge(b.Context(), record.Ref{Object: object, ID: "1"}, []record.Ref{{Object: object, ID: "2"}})
			b.wantKind(err, connector.Unsupported)
		}
	})
}

// A custom object is called by its type id; all of them take one call.
func TestCustomObjects(t *testing.T) {
	t.Parallel()
	const machines = "2-17701501"
	inBubble(t, twin.Options{}, func(b *bench) {
		var o record.Object
		if n := b.count("/", func() {
			s, lacks, err := b.Describe.SchemaOf(b.Context(), []string{machines, "2-99"})
			if err != nil || len(lacks) != 1 || lacks[0].Object != "2-99" {
				b.Fatalf("%+v %v", lacks, err)
			}
			o, _ = s.Object(machines)
		}); n != 1+3 { // and one for what they can be associated with by each of three objects
			b.Errorf("%d calls", n)
		}
		if o.Title != "Machines" || !o.Create {
			b.Errorf("%+v", o)
		}
		if f, _ := o.Field("serial_number"); !f.Unique || !f.Required || !f.Findable {
			b.Errorf("%+v", f)
		}
		if _, there := b.schema().Object(machines); !there {
			b.Error("it is not among all objects")
		}
		made := b.write(connector.Create, machines, connector.Op{Set: set("serial_number", "A1", "model", "X")}, connector.Op{Set: set("serial_number", "A2")})
		r := b.write(connector.Update, machines, connector.Op{Ref: made[0].Ref, Set: set("installed_on", "2026-03-05")})[0]
		if r.Err != nil || b.one(machines, made[0].Ref.ID)["installed_on"].Text() != "2026-03-05" {
			b.Errorf("%+v", r)
		}
		found, err := b.Finder.Find(b.Context(), machines, "serial_number", []string{"A2"})
		if err != nil || len(found) != 1 || found[0].ID != made[1].Ref.ID {
			b.Errorf("%+v %v", found, err)
		}
		b.open(nil) // a new process, which was told the schema
		b.Recall.Recall(record.Schema{Objects: []record.Object{o}})
		q := connector.Query{Object: machines}
		if n := b.count("schemas", func() {
			if rows, _ := b.read(&q); !slices.Equal(ids(rows), []string{made[0].Ref.ID, made[1].Ref.ID}) {
				b.Errorf("%v", ids(rows))
			}
		}); n != 0 {
			b.Errorf("%d calls for the schema", n)
		}
		f, err := b.AddField.AddField(b.Context(), machines, record.Field{Name: "weight", Kind: record.KindNumber})
		if err != nil || f.Kind != record.KindNumber {
			b.Errorf("%+v %v", f, err)
		}
	})
}

// What the token may not see is left out of the schema, with the scope that it lacks.
func TestSchemaSaysWhatIsLacking(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.account.Revoke("crm.schemas.deals.read", "crm.schemas.custom.read")
		s, lacks, err := b.Describe.SchemaOf(b.Context(), []string{contacts, deals, "nothing"})
		if err != nil || len(s.Objects) != 1 || len(lacks) != 2 {
			b.Fatalf("%d objects, %+v, %v", len(s.Objects), lacks, err)
		}
		if lacks[0].Object != deals || !strings.Contains(lacks[0].Remedy, "crm.schemas.deals.read") {
			b.Errorf("%+v", lacks[0])
		}
		if _, there := b.schema().Object(deals); there {
			b.Error("deals are in the schema")
		}
		b.account.Revoke("crm.objects.quotes.read")
		id, err := b.Check.Check(b.Context()) // it looks at all that was read before
		if err != nil || len(id.Lacks) != 1 || id.Lacks[0].Object != quotes || !strings.Contains(id.Lacks[0].Remedy, "crm.objects.quotes.read") {
			b.Errorf("%+v %v", id.Lacks, err)
		}
	})
}

// A sync of contacts asks about nothing else. What its associations can be takes a call for
// the customer's own objects, and one for each object that contacts can be associated with.
func TestOneObjectCostsItsOwnCallsOnly(t *testing.T) {
	t.Parallel()
	for which, want := range map[string]int{associationsMain: 1 + 2 + 1, associationsAll: 1 + 2 + 1 + 1 + 4} {
		inBubble(t, twin.Options{}, func(b *bench) {
			b.open(connector.Settings{settingAssociations: which})
			b.contacts(3)
			n := b.count("/", func() {
				if _, _, err := b.Describe.SchemaOf(b.Context(), []string{contacts}); err != nil {
					b.Fatal(err)
				}
				if _, err := b.Check.Check(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.read(&connector.Query{Object: contacts, Fields: []string{"email"}})
			})
			if n != want {
				b.Errorf("%s: %d calls, want %d", which, n, want)
			}
		})
	}
}

func TestOAuthAsksForTheRightsOfTheObjects(t *testing.T) {
	t.Parallel()
	auth := Spec().Auth[1].OAuth
	all := auth(connector.Settings{})
	if all.Token != "/oauth/2026-09/token" || all.Revoke != "/oauth/2026-09/token/revoke" || !strings.HasPrefix(all.Authorize, "https://app.hubspot.com/") {
		t.Errorf("%+v", all)
	}
	if !slices.Contains(all.Scopes, "crm.objects.contacts.write") || slices.Contains(all.Scopes, "crm.objects.leads.read") ||
		!strings.Contains(all.Extra["optional_scope"], "crm.objects.leads.read") || !strings.Contains(all.Extra["optional_scope"], "crm.schemas.custom.read") {
		t.Errorf("all: %+v", all)
	}
	some := auth(connector.Settings{settingObjects: "deals, notes", settingVersion: versionLegacy})
	want := []string{
		"oauth", "crm.objects.owners.read", "crm.objects.deals.read", "crm.objects.deals.write", "crm.schemas.deals.read", "crm.schemas.deals.write",
		"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write",
	}
	if !slices.Equal(some.Scopes, want) || some.Extra != nil || some.Token != "/oauth/v1/token" || some.Revoke != "" {
		t.Errorf("some: %+v", some)
	}
}
