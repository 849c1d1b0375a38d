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

// certainKind is the kind of what an expression comes to, whatever the record, if its outermost
// part is one that can come to nothing else: a difference may be one of dates.
func certainKind(source string) (record.Kind, bool) {
	tree, err := parser.Parse(source)
	if err != nil {
		return "", false
	}
	kind := resultKind(tree.Node)
	if _, binary := tree.Node.(*ast.BinaryNode); binary && kind != record.KindBool {
		return "", false
	}
	return kind, kind == record.KindNumber || kind == record.KindBool
}

// holdsSome reports whether a field of a kind can hold any number, or any truth.
func holdsSome(field, value record.Kind) bool {
	switch field {
	case record.KindDate, record.KindDateTime:
		return false
	case record.KindBool:
		return value == record.KindBool
	default:
		return true
	}
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
