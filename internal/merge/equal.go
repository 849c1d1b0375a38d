package merge

import "github.com/tandemhub/tandem/record"

// Equal compares two values of one side as the merge does (R6): exactly, and those of a
// field that is merged per element without their order.
func Equal(set bool, a, b record.Value) bool {
	f := Field{Set: set}
	return f.equal(a, b)
}
