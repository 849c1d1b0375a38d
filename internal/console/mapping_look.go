package console

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

const mostLooks = 3 // records that a mapping is tried out on at once

// A mapLook is which records the mapping is tried out on.
type mapLook struct {
	Side    string
	Query   string
	Records []lookRecord
}

// A lookRecord is one record, with its partner, and what the mapping makes of them.
type lookRecord struct {
	Names [2]string // "" where there is none
	IDs   [2]string
	Out   [2]bool // it does not pass the filter
	Rows  []lookRow
}

// A lookRow is one pair of fields: what each side holds, and would be given.
type lookRow struct {
	Names [2]string
	Own   [2]lookCell
	Given [2]lookCell
	Flow  string
}

// A lookCell is a value as people read it.
type lookCell struct {
	Text  string
	Known bool
	Why   string
	Same  bool // it is what the side holds
	None  bool // it is empty
	// Unread says that the record is there, but not this of it: nobody has mapped it so far.
	Unread bool
}

// Says reports whether there is something to be seen of it.
func (c lookCell) Says() bool { return c.Known && !c.None || c.Why != "" || c.Unread }

// sides are what a side is called in forms.
func sides() []string { return []string{record.Left.String(), record.Right.String()} }

// Sides are the choices of the form.
func (mapLook) Sides() []string { return sides() }

func (l *mapLook) enter(form url.Values) {
	l.Side, l.Query = sides()[0], cutTo(cleanText(form.Get("look")), browseQuery)
	if form.Get("look-side") == sides()[1] {
		l.Side = sides()[1]
	}
}

// tryOut shows what the draft makes of records: those that were sought, else the latest.
func (c *console) tryOut(ctx context.Context, data *mappingPage, p *plan.Plan) error {
	side := record.Left
	if data.Look.Side == sides()[1] {
		side = record.Right
	}
	end := data.resolved.Ends[side]
	of := store.Object{Connection: end.Connection, Name: end.Object}
	rows, err := c.hub.Store().Latest(ctx, of, 0, mostLooks)
	if data.Look.Query != "" && err == nil {
		rows, _, err = c.search(ctx, of, data.Look.Query)
	}
	if err != nil {
		return err
	}
	var ids []string
	for _, row := range rows[:min(len(rows), mostLooks)] {
		ids = append(ids, row.ID)
	}
	samples, err := engine.Samples(ctx, c.hub.Store(), p, data.resolved, side, ids)
	if err != nil {
		return err
	}
	l := visitIn(ctx).locale
	for _, s := range samples {
		data.Look.Records = append(data.Look.Records, data.lookRecord(s, l, p.Timezone))
	}
	return nil
}

func (p *mappingPage) lookRecord(s engine.Sample, l *locale, zone *time.Location) lookRecord {
	out := lookRecord{}
	for _, side := range record.Sides() {
		row := s.Rows[side]
		if row.ID == "" {
			continue
		}
		out.Names[side], out.IDs[side], out.Out[side] = nameOf(record.Object{Fields: p.All[side]}, row), row.ID, !s.Passes[side]
	}
	for i, f := range p.resolved.Mapping.Fields() {
		if f.Entry >= 0 && f.Entry < len(p.rows) && variable(p.Rows[p.rows[f.Entry]].From) {
			continue // what the environment holds is not shown
		}
		row := lookRow{Names: [2]string{f.Left.Name, f.Right.Name}, Flow: string(p.resolved.Rules[i].Direction)}
		fields := [2]record.Field{f.Left, f.Right}
		for _, side := range record.Sides() {
			f, v := fields[side], s.Fields[i]
			row.Own[side], row.Given[side] = lookCellOf(l, zone, f, v.Own[side]), lookCellOf(l, zone, f, v.Given[side])
			row.Own[side].Unread = out.IDs[side] != "" && !v.Own[side].Known && v.Own[side].Why == ""
		}
		if slices.ContainsFunc([]lookCell{row.Own[0], row.Own[1], row.Given[0], row.Given[1]}, lookCell.Says) {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

func lookCellOf(l *locale, zone *time.Location, f record.Field, v engine.SampleValue) lookCell {
	return lookCell{Text: shorten(l.cellOf(f, v.Value, zone).Before, browseWide), Known: v.Known, Why: v.Why, Same: v.Same, None: v.Known && v.IsEmpty()}
}
