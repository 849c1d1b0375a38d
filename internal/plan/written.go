package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A WrittenSync is what the document says of how a sync maps, as it stands there: no default is
// filled in and no variable expanded.
type WrittenSync struct {
	Ends      [2]string
	Direction string // "" = it is not written, as below
	Prefer    string
	Delete    [2]string       // by side
	Match     [][][2]string   // keys, and the parts of each, by side; nil = it is not written
	Fields    []WrittenField  // nil = they are not written, which means all common ones
	Lists     bool            // there are rules of lists, which are fields, too
	Lines     map[string]Span // where the values stand, by key: "match[0]"
}

// A WrittenField is an entry of a sync's fields.
type WrittenField struct {
	At          int // which of the document's entries it is, from 1; 0 = a new one
	All         bool
	Left, Right string
	From        string
	Direction   string
	Prefer      string
	Enforce     string
	Values      [][2]string // left value and right value
	Span        Span
}

// A Span is a range of lines, from 1, both within it.
type Span struct{ First, Last int }

// Holds reports whether a line is in the range.
func (s Span) Holds(line int) bool { return s.First > 0 && line >= s.First && line <= s.Last }

// ErrOddSync says that a sync is written in a way that cannot be changed here without writing it
// anew, which would lose comments.
var ErrOddSync = errors.New("the document writes this sync in a way that cannot be changed here; edit its text")

// ErrNoSuchSync says that the document has no sync of that name.
var ErrNoSuchSync = errors.New("the document has no such sync")

// WrittenSyncOf reads what the document says of a sync.
func WrittenSyncOf(src []byte, name string) (WrittenSync, error) {
	_, w, err := openSheet(src, name)
	return w, err
}

// openSheet takes the document apart for one sync.
func openSheet(src []byte, name string) (*sheet, WrittenSync, error) {
	r := &reader{}
	root, ok := r.document(src)
	if !ok || r.finish().HasErrors() {
		return nil, WrittenSync{}, r.finish()
	}
	all, _ := root.get("syncs")
	i := slices.IndexFunc(all.pairs, func(p pair) bool { return p.key == name })
	if i < 0 {
		return nil, WrittenSync{}, ErrNoSuchSync
	}
	s := &sheet{root: root, lines: splitLines(src), sync: all.pairs[i]}
	w, err := s.written()
	if err != nil {
		return nil, WrittenSync{}, err
	}
	return s, w, nil
}

// splitLines takes a document apart into its lines, each with its line break, of one byte; what is put
// together from them goes through WithBreaksOf.
func splitLines(src []byte) []string {
	text := withoutBreaks(string(src))
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	lines := strings.SplitAfter(text, "\n")
	return lines[:len(lines)-1] // what is after the last line break is nothing
}

// written reads the sync. What is not of the shape that the grammar has is not for forms.
func (s *sheet) written() (WrittenSync, error) {
	w := WrittenSync{Lines: map[string]Span{}}
	for _, p := range s.sync.value.pairs {
		into := map[string]*string{"left": &w.Ends[0], "right": &w.Ends[1], "direction": &w.Direction, "prefer": &w.Prefer}[p.key]
		var err error
		switch {
		case into != nil:
			*into, err = scalar(p.value)
		case p.key == "delete":
			w.Delete, err = writtenDelete(p.value)
		case p.key == "match":
			w.Match, err = s.writtenMatch(p.value, w.Lines)
		case p.key == "fields":
			w.Fields, err = s.writtenFields(p.value)
		case p.key == "lists":
			w.Lists = true
		}
		if err != nil {
			return w, err
		}
		w.Lines[p.key] = s.spanOf(p)
	}
	return w, nil
}

func scalar(n node) (string, error) {
	if n.shape != shapeScalar {
		return "", fmt.Errorf("%w (line %d)", ErrOddSync, n.line)
	}
	return n.text, nil
}

// bySide reads a map of left and right.
func bySide(n node) (both [2]string, err error) {
	for _, p := range n.pairs {
		switch p.key {
		case "left":
			both[0], err = scalar(p.value)
		case "right":
			both[1], err = scalar(p.value)
		default:
			err = fmt.Errorf("%w (line %d)", ErrOddSync, p.line)
		}
		if err != nil {
			return both, err
		}
	}
	return both, nil
}

func writtenDelete(n node) ([2]string, error) {
	if n.shape == shapeMap {
		return bySide(n)
	}
	word, err := scalar(n)
	return [2]string{word, word}, err
}

func (s *sheet) writtenMatch(n node, lines map[string]Span) ([][][2]string, error) {
	items := []node{n}
	if n.shape == shapeList {
		items = n.items
	}
	var keys [][][2]string
	for i, item := range items {
		parts := []node{item}
		if item.shape == shapeList {
			parts = item.items
		}
		var key [][2]string
		for _, p := range parts {
			if p.shape == shapeMap {
				both, err := bySide(p)
				if err != nil {
					return nil, err
				}
				key = append(key, both)
				continue
			}
			name, err := scalar(p)
			if err != nil {
				return nil, err
			}
			key = append(key, [2]string{name, name})
		}
		lines[fmt.Sprintf("match[%d]", i)] = Span{item.line, item.line}
		keys = append(keys, key)
	}
	return keys, nil
}

func (s *sheet) writtenFields(n node) ([]WrittenField, error) {
	if n.shape != shapeList {
		return nil, fmt.Errorf("%w (line %d)", ErrOddSync, n.line)
	}
	fields := make([]WrittenField, 0, len(n.items))
	for i, item := range n.items {
		f, err := writtenField(item)
		if err != nil {
			return nil, err
		}
		f.At = i + 1
		f.Span = s.spanOfItem(n, i)
		fields = append(fields, f)
	}
	return fields, nil
}

func writtenField(n node) (WrittenField, error) {
	var f WrittenField
	if n.shape != shapeMap {
		name, err := scalar(n)
		if name == "*" {
			return WrittenField{All: true}, err
		}
		return WrittenField{Left: name, Right: name}, err
	}
	for _, p := range n.pairs {
		into := f.texts()[p.key]
		var err error
		switch {
		case into != nil:
			*into, err = scalar(p.value)
		case p.key == "values" && p.value.shape == shapeMap:
			for _, v := range p.value.pairs {
				var text string
				if text, err = scalar(v.value); err != nil {
					break
				}
				f.Values = append(f.Values, [2]string{v.key, text})
			}
		default:
			err = fmt.Errorf("%w (line %d)", ErrOddSync, p.line)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// fieldTexts are the keys of an entry that have one text, in the order in which they are written.
func fieldTexts() []string {
	return []string{"left", "right", "from", "direction", "prefer", "enforce"}
}

// texts are where an entry has them.
func (f *WrittenField) texts() map[string]*string {
	return map[string]*string{"left": &f.Left, "right": &f.Right, "from": &f.From, "direction": &f.Direction, "prefer": &f.Prefer, "enforce": &f.Enforce}
}

// Same reports whether two entries say the same, wherever they stand.
func (f WrittenField) Same(g WrittenField) bool {
	mine, other := f.texts(), g.texts()
	for _, key := range fieldTexts() {
		if *mine[key] != *other[key] {
			return false
		}
	}
	return f.All == g.All && slices.Equal(sortedValues(f.Values), sortedValues(g.Values))
}

// sortedValues are rows of a map of values, which has no order.
func sortedValues(values [][2]string) [][2]string {
	return slices.SortedFunc(slices.Values(values), func(a, b [2]string) int { return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1])) })
}

// same reports whether two syncs say the same of what can be changed.
func (w WrittenSync) same(x WrittenSync) bool {
	return w.Direction == x.Direction && w.Prefer == x.Prefer && w.Delete == x.Delete && sameMatch(w.Match, x.Match) && sameFields(w.Fields, x.Fields)
}

func sameMatch(a, b [][][2]string) bool {
	return slices.EqualFunc(a, b, slices.Equal[[][2]string])
}

func sameFields(a, b []WrittenField) bool { return slices.EqualFunc(a, b, WrittenField.Same) }
