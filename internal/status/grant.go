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

// Pressing reports whether a person should act: something is wrong, or the grant ends soon.
func (l *Grant) Pressing(now time.Time) bool {
	return l != nil && (l.Problem != "" || !l.EndsSoon(now).IsZero())
}

// EndsSoon returns since when a grant that still works is about to end: a week before, or when the
// last third of its time begins. The zero time if it is not.
func (l *Grant) EndsSoon(now time.Time) time.Time {
	if l == nil || !l.Authorized || l.Ends == nil {
		return time.Time{}
	}
	since := l.Ends.Add(-min(soon, l.Ends.Sub(l.used)/3))
	if now.Before(since) || !now.Before(*l.Ends) {
		return time.Time{}
	}
	return since
}

// GrantOf puts a standing into the words of a status.
func GrantOf(s grant.Standing) *Grant {
	line := &Grant{Authorized: s.Authorized, Problem: s.Problem, used: s.Used}
	if !s.Ends.IsZero() {
		line.Ends = &s.Ends
	}
	return line
}
