package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// flows shows a field as "key ->", "key <-" or "key <->".
func flows(m *mapping.Mapping) []string {
	var out []string
	for _, f := range m.Fields() {
		arrow := ""
		if f.ToLeft {
			arrow += "<"
		}
		arrow += "-"
		if f.ToRight {
			arrow += ">"
		}
		out = append(out, f.Key+" "+arrow)
	}
	return out
}

func TestNoEntriesMapAllCommonFields(t *testing.T) {
	t.Parallel()
	m := compile(t, input())
	want := []string{
		"firstname=given <->", "lastname=family <->", "mail=email <->", "phone_pro=phone <->", "note_private=notes <->",
		"fk_soc=org_id <->", "country_code=country <->", "statut=state <->", "visits=visits ->", "birthday=birth <->",
		"datec=createdate ->", "newsletter=optin <->", "tags=labels <->", "groups=lists <->", "lang=hs_language <->",
	}
	if diff := cmp.Diff(want, flows(m)); diff != "" {
		t.Error(diff)
	}
	for _, f := range m.Fields() {
		if want := f.Key == "tags=labels" || f.Key == "groups=lists"; f.Set != want {
			t.Errorf("%s: set %v", f.Key, f.Set)
		}
		if f.Entry != -1 {
			t.Errorf("%s comes from entry %d", f.Key, f.Entry)
		}
	}
}

func TestEntriesOverrideTheStarWhereverTheyStand(t *testing.T) {
	t.Parallel()
	star := mapping.Entry{All: true, LeftToRight: true}
	own := mapping.Entry{Left: "firstname", Right: "account_code", LeftToRight: true}
	computed := mapping.Entry{Right: "family", From: "lastname", LeftToRight: true}
	for _, entries := range [][]mapping.Entry{{star, own, computed}, {own, computed, star}} {
		got := map[string]bool{}
		for _, s := range flows(compile(t, input(entries...))) {
			got[s] = true
		}
		if !got["firstname=account_code ->"] || !got["=family ->"] || got["firstname=given ->"] || got["lastname=family ->"] || !got["mail=email ->"] {
			t.Errorf("got %v", got)
		}
	}
}

func TestMatchFieldsAreMappedToo(t *testing.T) {
	t.Parallel()
	in := input(mapping.Entry{Left: "lastname", Right: "family", LeftToRight: true})
	in.Match = []mapping.MatchKey{
		{Parts: []mapping.MatchPart{{Left: "email", Right: "email"}}},
		{Parts: []mapping.MatchPart{{Left: "last_name", Right: "last_name"}, {Left: "phone", Right: "phone"}}},
	}
	if diff := cmp.Diff([]string{"lastname=family ->", "mail=email ->", "phone_pro=phone ->"}, flows(compile(t, in))); diff != "" {
		t.Error(diff)
	}
}

func TestMatchDefaultsFollowTheCommonObject(t *testing.T) {
	t.Parallel()
	m := compile(t, input())
	keys := m.Keys(record.Left, record.Fields{"mail": record.Text("ANN@x.gr")})
	if diff := cmp.Diff([]mapping.Key{{Name: "email", Value: "ann@x.gr"}}, keys); diff != "" {
		t.Error(diff)
	}
	in := input()
	in.Left.Common, in.Right.Common = "company", "company"
	if _, problems := mapping.Compile(in); !hasProblem(problems, "match", "no match key", "", true) {
		t.Errorf("no warning: %v", problems)
	}
}

func TestProblemsNameThePlaceAndTheNearestWord(t *testing.T) {
	t.Parallel()
	segment := func(values map[string]string) mapping.Entry {
		e := two("array_options.options_segment", "segment")
		e.Values = values
		return e
	}
	for _, row := range []struct {
		name             string
		change           func(*mapping.Input)
		path, text, near string
		warning          bool
	}{
		{"a misspelt field", entry(two("firstnam", "given")), "fields[0].left", `contacts has no field "firstnam"`, "firstname", false},
		{"a misspelt common name", entry(two("first_nam", "given")), "fields[0].left", "has no field", "first_name", false},
		{"another case", entry(two("lastname", "FAMILY")), "fields[0].right", "has no field", "family", false},
		{"nothing like it", entry(two("xyzzy", "given")), "fields[0].left", "has no field", "", false},
		{"no name", entry(two("", "given")), "fields[0].left", "missing", "", false},
		{"our own key", entry(two("ref_ext", "given")), "fields[0].left", "own key", "", false},
		{"a read-only target", entry(two("datec", "createdate")), "fields[0].left", "read-only; set direction: left-to-right", "", false},
		{"a clash both ways", entry(two("fk_soc", "score")), "fields[0]", "cannot become", "", false},
		{"a clash one way", entry(two("credit", "account_code")), "fields[0]", "set direction: left-to-right", "", false},
		{"a list for a text", entry(two("lines", "notes")), "fields[0]", "cannot become", "", false},
		{"a set for a scalar", entry(two("tags", "segment")), "fields[0]", "cannot become", "", false},
		{"a date for a number", entry(two("birthday", "score")), "fields[0]", "cannot become", "", false},
		{"an e-mail for a phone", entry(two("mail", "phone")), "fields[0]", "cannot become", "", false},
		{"references that no sync links", func(in *mapping.Input) {
			in.Entries, in.Links = []mapping.Entry{two("fk_soc", "org_id")}, nil
		}, "fields[0]", "no sync links", "", false},
		{"a value that is none", entry(segment(map[string]string{"vipp": "vip"})), "fields[0].values", "is no value", "VIP", false},
		{"two values become one", entry(segment(map[string]string{"1": "vip", "2": "vip"})), "fields[0].values", "no way back", "", false},
		{"values of a number", entry(func() mapping.Entry {
			e := two("credit", "score")
			e.Values = map[string]string{"much": "1"}
			return e
		}()), "fields[0].values", "no number", "", false},
		{"values of a reference", entry(func() mapping.Entry {
			e := two("fk_soc", "org_id")
			e.Values = map[string]string{"1": "2"}
			return e
		}()), "fields[0].values", "no values to map", "", false},
		{"values without counterpart", entry(segment(map[string]string{"1": "vip"})), "fields[0].values", "1 values of right \"segment\" have no counterpart: lost", "", true},
		{"HTML both ways", entry(two("note_private", "notes")), "fields[0]", "formatting is lost", "", true},
		{"time of day both ways", entry(two("seen_at", "seen_on")), "fields[0]", "time of day is lost", "", true},
		{"from both sides", entry(mapping.Entry{Left: "lastname", Right: "family", From: "lastname"}), "fields[0].from", "name either", "", false},
		{"from nowhere", entry(mapping.Entry{From: "lastname"}), "fields[0].from", "name either", "", false},
		{"from with values", entry(mapping.Entry{Right: "family", From: "lastname", Values: map[string]string{"a": "b"}}), "fields[0].values", "exclude", "", false},
		{"from into a reference", entry(mapping.Entry{Right: "org_id", From: "lastname"}), "fields[0].right", "cannot be computed", "", false},
		{"from into a read-only field", entry(mapping.Entry{Left: "datec", From: "birth", RightToLeft: true}), "fields[0].left", "read-only", "", false},
		{"a misspelt name in an expression", entry(mapping.Entry{Right: "family", From: "firstname + lstname"}), "fields[0].from", "has no field", "lastname", false},
		{"two writers", func(in *mapping.Input) {
			in.Entries = []mapping.Entry{two("lastname", "family"), {Left: "firstname", Right: "family", LeftToRight: true, Index: 1}}
		}, "fields[1].right", "written by lastname=family already", "", false},
		{"a second star", func(in *mapping.Input) {
			in.Entries = []mapping.Entry{{All: true}, {All: true, Index: 1}}
		}, "fields[1]", "second time", "", false},
		{"a filter that is none", func(in *mapping.Input) { in.Where[record.Left] = "emial != ''" }, "where.left", "has no field", "email", false},
		{"a filter of the other side", func(in *mapping.Input) { in.Where[record.Right] = "mail != ''" }, "where.right", "has no field", "email", false},
		{"a match key that is none", match(mapping.MatchPart{Left: "email", Right: "e-mail"}), "match[0]", "has no field", "email", false},
		{"a match key that is a list", match(mapping.MatchPart{Left: "lines", Right: "items"}), "match[0]", "cannot be a match key", "", false},
		{"a match key without fields", match(), "match[0]", "no fields", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			in := input()
			row.change(&in)
			if _, problems := mapping.Compile(in); !hasProblem(problems, row.path, row.text, row.near, row.warning) {
				t.Errorf("got %+v", problems)
			}
		})
	}
}

func entry(e mapping.Entry) func(*mapping.Input) {
	return func(in *mapping.Input) { in.Entries = []mapping.Entry{e} }
}

func match(parts ...mapping.MatchPart) func(*mapping.Input) {
	return func(in *mapping.Input) { in.Match = []mapping.MatchKey{{Parts: parts}} }
}

func TestTwoFieldsMayFeedEachOtherInACircleOfOneWayEntries(t *testing.T) {
	t.Parallel()
	m := compile(t, input(
		mapping.Entry{Left: "firstname", Right: "notes", LeftToRight: true},
		mapping.Entry{Left: "lastname", Right: "notes", RightToLeft: true},
	))
	if diff := cmp.Diff([]string{"firstname=notes ->", "lastname=notes <-"}, flows(m)[:2]); diff != "" {
		t.Error(diff)
	}
}

func TestNeedsAreCollected(t *testing.T) {
	t.Parallel()
	in := input(
		two("fk_soc", "org_id"),
		mapping.Entry{Right: "full_name", From: "firstname + ' ' + fk_soc.name", LeftToRight: true},
	)
	in.Where[record.Right] = "f[\"segment\"] != 'lost'"
	in.Match = []mapping.MatchKey{{Parts: []mapping.MatchPart{{Left: "phone", Right: "phone"}}}}
	m := compile(t, in)
	for name, pair := range map[string][2][]string{
		"wire left":     {{"country_code", "firstname", "fk_soc", "phone_pro"}, m.Wire(record.Left)},
		"wire right":    {{"country", "full_name", "org_id", "phone", "segment"}, m.Wire(record.Right)},
		"parents left":  {{"thirdparties"}, m.Parents(record.Left)},
		"parents right": {{"orgs"}, m.Parents(record.Right)},
		"lookups left":  {{"thirdparties"}, m.Lookups(record.Left)},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFingerprintFollowsTheConfigurationOnly(t *testing.T) {
	t.Parallel()
	base := func() mapping.Input {
		in := input(two("array_options.options_segment", "segment"))
		in.Entries[0].Values = map[string]string{"1": "vip", "2": "trade"}
		return in
	}
	want := compile(t, base()).Fingerprint()
	if got := compile(t, base()).Fingerprint(); got != want || want == "" { // R19
		t.Errorf("the same configuration has two fingerprints")
	}
	more := base()
	more.Right.Fields[8].Choices = append(more.Right.Fields[8].Choices, record.Choice{Value: "new"})
	if compile(t, more).Fingerprint() != want {
		t.Error("a choice that the vendor added changes the fingerprint")
	}
	for name, change := range map[string]func(*mapping.Input){
		"where":     func(in *mapping.Input) { in.Where[record.Left] = "lastname != ''" },
		"match":     match(mapping.MatchPart{Left: "phone", Right: "phone"}),
		"values":    func(in *mapping.Input) { in.Entries[0].Values = map[string]string{"1": "trade", "2": "vip"} },
		"direction": func(in *mapping.Input) { in.Entries[0].RightToLeft = false },
		"fields":    func(in *mapping.Input) { in.Entries = append(in.Entries, two("lastname", "family")) },
		"country":   func(in *mapping.Input) { in.Country = "DE" },
		"format":    func(in *mapping.Input) { in.Left.Fields[7].Kind, in.Left.Fields[7].Choices = record.KindText, nil },
	} {
		in := base()
		change(&in)
		if compile(t, in).Fingerprint() == want {
			t.Errorf("%s does not change the fingerprint", name)
		}
	}
}
