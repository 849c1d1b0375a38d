package console

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const mostCauses = 20 // that the page of a run tells

type runPage struct {
	Run      runLine
	Sides    []runSide
	Stages   []stageLine
	Stopping bool
	Causes   []causeLine
	Journal  journal
	Known    bool // its sync is in the configuration
}

// A runSide is what a run did at one end.
type runSide struct {
	Name string
	Side string // left or right
	store.Counts
}

// A stageLine is one stage of the run that is under way.
type stageLine struct {
	Stage
	Estimate time.Duration // until it is done
	Known    bool          // Estimate is
}

// A causeLine is what several records wait for.
type causeLine struct {
	store.ReviewCause
	Link string // to the first record; "" = it is about none
	Name string
}

// runOf returns the run of a name, "r12" or "12".
func (c *console) runOf(ctx context.Context, name string) (store.Run, error) {
	id, ok := engine.ParseRun(name)
	if !ok {
		var err error
		if id, err = strconv.ParseInt(name, 10, 64); err != nil || id <= 0 {
			return store.Run{}, errNotFound()
		}
	}
	run, found, err := c.hub.Store().RunByID(ctx, id)
	if err == nil && !found {
		err = errNotFound()
	}
	return run, err
}

func (c *console) showRun(w http.ResponseWriter, r *http.Request) error {
	run, err := c.runOf(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	data := runPage{Run: c.runLine(run)}
	_, data.Known = c.hub.Plan().Sync(run.Sync)
	for _, side := range record.Sides() {
		name := data.Run.Ends[side]
		data.Sides = append(data.Sides, runSide{Name: name, Side: side.String(), Counts: run.Sides[side]})
	}
	if p := c.hub.Progress(); p != nil && p.Run == run.ID {
		data.Stopping, data.Stages = p.Stopping, stagesOf(p, c.now())
	}
	if data.Causes, err = c.causes(r.Context(), run); err != nil {
		return err
	}
	if data.Journal, err = c.journal(r, store.HistoryQuery{Run: run.ID}, runPath(run.ID), nil); err != nil {
		return err
	}
	return c.view.page(w, r, "run", data)
}

// stagesOf are the stages of a run under way, but for waits that are over.
func stagesOf(p *Progress, now time.Time) []stageLine {
	var all []stageLine
	for _, s := range p.Stages {
		if s.Act == engine.ActWait && !s.Until.After(now) {
			continue
		}
		line := stageLine{Stage: s}
		line.Estimate, line.Known = s.Left()
		all = append(all, line)
	}
	return all
}

// causes are what a person was asked while a run went on, by what caused it.
func (c *console) causes(ctx context.Context, run store.Run) ([]causeLine, error) {
	to := run.Ended
	if to.IsZero() {
		to = c.now()
	}
	if run.Status == store.RunCutShort {
		return nil, nil // nobody knows until when it went on
	}
	causes, err := c.hub.Store().ReviewCauses(ctx, run.Sync, run.Started, to, mostCauses)
	if err != nil {
		return nil, err
	}
	sync, known := c.hub.Plan().Sync(run.Sync)
	var all []causeLine
	for _, x := range causes {
		line := causeLine{ReviewCause: x}
		if first := x.First; known && first.Record != "" {
			end := sync.Ends[first.Side]
			of := store.Object{Connection: end.Connection, Name: end.Object}
			line.Name, line.Link = of.String()+"/"+first.Record, recordPath(of, first.Record)
		}
		all = append(all, line)
	}
	return all, nil
}

func (c *console) cancelRun(w http.ResponseWriter, r *http.Request) error {
	run, err := c.cancel(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.redirect(w, runPath(run.ID), "cancelled")
}

// cancel ends a run that is under way.
func (c *console) cancel(ctx context.Context, name string) (store.Run, error) {
	run, err := c.runOf(ctx, name)
	if err != nil {
		return run, err
	}
	noteIn(ctx, engine.RunName(run.ID), run.Sync)
	if !c.hub.Cancel(run.ID) {
		return run, invalid("error.notrunning")
	}
	return run, nil
}

func (c *console) runAgain(w http.ResponseWriter, r *http.Request) error {
	run, err := c.again(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.redirect(w, runPath(run.ID), "asked")
}

// again runs the sync of a run once more: what failed is tried again, and what is done stays.
func (c *console) again(ctx context.Context, name string) (store.Run, error) {
	run, err := c.runOf(ctx, name)
	if err != nil {
		return run, err
	}
	noteIn(ctx, run.Sync, "after "+engine.RunName(run.ID))
	if _, known := c.hub.Plan().Sync(run.Sync); !known {
		return run, invalid("error.nosync")
	}
	return run, c.hub.Run(run.Sync)
}
