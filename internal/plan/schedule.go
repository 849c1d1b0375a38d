package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// A Schedule says when a sync runs by itself: every so often, or by a cron expression of
// five fields. The zero Schedule never runs: only by hand.
type Schedule struct {
	Every time.Duration
	Cron  string
}

// String returns the schedule as it is written in the file; "" for the zero Schedule.
func (s Schedule) String() string {
	if s.Cron != "" || s.Every == 0 {
		return s.Cron
	}
	return s.Every.String()
}

// Next returns the first time after the given one; the zero time if there is none. Cron
// fields are wall time in loc. Where clocks change, a job of fixed hours runs once on that
// day: after the gap if its time is skipped, and not again if its time is repeated. A job
// of every hour keeps its pace in real time.
func (s Schedule) Next(after time.Time, loc *time.Location) time.Time {
	if s.Every > 0 {
		return after.Add(s.Every)
	}
	spec, err := parseCron(s.Cron)
	if err != nil {
		return time.Time{}
	}
	if loc == nil {
		loc = time.UTC
	}
	return nextWall(spec, after.In(loc))
}

// everyHour are the bits of an hour field that leaves no hour out.
const everyHour = 1<<24 - 1

// horizon is as far as the search goes; the cron library looks five years ahead.
const horizon = 6 * 366 * 24 * time.Hour

// nextWall goes through the stretches of constant offset from UTC. Within one, wall time
// is as good as UTC, which is where the cron library does not stumble over clock changes.
func nextWall(spec *cron.SpecSchedule, after time.Time) time.Time {
	fixed := spec.Hour&everyHour != everyHour
	for t, from := after, wall(after); ; {
		begin, end := t.ZoneBounds()
		if had := repeatedUntil(begin); fixed && from.Before(had) {
			from = had
		}
		next := spec.Next(from)
		if next.IsZero() {
			return time.Time{}
		}
		at := next.Add(-offset(t)).In(after.Location())
		switch {
		case end.IsZero() || at.Before(end):
			return at
		case fixed && next.Before(wall(end)):
			return end // its time is within the gap
		case end.Sub(after) > horizon:
			return time.Time{}
		}
		t, from = end, wall(end).Add(-time.Nanosecond)
	}
}

// repeatedUntil returns the wall time up to which a stretch repeats the one before, and
// the zero time if it does not.
func repeatedUntil(begin time.Time) time.Time {
	if begin.IsZero() {
		return time.Time{}
	}
	back := offset(begin.Add(-time.Nanosecond)) - offset(begin)
	if back <= 0 {
		return time.Time{}
	}
	return wall(begin).Add(back - time.Nanosecond)
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// wall returns t's wall time as if it were UTC.
func wall(t time.Time) time.Time { return t.UTC().Add(offset(t)) }

// parseCron reads five fields or a word such as @daily.
func parseCron(s string) (*cron.SpecSchedule, error) {
	// The library would load the zone from the disk, and the file has one already.
	if strings.Contains(s, "TZ=") {
		return nil, errors.New(`no time zone belongs into a schedule; the file's "timezone" holds`)
	}
	if len(s) > 200 {
		return nil, errors.New("too long")
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor).Parse(s)
	if err != nil {
		return nil, fmt.Errorf("read cron expression: %w", err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("for @every write the duration alone: 15m")
	}
	spec.Location = time.UTC
	return spec, nil
}

// maxDuration keeps sums of durations far from overflow.
const maxDuration = 366 * 24 * time.Hour

// parseDuration reads durations such as 90s, 15m, 1h30m, 1d and 2w.
func parseDuration(s string) (time.Duration, bool) {
	var total time.Duration
	for rest := s; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || n > 1_000_000_000 || digits == len(rest) {
			return 0, false
		}
		var unit time.Duration
		switch rest[digits] {
		case 's':
			unit = time.Second
		case 'm':
			unit = time.Minute
		case 'h':
			unit = time.Hour
		case 'd':
			unit = 24 * time.Hour
		case 'w':
			unit = 7 * 24 * time.Hour
		default:
			return 0, false
		}
		if time.Duration(n) > maxDuration/unit {
			return 0, false
		}
		if total += time.Duration(n) * unit; total > maxDuration {
			return 0, false
		}
		rest = rest[digits+1:]
	}
	return total, s != ""
}

// duration reads how often something is done; "off" is never, which is 0.
func (r *reader) duration(n node) (time.Duration, bool) {
	s, ok := r.text(n)
	if !ok {
		return 0, false
	}
	if s == "off" {
		return 0, true
	}
	d, ok := parseDuration(s)
	if !ok || d < time.Second {
		r.fail(n.place, fmt.Sprintf("%s: %q is no duration such as 15m, 1h or 1d, at most 366d; or off", n.label(), shown(n.text)))
		return 0, false
	}
	return d, true
}

// schedule reads a cron expression or a duration.
func (r *reader) schedule(n node) (Schedule, bool) {
	s, ok := r.text(n)
	if !ok {
		return Schedule{}, false
	}
	s = strings.TrimSpace(s)
	if d, is := parseDuration(s); is && d >= time.Second {
		return Schedule{Every: d}, true
	}
	spec, err := parseCron(s)
	if err != nil {
		text := fmt.Sprintf(`schedule: %q is neither a duration such as 15m nor a cron expression such as "*/15 * * * *"`, shown(n.text))
		if len(strings.Fields(s)) == 5 || strings.HasPrefix(s, "@") || strings.Contains(s, "TZ=") {
			text += ": " + cronReason(err)
		}
		r.fail(n.place, text)
		return Schedule{}, false
	}
	if spec.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		r.fail(n.place, fmt.Sprintf("schedule: %q never comes, not in five years", shown(n.text)))
		return Schedule{}, false
	}
	return Schedule{Cron: s}, true
}

// cronReason drops the verb that the problem has said already.
func cronReason(err error) string {
	return strings.TrimPrefix(err.Error(), "read cron expression: ")
}
