// Package mapping turns records of one object into records of another: it finds out which
// field is which, converts values, computes fields from expressions, filters, and makes
// the keys by which records of two sides are matched. It is pure: it reads no clock, does
// no I/O, and what it needs to know of other records it asks of a [Refs].
//
// A Mapping is compiled once from two schemas and the configured entries, and used for
// many records, by several goroutines at the same time:
//
//	m, problems := mapping.Compile(in)
//	for i := range m.Fields() {
//		own, known, err := m.Own(i, record.Left, rec.Fields, refs)
//		sent, known, err := m.Convert(i, record.Left, own, refs)
//	}
package mapping

import (
	"time"

	"github.com/tandemhub/tandem/record"
)

// An Entry is one item of a sync's "fields".
type Entry struct {
	Left, Right string            // names as written; one of both is "" if From is given
	From        string            // expression that computes the side that is named
	Values      map[string]string // left value to right value
	All         bool              // "*": all common fields of both sides
	Lists       []ListRule        `json:",omitempty"` // rules of lists; then the side that is named, if any, holds them

	LeftToRight, RightToLeft bool // the directions that are allowed, after defaults

	Index int // position in the file's list; -1 for implied ones
}

// A MatchKey is one way to recognise a pair; several parts make a compound key.
type MatchKey struct {
	Parts []MatchPart
}

// A MatchPart names one field on each side, as written.
type MatchPart struct {
	Left, Right string
}

// Input is all that a mapping is made from.
type Input struct {
	Left, Right record.Object
	Entries     []Entry            // nil: all common fields of both sides, in both directions
	Match       []MatchKey         // nil: the defaults of the common object
	Where       [2]string          // filter by side; "" lets everything pass
	Country     string             // ISO code of the country that phones without a prefix belong to
	Zones       [2]*time.Location  // zones of the accounts by side; nil is UTC
	Kin         [2][]record.Object // all objects of each side's account: those that refer to its object are arrays in expressions
	Rates       Rates              // what currencies are worth
	Events      []EventRule        // what is told to a side that takes events
	Takes       [2]bool            // whether a side's system takes events
	Ends        [2]string          // what the sides are called in problems with events

	// Links reports whether a sync links these two objects, so that references between
	// them can be translated. nil: none does.
	Links func(leftObject, rightObject string) bool
}

// A Problem is something in the configuration that cannot work, or, as a warning, that
// may surprise.
type Problem struct {
	Path    string // what it is about: "fields[2].left", "where.left", "match[0]"
	Text    string
	Near    string // the nearest right word; "" if none is near
	Warning bool
}

// A Field is one pair of fields that are kept in step.
type Field struct {
	Key             string // "left=right" by wire names; "=right" or "left=" where the other side is computed; unique
	Left, Right     record.Field
	ToRight, ToLeft bool // allowed, convertible and writable
	Set             bool // merged per element (R12)
	Consent         bool // merged so that a no is never weakened, and told both ways (R32)
	// Natural is, by side, the field of a list's elements by which they are found again on
	// the other side; "" where a list is one value.
	Natural [2]string
	// Lists are, of a field that rules of lists compute, the lists that they name: no other one
	// is ever taken away.
	Lists []string
	Entry int // Index of the entry it comes from; -1 if it is implied
}

// Computed reports whether the value of a side comes from an expression.
func (f Field) Computed(side record.Side) bool { return f.side(side).Name == "" }

// A Key is the value of one match key of a record.
type Key struct {
	Name  string // of the match key: the same on both sides
	Value string // "" if a part is empty or unusable, so that the record has no such key
	Free  bool   // the value is a free-mail domain, which is no key (R14)
}

// Refs answers what a mapping needs to know of other records.
type Refs interface {
	// Translate returns the id of the record that is linked to this one, whose object and
	// id are those of side from. It reports false if there is none.
	Translate(from record.Side, object, id string) (to string, ok bool)
	// Lookup returns the fields of a record of the mirror, for a dot after a reference.
	Lookup(side record.Side, object, id string) (record.Fields, bool)
}
