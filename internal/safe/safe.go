// Package safe keeps secrets and what connections remember: sealed by package vault, in
// the tables of package store. It knows where the key is and how it is changed; callers
// only ever see names and values.
//
// A key may be changed while other processes work. Each notices, because the store takes
// nothing that is sealed under another key than the one in use, and looks for the new key
// where it found the old one.
package safe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/internal/vault"
)

// A Safe seals and opens what one store holds. It may be used by several goroutines.
type Safe struct {
	store  *store.Store
	places Places
	tell   func(string)

	mu    sync.Mutex
	vault *vault.Vault // nil until a key was needed
}

// Open returns the safe of a store. If something is sealed there, the key must be found,
// or the error is a *KeyError. Tell is told what an administrator must know, such as that
// a key was made; nil = nobody.
func Open(ctx context.Context, s *store.Store, p Places, tell func(string)) (*Safe, error) {
	if tell == nil {
		tell = func(string) {}
	}
	safe := &Safe{store: s, places: p, tell: tell}
	seal, err := s.Seal(ctx)
	if err != nil || seal == "" {
		return safe, err
	}
	if _, err := safe.unlock(seal); err != nil {
		return safe, err
	}
	if other := p.look()[0]; other.err == nil && other.key.Fingerprint() != seal {
		tell(fmt.Sprintf("%s has key %s, which is not the one in use; key %s was found in a file", Variable, other.key.Fingerprint(), seal))
	}
	return safe, nil
}

// Key returns the fingerprint of the key in use; "" if nothing is sealed.
func (s *Safe) Key(ctx context.Context) (string, error) { return s.store.Seal(ctx) }

// unlock returns a vault that seals under the key of that fingerprint; "" = the one to
// begin with.
func (s *Safe) unlock(wanted string) (*vault.Vault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vault != nil && s.vault.Fingerprint() == wanted {
		return s.vault, nil
	}
	finds := s.places.look()
	i, err := choose(wanted, finds)
	if err != nil {
		return nil, err
	}
	s.vault, err = vaultOf(i, finds)
	return s.vault, err
}

// vaultOf seals under the chosen key, and opens with every one that was found.
func vaultOf(chosen int, finds []find) (*vault.Vault, error) {
	var others []vault.Key
	for i, f := range finds {
		if f.err == nil && i != chosen {
			others = append(others, f.key)
		}
	}
	return vault.New(finds[chosen].key, others...)
}

// sealing calls put with a vault that seals under the key in use, and again if the key
// was changed meanwhile. Where there is no key at all yet, one is made.
func (s *Safe) sealing(ctx context.Context, put func(*vault.Vault) error) error {
	for attempt := 0; ; attempt++ {
		seal, err := s.store.Seal(ctx)
		if err != nil {
			return err
		}
		v, err := s.unlock(seal)
		if missing, ok := errors.AsType[*KeyError](err); ok && missing.Wanted == "" {
			if err := s.make(); err != nil {
				return err
			}
			v, err = s.unlock("")
		}
		if err != nil {
			return err
		}
		if err := put(v); !errors.Is(err, store.ErrSeal) || attempt == 2 {
			return err
		}
	}
}

// make makes the first key. If another process has just done so, that one is taken.
func (s *Safe) make() error {
	key := vault.NewKey()
	err := vault.WriteKeyFile(s.places.File, key)
	if err == nil {
		s.tell(fmt.Sprintf("made %s with a new key (%s). Everything secret in the database is sealed under it: keep a copy in a safe place "+
			"apart from the database, and never commit it", s.places.File, key.Fingerprint()))
		return nil
	}
	if _, there := vault.ReadKeyFile(s.places.File); there == nil {
		return nil
	}
	return fmt.Errorf("make a key in %s: %w; or set %s to 32 random bytes in base64", s.places.File, err, Variable)
}

// open opens what fetch brings, sealed for a place; nil is "". If the key is changed
// between the two looks that this takes, both are taken again.
func (s *Safe) open(ctx context.Context, place []string, fetch func() ([]byte, error)) (string, error) {
	for attempt := 0; ; attempt++ {
		sealed, err := fetch()
		if err != nil || sealed == nil {
			return "", err
		}
		seal, err := s.store.Seal(ctx)
		if err != nil {
			return "", err
		}
		v, err := s.unlock(seal)
		if err != nil {
			return "", err
		}
		value, err := v.Open(sealed, place...)
		if !errors.Is(err, vault.ErrKey) || attempt == 2 {
			return string(value), err
		}
	}
}

// secretPlace and statePlace are what sealed values are bound to: nothing opens in
// another workspace, under another name or as something else.
func (s *Safe) secretPlace(name string) []string {
	return []string{"secret", s.store.Workspace(), name}
}

func (s *Safe) statePlace(connection, key string) []string {
	return []string{"state", s.store.Workspace(), connection, key}
}

// A Secret is a secret without its value.
type Secret struct {
	Name    string
	Updated time.Time
}

// List returns the secrets by name. It needs no key.
func (s *Safe) List(ctx context.Context) ([]Secret, error) {
	all, err := s.store.Secrets(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Secret, 0, len(all))
	for _, x := range all {
		list = append(list, Secret{Name: x.Name, Updated: x.Updated})
	}
	return list, nil
}

// Secret returns the secret of that name and whether there is one.
func (s *Safe) Secret(ctx context.Context, name string) (string, bool, error) {
	found := false
	value, err := s.open(ctx, s.secretPlace(name), func() ([]byte, error) {
		x, has, err := s.store.Secret(ctx, name)
		found = has
		return x.Sealed, err
	})
	switch {
	case errors.Is(err, vault.ErrBroken), errors.Is(err, vault.ErrKey):
		return "", false, fmt.Errorf("open the secret %s: %w; set it anew with tandem secret set %s", name, err, name)
	case err != nil:
		return "", false, err
	}
	return value, found, nil
}

// Set keeps a secret, in place of the one of its name.
func (s *Safe) Set(ctx context.Context, name, value string) error {
	return s.sealing(ctx, func(v *vault.Vault) error {
		x := store.Secret{Name: name, Sealed: v.Seal([]byte(value), s.secretPlace(name)...), Updated: time.Now()}
		return s.store.PutSecret(ctx, v.Fingerprint(), x)
	})
}

// Remove removes a secret and reports whether there was one. It needs no key.
func (s *Safe) Remove(ctx context.Context, name string) (bool, error) {
	return s.store.DropSecret(ctx, name)
}
