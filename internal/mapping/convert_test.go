package mapping_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

func zones(t testing.TB) [2]*time.Location {
	t.Helper()
	athens, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	bangkok, err := time.LoadLocation("Asia/Bangkok")
	if err != nil {
		t.Fatal(err)
	}
	return [2]*time.Location{athens, bangkok}
}

func TestConvertTable(t *testing.T) {
	t.Parallel()
	values := two("array_options.options_segment", "segment")
	values.Values = map[string]string{"VIP": "vip", "2": "trade", "": "lost"}
	oneWay := func(left, right string) mapping.Entry {
		return mapping.Entry{Left: left, Right: right, LeftToRight: true}
	}
	for _, row := range []struct {
		name     string
		entry    mapping.Entry
		from     record.Side
		in, want string
		misfit   string
	}{
		{"a text is kept", two("lastname", "family"), record.Left, " Παπαδόπουλος ", " Παπαδόπουλος ", ""},
		{"a text that is too long is refused, not cut", two("firstname", "given"), record.Left, strings.Repeat("ά", 41), "", "41 characters are more than 40"},
		{"characters are counted, not bytes", two("firstname", "given"), record.Left, strings.Repeat("ά", 40), strings.Repeat("ά", 40), ""},
		{"a phone is kept as it is written", two("phone", "phone"), record.Left, "210-1234", "210-1234", ""},
		{"HTML becomes text", two("notes", "notes"), record.Left, "<p>a &amp; b</p>", "a & b", ""},
		{"text becomes HTML", two("notes", "notes"), record.Right, "a & b\nc", "a &amp; b<br>c", ""},
		{"a code becomes a country's name", two("country", "country"), record.Left, "GR", "Greece", ""},
		{"a country's name becomes a code", two("country", "country"), record.Right, "Ελλάδα", "GR", ""},
		{"an unknown country has no code", two("country", "country"), record.Right, "Atlantis", "", "no country that is known"},
		{"an unknown code", two("country", "country"), record.Left, "QQ", "", "no country that is known"},
		{"a language finds its choice", two("lang", "hs_language"), record.Left, "en", "en", ""},
		{"a language choice becomes a code", two("lang", "hs_language"), record.Right, "en-us", "en", ""},
		{"a language without choice is refused", two("lang", "hs_language"), record.Left, "th", "", "none of its choices"},
		{"a mapped value", values, record.Left, "1", "vip", ""},
		{"a mapped value on its way back", values, record.Right, "trade", "2", ""},
		{"the empty value can be mapped", values, record.Left, "", "lost", ""},
		{"and back", values, record.Right, "lost", "", ""},
		{"a value that the map and the choices lack", values, record.Left, "9", "", "none of its choices"},
		{"a choice by its label in any case", two("statut", "state"), record.Left, "1", "a", ""},
		{"a choice by its label on its way back", two("statut", "state"), record.Right, "c", "0", ""},
		{"a choice that the schema does not list", two("statut", "state"), record.Left, "9", "", "none of its choices"},
		{"a number becomes text", oneWay("visits", "visits"), record.Left, "43.4", "43.4", ""},
		{"money becomes a number", two("credit", "score"), record.Right, "43.4", "43.4", ""},
		{"a choice becomes its label", oneWay("statut", "account_code"), record.Left, "1", "Active", ""},
		{"a text becomes a choice by its label", oneWay("lastname", "state"), record.Left, "Closed", "c", ""},
		{"a text that is no choice", oneWay("lastname", "state"), record.Left, "Lee", "", "none of its choices"},
		{"a bool becomes a number", oneWay("newsletter", "score"), record.Left, "true", "1", ""},
		{"false becomes a number", oneWay("newsletter", "score"), record.Left, "false", "0", ""},
		{"a time becomes the day of its own account", two("seen_at", "seen_on"), record.Left, "2026-11-20T22:30:00Z", "2026-11-21", ""},
		{"a day becomes midnight of the other account", two("seen_at", "seen_on"), record.Right, "2026-07-01", "2026-06-30T21:00:00Z", ""},
		{"a day that is none", two("seen_at", "seen_on"), record.Right, "soon", "", "no date"},
		{"a time that is none", two("seen_at", "seen_on"), record.Left, "soon", "", "no time"},
		{"a reference follows its link", two("fk_soc", "org_id"), record.Left, "7", "70", ""},
		{"a reference follows its link back", two("fk_soc", "org_id"), record.Right, "80", "8", ""},
		{"an empty reference stays empty", two("fk_soc", "org_id"), record.Left, "", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			in := input(row.entry)
			in.Zones = zones(t)
			m := compile(t, in)
			out, known, err := m.Convert(0, row.from, record.Text(row.in), someLinks())
			var unfit *mapping.MisfitError
			switch {
			case row.misfit != "":
				if !errors.As(err, &unfit) || !strings.Contains(err.Error(), row.misfit) || unfit.Field == "" {
					t.Errorf("got %q, %v, %v", out, known, err)
				}
			case err != nil || !known || out.Text() != row.want:
				t.Errorf("got %q, %v, %v, want %q", out, known, err, row.want)
			}
		})
	}
}

func TestWhatCannotBeToldIsAbsent(t *testing.T) {
	t.Parallel()
	m := compile(t, input())
	ref, refs := at(t, m, "fk_soc=org_id"), at(t, m, "groups=lists")
	for name, call := range map[string]func() (record.Value, bool, error){ // R11
		"a reference without link": func() (record.Value, bool, error) {
			return m.Convert(ref, record.Left, record.Text("9"), someLinks())
		},
		"a reference without links": func() (record.Value, bool, error) { return m.Convert(ref, record.Left, record.Text("9"), nil) },
		"references without any link": func() (record.Value, bool, error) {
			return m.Convert(refs, record.Left, record.Texts("8", "9"), someLinks())
		},
		"a direction without conversion": func() (record.Value, bool, error) {
			return m.Convert(at(t, m, "visits=visits"), record.Right, record.Text("x"), someLinks())
		},
	} {
		if v, known, err := call(); known || err != nil || !v.IsEmpty() {
			t.Errorf("%s: %v, %v, %v", name, v, known, err)
		}
	}
}

func TestSetsTellWhatCanBeTold(t *testing.T) {
	t.Parallel()
	m := compile(t, input())
	refs, tags := at(t, m, "groups=lists"), at(t, m, "tags=labels")
	got, known, err := m.Convert(refs, record.Left, record.Texts("1", "9", "2"), someLinks())
	if err != nil || !known || !got.Equal(record.Texts("10", "20")) { // R12
		t.Errorf("got %v, %v, %v", got, known, err)
	}
	if told := m.Told(refs, record.Left, record.Texts("1", "9", "2"), someLinks()); !told.Equal(record.Texts("1", "2")) {
		t.Errorf("told %v", told)
	}
	if told := m.Told(at(t, m, "mail=email"), record.Left, record.Text("x"), nil); told.Text() != "x" {
		t.Errorf("told %v", told)
	}
	if got, known, err = m.Convert(tags, record.Left, record.Texts("red", "unheard of"), nil); err != nil || !known || !got.Equal(record.Texts("red")) {
		t.Errorf("got %v, %v, %v", got, known, err)
	}
	if got, known, err = m.Convert(refs, record.Left, record.Value{}, someLinks()); err != nil || !known || !got.IsEmpty() {
		t.Errorf("got %v, %v, %v", got, known, err)
	}
}

func TestAScalarOnAListIsItsOnlyElement(t *testing.T) {
	t.Parallel()
	in := input(mapping.Entry{Left: "fk_soc", Right: "lists", LeftToRight: true})
	in.Links = func(string, string) bool { return true }
	m := compile(t, in)
	if f := m.Fields()[0]; !f.Set || f.ToLeft {
		t.Errorf("got %+v", f)
	}
	if got, known, err := m.Convert(0, record.Left, record.Text("7"), someLinks()); err != nil || !known || !got.Equal(record.Texts("70")) {
		t.Errorf("got %v, %v, %v", got, known, err)
	}
}

func TestErrorsOfADirectionThatIsNotCarriedAreNobodysBusiness(t *testing.T) {
	t.Parallel()
	m := compile(t, input(mapping.Entry{Left: "statut", Right: "state", LeftToRight: true}))
	if _, known, err := m.Convert(0, record.Right, record.Text("9"), nil); known || err != nil {
		t.Errorf("got %v, %v", known, err)
	}
}

func TestSameFollowsTheNormaliserOfTheType(t *testing.T) {
	t.Parallel()
	in := input()
	in.Left.Fields = append(in.Left.Fields, record.Field{Name: "tva", Common: "vat_id", Kind: record.KindText, Format: record.FormatVATID})
	in.Right.Fields = append(in.Right.Fields, record.Field{Name: "vat", Common: "vat_id", Kind: record.KindText, Format: record.FormatVATID})
	m := compile(t, in)
	for _, row := range []struct {
		key, left, right string
		want             bool
	}{
		{"mail=email", "ANN@x.gr", "ann@x.gr", true},
		{"mail=email", "ann", "ANN", true},
		{"mail=email", "ann", "bob", false},
		{"mail=email", "ann", "", false},
		{"phone_pro=phone", "210 1234567", "+302101234567", true},
		{"phone_pro=phone", "210 1234567", "+302101234568", false},
		{"firstname=given", "ΓΙΩΡΓΟΣ", "Γιώργος", true},
		{"note_private=notes", "<p>a &amp; b</p>", "a & b", true},
		{"note_private=notes", "<p></p>", "", true},
		{"country_code=country", "GR", "Griechenland", true},
		{"country_code=country", "GR", "Germany", false},
		{"statut=state", "1", "a", true},
		{"statut=state", "1", "c", false},
		{"visits=visits", "7", "7", true},
		{"lang=hs_language", "en", "en-us", true},
		{"fk_soc=org_id", "7", "7", false},
		{"fk_soc=org_id", "", "", true},
		{"tva=vat", "EL094259216", "094 259 216", true},
		{"tva=vat", "EL094259216", "DE094259216", false},
	} {
		if got := m.Same(at(t, m, row.key), record.Text(row.left), record.Text(row.right)); got != row.want { // R5
			t.Errorf("%s: %q and %q: %v", row.key, row.left, row.right, got)
		}
	}
	if !m.Same(at(t, m, "tags=labels"), record.Texts("red", "blue"), record.Texts("blue", "red")) {
		t.Error("the order of a set matters")
	}
}

// Two-way fields lead back to what means the same (R13).
func TestPropertyThereAndBackIsTheSame(t *testing.T) {
	t.Parallel()
	values := two("array_options.options_segment", "segment")
	values.Values = map[string]string{"1": "vip", "2": "trade", "3": "lost"}
	in := input(mapping.Entry{All: true, LeftToRight: true, RightToLeft: true}, values, two("credit", "score"), two("seen_at", "seen_on"))
	in.Zones = zones(t)
	m := compile(t, in)
	refs := someLinks()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(m.Fields())-1).Draw(t, "field")
		f := m.Fields()[i]
		if !f.ToRight || !f.ToLeft {
			t.Skip()
		}
		from := rapid.SampledFrom([]record.Side{record.Left, record.Right}).Draw(t, "side")
		field := f.Left
		if from == record.Right {
			field = f.Right
		}
		v := drawOf(t, field)
		there, known, err := m.Convert(i, from, v, refs)
		if err != nil || !known {
			t.Skip()
		}
		left, right := v, there
		if from == record.Right {
			left, right = there, v
		}
		if !f.Set && field.Kind != record.KindReference && !m.Same(i, left, right) {
			t.Fatalf("%s: %q and %q are not the same", f.Key, left, right)
		}
		back, known, err := m.Convert(i, from.Other(), there, refs)
		if err != nil || !known {
			t.Fatalf("%s: %q became %q, which does not lead back: %v", f.Key, v, there, err)
		}
		again, _, err := m.Convert(i, from, back, refs)
		if err != nil || !again.Equal(there) {
			t.Fatalf("%s: %q became %q, then %q, then %q: %v", f.Key, v, there, back, again, err)
		}
	})
}

func drawOf(t *rapid.T, f record.Field) record.Value {
	texts := rapid.SampledFrom([]string{"", "Ann", "Παπαδόπουλος", "สมชาย", "<b>x</b>", "a & b", "7", "GR", "Germany", "en", "el", "😀"})
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		v, _ := record.Number(rapid.StringMatching(`-?[0-9]{1,5}(\.[0-9]{1,3})?`).Draw(t, "number"))
		return v
	case record.KindBool:
		return rapid.SampledFrom([]record.Value{{}, record.Bool(true), record.Bool(false)}).Draw(t, "bool")
	case record.KindDate:
		return record.Text(rapid.SampledFrom([]string{"", "2026-03-29", "2026-11-21", "2024-02-29"}).Draw(t, "date"))
	case record.KindDateTime:
		return record.Text(rapid.SampledFrom([]string{"", "2026-03-29T00:30:00Z", "2026-10-25T01:30:00Z", "2026-11-21T22:30:00Z"}).Draw(t, "time"))
	case record.KindChoice:
		return record.Text(rapid.SampledFrom([]string{"", "0", "1", "2", "3", "vip", "a", "c", "en", "el"}).Draw(t, "choice"))
	case record.KindReference:
		return record.Text(rapid.SampledFrom([]string{"", "7", "8", "70", "9"}).Draw(t, "id"))
	case record.KindChoices:
		return record.Texts(rapid.SampledFrom([][]string{nil, {"red"}, {"red", "blue"}, {"blue", "red"}}).Draw(t, "choices")...)
	case record.KindReferences:
		return record.Texts(rapid.SampledFrom([][]string{nil, {"1"}, {"1", "2"}, {"10", "3"}}).Draw(t, "ids")...)
	default:
		return record.Text(texts.Draw(t, "text"))
	}
}

func FuzzConvert(f *testing.F) {
	f.Add("x", uint8(0), false)
	f.Add("<p>&nbsp;</p>", uint8(4), true)
	f.Fuzz(func(t *testing.T, s string, i uint8, right bool) {
		m, _ := mapping.Compile(input())
		side := record.Left
		if right {
			side = record.Right
		}
		n := int(i) % len(m.Fields())
		out, known, err := m.Convert(n, side, record.Text(s), someLinks())
		if err != nil && (known || !out.IsEmpty()) {
			t.Errorf("an error comes with the value %q", out)
		}
		m.Same(n, record.Text(s), out)
	})
}
