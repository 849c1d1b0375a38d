package console

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	liveEvery = time.Second      // the least time between two events to one listener
	liveBeat  = 20 * time.Second // proxies cut what is silent for long
	liveWrite = 10 * time.Second // for one event to be taken
)

// live tells a page that something has changed, for as long as it listens and its person is
// signed in. What has changed it asks for itself.
func (c *console) live(w http.ResponseWriter, r *http.Request) error {
	who := visitOf(r).who
	ear, stop, ok := c.hub.Bell().Listen(who.Name)
	if !ok {
		return errCrowded()
	}
	defer stop()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // nginx would hold it back
	say := func(text string) bool {
		out := http.NewResponseController(w)
		_ = out.SetReadDeadline(time.Time{}) // a recorder in a test has none
		_ = out.SetWriteDeadline(time.Now().Add(liveWrite))
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	if !say("retry: 5000\n\n") {
		return nil
	}
	c.tell(r, ear, say)
	return nil
}

const (
	changed = "event: change\ndata: 1\n\n"
	beat    = ": still here\n\n"
)

func (c *console) tell(r *http.Request, ear <-chan struct{}, say func(string) bool) {
	ctx := r.Context()
	heart := time.NewTicker(liveBeat)
	defer heart.Stop()
	end, _ := c.hub.Store().JournalEnd(ctx) // what cannot be known now is asked for at the next beat
	for {
		text := changed
		select {
		case <-ctx.Done():
			return
		case _, open := <-ear:
			if !open {
				return
			}
		case <-heart.C:
			// Another process may have written too: a command in a terminal rings no bell here.
			now, err := c.hub.Store().JournalEnd(ctx)
			if err == nil && now == end {
				text = beat
			}
			end = now
		}
		if !c.stillIn(r) || !say(text) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(liveEvery):
		}
	}
}

// stillIn reports whether whoever listens still may: a token was not revoked, a session lives on. It
// is not used by that: a page that is left open keeps nobody signed in.
func (c *console) stillIn(r *http.Request) bool {
	who := visitOf(r).who
	if who.Token != "" {
		now, err := c.accounts.Token(r.Context(), bearer(r))
		return err == nil && now.Can(account.See)
	}
	living, err := c.accounts.Sessions(r.Context(), who.ID)
	return err == nil && slices.ContainsFunc(living, func(s store.Session) bool { return s.ID == who.Session })
}
