package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

type statusCmd struct{}

// syncStatusLine is one sync in tandem status -o json.
type syncStatusLine struct {
	Sync       string         `json:"sync"`
	Left       string         `json:"left"`
	Right      string         `json:"right"`
	Status     string         `json:"status"` // of the last run; "never", "running" or "cut short" besides
	Run        string         `json:"run,omitempty"`
	Started    *time.Time     `json:"started,omitempty"`
	Ended      *time.Time     `json:"ended,omitempty"`
	Next       *time.Time     `json:"next,omitempty"`
	Schedule   string         `json:"schedule,omitempty"`
	Reconciled bool           `json:"reconciled"`
	Linked     int            `json:"linked"`
	Diverged   int            `json:"diverged"`
	Review     int            `json:"review"`
	Outbox     int            `json:"outbox"`
	Waiting    int            `json:"waiting"`
	Forecast   *time.Time     `json:"forecast,omitempty"` // when the outbox will be empty at the pace so far
	Alone      map[string]int `json:"alone,omitempty"`    // records without a partner, by side and rule
	Calls      map[string]int `json:"calls,omitempty"`    // of the last run, by connection
	Error      string         `json:"error,omitempty"`
	Verified   *verifiedLine  `json:"verified,omitempty"` // the last whole round
	Restored   *time.Time     `json:"restored,omitempty"` // goes on from a backup, and has not seen both sides since
	Guard      *guardLine     `json:"guard,omitempty"`    // what the sync's last month suggests; never applied by itself
}

// connectionStatusLine is one connection in tandem status -o json.
type connectionStatusLine struct {
	Connection string     `json:"connection"`
	System     string     `json:"system"`
	Health     string     `json:"health"` // ok, paused, unchecked
	Account    string     `json:"account,omitempty"`
	Checked    *time.Time `json:"checked,omitempty"`
	Paused     string     `json:"paused,omitempty"`
	Grant      *grantLine `json:"grant,omitempty"` // of a connection that a person authorizes in a browser
	Hooks      *hookLine  `json:"hooks,omitempty"` // what its vendor reports by itself; absent if it cannot

	Budget []budgetLine `json:"budget,omitempty"` // limits of its account for a day or longer
}

// hookLine is what came of a vendor's reports, in tandem status -o json.
type hookLine struct {
	Heard     *time.Time `json:"heard,omitempty"`  // when something was last accepted
	Renew     *time.Time `json:"renew,omitempty"`  // until when the vendor will call
	Silent    *time.Time `json:"silent,omitempty"` // since when it is odd that nothing comes
	Visits    bool       `json:"visits,omitempty"` // the vendor comes to exchange records, and heard is when it last did
	Problem   string     `json:"problem,omitempty"`
	Accepted  int64      `json:"accepted"`
	Duplicate int64      `json:"duplicate"`
	Refused   int64      `json:"refused"`
	Busy      int64      `json:"busy"`
}

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
	var syncs []syncStatusLine
	for _, sync := range p.Syncs {
		line, err := syncStatus(ctx, p, s, sync)
		if err != nil {
			return err
		}
		syncs = append(syncs, line)
	}
	connections, err := connectionStatus(ctx, p, s)
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

func syncStatus(ctx context.Context, p *plan.Plan, s *store.Store, sync plan.Sync) (syncStatusLine, error) {
	line := syncStatusLine{
		Sync: sync.Name, Left: sync.Ends[0].String(), Right: sync.Ends[1].String(), Status: "never",
		Schedule: sync.Schedule.String(),
	}
	tally, err := s.Tally(ctx, sync.Name)
	if err != nil {
		return line, fmt.Errorf("count what there is: %w", err)
	}
	line.Linked, line.Diverged, line.Review = tally.Linked, tally.Diverged, tally.Review
	line.Outbox, line.Waiting, line.Alone = tally.Outbox, tally.Waiting, tally.Standing
	if err := line.addVerified(ctx, s); err != nil {
		return line, err
	}
	if err := line.addForecast(ctx, s, time.Now()); err != nil {
		return line, err
	}
	if line.Guard, err = suggestedGuard(ctx, s, sync, tally.Linked, time.Now()); err != nil {
		return line, err
	}
	runs, err := s.FullRuns(ctx, sync.Name, 1)
	if err != nil {
		return line, fmt.Errorf("load runs: %w", err)
	}
	if len(runs) == 0 {
		return line, nil
	}
	last := runs[0]
	line.Run, line.Started, line.Status = engine.RunName(last.ID), &last.Started, last.Status
	line.Reconciled, line.Error = last.Reconciled, last.Error
	line.Calls = map[string]int{sync.Ends[0].Connection: last.Sides[0].Calls}
	line.Calls[sync.Ends[1].Connection] += last.Sides[1].Calls
	if !last.Ended.IsZero() {
		line.Ended = &last.Ended
	} else if line.Status, err = unended(ctx, s, last); err != nil {
		return line, err
	}
	if next := sync.Schedule.Next(last.Started, p.Timezone); sync.Schedule != (plan.Schedule{}) && !next.IsZero() {
		line.Next = &next
	}
	return line, nil
}

// unended says of a run without an end whether it is still going on: then somebody owns the
// database, and whoever came to own it has not found the run dead.
func unended(ctx context.Context, s *store.Store, last store.Run) (string, error) {
	if last.Status != "" {
		return last.Status, nil
	}
	owned, err := s.Owned(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("see whether a run goes on: %w", err)
	case owned:
		return "running", nil
	default:
		return store.RunCutShort, nil
	}
}

func connectionStatus(ctx context.Context, p *plan.Plan, s *store.Store) ([]connectionStatusLine, error) {
	known, err := s.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("load connections: %w", err)
	}
	var lines []connectionStatusLine
	for _, c := range p.Connections {
		line := connectionStatusLine{Connection: c.Name, System: c.System, Health: "unchecked"}
		for _, k := range known {
			if k.Name != c.Name {
				continue
			}
			line.Health, line.Account, line.Paused = "ok", k.Identity.Account, k.Paused
			if !k.CheckedAt.IsZero() {
				line.Checked = &k.CheckedAt
			}
			if k.Paused != "" {
				line.Health = "paused"
			}
		}
		if line.Hooks, err = hookStatus(ctx, s, c.Name); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(known, func(k store.Connection) bool { return k.Name == c.Name }); i >= 0 && line.Hooks != nil {
			line.Hooks.Visits = slices.ContainsFunc(known[i].Schema.Objects, func(o record.Object) bool { return o.Hosted })
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func hookStatus(ctx context.Context, s *store.Store, connection string) (*hookLine, error) {
	d, found, err := s.Door(ctx, connection)
	if err != nil || !found {
		return nil, err
	}
	line := &hookLine{Problem: d.Problem, Accepted: d.Accepted, Duplicate: d.Duplicate, Refused: d.Refused, Busy: d.Busy}
	for _, x := range []struct {
		at time.Time
		to **time.Time
	}{{d.Heard, &line.Heard}, {d.Renew, &line.Renew}, {d.Silent, &line.Silent}} {
		if !x.at.IsZero() {
			*x.to = &x.at
		}
	}
	return line, nil
}

// hookNotes says what is odd about a vendor's reports.
func hookNotes(p *plan.Plan, c connectionStatusLine) string {
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
func statusText(p *plan.Plan, syncs []syncStatusLine, connections []connectionStatusLine) string {
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
		b.WriteString(c.Grant.text(c.Connection, p.Timezone, time.Now()))
		b.WriteString(hookNotes(p, c))
		for _, x := range c.Budget {
			b.WriteString(x.text(c.Connection, p.Timezone))
		}
	}
	return b.String()
}

func outcome(s syncStatusLine) string {
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
func syncNotes(s syncStatusLine) string {
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
	if s.Restored != nil {
		note("restored from a backup: nothing is written until both sides have been listed anew")
	}
	if s.Verified != nil && s.Verified.Drifted+s.Verified.Gone > 0 {
		note("%s found when it was verified; tandem verify %s", plural(s.Verified.Drifted+s.Verified.Gone, "difference", "differences"), s.Sync)
	}
	if s.Guard != nil {
		note("%s", s.Guard)
	}
	for _, why := range sortedKeys(s.Alone) {
		note("%s alone (%s)", plural(s.Alone[why], "record stays", "records stay"), why)
	}
	return b.String()
}
