package mapping

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/tandemhub/tandem/record"
)

// ResultKind is the kind of the field that would hold what an expression comes to, as far as
// its outermost part tells: text, if it tells nothing.
func ResultKind(source string) record.Kind {
	tree, err := parser.Parse(source)
	if err != nil {
		return record.KindText // compiling it says what is wrong
	}
	return resultKind(tree.Node)
}

func resultKind(node ast.Node) record.Kind {
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return record.KindNumber
	case *ast.BoolNode:
		return record.KindBool
	case *ast.BuiltinNode:
		return called(n.Name)
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			return called(name.Value)
		}
	case *ast.ConditionalNode:
		if kind := resultKind(n.Exp1); kind == resultKind(n.Exp2) {
			return kind
		}
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return record.KindBool
		}
		return record.KindNumber
	case *ast.BinaryNode:
		switch {
		case slices.Contains([]string{"==", "!=", "<", "<=", ">", ">=", "in", "and", "or", "&&", "||", "contains", "startsWith", "endsWith", "matches"}, n.Operator):
			return record.KindBool
		case slices.Contains([]string{"-", "*", "/", "%", "**", "^"}, n.Operator):
			return record.KindNumber
		case n.Operator == "+" && resultKind(n.Left) == record.KindNumber && resultKind(n.Right) == record.KindNumber:
			return record.KindNumber
		}
	}
	return record.KindText
}

// called is the kind of what a function returns.
func called(function string) record.Kind {
	switch {
	case slices.Contains([]string{"count", "sum", "len", "round", "convert", "abs", "ceil", "floor", "int", "float", "mean", "median"}, function):
		return record.KindNumber
	case slices.Contains([]string{"any", "all", "one", "none"}, function):
		return record.KindBool
	default:
		return record.KindText
	}
}
