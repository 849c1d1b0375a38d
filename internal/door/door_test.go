package door_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
	"github.com/tandemhub/tandem/twin"
)

const (
	public = "https://hub.test"
	key    = "K5"
)

// A keeper remembers what it is given, slowly if it is told to.
type keeper struct {
	mu     sync.Mutex
	takes  time.Duration
	err    error
	groups [][]store.Arrival
}

func (k *keeper) TakeHints(_ context.Context, arrivals []store.Arrival) (map[string]int, error) {
	time.Sleep(k.takes)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return nil, k.err
	}
	k.groups = append(k.groups, slices.Clone(arrivals))
	return nil, nil
}

// sum adds up what was kept.
func (k *keeper) sum() (ids []string, total store.Arrival) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, group := range k.groups {
		for _, a := range group {
			for _, h := range a.Hints {
				ids = append(ids, h.ID)
			}
			total.Accepted, total.Refused, total.Busy = total.Accepted+a.Accepted, total.Refused+a.Refused, total.Busy+a.Busy
			total.Lost = total.Lost || a.Lost
		}
	}
	slices.Sort(ids)
	return ids, total
}

// plainReceiver believes everybody: the body is the ids, one a line.
type plainReceiver struct{ look func(*http.Request) }

func (p *plainReceiver) Receive(_ time.Time, r *http.Request, body []byte) (connector.Delivery, error) {
	if p.look != nil {
		p.look(r)
	}
	var d connector.Delivery
	for id := range strings.FieldsSeq(string(body)) {
		d.Hints = append(d.Hints, record.Ref{Object: "cards", ID: id})
	}
	return d, nil
}

// opened runs a door until the test ends.
func opened(t *testing.T, o door.Options) *door.Door {
	t.Helper()
	d := door.New(o)
	go d.Run(context.Background())
	t.Cleanup(d.Close)
	return d
}

func plain(k *keeper, spec connector.Door) door.Options {
	return door.Options{Keeper: k, Connections: []door.Connection{
		{Name: "a b", Key: key, Door: spec, Objects: []string{"cards"}, Receiver: &plainReceiver{}},
	}}
}

func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return w
}

// toyDoor is the door of a toy account.
func toyDoor(t *testing.T, k *keeper, decide func(context.Context, string, connector.Caller) connector.Decision) (*toy.Twin, *door.Door) {
	t.Helper()
	tw, ok := toy.New(twin.Options{NoLimits: true}).(*toy.Twin)
	if !ok {
		t.Fatal("toy.New makes no *toy.Twin")
	}
	able, handle, err := rest.Open(toy.Spec(), rest.OpenOptions{Secrets: tw.Settings(), Transport: twin.Transport(tw)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handle.Close)
	d := opened(t, door.Options{Keeper: k, PublicURL: public, Decide: decide, Connections: []door.Connection{
		{Name: "a", Key: key, Door: toy.Spec().Door, Objects: []string{"cards"}, Receiver: able.Receiver},
	}})
	return tw, d
}

func TestNobodyLearnsWhetherTheNameOrTheKeyIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		o := plain(k, connector.Door{})
		o.Connections = append(o.Connections, door.Connection{Name: "keyless", Receiver: &plainReceiver{}})
		d := opened(t, o)
		var first *httptest.ResponseRecorder
		for _, path := range []string{"/hooks/a%20b/K6", "/hooks/nobody/K5", "/hooks/a%20b/", "/hooks/a%20b", "/hooks/", "/hooks/keyless/", "/hooks/keyless", "/hooks/a%20b/K5x"} {
			w := post(d, path, "1")
			if first == nil {
				first = w
			}
			if w.Code != http.StatusNotFound || w.Body.String() != first.Body.String() || len(w.Header()) != len(first.Header()) {
				t.Errorf("%s: %d %q %v", path, w.Code, w.Body, w.Header())
			}
		}
		for _, path := range []string{"/hooks/a%20b/K5", "/hooks/a%20b/K5/more/of?it=1"} {
			if w := post(d, path, "1"); w.Code != http.StatusOK {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/hooks/a%20b/K5", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("DELETE: %d", w.Code)
		}
	})
}

func TestTheAddressIsTheOneThatTheVendorCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ public, want string }{
			{"https://hub.example.com/tandem/", "https://hub.example.com/tandem/hooks/a%20b/K5/x%2Fy?q=%C3%A4&r"},
			{"", "http://10.0.0.7:8420/hooks/a%20b/K5/x%2Fy?q=%C3%A4&r"},
		} {
			o := plain(&keeper{}, connector.Door{})
			o.PublicURL = c.public
			var seen *http.Request
			o.Connections[0].Receiver = &plainReceiver{look: func(r *http.Request) { seen = r }}
			d := opened(t, o)
			r := httptest.NewRequest(http.MethodPost, "/hooks/a%20b/K5/x%2Fy?q=%C3%A4&r", strings.NewReader("1"))
			r.Host = "10.0.0.7:8420"
			r.Header.Set("X-Forwarded-Host", "evil.example")
			r.Header.Set("X-Forwarded-Proto", "https")
			d.ServeHTTP(httptest.NewRecorder(), r)
			if seen.URL.String() != c.want || seen.Host != seen.URL.Host {
				t.Errorf("with public_url %q the connector sees %s at host %s, want %s", c.public, seen.URL, seen.Host, c.want)
			}
		}
	})
}

func TestDeliveriesThatComeTogetherAreKeptTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{takes: 10 * time.Millisecond}
		d := opened(t, plain(k, connector.Door{ReadDelay: 3 * time.Second}))
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				if w := post(d, "/hooks/a%20b/K5", fmt.Sprintf("r%03d other r%03d", i, i)); w.Code != http.StatusOK {
					t.Errorf("answered %d", w.Code)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		ids, total := k.sum()
		if len(slices.Compact(ids)) != 301 || len(ids) != 600 || total.Accepted != 300 {
			t.Errorf("%d hints of %d deliveries", len(ids), total.Accepted)
		}
		if n := len(k.groups); n > 4 {
			t.Errorf("%d transactions", n)
		}
		if a := k.groups[0][0]; a.Due.Sub(a.At) != 3*time.Second {
			t.Errorf("to be read %v after it came", a.Due.Sub(a.At))
		}
	})
}

// However many come at a time: what is thanked for is kept, and what is not is told so.
func TestAFloodLosesNothingThatWasAccepted(t *testing.T) {
	for _, c := range []struct {
		name string
		busy int
	}{{"told to come again", 0}, {"Dolibarr, which must be told that all is well", http.StatusOK}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{takes: 300 * time.Millisecond}
				o := plain(k, connector.Door{OK: http.StatusAccepted, Busy: c.busy})
				o.Most = 16
				lost := false
				o.Stored = func(l bool) { lost = lost || l }
				d := opened(t, o)
				var mu sync.Mutex
				var thanked []string
				busy := 0
				var wg sync.WaitGroup
				for i := range 1000 {
					wg.Go(func() {
						time.Sleep(time.Duration(i) * time.Millisecond)
						id := fmt.Sprintf("r%04d", i)
						w := post(d, "/hooks/a%20b/K5", id)
						mu.Lock()
						defer mu.Unlock()
						switch w.Code {
						case http.StatusAccepted:
							thanked = append(thanked, id)
						case max(c.busy, http.StatusServiceUnavailable*(1-min(1, c.busy))):
							busy++
						default:
							t.Errorf("answered %d", w.Code)
						}
					})
				}
				wg.Wait()
				d.Close()
				slices.Sort(thanked)
				kept, total := k.sum()
				if !slices.Equal(thanked, kept) {
					t.Errorf("thanked for %d, kept %d", len(thanked), len(kept))
				}
				if busy == 0 || len(thanked)+busy != 1000 || total.Busy != busy {
					t.Errorf("%d accepted, %d busy, %d counted", len(thanked), busy, total.Busy)
				}
				if want := c.busy == http.StatusOK; total.Lost != want || lost != want {
					t.Errorf("lost: kept %t, told %t, want %t", total.Lost, lost, want)
				}
			})
		})
	}
}

func TestAStoreThatIsFullMakesTheDoorBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{err: store.ErrFull}
		d := opened(t, plain(k, connector.Door{}))
		w := post(d, "/hooks/a%20b/K5", "1")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("answered %d %v", w.Code, w.Header())
		}
		k.mu.Lock()
		k.err = nil
		k.mu.Unlock()
		if w := post(d, "/hooks/a%20b/K5", "1"); w.Code != http.StatusOK {
			t.Errorf("answered %d once there is room", w.Code)
		}
		if _, total := k.sum(); total.Busy != 1 {
			t.Errorf("%d busy answers are counted", total.Busy)
		}
	})
}

func TestAStoreThatIsSlowDoesNotKeepTheVendorWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{takes: 20 * time.Second}
		d := opened(t, plain(k, connector.Door{Budget: 3 * time.Second}))
		began := time.Now()
		if w := post(d, "/hooks/a%20b/K5", "1"); w.Code != http.StatusServiceUnavailable || time.Since(began) > 3*time.Second {
			t.Errorf("answered %d after %v", w.Code, time.Since(began))
		}
	})
}

func TestALargeBodyIsNotReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		d := opened(t, plain(k, connector.Door{}))
		if w := post(d, "/hooks/a%20b/K5", strings.Repeat("x", 1<<20+1)); w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d", w.Code)
		}
		if w := post(d, "/hooks/a%20b/K5", strings.Repeat("x", 1<<20)); w.Code != http.StatusOK {
			t.Errorf("answered %d to what is just allowed", w.Code)
		}
		// A vendor that must be told that all is well is, and its changes are read.
		d = opened(t, plain(k, connector.Door{Busy: http.StatusOK}))
		if w := post(d, "/hooks/a%20b/K5", strings.Repeat("x", 1<<20+1)); w.Code != http.StatusOK {
			t.Errorf("answered %d", w.Code)
		}
		d.Close()
		if _, total := k.sum(); !total.Lost {
			t.Error("nobody knows that something was lost")
		}
	})
}

func TestTheVendorsAnswersAreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		tw, d := toyDoor(t, k, nil)
		hook := door.Address(public, "a", key)
		if err := tw.Challenge(t.Context(), twin.Transport(d), hook); err != nil {
			t.Error(err)
		}
		if err := tw.Drop(t.Context(), twin.Transport(d)); err != nil {
			t.Error(err)
		}
		bad := connector.Door{Bad: http.StatusTeapot}
		o := plain(k, bad)
		o.Connections[0].Receiver = refusing{}
		if w := post(opened(t, o), "/hooks/a%20b/K5", "1"); w.Code != http.StatusTeapot {
			t.Errorf("refused with %d", w.Code)
		}
	})
}

type refusing struct{}

func (refusing) Receive(time.Time, *http.Request, []byte) (connector.Delivery, error) {
	return connector.Delivery{}, &connector.Error{Kind: connector.Invalid, Err: errors.New("what is this")}
}

func TestC6AVendorThatWaitsIsAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := time.Duration(0)
		decide := func(ctx context.Context, connection string, c connector.Caller) connector.Decision {
			select {
			case <-time.After(takes):
			case <-ctx.Done():
			}
			if connection != "a" || c.From != "+302101234567" || c.To != "30" {
				t.Errorf("asked about %+v of %s", c, connection)
			}
			return connector.Decision{Name: "Ελένη", Ring: []string{"12", "14"}}
		}
		tw, d := toyDoor(t, &keeper{}, decide)
		hook := door.Address(public, "a", key)
		for _, c := range []struct {
			takes time.Duration
			want  string
		}{{time.Second, `{"show":"Ελένη","ring":["12","14"]}`}, {time.Minute, `{}`}} {
			takes = c.takes
			began := time.Now()
			got, err := tw.Ring(t.Context(), twin.Transport(d), hook, "+302101234567", "30")
			if err != nil || got != c.want || time.Since(began) > 2*time.Second {
				t.Errorf("answered %s after %v, want %s: %v", got, time.Since(began), c.want, err)
			}
			synctest.Wait()
		}
		tw, d = toyDoor(t, &keeper{}, nil)
		if got, err := tw.Ring(t.Context(), twin.Transport(d), hook, "1", "2"); err != nil || got != `{}` {
			t.Errorf("a door that knows nothing about calls answers %s: %v", got, err)
		}
	})
}

func TestAClosedDoorHasKeptEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{takes: time.Second}
		d := opened(t, plain(k, connector.Door{}))
		answered := make(chan int, 1)
		go func() { answered <- post(d, "/hooks/a%20b/K5", "1").Code }()
		time.Sleep(500 * time.Millisecond)
		d.Drain()
		if w := post(d, "/hooks/a%20b/K5", "2"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a draining door answers %d", w.Code)
		}
		d.Close()
		if code := <-answered; code != http.StatusOK {
			t.Errorf("what was under way is answered with %d", code)
		}
		if ids, total := k.sum(); !slices.Equal(ids, []string{"1"}) || total.Busy != 1 {
			t.Errorf("kept %v, %d busy", ids, total.Busy)
		}
		if err := d.Feed(t.Context(), "a b", connector.Delivery{}); err == nil {
			t.Error("a closed door can be fed")
		}
	})
}
