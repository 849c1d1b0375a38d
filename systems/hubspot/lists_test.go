package hubspot

import (
	"slices"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

func TestListsOfContacts(t *testing.T) {
	t.Parallel()
	for _, version := range []string{versionCurrent, versionLegacy} {
		inBubble(t, twin.Options{}, func(b *bench) {
			b.open(connector.Settings{settingLists: "yes", settingVersion: version})
			p := b.contacts(150)
			var all []string
			for name, members := range map[string][]string{"News": {p[0], p[149]}, "Fair": {p[0]}, "Nobody": nil} {
				id, err := b.account.PutList(name, contacts, members...)
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, id)
			}
			s := b.schema()
			o, _ := s.Object(contacts)
			if f, ok := o.Field(fieldLists); !ok || f.To != lists || f.Common != "tags" || !f.Writable() {
				b.Errorf("%+v", f)
			}
			if o, ok := s.Object(lists); !ok || o.Create || o.Common != "tag" {
				b.Errorf("%+v", o)
			}
			q := connector.Query{Object: lists, Limit: 2}
			got, pages := b.read(&q)
			slices.Sort(all)
			if !slices.Equal(ids(got), all) || pages[len(pages)-1].Complete {
				b.Errorf("lists: %v of %v", ids(got), all)
			}
			again, _ := b.read(&q)
			if len(again) != 3 {
				b.Errorf("later: %v", ids(again))
			}
			rows, _ := b.read(&connector.Query{Object: contacts, Fields: []string{"email", fieldLists}})
			on := unique(rows)
			if n := len(on[p[0]].Fields[fieldLists].Items()); n != 2 || len(on[p[149]].Fields[fieldLists].Items()) != 1 || len(on[p[5]].Fields[fieldLists].Items()) != 0 {
				b.Errorf("on %d lists: %v", n, on[p[0]].Fields)
			}
			read, err := b.Reader.Read(b.Context(), lists, []string{"99", all[0]})
			if err != nil || read[0].Fate != connector.Deleted || read[1].Fate != connector.Present || read[1].Fields["name"].IsEmpty() {
				b.Errorf("%+v %v", read, err)
			}
			b.account.Revoke("crm.lists.read")
			c := b.one(contacts, p[0])
			if _, known := c[fieldLists]; known {
				b.Error("without the right the field should be absent (R11)")
			}
			_, err = b.Source.Changes(b.Context(), connector.Query{Object: contacts, Fields: []string{fieldLists}})
			b.wantKind(err, connector.Forbidden)
		})
	}
}

// Nobody pays for lists who has not asked for them.
func TestListsAreOffAtFirst(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		s := b.schema()
		o, _ := s.Object(contacts)
		_, field := o.Field(fieldLists)
		if _, object := s.Object(lists); object || field {
			b.Error("lists are there")
		}
		p := b.contacts(1)
		if n := b.count("/lists/", func() { b.one(contacts, p[0]) }); n != 0 {
			b.Errorf("%d calls", n)
		}
		r := b.change(contacts, p[0], "city", record.Text("Athens"), record.Value{})
		if r.Err != nil {
			b.Error(r.Err)
		}
	})
}
