package rest

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		header, date string
		want         time.Duration
		ok           bool
	}{
		{"", "", 0, false},
		{"30", "", 30 * time.Second, true},
		{" 30 ", "", 30 * time.Second, true},
		{"0", "", 0, true},
		{"1.5", "", 1500 * time.Millisecond, true},
		{"-1", "", 0, false},
		{"soon", "", 0, false},
		{"NaN", "", 0, false},
		{"Inf", "", longestRetryAfter, true},
		{"1e400", "", longestRetryAfter, true},
		{"99999999999999999999", "", longestRetryAfter, true},
		{"Sat, 21 Nov 2026 12:00:20 GMT", "", 20 * time.Second, true},
		{"Sat, 21 Nov 2026 11:59:00 GMT", "", 0, true},
		{"Saturday, 21-Nov-26 12:00:20 GMT", "", 20 * time.Second, true},
		{"Sat, 21 Nov 2099 12:00:20 GMT", "", longestRetryAfter, true},
		{"Sat, 21 Nov 2026 12:00:20 GMT", "Sat, 21 Nov 2026 12:00:15 GMT", 5 * time.Second, true},
		{"Sat, 21 Nov 2026 12:00:20 GMT", "today", 20 * time.Second, true},
	} {
		got, ok := retryAfter(http.Header{"Retry-After": {c.header}, "Date": {c.date}}, now)
		if got != c.want || ok != c.ok {
			t.Errorf("Retry-After %q at %q: %v %v, want %v %v", c.header, c.date, got, ok, c.want, c.ok)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "30", "1e309", "-0", "0x10", "Sat, 21 Nov 2026 12:00:20 GMT", "1_000", "Inf", "nan"} {
		f.Add(seed, "Sat, 21 Nov 2026 12:00:15 GMT")
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header, date string) {
		got, ok := retryAfter(http.Header{"Retry-After": {header}, "Date": {date}}, now)
		if got < 0 || got > longestRetryAfter || !ok && got != 0 {
			t.Errorf("Retry-After %q at %q: %v %v", header, date, got, ok)
		}
	})
}
