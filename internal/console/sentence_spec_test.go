package console

import "go/ast"

// specSinks are the rows of what systems say of themselves before one connects, and of the
// facts that an administrator sees afterwards.
func specSinks() []sink {
	var all []sink
	for _, what := range []string{".Help", "Help.Label", ".Notes", "specNotes()", "const fact"} {
		all = append(all, sink{"specs", "systems/...", what, 0})
	}
	all = append(all, processSinks()...)
	return append(all, sink{"specs", "systems/...", "Facts[]", 0}, sink{"specs", "systems/...", "f[]", 0}, sink{"specs", "systems/brevo", "f =", 0})
}

// processSinks are the rows of what the process says besides the engine. What of its messages
// no page shows is not among them: what to do is sent, and the pages have their own.
func processSinks() []sink {
	return []sink{
		{"hub", "internal/cli", ".What", 0}, {"hub", "internal/cli", "queued()", 0},
		{"hub", "internal/cli", "File.Text", 0}, {"hub", "internal/cli", "reread()", 0},
		{"hub", "internal/notify", ".What", 0}, {"hub", "internal/notify", "Deviates()", 0},
		{"hub", "internal/safe", "Error()", 0}, {"hub", "internal/safe", "append", 1},
		{"engine", "internal/engine", "putBack()", 0},
	}
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
