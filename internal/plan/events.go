package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/mapping"
)

func eventsKey() key[syncDraft] {
	return key[syncDraft]{name: "events", help: "What is told to the other side's system, if that takes events, when a record of this side changes.",
		schema: schema{"type": "array", "minItems": 1, "items": objectSchema(eventKeys())}, read: readEvents}
}

func eventKeys() []key[mapping.EventRule] {
	return []key[mapping.EventRule]{
		{name: "on", required: true, help: "What happens: an object, a dot, and created, updated, deleted, merged, or changed and a field; as in deals.changed.stage_id.",
			schema: schema{"type": "string", "pattern": `^.+\.(created|updated|deleted|merged|changed\..+)$`}, read: readOn},
		{name: "send", required: true, help: "The event's name: letters, digits, _ and -.", schema: schema{"type": "string", "pattern": `^[A-Za-z0-9_-]{1,255}$`},
			read: func(r *reader, n node, e *mapping.EventRule) {
				if r.fieldName(n, &e.Send); e.Send != "" && !eventName(e.Send) {
					r.fail(n.place, fmt.Sprintf("send: %q cannot name an event: letters, digits, _ and -", shown(e.Send)))
				}
			}},
		{name: "with", help: "The event's properties: expressions over the record's fields; old. before a name is what the field was.",
			schema: schema{"type": "object", "minProperties": 1, "additionalProperties": scalarSchema()}, read: readWith},
		{name: "when", help: "Told only if this expression holds; default true.", schema: textSchema(), read: func(r *reader, n node, e *mapping.EventRule) { r.expression(n, &e.When) }},
	}
}

func eventName(s string) bool {
	return len(s) <= 255 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-'
	})
}

func readOn(r *reader, n node, e *mapping.EventRule) {
	if r.fieldName(n, &e.On); e.On == "" {
		return
	}
	if _, _, _, ok := e.Split(); ok {
		return
	}
	word := e.On[strings.LastIndexByte(e.On, '.')+1:]
	near := nearest(word, mapping.Happenings())
	if near == word { // changed, without a field
		near = ""
	}
	r.near(n.place, fmt.Sprintf("on: %q must be an object, a dot, and one of %s; after changed stands a field, as in deals.changed.stage_id", shown(e.On),
		strings.Join(mapping.Happenings(), ", ")), near)
}

func readWith(r *reader, n node, e *mapping.EventRule) {
	if n.shape != shapeMap || len(n.pairs) == 0 {
		r.notAMap(n, n.place, "with must be a map from properties to expressions, such as { from: old.stage_id, to: stage_id }")
		return
	}
	e.With = make(map[string]string, len(n.pairs))
	for _, p := range n.pairs {
		if !eventName(p.key) || p.key == "" {
			r.fail(p.place, fmt.Sprintf("with: %q cannot name a property: letters, digits, _ and -", printable(p.key)))
			continue
		}
		var source string
		r.expression(p.value, &source)
		e.With[p.key] = source
	}
}

func readEvents(r *reader, n node, d *syncDraft) {
	if n.shape != shapeList || len(n.items) == 0 {
		r.fail(n.place, "events must be a list of rules, such as - { on: deals.created, send: deal_created }")
		return
	}
	for i, item := range n.items {
		rule := mapping.EventRule{Index: i}
		if seen := readMap(r, item, item.place, "a rule of events", eventKeys(), &rule); seen == nil {
			continue
		}
		if slices.ContainsFunc(d.Events, func(e mapping.EventRule) bool { return e.Key() == rule.Key() }) {
			r.fail(item.place, fmt.Sprintf("%s is sent on %s already; two rules of one event need different conditions, when", shown(rule.Send), shown(rule.On)))
			continue
		}
		d.Events = append(d.Events, rule)
	}
}
