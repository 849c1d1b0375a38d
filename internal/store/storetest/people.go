package storetest

import (
	"errors"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

func peopleCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"names of people are taken once, whatever their case":      namesTaken,
		"only one person is the first":                             onlyOneFirst,
		"an administrator is left":                                 adminLeft,
		"a change of rights or password ends sessions":             sessionsEnd,
		"sessions and tokens are found by their hash only":         proofs,
		"who is removed leaves neither session nor token":          removedUser,
		"a hash is renewed unless the password has changed":        rehash,
		"an identity provider's subject is one person":             subjects,
		"the audit tells what was begun, and how it ended once":    audits,
		"what is paused stays so as it was until it is resumed":    pauses,
		"of what was told the last word about each state is kept":  notices,
		"a restore ends sessions, some of which had ended since":   restoreSignsOut,
		"a session that opens removes those that have ended":       endedSessions,
		"a person's preferences are kept, and nobody else's moved": preferences,
	}
}

func (b *bench) user(name, role string) int64 {
	b.Helper()
	id, err := b.s.AddUser(b.ctx, store.User{Name: name, Role: role, Password: "hash of " + name, Made: at(0)}, name, false)
	b.ok(err)
	return id
}

func (b *bench) opened(user int64, hash string) int64 {
	b.Helper()
	id, err := b.s.OpenSession(b.ctx, store.Session{User: user, Hash: hash, Made: at(1), Seen: at(1), Address: "::1", Agent: "browser"}, at(0), at(0))
	b.ok(err)
	return id
}

// fails wants one of the store's errors.
func (b *bench) fails(what string, want, got error) {
	b.Helper()
	if !errors.Is(got, want) {
		b.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func namesTaken(b *bench) {
	id := b.user("ann", "viewer")
	_, err := b.s.AddUser(b.ctx, store.User{Name: "Ann", Role: "admin"}, "ann", false)
	b.fails("the same name", store.ErrTaken, err)
	u, found, err := b.s.UserNamed(b.ctx, "ann")
	b.ok(err)
	b.same("user", store.User{ID: id, Name: "ann", Role: "viewer", Password: "hash of ann", Made: at(0)}, u)
	b.same("found", true, found)
	_, found, err = b.s.UserNamed(b.ctx, "bob")
	b.ok(err)
	b.same("nobody", false, found)
}

func onlyOneFirst(b *bench) {
	_, err := b.s.AddUser(b.ctx, store.User{Name: "ann", Role: "admin"}, "ann", true)
	b.ok(err)
	_, err = b.s.AddUser(b.ctx, store.User{Name: "bob", Role: "admin"}, "bob", true)
	b.fails("a second first one", store.ErrNotFirst, err)
	all, err := b.s.Users(b.ctx)
	b.ok(err)
	b.same("users", 1, len(all))
}

func adminLeft(b *bench) {
	ann := b.user("ann", store.AdminRole)
	bob := b.user("bob", "viewer")
	b.fails("demote", store.ErrLastAdmin, b.s.SetRole(b.ctx, ann, "user"))
	b.fails("remove", store.ErrLastAdmin, b.s.RemoveUser(b.ctx, ann))
	b.ok(b.s.SetRole(b.ctx, ann, store.AdminRole))
	b.ok(b.s.SetRole(b.ctx, bob, store.AdminRole))
	b.ok(b.s.SetRole(b.ctx, ann, "user"))
	b.fails("remove the other", store.ErrLastAdmin, b.s.RemoveUser(b.ctx, bob))
	b.ok(b.s.RemoveUser(b.ctx, ann))
	b.fails("nobody", store.ErrNoUser, b.s.SetRole(b.ctx, ann, "user"))
}

func sessionsEnd(b *bench) {
	b.user("root", store.AdminRole)
	ann, bob := b.user("ann", "user"), b.user("bob", "user")
	b.opened(ann, "one")
	two := b.opened(ann, "two")
	b.opened(bob, "three")
	b.ok(b.s.SetPassword(b.ctx, ann, "another", two))
	b.same("ann's", []int64{two}, b.sessions(ann))
	b.same("bob's", 1, len(b.sessions(bob)))
	b.ok(b.s.SetRole(b.ctx, ann, "viewer"))
	b.same("after another role", 0, len(b.sessions(ann)))
	one := b.opened(ann, "four")
	b.opened(ann, "five")
	b.ok(b.s.EndSessions(b.ctx, ann, one))
	b.same("others", []int64{one}, b.sessions(ann))
	had, err := b.s.EndSession(b.ctx, bob, one)
	b.ok(err)
	b.same("of somebody else", false, had)
	had, err = b.s.EndSession(b.ctx, ann, one)
	b.ok(err)
	b.same("of one's own", true, had)
}

func (b *bench) sessions(user int64) []int64 {
	b.Helper()
	all, err := b.s.Sessions(b.ctx, user)
	b.ok(err)
	var ids []int64
	for _, x := range all {
		ids = append(ids, x.ID)
	}
	return ids
}

func proofs(b *bench) {
	ann := b.user("ann", "user")
	id := b.opened(ann, "one")
	b.ok(b.s.TouchSession(b.ctx, id, at(9)))
	x, u, found, err := b.s.SessionOf(b.ctx, "one")
	b.ok(err)
	b.same("session", store.Session{ID: id, User: ann, Hash: "one", Made: at(1), Seen: at(9), Address: "::1", Agent: "browser"}, x)
	b.same("who, and when they signed in", []any{ann, at(1), true}, []any{u.ID, u.Seen, found})
	b.ok(b.s.RotateSession(b.ctx, id, "two"))
	_, _, found, err = b.s.SessionOf(b.ctx, "one")
	b.ok(err)
	b.same("the former secret", false, found)
	token := store.Token{User: ann, Name: "ci", Hash: "t", Rights: "see run", Made: at(2), Expires: at(5)}
	token.ID, err = b.s.AddToken(b.ctx, token)
	b.ok(err)
	b.ok(b.s.TouchToken(b.ctx, token.ID, at(3)))
	token.Used = at(3)
	got, u, found, err := b.s.TokenOf(b.ctx, "t")
	b.ok(err)
	b.same("token", token, got)
	b.same("whose", []any{ann, true}, []any{u.ID, found})
	_, _, found, err = b.s.TokenOf(b.ctx, "two")
	b.ok(err)
	b.same("a session's hash is no token's", false, found)
	had, err := b.s.RemoveToken(b.ctx, ann+1, token.ID)
	b.ok(err)
	b.same("somebody else's", false, had)
}

func removedUser(b *bench) {
	b.user("root", store.AdminRole)
	ann := b.user("ann", "user")
	b.opened(ann, "one")
	_, err := b.s.AddToken(b.ctx, store.Token{User: ann, Name: "ci", Hash: "t", Made: at(2)})
	b.ok(err)
	b.ok(b.s.RemoveUser(b.ctx, ann))
	_, _, found, err := b.s.SessionOf(b.ctx, "one")
	b.ok(err)
	b.same("session", false, found)
	tokens, err := b.s.Tokens(b.ctx, ann)
	b.ok(err)
	b.same("tokens", 0, len(tokens))
	_, err = b.s.OpenSession(b.ctx, store.Session{User: ann, Hash: "late", Made: at(3), Seen: at(3)}, time.Time{}, time.Time{})
	b.fails("who signs in while being removed", store.ErrNoUser, err)
}

func rehash(b *bench) {
	ann := b.user("ann", "user")
	b.ok(b.s.Rehash(b.ctx, ann, "hash of ann", "stronger"))
	b.ok(b.s.Rehash(b.ctx, ann, "hash of ann", "late"))
	u, _, err := b.s.User(b.ctx, ann)
	b.ok(err)
	b.same("hash", "stronger", u.Password)
}

func subjects(b *bench) {
	ann := b.user("ann", "user")
	b.user("bob", "user") // two without a subject
	_, found, err := b.s.UserOf(b.ctx, "", "")
	b.ok(err)
	b.same("no subject", false, found)
	b.ok(b.s.SetSubject(b.ctx, ann, "https://id.example", "7"))
	u, found, err := b.s.UserOf(b.ctx, "https://id.example", "7")
	b.ok(err)
	b.same("subject", []any{ann, true}, []any{u.ID, found})
	_, found, err = b.s.UserOf(b.ctx, "https://other.example", "7")
	b.ok(err)
	b.same("of another provider", false, found)
	_, err = b.s.AddUser(b.ctx, store.User{Name: "eve", Role: "user", Issuer: "https://id.example", Subject: "7"}, "eve", false)
	b.fails("a second one of that subject", store.ErrTaken, err)
}

func audits(b *bench) {
	for i, by := range []string{"ann", "bob", "ann"} {
		id, err := b.s.AppendAudit(b.ctx, store.Audit{At: at(i), By: by, Via: "console", Address: "::1", What: "user.add"})
		b.ok(err)
		if i == 2 {
			b.ok(b.s.EndAudit(b.ctx, id, "eve", "viewer", store.AuditDone))
			b.ok(b.s.EndAudit(b.ctx, id, "mallory", "", store.AuditFailed))
		}
	}
	all, err := b.s.Audits(b.ctx, store.AuditQuery{By: "ann", Limit: 5})
	b.ok(err)
	want := []store.Audit{
		{ID: all[0].ID, At: at(2), By: "ann", Via: "console", Address: "::1", What: "user.add", Target: "eve", Detail: "viewer", Outcome: store.AuditDone},
		{ID: all[1].ID, At: at(0), By: "ann", Via: "console", Address: "::1", What: "user.add"},
	}
	b.same("audit", want, all)
	older, err := b.s.Audits(b.ctx, store.AuditQuery{Before: all[0].ID, Limit: 1})
	b.ok(err)
	b.same("the page before", "bob", older[0].By)
	for _, x := range []struct {
		keep store.Ages
		want int
	}{{store.Ages{}, 3}, {store.Ages{Journal: at(1)}, 2}, {store.Ages{Journal: at(9)}, 0}} {
		_, err := b.s.Prune(b.ctx, x.keep, 100)
		b.ok(err)
		left, err := b.s.Audits(b.ctx, store.AuditQuery{})
		b.ok(err)
		b.same("kept as long as the journal", x.want, len(left))
	}
	none, err := b.s.Audits(b.ctx, store.AuditQuery{What: "sign.in"})
	b.ok(err)
	b.same("of another kind", 0, len(none))
}

func pauses(b *bench) {
	b.ok(b.s.PauseSync(b.ctx, store.Pause{Sync: "contacts", By: "ann", At: at(1)}))
	b.ok(b.s.PauseSync(b.ctx, store.Pause{Sync: "contacts", By: "bob", At: at(2)}))
	got, err := b.s.Pauses(b.ctx)
	b.ok(err)
	b.same("paused", map[string]store.Pause{"contacts": {Sync: "contacts", By: "ann", At: at(1)}}, got)
	b.ok(b.s.ResumeSync(b.ctx, "contacts"))
	got, err = b.s.Pauses(b.ctx)
	b.ok(err)
	b.same("resumed", 0, len(got))
}

func notices(b *bench) {
	first := store.Notice{Way: "email", Kind: "failure", Of: "contacts", What: "it broke", Since: at(1), At: at(2)}
	other := store.Notice{Way: "webhook", Kind: "failure", Of: "contacts", What: "it broke", Since: at(1), At: at(3)}
	b.ok(b.s.PutNotice(b.ctx, first))
	b.ok(b.s.PutNotice(b.ctx, other))
	got, err := b.s.Notices(b.ctx)
	b.ok(err)
	b.same("told, the last first", []store.Notice{other, first}, got)
	first.At, first.Resolved = at(4), at(4)
	b.ok(b.s.PutNotice(b.ctx, first))
	got, err = b.s.Notices(b.ctx)
	b.ok(err)
	b.same("over", []store.Notice{first, other}, got)
}

func restoreSignsOut(b *bench) {
	ann := b.user("ann", "user")
	b.opened(ann, "one")
	b.ok(b.s.MarkRestored(b.ctx, at(1), at(2)))
	b.same("sessions", 0, len(b.sessions(ann)))
}

func endedSessions(b *bench) {
	ann := b.user("ann", "user")
	b.opened(ann, "idle")
	kept := b.opened(ann, "used")
	b.ok(b.s.TouchSession(b.ctx, kept, at(60)))
	_, err := b.s.OpenSession(b.ctx, store.Session{User: ann, Hash: "new", Made: at(61), Seen: at(61)}, at(0), at(30))
	b.ok(err)
	_, _, found, err := b.s.SessionOf(b.ctx, "idle")
	b.ok(err)
	b.same("idle", false, found)
	b.same("living", 2, len(b.sessions(ann)))
}

func preferences(b *bench) {
	ann, bob := b.user("ann", "user"), b.user("bob", "user")
	b.ok(b.s.SetWishes(b.ctx, ann, `{"theme":"dark"}`))
	for id, want := range map[int64]string{ann: `{"theme":"dark"}`, bob: ""} {
		u, _, err := b.s.User(b.ctx, id)
		b.ok(err)
		b.same("preferences", want, u.Wishes)
	}
}
