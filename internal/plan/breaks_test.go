package plan

import (
	"strings"
	"testing"
)

// An edit is of a few lines: the breaks of all of them stay as they were.
func TestAnEditedDocumentKeepsItsLineBreaks(t *testing.T) {
	t.Parallel()
	windows := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	before := editedYAML + "connections:\n  erp:\n    system: toy\n  crm:\n    system: toy\n"
	src := "\ufeff" + windows(before)
	edits := map[string]func(src string) ([]byte, error){
		"a sync is edited": func(src string) ([]byte, error) {
			w, err := WrittenSyncOf([]byte(src), "people")
			if err != nil {
				return nil, err
			}
			w.Prefer, w.Direction = "right", "left-to-right"
			return EditSync([]byte(src), "people", w)
		},
		"a sync is added":       func(src string) ([]byte, error) { return AddSync([]byte(src), aNewSync()) },
		"a connection is added": func(src string) ([]byte, error) { return AddConnection([]byte(src), "extra:\n  system: toy\n") },
		"a connection goes":     func(src string) ([]byte, error) { return RemoveConnection([]byte(src), "erp") },
	}
	for name, edit := range edits {
		unix, err := edit(before)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := edit(src)
		if err != nil || string(unix) == before || string(got) != "\ufeff"+windows(string(unix)) {
			t.Errorf("%s: %v\n%q", name, err, got)
		}
	}
}

func TestBreaksAreThoseOfMostLines(t *testing.T) {
	t.Parallel()
	for was, want := range map[string]string{
		"": "a\nb\n", "x": "a\nb\n", "x\ny\r\n": "a\nb\n", "x\r\ny\r\nz\n": "a\r\nb\r\n", "\ufeffx\n": "\ufeffa\nb\n",
	} {
		for _, text := range []string{"a\nb\n", "a\r\nb\r\n", "\ufeffa\r\nb\n"} {
			if got := WithBreaksOf(was, text); got != want {
				t.Errorf("%q after %q became %q, not %q", text, was, got, want)
			}
		}
	}
}
