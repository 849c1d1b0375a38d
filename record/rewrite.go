package record

import (
	"html"
	"slices"
	"strings"
	"unicode"
)

// Rewritten returns what a vendor that is declared to do these rewrites makes of a value
// on its way in, one after the other. Lists are rewritten item by item.
//
// What [RewriteBackslashes] does cannot be foretold; here it drops them all, so that two
// values can be compared after the same was done to both. [Echoes] does that.
func Rewritten(v Value, rw []Rewrite) Value {
	if len(rw) == 0 || v.IsEmpty() {
		return v
	}
	switch v.shape() {
	case shapeScalar:
		s := v.text
		for _, r := range rw {
			s = rewrite(s, r)
		}
		return Text(s)
	case shapeList:
		items := make([]Value, 0, len(v.more.items))
		for _, item := range v.more.items {
			items = append(items, Rewritten(item, rw))
		}
		return List(items...)
	default:
		return v
	}
}

// Echoes reports whether read is what was sent, as a vendor that does these rewrites shows
// it (R2).
func Echoes(read, sent Value, rw []Rewrite) bool {
	if read.Equal(sent) {
		return true
	}
	if len(rw) == 0 {
		return false
	}
	want := Rewritten(sent, rw)
	if slices.Contains(rw, RewriteBackslashes) {
		read = Rewritten(read, []Rewrite{RewriteBackslashes})
	}
	return read.Equal(want)
}

func rewrite(s string, r Rewrite) string {
	switch r {
	case RewriteTrim:
		return strings.TrimSpace(s)
	case RewriteStripTags:
		return stripTags(s)
	case RewriteDropQuotes:
		return strings.ReplaceAll(s, `"`, "")
	case RewriteDropSpaces:
		return drop(s, unicode.IsSpace)
	case RewriteOneBlank:
		for strings.Contains(s, "  ") {
			s = strings.ReplaceAll(s, "  ", " ")
		}
		return s
	case RewriteDropAstral:
		return drop(s, func(r rune) bool { return r > 0xFFFF })
	case RewriteLower:
		return strings.ToLower(s)
	case RewriteEscapeHTML:
		return escapeHTML(s)
	case RewriteUnescapeHTML:
		return html.UnescapeString(s)
	case RewriteBackslashes:
		return strings.ReplaceAll(s, `\`, "")
	case RewriteDropNewlines:
		return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s)
	default:
		return s
	}
}

func drop(s string, these func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if these(r) {
			return -1
		}
		return r
	}, s)
}

// stripTags drops everything from a "<" that begins a tag to the next ">", as PHP's
// strip_tags does; a "<" before white space or at the end is text.
func stripTags(s string) string {
	var b strings.Builder
	for {
		at := strings.IndexByte(s, '<')
		if at < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:at])
		s = s[at:]
		if len(s) == 1 || unicode.IsSpace(rune(s[1])) {
			b.WriteByte('<')
			s = s[1:]
			continue
		}
		end := strings.IndexByte(s, '>')
		if end < 0 {
			return b.String()
		}
		s = s[end+1:]
	}
}

// escapeHTML escapes what is not escaped yet, so that a second pass changes nothing.
func escapeHTML(s string) string {
	if !strings.ContainsAny(s, "&<>") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&' && !entity(s[i:]):
			b.WriteString("&amp;")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// entity reports whether s begins with an HTML entity that has its semicolon.
func entity(s string) bool {
	for i := 1; i < len(s) && i < 34; i++ {
		switch c := s[i]; {
		case c == ';':
			return html.UnescapeString(s[:i+1]) != s[:i+1]
		case c != '#' && !unicode.IsDigit(rune(c)) && !unicode.IsLetter(rune(c)):
			return false
		}
	}
	return false
}
