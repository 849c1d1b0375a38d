package console

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// Pages are served, not assembled in the browser: all scripts together stay small.
func TestScriptsAreSmall(t *testing.T) {
	t.Parallel()
	f, err := newFiles()
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for name, b := range f.bytes {
		if path.Ext(name) == ".js" {
			bytes += len(b)
		}
	}
	if bytes == 0 || bytes >= 60_000 {
		t.Errorf("%d bytes of script; less than 60 kB is promised", bytes)
	}
}

func TestPagesAreWhatPeopleLookAt(t *testing.T) {
	t.Parallel()
	public := map[string]bool{}
	for _, p := range Pages() {
		public[p.Pattern] = p.Public
	}
	for pattern, want := range map[string]bool{"/login": true, "/{$}": false, "/account": false} {
		if got, has := public[pattern]; !has || got != want {
			t.Errorf("%s: listed %t, public %t", pattern, has, got)
		}
	}
	for _, pattern := range []string{"/logout", "/api/v1/me", "/static/{hash}/{file...}", "/login/oidc"} {
		if _, has := public[pattern]; has {
			t.Errorf("%s is no page", pattern)
		}
	}
}

// A page looks as its classes say: the style sheet knows each of them, and says nothing of a class
// under two names.
func TestTheStyleSheetHasEveryClassOnce(t *testing.T) {
	t.Parallel()
	f, err := newFiles()
	if err != nil {
		t.Fatal(err)
	}
	sheet := string(f.bytes["console.css"])
	known, said := map[string]bool{}, map[string]string{}
	for _, m := range regexp.MustCompile(`\.([a-z][a-z0-9-]*)`).FindAllStringSubmatch(sheet, -1) {
		known[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^\.([a-z0-9-]+) (\{[^}]*\})$`).FindAllStringSubmatch(sheet, -1) {
		if before := said[m[2]]; before != "" {
			t.Errorf("%s and %s are the same", before, m[1])
		}
		said[m[2]] = m[1]
	}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil || len(names) == 0 || len(said) == 0 {
		t.Fatal(err, len(names), len(said))
	}
	for _, name := range names {
		b, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`class="([a-z0-9 -]*[a-z0-9])[" ]`).FindAllStringSubmatch(string(b), -1) {
			for class := range strings.FieldsSeq(m[1]) {
				if !known[class] {
					t.Errorf("%s has the class %s, which the style sheet does not know", name, class)
				}
			}
		}
	}
}
