package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

func TestTableAlignsSeveralScripts(t *testing.T) {
	t.Parallel()
	tab := table{right: map[int]bool{2: true}}
	tab.add("NAME", "CITY", "N")
	tab.add("Ελένη", "Αθήνα", "1")
	tab.add("สมชาย ใจดี", "กรุงเทพฯ", "12")
	tab.add("山田太郎", "東京", "123")
	tab.add("Zoë", "Köln", "4,812")
	got := tab.text("  ")
	if columns("สมชาย ใจดี") != 9 {
		t.Errorf("the Thai name takes %d columns: its vowel signs take none", columns("สมชาย ใจดี"))
	}
	var ends []int
	for line := range strings.SplitSeq(strings.TrimSuffix(got, "\n"), "\n") {
		ends = append(ends, columns(line))
	}
	for _, end := range ends {
		if end != ends[0] {
			t.Fatalf("lines end in columns %v\n%s", ends, got)
		}
	}
}

func TestCountHasCommas(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 4812: "4,812", 1234567: "1,234,567", -4812: "-4,812"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestVendorTextCannotDriveTheTerminal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := oneLine(rapid.String().Draw(t, "text"))
		for _, r := range s {
			if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("%q holds %U", s, r)
			}
		}
	})
	if got := oneLine("a\x1b[31mb\r\nc\u202ed"); got != "a\uFFFD[31mb⏎c\uFFFDd" {
		t.Errorf("got %q", got)
	}
}

func TestShownSaysWhatIsEmpty(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		v    record.Value
		most int
		want string
	}{
		{record.Value{}, 10, "(empty)"},
		{record.Text("Αθήνα"), 10, "Αθήνα"},
		{record.Text("line\nbreak"), 20, "line⏎break"},
		{record.Text("abcdefghijkl"), 6, "abcde…"},
		{record.Texts("a", "b"), 10, "a, b"},
	} {
		if got := shown(tc.v, tc.most); got != tc.want {
			t.Errorf("shown(%v, %d) = %q, want %q", tc.v, tc.most, got, tc.want)
		}
	}
}

func TestTookIsShort(t *testing.T) {
	t.Parallel()
	got := []string{took(12 * time.Millisecond), took(2345 * time.Millisecond), took(125*time.Second + 400*time.Millisecond)}
	if diff := cmp.Diff([]string{"12ms", "2.3s", "2m5s"}, got); diff != "" {
		t.Error(diff)
	}
}
