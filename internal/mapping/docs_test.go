package mapping_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/record"
)

// What the guide says that expressions give is what they give.
func TestTheGuidesExpressionsGiveWhatItSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "mapping.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| write | gives |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := regexp.MustCompile("(?m)^\\| `(.+)` \\| (.+) \\|$").FindAllStringSubmatch(table, -1)
	if len(rows) < 30 || len(rows) != strings.Count(table, "\n")+1 {
		t.Fatalf("%d examples are read of\n%s", len(rows), table)
	}
	for _, row := range rows {
		v, known, err := compile(t, computed(row[1])).Own(0, record.Left, person(), someLinks())
		if err != nil || !known || v.Text() != row[2] {
			t.Errorf("%s gives %q, %v, %v; the guide says %q", row[1], v, known, err, row[2])
		}
	}
}
