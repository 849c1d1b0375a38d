package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// RunName is how a run is called by people: "r12".
func RunName(id int64) string { return fmt.Sprintf("r%d", id) }

// ParseRun reads a run as people call it.
func ParseRun(name string) (int64, bool) {
	digits, is := strings.CutPrefix(name, "r")
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, is && err == nil && id > 0 && RunName(id) == name
}

// ParseRecord reads a record as people call it: "erp.contacts/12".
func ParseRecord(name string) (of store.Object, id string, ok bool) {
	object, id, isRecord := strings.Cut(name, "/")
	of.Connection, of.Name, ok = strings.Cut(object, ".")
	return of, id, ok && isRecord && id != "" && of.Connection != "" && of.Name != ""
}

// ParseSince reads a moment, or how long ago one was: "2h", "3d", "2026-11-21". The zero time is
// that of no text.
func ParseSince(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2h, 3d, 2026-11-21 or '2026-11-21 14:30'", text)
}
