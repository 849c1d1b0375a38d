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

	Sync  string `query:"sync" doc:"only of this sync"`
	After string `query:"after" doc:"only runs that began later than this one, such as r12; with wait, those that are over"`
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
	q := store.RunQuery{Sync: in.Sync, Before: before, Limit: in.Limit + 1}
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

func (c *console) apiOneRun(ctx context.Context, in *runInput) (jsonl.Run, error) {
	id, ok := engine.ParseRun(in.ID)
	if !ok {
		return jsonl.Run{}, errNotFound()
	}
	var run store.Run
	err := in.until(ctx, func() (bool, error) {
		found, is, err := c.hub.Store().RunByID(detached(ctx), id)
		if err == nil && !is {
			err = errNotFound()
		}
		run = found
		return run.Status != "", err
	})
	return jsonl.OfRun(run), err
}
