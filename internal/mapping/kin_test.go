package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// deals refer to contacts once, tickets twice.
func kin() [2][]record.Object {
	deals := record.Object{Name: "deals", Common: "deal", Fields: []record.Field{
		{Name: "title", Common: "name", Kind: record.KindText},
		{Name: "stat", Common: "status", Kind: record.KindChoice},
		{Name: "value", Common: "amount", Kind: record.KindMoney},
		{Name: "cur", Common: "currency", Kind: record.KindText},
		{Name: "moved", Kind: record.KindDateTime},
		{Name: "person_id", Common: "contact", Kind: record.KindReference, To: "contacts"},
		{Name: "firm_id", Kind: record.KindReference, To: "thirdparties"},
	}}
	tickets := record.Object{Name: "tickets", Fields: []record.Field{
		{Name: "from", Kind: record.KindReference, To: "contacts"},
		{Name: "cc", Kind: record.KindReferences, To: "contacts"},
	}}
	return [2][]record.Object{{erp(), deals, tickets, {Name: "thirdparties"}}, {crm()}}
}

func computedOfKin(source string) mapping.Input {
	in := computed(source)
	in.Kin = kin()
	in.Rates = mapping.Rates{"EUR": decimal.NewFromInt(1), "USD": decimal.RequireFromString("0.9")}
	return in
}

func deal(status, value, currency, moved string) record.Value {
	return record.Struct(record.Fields{"title": record.Text("T " + value), "stat": record.Text(status), "value": record.Text(value),
		"cur": record.Text(currency), "moved": record.Text(moved)})
}

func withDeals(deals ...record.Value) record.Fields {
	f := person()
	f["<deals.person_id"] = record.List(deals...)
	f["<tickets.cc"] = record.List(record.Struct(nil), record.Struct(nil))
	return f
}

func someDeals() record.Fields {
	return withDeals(deal("won", "9.10", "EUR", "2026-01-02T00:00:00Z"), deal("won", "100", "USD", "2026-03-01T00:00:00Z"),
		deal("open", "20", "EUR", "2026-02-01T00:00:00Z"), deal("lost", "", "", ""))
}

func TestExpressionsOverThoseThatRefer(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`count(deals, .stat == "won")`:                       "2",
		`count(deals, .status == "won")`:                     "2",
		`count(deals.person_id, .status in ["won", "lost"])`: "3",
		`count(f["deals.person_id"], true)`:                  "4",
		`len(deals)`:                                         "4",
		`len(tickets.cc)`:                                    "2",
		`sum(filter(deals, .status == "won"), convert(.amount, .currency))`: "99.1",
		`sum(deals, .value)`:                                               "129.1",
		`round(convert(9, "EUR", "USD"), 1)`:                               "10",
		`convert(10, "usd", "EUR")`:                                        "9",
		`convert(phone_pro, "USD")`:                                        "0",
		`max(deals, "value")`:                                              "100",
		`min(deals, "amount")`:                                             "9.1",
		`max(map(deals, .value))`:                                          "100",
		`latest(deals, "moved").title`:                                     "T 100",
		`latest(filter(deals, .status == "open"), "moved").stat`:           "open",
		`latest(filter(deals, .status == "none"), "moved").stat`:           "",
		`find(deals, .status == "lost").title`:                             "T ",
		`first(deals).value + deals[1].value`:                              "109.1",
		`join(map(deals[0:2], .title), ", ")`:                              "T 9.10, T 100",
		`any(deals, .moved > "2026-02-15") ? "hot" : "cold"`:               "hot",
		`count(deals, .stat == "won" and any(tags, # == "red"))`:           "2",
		`lastname + " " + count(deals, .status == "won")`:                  "Lee 2",
		`count(deals, any(deals, .value == 20) and .status == "open")`:     "1",
		`count(deals, .status == "won") > 0 ? fk_soc.name : "no customer"`: "Acme SA",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			m := compile(t, computedOfKin(source))
			v, known, err := m.Own(0, record.Left, someDeals(), someLinks())
			if err != nil || !known || v.Text() != want {
				t.Errorf("got %q, %v, %v, %v, want %q", v, known, err, m.Fault(0, record.Left, someDeals(), someLinks()), want)
			}
		})
	}
}

func TestExpressionsOverThoseThatReferWhichCannotBe(t *testing.T) {
	t.Parallel()
	for source, problem := range map[string]struct{ text, near string }{
		`count(dealz, true)`:                {"has no field", ""},
		`count(deals, .stauts == "won")`:    {`deals has no field "stauts"`, "stat"},
		`latest(deals, "moveed").title`:     {`deals has no field "moveed"`, "moved"},
		`latest(deals, "moved").titel`:      {`deals has no field "titel"`, "title"},
		`latest(deals)`:                     {"2 arguments", ""},
		`latest(deals, 1)`:                  {"in quotes", ""},
		`deals.value`:                       {"several records", ""},
		`len(tickets)`:                      {`f["tickets.from"], f["tickets.cc"]`, ""},
		`count(deals, .firm_id.name == "")`: {"second dot", ""},
		`sum(deals, convert(.value, .kur))`: {`deals has no field "kur"`, "cur"},
		`convert(1, "USB")`:                 {`rates has no "USB"`, "USD"},
	} {
		_, problems := mapping.Compile(computedOfKin(source))
		if !hasProblem(problems, "fields.from", problem.text, problem.near, false) && !hasProblem(problems, "fields[0].from", problem.text, problem.near, false) {
			t.Errorf("%s: %+v", source, problems)
		}
	}
	in := computedOfKin(`convert(1, "USD")`)
	in.Rates = nil
	if _, problems := mapping.Compile(in); len(problems) != 1 {
		t.Errorf("convert without rates: %+v", problems)
	}
}

// R11: not known is not none, and what has no value says why.
func TestWhatReferencesAreNotKnownOfHasNoValue(t *testing.T) {
	t.Parallel()
	m := compile(t, computedOfKin(`count(deals, true)`))
	if v, known, err := m.Own(0, record.Left, person(), someLinks()); known || err != nil {
		t.Errorf("got %q, %t, %v", v, known, err)
	}
	if v, known, _ := m.Own(0, record.Left, withDeals(), someLinks()); !known || v.Text() != "0" {
		t.Errorf("none are %q, %t", v, known)
	}
	m = compile(t, computedOfKin(`sum(deals, convert(.value, .cur))`))
	f := withDeals(deal("won", "1", "EUR", ""), deal("won", "1", "JPY", ""))
	_, known, _ := m.Own(0, record.Left, f, nil)
	if err := m.Fault(0, record.Left, f, nil); known || err == nil || err.Error() != `evaluate "sum(deals, convert(.value, .cur))": there is no rate for "JPY"; add it to rates` {
		t.Errorf("a currency without a rate: %t, %v", known, err)
	}
}

func TestOnlyWhatIsReadOfThoseThatReferIsAskedFor(t *testing.T) {
	t.Parallel()
	in := computedOfKin(`count(deals, .status == "won") + sum(deals, .value)`)
	in.Where[record.Left] = `count(tickets.cc, true) == 0`
	m := compile(t, in)
	want := []mapping.Child{{Object: "deals", Field: "person_id", Names: []string{"stat", "value"}}, {Object: "tickets", Field: "cc"}}
	if diff := cmp.Diff(want, m.Children(record.Left)); diff != "" {
		t.Error(diff)
	}
	if len(m.Children(record.Right)) > 0 || len(m.Lookups(record.Left)) > 0 {
		t.Error("more is read than the expressions name")
	}
	rates := computedOfKin(`sum(deals, convert(.value, .cur))`)
	before := compile(t, rates).Fingerprint()
	rates.Rates = mapping.Rates{"EUR": decimal.NewFromInt(1), "USD": decimal.NewFromInt(2)}
	if compile(t, rates).Fingerprint() == before {
		t.Error("another rate is the same rule")
	}
}

func TestStrangeNamesAreFound(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		`lastname + first_name`: false, `count(deals, .x == 1)`: false, `fk_soc.name`: false, `f["deals.person_id"]`: false,
		`array_options.options_segment`: false, `upper(lastname)`: false,
		`count(leads, true)`: true, `f["nothing"]`: true, `lastnam`: true,
	} {
		if got := mapping.Strange(source, erp(), kin()[0]); got != want {
			t.Errorf("%s: %t", source, got)
		}
	}
	if !mapping.Strange(`fk_soc.name`, erp(), []record.Object{erp()}) {
		t.Error("an object that is not at hand is not strange")
	}
}

// A sum of converted amounts is exact, whatever their order.
func TestSumsAreExactInAnyOrder(t *testing.T) {
	t.Parallel()
	m := compile(t, computedOfKin(`sum(deals, convert(.value, .cur))`))
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.SliceOfN(rapid.Int64Range(-1e12, 1e12), 0, 20).Draw(t, "cents")
		want := decimal.Zero
		var deals []record.Value
		for i, c := range cents {
			d, cur := decimal.New(c, -2), []string{"EUR", "USD"}[i%2]
			deals = append(deals, deal("won", d.String(), cur, ""))
			if cur == "USD" {
				d = d.Mul(decimal.RequireFromString("0.9"))
			}
			want = want.Add(d)
		}
		shuffled := rapid.Permutation(deals).Draw(t, "order")
		v, known, err := m.Own(0, record.Left, withDeals(shuffled...), nil)
		if err != nil || !known || v.Text() != want.String() {
			t.Fatalf("got %q, %t, %v, want %s", v, known, err, want)
		}
	})
}
