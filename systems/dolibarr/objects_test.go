package dolibarr

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// Every common name is one of the common object's, with a kind that it may have.
func TestCommonNames(t *testing.T) {
	t.Parallel()
	for _, o := range objects() {
		common, ok := record.CommonOf(o.Common)
		if !ok {
			t.Errorf("%s is %q, which is nothing common", o.Name, o.Common)
			continue
		}
		holdsCommon(t, common, o.Name, o.fields)
	}
}

func holdsCommon(t *testing.T, common record.CommonObject, object string, fields []field) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range fields {
		if f.elem != nil {
			line, _ := record.CommonOf("line")
			holdsCommon(t, line, object+"."+f.Name, f.elem)
		}
		if f.Common == "" {
			continue
		}
		c, ok := common.Field(f.Common)
		if !ok || !slices.Contains(c.Kinds, f.Kind) || seen[f.Common] {
			t.Errorf("%s.%s is %q of kind %s; known %v as %v, twice %v", object, f.Name, f.Common, f.Kind, ok, c.Kinds, seen[f.Common])
		}
		seen[f.Common] = true
	}
}

// Fact 15: Dolibarr logs its own events beside those of people; they are neither listed nor
// told as changes, and one that is asked for by its id is out of the window.
func TestFact15AutomaticEventsAreLeftOut(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		for i := range 5 {
			s.company(fmt.Sprint("Acme ", i))
		}
		visit := s.put(events, "", map[string]string{"label": "Visit", "type_code": "AC_RDV", "datep": "2026-11-30T08:00:00Z", "userownerid": "4"})
		auto := s.put(events, "", map[string]string{"label": "made", "type_code": automatic, "datep": "2026-11-30T08:00:00Z", "userownerid": "4"})
		time.Sleep(2 * time.Minute)
		changes, page := s.changes(connector.Query{Object: events})
		if ids(changes) != visit || !page.Complete {
			t.Errorf("listed %q, complete %v", ids(changes), page.Complete)
		}
		if c := s.read(events, auto, visit); c[0].Fate != connector.Left || c[1].Fate != connector.Present {
			t.Errorf("fates %q and %q", c[0].Fate, c[1].Fate)
		}
		time.Sleep(2 * time.Minute)
		s.put(thirdParties, "1", map[string]string{"town": "Patras"})
		time.Sleep(time.Second)
		if changes, _ = s.changes(connector.Query{Object: events, Cursor: page.Next}); len(changes) > 0 {
			t.Errorf("told as changes: %q", ids(changes))
		}
	})
}

// Projects that follow no opportunity are none of ours; one that ceases to is left.
func TestProjectsThatAreNoOpportunities(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		deal := s.put(projects, "", map[string]string{"ref": "A", "title": "Deal", "usage_opportunity": "true"})
		plan := s.put(projects, "", map[string]string{"ref": "B", "title": "Plan", "usage_opportunity": "false"})
		if changes, _ := s.changes(connector.Query{Object: projects}); ids(changes) != deal {
			t.Errorf("listed %q", ids(changes))
		}
		if c := s.read(projects, plan); c[0].Fate != connector.Left {
			t.Errorf("fate %q", c[0].Fate)
		}
		s.put(projects, deal, map[string]string{"usage_opportunity": "false"})
		if changes, _ := s.changes(connector.Query{Object: projects, Fields: []string{}}); len(changes) > 0 {
			t.Errorf("swept %q", ids(changes))
		}
		if c := s.read(projects, deal); c[0].Fate != connector.Left {
			t.Errorf("fate %q", c[0].Fate)
		}
	})
}

// A module that is switched off or a right that is missing is a lack of its object, and
// keeps nobody from the others.
func TestObjectsThatAreNotThere(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		s.company("Acme")
		s.Grant("categorie.lire", false)
		s.Grant("facture.lire", false)
		if lacks := s.check().Lacks; slices.ContainsFunc(lacks, func(l connector.Lack) bool { return l.Object != "" }) {
			t.Errorf("what nobody asked for was looked at: %v", lacks)
		}
		_, lacks, err := s.Describe.SchemaOf(t.Context(), []string{invoices, categories, orders})
		if err != nil {
			t.Fatal(err)
		}
		var lacking []string
		for _, l := range lacks {
			lacking = append(lacking, l.Object)
		}
		for _, l := range s.check().Lacks { // which looks at them from now on
			if !slices.Contains(lacking, l.Object) && l.Object != "" {
				t.Errorf("check and schema disagree about %s", l.Object)
			}
		}
		if !slices.Contains(lacking, invoices) || !slices.Contains(lacking, categories) || slices.Contains(lacking, orders) {
			t.Errorf("lacks: %v", lacking)
		}
		if _, err := s.Source.Schema(t.Context()); err != nil {
			t.Error(err)
		}
		changes, _ := s.changes(connector.Query{Object: thirdParties})
		if _, known := changes[0].Fields[tagsName]; len(changes) != 1 || known {
			t.Errorf("categories that cannot be read are known: %v", changes[0].Fields)
		}
		_, err = s.Source.Changes(t.Context(), connector.Query{Object: invoices})
		wants(t, err, connector.Forbidden, connector.ScopeObject, "", "right")
	})
}

// Version 20 deletes no product, used or not; the others delete those that no line names
// (recorded).
func TestDeletingProducts(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		id := s.put(products, "", map[string]string{"ref": "P", "label": "Widget", "status": "true"})
		old := strings.HasPrefix(s.check().Version, "20")
		r := s.write(connector.Op{Verb: connector.Delete, Ref: record.Ref{Object: products, ID: id}})
		if old {
			wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "", "close it")
		} else if got := s.read(products, id)[0].Fate; r.Err != nil || got != connector.Deleted {
			t.Errorf("fate %q, %v", got, r.Err)
		}
	})
}

// Memberships are read by a listing, at the price of one call a category, and by id; they
// are written by a call each, and only with categories of the right type (R35).
func TestCategoriesOfRecords(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{PageSize: 4}, func(t *testing.T, s *server) {
		lead := s.put(categories, "", map[string]string{"label": "Lead", "type": "2"})
		vip := s.put(categories, "", map[string]string{"label": "VIP", "type": "2"})
		other := s.put(categories, "", map[string]string{"label": "Lead", "type": "4"})
		for i := range 9 {
			fields := map[string]string{"name": fmt.Sprint("Acme ", i)}
			if i == 2 || i == 7 {
				fields[tagsName] = lead
			}
			s.put(thirdParties, "", fields)
		}
		time.Sleep(2 * time.Minute)
		var changes []connector.Change
		var page connector.Page
		q := connector.Query{Object: thirdParties, Fields: []string{"name", tagsName}}
		s.changes(q) // learns how much PHP can hold
		with := s.calls(func() { changes, page = s.changes(q) })
		if n := s.calls(func() { s.changes(connector.Query{Object: thirdParties, Fields: []string{"name"}}) }); with != n+1+2 {
			t.Errorf("a listing takes %d calls, and %d with the members of two categories", n, with)
		}
		for i, c := range changes {
			want := record.Value{}
			if i == 2 || i == 7 {
				want = record.Texts(lead)
			}
			if got, known := c.Fields[tagsName]; !known || !got.Equal(want) {
				t.Errorf("%s is in %v, known %v", c.ID, got, known)
			}
		}
		s.put(thirdParties, "1", map[string]string{tagsName: lead + "," + vip})
		time.Sleep(time.Minute)
		q.Cursor = page.Next
		if told, _ := s.changes(q); len(told) > 0 {
			t.Errorf("a tag moves a stamp: %q", ids(told))
		}
		if got := s.read(thirdParties, "1")[0].Fields[tagsName]; !got.Equal(record.Texts(lead, vip)) {
			t.Errorf("read %v", got)
		}
		if n := s.calls(func() { changes = s.read(thirdParties, "1", "2", "3", "4") }); n != 1+1+2 || !changes[2].Fields[tagsName].Equal(record.Texts(lead)) {
			t.Errorf("reading four took %d calls: %v", n, changes[2].Fields[tagsName])
		}
		r := s.write(connector.Op{
			Verb: connector.Update, Ref: record.Ref{Object: thirdParties, ID: "1"}, Was: record.Fields{tagsName: record.Texts(lead, vip)},
			Set: record.Fields{tagsName: record.Texts(vip), "town": record.Text("Patras")},
		})
		if r.Err != nil || !r.After.Fields[tagsName].Equal(record.Texts(vip)) || r.After.Fields["town"].Text() != "Patras" {
			t.Errorf("%+v", r)
		}
		// R12: what a person has added since stays, and what a person has taken away is no mistake.
		s.put(thirdParties, "1", map[string]string{tagsName: vip + "," + lead})
		ref := record.Ref{Object: thirdParties, ID: "1"}
		r = s.write(connector.Op{
			Verb: connector.Update, Ref: ref, Was: record.Fields{tagsName: record.Texts(vip, other)}, Set: record.Fields{tagsName: {}},
		})
		if r.Err != nil || !r.After.Fields[tagsName].Equal(record.Texts(lead)) {
			t.Errorf("somebody put it into %s meanwhile: %+v", lead, r)
		}
		wants(t, s.update(thirdParties, "1", record.Fields{tagsName: record.Texts(other)}).Err, connector.Invalid, connector.ScopeRecord, tagsName, "category")
		r = s.create(contacts, record.Fields{"lastname": record.Text("Meyer"), tagsName: record.Texts(lead)})
		if r.Err != nil || r.Ref.ID == "" || len(r.Refused) != 1 || r.Refused[0].Field != tagsName {
			t.Errorf("a contact in a category of customers: %+v", r)
		}
	})
}

// A merge moves the contacts to the one that is kept and removes the other.
func TestMerge(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		var refs []record.Ref
		for i := range 3 {
			refs = append(refs, record.Ref{Object: thirdParties, ID: s.company(fmt.Sprint("Acme ", i))})
		}
		person := s.put(contacts, "", map[string]string{"lastname": "Meyer", "socid": refs[2].ID})
		r, err := s.Merger.Merge(t.Context(), refs[0], refs[1:])
		if err != nil || r.Ref != refs[0] || r.After == nil || r.After.Ref != refs[0] {
			t.Fatalf("%+v, %v", r, err)
		}
		for i, c := range s.read(thirdParties, refs[0].ID, refs[1].ID, refs[2].ID) {
			if (c.Fate == connector.Deleted) != (i > 0) {
				t.Errorf("%s has fate %q", c.ID, c.Fate)
			}
		}
		if got := s.read(contacts, person)[0].Fields["socid"].Text(); got != refs[0].ID {
			t.Errorf("the contact belongs to %s", got)
		}
		_, err = s.Merger.Merge(t.Context(), refs[0], refs[:1])
		wants(t, err, connector.Invalid, connector.ScopeRecord, "", "")
		_, err = s.Merger.Merge(t.Context(), refs[0], []record.Ref{{Object: contacts, ID: person}})
		wants(t, err, connector.Unsupported, connector.ScopeObject, "", "")
		_, err = s.Merger.Merge(t.Context(), refs[0], []record.Ref{refs[1]})
		if err == nil {
			t.Error("what is gone is merged again")
		}
	})
}

// What a filter lets through is never too little (C4), whatever the values are.
func TestWhereNeverLetsTooLittleThrough(t *testing.T) {
	t.Parallel()
	towns := []string{"", "Athens", "athens", "Athéns", "O'Town", "(x)", "a;b", "Zürich", "50% off", "a:b", "x,y"}
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := start(t, twin.Options{Version: version})
			for i, town := range towns {
				for client := range 4 {
					s.put(thirdParties, "", map[string]string{"name": fmt.Sprint("Acme ", i, client), "town": town, "client": fmt.Sprint(client)})
				}
			}
			all, _ := s.changes(connector.Query{Object: thirdParties, Fields: []string{"town", "client", "country_code"}})
			rapid.Check(t, func(t *rapid.T) {
				var where []connector.Cond
				for i := range rapid.IntRange(1, 3).Draw(t, "conditions") {
					c := connector.Cond{
						Field: rapid.SampledFrom([]string{"town", "client", "country_code"}).Draw(t, fmt.Sprint("field", i)),
						Op:    rapid.SampledFrom([]connector.CondOp{connector.In, connector.NotIn, connector.Filled, connector.Empty}).Draw(t, fmt.Sprint("op", i)),
					}
					from := towns[1:]
					if c.Field == "client" {
						from = []string{"0", "1", "2", "3", "9", "x"}
					}
					c.Values = rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, fmt.Sprint("values", i))
					where = append(where, c)
				}
				var got []string
				q := connector.Query{Object: thirdParties, Where: where, Limit: 7, Fields: []string{"town", "client", "country_code"}}
				for {
					page, err := s.Source.Changes(context.Background(), q)
					if err != nil {
						t.Fatal(err)
					}
					for _, c := range page.Changes {
						got = append(got, c.ID)
					}
					if page.Complete && len(got) < len(all) {
						t.Fatal("a narrowed listing claims to be complete (R21)")
					}
					if !page.More {
						break
					}
					q.Cursor, q.Where = page.Next, nil // a cursor knows them by itself
				}
				for _, c := range all {
					if satisfies(c.Fields, where) && !slices.Contains(got, c.ID) {
						t.Fatalf("%v is missing from %v", c.Fields, where)
					}
				}
			})
			s.known()
		})
	}
}

// satisfies is what the hub's filter says.
func satisfies(f record.Fields, where []connector.Cond) bool {
	return !slices.ContainsFunc(where, func(c connector.Cond) bool {
		v := f[c.Field].Text()
		switch c.Op {
		case connector.In:
			return !slices.Contains(c.Values, v)
		case connector.NotIn:
			return v != "" && slices.Contains(c.Values, v)
		case connector.Filled:
			return v == ""
		default:
			return v != ""
		}
	})
}

// Fact 13: a hook comes before the commit. Its hint leads to the change once the door's
// delay is over, and whatever happens it is answered 200, so that the save goes through.
func TestFact13HooksLeadToTheChange(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		var hints []record.Ref
		s.Hook("https://hub.example.com/door/erp/key", &http.Client{Transport: door200(func(body []byte) {
			d, err := s.Receiver.Receive(time.Now(), nil, body)
			if err != nil {
				t.Error(err)
			}
			hints = append(hints, d.Hints...)
		})}, true)
		id := s.create(thirdParties, record.Fields{"name": record.Text("Acme")}).Ref.ID
		s.update(thirdParties, id, record.Fields{"town": record.Text("Patras")})
		want := record.Ref{Object: thirdParties, ID: id}
		if len(hints) != 2 || hints[0] != want || hints[1] != want {
			t.Errorf("hints: %v", hints)
		}
		time.Sleep(Spec().Door.ReadDelay)
		if c := s.read(thirdParties, id)[0]; c.Fields["town"].Text() != "Patras" {
			t.Errorf("read %v", c.Fields["town"])
		}
	})
}

// What one record is refused says nothing of the others: it must not stop them.
func TestRefusalsOfOneRecordAreOfIt(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		company := s.company("Acme")
		for range 2 {
			s.put(invoices, "", map[string]string{
				"socid": company, "date": "2026-11-30", "lines": `[{"desc":"Pump","qty":"1","subprice":"120","tva_tx":"20","product_type":"0"}]`, "status": "1",
			})
		}
		r := s.write(connector.Op{Verb: connector.Delete, Ref: record.Ref{Object: invoices, ID: "1"}})
		wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "", "credit note")
	})
	for _, said := range []string{
		"Access to thirdparty 7 not allowed for login sync", "Access to instance id=7 of object not allowed for login sync",
		"Access not allowed for login sync on this thirdparty", "Insufficient rights to read event of this owner id. Your id is 4",
		"Insufficient rights to delete an Agenda Event of owner id 7 Your id is 4",
	} {
		e := &connector.Error{}
		forbidden(e, words{message: said})
		if e.Kind != connector.Forbidden || e.Scope != connector.ScopeRecord || e.Fix == "" {
			t.Errorf("%q: %s of %s", said, e.Kind, e.Scope)
		}
	}
	e := &connector.Error{}
	if forbidden(e, words{message: "Insufficient rights to read an event"}); e.Scope != connector.ScopeObject {
		t.Errorf("a missing right is of %s", e.Scope)
	}
}
