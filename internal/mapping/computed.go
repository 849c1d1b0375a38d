package mapping

import "github.com/tandemhub/tandem/record"

// computed is an entry with `from`: one-way towards the side that it names.
func (c *compiler) computed(e Entry) {
	if (e.Left == "") == (e.Right == "") {
		c.problemf(e.path("from"), "from computes one side: name either left or right")
		return
	}
	to := record.Left
	if e.Right != "" {
		to = record.Right
	}
	target, ok := c.named(e, to)
	if !ok {
		return
	}
	if len(e.Values) > 0 {
		c.problemf(e.path("values"), "values and from exclude each other")
		return
	}
	if target.Kind == record.KindReference {
		c.problemf(e.path(to.String()), "%q is a reference and cannot be computed", target.Name)
		return
	}
	if e.toward(to) && !target.Writable() {
		c.problemf(e.path(to.String()), "%q is read-only", target.Name)
		return
	}
	if is, certain := certainKind(e.From); certain && !holdsSome(target.Kind, is) {
		c.problemf(e.path(to.String()), "%q is a %s and cannot hold the %s that from comes to; make it a %s where it was made, or name another field",
			target.Name, target.Kind, is, is)
		return
	}
	c.warnOfText(e, to, target)
	source := to.Other()
	prog, problems := c.compileExpr(e.path("from"), e.From, source)
	if len(problems) > 0 {
		c.problems = append(c.problems, problems...)
		return
	}
	if !c.holdsPartners(e, to, target, prog) || c.forNew(to, target, prog) {
		return
	}
	c.addComputed(e, to, target, prog)
}

// forNew takes the expression for what a new record gets, where an entry before this one carries
// the same field from a field of the other side: a record of that side may have nothing there.
func (c *compiler) forNew(to record.Side, target record.Field, prog *program) bool {
	for i := range c.m.pairs {
		p := &c.m.pairs[i]
		if p.names[to] == target.Name && p.allowed[to.Other()] && p.expr == nil && p.first[to] == nil {
			p.first[to], p.firstly[to] = prog, c.coercion(target, to)
			return true
		}
	}
	return false
}

// First returns what a new record of a side gets in a field for which the other side's record has
// nothing; it is empty where the configuration does not say.
func (m *Mapping) First(i int, to record.Side, f record.Fields, refs Refs) record.Value {
	p := &m.pairs[i]
	if p.first[to] == nil {
		return record.Value{}
	}
	v, known, err := p.first[to].value(f, refs)
	if err != nil || !known {
		return record.Value{}
	}
	if v, known, err = p.firstly[to](v, refs); err != nil || !known {
		return record.Value{} // what does not fit is as good as nothing here
	}
	return v
}

// addComputed takes a field into the mapping that an expression computes.
func (c *compiler) addComputed(e Entry, to record.Side, target record.Field, prog *program) {
	source := to.Other()
	p := pair{expr: prog, source: source}
	p.names[to] = target.Name
	p.conv[source] = c.coercion(target, to)
	p.longest[source] = target.MaxLen
	if target.Kind == record.KindReferences { // lists by rule, and partners: ids of that side
		p.conv[source], p.longest[source] = listOnly(target), 0
	}
	if c.writtenTwice(e, p.names) {
		return
	}
	var fields [2]record.Field
	fields[to] = target
	c.add(e, p, fields)
	c.m.fields[len(c.m.fields)-1].Lists = named(e.Lists)
}
