package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/tandemhub/tandem/internal/store"
)

var (
	// ErrWrong says that a name, a password or a token is not right, and not which.
	ErrWrong = errors.New("that is not right")
	// ErrName says that nobody can have such a name.
	ErrName = errors.New("a name takes 1 to 64 letters, digits and . _ - + @")
	// ErrRole says that there is no such role.
	ErrRole = errors.New("there is no such role")
	// ErrRight says that a token cannot be given a right that its owner has not.
	ErrRight = errors.New("you cannot give a right that you have not")
)

// Options say on what accounts are kept, and how.
type Options struct {
	Store  *store.Store
	Now    func() time.Time // nil = time.Now
	Cost   Cost             // of a password's hash; zero = DefaultCost
	AtOnce int              // most hashes at the same time; 0 = 2
}

// Accounts are the people of one Tandem and their proofs. Its methods may be called from
// several goroutines.
type Accounts struct {
	store    *store.Store
	now      func() time.Time
	hasher   *hasher
	throttle *throttle

	setup struct {
		sync.Mutex

		hash string // of the one-time token; "" = there is none
	}
}

// New returns the accounts of a store.
func New(o Options) *Accounts {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Cost == (Cost{}) {
		o.Cost = DefaultCost()
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 2
	}
	return &Accounts{store: o.Store, now: o.Now, hasher: newHasher(o.Cost, o.AtOnce), throttle: newThrottle()}
}

// A Person is a user as others see one.
type Person struct {
	ID       int64
	Name     string
	Role     Role
	Password bool   // whether they can sign in by password
	Issuer   string // the identity provider they sign in by; "" = none
	Wishes   string
	Made     time.Time
	Seen     time.Time // when they last signed in; zero = never
}

func personOf(u store.User) Person {
	return Person{ID: u.ID, Name: u.Name, Role: Role(u.Role), Password: u.Password != "", Issuer: u.Issuer, Wishes: u.Wishes, Made: u.Made, Seen: u.Seen}
}

// A Principal is who a request is from. The zero value is nobody.
type Principal struct {
	Person

	Session int64   // its number; 0 = a token, or nobody
	Token   string  // its name; "" = a session, or nobody
	Rights  []Right // what they may do here and now
}

// Somebody reports whether a request is from a known person.
func (p Principal) Somebody() bool { return p.ID != 0 }

// Can reports whether a principal has a right.
func (p Principal) Can(r Right) bool { return slices.Contains(p.Rights, r) }

// From says where somebody comes from.
type From struct {
	Address string
	Agent   string
}

// fold makes names that people take for the same the same.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func checkName(name string) error {
	if name == "" || len(name) > 64 {
		return ErrName
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+@", r) {
			return ErrName
		}
	}
	return nil
}

// A NewUser is a person to be added: with a password, or invited, to sign in by the identity
// provider. Issuer and Subject say who that knows, once it is known.
type NewUser struct {
	Name     string
	Role     Role
	Password string
	Invited  bool // there is no password
	Issuer   string
	Subject  string
}

// Add adds a user.
func (a *Accounts) Add(ctx context.Context, n NewUser) (Person, error) { return a.add(ctx, n, false) }

func (a *Accounts) add(ctx context.Context, n NewUser, first bool) (Person, error) {
	u := store.User{Name: strings.TrimSpace(n.Name), Role: string(n.Role), Issuer: n.Issuer, Subject: n.Subject, Made: a.now()}
	if err := checkName(u.Name); err != nil {
		return Person{}, err
	}
	if !n.Role.Known() {
		return Person{}, ErrRole
	}
	if !n.Invited {
		if err := checkPassword(u.Name, n.Password); err != nil {
			return Person{}, err
		}
		hash, err := a.hasher.hash(ctx, n.Password)
		if err != nil {
			return Person{}, err
		}
		u.Password = hash
	}
	id, err := a.store.AddUser(ctx, u, fold(u.Name), first)
	if err != nil {
		return Person{}, err
	}
	u.ID = id
	return personOf(u), nil
}

// List returns all people by name.
func (a *Accounts) List(ctx context.Context) ([]Person, error) {
	users, err := a.store.Users(ctx)
	people := make([]Person, 0, len(users))
	for _, u := range users {
		people = append(people, personOf(u))
	}
	return people, err
}

// Named returns the person of a name, and whether there is one.
func (a *Accounts) Named(ctx context.Context, name string) (Person, bool, error) {
	u, found, err := a.store.UserNamed(ctx, fold(name))
	return personOf(u), found, err
}

// SetRole gives a person another role; it signs them out everywhere.
func (a *Accounts) SetRole(ctx context.Context, id int64, role Role) error {
	if !role.Known() {
		return ErrRole
	}
	return a.store.SetRole(ctx, id, string(role))
}

// Remove removes a person, and signs them out everywhere.
func (a *Accounts) Remove(ctx context.Context, id int64) error { return a.store.RemoveUser(ctx, id) }

// SetPassword gives a person another password, as an administrator does, and signs them out
// everywhere.
func (a *Accounts) SetPassword(ctx context.Context, id int64, password string) error {
	u, found, err := a.store.User(ctx, id)
	if err != nil {
		return err
	}
	if !found {
		return store.ErrNoUser
	}
	return a.setPassword(ctx, u, password, 0)
}

func (a *Accounts) setPassword(ctx context.Context, u store.User, password string, but int64) error {
	if err := checkPassword(u.Name, password); err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.store.SetPassword(ctx, u.ID, hash, but)
}

// SetWishes keeps a person's own preferences.
func (a *Accounts) SetWishes(ctx context.Context, id int64, wishes string) error {
	return a.store.SetWishes(ctx, id, wishes)
}

// secret returns 256 random bits as text.
func secret() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// digest is what is kept of a secret.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
