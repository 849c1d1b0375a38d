package pipedrivetwin

import (
	"net/http"
	"strconv"
	"time"
)

// The limits of the smallest plan; see
// https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting
const (
	burstWindow = 2 * time.Second
	burstLimit  = 20
	appLimit    = 80
	searchLimit = 10
	patience    = 30 // calls after the day is spent before the gateway shuts the caller out
)

// rates count calls in rolling windows, and tokens by the day.
type rates struct {
	calls    []time.Time
	searches []time.Time
	budget   int
	used     int
	day      string
	ignored  int
}

// turn begins a new day.
func (l *rates) turn(now time.Time) {
	if day := now.UTC().Format(time.DateOnly); day != l.day {
		l.day, l.used, l.ignored = day, 0, 0
	}
}

// pass counts a call and fills the headers in; what it returns refuses it.
func (l *rates) pass(h http.Header, clock time.Time, cost int, app, search, free bool) (int, any) {
	l.turn(clock)
	now := time.Now() // a clock that is set has no part in how fast calls come
	most := burstLimit
	if app {
		most = appLimit
	}
	l.calls, l.searches = recent(l.calls, now), recent(l.searches, now)
	if free {
		l.used += cost
		return 0, nil
	}
	if l.used+cost > l.budget {
		l.headers(h, most, most-len(l.calls), l.budget-l.used)
		if l.ignored++; l.ignored > patience {
			return 403, page("<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head><body>Sorry, you have been blocked</body></html>")
		}
		return 429, tooMany()
	}
	if len(l.calls) >= most || search && len(l.searches) >= searchLimit {
		l.headers(h, most, 0, l.budget-l.used)
		return 429, tooMany()
	}
	l.calls = append(l.calls, now)
	if search {
		l.searches = append(l.searches, now)
	}
	l.used += cost
	l.headers(h, most, most-len(l.calls), l.budget-l.used)
	return 0, nil
}

func (l *rates) headers(h http.Header, most, left, day int) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(most))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, left)))
	h.Set("X-Ratelimit-Reset", "2")
	h.Set("X-Daily-Ratelimit-Token-Limit", strconv.Itoa(l.budget))
	h.Set("X-Daily-Ratelimit-Token-Remaining", strconv.Itoa(max(0, day)))
}

// recent drops what is older than the window.
func recent(at []time.Time, now time.Time) []time.Time {
	i := 0
	for i < len(at) && now.Sub(at[i]) >= burstWindow {
		i++
	}
	return at[i:]
}

// tooMany is the answer to a call too many; how it looks is not documented.
func tooMany() *failure {
	return &failure{status: 429, Error: "request over limit", ErrorCode: 429, Info: "Please check developers.pipedrive.com"}
}
