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

// ErrNoRoomForSync says that a document writes its syncs in a way to which none can be added
// without writing it anew, which would lose comments.
var ErrNoRoomForSync = errors.New("the document writes its syncs in braces; add the sync by hand")

// AddSync returns the document with one more sync, as its last. Everything else stays as it is,
// letter by letter: comments, too.
func AddSync(src []byte, n NewSync) ([]byte, error) {
	r := &reader{}
	root, ok := r.document(src)
	if !ok || r.finish().HasErrors() {
		return nil, r.finish()
	}
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1] // what is after the last line break is nothing
	at, next := -1, len(lines)
	for i, p := range root.pairs {
		if p.key != "syncs" {
			continue
		}
		at = i
		if i+1 < len(root.pairs) {
			next = root.pairs[i+1].line - 1
		}
	}
	if at < 0 {
		return []byte(text + "syncs:\n" + n.YAML(2)), nil
	}
	syncs := root.pairs[at]
	indent := 2
	switch {
	case syncs.value.shape == shapeNull && strings.TrimSpace(withoutComment(lines[syncs.line-1])) == "syncs:":
	case syncs.value.shape == shapeMap && len(syncs.value.pairs) > 0 && syncs.value.pairs[0].line > syncs.line && !strings.Contains(lines[syncs.line-1], "{"):
		indent = syncs.value.pairs[0].column - 1
	default:
		return nil, ErrNoRoomForSync
	}
	for next > syncs.line && apart(lines[next-1]) {
		next--
	}
	out := strings.Join(lines[:next], "") + n.YAML(indent) + strings.Join(lines[next:], "")
	return []byte(out), nil
}

// apart reports whether a line belongs to what follows it: it is blank, or a comment at the edge.
func apart(line string) bool { return strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") }

func withoutComment(line string) string {
	before, _, _ := strings.Cut(line, "#")
	return before
}

// IsSyncName reports whether s can name a sync.
func IsSyncName(s string) bool { return validName(s) }
