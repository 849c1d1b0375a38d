package mapping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// filtered is a mapping of people to people whose left side has a filter.
func filtered(t testing.TB, where string) *mapping.Mapping {
	t.Helper()
	in := input(two("lastname", "family"))
	in.Match, in.Where[record.Left] = []mapping.MatchKey{}, where
	return compile(t, in)
}

func TestCondsOfAFilter(t *testing.T) {
	t.Parallel()
	c := func(field, op string, values ...string) mapping.Cond {
		return mapping.Cond{Field: field, Op: op, Values: values}
	}
	for where, want := range map[string][]mapping.Cond{
		`lastname == 'Lee'`:                                      {c("lastname", "in", "Lee")},
		`'Lee' == last_name`:                                     {c("lastname", "in", "Lee")},
		`lastname != 'Lee'`:                                      {c("lastname", "not in", "Lee")},
		`not (lastname == 'Lee')`:                                {c("lastname", "not in", "Lee")},
		`lastname in ['Lee', 'Ray', 'Lee']`:                      {c("lastname", "in", "Lee", "Ray")},
		`lastname not in ['Lee', 'Ray']`:                         {c("lastname", "not in", "Lee", "Ray")},
		`lastname not in ['Lee', '']`:                            {c("lastname", "not in", "Lee"), c("lastname", "filled")},
		`lastname in ['Lee', '']`:                                nil,
		`lastname in []`:                                         nil,
		`mail != ''`:                                             {c("mail", "filled")},
		`mail == '' && visits != ''`:                             {c("mail", "empty"), c("visits", "filled")},
		`statut == 1`:                                            {c("statut", "in", "1")},
		`statut != 1`:                                            {c("statut", "not in", "1")},
		`array_options.options_segment in ['1', '2']`:            {c("array_options.options_segment", "in", "1", "2")},
		`f["array_options.options_segment"] == '1'`:              {c("array_options.options_segment", "in", "1")},
		`fk_soc == '7' and mail != '' and lastname matches '^L'`: {c("fk_soc", "in", "7"), c("mail", "filled")},
		`newsletter`:                                             {c("newsletter", "in", "true")},
		`not newsletter and newsletter != false`:                 {c("newsletter", "not in", "true"), c("newsletter", "not in", "false")},
		`not (lastname == 'Lee' or mail == '')`:                  {c("lastname", "not in", "Lee"), c("mail", "filled")},
		`tags != ''`:                                             {c("tags", "filled")},
		// What cannot be said with certainty is not said.
		`lastname == 'Lee' or mail != ''`:             nil,
		`not (lastname == 'Lee' and mail != '')`:      nil,
		`visits == 3`:                                 nil,
		`visits == '3'`:                               nil,
		`lang == 5`:                                   nil,
		`tags == 'red'`:                               nil,
		`'red' in tags`:                               nil,
		`note_private == 'R&D'`:                       nil,
		`phone_pro == '210'`:                          nil,
		`fk_soc.name == 'Acme'`:                       nil,
		`lastname == firstname`:                       nil,
		`upper(lastname) == 'LEE'`:                    nil,
		`(mail ?? 'none') != 'none'`:                  nil,
		`mail != '' ? true : lastname == 'Lee'`:       nil,
		`any(lines, .status == 'won')`:                nil,
		`lastname == 'Lee' and true`:                  {c("lastname", "in", "Lee")},
		`lastname == 'Lee' and lastname == firstname`: {c("lastname", "in", "Lee")},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			got := filtered(t, where).Conds(record.Left)
			if diff := cmp.Diff(want, got, cmp.Transformer("text", func(c mapping.Cond) string { return fmt.Sprint(c) })); diff != "" {
				t.Error(diff)
			}
			if other := filtered(t, where).Conds(record.Right); other != nil {
				t.Errorf("the other side has conditions: %v", other)
			}
		})
	}
}

// fulfils is what a vendor makes of the conditions, as package connector defines them.
func fulfils(f record.Fields, conds []mapping.Cond) bool {
	for _, c := range conds {
		v := f[c.Field]
		one := slices.Contains(c.Values, v.Text()) && !v.IsEmpty()
		holds := map[string]bool{mapping.CondIn: one, mapping.CondNotIn: !one, mapping.CondFilled: !v.IsEmpty(), mapping.CondEmpty: v.IsEmpty()}[c.Op]
		if !holds {
			return false
		}
	}
	return true
}

// drawFilter draws an expression of the forms that people write, sensible or not.
func drawFilter(t *rapid.T, depth int) string {
	names := rapid.SampledFrom([]string{"lastname", "last_name", "mail", "statut", "visits", "newsletter", "tags", "fk_soc", "note_private",
		"array_options.options_segment", `f["lang"]`, "birthday", "phone_pro"})
	constants := rapid.SampledFrom([]string{"''", "'1'", "'0'", "'Lee'", "'true'", "'red'", "1", "0", "true", "false", "'3.0'", "3", "nil"})
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "joined") > 0 {
		x, y := drawFilter(t, depth-1), drawFilter(t, depth-1)
		form := rapid.SampledFrom([]string{"(%s) and (%s)", "(%s) or (%s)", "not (%s) && (%s)", "!((%s) or (%s))", "not ((%s) && (%s))"}).Draw(t, "form")
		return fmt.Sprintf(form, x, y)
	}
	name := names.Draw(t, "name")
	list := strings.Join(rapid.SliceOfN(constants, 0, 3).Draw(t, "list"), ", ")
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0, 1:
		return name + " == " + constants.Draw(t, "constant")
	case 2:
		return constants.Draw(t, "constant") + " != " + name
	case 3:
		return name + " in [" + list + "]"
	case 4:
		return name + " not in [" + list + "]"
	case 5:
		return "newsletter"
	default:
		return "(" + name + " ?? 'x') != " + constants.Draw(t, "constant")
	}
}

// drawPerson draws a record in canonical values; any field may be empty or absent.
func drawPerson(t *rapid.T) record.Fields {
	f := record.Fields{}
	for name, values := range map[string][]record.Value{
		"lastname":   {record.Text("Lee"), record.Text("1"), record.Text("true"), record.Text("1.0")},
		"mail":       {record.Text("Lee"), record.Text("a@x.gr")},
		"statut":     {record.Text("0"), record.Text("1")},
		"visits":     {record.Text("3"), record.Text("3.0"), record.Text("0"), record.Text("1")},
		"newsletter": {record.Bool(true), record.Bool(false)}, "tags": {record.Texts("red"), record.Texts("1", "Lee")},
		"fk_soc": {record.Text("1"), record.Text("7")}, "note_private": {record.Text("Lee"), record.Text("R&amp;D")},
		"array_options.options_segment": {record.Text("1"), record.Text("3")}, "lang": {record.Text("1"), record.Text("01"), record.Text("el")},
		"birthday": {record.Text("1990-05-01")}, "phone_pro": {record.Text("1"), record.Text("210")},
	} {
		switch n := rapid.IntRange(-2, len(values)-1).Draw(t, name); n {
		case -2: // absent
		case -1:
			f[name] = record.Value{}
		default:
			f[name] = values[n]
		}
	}
	return f
}

// TestCondsNeverExcludeWhatTheFilterIncludes is C4: narrowing by conditions and filtering again
// is the same as filtering alone.
func TestCondsNeverExcludeWhatTheFilterIncludes(t *testing.T) {
	t.Parallel()
	some := false
	rapid.Check(t, func(t *rapid.T) {
		where := drawFilter(t, 3)
		in := input(two("lastname", "family"))
		in.Match, in.Where[record.Left] = []mapping.MatchKey{}, where
		m, problems := mapping.Compile(in)
		for _, p := range problems {
			if !p.Warning {
				t.Skip(p.Text)
			}
		}
		conds := m.Conds(record.Left)
		some = some || len(conds) > 0
		for range 20 {
			f := drawPerson(t)
			if in, err := m.InScope(record.Left, f, someLinks()); err == nil && in && !fulfils(f, conds) {
				t.Fatalf("%s lets %v pass, and %v do not", where, f, conds)
			}
		}
	})
	if !some {
		t.Error("no filter had a condition: the property says nothing")
	}
}
