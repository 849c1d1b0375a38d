package plan

import (
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/record"
)

// A listDraft is a rule of lists as the file has it.
type listDraft struct {
	mapping.ListRule
	field string
}

func listsKey() key[syncDraft] {
	one := objectSchema(listKeys())
	one["anyOf"] = []any{schema{"required": []string{"of", "to"}}, schema{"required": []string{"in"}}}
	return key[syncDraft]{name: "lists", help: "On which lists a record is, by the stage of what refers to it or by a condition; only lists that a rule names are ever left.",
		schema: schema{"type": "array", "minItems": 1, "items": one}, read: readLists}
}

func listKeys() []key[listDraft] {
	name := func(name, help string, into func(*listDraft) *string) key[listDraft] {
		return key[listDraft]{name: name, help: help, schema: textSchema(), read: func(r *reader, n node, d *listDraft) { r.fieldName(n, into(d)) }}
	}
	return []key[listDraft]{
		name("of", "The object that refers to the records, such as deals.", func(d *listDraft) *string { return &d.Of }),
		{name: "pick", help: "Which of several counts, by status in this order, and of several of one status the newest; default open, won, lost.",
			schema: schema{"type": "array", "minItems": 1, "items": scalarSchema()}, read: func(r *reader, n node, d *listDraft) { d.Pick = r.words(n) }},
		name("by", "The field of that object whose value chooses the list; default its stage.", func(d *listDraft) *string { return &d.By }),
		name("status", "The field of that object that pick looks at; default its status.", func(d *listDraft) *string { return &d.Status }),
		name("newest", "The field of that object by which the newest is found; default when its stage changed.", func(d *listDraft) *string { return &d.Newest }),
		{name: "to", help: "The list for each value of by, and for each status of pick: { 1: 61, won: 63 }.", schema: schema{"type": "object", "minProperties": 1, "additionalProperties": scalarSchema()},
			read: func(r *reader, n node, d *listDraft) {
				if n.shape == shapeMap && len(n.pairs) > 0 {
					d.To = r.valueMap(n)
					return
				}
				r.notAMap(n, n.place, "to must be a map from stages to lists, such as { 1: 61, won: 63 }")
			}},
		{name: "in", help: "The list on which a record is while the condition holds.", schema: scalarSchema(), read: func(r *reader, n node, d *listDraft) { r.fieldName(n, &d.In) }},
		{name: "when", help: "The condition, an expression over the other side's fields; default true.", schema: textSchema(), read: func(r *reader, n node, d *listDraft) { r.expression(n, &d.When) }},
		name("field", "The field that holds a record's lists; default the only one that refers to lists.", func(d *listDraft) *string { return &d.field }),
	}
}

// words reads a list of values.
func (r *reader) words(n node) []string {
	if n.shape != shapeList || len(n.items) == 0 {
		r.fail(n.place, n.label()+" must be a list, such as [open, won, lost]")
		return nil
	}
	var words []string
	for _, item := range n.items {
		if s, ok := r.text(item); ok {
			words = append(words, s)
		}
	}
	return words
}

func readLists(r *reader, n node, d *syncDraft) {
	if n.shape != shapeList || len(n.items) == 0 {
		r.fail(n.place, "lists must be a list of rules, such as - { of: deals, to: { won: 63 } }")
		return
	}
	for i, item := range n.items {
		rule := listDraft{ListRule: mapping.ListRule{Index: i}}
		seen := readMap(r, item, item.place, "a rule of lists", listKeys(), &rule)
		has := func(name string) bool { _, ok := seen[name]; return ok }
		switch {
		case seen == nil:
			continue
		case has("of") == has("in"):
			r.fail(item.place, "a rule of lists has either of, with the object that decides, or in, with a list")
		case has("of") && !has("to"):
			r.fail(item.place, fmt.Sprintf("the rule of %s lacks to: which list for which stage", shown(rule.Of)))
		case has("of") && has("when"):
			r.fail(seen["when"], "when belongs to a rule with in")
		case has("in") && (has("to") || has("by") || has("pick") || has("status") || has("newest")):
			r.fail(item.place, "a rule with in has a condition, when, and nothing else")
		}
		if has("in") && !has("when") {
			rule.When = "true"
		}
		d.lists = append(d.lists, rule)
	}
}

// addLists makes the rules of each field an entry of the sync's fields. Where the file names no
// fields, all common ones stay.
func (d *syncDraft) addLists(at place) {
	if len(d.lists) > 0 && d.Fields == nil {
		all := Field{Entry: mapping.Entry{All: true, Index: 0}, Direction: d.Direction, Prefer: d.Prefer, Enforce: d.Enforce && oneWay(d.Direction), Line: at.line}
		d.Fields = append(d.Fields, all.flowing())
	}
	var done []string
	for _, first := range d.lists {
		if slices.Contains(done, first.field) {
			continue
		}
		done = append(done, first.field)
		f := Field{Entry: mapping.Entry{Index: len(d.Fields)}, Direction: d.Direction, Prefer: d.Prefer, Line: at.line}
		f.Right = first.field
		for _, rule := range d.lists {
			if rule.field == first.field {
				f.Lists = append(f.Lists, rule.ListRule)
			}
		}
		d.Fields = append(d.Fields, f.flowing())
	}
}

// flowing notes for the mapping which ways the entry's direction lets values go.
func (f Field) flowing() Field {
	f.LeftToRight, f.RightToLeft = f.Direction.Allows(record.Right), f.Direction.Allows(record.Left)
	return f
}
