package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

func directions() []string {
	return []string{string(merge.Both), string(merge.LeftToRight), string(merge.RightToLeft), string(merge.None)}
}

func preferences() []string {
	return []string{string(merge.Left), string(merge.Right), string(merge.Newest), string(merge.Ask)}
}

func policies() []string {
	return []string{string(DeleteIgnore), string(DeleteArchive), string(DeleteDelete), string(DeleteUnlink)}
}

// syncs reads the syncs once the names of all connections are known.
func (r *reader) syncs(p pair, into *Plan) {
	if p.key == "" || p.value.shape == shapeNull {
		return
	}
	if p.value.shape != shapeMap {
		r.notAMap(p.value, p.place, "syncs must be a map from names to rules")
		return
	}
	for _, s := range p.value.pairs {
		r.checkName(s, "sync")
		read := r.sync(s)
		read.takeRates(into.Rates)
		into.Syncs = append(into.Syncs, read)
	}
}

// A syncDraft is a sync whose fields wait for its direction, which may come after them.
type syncDraft struct {
	Sync
	create string
	fields []node
	lists  []listDraft
}

func (r *reader) sync(p pair) Sync {
	d := syncDraft{Sync: Sync{
		Name: p.key, Line: p.line, Direction: merge.Both, Prefer: merge.Newest, Leave: LeaveKeep, Merge: MergeAsk,
		Delete: [2]DeletePolicy{DeleteIgnore, DeleteIgnore}, Guard: defaultGuard(), marks: marks(p.value),
	}}
	what := fmt.Sprintf("sync %q", printable(p.key))
	seen := readMap(r, p.value, p.place, what, syncKeys(), &d)
	if d.Ends[0] == d.Ends[1] && d.Ends[0].Object != "" {
		r.fail(seen["right"], what+" has the same object on both sides; an object cannot be kept in step with itself")
	}
	for i, n := range d.fields {
		if f, ok := r.field(n, i, &d.Sync); ok {
			d.Fields = append(d.Fields, f)
		}
	}
	d.addLists(seen["lists"])
	r.checkCreate(&d, seen["create"])
	r.checkEnforce(&d, seen["enforce"])
	r.checkCanary(&d.Sync, seen["guard"])
	return d.Sync
}

// reaches reports whether any field of the sync may be written on that side.
func (s *Sync) reaches(side record.Side) bool {
	for _, f := range s.Fields {
		if f.Direction.Allows(side) {
			return true
		}
	}
	return s.Fields == nil && s.Direction.Allows(side)
}

// checkCreate turns the word into sides. Records are created where the direction leads,
// unless the file says otherwise; where nothing flows, there is nothing to create.
func (r *reader) checkCreate(d *syncDraft, at place) {
	for _, side := range record.Sides() {
		d.Create[side] = d.Direction.Allows(side)
		if d.create == "" {
			continue
		}
		d.Create[side] = d.create == "both" || d.create == side.String()
		if d.create == side.String() && !d.reaches(side) {
			r.fail(at, fmt.Sprintf("create: no field of this sync flows to the %s, so nothing can be created there", side))
		}
		if d.create == "both" && !d.reaches(side) {
			r.warn(at, fmt.Sprintf("create: no field of this sync flows to the %s, so records are created on the %s only", side, side.Other()))
			d.Create[side] = false
		}
	}
}

// checkEnforce asks for something that can be enforced: a field with one source (R10).
func (r *reader) checkEnforce(d *syncDraft, at place) {
	if !d.Enforce || oneWay(d.Direction) {
		return
	}
	for _, f := range d.Fields {
		if oneWay(f.Direction) {
			return
		}
	}
	r.fail(at, "enforce puts the source's value back, which needs a direction of one way: left-to-right or right-to-left")
}

func syncKeys() []key[syncDraft] {
	later := func(name string) key[syncDraft] { return key[syncDraft]{name: name, later: true} }
	end := func(side record.Side) key[syncDraft] {
		return key[syncDraft]{name: side.String(), required: true, help: "One end of the sync as connection.object, such as crm.contacts.", schema: endSchema(), read: func(r *reader, n node, d *syncDraft) {
			d.Ends[side] = r.endpoint(n)
		}}
	}
	return append([]key[syncDraft]{end(record.Left), end(record.Right)}, append(ruleKeys(), listsKey(), eventsKey(), later("per_user"), later("attendees"), later("notify"))...)
}

func ruleKeys() []key[syncDraft] {
	return []key[syncDraft]{
		{name: "direction", help: "Which way changes flow; default both.", schema: wordSchema(directions()...), read: func(r *reader, n node, d *syncDraft) {
			r.direction(n, &d.Direction)
		}},
		{name: "prefer", help: "Who wins when both sides changed a field differently; default newest.", schema: wordSchema(preferences()...), read: func(r *reader, n node, d *syncDraft) {
			r.prefer(n, &d.Prefer)
		}},
		{name: "enforce", help: "Put one-way fields back when the follower is edited; default false.", schema: flagSchema(), read: func(r *reader, n node, d *syncDraft) {
			d.Enforce = r.flag(n)
		}},
		{name: "match", help: "Fields by which records of both sides are recognised, in order; default per kind of object.", schema: matchSchema(), read: func(r *reader, n node, d *syncDraft) {
			d.Match = r.match(n)
		}},
		{name: "where", help: "Filter by side: an expression over that side's fields.", schema: sidesSchema(textSchema()), read: func(r *reader, n node, d *syncDraft) {
			if n.shape == shapeScalar {
				r.fail(n.place, `where needs a side, as in { left: "email != ''" }`)
				return
			}
			readMap(r, n, n.place, "where", sideKeys(textSchema(), (*reader).expression), &d.Where)
		}},
		{name: "leave", help: "What becomes of the partner of what leaves the filter; default keep.", schema: wordSchema(LeaveKeep, LeaveUnlink, LeaveArchive), read: func(r *reader, n node, d *syncDraft) {
			if w, ok := r.word(n, LeaveKeep, LeaveUnlink, LeaveArchive); ok {
				d.Leave = w
			}
		}},
		{name: "create", help: "Where records may be created; default wherever the direction leads.", schema: wordSchema("both", "left", "right", "none"), read: func(r *reader, n node, d *syncDraft) {
			d.create, _ = r.word(n, "both", "left", "right", "none")
		}},
		{name: "delete", help: "What happens to a record whose partner was deleted, one word or per side; default ignore.", schema: schema{"anyOf": []any{wordSchema(policies()...), sidesSchema(wordSchema(policies()...))}}, read: readDelete},
		{name: "merge", help: "Whether records whose partners were merged are merged too: ask (default), or follow where the vendor lets programs do it.", schema: wordSchema(MergeAsk, MergeFollow), read: func(r *reader, n node, d *syncDraft) {
			if w, ok := r.word(n, MergeAsk, MergeFollow); ok {
				d.Merge = w
			}
		}},
		{name: "fields", help: "What is kept in step; default all common fields of both sides.", schema: fieldsSchema(), read: readFields},
		{name: "schedule", help: `When the sync runs by itself: 15m, or a cron expression such as "*/15 * * * *"; default only by hand.`, schema: textSchema(), read: func(r *reader, n node, d *syncDraft) {
			d.Schedule, _ = r.schedule(n)
		}},
		{name: "guard", help: "Limits that stop a disaster: percent of the linked pairs, never below 10 records, or a number of records.", schema: objectSchema(guardKeys()), read: func(r *reader, n node, d *syncDraft) {
			readMap(r, n, n.place, "guard", guardKeys(), &d.Guard)
		}},
	}
}

// sideKeys are the keys of a map by side.
func sideKeys[T any](s schema, read func(*reader, node, *T)) []key[[2]T] {
	row := func(side record.Side) key[[2]T] {
		return key[[2]T]{name: side.String(), schema: s, read: func(r *reader, n node, into *[2]T) { read(r, n, &into[side]) }}
	}
	return []key[[2]T]{row(record.Left), row(record.Right)}
}

func (r *reader) direction(n node, into *merge.Direction) {
	if w, ok := r.word(n, directions()...); ok {
		*into = merge.Direction(w)
	}
}

func (r *reader) prefer(n node, into *merge.Prefer) {
	if w, ok := r.word(n, preferences()...); ok {
		*into = merge.Prefer(w)
	}
}

func (r *reader) policy(n node, into *DeletePolicy) {
	if w, ok := r.word(n, policies()...); ok {
		*into = DeletePolicy(w)
	}
}

// maxExpression bounds an expression's text: compiling it recurses.
const maxExpression = 4096

// expression reads an expression's text; it is compiled once the objects are known.
func (r *reader) expression(n node, into *string) {
	s, ok := r.text(n)
	if ok && strings.TrimSpace(s) == "" {
		r.fail(n.place, n.label()+" is empty; an expression belongs here")
		return
	}
	if len(s) > maxExpression {
		r.fail(n.place, fmt.Sprintf("%s is longer than %d characters", n.label(), maxExpression))
		return
	}
	*into = s
}

func readDelete(r *reader, n node, d *syncDraft) {
	if n.shape == shapeMap {
		readMap(r, n, n.place, "delete", sideKeys(textSchema(), (*reader).policy), &d.Delete)
		return
	}
	r.policy(n, &d.Delete[0])
	d.Delete[1] = d.Delete[0]
}

func readFields(r *reader, n node, d *syncDraft) {
	if n.shape == shapeBroken {
		return
	}
	if n.shape != shapeList || len(n.items) == 0 {
		r.fail(n.place, `fields must be a list of at least one entry; leave it out for all common fields`)
		return
	}
	d.fields = n.items
}

// endpoint reads "connection.object", which splits at the first dot.
func (r *reader) endpoint(n node) Endpoint {
	s, ok := r.text(n)
	if !ok {
		return Endpoint{}
	}
	name, object, dotted := strings.Cut(s, ".")
	if !dotted || name == "" || strings.TrimSpace(object) == "" {
		r.fail(n.place, fmt.Sprintf("%s: %q is not of the form connection.object, such as crm.contacts", n.label(), shown(n.text)))
		return Endpoint{}
	}
	if slices.Contains(r.names, name) {
		return Endpoint{name, object}
	}
	written, _, _ := strings.Cut(n.text, ".")
	text := fmt.Sprintf("%s: there is no connection %q", n.label(), shown(written))
	near := nearest(name, r.names)
	if near == "" && len(r.names) > 0 {
		text += "; there are " + strings.Join(r.names, ", ")
	}
	r.near(n.place, text, near)
	return Endpoint{}
}

// marks notes where each value of a sync stands, by its path within the sync.
func marks(n node) map[string]place {
	out := make(map[string]place)
	var walk func(node)
	walk = func(m node) {
		if path, inside := strings.CutPrefix(m.path, n.path+"."); inside && m.line > 0 {
			out[path] = m.place
		}
		for _, item := range m.items {
			walk(item)
		}
		for _, p := range m.pairs {
			walk(p.value)
		}
	}
	walk(n)
	return out
}

// match reads match keys in order: a name, {left:, right:}, or a list of both, which is a
// compound key.
func (r *reader) match(n node) []mapping.MatchKey {
	if n.shape != shapeList {
		if part, ok := r.matchPart(n); ok {
			return []mapping.MatchKey{{Parts: []mapping.MatchPart{part}}}
		}
		return nil
	}
	if len(n.items) == 0 {
		r.fail(n.place, "match is empty; leave it out for the default keys of the object")
	}
	var keys []mapping.MatchKey
	for _, item := range n.items {
		parts := []node{item}
		if item.shape == shapeList {
			if parts = item.items; len(parts) == 0 {
				r.fail(item.place, "an entry of match is an empty list")
			}
		}
		var key mapping.MatchKey
		for _, p := range parts {
			if part, ok := r.matchPart(p); ok {
				key.Parts = append(key.Parts, part)
			}
		}
		keys = append(keys, key)
	}
	return keys
}

func (r *reader) matchPart(n node) (mapping.MatchPart, bool) {
	switch n.shape {
	case shapeMap:
		var names [2]string
		keys := sideKeys(textSchema(), (*reader).fieldName)
		for i := range keys {
			keys[i].required = true
		}
		readMap(r, n, n.place, "an entry of match", keys, &names)
		return mapping.MatchPart{Left: names[0], Right: names[1]}, names[0] != "" && names[1] != ""
	case shapeList:
		r.fail(n.place, "match: a compound key is one list of names, not lists within lists")
		return mapping.MatchPart{}, false
	default:
		var name string
		r.fieldName(n, &name)
		return mapping.MatchPart{Left: name, Right: name}, name != ""
	}
}

func (r *reader) fieldName(n node, into *string) {
	s, ok := r.text(n)
	if ok && strings.TrimSpace(s) == "" {
		r.fail(n.place, n.label()+" is empty; a field's name belongs here")
		return
	}
	*into = s
}
