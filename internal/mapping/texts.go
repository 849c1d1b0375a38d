package mapping

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/tandemhub/tandem/record"
)

// warnOfText tells before the first run of an expression that comes to a text, as the schemas
// say, for a field that holds few texts only: each record would be a question of its own.
func (c *compiler) warnOfText(e Entry, to record.Side, target record.Field) {
	such := map[record.Kind]string{
		record.KindDate: "a day such as 2026-11-21", record.KindDateTime: "a time such as 2026-11-21T14:30:00Z",
		record.KindNumber: "a number", record.KindMoney: "a number", record.KindBool: "true or false",
	}[target.Kind]
	if such == "" || !e.toward(to) {
		return
	}
	tree, err := parser.Parse(e.From)
	if err != nil || !c.isText(tree.Node, to.Other()) {
		return
	}
	c.warnf(e.path(to.String()), "%q is a %s and from comes to a text: of each record what is not %s is left out and shown; make %q a text where it was made, or name another field",
		target.Name, target.Kind, such, target.Name)
}

// isText reports whether an expression of a side comes to a text by its outermost part: a field
// of texts, of the record or of what it refers to, or a function that makes one of these.
func (c *compiler) isText(node ast.Node, side record.Side) bool {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		f, ok := resolve(c.object(side), n.Value)
		return ok && textual(f)
	case *ast.MemberNode:
		of, isName := n.Node.(*ast.IdentifierNode)
		field, isText := n.Property.(*ast.StringNode)
		return isName && isText && c.leadsToText(side, of.Value, field.Value)
	case *ast.CallNode:
		name, ok := n.Callee.(*ast.IdentifierNode)
		return ok && c.keepsText(name.Value, n.Arguments, side)
	case *ast.BuiltinNode: // those of the library that have the name of one of ours
		return c.keepsText(n.Name, n.Arguments, side)
	case *ast.BinaryNode:
		return n.Operator == "+" && c.isText(n.Left, side) && c.isText(n.Right, side)
	case *ast.ConditionalNode:
		return c.isText(n.Exp1, side) && c.isText(n.Exp2, side)
	default:
		return false
	}
}

// keepsText reports whether a function makes a text of a text, and is given one.
func (c *compiler) keepsText(name string, args []ast.Node, side record.Side) bool {
	return slices.Contains([]string{"upper", "lower", "trim", "trimPrefix", "trimSuffix", "replace"}, name) && len(args) > 0 && c.isText(args[0], side)
}

// leadsToText is about "org_id.name": a field of texts with a dot in its name, or of the object to
// which a reference leads.
func (c *compiler) leadsToText(side record.Side, reference, field string) bool {
	if f, ok := resolve(c.object(side), reference+"."+field); ok {
		return textual(f)
	}
	ref, ok := resolve(c.object(side), reference)
	i := slices.IndexFunc(c.in.Kin[side], func(o record.Object) bool { return ok && ref.To != "" && o.Name == ref.To })
	if i < 0 {
		return false
	}
	f, ok := resolve(c.in.Kin[side][i], field)
	return ok && textual(f)
}

func textual(f record.Field) bool {
	return f.Kind == record.KindText || f.Kind == record.KindEmail || f.Kind == record.KindPhone
}
