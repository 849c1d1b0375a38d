package dolibarr

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// A tape answers with recorded exchanges in their order, and keeps what was asked. What a
// connection asks once for itself (zone, extrafields, users) is answered beside.
type tape struct {
	t       *testing.T
	version string
	play    []string // names of exchanges without the version: "d015-propal-get-draft"
	beside  map[string]string
	sent    []string
}

// taped connects to a tape.
func taped(t *testing.T, version string, play ...string) (*tape, connector.Abilities) {
	t.Helper()
	tp := &tape{t: t, version: version, play: play, beside: map[string]string{
		"/status": "a001-status", "/setup/extrafields": "c085-extrafields", "/users/info": "c091-users-info",
	}}
	a, _, err := rest.Open(Spec(), rest.OpenOptions{URL: twinURL, Secrets: map[string]string{"api_key": "key-of-sync"}, Transport: tp})
	if err != nil {
		t.Fatal(err)
	}
	return tp, a
}

// RoundTrip plays the next exchange.
func (tp *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(r.URL.Path, apiPath)
	if name := tp.beside[path]; name != "" {
		return tp.answer(r, name)
	}
	line := r.Method + " " + path
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		line = strings.TrimSpace(line + " " + string(body))
	}
	tp.sent = append(tp.sent, line)
	if len(tp.play) == 0 {
		tp.t.Errorf("after the last exchange: %s", line)
		return tp.answer(r, "a011-thirdparty-unknown-id")
	}
	name := tp.play[0]
	tp.play = tp.play[1:]
	return tp.answer(r, name)
}

func (tp *tape) answer(r *http.Request, name string) (*http.Response, error) {
	x := recorded(tp.t, "testdata/wire/"+tp.version+"-"+name+".json")
	return &http.Response{
		StatusCode: x.Response.Status, Header: http.Header{"Content-Type": {x.Response.Type}},
		Body: io.NopCloser(bytes.NewReader(x.body())), Request: r,
	}, nil
}

// asked fails unless exactly these requests were made and all exchanges were played.
func (tp *tape) asked(want ...string) {
	tp.t.Helper()
	got, all := strings.Join(tp.sent, "\n"), strings.Join(want, "\n")
	if got != all {
		tp.t.Errorf("asked:\n%s\nwant:\n%s", got, all)
	}
	if len(tp.play) > 0 {
		tp.t.Errorf("not asked for: %v", tp.play)
	}
}

func one(t *testing.T, a connector.Abilities, op connector.Op) connector.Result {
	t.Helper()
	results, err := a.Writer.Write(t.Context(), []connector.Op{op})
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	return results[0]
}

func updateOp(object, id string, set record.Fields) connector.Op {
	return connector.Op{Verb: connector.Update, Ref: record.Ref{Object: object, ID: id}, Set: set}
}

func createOp(object string, set record.Fields) connector.Op {
	return connector.Op{Key: "key-1", Verb: connector.Create, Ref: record.Ref{Object: object}, Set: set}
}

// The status of a paper is written by calls of its own, with the bodies that were recorded;
// other fields go first, and the paper is read afterwards.
func TestStatesAreWrittenByActions(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		what   string
		op     connector.Op
		play   []string
		asked  []string
		status string
	}{
		{
			"a draft is signed, after its fields were written",
			updateOp(proposals, "81", record.Fields{"status": record.Text("2"), "ref_client": record.Text("CRM-78")}),
			[]string{"d015-propal-get-draft", "d019-propal-put-draft", "d021-propal-validate-again", "d023-propal-close-signed", "d024-propal-get-signed"},
			[]string{
				`GET /proposals/81`, `PUT /proposals/81 {"duree_validite":15,"ref_client":"CRM-78"}`, `POST /proposals/81/validate {"notrigger":1}`,
				`POST /proposals/81/close {"note_private":"","notrigger":1,"status":2}`, `GET /proposals/81`,
			}, "2",
		},
		{
			"a signed one is a draft again, before its fields are written",
			updateOp(proposals, "81", record.Fields{"status": record.Text("0"), "note_private": record.Text("np2")}),
			[]string{"d024-propal-get-signed", "d025-propal-settodraft", "d019-propal-put-draft", "d015-propal-get-draft"},
			[]string{`GET /proposals/81`, `POST /proposals/81/settodraft {}`, `PUT /proposals/81 {"duree_validite":15,"note_private":"np2"}`, `GET /proposals/81`}, "0",
		},
		{
			"what it is already costs no call but the look",
			updateOp(proposals, "81", record.Fields{"status": record.Text("2")}), []string{"d024-propal-get-signed"}, []string{`GET /proposals/81`}, "",
		},
		{
			"an order", updateOp(orders, "81", record.Fields{"status": record.Text("1")}),
			[]string{"d035-order-get", "d036-order-validate", "d037-order-put"},
			[]string{`GET /orders/81`, `POST /orders/81/validate {"idwarehouse":0,"notrigger":1}`, `GET /orders/81`}, "1",
		},
		{
			"a closed order opens; the answer is a bare number",
			updateOp(orders, "81", record.Fields{"status": record.Text("1")}),
			[]string{"d038-order-close", "d039-order-reopen", "d037-order-put"},
			[]string{`GET /orders/81`, `POST /orders/81/reopen {}`, `GET /orders/81`}, "1",
		},
		{
			"an invoice is paid", updateOp(invoices, "121", record.Fields{"status": record.Text("2")}),
			[]string{"d044-invoice-get-draft", "d045-invoice-validate", "d050-invoice-set-paid", "d050-invoice-set-paid"},
			[]string{`GET /invoices/121`, `POST /invoices/121/validate {"idwarehouse":0,"notrigger":1}`, `POST /invoices/121/settopaid {}`, `GET /invoices/121`}, "2",
		},
	} {
		t.Run(x.what, func(t *testing.T) {
			t.Parallel()
			tp, a := taped(t, "24", x.play...)
			r := one(t, a, x.op)
			tp.asked(x.asked...)
			if r.Err != nil || x.status != "" && (r.After == nil || r.After.Fields["status"].Text() != x.status) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What cannot be done is refused before anything is sent, and names the field.
func TestStatesThatCannotBe(t *testing.T) {
	t.Parallel()
	tp, a := taped(t, "24", "d024-propal-get-signed")
	r := one(t, a, updateOp(proposals, "81", record.Fields{"status": record.Text("3"), "note_private": record.Text("x")}))
	wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "status", "back to draft first")
	tp.asked("GET /proposals/81")

	tp, a = taped(t, "24")
	r = one(t, a, createOp(orders, record.Fields{"socid": record.Text("2"), "date": record.Text("2026-11-30"), "status": record.Text("2")}))
	wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "status", "")
	tp.asked()

	// The vendor's own refusal names the field too (recorded: a body without notrigger).
	tp, a = taped(t, "24", "d015-propal-get-draft", "d020-propal-validate-empty-body")
	r = one(t, a, updateOp(proposals, "81", record.Fields{"status": record.Text("1")}))
	wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "status", "validate")
	tp.asked("GET /proposals/81", `POST /proposals/81/validate {"notrigger":1}`)
}

// Lines are part of a create and change by calls of their own while the paper is a draft.
func TestLinesAreWritten(t *testing.T) {
	t.Parallel()
	line := func(desc, qty string) record.Value {
		return record.Struct(record.Fields{"desc": record.Text(desc), "qty": record.Text(qty), "subprice": record.Text("100.5"), "tva_tx": record.Text("24")})
	}
	tp, a := taped(t, "24", "d014-propal-create", "d015-propal-get-draft")
	r := one(t, a, createOp(proposals, record.Fields{
		"socid": record.Text("1"), "date": record.Text("2026-11-30"), "fin_validite": record.Text("2026-12-15"), "lines": record.List(line("L1 <b>x</b>", "2")),
	}))
	tp.asked(
		`POST /proposals {"date":1796032800,"duree_validite":15,"lines":[{"desc":"L1 \u003cb\u003ex\u003c/b\u003e","product_type":0,"qty":2,"subprice":100.5,"tva_tx":24}],"ref_ext":"key-1","socid":1}`,
		`GET /proposals/81`,
	)
	if r.Err != nil || r.After.Fields["date"].Text() != "2026-11-30" || r.After.Fields["total_ttc"].Text() != "224.32" || len(r.After.Fields["lines"].Items()) != 1 {
		t.Errorf("%+v", r)
	}

	tp, a = taped(t, "24", "d015-propal-get-draft", "d016-propal-lines", "d029-propal-add-line", "d019-propal-put-draft")
	r = one(t, a, updateOp(proposals, "81", record.Fields{"lines": record.List(line("L1", "3"), line("L2", "1"))}))
	tp.asked(
		`GET /proposals/81`, `PUT /proposals/81/lines/161 {"desc":"L1","product_type":0,"qty":3,"remise_percent":10,"subprice":100.5,"tva_tx":24}`,
		`POST /proposals/81/line {"desc":"L2","product_type":0,"qty":1,"subprice":100.5,"tva_tx":24}`, `GET /proposals/81`,
	)
	if r.Err != nil {
		t.Error(r.Err)
	}

	tp, a = taped(t, "24", "d035-order-get", "d029-propal-add-line", "d035-order-get", "d035-order-get", "d040-order-delete-validated", "d035-order-get")
	one(t, a, updateOp(orders, "81", record.Fields{"lines": record.List(record.Struct(record.Fields{"desc": record.Text("L")}), line("M", "1"))}))
	one(t, a, updateOp(orders, "81", record.Fields{"lines": {}}))
	if got := strings.Join(tp.sent[1:], "\n"); !strings.Contains(got, "POST /orders/81/lines {") || !strings.Contains(got, "DELETE /orders/81/lines/161") {
		t.Errorf("sent:\n%s", got)
	}

	tp, a = taped(t, "24", "d024-propal-get-signed")
	r = one(t, a, updateOp(proposals, "81", record.Fields{"lines": record.List(line("x", "1"))}))
	wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "lines", "draft")
	tp.asked("GET /proposals/81")
}

// Fact 1: version 20 answers a line without product_type with 202, a page, and an error
// behind it. Nothing was created, and it is no outcome that is unknown.
func TestFact01AcceptedIsNoSuccess(t *testing.T) {
	t.Parallel()
	for _, object := range []string{proposals, orders} {
		name := map[string]string{proposals: "d014-propal-create", orders: "d033-order-create"}[object]
		tp, a := taped(t, "20", name)
		r := one(t, a, createOp(object, record.Fields{"socid": record.Text("1"), "date": record.Text("2026-11-30")}))
		wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "lines", "")
		if len(tp.sent) != 1 || r.Ref.ID != "" {
			t.Errorf("%s: %d requests, %+v", object, len(tp.sent), r)
		}
	}
}

// Fact 5: of products and opportunities the reference is unique, and the vendor says so with
// an error 500; it names the field, and is not repeated.
func TestFact05UniqueReferences(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		for object, name := range map[string]string{products: "d004-product-dup-ref", projects: "d069-project-dup-ref"} {
			tp, a := taped(t, version, name, "d053-invoices-unpaid")
			title := map[string]string{products: "label", projects: "title"}[object]
			r := one(t, a, createOp(object, record.Fields{"ref": record.Text("Z-1"), title: record.Text("dup")}))
			wants(t, r.Err, connector.Duplicate, connector.ScopeRecord, "ref", "")
			if len(tp.sent) != 2 || !strings.HasPrefix(tp.sent[1], "GET /"+object) {
				t.Errorf("%s: asked %v, not who holds it", object, tp.sent)
			}
		}
	}
}

// A create fills in what the vendor demands and a person would choose: an automatic
// reference, the tick of an opportunity, the owner of an event.
func TestCreatesFillIn(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		op   connector.Op
		play []string
		want string
	}{
		{
			createOp(projects, record.Fields{"title": record.Text("Deal"), "date_end": record.Text("2026-12-30"), "status": record.Text("1"), "opp_status": record.Text("3")}),
			[]string{"d063-project-create", "d064-project-get"},
			`POST /projects {"date_end":1798624800,"opp_status":3,"ref":"key-1","ref_ext":"key-1","status":1,"statut":1,"title":"Deal","usage_opportunity":1}`,
		},
		{
			createOp(events, record.Fields{
				"label": record.Text("Visit"), "datep": record.Text("2026-11-30T12:00:00Z"), "socpeopleassigned": record.Texts("12"), "fulldayevent": record.Bool(false),
			}),
			[]string{"d077-event-create", "d078-event-get"},
			`POST /agendaevents {"datep":1796040000,"fulldayevent":0,"label":"Visit","socpeopleassigned":{"12":{"id":"12"}},"type_code":"AC_RDV","userownerid":4}`,
		},
		{
			createOp(products, record.Fields{"ref": record.Text("Z-1"), "label": record.Text("Widget"), "price": record.Text("19.99"), "status_buy": record.Bool(false)}),
			[]string{"d003-product-create", "d005-product-get"},
			`POST /products {"label":"Widget","price":19.99,"ref":"Z-1","ref_ext":"key-1","status":1,"status_buy":0}`,
		},
	} {
		tp, a := taped(t, "24", x.play...)
		if r := one(t, a, x.op); r.Err != nil || r.After == nil || r.Ref.ID != r.After.ID {
			t.Errorf("%+v", r)
		}
		if tp.sent[0] != x.want {
			t.Errorf("sent %s\nwant %s", tp.sent[0], x.want)
		}
	}
	// A key that may not read users cannot tell who it is.
	tp, a := taped(t, "24")
	tp.beside["/users/info"] = "c092-users-info-limited"
	r := one(t, a, createOp(events, record.Fields{"label": record.Text("Visit"), "datep": record.Text("2026-11-30T12:00:00Z")}))
	wants(t, r.Err, connector.Invalid, connector.ScopeRecord, "userownerid", "right")
	tp.asked()
}

// The external reference of a record is never overwritten: it may be somebody else's.
func TestTheKeyIsWrittenOnce(t *testing.T) {
	t.Parallel()
	for _, o := range objects() {
		if !o.Update || o.keyName() == "" {
			continue
		}
		tp, a := taped(t, "24")
		r := one(t, a, updateOp(o.Name, "81", record.Fields{o.keyName(): record.Text("mine")}))
		if r.Err != nil || len(r.Refused) != 1 || r.Refused[0].Field != o.keyName() {
			t.Errorf("%s: %+v", o.Name, r)
		}
		tp.asked()
	}
}

// Fact 10: the day of a paper is the one by the server's clock, in reading and in writing.
func TestFact10DaysOfPapers(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		x := recorded(t, "testdata/wire/"+version+"-d044-invoice-get-draft.json")
		var row wireRow
		if err := json.Unmarshal(x.Response.Body, &row); err != nil {
			t.Fatal(err)
		}
		o, _ := objectOf(invoices)
		rec := row.record(o, nil, athens(t), drift{})
		if got := rec.Fields["date"].Text(); got != "2026-11-30" {
			t.Errorf("the date reads %s", got)
		}
		f, _ := known(o.fields, "date")
		sent, err := encode(f, rec.Fields["date"], athens(t))
		if at, ok := sent.(int64); err != nil || !ok || at <= row.number("date") || at >= row.number("date")+86400 {
			t.Errorf("it is sent as %v, %v; the day began at %d", sent, err, row.number("date"))
		}
	}
}

// Fact 8: products of version 20 show their stamps as texts by PHP's clock, and
// opportunities keep theirs under other names.
func TestFact08StampsOfOtherObjects(t *testing.T) {
	t.Parallel()
	for name, object := range map[string]string{
		"20-d005-product-get": products, "24-d005-product-get": products, "20-d064-project-get": projects, "24-d064-project-get": projects,
		"20-d078-event-get": events, "24-d078-event-get": events,
	} {
		var row wireRow
		if err := json.Unmarshal(recorded(t, "testdata/wire/"+name+".json").Response.Body, &row); err != nil {
			t.Fatal(err)
		}
		o, _ := objectOf(object)
		rec := row.record(o, nil, athens(t), drift{})
		if got := rec.Created.Format("2006-01-02 15"); got != "2026-11-21 16" {
			t.Errorf("%s: made at %s", name, got)
		}
	}
}

// A record's categories come as records and are written one by one; the members of a
// category come as a bare list of ids (recorded).
func TestCategoriesOnTheWire(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		tp, a := taped(t, version, "c068-thirdparty-categories", "c063-categories", "c066-tag-thirdparty-put", "c066-tag-thirdparty-put", "c068-thirdparty-categories")
		r := one(t, a, updateOp(thirdParties, "253", record.Fields{tagsName: record.Texts("1", "3")}))
		tp.asked(
			"GET /thirdparties/253/categories", "GET /categories", "PUT /thirdparties/253/categories/3", "GET /thirdparties/253", "GET /thirdparties/253/categories",
		)
		if r.Err != nil || !r.After.Fields[tagsName].Equal(record.Texts("1")) || r.After.Fields["town"].Text() != "Patras" {
			t.Errorf("%+v", r)
		}
		const onlyIDs = "c071-category-objects-onlyids"
		tp, a = taped(t, version, "c070-thirdparties-by-category-mode-1", "c063-categories", onlyIDs, onlyIDs, onlyIDs)
		page, err := a.Source.Changes(t.Context(), connector.Query{Object: thirdParties, Fields: []string{"name", tagsName}})
		tp.asked("GET /thirdparties", "GET /categories", "GET /categories/1/objects", "GET /categories/3/objects", "GET /categories/5/objects")
		if err != nil || len(page.Changes) != 1 || !page.Changes[0].Fields[tagsName].Equal(record.Texts("1", "3", "5")) {
			t.Errorf("%+v, %v", page, err)
		}
	}
}
