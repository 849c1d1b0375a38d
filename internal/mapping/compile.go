package mapping

import (
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/record"
)

// A Mapping is compiled by [Compile]. It is immutable.
type Mapping struct {
	fields  []Field
	pairs   []pair // beside fields
	keys    []matchKey
	where   [2]*program
	conds   [2][]Cond // what every record fulfils that passes the filter
	country string
	place   [2]string // wire name of the field that tells a record's country, "" if none

	wire, parents, lookups [2][]string
	children               [2][]Child
	events                 []Event
	fingerprint            string
}

// A pair is how one Field is read and converted.
type pair struct {
	names   [2]string    // wire names by side; "" where computed
	conv    [2]converter // from that side; nil: cannot be told
	allowed [2]bool      // the value of that side is carried to the other one
	longest [2]int       // characters that the other side takes from that side; 0 = any number
	expr    *program     // computes the value of side source; nil: none
	source  record.Side
	alike   bool        // equal values mean the same
	first   [2]*program // by side that is written: what a new record gets where the other one has nothing; nil: none
	firstly [2]converter
}

// Compile makes a mapping, or says what is wrong. The mapping is usable only if no
// problem is more than a warning; it is never nil, so that its fields can be shown.
func Compile(in Input) (*Mapping, []Problem) {
	c := &compiler{in: in, m: &Mapping{country: in.Country}}
	for s, z := range in.Zones {
		if z == nil {
			c.in.Zones[s] = time.UTC
		}
	}
	if in.Entries == nil {
		c.in.Entries = []Entry{{All: true, LeftToRight: true, RightToLeft: true, Index: -1}}
	}
	c.entries()
	c.match()
	c.filters()
	c.events()
	c.needs()
	c.m.fingerprint = c.print()
	return c.m, c.problems
}

type compiler struct {
	in       Input
	m        *Mapping
	problems []Problem
}

func (c *compiler) object(s record.Side) record.Object {
	if s == record.Left {
		return c.in.Left
	}
	return c.in.Right
}

func (c *compiler) problemf(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Text: fmt.Sprintf(format, args...)})
}

func (c *compiler) warnf(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Text: fmt.Sprintf(format, args...), Warning: true})
}

// path is where an entry stands in the configuration.
func (e Entry) path(part string) string {
	p := "fields"
	if e.Index >= 0 {
		p = fmt.Sprintf("fields[%d]", e.Index)
	}
	if part != "" {
		p += "." + part
	}
	return p
}

// toward reports whether the entry lets values go to a side.
func (e Entry) toward(s record.Side) bool {
	if s == record.Left {
		return e.RightToLeft
	}
	return e.LeftToRight
}

// name is what the entry calls the field of a side.
func (e Entry) name(s record.Side) string {
	if s == record.Left {
		return e.Left
	}
	return e.Right
}

func (c *compiler) entries() {
	taken := c.explicitNames()
	starred := false
	for _, e := range c.in.Entries {
		switch {
		case e.All && !starred:
			starred = true
			c.all(e, taken)
		case e.All:
			c.problemf(e.path(""), `"*" stands here a second time`)
		case len(e.Lists) > 0:
			c.lists(e)
		case e.From != "":
			c.computed(e)
		default:
			c.explicit(e)
		}
	}
}

// explicitNames are the wire names that entries name themselves; they override "*",
// whether they stand before or after it.
func (c *compiler) explicitNames() [2]map[string]bool {
	taken := [2]map[string]bool{{}, {}}
	for _, e := range c.in.Entries {
		for _, s := range record.Sides() {
			if f, ok := resolve(c.object(s), e.name(s)); ok && !e.All {
				taken[s][f.Name] = true
			}
		}
		if len(e.Lists) > 0 {
			before := len(c.problems)
			if s, f, ok := c.listTarget(e, ""); ok {
				taken[s][f.Name] = true
			}
			c.problems = c.problems[:before]
		}
	}
	return taken
}

// all maps the fields that mean the same on both sides. What cannot be converted or
// written in a direction is left out of that direction without a word.
func (c *compiler) all(e Entry, taken [2]map[string]bool) {
	seen := map[string]bool{}
	for _, left := range c.in.Left.Fields {
		right, ok := c.in.Right.ByCommon(left.Common)
		if left.Common == "" || !ok || seen[left.Common] || left.Key || right.Key {
			continue
		}
		seen[left.Common] = true
		if taken[record.Left][left.Name] || taken[record.Right][right.Name] {
			continue
		}
		fields := [2]record.Field{left, right}
		p, _ := c.pair(fields, nil)
		if c.flows(&p, fields, record.Left) || c.flows(&p, fields, record.Right) {
			c.lossy(e, &p, fields)
			c.add(e, p, fields)
		}
	}
}

// flows reports whether a side's value can be converted and written to the other side.
func (c *compiler) flows(p *pair, fields [2]record.Field, from record.Side) bool {
	return p.conv[from] != nil && fields[from.Other()].Writable()
}

// pair makes the conversions of two fields, and says by side why there is none.
func (c *compiler) pair(fields [2]record.Field, values map[string]string) (pair, [2]string) {
	left, right := fields[record.Left], fields[record.Right]
	p := pair{names: [2]string{left.Name, right.Name}}
	p.alike = len(values) == 0 && left.Kind == right.Kind && left.Kind != record.KindReference && left.Kind != record.KindReferences
	var why [2]string
	for _, s := range record.Sides() {
		from, to := fields[s], fields[s.Other()]
		p.conv[s], why[s] = c.converter(from, to, s, values)
		if to.Kind == record.KindText || to.Kind == record.KindEmail || to.Kind == record.KindPhone {
			p.longest[s] = to.MaxLen
		}
	}
	return p, why
}

// add takes a pair into the mapping. A consent is told both ways wherever it is told at all:
// somebody's no has to arrive, whatever the direction (R32).
func (c *compiler) add(e Entry, p pair, fields [2]record.Field) {
	consent := consents(fields)
	for _, s := range record.Sides() {
		to := s.Other()
		told := e.toward(to) || consent && e.toward(s)
		p.allowed[s] = told && p.conv[s] != nil && fields[to].Writable()
	}
	natural, keyed := naturalKeys(fields[record.Left], fields[record.Right])
	c.m.fields = append(c.m.fields, Field{
		Key:  p.names[record.Left] + "=" + p.names[record.Right],
		Left: fields[record.Left], Right: fields[record.Right],
		ToRight: p.allowed[record.Left], ToLeft: p.allowed[record.Right],
		Set:     keyed || isSet(fields[record.Left].Kind) || isSet(fields[record.Right].Kind),
		Consent: consent,
		Natural: natural,
		Entry:   e.Index,
	})
	c.m.pairs = append(c.m.pairs, p)
}

// named resolves the field that an entry names on a side.
func (c *compiler) named(e Entry, s record.Side) (record.Field, bool) {
	f, ok := resolve(c.object(s), e.name(s))
	switch {
	case !ok:
		c.problems = append(c.problems, unknownField(e.path(s.String()), c.object(s), e.name(s)))
		return f, false
	case f.Key:
		c.problemf(e.path(s.String()), "%q holds Tandem's own key and cannot be mapped", f.Name)
		return f, false
	}
	return f, true
}

// explicit is an entry that names a field on each side.
func (c *compiler) explicit(e Entry) {
	left, ok := c.named(e, record.Left)
	right, ok2 := c.named(e, record.Right)
	if !ok || !ok2 {
		return
	}
	fields := [2]record.Field{left, right}
	values, ok := c.values(e, fields)
	if !ok {
		return
	}
	p, why := c.pair(fields, values)
	fine := true
	for _, s := range record.Sides() {
		fine = c.checkFlow(e, &p, fields, s, why[s]) && fine
	}
	if !fine || c.writtenTwice(e, p.names) {
		return
	}
	c.lossy(e, &p, fields)
	c.add(e, p, fields)
	c.unmatchedChoices(e, fields, values)
}

// checkFlow is R13's half for one direction of an explicit entry: what it allows must work.
func (c *compiler) checkFlow(e Entry, p *pair, fields [2]record.Field, from record.Side, why string) bool {
	to := from.Other()
	if !e.toward(to) {
		return true
	}
	remedy := ""
	if c.flows(p, fields, to) {
		remedy = "; set direction: " + direction(to, from)
	}
	switch {
	case p.conv[from] == nil:
		c.problemf(e.path(""), "%s: %s%s", from.String()+" to "+to.String(), why, remedy)
		return false
	case !fields[to].Writable():
		c.problemf(e.path(to.String()), "%q is read-only%s", fields[to].Name, remedy)
		return false
	}
	return true
}

func direction(from, to record.Side) string { return from.String() + "-to-" + to.String() }

// writtenTwice refuses two explicit entries that write one field.
func (c *compiler) writtenTwice(e Entry, names [2]string) bool {
	for _, s := range record.Sides() {
		if names[s] == "" || !e.toward(s) {
			continue
		}
		for i, p := range c.m.pairs {
			if p.names[s] == names[s] && p.allowed[s.Other()] {
				c.problemf(e.path(s.String()), "%q is written by %s already", names[s], c.m.fields[i].Key)
				return true
			}
		}
	}
	return false
}

// lossy warns where both directions work and there and back is not the same (R13).
func (c *compiler) lossy(e Entry, p *pair, fields [2]record.Field) {
	left, right := fields[record.Left], fields[record.Right]
	if !c.flows(p, fields, record.Left) || !c.flows(p, fields, record.Right) || !e.LeftToRight || !e.RightToLeft {
		return
	}
	if (left.Format == record.FormatHTML) != (right.Format == record.FormatHTML) {
		c.warnf(e.path(""), "%s=%s: formatting is lost when the plain side changes; one direction keeps it", left.Name, right.Name)
	}
	if left.Kind != right.Kind && (left.Kind == record.KindDateTime || right.Kind == record.KindDateTime) {
		c.warnf(e.path(""), "%s=%s: the time of day is lost when the date changes; one direction keeps it", left.Name, right.Name)
	}
}

func (c *compiler) filters() {
	for _, s := range record.Sides() {
		if c.in.Where[s] == "" {
			continue
		}
		prog, problems := c.compileExpr("where."+s.String(), c.in.Where[s], s)
		c.problems = append(c.problems, problems...)
		c.m.where[s] = prog
		if prog != nil {
			c.m.conds[s] = condsOf(c.in.Where[s], c.object(s))
		}
	}
}

// needs collects what has to be read for this mapping.
func (c *compiler) needs() {
	for _, s := range record.Sides() {
		var wire, parents, lookups []string
		programs := []*program{c.m.where[s]}
		for i, p := range c.m.pairs {
			if p.expr != nil && p.source == s {
				programs = append(programs, p.expr)
			}
			programs = append(programs, p.first[s.Other()])
			wire = append(wire, p.names[s])
			f := c.m.fields[i].side(s)
			if isReference(f.Kind) && f.To != "" && (p.conv[record.Left] != nil || p.conv[record.Right] != nil) {
				parents = append(parents, f.To)
			}
		}
		for _, k := range c.m.keys {
			for _, part := range k.parts {
				wire = append(wire, part.fields[s].Name)
				if part.needsCountry() {
					wire = append(wire, c.m.place[s])
				}
			}
		}
		for _, prog := range programs {
			if prog != nil {
				for _, f := range prog.uses {
					wire = append(wire, f.Name)
				}
				lookups = append(lookups, prog.lookups...)
				if prog.partners != "" {
					parents = append(parents, prog.partners)
				}
			}
		}
		for _, e := range c.m.events {
			if e.Source == s && e.Ref == "" {
				wire = append(append(append(wire, e.Field), e.Now...), e.Old...)
			}
		}
		c.m.children[s] = childrenOf(programs)
		c.m.wire[s], c.m.parents[s], c.m.lookups[s] = unique(wire), unique(parents), unique(lookups)
	}
}

// unique sorts names and drops the empty one and repetitions.
func unique(names []string) []string {
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

func (f Field) side(s record.Side) record.Field {
	if s == record.Left {
		return f.Left
	}
	return f.Right
}
