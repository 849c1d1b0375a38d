package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// keySize is how many bytes a key has.
const keySize = 32

// idSize is how many bytes of a key's fingerprint stand before each sealed value. It only
// has to tell apart the few keys that one installation ever has.
const idSize = 6

// A Key seals and opens values. However it is printed or encoded, only its fingerprint
// shows (invariant 9).
type Key struct{ bytes [keySize]byte }

// NewKey returns a new random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k.bytes[:]) // it never fails: the program ends where there is no randomness
	return k
}

// ParseKey reads a key as TANDEM_KEY and key files hold it: 32 bytes in base64. Its errors
// do not quote the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Key{}, errors.New("it is empty")
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return Key{}, fmt.Errorf("it is not base64; a key is %d random bytes in base64", keySize)
	case len(b) != keySize:
		return Key{}, fmt.Errorf("it has %d bytes; a key is %d random bytes in base64", len(b), keySize)
	}
	var k Key
	copy(k.bytes[:], b)
	if k.bytes == [keySize]byte{} {
		return Key{}, errors.New("it is all zeros; a key is random")
	}
	return k, nil
}

// encode writes the key as ParseKey reads it.
func (k Key) encode() string { return base64.StdEncoding.EncodeToString(k.bytes[:]) }

// Fingerprint names the key and tells nothing about it.
func (k Key) Fingerprint() string {
	id := k.id()
	return hex.EncodeToString(id[:])
}

func (k Key) id() [idSize]byte {
	mac := hmac.New(sha256.New, k.bytes[:])
	_, _ = mac.Write([]byte("tandem: fingerprint of a key")) // a hash takes everything
	return [idSize]byte(mac.Sum(nil))
}

// String returns the fingerprint.
func (k Key) String() string { return "key " + k.Fingerprint() }

// Format writes String for every verb and flag.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText keeps the key from encoders and structured logs.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// ReadKeyFile reads a key file. A file that others than its owner can read is refused:
// what is in it is no secret any more. A file that is not there is fs.ErrNotExist.
func ReadKeyFile(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, bare(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return Key{}, bare(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return Key{}, fmt.Errorf("others can read it (mode %04o); chmod 600 %s, and rotate the key if somebody may have", mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return Key{}, bare(err)
	}
	return ParseKey(string(text))
}

// WriteKeyFile writes a key to a file that must not be there yet (fs.ErrExist), readable
// by its owner only, and returns when it is on the disk: from then on values may depend
// on it. Nobody sees the file before it is whole, where the file system has links.
func WriteKeyFile(path string, k Key) error {
	draft := path + "." + NewKey().Fingerprint()
	if err := writeNew(draft, k); err != nil {
		return err
	}
	err := os.Link(draft, path)
	gone := os.Remove(draft)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = writeNew(path, k)
	}
	if err != nil {
		return bareLink(err)
	}
	return gone
}

// bareLink drops the paths from an error of os.Link.
func bareLink(err error) error {
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

func writeNew(path string, k Key) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return bare(err)
	}
	_, err = f.WriteString(k.encode() + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(bare(err), os.Remove(path)) // half a key is none
	}
	return nil
}

// bare drops the path from an error of package os; whoever asked for the file names it.
func bare(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
