package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// resolve finds a field by its wire name, else by its common name.
func resolve(o record.Object, name string) (record.Field, bool) {
	if f, ok := o.Field(name); ok {
		return f, true
	}
	return o.ByCommon(name)
}

// unknownField is the problem of a name that the object does not have.
func unknownField(path string, o record.Object, name string) Problem {
	if name == "" {
		return Problem{Path: path, Text: "a field name is missing"}
	}
	return Problem{Path: path, Text: fmt.Sprintf("%s has no field %q", o.Name, name), Near: nearest(name, fieldNames(o))}
}

// fieldNames are all names by which a field of the object can be called.
func fieldNames(o record.Object) []string {
	var names []string
	for _, f := range o.Fields {
		if f.Key {
			continue
		}
		names = append(names, f.Name)
		if f.Common != "" {
			names = append(names, f.Common)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// nearest returns the word that was most likely meant, "" if none is near enough: one
// mistake in a short word, two in a longer one, one in three letters of a long one.
func nearest(word string, words []string) string {
	best, least := "", max(2, len([]rune(word))/3)+1
	if len([]rune(word)) <= 3 {
		least = 2
	}
	lower := strings.ToLower(word)
	for _, w := range words {
		d := distance(lower, strings.ToLower(w))
		if d < least && d < len([]rune(w)) {
			best, least = w, d
		}
	}
	return best
}

// distance is Levenshtein's: how many letters must be put in, left out or exchanged.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range y {
			cost := 1
			if r == s {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}
