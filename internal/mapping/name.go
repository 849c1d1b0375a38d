package mapping

import (
	"strings"

	"github.com/tandemhub/tandem/record"
)

// FieldName returns what people call the field of a key ([Field.Key]): its name on one side, and where
// the other side calls it otherwise, that too: "name", or "mobile (phone in Dolibarr)". Without the
// other side's title it is "phone / mobile", left first.
func FieldName(key string, side record.Side, other string) string {
	left, right, both := strings.Cut(key, "=")
	own, theirs := left, right
	if side == record.Right {
		own, theirs = right, left
	}
	switch {
	case !both:
		return key
	case own == "":
		return theirs
	case theirs == "" || own == theirs:
		return own
	case other == "":
		return left + " / " + right
	default:
		return own + " (" + theirs + " in " + other + ")"
	}
}
