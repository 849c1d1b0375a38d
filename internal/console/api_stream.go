package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
)

const (
	streamEach  = time.Second      // how often is looked for news
	streamQuiet = 15 * time.Second // a word now and then tells proxies that somebody is there
	mostNews    = 200              // runs that one look tells
)

// streams is the operation of the stream of events.
func (c *console) streams(tag, summary string) operation {
	return func(a *api, x route) handler {
		op := a.describe(x, tag, summary)
		op.Description += " An event run has the run as data, when it begins and when it is over (status nothing: systems reported something, there was nothing to do, and the run is not kept); an event sync has the sync, as in " +
			"GET /api/v1/syncs/{id}, when something of it has changed. The id of the event of a run that is over is its name: sent as Last-Event-ID, the stream begins after it."
		op.Responses["200"] = &huma.Response{Description: "Events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}}
		a.huma.OpenAPI().AddOperation(&op)
		return c.stream
	}
}

// A feed is what one listener has been told.
type feed struct {
	w     http.ResponseWriter
	last  int64               // the newest run that was over when it was told, and all before it
	under map[int64]store.Run // those that were told and were not over
	syncs map[string]string   // by name, as they were told
	spoke time.Time
}

// stream tells what happens for as long as somebody listens, and the process does not stop.
func (c *console) stream(w http.ResponseWriter, r *http.Request) error {
	f := &feed{w: w, under: map[int64]store.Run{}, syncs: map[string]string{}, spoke: c.now()}
	if err := c.begin(r, f); err != nil {
		return err
	}
	_, leave, ok := c.hub.Bell().Listen(visitOf(r).who.Name) // as many as may listen to /live
	if !ok {
		return errCrowded()
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	ticker := time.NewTicker(streamEach)
	defer ticker.Stop()
	for {
		_ = out.SetWriteDeadline(time.Now().Add(liveWrite)) // a recorder in a test has none
		st, err := c.hub.Status(r.Context())
		if err == nil {
			err = c.news(r.Context(), f)
		}
		if err != nil || out.Flush() != nil || !st.Ready {
			return nil // whoever listened asks again
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-ticker.C:
		}
		if !c.stillIn(r) {
			return nil
		}
	}
}

// begin finds out from where on somebody listens: from now on, or after what they heard last.
func (c *console) begin(r *http.Request, f *feed) error {
	if id, ok := parseAfter(r.Header.Get("Last-Event-ID")); ok {
		f.last = id
		return nil
	}
	runs, err := c.hub.Store().RunsPage(r.Context(), store.RunQuery{Limit: 1})
	if err == nil && len(runs) > 0 {
		f.last = runs[0].ID
		if runs[0].Status == "" {
			f.last-- // it is told that it goes on
		}
	}
	return err
}

// news tells what has happened since it was last looked.
func (c *console) news(ctx context.Context, f *feed) error {
	runs, err := c.hub.Store().RunsPage(ctx, store.RunQuery{After: f.last, Limit: mostNews})
	if err != nil {
		return err
	}
	for _, r := range slices.Backward(runs) {
		if _, told := f.under[r.ID]; told && r.Status == "" {
			continue
		}
		if err := f.tellRun(r, c.now()); err != nil {
			return err
		}
	}
	if err := c.vanished(ctx, f); err != nil {
		return err
	}
	syncs, err := c.syncBodies(ctx, "")
	if err != nil {
		return err
	}
	for _, s := range syncs {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if f.syncs[s.Sync.Sync] == string(text) {
			continue
		}
		f.syncs[s.Sync.Sync] = string(text)
		if err := f.tell("sync", "", s, c.now()); err != nil {
			return err
		}
	}
	if now := c.now(); now.Sub(f.spoke) >= streamQuiet {
		f.spoke = now
		_, err = fmt.Fprint(f.w, ": still here\n\n")
	}
	return err
}

// cameToNothing is what the stream says of a run that is not kept: systems reported something, and
// nothing was to be done.
const cameToNothing = "nothing"

// vanished tells the end of runs that came to nothing: of those no line is left.
func (c *console) vanished(ctx context.Context, f *feed) error {
	for id, r := range f.under {
		_, left, err := c.hub.Store().RunByID(ctx, id)
		if err != nil {
			return err
		}
		if left {
			continue
		}
		r.Status, r.Ended = cameToNothing, c.now()
		if err := f.tellRun(r, r.Ended); err != nil {
			return err
		}
	}
	return nil
}

// tellRun tells a run. One that is not over has no id: whoever comes back with it would never be told
// how it ended.
func (f *feed) tellRun(r store.Run, now time.Time) error {
	line, id := jsonl.OfRun(r), ""
	if r.Status == "" {
		f.under[r.ID] = r
	} else {
		delete(f.under, r.ID)
		f.last, id = max(f.last, r.ID), line.Run
	}
	return f.tell("run", id, line, now)
}

// tell writes one event.
func (f *feed) tell(name, id string, data any, now time.Time) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	f.spoke = now
	_, err = fmt.Fprintf(f.w, "event: %s\n%sdata: %s\n\n", name, id, text)
	return err
}
