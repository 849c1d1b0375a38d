package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/tandemhub/tandem/record"
)

// A patcher rewrites a parsed expression before it is compiled. Names become fields;
// every operator and function becomes a step of ours, which knows exact numbers and empty
// values and counts its work; what has no step is a problem. So nothing of the library
// runs that could read a clock, call a method or work without bound.
//
// It visits children before their parents.
type patcher struct {
	path     string
	object   record.Object
	uses     []record.Field
	lookups  []string
	problems []Problem
	open     []openName      // names that no parent has explained yet
	declared map[string]bool // by let

	rates     Rates
	kin       []*kin            // all that refer to the object
	used      []*kin            // those that the expression reads
	lists     map[ast.Node]*kin // nodes that are such an array, or part of one
	ones      map[ast.Node]*kin // nodes that are one record of an array
	ofElement map[ast.Node]*kin // nodes that are a field of a loop's record
	explained map[ast.Node]bool // nodes of loops whose names have got their meaning
	partners  string            // the object of whose records the partners are taken; "" = of none
}

// An openName is a name, perhaps with dots, that is no field so far: a later dot may make
// it one, since wire names may have dots.
type openName struct {
	node ast.Node
	name string
}

func (p *patcher) problemf(format string, args ...any) {
	p.problems = append(p.problems, Problem{Path: p.path, Text: fmt.Sprintf(format, args...)})
}

// finish returns what is wrong, once the whole expression has been visited.
func (p *patcher) finish() []Problem {
	for _, o := range p.open {
		if _, several := p.related(o.name); len(several) > 0 {
			p.problemf("%s refer to %s by several fields; write one of %s", o.name, p.object.Name, strings.Join(several, ", "))
			continue
		}
		if !p.declared[o.name] {
			p.problems = append(p.problems, unknownField(p.path, p.object, o.name))
		}
	}
	p.open = nil
	return p.problems
}

// Visit implements ast.Visitor.
func (p *patcher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		p.identifier(node, n)
	case *ast.MemberNode:
		p.member(node, n)
	case *ast.SliceNode:
		p.slice(node, n)
	case *ast.CallNode:
		p.call(node, n)
	case *ast.BuiltinNode:
		p.loop(node, n)
	case *ast.UnaryNode:
		p.unary(node, n)
	case *ast.BinaryNode:
		p.binary(node, n)
	case *ast.ConditionalNode:
		n.Cond = step("truth", n.Cond)
	case *ast.VariableDeclaratorNode:
		p.declared[n.Name] = true
		p.problemf("let is not possible in an expression")
	case *ast.SequenceNode:
		p.problemf("a semicolon is not possible in an expression")
	case *ast.MapNode:
		p.problemf("a {key: value} is not possible in an expression")
	case *ast.BytesNode:
		p.problemf("bytes are not possible in an expression")
	}
}

// step is a call of one of our steps.
func step(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: stepPrefix + name},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: runName}}, args...),
	}
}

func (p *patcher) identifier(node *ast.Node, n *ast.IdentifierNode) {
	f, ok := resolve(p.object, n.Value)
	if !ok {
		if k, _ := p.related(n.Value); k != nil {
			p.useKin(node, k)
			return
		}
		p.open = append(p.open, openName{node: n, name: n.Value})
		return
	}
	p.use(node, f)
}

// use makes a node the value of a field.
func (p *patcher) use(node *ast.Node, f record.Field) {
	if f.Key {
		p.problemf("%q holds Tandem's own key", f.Name)
	}
	if !slices.ContainsFunc(p.uses, func(g record.Field) bool { return g.Name == f.Name }) {
		p.uses = append(p.uses, f)
	}
	ast.Patch(node, &ast.IdentifierNode{Value: fieldPrefix + f.Name})
}

// close takes a name off the open ones: its parent has explained it.
func (p *patcher) close(n ast.Node) (name string, ok bool) {
	i := slices.IndexFunc(p.open, func(o openName) bool { return o.node == n })
	if i < 0 {
		return "", false
	}
	name = p.open[i].name
	p.open = slices.Delete(p.open, i, i+1)
	return name, true
}

// fieldOf returns the field that a node reads.
func (p *patcher) fieldOf(n ast.Node) (record.Field, bool) {
	if chain, ok := n.(*ast.ChainNode); ok {
		n = chain.Node
	}
	id, ok := n.(*ast.IdentifierNode)
	if !ok {
		return record.Field{}, false
	}
	name, ok := strings.CutPrefix(id.Value, fieldPrefix)
	if !ok {
		return record.Field{}, false
	}
	return p.object.Field(name)
}

// member is a dot or an index: f["any key"], a wire name with a dot in it, a field of a
// referenced record, or an element of a list.
func (p *patcher) member(node *ast.Node, n *ast.MemberNode) {
	property, named := n.Property.(*ast.StringNode)
	if name, open := p.close(n.Node); open {
		p.openMember(node, n, name, property)
		return
	}
	if p.kinMember(node, n) {
		return
	}
	f, isField := p.fieldOf(n.Node)
	if !isField || !named {
		ast.Patch(node, step("member", n.Node, n.Property))
		return
	}
	if g, ok := p.object.Field(f.Name + "." + property.Value); ok {
		p.use(node, g)
		return
	}
	switch {
	case f.Kind == record.KindReference && f.To != "":
		p.lookups = append(p.lookups, f.To)
		ast.Patch(node, step("lookup", &ast.StringNode{Value: f.To}, n.Node, property))
	case f.Kind == record.KindReferences:
		p.problemf("%q refers to several records; a dot can follow a reference to one", f.Name)
	default:
		p.problemf("%q is no reference, so no dot can follow it", f.Name)
	}
}

func (p *patcher) openMember(node *ast.Node, n *ast.MemberNode, name string, property *ast.StringNode) {
	switch {
	case property == nil && name == "f":
		p.problemf(`the name in f["..."] must be written out`)
	case property == nil:
		p.open = append(p.open, openName{node: n.Node, name: name})
	case name == "f":
		if f, ok := resolve(p.object, property.Value); ok {
			p.use(node, f)
			return
		}
		if k, _ := p.related(property.Value); k != nil {
			p.useKin(node, k)
			return
		}
		p.problems = append(p.problems, unknownField(p.path, p.object, property.Value))
	default:
		full := name + "." + property.Value
		if f, ok := resolve(p.object, full); ok {
			p.use(node, f)
			return
		}
		if k, _ := p.related(full); k != nil {
			p.useKin(node, k)
			return
		}
		p.open = append(p.open, openName{node: n, name: full})
	}
}

func (p *patcher) slice(node *ast.Node, n *ast.SliceNode) {
	from, to := n.From, n.To
	if from == nil {
		from = &ast.IntegerNode{}
	}
	if to == nil {
		to = &ast.NilNode{}
	}
	k := p.lists[n.Node]
	ast.Patch(node, step("slice", n.Node, from, to))
	if k != nil {
		p.lists[*node] = k
	}
}

func (p *patcher) call(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		p.close(n.Callee)
		p.problemf("only a function can be called")
		return
	}
	name, _ := p.close(callee)
	if field, ok := p.fieldOf(callee); ok {
		name = field.Name // a field and a function of one name: a call means the function
		p.uses = slices.DeleteFunc(p.uses, func(f record.Field) bool { return f.Name == field.Name })
	}
	s, ok := steps()[name]
	switch {
	case !ok || s.hidden:
		p.problems = append(p.problems, Problem{
			Path: p.path, Text: fmt.Sprintf("there is no function %q", name), Near: nearest(name, Functions()),
		})
	case len(n.Arguments) < s.least || s.most >= 0 && len(n.Arguments) > s.most:
		p.problemf("%s takes %s, not %d", name, argumentsText(s.least, s.most), len(n.Arguments))
	case p.kinCall(node, name, n.Arguments):
	case name == "partners":
		p.noPartners()
	case name == "convert":
		p.convert(node, n.Arguments)
	default:
		ast.Patch(node, step(name, n.Arguments...))
	}
}

func argumentsText(least, most int) string {
	switch {
	case most == 1 && least == 1:
		return "1 argument"
	case least == most:
		return fmt.Sprintf("%d arguments", least)
	case most < 0:
		return fmt.Sprintf("at least %d arguments", least)
	default:
		return fmt.Sprintf("%d to %d arguments", least, most)
	}
}

// loops are the library's functions over lists that are kept as they are; the body of
// each is one of our steps, so that it is counted.
func loops() []string {
	return []string{"all", "any", "none", "one", "filter", "find", "count", "map"}
}

func (p *patcher) loop(node *ast.Node, n *ast.BuiltinNode) {
	if n.Name == "sum" { // the library's own would add floats
		inner := n.Arguments[0]
		if len(n.Arguments) == 2 {
			var mapped ast.Node = &ast.BuiltinNode{Name: "map", Arguments: n.Arguments}
			p.Visit(&mapped)
			inner = mapped
		}
		ast.Patch(node, step("sum", inner))
		return
	}
	if !slices.Contains(loops(), n.Name) {
		p.problems = append(p.problems, Problem{
			Path: p.path, Text: fmt.Sprintf("there is no function %q", n.Name), Near: nearest(n.Name, Functions()),
		})
		return
	}
	p.bodies(n)
	for i, arg := range n.Arguments {
		body, ok := arg.(*ast.PredicateNode)
		switch {
		case !ok:
			n.Arguments[i] = step("list", arg)
		case n.Name == "map":
			body.Node = step("tick", body.Node)
		default:
			body.Node = step("truth", body.Node)
		}
	}
}

func (p *patcher) unary(node *ast.Node, n *ast.UnaryNode) {
	switch n.Operator {
	case "not", "!":
		n.Node = step("truth", n.Node)
	case "-":
		ast.Patch(node, step("neg", n.Node))
	case "+":
		ast.Patch(node, step("number", n.Node))
	default:
		p.problemf("the operator %s is not possible", n.Operator)
	}
}

func (p *patcher) binary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		n.Left, n.Right = step("truth", n.Left), step("truth", n.Right)
	case "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "contains", "startsWith", "endsWith", "in", "??":
		ast.Patch(node, step(n.Operator, n.Left, n.Right))
	case "matches":
		p.matches(node, n)
	default:
		p.problemf("the operator %s is not possible", n.Operator)
	}
}

// matches compiles the pattern once; Go's patterns need no more time than the text is long.
func (p *patcher) matches(node *ast.Node, n *ast.BinaryNode) {
	pattern, ok := n.Right.(*ast.StringNode)
	if !ok {
		p.problemf("the pattern after matches must be written out")
		return
	}
	re, err := regexp.Compile(pattern.Value)
	if err != nil {
		p.problemf("the pattern after matches is none: %v", err)
		return
	}
	ast.Patch(node, step("matches", n.Left, &ast.ConstantNode{Value: re}))
}
