package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A sheet is a document's text of which lines are exchanged.
type sheet struct {
	root  node
	lines []string // each with its line break
	sync  pair
	cuts  []cut
}

// A cut puts lines in the place of those from one to before another, counted from 0.
type cut struct {
	from, to int
	put      []string
}

// depth is how deep the lines are: of those that come to one place the deeper belong to what stands
// before it.
func (c cut) depth() int {
	if len(c.put) == 0 {
		return 0
	}
	return len(indentOf(c.put[0]))
}

func (s *sheet) text() []byte {
	slices.SortStableFunc(s.cuts, func(a, b cut) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(b.depth(), a.depth()))
	})
	var b strings.Builder
	at := 0
	for _, c := range s.cuts {
		b.WriteString(strings.Join(s.lines[at:max(at, c.from)], ""))
		b.WriteString(strings.Join(c.put, ""))
		at = max(at, c.to)
	}
	b.WriteString(strings.Join(s.lines[at:], ""))
	return []byte(b.String())
}

// isBlock reports whether a key's value is a map with its keys in lines of their own.
func (s *sheet) isBlock(p pair) bool {
	return p.value.shape == shapeMap && len(p.value.pairs) > 0 && p.value.pairs[0].line > p.line && !s.inFlow(p.value)
}

// inFlow reports whether a value is written in brackets.
func (s *sheet) inFlow(n node) bool {
	if n.shape != shapeMap && n.shape != shapeList || n.line == 0 {
		return false
	}
	line := []rune(s.lines[n.line-1])
	return n.column >= 1 && n.column <= len(line) && (line[n.column-1] == '{' || line[n.column-1] == '[')
}

// start is the line of an entry's dash, from 0.
func (s *sheet) start(item node) int {
	at := item.line - 1
	for at > 0 && !strings.HasPrefix(strings.TrimSpace(s.lines[at]), "-") {
		at--
	}
	return at
}

func (s *sheet) spanOfItem(list node, i int) Span {
	if s.inFlow(list) {
		return Span{list.items[i].line, list.items[i].line}
	}
	from := s.start(list.items[i])
	return Span{from + 1, s.below(from, len(indentOf(s.lines[from])), false)}
}

func (s *sheet) spanOf(p pair) Span { return Span{p.line, s.end(p)} }

// end is the line after a key's value, from 0.
func (s *sheet) end(p pair) int {
	at := p.line - 1
	if p.value.shape == shapeList && !s.inFlow(p.value) {
		return s.below(at, p.column-1, true)
	}
	return s.below(at, p.column-1, false)
}

// below is the line after the last one that belongs to what begins in a line: lines deeper than a
// column, and dashes at it if they may be.
func (s *sheet) below(at, column int, dashes bool) int {
	end := at + 1
	for i := at + 1; i < len(s.lines); i++ {
		text := strings.TrimSpace(s.lines[i])
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		deep := len(indentOf(s.lines[i]))
		if deep < column || deep == column && (!dashes || !strings.HasPrefix(text, "-")) {
			break
		}
		end = i + 1
	}
	return end
}

func indentOf(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " "))] }

// trailing is the comment behind what stands in a line, with the blanks before it.
func trailing(line string) string {
	var quote rune
	before, beforeBlanks := ' ', ' ' // the letter before, and the last one that is no blank
	escaped := false
	for i, c := range line {
		switch {
		case escaped:
			escaped = false
		case quote == '"' && c == '\\':
			escaped = true
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && (beforeBlanks == ' ' || strings.ContainsRune(":-[{,?"+string(c), beforeBlanks)):
			quote = c
		case c == '#' && before == ' ':
			head := strings.TrimRight(line[:i], " ")
			return strings.TrimRight(line[len(head):], "\n")
		}
		if before = c; c != ' ' {
			beforeBlanks = c
		}
	}
	return ""
}

// asYAML writes a text as YAML reads it back, and no more than that: variables stay what they are.
func asYAML(s string) string {
	if plainYAML(s) {
		return s
	}
	hidden := strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
	if !hidden && !strings.Contains(s, "'") && strings.ContainsAny(s, `"\`) {
		return "'" + s + "'"
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""`
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if !hidden {
		return text
	}
	b.Reset()
	for _, c := range text {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

func plainYAML(s string) bool {
	return s != "" && !slices.Contains([]string{"null", "Null", "NULL"}, s) && strings.IndexFunc(s, func(c rune) bool {
		return c >= 0x80 || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("_./-:", c)
	}) < 0 && (unicode.IsLetter(rune(s[0])) || unicode.IsDigit(rune(s[0]))) && !strings.HasSuffix(s, ":")
}

// inFlow is asYAML for a value between braces and for a key, where a colon ends a key.
func inFlow(s string) string {
	q := asYAML(s)
	if !strings.Contains(q, ":") || strings.HasPrefix(q, `"`) || strings.HasPrefix(q, "'") {
		return q
	}
	return `"` + s + `"`
}
