package console

import (
	"context"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
)

// A jobBody is something that takes longer than a request.
type jobBody struct {
	By    string     `json:"by"`
	Began time.Time  `json:"began"`
	Ended *time.Time `json:"ended,omitempty" doc:"absent while it goes on"`
	Error string     `json:"error,omitempty" doc:"why it came to nothing"`
}

func ofJob(j job) *jobBody {
	return &jobBody{By: j.By, Began: j.Began, Ended: moment(j.Ended), Error: j.Err}
}

// A plannedBody is what a sync would do: it is kept for an hour.
type plannedBody struct {
	Job   jobBody         `json:"job"`
	Plan  *jsonl.Plan     `json:"plan,omitempty" doc:"absent while it is made"`
	Items []jsonl.Planned `json:"items"`
	Next  string          `json:"next,omitempty" doc:"the cursor of the next page; absent on the last one"`
	Cut   int             `json:"cut,omitempty" doc:"so many further records are not kept: only counted"`
}

func (c *console) apiPlan(ctx context.Context, in *Named) (plannedBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return plannedBody{}, err
	}
	if err := c.begun(ctx, planning, in.ID, false); err != nil {
		return plannedBody{}, err
	}
	j, _ := c.jobs.of(planning, in.ID)
	return plannedBody{Job: *ofJob(j), Items: []jsonl.Planned{}}, nil
}

type plannedInput struct {
	Named
	Paging
	Waiting

	Kind string `query:"kind" enum:"create,update,restore,merge,archive,delete,ask,link,skip" doc:"only records of this kind"`
}

func (c *console) apiPlanned(ctx context.Context, in *plannedInput) (plannedBody, error) {
	if err := c.checkSync(in.ID); err != nil {
		return plannedBody{}, err
	}
	from, err := in.from()
	if err != nil {
		return plannedBody{}, err
	}
	err = in.until(ctx, func() (bool, error) {
		j, has := c.jobs.of(planning, in.ID)
		if !has {
			return false, errNotFound()
		}
		return !j.Under(), nil
	})
	if err != nil {
		return plannedBody{}, err
	}
	return c.planned(in.ID, in.Paging, int(from), engine.PreviewKind(in.Kind))
}

// planned tells the last plan of a sync: of its records one page, from a place on.
func (c *console) planned(sync string, page Paging, from int, kind engine.PreviewKind) (plannedBody, error) {
	out := plannedBody{Items: []jsonl.Planned{}}
	j, has := c.jobs.of(planning, sync)
	if !has {
		return out, errNotFound()
	}
	out.Job, out.Cut = *ofJob(j), j.Cut
	if j.Under() {
		return out, nil
	}
	out.Plan = new(jsonl.OfPlan(j.Plan))
	for i := from; i < len(j.Plan.Items); i++ {
		it := j.Plan.Items[i]
		if kind != "" && it.Kind != kind {
			continue
		}
		if len(out.Items) == page.Limit {
			out.Next = strconv.Itoa(i)
			break
		}
		out.Items = append(out.Items, jsonl.OfPlanned(sync, it))
	}
	return out, nil
}
