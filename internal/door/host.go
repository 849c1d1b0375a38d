package door

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
)

// host lets the connector answer a vendor that visits us (C6). One request of a connection is
// answered at a time: what a visit brings has an order.
func (d *Door) host(ctx context.Context, at *room, w http.ResponseWriter, r *http.Request, began time.Time) {
	select {
	case at.turn <- struct{}{}:
		defer func() { <-at.turn }()
	case <-ctx.Done():
		reply(w, d.busy(at, began))
		return
	}
	body, failed := d.body(at, w, r, began)
	if failed != nil {
		reply(w, *failed)
		return
	}
	x, err := at.Exchange()
	if err != nil {
		d.o.Log.Warn("a visit could not be served", "connection", at.Name, "error", err)
		reply(w, d.busy(at, began))
		return
	}
	// Whoever takes the answer drop by drop would hold the door. In process there is no deadline.
	_ = http.NewResponseController(w).SetWriteDeadline(began.Add(2 * at.Door.Budget))
	seen := d.asCalled(r).WithContext(ctx)
	seen.Body, seen.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	seen.SetPathValue("rest", restOf(r))
	answer := &answering{w: w}
	err = at.Host.Serve(ctx, x, answer, seen)
	if own := d.visited(at, began, err); !answer.begun {
		reply(w, own)
	}
}

// visited counts a visit and returns what to answer if the connector has not.
func (d *Door) visited(at *room, began time.Time, err error) connector.Reply {
	switch kind := connector.KindOf(err); {
	case err == nil:
		d.o.Count(at.Name, Accepted, 1)
		d.note(at.Name, store.Arrival{At: began, Accepted: 1})
		return at.thanks(connector.Reply{})
	case kind == connector.Unauthorized || kind == connector.Invalid:
		d.refused(at, began, err)
		return connector.Reply{Status: status(at.Door.Bad, http.StatusUnauthorized)}
	default:
		d.o.Log.Warn("a visit could not be served; the vendor is told to come again", "connection", at.Name, "error", err)
		return d.busy(at, began)
	}
}

// restOf returns what stands behind the key in the address.
func restOf(r *http.Request) string {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/hooks/"), "/", 3)
	return strings.Join(parts[min(2, len(parts)):], "")
}

// An answering notices that the connector has begun to answer.
type answering struct {
	w     http.ResponseWriter
	begun bool
}

func (a *answering) Header() http.Header { return a.w.Header() }

func (a *answering) WriteHeader(status int) {
	a.begun = true
	a.w.Header().Set("X-Content-Type-Options", "nosniff")
	a.w.WriteHeader(status)
}

func (a *answering) Write(b []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	return a.w.Write(b)
}
