package dolibarr

import (
	"encoding/json"
	"time"

	"github.com/tandemhub/tandem/record"
)

// validUntil is the wire name of the day on which a proposal's offer ends.
const validUntil = "fin_validite"

const aDay = 24 * time.Hour

// keepValidity adds the days of validity to the body of a proposal, new or as it is in row.
// It is all by which a program can say until when the offer is good. An update without
// them sets the usual number of days again, whatever a person has entered, and what the
// record shows under that name is always the usual number (both recorded).
func keepValidity(body map[string]any, row wireRow, until *record.Value, zone *time.Location) {
	from, named := noonOf(body["date"], zone)
	if !named {
		from = noon(value(record.KindDate, false, row.text("date"), zone), zone)
	}
	to := noon(value(record.KindDate, false, row.text(validUntil), zone), zone)
	if until != nil {
		to = noon(*until, zone)
	}
	if from.IsZero() || to.IsZero() {
		return
	}
	days := int64(to.Sub(from).Round(aDay) / aDay)
	body["duree_validite"] = days
	// The end is counted in hours from the midnight that the date begins with, unless the
	// date is sent: where the clocks change in between, it would be on another day.
	midnight := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, zone)
	if end := midnight.Add(time.Duration(days) * aDay); !named && end.Day() != to.Day() {
		body["date"] = from.Unix()
	}
	if days == 0 {
		body[validUntil] = to.Unix() // none means that the end is told
	}
}

// noonOf reads the date that a body holds.
func noonOf(v any, zone *time.Location) (time.Time, bool) {
	switch n := v.(type) {
	case int64:
		return time.Unix(n, 0).In(zone), true
	case json.Number:
		at, err := n.Int64()
		return time.Unix(at, 0).In(zone), err == nil
	}
	return time.Time{}, false
}

// noon returns the noon of a date; the zero time for none.
func noon(v record.Value, zone *time.Location) time.Time {
	at := v.Time()
	if at.IsZero() {
		return at
	}
	return time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, zone)
}
