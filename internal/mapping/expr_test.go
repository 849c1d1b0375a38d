package mapping_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

func person() record.Fields {
	items := record.List(
		record.Struct(record.Fields{"status": record.Text("won"), "amount": record.Text("10.50")}),
		record.Struct(record.Fields{"status": record.Text("lost"), "amount": record.Text("1")}),
		record.Struct(record.Fields{"status": record.Text("won")}),
	)
	return record.Fields{
		"firstname": record.Text("Άννα"), "lastname": record.Text("Lee"), "mail": record.Text("ann@Example.com"), "phone_pro": {},
		"fk_soc": record.Text("7"), "array_options.options_segment": record.Text("1"), "credit": record.Text("0.1"), "visits": record.Text("3"),
		"newsletter": record.Bool(true), "tags": record.Texts("red", "blue"), "birthday": record.Text("1990-05-01"), "lines": items,
	}
}

// computed is a mapping whose only entry computes the right notes.
func computed(source string) mapping.Input {
	in := input(mapping.Entry{Right: "notes", From: source, LeftToRight: true})
	in.Match = []mapping.MatchKey{}
	return in
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`firstname + ' ' + lastname`:                      "Άννα Lee",
		`first_name + last_name`:                          "ΆνναLee",
		`f["firstname"]`:                                  "Άννα",
		`f["array_options.options_segment"]`:              "1",
		`array_options.options_segment`:                   "1",
		`phone_pro + 'x'`:                                 "x",
		`note_private + lastname`:                         "Lee",
		`phone_pro == ''`:                                 "true",
		`note_private == '' and tags != ''`:               "true",
		`phone_pro ?? mail ?? 'none'`:                     "ann@Example.com",
		`fk_soc`:                                          "7",
		`fk_soc.name`:                                     "Acme SA",
		`fk_soc?.name`:                                    "Acme SA",
		`upper(fk_soc.name) + fk_soc.none`:                "ACME SA",
		`credit + credit + credit`:                        "0.3",
		`credit * 3 == 0.3`:                               "true",
		`visits + 1`:                                      "4",
		`visits / 2`:                                      "1.5",
		`-visits % 2`:                                     "-1",
		`round(visits / 7, 2)`:                            "0.43",
		`visits > 2 and visits >= 3 and not (visits < 3)`: "true",
		`credit > ''`:                                     "false",
		`visits == '3.0'`:                                 "true",
		`'a' + 1`:                                         "a1",
		`newsletter`:                                      "true",
		`newsletter ? 'yes' : 'no'`:                       "yes",
		`phone_pro ? 'yes' : 'no'`:                        "no",
		`birthday < '2000-01-01'`:                         "true",
		`'red' in tags`:                                   "true",
		`'green' not in tags`:                             "true",
		`tags contains 'blue'`:                            "true",
		`join(tags, '+')`:                                 "red+blue",
		`tags[0] + tags[-1] + tags[9]`:                    "redblue",
		`len(tags) + len(firstname)`:                      "6",
		`firstname[0:2]`:                                  "Άν",
		`firstname[-1:]`:                                  "α",
		`split(mail, '@')[1] | lower()`:                   "example.com",
		`lower(mail) endsWith '.com'`:                     "true",
		`mail matches '^[a-z]+@'`:                         "true",
		`count(lines, .status == 'won')`:                  "2",
		`sum(lines, .amount) + sum(lines, 1) - sum(lines, 1)`:            "11.5",
		`sum(map(lines, .amount))`:                                       "11.5",
		`any(lines, .amount > 5) and not all(lines, .amount > 5)`:        "true",
		`find(lines, .status == 'lost').amount`:                          "1",
		`join(map(filter(lines, .status == 'won'), .status))`:            "wonwon",
		`max(map(lines, .amount))`:                                       "10.50",
		`min(3, 1, 2)`:                                                   "1",
		`replace(trim('  a-b '), '-', '+')`:                              "a+b",
		`trimPrefix(lastname, 'L') + trimSuffix(lastname, 'e')`:          "eeLe",
		`first(tags) + last(tags)`:                                       "redblue",
		`string(visits) + number('1.50')`:                                "31.5",
		`int(3.7) + floor(3.7) + ceil(3.2) + abs(-1)`:                    "11",
		`lastname in ['Lee', 'Ray']`:                                     "true",
		`hasPrefix(lastname, 'L') and hasSuffix(lastname, 'e')`:          "true",
		`lastname startsWith 'L' && !(lastname startsWith 'x') || false`: "true",
		`nil ?? 'x'`: "x",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			m := compile(t, computed(source))
			v, known, err := m.Own(0, record.Left, person(), someLinks())
			if err != nil || !known || v.Text() != want {
				t.Errorf("got %q, %v, %v, want %q", v, known, err, want)
			}
		})
	}
}

func TestExpressionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for source, problem := range map[string]struct{ text, near string }{
		`now()`:                          {`no function "now"`, ""},
		`uper(lastname)`:                 {`no function "uper"`, "upper"},
		`sortBy(lines, .status)`:         {`no function "sortBy"`, ""},
		`lastnam`:                        {"has no field", "lastname"},
		`f["lastnam"]`:                   {"has no field", "lastname"},
		`f[lastname]`:                    {"must be written out", ""},
		`f`:                              {"has no field", ""},
		`array_options.option_segment`:   {"has no field", "array_options.options_segment"},
		`lastname.length`:                {"no reference", ""},
		`groups.name`:                    {"several records", ""},
		`fk_soc.owner.name + lastnam`:    {"has no field", "lastname"},
		`lastname.ToUpper()`:             {"", ""},
		`$env`:                           {"has no field", ""},
		`1..1000000`:                     {"operator ..", ""},
		`2 ** 100`:                       {"operator **", ""},
		`{a: 1}`:                         {"{key: value}", ""},
		`let x = 1; x`:                   {"let", ""},
		`lastname matches firstname`:     {"written out", ""},
		`lastname matches '('`:           {"is none", ""},
		`upper()`:                        {"1 argument, not 0", ""},
		`split(lastname)`:                {"2 arguments, not 1", ""},
		`round(1, 2, 3)`:                 {"1 to 2 arguments, not 3", ""},
		`max()`:                          {"at least 1 arguments, not 0", ""},
		`lastname +`:                     {"column", ""},
		`lastname)`:                      {"column", ""},
		`ref_ext`:                        {"own key", ""},
		`truth(1)`:                       {`no function "truth"`, ""},
		`tags.red`:                       {"no dot can follow", ""},
		strings.Repeat("(", 5000):        {"longer than", ""},
		strings.Repeat("1+", 1000) + "1": {"", ""},
	} {
		_, problems := mapping.Compile(computed(source))
		found := false
		for _, p := range problems {
			found = found || !p.Warning && strings.Contains(p.Text, problem.text) && p.Near == problem.near && p.Path == "fields[0].from"
		}
		if !found {
			t.Errorf("%.60s: got %+v", source, problems)
		}
	}
}

func TestExpressionsThatFail(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`1 / (visits - 3)`:      "division by zero",
		`lastname * 2`:          "not a number",
		`tags + 'x'`:            "join it",
		`lines`:                 "struct",
		`count(lastname, true)`: "not a list",
		`all(tags, lastname)`:   "neither true nor false",
		`visits ? 1 : 2`:        "neither true nor false",
		`map(tags, .x)`:         "not a number",
		`lastname[1.5:]`:        "whole number",
		`round(1, 1000)`:        "too many digits",
	} {
		m, problems := mapping.Compile(computed(source))
		if len(problems) > 0 {
			t.Errorf("%s: %v", source, problems)
			continue
		}
		v, known, _ := m.Own(0, record.Left, person(), someLinks())
		err := m.Fault(0, record.Left, person(), someLinks())
		if err == nil || known || !v.IsEmpty() || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, %v", source, v, known, err)
		}
	}
}

func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	var many []string
	for range 3000 {
		many = append(many, "xxxxxxxxxx")
	}
	f := person()
	f["tags"] = record.Texts(many...)
	f["lastname"] = record.Text(strings.Repeat("x", 100_000))
	for _, source := range []string{
		`count(tags, count(lines, true) + count(tags, true) > 0)`,
		`map(tags, filter(tags, len(map(tags, 1)) > 0))`,
		strings.Repeat("replace(", 40) + "lastname" + strings.Repeat(`, "x", "xxxxxxxxxx")`, 40),
		`join(map(tags, lastname))`,
		`any(tags, lastname matches '(x+x+)+y')`,
		`any(tags, upper(lastname) == 'y')`,
		`any(tags, lastname + 'a' == lastname + 'b')`,
		strings.Repeat("(", 30) + "9" + strings.Repeat("*99999999)", 30),
	} {
		m := compile(t, computed(source))
		_, known, _ := m.Own(0, record.Left, f, nil)
		err := m.Fault(0, record.Left, f, nil)
		if err == nil || known || !strings.Contains(err.Error(), "too m") && !strings.Contains(err.Error(), "memory budget") {
			t.Errorf("%.40s: no end was put to it: %v", source, err)
		}
	}
}

func TestAbsentAndMissedAreNotEmpty(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		source string
		fields record.Fields
		refs   mapping.Refs
		known  bool
	}{
		{`firstname + lastname`, record.Fields{}, nil, false},
		{`firstname + lastname`, record.Fields{"lastname": {}}, nil, true},
		{`'constant'`, record.Fields{}, nil, true},
		{`fk_soc.name`, record.Fields{"fk_soc": record.Text("7")}, someLinks(), true},
		{`fk_soc.name`, record.Fields{"fk_soc": record.Text("9")}, someLinks(), false},
		{`fk_soc.name`, record.Fields{"fk_soc": record.Text("7")}, nil, false},
		{`fk_soc.name`, record.Fields{"fk_soc": {}}, someLinks(), true},
	} {
		m := compile(t, computed(row.source))
		if _, known, err := m.Own(0, record.Left, row.fields, row.refs); known != row.known || err != nil { // R11
			t.Errorf("%s of %v: known %v, %v", row.source, row.fields, known, err)
		}
	}
}

func TestComputedValuesTakeTheFieldsForm(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		target, source, want string
		fails                bool
	}{
		{"score", `visits * 2.50`, "7.5", false},
		{"score", `'  12 '`, "12", false},
		{"score", `lastname`, "", true},
		{"optin", `visits > 1`, "true", false},
		{"optin", `'1'`, "true", false},
		{"optin", `'0'`, "false", false},
		{"optin", `''`, "", false},
		{"optin", `lastname`, "", true},
		{"birth", `birthday`, "1990-05-01", false},
		{"birth", `'2026-11-21T23:30:00Z'`, "2026-11-22", false},
		{"birth", `lastname`, "", true},
		{"createdate", `birthday`, "1990-04-30T17:00:00Z", false},
		{"createdate", `'2026-11-21T23:30:00+02:00'`, "2026-11-21T21:30:00Z", false},
		{"createdate", `lastname`, "", true},
		{"segment", `'Vip'`, "vip", false},
		{"segment", `lastname`, "", true},
		{"labels", `tags`, "red, blue", false},
		{"labels", `'red'`, "red", false},
		{"given", `lastname`, "Lee", false},
		{"given", `tags`, "", true},
		{"items", `tags`, "red, blue", false},
	} {
		in := input(mapping.Entry{Right: row.target, From: row.source, LeftToRight: true})
		in.Zones = zones(t)
		m := compile(t, in)
		own, _, err := m.Own(0, record.Left, person(), nil)
		if err != nil {
			t.Fatal(err)
		}
		out, known, err := m.Convert(0, record.Left, own, nil)
		if row.fails != (err != nil) || known == row.fails || out.String() != row.want {
			t.Errorf("%s from %s: got %q, %v, %v", row.target, row.source, out, known, err)
		}
		f := m.Fields()[0]
		if f.Key != "="+row.target || f.Left.Name != "" || f.Right.Name != row.target || !f.ToRight || f.ToLeft {
			t.Errorf("got %+v", f)
		}
		if v, known, err := m.Own(0, record.Right, record.Fields{row.target: record.Text("x")}, nil); !known || err != nil || v.Text() != "x" {
			t.Errorf("the right's own value is %q, %v, %v", v, known, err)
		}
		if _, known, err := m.Convert(0, record.Right, record.Text("x"), nil); known || err != nil {
			t.Error("a computed field leads back")
		}
	}
}

func TestFiltersDecideOnTheirOwnSide(t *testing.T) {
	t.Parallel()
	in := input()
	in.Where = [2]string{"email != '' and newsletter", "org_id.size > 10"}
	m := compile(t, in)
	for _, row := range []struct {
		side record.Side
		f    record.Fields
		want bool
	}{
		{record.Left, person(), true},
		{record.Left, record.Fields{"mail": {}, "newsletter": record.Bool(true)}, false},
		{record.Left, record.Fields{"mail": record.Text("a@b.c")}, false},
		{record.Right, record.Fields{"org_id": record.Text("70")}, true},
		{record.Right, record.Fields{"org_id": record.Text("71")}, false},
		{record.Right, record.Fields{}, false},
	} {
		if got, err := m.InScope(row.side, row.f, someLinks()); err != nil || got != row.want {
			t.Errorf("%s %v: %v, %v", row.side, row.f, got, err)
		}
	}
	if in, err := compile(t, input()).InScope(record.Left, record.Fields{}, nil); !in || err != nil {
		t.Errorf("without a filter: %v, %v", in, err)
	}
	in.Where = [2]string{"lastname", ""}
	if _, err := compile(t, in).InScope(record.Left, person(), nil); err == nil || !strings.Contains(err.Error(), "filter left") {
		t.Errorf("got %v", err)
	}
}

func TestKeysFollowTheMeaningOfTheirFields(t *testing.T) {
	t.Parallel()
	in := input()
	in.Match = []mapping.MatchKey{
		{Parts: []mapping.MatchPart{{Left: "email", Right: "email"}}},
		{Parts: []mapping.MatchPart{{Left: "mail", Right: "domain"}}},
		{Parts: []mapping.MatchPart{{Left: "lastname", Right: "family"}, {Left: "phone", Right: "phone"}}},
		{Parts: []mapping.MatchPart{{Left: "birthday", Right: "birth"}}},
	}
	m := compile(t, in)
	for _, row := range []struct {
		side record.Side
		f    record.Fields
		want []mapping.Key
	}{
		{record.Left, record.Fields{
			"mail": record.Text(" Ann@ACME.gr"), "lastname": record.Text("ΛΗ"), "phone_pro": record.Text("02 123 4567"), "country_code": record.Text("TH"),
		}, []mapping.Key{
			{Name: "email", Value: "ann@acme.gr"}, {Name: "mail=domain", Value: "acme.gr"}, {Name: "lastname=family+phone", Value: "λη\x1f+6621234567"},
			{Name: "birthday=birth"},
		}},
		{record.Right, record.Fields{
			"email": record.Text("none"), "domain": record.Text("https://www.acme.gr/"), "family": record.Text("Λη"), "phone": record.Text("+66 2 123 4567"), "birth": record.Text("1990-05-01"),
		}, []mapping.Key{
			{Name: "email"}, {Name: "mail=domain", Value: "acme.gr"}, {Name: "lastname=family+phone", Value: "λη\x1f+6621234567"}, {Name: "birthday=birth", Value: "1990-05-01"},
		}},
		{record.Left, record.Fields{"mail": record.Text("ann@gmail.com"), "lastname": record.Text("x")}, []mapping.Key{
			{Name: "email", Value: "ann@gmail.com"}, {Name: "mail=domain", Value: "gmail.com", Free: true}, {Name: "lastname=family+phone"}, {Name: "birthday=birth"},
		}},
		{record.Right, record.Fields{"domain": record.Text("gmail.com")}, []mapping.Key{
			{Name: "email"}, {Name: "mail=domain", Value: "gmail.com", Free: true}, {Name: "lastname=family+phone"}, {Name: "birthday=birth"}, // R14
		}},
	} {
		if diff := cmp.Diff(row.want, m.Keys(row.side, row.f)); diff != "" {
			t.Errorf("%s %v: %s", row.side, row.f, diff)
		}
	}
}

func TestMappingIsUsableFromSeveralGoroutines(t *testing.T) {
	t.Parallel()
	m := compile(t, computed(`firstname + fk_soc.name + string(count(lines, .status == 'won'))`))
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 200 {
				if v, _, err := m.Own(0, record.Left, person(), someLinks()); err != nil || v.Text() != "ΆνναAcme SA2" {
					t.Fatalf("got %q, %v", v, err)
				}
			}
		})
	}
}

func FuzzExpressions(f *testing.F) {
	for _, s := range []string{
		`firstname + ' ' + lastname`, `count(lines, .status == "won")`, `f["lastname"] | upper()`, `fk_soc.name ?? 'x'`, `tags[0:1]`, `{a: [1, 2]}`,
		`reduce(tags, #acc + #)`, `let x = 1; x + x`, `if true { 1 } else { 2 }`, `$env["lastname"]`, `lastname matches "("`, `-1 ** 2..3`, `b'x'`, `#`, `.x`, "`", `"\u00`,
		`map(tags, {#})`, `any(lines, all(lines, .a))`, `1e999 + 0x7f`, `not (not lastname)`, `a?.b?.c`, `f.f.f`, `len(len)`, `count`, `lastname[::]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		in := computed(source)
		in.Where[record.Left] = source
		m, problems := mapping.Compile(in)
		if len(problems) > 0 {
			return
		}
		for i := range m.Fields() {
			v, known, err := m.Own(i, record.Left, person(), someLinks())
			if err != nil && (known || !v.IsEmpty()) {
				t.Errorf("%q: an error comes with the value %q", source, v)
			}
		}
		if _, err := m.InScope(record.Left, person(), someLinks()); err != nil && !strings.HasPrefix(err.Error(), "filter left") {
			t.Errorf("%q: %v", source, err)
		}
	})
}
