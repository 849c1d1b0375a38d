package brevo

import (
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

func (b *bench) writeTo(object, id string, set, was record.Fields) connector.Result {
	b.T.Helper()
	verb := connector.Update
	if id == "" {
		verb = connector.Create
	}
	res := b.write(connector.Op{Key: "k", Verb: verb, Ref: record.Ref{Object: object, ID: id}, Set: set, Was: was})[0]
	if res.Err != nil || len(res.Refused) > 0 {
		b.T.Fatalf("%s %s: %+v", verb, object, res)
	}
	return res
}

// Links are moved by a call that names what moves: others, made meanwhile, stay.
func TestLinksAreMovedAndOthersStay(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		one, two := b.put(map[string]string{"email": "1@example.com"}), b.put(map[string]string{"email": "2@example.com"})
		company := b.writeTo(companies, "", record.Fields{"name": record.Text("Berg"), fieldContacts: record.Texts(one)}, nil).Ref.ID
		deal := b.writeTo(deals, "", record.Fields{
			"deal_name": record.Text("Bread"), fieldCompanies: record.Texts(company), fieldContacts: record.Texts(one, two),
			fieldPipeline: record.Text("6093d2425a9b436e9519d034"), fieldStage: record.Text("3a9f8e1c-0001-4000-8000-5ba5eba11001"),
		}, nil)
		if got := deal.After.Fields; !got[fieldCompanies].Equal(record.Texts(company)) || got[fieldStage].Text() == "" {
			t.Errorf("the deal is %v", got)
		}
		res := b.writeTo(deals, deal.Ref.ID, record.Fields{fieldContacts: record.Texts(two)}, record.Fields{fieldContacts: record.Texts(one)})
		if got := res.After.Fields[fieldContacts]; !got.Equal(record.Texts(two)) {
			t.Errorf("the deal's contacts are %v", got)
		}
		if got := res.After.Fields[fieldCompanies]; !got.Equal(record.Texts(company)) {
			t.Errorf("the deal's companies are %v", got)
		}
	})
}

// The attribute that check --create-fields makes is known again, and new companies carry their key (R16).
func TestCompaniesKeepTheKeyOfTheirCreate(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		made, err := b.AddField.AddField(t.Context(), companies, record.Field{Name: keyProperty, Label: keyLabel, Kind: record.KindText, Key: true})
		if err != nil || !made.Key || made.Name != keyProperty {
			t.Fatalf("the attribute %+v, %v", made, err)
		}
		res := b.writeTo(companies, "", record.Fields{"name": record.Text("Berg")}, nil)
		if got := res.After.Fields[keyProperty].Text(); got != "k" {
			t.Errorf("the company has the key %q", got)
		}
		later := b.writeTo(companies, res.Ref.ID, record.Fields{"name": record.Text("Berg AG")}, nil)
		if got := later.After.Fields[keyProperty].Text(); got != "k" {
			t.Errorf("after an update it has the key %q", got)
		}
	})
}

func TestNotesAndListsAreReadAndWritten(t *testing.T) {
	play(t, nil, func(b *bench) {
		t := b.T
		id := b.writeTo(notes, "", record.Fields{"text": record.Text("<p>Called</p>"), "contactIds": record.Texts("1")}, nil).Ref.ID
		res := b.writeTo(notes, id, record.Fields{"contactIds": record.Texts("1", "2")}, nil)
		if got := res.After.Fields; got["text"].Text() != "<p>Called</p>" || !got["contactIds"].Equal(record.Texts("1", "2")) {
			t.Errorf("the note is %v", got)
		}
		list := b.writeTo(lists, "", record.Fields{"name": record.Text("Leads"), fieldFolder: record.Text("1")}, nil).Ref.ID
		if res := b.writeTo(lists, list, record.Fields{"name": record.Text("Customers")}, nil); res.After.Fields["name"].Text() != "Customers" {
			t.Errorf("the list is %v", res.After.Fields)
		}
		for object, want := range map[string]int{notes: 1, lists: 2, folders: 1} {
			for _, q := range []connector.Query{{Object: object}, {Object: object, Fields: []string{}}} {
				page, err := b.Source.Changes(t.Context(), q)
				for page.More && err == nil {
					q.Cursor = page.Next
					var more connector.Page
					more, err = b.Source.Changes(t.Context(), q)
					more.Changes = append(page.Changes, more.Changes...)
					page = more
				}
				if err != nil || len(page.Changes) != want || !page.Complete {
					t.Errorf("%s: %d, complete %v, %v", object, len(page.Changes), page.Complete, err)
				}
			}
		}
		results, err := b.Writer.Write(t.Context(), []connector.Op{{Verb: connector.Delete, Ref: record.Ref{Object: notes, ID: id}}})
		if err != nil || results[0].Err != nil {
			t.Errorf("delete: %v %v", results, err)
		}
		got, err := b.Reader.Read(t.Context(), notes, []string{id})
		if err != nil || got[0].Fate != connector.Deleted {
			t.Errorf("a note that was deleted: %v %v", got, err)
		}
	})
}

// More companies than a page holds may have been made at one moment. Pages by number show
// them all, and prove nothing (R21).
func TestNumberedPagesProveNothingAboutOneMoment(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	rows := func(ids ...string) []row {
		var out []row
		for _, id := range ids {
			out = append(out, row{id: id, created: at})
		}
		return out
	}
	cur, more := (cursor{Mode: modeList}).next(batch{rows: rows("a", "b"), more: true, numbered: true}, 2)
	if !more || cur.Since != at.UnixMilli()-1 || cur.Pages != 0 {
		t.Fatalf("after the first page: %+v %v", cur, more)
	}
	for i, page := range [][]row{rows("a", "b"), rows("c")} {
		if cur, more = cur.next(batch{rows: page, more: true, numbered: true}, 2); !more || cur.Pages != i+1 {
			t.Fatalf("after page %d of the moment: %+v %v", i+1, cur, more)
		}
	}
	if cur, more = cur.next(batch{numbered: true}, 2); more || !cur.Loose {
		t.Errorf("at the end: %+v %v", cur, more)
	}
}

// An event has a name that Brevo takes, and numbers stay numbers.
func TestEventsAreMadeAsBrevoTakesThem(t *testing.T) {
	t.Parallel()
	e := connector.Event{Key: "k", Name: "paid", Person: connector.Person{ID: "7", Phone: "+30 210 1234567"}, Properties: record.Fields{
		"amount": record.Text("19.5"), "vip": record.Bool(true), "phone": record.Text("0030210"), "none": {},
	}}
	in, err := eventOf(e)
	if err != nil || in.Identifiers["contact_id"] != int64(7) || in.Identifiers["phone_id"] != "+302101234567" {
		t.Fatalf("identifiers %v, %v", in.Identifiers, err)
	}
	if p := in.Properties; p["vip"] != true || p["phone"] != "0030210" || p[keyProperty] != "k" || len(p) != 4 {
		t.Errorf("properties %v", p)
	}
	for _, name := range []string{"", "two words", "é"} {
		e.Name = name
		if _, err := eventOf(e); connector.KindOf(err) != connector.Invalid {
			t.Errorf("the name %q: %v", name, err)
		}
	}
}
