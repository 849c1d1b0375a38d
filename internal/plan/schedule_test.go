package plan

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t interface {
	Helper()
	Fatal(args ...any)
}, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{
		"15m": 15 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour, "2w": 14 * 24 * time.Hour, "1h30m": 90 * time.Minute, "90s": 90 * time.Second, "366d": maxDuration,
	} {
		if got, ok := parseDuration(s); !ok || got != want {
			t.Errorf("%s: got %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "15", "m", "15 m", "-1m", "1.5h", "15min", "9999999999999999999s", "367d", "200d200d", "1000000000d", "1m "} {
		if got, ok := parseDuration(s); ok {
			t.Errorf("%q is no duration, got %v", s, got)
		}
	}
}

// TestNextAcrossClockChanges: Athens goes from 03:00 to 04:00 on 29 March 2026 and back
// from 04:00 to 03:00 on 25 October.
func TestNextAcrossClockChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cron, zone, after string
		want              []string
	}{
		"nightly in winter":         {"30 3 * * *", "Europe/Athens", "2026-01-01T00:00:00+02:00", []string{"2026-01-01T03:30:00+02:00", "2026-01-02T03:30:00+02:00"}},
		"its hour is skipped":       {"30 3 * * *", "Europe/Athens", "2026-03-28T12:00:00+02:00", []string{"2026-03-29T04:00:00+03:00", "2026-03-30T03:30:00+03:00"}},
		"several within the gap":    {"0,30 3 * * *", "Europe/Athens", "2026-03-28T12:00:00+02:00", []string{"2026-03-29T04:00:00+03:00", "2026-03-30T03:00:00+03:00"}},
		"its hour comes twice":      {"30 3 * * *", "Europe/Athens", "2026-10-24T12:00:00+03:00", []string{"2026-10-25T03:30:00+03:00", "2026-10-26T03:30:00+02:00"}},
		"between the two hours":     {"30 3 * * *", "Europe/Athens", "2026-10-25T03:15:00+02:00", []string{"2026-10-26T03:30:00+02:00"}},
		"quarters go on in the gap": {"*/15 * * * *", "Europe/Athens", "2026-03-29T02:40:00+02:00", []string{"2026-03-29T02:45:00+02:00", "2026-03-29T04:00:00+03:00", "2026-03-29T04:15:00+03:00"}},
		"quarters go on in the repeated hour": {
			"*/15 * * * *", "Europe/Athens", "2026-10-25T03:30:00+03:00",
			[]string{"2026-10-25T03:45:00+03:00", "2026-10-25T03:00:00+02:00", "2026-10-25T03:15:00+02:00"},
		},
		"midnight that does not exist": {"0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00", []string{"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		"half an hour of change":       {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		"Mondays":                      {"0 6 * * mon", "Europe/Athens", "2026-11-21T12:00:00+02:00", []string{"2026-11-23T06:00:00+02:00", "2026-11-30T06:00:00+02:00"}},
		"leap day":                     {"0 0 29 2 *", "UTC", "2026-11-21T12:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		"daily":                        {"@daily", "UTC", "2026-11-21T12:00:00Z", []string{"2026-11-22T00:00:00Z"}},
		"exactly now is over":          {"0 12 * * *", "UTC", "2026-11-21T12:00:00Z", []string{"2026-11-22T12:00:00Z"}},
		"a moment before":              {"0 12 * * *", "UTC", "2026-11-21T11:59:59.999999999Z", []string{"2026-11-21T12:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, c.after)
			if err != nil {
				t.Fatal(err)
			}
			s := Schedule{Cron: c.cron}
			for _, want := range c.want {
				at = s.Next(at, zone(t, c.zone))
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
			}
		})
	}
}

func TestNextOfOtherSchedules(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if got := (Schedule{Every: 15 * time.Minute}).Next(now, nil); !got.Equal(now.Add(15 * time.Minute)) {
		t.Errorf("every 15 minutes: %v", got)
	}
	for _, s := range []Schedule{{}, {Cron: "nonsense"}, {Cron: "0 0 30 2 *"}} {
		if got := s.Next(now, nil); !got.IsZero() {
			t.Errorf("%+v: got %v, want never", s, got)
		}
	}
	if got := (Schedule{Cron: "0 13 * * *"}).Next(now, nil); !got.Equal(now.Add(time.Hour)) {
		t.Errorf("without a zone it is UTC: got %v", got)
	}
}

// TestNextMovesOn: the next time is later, is at a time that the expression names (but
// after a gap), and a daily job comes once on every day, whatever the zone does.
func TestNextMovesOn(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{zone(t, "Europe/Athens"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), zone(t, "Africa/Casablanca"), zone(t, "Asia/Kathmandu"), time.UTC}
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		hour := rapid.IntRange(0, 23).Draw(t, "hour")
		minute := rapid.IntRange(0, 59).Draw(t, "minute")
		s := Schedule{Cron: itoa(minute) + " " + itoa(hour) + " * * *"}
		at := time.Unix(rapid.Int64Range(1_600_000_000, 1_900_000_000).Draw(t, "after"), 0)
		at = s.Next(at, loc)
		for range 400 {
			next := s.Next(at, loc)
			if gap := next.Sub(at); gap < 22*time.Hour || gap > 26*time.Hour {
				t.Fatalf("%s in %v: from %v to %v", s.Cron, loc, at, next)
			}
			y, m, d := at.Date()
			if ny, nm, nd := next.Date(); !time.Date(ny, nm, nd, 0, 0, 0, 0, time.UTC).Equal(time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)) {
				t.Fatalf("%s in %v: from %v to %v is not the next day", s.Cron, loc, at, next)
			}
			at = next
		}
	})
}

func itoa(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
