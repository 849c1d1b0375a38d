package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// What speaks for a candidate, and how much. An equal match key outweighs any number of
// other fields, and what is merely likely never outweighs what is equal.
const (
	pointsKey     = 100 // another match key is equal
	pointsField   = 10  // a mapped field is equal
	pointsDiffers = -5  // a mapped field is filled on both and differs
	pointsName    = 4   // the names are spelt alike
	pointsInUse   = 3   // another sync has linked it
	pointsNewest  = 1   // it was edited last of all candidates
)

// A Candidate is a record that may be the one that a review item asks for.
type Candidate struct {
	Of     store.Object
	ID     string
	Title  string
	Score  int
	Why    []string         // what the score is made of
	Fields []CandidateField // mapped fields that either has
}

// A CandidateField is one mapped field of the record asked about and of a candidate.
type CandidateField struct {
	Key    string
	Mine   record.Value
	Theirs record.Value
	Same   bool
}

// rank puts candidates of the other side in order, the likeliest first. Equal ones stand in
// the order of their ids, so that the order does not change by itself.
func (r *run) rank(ctx context.Context, side record.Side, row store.Row, candidates []store.Row, refs *refs) ([]Candidate, error) {
	other := side.Other()
	ids := make([]string, len(candidates))
	for i, c := range candidates {
		ids[i] = c.ID
	}
	inUse, err := r.inUse(ctx, other, ids)
	if err != nil {
		return nil, err
	}
	newest := ""
	for _, c := range candidates {
		if newest == "" || c.Edited[1].After(byID(candidates, newest).Edited[1]) {
			newest = c.ID
		}
	}
	out := make([]Candidate, len(candidates))
	for i, c := range candidates {
		j := &judged{Candidate: Candidate{Of: r.p.ends[other].of, ID: c.ID, Title: title(c.Fields)}}
		r.judgeKeys(j, side, row, c)
		r.judgeFields(j, side, row, c, refs)
		if likeNames(title(row.Fields), j.Title) {
			j.add(pointsName, "the names are alike")
		}
		if sync := inUse[c.ID]; sync != "" {
			j.add(pointsInUse, "linked already by "+sync)
		}
		if c.ID == newest && len(candidates) > 1 && !c.Edited[1].IsZero() {
			j.add(pointsNewest, "edited last")
		}
		out[i] = j.Candidate
	}
	slices.SortFunc(out, func(x, y Candidate) int {
		if x.Score != y.Score {
			return y.Score - x.Score
		}
		return compareIDs(x.ID, y.ID)
	})
	return out, nil
}

func byID(rows []store.Row, id string) store.Row {
	i := slices.IndexFunc(rows, func(r store.Row) bool { return r.ID == id })
	return rows[i]
}

// compareIDs puts ids in order: numbers by their size.
func compareIDs(x, y string) int {
	if len(x) != len(y) && digits(x) && digits(y) {
		return len(x) - len(y)
	}
	return strings.Compare(x, y)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

type judged struct{ Candidate }

func (j *judged) add(points int, why string) {
	j.Score += points
	j.Why = append(j.Why, fmt.Sprintf("%s (%+d)", why, points))
}

func (r *run) judgeKeys(j *judged, side record.Side, row, c store.Row) {
	theirs := r.p.Mapping.Keys(side.Other(), c.Fields)
	for i, k := range r.p.Mapping.Keys(side, row.Fields) {
		if k.Value != "" && !k.Free && theirs[i].Value == k.Value {
			j.add(pointsKey, "same "+k.Name)
		}
	}
}

// judgeFields compares the mapped fields that can be told to the other side.
func (r *run) judgeFields(j *judged, side record.Side, row, c store.Row, refs *refs) {
	m := r.p.Mapping
	for i, f := range m.Fields() {
		mine, known, err := m.Own(i, side, row.Fields, refs)
		theirs, also, err2 := m.Own(i, side.Other(), c.Fields, refs)
		if err != nil || err2 != nil || !known || !also || mine.IsEmpty() && theirs.IsEmpty() {
			continue
		}
		v, w := mine, theirs
		if side == record.Right {
			v, w = w, v
		}
		same := m.Same(i, v, w)
		j.Fields = append(j.Fields, CandidateField{Key: f.Key, Mine: mine, Theirs: theirs, Same: same})
		switch {
		case m.Matched(i): // counts as a key
		case same:
			j.add(pointsField, "same "+nameOn(f, side))
		case !mine.IsEmpty() && !theirs.IsEmpty():
			j.add(pointsDiffers, "another "+nameOn(f, side))
		}
	}
}

// likeNames reports whether two names are not the same and yet hardly different: the same
// words in another order, one name with a word less, or one letter in five.
func likeNames(a, b string) bool {
	x, y := strings.Fields(record.NormalName(a)), strings.Fields(record.NormalName(b))
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	slices.Sort(x)
	slices.Sort(y)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y) > 1 && subset(x, y) {
		return true
	}
	one, two := strings.Join(x, " "), strings.Join(y, " ")
	return one != two && apart(one, two)*5 <= max(len([]rune(one)), len([]rune(two)))
}

// apart counts the letters that make two words differ.
func apart(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range y {
			next := min(row[j], row[j+1]) + 1
			if r == s {
				next = min(next, diagonal)
			}
			diagonal, row[j+1] = row[j+1], min(next, diagonal+1)
		}
	}
	return row[len(y)]
}

// inUse returns the sync by which each of some records has a partner somewhere else.
func (r *run) inUse(ctx context.Context, side record.Side, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range r.e.syncs {
		for s, end := range p.ends {
			if p == r.p || end.of != r.p.ends[side].of {
				continue
			}
			links, err := r.e.store.LinksOf(ctx, p.Name, record.Side(s), ids)
			if err != nil {
				return nil, fmt.Errorf("load links of candidates: %w", err)
			}
			for id, l := range links {
				if l.Closed == "" && out[id] == "" {
					out[id] = p.Name
				}
			}
		}
	}
	return out, nil
}

func idsIn(candidates []Candidate) []string {
	ids := make([]string, len(candidates))
	for i, c := range candidates {
		ids[i] = c.ID
	}
	return ids
}

// Candidates compares the record that an item asks about with those that it names, as the
// mirror has them, in the item's order. No vendor is called. Items that name no records of
// this sync have none.
func (e *Engine) Candidates(ctx context.Context, item store.Review) ([]Candidate, error) {
	if len(item.Candidates) == 0 || item.Record == "" {
		return nil, nil
	}
	switch item.Kind {
	case store.ReviewAmbiguous, store.ReviewRestored, store.ReviewDuplicate:
	default:
		return nil, nil
	}
	r, err := e.about(ctx, item)
	if err != nil || r == nil {
		return nil, err
	}
	rows, err := e.store.Rows(ctx, r.p.ends[item.Side].of, []string{item.Record})
	if err != nil {
		return nil, err
	}
	theirs, err := e.store.Rows(ctx, r.p.ends[item.Side.Other()].of, item.Candidates)
	if err != nil {
		return nil, err
	}
	if item.Kind == store.ReviewDuplicate && !slices.Contains(item.Choices, retry) {
		return nil, nil // the other one is of the same side (R20)
	}
	var both [2]map[string]store.Row
	both[item.Side], both[item.Side.Other()] = rows, theirs
	refs, err := r.loadRefs(ctx, both)
	if err != nil {
		return nil, err
	}
	var candidates []store.Row
	for _, id := range item.Candidates {
		if c, ok := theirs[id]; ok {
			candidates = append(candidates, c)
		}
	}
	ranked, err := r.rank(ctx, item.Side, rows[item.Record], candidates, refs)
	if err != nil {
		return nil, err
	}
	place := func(c Candidate) int { return slices.Index(item.Candidates, c.ID) }
	slices.SortFunc(ranked, func(x, y Candidate) int { return place(x) - place(y) })
	return ranked, nil
}

// about makes ready what answers questions about an item, from memory; nil if its sync is
// not known.
func (e *Engine) about(ctx context.Context, item store.Review) (*run, error) {
	if err := e.recall(ctx); err != nil {
		return nil, err
	}
	for _, p := range e.syncs {
		if p.Name == item.Sync && p.Mapping != nil {
			return e.runOf(p, 0), nil
		}
	}
	return nil, nil
}
