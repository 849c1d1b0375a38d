package dolibarr

import (
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A create sends the operation's key, asks for a customer code where one is due, and
// reads back what the vendor made of it (R2, R16).
func TestCreateReadsBack(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		sent := s.written()
		r := s.create(thirdParties, record.Fields{
			"name": record.Text("Acme"), "client": record.Text("1"), "country_code": record.Text("GR"), "email": {}, "town": record.Text("Athens 🚀"),
		})
		if r.Err != nil || r.After == nil {
			t.Fatalf("%+v", r)
		}
		if want := `POST {"client":1,"code_client":"auto","country_id":102,"name":"Acme","ref_ext":"key-1","town":"Athens "}`; sent() != want {
			t.Errorf("sent %s", sent())
		}
		for field, want := range map[string]string{"name": "Acme", "country_code": "GR", "ref_ext": "key-1", "town": "Athens", "client": "1", "status": "1", "email": ""} {
			if got := r.After.Fields[field].Text(); got != want {
				t.Errorf("%s reads %q", field, got)
			}
		}
		if !strings.HasPrefix(r.After.Fields["code_client"].Text(), "CU") || r.After.ModifiedBy != "4" || r.Ref.ID != r.After.ID {
			t.Errorf("after: %+v", r.After)
		}
	})
}

// If the record cannot be read back, it is created all the same.
func TestCreateStandsWithoutReadingBack(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		s.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "GET", Path: "/api/index.php/contacts/"})
		r := s.create(contacts, record.Fields{"lastname": record.Text("Meyer")})
		if r.Err != nil || r.Ref.ID != "1" || r.After != nil {
			t.Errorf("%+v", r)
		}
	})
}

func TestClearing(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		extraDefinitions(s.Twin)
		s.UseAdmin()
		s.reconnect()
		company := s.put(thirdParties, "", map[string]string{
			"name": "Acme", "email": "a@x.example", "country_code": "GR", "note_private": "n", "array_options.options_code": "A",
			"array_options.options_score": "7", "array_options.options_since": "2026-11-30", "array_options.options_segment": "1",
		})
		set := record.Fields{"email": {}, "country_code": {}, "note_private": {}, "name": {}}
		for _, code := range []string{"code", "score", "since", "segment"} { // a box is ticked or not, see TestTruthValues
			set["array_options.options_"+code] = record.Value{}
		}
		r := s.update(thirdParties, company, set)
		if r.Err != nil || len(r.Refused) != 1 || r.Refused[0].Field != "name" {
			t.Fatalf("%+v", r)
		}
		for field := range set {
			if got := r.After.Fields[field]; !got.IsEmpty() && field != "name" {
				t.Errorf("%s reads %v", field, got)
			}
		}
		person := s.put(contacts, "", map[string]string{"lastname": "Meyer", "socid": company})
		bodies := s.written()
		if r := s.update(contacts, person, record.Fields{"socid": {}}); r.Err != nil || len(r.Refused) != 1 || bodies() != "" {
			t.Errorf("a contact cannot lose its third party: %+v, sent %q", r, bodies())
		}
		other := s.company("Other")
		if r := s.update(contacts, person, record.Fields{"socid": record.Text(other)}); r.Err != nil || r.After.Fields["socid"].Text() != other {
			t.Errorf("but it can move: %+v", r)
		}
	})
}

// False is a value, not the empty one, and is sent as 0.
func TestTruthValues(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		extraDefinitions(s.Twin)
		s.UseAdmin()
		s.reconnect()
		id := s.company("Acme")
		const vip = "array_options.options_vip"
		if v, ok := s.read(thirdParties, id)[0].Fields[vip]; !ok || !v.Equal(record.Bool(false)) {
			t.Errorf("never ticked: %v %v", v, ok)
		}
		for _, typed := range []string{"true", "false"} { // an unticked box is NULL from version 23 on
			s.put(thirdParties, id, map[string]string{vip: typed})
			if v := s.read(thirdParties, id)[0].Fields[vip]; v.Text() != typed {
				t.Errorf("typed %s, read %v", typed, v)
			}
		}
		where := []connector.Cond{{Field: vip, Op: connector.In, Values: []string{"false"}}, {Field: vip, Op: connector.Filled}}
		if changes, _ := s.changes(connector.Query{Object: thirdParties, Where: where}); ids(changes) != id {
			t.Errorf("a filter for what is not ticked shows %q", ids(changes))
		}
		if r := s.update(thirdParties, id, record.Fields{vip: {}}); r.Err != nil || len(r.Refused) != 1 {
			t.Errorf("there is no box that is neither ticked nor not: %+v", r)
		}
		for _, b := range []bool{true, false} {
			if r := s.update(thirdParties, id, record.Fields{vip: record.Bool(b)}); r.Err != nil || !r.After.Fields[vip].Equal(record.Bool(b)) {
				t.Errorf("%v: %+v", b, r)
			}
		}
	})
}

// What the server calls an error of its own is mostly one of the record: it names the
// field and is not repeated.
func TestErrorsOfTheServerNameTheField(t *testing.T) {
	t.Parallel()
	long := record.Text(strings.Repeat("x", 300))
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		extraDefinitions(s.Twin)
		s.UseAdmin()
		s.reconnect()
		id := s.put(contacts, "", map[string]string{"lastname": "Meyer"})
		name := record.Text("Acme")
		for _, x := range []struct {
			what   string
			result func() connector.Result
			field  string
		}{
			{"a name that is too long", func() connector.Result { return s.create(thirdParties, record.Fields{"name": long}) }, "name"},
			{"a phone that is too long", func() connector.Result { return s.update(contacts, id, record.Fields{"phone_pro": long}) }, "phone_pro"},
			{"an extrafield that is too long", func() connector.Result {
				return s.create(thirdParties, record.Fields{"name": name, "array_options.options_code": long})
			}, "array_options.options_code"},
			{"no name", func() connector.Result { return s.create(thirdParties, record.Fields{"town": name}) }, "name"},
			{"no last name", func() connector.Result { return s.create(contacts, record.Fields{"firstname": name}) }, "lastname"},
			{"an unknown third party", func() connector.Result {
				return s.create(contacts, record.Fields{"lastname": name, "socid": record.Text("99")})
			}, "socid"},
			{"a third party that is none", func() connector.Result {
				return s.create(contacts, record.Fields{"lastname": name, "socid": record.Text("x")})
			}, "socid"},
			{"an unknown country", func() connector.Result {
				return s.create(contacts, record.Fields{"lastname": name, "country_code": record.Text("QQ")})
			}, "country_code"},
			{"no number", func() connector.Result {
				return s.create(thirdParties, record.Fields{"name": name, "array_options.options_score": name})
			}, "array_options.options_score"},
			{"no date", func() connector.Result {
				return s.create(contacts, record.Fields{"lastname": name, "birthday": name})
			}, "birthday"},
		} {
			before := s.Kit().Count("POST", "") + s.Kit().Count("PUT", "")
			r := x.result()
			t.Log(x.what)
			wants(t, r.Err, connector.Invalid, connector.ScopeRecord, x.field, "")
			if n := s.Kit().Count("POST", "") + s.Kit().Count("PUT", "") - before; n > 1 {
				t.Errorf("%s was sent %d times", x.what, n)
			}
		}
	})
}

func TestMissingRightsToWrite(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		id := s.company("Acme")
		s.Grant("societe.creer", false)
		s.Grant("societe.supprimer", false)
		wants(t, s.create(thirdParties, record.Fields{"name": record.Text("x")}).Err, connector.Forbidden, connector.ScopeObject, "", "right")
		wants(t, s.update(thirdParties, id, record.Fields{"town": record.Text("x")}).Err, connector.Forbidden, connector.ScopeObject, "", "right")
		wants(t, s.write(connector.Op{Verb: connector.Delete, Ref: record.Ref{Object: thirdParties, ID: id}}).Err, connector.Forbidden, connector.ScopeObject, "", "right")
	})
}

// A write whose answer is lost may have taken effect (R16); one that was refused at the
// door has not.
func TestWritesOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for kind, want := range map[twin.FaultKind]connector.Kind{
		twin.FaultErrorAfterCommit: connector.Ambiguous, twin.FaultLostReply: connector.Ambiguous, twin.FaultTruncate: connector.Ambiguous,
		twin.FaultHTML: connector.Ambiguous, twin.FaultUnauthorized: connector.Unauthorized,
	} {
		bubble(t, twin.Options{}, func(t *testing.T, s *server) {
			id := s.company("Acme")
			s.check()
			f := s.Inject(twin.Fault{Kind: kind, Method: "PUT"})
			r := s.update(thirdParties, id, record.Fields{"town": record.Text("Patras")})
			if got := connector.KindOf(r.Err); got != want || f.Hits() != 1 {
				t.Errorf("%s: %s after %d attempts: %v", kind, got, f.Hits(), r.Err)
			}
		})
	}
}

func TestCountriesAreReadOnce(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		id := s.company("Acme")
		for _, code := range []string{"GR", "de", "FR"} {
			if r := s.update(thirdParties, id, record.Fields{"country_code": record.Text(code)}); r.Err != nil || !strings.EqualFold(r.After.Fields["country_code"].Text(), code) {
				t.Errorf("%s: %+v", code, r)
			}
		}
		if n := s.Kit().Count("GET", "/api/index.php/setup/dictionary"); n != 1 {
			t.Errorf("the dictionary was read %d times", n)
		}
	})
}

// What fails for a while after a create is owed, not refused (R2).
func TestWhatFailsAfterACreateIsOwed(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		company := s.company("Acme")
		vip := s.put(categories, "", map[string]string{"label": "VIP", "type": "4"})
		for _, x := range []struct {
			object, field, path string
			set                 record.Fields
		}{
			{contacts, tagsName, "/contacts/1/categories/" + vip, record.Fields{"lastname": record.Text("Meyer"), tagsName: record.Texts(vip)}},
			{orders, statusName, "/orders/1/validate", record.Fields{
				"socid": record.Text(company), "date": record.Text("2026-11-30"), statusName: record.Text("1"),
				linesName: record.List(record.Struct(record.Fields{"desc": record.Text("Pump"), "qty": record.Text("1"), "subprice": record.Text("5")})),
			}},
		} {
			s.Inject(twin.Fault{Kind: twin.FaultUnavailable, Path: apiPath + x.path, Times: 1})
			r := s.create(x.object, x.set)
			if r.Err != nil || len(r.Refused) != 1 || r.Refused[0].Field != x.field || !r.Refused[0].Again {
				t.Errorf("%s: %+v", x.object, r)
			}
			if r = s.update(x.object, r.Ref.ID, record.Fields{x.field: x.set[x.field]}); r.Err != nil || !r.After.Fields[x.field].Equal(x.set[x.field]) {
				t.Errorf("%s: written again: %+v", x.object, r)
			}
		}
		if r := s.create(contacts, record.Fields{"lastname": record.Text("Smith"), tagsName: record.Texts("77")}); len(r.Refused) != 1 || r.Refused[0].Again {
			t.Errorf("a category that there is not: %+v", r)
		}
	})
}
