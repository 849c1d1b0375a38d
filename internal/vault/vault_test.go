package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func newVault(t *testing.T, k Key, others ...Key) *Vault {
	t.Helper()
	v, err := New(k, others...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsSealedOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	v := newVault(t, NewKey())
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		place := rapid.SliceOfN(rapid.String(), 0, 4).Draw(t, "place")
		other := rapid.SliceOfN(rapid.String(), 0, 4).Draw(t, "other")
		sealed := v.Seal(value, place...)
		got, err := v.Open(sealed, place...)
		if err != nil || !bytes.Equal(got, value) {
			t.Fatalf("%q, %v", got, err)
		}
		if len(value) > 8 && bytes.Contains(sealed, value) {
			t.Fatal("the value can be read")
		}
		if fmt.Sprintf("%q", place) != fmt.Sprintf("%q", other) {
			if _, err := v.Open(sealed, other...); !errors.Is(err, ErrBroken) {
				t.Fatalf("opened at %q what was sealed for %q: %v", other, place, err)
			}
		}
	})
}

func TestPlacesThatReadTheSameAreDifferent(t *testing.T) {
	t.Parallel()
	v := newVault(t, NewKey())
	if _, err := v.Open(v.Seal([]byte("x"), "ab", "c"), "a", "bc"); !errors.Is(err, ErrBroken) {
		t.Fatalf("got %v", err)
	}
}

func TestAnyChangedByteIsNoticed(t *testing.T) {
	t.Parallel()
	v := newVault(t, NewKey())
	sealed := v.Seal([]byte("token"), "default", "crm")
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 0x10
		if got, err := v.Open(bad, "default", "crm"); err == nil {
			t.Errorf("byte %d changed, and it opens as %q", i, got)
		}
		if _, err := v.Open(sealed[:i], "default", "crm"); err == nil {
			t.Errorf("cut to %d bytes, and it opens", i)
		}
	}
}

func TestEqualValuesAreSealedDifferently(t *testing.T) {
	t.Parallel()
	v := newVault(t, NewKey())
	if bytes.Equal(v.Seal([]byte("x"), "a"), v.Seal([]byte("x"), "a")) {
		t.Error("twice the same")
	}
}

func TestSeveralKeysDuringAChange(t *testing.T) {
	t.Parallel()
	was, is := NewKey(), NewKey()
	before, between, after := newVault(t, was), newVault(t, is, was), newVault(t, is)
	sealed := before.Seal([]byte("x"), "a")
	if got, err := between.Open(sealed, "a"); err != nil || string(got) != "x" {
		t.Errorf("with both keys: %q, %v", got, err)
	}
	if _, err := after.Open(sealed, "a"); !errors.Is(err, ErrKey) {
		t.Errorf("without the old key: %v", err)
	}
	anew := between.Seal([]byte("x"), "a")
	if _, err := after.Open(anew, "a"); err != nil {
		t.Errorf("sealed while both were there: %v", err)
	}
	if got, err := KeyOf(anew); err != nil || got != is.Fingerprint() || between.Fingerprint() != got {
		t.Errorf("KeyOf = %q, %v; want %s", got, err, is.Fingerprint())
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	k := NewKey()
	raw := k.bytes[:]
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw),
		base64.URLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), "\n " + k.encode() + " \n",
	} {
		if got, err := ParseKey(text); err != nil || got != k {
			t.Errorf("%d letters: %v", len(text), err)
		}
	}
	for name, tc := range map[string]struct{ text, says string }{
		"empty": {" \n", "empty"}, "words": {"correct horse battery staple", "not base64"},
		"short": {base64.StdEncoding.EncodeToString(raw[:16]), "16 bytes"},
		"long":  {base64.StdEncoding.EncodeToString(append(raw[:32:32], 1)), "33 bytes"},
		"zeros": {base64.StdEncoding.EncodeToString(make([]byte, 32)), "zeros"},
	} {
		_, err := ParseKey(tc.text)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.TrimSpace(tc.text) != "" && strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tandem.key")
	if _, err := ReadKeyFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	k := NewKey()
	if err := WriteKeyFile(path, k); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, err := ReadKeyFile(path); err != nil || got != k {
		t.Errorf("read back: %v, %v", got, err)
	}
	if err := WriteKeyFile(path, NewKey()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key was overwritten: %v", err)
	}
	for _, mode := range []fs.FileMode{0o644, 0o640, 0o602} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKeyFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

// TestNothingThatPrintsAKeyShowsIt is invariant 9.
func TestNothingThatPrintsAKeyShowsIt(t *testing.T) {
	t.Parallel()
	k := NewKey()
	v := newVault(t, k)
	for _, x := range []any{k, &k, []Key{k}, struct{ K Key }{k}, map[string]Key{"k": k}, v} {
		text := ""
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text += fmt.Sprintf(verb, x)
		}
		b, err := json.Marshal(x)
		if err != nil {
			t.Errorf("%T: %v", x, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "k", x)
		text += string(b) + log.String()
		for _, form := range []string{k.encode(), fmt.Sprintf("%x", k.bytes), fmt.Sprint(k.bytes), fmt.Sprintf("%d", k.bytes[:4])} {
			if strings.Contains(text, strings.Trim(form, "[]")) {
				t.Errorf("%T shows the key", x)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	k, err := ParseKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		f.Fatal(err)
	}
	v, err := New(k)
	if err != nil {
		f.Fatal(err)
	}
	good := v.Seal([]byte("value"), "default", "crm")
	f.Add(good, "crm")
	f.Add(good[:headSize], "crm")
	f.Add([]byte{}, "")
	f.Add(append([]byte{2}, good[1:]...), "crm")
	f.Fuzz(func(t *testing.T, sealed []byte, name string) {
		got, err := v.Open(sealed, "default", name)
		if err == nil && (name != "crm" || string(got) != "value") {
			t.Fatalf("a value that nobody sealed opens as %q for %q", got, name)
		}
		if err != nil && !errors.Is(err, ErrKey) && !errors.Is(err, ErrBroken) {
			t.Fatalf("an error of nobody's: %v", err)
		}
		if _, bad := KeyOf(sealed); err == nil && bad != nil {
			t.Fatalf("it opens, and KeyOf says %v", bad)
		}
	})
}
