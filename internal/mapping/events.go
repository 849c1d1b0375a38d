package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// An EventRule says which change of a record is told to the other side's system as an event.
type EventRule struct {
	On   string            // what happens: "deals.created", "deals.changed.stage_id"
	Send string            // the event's name
	With map[string]string // its properties: expressions over the record
	When string            // told only if this holds; "" = always

	Index int // position in the file's list
}

func (r EventRule) path(part string) string {
	p := fmt.Sprintf("events[%d]", r.Index)
	if part != "" {
		p += "." + part
	}
	return p
}

// Key tells a rule from the other rules of its sync, whatever their order.
func (r EventRule) Key() string {
	if r.When == "" {
		return r.On + " " + r.Send
	}
	return r.On + " " + r.Send + " when " + r.When
}

// changedWord stands between an object and the field whose change is meant.
const changedWord = "changed"

// Happenings are the words that may follow an object in EventRule.On.
func Happenings() []string { return []string{"created", "updated", changedWord, "deleted", "merged"} }

// Split takes On apart: the object, what happens to it, and the field if one changes.
func (r EventRule) Split() (object, what, field string, ok bool) {
	if object, field, ok = strings.Cut(r.On, "."+changedWord+"."); ok {
		return object, changedWord, field, object != "" && field != ""
	}
	i := strings.LastIndexByte(r.On, '.')
	if i <= 0 {
		return "", "", "", false
	}
	object, what = r.On[:i], r.On[i+1:]
	return object, what, "", what != changedWord && slices.Contains(Happenings(), what)
}

// An Event is a rule bound to the objects of its sync.
type Event struct {
	EventRule

	Source record.Side // the side on which it happens; the other one is told
	Object string      // wire name
	Ref    string      // wire name of the field that refers to the sync's own record; "" = it is that
	What   string      // one of Happenings
	Field  string      // wire name, if a field changes

	Now, Old []string // wire names of the fields that are read, and of those whose former value is
	Lookups  []string // objects into which the expressions reach with a dot

	when *program
	with []property
}

type property struct {
	name string
	prog *program
}

// oldPrefix begins the name by which expressions of events read what a field was before.
const oldPrefix = "old."

// Events returns the rules of events. The caller must not change them.
func (m *Mapping) Events() []Event { return m.events }

// Wanted reports whether an event is to be told of what happened to a record, whose fields are
// given as they are and as they were.
func (e Event) Wanted(now, old record.Fields, refs Refs) (bool, error) {
	if e.when == nil {
		return true, nil
	}
	return e.when.truth(withOld(now, old), refs)
}

// Properties are what is told. One that has no value is left out (R11), and so is one that
// cannot be computed, which the error says.
func (e Event) Properties(now, old record.Fields, refs Refs) (record.Fields, error) {
	out, all := record.Fields{}, withOld(now, old)
	var fault error
	for _, p := range e.with {
		v, known, err := p.prog.value(all, refs)
		switch {
		case err != nil && fault == nil:
			fault = fmt.Errorf("%s: %w", p.name, err)
		case err == nil && known:
			out[p.name] = v
		}
	}
	return out, fault
}

func withOld(now, old record.Fields) record.Fields {
	all := make(record.Fields, len(now)+len(old))
	maps.Copy(all, now)
	for name, v := range old {
		all[oldPrefix+name] = v
	}
	return all
}

func (c *compiler) events() {
	for _, rule := range c.in.Events {
		before := len(c.problems)
		e, ok := c.event(rule)
		if ok && len(c.problems) == before {
			c.m.events = append(c.m.events, e)
		}
	}
}

func (c *compiler) event(rule EventRule) (Event, bool) {
	name, what, field, ok := rule.Split()
	if !ok {
		c.problemf(rule.path("on"), "%q is not OBJECT.created or the like", rule.On)
		return Event{}, false
	}
	e := Event{EventRule: rule, What: what}
	object, ok := c.eventObject(&e, name)
	if !ok {
		return e, false
	}
	if field != "" {
		f, ok := resolve(object, field)
		if !ok || f.Key {
			c.problems = append(c.problems, unknownField(rule.path("on"), object, field))
			return e, false
		}
		e.Field = f.Name
	}
	c.eventExpressions(&e, object)
	return e, true
}

// eventObject finds the object that a rule names: on the side whose other side takes events,
// and if both do, on the one from which values flow.
func (c *compiler) eventObject(e *Event, name string) (record.Object, bool) {
	var words []string
	found, deaf := -1, -1
	var object record.Object
	for _, s := range record.Sides() {
		o, ref, near := c.happensTo(e.EventRule, s, name)
		words = append(words, near...)
		switch {
		case o.Name == "":
		case !c.in.Takes[s.Other()]:
			deaf = int(s.Other())
		case found < 0 || !c.flowsFrom(record.Side(found)) && c.flowsFrom(s):
			found, object = int(s), o
			e.Source, e.Object, e.Ref = s, o.Name, ref
		}
	}
	switch {
	case found >= 0:
		return object, true
	case deaf >= 0:
		c.problemf(e.path("on"), "%s takes no events", c.in.Ends[deaf])
	default:
		c.problems = append(c.problems, Problem{Path: e.path("on"), Text: fmt.Sprintf("there is no object %q on either side that is %s or %s or refers to it",
			name, c.in.Left.Name, c.in.Right.Name), Near: nearest(name, words)})
	}
	return object, false
}

// happensTo finds an object among a side's own and those that refer to it. Its name may be
// followed by the field that refers, where there are several.
func (c *compiler) happensTo(rule EventRule, s record.Side, name string) (o record.Object, ref string, words []string) {
	own := c.object(s)
	if name == own.Name {
		return own, "", nil
	}
	p := &patcher{object: own, kin: kinOf(own, c.in.Kin[s])}
	for _, k := range p.kin {
		words = append(words, k.object.Name)
	}
	k, several := p.related(name)
	if len(several) > 0 && c.in.Takes[s.Other()] {
		c.unrelated(ListRule{Of: name, Index: -1}, rule.path("on"), p, several)
	}
	if k == nil {
		return record.Object{}, "", append(words, own.Name)
	}
	return k.object, k.field, words
}

// flowsFrom reports whether any value is carried from a side to the other one.
func (c *compiler) flowsFrom(s record.Side) bool {
	return slices.ContainsFunc(c.in.Entries, func(e Entry) bool { return e.toward(s.Other()) })
}

// eventExpressions compiles the condition and the properties over the record and what it was.
func (c *compiler) eventExpressions(e *Event, o record.Object) {
	over := o
	over.Fields = slices.Clone(o.Fields)
	for _, f := range o.Fields {
		f.Name = oldPrefix + f.Name
		if f.Common != "" {
			f.Common = oldPrefix + f.Common
		}
		over.Fields = append(over.Fields, f)
	}
	compile := func(part, source string) *program {
		prog, problems := c.compileOver(e.path(part), source, e.Source, over, nil)
		c.problems = append(c.problems, problems...)
		if prog == nil {
			return nil
		}
		for _, f := range prog.uses {
			if name, was := strings.CutPrefix(f.Name, oldPrefix); was && !slices.ContainsFunc(o.Fields, func(g record.Field) bool { return g.Name == f.Name }) {
				e.Old = append(e.Old, name)
			} else {
				e.Now = append(e.Now, f.Name)
			}
		}
		e.Lookups = append(e.Lookups, prog.lookups...)
		return prog
	}
	if e.When != "" {
		e.when = compile("when", e.When)
	}
	for _, name := range sortedKeys(e.With) {
		if prog := compile("with."+name, e.With[name]); prog != nil {
			e.with = append(e.with, property{name, prog})
		}
	}
	e.Now, e.Old, e.Lookups = unique(e.Now), unique(e.Old), unique(e.Lookups)
}
