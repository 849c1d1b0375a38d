// Package vault seals small values, so that whoever has the database without its key has
// nothing, and opens them again.
//
// A value is sealed with XChaCha20-Poly1305 for one place, such as a workspace and a name:
// taken to another place, or changed, it does not open. Before it stands which key it was
// sealed under; a [Vault] seals with one key and opens with all that it was given, which
// is what makes a change of the key possible while others still work.
//
// A sealed value is: a byte that tells the format (1), six bytes of the key's fingerprint,
// a nonce of 24 bytes, and the value with its tag of 16 bytes.
package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	format    = 1
	headSize  = 1 + idSize
	nonceSize = chacha20poly1305.NonceSizeX
)

// The errors of Open.
var (
	// ErrKey: the vault does not have the key that the value was sealed under.
	ErrKey = errors.New("sealed under another key")
	// ErrBroken: the value was changed, cut short, or belongs to another place.
	ErrBroken = errors.New("the sealed value is damaged or belongs elsewhere")
)

// A Vault seals and opens. It may be used by several goroutines.
type Vault struct {
	key  Key
	open map[[idSize]byte]cipher.AEAD
}

// New returns a vault that seals with a key, and opens what was sealed with it or with one
// of the others.
func New(key Key, others ...Key) (*Vault, error) {
	v := &Vault{key: key, open: make(map[[idSize]byte]cipher.AEAD, 1+len(others))}
	for _, k := range append([]Key{key}, others...) {
		aead, err := chacha20poly1305.NewX(k.bytes[:])
		if err != nil {
			return nil, fmt.Errorf("make a vault: %w", err)
		}
		v.open[k.id()] = aead
	}
	return v, nil
}

// Fingerprint names the key that the vault seals with.
func (v *Vault) Fingerprint() string { return v.key.Fingerprint() }

// Format writes which key the vault has, for every verb and flag (invariant 9).
func (v *Vault) Format(f fmt.State, verb rune) { v.key.Format(f, verb) }

// Seal seals a value for a place.
func (v *Vault) Seal(value []byte, place ...string) []byte {
	id := v.key.id()
	sealed := make([]byte, headSize+nonceSize, headSize+nonceSize+len(value)+chacha20poly1305.Overhead)
	sealed[0] = format
	copy(sealed[1:], id[:])
	nonce := sealed[headSize:]
	_, _ = rand.Read(nonce) // it never fails; 24 random bytes never repeat
	return v.open[id].Seal(sealed, nonce, value, bound(sealed[:headSize], place))
}

// Open opens a value that was sealed for a place. Its errors are ErrKey and ErrBroken.
func (v *Vault) Open(sealed []byte, place ...string) ([]byte, error) {
	if _, err := KeyOf(sealed); err != nil {
		return nil, err
	}
	aead, has := v.open[[idSize]byte(sealed[1:headSize])]
	if !has {
		return nil, ErrKey
	}
	nonce := sealed[headSize : headSize+nonceSize]
	value, err := aead.Open(nil, nonce, sealed[headSize+nonceSize:], bound(sealed[:headSize], place))
	if err != nil {
		return nil, ErrBroken
	}
	return value, nil
}

// KeyOf returns the fingerprint of the key that a value says it was sealed under.
func KeyOf(sealed []byte) (string, error) {
	if len(sealed) < headSize+nonceSize+chacha20poly1305.Overhead || sealed[0] != format {
		return "", ErrBroken
	}
	return hex.EncodeToString(sealed[1:headSize]), nil
}

// bound is the data that a value is bound to: what stands before it, and its place, each
// part with its length so that no two places read the same.
func bound(head []byte, place []string) []byte {
	b := append([]byte{}, head...)
	for _, part := range place {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}
