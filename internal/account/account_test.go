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

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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

func TestTheFirstPersonIsSetUpOnceByWhoSeesTheTerminal(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	setUp := func(token, name string) error {
		_, err := a.SetUp(t.Context(), token, name, good, from("::1"))
		return err
	}
	if err := setUp("", "eve"); !errors.Is(err, ErrWrong) {
		t.Fatalf("without an offer: %v", err)
	}
	former, err := a.OfferSetup()
	if err != nil {
		t.Fatal(err)
	}
	word, err := a.OfferSetup()
	if err != nil || word == former {
		t.Fatalf("each start makes a new one: %v", err)
	}
	for _, token := range []string{"", "x", former, digest(word)} {
		if err := setUp(token, "eve"); !errors.Is(err, ErrWrong) {
			t.Errorf("with %q: %v", token, err)
		}
		a.throttle = newThrottle()
	}
	if err := setUp(word, "not a name"); !errors.Is(err, ErrName) {
		t.Errorf("a bad name: %v", err)
	}
	e, err := a.SetUp(t.Context(), word, "ann", good, from("::1"))
	if err != nil || e.Role != Admin || who(t, a, e.Secret) != "ann" {
		t.Fatalf("after a mistake the token is still good: %+v %v", e, err)
	}
	if err := setUp(word, "eve"); !errors.Is(err, ErrWrong) {
		t.Errorf("a second time: %v", err)
	}
	again, err := a.OfferSetup()
	if err != nil {
		t.Fatal(err)
	}
	if err := setUp(again, "eve"); !errors.Is(err, store.ErrNotFirst) {
		t.Errorf("when there is somebody: %v", err)
	}
}

func TestATokenDoesNoMoreThanItsOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := fresh(t)
		added(t, a, "root", Admin)
		added(t, a, "ann", Operator)
		ann := signedIn(t, a, "ann")
		grant := func(rights ...Right) (string, error) {
			word, _, err := a.Grant(t.Context(), ann.Principal, "ci", rights, time.Now().Add(time.Hour))
			return word, err
		}
		for _, rights := range [][]Right{nil, {Own}, {See, Own}, {People}, {"root"}} {
			if _, err := grant(rights...); !errors.Is(err, ErrRight) {
				t.Errorf("%v: %v", rights, err)
			}
		}
		word, err := grant(Run, See)
		if err != nil || !strings.HasPrefix(word, TokenPrefix) || len(word) != len(TokenPrefix)+52 {
			t.Fatalf("%q %v", word, err)
		}
		rights := func() []Right {
			p, err := a.Token(t.Context(), word)
			if err != nil {
				t.Fatal(err)
			}
			return p.Rights
		}
		if diff := cmp.Diff([]Right{See, Run}, rights()); diff != "" {
			t.Error(diff)
		}
		if err := a.SetRole(t.Context(), ann.ID, Viewer); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Right{See}, rights()); diff != "" {
			t.Errorf("its owner has lost rights: %s", diff)
		}
		time.Sleep(59 * time.Minute)
		all, err := a.Tokens(t.Context(), ann.ID)
		if err != nil || len(all) != 1 || all[0].Used.IsZero() {
			t.Errorf("when it was used: %+v %v", all, err)
		}
		time.Sleep(time.Minute)
		if got := rights(); len(got) != 0 {
			t.Errorf("it has expired, and has %v", got)
		}
		for _, other := range []string{"", TokenPrefix, ann.Secret, TokenPrefix + ann.Secret} {
			if p, err := a.Token(t.Context(), other); err != nil || p.Somebody() {
				t.Errorf("%q is %s's: %v", other, p.Name, err)
			}
		}
	})
}

func TestARevokedTokenIsNobodys(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	ann, bob := added(t, a, "ann", Admin), added(t, a, "bob", User)
	p := signedIn(t, a, "ann").Principal
	word, made, err := a.Grant(t.Context(), p, "ci", []Right{See}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if had, err := a.Revoke(t.Context(), bob.ID, made.ID); had || err != nil {
		t.Errorf("bob revokes ann's: %t %v", had, err)
	}
	if had, err := a.Revoke(t.Context(), ann.ID, made.ID); !had || err != nil {
		t.Errorf("ann's own: %t %v", had, err)
	}
	if p, err := a.Token(t.Context(), word); err != nil || p.Somebody() {
		t.Errorf("it is still %s's: %v", p.Name, err)
	}
}

func TestOutsiders(t *testing.T) {
	t.Parallel()
	a := fresh(t)
	added(t, a, "root", Admin)
	added(t, a, "ann@example.com", User)
	if _, err := a.Add(t.Context(), NewUser{Name: "eva@example.com", Role: Operator, Invited: true}); err != nil {
		t.Fatal(err)
	}
	const idp = "https://id.example"
	for _, x := range []struct {
		what string
		o    Outsider
		want Role // "" = refused
	}{
		{"no subject", Outsider{Issuer: idp, Name: "eva@example.com", Proven: true}, ""},
		{"a stranger without a role", Outsider{Issuer: idp, Subject: "1", Name: "tom@example.com", Proven: true}, ""},
		{"groups decide, and none fits", Outsider{Issuer: idp, Subject: "2", Name: "eva@example.com", Proven: true, Mapped: true}, ""},
		{"a name that anybody can choose", Outsider{Issuer: idp, Subject: "3", Name: "eva@example.com"}, ""},
		{"a name with a password here", Outsider{Issuer: idp, Subject: "4", Name: "ann@example.com", Proven: true, Mapped: true, Role: Admin}, ""},
		{"who was invited", Outsider{Issuer: idp, Subject: "5", Name: "Eva@example.com", Proven: true}, Operator},
		{"who was invited, again, by another name", Outsider{Issuer: idp, Subject: "5", Name: "eva.new"}, Operator},
		{"somebody else by that name", Outsider{Issuer: idp, Subject: "6", Name: "eva@example.com", Proven: true}, ""},
		{"a new person with a role", Outsider{Issuer: idp, Subject: "7", Name: "kim", Mapped: true, Role: Viewer}, Viewer},
		{"the same, promoted", Outsider{Issuer: idp, Subject: "7", Name: "kim", Mapped: true, Role: Operator}, Operator},
		{"the same, in no group any more", Outsider{Issuer: idp, Subject: "7", Name: "kim", Mapped: true}, ""},
		{"that subject of another provider", Outsider{Issuer: "https://evil.example", Subject: "7", Name: "kim", Mapped: true, Role: Admin}, ""},
	} {
		e, err := a.SignInOutsider(t.Context(), x.o, from("::1"))
		switch {
		case x.want == "" && !errors.Is(err, ErrStranger):
			t.Errorf("%s: got in as %s, %v", x.what, e.Name, err)
		case x.want != "" && (err != nil || e.Role != x.want || who(t, a, e.Secret) == ""):
			t.Errorf("%s: %s %v, want %s", x.what, e.Role, err, x.want)
		}
	}
	if _, err := a.SignIn(t.Context(), "kim", "", from("::1")); !errors.Is(err, ErrWrong) {
		t.Errorf("who has no password signs in by none: %v", err)
	}
}

// A throttled bubble: tries of a name from an address, which fail.
func try(th *throttle, name, address string) time.Duration {
	err := th.allow(name, address, time.Now())
	if wait, ok := errors.AsType[*WaitError](err); ok {
		return time.Until(wait.Until)
	}
	return 0
}

func TestWaitsGrowForWhoGuesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		var waits []time.Duration
		for range 16 {
			wait := try(th, "ann", "192.0.2.1")
			if wait > 0 {
				waits = append(waits, wait)
				time.Sleep(wait)
				if again := try(th, "ann", "192.0.2.1"); again > 0 {
					t.Fatalf("told to wait %v, and then %v more", wait, again)
				}
			}
		}
		for i := 1; i < len(waits); i++ {
			if waits[i] < waits[i-1] {
				t.Errorf("waits shrink: %v", waits)
			}
		}
		if last := waits[len(waits)-1]; last != 15*time.Minute {
			t.Errorf("the longest wait is %v: %v", last, waits)
		}
		if wait := try(th, "bob", "192.0.2.2"); wait > 0 {
			t.Errorf("somebody else waits %v", wait)
		}
		time.Sleep(forgetAfter + time.Minute)
		if wait := try(th, "ann", "192.0.2.1"); wait > 0 {
			t.Errorf("after an hour it still waits %v", wait)
		}
	})
}

func TestOneAddressCannotGoThroughAllNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		in := 0
		for i := range 1000 {
			// Addresses of one customer are one.
			if try(th, fmt.Sprint("user", i), fmt.Sprintf("2001:db8:0:7::%x", i)) == 0 {
				in++
			}
		}
		if in > 21 {
			t.Errorf("%d tries at once", in)
		}
	})
}

// Strangers on many addresses guess a name's password all day; the person gets in within a
// minute, each time.
func TestOthersNeverLockAPersonOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		begin := time.Now()
		for i := 0; time.Since(begin) < 6*time.Hour; i++ {
			try(th, "ann", fmt.Sprintf("198.51.%d.%d", i/250%250, i%250))
			time.Sleep(500 * time.Millisecond)
			if i%1500 != 1499 {
				continue
			}
			asked := time.Now()
			for try(th, "ann", "192.0.2.1") > 0 {
				time.Sleep(time.Second)
				try(th, "ann", fmt.Sprintf("203.0.113.%d", i%250))
			}
			if took := time.Since(asked); took > time.Minute+time.Second {
				t.Fatalf("the person waited %v", took)
			}
			th.succeeded("ann", "192.0.2.1", time.Now())
		}
	})
}

func TestAThrottleForgetsRatherThanGrow(t *testing.T) {
	t.Parallel()
	th := newThrottle()
	now := time.Now()
	for i := range mostTries {
		_ = th.allow(fmt.Sprint("invented", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), now.Add(time.Duration(i)*time.Millisecond))
	}
	if n := len(th.tries); n > mostTries {
		t.Errorf("%s", th)
	}
}

// Whatever happens: who is told to wait is let in after that, and within 15 minutes.
func TestWhoWaitsAsToldIsLetIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		th, now := newThrottle(), time.Unix(1e9, 0)
		names, addresses := []string{"ann", "bob"}, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}
		for range rapid.IntRange(0, 60).Draw(t, "tries") {
			name, address := rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(addresses).Draw(t, "address")
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "pause")) * time.Second)
			err := th.allow(name, address, now)
			if err == nil && rapid.Bool().Draw(t, "succeeds") {
				th.succeeded(name, address, now)
			}
			wait, waits := errors.AsType[*WaitError](err)
			if !waits {
				continue
			}
			if d := wait.Until.Sub(now); d <= 0 || d > 15*time.Minute {
				t.Fatalf("told to wait %v", d)
			}
		}
		for range 3 { // nobody else tries from that address
			err := th.allow("ann", "192.0.2.1", now)
			wait, waits := errors.AsType[*WaitError](err)
			if !waits {
				return
			}
			now = wait.Until
		}
		t.Fatal("waited three times and was never let in")
	})
}
