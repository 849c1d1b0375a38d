package console

import (
	"context"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

// A syncBody is a sync, and what the process knows of it.
type syncBody struct {
	status.Sync

	Asked    bool   `json:"asked,omitempty" doc:"it runs as soon as nothing else works"`
	Held     bool   `json:"paused,omitempty" doc:"a person keeps it from running by itself"`
	HeldBy   string `json:"paused_by,omitempty"`
	LastDone string `json:"last_run,omitempty" doc:"the newest run of any kind: one with after= gives those that follow it"`
}

// statusBody is how everything stands.
type statusBody struct {
	Ready       bool             `json:"ready" doc:"it serves, and is not about to stop"`
	Busy        bool             `json:"busy" doc:"a sync runs, or something else calls vendors"`
	Full        bool             `json:"full" doc:"the disk is full, and nothing runs"`
	Syncs       []syncBody       `json:"syncs"`
	Connections []connectionBody `json:"connections"`
}

// Named is the input of an operation that is about one thing.
type Named struct {
	ID string `path:"id" doc:"its name"`
}

func (c *console) apiStatus(ctx context.Context, _ *nothing) (statusBody, error) {
	st, err := c.hub.Status(ctx)
	if err != nil {
		return statusBody{}, err
	}
	out := statusBody{Ready: st.Ready, Busy: st.Busy, Full: st.Full}
	if out.Syncs, err = c.syncBodies(ctx, ""); err != nil {
		return out, err
	}
	out.Connections, err = c.connectionBodies(ctx)
	return out, err
}

func (c *console) apiSyncs(ctx context.Context, _ *nothing) (list[syncBody], error) {
	all, err := c.syncBodies(ctx, "")
	return list[syncBody]{Items: all}, err
}

func (c *console) apiSync(ctx context.Context, in *Named) (syncBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return syncBody{}, err
	}
	all, err := c.syncBodies(ctx, in.ID)
	if err != nil || len(all) == 0 {
		return syncBody{}, err
	}
	return all[0], nil
}

// checkSync refuses a name that no sync has.
func (c *console) checkSync(name string) error {
	have := c.syncNames()
	if slices.Contains(have, name) {
		return nil
	}
	return &jsonl.UnknownError{Kind: "sync", Name: name, Have: have}
}

// syncBodies tells of all syncs, or of one.
func (c *console) syncBodies(ctx context.Context, only string) ([]syncBody, error) {
	st, err := c.hub.Status(ctx)
	if err != nil {
		return nil, err
	}
	p, s := c.hub.Plan(), c.hub.Store()
	out := []syncBody{}
	for _, sync := range p.Syncs {
		if only != "" && only != sync.Name {
			continue
		}
		line, err := status.OfSync(ctx, p, s, sync, c.now())
		if err != nil {
			return nil, err
		}
		body := syncBody{Sync: line}
		for _, x := range st.Syncs {
			if x.Name == sync.Name {
				body.tell(x)
			}
		}
		if body.LastDone, err = c.lastRun(ctx, sync.Name); err != nil {
			return nil, err
		}
		out = append(out, body)
	}
	return out, nil
}

// tell adds what the process knows: it has the better word for when the sync runs next.
func (b *syncBody) tell(x SyncStatus) {
	b.Asked, b.Next = x.Asked, nil
	if !x.Next.IsZero() {
		b.Next = &x.Next
	}
	if x.Paused != nil {
		b.Held, b.HeldBy = true, x.Paused.By
	}
}

// lastRun is the name of a sync's newest run, of any kind; "" = it never ran.
func (c *console) lastRun(ctx context.Context, sync string) (string, error) {
	runs, err := c.hub.Store().RunsPage(ctx, store.RunQuery{Sync: sync, Limit: 1})
	if err != nil || len(runs) == 0 {
		return "", err
	}
	return engine.RunName(runs[0].ID), nil
}

// newestRun is the run that the next one of a sync follows; r0 if it never ran.
func (c *console) newestRun(ctx context.Context, sync string) (string, error) {
	name, err := c.lastRun(ctx, sync)
	if name == "" {
		name = engine.RunName(0)
	}
	return name, err
}

// askedBody answers a wish for a run.
type askedBody struct {
	Sync  string `json:"sync"`
	Asked bool   `json:"asked"`
	After string `json:"after" doc:"GET /api/v1/runs?sync=…&after=…&wait=… tells the run that follows"`
}

func (c *console) apiRun(ctx context.Context, in *Named) (askedBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return askedBody{}, err
	}
	noteIn(ctx, in.ID, "")
	after, err := c.newestRun(ctx, in.ID)
	if err != nil {
		return askedBody{}, err
	}
	return askedBody{Sync: in.ID, Asked: true, After: after}, c.hub.Run(in.ID)
}

type runAllInput struct {
	Body *struct {
		Syncs []string `json:"syncs,omitempty" maxItems:"1000" doc:"only these; all if it is left out"`
	}
}

func (c *console) apiRunAll(ctx context.Context, in *runAllInput) (list[askedBody], error) {
	out := list[askedBody]{Items: []askedBody{}}
	names, what := c.syncNames(), "all syncs"
	if in.Body != nil && len(in.Body.Syncs) > 0 {
		names = slices.Compact(slices.Sorted(slices.Values(in.Body.Syncs)))
		what = cutTo(strings.Join(names, ", "), 200)
	}
	noteIn(ctx, what, "")
	for _, name := range names {
		if err := c.checkSync(name); err != nil {
			return out, err
		}
	}
	for _, name := range names {
		after, err := c.newestRun(ctx, name)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, askedBody{Sync: name, Asked: true, After: after})
	}
	if len(names) == 0 {
		return out, nil
	}
	return out, c.hub.Run(names...)
}

func (c *console) syncNames() []string {
	var names []string
	for _, s := range c.hub.Plan().Syncs {
		names = append(names, s.Name)
	}
	return names
}

func (c *console) apiPause(ctx context.Context, in *Named) (syncBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return syncBody{}, err
	}
	noteIn(ctx, in.ID, "")
	if err := c.hub.Pause(ctx, in.ID, visitIn(ctx).who.Name); err != nil {
		return syncBody{}, err
	}
	return c.apiSync(ctx, in)
}

func (c *console) apiResume(ctx context.Context, in *Named) (syncBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return syncBody{}, err
	}
	noteIn(ctx, in.ID, "")
	if err := c.hub.Resume(ctx, in.ID); err != nil {
		return syncBody{}, err
	}
	return c.apiSync(ctx, in)
}
