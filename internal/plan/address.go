package plan

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// address reads a web address of one of the schemes. Passwords are allowed only where
// there is no other place for them, and then only from the environment.
func (r *reader) address(n node, password bool, schemes ...string) (*url.URL, bool) {
	s, ok := r.addressText(n, password)
	if !ok {
		return nil, false
	}
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
		r.fail(n.place, fmt.Sprintf("%s is no address such as %s://host.example.com", n.label(), schemes[len(schemes)-1]))
		return nil, false
	}
	if u.User != nil && !password {
		r.fail(n.place, n.label()+" must hold no user name and no password; they are settings of their own")
		return nil, false
	}
	if u.RawQuery != "" || u.Fragment != "" {
		r.fail(n.place, n.label()+` must end with its path, without "?" and "#"`)
		return nil, false
	}
	return u, r.passwordFromEnv(n, s)
}

// addressText reads an address, whose password may come from the vault.
func (r *reader) addressText(n node, password bool) (string, bool) {
	if !password {
		return r.text(n)
	}
	return r.textOf(n, true)
}

// passwordFromEnv refuses a password that is written in the file, and remembers one that
// came from the environment.
func (r *reader) passwordFromEnv(n node, expanded string) bool {
	password, has := passwordOf(expanded)
	if !has {
		return true
	}
	if _, rest, is := strings.Cut(n.text, "://"); is {
		user := rest[:max(0, strings.LastIndexByte(rest, '@'))]
		if _, written, is := strings.Cut(user, ":"); is && !isVariable(written) {
			r.fail(n.place, fmt.Sprintf("the password within %s must not stand in the file: write ${NAME} in its place, and set that in the environment or in the file .env beside this file", n.label()))
			return false
		}
	}
	r.secrets = append(r.secrets, password)
	return true
}

// webAddress reads an http or https address and cuts the slash at its end.
func (r *reader) webAddress(n node, into *string) {
	if u, ok := r.address(n, false, "http", "https"); ok {
		*into = strings.TrimRight(u.String(), "/")
	}
}

// insecure reports whether requests to the address can be read on their way.
func insecure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// database reads where everything is kept.
func (r *reader) database(n node) (string, bool) {
	s, ok := r.text(n)
	if !ok {
		return "", false
	}
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case "sqlite":
		if rest == "" || strings.HasPrefix(rest, "//") {
			r.fail(n.place, "database: after sqlite: comes the path of a file, as in sqlite:tandem.db")
			return "", false
		}
		if rest == ":memory:" {
			return s, true
		}
		return "sqlite:" + r.beside(rest), true
	case "postgres", "postgresql":
		u, err := url.Parse(s)
		if err != nil || u.Host == "" && u.Path == "" {
			r.fail(n.place, "database is no address such as postgres://user:${PASSWORD}@host/name (odd characters of the password as %XX)")
			return "", false
		}
		if u.Query().Has("password") {
			r.fail(n.place, "database: the password belongs before the host, as in postgres://user:${PASSWORD}@host/name")
			return "", false
		}
		return s, r.passwordFromEnv(n, s)
	default:
		r.fail(n.place, "database must begin with sqlite:, as in sqlite:tandem.db")
		return "", false
	}
}

// beside makes a path relative to the file's folder.
func (r *reader) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file), path)
}

// pemFile reads the path of a certificate's file.
func (r *reader) pemFile(n node, into *string) {
	s, ok := r.text(n)
	if !ok {
		return
	}
	if strings.Contains(s, "-----BEGIN") || strings.TrimSpace(s) == "" || strings.Contains(s, "\n") {
		r.fail(n.place, n.label()+" must be the path of a PEM file")
		return
	}
	*into = r.beside(s)
}

// keyFile reads the path of the key's file.
func (r *reader) keyFile(n node, into *string) {
	s, ok := r.text(n)
	switch {
	case !ok:
	case strings.TrimSpace(s) == "" || strings.HasSuffix(s, "/") || strings.HasSuffix(s, "="):
		r.fail(n.place, "key_file must be the path of a file, such as tandem.key")
	default:
		*into = r.beside(s)
	}
}

// zone reads an IANA time zone. "Local" is refused: the same file must mean the same on
// every machine.
func (r *reader) zone(n node) (*time.Location, bool) {
	s, ok := r.text(n)
	if !ok {
		return nil, false
	}
	loc, err := time.LoadLocation(s)
	if err != nil || s == "Local" || s == "" {
		r.fail(n.place, fmt.Sprintf("timezone: %q is no IANA time zone such as Europe/Athens or UTC", shown(n.text)))
		return nil, false
	}
	return loc, true
}

// country reads an ISO code of two letters.
func (r *reader) country(n node) (string, bool) {
	s, ok := r.text(n)
	if !ok {
		return "", false
	}
	code, near := countryCode(s)
	if code == "" {
		r.near(n.place, fmt.Sprintf("country: %q is no ISO country code of two letters such as GR", shown(n.text)), near)
		return "", false
	}
	return code, true
}
