package safe

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/internal/vault"
)

// A home is a folder with a database and a key file, as one installation has them.
type home struct {
	*testing.T
	dir  string
	env  map[string]string
	told []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	return &home{T: t, dir: t.TempDir(), env: map[string]string{}}
}

func (h *home) key() string { return filepath.Join(h.dir, "tandem.key") }

func (h *home) places() Places {
	return Places{File: h.key(), Env: func(name string) (string, bool) { v, ok := h.env[name]; return v, ok }}
}

// open opens the database as another process would.
func (h *home) open() (*Safe, error) {
	h.Helper()
	s, err := store.Open(h.Context(), store.Options{DSN: "sqlite:" + filepath.Join(h.dir, "tandem.db")})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		if err := s.Close(); err != nil {
			h.Error(err)
		}
	})
	return Open(h.Context(), s, h.places(), func(text string) { h.told = append(h.told, text) })
}

func (h *home) must() *Safe {
	h.Helper()
	s, err := h.open()
	if err != nil {
		h.Fatal(err)
	}
	return s
}

func (h *home) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *home) has(s *Safe, name, want string) {
	h.Helper()
	got, found, err := s.Secret(h.Context(), name)
	if err != nil || got != want || found != (want != "") {
		h.Errorf("%s is %q (%v), %v; want %q", name, got, found, err, want)
	}
}

func TestTheFirstSecretMakesTheKey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.must()
	h.has(s, "crm", "")
	if _, err := os.Stat(h.key()); err == nil || len(h.told) > 0 {
		t.Error("a key was made before it was needed")
	}
	h.ok(s.Set(t.Context(), "crm", "t0p-s3cret"))
	info, err := os.Stat(h.key())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	if len(h.told) != 1 || !strings.Contains(h.told[0], "tandem.key") || !strings.Contains(h.told[0], "never commit") {
		t.Errorf("told %q", h.told)
	}
	h.ok(s.Set(t.Context(), "erp", "another"))
	h.has(h.must(), "crm", "t0p-s3cret")
	b, err := os.ReadFile(filepath.Join(h.dir, "tandem.db"))
	if wal, err := os.ReadFile(filepath.Join(h.dir, "tandem.db-wal")); err == nil {
		b = append(b, wal...)
	}
	if err != nil || strings.Contains(string(b), "t0p-s3cret") || !strings.Contains(string(b), "crm") {
		t.Errorf("the database file shows the secret, or not even its name: %v", err)
	}
	list, err := s.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "crm" || list[0].Updated.IsZero() {
		t.Errorf("list %v, %v", list, err)
	}
	had, err := s.Remove(t.Context(), "crm")
	if err != nil || !had {
		t.Errorf("remove: %v, %v", had, err)
	}
	h.has(s, "crm", "")
}

func TestKeyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.env[Variable] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	h.ok(h.must().Set(t.Context(), "crm", "x"))
	if _, err := os.Stat(h.key()); err == nil {
		t.Error("a key file was made beside the variable")
	}
	h.has(h.must(), "crm", "x")
}

// TestStartIsRefusedWithoutTheKey: the bad days of a key.
func TestStartIsRefusedWithoutTheKey(t *testing.T) {
	t.Parallel()
	good := newHome(t)
	s := good.must()
	good.ok(s.Set(t.Context(), "crm", "x"))
	fingerprint, err := s.Key(t.Context())
	good.ok(err)
	for name, tc := range map[string]struct {
		spoil func(*home)
		says  []string
	}{
		"missing": {func(h *home) { h.ok(os.Remove(h.key())) }, []string{"TANDEM_KEY is not set", "there is no file FILE"}},
		"another": {func(h *home) { h.ok(os.Remove(h.key())); h.ok(vault.WriteKeyFile(h.key(), vault.NewKey())) }, []string{"FILE has key "}},
		"short": {func(h *home) {
			h.ok(os.WriteFile(h.key(), []byte(base64.StdEncoding.EncodeToString([]byte("short"))), 0o600))
		}, []string{"FILE: it has 5 bytes"}},
		"open to others": {func(h *home) { h.ok(os.Chmod(h.key(), 0o644)) }, []string{"mode 0644", "chmod 600"}},
		"another in the environment": {func(h *home) {
			h.ok(os.Remove(h.key()))
			h.env[Variable] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
		}, []string{"TANDEM_KEY has key "}},
		"nonsense in the environment": {func(h *home) {
			h.ok(os.Remove(h.key()))
			h.env[Variable] = "nonsense that is secret"
		}, []string{"TANDEM_KEY: it is not base64"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			h.ok(os.CopyFS(h.dir, os.DirFS(good.dir)))
			h.ok(os.Chmod(h.key(), 0o600))
			tc.spoil(h)
			_, err := h.open()
			missing, ok := errors.AsType[*KeyError](err)
			if !ok || missing.Wanted != fingerprint {
				t.Fatalf("got %v", err)
			}
			for _, says := range append(tc.says, fingerprint) {
				if says = strings.ReplaceAll(says, "FILE", h.key()); !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
			if strings.Contains(err.Error(), "nonsense that is secret") {
				t.Errorf("it quotes the key: %v", err)
			}
		})
	}
}

func TestAKeyThatCannotBeUsedIsNotReplacedByANewOne(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.ok(os.WriteFile(h.key(), []byte("oops"), 0o600))
	if err := h.must().Set(t.Context(), "crm", "x"); err == nil || !strings.Contains(err.Error(), "cannot be used") {
		t.Errorf("got %v", err)
	}
	b, err := os.ReadFile(h.key())
	if err != nil || string(b) != "oops" {
		t.Errorf("the file is now %q, %v", b, err)
	}
}

func TestASealedValueCannotBeMoved(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.must()
	h.ok(s.Set(t.Context(), "a", "x"))
	x, _, err := s.store.Secret(t.Context(), "a")
	h.ok(err)
	seal, err := s.Key(t.Context())
	h.ok(err)
	h.ok(s.store.PutSecret(t.Context(), seal, store.Secret{Name: "b", Sealed: x.Sealed}))
	if _, _, err := s.Secret(t.Context(), "b"); !errors.Is(err, vault.ErrBroken) || !strings.Contains(err.Error(), "tandem secret set b") {
		t.Errorf("got %v", err)
	}
}

func TestStateIsAMemory(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	one, two := h.must().State("crm"), h.must().State("crm")
	ctx := t.Context()
	if v, n, err := one.Get(ctx, "t"); v != "" || n != 0 || err != nil {
		t.Errorf("nothing yet: %q, %d, %v", v, n, err)
	}
	first, err := one.Put(ctx, "t", "a", 0)
	h.ok(err)
	if v, n, err := two.Get(ctx, "t"); v != "a" || n != first || err != nil {
		t.Errorf("from another process: %q, %d, %v", v, n, err)
	}
	second, err := two.Put(ctx, "t", "b", first)
	h.ok(err)
	if _, err := one.Put(ctx, "t", "c", first); !errors.Is(err, connector.ErrStale) {
		t.Errorf("a stale write: %v", err)
	}
	if v, _, err := h.must().State("erp").Get(ctx, "t"); v != "" || err != nil {
		t.Errorf("another connection reads %q, %v", v, err)
	}
	gone, err := one.Put(ctx, "t", "", second)
	if v, n, err2 := two.Get(ctx, "t"); gone != 0 || v != "" || n != 0 || err != nil || err2 != nil {
		t.Errorf("removed: %q, %d, %v, %v", v, n, err, err2)
	}
}

func TestRotateWhileOthersWork(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	ctx := t.Context()
	serving, admin := h.must(), h.must()
	h.ok(serving.Set(ctx, "crm", "x"))
	version, err := serving.State("crm").Put(ctx, "t", "token", 0)
	h.ok(err)
	r, err := admin.Rotate(ctx)
	h.ok(err)
	if r.Values != 2 || r.From == r.To || r.OldFile != h.key()+".old" {
		t.Errorf("rotation %+v", r)
	}
	// The process that knows only the old key goes on with the new one.
	h.has(serving, "crm", "x")
	if v, n, err := serving.State("crm").Get(ctx, "t"); v != "token" || n != version || err != nil {
		t.Errorf("%q, %d, %v", v, n, err)
	}
	_, err = serving.State("crm").Put(ctx, "t", "next", version)
	h.ok(err)
	if _, err := admin.Rotate(ctx); err == nil || !strings.Contains(err.Error(), "--confirm") {
		t.Errorf("a second rotation before the first is confirmed: %v", err)
	}
	removed, err := admin.Confirm(ctx)
	if err != nil || removed != h.key()+".old" {
		t.Errorf("confirm: %q, %v", removed, err)
	}
	if removed, err := admin.Confirm(ctx); err != nil || removed != "" {
		t.Errorf("confirm again: %q, %v", removed, err)
	}
	h.has(h.must(), "crm", "x")
	if v, _, err := h.must().State("crm").Get(ctx, "t"); v != "next" || err != nil {
		t.Errorf("with the new key alone: %q, %v", v, err)
	}
}

// A write that is on its way while the key is changed is sealed again under the new one.
func TestAWriteDuringRotationIsSealedAgain(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	serving, admin := h.must(), h.must()
	h.ok(serving.Set(t.Context(), "crm", "x"))
	puts := 0
	h.ok(serving.sealing(t.Context(), func(v *vault.Vault) error {
		if puts++; puts == 1 {
			_, err := admin.Rotate(t.Context())
			h.ok(err)
		}
		return serving.store.PutSecret(t.Context(), v.Fingerprint(), store.Secret{Name: "crm", Sealed: v.Seal([]byte("y"), serving.secretPlace("crm")...)})
	}))
	if puts != 2 {
		t.Errorf("put %d times", puts)
	}
	h.has(h.must(), "crm", "y")
}

func TestRotateFromTheEnvironment(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.env[Variable] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	h.ok(h.must().Set(t.Context(), "crm", "x"))
	r, err := h.must().Rotate(t.Context())
	h.ok(err)
	if r.OldFile != "" || r.File != h.key() {
		t.Errorf("rotation %+v", r)
	}
	h.told = nil
	h.has(h.must(), "crm", "x")
	if len(h.told) != 1 || !strings.Contains(h.told[0], "TANDEM_KEY has key") {
		t.Errorf("nobody was told that the variable is out of date: %q", h.told)
	}
	b, err := os.ReadFile(h.key())
	h.ok(err)
	h.env[Variable] = string(b)
	h.ok(os.Remove(h.key()))
	h.has(h.must(), "crm", "x")
}

// TestRotationCutShort kills a rotation at every step: what comes next always finds the key.
func TestRotationCutShort(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, tc := range map[string]func(h *home, s *Safe){
		"after the new key was written": func(h *home, _ *Safe) { h.ok(vault.WriteKeyFile(h.key()+".new", vault.NewKey())) },
		"after everything was sealed": func(h *home, s *Safe) {
			_, err := s.Rotate(ctx)
			h.ok(err)
			h.ok(os.Rename(h.key(), h.key()+".new"))
			h.ok(os.Rename(h.key()+".old", h.key()))
		},
		"between the renames": func(h *home, s *Safe) {
			_, err := s.Rotate(ctx)
			h.ok(err)
			h.ok(os.Rename(h.key(), h.key()+".new"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			s := h.must()
			h.ok(s.Set(ctx, "crm", "x"))
			tc(h, s)
			next := h.must()
			h.has(next, "crm", "x")
			h.ok(next.Set(ctx, "crm", "y"))
			_, err := next.Confirm(ctx)
			h.ok(err)
			_, err = next.Rotate(ctx)
			h.ok(err)
			_, err = next.Confirm(ctx)
			h.ok(err)
			h.has(h.must(), "crm", "y")
			for _, rest := range []string{".new", ".old"} {
				if exists(h.key() + rest) {
					t.Errorf("%s is left", rest)
				}
			}
		})
	}
}

func TestResetBeginsAnewAfterALostKey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.ok(h.must().Set(t.Context(), "crm", "x"))
	h.ok(os.Remove(h.key()))
	lost, err := h.open()
	if _, ok := errors.AsType[*KeyError](err); !ok {
		t.Fatalf("got %v", err)
	}
	n, err := lost.Reset(t.Context())
	if err != nil || n != 1 {
		t.Fatalf("reset %d, %v", n, err)
	}
	h.ok(lost.Set(t.Context(), "crm", "y"))
	h.has(h.must(), "crm", "y")
}

func TestTwoProcessesMakeOneKey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must() // the database itself
	safes := []*Safe{h.must(), h.must(), h.must(), h.must()}
	var wg sync.WaitGroup
	errs := make([]error, len(safes))
	for i, s := range safes {
		s.tell = func(string) {}
		wg.Go(func() { errs[i] = s.Set(context.Background(), string(rune('a'+i)), "x") })
	}
	wg.Wait()
	h.ok(errors.Join(errs...))
	for i := range safes {
		h.has(h.must(), string(rune('a'+i)), "x")
	}
}
