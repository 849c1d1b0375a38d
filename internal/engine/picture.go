package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A Picture is what memory holds beside a review item: its record, the partner that it has, and
// the records that it names.
type Picture struct {
	Of         [2]store.Object
	IDs        [2]string // "" where there is no record
	Titles     [2]string
	Gone       [2]bool        // the record is not there any more
	Fields     []PictureField // in the order of the mapping
	Candidates []Candidate    // compared with the item's record, in its order
	Twins      bool           // the candidates are of the item's own side
	Editable   bool           // values can be entered for it
}

// A PictureField is one mapped field of the records that an item is about.
type PictureField struct {
	Key    string
	On     [2]record.Field // by side; without a name where that side is computed
	Values [2]record.Value
	Known  [2]bool // whether the record has it
	Base   [2]record.Value
	Agreed bool // there is a base
	Same   bool // both sides are known and mean the same
	Enter  bool // a person can enter a value for it
}

// Field returns a mapped field; a zero one if there is none of that key.
func (p Picture) Field(key string) PictureField {
	i := slices.IndexFunc(p.Fields, func(f PictureField) bool { return f.Key == key })
	if i < 0 {
		return PictureField{Key: key}
	}
	return p.Fields[i]
}

// Picture looks up what there is to see beside an item. No vendor is called. What is not known,
// such as the fields before the first check, is left out.
func (e *Engine) Picture(ctx context.Context, item store.Review) (Picture, error) {
	r, err := e.about(ctx, item)
	if err != nil || r == nil {
		return Picture{}, err
	}
	p := Picture{Of: [2]store.Object{r.p.ends[0].of, r.p.ends[1].of}, Editable: editable(item) == nil}
	link, err := r.pictured(ctx, item, &p)
	if err != nil {
		return Picture{}, err
	}
	var both [2]map[string]store.Row
	for _, side := range record.Sides() {
		if p.IDs[side] == "" {
			continue
		}
		if both[side], err = e.store.Rows(ctx, p.Of[side], []string{p.IDs[side]}); err != nil {
			return Picture{}, fmt.Errorf("load record: %w", err)
		}
	}
	refs, err := r.loadRefs(ctx, both)
	if err != nil {
		return Picture{}, err
	}
	r.paint(&p, item, link, both, refs)
	p.Candidates, err = e.Candidates(ctx, item)
	if err == nil && p.Candidates == nil && item.Record != "" && hasTwins(item) {
		p.Twins = true
		p.Candidates, err = r.twins(ctx, item, refs)
	}
	return p, err
}

// pictured finds the pair that an item is about.
func (r *run) pictured(ctx context.Context, item store.Review, p *Picture) (store.Link, error) {
	if item.Link != 0 {
		links, err := r.e.store.LinksByID(ctx, []int64{item.Link})
		if err != nil {
			return store.Link{}, fmt.Errorf("load link: %w", err)
		}
		if l, ok := links[item.Link]; ok {
			p.IDs = l.IDs
			return l, nil
		}
	}
	if item.Record == "" || NamesAffected(item) {
		return store.Link{}, nil
	}
	p.IDs[item.Side] = item.Record
	links, err := r.e.store.LinksOf(ctx, r.p.Name, item.Side, []string{item.Record})
	if err != nil {
		return store.Link{}, fmt.Errorf("load link: %w", err)
	}
	if l, ok := links[item.Record]; ok && l.Closed == "" {
		p.IDs = l.IDs
		return l, nil
	}
	return store.Link{}, nil
}

// paint fills in the mapped fields of the records.
func (r *run) paint(p *Picture, item store.Review, link store.Link, both [2]map[string]store.Row, refs *refs) {
	var rows [2]store.Row
	for _, side := range record.Sides() {
		rows[side] = both[side][p.IDs[side]]
		p.Titles[side] = title(rows[side].Fields)
		p.Gone[side] = p.IDs[side] != "" && (rows[side].ID == "" || rows[side].Fate != connector.Present)
	}
	m := r.p.Mapping
	for i, f := range m.Fields() {
		x := PictureField{Key: f.Key, On: [2]record.Field{f.Left, f.Right}}
		for _, side := range record.Sides() {
			if p.IDs[side] != "" {
				v, known, err := m.Own(i, side, rows[side].Fields, refs)
				x.Values[side], x.Known[side] = v, known && err == nil
			}
			base, has := link.Base[side][f.Key]
			x.Base[side], x.Agreed = base, x.Agreed || has
		}
		x.Same = x.Known[0] && x.Known[1] && m.Same(i, x.Values[0], x.Values[1])
		x.Enter = p.Editable && (item.Kind != store.ReviewConflict || item.Field == f.Key) && r.enters(p, i, item.Side)
		p.Fields = append(p.Fields, x)
	}
}

// enters reports whether a value can be entered for a field of the side that an item is about.
func (r *run) enters(p *Picture, i int, side record.Side) bool {
	of := fieldOn(r.p.Mapping.Fields()[i], side)
	if of.Name == "" || of.Kind == record.KindList {
		return false
	}
	for _, s := range record.Sides() {
		if !p.Gone[s] && r.p.enterable(i, s, record.Text("x"), p.IDs[s] == "") {
			return true
		}
	}
	return false
}

// hasTwins reports whether the candidates of an item are records of its own side: it is a
// second record of the same (R20, R24).
func hasTwins(item store.Review) bool {
	return item.Kind == store.ReviewDuplicate && !slices.Contains(item.Choices, retry) ||
		item.Kind == store.ReviewMerge && slices.Contains(item.Choices, "leave")
}

// twins compares an item's record with others of its side.
func (r *run) twins(ctx context.Context, item store.Review, refs *refs) ([]Candidate, error) {
	of := r.p.ends[item.Side].of
	rows, err := r.e.store.Rows(ctx, of, append(slices.Clone(item.Candidates), item.Record))
	if err != nil {
		return nil, fmt.Errorf("load records: %w", err)
	}
	var both [2]map[string]store.Row
	both[item.Side] = rows
	if err := refs.add(ctx, both); err != nil {
		return nil, err
	}
	var out []Candidate
	for _, id := range item.Candidates {
		c := Candidate{Of: of, ID: id, Title: title(rows[id].Fields)}
		for i, f := range r.p.Mapping.Fields() {
			mine, known, err := r.p.Mapping.Own(i, item.Side, rows[item.Record].Fields, refs)
			theirs, also, err2 := r.p.Mapping.Own(i, item.Side, rows[id].Fields, refs)
			if err != nil || err2 != nil || !known && !also || mine.IsEmpty() && theirs.IsEmpty() {
				continue
			}
			c.Fields = append(c.Fields, CandidateField{Key: f.Key, Mine: mine, Theirs: theirs, Same: fieldOn(f, item.Side).Same(mine, theirs)})
		}
		out = append(out, c)
	}
	return out, nil
}
