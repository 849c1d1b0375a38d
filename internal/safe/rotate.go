package safe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/internal/vault"
)

// A Rotation is a change of the key that was carried out.
type Rotation struct {
	From, To string // fingerprints; From is "" if nothing was sealed
	Values   int    // so many were sealed anew
	File     string // where the new key is
	OldFile  string // where the old one is; "" if it came from the environment
}

// ErrOldKey says that the key of the last rotation is still there.
var ErrOldKey = errors.New("the key before the last rotation is still there")

// Rotate makes a new key and seals everything anew under it, in one transaction. The new
// key is on the disk before anything is sealed under it, and the old one stays: whenever
// this is cut short, the key that the database wants is in one of the places.
func (s *Safe) Rotate(ctx context.Context) (Rotation, error) {
	seal, err := s.store.Seal(ctx)
	if err != nil {
		return Rotation{}, err
	}
	finds := s.places.look()
	i, err := choose(seal, finds)
	if err != nil {
		return Rotation{}, err
	}
	if err := s.places.settle(finds[i]); err != nil {
		return Rotation{}, err
	}
	if old := s.OldKey(); old != "" {
		return Rotation{}, fmt.Errorf("%w, in %s; tandem secret rotate --confirm checks that it is not needed and removes it", ErrOldKey, old)
	}
	key, err := s.nextKey(seal, finds)
	if err != nil {
		return Rotation{}, err
	}
	was, err := vaultOf(i, finds)
	if err != nil {
		return Rotation{}, err
	}
	is, err := vault.New(key)
	if err != nil {
		return Rotation{}, err
	}
	r := Rotation{From: seal, To: key.Fingerprint(), File: s.places.File}
	r.Values, err = s.store.Reseal(ctx, was.Fingerprint(), is.Fingerprint(), func(x store.Sealed) ([]byte, error) { return s.anew(was, is, x) })
	if err != nil {
		return Rotation{}, err
	}
	if exists(s.places.File) {
		r.OldFile = s.places.File + oldSuffix
	}
	return r, s.places.settle(find{where: s.places.File + newSuffix})
}

// OldKey returns the file of the key before the last rotation; "" if there is none.
func (s *Safe) OldKey() string {
	if old := s.places.File + oldSuffix; exists(old) {
		return old
	}
	return ""
}

// nextKey writes the next key to its file. One that is there was written by a rotation
// that was cut short before anything was sealed under it, and is taken.
func (s *Safe) nextKey(seal string, finds []find) (vault.Key, error) {
	path := s.places.File + newSuffix
	for _, f := range finds {
		if f.where == path && f.err == nil && f.key.Fingerprint() != seal {
			return f.key, nil
		}
	}
	key := vault.NewKey()
	if err := vault.WriteKeyFile(path, key); err != nil {
		return key, fmt.Errorf("write the new key to %s: %w", path, err)
	}
	return key, nil
}

func (s *Safe) anew(was, is *vault.Vault, x store.Sealed) ([]byte, error) {
	place, what := s.secretPlace(x.Secret), "secret "+x.Secret
	if x.Secret == "" {
		place, what = s.statePlace(x.Connection, x.Key), "memory of "+x.Connection
	}
	value, err := was.Open(x.Bytes, place...)
	if err != nil {
		return nil, fmt.Errorf("open the %s: %w", what, err)
	}
	return is.Seal(value, place...), nil
}

// Confirm ends a rotation: it opens everything with the key in use alone, then removes the
// old key's file. It returns the path of what it removed, "" if there was nothing.
func (s *Safe) Confirm(ctx context.Context) (string, error) {
	seal, err := s.store.Seal(ctx)
	if err != nil {
		return "", err
	}
	finds := s.places.look()
	i, err := choose(seal, finds)
	if err != nil {
		return "", err
	}
	if finds[i].where == s.places.File+oldSuffix {
		return "", fmt.Errorf("the key in use, %s, is the one in %s; it is needed", seal, finds[i].where)
	}
	if err := s.places.settle(finds[i]); err != nil {
		return "", err
	}
	alone, err := vault.New(finds[i].key)
	if err != nil {
		return "", err
	}
	if err := s.openAll(ctx, alone); err != nil {
		return "", err
	}
	old := s.places.File + oldSuffix
	if err := os.Remove(old); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("remove the old key: %w", err)
	}
	return old, nil
}

func (s *Safe) openAll(ctx context.Context, v *vault.Vault) error {
	// Sealed to itself: the transaction is what makes all of it true at one time.
	_, err := s.store.Reseal(ctx, v.Fingerprint(), v.Fingerprint(), func(x store.Sealed) ([]byte, error) { return s.anew(v, v, x) })
	return err
}

// Reset removes everything sealed and returns how much that was. It is for a key that was
// lost.
func (s *Safe) Reset(ctx context.Context) (int, error) {
	s.mu.Lock()
	s.vault = nil
	s.mu.Unlock()
	return s.store.DropSealed(ctx)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
