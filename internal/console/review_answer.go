package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// mostAnswers is how many items one form answers: the fields of one pair.
const mostAnswers = 100

// An answer is what a form says about one item: a choice, or values that a person enters.
type answer struct {
	item   store.Review
	choice string // store.Edited = the values
	set    []engine.Assignment
	plan   engine.EditPlan
}

// A confirmPage shows what answers come to, before they are given.
type confirmPage struct {
	ID     int64
	Filter reviewFilter
	Back   string
	Lines  []confirmLine
	Writes []writeView
	Hidden []formValue // the form, to be sent again
	Final  bool        // something of it cannot be taken back
}

type confirmLine struct {
	ID     int64
	Kind   store.ReviewKind
	Where  string
	Text   string
	Choice choiceView
}

type writeView struct {
	Side  record.Side
	Where string // "erp.contacts/12"
	New   bool   // it is to be created
	Name  string
	Old   cell
	Value cell
	Then  bool
	Kept  string
}

type formValue struct{ Name, Value string }

// answerReview takes what a person says about an item, or about several fields of one pair. What
// is entered, and what cannot be taken back, is shown first and then confirmed.
func (c *console) answerReview(w http.ResponseWriter, r *http.Request) error {
	it, err := c.reviewItem(r)
	if err != nil {
		return err
	}
	note(r, fmt.Sprintf("review item %d", it.ID), "")
	if err := r.ParseForm(); err != nil {
		return invalid("error.choice")
	}
	answers, err := c.answers(r)
	if err != nil {
		return c.itemAgain(w, r, it, err)
	}
	note(r, fmt.Sprintf("review item %d", it.ID), detailOf(answers))
	if r.PostFormValue("yes") != "1" && slices.ContainsFunc(answers, answer.shownFirst) {
		note(r, fmt.Sprintf("review item %d", it.ID), detailOf(answers)+" (shown first)")
		return c.confirm(w, r, it, answers)
	}
	given, err := c.give(r.Context(), answers, visitOf(r).who.Name)
	if err != nil {
		return c.itemAgain(w, r, it, err)
	}
	note(r, fmt.Sprintf("review item %d", it.ID), detailOf(given))
	to, err := c.onward(r, it.ID)
	switch {
	case err != nil:
		return err
	case len(given) < len(answers):
		return c.redirect(w, to, "decidedrest")
	}
	return c.redirect(w, to, "decided")
}

// onward is where the next open item is, or the list that is done.
func (c *console) onward(r *http.Request, id int64) (string, error) {
	f := c.filterOf(r)
	next, err := c.nextOpen(r.Context(), f, id)
	if next != 0 {
		return f.Item(next), err
	}
	return f.address("/review"), err
}

func (c *console) itemAgain(w http.ResponseWriter, r *http.Request, it store.Review, wrong error) error {
	p, ok := told(wrong, c.now())
	if !ok {
		return wrong
	}
	data, err := c.itemPage(r, it)
	if err != nil {
		return err
	}
	data.keep(r)
	return c.view.again(w, r, p, "review_item", data)
}

// keep shows again what was entered.
func (p *itemPage) keep(r *http.Request) {
	take := func(e *entryView) {
		if v, sent := r.PostForm[e.Name]; sent {
			e.Value = v[0]
		}
	}
	for i := range p.Rows {
		if p.Rows[i].Entry != nil {
			take(p.Rows[i].Entry)
		}
	}
	for i := range p.Entry {
		take(&p.Entry[i])
	}
}

// answers reads a form.
func (c *console) answers(r *http.Request) ([]answer, error) {
	var all []answer
	for _, text := range r.PostForm["item"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || len(all) == mostAnswers {
			return nil, invalid("error.choice")
		}
		a := answer{choice: r.PostFormValue("choice-" + text), set: entered(r, id)}
		if a.choice == "" && len(a.set) > 0 {
			a.choice = store.Edited
		}
		if a.choice == "" {
			continue
		}
		var found bool
		if a.item, found, err = c.hub.Store().Review(r.Context(), id); err != nil {
			return nil, err
		}
		if !found || a.item.Decision != "" {
			return nil, errSettled()
		}
		if err := c.checkAnswer(r.Context(), &a); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, invalid("error.nochoice")
	}
	return all, nil
}

// entered reads the values of a form that differ from what was shown.
func entered(r *http.Request, id int64) []engine.Assignment {
	prefix := entryName(id, "")
	var set []engine.Assignment
	for name, v := range r.PostForm {
		key, is := strings.CutPrefix(name, prefix)
		if is && straight(v[0]) != straight(r.PostFormValue("was-"+name)) {
			set = append(set, engine.Assignment{Field: key, Value: straight(v[0])})
		}
	}
	slices.SortFunc(set, func(a, b engine.Assignment) int { return strings.Compare(a.Field, b.Field) })
	return set
}

// straight undoes what browsers make of the lines of a text.
func straight(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// checkAnswer finds out whether an answer is one to its item.
func (c *console) checkAnswer(ctx context.Context, a *answer) error {
	if a.choice != store.Edited {
		if !slices.Contains(a.item.Choices, a.choice) {
			return invalid("error.choice")
		}
		if len(a.set) > 0 {
			return invalid("error.both")
		}
		return nil
	}
	err := c.hub.Look(ctx, func(ctx context.Context, e *engine.Engine) (err error) {
		a.plan, err = e.PlanEdit(ctx, a.item, a.set)
		return err
	})
	if wrong, is := errors.AsType[*engine.EditError](err); is {
		p := invalid("error.edit")
		p.args = []any{errors.New(wrong.Text)}
		return p
	}
	if err == nil && len(a.plan.Edit.Fields) == 0 {
		return invalid("error.nochoice")
	}
	return err
}

// shownFirst reports whether an answer is confirmed before it is given: what a person has typed,
// and what deletes, merges or lets through what was stopped.
func (a answer) shownFirst() bool {
	return a.choice == store.Edited || a.final() || engine.NamesAffected(a.item)
}

// final reports whether an answer cannot be taken back.
func (a answer) final() bool { return a.choice == "delete" || a.choice == "merge" }

func detailOf(answers []answer) string {
	var parts []string
	for _, a := range answers {
		part := a.choice
		if len(answers) > 1 {
			part = a.item.Field + ": " + part
		}
		parts = append(parts, part)
	}
	return cutTo(strings.Join(parts, ", "), 500)
}

// give notes the answers for the next runs of their syncs, and returns those that it noted: of some,
// somebody else or a run may have been quicker. It is an error if that is so of all.
func (c *console) give(ctx context.Context, answers []answer, by string) ([]answer, error) {
	var noted []int64
	var choices []store.Choice
	for _, a := range answers {
		if a.choice != store.Edited {
			choices = append(choices, store.Choice{ID: a.item.ID, Decision: a.choice})
			continue
		}
		err := c.hub.Store().EditReview(ctx, a.item.ID, a.plan.Edit, by, c.now())
		switch {
		case err == nil:
			noted = append(noted, a.item.ID)
		case !errors.Is(err, store.ErrDecided):
			return nil, err
		}
	}
	decided, err := c.hub.Store().DecideReviews(ctx, choices, by, c.now())
	if err != nil {
		return nil, err
	}
	noted = append(noted, decided...)
	if len(noted) == 0 {
		return nil, errSettled()
	}
	return slices.DeleteFunc(slices.Clone(answers), func(a answer) bool { return !slices.Contains(noted, a.item.ID) }), nil
}

// errSettled tells a person that somebody else, or a run, was quicker.
func errSettled() error { return &problem{status: http.StatusConflict, key: "error.settled"} }

// confirm shows what answers come to.
func (c *console) confirm(w http.ResponseWriter, r *http.Request, it store.Review, answers []answer) error {
	f := c.filterOf(r)
	p := confirmPage{ID: it.ID, Filter: f, Back: f.Item(it.ID), Final: slices.ContainsFunc(answers, answer.final)}
	for _, a := range answers {
		p.Lines = append(p.Lines, confirmLine{ID: a.item.ID, Kind: a.item.Kind, Where: c.recordName(a.item), Text: a.item.Text,
			Choice: choiceView{Word: a.choice, Text: choiceText(a.item.Kind, a.choice)}})
		if a.choice != store.Edited {
			continue
		}
		pic, err := c.picture(r.Context(), a.item)
		if err != nil {
			return err
		}
		show := shower{l: visitOf(r).locale, zone: c.hub.Plan().Timezone, pic: pic, it: a.item}
		for _, x := range a.plan.Writes {
			p.Writes = append(p.Writes, show.write(x))
		}
	}
	for name, values := range r.PostForm {
		if name == formField || name == "yes" {
			continue
		}
		for _, v := range values {
			p.Hidden = append(p.Hidden, formValue{name, v})
		}
	}
	slices.SortStableFunc(p.Hidden, func(a, b formValue) int { return strings.Compare(a.Name, b.Name) })
	return c.view.page(w, r, "review_confirm", p)
}

// write shows one value that will be written.
func (s shower) write(x engine.EditWrite) writeView {
	field, name := record.Field{Name: x.Field}, x.Field
	for _, f := range s.pic.Fields {
		if f.On[x.Side].Name == x.Field {
			field, name = f.On[x.Side], fieldName(f.On[x.Side], f.Key)
		}
	}
	v := writeView{Side: x.Side, Where: x.Of.String(), New: x.ID == "", Name: name, Then: x.Then, Kept: x.Kept,
		Old: s.l.cellOf(field, x.Old, s.zone), Value: s.l.cellOf(field, x.New, s.zone)}
	if x.ID != "" {
		v.Where += "/" + x.ID
	}
	v.Value = v.Value.against(v.Old)
	return v
}
