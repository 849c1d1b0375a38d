// Package account says who may use Tandem, and how they prove it: people with a role and a
// password, their sessions, tokens for programs, and the set-up of the first person. It knows
// nothing of HTTP; the console and the command line ask it.
//
// Secrets are never kept: of a password its argon2id hash, of a session, a token and the
// set-up a SHA-256 hash, which is enough for 256 random bits. Whoever may not come in is told
// neither whether there is such a person nor what was wrong.
package account

import "slices"

// A Right is one thing that somebody may do. The names stand in tokens and in the console's
// table of routes, so they are never changed.
type Right string

// The rights.
const (
	See       Right = "see"       // look at everything but secrets, people and the audit
	Decide    Right = "decide"    // answer what waits for a person
	Run       Right = "run"       // run, pause and cancel syncs
	Revert    Right = "revert"    // take changes back
	Configure Right = "configure" // change connections, syncs and settings
	Secrets   Right = "secrets"   // set and remove secrets; nobody can see one
	People    Right = "people"    // people, their roles, and the audit
	// Own is a person's own account: password, sessions, tokens. No token has it, so that who
	// has found one cannot make another or keep the person out.
	Own Right = "own"
)

// Rights returns all rights, the weakest first.
func Rights() []Right { return []Right{Own, See, Decide, Run, Revert, Configure, Secrets, People} }

// A Role is a set of rights with a name. Each role has all rights of the weaker ones.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"
	User     Role = "user"
	Operator Role = "operator"
	Admin    Role = "admin"
)

// Roles returns all roles, the weakest first.
func Roles() []Role { return []Role{Viewer, User, Operator, Admin} }

// Rights returns what a role may do; nothing for a role that does not exist. Configuring is an
// administrator's: who can point a connection elsewhere can have its secret sent there.
func (r Role) Rights() []Right {
	switch r {
	case Viewer:
		return []Right{Own, See}
	case User:
		return []Right{Own, See, Decide}
	case Operator:
		return []Right{Own, See, Decide, Run, Revert}
	case Admin:
		return Rights()
	default:
		return nil
	}
}

// Has reports whether a role has a right.
func (r Role) Has(right Right) bool { return slices.Contains(r.Rights(), right) }

// Known reports whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Above reports whether a role is the stronger one.
func (r Role) Above(other Role) bool { return slices.Index(Roles(), r) > slices.Index(Roles(), other) }

// TokenRights returns the rights that a token can be given, the weakest first.
func TokenRights() []Right {
	return slices.DeleteFunc(Rights(), func(r Right) bool { return r == Own })
}
