package record

import (
	"fmt"
	"time"
)

// Roughly writes how long something takes as people say it: "56 minutes", "1 hour", "3 days". What
// is less than a second is "less than a second"; whether a time is over or to come is the caller's
// to say.
func Roughly(d time.Duration) string {
	d = d.Abs()
	switch s := in(d, time.Second, time.Second); {
	case d.Round(time.Minute) >= 48*time.Hour:
		return fmt.Sprintf("%d days", in(d, time.Hour, 24*time.Hour))
	case d.Round(time.Minute) == time.Hour:
		return "1 hour"
	case d.Round(time.Minute) >= 2*time.Hour:
		return fmt.Sprintf("%d hours", in(d, time.Minute, time.Hour))
	case s == 60:
		return "1 minute"
	case s >= 120:
		return fmt.Sprintf("%d minutes", in(d, time.Second, time.Minute))
	case s > 1:
		return fmt.Sprintf("%d seconds", s)
	case s == 1:
		return "1 second"
	default:
		return "less than a second"
	}
}

// in is how many units a duration has, rounded as it is in the unit below: 59.9 seconds are a minute.
func in(d, below, unit time.Duration) int { return int(d.Round(below).Round(unit) / unit) }

// Moment writes a time as people say it, to the minute and with its zone; UTC if there is none.
func Moment(t time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04 MST")
}
