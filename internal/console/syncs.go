package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
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
	syncWaits   = "waiting"
	syncInStep  = "instep"
)

func syncStates() []string {
	return []string{syncPaused, syncRuns, syncAsked, syncNever, syncFailing, syncBlocked, syncNeeds, syncWaits, syncInStep}
}

// A syncRow is how one sync stands: the same on every page.
type syncRow struct {
	Sync   plan.Sync
	Stands status.Sync // as tandem status tells it
	Status SyncStatus
	State  string
}

// Badge is the class of the state's badge.
func (s syncRow) Badge() string { return syncBadge(s.State) }

func syncBadge(state string) string {
	switch state {
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
	here, err := c.hub.Status(r.Context())
	if err != nil {
		return err
	}
	var data syncsPage
	if data.Rows, err = c.syncRows(r.Context(), here); err != nil {
		return err
	}
	for _, row := range data.Rows {
		data.Linked += row.Stands.Linked
		switch row.State {
		case syncPaused:
			data.Paused++
		case syncFailing, syncBlocked, syncNeeds:
			data.Needing++
		}
	}
	return c.view.page(w, r, "syncs", data)
}

// syncRows are those of all syncs.
func (c *console) syncRows(ctx context.Context, here Status) ([]syncRow, error) {
	var rows []syncRow
	for _, sync := range c.hub.Plan().Syncs {
		row, err := c.syncRow(ctx, sync, here)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (c *console) syncRow(ctx context.Context, sync plan.Sync, here Status) (syncRow, error) {
	row := syncRow{Sync: sync}
	for _, s := range here.Syncs {
		if s.Name == sync.Name {
			row.Status = s
		}
	}
	var err error
	if row.Stands, err = status.OfSync(ctx, c.hub.Plan(), c.hub.Store(), sync, c.now()); err != nil {
		return row, err
	}
	row.State = stateOf(row.Stands, row.Status)
	return row, nil
}

// stateOf puts what matters most into a word.
func stateOf(s status.Sync, here SyncStatus) string {
	switch {
	case s.Status == store.StatusRunning:
		return syncRuns
	case here.Asked:
		return syncAsked
	case here.Paused != nil:
		return syncPaused
	case s.Status == engine.StatusFailed || s.Status == store.RunCutShort:
		return syncFailing
	case s.Status == engine.StatusBlocked:
		return syncBlocked
	case s.Review > 0:
		return syncNeeds
	case s.Started == nil:
		return syncNever
	case s.Outbox > 0 || s.Waiting > 0 || !s.Reconciled:
		return syncWaits
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
	begins := r.PostFormValue("begin") == "1" // and goes on by its schedule
	to, err := c.acted(r, func(sync string) error {
		if err := c.hub.Run(sync); err != nil || !begins {
			return err
		}
		return c.hub.Resume(r.Context(), sync)
	})
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
