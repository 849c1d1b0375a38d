package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// affectedLines is how many records of a stopped run are on a page.
const affectedLines = 50

// An itemPage is one item of the review queue with all that there is to see about it.
type itemPage struct {
	Item     store.Review
	Filter   reviewFilter
	Ends     [2]string // of its sync: "erp.contacts"
	Where    string
	Pair     [2]sideView
	Rows     []conflictRow // the questions about fields of this pair that are open
	Fields   []fieldView   // of its records
	Columns  []candidateView
	Twins    bool
	Compared []comparedRow
	Choices  []choiceView
	Entry    []entryView // values that can be entered
	Asked    int         // how many of them the item is about
	EditNo   int         // the number of the choice to enter values; 0 = there is none
	Stopped  *stoppedView
	Before   string // addresses of its neighbours
	After    string
	Back     string
	Answered []fieldView // what a person entered
}

// A sideView is a record of the pair.
type sideView struct {
	Side  record.Side
	Of    string
	ID    string
	Title string
	Gone  bool
	Link  string // to all that is known of it
}

// A conflictRow is one open question about a field of a pair.
type conflictRow struct {
	ID     int64
	Name   string
	Base   cell
	Agreed bool
	Sides  [2]cell
	Here   bool // the item that was opened
	Entry  *entryView
	Text   string
}

// A fieldView is one field on both sides.
type fieldView struct {
	Name    string
	Sides   [2]cell
	Known   [2]bool
	Same    bool
	Subject bool // the item is about it
}

// A candidateView is one record that the item's could belong to.
type candidateView struct {
	ID     string
	Of     string
	Title  string
	Score  int
	Why    []string
	Choice *choiceView // nil = it cannot be chosen
}

// Asks reports whether one of the candidates can be chosen, or says why it is one.
func (p itemPage) Asks() bool {
	return slices.ContainsFunc(p.Columns, func(c candidateView) bool { return c.Choice != nil || len(c.Why) > 0 || len(p.Compared) == 0 })
}

// A comparedRow is one field of the item's record and of its candidates.
type comparedRow struct {
	Name  string
	Mine  cell
	Cells []comparedCell
}

type comparedCell struct {
	cell

	Same, Known bool
}

// A choiceView is one answer.
type choiceView struct {
	Word string
	Text string // its key in the catalogues behind "choice."; "" = Word says it
	No   int    // the key that chooses it; 0 = none
}

// Title is that of the item's record; "" = it is not known.
func (p itemPage) Title() string { return p.Pair[p.Item.Side].Title }

// FieldName is the field that the item is about; "" = it is about none.
func (p itemPage) FieldName() string { return keyName(p.Item.Field) }

// EndOf is the end that a side's name means.
func (p itemPage) EndOf(side string) int {
	if side == record.Right.String() {
		return 1
	}
	return 0
}

// An entryView is a field for a value that a person enters.
type entryView struct {
	Name  string // of the form's field
	Label string
	Value string
	Was   string // what it holds
	Field record.Field
	Many  bool // it has several lines
}

// Choices are those of a field that takes nothing else.
func (e entryView) Choices() []record.Choice {
	if e.Field.Kind == record.KindBool {
		return []record.Choice{{Value: "true"}, {Value: "false"}}
	}
	if e.Field.Kind != record.KindChoice || e.Field.Open {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.Field.Choices), func(c record.Choice) bool { return c.Hidden && c.Value != e.Value })
}

// Type is what browsers call the kind of the field.
func (e entryView) Type() string {
	if e.Field.Kind == record.KindDate {
		return "date"
	}
	return "text"
}

// A stoppedView is what a guard, or a changed configuration, has stopped.
type stoppedView struct {
	Alarms    []engine.Alarm
	Total     int
	From, To  int
	Records   []engine.AffectedRecord
	Newer     string
	Older     string
	Suggested *status.Guard
	Suggests  []suggestLine
}

// First is the number of the first record that is shown.
func (s stoppedView) First() int { return s.From + 1 }

type suggestLine struct {
	What          string
	Most, Suggest int
}

func (c *console) showReviewItem(w http.ResponseWriter, r *http.Request) error {
	it, err := c.reviewItem(r)
	if err != nil {
		return err
	}
	data, err := c.itemPage(r, it)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "review_item", data)
}

// reviewItem returns the item that a request's path names.
func (c *console) reviewItem(r *http.Request) (store.Review, error) {
	id, err := number(r, "id")
	if err != nil {
		return store.Review{}, err
	}
	it, found, err := c.hub.Store().Review(r.Context(), id)
	if err == nil && !found {
		err = &problem{status: http.StatusNotFound, key: "error.settled"}
	}
	return it, err
}

func (c *console) itemPage(r *http.Request, it store.Review) (itemPage, error) {
	ctx, f := r.Context(), c.filterOf(r)
	p := itemPage{Item: it, Filter: f, Where: c.recordName(it), Back: f.address("/review")}
	sync, known := c.hub.Plan().Sync(it.Sync)
	for i := range p.Ends {
		if known {
			p.Ends[i] = sync.Ends[i].String()
		}
	}
	pic, err := c.picture(ctx, it)
	if err != nil {
		return p, err
	}
	p.Choices = choicesOf(it)
	if err := c.neighbours(ctx, &p, f); err != nil {
		return p, err
	}
	if engine.NamesAffected(it) {
		return p, c.stopped(r, &p, sync, known)
	}
	show := shower{l: visitOf(r).locale, zone: c.hub.Plan().Timezone, pic: pic, it: it, named: &engine.Naming{}}
	rivals := []store.Review{it}
	if it.Kind == store.ReviewConflict {
		if it.Link != 0 && it.Decision == "" {
			if rivals, err = c.hub.Store().Reviews(ctx, store.ReviewQuery{Open: true, Link: it.Link, Kinds: []store.ReviewKind{store.ReviewConflict}, Limit: 100}); err != nil {
				return p, err
			}
		}
	}
	show.wantNames(rivals)
	if err := show.named.Load(ctx, c.hub.Store()); err != nil {
		return p, err
	}
	if it.Kind == store.ReviewConflict {
		p.Rows, p.Choices = show.conflicts(rivals), nil
	}
	show.records(&p)
	show.candidates(&p)
	if it.Decision == "" && it.Kind != store.ReviewConflict {
		if p.Entry, p.Asked = show.entries(); len(p.Entry) > 0 {
			p.EditNo = len(p.Choices) + 1
		}
	}
	return p, nil
}

// picture looks up what memory holds beside an item. Where nothing can be looked up, as long as a
// connection has never been checked, the item alone says what is to be decided.
func (c *console) picture(ctx context.Context, it store.Review) (engine.Picture, error) {
	var pic engine.Picture
	err := c.hub.Look(ctx, func(ctx context.Context, e *engine.Engine) (err error) {
		pic, err = e.Picture(ctx, it)
		return err
	})
	if err != nil && ctx.Err() == nil {
		c.log.Warn("what is beside a review item cannot be shown", "item", it.ID, "error", err)
		return engine.Picture{}, nil
	}
	return pic, err
}

// neighbours finds the open items before and after one.
func (c *console) neighbours(ctx context.Context, p *itemPage, f reviewFilter) error {
	next, err := c.nextOpen(ctx, f, p.Item.ID)
	if err != nil {
		return err
	}
	if next != 0 && next != p.Item.ID {
		p.After = f.Item(next)
	}
	q := f.query(0, 1)
	q.Before = p.Item.ID
	items, err := c.hub.Store().Reviews(ctx, q)
	if err == nil && len(items) > 0 {
		p.Before = f.Item(items[0].ID)
	}
	return err
}

// nextOpen returns the open item of a filter that comes after one; behind the last one the first;
// 0 if nothing waits.
func (c *console) nextOpen(ctx context.Context, f reviewFilter, after int64) (int64, error) {
	for _, from := range []int64{after, 0} {
		items, err := c.hub.Store().Reviews(ctx, f.query(from, 1))
		if err != nil {
			return 0, err
		}
		if len(items) > 0 {
			return items[0].ID, nil
		}
	}
	return 0, nil
}

// choiceTexts are the choices that have words of their own in the catalogues: by kind where the
// same word means something else there.
func choiceTexts() []string {
	return []string{
		"left", "right", "retry", "dismiss", "none", "unlink", "delete", "create", "merge", "leave", "keep", "approve", "revert", "admit", "deleted", "best", "edit",
		"guard.approve", "guard.revert", "guard.dismiss", "events.approve", "events.dismiss", "configuration.approve", "configuration.keep",
		"parked.dismiss", "ambiguous.none", "duplicate.dismiss", "restored.dismiss", "restored.create",
	}
}

// choiceText finds the text of a choice; "" = it is a value of its own, such as an id.
func choiceText(kind store.ReviewKind, word string) string {
	if word == best {
		return "best"
	}
	for _, key := range []string{string(kind) + "." + word, word} {
		if slices.Contains(choiceTexts(), key) {
			return key
		}
	}
	return ""
}

// choicesOf are the answers to an item in their order, those that name candidates left out.
func choicesOf(it store.Review) []choiceView {
	if it.Decision != "" {
		return nil
	}
	named := 0
	for _, choice := range it.Choices {
		if slices.Contains(it.Candidates, choice) {
			named++
		}
	}
	var all []choiceView
	for _, choice := range it.Choices {
		if !slices.Contains(it.Candidates, choice) {
			all = append(all, choiceView{Word: choice, Text: choiceText(it.Kind, choice), No: named + len(all) + 1})
		}
	}
	return all
}

// stopped fills in what was stopped, a page of it.
func (c *console) stopped(r *http.Request, p *itemPage, sync plan.Sync, known bool) error {
	ctx, it := r.Context(), p.Item
	from, err := optional(r.URL.Query().Get("from"))
	if err != nil || int(from) > 0 && int(from) >= len(it.Candidates) {
		return errNotFound()
	}
	s := &stoppedView{Alarms: engine.Alarms(it), Total: len(it.Candidates), From: int(from)}
	s.To = min(s.From+affectedLines, s.Total)
	if s.Records, err = engine.Affected(ctx, c.hub.Store(), c.hub.Plan(), it, it.Candidates[s.From:s.To]); err != nil {
		return err
	}
	at := func(n int) string {
		return p.Filter.address("/review/"+strconv.FormatInt(it.ID, 10), "from", strconv.Itoa(n))
	}
	if s.From > 0 {
		s.Newer = at(max(0, s.From-affectedLines))
	}
	if s.To < s.Total {
		s.Older = at(s.To)
	}
	if it.Kind == store.ReviewGuard && known {
		if s.Suggested, err = c.suggestion(ctx, it, sync); err != nil {
			return err
		}
		if s.Suggested != nil {
			for _, what := range []string{"create", "update", "delete"} {
				s.Suggests = append(s.Suggests, suggestLine{what, s.Suggested.Most[what], s.Suggested.Suggest[what]})
			}
		}
	}
	p.Stopped = s
	return nil
}

// suggestion is what a sync's month before a blown guard says about its guards. It walks that
// month's journal, so it is found out once for an item.
func (c *console) suggestion(ctx context.Context, it store.Review, sync plan.Sync) (*status.Guard, error) {
	g, err := c.memo.get(ctx, "guard "+strconv.FormatInt(it.ID, 10)+it.Opened.Format(time.RFC3339Nano), func() (any, error) {
		tally, err := c.hub.Store().Tally(ctx, it.Sync)
		if err != nil {
			return nil, err
		}
		return status.SuggestGuard(ctx, c.hub.Store(), sync, tally.Linked, it.Opened)
	})
	if err != nil {
		return nil, err
	}
	s, _ := g.(*status.Guard)
	return s, nil
}
