package plan

import (
	"fmt"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// A fieldDraft is an entry of fields as the file has it; what it leaves out comes from
// its sync.
type fieldDraft struct {
	names     [2]string
	from      string
	values    map[string]string
	direction merge.Direction
	prefer    merge.Prefer
	enforce   bool
}

func fieldKeys() []key[fieldDraft] {
	name := func(side record.Side) key[fieldDraft] {
		return key[fieldDraft]{name: side.String(), help: "Field of the " + side.String() + " side: its name there, or a common name.", schema: textSchema(), read: func(r *reader, n node, d *fieldDraft) {
			r.fieldName(n, &d.names[side])
		}}
	}
	return []key[fieldDraft]{
		name(record.Left), name(record.Right),
		{name: "from", help: "Expression over the other side's fields that computes the one that is named.", schema: textSchema(), read: func(r *reader, n node, d *fieldDraft) {
			r.expression(n, &d.from)
		}},
		{name: "values", help: "Values of the left and what they are on the right.", schema: schema{"type": "object", "additionalProperties": scalarSchema()}, read: func(r *reader, n node, d *fieldDraft) {
			d.values = r.valueMap(n)
		}},
		{name: "direction", help: "Which way this field flows; default that of the sync.", schema: wordSchema(directions()...), read: func(r *reader, n node, d *fieldDraft) {
			r.direction(n, &d.direction)
		}},
		{name: "prefer", help: "Who wins when both sides changed this field; default that of the sync.", schema: wordSchema(preferences()...), read: func(r *reader, n node, d *fieldDraft) {
			r.prefer(n, &d.prefer)
		}},
		{name: "enforce", help: "Put this one-way field back when the follower is edited; default that of the sync.", schema: flagSchema(), read: func(r *reader, n node, d *fieldDraft) {
			d.enforce = r.flag(n)
		}},
	}
}

// valueMap reads a map from the left's values to the right's.
func (r *reader) valueMap(n node) map[string]string {
	if n.shape == shapeBroken {
		return nil
	}
	if n.shape != shapeMap || len(n.pairs) == 0 {
		r.fail(n.place, "values must be a map from the left's values to the right's, such as { \"1\": vip }"+blankHint(n))
		return nil
	}
	values := make(map[string]string, len(n.pairs))
	for _, p := range n.pairs {
		if s, ok := r.text(p.value); ok {
			values[p.key] = s
		}
	}
	return values
}

// field reads one entry: "*", a common name, or a map.
func (r *reader) field(n node, i int, s *Sync) (Field, bool) {
	f := Field{Entry: mapping.Entry{Index: i}, Direction: s.Direction, Prefer: s.Prefer, Line: n.line}
	var d fieldDraft
	if n.shape == shapeMap {
		seen := readMap(r, n, n.place, "an entry of fields", fieldKeys(), &d)
		if !r.checkField(n, &d, seen, s) {
			return f, false
		}
		f.Left, f.Right, f.From, f.Values = d.names[0], d.names[1], d.from, d.values
		if _, given := seen["enforce"]; !given {
			d.enforce = s.Enforce
		}
	} else {
		var name string
		if r.fieldName(n, &name); name == "" {
			return f, false
		}
		d.enforce = s.Enforce
		if f.All = name == "*"; !f.All {
			f.Left, f.Right = name, name
		}
	}
	r.rules(n, &f, d)
	return f, true
}

// rules fills in the entry's direction, preference and enforcement.
func (r *reader) rules(n node, f *Field, d fieldDraft) {
	if d.direction != "" {
		f.Direction = d.direction
	}
	if f.From != "" {
		target := record.Left
		if f.Left == "" {
			target = record.Right
		}
		if f.Direction != merge.None && !f.Direction.Allows(target) {
			r.fail(n.place, fmt.Sprintf("the %s field is computed from the other side, but the direction here is %s; give the entry a direction of its own", target, f.Direction))
		}
		f.Direction = directionOf(target == record.Left && f.Direction.Allows(target), target == record.Right && f.Direction.Allows(target))
	}
	if d.prefer != "" {
		f.Prefer = d.prefer
	}
	f.LeftToRight, f.RightToLeft = f.Direction.Allows(record.Right), f.Direction.Allows(record.Left)
	f.Enforce = d.enforce && oneWay(f.Direction)
}

// checkField asks for what an entry needs to mean anything.
func (r *reader) checkField(n node, d *fieldDraft, seen map[string]place, s *Sync) bool {
	_, left := seen["left"]
	_, right := seen["right"]
	_, from := seen["from"]
	before := len(r.problems)
	switch {
	case !left && !right:
		r.fail(n.place, "an entry of fields names a left and a right field")
	case d.names[0] == "*" || d.names[1] == "*":
		r.fail(n.place, `for all common fields the entry is "*" alone`)
	case from && left && right:
		r.fail(seen["from"], "a computed field names only the side that it is written to: left or right, not both")
	case !from && !left:
		r.fail(n.place, `an entry of fields lacks "left"; to compute the right field, add "from"`)
	case !from && !right:
		r.fail(n.place, `an entry of fields lacks "right"; to compute the left field, add "from"`)
	}
	if at, given := seen["enforce"]; given && d.enforce && !from {
		direction := s.Direction
		if d.direction != "" {
			direction = d.direction
		}
		if !oneWay(direction) {
			r.fail(at, "enforce puts the source's value back, which needs a direction of one way: left-to-right or right-to-left")
		}
	}
	named := (left && d.names[0] != "" || !left) && (right && d.names[1] != "" || !right)
	return len(r.problems) == before && named && (d.from != "" || !from)
}
