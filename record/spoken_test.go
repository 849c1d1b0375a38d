package record_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/record"
)

func TestADurationIsSaidAsPeopleSayIt(t *testing.T) {
	t.Parallel()
	for want, all := range map[string][]time.Duration{
		"less than a second": {0, 400 * time.Millisecond},
		"1 second":           {500 * time.Millisecond, time.Second, -time.Second},
		"2 seconds":          {2200 * time.Millisecond},
		"90 seconds":         {90 * time.Second},
		"1 minute":           {time.Minute, 59_900 * time.Millisecond},
		"2 minutes":          {119_600 * time.Millisecond, 2 * time.Minute},
		"56 minutes":         {56*time.Minute + 28_545*time.Millisecond, -56 * time.Minute},
		"1 hour":             {time.Hour, time.Hour - 20*time.Second},
		"91 minutes":         {90*time.Minute + 30*time.Second},
		"2 hours":            {2 * time.Hour, 149 * time.Minute},
		"16 hours":           {16*time.Hour + 28*time.Minute},
		"24 hours":           {24 * time.Hour},
		"2 days":             {48 * time.Hour, 59 * time.Hour},
		"7 days":             {7 * 24 * time.Hour},
	} {
		for _, d := range all {
			if got := record.Roughly(d); got != want {
				t.Errorf("%v is %q, want %q", d, got, want)
			}
		}
	}
}

func TestNoDurationIsSaidWithAFraction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64().Draw(t, "d"))
		if got := record.Roughly(d); strings.ContainsAny(got, ".-") || strings.HasPrefix(got, "0") || strings.HasPrefix(got, "1 ") && strings.HasSuffix(got, "s") {
			t.Errorf("%v is %q", d, got)
		}
	})
}

func TestAMomentIsSaidInAZone(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 15, 4, 5, 678_000_000, time.UTC)
	if got := record.Moment(at, athens) + ", " + record.Moment(at, nil); got != "2026-11-22 17:04 EET, 2026-11-22 15:04 UTC" {
		t.Error(got)
	}
}
