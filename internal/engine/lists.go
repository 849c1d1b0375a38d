package engine

import (
	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// keyedBy says how the elements of a mapped list are told apart on either side: by their
// natural key in its normal form (R12). It is empty for what is no such list.
func keyedBy(f mappingField, country string) [2]merge.Keyed {
	var k [2]merge.Keyed
	for _, side := range record.Sides() {
		name := f.Natural[side]
		if name == "" {
			return [2]merge.Keyed{}
		}
		elem, _ := fieldOn(f, side).Natural()
		k[side] = merge.Keyed{Name: name, Key: func(v record.Value) string {
			if normal := record.Normal(elem, v, country); normal != "" {
				return normal
			}
			return record.NormalText(v.Text()) // no number that could be: then it is what people wrote
		}}
	}
	return k
}
