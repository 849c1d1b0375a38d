package engine

import (
	"slices"
	"testing"

	"github.com/tandemhub/tandem/record"
)

func TestShapesNameWhatHappenedToAValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind    record.Kind
		was, is string
		want    string // "" = nothing
	}{
		{record.KindDateTime, "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", "moved by +2:00 h"},
		{record.KindDateTime, "2026-03-01T10:00:00Z", "2026-03-01T10:07:00Z", ""},
		{record.KindDateTime, "2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z", ""}, // an appointment is put off
		{record.KindDate, "2026-03-01", "2026-02-28", "moved by -1 days"},
		{record.KindDate, "2026-03-01", "2026-03-08", ""},
		{record.KindDate, "1970-05-01", "2070-05-01", "moved by 36525 days"},
		{record.KindDate, "2026-03-04", "2026-04-03", "given with day and month the other way round"},
		{record.KindMoney, "12.5", "1250", "multiplied by 100"},
		{record.KindMoney, "1250", "12.5", "divided by 100"},
		{record.KindMoney, "12.5", "25", ""},
		{record.KindNumber, "3", "-3", "given the other sign"},
		{record.KindNumber, "3.7", "3", "stripped of what stands behind the point"},
		{record.KindText, "3", "300", ""},
		{record.KindText, "302101234567", "3.02E+11", "rewritten as a spreadsheet shows long numbers"},
		{record.KindText, "Jörg", "JÃ¶rg", "garbled, as by a wrong encoding"},
		{record.KindText, "Jörg", "J?rg", "garbled, as by a wrong encoding"},
		{record.KindText, "Jörg", "J\uFFFDrg", "garbled, as by a wrong encoding"},
		{record.KindText, "Jörg", "Jürg", ""},
		{record.KindEmail, "ann@x.gr", "a***@x.gr", "masked"},
		{record.KindText, "A & B", "A &amp; B", "escaped once more"},
		{record.KindText, `a "b"`, `a \"b\"`, "escaped once more"},
		{record.KindText, "Ann", "ANN", "put into capitals"},
		{record.KindText, "Ann", "ann", "put into small letters"},
		{record.KindText, "00123", "123", "stripped of leading zeros"},
		{record.KindPhone, "+49301", "301", `stripped of "+49" at the beginning`},
		{record.KindText, "Ann GmbH", "Ann", `stripped of " GmbH" at the end`},
		{record.KindText, "a long text", "a long", "cut off at the end"},
		{record.KindText, "Ann", "Anna", ""},
		{record.KindText, "", "Ann", ""},
		{record.KindText, "Ann", "", ""},
	} {
		got := shaped(c.kind, c.was, c.is)
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.Contains(got, c.want) {
			t.Errorf("%s %q -> %q: %q, want %q", c.kind, c.was, c.is, got, c.want)
		}
	}
}

func FuzzShapesTakeAnyTwoValues(f *testing.F) {
	f.Add("2026-03-01", "2026-04-01")
	f.Add("3.5", "350")
	f.Fuzz(func(t *testing.T, was, is string) {
		for _, kind := range []record.Kind{record.KindText, record.KindDate, record.KindDateTime, record.KindNumber, record.KindPhone} {
			if names := shaped(kind, was, is); was == is && len(names) > 0 {
				t.Errorf("%q did not change, and is said to be %q", was, names)
			}
		}
	})
}
