package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/mapping"
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// A Resolved is a sync bound to the schemas of its two objects.
type Resolved struct {
	Sync
	Mapping *mapping.Mapping
	Rules   []Rule // by index of Mapping.Fields()
}

// A Rule says how one field of a resolved sync is merged.
type Rule struct {
	Direction merge.Direction // what is configured and possible
	Prefer    merge.Prefer
	Enforce   bool // only where one side is the source
}

// Resolve binds a sync of the plan to its two objects. The result is nil if the problems
// have errors. Problems of the mapping carry the line of what they are about.
func (p *Plan) Resolve(s Sync, left, right record.Object) (*Resolved, Problems) {
	return p.ResolveAmong(s, left, right, Around{})
}

// Around is what a sync is resolved with besides its two objects.
type Around struct {
	Kin   [2][]record.Object // all objects of either side's account: expressions find those that refer to the sync's own
	Takes [2]bool            // whether a side's system takes events
}

// ResolveAmong is Resolve with what is around the sync's objects.
func (p *Plan) ResolveAmong(s Sync, left, right record.Object, around Around) (*Resolved, Problems) {
	l := linter{plan: p, sync: &s}
	objects := [2]record.Object{left, right}
	for _, side := range record.Sides() {
		l.checkObject(side, objects[side], objects[side.Other()])
	}
	m, found := mapping.Compile(p.input(s, objects, around))
	for _, f := range found {
		at := s.place(f.Path)
		l.problems = append(l.problems, Problem{File: p.File, Line: at.line, Column: at.column, Text: inSync(s, f), Near: f.Near, Warning: f.Warning})
	}
	ps := scrub(l.problems, p.secrets()).sorted()
	if ps.HasErrors() || m == nil {
		return nil, ps
	}
	return &Resolved{Sync: s, Mapping: m, Rules: s.rules(m.Fields())}, ps
}

// inSync says where in the sync a problem is, as far as its line does not show it.
func inSync(s Sync, f mapping.Problem) string {
	if _, exact := s.marks[f.Path]; exact || f.Path == "" {
		return f.Text
	}
	return fmt.Sprintf("sync %q, %s: %s", s.Name, f.Path, f.Text)
}

// place returns where the file has what a path within the sync names, or else what it is
// a part of.
func (s Sync) place(path string) place {
	for path != "" {
		if at, ok := s.marks[path]; ok {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return place{line: s.Line}
}

func (p *Plan) input(s Sync, objects [2]record.Object, around Around) mapping.Input {
	in := mapping.Input{
		Left: objects[0], Right: objects[1], Match: s.Match, Where: s.Where, Country: p.Country,
		Kin: around.Kin, Rates: s.Rates, Events: s.Events, Takes: around.Takes, Ends: [2]string{s.Ends[0].Connection, s.Ends[1].Connection},
		Zones: [2]*time.Location{p.zoneOf(s.Ends[0]), p.zoneOf(s.Ends[1])},
		Links: func(left, right string) bool {
			return p.links(Endpoint{s.Ends[0].Connection, left}, Endpoint{s.Ends[1].Connection, right})
		},
	}
	for _, f := range s.Fields {
		in.Entries = append(in.Entries, f.Entry)
	}
	if s.Fields == nil {
		in.Entries = []mapping.Entry{{
			All: true, Index: -1,
			LeftToRight: s.Direction.Allows(record.Right), RightToLeft: s.Direction.Allows(record.Left),
		}}
	}
	return in
}

func (p *Plan) zoneOf(e Endpoint) *time.Location {
	if c, ok := p.Connection(e.Connection); ok && c.Timezone != nil {
		return c.Timezone
	}
	return p.Timezone
}

// links reports whether some sync has these two ends, whichever is its left.
func (p *Plan) links(a, b Endpoint) bool {
	return slices.ContainsFunc(p.Syncs, func(s Sync) bool {
		return s.Ends == [2]Endpoint{a, b} || s.Ends == [2]Endpoint{b, a}
	})
}

// secrets are the values that no problem may show.
func (p *Plan) secrets() []string {
	var all []string
	add := func(address string) {
		if password, has := passwordOf(address); has {
			all = append(all, password)
		}
	}
	add(p.Database)
	for _, c := range p.Connections {
		add(c.Proxy)
		for _, v := range c.Secrets {
			all = append(all, v)
		}
	}
	return all
}

// rules gives every field of the mapping the rule of its entry, or of the sync where no
// entry names it. A field flows where that is both configured and possible.
func (s Sync) rules(fields []mapping.Field) []Rule {
	rules := make([]Rule, 0, len(fields))
	for _, f := range fields {
		rule := Rule{Direction: s.Direction, Prefer: s.Prefer, Enforce: s.Enforce}
		i := slices.IndexFunc(s.Fields, func(e Field) bool { return e.Index == f.Entry })
		if f.Entry >= 0 && i >= 0 {
			e := s.Fields[i]
			rule = Rule{Direction: e.Direction, Prefer: e.Prefer, Enforce: e.Enforce}
		}
		configured := rule.Direction
		rule.Direction = directionOf(configured.Allows(record.Left) && f.ToLeft, configured.Allows(record.Right) && f.ToRight)
		// What cannot be written is not what the file calls one-way: only that is enforced.
		rule.Enforce = rule.Enforce && oneWay(configured) && oneWay(rule.Direction)
		rules = append(rules, rule)
	}
	return rules
}

// A linter holds a sync against what its objects can do.
type linter struct {
	plan     *Plan
	sync     *Sync
	problems Problems
}

func (l *linter) report(path, text string, warning bool) {
	at := l.sync.place(path)
	l.problems = append(l.problems, Problem{File: l.plan.File, Line: at.line, Column: at.column, Text: text, Warning: warning})
}

// checkObject looks at one side. Create is switched off where an object takes none and
// the file does not ask for it.
func (l *linter) checkObject(side record.Side, o, other record.Object) {
	s, end := l.sync, l.sync.Ends[side]
	if s.Create[side] && !o.Create {
		s.Create[side] = false
		if _, asked := s.marks["create"]; asked {
			l.report("create", fmt.Sprintf("records of %s cannot be created; create must leave out the %s", end, side), false)
		}
	}
	if s.Direction.Allows(side) && !o.Create && !o.Update {
		advice := onlyTo(side.Other())
		if !other.Create && !other.Update {
			advice = "use none, which links what matches"
		}
		l.report("direction", fmt.Sprintf("sync %q: %s takes no writes, so direction cannot be %s; %s", s.Name, end, s.Direction, advice), false)
	}
	path := "delete." + side.String()
	if _, apart := s.marks[path]; !apart {
		path = "delete"
	}
	policy := s.Delete[side]
	able := map[DeletePolicy]bool{DeleteIgnore: true, DeleteUnlink: true, DeleteArchive: o.Archive, DeleteDelete: o.Delete}[policy]
	switch {
	case policy == "": // a sync that was made without a file
	case !able:
		l.report(path, fmt.Sprintf("delete: records of %s cannot be %sd through its API; it takes %s", end, policy, strings.Join(possible(o), ", ")), false)
	case policy != DeleteIgnore && other.Deletes == record.EvidenceNone:
		l.report(path, fmt.Sprintf("delete: %s cannot tell deleted records from invisible ones, so nothing is %s on the %s", s.Ends[side.Other()], done(policy), side), true)
	}
	if s.Leave == LeaveArchive && s.Where[side.Other()] != "" && !o.Archive {
		l.report("leave", fmt.Sprintf("leave: records of %s cannot be archived through its API", end), false)
	}
}

func onlyTo(side record.Side) string {
	if side == record.Right {
		return "use left-to-right"
	}
	return "use right-to-left"
}

// done is the policy as something that happened.
func done(p DeletePolicy) string {
	switch p {
	case DeleteUnlink:
		return "unlinked"
	case DeleteArchive:
		return "archived"
	default:
		return "deleted"
	}
}

// possible are the policies that an object can follow.
func possible(o record.Object) []string {
	words := []string{string(DeleteIgnore), string(DeleteUnlink)}
	if o.Archive {
		words = append(words, string(DeleteArchive))
	}
	if o.Delete {
		words = append(words, string(DeleteDelete))
	}
	return words
}

// Says reports whether two syncs are configured the same, wherever in a file they stand.
func (s Sync) Says(t Sync) bool {
	apart := func(x Sync) Sync {
		x.Line, x.marks, x.Fields = 0, nil, slices.Clone(x.Fields)
		for i := range x.Fields {
			x.Fields[i].Line = 0
		}
		return x
	}
	return reflect.DeepEqual(apart(s), apart(t))
}
