package console

import (
	"context"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/report"
	"github.com/tandemhub/tandem/internal/store"
)

type pipelineInput struct {
	SinceInput

	Object string `query:"object" maxLength:"200" doc:"only these deals: crm.deals"`
}

func (c *console) apiPipeline(ctx context.Context, in *pipelineInput) (list[jsonl.Pipeline], error) {
	p := c.hub.Plan()
	since, err := in.at(c.now(), p.Timezone)
	if err != nil {
		return list[jsonl.Pipeline]{}, err
	}
	rows, err := jsonl.Pipelines(ctx, p, c.hub.Store(), in.Object, func(o engine.DealObject) (report.Pipeline, error) { return c.reporter(ctx).deals(o, since) })
	return list[jsonl.Pipeline]{Items: rows}, err
}

// A volumeBody is what was written on one day by one sync.
type volumeBody struct {
	Day    string       `json:"day" format:"date" doc:"in the hub's time zone"`
	Sync   string       `json:"sync"`
	Runs   int          `json:"runs"`
	Failed int          `json:"failed" doc:"of these: failed, blocked or cut short"`
	Left   store.Counts `json:"left"`
	Right  store.Counts `json:"right"`
}

type volumeInput struct {
	Sync string `query:"sync" doc:"only this sync"`
}

func (c *console) apiVolume(ctx context.Context, in *volumeInput) (list[volumeBody], error) {
	out := list[volumeBody]{Items: []volumeBody{}}
	if in.Sync != "" {
		if err := c.checkSync(in.Sync); err != nil {
			return out, err
		}
	}
	x := c.reporter(ctx)
	keys, since := x.days()
	days, err := x.runs(keys, since)
	for _, d := range days {
		if in.Sync == "" || in.Sync == d.Sync {
			out.Items = append(out.Items, volumeBody{Day: d.Day, Sync: d.Sync, Runs: d.Runs, Failed: d.Failed, Left: d.Sides[0], Right: d.Sides[1]})
		}
	}
	return out, err
}

// problemsBody is why records and runs do not get through.
type problemsBody struct {
	Records []recordCause `json:"records" doc:"what waits, by its cause, the most frequent first"`
	Runs    []runCause    `json:"runs" doc:"runs of the last 30 days that were not ok, by their error"`
}

// A recordCause is why records wait.
type recordCause struct {
	Records int              `json:"records"`
	Sync    string           `json:"sync"`
	Kind    store.ReviewKind `json:"kind"`
	Field   string           `json:"field,omitempty"`
	Cause   string           `json:"cause,omitempty"`
	Fix     string           `json:"fix,omitempty"`
	First   int64            `json:"first" doc:"the review item of one of them"`
}

// A runCause is why runs were not ok.
type runCause struct {
	Runs   int       `json:"runs"`
	Sync   string    `json:"sync"`
	Status string    `json:"status"`
	Error  string    `json:"error,omitempty"`
	Last   time.Time `json:"last"`
	Run    string    `json:"run" doc:"the last of them"`
}

func (c *console) apiProblems(ctx context.Context, _ *nothing) (problemsBody, error) {
	out := problemsBody{Records: []recordCause{}, Runs: []runCause{}}
	x := c.reporter(ctx)
	_, since := x.days()
	causes, failures, err := x.reasons(since)
	for _, k := range causes {
		out.Records = append(out.Records, recordCause{Records: k.N, Sync: k.Sync, Kind: k.Kind, Field: k.Field, Cause: k.Cause, Fix: k.Fix, First: k.First})
	}
	for _, f := range failures {
		out.Runs = append(out.Runs, runCause{Runs: f.Runs, Sync: f.Sync, Status: f.Status, Error: f.Error, Last: f.Last, Run: engine.RunName(f.LastID)})
	}
	return out, err
}

// A quotaBody is what was spent of one budget of a connection's vendor.
type quotaBody struct {
	Connection string     `json:"connection"`
	Budget     string     `json:"budget,omitempty" doc:"absent: every call"`
	Hours      float64    `json:"hours" doc:"in which limit may be spent"`
	Limit      int        `json:"limit,omitempty" doc:"absent if the vendor states none"`
	Spent      int        `json:"spent" doc:"in all these days"`
	Days       []daySpent `json:"days"`
}

// A daySpent is what was spent on one day.
type daySpent struct {
	Day   string `json:"day" format:"date"`
	Spent int    `json:"spent"`
}

func (c *console) apiQuota(ctx context.Context, _ *nothing) (list[quotaBody], error) {
	out := list[quotaBody]{Items: []quotaBody{}}
	x := c.reporter(ctx)
	keys, since := x.days()
	all, err := x.spendings(keys, since)
	for _, s := range all {
		body := quotaBody{Connection: s.Connection, Budget: s.Budget, Hours: s.Per.Hours(), Limit: s.Limit, Spent: s.sum(), Days: []daySpent{}}
		for i, key := range keys {
			body.Days = append(body.Days, daySpent{Day: key, Spent: s.Days[i]})
		}
		out.Items = append(out.Items, body)
	}
	return out, err
}
