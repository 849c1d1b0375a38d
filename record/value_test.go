package record_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

func TestNumberHasOneForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "0": "0", "-0": "0", "-0.00": "0", "00": "0", "007": "7", "+5": "5", "43.40000000": "43.4", "4.34e1": "43.4", "4340E-2": "43.4",
		".5": "0.5", "5.": "5", "-1.50": "-1.5", "1e3": "1000", "1e-3": "0.001", "123456789012345678901234567890": "123456789012345678901234567890",
		"0.1": "0.1", "100": "100", "999999999999999999": "999999999999999999", "1E+2": "100", "-7": "-7",
	} {
		v, ok := record.Number(in)
		if !ok || v.Text() != want {
			t.Errorf("%q: got %q, %v, want %q", in, v, ok, want)
		}
		if again, ok := record.Number(v.Text()); !ok || !again.Equal(v) {
			t.Errorf("%q: %q becomes %q", in, v, again)
		}
	}
	for _, in := range []string{
		" ", "x", "1,5", "1 000", "1_000", "0x10", "NaN", "Inf", "-", "+", ".", "e5", "1e", "--1", "1.2.3", "๑", "1e999999999", "1e-999999999", "-1e2147483647",
		strings.Repeat("9", 500), "1e99999999999999999999",
	} {
		if v, ok := record.Number(in); ok {
			t.Errorf("%.40q is a number: %.40q", in, v.Text())
		}
	}
}

func TestPropertyNumberKeepsItsValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := decimal.New(rapid.Int64().Draw(t, "digits"), rapid.Int32Range(-30, 30).Draw(t, "exponent"))
		for _, in := range []string{d.String(), d.StringFixed(rapid.Int32Range(30, 40).Draw(t, "places"))} {
			v, ok := record.Number(in)
			if !ok || !v.Decimal().Equal(d) || v.Text() != d.String() {
				t.Fatalf("%s: got %q, %v", in, v.Text(), ok)
			}
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-0.0", "1e5", "1e999999999", "+.5e-3", "1_0", "00.10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := record.Number(s)
		if !ok {
			return
		}
		if again, ok := record.Number(v.Text()); !ok || !again.Equal(v) {
			t.Fatalf("%q: %q becomes %q, %v", s, v, again, ok)
		}
		if s != "" && strings.ContainsAny(v.Text(), "eE+ ") {
			t.Fatalf("%q: %q is not canonical", s, v)
		}
	})
}

func TestValuesKnowTheirShape(t *testing.T) {
	t.Parallel()
	group := record.Struct(record.Fields{"b": record.Text("2"), "a": record.Text("1")})
	for _, row := range []struct {
		v           record.Value
		text        string
		str         string
		empty, list bool
		fields      int
	}{
		{v: record.Value{}, empty: true},
		{v: record.Text(""), empty: true},
		{v: record.List(), empty: true},
		{v: record.Texts(), empty: true},
		{v: record.Struct(nil), empty: true},
		{v: record.Time(time.Time{}), empty: true},
		{v: record.Text("x"), text: "x", str: "x"},
		{v: record.Int(-3), text: "-3", str: "-3"},
		{v: record.Bool(false), text: "false", str: "false"},
		{v: record.Date(2026, time.November, 31), text: "2026-12-01", str: "2026-12-01"},
		{v: record.Texts("a", "b"), str: "a, b", list: true},
		{v: group, str: `{"a":"1","b":"2"}`, fields: 2},
	} {
		if row.v.Text() != row.text || row.v.String() != row.str || row.v.IsEmpty() != row.empty || row.v.IsList() != row.list || len(row.v.Fields()) != row.fields {
			t.Errorf("%#v: %q, %q, empty %v, list %v", row.v, row.v.Text(), row.v.String(), row.v.IsEmpty(), row.v.IsList())
		}
	}
}

func TestValuesAreImmutable(t *testing.T) {
	t.Parallel()
	items := []record.Value{record.Text("a")}
	list := record.List(items...)
	items[0] = record.Text("b")
	if list.String() != "a" {
		t.Error("a list shares its items with its maker")
	}
	f := record.Fields{"a": record.Text("1")}
	group := record.Struct(f)
	f["a"] = record.Text("2")
	if group.Fields()["a"].Text() != "1" {
		t.Error("a struct shares its fields with its maker")
	}
}

func TestTimesAreInUTC(t *testing.T) {
	t.Parallel()
	athens := time.FixedZone("EET", 2*60*60)
	v := record.Time(time.Date(2026, 11, 21, 12, 0, 0, 500, athens))
	if v.Text() != "2026-11-21T10:00:00.0000005Z" {
		t.Errorf("got %s", v)
	}
	if !v.Time().Equal(time.Date(2026, 11, 21, 10, 0, 0, 500, time.UTC)) {
		t.Errorf("read back as %s", v.Time())
	}
	if got := record.Date(2026, 11, 21).Time(); !got.Equal(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a date is %s", got)
	}
	if !record.Text("soon").Time().IsZero() || !record.Text("soon").Decimal().IsZero() {
		t.Error("a text is a time or a number")
	}
}

func TestSidesAndSchemasAreFoundByName(t *testing.T) {
	t.Parallel()
	if record.Left.Other() != record.Right || record.Right.Other() != record.Left || record.Left.String() != "left" || record.Right.String() != "right" {
		t.Error("sides are mixed up")
	}
	if record.Sides() != [2]record.Side{record.Left, record.Right} {
		t.Error("sides are out of order")
	}
	o := record.Object{Name: "contacts", Fields: []record.Field{
		{Name: "email", Common: "email"}, {Name: "ref", Key: true}, {Name: "id", ReadOnly: true}, {Name: "note"},
	}}
	s := record.Schema{Objects: []record.Object{o}}
	if got, ok := s.Object("contacts"); !ok || got.Name != "contacts" {
		t.Error("the object is not found")
	}
	if _, ok := s.Object("deals"); ok {
		t.Error("an object is found that is none")
	}
	for name, find := range map[string]func(string) (record.Field, bool){"wire": o.Field, "common": o.ByCommon} {
		if f, ok := find("email"); !ok || !f.Writable() {
			t.Errorf("%s: email is not found", name)
		}
		if _, ok := find("fax"); ok {
			t.Errorf("%s: fax is found", name)
		}
	}
	if _, ok := o.ByCommon(""); ok {
		t.Error("a field without a common name is found by none")
	}
	if f, ok := o.Key(); !ok || f.Name != "ref" || f.Writable() {
		t.Errorf("the key is %v", f)
	}
	if f, _ := o.Field("id"); f.Writable() {
		t.Error("a read-only field is writable")
	}
	if _, ok := (record.Object{}).Key(); ok {
		t.Error("an object without fields has a key")
	}
}
