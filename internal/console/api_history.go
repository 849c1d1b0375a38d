package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// SinceInput is how a moment is given.
type SinceInput struct {
	Since string `query:"since" maxLength:"40" doc:"a moment (2026-11-21, 2026-11-21T14:30:00Z) or how long ago (2h, 3d)"`
}

func (in SinceInput) at(now time.Time, zone *time.Location) (time.Time, error) {
	at, err := engine.ParseSince(in.Since, now, zone)
	if err != nil {
		return at, badInput("query.since", "it is no time such as 2h, 3d, 2026-11-21 or 2026-11-21T14:30:00Z")
	}
	return at, nil
}

type historyInput struct {
	Paging
	SinceInput

	Of        string `query:"of" maxLength:"800" doc:"a record (erp.contacts/12), an object (erp.contacts), a connection, a sync, a run (r12) or a record's id"`
	Overruled bool   `query:"overruled" doc:"only what lost: overruled values, and the last state of records that were deleted or archived"`
}

func (c *console) apiHistory(ctx context.Context, in *historyInput) (list[jsonl.Entry], error) {
	p := c.hub.Plan()
	before, err := in.from()
	if err != nil {
		return list[jsonl.Entry]{}, err
	}
	q := store.HistoryQuery{Limit: in.Limit + 1, UpTo: before - 1}
	if before == 0 {
		q.UpTo = 0
	} else if q.UpTo == 0 {
		return list[jsonl.Entry]{Items: []jsonl.Entry{}}, nil // there is none before the first
	}
	if q.Since, err = in.at(c.now(), p.Timezone); err != nil {
		return list[jsonl.Entry]{}, err
	}
	if in.Overruled {
		q.Kinds = []store.EntryKind{store.Overruled, store.Deleted, store.Archived}
		if kept := c.now().Add(-p.KeepOverruled); q.Since.Before(kept) {
			q.Since = kept
		}
	}
	queries, err := jsonl.Queries(p, in.Of, q)
	if err != nil {
		return list[jsonl.Entry]{}, err
	}
	entries, err := jsonl.Journal(ctx, c.hub.Store(), queries, in.Limit+1)
	if err != nil {
		return list[jsonl.Entry]{}, err
	}
	slices.Reverse(entries)
	return listOf(in.Paging, entries, jsonl.OfEntry, func(e store.Entry) int64 { return e.ID }), nil
}

type whyInput struct {
	Record string `query:"record" required:"true" maxLength:"800" doc:"erp.contacts/12"`
	Field  string `query:"field" maxLength:"200" doc:"only this field"`
}

func (c *console) apiWhy(ctx context.Context, in *whyInput) (list[jsonl.Why], error) {
	out := list[jsonl.Why]{Items: []jsonl.Why{}}
	of, id, err := jsonl.Record(c.hub.Plan(), in.Record)
	if err != nil {
		return out, err
	}
	err = c.hub.Look(ctx, func(ctx context.Context, e *engine.Engine) error {
		all, err := e.Why(ctx, of, id, in.Field)
		for _, y := range all {
			out.Items = append(out.Items, jsonl.OfWhy(y))
		}
		return err
	})
	return out, err
}

type revertInput struct {
	Body revertWish
}

// A revertWish says what is to be taken back; its members narrow one another.
type revertWish struct {
	Change int64  `json:"change,omitempty" minimum:"1" doc:"one line of the journal, by its number"`
	Run    string `json:"run,omitempty" maxLength:"30" doc:"what one run did: r12"`
	Record string `json:"record,omitempty" maxLength:"800" doc:"what was done to one record: crm.contacts/501"`
	Sync   string `json:"sync,omitempty" doc:"only what this sync did"`
	Since  string `json:"since,omitempty" maxLength:"40" doc:"only what was done since: 2h, 3d, 2026-11-21"`
	Force  bool   `json:"force,omitempty" doc:"also what was edited since"`
	UpTo   int64  `json:"up_to,omitempty" minimum:"0" doc:"up_to of the preview that was looked at: what came later stays"`
}

// request understands what is wanted.
func (c *console) request(ctx context.Context, p *plan.Plan, w revertWish) (engine.RevertRequest, error) {
	q := engine.RevertRequest{Change: w.Change, Sync: w.Sync, Force: w.Force, UpTo: w.UpTo, By: visitIn(ctx).who.Name}
	if w.Sync != "" {
		if err := c.checkSync(w.Sync); err != nil {
			return q, err
		}
	}
	given := 0
	for _, is := range []bool{w.Change != 0, w.Run != "", w.Record != ""} {
		if is {
			given++
		}
	}
	if given > 1 || given == 0 && w.Since == "" || w.Change != 0 && w.Since != "" {
		return q, badInput("body", "name one change, a run or a record, or a time with since")
	}
	var err error
	if q.Since, err = engine.ParseSince(w.Since, c.now(), p.Timezone); err != nil {
		return q, badInput("body.since", "it is no time such as 2h, 3d or 2026-11-21")
	}
	if w.Run != "" {
		var ok bool
		if q.Run, ok = engine.ParseRun(w.Run); !ok {
			return q, badInput("body.run", "a run is called r12")
		}
	}
	if w.Record != "" {
		q.Of, q.Record, err = jsonl.Record(p, w.Record)
	}
	return q, err
}

// mostTakenBack bounds what one answer names; the counts are of all.
const mostTakenBack = 2000

// revertedBody is what a revert comes to.
type revertedBody struct {
	Items []jsonl.Revert   `json:"items"`
	More  int              `json:"more,omitempty" doc:"items that are not named"`
	Syncs []jsonl.Reverted `json:"syncs"`
	UpTo  int64            `json:"up_to" doc:"the last line of the journal that was looked at"`
}

func (c *console) apiPreviewRevert(ctx context.Context, in *revertInput) (revertedBody, error) {
	return c.revert(ctx, in.Body, false)
}

func (c *console) apiRevert(ctx context.Context, in *revertInput) (revertedBody, error) {
	return c.revert(ctx, in.Body, true)
}

func (c *console) revert(ctx context.Context, wish revertWish, do bool) (revertedBody, error) {
	out := revertedBody{Items: []jsonl.Revert{}, Syncs: []jsonl.Reverted{}}
	q, err := c.request(ctx, c.hub.Plan(), wish)
	if err != nil {
		return out, err
	}
	err = c.borrow(ctx, func(ctx context.Context, e *engine.Engine) error {
		if q.UpTo == 0 {
			if q.UpTo, err = c.hub.Store().JournalEnd(ctx); err != nil {
				return err
			}
		}
		out.UpTo = q.UpTo
		pass := e.PreviewRevert
		if do {
			pass = e.Revert
		}
		all, err := pass(ctx, q, func(it engine.RevertItem) error {
			if len(out.Items) < mostTakenBack {
				out.Items = append(out.Items, jsonl.OfRevert(it))
			} else {
				out.More++
			}
			return nil
		})
		for _, r := range all {
			out.Syncs = append(out.Syncs, jsonl.OfReverted(r, do))
		}
		return err
	})
	noteIn(ctx, wish.name(), "")
	if errors.Is(err, context.Canceled) && len(out.Syncs) > 0 {
		return out, &problem{status: http.StatusServiceUnavailable, key: "error.broken"}
	}
	return out, err
}

// name is the wish in the audit.
func (w revertWish) name() string {
	switch {
	case w.Record != "":
		return w.Record
	case w.Run != "":
		return w.Run
	case w.Sync != "":
		return w.Sync
	default:
		return w.Since
	}
}

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
	rows, err := jsonl.Pipelines(ctx, p, c.hub.Store(), in.Object, since)
	return list[jsonl.Pipeline]{Items: rows}, err
}
