package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type syncCmd struct {
	Syncs []string `arg:"" optional:"" name:"sync" help:"Only these syncs."`
	Sweep bool     `help:"Look for deleted records now, whatever the schedule."`

	Approve bool `help:"Approve of what a changed configuration would do to linked records."`
}

// Run runs the syncs and reports a line for each. Whatever stops them before they begin is
// reported for each as well, so that a program that reads the lines misses none.
func (c *syncCmd) Run(ctx context.Context, a *app) error {
	p, err := a.loadSyncs(ctx, c.Syncs)
	if err != nil {
		return err
	}
	w := a.watch()
	reports, err := c.sync(ctx, a, p, w)
	w.stop()
	if exitCode(err) == exitUsage {
		return err
	}
	reports = complete(reports, chosen(p, c.Syncs), err)
	if err := a.report(p, reports); err != nil {
		return err
	}
	if err != nil && errors.Is(err, context.Canceled) {
		return &exitError{code: exitFailed, err: errors.New("stopped before the end; what is left is taken up by the next run")}
	}
	if err != nil {
		return err
	}
	return exit(worst(reports))
}

func (c *syncCmd) sync(ctx context.Context, a *app, p *plan.Plan, w watcher) (reports []engine.Report, err error) {
	s, err := a.openPlan(ctx, p, own, w.see)
	if err != nil {
		return nil, err
	}
	defer s.close(&err)
	return s.engine.Sync(ctx, c.Syncs, engine.SyncOptions{Sweep: c.Sweep, Approve: c.Approve})
}

// chosen returns the named syncs (none named = all) in file order.
func chosen(p *plan.Plan, names []string) []plan.Sync {
	if len(names) == 0 {
		return p.Syncs
	}
	return slices.DeleteFunc(slices.Clone(p.Syncs), func(s plan.Sync) bool { return !slices.Contains(names, s.Name) })
}

// complete returns one report per chosen sync, in file order: a sync that the error kept
// from running has failed with it.
func complete(reports []engine.Report, syncs []plan.Sync, err error) []engine.Report {
	all := make([]engine.Report, 0, len(syncs))
	for _, s := range syncs {
		i := slices.IndexFunc(reports, func(r engine.Report) bool { return r.Sync == s.Name })
		if i >= 0 {
			all = append(all, reports[i])
			continue
		}
		switch {
		case err == nil:
			err = errors.New("it did not run")
		case errors.Is(err, context.Canceled):
			err = errors.New("stopped before it ran")
		}
		all = append(all, engine.Report{Sync: s.Name, Status: engine.StatusFailed, Error: err.Error(), Err: err})
	}
	return all
}

// worst returns the exit code for several reports.
func worst(reports []engine.Report) int {
	code := exitOK
	for _, r := range reports {
		switch r.Status {
		case engine.StatusFailed:
			return exitFailed
		case engine.StatusReview, engine.StatusBlocked:
			code = exitReview
		}
		if r.Review > 0 {
			code = exitReview
		}
	}
	return code
}

// report tells what the syncs did.
func (a *app) report(p *plan.Plan, reports []engine.Report) error {
	for _, r := range reports {
		if a.json {
			if err := a.line(r); err != nil {
				return err
			}
			continue
		}
		s, _ := p.Sync(r.Sync)
		if err := a.print(reportText(s, r, p.Timezone)); err != nil {
			return err
		}
	}
	return nil
}

// reportText tells one report for people.
func reportText(s plan.Sync, r engine.Report, zone *time.Location) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s in %s", r.Sync, statusWord(r.Status), took(time.Duration(r.DurationMS)*time.Millisecond))
	if r.Reconciled {
		b.WriteString(", both sides agree")
	}
	b.WriteByte('\n')
	if r.Status != engine.StatusFailed || r.Left.Calls+r.Right.Calls > 0 {
		b.WriteString(countsText(s, r))
	}
	if r.Events > 0 {
		fmt.Fprintf(&b, "  told of %s\n", plural(r.Events, "event", "events"))
	}
	if r.Review > 0 {
		fmt.Fprintf(&b, "  %s for you: tandem review list\n", plural(r.Review, "item waits", "items wait"))
	}
	if r.Failed > 0 {
		fmt.Fprintf(&b, "  %s not written\n", plural(r.Failed, "record was", "records were"))
	}
	if r.Visit > 0 {
		fmt.Fprintf(&b, "  %s for the vendor's next visit\n", plural(r.Visit, "operation waits", "operations wait"))
	}
	if r.Waiting > 0 && r.Until != nil {
		fmt.Fprintf(&b, "  %s until %s\n", plural(r.Waiting, "operation waits", "operations wait"), stamp(*r.Until, zone))
	}
	for _, gap := range r.Gaps {
		if gap != r.Error {
			fmt.Fprintf(&b, "  %s\n", oneLine(gap))
		}
	}
	if r.Error != "" {
		fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(printable(r.Error), "\n", "\n  "))
	}
	return b.String()
}

// countsText tells what a run did on each side.
func countsText(s plan.Sync, r engine.Report) string {
	t := table{right: map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true}}
	t.add("", "read", "created", "updated", "deleted", "calls")
	for i, c := range []store.Counts{r.Left, r.Right} {
		t.add(s.Ends[i].String(), count(c.Read), count(c.Created), count(c.Updated), count(c.Deleted), count(c.Calls))
	}
	return t.text("  ") + fmt.Sprintf("  %s linked, %s looked at and left as they are, %s\n", count(r.Linked), count(r.Unchanged),
		plural(r.Conflicts, "conflict", "conflicts"))
}

// statusWord is a run's status in a sentence.
func statusWord(status string) string {
	switch status {
	case engine.StatusOK:
		return "done"
	case engine.StatusReview:
		return "done, and something waits"
	case engine.StatusBlocked:
		return "stopped by a guard before it wrote"
	case engine.StatusFailed:
		return "failed"
	case "":
		return "cut short"
	default:
		return status
	}
}
