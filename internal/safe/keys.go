package safe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tandemhub/tandem/internal/vault"
)

// Variable is the environment variable that may hold the key.
const Variable = "TANDEM_KEY"

// The key's file has these companions while the key is being changed.
const (
	newSuffix = ".new" // the next key, before everything is sealed under it
	oldSuffix = ".old" // the last one, until somebody says that it is not needed
)

// Places are where the key is looked for, the environment first.
type Places struct {
	Env  func(name string) (string, bool) // may be nil
	File string
}

// A find is what was found in one place.
type find struct {
	where string
	file  bool
	key   vault.Key
	err   error // fs.ErrNotExist if there is nothing
}

// look looks into every place.
func (p Places) look() []find {
	finds := []find{{where: Variable, err: fs.ErrNotExist}}
	if p.Env != nil {
		if text, set := p.Env(Variable); set && strings.TrimSpace(text) != "" {
			finds[0].key, finds[0].err = vault.ParseKey(text)
		}
	}
	for _, suffix := range []string{"", newSuffix, oldSuffix} {
		f := find{where: p.File + suffix, file: true}
		f.key, f.err = vault.ReadKeyFile(f.where)
		finds = append(finds, f)
	}
	return finds
}

// A KeyError says that the key which the database is sealed under was not found, or that
// there is none at all yet.
type KeyError struct {
	Wanted string // its fingerprint; "" = any, nothing is sealed yet
	Looked []string
}

// Error says what is wanted, where it was looked for, and what can be done.
func (e *KeyError) Error() string {
	looked := strings.Join(e.Looked, "; ")
	if e.Wanted == "" {
		return "there is no key to seal secrets under (" + looked + "); tandem secret set makes one"
	}
	return fmt.Sprintf("the secrets in the database are sealed under key %s, which is in none of the places where a key can be (%s); "+
		"put that key back, or see \"A lost key\" in the guide to secrets", e.Wanted, looked)
}

func wanting(wanted string, finds []find) *KeyError {
	e := &KeyError{Wanted: wanted}
	for i, f := range finds {
		gone := errors.Is(f.err, fs.ErrNotExist)
		switch {
		case gone && i > 1: // nobody expects companions of a file
		case gone && f.file:
			e.Looked = append(e.Looked, "there is no file "+f.where)
		case gone:
			e.Looked = append(e.Looked, f.where+" is not set")
		case f.err != nil:
			e.Looked = append(e.Looked, f.where+": "+f.err.Error())
		default:
			e.Looked = append(e.Looked, f.where+" has key "+f.key.Fingerprint())
		}
	}
	return e
}

// choose returns which of the finds is the key of that fingerprint, or, if nothing is
// sealed yet, the one to begin with. A key that is there and cannot be used is an error
// then: nobody wants another one made beside it.
func choose(wanted string, finds []find) (int, error) {
	for i, f := range finds {
		switch {
		case wanted == "" && i > 1:
			return 0, wanting(wanted, finds)
		case f.err == nil && (wanted == "" || f.key.Fingerprint() == wanted):
			return i, nil
		case wanted == "" && !errors.Is(f.err, fs.ErrNotExist):
			return 0, fmt.Errorf("the key cannot be used: %s: %w", f.where, f.err)
		}
	}
	return 0, wanting(wanted, finds)
}

// settle ends a change of the key's file that was cut short: what is sealed is under the
// key in the file's companion already.
func (p Places) settle(chosen find) error {
	if chosen.where != p.File+newSuffix {
		return nil
	}
	if err := os.Rename(p.File, p.File+oldSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the old key aside: %w", err)
	}
	if err := os.Rename(p.File+newSuffix, p.File); err != nil {
		return fmt.Errorf("put the new key in place: %w", err)
	}
	return nil
}
