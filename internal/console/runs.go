package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

const runLines = 50 // on a page

type runsPage struct {
	Syncs        []string
	Statuses     []string
	Sync, Status string
	Runs         []runLine
	Older        string // the next page; "" = there is none
	Newest       string // the first page, from another one
}

// A runLine is a run as pages show it.
type runLine struct {
	store.Run
	Name    string // "r12"
	State   string // a key of the catalogues below "status."
	Ends    [2]string
	Took    time.Duration // until now, while it runs
	Running bool
}

// statuses are the states of a run, as addresses and the catalogues name them.
func statuses() []string {
	return []string{store.StatusRunning, engine.StatusOK, engine.StatusReview, engine.StatusBlocked, engine.StatusFailed, cutShort}
}

const cutShort = "cutshort"

func (c *console) runLine(r store.Run) runLine {
	line := runLine{Run: r, Name: engine.RunName(r.ID), State: r.Status, Running: r.Ended.IsZero() && r.Status == ""}
	switch {
	case line.Running:
		line.State, line.Took = store.StatusRunning, c.now().Sub(r.Started)
	case r.Status == store.RunCutShort:
		line.State = cutShort
	default:
		line.Took = r.Ended.Sub(r.Started)
	}
	if sync, ok := c.hub.Plan().Sync(r.Sync); ok {
		line.Ends = [2]string{sync.Ends[0].String(), sync.Ends[1].String()}
	}
	return line
}

func (c *console) runLines(runs []store.Run) []runLine {
	var lines []runLine
	for _, r := range runs {
		lines = append(lines, c.runLine(r))
	}
	return lines
}

func (c *console) showRuns(w http.ResponseWriter, r *http.Request) error {
	before, err := cursor(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	data := runsPage{Statuses: statuses(), Sync: query.Get("sync"), Status: query.Get("status")}
	for _, sync := range c.hub.Plan().Syncs {
		data.Syncs = append(data.Syncs, sync.Name)
	}
	if data.Status != "" && !slices.Contains(data.Statuses, data.Status) {
		return errNotFound()
	}
	q := store.RunQuery{Sync: data.Sync, Status: data.Status, Before: before, Limit: runLines + 1}
	if q.Status == cutShort {
		q.Status = store.RunCutShort
	}
	runs, err := c.hub.Store().RunsPage(r.Context(), q)
	if err != nil {
		return err
	}
	more := url.Values{"sync": {data.Sync}, "status": {data.Status}}
	if len(runs) > runLines {
		runs = runs[:runLines]
		data.Older = address("/runs", more, "before", strconv.FormatInt(runs[runLines-1].ID, 10))
	}
	if before != 0 {
		data.Newest = address("/runs", more)
	}
	data.Runs = c.runLines(runs)
	return c.view.page(w, r, "runs", data)
}
