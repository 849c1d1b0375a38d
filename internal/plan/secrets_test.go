package plan

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connector"
)

// TestNothingThatPrintsAPlanShowsASecret is invariant 9.
func TestNothingThatPrintsAPlanShowsASecret(t *testing.T) {
	t.Parallel()
	p := parse(t, `
version: 1
database: postgres://tandem:${PASSWORD}@db.example.com/tandem
connections:
  crm:
    system: hubspot
    access_token: ${HUBSPOT_TOKEN}
    proxy: http://me:${PASSWORD}@proxy.example.com:3128
syncs:
  contacts: { left: crm.contacts, right: crm.leads }
`)
	c := p.Connections[0]
	for _, v := range []any{p, *p, c, &c, c.Secrets, []Connection{c}, map[string]*Plan{"a": p}, struct{ C Connection }{c}, p.Syncs, c.Settings} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "% x"} {
			text := fmt.Sprintf(verb, v)
			checkQuiet(t, text)
			for _, secret := range []string{crmToken, password} { // as %x, %X and "% x" would have it
				if strings.Contains(strings.ToLower(strings.ReplaceAll(text, " ", "")), hex.EncodeToString([]byte(secret))) {
					t.Errorf("%s of %T shows %s", verb, v, secret)
				}
			}
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
		}
		checkQuiet(t, string(b))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		checkQuiet(t, log.String())
	}
	if p.Connections[0].Secrets["access_token"] != crmToken {
		t.Error("the secret must still be there for who signs")
	}
	for _, part := range []string{"crm (hubspot)", "contacts", "db.example.com"} {
		if !strings.Contains(p.String(), part) {
			t.Errorf("%q does not say %q", p, part)
		}
	}
}

// TestNoProblemShowsASecretWhateverIsMistyped breaks a good file in random places.
func TestNoProblemShowsASecretWhateverIsMistyped(t *testing.T) {
	t.Parallel()
	good := `version: 1
database: postgres://tandem:${PASSWORD}@db.example.com/tandem
connections:
  crm:
    system: hubspot
    access_token: "${HUBSPOT_TOKEN}"
    proxy: http://me:${PASSWORD}@proxy.example.com:3128
  erp: { system: dolibarr, url: "https://${HOST}/x", api_key: "${DOLIBARR_API_KEY}", timezone: "${SYSTEM}" }
syncs:
  contacts: { left: "${CONNECTION}.contacts", right: "crm.${SYSTEM}", prefer: "${SYSTEM}", where: { left: "a == '${SYSTEM}'" } }
`
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(good)
		for range rapid.IntRange(0, 4).Draw(t, "slips") {
			i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "slip") {
			case 0:
				b = append(b[:i:i], b[i+1:]...)
			case 1:
				b[i] = rapid.SampledFrom([]byte(" :\n\t{}[]\"'$#-*&!x")).Draw(t, "instead")
			default:
				b = append(b[:i:i], append([]byte{rapid.SampledFrom([]byte(" :\n\t{}[]\"'$#-*&!x")).Draw(t, "added")}, b[i:]...)...)
			}
		}
		_, problems := Parse("tandem.yaml", b, testEnv, testSpecs())
		text := problems.Error() + fmt.Sprintf("%#v %+v", problems, problems)
		for _, secret := range []string{erpKey, crmToken, password} {
			if strings.Contains(text, secret) {
				t.Fatalf("shows %s:\n%s", secret, text)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte(contacts + "    match: [email, [a, { left: b, right: c }]]\n    schedule: \"*/15 * * * *\"\n    guard: { delete: 10% }\n"))
	f.Add([]byte(contacts + "    fields:\n      - \"*\"\n      - { right: b, from: \"a + 'x'\" }\n      - { left: a, right: b, values: { \"1\": x } }\n"))
	f.Add([]byte("a: &x [1]\nb: *x\n<<: {c: !!str d}\n? e\n: f\n--- |\n  g\n"))
	f.Add([]byte(strings.Repeat("[{", 30)))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, problems := Parse("tandem.yaml", src, testEnv, testSpecs())
		if (p == nil) != problems.HasErrors() {
			t.Fatalf("plan %v goes with %v", p, problems)
		}
		if len(problems) > maxProblems+1 {
			t.Fatalf("%d problems", len(problems))
		}
		for i, x := range problems {
			if x.Line < 0 || x.Text == "" || strings.Contains(x.String(), "\n") {
				t.Fatalf("problem %d: %q", i, x)
			}
			if i > 0 && x.Line < problems[i-1].Line {
				t.Fatalf("not in file order:\n%v", problems)
			}
			for _, secret := range []string{erpKey, crmToken} {
				if strings.Contains(x.String(), secret) {
					t.Fatalf("shows a secret: %q", x)
				}
			}
		}
		if p != nil {
			_ = p.String()
		}
	})
}

func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"15m", "*/15 * * * *", "@daily", "TZ=", "CRON_TZ=x", "1-5/2 0 1 jan mon-fri", "* * * * ?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := &reader{file: "x"}
		got, ok := r.schedule(node{place: place{1, 1}, shape: shapeScalar, text: s, path: "syncs.a.schedule"})
		if ok != (len(r.problems) == 0) || ok && got == (Schedule{}) {
			t.Fatalf("%q: %+v, %v", s, got, r.problems)
		}
	})
}

func FuzzFilters(f *testing.F) {
	f.Add("a == 1 and b in ['x']", "not (a == 2)")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > maxExpression || len(b) > maxExpression {
			t.Skip()
		}
		if filters(a, b) != filters(b, a) {
			t.Fatalf("%q and %q depend on their order", a, b)
		}
	})
}

// TestHugeAndDeepFilesEndSoon: the bounds before the YAML parser hold what it would choke on.
func TestHugeAndDeepFilesEndSoon(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"bytes": strings.Repeat("# x\n", maxBytes/4+1), "lines": strings.Repeat("a: 1\n", maxLines+1), "many keys": strings.Repeat("a: 1\n", maxLines-1),
		"brackets": strings.Repeat("[", 50_000), "brackets on lines": strings.Repeat("[\n", 9_000), "maps": strings.Repeat("{a: ", 10_000),
		"dashes": strings.Repeat("- ", 30_000), "closed and open": strings.Repeat("][", 30_000), "question marks": strings.Repeat("? ", 30_000),
		"anchors": strings.Repeat("&a ", 20_000), "tags": strings.Repeat("!a ", 20_000), "colons": strings.Repeat("a: ", 20_000), "pipes": strings.Repeat("|\n", 9_000),
		"documents": strings.Repeat("---\n", 9_000), "long line": "a: " + strings.Repeat("x", 70_000), "expression": contacts + "    where: { left: \"" + strings.Repeat("(", 60_000) + "\" }\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p, problems := Parse("tandem.yaml", []byte(src), nil, testSpecs()); p != nil || !problems.HasErrors() {
				t.Errorf("it was accepted: %v", problems)
			}
		})
	}
}

func TestWithoutAnEnvironmentEveryVariableIsUnset(t *testing.T) {
	t.Parallel()
	_, problems := Parse("tandem.yaml", []byte(head), nil, []connector.Spec{testSpecs()[0], testSpecs()[1]})
	if len(problems) != 2 {
		t.Error(problems)
	}
}
