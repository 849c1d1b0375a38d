package plan

import (
	"strings"
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Retention{
		"":                             {Runs: 90 * day, Reviews: 90 * day, Reserve: 16 << 20},
		"retention: { journal: 400d }": {Journal: 400 * day, Runs: 90 * day, Reviews: 90 * day, Reserve: 16 << 20},
		"retention: { runs: forever, reviews: 7d, reserve: off }": {Reviews: 7 * day},
		"retention: { size: 2GiB, reserve: 64 MB }":               {Runs: 90 * day, Reviews: 90 * day, Size: 2 << 30, Reserve: 64e6},
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
	for _, text := range []string{"2", "-2GiB", "2gib", "1MiB", "9999999999999TiB", "1.5GiB", "GiB"} {
		_, problems := Parse("tandem.yaml", []byte("version: 1\nconnections: {}\nretention: { size: "+text+" }"), nil, nil)
		if !problems.HasErrors() || !strings.Contains(problems.Error(), "512MiB") {
			t.Errorf("%s: %v", text, problems)
		}
	}
	if LeastKept < 7*24*time.Hour {
		t.Error("guards look back a day, and people longer")
	}
}
