package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
)

type statusCmd struct{}

// Run says how everything stands. It reads our own records only and calls nobody.
func (c *statusCmd) Run(ctx context.Context, a *app) (err error) {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx, p, look)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	var syncs []status.Sync
	for _, sync := range p.Syncs {
		line, err := status.OfSync(ctx, p, s, sync, time.Now())
		if err != nil {
			return err
		}
		if line.Guard, err = status.SuggestGuard(ctx, s, sync, line.Linked, time.Now()); err != nil {
			return err
		}
		syncs = append(syncs, line)
	}
	connections, err := status.Connections(ctx, p, s)
	if err != nil {
		return err
	}
	a.addGrants(ctx, p, s, connections)
	if err := a.addBudgets(ctx, p, s, connections); err != nil {
		return err
	}
	database, err := databaseStatus(ctx, p, s)
	if err != nil {
		return err
	}
	if !a.json {
		return a.print(statusText(p, syncs, connections) + database.text(p))
	}
	for _, line := range syncs {
		if err := a.line(line); err != nil {
			return err
		}
	}
	for _, line := range connections {
		if err := a.line(line); err != nil {
			return err
		}
	}
	if database == nil {
		return nil
	}
	return a.line(database)
}

// hookNotes says what is odd about a vendor's reports.
func hookNotes(p *plan.Plan, c status.Connection) string {
	var b strings.Builder
	switch {
	case c.Hooks == nil:
	case c.Hooks.Problem != "":
		fmt.Fprintf(&b, "  %s could not be asked to report changes: %s\n", c.Connection, oneLine(c.Hooks.Problem))
	case c.Hooks.Visits:
		last := "has not visited yet"
		if c.Hooks.Heard != nil {
			last = "last visited on " + stamp(*c.Hooks.Heard, p.Timezone)
		}
		if c.Hooks.Silent != nil {
			last += ", which is long ago: until it does nothing is exchanged with it"
		}
		fmt.Fprintf(&b, "  %s %s\n", c.Connection, last)
	case c.Hooks.Silent != nil:
		fmt.Fprintf(&b, "  %s has reported nothing for long (found on %s); its changes are read by the schedule\n", c.Connection, stamp(*c.Hooks.Silent, p.Timezone))
	}
	return b.String()
}

// statusText is the status for people.
func statusText(p *plan.Plan, syncs []status.Sync, connections []status.Connection) string {
	var b strings.Builder
	t := table{right: map[int]bool{4: true, 5: true, 6: true}}
	t.add("SYNC", "LAST RUN", "OUTCOME", "NEXT", "LINKED", "REVIEW", "OUTBOX")
	for _, s := range syncs {
		last, next := "never", "by hand"
		if s.Started != nil {
			last = stamp(*s.Started, p.Timezone)
		}
		switch {
		case s.Next != nil:
			next = stamp(*s.Next, p.Timezone)
		case s.Schedule != "":
			next = "at once, when served"
		}
		t.add(s.Sync, last, outcome(s), next, count(s.Linked), count(s.Review), count(s.Outbox))
	}
	b.WriteString(t.text(""))
	for _, s := range syncs {
		b.WriteString(syncNotes(s))
		if s.Forecast != nil {
			fmt.Fprintf(&b, "  %s: %s to be written; at the pace so far it is done about %s\n", s.Sync, plural(s.Outbox, "record waits", "records wait"), stamp(*s.Forecast, p.Timezone))
		}
	}
	t = table{}
	t.add("CONNECTION", "SYSTEM", "HEALTH", "CHECKED")
	for _, c := range connections {
		checked := "never"
		if c.Checked != nil {
			checked = stamp(*c.Checked, p.Timezone)
		}
		t.add(c.Connection, c.System, c.Health, checked)
	}
	b.WriteString("\n" + t.text(""))
	for _, c := range connections {
		if c.Paused != "" {
			fmt.Fprintf(&b, "  %s is paused: %s\n  tandem check %s tries it again\n", c.Connection, oneLine(c.Paused), c.Connection)
		}
		b.WriteString(grantText(c.Grant, c.Connection, p.Timezone, time.Now()))
		b.WriteString(hookNotes(p, c))
		for _, x := range c.Budget {
			b.WriteString(budgetText(x, c.Connection, p.Timezone))
		}
	}
	return b.String()
}

func outcome(s status.Sync) string {
	switch {
	case s.Status == engine.StatusOK && s.Reconciled:
		return "ok, both sides agree"
	case s.Status == engine.StatusOK:
		return "ok, not reconciled"
	default:
		return s.Status
	}
}

// syncNotes says what the table has no room for.
func syncNotes(s status.Sync) string {
	var b strings.Builder
	note := func(format string, args ...any) { fmt.Fprintf(&b, "  %s: %s\n", s.Sync, fmt.Sprintf(format, args...)) }
	if s.Error != "" {
		note("%s", oneLine(s.Error))
	}
	if s.Review > 0 {
		note("%s for you; tandem review list", plural(s.Review, "item waits", "items wait"))
	}
	if s.Diverged > 0 {
		note("%s by rule", plural(s.Diverged, "pair differs", "pairs differ"))
	}
	if s.Waiting > 0 {
		note("%s for another record", plural(s.Waiting, "record waits", "records wait"))
	}
	if e := s.Events; e != nil {
		note("%s to be told, %d held until you say, %d refused", plural(e.Waiting, "event waits", "events wait"), e.Held, e.Failed)
	}
	if s.Restored != nil {
		note("restored from a backup: nothing is written until both sides have been listed anew")
	}
	if s.Verified != nil && s.Verified.Drifted+s.Verified.Gone > 0 {
		note("%s found when it was verified; tandem verify %s", plural(s.Verified.Drifted+s.Verified.Gone, "difference", "differences"), s.Sync)
	}
	if s.Guard != nil {
		note("%s", guardText(s.Guard))
	}
	for _, why := range sortedKeys(s.Alone) {
		note("%s alone (%s)", plural(s.Alone[why], "record stays", "records stay"), why)
	}
	return b.String()
}
