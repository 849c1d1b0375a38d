package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest/grant"
)

type authorizeCmd struct {
	Connection  string        `arg:"" help:"The connection that a person is to agree to."`
	RedirectURL string        `name:"redirect-url" placeholder:"URL" help:"The address that you registered at the vendor for the way back. Default: one on this machine with a free port."`
	NoBrowser   bool          `help:"The browser is on another machine: paste the address that it ends at."`
	Timeout     time.Duration `default:"10m" help:"How long to wait for the person. Default: 10m."`
}

// Run asks a person to agree in a browser, stores what the vendor gives, and says who is
// connected. It opens no browser: whoever may agree often sits elsewhere.
func (c *authorizeCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.open(ctx, touch)
	if err != nil {
		return err
	}
	defer s.close(&err)
	g, err := c.grant(s)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if c.NoBrowser {
		err = c.pasted(waiting, a, g)
	} else {
		err = c.listened(waiting, a, g)
	}
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("nobody came back in %s; nothing was changed", record.Roughly(c.Timeout))
		}
		return fmt.Errorf("authorize %s: %w", c.Connection, err)
	}
	checked, err := s.engine.Check(ctx, []string{c.Connection})
	if err != nil {
		return fmt.Errorf("check %s: %w", c.Connection, err)
	}
	line := a.checked(checked[0], nil)
	if err := a.tellChecked(line); err != nil {
		return err
	}
	if !line.OK {
		return exit(exitFailed)
	}
	return nil
}

func (c *authorizeCmd) grant(s *session) (*grant.Grant, error) {
	if err := checkConnections(s.plan, []string{c.Connection}); err != nil {
		return nil, err
	}
	g := s.engine.Grant(c.Connection)
	if g == nil {
		return nil, usage("connection %s is not authorized in a browser; its credential stands in the configuration. "+
			"If its system can do both, client_id and client_secret choose this way", c.Connection)
	}
	return g, nil
}

// listened waits for the browser on this machine.
func (c *authorizeCmd) listened(ctx context.Context, a *app, g *grant.Grant) error {
	address, path, err := c.listen()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	redirect := c.RedirectURL
	if redirect == "" {
		redirect = "http://" + listener.Addr().String() + path
	}
	r, err := g.Begin(redirect)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	a.showAddress(r.URL)
	return awaitBrowser(ctx, listener, path, func(answer url.Values) error { return g.Finish(ctx, r, answer) })
}

// listen returns where to wait, and for which path. Only this machine can come there.
func (c *authorizeCmd) listen() (address, path string, err error) {
	if c.RedirectURL == "" {
		return "127.0.0.1:0", "/oauth/" + c.Connection, nil
	}
	u, err := url.Parse(c.RedirectURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", "", usage("--redirect-url is no address such as http://127.0.0.1:8484/oauth/%s", c.Connection)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "http" || u.Port() == "" || u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", "", usage("nothing here answers at %s; --no-browser takes the address that the browser ends at", c.RedirectURL)
	}
	host := u.Hostname()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	path = u.Path
	if path == "" {
		path = "/"
	}
	return net.JoinHostPort(host, u.Port()), path, nil
}

// showAddress goes to standard error, so that standard output is the result only. Its
// state belongs to this one request; whoever sees it can do nothing without the answer.
func (a *app) showAddress(address string) {
	fmt.Fprintf(a.Err, "Open this address in a browser, as somebody who may agree for the whole account:\n\n  %s\n\n", address)
}

// awaitBrowser serves until the right answer has come. Answers to somebody else's request
// are turned away, and the wait goes on.
func awaitBrowser(ctx context.Context, listener net.Listener, path string, finish func(url.Values) error) error {
	done := make(chan error, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			answer(w, http.StatusNotFound, "There is nothing here.")
			return
		}
		err := finish(r.URL.Query())
		switch {
		case errors.Is(err, grant.ErrForeign):
			answer(w, http.StatusBadRequest, "This answer belongs to another request. Open the address that tandem shows.")
			return
		case err != nil:
			answer(w, http.StatusOK, "It did not work; tandem says why. You can close this page.")
		default:
			answer(w, http.StatusOK, "Tandem has what it needs. You can close this page.")
		}
		select {
		case done <- err:
		default: // the browser asked twice
		}
	})
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			done <- err
		}
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = web.Shutdown(stop) // a browser that lingers changes nothing
	return err
}

// pasted lets a person bring the answer: the browser is where nothing here can listen.
func (c *authorizeCmd) pasted(ctx context.Context, a *app, g *grant.Grant) error {
	redirect := c.RedirectURL
	if redirect == "" {
		redirect = "http://127.0.0.1:8484/oauth/" + c.Connection
	}
	r, err := g.Begin(redirect)
	if err != nil {
		return err
	}
	a.showAddress(r.URL)
	fmt.Fprintf(a.Err, "It ends at %s…, with an error page if nothing answers there. Paste that whole address here:\n", redirect)
	lines, failed := make(chan string), make(chan error, 1)
	go func() {
		in := bufio.NewScanner(a.In)
		for in.Scan() {
			select {
			case lines <- strings.TrimSpace(in.Text()):
			case <-ctx.Done():
				return
			}
		}
		failed <- errors.Join(in.Err(), usage("no address was pasted; nothing was changed"))
	}()
	for {
		select {
		case text := <-lines:
			if text == "" {
				continue
			}
			u, err := url.Parse(text)
			if err != nil || u.Query().Get("state") == "" {
				fmt.Fprintln(a.Err, "That is not the address: it has state=… and code=… in it. Again:")
				continue
			}
			if err := g.Finish(ctx, r, u.Query()); !errors.Is(err, grant.ErrForeign) {
				return err
			}
			fmt.Fprintln(a.Err, "That address belongs to another request. Open the one above, and paste where it ends:")
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type revokeCmd struct {
	Connection string `arg:"" help:"The connection that is to lose its access."`
}

// Run gives back at the vendor what a person granted, and forgets it.
func (c *revokeCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.open(ctx, touch)
	if err != nil {
		return err
	}
	defer s.close(&err)
	g, err := (&authorizeCmd{Connection: c.Connection}).grant(s)
	if err != nil {
		return err
	}
	if err := g.Revoke(ctx); err != nil {
		return fmt.Errorf("revoke %s: %w", c.Connection, err)
	}
	if a.json {
		return a.line(status.Connection{Connection: c.Connection, Health: status.SignedOut})
	}
	return a.print(c.Connection + " has no access any more; tandem connections authorize " + c.Connection + " gives it again\n")
}
