package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/store"
)

// Invariant 10: every kind of line that there is goes back, or says why not. The kinds are
// read from the source, so that a new one cannot be forgotten.
func TestInvariant10EveryKindOfLineGoesBackOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	kinds := entryKinds(t)
	if len(kinds) < 14 {
		t.Fatalf("%d kinds of lines were found in the source: %v", len(kinds), kinds)
	}
	for _, kind := range kinds {
		why := whyNot(kind)
		if strings.Contains(why, "does not know") || why == "" {
			t.Errorf("lines of kind %q are unknown to a revert: add them to TakesBack or whyNot", kind)
		}
		life, _ := lives(kind)
		handled := kind == store.Written || kind == store.Overruled || life || joins(kind)
		if TakesBack(kind) != handled {
			t.Errorf("%q: TakesBack says %t, and it is handled: %t", kind, TakesBack(kind), handled)
		}
	}
}

func entryKinds(t *testing.T) []store.EntryKind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../store/types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []store.EntryKind
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, named := v.Type.(*ast.Ident); !named || id.Name != "EntryKind" {
			return true
		}
		for _, x := range v.Values {
			if lit, ok := x.(*ast.BasicLit); ok {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					kinds = append(kinds, store.EntryKind(s))
				}
			}
		}
		return true
	})
	return kinds
}
