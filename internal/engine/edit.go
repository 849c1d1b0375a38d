package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// An Assignment is a value that a person types for a field.
type Assignment struct{ Field, Value string }

// An EditPlan says what entering values for a review item comes to.
type EditPlan struct {
	Edit   store.Edit
	Writes []EditWrite
}

// An EditWrite is one value that will be written, or why it will not be.
type EditWrite struct {
	Side  record.Side
	Of    store.Object
	ID    string // "" = a record that is to be created
	Field string // wire name
	Old   record.Value
	New   record.Value
	Then  bool   // written once the first side holds it
	Kept  string // why this side keeps what it has; "" = it is written
}

// An EditError says in plain words why a value cannot be entered.
type EditError struct{ Text string }

func (e *EditError) Error() string { return e.Text }

func cannotEdit(format string, args ...any) error { return &EditError{fmt.Sprintf(format, args...)} }

// PlanEdit checks what a person wants to enter for a review item against the types of both
// sides, and says what will be written. It calls no vendor and stores nothing. What is wrong
// with the values is an [*EditError].
func (e *Engine) PlanEdit(ctx context.Context, item store.Review, set []Assignment) (EditPlan, error) {
	if err := editable(item); err != nil {
		return EditPlan{}, err
	}
	r, err := e.about(ctx, item)
	if err != nil {
		return EditPlan{}, err
	}
	if r == nil {
		return EditPlan{}, cannotEdit("the fields of sync %s are not known: run tandem check first", item.Sync)
	}
	x := &editor{r: r, item: item}
	if err := x.load(ctx); err != nil {
		return EditPlan{}, err
	}
	for _, a := range set {
		if err := x.assign(a); err != nil {
			return EditPlan{}, err
		}
	}
	if err := x.chooseSide(); err != nil {
		return EditPlan{}, err
	}
	return x.plan()
}

// editable says why no value can be entered for an item.
func editable(item store.Review) error {
	switch item.Kind {
	case store.ReviewParked, store.ReviewConflict, store.ReviewDuplicate:
	default:
		return cannotEdit("an item of kind %s is decided, not edited: %s", item.Kind, item.Fix)
	}
	if item.Kind == store.ReviewConflict && item.Link == 0 {
		return cannotEdit("this is one question about all first matches: choose left or right, or edit the records")
	}
	if item.Record == "" || strings.HasPrefix(item.Subject, "revert ") || strings.HasPrefix(item.Subject, "create anew ") {
		return cannotEdit("there is no record to edit: %s", item.Fix)
	}
	return nil
}

// An editor works out one edit.
type editor struct {
	r      *run
	item   store.Review
	ids    [2]string
	linked bool
	rows   [2]store.Row
	refs   *refs

	fields []store.Correction
	index  []int     // of the mapping, beside fields
	told   [][2]bool // whether each side's value is known
	side   record.Side
}

func (x *editor) load(ctx context.Context) error {
	side, st := x.item.Side, x.r.e.store
	links, err := st.LinksOf(ctx, x.r.p.Name, side, []string{x.item.Record})
	if err != nil {
		return fmt.Errorf("load link: %w", err)
	}
	x.ids[side] = x.item.Record
	if l, ok := links[x.item.Record]; ok && l.Closed == "" {
		x.ids, x.linked = l.IDs, true
	}
	var both [2]map[string]store.Row
	for _, s := range record.Sides() {
		if x.ids[s] == "" {
			continue
		}
		if both[s], err = st.Rows(ctx, x.r.p.ends[s].of, []string{x.ids[s]}); err != nil {
			return fmt.Errorf("load record: %w", err)
		}
		x.rows[s] = both[s][x.ids[s]]
		if x.rows[s].ID == "" || x.rows[s].Fate != connector.Present {
			return cannotEdit("%s/%s is not there any more", x.r.p.ends[s].of, x.ids[s])
		}
	}
	x.refs, err = x.r.loadRefs(ctx, both)
	return err
}

// find returns the mapping field that a name means, and the side in whose terms its value is.
func (x *editor) find(name string) (int, record.Side, error) {
	var names []string
	mine := x.item.Side
	for _, side := range [2]record.Side{mine, mine.Other()} {
		for i, f := range x.r.p.Mapping.Fields() {
			of := fieldOn(f, side)
			if of.Name != "" && (of.Name == name || f.Key == name || of.Common == name) {
				return i, side, nil
			}
			if of.Name != "" && !slices.Contains(names, of.Name) {
				names = append(names, of.Name)
			}
		}
	}
	if near := mapping.Nearest(name, names); near != "" {
		return 0, 0, cannotEdit("sync %s keeps no field %q in step; did you mean %q?", x.item.Sync, name, near)
	}
	return 0, 0, cannotEdit("sync %s keeps no field %q in step; it keeps %s", x.item.Sync, name, strings.Join(names, ", "))
}

// assign takes one value up.
func (x *editor) assign(a Assignment) error {
	i, side, err := x.find(a.Field)
	if err != nil {
		return err
	}
	m := x.r.p.Mapping
	f := m.Fields()[i]
	if x.item.Kind == store.ReviewConflict && f.Key != x.item.Field {
		return cannotEdit("the question is about %s, not about %s", x.r.p.fieldName(x.item.Field, x.item.Side), x.r.p.fieldName(f.Key, x.item.Side))
	}
	if slices.Contains(x.index, i) {
		return cannotEdit("%s is named twice", a.Field)
	}
	c := store.Correction{Key: f.Key}
	var told [2]bool
	if c.To[side], err = mapping.Typed(fieldOn(f, side), a.Value); err != nil {
		return misfitText(err)
	}
	told[side] = true
	if c.To[side.Other()], told[side.Other()], err = m.Convert(i, side, c.To[side], x.refs); err != nil {
		return misfitText(err)
	}
	for _, s := range record.Sides() {
		if c.Now[s], _, err = m.Own(i, s, x.rows[s].Fields, x.refs); err != nil {
			return fmt.Errorf("field %s: %w", f.Key, err)
		}
	}
	x.fields, x.index, x.told = append(x.fields, c), append(x.index, i), append(x.told, told)
	return nil
}

func misfitText(err error) error {
	if misfit, is := errors.AsType[*mapping.MisfitError](err); is {
		return cannotEdit("%s", misfit.Error())
	}
	return err
}

// chooseSide finds the side that can be written first: that of the record asked about, from
// where the value is carried over, else the other one alone.
func (x *editor) chooseSide() error {
	if len(x.fields) == 0 {
		return cannotEdit("name a field and its value: FIELD=VALUE")
	}
	mine := x.item.Side
	for _, side := range [2]record.Side{mine, mine.Other()} {
		if !slices.ContainsFunc(x.index, func(i int) bool { return !x.writes(slices.Index(x.index, i), side) }) {
			x.side = side
			return x.unchanged()
		}
	}
	for at, i := range x.index {
		f := x.r.p.Mapping.Fields()[i]
		if !x.writes(at, mine) && !x.writes(at, mine.Other()) {
			return cannotEdit("%s can be written on neither side: it is read-only there, or the direction of the sync forbids it", x.r.p.fieldName(f.Key, x.item.Side))
		}
	}
	return cannotEdit("these fields cannot be written on one side: edit them one by one")
}

func (x *editor) writes(at int, side record.Side) bool {
	create := x.ids[side] == ""
	return x.told[at][side] && x.r.p.enterable(x.index[at], side, x.fields[at].To[side], create)
}

// unchanged refuses values that are there already.
func (x *editor) unchanged() error {
	for at := range x.fields {
		c := &x.fields[at]
		of := fieldOn(x.r.p.Mapping.Fields()[x.index[at]], x.side)
		c.Wire = of.Name
		if x.ids[x.side] != "" && of.Same(c.To[x.side], c.Now[x.side]) {
			if x.item.Kind == store.ReviewConflict {
				return cannotEdit("%s holds that already: decide %s", x.side, x.side)
			}
			return cannotEdit("%s holds that already: decide retry to have it sent again", of.Name)
		}
		if x.item.Kind == store.ReviewConflict && fieldOn(x.r.p.Mapping.Fields()[x.index[at]], x.side.Other()).Same(c.To[x.side.Other()], c.Now[x.side.Other()]) {
			return cannotEdit("%s holds that already: decide %s", x.side.Other(), x.side.Other())
		}
	}
	return nil
}

// plan says what will be written where.
func (x *editor) plan() (EditPlan, error) {
	p := EditPlan{Edit: store.Edit{Side: x.side, Fields: x.fields}}
	for at, c := range x.fields {
		f := x.r.p.Mapping.Fields()[x.index[at]]
		for _, side := range [2]record.Side{x.side, x.side.Other()} {
			w := EditWrite{Side: side, Of: x.r.p.ends[side].of, ID: x.ids[side], Field: fieldOn(f, side).Name, Old: c.Now[side], New: c.To[side], Then: side != x.side}
			switch {
			case side == x.side:
			case w.Field == "":
				continue // computed
			case !x.r.p.passesOn(x.index[at], x.side) && w.ID != "", !allowed(x.r.p.Rules[x.index[at]].Direction, f).Allows(side):
				w.Kept, w.New = "nothing is written there for this field", c.Now[side]
			case !x.told[at][side]:
				w.Kept, w.New = "what it refers to has no partner there yet", c.Now[side]
			}
			p.Writes = append(p.Writes, w)
		}
	}
	return p, nil
}
