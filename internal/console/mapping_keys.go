package console

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A score is how well a key recognises the records of both sides.
type score struct {
	Held     [2]int // records of a side that have the key
	Pairs    int    // values that one record of each side has
	Doubtful int    // records whose value several of a side have
	Doubts   []doubt
}

// A keyTry is a key with its score; the page's own keys come first.
type keyTry struct {
	Name  string
	Own   int // the index of the page's key; -1 = it is one of the usual ones, or proposed
	Usual bool
	Value string // of the button that takes it
	Score score

	key mapping.MatchKey
}

// scoreKeys tries out the keys of the form or the usual ones, and others that may recognise records.
func (c *console) scoreKeys(ctx context.Context, data *mappingPage, p *plan.Plan) error {
	tries := data.tries()
	if len(tries) == 0 {
		return nil
	}
	keys := make([]mapping.MatchKey, len(tries))
	for i, x := range tries {
		keys[i] = x.key
	}
	scores, large, err := c.keyScores(ctx, p, data.resolved.Sync, keys)
	if data.Large = large; err != nil || scores == nil && !large {
		return err
	}
	for i, x := range scores {
		tries[i].Score = x
	}
	data.Tries = slices.DeleteFunc(tries, func(x keyTry) bool { return x.Value != "" && x.Score.Pairs+x.Score.Doubtful == 0 })
	return nil
}

// keyScores tries keys out for a sync on what is known of both sides; none where they cannot be keys,
// or a side is too large.
func (c *console) keyScores(ctx context.Context, p *plan.Plan, sync plan.Sync, keys []mapping.MatchKey) (scores []score, large bool, err error) {
	if len(keys) == 0 {
		return nil, false, nil
	}
	sync.Match = keys
	tried, _, err := engine.Remembered(ctx, c.hub.Store(), p, sync)
	if err != nil || tried == nil || len(tried.Mapping.KeyNames()) != len(keys) {
		return nil, false, err
	}
	var found [2][]map[string]int // by side and key: how many records have a value
	var rows [2][]store.Row
	for _, side := range record.Sides() {
		of := store.Object{Connection: sync.Ends[side].Connection, Name: sync.Ends[side].Object}
		rows[side], err = c.hub.Store().Changed(ctx, of, 0, counted+1)
		if err != nil || len(rows[side]) > counted { // nobody waits for more than that
			return nil, err == nil, err
		}
		found[side] = valuesByKey(tried.Mapping, side, rows[side], len(keys))
	}
	for i := range keys {
		scores = append(scores, scoreOf(found[record.Left][i], found[record.Right][i]))
	}
	return scores, false, c.nameDoubts(ctx, tried, rows, scores)
}

func valuesByKey(m *mapping.Mapping, side record.Side, rows []store.Row, keys int) []map[string]int {
	out := make([]map[string]int, keys)
	for i := range out {
		out[i] = map[string]int{}
	}
	for _, row := range rows {
		eachKey(m, side, row, func(i int, value string) { out[i][value]++ })
	}
	return out
}

// eachKey tells the values of a record that is there by which it may be recognised, and of which key each is.
func eachKey(m *mapping.Mapping, side record.Side, row store.Row, tell func(key int, value string)) {
	if row.Fate != connector.Present {
		return
	}
	for i, k := range m.Keys(side, row.Fields) {
		if k.Value != "" && !k.Free {
			tell(i, k.Value)
		}
	}
}

// tries are the keys that can be tried.
func (p *mappingPage) tries() []keyTry {
	var tries []keyTry
	add := func(x keyTry) {
		x.Name = keyText(x.key)
		if !slices.ContainsFunc(tries, func(y keyTry) bool { return y.Name == x.Name }) {
			tries = append(tries, x)
		}
	}
	for i, k := range p.Keys {
		if parts := p.parts(k); parts != nil && !k.Says.HasErrors() {
			x := keyTry{Own: i}
			for _, part := range parts {
				x.key.Parts = append(x.key.Parts, mapping.MatchPart{Left: part[0], Right: part[1]})
			}
			add(x)
		}
	}
	for _, name := range p.Usual {
		add(keyTry{Own: -1, Usual: true, key: mapping.MatchKey{Parts: []mapping.MatchPart{{Left: name, Right: name}}}})
	}
	for _, f := range p.resolved.Mapping.Fields() {
		if recognises(f) && !p.tried(tries, f) && len(tries) < mostMapKeys {
			add(keyTry{Own: -1, Value: "take-" + f.Key, key: mapping.MatchKey{Parts: []mapping.MatchPart{{Left: f.Left.Name, Right: f.Right.Name}}}})
		}
	}
	return tries
}

// tried reports whether a pair of fields is among the keys by itself, whatever it is called there.
func (p *mappingPage) tried(tries []keyTry, f mapping.Field) bool {
	named := func(name string, f record.Field) bool { return name == f.Name || name == cmp.Or(f.Common, f.Name) }
	return slices.ContainsFunc(tries, func(x keyTry) bool {
		return len(x.key.Parts) == 1 && named(x.key.Parts[0].Left, f.Left) && named(x.key.Parts[0].Right, f.Right)
	})
}

func scoreOf(left, right map[string]int) score {
	var s score
	var doubtful []string
	for _, n := range right {
		s.Held[record.Right] += n
	}
	for value, n := range left {
		s.Held[record.Left] += n
		switch m := right[value]; {
		case m == 1 && n == 1:
			s.Pairs++
		case m > 0:
			s.Doubtful += n + m
			doubtful = append(doubtful, value)
		}
	}
	slices.Sort(doubtful)
	for _, value := range doubtful[:min(len(doubtful), mostDoubts)] {
		s.Doubts = append(s.Doubts, doubt{Value: value})
	}
	return s
}

// takeKey adds a key that was proposed.
func (p *mappingPage) takeKey(pair string) {
	for _, left := range p.All[record.Left] {
		for _, right := range p.All[record.Right] {
			if left.Name+"="+right.Name == pair && len(p.Keys) < mostMapKeys {
				p.Focus = fmt.Sprintf("key-%d-left", len(p.Keys))
				p.Keys = append(p.Keys, mapKey{Left: left.Name, Right: right.Name})
				return
			}
		}
	}
}
