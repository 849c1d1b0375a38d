package plan

import (
	"errors"
	"strings"
)

// A NewSync is what a sync is written down from.
type NewSync struct {
	Name      string
	Ends      [2]Endpoint
	Direction string
	Prefer    string
	Delete    string // one word for both sides
	Match     [][2]string
	Fields    []NewField // nil = all common ones
	Schedule  string     // "" = by hand only
}

// A NewField is one entry of a new sync's fields.
type NewField struct {
	Left, Right string
	Direction   string // "" = that of the sync
}

// YAML writes the sync as an entry of syncs, so many blanks from the edge.
func (n NewSync) YAML(indent int) string {
	w := starter{}
	w.line(indent, n.Name+":")
	in := indent + 2
	w.line(in, "left: "+quoted(n.Ends[0].String()))
	w.line(in, "right: "+quoted(n.Ends[1].String()))
	w.line(in, "direction: "+quoted(n.Direction))
	for _, x := range [][2]string{{"prefer", n.Prefer}, {"delete", n.Delete}, {"schedule", n.Schedule}} {
		if x[1] != "" {
			w.line(in, x[0]+": "+quoted(x[1]))
		}
	}
	if len(n.Match) > 0 {
		w.line(in, "match:")
		for _, m := range n.Match {
			w.line(in, "  - "+bothOrOne(m[0], m[1], ""))
		}
	}
	if len(n.Fields) > 0 {
		w.line(in, "fields:")
		for _, f := range n.Fields {
			w.line(in, "  - "+bothOrOne(f.Left, f.Right, f.Direction))
		}
	}
	return w.b.String()
}

// bothOrOne writes a pair of names; one that both sides share stands alone.
func bothOrOne(left, right, direction string) string {
	if left == right && direction == "" {
		return quoted(left)
	}
	s := "{ left: " + inBraces(left) + ", right: " + inBraces(right)
	if direction != "" {
		s += ", direction: " + inBraces(direction)
	}
	return s + " }"
}

// inBraces is quoted for a value between braces, where a colon ends a key.
func inBraces(s string) string {
	if q := quoted(s); !strings.ContainsAny(q, ":") || strings.HasPrefix(q, `"`) {
		return q
	}
	return `"` + s + `"`
}

// ErrNoRoomForSync says that a document writes its syncs, or its connections, in a way to which none can
// be added without writing it anew, which would lose comments.
var ErrNoRoomForSync = errors.New("the document writes its entries in braces; edit it by hand")

// AddSync returns the document with one more sync, as its last. Everything else stays as it is,
// letter by letter: comments, too.
func AddSync(src []byte, n NewSync) ([]byte, error) { return addEntry(src, "syncs", n.YAML) }

// addEntry returns the document with one more entry in one of its sections, as its last.
func addEntry(src []byte, section string, entry func(indent int) string) ([]byte, error) {
	root, lines, err := linesOf(src)
	if err != nil {
		return nil, err
	}
	made := func(parts ...string) []byte { return []byte(WithBreaksOf(string(src), strings.Join(parts, ""))) }
	at, next := sectionOf(root, lines, section)
	if at < 0 {
		return made(strings.Join(lines, ""), section, ":\n", entry(2)), nil
	}
	found := root.pairs[at]
	indent := 2
	switch {
	case isNothing(found, lines, section):
		head := section + ":" + trailing(lines[found.line-1]) + "\n"
		return made(strings.Join(lines[:found.line-1], ""), head, strings.Join(lines[found.line:next], ""), entry(indent), strings.Join(lines[next:], "")), nil
	case found.value.shape == shapeNull && strings.TrimSpace(withoutComment(lines[found.line-1])) == section+":":
	case inLines(found, lines):
		indent = found.value.pairs[0].column - 1
	default:
		return nil, ErrNoRoomForSync
	}
	return made(strings.Join(lines[:next], ""), entry(indent), strings.Join(lines[next:], "")), nil
}

// isNothing reports whether a section is written as a pair of braces with nothing between them.
func isNothing(found pair, lines []string, section string) bool {
	text := strings.ReplaceAll(strings.TrimSpace(withoutComment(lines[found.line-1])), " ", "")
	return found.value.shape == shapeMap && len(found.value.pairs) == 0 && text == section+":{}"
}

// linesOf reads a document, and takes it apart into its lines.
func linesOf(src []byte) (node, []string, error) {
	r := &reader{}
	root, ok := r.document(src)
	if !ok || r.finish().HasErrors() {
		return root, nil, r.finish()
	}
	return root, splitLines(src), nil
}

// sectionOf returns the place of a section among those of the document, -1 if it has none, and the
// line before which its last entry ends.
func sectionOf(root node, lines []string, section string) (at, next int) {
	at, next = -1, len(lines)
	for i, p := range root.pairs {
		if p.key != section {
			continue
		}
		at = i
		if i+1 < len(root.pairs) {
			next = root.pairs[i+1].line - 1
		}
	}
	for at >= 0 && next > root.pairs[at].line && apart(lines[next-1]) {
		next--
	}
	return at, next
}

// inLines reports whether a section's entries begin on lines of their own.
func inLines(section pair, lines []string) bool {
	return section.value.shape == shapeMap && len(section.value.pairs) > 0 && section.value.pairs[0].line > section.line && !strings.Contains(lines[section.line-1], "{")
}

// apart reports whether a line belongs to what follows it: it is blank, or a comment at the edge.
func apart(line string) bool { return strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") }

func withoutComment(line string) string {
	before, _, _ := strings.Cut(line, "#")
	return before
}

// IsSyncName reports whether s can name a sync.
func IsSyncName(s string) bool { return validName(s) }
