package dolibarrtwin

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A piece writes one value of a row. It appends nothing if the blank value stands.
type piece func(b []byte, t *Twin, r *row) []byte

// A segment is one key of the JSON of a record.
type segment struct {
	key   string
	blank string // JSON of the value when the row has none
	value piece  // nil: always the blank
}

// A shape is the JSON of an object's records: which keys, in which order, and which of
// them come from the row. Runs of keys that never change are kept joined, so that a page
// of 500 wide records is mostly copying.
type shape struct {
	segments []segment
	single   []chunk // GET of one
	listed   []chunk // rows of a list
}

// A chunk is constant text, then perhaps a value of the row.
type chunk struct {
	text  string
	blank string
	value piece
}

func newShape(t *table) *shape {
	s := &shape{}
	if t.shape != nil { // only extrafields were added
		s.segments = t.shape.segments
	} else {
		s.segments = parseShape(t.trait.shape)
	}
	values := t.pieces()
	for i := range s.segments {
		s.segments[i].value = values[s.segments[i].key]
	}
	s.single = join(s.segments)
	// Sums over a third party's discounts are worked out for a single one only.
	s.listed = join(slices.DeleteFunc(slices.Clone(s.segments), func(g segment) bool { return strings.HasPrefix(g.key, "absolute_") }))
	return s
}

// parseShape splits a JSON object into its keys and raw values, in order.
func parseShape(object string) []segment {
	d := json.NewDecoder(strings.NewReader(object))
	var segments []segment
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return segments
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return segments
		}
		name, _ := key.(string) // a key of an object always is one
		segments = append(segments, segment{key: name, blank: string(raw)})
	}
	return segments
}

func join(segments []segment) []chunk {
	var chunks []chunk
	var text strings.Builder
	text.WriteByte('{')
	for i, g := range segments {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(`"` + g.key + `":`)
		if g.value == nil {
			text.WriteString(g.blank)
			continue
		}
		chunks = append(chunks, chunk{text: text.String(), blank: g.blank, value: g.value})
		text.Reset()
	}
	text.WriteByte('}')
	return append(chunks, chunk{text: text.String()})
}

// only returns the chunks for the named keys, and the names that there are none for.
func (s *shape) only(names []string) ([]chunk, []string) {
	var chosen []segment
	for _, g := range s.segments {
		if slices.Contains(names, g.key) {
			chosen = append(chosen, g)
		}
	}
	var unknown []string
	for _, n := range names {
		if !slices.ContainsFunc(s.segments, func(g segment) bool { return g.key == n }) {
			unknown = append(unknown, n)
		}
	}
	return join(chosen), unknown
}

func (t *Twin) render(b []byte, chunks []chunk, r *row) []byte {
	for i := range chunks {
		c := &chunks[i]
		b = append(b, c.text...)
		if c.value == nil {
			continue
		}
		before := len(b)
		if b = c.value(b, t, r); len(b) == before {
			b = append(b, c.blank...)
		}
	}
	return b
}

// appendDay writes a date as the epoch of its midnight in PHP's zone.
func appendDay(b []byte, t *Twin, v string) []byte {
	if d, err := time.ParseInLocation(time.DateOnly, v, t.zone); err == nil {
		b = strconv.AppendInt(b, d.Unix(), 10)
	}
	return b
}

func (t *table) appendOptions(b []byte, tw *Twin, r *row) []byte {
	if len(t.extras) == 0 {
		return b
	}
	for i, x := range t.extras {
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, x.key...)
		b = append(b, `":`...)
		v := ""
		if r.extra != nil {
			v = r.extra[i]
		}
		switch {
		case v == "" && r.extra != nil && (x.kind == day || x.kind == moment):
			b = append(b, `""`...)
		case v == "":
			b = append(b, "null"...)
		case x.kind == day:
			b = appendDay(b, tw, v)
		case x.kind == moment:
			b = append(b, v...)
		default:
			b = appendText(b, v)
		}
	}
	return append(b, '}')
}

func appendQuotedInt(b []byte, n int64) []byte {
	b = append(b, '"')
	b = strconv.AppendInt(b, n, 10)
	return append(b, '"')
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return append(b, quoted(s)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// quoted writes any value as JSON without escaping what HTML would want escaped.
func quoted(v any) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}
