package cli

import (
	"log/slog"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
)

// exchange makes what one request of a vendor works with that visits us. It has an engine of
// its own: one turn may be under way for long.
func (h *hooks) exchange(a *app, p *plan.Plan, s *session, connection string) (connector.Exchange, error) {
	e, err := a.openEngine(p, s.store, s.safe, slog.New(slog.DiscardHandler), nil, nil)
	if err != nil {
		return nil, err
	}
	return e.Visit(connection, func() { h.came(connection) })
}

// came notes that a vendor has brought something.
func (h *hooks) came(connection string) {
	h.news.mu.Lock()
	h.news.visited[connection] = time.Now()
	h.news.mu.Unlock()
	h.news.tell()
}

// welcome makes the syncs of connections due whose vendors have brought something.
func (h *hooks) welcome(t *timetable) {
	h.news.mu.Lock()
	defer h.news.mu.Unlock()
	for name, at := range h.news.visited {
		for _, sync := range t.of(name) {
			t.hurry(sync, at.Add(visitDelay))
		}
	}
	clear(h.news.visited)
}
