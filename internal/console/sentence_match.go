package console

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A part is a piece of a format: text, or an argument.
type part struct {
	text     string
	verb     byte // 'q' = a quoted text, 'd' = a whole number, 's' = anything; 0 = text
	argument int  // from 0
	word     bool // %v: even a single word is said
}

// parseFormat takes a format of package fmt apart.
func parseFormat(format string) ([]part, error) {
	var all []part
	var text strings.Builder
	next := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			text.WriteByte(format[i])
			continue
		}
		if strings.HasPrefix(format[i:], "%%") {
			text.WriteByte('%')
			i++
			continue
		}
		p, length, err := parseVerb(format[i:], next)
		if err != nil {
			return nil, err
		}
		if text.Len() > 0 {
			all = append(all, part{text: text.String()})
			text.Reset()
		}
		all = append(all, p)
		next = p.argument + 1
		i += length - 1
	}
	if text.Len() > 0 {
		all = append(all, part{text: text.String()})
	}
	return all, nil
}

// mostArguments is how many a format may have: sentences have a handful.
const mostArguments = 20

// parseVerb reads the verb that a text begins with, such as %q, %.40q or %[2]s.
func parseVerb(s string, next int) (part, int, error) {
	i := 1
	for i < len(s) && strings.IndexByte("+-# 0123456789.", s[i]) >= 0 {
		i++
	}
	if i < len(s) && s[i] == '[' {
		end := strings.IndexByte(s[i:], ']')
		n, err := strconv.Atoi(s[i+1 : max(i+end, i+1)])
		if err != nil || n < 1 {
			return part{}, 0, fmt.Errorf("%.10q names no argument", s)
		}
		next, i = n-1, i+end+1
	}
	if i >= len(s) || strings.IndexByte("qdsvwtgfxc", s[i]) < 0 || next >= mostArguments {
		return part{}, 0, fmt.Errorf("%.10q is no verb of a sentence", s)
	}
	verb, word := s[i], s[i] == 'v'
	if verb != 'q' && verb != 'd' {
		verb = 's'
	}
	return part{verb: verb, argument: next, word: word}, i + 1, nil
}

func lettersOf(s string) int {
	n := 0
	for _, c := range s {
		if unicode.IsLetter(c) {
			n++
		}
	}
	return n
}

// match takes a text apart, if the format can have made it: the arguments, as they stand in
// the text. An argument that can be anything takes as little as it can, and something, save
// at the end of the format.
func (s *sentence) match(text string) ([]string, bool) {
	if first := s.english[0]; first.verb == 0 && !strings.HasPrefix(text, first.text) {
		return nil, false // what most formats are left by
	}
	for _, p := range s.english {
		if p.verb == 0 && !strings.Contains(text, p.text) {
			return nil, false
		}
	}
	m := matching{parts: s.english, text: text, spans: make([]seam, len(s.english)), vain: make([]int, len(s.english))}
	if !m.from(0, 0) {
		return nil, false
	}
	arguments := make([]string, s.arguments)
	seen := make([]bool, s.arguments)
	for i, p := range s.english {
		if p.verb == 0 {
			continue
		}
		got := text[m.spans[i].end:m.spans[i].next]
		if seen[p.argument] && arguments[p.argument] != got {
			return nil, false // one argument stands in two places
		}
		if p.verb == 's' && s.words < shortSentence && strings.Contains(got, " ") && (i == 0 || !strings.HasSuffix(s.english[i-1].text, ": ")) {
			return nil, false // prose that holds a word of a format is not made by it
		}
		arguments[p.argument], seen[p.argument] = got, true
	}
	return arguments, true
}

// A matching is one text held against one format. Where an argument that can be anything
// was tried in vain from one place, it would be from every later one, so that the work stays
// within the length of the text times the parts of the format.
type matching struct {
	parts []part
	text  string
	spans []seam
	vain  []int // by part: the place from which it was in vain, counted from 1; 0 = none
}

// from matches the rest of the parts with the rest of the text.
func (m *matching) from(i, at int) bool {
	if i == len(m.parts) {
		return at == len(m.text)
	}
	p, rest := m.parts[i], m.text[at:]
	switch p.verb {
	case 0:
		return strings.HasPrefix(rest, p.text) && m.from(i+1, at+len(p.text))
	case 's':
		return m.anything(i, at)
	default:
		n := numberLength(rest)
		if p.verb == 'q' {
			n = quotedLength(rest)
		}
		m.spans[i] = seam{at, at + n}
		return n > 0 && m.from(i+1, at+n)
	}
}

// anything matches an argument that can be anything, and what follows.
func (m *matching) anything(i, at int) bool {
	if i+1 == len(m.parts) {
		m.spans[i] = seam{at, len(m.text)}
		return true
	}
	if m.vain[i] > 0 && at >= m.vain[i]-1 {
		return false
	}
	next := m.parts[i+1]
	for end := at; end < len(m.text); {
		_, size := utf8.DecodeRuneInString(m.text[end:])
		end += size
		if next.verb == 0 {
			skip := strings.Index(m.text[end:], next.text)
			if skip < 0 {
				break
			}
			end += skip
		}
		m.spans[i] = seam{at, end}
		if m.from(i+1, end) {
			return true
		}
	}
	m.vain[i] = at + 1
	return false
}

// numberLength is how much of a text's beginning is a whole number.
func numberLength(s string) int {
	n := 0
	if strings.HasPrefix(s, "-") {
		n = 1
	}
	digits := n
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == digits {
		return 0
	}
	return n
}

// quotedLength is how much of a text's beginning %q has written: a text in quotes, or a
// list of such in brackets.
func quotedLength(s string) int {
	if strings.HasPrefix(s, `["`) {
		n := 1
		for {
			quoted := quotedLength(s[n:])
			n += quoted
			switch {
			case quoted == 0 || n >= len(s):
				return 0
			case s[n] == ']':
				return n + 1
			case !strings.HasPrefix(s[n:], ` "`):
				return 0
			}
			n++
		}
	}
	if !strings.HasPrefix(s, `"`) {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}
