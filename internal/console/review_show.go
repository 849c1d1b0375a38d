package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A shower turns the picture of an item into what its page shows.
type shower struct {
	l     *locale
	zone  *time.Location
	pic   engine.Picture
	it    store.Review
	named *engine.Naming // of what is referred to
}

// cell shows a value of a side. A reference is told by the name of the record, and its id.
func (s shower) cell(side record.Side, f record.Field, v record.Value) cell {
	return namedCell(s.l.cellOf(f, v, s.zone), s.named, s.pic.Of[side].Connection, f, v)
}

// namedCell puts the names of records beside their ids.
func namedCell(c cell, n *engine.Naming, connection string, f record.Field, v record.Value) cell {
	if c.None || f.Kind != record.KindReference && f.Kind != record.KindReferences {
		return c
	}
	items := v.Items()
	if !v.IsList() {
		items = []record.Value{v}
	}
	var parts []string
	for _, item := range items {
		part := engine.ChoiceLabel(f, item.Text())
		if name := n.Name(connection, f, item.Text()); name != "" {
			part = name + " (" + part + ")"
		}
		parts = append(parts, part)
	}
	return cell{Before: shorten(strings.Join(parts, ", "), longest)}
}

// wantNames notes all references that the page of an item shows.
func (s shower) wantNames(rivals []store.Review) {
	for _, side := range record.Sides() {
		at := s.pic.Of[side].Connection
		for _, f := range s.pic.Fields {
			s.named.Want(at, f.On[side], f.Values[side], f.Base[side])
			for _, it := range rivals {
				if it.Field == f.Key {
					s.named.Want(at, f.On[side], it.Values[side])
				}
			}
			for _, c := range s.pic.Candidates {
				for _, x := range c.Fields {
					if x.Key == f.Key {
						s.named.Want(at, f.On[side], x.Mine, x.Theirs)
					}
				}
			}
		}
	}
}

// name is what people call a mapped field: as the side of the item does, else the other one.
func (s shower) name(f engine.PictureField) string {
	for _, side := range [2]record.Side{s.it.Side, s.it.Side.Other()} {
		if f.On[side].Name != "" {
			return fieldName(f.On[side], f.Key)
		}
	}
	return keyName(f.Key)
}

// keyName names a field of which only its key is known: "email=email" is email.
func keyName(key string) string { return mapping.FieldName(key, record.Left, "") }

// cells shows the values of both sides, with what differs between them. References have other
// ids on each side.
func (s shower) cells(f engine.PictureField, values [2]record.Value, same bool) [2]cell {
	var out [2]cell
	for _, side := range record.Sides() {
		out[side] = s.cell(side, f.On[side], values[side])
	}
	if kind := f.On[0].Kind; !same && kind != record.KindReference && kind != record.KindReferences {
		out[0], out[1] = out[0].against(out[1]), out[1].against(out[0])
	}
	return out
}

// conflicts shows the open questions about one pair, a row for each field.
func (s shower) conflicts(items []store.Review) []conflictRow {
	var rows []conflictRow
	for _, it := range items {
		f := s.pic.Field(it.Field)
		row := conflictRow{ID: it.ID, Name: s.name(f), Agreed: f.Agreed, Sides: s.cells(f, it.Values, false), Here: it.ID == s.it.ID, Text: it.Text}
		base, side := f.Base[it.Side], it.Side
		if base.IsEmpty() {
			base, side = f.Base[it.Side.Other()], it.Side.Other()
		}
		row.Base = s.cell(side, f.On[side], base)
		own := s
		own.it = it
		if it.Decision == "" && it.Link != 0 && s.pic.Editable && own.mayEnter(f) {
			e := own.entry(f, it.Values[it.Side])
			row.Entry = &e
		}
		rows = append(rows, row)
	}
	return rows
}

// mayEnter reports whether a third value can be entered for a field of a conflict.
func (s shower) mayEnter(f engine.PictureField) bool {
	return f.Enter || s.it.Link != 0 && len(f.On[s.it.Side].Name) > 0 && f.On[s.it.Side].Writable() && f.On[s.it.Side].Kind != record.KindList
}

// records shows the item's record, or pair.
func (s shower) records(p *itemPage) {
	for _, side := range record.Sides() {
		p.Pair[side] = sideView{Side: side, Of: s.pic.Of[side].String(), ID: s.pic.IDs[side], Title: s.pic.Titles[side], Gone: s.pic.Gone[side]}
		if s.pic.Of[side] == (store.Object{}) {
			p.Pair[side].Of = p.Ends[side]
		}
		if of := s.pic.Of[side]; of != (store.Object{}) && s.pic.IDs[side] != "" {
			p.Pair[side].Link = recordPath(of, s.pic.IDs[side])
		}
	}
	asked := map[string]bool{}
	for _, row := range p.Rows {
		asked[row.Name] = true
	}
	for _, f := range s.pic.Fields {
		v := fieldView{Name: s.name(f), Sides: s.cells(f, f.Values, f.Same), Known: f.Known, Same: f.Same, Subject: aboutField(s.it, f)}
		if asked[v.Name] || v.Sides[0].None && v.Sides[1].None {
			continue
		}
		p.Fields = append(p.Fields, v)
	}
	if s.it.Edit != nil {
		for _, c := range s.it.Edit.Fields {
			f := s.pic.Field(c.Key)
			p.Answered = append(p.Answered, fieldView{Name: s.name(f), Known: [2]bool{true, true},
				Sides: [2]cell{s.cell(s.it.Edit.Side, f.On[s.it.Edit.Side], c.Now[s.it.Edit.Side]), s.cell(s.it.Edit.Side, f.On[s.it.Edit.Side], c.To[s.it.Edit.Side])}})
		}
	}
}

// aboutField reports whether an item is about a field, by its key or its name on either side.
func aboutField(it store.Review, f engine.PictureField) bool {
	return it.Field != "" && (it.Field == f.Key || it.Field == f.On[0].Name || it.Field == f.On[1].Name)
}

// candidates shows the records that an item names beside its own.
func (s shower) candidates(p *itemPage) {
	p.Twins = s.pic.Twins
	if s.it.Kind == store.ReviewConflict {
		return
	}
	of := p.Ends[s.it.Side.Other()]
	if p.Twins {
		of = p.Ends[s.it.Side]
	}
	n := 0
	for _, id := range s.it.Candidates {
		v := candidateView{ID: id, Of: of}
		if i := slices.IndexFunc(s.pic.Candidates, func(c engine.Candidate) bool { return c.ID == id }); i >= 0 {
			c := s.pic.Candidates[i]
			v.Of, v.Title, v.Score, v.Why = c.Of.String(), c.Title, c.Score, c.Why
		}
		if s.it.Decision == "" && slices.Contains(s.it.Choices, id) {
			n++
			v.Choice = &choiceView{Word: id, No: n}
		}
		p.Columns = append(p.Columns, v)
	}
	for _, key := range comparedKeys(s.pic.Candidates) {
		p.Compared = append(p.Compared, s.compared(key, p.Columns))
	}
}

// comparedKeys are the fields in which a candidate was compared, in the order of the mapping.
func comparedKeys(all []engine.Candidate) []string {
	var keys []string
	for _, c := range all {
		for _, f := range c.Fields {
			if !slices.Contains(keys, f.Key) {
				keys = append(keys, f.Key)
			}
		}
	}
	return keys
}

func (s shower) compared(key string, columns []candidateView) comparedRow {
	f := s.pic.Field(key)
	theirs := s.it.Side.Other()
	if s.pic.Twins {
		theirs = s.it.Side
	}
	row := comparedRow{Name: s.name(f), Mine: cell{None: true}, Cells: make([]comparedCell, len(columns))}
	for i, column := range columns {
		for _, c := range s.pic.Candidates {
			j := slices.IndexFunc(c.Fields, func(x engine.CandidateField) bool { return x.Key == key })
			if c.ID != column.ID || j < 0 {
				continue
			}
			x := c.Fields[j]
			row.Mine = s.cell(s.it.Side, f.On[s.it.Side], x.Mine)
			row.Cells[i] = comparedCell{Known: true, Same: x.Same, cell: s.cell(theirs, f.On[theirs], x.Theirs)}
			if !x.Same {
				row.Cells[i].cell = row.Cells[i].against(row.Mine)
			}
		}
	}
	return row
}

// entries are the fields in which a value can be entered for an item: what it is about first.
func (s shower) entries() (all []entryView, asked int) {
	var first, rest []entryView
	for _, f := range s.pic.Fields {
		if !f.Enter {
			continue
		}
		e := s.entry(f, f.Values[s.it.Side])
		if aboutField(s.it, f) {
			first = append(first, e)
		} else {
			rest = append(rest, e)
		}
	}
	return append(first, rest...), len(first)
}

// entry is the form's field for one value, in the terms of the item's side.
func (s shower) entry(f engine.PictureField, now record.Value) entryView {
	of := f.On[s.it.Side]
	return entryView{
		Name: entryName(s.it.ID, f.Key), Label: s.name(f), Value: typedText(now), Was: typedText(now), Field: of,
		Many: of.Kind == record.KindText && (strings.Contains(now.Text(), "\n") || len(now.Text()) > 80),
	}
}

// entryName is what a form calls the value for a field of an item.
func entryName(id int64, key string) string { return fmt.Sprintf("value-%d-%s", id, key) }

// typedText is a value as it is typed: several with commas between them.
func typedText(v record.Value) string {
	if !v.IsList() {
		return v.Text()
	}
	var parts []string
	for _, item := range v.Items() {
		parts = append(parts, item.Text())
	}
	return strings.Join(parts, ", ")
}
