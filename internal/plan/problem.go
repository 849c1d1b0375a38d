package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Problem is one thing that is wrong with the file, or, as a warning, that may surprise.
// Its text holds no secret, wherever in the file that was written.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 = not known
	Text         string // lower case, no full stop
	Near         string // the word that was probably meant; "" = none
	Warning      bool
}

// String returns the problem as compilers write it, so that editors can jump to it:
// `tandem.yaml:12:5: unknown key "prefr"; did you mean "prefer"?`.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	for _, n := range []int{p.Line, p.Column} {
		if n == 0 {
			break
		}
		b.WriteString(":" + strconv.Itoa(n))
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Text)
	if p.Near != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Near)
	}
	return b.String()
}

// Problems are problems in file order. As an error they read one a line; an error is
// meant only if HasErrors says so, since warnings are problems too.
type Problems []Problem //nolint:errname // problems first, an error now and then

// Error returns all problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, 0, len(ps))
	for _, p := range ps {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// HasErrors reports whether anything but warnings is among them.
func (ps Problems) HasErrors() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning })
}

// maxProblems is how many are reported at once: who has more has one cause for many.
const maxProblems = 20

// sorted returns the problems in file order without repetitions, and no more than people
// can read: errors go before warnings when it comes to leaving some out.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	ps = slices.Compact(ps)
	if len(ps) <= maxProblems {
		return ps
	}
	errors := slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Warning })
	if len(errors) > 0 {
		ps = errors
	}
	if len(ps) <= maxProblems {
		return ps
	}
	rest := len(ps) - maxProblems
	ps = ps[:maxProblems]
	last := ps[maxProblems-1]
	return append(ps, Problem{File: last.File, Line: last.Line, Text: fmt.Sprintf("and %d more problems after this line", rest), Warning: last.Warning})
}

// a place is a position in the file, from 1; the zero place is not known.
type place struct{ line, column int }
