package mapping

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/tandemhub/tandem/record"
)

// Strange reports whether an expression over an object names something that is neither a field
// of it nor one of these objects, or looks into an object that is not among them. It may be a
// mistake, or an object of which nobody has asked yet.
func Strange(source string, o record.Object, among []record.Object) bool {
	tree, err := parser.Parse(source)
	if err != nil {
		return false // compiling it says what is wrong
	}
	s := &stranger{object: o, among: among, odd: map[ast.Node]bool{}}
	ast.Walk(&tree.Node, s)
	return len(s.odd) > 0
}

type stranger struct {
	object record.Object
	among  []record.Object
	odd    map[ast.Node]bool
}

// Visit implements ast.Visitor.
func (s *stranger) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value != "f" && !s.known(n.Value) {
			s.odd[n] = true
		}
	case *ast.CallNode:
		delete(s.odd, n.Callee) // the name of a function
	case *ast.MemberNode:
		name, isName := n.Property.(*ast.StringNode)
		of, isField := n.Node.(*ast.IdentifierNode)
		if !isName || !isField {
			return
		}
		if of.Value == "f" && !s.known(name.Value) {
			s.odd[n] = true
		}
		if f, ok := resolve(s.object, of.Value); ok && f.Kind == record.KindReference && f.To != "" && !s.has(f.To) {
			s.odd[n] = true
		}
	}
}

func (s *stranger) has(object string) bool {
	return slices.ContainsFunc(s.among, func(o record.Object) bool { return o.Name == object })
}

// known reports whether a name is a field or an object, or may be the beginning of one.
func (s *stranger) known(name string) bool {
	if _, ok := resolve(s.object, name); ok || s.has(name) {
		return true
	}
	return slices.ContainsFunc(s.object.Fields, func(f record.Field) bool { return strings.HasPrefix(f.Name, name+".") }) ||
		slices.ContainsFunc(s.among, func(o record.Object) bool {
			return strings.HasPrefix(o.Name, name+".") || strings.HasPrefix(name, o.Name+".")
		})
}
