package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// demoAddress is where vendors believe to reach the demo: what they send stays in this process.
const demoAddress = "https://tandem.demo.invalid"

// stays reports whether the demo goes on serving when its story is told: if somebody asked for
// that, or sits at a terminal.
func (c *demoCmd) stays(a *app) bool { return c.Serve || isTerminal(a.In) && isTerminal(a.Out) }

// serve opens the console on the database that the story has filled, while people go on working
// in the simulated systems, until ctx ends. The process that serves is killed and started again as
// often as somebody wants to see that.
func (d *demo) serve(ctx context.Context, port int, dir string) error {
	yaml := strings.Replace(demoConfig(d.prefer, true, demoOffice(), demoSales()), "connections:\n", "public_url: "+demoAddress+"\nconnections:\n", 1)
	file := filepath.Join(dir, "tandem.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		return fmt.Errorf("write the demo's configuration: %w", err)
	}
	listener, err := d.listen(ctx, port)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	r := newRelay(listener)
	l := newLab(d, r)
	if err := l.question(); err != nil {
		return errors.Join(err, listener.Close())
	}
	g.Go(func() error { return r.run(ctx) })
	g.Go(func() error { l.deliver(ctx); return nil })
	g.Go(func() error { return l.people(ctx) })
	g.Go(func() error {
		for ctx.Err() == nil {
			if err := l.live(ctx, file, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err := d.print("\nThe console is open on this machine, with the same systems; people go on working in them.\n"); err != nil {
		return err
	}
	if err := l.invite(); err != nil {
		return err
	}
	return g.Wait()
}

// listen takes a port of the loopback interface: whoever finds the demo can break it.
func (d *demo) listen(ctx context.Context, port int) (net.Listener, error) {
	listen := d.Listen
	if listen == nil {
		listen = func(ctx context.Context, address string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		}
	}
	listener, err := listen(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil && port == demoPort {
		listener, err = listen(ctx, "127.0.0.1:0") // somebody else serves there
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w; --port names another port", err)
	}
	return listener, nil
}

// live is the life of one process: tandem serve as everybody has it, in the folder of the demo.
// It returns nil when the process was killed, too.
func (l *lab) live(ctx context.Context, file string, r *relay) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	life := l.born(end)
	a := *l.demo.app
	a.config, a.quiet, a.json, a.lab = file, true, false, l
	a.In, a.Out, a.Env, a.Transport = strings.NewReader(""), io.Discard, l.demo.env, life.transport
	a.Listen = func(context.Context, string) (net.Listener, error) { return r.berth(), nil }
	return (&serveCmd{Listen: l.address}).Run(ctx, &a)
}

// A relay keeps a port over the lives of those who serve on it: who calls meanwhile waits for the
// next one.
type relay struct {
	net.Listener

	conns chan net.Conn
}

func newRelay(l net.Listener) *relay { return &relay{Listener: l, conns: make(chan net.Conn)} }

// run takes calls until ctx ends.
func (r *relay) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = r.Close() })
	defer stop()
	for {
		c, err := r.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("take a call: %w", err)
		}
		go func() {
			select {
			case r.conns <- c:
			case <-ctx.Done():
				_ = c.Close()
			}
		}()
	}
}

// dial calls whoever serves, within this process.
func (r *relay) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case r.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// berth is the relay's port for one who serves.
func (r *relay) berth() net.Listener {
	ctx, leave := context.WithCancel(context.Background())
	return &berth{relay: r, gone: ctx, leave: leave}
}

type berth struct {
	*relay

	gone  context.Context
	leave context.CancelFunc
}

// Accept returns the next call, until Close.
func (b *berth) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.gone.Done():
		return nil, net.ErrClosed
	}
}

// Close leaves the port to the next one.
func (b *berth) Close() error {
	b.leave()
	return nil
}

// deliver carries what the vendors report, as the network would.
func (l *lab) deliver(ctx context.Context) {
	ticker := time.NewTicker(time.Second / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.carry(ctx)
		}
	}
}
