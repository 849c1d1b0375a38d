package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/safe"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/twin"
)

const sealedYAML = `"http://a.test/v1", api_key: "${secret:k}"`

// seal puts a secret into the station's vault from beside, as tandem secret set does.
func (s *station) seal(value string) {
	s.t.Helper()
	s.vault(func(k *safe.Safe) error { return k.Set(s.t.Context(), "k", value) })
}

// vault does something with the station's vault from beside.
func (s *station) vault(do func(*safe.Safe) error) {
	s.t.Helper()
	o, err := s.app.outline(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	st, err := store.Open(s.t.Context(), store.Options{DSN: o.Database})
	if err != nil {
		s.t.Fatal(err)
	}
	k, err := safe.Open(s.t.Context(), st, safe.Places{File: o.KeyFile}, nil)
	if err == nil {
		err = do(k)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		s.t.Fatal(err)
	}
}

func newSealed(t *testing.T) (*station, string) {
	t.Helper()
	s := newStation(t, strings.Replace(stationYAML, `"http://a.test/v1", api_key: "${KEY}"`, sealedYAML, 1))
	good := s.a.Settings()["api_key"]
	s.app.Env = func(n string) (string, bool) { return good, n == "KEY" }
	return s, good
}

func TestAChangedSecretReachesTheDoor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, good := newSealed(t)
		s.seal("the old one")
		id := s.put(s.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		s.start()
		s.seal(good)
		time.Sleep(7 * time.Hour) // with the run of six o'clock
		if got := s.a.Hooks(); len(got) != 1 {
			t.Fatalf("the vendor calls %v: %s", got, s.log)
		}
		s.put(s.a, id, map[string]string{"notes": "new"})
		if got := s.deliver(s.a, twin.HookFaults{}); len(got) == 0 || got[0] != 200 {
			t.Errorf("answered %v", got)
		}
		time.Sleep(time.Minute)
		if got := s.notes(s.b); got != "new" {
			t.Errorf("notes are %q", got)
		}
		if c, _, err := s.session.store.Connection(t.Context(), "a"); err != nil || c.Paused != "" {
			t.Errorf("paused: %s %v", c.Paused, err)
		}
	})
}

// A reload takes the key's new place over whole: secrets that are sealed there under another key open.
func TestAReloadTakesTheKeysNewPlaceOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, good := newSealed(t)
		s.seal(good)
		s.put(s.a, "", map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old"})
		s.start()
		o, err := s.app.outline(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		moved := filepath.Join(s.dir, "other.key")
		if err := os.Rename(o.KeyFile, moved); err != nil {
			t.Fatal(err)
		}
		s.reload(strings.Replace(stationYAML, `"http://a.test/v1", api_key: "${KEY}"`, sealedYAML, 1) + "key_file: " + moved + "\n")
		time.Sleep(time.Second)
		s.vault(func(k *safe.Safe) error {
			_, err := k.Rotate(t.Context())
			return err
		})
		s.put(s.a, "", map[string]string{"name": "Bea", "email": "bea@x.gr"})
		time.Sleep(7 * time.Hour)
		if n := len(s.b.Rows("cards")); n != 2 || strings.Contains(s.log.String(), "ERROR") {
			t.Errorf("%d cards: %s", n, s.log)
		}
	})
}
