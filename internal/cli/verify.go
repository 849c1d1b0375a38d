package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type verifyCmd struct {
	Syncs  []string `arg:"" optional:"" name:"sync" help:"Only these syncs."`
	Repair bool     `help:"Take what was found for an ordinary read: the next run merges it as that side's change."`
	All    bool     `help:"In text, list what has an explanation too: edits to come, differences by rule, refused and unconfirmed fields."`
}

// Run verifies. It may run beside tandem serve.
func (c *verifyCmd) Run(ctx context.Context, a *app) error {
	p, err := a.loadSyncs(ctx, c.Syncs)
	if err != nil {
		return err
	}
	w := a.watch()
	reports, err := c.verify(ctx, a, p, w)
	w.stop()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return &exitError{code: exitFailed, err: errors.New("stopped before the end; nothing was changed")}
		}
		return err
	}
	code := exitOK
	for _, r := range reports {
		line := jsonl.OfVerify(r)
		switch {
		case line.Status == "failed":
			code = exitFailed
		case line.Status == "different" && code == exitOK:
			code = exitReview
		}
		if a.json {
			err = a.line(line)
		} else {
			err = a.print(verifyText(r, c.Repair))
		}
		if err != nil {
			return err
		}
	}
	return exit(code)
}

func (c *verifyCmd) verify(ctx context.Context, a *app, p *plan.Plan, w watcher) (_ []engine.VerifyReport, err error) {
	s, err := a.openPlan(ctx, p, touch, w.see)
	if err != nil {
		return nil, err
	}
	defer s.close(&err)
	return s.engine.Verify(ctx, c.Syncs, engine.VerifyOptions{Repair: c.Repair, Found: func(f engine.Finding) error {
		switch {
		case a.json:
			return a.line(jsonl.OfFinding(f))
		case c.All || f.Kind == engine.Drifted || f.Kind == engine.Gone:
			return a.print(findingText(f))
		}
		return nil
	}})
}

// findingText is one finding for people.
func findingText(f engine.Finding) string {
	what := string(f.Kind)
	if f.Field != "" {
		what = fmt.Sprintf("%s %s: agreed %s, found %s", f.Field, f.Kind, shown(f.Base, valueWidth), shown(f.Found, valueWidth))
	}
	return fmt.Sprintf("%s/%s %s (%s)\n", f.Of, oneLine(f.ID), what, oneLine(f.Detail))
}

// verifyText tells one report for people.
func verifyText(r engine.VerifyReport, repair bool) string {
	var b strings.Builder
	c := r.Counts
	head := "every pair is as it was agreed, or a rule says why not"
	switch {
	case r.Err != nil:
		head = "failed"
	case c.Differences() > 0:
		head = plural(c.Differences(), "difference", "differences")
	}
	fmt.Fprintf(&b, "%s: %s; %s of %s verified in %s\n", r.Sync, head, plural(c.Pairs, "pair", "pairs"), count(r.Linked), took(r.Took))
	note := func(n int, one, many, after string) {
		if n > 0 {
			fmt.Fprintf(&b, "  %s %s\n", plural(n, one, many), after)
		}
	}
	note(c.Drifted, "field", "fields", "drifted: changed, and nothing told of it")
	note(c.Gone, "record", "records", "gone")
	note(c.Changed, "field was", "fields were", "edited since the last run, which the next one merges")
	note(c.Diverged, "field differs", "fields differ", "by a rule")
	note(c.Refused, "field was", "fields were", "refused by a system")
	note(c.Unconfirmed, "field is", "fields are", "written and not read back yet")
	note(c.Open, "field was", "fields were", "never agreed on")
	note(c.Unread, "field was", "fields were", "not shown by a system, so nothing is proven of them")
	note(r.Unlinked[0]+r.Unlinked[1], "record has", "records have", "no partner: not looked at")
	note(r.Repaired, "record was", "records were", "taken over; the next run merges what they hold")
	if c.Differences() > 0 && !repair {
		b.WriteString("  look at them; with --repair the next run merges what was found as that side's change\n")
	}
	if r.Err != nil {
		fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(printable(r.Err.Error()), "\n", "\n  "))
	}
	return b.String()
}

// sliceFor bounds the slice of one sync, so that no run waits long for it; the next one goes on.
const sliceFor = 2 * time.Minute

// verify verifies a slice of every sync.
func (a *app) verify(ctx context.Context, s *session, sv *server) {
	if s.plan.Verify <= 0 {
		return
	}
	e, err := a.afresh(ctx, s, sv.log, nil)
	if err != nil {
		sv.log.Warn("nothing was verified", "error", err)
		return
	}
	for _, sync := range s.plan.Syncs {
		if err := sv.between(ctx, func(ctx context.Context) error { return verifySlice(ctx, s, sv, e, sync.Name) }); err != nil && ctx.Err() == nil {
			sv.log.Warn("not verified", "sync", sync.Name, "error", err)
		}
	}
}

func verifySlice(ctx context.Context, s *session, sv *server, e *engine.Engine, sync string) error {
	was, err := s.store.Verification(ctx, sync)
	if err != nil {
		return err
	}
	tally, err := s.store.Tally(ctx, sync)
	if err != nil || tally.Linked == 0 {
		return err
	}
	slice := engine.SliceOf(s.plan, tally.Linked)
	round := time.Duration((tally.Linked+slice-1)/slice) * time.Hour
	if was.Began.IsZero() && !was.Ended.IsZero() && time.Since(was.Ended) < s.plan.Verify-round {
		return nil // the next round has time
	}
	reports, err := e.Verify(ctx, []string{sync}, engine.VerifyOptions{Slice: slice, Found: func(f engine.Finding) error {
		if f.Kind == engine.Drifted || f.Kind == engine.Gone {
			// Values stay out of the log; tandem verify shows them.
			sv.log.Warn("verified and found different", "sync", f.Sync, "record", f.Of.String()+"/"+f.ID, "field", f.Field, "kind", string(f.Kind))
		}
		return nil
	}})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // what was proven is kept, and the next slice goes on there
	}
	if err != nil {
		return err
	}
	now, err := s.store.Verification(ctx, sync)
	if err != nil {
		return err
	}
	sv.meters.sliced(reports[0], now)
	return reports[0].Err
}

// sliced counts one slice and how the round stands.
func (m *meters) sliced(r engine.VerifyReport, v store.Verification) {
	m.verified.WithLabelValues(r.Sync).Add(float64(r.Counts.Pairs))
	m.round.WithLabelValues(r.Sync).Set(max(0, float64(v.Ended.UnixMilli())/1000))
	differences := v.Now.Differences()
	if v.Began.IsZero() {
		differences = v.Last.Differences()
	}
	m.differences.WithLabelValues(r.Sync).Set(float64(differences))
}

// hourly verifies a slice an hour, between the runs.
func (s *server) hourly(ctx context.Context) {
	if s.verify == nil {
		return
	}
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.verify(ctx)
	}
}

// between does something for a short time while no run is under way: a connection's limits
// are kept within one engine at a time.
func (s *server) between(ctx context.Context, do func(context.Context) error) error {
	if !s.hold(ctx) {
		return nil
	}
	defer s.release()
	ctx, cancel := context.WithTimeout(ctx, sliceFor)
	defer cancel()
	return do(ctx)
}
