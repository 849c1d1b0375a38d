package cli

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tandemhub/tandem/internal/console"
	"github.com/tandemhub/tandem/internal/engine"
)

// An atWork is what is under way in a server, for who watches and may stop it.
type atWork struct {
	mu      sync.Mutex
	run     *console.Progress // nil = no run has begun
	cancel  context.CancelFunc
	stopped bool
}

// begin is called by who holds busy, before an engine works. What it returns ends that, and says
// whether somebody stopped it.
func (s *server) begin(ctx context.Context) (context.Context, func() bool) {
	ctx, cancel := context.WithCancel(ctx)
	w := &s.now
	w.mu.Lock()
	w.run, w.cancel, w.stopped = nil, cancel, false
	w.mu.Unlock()
	return ctx, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.run, w.cancel = nil, nil
		cancel()
		return w.stopped
	}
}

// see takes up how far a run has come.
func (s *server) see(p engine.Progress) {
	if p.Run == 0 {
		return
	}
	w := &s.now
	w.mu.Lock()
	if w.run == nil || w.run.Run != p.Run {
		w.run = &console.Progress{Run: p.Run, Sync: p.Sync, Stopping: w.stopped}
	}
	if p.Act != engine.ActBegin {
		w.run.See(p, time.Now())
	}
	w.mu.Unlock()
	s.news.bell.Ring()
}

// stop ends the run under way if it is that one. It ends as at a kill: the next one goes on.
func (s *server) stop(run int64) bool {
	w := &s.now
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.run == nil || w.run.Run != run || w.cancel == nil {
		return false
	}
	w.stopped, w.run.Stopping = true, true
	w.cancel()
	return true
}

// again asks for the syncs that a stopped turn has not come to.
func (s *server) again(names []string, reports []engine.Report) {
	s.news.mu.Lock()
	defer s.news.mu.Unlock()
	for _, name := range names {
		if !slices.ContainsFunc(reports, func(r engine.Report) bool { return r.Sync == name }) {
			s.news.asked[name] = true
		}
	}
}

// Bell is rung when runs come on, when something is reported, and when people act.
func (h *hub) Bell() *console.Bell { return &h.server.news.bell }

// Progress returns how far the run under way has come, nil if there is none.
func (h *hub) Progress() *console.Progress {
	w := &h.server.now
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.run == nil {
		return nil
	}
	p := *w.run
	p.Stages = slices.Clone(p.Stages)
	return &p
}

// Cancel ends a run if it is the one under way.
func (h *hub) Cancel(run int64) bool { return h.server.stop(run) }

// Look lends an engine of its own for what is answered from our own records alone.
func (h *hub) Look(ctx context.Context, fn func(context.Context, *engine.Engine) error) error {
	e, err := h.server.borrow(ctx)
	if err != nil {
		return err
	}
	return fn(ctx, e)
}
