package console

import (
	"context"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
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
		q.Kinds = store.LostKinds()
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
