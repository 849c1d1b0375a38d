package plan

import (
	"fmt"
	"strings"
)

// AddConnection returns the document with one more connection, as its last: entry is its name and its
// settings, from the edge on. Everything else stays as it is, letter by letter.
func AddConnection(src []byte, entry string) ([]byte, error) {
	return addEntry(src, "connections", func(indent int) string {
		var b strings.Builder
		for line := range strings.Lines(entry) {
			b.WriteString(strings.Repeat(" ", indent) + line)
		}
		return b.String()
	})
}

// RemoveConnection returns the document without a connection. Comments stay but for those inside of
// it: nobody knows of what one above it tells.
func RemoveConnection(src []byte, name string) ([]byte, error) {
	root, lines, err := linesOf(src)
	if err != nil {
		return nil, err
	}
	at, next := sectionOf(root, lines, "connections")
	if at < 0 || !inLines(root.pairs[at], lines) {
		return nil, ErrNoRoomForSync
	}
	entries := root.pairs[at].value.pairs
	for i, p := range entries {
		if p.key != name {
			continue
		}
		if i+1 < len(entries) {
			next = entries[i+1].line - 1
		}
		for next > p.line && between(lines[next-1], p.column-1) {
			next--
		}
		if len(entries) == 1 { // a key with nothing behind it is no map
			head := root.pairs[at].line - 1
			lines[head] = "connections: {}" + trailing(lines[head]) + "\n"
		}
		return []byte(WithBreaksOf(string(src), strings.Join(lines[:p.line-1], "")+strings.Join(lines[next:], ""))), nil
	}
	return nil, fmt.Errorf("the document has no connection %q", name)
}

// between reports whether a line belongs to no entry: it is blank, or a comment that is not further
// inside than the entries are.
func between(line string, indent int) bool {
	text := strings.TrimLeft(line, " ")
	return strings.TrimSpace(line) == "" || strings.HasPrefix(text, "#") && len(line)-len(text) <= indent
}
