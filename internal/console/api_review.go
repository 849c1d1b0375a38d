package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
)

type reviewsInput struct {
	Paging

	Sync  string `query:"sync" doc:"only of this sync"`
	Kind  string `query:"kind" maxLength:"40" doc:"only of this kind: parked, conflict and so on"`
	Field string `query:"field" maxLength:"200" doc:"only about this field, as the items name it: town=city"`
	All   bool   `query:"all" doc:"decided ones too"`
}

func (c *console) apiReviews(ctx context.Context, in *reviewsInput) (list[jsonl.Review], error) {
	after, err := in.from()
	if err != nil {
		return list[jsonl.Review]{}, err
	}
	if in.Sync != "" {
		if err := c.checkSync(in.Sync); err != nil {
			return list[jsonl.Review]{}, err
		}
	}
	q := store.ReviewQuery{Sync: in.Sync, Open: !in.All, Field: in.Field, After: after, Limit: in.Limit + 1}
	if in.Kind != "" {
		q.Kinds = []store.ReviewKind{store.ReviewKind(in.Kind)}
	}
	items, err := c.hub.Store().Reviews(ctx, q)
	if err != nil {
		return list[jsonl.Review]{}, err
	}
	return listOf(in.Paging, items, jsonl.OfReview, func(r store.Review) int64 { return r.ID }), nil
}

// Numbered is the input of an operation that is about one item.
type Numbered struct {
	ID int64 `path:"id" minimum:"1" doc:"its number"`
}

// reviewBody is an item and all about it.
type reviewBody struct {
	jsonl.Review

	Alarms  []engine.Alarm          `json:"alarms,omitempty" doc:"what a guard has seen"`
	Records []engine.AffectedRecord `json:"records,omitempty" doc:"the records that it is about, and what would be written to them"`
	More    int                     `json:"more_records,omitempty"`
	Guard   *status.Guard           `json:"guard,omitempty" doc:"what the sync's own last month suggests"`
}

// mostAffected bounds the records that one answer names.
const mostAffected = 200

func (c *console) item(ctx context.Context, id int64) (store.Review, error) {
	it, found, err := c.hub.Store().Review(ctx, id)
	if err == nil && !found {
		err = errNotFound()
	}
	return it, err
}

func (c *console) apiReview(ctx context.Context, in *Numbered) (reviewBody, error) {
	it, err := c.item(ctx, in.ID)
	if err != nil {
		return reviewBody{}, err
	}
	p, s := c.hub.Plan(), c.hub.Store()
	out := reviewBody{Review: jsonl.OfReview(it)}
	if !engine.NamesAffected(it) {
		if len(it.Candidates) == 0 {
			return out, nil
		}
		err = c.hub.Look(ctx, func(ctx context.Context, e *engine.Engine) error {
			ranked, err := e.Candidates(ctx, it)
			out.Ranked = jsonl.Candidates(ranked)
			return err
		})
		return out, err
	}
	out.Alarms = engine.Alarms(it)
	if out.Records, out.More, err = jsonl.Affected(ctx, p, s, it, mostAffected); err != nil {
		return out, err
	}
	if sync, known := p.Sync(it.Sync); known && it.Kind == store.ReviewGuard {
		out.Guard, err = c.suggestion(ctx, it, sync)
	}
	return out, err
}

type decideInput struct {
	Numbered

	Body struct {
		Choice string `json:"choice,omitempty" maxLength:"800" doc:"one of the item's choices, or :2 for the second candidate; none approves it"`
	}
}

func (c *console) apiDecide(ctx context.Context, in *decideInput) (jsonl.Review, error) {
	it, err := c.item(ctx, in.ID)
	if err != nil {
		return jsonl.Review{}, err
	}
	noteIn(ctx, strconv.FormatInt(in.ID, 10), in.Body.Choice)
	if it.Decision != "" {
		return jsonl.Review{}, &problem{status: http.StatusConflict, key: "error.decided", detail: "decided: " + it.Decision}
	}
	choice := engine.ChoiceOf(it, in.Body.Choice)
	if choice == "" {
		choice, _ = engine.Approval(it)
	}
	if !slices.Contains(it.Choices, choice) {
		return jsonl.Review{}, badInput("body.choice", "one of: "+strings.Join(it.Choices, ", "))
	}
	if err := c.hub.Store().DecideReview(ctx, in.ID, choice, visitIn(ctx).who.Name, c.now()); err != nil {
		return jsonl.Review{}, err
	}
	it, err = c.item(ctx, in.ID)
	return jsonl.OfReview(it), err
}

type editInput struct {
	Numbered

	Body struct {
		Values  map[string]string `json:"values" minProperties:"1" maxProperties:"100" doc:"by field: what it is to hold, on both sides; an empty value empties it"`
		Preview bool              `json:"preview,omitempty" doc:"only say what would be written"`
	}
}

// editedBody is what entering values comes to.
type editedBody struct {
	Items []jsonl.Edit `json:"items"`
}

func (c *console) apiEdit(ctx context.Context, in *editInput) (editedBody, error) {
	it, err := c.item(ctx, in.ID)
	if err != nil {
		return editedBody{}, err
	}
	noteIn(ctx, strconv.FormatInt(in.ID, 10), "")
	if it.Decision != "" {
		return editedBody{}, &problem{status: http.StatusConflict, key: "error.decided", detail: "decided: " + it.Decision}
	}
	var set []engine.Assignment
	for field, value := range in.Body.Values {
		set = append(set, engine.Assignment{Field: field, Value: value})
	}
	slices.SortFunc(set, func(a, b engine.Assignment) int { return strings.Compare(a.Field, b.Field) })
	var p engine.EditPlan
	err = c.hub.Look(ctx, func(ctx context.Context, e *engine.Engine) error {
		p, err = e.PlanEdit(ctx, it, set)
		return err
	})
	if err != nil {
		return editedBody{}, err
	}
	state := "preview"
	if !in.Body.Preview {
		state = "entered"
		if err := c.hub.Store().EditReview(ctx, in.ID, p.Edit, visitIn(ctx).who.Name, c.now()); err != nil {
			return editedBody{}, err
		}
	}
	out := editedBody{Items: jsonl.Edits(it, p, state)}
	if out.Items == nil {
		out.Items = []jsonl.Edit{}
	}
	return out, nil
}
