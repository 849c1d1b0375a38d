package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// How a sync stands, in a word. They end keys of the catalogues below "syncstate.".
const (
	syncPaused  = "paused"
	syncRuns    = "runs"
	syncAsked   = "asked"
	syncNever   = "never"
	syncFailing = "failing"
	syncBlocked = "blocked"
	syncNeeds   = "needs"
	syncInStep  = "instep"
)

func syncStates() []string {
	return []string{syncPaused, syncRuns, syncAsked, syncNever, syncFailing, syncBlocked, syncNeeds, syncInStep}
}

// A syncRow is how one sync stands.
type syncRow struct {
	Sync   plan.Sync
	Status SyncStatus
	Tally  store.Tally
	Last   store.Run // zero = it never ran
	State  string
}

// Badge is the class of the state's badge.
func (s syncRow) Badge() string {
	switch s.State {
	case syncInStep:
		return "badge-ok"
	case syncFailing:
		return "badge-fail"
	case syncBlocked, syncNeeds:
		return "badge-ask"
	default:
		return "badge-wait"
	}
}

// Path is the address of the sync's page.
func (s syncRow) Path() string { return syncPath(s.Sync.Name) }

func syncPath(name string) string { return "/syncs/" + url.PathEscape(name) }

type syncsPage struct {
	Rows    []syncRow
	Paused  int
	Needing int
	Linked  int
}

func (c *console) showSyncs(w http.ResponseWriter, r *http.Request) error {
	status, err := c.hub.Status(r.Context())
	if err != nil {
		return err
	}
	var data syncsPage
	for _, sync := range c.hub.Plan().Syncs {
		row, err := c.syncRow(r.Context(), sync, status)
		if err != nil {
			return err
		}
		data.Rows = append(data.Rows, row)
		data.Linked += row.Tally.Linked
		switch row.State {
		case syncPaused:
			data.Paused++
		case syncFailing, syncBlocked, syncNeeds:
			data.Needing++
		}
	}
	return c.view.page(w, r, "syncs", data)
}

func (c *console) syncRow(ctx context.Context, sync plan.Sync, status Status) (syncRow, error) {
	row := syncRow{Sync: sync}
	for _, s := range status.Syncs {
		if s.Name == sync.Name {
			row.Status = s
		}
	}
	var err error
	if row.Tally, err = c.hub.Store().Tally(ctx, sync.Name); err != nil {
		return row, err
	}
	last, err := c.hub.Store().Runs(ctx, sync.Name, 1)
	if err != nil {
		return row, err
	}
	if len(last) > 0 {
		row.Last = last[0]
	}
	row.State = stateOf(row)
	return row, nil
}

// stateOf puts what matters most into a word.
func stateOf(row syncRow) string {
	switch {
	case row.Last.Status == "" && !row.Last.Started.IsZero():
		return syncRuns
	case row.Status.Asked:
		return syncAsked
	case row.Status.Paused != nil:
		return syncPaused
	case row.Last.Started.IsZero():
		return syncNever
	case row.Last.Status == engine.StatusFailed || row.Last.Status == store.RunCutShort:
		return syncFailing
	case row.Last.Status == engine.StatusBlocked:
		return syncBlocked
	case row.Tally.Review > 0:
		return syncNeeds
	default:
		return syncInStep
	}
}

// named returns the sync that a request's path names.
func (c *console) named(r *http.Request) (plan.Sync, error) {
	sync, found := c.hub.Plan().Sync(r.PathValue("name"))
	if !found {
		return sync, errNotFound()
	}
	return sync, nil
}

// acted does something with a sync, which it names in the audit, and returns where to go back to.
func (c *console) acted(r *http.Request, do func(sync string) error) (string, error) {
	sync, err := c.named(r)
	if err != nil {
		return "", err
	}
	note(r, sync.Name, "")
	if err := do(sync.Name); err != nil {
		return "", c.asked(err)
	}
	if r.PostFormValue("from") == "syncs" {
		return "/syncs", nil
	}
	return syncPath(sync.Name), nil
}

func (c *console) runSync(w http.ResponseWriter, r *http.Request) error {
	to, err := c.acted(r, func(sync string) error { return c.hub.Run(sync) })
	if err != nil {
		return err
	}
	return c.redirect(w, to, "running")
}

func (c *console) pauseSync(w http.ResponseWriter, r *http.Request) error {
	to, err := c.acted(r, func(sync string) error { return c.hub.Pause(r.Context(), sync, visitOf(r).who.Name) })
	if err != nil {
		return err
	}
	return c.redirect(w, to, "paused")
}

func (c *console) resumeSync(w http.ResponseWriter, r *http.Request) error {
	to, err := c.acted(r, func(sync string) error { return c.hub.Resume(r.Context(), sync) })
	if err != nil {
		return err
	}
	return c.redirect(w, to, "resumed")
}

// short writes a duration without the parts that are nothing: "15m", not "15m0s".
func short(s string) string {
	if cut, is := strings.CutSuffix(s, "m0s"); is {
		s = cut + "m"
	}
	if cut, is := strings.CutSuffix(s, "h0m"); is {
		s = cut + "h"
	}
	return s
}
