package hubspot

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

// A watch is a journal that is being read.
type watch struct {
	*bench
	state connector.KV
	mu    sync.Mutex
	got   []connector.Delivery
	full  bool              // what is told cannot be kept
	auth  map[string]string // credential by path
	err   error
	stop  func()
}

// RoundTrip notes with which credential each path is asked for.
func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.auth[r.URL.Path] = r.Header.Get("Authorization")
	w.mu.Unlock()
	return twin.Transport(w.account).RoundTrip(r)
}

// watching reads the journal until stop, with the places of an earlier watch if there is one.
func (b *bench) watching(state connector.KV, url string, objects ...string) *watch {
	b.Helper()
	w := &watch{bench: b, state: state, auth: map[string]string{}}
	id, secret := b.account.App()
	secrets := b.account.Settings()
	secrets[settingSecret] = secret
	settings := connector.Settings{settingClient: id}
	maps.Copy(settings, b.settings)
	able, _, err := rest.Open(Spec(), rest.OpenOptions{Settings: settings, Secrets: secrets, URL: url, Transport: w, State: state})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	hints := make(chan connector.Delivery)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.err = able.Hints.WatchHints(ctx, objects, hints)
	}()
	go func() {
		for {
			select {
			case d := <-hints:
				w.mu.Lock()
				w.got = append(w.got, d)
				full := w.full
				w.mu.Unlock()
				if full {
					cancel() // the feed is ended, as by the hub
					return
				}
			case <-done:
				return
			}
		}
	}()
	w.stop = func() {
		cancel()
		<-done
		if !errors.Is(w.err, context.Canceled) {
			b.Errorf("the journal broke: %v", w.err)
		}
	}
	time.Sleep(journalPause) // the subscriptions are made
	return w
}

// take returns the ids that were hinted at since the last call, and whether some were lost.
func (w *watch) take() (ids []string, lost bool) {
	time.Sleep(2 * journalPause)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.got {
		lost = lost || d.Lost
		for _, h := range d.Hints {
			ids = append(ids, h.Object+" "+h.ID)
		}
	}
	w.got = nil
	return ids, lost
}

// memory is a KV that outlives a connection.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	at     int64
}

func (m *memory) Get(_ context.Context, key string) (string, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.at, nil
}

func (m *memory) Put(_ context.Context, key, value string, version int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if version != m.at {
		return 0, connector.ErrStale
	}
	m.values[key] = value
	m.at++
	return m.at, nil
}

func newMemory() *memory { return &memory{values: map[string]string{}} }

func TestJournalTellsWhatPeopleDo(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		state := newMemory()
		w := b.watching(state, "", contacts, companies, owners)
		ann := b.put(contacts, "", "email", "a@example.com")
		berg := b.put(companies, "", "name", "Berg")
		if ids, lost := w.take(); !slices.Contains(ids, "contacts "+ann) || !slices.Contains(ids, "companies "+berg) || lost {
			b.Errorf("hints: %v, lost %v", ids, lost)
		}
		b.put(contacts, ann, propCompany, berg)
		if ids, _ := w.take(); !slices.Contains(ids, "contacts "+ann) {
			b.Errorf("an association: %v", ids)
		}
		if ids, _ := w.take(); len(ids) != 0 {
			b.Errorf("nothing happened: %v", ids)
		}
		w.stop()
		b.put(contacts, ann, "city", "Athens") // while nobody reads
		w = b.watching(state, "", contacts)
		if ids, lost := w.take(); !slices.Equal(ids, []string{"contacts " + ann}) || lost {
			b.Errorf("after a restart: %v, lost %v", ids, lost)
		}
		w.stop()
		if n := len(b.matching("/subscriptions/")); n != 2+3+2 { // two looks; contacts three ways, companies two
			b.Errorf("%d calls of subscriptions", n)
		}
	})
}

// What could not be kept is told again: the place has not moved (Invariant 11).
func TestJournalTellsAgainWhatCouldNotBeKept(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		state := newMemory()
		w := b.watching(state, "", contacts)
		ann := b.put(contacts, "", "email", "a@example.com")
		w.take()
		w.mu.Lock()
		w.full = true
		w.mu.Unlock()
		before, _, _ := state.Get(b.Context(), stateJournal)
		b.put(contacts, ann, "city", "Athens")
		if ids, _ := w.take(); !slices.Contains(ids, "contacts "+ann) {
			b.Fatalf("hints: %v", ids)
		}
		w.stop()
		if after, _, _ := state.Get(b.Context(), stateJournal); before == "" || after != before {
			b.Errorf("the place was %q and is %q", before, after)
		}
		w = b.watching(state, "", contacts)
		if ids, lost := w.take(); !slices.Contains(ids, "contacts "+ann) || lost {
			b.Errorf("with room again: %v, lost %v", ids, lost)
		}
		w.stop()
	})
}

// The file's address is its own right to be read, and lies elsewhere (C9).
func TestJournalFilesAreFetchedWithoutOurCredential(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "https://sandbox.example.com"} {
		inBubble(t, twin.Options{}, func(b *bench) {
			w := b.watching(newMemory(), url, contacts)
			b.put(contacts, "", "email", "a@example.com")
			if ids, _ := w.take(); len(ids) == 0 {
				b.Error("nothing was told")
			}
			w.stop()
			own := b.account.Settings()["access_token"]
			files := 0
			for path, auth := range w.auth {
				switch {
				case strings.Contains(path, "-files/"):
					if files++; auth != "" {
						b.Errorf("%s was asked for with a credential", path)
					}
				case strings.HasPrefix(path, "/webhooks-journal/"), strings.HasPrefix(path, "/oauth/"):
					if strings.Contains(auth, own) {
						b.Errorf("%s was asked for with the account's credential", path)
					}
				case !strings.Contains(auth, own):
					b.Errorf("%s was asked for with %q", path, auth)
				}
			}
			if files == 0 {
				b.Error("no file was asked for")
			}
		})
	}
}

func TestJournalSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		state := newMemory()
		w := b.watching(state, "", contacts)
		ann := b.put(contacts, "", "email", "a@example.com")
		w.take()
		w.stop()
		time.Sleep(80 * time.Hour) // HubSpot keeps three days
		w = b.watching(state, "", contacts)
		if _, lost := w.take(); lost {
			b.Error("lost, although nothing happened")
		}
		b.put(contacts, ann, "city", "Athens")
		if ids, lost := w.take(); !lost || len(ids) != 1 {
			b.Errorf("hints %v, lost %v", ids, lost)
		}
		if _, lost := w.take(); lost {
			b.Error("lost again")
		}
		w.stop()
	})
}

func TestJournalNeedsTheApp(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		e := b.wantKind(b.Hints.WatchHints(b.Context(), []string{contacts}, nil), connector.Unsupported)
		if !strings.Contains(e.Fix, "client_id") {
			b.Errorf("%+v", e)
		}
		secrets := b.account.Settings()
		secrets[settingSecret] = "wrong"
		able, _, err := rest.Open(Spec(), rest.OpenOptions{
			Settings: connector.Settings{settingClient: "nobody"}, Secrets: secrets, Transport: twin.Transport(b.account),
		})
		if err != nil {
			b.Fatal(err)
		}
		b.wantKind(able.Hints.WatchHints(b.Context(), []string{contacts}, nil), connector.Unauthorized)
	})
}

func TestHintsOfAnErasedContact(t *testing.T) {
	t.Parallel()
	inBubble(t, twin.Options{}, func(b *bench) {
		id := b.contacts(1)[0]
		w := b.watching(newMemory(), "", contacts)
		if err := b.Eraser.Erase(b.Context(), record.Ref{Object: contacts, ID: id}); err != nil {
			b.Fatal(err)
		}
		if ids, _ := w.take(); !slices.Contains(ids, "contacts "+id) {
			b.Errorf("hints: %v", ids)
		}
		w.stop()
		got, err := b.Reader.Read(b.Context(), contacts, []string{id})
		if err != nil || got[0].Fate != connector.Deleted {
			b.Errorf("%+v %v", got, err)
		}
		if err := b.Eraser.Erase(b.Context(), record.Ref{Object: contacts, ID: id}); err != nil {
			b.Errorf("again: %v", err)
		}
		b.wantKind(b.Eraser.Erase(b.Context(), record.Ref{Object: companies, ID: "1"}), connector.Unsupported)
	})
}
