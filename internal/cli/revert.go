package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

type revertCmd struct {
	What  string `arg:"" optional:"" name:"change" help:"A change by its number in tandem history (1204), a run (r12) or a record (crm.contacts/501)."`
	Since string `placeholder:"TIME" help:"Only what was done since: 2h, 3d, 2026-11-21 or '2026-11-21 14:30'."`
	Sync  string `help:"Only what this sync did."`
	Force bool   `help:"Also what was edited since."`
	Yes   bool   `short:"y" help:"Do it without asking."`
	All   bool   `help:"Show every change, however long the list."`
}

// Run shows what would go back, and takes it back once it is confirmed.
func (c *revertCmd) Run(ctx context.Context, a *app) (err error) {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	q, err := c.request(p, time.Now())
	if err != nil {
		return err
	}
	q.By = person(a.Env)
	w := a.watch()
	defer w.stop()
	s, err := a.openPlan(ctx, p, own, w.see)
	if err != nil {
		return err
	}
	defer s.close(&err)
	if q.UpTo, err = s.store.JournalEnd(ctx); err != nil {
		return fmt.Errorf("look at the journal: %w", err)
	}
	shown, err := c.pass(ctx, a, p, q, s.engine.PreviewRevert, false)
	if err != nil {
		return err
	}
	w.stop()
	if shown.total(engine.RevertDo) == 0 || shown.failed() {
		return exit(shown.code())
	}
	if !c.Yes && !a.confirmed("Take it back? [y/N] ") {
		a.warnf("nothing was taken back; --yes does it without asking")
		return exit(exitReview) // it waits for a person's yes
	}
	done, err := c.pass(ctx, a, p, q, s.engine.Revert, true)
	if errors.Is(err, context.Canceled) {
		return &exitError{code: exitFailed, err: errors.New("stopped before the end; repeat the command, what went back already stays so")}
	}
	if err != nil {
		return err
	}
	return exit(done.code())
}

type revertPass func(context.Context, engine.RevertRequest, func(engine.RevertItem) error) ([]engine.Reverted, error)

// pass previews, or carries out, and tells what came of it.
func (c *revertCmd) pass(ctx context.Context, a *app, p *plan.Plan, q engine.RevertRequest, do revertPass, done bool) (*revertShown, error) {
	sh := &revertShown{items: map[string]*revertItems{}}
	if !c.All {
		sh.most = shortList
	}
	all, err := do(ctx, q, func(it engine.RevertItem) error {
		if a.json {
			return a.line(jsonl.OfRevert(it))
		}
		return sh.add(it)
	})
	sh.syncs = all
	if unknown, ok := errors.AsType[*engine.NoChangeError](err); ok {
		return sh, usage("%s", unknown.Error())
	}
	if err != nil && (!done || len(all) == 0) {
		return sh, err
	}
	if !a.json {
		return sh, errors.Join(err, a.print(sh.text(p, done)))
	}
	for _, r := range all {
		if err := a.line(jsonl.OfReverted(r, done)); err != nil {
			return sh, err
		}
	}
	return sh, err
}

// confirmed asks a person; no answer is no.
func (a *app) confirmed(question string) bool {
	if a.json || a.In == nil {
		return false
	}
	fmt.Fprint(a.Err, question)
	answer, err := bufio.NewReader(a.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	if !isTerminal(a.In) {
		fmt.Fprintln(a.Err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// request understands what was named.
func (c *revertCmd) request(p *plan.Plan, now time.Time) (engine.RevertRequest, error) {
	q := engine.RevertRequest{Sync: c.Sync, Force: c.Force}
	if c.Sync != "" {
		if err := checkSyncs(p, []string{c.Sync}); err != nil {
			return q, err
		}
	}
	var err error
	if q.Since, err = since(c.Since, now, p.Timezone); err != nil {
		return q, err
	}
	of, id, isRecord := strings.Cut(c.What, "/")
	run, isRun := engine.ParseRun(c.What)
	change, wrong := strconv.ParseInt(c.What, 10, 64)
	switch {
	case c.What == "" && c.Since == "":
		return q, usage("name a change, a run or a record, or a time with --since; tandem history shows them")
	case c.What == "":
	case isRecord:
		connection, object, _ := strings.Cut(of, ".")
		q.Of, q.Record = store.Object{Connection: connection, Name: object}, id
		if err := jsonl.CheckObject(p, q.Of); err != nil {
			return q, misnamed(err)
		}
	case isRun:
		q.Run = run
	case wrong == nil && change > 0:
		q.Change = change
		if c.Since != "" {
			return q, usage("one change needs no --since")
		}
	default:
		return q, usage("%q is no change (1204), run (r12) or record (crm.contacts/501); tandem history shows them", c.What)
	}
	return q, nil
}

// since reads a moment, or how long ago one was.
func since(text string, now time.Time, zone *time.Location) (time.Time, error) {
	at, err := engine.ParseSince(text, now, zone)
	if err != nil {
		return at, usage("--since %v", err)
	}
	return at, nil
}
