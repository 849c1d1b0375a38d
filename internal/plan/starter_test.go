package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

func commonObjects(names map[string]string, order ...string) []record.Object {
	var objects []record.Object
	for _, common := range order {
		objects = append(objects, record.Object{Name: names[common], Common: common, Create: true, Update: true})
	}
	return objects
}

// parseStarter parses a starter's file with exactly the variables that it asks for.
func parseStarter(in StarterInput) (*Plan, Problems) {
	set := map[string]bool{}
	for _, v := range StarterVariables(in) {
		set[v.Name] = true
	}
	env := func(name string) (string, bool) { return "value-of-" + name, set[name] }
	return Parse("tandem.yaml", Starter(in), env, []connector.Spec{in.Ends[0].Spec, in.Ends[1].Spec})
}

func TestStarterOfTwoSystems(t *testing.T) {
	t.Parallel()
	specs := testSpecs()
	in := StarterInput{Timezone: "Europe/Athens", Country: "GR", Ends: [2]StarterEnd{
		{Name: "erp", Spec: specs[1], URL: "https://erp.acme.example/api/index.php", Objects: commonObjects(map[string]string{"contact": "contacts", "company": "thirdparties", "user": "users", "product": "products"}, "contact", "user", "company", "product")},
		{Name: "crm", Spec: specs[0], Objects: commonObjects(map[string]string{"contact": "contacts", "company": "companies", "user": "owners", "deal": "deals"}, "company", "contact", "user", "deal")},
	}}
	p, problems := parseStarter(in)
	if len(problems) > 0 {
		t.Fatalf("%v\n%s", problems, Starter(in))
	}
	var got []string
	for _, s := range p.Syncs {
		if s.Direction != merge.LeftToRight || s.Fields != nil {
			t.Errorf("sync %s begins with %s", s.Name, s.Direction)
		}
		got = append(got, s.Name+" "+s.Ends[0].String()+" "+s.Ends[1].String())
	}
	want := []string{"companies erp.thirdparties crm.companies", "contacts erp.contacts crm.contacts"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("syncs, parents first (-want +got):\n%s", diff)
	}
	if p.Connections[0].URL != in.Ends[0].URL || p.Timezone.String() != "Europe/Athens" || p.Country != "GR" {
		t.Errorf("answers are lost: %v", p)
	}
	text := string(Starter(in))
	for _, part := range []string{"User card > API key", "Service keys", "${DOLIBARR_API_KEY}", "direction: both", "tandem plan", "# entity:"} {
		if !strings.Contains(text, part) {
			t.Errorf("the file does not tell %q:\n%s", part, text)
		}
	}
	if err := newSchema(t, specs).checkFile(t, Starter(in)); err != nil {
		t.Errorf("its own schema refuses it: %v", err)
	}
}

func TestStarterOfEveryPairParses(t *testing.T) {
	t.Parallel()
	objects := commonObjects(map[string]string{"contact": "contacts", "company": "companies"}, "contact", "company")
	for _, a := range testSpecs() {
		for _, b := range testSpecs() {
			for _, known := range [][]record.Object{nil, objects} {
				in := StarterInput{Ends: [2]StarterEnd{{Spec: a, Objects: known}, {Spec: b, Objects: known}}}
				p, problems := parseStarter(in)
				if len(problems) > 0 {
					t.Errorf("%s with %s: %v\n%s", a.Name, b.Name, problems, Starter(in))
					continue
				}
				if len(p.Connections) != 2 || len(p.Syncs) != len(known) {
					t.Errorf("%s with %s: %v", a.Name, b.Name, p)
				}
				if vs := StarterVariables(in); len(vs) != 2 || vs[0].Name == vs[1].Name {
					t.Errorf("%s with %s: variables %+v", a.Name, b.Name, vs)
				}
			}
		}
	}
}

func TestStarterTurnsRoundWhereTheRightTakesNoWrites(t *testing.T) {
	t.Parallel()
	in := StarterInput{}
	for i, s := range testSpecs()[:2] {
		in.Ends[i] = StarterEnd{Spec: s, Objects: []record.Object{{Name: "contacts", Common: "contact", Create: i == 0}, {Name: "companies", Common: "company"}}}
	}
	p, problems := parseStarter(in)
	if len(problems) > 0 || len(p.Syncs) != 1 || p.Syncs[0].Direction != merge.RightToLeft {
		t.Errorf("%v\n%s", problems, Starter(in))
	}
}

// TestStarterOfAnySpecParses: whatever help, defaults and answers hold.
func TestStarterOfAnySpecParses(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[a-z][a-z0-9_]{0,12}`)
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a: b", "# x", "${X}", "$$", "null", "~", "yes", "- a", "a\nb", "\"", "'", "*", "1e3", "---"}))
	setting := rapid.Custom(func(t *rapid.T) connector.Setting {
		s := connector.Setting{Name: name.Draw(t, "setting"), Label: text.Draw(t, "label"), Help: text.Draw(t, "help"), Required: rapid.Bool().Draw(t, "required"), Secret: rapid.Bool().Draw(t, "secret")}
		if rapid.Bool().Draw(t, "default") {
			s.Default = text.Draw(t, "default text")
		}
		return s
	})
	end := rapid.Custom(func(t *rapid.T) StarterEnd {
		spec := connector.Spec{
			Name: name.Draw(t, "system"), Title: text.Draw(t, "title"), Notes: rapid.SliceOfN(text, 0, 2).Draw(t, "notes"),
			Settings: rapid.SliceOfNDistinct(setting, 0, 4, func(s connector.Setting) string { return EnvName("", s.Name) }).Draw(t, "settings"),
		}
		if len(spec.Settings) > 0 && rapid.Bool().Draw(t, "auth") {
			spec.Auth = []connector.Auth{{Setting: spec.Settings[0].Name, Help: text.Draw(t, "auth help")}}
		}
		answers := connector.Settings{}
		for _, s := range spec.Settings {
			answers[s.Name] = text.Draw(t, "answer")
		}
		return StarterEnd{Name: text.Draw(t, "connection"), Spec: spec, Settings: answers}
	})
	rapid.Check(t, func(t *rapid.T) {
		in := StarterInput{Ends: [2]StarterEnd{end.Draw(t, "left"), end.Draw(t, "right")}}
		if in.Ends[0].Spec.Name == in.Ends[1].Spec.Name {
			in.Ends[1].Spec = in.Ends[0].Spec
		}
		reserved := keyNames(reservedKeys())
		for _, e := range in.Ends {
			for _, s := range e.Spec.Settings {
				for _, r := range reserved {
					if s.Name == r || isAuth(e.Spec, r) {
						t.Skip("a system has no settings of reserved names")
					}
				}
			}
		}
		if _, problems := parseStarter(in); problems.HasErrors() {
			t.Fatalf("%v\n%s", problems, Starter(in))
		}
	})
}
