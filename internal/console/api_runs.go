package console

import (
	"context"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/store"
)

// How long a request may wait for a run, and how often it looks.
const (
	mostWait = 25 // seconds
	lookEach = 250 * time.Millisecond
)

// Waiting is how long an answer may be waited for.
type Waiting struct {
	Wait int `query:"wait" minimum:"0" maximum:"25" doc:"wait for up to so many seconds until a run is over"`
}

// until looks until there is something to see, or the time is over.
func (w Waiting) until(ctx context.Context, look func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(min(w.Wait, mostWait))*time.Second)
	defer cancel()
	ticker := time.NewTicker(lookEach)
	defer ticker.Stop()
	for {
		done, err := look()
		if done || err != nil || w.Wait == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

type runsInput struct {
	Paging
	Waiting

	Sync   string `query:"sync" doc:"only of this sync"`
	Status string `query:"status" enum:"running,ok,review,blocked,failed,cut short" doc:"only those that stand so"`
	After  string `query:"after" doc:"only runs that began later than this one, such as r12; with wait, those that are over"`
}

func (c *console) apiRuns(ctx context.Context, in *runsInput) (list[jsonl.Run], error) {
	before, err := in.from()
	if err != nil {
		return list[jsonl.Run]{}, err
	}
	if in.Sync != "" {
		if err := c.checkSync(in.Sync); err != nil {
			return list[jsonl.Run]{}, err
		}
	}
	q := store.RunQuery{Sync: in.Sync, Status: in.Status, Before: before, Limit: in.Limit + 1}
	if in.After != "" {
		id, ok := parseAfter(in.After)
		if !ok {
			return list[jsonl.Run]{}, badInput("query.after", "a run is called r12")
		}
		q.After, q.Ended = id, in.Wait > 0
	}
	var runs []store.Run
	err = in.until(ctx, func() (bool, error) {
		runs, err = c.hub.Store().RunsPage(detached(ctx), q)
		return len(runs) > 0, err
	})
	return listOf(in.Paging, runs, jsonl.OfRun, func(r store.Run) int64 { return r.ID }), err
}

// parseAfter reads the run that others follow; r0 is before all.
func parseAfter(name string) (int64, bool) {
	if name == engine.RunName(0) {
		return 0, true
	}
	return engine.ParseRun(name)
}

// detached lets a look that has begun end: the time that somebody waits is no error.
func detached(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

type runInput struct {
	Waiting

	ID string `path:"id" doc:"its name, such as r12"`
}

// A runBody is a run, with how far it has come and what it has asked.
type runBody struct {
	jsonl.Run

	Stopping bool        `json:"stopping,omitempty" doc:"somebody has asked for its end"`
	Stages   []stageBody `json:"stages,omitempty" doc:"while it goes on: what it does"`
	Causes   []causeBody `json:"causes,omitempty" doc:"what people were asked while it went on, by what caused it"`
}

// A stageBody is one thing that takes time in a run.
type stageBody struct {
	Act   engine.Act `json:"act"`
	Of    string     `json:"of,omitempty" doc:"the object, or the connection"`
	Done  int        `json:"done"`
	Total int        `json:"total,omitempty" doc:"absent if it is not known"`
	Until *time.Time `json:"until,omitempty" doc:"when a wait ends"`
	Left  *int       `json:"left_seconds,omitempty" doc:"an estimate"`
}

// A causeBody is what several records wait for.
type causeBody struct {
	Kind  store.ReviewKind `json:"kind"`
	Cause string           `json:"cause,omitempty"`
	Items int              `json:"items"`
	Open  int              `json:"open" doc:"of these, not decided yet"`
	First jsonl.Review     `json:"first" doc:"the oldest of them"`
}

func (c *console) apiOneRun(ctx context.Context, in *runInput) (runBody, error) {
	var run store.Run
	err := in.until(ctx, func() (over bool, err error) {
		run, err = c.runOf(detached(ctx), in.ID)
		return run.Status != "", err
	})
	if err != nil {
		return runBody{}, err
	}
	return c.runBody(detached(ctx), run)
}

func (c *console) runBody(ctx context.Context, run store.Run) (runBody, error) {
	out := runBody{Run: jsonl.OfRun(run)}
	if p := c.hub.Progress(); p != nil && p.Run == run.ID {
		out.Stopping, out.Stages = p.Stopping, c.stageBodies(p)
	}
	causes, err := c.causes(ctx, run)
	for _, x := range causes {
		out.Causes = append(out.Causes, causeBody{Kind: x.Kind, Cause: x.Cause, Items: x.Items, Open: x.Open, First: jsonl.OfReview(x.First)})
	}
	return out, err
}

func (c *console) stageBodies(p *Progress) []stageBody {
	var all []stageBody
	for _, x := range stagesOf(p, c.now()) {
		body := stageBody{Act: x.Act, Of: x.Of, Done: x.Done, Total: x.Total, Until: moment(x.Until)}
		if x.Known {
			body.Left = new(int(x.Estimate.Seconds()))
		}
		all = append(all, body)
	}
	return all
}

func (c *console) apiCancel(ctx context.Context, in *Named) (runBody, error) {
	run, err := c.cancel(ctx, in.ID)
	if err != nil {
		return runBody{}, err
	}
	return c.runBody(ctx, run)
}

func (c *console) apiAgain(ctx context.Context, in *Named) (askedBody, error) {
	run, err := c.runOf(ctx, in.ID)
	if err != nil {
		return askedBody{}, err
	}
	after, err := c.newestRun(ctx, run.Sync) // before it is asked for: it may begin at once
	if err == nil {
		_, err = c.again(ctx, in.ID)
	}
	return askedBody{Sync: run.Sync, Asked: true, After: after}, err
}
