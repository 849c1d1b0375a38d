package account

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/store"
)

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
