package account

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// TokenPrefix begins every token, so that scanners of leaked secrets know one.
const TokenPrefix = "tandem_"

// ErrTokenName says that a token takes a name, so that its owner knows later what it is for.
var ErrTokenName = errors.New("a token takes a name of 1 to 64 characters")

// A Token is what is known of a program's token.
type Token struct {
	ID      int64
	Name    string
	Rights  []Right
	Made    time.Time
	Expires time.Time // zero = never
	Used    time.Time // zero = never
}

// Grant makes a token for a person, with rights of theirs, and returns it: it is never shown
// again. A zero time lets it live until it is revoked.
func (a *Accounts) Grant(ctx context.Context, p Principal, name string, rights []Right, expires time.Time) (string, Token, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 64 {
		return "", Token{}, ErrTokenName
	}
	if len(rights) == 0 {
		return "", Token{}, ErrRight
	}
	for _, r := range rights {
		if r == Own || !p.Can(r) {
			return "", Token{}, ErrRight
		}
	}
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", Token{}, fmt.Errorf("make a token: %w", err)
	}
	word := TokenPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
	x := store.Token{User: p.ID, Name: name, Hash: digest(word), Rights: joinRights(rights), Made: a.now(), Expires: expires}
	id, err := a.store.AddToken(ctx, x)
	if err != nil {
		return "", Token{}, err
	}
	x.ID = id
	return word, tokenOf(x), nil
}

// Token returns who a token stands for, with those of its rights that its owner still has;
// nobody if it has expired or there is none.
func (a *Accounts) Token(ctx context.Context, word string) (Principal, error) {
	if !strings.HasPrefix(word, TokenPrefix) {
		return Principal{}, nil
	}
	x, u, found, err := a.store.TokenOf(ctx, digest(word))
	now := a.now()
	if err != nil || !found || !x.Expires.IsZero() && !now.Before(x.Expires) {
		return Principal{}, err
	}
	if now.Sub(x.Used) >= touchEvery {
		if err := a.store.TouchToken(ctx, x.ID, now); err != nil {
			return Principal{}, err
		}
	}
	rights := slices.DeleteFunc(tokenOf(x).Rights, func(r Right) bool { return r == Own || !Role(u.Role).Has(r) })
	return Principal{Person: personOf(u), Token: x.Name, Rights: rights}, nil
}

// Tokens returns the tokens of a person, the newest first.
func (a *Accounts) Tokens(ctx context.Context, user int64) ([]Token, error) {
	all, err := a.store.Tokens(ctx, user)
	tokens := make([]Token, 0, len(all))
	for _, x := range all {
		tokens = append(tokens, tokenOf(x))
	}
	return tokens, err
}

// Revoke removes a token of a person and reports whether there was one.
func (a *Accounts) Revoke(ctx context.Context, user, token int64) (bool, error) {
	return a.store.RemoveToken(ctx, user, token)
}

func tokenOf(x store.Token) Token {
	t := Token{ID: x.ID, Name: x.Name, Made: x.Made, Expires: x.Expires, Used: x.Used}
	for name := range strings.FieldsSeq(x.Rights) {
		t.Rights = append(t.Rights, Right(name))
	}
	return t
}

func joinRights(rights []Right) string {
	var names []string
	for _, r := range Rights() {
		if slices.Contains(rights, r) {
			names = append(names, string(r))
		}
	}
	return strings.Join(names, " ")
}
