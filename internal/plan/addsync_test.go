package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func aNewSync() NewSync {
	return NewSync{
		Name: "people", Ends: [2]Endpoint{{"left", "contacts"}, {"right", "contacts"}}, Direction: "both", Prefer: "ask", Delete: "archive", Schedule: "15m",
		Match: [][2]string{{"email", "email"}, {"a:b", "$c"}}, Fields: []NewField{{Left: "name", Right: "name"}, {Left: "x", Right: "y z", Direction: "left-to-right"}},
	}
}

const newSyncYAML = `  people:
    left: left.contacts
    right: right.contacts
    direction: both
    prefer: ask
    delete: archive
    schedule: 15m
    match:
      - email
      - { left: "a:b", right: "$$c" }
    fields:
      - name
      - { left: x, right: "y z", direction: left-to-right }
`

// A sync is added, and nothing else of the document moves.
func TestASyncIsAddedAndEverythingElseStays(t *testing.T) {
	t.Parallel()
	in := func(indent int) string {
		return strings.ReplaceAll("\n"+strings.TrimSuffix(newSyncYAML, "\n"), "\n", "\n"+strings.Repeat(" ", indent-2))[1:] + "\n"
	}
	for _, x := range []struct{ what, before, want string }{
		{"no syncs", "version: 1 # one\n", "version: 1 # one\nsyncs:\n" + newSyncYAML},
		{"no line break at the end", "version: 1", "version: 1\nsyncs:\n" + newSyncYAML},
		{"empty", "version: 1\nsyncs: # none yet\nverify: 7d\n", "version: 1\nsyncs: # none yet\n" + newSyncYAML + "verify: 7d\n"},
		{"none, in braces", "version: 1\nsyncs: { } # none yet\nverify: 7d\n", "version: 1\nsyncs: # none yet\n" + newSyncYAML + "verify: 7d\n"},
		{"last", "version: 1\nsyncs:\n  a: # first\n    left: l.x\n    # within\n  # b: later\n\n# the end\n",
			"version: 1\nsyncs:\n  a: # first\n    left: l.x\n    # within\n  # b: later\n" + newSyncYAML + "\n# the end\n"},
		{"in the middle, windows", "syncs:\r\n    a:\r\n        left: l.x\r\n\r\n# of version\r\nversion: 1\r\n", strings.ReplaceAll("syncs:\n    a:\n        left: l.x\n"+in(4)+"\n# of version\nversion: 1\n", "\n", "\r\n")},
		{"with a byte order mark", "\ufeffversion: 1\r\n", "\ufeff" + strings.ReplaceAll("version: 1\nsyncs:\n"+newSyncYAML, "\n", "\r\n")},
	} {
		got, err := AddSync([]byte(x.before), aNewSync())
		if err != nil {
			t.Fatalf("%s: %v", x.what, err)
		}
		if diff := cmp.Diff(x.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.what, diff)
		}
	}
	for _, bad := range []string{"syncs: {\n}\n", "syncs: { a: { left: b.c } }\n", "syncs: [", "", "syncs: text\n"} {
		if got, err := AddSync([]byte(bad), aNewSync()); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// What is written is read as what was meant, whatever the names are.
func FuzzNewSync(f *testing.F) {
	f.Add("email", "e-mail: {x}", "15m")
	f.Add("null", "$a ${B}", "*/5 * * * *")
	f.Fuzz(func(t *testing.T, left, right, schedule string) {
		if strings.TrimSpace(left) == "" || strings.TrimSpace(right) == "" || strings.Map(visible, left+right+schedule) != left+right+schedule {
			return
		}
		n := NewSync{Name: "people", Ends: [2]Endpoint{{"a", "b"}, {"c", "d"}}, Direction: "both", Fields: []NewField{{Left: left, Right: right, Direction: "both"}}, Schedule: schedule}
		src, err := AddSync([]byte("version: 1\n"), n)
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		r := &reader{env: func(string) (string, bool) { return "", false }}
		root, ok := r.document(src)
		if !ok {
			t.Fatalf("%q: %v", src, r.finish())
		}
		syncs, _ := root.get("syncs")
		people, _ := syncs.get("people")
		fields, _ := people.get("fields")
		if len(fields.items) != 1 {
			t.Fatalf("%q", src)
		}
		for name, want := range map[string]string{"left": left, "right": right} {
			got, _ := fields.items[0].get(name)
			if s, ok := r.text(got); !ok || s != want {
				t.Errorf("%s: %q is read as %q from\n%s", name, want, s, src)
			}
		}
	})
}
