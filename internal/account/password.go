package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// A Cost is what one argon2id hash takes.
type Cost struct {
	Time    uint32 // passes over the memory
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultCost is above what OWASP recommends for argon2id, and small enough for a machine of
// 512 MB: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
func DefaultCost() Cost { return Cost{Time: 3, Memory: 32 << 10, Threads: 1} }

// The lengths of a password, in characters; the highest in bytes, so that nobody has us hash
// a book.
const (
	LeastPassword = 12
	mostPassword  = 512
)

const (
	saltBytes = 16
	hashBytes = 32
	// mostMemory, in KiB, is the most that a stored hash can make us take.
	mostMemory = 1 << 20
	mostTime   = 64
)

var (
	// ErrWeak says that a password is too short, too long, or the name of who has it.
	ErrWeak = errors.New("the password is too weak")

	errHash = errors.New("not a hash of argon2id")
)

// checkPassword says whether a new password will do. Length is what counts; rules about kinds
// of characters make people write them down.
func checkPassword(name, password string) error {
	if n := utf8.RuneCountInString(password); n < LeastPassword || len(password) > mostPassword {
		return fmt.Errorf("%w: it takes at least %d characters", ErrWeak, LeastPassword)
	}
	if fold(password) == fold(name) || strings.Count(password, password[:1]) == len(password) {
		return fmt.Errorf("%w: everybody would guess it", ErrWeak)
	}
	return nil
}

// A hasher makes hashes, a few at a time: each takes memory, and strangers may ask for many.
type hasher struct {
	cost   Cost
	places chan struct{}
}

func newHasher(cost Cost, atOnce int) *hasher {
	return &hasher{cost: cost, places: make(chan struct{}, atOnce)}
}

// key waits for a place and hashes.
func (h *hasher) key(ctx context.Context, password string, salt []byte, c Cost) ([]byte, error) {
	select {
	case h.places <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn to check a password: %w", ctx.Err())
	}
	defer func() { <-h.places }()
	return argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, hashBytes), nil
}

// hash returns a password's hash in the PHC string format, which names what it took:
// https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	key, err := h.key(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	return phc(h.cost, salt, key), nil
}

func phc(c Cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parsePHC takes a hash apart. What would take too much memory is refused.
func parsePHC(text string) (c Cost, salt, key []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); err != nil {
		return c, nil, nil, errHash
	}
	if fmt.Sprintf("m=%d,t=%d,p=%d", c.Memory, c.Time, c.Threads) != parts[3] ||
		c.Time == 0 || c.Time > mostTime || c.Threads == 0 || c.Memory == 0 || c.Memory > mostMemory {
		return c, nil, nil, errHash
	}
	salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(salt) < 8 {
		return c, nil, nil, errHash
	}
	key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err != nil || len(key) != hashBytes {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}

// check reports whether a password is that of a hash, and whether the hash is weaker than new
// ones are. It takes as long for a hash that is none, so that nobody learns who has a password.
func (h *hasher) check(ctx context.Context, hash, password string) (right, weaker bool, err error) {
	c, salt, want, broken := parsePHC(hash)
	if broken != nil {
		c, salt, want = h.cost, make([]byte, saltBytes), make([]byte, hashBytes)
	}
	if len(password) > mostPassword {
		password = ""
	}
	got, err := h.key(ctx, password, salt, c)
	if err != nil {
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(got, want) == 1 && broken == nil
	return right, c.Memory < h.cost.Memory || c.Time < h.cost.Time, nil
}
