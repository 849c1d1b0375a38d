package record

// A Side is one of the two ends of a sync.
type Side uint8

// The sides.
const (
	Left Side = iota
	Right
)

// Sides are both sides in order, to range over.
func Sides() [2]Side { return [2]Side{Left, Right} }

// Other returns the opposite side.
func (s Side) Other() Side { return 1 - s }

// String returns "left" or "right".
func (s Side) String() string {
	if s == Left {
		return "left"
	}
	return "right"
}
