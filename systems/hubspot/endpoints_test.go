package hubspot

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func TestLegacyPathsAnswerAlike(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2026-03", versionLegacy} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			inBubble(t, twin.Options{}, func(b *bench) {
				b.open(connector.Settings{settingVersion: version})
				b.everything()
				for _, c := range b.account.Calls() {
					if strings.Contains(c.Path, versionCurrent) {
						b.Fatalf("%s is of another version", c.Path)
					}
				}
			})
		})
	}
}

// everything calls all that the connector can.
func (b *bench) everything() {
	b.Helper()
	ctx := b.Context()
	if _, err := b.Check.Check(ctx); err != nil {
		b.Fatal(err)
	}
	b.schema()
	kim := b.put(owners, "", "email", "kim@example.com")
	made := b.write(connector.Create, companies, connector.Op{Set: set("name", "Berg", "domain", "berg.example")})
	company := made[0].Ref.ID
	c := b.write(connector.Create, contacts, connector.Op{Set: set("email", "a@example.com", propCompany, company, "hubspot_owner_id", kim)})[0].Ref
	q := connector.Query{Object: contacts}
	b.read(&q)
	got := b.write(connector.Update, contacts, connector.Op{
		Ref: c, Set: record.Fields{"city": record.Text("Athens"), propCompany: {}}, Was: set(propCompany, company),
	})
	got = append(got, b.write(connector.Update, contacts, connector.Op{Ref: c, Set: set(propCompany, company)})...)
	for _, r := range slices.Concat(made, got) {
		if r.Err != nil || len(r.Refused) > 0 {
			b.Errorf("write: %v %v", r.Err, r.Refused)
		}
	}
	later()
	if changes, _ := b.read(&q); unique(changes)[c.ID].Fields[propCompany].Text() != company {
		b.Errorf("changes: %+v", changes)
	}
	b.read(&connector.Query{Object: owners})
	b.read(&connector.Query{Object: owners, Fields: []string{}})
	for field, value := range map[string]string{"email": "a@example.com", "phone": "1"} {
		if _, err := b.Finder.Find(ctx, contacts, field, []string{value}); err != nil {
			b.Fatal(err)
		}
	}
	for object, id := range map[string]string{contacts: c.ID, companies: company, owners: kim} {
		if got, err := b.Reader.Read(ctx, object, []string{id, "4711"}); err != nil || got[0].Fate != connector.Present {
			b.Errorf("read %s: %v %v", object, got, err)
		}
	}
	if _, err := b.AddField.AddField(ctx, companies, record.Field{Name: "segment", Kind: record.KindChoice, Choices: []record.Choice{{Value: "vip"}}}); err != nil {
		b.Fatal(err)
	}
	b.sales(c.ID)
	b.write(connector.Archive, contacts, connector.Op{Ref: c})
	b.read(&connector.Query{Object: contacts, Fields: []string{}})
	w := b.watching(newMemory(), "", contacts, deals)
	two := b.contacts(2)
	if _, err := b.Merger.Merge(ctx, record.Ref{Object: contacts, ID: two[0]}, []record.Ref{{Object: contacts, ID: two[1]}}); err != nil {
		b.Fatal(err)
	}
	if err := b.Eraser.Erase(ctx, record.Ref{Object: contacts, ID: two[0]}); err != nil {
		b.Fatal(err)
	}
	w.take()
	w.stop()
}

// sales works with deals and with a custom object.
func (b *bench) sales(contact string) {
	b.Helper()
	deal := b.write(connector.Create, deals, connector.Op{Set: set("dealname", "Pump", "dealstage", "qualifiedtobuy", linkContacts, contact)})[0].Ref
	r := b.change(deals, deal.ID, linkContacts, record.Value{}, record.Text(contact))
	machine := b.write(connector.Create, "2-17701501", connector.Op{Set: set("serial_number", "A1")})[0]
	if r.Err != nil || machine.Err != nil || b.one(deals, deal.ID)[linkContacts].Text() != "" {
		b.Errorf("%v %v", r.Err, machine.Err)
	}
	b.read(&connector.Query{Object: deals, Where: []connector.Cond{{Field: "pipeline", Op: connector.In, Values: []string{"default"}}}})
}

// Every endpoint that the connector calls has a documented exchange.
func TestEveryEndpointIsDocumented(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, x := range exchanges(t) {
		known[endpoint(x.Request.Method, x.Request.Path)] = true
	}
	inBubble(t, twin.Options{}, func(b *bench) {
		b.everything()
		called := map[string]bool{}
		for _, c := range b.account.Calls() {
			called[endpoint(c.Method, c.Path+"?"+c.Query)] = true
		}
		for _, e := range slices.Sorted(maps.Keys(called)) {
			if !known[e] {
				b.Errorf("%s is called and stands in no file of testdata/wire", e)
			}
		}
		if len(called) < 24 {
			b.Errorf("only %d endpoints were called", len(called))
		}
	})
}

// endpoint names what a request asks for, whatever the object.
func endpoint(method, path string) string {
	path, query, _ := strings.Cut(path, "?")
	for _, k := range kinds() {
		path = strings.ReplaceAll(path, "/"+k.name, "/*")
	}
	path = strings.ReplaceAll(path, "/2-17701501", "/*")
	if head, tail, ok := strings.Cut(path, "/offset/"); ok { // of the journal
		path = head + "/offset/…" + tail[strings.LastIndexByte(tail, '/'):]
	}
	if i := strings.Index(path, "-files/"); i > 0 { // whose files lie anywhere
		path = "/files"
	}
	if strings.Contains(query, "archived=true") {
		path += " archived"
	}
	return method + " " + path
}
