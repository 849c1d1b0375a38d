package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

const good = "correct horse battery"

func cheap() Cost { return Cost{Time: 1, Memory: 8, Threads: 1} }

func from(address string) From { return From{Address: address, Agent: "browser"} }

// fresh returns the accounts of an empty store.
func fresh(t *testing.T) *Accounts {
	t.Helper()
	return New(Options{Store: opened(t), Cost: cheap()})
}

func opened(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite::memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func added(t *testing.T, a *Accounts, name string, role Role) Person {
	t.Helper()
	p, err := a.Add(t.Context(), NewUser{Name: name, Role: role, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signedIn(t *testing.T, a *Accounts, name string) Entry {
	t.Helper()
	e, err := a.SignIn(t.Context(), name, good, from("192.0.2.1"))
	if err != nil {
		t.Fatalf("sign in %s: %v", name, err)
	}
	return e
}

// who returns the name of a session's person; "" = nobody.
func who(t *testing.T, a *Accounts, word string) string {
	t.Helper()
	p, err := a.Session(t.Context(), word)
	if err != nil {
		t.Fatal(err)
	}
	return p.Name
}

func TestEachRoleHasTheRightsOfTheWeakerOnes(t *testing.T) {
	t.Parallel()
	want := map[Role][]Right{
		Viewer: {Own, See}, User: {Own, See, Decide}, Operator: {Own, See, Decide, Run, Revert},
		Admin: {Own, See, Decide, Run, Revert, Configure, Secrets, People}, "root": nil, "": nil,
	}
	var before []Right
	for _, role := range Roles() {
		got := role.Rights()
		if !slices.Equal(got, want[role]) {
			t.Errorf("%s: %v, want %v", role, got, want[role])
		}
		for _, r := range before {
			if !role.Has(r) {
				t.Errorf("%s lacks %s, which a weaker role has", role, r)
			}
		}
		before = got
	}
	for _, role := range []Role{"root", ""} {
		if len(role.Rights()) != 0 || role.Known() {
			t.Errorf("%q has rights: %v", role, role.Rights())
		}
	}
	if !Admin.Above(Operator) || Viewer.Above(User) || !Viewer.Above("") {
		t.Error("the order of the roles")
	}
	if Role(store.AdminRole) != Admin {
		t.Error("the store keeps another role alive")
	}
}

func TestWhoKnowsThePasswordComesInAndNobodyElse(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	added(t, a, "Ann", Operator)
	e, err := a.SignIn(t.Context(), " ann ", good, from("192.0.2.1"))
	if err != nil || e.Name != "Ann" || !e.Can(Run) || e.Can(People) || who(t, a, e.Secret) != "Ann" {
		t.Fatalf("%+v %v", e, err)
	}
	for name, word := range map[string]string{"ann": "wrong", "ANN": good + " ", "bob": good, "": ""} {
		if _, err := a.SignIn(t.Context(), name, word, from("192.0.2.2")); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, word := range []string{"", "x", digest(e.Secret), e.Secret + "A"} {
		if got := who(t, a, word); got != "" {
			t.Errorf("the secret %q is %s's", word, got)
		}
	}
}

// Invariant 9: what is kept is worth nothing to who reads it.
func TestTheStoreHoldsNoSecret(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	added(t, a, "ann", Admin)
	e := signedIn(t, a, "ann")
	token, _, err := a.Grant(t.Context(), e.Principal, "ci", []Right{See}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	users, _ := a.store.Users(t.Context())
	sessions, _ := a.store.Sessions(t.Context(), e.ID)
	tokens, _ := a.store.Tokens(t.Context(), e.ID)
	kept := fmt.Sprintf("%+v %+v %+v", users, sessions, tokens)
	for _, secret := range []string{good, e.Secret, token, strings.TrimPrefix(token, TokenPrefix)} {
		if strings.Contains(kept, secret) {
			t.Errorf("%q is in %s", secret, kept)
		}
	}
	if !strings.Contains(kept, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Errorf("no argon2id hash in %s", kept)
	}
}

func TestNamesAndPasswordsThatWillNotDo(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	for _, x := range []struct {
		user NewUser
		want error
	}{
		{NewUser{Name: "", Role: User, Password: good}, ErrName},
		{NewUser{Name: "a b", Role: User, Password: good}, ErrName},
		{NewUser{Name: "<script>", Role: User, Password: good}, ErrName},
		{NewUser{Name: strings.Repeat("a", 65), Role: User, Password: good}, ErrName},
		{NewUser{Name: "ann", Role: "root", Password: good}, ErrRole},
		{NewUser{Name: "ann", Role: User}, ErrWeak},
		{NewUser{Name: "ann", Role: User, Password: "elevenchars"}, ErrWeak},
		{NewUser{Name: "ann", Role: User, Password: strings.Repeat("a", 20)}, ErrWeak},
		{NewUser{Name: "ann@example.com", Role: User, Password: "Ann@Example.com"}, ErrWeak},
		{NewUser{Name: "ann", Role: User, Password: strings.Repeat("ab", 300)}, ErrWeak},
	} {
		if _, err := a.Add(t.Context(), x.user); !errors.Is(err, x.want) {
			t.Errorf("%+v: %v, want %v", x.user, err, x.want)
		}
	}
	if people, err := a.List(t.Context()); err != nil || len(people) != 0 {
		t.Errorf("somebody was added: %v %v", people, err)
	}
	for _, name := range []string{"ann@example.com", "Søren", "王伟", "a.b-c_d+e"} {
		added(t, a, name, User)
	}
}

func TestASessionEndsWhenItIsIdleAndAtItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := fresh(t)
		added(t, a, "ann", User)
		idle := signedIn(t, a, "ann")
		time.Sleep(SessionIdle - time.Second)
		if got := who(t, a, idle.Secret); got != "ann" {
			t.Fatalf("it ended too early: %q", got)
		}
		time.Sleep(SessionIdle)
		if got := who(t, a, idle.Secret); got != "" {
			t.Errorf("it is idle, and still %s's", got)
		}
		used := signedIn(t, a, "ann")
		for range 7*24 - 1 {
			time.Sleep(time.Hour)
			if who(t, a, used.Secret) != "ann" {
				t.Fatal("it is used, and has ended")
			}
		}
		time.Sleep(time.Hour)
		if got := who(t, a, used.Secret); got != "" {
			t.Errorf("after a week it is still %s's", got)
		}
		if all, err := a.Sessions(t.Context(), used.ID); err != nil || len(all) != 0 {
			t.Errorf("dead sessions are listed: %v %v", all, err)
		}
	})
}

func TestAPasswordChangeRotatesThisSessionAndEndsTheOthers(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	added(t, a, "ann", User)
	here, there := signedIn(t, a, "ann"), signedIn(t, a, "ann")
	if here.Secret == there.Secret || here.Session == there.Session {
		t.Fatal("two sign-ins share a session")
	}
	const next = "another long password"
	if _, err := a.ChangePassword(t.Context(), here.Principal, "wrong", next, from("192.0.2.1")); !errors.Is(err, ErrWrong) {
		t.Fatalf("with the wrong password: %v", err)
	}
	if _, err := a.ChangePassword(t.Context(), here.Principal, good, "short", from("192.0.2.1")); !errors.Is(err, ErrWeak) {
		t.Fatalf("to a weak one: %v", err)
	}
	word, err := a.ChangePassword(t.Context(), here.Principal, good, next, from("192.0.2.1"))
	if err != nil || who(t, a, word) != "ann" || who(t, a, here.Secret) != "" || who(t, a, there.Secret) != "" {
		t.Errorf("%v: new %q, old %q, other %q", err, who(t, a, word), who(t, a, here.Secret), who(t, a, there.Secret))
	}
	if _, err := a.SignIn(t.Context(), "ann", good, from("192.0.2.9")); !errors.Is(err, ErrWrong) {
		t.Errorf("the former password: %v", err)
	}
	if _, err := a.SignIn(t.Context(), "ann", next, from("192.0.2.9")); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

func TestAnotherRoleSignsOutEverywhere(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	added(t, a, "root", Admin)
	added(t, a, "ann", User)
	e := signedIn(t, a, "ann")
	if err := a.SetRole(t.Context(), e.ID, Operator); err != nil || who(t, a, e.Secret) != "" {
		t.Errorf("%v, and the session is %q's", err, who(t, a, e.Secret))
	}
	if err := a.SetRole(t.Context(), e.ID, "root"); !errors.Is(err, ErrRole) {
		t.Errorf("a role that does not exist: %v", err)
	}
}

func TestAHashIsRenewedWhenItsCostRises(t *testing.T) {
	t.Parallel()
	s := opened(t)
	weak := New(Options{Store: s, Cost: cheap()})
	added(t, weak, "ann", User)
	hash := func() string {
		u, _, err := s.UserNamed(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		return u.Password
	}
	before := hash()
	strong := New(Options{Store: s, Cost: Cost{Time: 2, Memory: 16, Threads: 1}})
	if _, err := strong.SignIn(t.Context(), "ann", "wrong", from("::1")); !errors.Is(err, ErrWrong) || hash() != before {
		t.Fatalf("the wrong password renews: %v", err)
	}
	signedIn(t, strong, "ann")
	if after := hash(); !strings.HasPrefix(after, "$argon2id$v=19$m=16,t=2,p=1$") {
		t.Errorf("it was not renewed: %s", after)
	}
	after := hash()
	signedIn(t, weak, "ann") // a cost that was lowered changes nothing
	if hash() != after {
		t.Error("a stronger hash was replaced by a weaker one")
	}
}

func TestNoMoreHashesAtOnceThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	h := newHasher(cheap(), 2)
	h.places <- struct{}{}
	h.places <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("a third one did not wait: %v", err)
	}
	<-h.places
	hash, err := h.hash(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if right, _, err := h.check(t.Context(), hash, good); !right || err != nil {
				t.Errorf("%t %v", right, err)
			}
		})
	}
	all.Wait()
	if len(h.places) != 1 {
		t.Errorf("%d places are taken, want the one that the test holds", len(h.places))
	}
}

func TestOnlyWholeHashesOfArgon2idAreTaken(t *testing.T) {
	t.Parallel()
	h := newHasher(cheap(), 1)
	hash, err := h.hash(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "x", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "v=19", "v=16", 1),
		strings.Replace(hash, "m=8", "m=99999999", 1), strings.Replace(hash, "t=1", "t=0", 1), strings.Replace(hash, "p=1", "p=0", 1),
		strings.Replace(hash, "m=8", "m=+8", 1), hash[:len(hash)-4], hash + "$x", hash + "=",
	} {
		if right, _, err := h.check(t.Context(), bad, good); right || err != nil {
			t.Errorf("%q: %t %v", bad, right, err)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		c, salt, key, err := parsePHC(text)
		if err == nil && phc(c, salt, key) != text {
			t.Errorf("%q is read as %q", text, phc(c, salt, key))
		}
		if err == nil && (c.Memory > mostMemory || c.Time > mostTime) {
			t.Errorf("%q takes too much", text)
		}
	})
}
