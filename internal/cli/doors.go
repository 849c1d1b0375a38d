package cli

import (
	"context"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tandemhub/tandem/internal/door"
	"github.com/tandemhub/tandem/internal/plan"
)

// withdrawals is how often it is tried to have a vendor call no more whose connection is gone.
const withdrawals = 3

// secretsFor is how long it may take until a changed secret is found to be so.
const secretsFor = time.Minute

// hooks returns the door that is open now; nil if no vendor reports anything.
func (s *server) hooks() *hooks {
	s.gate.Lock()
	defer s.gate.Unlock()
	return s.open
}

// ServeHTTP lets a vendor in by the door that is open when it comes. That one stays until
// the vendor is answered, whatever opens meanwhile.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.gate.Lock()
	h := s.open
	if h != nil {
		h.callers.Add(1)
	}
	s.gate.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	defer h.callers.Done()
	h.door.ServeHTTP(w, r)
}

// serve keeps what comes in, and vendors calling, until ctx ends; the door stays until stop.
// Vendors are followed once nobody else does so.
func (h *hooks) serve(ctx context.Context, g *errgroup.Group, alone <-chan struct{}) {
	if h == nil {
		return
	}
	g.Go(func() error { h.door.Run(ctx); return nil })
	var follow context.Context
	follow, h.unfollow = context.WithCancel(ctx)
	h.followers.Add(len(h.subs) + len(h.watches))
	each := func(run func(context.Context) error) {
		g.Go(func() error {
			defer h.followers.Done()
			select {
			case <-alone:
				return run(follow)
			case <-follow.Done():
				return nil
			}
		})
	}
	for _, s := range h.subs {
		each(s.Run)
	}
	for _, w := range h.watches {
		each(func(ctx context.Context) error { w.Run(ctx); return nil })
	}
}

// drain tells vendors to come again; what is under way goes on.
func (h *hooks) drain() {
	if h != nil {
		h.door.Drain()
	}
}

// stop waits until everything that was accepted is kept.
func (h *hooks) stop() {
	if h == nil {
		return
	}
	h.door.Close()
	if h.unfollow != nil {
		h.unfollow()
	}
}

// retire ends a door that nobody finds any more: it waits until whoever has come in by it is
// answered, and what was accepted is kept.
func (h *hooks) retire() {
	if h == nil {
		return
	}
	h.unfollow()
	h.callers.Wait()
	h.door.Close()
	h.followers.Wait()
}

// changeDoors opens another door and closes the one that was open. Vendors find one or the
// other at every moment. Those that are not to call any more, and those that still do from
// before, are told so. Doors close in their order.
func (s *server) changeDoors(ctx context.Context, next *hooks, still []*door.Subscription) {
	s.gate.Lock()
	old := s.open
	s.open = next
	s.gate.Unlock()
	before, alone := s.alone, make(chan struct{})
	s.alone = alone
	next.serve(ctx, s.group, alone)
	s.group.Go(func() error {
		old.retire()
		if before != nil {
			<-before
		}
		close(alone)
		s.forget(old)
		return nil
	})
	if old != nil {
		still = append(still, old.subs...)
	}
	s.withdraw(ctx, still)
}

// sealed returns the secrets of the vault that a plan uses, by connection and setting.
func sealed(p *plan.Plan) map[string]string {
	all := map[string]string{}
	for _, c := range p.Connections {
		for setting := range c.Vaulted {
			all[c.Name+" "+setting] = c.Secrets[setting]
		}
	}
	return all
}

// renewDoor opens another door if a secret of the vault has been changed: who verifies and who
// subscribes has to have the one of now. It looks once a minute, and after each turn.
func (s *server) renewDoor(ctx context.Context) {
	if s.renewal == nil || time.Since(s.looked) < secretsFor {
		return
	}
	s.looked = time.Now()
	changed, err := s.renewal(ctx)
	if err == nil && changed && s.hold(ctx) {
		still := s.halt()
		var next *hooks
		if next, err = s.rehook(ctx, s.table); err == nil {
			s.changeDoors(ctx, next, still)
			s.log.Info("a secret has changed, and vendors are answered and asked with the new one")
		} else {
			s.withdraw(ctx, still)
		}
		s.release()
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("the secrets of those who report could not be renewed", "error", err)
	}
}

// forget takes away how connections stood that no open door knows any more.
func (s *server) forget(old *hooks) {
	if old == nil {
		return
	}
	open := s.hooks()
	for _, name := range old.names {
		if open == nil || !slices.Contains(open.names, name) {
			s.meters.forgetConnection(name)
		}
	}
}

// A leaving are vendors that are being asked to call no more.
type leaving struct {
	subs []*door.Subscription // of whoever asks, until done
	stop context.CancelFunc
	done chan struct{}
}

// withdraw has the vendors call no more that the open door is not for, once the doors have
// closed that were. It goes on until halt.
func (s *server) withdraw(ctx context.Context, subs []*door.Subscription) {
	open, p, alone := s.hooks(), s.plan, s.alone
	subs = slices.DeleteFunc(subs, func(sub *door.Subscription) bool { return open.calls(sub.Connection) })
	if len(subs) == 0 {
		return
	}
	l := &leaving{subs: subs, done: make(chan struct{})}
	ctx, l.stop = context.WithCancel(ctx)
	s.leaving = l
	s.group.Go(func() error {
		defer close(l.done)
		defer l.stop()
		select {
		case <-alone:
		case <-ctx.Done():
			return nil
		}
		for ; len(l.subs) > 0; l.subs = l.subs[1:] {
			s.leave(ctx, l.subs[0], p)
			if ctx.Err() != nil {
				return nil
			}
		}
		return nil
	})
}

// halt ends what withdraw does, and returns which vendors still call. A door that is opened
// meanwhile would lose its key, or its vendor.
func (s *server) halt() []*door.Subscription {
	l := s.leaving
	if l == nil {
		return nil
	}
	s.leaving = nil
	l.stop()
	<-l.done
	return l.subs
}

// leave has one vendor call no more, and forgets its door if its connection is gone.
func (s *server) leave(ctx context.Context, sub *door.Subscription, p *plan.Plan) {
	_, stays := p.Connection(sub.Connection)
	if !s.dismiss(ctx, sub) || stays {
		return
	}
	if err := s.closeDoor(ctx, sub.Connection); err != nil && ctx.Err() == nil {
		s.log.Warn("the door of a connection that is gone was not forgotten", "connection", sub.Connection, "error", err)
	}
}

// calls reports whether a connection's vendor is asked to call.
func (h *hooks) calls(connection string) bool {
	return h != nil && slices.ContainsFunc(h.subs, func(s *door.Subscription) bool { return s.Connection == connection && s.Ready != nil })
}

// dismiss has one vendor call no more, and reports whether it will not.
func (s *server) dismiss(ctx context.Context, sub *door.Subscription) bool {
	if sub.Ready == nil {
		return true
	}
	for try := range withdrawals {
		err := sub.Withdraw(ctx)
		if err == nil {
			s.log.Info("a vendor was asked to call no more", "connection", sub.Connection)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.log.Warn("a vendor could not be asked to call no more", "connection", sub.Connection, "try", try+1, "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Minute << try):
		}
	}
	return false
}
