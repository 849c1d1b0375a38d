package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fields are the known fields of a record by wire name. A name that is missing is
// absent: not asked for, not mapped or not translatable; a name with the zero
// [Value] is empty.
type Fields map[string]Value

// Clone returns a copy that shares no map with f.
func (f Fields) Clone() Fields { return maps.Clone(f) }

// Equal reports whether both hold the same names with the same values.
func (f Fields) Equal(g Fields) bool { return maps.EqualFunc(f, g, Value.Equal) }

// Names returns the names in order.
func (f Fields) Names() []string {
	return f.names(make([]string, 0, len(f)))
}

func (f Fields) names(into []string) []string {
	for name := range f {
		into = append(into, name)
	}
	slices.Sort(into)
	return into
}

// Append appends the canonical encoding of f to b and returns it: a JSON object with
// its names in order and no white space, in which a scalar is a string, the empty value
// null, a list an array and a struct an object. Equal fields have equal encodings.
func (f Fields) Append(b []byte) []byte {
	b = append(b, '{')
	var few [24]string // most records have no more, and then nothing is allocated
	for i, name := range f.names(few[:0]) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
		b = append(b, ':')
		b = f[name].append(b)
	}
	return append(b, '}')
}

// MarshalJSON returns the canonical encoding.
func (f Fields) MarshalJSON() ([]byte, error) { return f.Append(nil), nil }

// UnmarshalJSON reads the canonical encoding, and any other JSON of its shape.
func (f *Fields) UnmarshalJSON(b []byte) error {
	got, err := DecodeFields(b)
	if err != nil {
		return err
	}
	*f = got
	return nil
}

// MarshalJSON returns the value's canonical encoding.
func (v Value) MarshalJSON() ([]byte, error) { return v.append(nil), nil }

// UnmarshalJSON reads the canonical encoding, and any other JSON of its shape.
func (v *Value) UnmarshalJSON(b []byte) error {
	d := decoder{in: string(b)}
	got, err := d.value()
	if err != nil {
		return err
	}
	if d.space(); d.at != len(b) {
		return d.fail("something follows the value")
	}
	*v = got
	return nil
}

func (v Value) append(b []byte) []byte {
	switch v.shape() {
	case shapeScalar:
		return appendString(b, v.text)
	case shapeList:
		b = append(b, '[')
		for i, item := range v.more.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.append(b)
		}
		return append(b, ']')
	case shapeGroup:
		return v.more.group.Append(b)
	default:
		return append(b, "null"...)
	}
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string; only what JSON demands is escaped, and bytes that
// are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		if from = i + 1; c < 0x20 {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			b = append(b, '\\', c)
		}
	}
	return append(append(b, s[from:]...), '"')
}

// DecodeFields reads the encoding that [Fields.Append] writes. The mirror reads every
// record back through it, several times faster than through reflection; the meaning is
// encoding/json's, which the fuzz test holds it against.
func DecodeFields(b []byte) (Fields, error) {
	d := decoder{in: string(b)}
	f, err := d.object()
	if err != nil {
		return nil, err
	}
	if d.space(); d.at != len(b) {
		return nil, d.fail("something follows the object")
	}
	return f, nil
}

// maxDepth bounds the recursion: no vendor nests fields deeper than a line item's list.
const maxDepth = 32

// A decoder reads one text. Names and values are parts of it, so that a record costs one
// allocation for all its texts.
type decoder struct {
	in    string
	at    int
	depth int
}

var errFields = errors.New("not the encoding of fields")

func (d *decoder) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", errFields, what, d.at)
}

func (d *decoder) space() {
	for d.at < len(d.in) && (d.in[d.at] == ' ' || d.in[d.at] == '\n' || d.in[d.at] == '\t' || d.in[d.at] == '\r') {
		d.at++
	}
}

// next skips white space and takes c if it is there.
func (d *decoder) next(c byte) bool {
	d.space()
	if d.at < len(d.in) && d.in[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *decoder) word(w string) bool {
	if strings.HasPrefix(d.in[d.at:], w) {
		d.at += len(w)
		return true
	}
	return false
}

func (d *decoder) object() (Fields, error) {
	if d.depth++; d.depth > maxDepth {
		return nil, d.fail("too deep")
	}
	defer func() { d.depth-- }()
	if !d.next('{') {
		return nil, d.fail("no object")
	}
	f := make(Fields, d.size())
	if d.next('}') {
		return f, nil
	}
	for {
		d.space()
		name, err := d.text()
		if err != nil {
			return nil, err
		}
		if !d.next(':') {
			return nil, d.fail("no colon")
		}
		if f[name], err = d.value(); err != nil {
			return nil, err
		}
		if d.next('}') {
			return f, nil
		}
		if !d.next(',') {
			return nil, d.fail("no comma")
		}
	}
}

// size guesses how many fields an object has, so that its map seldom grows.
func (d *decoder) size() int {
	if d.depth > 1 {
		return 4
	}
	const usual = 40 // bytes of a field
	return min(4+len(d.in)/usual, 64)
}

func (d *decoder) value() (Value, error) {
	d.space()
	if d.at == len(d.in) {
		return Value{}, d.fail("no value")
	}
	switch d.in[d.at] {
	case '"':
		s, err := d.text()
		return Text(s), err
	case '[':
		return d.list()
	case '{':
		f, err := d.object()
		return Struct(f), err
	}
	if d.word("null") {
		return Value{}, nil
	}
	return Value{}, d.fail("a value is text, a list, a struct or null")
}

func (d *decoder) list() (Value, error) {
	if d.depth++; d.depth > maxDepth {
		return Value{}, d.fail("too deep")
	}
	defer func() { d.depth-- }()
	d.at++
	var items []Value
	if d.next(']') {
		return Value{}, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return Value{}, err
		}
		items = append(items, v)
		if d.next(']') {
			return List(items...), nil
		}
		if !d.next(',') {
			return Value{}, d.fail("no comma")
		}
	}
}

// text reads a JSON string; one with escapes is left to encoding/json.
func (d *decoder) text() (string, error) {
	if d.at == len(d.in) || d.in[d.at] != '"' {
		return "", d.fail("no text")
	}
	plain := true
	for i := d.at + 1; i < len(d.in); i++ {
		switch c := d.in[i]; {
		case c == '\\':
			plain = false
			i++
		case c < 0x20:
			return "", d.fail("a control character in a text")
		case c == '"':
			raw := d.in[d.at : i+1]
			d.at = i + 1
			if plain && utf8.ValidString(raw) {
				return raw[1 : len(raw)-1], nil
			}
			var s string
			if err := json.Unmarshal([]byte(raw), &s); err != nil {
				return "", fmt.Errorf("%w: %w", errFields, err)
			}
			return s, nil
		}
	}
	return "", d.fail("a text without an end")
}
