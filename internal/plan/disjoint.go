package plan

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// A verdict says whether two filters let one record through both.
type verdict int

const (
	overlapping verdict = iota // one has no filter, or both have the same
	perhaps                    // it cannot be seen
	disjoint                   // no record passes both
)

// Disjoint reports whether it can be seen that no record passes both filters of an object.
func Disjoint(a, b string) bool { return filters(a, b) == disjoint }

// filters compares two filters of the same object. It sees what people write to part an
// object: tests for equality joined by "and"; for anything else it says perhaps.
func filters(a, b string) verdict {
	if a == "" || b == "" || a == b {
		return overlapping
	}
	fa, okA := factsOf(a)
	fb, okB := factsOf(b)
	if !okA || !okB {
		return perhaps
	}
	for what, x := range fa {
		if y, both := fb[what]; both && x.excludes(y) {
			return disjoint
		}
	}
	return perhaps
}

// A fact is what a filter demands of one term: one of some values, or none of some.
type fact struct {
	oneOf  []string // nil = any
	noneOf []string
}

// excludes reports whether no value satisfies both.
func (f fact) excludes(g fact) bool {
	if f.oneOf == nil {
		f, g = g, f
	}
	if f.oneOf == nil {
		return false
	}
	for _, v := range f.oneOf {
		if (g.oneOf == nil || slices.Contains(g.oneOf, v)) && !slices.Contains(g.noneOf, v) && !slices.Contains(f.noneOf, v) {
			return false
		}
	}
	return true
}

// factsOf returns what must hold for a filter to pass, by term as it is printed.
func factsOf(filter string) (facts map[string]fact, ok bool) {
	tree, err := parser.Parse(filter)
	if err != nil {
		return nil, false // reported where the filter is compiled
	}
	facts = make(map[string]fact)
	gather(tree.Node, facts)
	return facts, true
}

// gather adds the facts of an expression that must be true.
func gather(n ast.Node, facts map[string]fact) {
	switch x := n.(type) {
	case *ast.BinaryNode:
		switch x.Operator {
		case "&&", "and":
			gather(x.Left, facts)
			gather(x.Right, facts)
		case "==", "!=":
			term, value, ok := comparison(x)
			if ok {
				demand(facts, term, x.Operator == "==", value)
			}
		case "in":
			if values, ok := literals(x.Right); ok {
				demand(facts, x.Left.String(), true, values...)
			}
		}
	case *ast.UnaryNode:
		if x.Operator == "not" || x.Operator == "!" {
			gatherNot(x.Node, facts)
		}
	case *ast.IdentifierNode, *ast.MemberNode:
		demand(facts, n.String(), true, "true")
	}
}

// gatherNot adds the facts of an expression that must be false.
func gatherNot(n ast.Node, facts map[string]fact) {
	switch x := n.(type) {
	case *ast.BinaryNode:
		switch x.Operator {
		case "==", "!=":
			if term, value, ok := comparison(x); ok {
				demand(facts, term, x.Operator == "!=", value)
			}
		case "in":
			if values, ok := literals(x.Right); ok {
				demand(facts, x.Left.String(), false, values...)
			}
		}
	case *ast.UnaryNode:
		if x.Operator == "not" || x.Operator == "!" {
			gather(x.Node, facts)
		}
	case *ast.IdentifierNode, *ast.MemberNode:
		demand(facts, n.String(), false, "true")
	}
}

// comparison takes a term and the literal that it is compared with, in either order.
func comparison(x *ast.BinaryNode) (term, value string, ok bool) {
	if v, is := literal(x.Right); is {
		return x.Left.String(), v, true
	}
	if v, is := literal(x.Left); is {
		return x.Right.String(), v, true
	}
	return "", "", false
}

// literal returns a constant as its text: fields are text, whatever it looks like.
func literal(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.String(), true
	default:
		return "", false
	}
}

func literals(n ast.Node) ([]string, bool) {
	array, ok := n.(*ast.ArrayNode)
	if !ok {
		return nil, false
	}
	values := []string{}
	for _, item := range array.Nodes {
		v, is := literal(item)
		if !is {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// demand joins a further demand on a term to what is known of it.
func demand(facts map[string]fact, term string, positive bool, values ...string) {
	f := facts[term]
	switch {
	case !positive:
		f.noneOf = append(f.noneOf, values...)
	case f.oneOf == nil:
		f.oneOf = append([]string{}, values...)
	default:
		f.oneOf = slices.DeleteFunc(f.oneOf, func(v string) bool { return !slices.Contains(values, v) })
	}
	facts[term] = f
}
