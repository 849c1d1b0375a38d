package pipedrive

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

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
			if !known[e] && e != "a link" {
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
		callLogs: {
			"to_phone_number": record.Text("1"), "outcome": record.Text("busy"),
			"start_time": record.Text("2026-03-05T09:30:00Z"), "end_time": record.Text("2026-03-05T09:31:00Z"),
		},
		notes: {"content": record.Text("Note"), "person_id": record.Text("1")}, products: {"name": record.Text("Pump")},
	}
	for object, set := range sample {
		made, err := b.write(connector.Op{Key: "tdm-" + object, Verb: connector.Create, Ref: record.Ref{Object: object}, Set: set})
		if err != nil {
			b.Fatal(err)
		}
		b.read(&connector.Query{Object: object})
		if object == callLogs {
			b.one(object, made.Ref.ID)
			continue
		}
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
	hung, _, err := b.Files.AddFile(ctx, "tdm-file", record.Ref{Object: persons, ID: keep}, connector.File{Name: "card.pdf", Size: 4}, strings.NewReader("card"))
	if err != nil {
		b.Fatal(err)
	}
	b.content(hung)
	if err := b.Files.RemoveFile(ctx, hung); err != nil {
		b.Fatal(err)
	}
	if _, err := b.Merger.Merge(ctx, record.Ref{Object: persons, ID: keep}, []record.Ref{{Object: persons, ID: lose}}); err != nil {
		b.Fatal(err)
	}
}

// endpoint names what a request asks for, whatever the record, and for lists of records
// whatever the object.
func endpoint(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = strings.TrimPrefix(path, "/api")
	if strings.HasPrefix(path, "/stored-files/") {
		return "a link" // at another host than the API
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if isNumber(p) || len(p) == 36 || strings.HasPrefix(p, "CA") {
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
