package hubspot

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// list makes a list of a type.
func (b *bench) list(name, kind string, members ...string) string {
	b.Helper()
	id, err := b.account.PutList(name, contacts, members...)
	if err == nil {
		err = b.account.ConvertList(id, kind)
	}
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// Contacts are put on static lists and snapshots in one call per list, and taken off per
// element: what a person did meanwhile stays (R12).
func TestContactsArePutOnLists(t *testing.T) {
	t.Parallel()
	for _, version := range []string{versionCurrent, versionLegacy} {
		inBubble(t, twin.Options{}, func(b *bench) {
			b.open(connector.Settings{settingLists: "yes", settingVersion: version})
			o, _ := b.schema().Object(contacts)
			if f, ok := o.Field(fieldLists); !ok || !f.Writable() {
				b.Errorf("%+v", f)
			}
			p := b.contacts(3)
			news, fair, own := b.list("News", listManual, p[0]), b.list("Fair", listSnapshot), b.list("Own", listManual)
			made := b.write(connector.Create, contacts, connector.Op{Set: record.Fields{"email": record.Text("x@example.com"), fieldLists: record.Texts(news, fair)}})[0]
			if made.Err != nil || len(made.Refused) > 0 || !made.After.Fields[fieldLists].Equal(record.Texts(news, fair)) {
				b.Fatalf("%+v", made)
			}
			if _, err := b.account.PutList("Own", contacts, p[0]); err != nil { // a person, meanwhile
				b.Fatal(err)
			}
			var got []connector.Result
			n := b.count("/memberships/add-and-remove", func() {
				got = b.write(connector.Update, contacts,
					connector.Op{Ref: record.Ref{ID: p[0]}, Set: record.Fields{fieldLists: record.Texts(fair)}, Was: record.Fields{fieldLists: record.Texts(news)}},
					connector.Op{Ref: record.Ref{ID: p[1]}, Set: record.Fields{"city": record.Text("Athens"), fieldLists: record.Texts(news, fair)}},
					connector.Op{Ref: record.Ref{ID: p[2]}, Set: record.Fields{fieldLists: {}}, Was: record.Fields{fieldLists: record.Texts(news)}},
				)
			})
			if n != 2 {
				b.Errorf("%d calls for two lists", n)
			}
			for i, want := range []record.Value{record.Texts(fair, own), record.Texts(news, fair), record.Texts()} {
				if r := got[i]; r.Err != nil || len(r.Refused) > 0 || !r.After.Fields[fieldLists].Equal(want) || !b.one(contacts, p[i])[fieldLists].Equal(want) {
					b.Errorf("%s: %+v, read %v", p[i], r, b.one(contacts, p[i])[fieldLists])
				}
			}
			if on := b.account.ListMembers(news); !slices.Equal(on, []string{made.Ref.ID, p[1]}) {
				b.Errorf("on the news: %v", on)
			}
		})
	}
}

// Who is on an active list HubSpot decides: that is a refusal of the field which says why,
// and the other lists are written.
func TestActiveListsAreRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.open(connector.Settings{settingLists: "yes"})
		b.schema()
		p := b.contacts(1)[0]
		news, active := b.list("News", listManual), b.list("Buyers", "DYNAMIC", p)
		refused := func(what string, r connector.Result, why string, want ...string) {
			b.Helper()
			if r.Err != nil || len(r.Refused) != 1 || r.Refused[0].Field != fieldLists || !strings.Contains(r.Refused[0].Why, why) {
				b.Errorf("%s: %+v", what, r)
			}
			if v := r.After.Fields[fieldLists]; !v.Equal(record.Texts(want...)) || !b.one(contacts, p)[fieldLists].Equal(v) {
				b.Errorf("%s: on %v, read %v", what, v, b.one(contacts, p)[fieldLists])
			}
		}
		refused("off an active one", b.change(contacts, p, fieldLists, record.Texts(news), record.Texts(active)), "active list", news, active)
		gone := b.list("Gone", listManual)
		if err := b.account.RemoveList(gone); err != nil {
			b.Fatal(err)
		}
		refused("on one that was deleted", b.change(contacts, p, fieldLists, record.Texts(news, active, gone), record.Texts(news, active)), "not in HubSpot any more", news, active)
		b.account.Revoke("crm.lists.write")
		refused("without the right", b.change(contacts, p, fieldLists, record.Texts(active), record.Texts(news, active)), "crm.lists.write", news, active)
		made := b.write(connector.Create, contacts, connector.Op{Set: record.Fields{"email": record.Text("x@example.com"), fieldLists: record.Texts(active)}})[0]
		if made.Err != nil || len(made.Refused) != 1 || made.Ref.ID == "" {
			b.Errorf("created: %+v", made)
		}
	})
}

// A list that is converted between our look and our write refuses all of it.
func TestListIsConvertedMeanwhile(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.open(connector.Settings{settingLists: "yes"})
		b.schema()
		p := b.contacts(2)
		news := b.list("News", listManual)
		b.account.Before(func(r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "add-and-remove") {
				return
			}
			if err := b.account.ConvertList(news, "DYNAMIC"); err != nil {
				b.Error(err)
			}
		})
		got := b.write(connector.Update, contacts,
			connector.Op{Ref: record.Ref{ID: p[0]}, Set: record.Fields{fieldLists: record.Texts(news)}},
			connector.Op{Ref: record.Ref{ID: p[1]}, Set: record.Fields{"city": record.Text("Athens"), fieldLists: record.Texts(news)}})
		for i, r := range got {
			if r.Err != nil || len(r.Refused) != 1 || len(r.After.Fields[fieldLists].Items()) != 0 {
				b.Errorf("%d: %+v", i, r)
			}
		}
	})
}

// A lost answer is the operation's error, and the operation can be repeated (R16).
func TestListsOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.open(connector.Settings{settingLists: "yes"})
		b.schema()
		p := b.contacts(1)[0]
		news := b.list("News", listManual)
		b.account.Inject(twin.Fault{Kind: twin.FaultLostReply, Path: "/crm/lists/2026-09/" + news, Times: 1})
		_, err := b.Writer.Write(b.Context(), []connector.Op{{
			Verb: connector.Update, Ref: record.Ref{Object: contacts, ID: p}, Set: record.Fields{fieldLists: record.Texts(news)},
		}})
		b.wantKind(err, connector.Ambiguous)
		if r := b.change(contacts, p, fieldLists, record.Texts(news), record.Value{}); r.Err != nil || len(b.account.ListMembers(news)) != 1 {
			b.Errorf("%+v, %v", r, b.account.ListMembers(news))
		}
	})
}

func TestCheckSaysThatListsMayNotBeRead(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.open(connector.Settings{settingLists: "yes"})
		b.account.Revoke("crm.lists.read")
		id, err := b.Check.Check(b.Context())
		if err != nil || len(id.Lacks) != 1 || id.Lacks[0].Object != lists || !strings.Contains(id.Lacks[0].Remedy, "crm.lists.read") {
			b.Errorf("%+v %v", id.Lacks, err)
		}
	})
}

// What fails for a while after a contact was made is owed, not refused (R2).
func TestListsThatFailAfterACreateAreOwed(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		b.open(connector.Settings{settingLists: "yes"})
		b.schema()
		news, active := b.list("News", listManual), b.list("Active", "DYNAMIC")
		b.account.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: "/crm/lists/2026-09/" + news + "/memberships/add-and-remove", Times: 1})
		set := record.Fields{"email": record.Text("x@example.com"), fieldLists: record.Texts(news, active)}
		made := b.write(connector.Create, contacts, connector.Op{Set: set})[0]
		if made.Err != nil || len(made.Refused) != 2 || made.Refused[0].Again == made.Refused[1].Again {
			b.Errorf("one list failed for a while, one takes nobody: %+v", made)
		}
		again := b.change(contacts, made.Ref.ID, fieldLists, record.Texts(news), record.Value{})
		if again.Err != nil || !b.one(contacts, made.Ref.ID)[fieldLists].Equal(record.Texts(news)) {
			b.Errorf("%+v", again)
		}
	})
}
