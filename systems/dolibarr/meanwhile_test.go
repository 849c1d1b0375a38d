package dolibarr

import (
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// R12: people whom somebody has added to an event since are not taken away.
func TestR12PeopleOfAnEventAreMerged(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		for range 3 {
			s.put(contacts, "", map[string]string{"lastname": "Meyer"})
		}
		made := s.create(events, record.Fields{
			"label": record.Text("Visit"), "datep": record.Text("2026-11-30T08:00:00Z"), "userownerid": record.Text("4"), "socpeopleassigned": record.Texts("1", "2"),
		})
		if made.Err != nil {
			t.Fatal(made.Err)
		}
		r := s.write(connector.Op{
			Verb: connector.Update, Ref: made.Ref, Was: record.Fields{"socpeopleassigned": record.Texts("1")}, Set: record.Fields{"socpeopleassigned": record.Texts("3")},
		})
		if r.Err != nil || !r.After.Fields["socpeopleassigned"].Equal(record.Texts("2", "3")) {
			t.Errorf("%+v", r)
		}
	})
}

// R35: a payment of a part moves no stamp of the invoice: what is left to pay is declared silent,
// and a listing shows it.
func TestR35APartialPaymentIsShownByAListing(t *testing.T) {
	t.Parallel()
	bubble(t, twin.Options{}, func(t *testing.T, s *server) {
		id := s.put(invoices, "", map[string]string{
			"socid": s.company("Acme"), "date": "2026-11-30", "lines": `[{"desc":"Pump","qty":"1","subprice":"100","tva_tx":"20","product_type":"0"}]`,
		})
		s.put(invoices, id, map[string]string{"status": "1"})
		time.Sleep(time.Hour)
		_, page := s.changes(connector.Query{Object: invoices})
		if err := s.Pay(id, "50.5"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if told, _ := s.changes(connector.Query{Object: invoices, Cursor: page.Next}); len(told) > 0 {
			t.Errorf("a payment moves a stamp: %q", ids(told))
		}
		changes, _ := s.changes(connector.Query{Object: invoices})
		if got := changes[0].Fields["remaintopay"].Text(); got != "69.5" {
			t.Errorf("left to pay is %q, want 69.5", got)
		}
		o, err := objectOf(invoices)
		if err != nil {
			t.Fatal(err)
		}
		if f, _ := known(o.fields, "remaintopay"); !f.Silent {
			t.Error("it is not declared silent")
		}
	})
}
