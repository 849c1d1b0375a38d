package hubspottwin

import (
	"net/http"
	"strconv"
	"time"
)

// The limits of a Professional account; see
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
const (
	burstLimit  = 190
	oauthLimit  = 110 // of an app that was installed; it is told nothing of the day
	burstWindow = 10 * time.Second
	searchLimit = 5
	dailyLimit  = 650000

	// What an account without limits says of them: clients that pace themselves go by it.
	freeLimit = 1000000
)

// rates counts requests in rolling windows.
type rates struct {
	burst    []time.Time
	searches []time.Time
	day      int
	oauth    bool
}

// pass counts a request, fills the headers in, and refuses what is too much. Searches
// have a limit of their own and no headers.
func (l *rates) pass(h http.Header, now time.Time, search, free bool) *failure {
	if search {
		l.searches = recent(l.searches, now, time.Second)
		if len(l.searches) >= searchLimit && !free {
			return tooMany("SECONDLY")
		}
		l.searches = append(l.searches, now)
		return nil
	}
	most := burstLimit
	if l.oauth {
		most = oauthLimit
	}
	l.burst = recent(l.burst, now, burstWindow)
	if len(l.burst) >= most && !free {
		l.headers(h, most, 0)
		return tooMany("TEN_SECONDLY_ROLLING")
	}
	l.burst = append(l.burst, now)
	l.day++
	if free {
		l.headers(h, freeLimit, freeLimit-1)
		return nil
	}
	if l.day > dailyLimit {
		return tooMany("DAILY")
	}
	l.headers(h, most, most-len(l.burst))
	return nil
}

func (l *rates) headers(h http.Header, most, left int) {
	h.Set("X-HubSpot-RateLimit-Max", strconv.Itoa(most))
	h.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", strconv.FormatInt(burstWindow.Milliseconds(), 10))
	if l.oauth {
		return
	}
	h.Set("X-HubSpot-RateLimit-Daily", strconv.Itoa(dailyLimit))
	h.Set("X-HubSpot-RateLimit-Daily-Remaining", strconv.Itoa(max(0, dailyLimit-l.day)))
}

// recent drops what is older than the window.
func recent(at []time.Time, now time.Time, window time.Duration) []time.Time {
	i := 0
	for i < len(at) && now.Sub(at[i]) >= window {
		i++
	}
	return at[i:]
}

// tooMany is the answer to a call too many. There is no Retry-After.
func tooMany(policy string) *failure {
	message := map[string]string{
		"TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
		"SECONDLY":             "You have reached your secondly limit.",
		"DAILY":                "You have reached your daily limit.",
	}[policy]
	return &failure{code: 429, Status: "error", Message: message, ErrorType: "RATE_LIMIT", Policy: policy}
}
