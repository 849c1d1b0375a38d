package console

import (
	"context"
	"strconv"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

type manyInput struct {
	Body struct {
		Choice  string           `json:"choice" maxLength:"800" doc:"one of the items' choices, or :1 for the likeliest candidate; approve lets through what each kind asks. Items without it are left alone"`
		IDs     []int64          `json:"ids,omitempty" maxItems:"500" doc:"these items; else all open ones of the sync, kind and field"`
		Sync    string           `json:"sync,omitempty"`
		Kind    store.ReviewKind `json:"kind,omitempty" maxLength:"40"`
		Field   string           `json:"field,omitempty" maxLength:"200"`
		UpTo    int64            `json:"up_to,omitempty" minimum:"0" doc:"up_to of the preview that was looked at: what came later is left alone"`
		Preview bool             `json:"preview,omitempty" doc:"only say what would be decided"`
	}
}

// manyBody is what a decision about many items comes to.
type manyBody struct {
	Decided int         `json:"decided" doc:"of a preview: how many would be"`
	Left    int         `json:"left_alone" doc:"so many have no such choice"`
	More    bool        `json:"more,omitempty" doc:"there are more than are decided in one go"`
	UpTo    int64       `json:"up_to" doc:"the last item that was looked at"`
	Groups  []manyOfOne `json:"groups"`
}

// A manyOfOne is what several items have in common.
type manyOfOne struct {
	Sync  string           `json:"sync"`
	Kind  store.ReviewKind `json:"kind"`
	Field string           `json:"field,omitempty"`
	Cause string           `json:"cause,omitempty"`
	Items int              `json:"items"`
	First int64            `json:"first"`
}

func (c *console) apiDecideMany(ctx context.Context, in *manyInput) (manyBody, error) {
	w, out := in.Body, manyBody{Groups: []manyOfOne{}}
	items, err := c.itemsOf(ctx, in)
	if err != nil {
		return out, err
	}
	if out.More = len(items) > mostAtOnce; out.More {
		items = items[:mostAtOnce]
	}
	choices, picked := engine.ChooseMany(items, w.Choice)
	noteIn(ctx, strconv.Itoa(len(choices))+" review items", w.Choice)
	if len(choices) == 0 {
		return out, invalid("error.nomany")
	}
	out.Decided, out.Left = len(picked), len(items)-len(picked)
	for _, it := range items {
		out.UpTo = max(out.UpTo, it.ID)
	}
	for _, g := range engine.GroupsOf(picked) {
		out.Groups = append(out.Groups, manyOfOne{Sync: g.First.Sync, Kind: g.First.Kind, Field: g.First.Field, Cause: g.Cause(), Items: len(g.Items), First: g.First.ID})
	}
	if w.Preview {
		noteIn(ctx, strconv.Itoa(len(choices))+" review items", w.Choice+" (shown first)")
		return out, nil
	}
	decided, err := c.hub.Store().DecideReviews(ctx, choices, visitIn(ctx).who.Name, c.now())
	noteIn(ctx, strconv.Itoa(len(decided))+" review items", w.Choice)
	out.Decided = len(decided)
	return out, err
}

// itemsOf loads the open items that a decision is about: one more than are decided in one go, if there
// are that many.
func (c *console) itemsOf(ctx context.Context, in *manyInput) ([]store.Review, error) {
	w := in.Body
	if w.Sync != "" {
		if err := c.checkSync(w.Sync); err != nil {
			return nil, err
		}
	}
	var items []store.Review
	switch {
	case len(w.IDs) > 0 && (w.Sync != "" || w.Kind != "" || w.Field != ""), len(w.IDs) == 0 && w.Sync == "" && w.Kind == "":
		return nil, badInput("body", "name ids, or a sync or a kind")
	case len(w.IDs) > 0:
		for _, id := range w.IDs {
			it, err := c.item(ctx, id)
			if err != nil {
				return nil, err
			}
			if it.Decision == "" {
				items = append(items, it)
			}
		}
		return items, nil
	}
	q := reviewFilter{Sync: w.Sync, Kind: w.Kind}.query(0, mostAtOnce+1)
	q.Field = w.Field
	all, err := c.hub.Store().Reviews(ctx, q)
	for _, it := range all {
		if w.UpTo == 0 || it.ID <= w.UpTo {
			items = append(items, it)
		}
	}
	return items, err
}
