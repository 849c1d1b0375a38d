package dolibarrtwin

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/twin"
)

// field reads one key of a record's JSON.
func field(t testing.TB, body, key string) string {
	t.Helper()
	record := map[string]any{}
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&record); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	return fmt.Sprint(record[key])
}

// The states of papers change by calls of their own, each from some states only; 304 says
// that there was nothing to do.
func TestStatesChangeByActions(t *testing.T) {
	t.Parallel()
	type step struct {
		action, body string
		status       int
		state        string
	}
	for object, steps := range map[string][]step{
		proposals: {
			{"validate", `{}`, 400, "0"}, {"validate", `{"notrigger":"x"}`, 400, "0"}, {"setinvoiced", `{}`, 200, "0"}, {"settodraft", `{}`, 304, "0"},
			{"validate", `{"notrigger":0}`, 200, "1"}, {"validate", `{"notrigger":0}`, 304, "1"}, {"close", `{"status":4}`, 400, "1"}, {"close", `{}`, 400, "1"},
			{"close", `{"status":3,"note_private":"too dear"}`, 200, "3"}, {"close", `{"status":2}`, 200, "2"}, {"setinvoiced", `{}`, 200, "4"},
			{"settodraft", `{}`, 200, "0"}, {"validate", `{"notrigger":0}`, 200, "1"},
		},
		orders: {
			{"close", `{"notrigger":0}`, 200, "0"}, {"reopen", `{}`, 304, "0"}, {"settodraft", `{}`, 304, "0"},
			{"validate", `{"idwarehouse":0,"notrigger":0}`, 200, "1"}, {"validate", `{"notrigger":0}`, 304, "1"}, {"setinvoiced", `{}`, 200, "1"},
			{"close", `{"notrigger":0}`, 200, "3"}, {"close", `{"notrigger":0}`, 304, "3"}, {"reopen", `{}`, 200, "1"}, {"settodraft", `{"idwarehouse":0}`, 200, "0"},
		},
		invoices: {
			{"settodraft", `{}`, 304, "0"}, {"validate", `{"notrigger":0}`, 200, "1"}, {"validate", `{"notrigger":0}`, 304, "1"},
			{"settopaid", `{}`, 200, "2"}, {"settopaid", `{}`, 304, "2"}, {"settounpaid", `{}`, 200, "1"},
			{"settopaid", `{"close_code":"discount_vat","close_note":"n"}`, 200, "2"}, {"settodraft", `{"idwarehouse":-1}`, 200, "0"},
		},
		projects: {{"validate", `{}`, 400, "0"}, {"validate", `{"notrigger":0}`, 200, "1"}, {"validate", `{"notrigger":0}`, 304, "1"}},
	} {
		tw := open(twin.Options{})
		soc := put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
		id := put(t, tw, object, "", map[string]string{map[bool]string{true: "title", false: "socid"}[object == projects]: soc})
		for _, s := range steps {
			path := "/" + object + "/" + id
			if code, body := call(t, tw, "POST", path+"/"+s.action, s.body); code != s.status || code == 304 && body != "" {
				t.Errorf("%s %s %s: %d %s", object, s.action, s.body, code, body)
			}
			if _, body := call(t, tw, "GET", path, ""); field(t, body, "status") != s.state || field(t, body, "statut") != s.state {
				t.Errorf("%s after %s %s is in state %s", object, s.action, s.body, field(t, body, "status"))
			}
		}
		if unknown := tw.Unknowns(); len(unknown) > 0 {
			t.Errorf("%s: %v", object, unknown)
		}
	}
}

// A draft's number is provisional; the one that it gets on validation stays. Proposals are
// numbered by the month of today, orders and invoices by that of their date, all on one
// sequence. The number of the last invoice is free again when it is deleted, and only that
// invoice can be.
func TestNumbers(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	tw.Kit().Skew(time.Until(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)))
	put(t, tw, thirdParties, "", map[string]string{"name": "Acme", "client": "2"})
	validate := func(object, body string) (string, string) {
		_, id := call(t, tw, "POST", "/"+object, body)
		_, was := call(t, tw, "GET", "/"+object+"/"+id, "")
		if got := field(t, was, "ref"); got != "(PROV"+id+")" {
			t.Errorf("a draft of %s is number %s", object, got)
		}
		_, now := call(t, tw, "POST", "/"+object+"/"+id+"/validate", `{"notrigger":0}`)
		return id, field(t, now, "ref")
	}
	january := `{"socid":1,"date":"2026-01-15"}`
	var refs []string
	for _, object := range []string{proposals, orders, invoices} {
		for range 2 {
			_, ref := validate(object, january)
			refs = append(refs, ref)
		}
	}
	if diff := cmp.Diff([]string{"PR2611-0001", "PR2611-0002", "SO2601-0001", "SO2601-0002", "IN2601-0001", "IN2601-0002"}, refs); diff != "" {
		t.Errorf("- want, + got\n%s", diff)
	}
	if got := tw.Rows(thirdParties)[0].Fields["client"]; got != "3" {
		t.Errorf("who bought is %s", got)
	}
	if code, _ := call(t, tw, "DELETE", "/invoices/1", ""); code != 403 {
		t.Errorf("an older invoice is deleted: %d", code)
	}
	if code, _ := call(t, tw, "DELETE", "/invoices/2", ""); code != 200 {
		t.Errorf("the last invoice is not deleted: %d", code)
	}
	if id, ref := validate(invoices, january); id != "3" || ref != "IN2601-0002" {
		t.Errorf("the next one is %s with number %s", id, ref)
	}
	if code, _ := call(t, tw, "DELETE", "/thirdparties/1", ""); code != 409 {
		t.Errorf("a third party with papers is deleted: %d", code)
	}
}

// Lines: proposals change what is sent of one, orders and invoices take the rest for empty;
// of what is no draft none changes. Version 20 wants a type.
func TestLinesOfPapers(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"20", "24"} {
		for _, object := range []string{proposals, orders, invoices} {
			tw := open(twin.Options{Version: version})
			put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
			put(t, tw, products, "", map[string]string{"ref": "P1", "label": "Nut"})
			ask := func(method, path, body string, want int) string {
				t.Helper()
				code, answer := call(t, tw, method, "/"+object+path, body)
				if code != want {
					t.Errorf("%s %s: %s %s %s: %d %s", version, object, method, path, body, code, answer)
				}
				return answer
			}
			typeless := map[bool]int{true: 202, false: 200}[version == "20" && object != invoices]
			ask("POST", "", `{"socid":1,"date":1796040000,"lines":[{"desc":"L","qty":1,"subprice":1}]}`, typeless)
			id := ask("POST", "", `{"socid":1,"date":1796040000,"lines":[{"desc":"A","qty":2,"subprice":"10.10","tva_tx":24,"product_type":0,"fk_product":1}]}`, 200)
			if id != "2" {
				t.Errorf("%s %s: the second one is %s", version, object, id)
			}
			add := map[bool]string{true: "/line", false: "/lines"}[object == proposals]
			line := ask("POST", "/2"+add, `{"desc":"B","qty":1,"subprice":5,"tva_tx":24,"product_type":1}`, 200)
			ask("POST", "/2"+add, `{"desc":"B","fk_product":7,"product_type":0}`, 400)
			body := ask("PUT", "/2/lines/"+line, `{"qty":3,"product_type":1,"fk_product":1}`, 200)
			if bought := tw.Rows(object)[len(tw.Rows(object))-1].Fields["lines"]; strings.Count(bought, `"fk_product"`) != 1 {
				t.Errorf("%s %s: a line takes another product: %s", version, object, bought)
			}
			total := map[bool]string{true: "43.65000000", false: "25.05000000"}[object == proposals]
			if got := field(t, body, "total_ttc"); got != total {
				t.Errorf("%s %s: the total is %s, want %s", version, object, got, total)
			}
			body = ask("DELETE", "/2/lines/"+line, "", 200)
			if field(t, body, "total_ht") != "20.20000000" || field(t, body, "total_tva") != "4.85000000" {
				t.Errorf("%s %s: %.300s", version, object, body)
			}
			ask("DELETE", "/2/lines/"+line, "", 405)
			ask("POST", "/2/validate", `{"notrigger":0}`, 200)
			ask("POST", "/2"+add, `{"desc":"C","qty":1,"subprice":5,"product_type":1}`, 400)
			ask("DELETE", "/2/lines/2", "", 405)
			if object != invoices {
				if got := ask("PUT", "/2/lines/2", `{"qty":3}`, 200); got != "false" {
					t.Errorf("%s %s: a line of what is no draft: %s", version, object, got)
				}
			}
			if code, _ := call(t, tw, "DELETE", "/products/1", ""); code != 409 {
				t.Errorf("%s: a product in a line is deleted: %d", version, code)
			}
		}
	}
}

// A line's sums: both are rounded to cents, the tax is what lies between, and the paper's
// are those of its lines.
func TestTotalsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Custom(func(t *rapid.T) string {
			return rounded(fmt.Sprintf("%d.%02d", rapid.IntRange(0, 99_999).Draw(t, "whole"), rapid.IntRange(0, 99).Draw(t, "part")), 2)
		})
		tab := newTable(traits(24)[3], 24)
		r := &row{cells: make([]string, len(tab.cols))}
		var net, gross int64
		for range rapid.IntRange(0, 5).Draw(t, "lines") {
			l := line{qty: number.Draw(t, "qty"), price: number.Draw(t, "price"), vat: rapid.SampledFrom([]string{"", "0", "24", "5.5"}).Draw(t, "vat")}
			if l.sum(); l.gross < l.net || l.vat == "0" && l.gross != l.net {
				t.Fatalf("%+v", l)
			}
			net, gross, r.lines = net+l.net, gross+l.gross, append(r.lines, l)
		}
		tab.total(r)
		if got := tab.value(r, "total_ttc"); got != centsText(gross) || tab.value(r, "total_ht") != centsText(net) {
			t.Fatalf("total %s, want %d", got, gross)
		}
	})
}

// People work on papers as on everything: lines as JSON, the buttons by the state that they
// lead to.
func TestPeopleWorkOnPapers(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	tw.Kit().Skew(time.Until(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)))
	put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
	id := put(t, tw, invoices, "", map[string]string{"socid": "1", "lines": `[{"desc":"L","qty":3,"subprice":"10.10","tva_tx":"24.000"}]`, "status": "1"})
	want := map[string]string{
		"ref": "IN2611-0001", "socid": "1", "date": "2026-11-21", "date_lim_reglement": "2026-11-21", "type": "0", "paye": "false", "status": "1",
		"total_ht": "30.3", "total_tva": "7.27", "total_ttc": "37.57", "multicurrency_code": "EUR", "date_validation": "2026-11-21", "user_validation_id": "1",
		"lines": `[{"desc":"L","id":"1","product_type":"0","qty":"3","remise_percent":"0","subprice":"10.1","total_ht":"30.3","total_ttc":"37.57","total_tva":"7.27","tva_tx":"24"}]`,
	}
	if diff := cmp.Diff([]twin.Row{{ID: id, Fields: want}}, tw.Rows(invoices)); diff != "" {
		t.Errorf("- want, + seen\n%s", diff)
	}
	put(t, tw, invoices, id, map[string]string{"status": "2"})
	if row := tw.Rows(invoices)[0].Fields; row["paye"] != "true" {
		t.Errorf("paid: %v", row)
	}
	for what, err := range map[string]error{
		"lines of no draft": second(tw.Put(invoices, id, map[string]string{"lines": ""})),
		"a total":           second(tw.Put(invoices, "", map[string]string{"socid": "1", "total_ht": "3"})),
		"nobody":            second(tw.Put(proposals, "", map[string]string{"socid": "9"})),
		"nothing":           second(tw.Put(orders, "", nil)),
		"a line's product":  second(tw.Put(orders, "", map[string]string{"socid": "1", "lines": `[{"fk_product":5}]`})),
		"no line":           second(tw.Put(orders, "", map[string]string{"socid": "1", "lines": `[{"color":"red"}]`})),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// What a PUT does not do: of an order the date is date_commande, of a proposal the end is
// worked out, of a project only one of two keys is heeded (recorded), and states, numbers
// and totals are nobody's to write.
func TestWhatAPUTDoesNotDo(t *testing.T) {
	t.Parallel()
	tw := open(twin.Options{})
	put(t, tw, thirdParties, "", map[string]string{"name": "Acme"})
	for _, object := range []string{proposals, orders, projects} {
		if code, body := call(t, tw, "POST", "/"+object, `{"socid":1,"ref":"auto","title":"x","date":1796083200}`); code != 200 {
			t.Fatal(code, body)
		}
	}
	for _, x := range []struct{ path, body, key, want string }{
		{"/orders/1", `{"date":1796947200}`, "date", "1796083200"},
		{"/orders/1", `{"date_commande":1796947200}`, "date", "1796947200"},
		{"/orders/1", `{"status":3}`, "status", "0"},
		{"/proposals/1", `{"fin_validite":1800000000}`, "fin_validite", fmt.Sprint(1796083200 + 15*86400)},
		{"/proposals/1", `{"duree_validite":30}`, "fin_validite", fmt.Sprint(1796083200 + 30*86400)},
		{"/proposals/1", `{"total_ht":30,"ref":"X","statut":2}`, "ref", "(PROV1)"},
		{"/projects/1", `{"statut":2}`, "status", "0"},
		{"/projects/1", `{"status":2}`, "status", "2"},
	} {
		code, body := call(t, tw, "PUT", x.path, x.body)
		if got := field(t, body, x.key); code != 200 || got != x.want {
			t.Errorf("PUT %s %s: %d, %s is %s, want %s", x.path, x.body, code, x.key, got, x.want)
		}
	}
	if n := len(tw.Unknowns()); n < 4 {
		t.Errorf("recorded as unknown: %v", tw.Unknowns())
	}
}
