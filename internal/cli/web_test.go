package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// A pipes is a listener without a network, for a bubble.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error {
	close(p)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

// call begins a request at the server.
func (p pipes) call(t *testing.T, head string) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close() })
	p <- theirs
	if _, err := io.WriteString(ours, head); err != nil {
		t.Fatal(err)
	}
	return ours
}

func idleServer() *server {
	sv := newTestServer(map[string]time.Time{"often": time.Now(), "hourly": time.Now()}, func(context.Context, []string) ([]engine.Report, error) { return nil, nil })
	sv.run = func(context.Context, []string) ([]engine.Report, error) { return nil, nil }
	return sv
}

func TestAStrangerWhoNeverSendsHisBodyIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sv, listener := idleServer(), make(pipes)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- sv.serve(ctx, listener) }()
		began := time.Now()
		stranger := listener.call(t, "POST /hooks/x/y HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
		_ = stranger.SetReadDeadline(began.Add(time.Hour))
		answer, err := io.ReadAll(stranger)
		if took := time.Since(began); err != nil || took > 11*time.Second || !strings.HasPrefix(string(answer), "HTTP/1.1 404") {
			t.Errorf("let go after %v: %v %q", took, err, answer)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("a stop: %v", err)
		}
	})
}

func TestAStopIsAGoodEndWhoeverStillHangsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sv, listener := idleServer(), make(pipes)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- sv.serve(ctx, listener) }()
		stranger := listener.call(t, "POST /hooks/x/y HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
		synctest.Wait()
		cancel()
		began := time.Now()
		if err := <-done; err != nil || time.Since(began) > 6*time.Second {
			t.Errorf("a stop after %v: %v", time.Since(began), err)
		}
		_ = stranger.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := io.ReadAll(stranger); err != nil {
			t.Errorf("he still hangs on: %v", err)
		}
	})
}

type keepNothing struct{}

func (keepNothing) TakeHints(context.Context, []store.Arrival) (map[string]int, error) {
	return nil, nil
}

// A reader is a host that says how much it was brought.
type reader struct{}

func (reader) Serve(_ context.Context, _ connector.Exchange, w http.ResponseWriter, r *http.Request) error {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "got %d", n)
	return err
}

// A visitor that has the key has the time that its system's door gives it.
func TestAVisitorMayTakeAsLongAsItsDoorAllows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sv, listener := idleServer(), make(pipes)
		d := door.New(door.Options{Keeper: keepNothing{}, Connections: []door.Connection{{
			Name: "shop", Key: "k3y", Door: connector.Door{Budget: time.Minute, Body: 8 << 20}, Host: reader{},
			Exchange: func() (connector.Exchange, error) { return nil, nil },
		}}})
		sv.open = &hooks{door: d}
		ctx, cancel := context.WithCancel(t.Context())
		go d.Run(ctx)
		web := sv.web()
		go func() { _ = web.Serve(listener) }()
		const part, parts = 100 << 10, 40
		visitor := listener.call(t, fmt.Sprintf("POST /hooks/shop/k3y/import HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", part*parts))
		for range parts {
			time.Sleep(time.Second)
			if _, err := visitor.Write(make([]byte, part)); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := io.ReadAll(visitor)
		if want := fmt.Sprintf("got %d", part*parts); err != nil || !strings.HasSuffix(string(answer), want) {
			t.Errorf("%v %q", err, answer)
		}
		cancel()
		_ = web.Close()
		d.Close()
	})
}

// It would end the process, and this test with it.
func TestAHangupWhileTheServerBeginsIsNotItsEnd(t *testing.T) {
	t.Parallel()
	s := newStation(t, stationYAML)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var once sync.Once
	transport := s.app.Transport
	s.app.Transport = func(c plan.Connection) http.RoundTripper {
		return onCall{transport(c), func() {
			once.Do(func() {
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = self.Signal(syscall.SIGHUP)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}}
	}
	go func() {
		for ctx.Err() == nil && !strings.Contains(s.log.String(), "the configuration was read again") {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	if err := (&serveCmd{Listen: "127.0.0.1:0"}).Run(ctx, s.app); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.log.String(), "the configuration was read again") {
		t.Errorf("it was not heard: %s", s.log)
	}
}

// An onCall does something before each request.
type onCall struct {
	next http.RoundTripper
	do   func()
}

func (c onCall) RoundTrip(r *http.Request) (*http.Response, error) {
	c.do()
	return c.next.RoundTrip(r)
}
