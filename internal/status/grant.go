package status

import (
	"time"

	"github.com/tandemhub/tandem/rest/grant"
)

// A Grant is what a person granted, in tandem status -o json.
type Grant struct {
	Authorized bool       `json:"authorized"`
	Ends       *time.Time `json:"ends,omitempty"` // unless it is used or renewed before
	Problem    string     `json:"problem,omitempty"`

	used time.Time
}

// soon is how long ahead the end of a grant is told, at most.
const soon = 7 * 24 * time.Hour

// Pressing reports whether a person should act: something is wrong, or the last third of a
// grant's time has begun that is used seldom or never.
func (l *Grant) Pressing(now time.Time) bool {
	switch {
	case l == nil:
		return false
	case l.Problem != "":
		return true
	}
	return l.Ends != nil && l.Ends.Sub(now) < min(soon, l.Ends.Sub(l.used)/3)
}

// GrantOf puts a standing into the words of a status.
func GrantOf(s grant.Standing) *Grant {
	line := &Grant{Authorized: s.Authorized, Problem: s.Problem, used: s.Used}
	if !s.Ends.IsZero() {
		line.Ends = &s.Ends
	}
	return line
}
