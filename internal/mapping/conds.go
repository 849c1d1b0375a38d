package mapping

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/tandemhub/tandem/record"
)

// A Cond is one condition on one field that every record fulfils which passes a filter. It is
// what a vendor can be asked to select by, in the form of package connector.
type Cond struct {
	Field  string // wire name
	Op     string // CondIn, CondNotIn, CondFilled or CondEmpty
	Values []string
}

// The comparisons of a Cond, spelt as in package connector.
const (
	CondIn     = "in"     // the field holds one of the values
	CondNotIn  = "not in" // the field is empty or holds another value
	CondFilled = "filled"
	CondEmpty  = "empty"
)

// Conds returns conditions that hold for every record which passes the filter of its side.
// They are what can be said of the filter with certainty: a part of it that is no plain
// comparison of a field with constants is left out, so more records may fulfil the conditions
// than pass. nil = nothing can be said. The caller must not change them.
func (m *Mapping) Conds(side record.Side) []Cond { return m.conds[side] }

// condsOf reads the conditions off a filter that has been compiled without a problem.
func condsOf(source string, o record.Object) []Cond {
	tree, err := parser.Parse(source)
	if err != nil {
		return nil // it uses what only the compiler understands
	}
	g := gatherer{object: o}
	g.must(tree.Node, true)
	return g.conds
}

type gatherer struct {
	object record.Object
	conds  []Cond
}

// must adds what follows from an expression being true, or being false.
func (g *gatherer) must(n ast.Node, is bool) {
	switch x := n.(type) {
	case *ast.BinaryNode:
		g.binary(x, is)
	case *ast.UnaryNode:
		if x.Operator == "not" || x.Operator == "!" {
			g.must(x.Node, !is)
		}
	default:
		if f, ok := g.field(n); ok && f.Kind == record.KindBool { // active, not active
			g.oneOf(f, []ast.Node{&ast.BoolNode{Value: true}}, is)
		}
	}
}

func (g *gatherer) binary(x *ast.BinaryNode, is bool) {
	switch x.Operator {
	case "and", "&&":
		if is {
			g.must(x.Left, true)
			g.must(x.Right, true)
		}
	case "or", "||":
		if !is {
			g.must(x.Left, false)
			g.must(x.Right, false)
		}
	case "==", "!=":
		is = is == (x.Operator == "==")
		if f, ok := g.field(x.Left); ok {
			g.oneOf(f, []ast.Node{x.Right}, is)
		} else if f, ok := g.field(x.Right); ok {
			g.oneOf(f, []ast.Node{x.Left}, is)
		}
	case "in":
		list, ok := x.Right.(*ast.ArrayNode)
		if f, isField := g.field(x.Left); ok && isField && len(list.Nodes) > 0 {
			g.oneOf(f, list.Nodes, is)
		}
	}
}

// oneOf adds that a field holds one of those constants, or that it holds none of them.
func (g *gatherer) oneOf(f record.Field, nodes []ast.Node, is bool) {
	values, orEmpty := []string{}, false
	for _, n := range nodes {
		texts, ok := constant(f, n)
		if !ok {
			return
		}
		for _, text := range texts {
			orEmpty = orEmpty || text == ""
			if text != "" && !slices.Contains(values, text) {
				values = append(values, text)
			}
		}
	}
	switch {
	case is && orEmpty && len(values) == 0:
		g.add(f, CondEmpty, nil)
	case is && !orEmpty && len(values) > 0:
		g.add(f, CondIn, values)
	case !is:
		if len(values) > 0 {
			g.add(f, CondNotIn, values)
		}
		if orEmpty {
			g.add(f, CondFilled, nil)
		}
	}
}

func (g *gatherer) add(f record.Field, op string, values []string) {
	c := Cond{Field: f.Name, Op: op, Values: values}
	if !slices.ContainsFunc(g.conds, func(d Cond) bool { return d.Equal(c) }) {
		g.conds = append(g.conds, c)
	}
}

// Equal reports whether two conditions are the same.
func (c Cond) Equal(d Cond) bool {
	return c.Field == d.Field && c.Op == d.Op && slices.Equal(c.Values, d.Values)
}

// constant returns the texts that a field may hold where an expression finds it equal to a
// constant. It reports false where that cannot be listed: a number has many spellings, and
// a list of values equals no constant.
func constant(f record.Field, n ast.Node) ([]string, bool) {
	if s, ok := n.(*ast.StringNode); ok && s.Value == "" {
		return []string{""}, true // whatever the kind: empty is empty
	}
	switch f.Kind {
	case record.KindText:
		if f.Format == record.FormatHTML {
			return nil, false // vendors differ in how they write the same text
		}
	case record.KindChoice, record.KindEmail, record.KindReference, record.KindBool:
	default:
		return nil, false
	}
	switch x := n.(type) {
	case *ast.StringNode:
		return []string{x.Value}, true
	case *ast.BoolNode:
		if f.Kind == record.KindBool {
			return []string{record.Bool(x.Value).Text()}, true
		}
	case *ast.IntegerNode:
		if f.Kind == record.KindChoice && !f.Open {
			return choicesLike(f, x.Value), true
		}
	}
	return nil, false
}

// choicesLike are the choices that an expression finds equal to a number.
func choicesLike(f record.Field, n int) []string {
	texts := []string{}
	for _, c := range f.Choices {
		if same(c.Value, n) {
			texts = append(texts, c.Value)
		}
	}
	return texts
}

// field returns the field that a node reads, by the same rules as the compiler's.
func (g *gatherer) field(n ast.Node) (record.Field, bool) {
	if id, ok := n.(*ast.IdentifierNode); ok {
		return resolve(g.object, id.Value)
	}
	m, ok := n.(*ast.MemberNode)
	if !ok {
		return record.Field{}, false
	}
	property, ok := m.Property.(*ast.StringNode)
	if !ok || m.Optional {
		return record.Field{}, false
	}
	if f, ok := g.field(m.Node); ok {
		return g.object.Field(f.Name + "." + property.Value)
	}
	name, ok := dotted(m.Node)
	switch {
	case !ok:
		return record.Field{}, false
	case name == "f":
		return resolve(g.object, property.Value)
	default:
		return g.object.Field(name + "." + property.Value)
	}
}

// dotted returns a chain of names with dots as it is written.
func dotted(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.IdentifierNode:
		return x.Value, true
	case *ast.MemberNode:
		property, ok := x.Property.(*ast.StringNode)
		name, ok2 := dotted(x.Node)
		return name + "." + propertyText(property), ok && ok2
	default:
		return "", false
	}
}

func propertyText(n *ast.StringNode) string {
	if n == nil {
		return ""
	}
	return n.Value
}
