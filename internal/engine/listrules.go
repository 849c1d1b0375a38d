package engine

import (
	"slices"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// byRules lets rules of lists decide about the lists that they name, and about no others: those
// on which the rules do not put the record are left, also at a first match, and whatever else
// people put it on stays (R12). It goes with the record's other fields, in one write.
func byRules(f mappingField, in *merge.Field) {
	if len(f.Lists) == 0 {
		return
	}
	for _, side := range record.Sides() {
		c := &in.Cells[side]
		switch {
		case f.Computed(side):
			if !c.HasBase && c.Known {
				c.Base, c.HasBase = record.Text("no agreement"), true // which no list equals
			}
			c.SentBase = without(f.Lists, c.Sent) // as if the record had been on all others
		case !c.HasBase && c.Known:
			c.Base, c.HasBase = c.Value, true
		}
	}
}

// without are the lists that a value does not name.
func without(lists []string, v record.Value) record.Value {
	on := idsOf(v)
	return record.Texts(slices.DeleteFunc(slices.Clone(lists), func(list string) bool { return slices.Contains(on, list) })...)
}
