package plan

import (
	"strings"
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Retention{
		"":                             {Runs: 90 * day, Reviews: 90 * day},
		"retention: { journal: 400d }": {Journal: 400 * day, Runs: 90 * day, Reviews: 90 * day},
		"retention: { runs: forever, reviews: 7d }": {Reviews: 7 * day},
	} {
		p, problems := Parse("tandem.yaml", []byte("version: 1\nconnections: {}\n"+text), nil, nil)
		if problems.HasErrors() || p.Retention != want {
			t.Errorf("%s: %v, %+v", text, problems, p)
		}
	}
	for _, text := range []string{"1d", "90", "12h", "-9d", "99999999d", "never"} {
		_, problems := Parse("tandem.yaml", []byte("version: 1\nconnections: {}\nretention: { runs: "+text+" }"), nil, nil)
		if !problems.HasErrors() || !strings.Contains(problems.Error(), "tandem.yaml:3") {
			t.Errorf("%s: %v", text, problems)
		}
	}
	if leastKept < 7*24*time.Hour {
		t.Error("guards look back a day, and people longer")
	}
}
