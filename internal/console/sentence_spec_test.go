package console

import "go/ast"

// specSinks are the rows of what systems say of themselves before one connects, and of the
// facts that an administrator sees afterwards.
func specSinks() []sink {
	var all []sink
	for _, what := range []string{".Help", "Help.Label", ".Notes", "specNotes()", "const fact"} {
		all = append(all, sink{"specs", "systems/...", what, 0})
	}
	return append(all, sink{"specs", "systems/...", "Facts[]", 0}, sink{"specs", "systems/...", "f[]", 0}, sink{"specs", "systems/brevo", "f =", 0})
}

// listed puts in place of a list that is written out in a description what it holds.
func (k sink) listed(all []ast.Expr) []ast.Expr {
	if k.file != "specs" {
		return all
	}
	var found []ast.Expr
	for _, x := range all {
		list, is := x.(*ast.CompositeLit)
		if !is {
			found = append(found, x)
			continue
		}
		for _, e := range list.Elts {
			if pair, is := e.(*ast.KeyValueExpr); is {
				e = pair.Value
			}
			found = append(found, e)
		}
	}
	return found
}

// keysOf are the keys of a map that is written out.
func keysOf(x ast.Expr) []ast.Expr {
	var found []ast.Expr
	if list, is := x.(*ast.CompositeLit); is {
		for _, e := range list.Elts {
			if pair, is := e.(*ast.KeyValueExpr); is {
				found = append(found, pair.Key)
			}
		}
	}
	return found
}
