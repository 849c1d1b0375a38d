package sim

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// Who edits, as a twin's ledger says it: people, and the vendor's own automation. All others are us.
const (
	person   = "person"
	workflow = "workflow"
)

// ours reports whether the hub did something.
func ours(a twin.Act) bool { return a.By != person && a.By != workflow }

// A spot is one record at one side.
type spot struct {
	kind, side int
	id         string
}

// An edit is one field that a person gave another value, as the vendor then showed it.
type edit struct {
	spot
	n        int // of all that people did
	at       time.Time
	field    int
	was, now string
	flowed   bool  // the vendor's automation did it
	dropped  bool  // a merge chose now, and was is what the lost record had
	from     spot  // the record that was lost in a merge, which filled it from there; its zero value = none
	acts     int   // how many acts its side's ledger had
	told     []int // and those of all sides; nil where nobody asks for them
}

// A removal is a record that a person deleted.
type removal struct {
	spot
	n  int
	at time.Time
}

// within lets people do something while a request is under way.
func (w *world) within(when string, side int, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set.Acts.Hide && when == "after" && r.Method == http.MethodPost && !w.quiet && !w.dead && w.strikes(StressHide, 4) {
		w.hideMade(w.kindAt(side), side)
	}
	chance := 25
	if r.Method == http.MethodPost {
		chance = 8
	}
	if w.quiet || w.dead || w.rnd.IntN(chance) != 0 {
		return
	}
	if w.rnd.IntN(4) == 0 {
		side = (side + 1) % len(w.set.Sides)
	}
	if w.set.Sides[side].Still {
		return
	}
	w.counts["acts "+when+" a request is carried out"]++
	w.notef("%s %s %s at %s:", when, r.Method, r.URL.Path, w.set.Sides[side].Connection)
	kind := w.kindAt(side)
	switch w.rnd.IntN(10) {
	case 0:
		w.create(kind, side, "")
	case 1:
		w.remove(kind, side)
	case 2:
		w.rare(kind, side)
	default:
		w.edit(kind, side)
	}
}

// kindAt draws one of the kinds that a side has.
func (w *world) kindAt(side int) int {
	for {
		if kind := w.rnd.IntN(len(w.set.Kinds)); w.set.Kinds[kind].Objects[side] != "" {
			return kind
		}
	}
}

// across draws another side that has a kind.
func (w *world) across(kind, side int) int {
	for {
		if other := w.rnd.IntN(len(w.set.Sides)); other != side && w.set.Kinds[kind].Objects[other] != "" && !w.set.Sides[other].Still {
			return other
		}
	}
}

// act lets people do something.
func (w *world) act() {
	side := w.rnd.IntN(len(w.set.Sides))
	if w.set.Sides[side].Still {
		return
	}
	kind := w.kindAt(side)
	other := w.across(kind, side)
	if w.rnd.IntN(4) == 0 {
		w.focus[spot{kind, side, ""}] = w.pick(kind, side)
	}
	switch n := w.rnd.IntN(22); {
	case n < 3:
		w.create(kind, side, "")
	case n == 3: // both at once
		w.serial++
		key := w.drawKey(kind)
		w.create(kind, side, key)
		w.create(kind, other, key)
		w.counts["the same person made on both sides at once"]++
	case n == 4:
		w.again(kind, side)
	case n == 5:
		w.remove(kind, side)
	case n == 6:
		w.remove(kind, side)
		w.edit(kind, other)
	case n < 10: // both sides, as good as together
		w.edit(kind, side)
		w.pass(0)
		w.edit(kind, other)
	case n < 12:
		w.rare(kind, side)
	default:
		w.edit(kind, side)
	}
}

func (w *world) pick(kind, side int) string {
	rows := w.rows(kind, side)
	if len(rows) == 0 {
		return ""
	}
	return rows[w.rnd.IntN(len(rows))].ID
}

func (w *world) rows(kind, side int) []twin.Row {
	return w.set.Sides[side].Twin.Rows(w.set.Kinds[kind].Objects[side])
}

// some returns a record, rather one that people talk about today.
func (w *world) some(kind, side int) (twin.Row, bool) {
	id := w.focus[spot{kind, side, ""}]
	if id == "" || w.rnd.IntN(2) == 0 {
		id = w.pick(kind, side)
	}
	return w.row(spot{kind, side, id})
}

func (w *world) row(at spot) (twin.Row, bool) {
	rows := w.rows(at.kind, at.side)
	i := slices.IndexFunc(rows, func(r twin.Row) bool { return r.ID == at.id })
	if i < 0 {
		return twin.Row{}, false
	}
	return rows[i], true
}

func (k Kind) keyField() Field {
	i := slices.IndexFunc(k.Fields, func(f Field) bool { return f.Key == k.Key })
	return k.Fields[i]
}

func (w *world) drawKey(kind int) string {
	return w.set.Kinds[kind].keyField().Draw(w.rnd, w.serial)
}

// draw returns a value for people to enter at a side.
func (w *world) draw(f Field, side int) string {
	if f.Ref > 0 {
		return w.pick(f.Ref-1, side)
	}
	return f.Draw(w.rnd, w.serial)
}

// create makes a record; key, if given, is the value of the match key.
func (w *world) create(kind, side int, key string) {
	k := w.set.Kinds[kind]
	w.serial++
	fields := map[string]string{}
	for i, f := range k.Fields {
		if f.Wire[side] == "" || i > 0 && f.Key != k.Key && w.rnd.IntN(2) == 0 {
			continue
		}
		if fields[f.Wire[side]] = w.draw(f, side); f.Key == k.Key && key != "" {
			fields[f.Wire[side]] = key
		}
	}
	w.put(spot{kind, side, ""}, fields)
}

// again deletes a record and makes another one with the same key.
func (w *world) again(kind, side int) {
	row, ok := w.some(kind, side)
	if !ok {
		return
	}
	key := row.Fields[w.set.Kinds[kind].keyField().Wire[side]]
	if w.erase(spot{kind, side, row.ID}) && key != "" {
		w.create(kind, side, key)
		w.counts["a record deleted and made again"]++
	}
}

// edit changes one or two fields of a record.
func (w *world) edit(kind, side int) {
	k := w.set.Kinds[kind]
	row, ok := w.some(kind, side)
	if !ok {
		w.create(kind, side, "")
		return
	}
	fields := map[string]string{}
	for range 1 + w.rnd.IntN(2) {
		w.serial++
		f := k.Fields[w.rnd.IntN(len(k.Fields))]
		if f.Wire[side] == "" {
			continue
		}
		switch n := w.rnd.IntN(12); {
		case n < 2 && !f.Keeps:
			fields[f.Wire[side]] = ""
			w.counts["a field cleared"]++
		case n == 2:
			fields[f.Wire[side]] = row.Fields[f.Wire[side]]
			w.counts["saved without a change"]++
		default:
			fields[f.Wire[side]] = w.draw(f, side)
		}
		if f.Ref > 0 {
			w.counts["a reference changed"]++
		}
	}
	if len(fields) > 0 {
		w.put(spot{kind, side, row.ID}, fields)
	}
}

// put lets a person save a record and notes what it shows then.
func (w *world) put(at spot, fields map[string]string) {
	a, k := w.set.Sides[at.side], w.set.Kinds[at.kind]
	before, _ := w.row(at)
	made := at.id == ""
	id, err := a.Twin.Put(k.Objects[at.side], at.id, fields)
	if err != nil {
		w.counts["the vendor refused a person"]++
		w.notef("  %s/%s %q: %v", a.Connection, at.id, fields, err)
		return
	}
	if at.id = id; made {
		w.counts["a record made"]++
		w.notef("  %s/%s made %q", a.Connection, id, fields)
	} else {
		w.counts["a record edited"]++
		w.notef("  %s/%s edited %q", a.Connection, id, fields)
	}
	after, _ := w.row(at)
	w.noteEdits(at, fields, before.Fields, after.Fields, false)
	w.noteFlows(at.side)
}

// noteEdits notes what has become of those fields of a record.
func (w *world) noteEdits(at spot, fields, before, after map[string]string, dropped bool) {
	w.serial++
	told := make([]int, len(w.set.Sides))
	for side, a := range w.set.Sides {
		told[side] = len(a.Twin.Kit().Ledger().Acts())
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		i := slices.IndexFunc(w.set.Kinds[at.kind].Fields, func(f Field) bool { return f.Wire[at.side] == name })
		if i < 0 || after[name] == before[name] {
			continue
		}
		w.edits = append(w.edits, edit{spot: at, n: w.serial, at: time.Now(), field: i, was: before[name], now: after[name], dropped: dropped,
			acts: told[at.side], told: told})
	}
}

func (w *world) remove(kind, side int) {
	if row, ok := w.some(kind, side); ok {
		w.erase(spot{kind, side, row.ID})
	}
}

// erase lets a person delete a record, and notes what the vendor takes with it.
func (w *world) erase(at spot) bool {
	a := w.set.Sides[at.side]
	before := w.shown(at.side)
	if err := a.Twin.Remove(w.set.Kinds[at.kind].Objects[at.side], at.id); err != nil {
		w.counts["the vendor refused a person"]++
		return false
	}
	w.counts["a record deleted"]++
	w.noteGone(before, at)
	return true
}

// noteGone notes which records a person has taken away, beginning with the one that was meant.
func (w *world) noteGone(before []spot, at spot) {
	w.serial++
	after := w.shown(at.side)
	for _, was := range before {
		if slices.Contains(after, was) {
			continue
		}
		w.notef("  %s/%s deleted", w.name(was), was.id)
		w.gone = append(w.gone, removal{was, w.serial, time.Now()})
		if was != at {
			w.counts["a record deleted with its parent"]++
		}
	}
}

// shown lists all records that one side shows.
func (w *world) shown(side int) []spot {
	var out []spot
	for kind, k := range w.set.Kinds {
		if k.Objects[side] == "" {
			continue
		}
		for _, r := range w.rows(kind, side) {
			out = append(out, spot{kind, side, r.ID})
		}
	}
	return out
}

// name is what a record is called in what is told of it.
func (w *world) name(at spot) string {
	return w.set.Sides[at.side].Connection + "." + w.set.Kinds[at.kind].Objects[at.side]
}
