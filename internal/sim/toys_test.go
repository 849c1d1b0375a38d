package sim_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/sim"
	"github.com/tandemhub/tandem/twin"
)

// A draw decides by a seed what a life between toys is like.
type draw struct {
	*rand.Rand
	s      sim.Setup
	syncs  []string
	fields []sim.Field // of cards
	cells  string      // the fields of cards that are mapped, as a sync names them
	more   *rand.Rand  // of what came to be simulated later
	last   *rand.Rand  // and later still
	prefer string
	plain  map[string]string // the value map of stages
	tries  bool              // an operator tries other configurations
}

func (d *draw) one(words ...string) string { return words[d.IntN(len(words))] }

// shapes are what syncs there are in a life, as its counts call it.
var shapes = []string{"a pair", "parents and children", "two syncs of one object", "a chain of three"}

// shapeOf is the shape of a seed's life: half of all lives are of the simplest.
func shapeOf(seed uint64) string {
	return shapes[[]int{0, 1, 0, 2, 0, 1, 0, 3}[seed%8]]
}

// toys is a life between toys; their number and the rules of the syncs follow from the seed too.
func toys(t *testing.T, seed uint64, stress ...string) sim.Setup {
	t.Helper()
	d := &draw{Rand: rand.New(rand.NewPCG(seed, 2)), more: rand.New(rand.NewPCG(seed, 5)), last: rand.New(rand.NewPCG(seed, 6)), fields: sim.People(), cells: cardFields}
	d.s = sim.Setup{Seed: seed, Specs: []connector.Spec{toy.Spec()}, Path: t.TempDir() + "/tandem.db", Rounds: 5 + d.IntN(7), Stress: stress}
	d.s.Acts = sim.Acts{Merge: d.IntN(3) == 0, Restore: d.IntN(3) == 0, Pause: d.IntN(5) == 0, Hide: d.IntN(4) == 0, Jobs: d.IntN(5) == 0}
	if d.s.Acts.Jobs {
		d.s.Specs = []connector.Spec{toy.Patient(sim.LongestJob + 5*time.Minute)}
	}
	d.s.Acts.Touch, d.s.Acts.Relabel = d.more.IntN(3) == 0, d.more.IntN(4) == 0
	if d.more.IntN(3) == 0 {
		d.cells += ", mail"
		d.fields = append(d.fields, sim.Consent())
	}
	d.prefer = d.one("left", "right", "newest", "newest", "ask")
	map[string]func(){shapes[0]: d.pair, shapes[1]: d.family, shapes[2]: d.moves, shapes[3]: d.chain}[shapeOf(seed)]()
	config := "version: 1\ntimezone: UTC\ncountry: GR\nconnections:\n"
	for _, a := range d.s.Sides {
		config += fmt.Sprintf("  %s: { system: toy, url: \"http://%[1]s.test/v1\", api_key: \"${KEY}\" }\n", a.Connection)
	}
	d.s.Config = config + "syncs:\n" + strings.Join(d.syncs, "")
	d.s.Env = func(string) (string, bool) { return d.s.Sides[0].Twin.Settings()["api_key"], true }
	d.s.IdleCalls++
	d.s.Acts = d.s.Acts.Stressed(stress)
	if d.tries {
		change := func(from, to string, unmapped ...string) {
			d.s.Others = append(d.s.Others, sim.Other{Config: strings.Replace(d.s.Config, from, to, 1), Unmapped: unmapped})
		}
		change(", notes", "", "notes")
		change(", phone, discount", "", "phone", "discount")
		change(valueMap(d.plain), valueMap(others[d.more.IntN(len(others))]))
		d.s.Others[len(d.s.Others)-1].Remaps = true
		change("prefer: "+d.prefer, "prefer: "+d.one("left", "right", "newest", "ask"))
		change("  merge:", "  where: { left: \"stage != 'lost'\" }\n    merge:")
	}
	return d.s
}

func (d *draw) accounts(names ...string) {
	for _, name := range names {
		tw := toy.New(twin.Options{NoLimits: true, PageSize: 1 + d.IntN(20)})
		folds := toy.Folding(d.IntN(4))
		if t, ok := tw.(*toy.Twin); ok {
			t.Folds(folds)
		}
		a := sim.Account{Connection: name, Twin: tw, Untold: folds >= toy.FoldNowhere, Unseen: folds == toy.FoldUnseen, Forms: d.more.IntN(2) == 0}
		d.vendor(tw, a.Forms)
		d.wears(tw, len(d.s.Sides), len(names))
		d.s.Sides = append(d.s.Sides, a)
	}
}

// sync adds a sync of an object between two accounts. more are further lines of its rules.
func (d *draw) sync(name string, ends [2]int, object, key, fields string, more ...string) sim.Sync {
	left, right := d.s.Sides[ends[0]].Connection, d.s.Sides[ends[1]].Connection
	deletes, calls := []string{"ignore", "archive", "delete", "unlink"}, 3
	if object == "labels" {
		deletes, calls = []string{"ignore", "delete", "unlink"}, 1
	}
	lines := append([]string{
		name + ":", "  left: " + left + "." + object, "  right: " + right + "." + object, "  match: [" + key + "]", "  prefer: " + d.prefer,
		fmt.Sprintf("  delete: { left: %s, right: %s }", d.one(deletes...), d.one(deletes...)), "  merge: " + d.one("ask", "follow"),
		"  guard: { delete: 1000, create: 1000, update: 1000 }", "  fields: [" + fields + "]",
	}, more...)
	d.syncs = append(d.syncs, "  "+strings.Join(lines, "\n  ")+"\n")
	d.s.IdleCalls += 2 * calls
	return sim.Sync{Name: name, Ends: ends, Makes: [2]bool{true, true}}
}

// vendor has an account be as vendors are: with forms of its own, and with an automation.
func (d *draw) vendor(tw twin.Twin, forms bool) {
	t, ok := tw.(*toy.Twin)
	if !ok {
		return
	}
	if !forms {
		t.NoForms()
	}
	if d.more.IntN(4) == 0 {
		n := d.more.IntN(50)
		t.Automate(toy.Flow{Object: "cards", On: "stage", Sets: "discount", Late: d.more.IntN(2) == 0,
			To: map[string]string{"new": fmt.Sprint(n), "won": fmt.Sprint(n + 50)}})
	}
}

// wears has an account keep notes without quotation marks.
func (d *draw) wears(tw twin.Twin, side, sides int) {
	t, ok := tw.(*toy.Twin)
	if !ok || d.last.IntN(4) > 0 {
		return
	}
	t.NoQuotes()
	for i := range d.fields {
		if f := &d.fields[i]; f.Key == "notes" {
			if f.Worn == nil {
				f.Worn = make([]bool, sides)
			}
			f.Worn[side] = true
			f.Same = func(v string) string { return strings.TrimSpace(strings.ReplaceAll(v, `"`, "")) }
		}
	}
}

// The value maps of stages that an operator tries: options are exchanged, renamed and taken out.
var others = []map[string]string{
	{"new": "won", "won": "lost", "lost": "new"},
	{"new": "new", "won": "lost", "lost": "won"},
	{"new": "new", "won": "won"},
	{"new": "lost"},
}

const cardFields = "name, box, email, phone, discount, stage, tags, notes"

func (d *draw) cards(accounts int, syncs ...sim.Sync) sim.Kind {
	return sim.Kind{Syncs: syncs, Objects: []string{"cards", "cards", "cards"}[:accounts], Fields: d.fields, Key: "email"}
}

// pair is one sync between two accounts.
func (d *draw) pair() {
	d.accounts("a", "b")
	fields := d.cells
	if d.IntN(4) == 0 {
		fields += ", code"
		d.fields = append(d.fields, sim.Field{Key: "code", Wire: []string{"code", "code", "code"}, Sole: true, Same: strings.ToLower,
			Draw: func(rnd *rand.Rand, _ int) string { return fmt.Sprintf("K%d", rnd.IntN(9)) }})
	}
	n := d.IntN(4)
	d.s.Acts.Backup, d.tries = n == 1 || n > 1 && slices.Contains(d.s.Stress, sim.StressBackup), n == 0
	if d.tries {
		fields = d.maps(fields)
	}
	d.s.Kinds = []sim.Kind{d.cards(2, d.sync("cards", [2]int{0, 1}, "cards", "email", fields))}
}

// maps has stages joined by a value map.
func (d *draw) maps(fields string) string {
	d.plain = map[string]string{"new": "new", "won": "won", "lost": "lost"}
	if d.more.IntN(2) == 0 {
		d.plain = map[string]string{"new": "lost", "won": "won", "lost": "new"}
	}
	for i := range d.fields {
		if f := &d.fields[i]; f.Key == "stage" {
			f.Means = func(side int, v string) string {
				if side == 0 || v == "" {
					return v
				}
				for left, right := range d.plain {
					if right == v {
						return left
					}
				}
				return "right " + v
			}
		}
	}
	return strings.Replace(fields, "stage", "{ left: stage, right: stage, "+valueMap(d.plain)+" }", 1)
}

// valueMap writes a value map as a configuration has it.
func valueMap(m map[string]string) string {
	var parts []string
	for _, left := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, left+": "+m[left])
	}
	return "values: { " + strings.Join(parts, ", ") + " }"
}

// family is labels and the cards that carry them: whoever deletes a label takes its cards along.
func (d *draw) family() {
	d.accounts("a", "b")
	d.fields = append(d.fields, sim.Field{Key: "label", Wire: []string{"label", "label"}, Ref: 2})
	cards := func() {
		d.s.Kinds[0] = d.cards(2, d.sync("cards", [2]int{0, 1}, "cards", "email", d.cells+", label"))
	}
	if d.more.IntN(3) == 0 {
		d.s.Acts.Rewind = 1 + d.more.IntN(2)
		d.s.Acts.AtWork = !d.s.Acts.Jobs && d.more.IntN(2) == 0 // what a vendor took before it was restored it may still do
	}
	d.s.Kinds = make([]sim.Kind, 2)
	first := d.IntN(2) == 0
	if first {
		cards()
	}
	d.s.Kinds[1] = sim.Kind{Objects: []string{"labels", "labels"}, Key: "code", Keyless: true, Rising: true, Fields: sim.Labels(),
		Syncs: []sim.Sync{d.sync("labels", [2]int{0, 1}, "labels", "code", "name, code, weight")}}
	if !first {
		cards()
	}
}

// moves is two syncs of one object, between which cards go to and fro by their stage.
func (d *draw) moves() {
	d.accounts("a", "b")
	for i := range d.fields {
		if f := &d.fields[i]; f.Key == "stage" {
			f.Sorts, f.Keeps = true, true
		}
	}
	stage := func(stages ...string) func(map[string]string) bool {
		return func(fields map[string]string) bool {
			return slices.Contains(stages, fields["stage"])
		}
	}
	leads := d.sync("leads", [2]int{0, 1}, "cards", "email", d.cells, `  where: { left: "stage == 'new'", right: "stage == 'new'" }`, "  leave: "+d.one("keep", "unlink", "archive"))
	leads.In = [2]func(map[string]string) bool{stage("new"), stage("new")}
	customers := d.sync("customers", [2]int{0, 1}, "cards", "email", strings.Replace(d.cells, "stage", "{ left: stage, right: stage, direction: left-to-right }", 1),
		`  where: { left: "stage == 'won'", right: "stage in ['new', 'won']" }`, "  create: right", "  leave: "+d.one("keep", "unlink"))
	customers.In = [2]func(map[string]string) bool{stage("won"), stage("new", "won")}
	customers.Makes = [2]bool{false, true}
	d.s.Kinds = []sim.Kind{d.cards(2, leads, customers)}
}

// chain is three accounts: the first two are in step with each other, and the last follows the
// middle one. Two syncs that both write the middle one's fields are refused (R31).
func (d *draw) chain() {
	d.accounts("a", "b", "c")
	d.s.Sides[2].Still = true
	if t, ok := d.s.Sides[2].Twin.(*toy.Twin); ok {
		t.Automate(toy.Flow{}) // R10: what a follower changes by itself stays there
	}
	back := d.sync("back", [2]int{1, 2}, "cards", "email", d.cells, "  direction: left-to-right")
	back.Makes[0] = false
	d.s.Kinds = []sim.Kind{d.cards(3, d.sync("front", [2]int{0, 1}, "cards", "email", d.cells), back)}
}
