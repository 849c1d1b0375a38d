package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandemhub/tandem/internal/store"
)

// ErrStranger says that an identity provider knows somebody who is given no account here.
var ErrStranger = errors.New("the identity provider knows you, and you have no account here")

// An Outsider is who an identity provider says somebody is.
type Outsider struct {
	Issuer  string
	Subject string
	Name    string // to be known by here
	Proven  bool   // the name is an address that the provider has verified to be theirs
	Role    Role   // what the provider's groups make of them; "" = nothing
	Mapped  bool   // groups decide about roles: who has none in any of them may not come in
}

// SignInOutsider opens a session for who an identity provider vouches for. Somebody new gets
// an account if a group gives them a role. An account that was made here for them is taken up
// by its name if that is proven and nobody has given it a password: a provider's user can
// choose a name, and is not to become somebody else by that.
func (a *Accounts) SignInOutsider(ctx context.Context, o Outsider, from From) (Entry, error) {
	if o.Subject == "" || o.Issuer == "" || o.Mapped && o.Role == "" {
		return Entry{}, ErrStranger
	}
	u, known, err := a.store.UserOf(ctx, o.Issuer, o.Subject)
	if err == nil && !known {
		u, err = a.takeUp(ctx, o)
	}
	if err != nil {
		return Entry{}, err
	}
	if o.Mapped && Role(u.Role) != o.Role {
		if err := a.SetRole(ctx, u.ID, o.Role); err != nil {
			return Entry{}, err
		}
		u.Role = string(o.Role)
	}
	return a.enter(ctx, u, from)
}

func (a *Accounts) takeUp(ctx context.Context, o Outsider) (store.User, error) {
	u, found, err := a.store.UserNamed(ctx, fold(o.Name))
	switch {
	case err != nil:
		return u, err
	case found && o.Proven && u.Password == "" && u.Subject == "":
		return u, a.store.SetSubject(ctx, u.ID, o.Issuer, o.Subject)
	case found:
		return u, fmt.Errorf("%w: the name %s is somebody else's", ErrStranger, u.Name)
	case o.Role == "":
		return u, ErrStranger
	}
	p, err := a.Add(ctx, NewUser{Name: o.Name, Role: o.Role, Invited: true, Issuer: o.Issuer, Subject: o.Subject})
	if err != nil {
		return u, err
	}
	u, _, err = a.store.User(ctx, p.ID)
	return u, err
}
