package merge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// phoneList reads "1=work 2=home": elements of a number and a use.
func phoneList(s string) record.Value {
	var items []record.Value
	for e := range strings.FieldsSeq(s) {
		number, use, _ := strings.Cut(e, "=")
		items = append(items, record.Struct(record.Fields{"number": record.Text(number), "use": record.Text(use)}))
	}
	return record.List(items...)
}

// keyedList is a list that both sides held as base and hold now as left and right; without
// agreed there is no base.
func keyedList(agreed bool, base, left, right string) merge.Field {
	f := merge.Field{Direction: merge.Both, Prefer: merge.Left, Set: true}
	for side, now := range []string{left, right} {
		v := phoneList(now)
		f.Cells[side] = merge.Cell{Value: v, Known: true, Sent: v, Translated: true}
		if agreed {
			b := phoneList(base)
			f.Cells[side].Base, f.Cells[side].SentBase, f.Cells[side].HasBase = b, b, true
		}
		f.Keyed[side] = merge.Keyed{Name: "number", Key: func(v record.Value) string { return strings.TrimPrefix(v.Text(), "+") }}
	}
	return f
}

func TestR12KeyedLists(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		agreed              bool
		base, left, right   string
		wantLeft, wantRight string // "-": not written
		conflict            bool
		prefer              merge.Prefer
		state               merge.State
		direction           merge.Direction
		enforce             bool
	}{
		"nothing changed":                        {agreed: true, base: "1=a", left: "1=a", right: "1=a", wantLeft: "-", wantRight: "-", state: merge.StateEqual},
		"order is no change":                     {agreed: true, base: "1=a 2=b", left: "2=b 1=a", right: "1=a 2=b", wantLeft: "-", wantRight: "-", state: merge.StateEqual},
		"added":                                  {agreed: true, base: "1=a", left: "1=a 2=b", right: "1=a", wantLeft: "-", wantRight: "1=a 2=b"},
		"removed":                                {agreed: true, base: "1=a 2=b", left: "2=b", right: "1=a 2=b", wantLeft: "-", wantRight: "2=b"},
		"changed":                                {agreed: true, base: "1=a 2=b", left: "1=a 2=b", right: "1=z 2=b", wantLeft: "1=z 2=b", wantRight: "-"},
		"emptied":                                {agreed: true, base: "1=a", left: "1=", right: "1=a", wantLeft: "-", wantRight: "1="},
		"both, different elements":               {agreed: true, base: "1=a 2=b", left: "1=z 2=b 3=c", right: "1=a 4=d", wantLeft: "1=z 3=c 4=d", wantRight: "1=z 4=d 3=c"},
		"both, the same element":                 {agreed: true, base: "1=a", left: "1=x", right: "1=y", wantLeft: "-", wantRight: "1=x", conflict: true},
		"both, the same element, right":          {agreed: true, base: "1=a", left: "1=x", right: "1=y", wantLeft: "1=y", wantRight: "-", conflict: true, prefer: merge.Right},
		"both, the same element, asked":          {agreed: true, base: "1=a", left: "1=x", right: "1=y", wantLeft: "-", wantRight: "-", conflict: true, prefer: merge.Ask, state: merge.StateAsk},
		"both to the same":                       {agreed: true, base: "1=a", left: "1=x", right: "1=x", wantLeft: "-", wantRight: "-", state: merge.StateAgreed},
		"removed here and changed there":         {agreed: true, base: "1=a 2=b", left: "2=b", right: "1=z 2=b", wantLeft: "2=b 1=z", wantRight: "-"},
		"removed on both":                        {agreed: true, base: "1=a 2=b", left: "2=b", right: "2=b", wantLeft: "-", wantRight: "-", state: merge.StateAgreed},
		"first match":                            {left: "1=a 2=", right: "+2=b 3=c", wantLeft: "1=a 2=b 3=c", wantRight: "+2=b 3=c 1=a"},
		"first match, one element differs":       {left: "1=a", right: "1=b", wantLeft: "-", wantRight: "1=a", conflict: true},
		"first match, one element differs, asks": {left: "1=a", right: "1=b", wantLeft: "-", wantRight: "-", conflict: true, prefer: merge.Newest, state: merge.StateAsk},
		"first match, empty wipes nothing":       {left: "1=a", right: "", wantLeft: "-", wantRight: "1=a"},
		"an element without key stays":           {agreed: true, base: "1=a", left: "2=b", right: "1=a =x", wantLeft: "-", wantRight: "=x 2=b"},
		"one way, the source changed":            {agreed: true, base: "1=a", left: "1=b", right: "1=a 9=own", wantLeft: "-", wantRight: "1=b 9=own", direction: merge.LeftToRight},
		"one way, the follower changed":          {agreed: true, base: "1=a", left: "1=a", right: "1=b", wantLeft: "-", wantRight: "-", direction: merge.LeftToRight, state: merge.StateDiverged},
		"one way, enforced":                      {agreed: true, base: "1=a", left: "1=a", right: "1=b", wantLeft: "-", wantRight: "1=a", direction: merge.LeftToRight, enforce: true, conflict: true},
	} {
		f := keyedList(c.agreed, c.base, c.left, c.right)
		f.Enforce = c.enforce
		if c.prefer != "" {
			f.Prefer = c.prefer
		}
		if c.direction != "" {
			f.Direction = c.direction
		}
		if c.state == "" {
			c.state = merge.StateWrite
		}
		out := merge.One(f, merge.Times{})
		got := [2]string{"-", "-"}
		for _, w := range out.Writes {
			got[w.To] = shown(w.Value)
		}
		if diff := cmp.Diff([2]string{c.wantLeft, c.wantRight}, got); diff != "" || out.State != c.state || out.Conflict != c.conflict {
			t.Errorf("%s: %s, conflict %t, %s", name, out.State, out.Conflict, diff)
		}
	}
}

func shown(v record.Value) string {
	var rows []string
	for _, e := range v.Items() {
		rows = append(rows, e.Fields()["number"].Text()+"="+e.Fields()["use"].Text())
	}
	return strings.Join(rows, " ")
}

// Whatever people do to the two lists, both hold the same elements in the end, none that
// only one of them removed, and all that were added.
func TestPropertyKeyedListsConverge(t *testing.T) {
	holds(t, func(t *rapid.T) {
		draw := func(name string) string {
			var rows []string
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 5), 0, 5, rapid.ID[int]).Draw(t, name) {
				rows = append(rows, string(rune('0'+n))+"="+rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "use"))
			}
			return strings.Join(rows, " ")
		}
		agreed := rapid.Bool().Draw(t, "agreed")
		now := [2]record.Value{phoneList(draw("left")), phoneList(draw("right"))}
		f := keyedList(agreed, draw("base"), "", "")
		for side := range now {
			f.Cells[side].Value, f.Cells[side].Sent = now[side], now[side]
		}
		out := merge.One(f, merge.Times{At: [2]time.Time{}, Known: [2]bool{}})
		for _, w := range out.Writes {
			now[w.To] = w.Value
		}
		byKey := func(v record.Value) map[string]string {
			m := map[string]string{}
			for _, e := range v.Items() {
				m[e.Fields()["number"].Text()] = e.Fields()["use"].Text()
			}
			return m
		}
		if diff := cmp.Diff(byKey(now[0]), byKey(now[1])); diff != "" && out.State != merge.StateEqual {
			t.Fatalf("%s: the sides differ: %s", out.State, diff)
		}
	})
}
