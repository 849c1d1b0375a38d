package account

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandemhub/tandem/internal/store"
)

const (
	// SessionIdle is how long a session lives that nobody uses.
	SessionIdle = 12 * time.Hour
	// SessionEnd is how long any session lives.
	SessionEnd = 7 * 24 * time.Hour
	// touchEvery is how exactly the last use is known: each request would be a write.
	touchEvery = time.Minute
)

// An Entry is a session that has begun. Its secret is the browser's, and nobody else's.
type Entry struct {
	Principal

	Secret string
	Until  time.Time // when it ends, however much it is used
}

// SignIn opens a session for who knows the password, or returns ErrWrong or a *WaitError. Each
// call makes a new session: what the browser held before is worth nothing afterwards.
func (a *Accounts) SignIn(ctx context.Context, name, password string, from From) (Entry, error) {
	if err := a.throttle.allow(name, from.Address, a.now()); err != nil {
		return Entry{}, err
	}
	u, found, err := a.store.UserNamed(ctx, fold(name))
	if err != nil {
		return Entry{}, err
	}
	right, weaker, err := a.hasher.check(ctx, u.Password, password)
	switch {
	case err != nil:
		return Entry{}, err
	case !found || !right:
		return Entry{}, ErrWrong
	}
	a.throttle.succeeded(name, from.Address, a.now())
	if weaker {
		if err := a.rehash(ctx, u, password); err != nil {
			return Entry{}, err
		}
	}
	return a.enter(ctx, u, from)
}

func (a *Accounts) rehash(ctx context.Context, u store.User, password string) error {
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.store.Rehash(ctx, u.ID, u.Password, hash)
}

func (a *Accounts) enter(ctx context.Context, u store.User, from From) (Entry, error) {
	word, err := secret()
	if err != nil {
		return Entry{}, err
	}
	now := a.now()
	x := store.Session{User: u.ID, Hash: digest(word), Made: now, Seen: now, Address: from.Address, Agent: cut(from.Agent, 200)}
	if x.ID, err = a.store.OpenSession(ctx, x, now.Add(-SessionEnd), now.Add(-SessionIdle)); err != nil {
		return Entry{}, err
	}
	return Entry{Principal: inSession(u, x), Secret: word, Until: now.Add(SessionEnd)}, nil
}

func inSession(u store.User, x store.Session) Principal {
	return Principal{Person: personOf(u), Session: x.ID, Rights: Role(u.Role).Rights()}
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	s = s[:most]
	for !utf8.ValidString(s) && s != "" {
		s = s[:len(s)-1]
	}
	return s
}

// Session returns who a session's secret belongs to; nobody if it has ended or there is none. The
// session is used by that.
func (a *Accounts) Session(ctx context.Context, word string) (Principal, error) {
	return a.session(ctx, word, true)
}

// Glance is [Accounts.Session] for what a browser asks by itself: it is no use of the session, which
// ends as if nobody had asked.
func (a *Accounts) Glance(ctx context.Context, word string) (Principal, error) {
	return a.session(ctx, word, false)
}

func (a *Accounts) session(ctx context.Context, word string, use bool) (Principal, error) {
	if word == "" {
		return Principal{}, nil
	}
	x, u, found, err := a.store.SessionOf(ctx, digest(word))
	now := a.now()
	if err != nil || !found || !alive(x, now) {
		return Principal{}, err
	}
	if use && now.Sub(x.Seen) >= touchEvery {
		if err := a.store.TouchSession(ctx, x.ID, now); err != nil {
			return Principal{}, err
		}
	}
	return inSession(u, x), nil
}

func alive(x store.Session, now time.Time) bool {
	return now.Sub(x.Made) < SessionEnd && now.Sub(x.Seen) < SessionIdle
}

// Sessions returns the living sessions of a person, the one used last first. They have no
// hashes.
func (a *Accounts) Sessions(ctx context.Context, user int64) ([]store.Session, error) {
	all, err := a.store.Sessions(ctx, user)
	living := all[:0]
	for _, x := range all {
		if alive(x, a.now()) {
			x.Hash = ""
			living = append(living, x)
		}
	}
	return living, err
}

// SignOut ends one session of a person and reports whether there was one.
func (a *Accounts) SignOut(ctx context.Context, user, session int64) (bool, error) {
	return a.store.EndSession(ctx, user, session)
}

// SignOutOthers ends all sessions of a person but one.
func (a *Accounts) SignOutOthers(ctx context.Context, user, but int64) error {
	return a.store.EndSessions(ctx, user, but)
}

// ChangePassword gives a person who knows the present one another password. It ends all other
// sessions, and returns the secret that the present one has from now on. ErrWrong if the
// present password is not right.
func (a *Accounts) ChangePassword(ctx context.Context, p Principal, present, next string, from From) (string, error) {
	if err := a.throttle.allow(p.Name, from.Address, a.now()); err != nil {
		return "", err
	}
	u, found, err := a.store.User(ctx, p.ID)
	if err != nil {
		return "", err
	}
	right, _, err := a.hasher.check(ctx, u.Password, present)
	switch {
	case err != nil:
		return "", err
	case !found || !right:
		return "", ErrWrong
	}
	a.throttle.succeeded(p.Name, from.Address, a.now())
	if err := a.setPassword(ctx, u, next, p.Session); err != nil {
		return "", err
	}
	word, err := secret()
	if err != nil {
		return "", err
	}
	return word, a.store.RotateSession(ctx, p.Session, digest(word))
}

// NeedsSetup reports whether there is no user yet.
func (a *Accounts) NeedsSetup(ctx context.Context) (bool, error) {
	users, err := a.store.Users(ctx)
	return len(users) == 0, err
}

// OfferSetup makes the one-time token by which the first user is set up, and returns it for
// whoever can see the terminal. It ends with the process, or when it is used.
func (a *Accounts) OfferSetup() (string, error) {
	word, err := secret()
	if err != nil {
		return "", err
	}
	a.setup.Lock()
	defer a.setup.Unlock()
	a.setup.hash = digest(word)
	return word, nil
}

// SetUp adds the first user, an administrator, for who brings the one-time token, and signs
// them in. ErrWrong if the token is not right; store.ErrNotFirst if somebody was first.
func (a *Accounts) SetUp(ctx context.Context, token, name, password string, from From) (Entry, error) {
	if err := a.throttle.allow("", from.Address, a.now()); err != nil {
		return Entry{}, err
	}
	if !a.offered(token) {
		return Entry{}, ErrWrong
	}
	a.throttle.succeeded("", from.Address, a.now())
	p, err := a.add(ctx, NewUser{Name: name, Role: Admin, Password: password}, true)
	if err != nil {
		return Entry{}, err
	}
	a.setup.Lock()
	a.setup.hash = ""
	a.setup.Unlock()
	u, found, err := a.store.User(ctx, p.ID)
	if err == nil && !found {
		err = store.ErrNoUser
	}
	if err != nil {
		return Entry{}, fmt.Errorf("sign the first user in: %w", err)
	}
	return a.enter(ctx, u, from)
}

// offered reports whether this is the one-time token.
func (a *Accounts) offered(token string) bool {
	a.setup.Lock()
	defer a.setup.Unlock()
	return a.setup.hash != "" && subtle.ConstantTimeCompare([]byte(a.setup.hash), []byte(digest(strings.TrimSpace(token)))) == 1
}
