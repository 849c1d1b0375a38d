package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/store"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add a person; the password is asked for, or read from standard input."`
	List     userListCmd     `cmd:"" help:"List the people."`
	Remove   userRemoveCmd   `cmd:"" help:"Remove a person, and sign them out everywhere."`
	Password userPasswordCmd `cmd:"" help:"Give a person another password, and sign them out everywhere."`
}

type userAddCmd struct {
	Name string `arg:"" help:"How the person signs in."`
	Role string `placeholder:"ROLE" default:"viewer" enum:"viewer,user,operator,admin" help:"viewer, user, operator or admin. Default: viewer."`
	OIDC bool   `name:"oidc" help:"No password: the identity provider knows the person by NAME, their e-mail address."`
}

type userListCmd struct{}

type userRemoveCmd struct {
	Name string `arg:"" help:"Whom."`
}

type userPasswordCmd struct {
	Name string `arg:"" help:"Whose."`
}

// userLine is one person in tandem user list -o json.
type userLine struct {
	User   string     `json:"user"`
	Role   string     `json:"role"`
	SignIn string     `json:"sign_in"` // "password", "none yet", or the identity provider's address
	Added  time.Time  `json:"added"`
	Seen   *time.Time `json:"seen,omitempty"`
}

func userLineOf(p account.Person) userLine {
	line := userLine{User: p.Name, Role: string(p.Role), SignIn: "none yet", Added: p.Made}
	switch {
	case p.Issuer != "":
		line.SignIn = p.Issuer
	case p.Password:
		line.SignIn = "password"
	}
	if !p.Seen.IsZero() {
		line.Seen = &p.Seen
	}
	return line
}

// withAccounts opens the accounts of the database that the configuration names.
func (a *app) withAccounts(ctx context.Context, how access, fn func(*account.Accounts, *store.Store) error) (err error) {
	o, err := a.outline(ctx)
	if err != nil {
		return err
	}
	s, err := openDatabase(ctx, o.Database, how)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	return fn(account.New(account.Options{Store: s}), s)
}

// audited writes what was done by command line into the audit.
func (a *app) audited(ctx context.Context, s *store.Store, what, target, detail string, done error) error {
	line := store.Audit{At: time.Now(), By: person(a.Env), Via: "cli", What: what, Target: target, Detail: detail, Outcome: store.AuditDone}
	if done != nil {
		line.Outcome = store.AuditRefused
	}
	_, err := s.AppendAudit(ctx, line)
	return errors.Join(userUsage(done), err)
}

// userUsage makes what a person can do about an error one of usage.
func userUsage(err error) error {
	for _, known := range []error{account.ErrName, account.ErrWeak, account.ErrRole, store.ErrTaken, store.ErrLastAdmin, store.ErrNoUser} {
		if errors.Is(err, known) {
			return &exitError{code: exitUsage, err: err}
		}
	}
	return err
}

// Run adds a person.
func (c *userAddCmd) Run(ctx context.Context, a *app) error {
	return a.withAccounts(ctx, touch, func(accounts *account.Accounts, s *store.Store) error {
		n := account.NewUser{Name: c.Name, Role: account.Role(c.Role), Invited: c.OIDC}
		if !c.OIDC {
			var err error
			if n.Password, err = a.askPassword(c.Name); err != nil {
				return err
			}
		}
		p, err := accounts.Add(ctx, n)
		if err := a.audited(ctx, s, "user.add", c.Name, c.Role, err); err != nil {
			return err
		}
		if a.json {
			return a.line(userLineOf(p))
		}
		return a.print(fmt.Sprintf("added %s, %s\n", p.Name, p.Role))
	})
}

// Run lists the people.
func (c *userListCmd) Run(ctx context.Context, a *app) error {
	return a.withAccounts(ctx, look, func(accounts *account.Accounts, _ *store.Store) error {
		people, err := accounts.List(ctx)
		if err != nil {
			return err
		}
		var t table
		t.add("USER", "ROLE", "SIGNS IN BY", "LAST")
		for _, p := range people {
			line := userLineOf(p)
			if a.json {
				if err := a.line(line); err != nil {
					return err
				}
				continue
			}
			last := "never"
			if line.Seen != nil {
				last = stamp(*line.Seen, nil)
			}
			t.add(line.User, line.Role, line.SignIn, last)
		}
		switch {
		case a.json:
			return nil
		case len(people) == 0:
			return a.print("there is nobody yet; tandem user add NAME --role admin adds the first\n")
		default:
			return a.print(t.text(""))
		}
	})
}

// find returns the person of a name.
func find(ctx context.Context, accounts *account.Accounts, name string) (account.Person, error) {
	p, found, err := accounts.Named(ctx, name)
	if err != nil || found {
		return p, err
	}
	people, err := accounts.List(ctx)
	if err != nil {
		return p, err
	}
	names := make([]string, 0, len(people))
	for _, p := range people {
		names = append(names, p.Name)
	}
	return p, unknown("user", name, names)
}

// Run removes a person.
func (c *userRemoveCmd) Run(ctx context.Context, a *app) error {
	return a.withAccounts(ctx, touch, func(accounts *account.Accounts, s *store.Store) error {
		p, err := find(ctx, accounts, c.Name)
		if err != nil {
			return err
		}
		if err := a.audited(ctx, s, "user.remove", p.Name, "", accounts.Remove(ctx, p.ID)); err != nil {
			return err
		}
		if a.json {
			return a.line(userLineOf(p))
		}
		return a.print("removed " + p.Name + "\n")
	})
}

// Run gives a person another password. It is the way back in for who has forgotten theirs.
func (c *userPasswordCmd) Run(ctx context.Context, a *app) error {
	return a.withAccounts(ctx, touch, func(accounts *account.Accounts, s *store.Store) error {
		p, err := find(ctx, accounts, c.Name)
		if err != nil {
			return err
		}
		password, err := a.askPassword(p.Name)
		if err != nil {
			return err
		}
		if err := a.audited(ctx, s, "user.password", p.Name, "", accounts.SetPassword(ctx, p.ID, password)); err != nil {
			return err
		}
		if a.json {
			return a.line(userLineOf(p))
		}
		return a.print("changed the password of " + p.Name + "\n")
	})
}

// askPassword asks a person twice without showing what is typed, or reads the first line of
// standard input. It never stands on the command line, where others could read it.
func (a *app) askPassword(name string) (string, error) {
	f, terminal := a.In.(*os.File)
	if !terminal || !isTerminal(a.In) {
		b, err := io.ReadAll(io.LimitReader(a.In, 64<<10))
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		return strings.TrimSuffix(line, "\r"), nil
	}
	var typed [2]string
	for i, prompt := range []string{"Password of " + name + " (not shown): ", "The same again: "} {
		fmt.Fprint(a.Err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.Err)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", usage("the two passwords are not the same")
	}
	return typed[0], nil
}
