package plan

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// hidden stands where a secret was.
const hidden = "(hidden)"

// Secrets are a connection's credentials by setting name. However they are printed or
// encoded, only the names show.
type Secrets map[string]string

// String returns the names.
func (s Secrets) String() string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name+": "+hidden)
	}
	slices.Sort(names)
	return "{" + strings.Join(names, ", ") + "}"
}

// Format writes String for every verb and flag, %#v and %x included.
func (s Secrets) Format(f fmt.State, _ rune) { writeText(f, s.String()) }

// MarshalText keeps the values from encoders and structured logs.
func (s Secrets) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String returns the connection's name, system and address.
func (c Connection) String() string {
	s := c.Name + " (" + c.System
	if c.URL != "" {
		s += " at " + withoutPassword(c.URL)
	}
	return s + ")"
}

// GoString returns String: a dump must not show what a print hides.
func (c Connection) GoString() string { return c.String() }

// Format writes String for every verb and flag.
func (c Connection) Format(f fmt.State, _ rune) { writeText(f, c.String()) }

// MarshalText keeps the secrets from encoders and structured logs.
func (c Connection) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String returns the connections and syncs on one line.
func (p Plan) String() string {
	parts := make([]string, 0, len(p.Connections)+len(p.Syncs)+1)
	parts = append(parts, "database "+withoutPassword(p.Database))
	for _, c := range p.Connections {
		parts = append(parts, "connection "+c.String())
	}
	for _, s := range p.Syncs {
		parts = append(parts, fmt.Sprintf("sync %s (%s %s %s)", s.Name, s.Ends[0], s.Direction, s.Ends[1]))
	}
	return "plan: " + strings.Join(parts, ", ")
}

// GoString returns String.
func (p Plan) GoString() string { return p.String() }

// Format writes String for every verb and flag.
func (p Plan) Format(f fmt.State, _ rune) { writeText(f, p.String()) }

// MarshalText keeps the secrets from encoders and structured logs.
func (p Plan) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// writeText writes to a printer's buffer; fmt itself reports what that cannot take.
func writeText(f fmt.State, s string) { _, _ = io.WriteString(f, s) }

// withoutPassword returns an address with its password and its query hidden: databases
// take passwords in the query too.
func withoutPassword(address string) string {
	if !strings.Contains(address, "://") {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return hidden
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	if u.RawQuery != "" {
		u.RawQuery = "hidden"
	}
	return u.String()
}

// passwordOf returns the password within an address.
func passwordOf(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return "", false
	}
	password, has := u.User.Password()
	return password, has && password != ""
}

// EnvName returns the name of the environment variable that we suggest for a secret
// setting: ("erp", "api_key") gives ERP_API_KEY.
func EnvName(owner, setting string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		default:
			return '_'
		}
	}, owner+"_"+setting)
}
