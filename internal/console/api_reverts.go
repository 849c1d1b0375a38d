package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
)

type revertInput struct {
	Body revertWish
}

// A revertWish says what is to be taken back; its members narrow one another.
type revertWish struct {
	Change  int64   `json:"change,omitempty" minimum:"1" doc:"one line of the journal, by its number"`
	Changes []int64 `json:"changes,omitempty" maxItems:"200" doc:"several lines, which go back as one"`
	Run     string  `json:"run,omitempty" maxLength:"30" doc:"what one run did: r12"`
	Record  string  `json:"record,omitempty" maxLength:"800" doc:"what was done to one record: crm.contacts/501"`
	Sync    string  `json:"sync,omitempty" doc:"only what this sync did"`
	Since   string  `json:"since,omitempty" maxLength:"40" doc:"only what was done since: 2h, 3d, 2026-11-21"`
	Force   bool    `json:"force,omitempty" doc:"also what was edited since"`
	UpTo    int64   `json:"up_to,omitempty" minimum:"0" doc:"up_to of the preview that was looked at: what came later stays"`
}

// request understands what is wanted.
func (c *console) request(ctx context.Context, p *plan.Plan, w revertWish) (engine.RevertRequest, error) {
	q := engine.RevertRequest{Sync: w.Sync, Force: w.Force, UpTo: w.UpTo, By: visitIn(ctx).who.Name}
	if w.Sync != "" {
		if err := c.checkSync(w.Sync); err != nil {
			return q, err
		}
	}
	lines := w.Changes
	if w.Change != 0 {
		lines = append(lines, w.Change)
	}
	given := 0
	for _, is := range []bool{len(lines) > 0, w.Run != "", w.Record != ""} {
		if is {
			given++
		}
	}
	if given > 1 || given == 0 && w.Since == "" || len(lines) > 0 && w.Since != "" {
		return q, badInput("body", "name changes, a run or a record, or a time with since")
	}
	if slices.ContainsFunc(lines, func(id int64) bool { return id <= 0 }) {
		return q, badInput("body.changes", "a line of the journal has a number above 0")
	}
	if len(lines) > 0 {
		choose(&q, lines)
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
	noteIn(ctx, q.Name(), "")
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
	if errors.Is(err, context.Canceled) && len(out.Syncs) > 0 {
		return out, &problem{status: http.StatusServiceUnavailable, key: "error.broken"}
	}
	return out, err
}

// A proposedBody is something that is taken back in two steps: it is shown first, and done when
// somebody says so.
type proposedBody struct {
	ID      int64                      `json:"id"`
	What    string                     `json:"what" doc:"what is taken back, in the words of the audit"`
	By      string                     `json:"by"`
	State   string                     `json:"state" enum:"waits,looking,shown,works,done,failed" doc:"waits for its turn, looks, is shown and waits for a yes, works, is done, or failed and can be repeated"`
	Applied bool                       `json:"applied,omitempty" doc:"it was carried out, or was about to be"`
	UpTo    int64                      `json:"up_to" doc:"no line of the journal after this one is taken back"`
	Force   bool                       `json:"force,omitempty" doc:"also what was edited since"`
	Counts  map[engine.RevertState]int `json:"counts,omitempty"`
	Syncs   []jsonl.Reverted           `json:"syncs,omitempty"`
	Items   []jsonl.Revert             `json:"items,omitempty" doc:"of each state the first 200; absent in a list"`
	Stages  []stageBody                `json:"stages,omitempty" doc:"while it works: what it does"`
	Error   string                     `json:"error,omitempty"`
}

// proposed tells of one, with what it comes to or without.
func (c *console) proposed(x revert, items bool) proposedBody {
	q := x.request
	out := proposedBody{ID: x.id, What: q.Name(), By: q.By, State: x.state, Applied: x.done, UpTo: q.UpTo, Force: q.Force, Error: x.err}
	if p := c.hub.Progress(); p != nil && x.state == revertWorks {
		out.Stages = c.stageBodies(p)
	}
	if x.found == nil {
		return out
	}
	out.Counts = x.found.total
	for _, s := range x.found.syncs {
		out.Syncs = append(out.Syncs, jsonl.OfReverted(s, x.done))
	}
	for _, state := range append(sections(), engine.RevertAlready) {
		for _, it := range x.found.items[state] {
			if items {
				out.Items = append(out.Items, jsonl.OfRevert(it))
			}
		}
	}
	return out
}

func (c *console) apiReverts(context.Context, *nothing) (list[proposedBody], error) {
	out := list[proposedBody]{Items: []proposedBody{}}
	for _, x := range c.reverts.list() {
		out.Items = append(out.Items, c.proposed(x, false))
	}
	return out, nil
}

func (c *console) apiPropose(ctx context.Context, in *revertInput) (proposedBody, error) {
	q, err := c.request(ctx, c.hub.Plan(), in.Body)
	noteIn(ctx, q.Name(), "")
	if err != nil {
		return proposedBody{}, err
	}
	id, err := c.propose(ctx, q)
	if err != nil {
		return proposedBody{}, err
	}
	x, _ := c.reverts.get(id)
	return c.proposed(x, true), nil
}

type proposedInput struct {
	Waiting
	Numbered
}

func (c *console) apiProposed(ctx context.Context, in *proposedInput) (proposedBody, error) {
	var x revert
	err := in.until(ctx, func() (over bool, err error) {
		x, err = c.revertOf(strconv.FormatInt(in.ID, 10))
		return x.over(), err
	})
	return c.proposed(x, true), err
}

func (c *console) apiApply(ctx context.Context, in *Numbered) (proposedBody, error) {
	x, err := c.carryOut(ctx, strconv.FormatInt(in.ID, 10))
	if err != nil {
		return proposedBody{}, err
	}
	x, _ = c.reverts.get(x.id)
	return c.proposed(x, true), nil
}
