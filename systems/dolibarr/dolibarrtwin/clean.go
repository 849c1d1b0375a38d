package dolibarrtwin

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

var (
	breaks    = regexp.MustCompile(`(?i)<br[^>]*>`)
	tags      = regexp.MustCompile(`<[^<>]+>`)
	openTags  = regexp.MustCompile(`(?i)<+([a-z]+)`)
	escapes   = regexp.MustCompile(`\\([0-9xu])`)
	dangers   = regexp.MustCompile(`(?i)\.\./|\.\.\\|&#0*38|&#x26|&quot|"|&#0*34|&#x22|&#0*47|&#x2F|&#0*92|&#x5C`)
	scripts   = regexp.MustCompile(`(?i)</?(script|iframe|object|embed|style)[^>]*>`)
	tagInNote = regexp.MustCompile(`<[a-zA-Z/!][^<>]*>`)
)

// clean does to a text what the vendor does to every value that is not declared HTML:
// tags and double quotes go, entities become characters, runs of blanks shrink to one,
// and a backslash before a digit, x or u becomes a slash.
func clean(s string) string {
	if s = strings.TrimSpace(s); !strings.ContainsAny(s, "<&\"\\") && !strings.Contains(s, "  ") && !strings.Contains(s, "../") {
		return s
	}
	for range 20 {
		before := s
		s = plain(s)
		s = escapes.ReplaceAllString(s, "/$1")
		if s = dangers.ReplaceAllString(s, ""); s == before {
			break
		}
	}
	return s
}

// plain removes the tags and leaves "<" followed by a blank alone.
func plain(s string) string {
	s = breaks.ReplaceAllString(s, "\n")
	s = html.UnescapeString(s)
	s = strings.NewReplacer("< ", "\x00 ", "<:", "\x00:").Replace(s)
	for {
		before := s
		if s = tags.ReplaceAllString(strings.ReplaceAll(s, "<>", ""), ""); s == before {
			break
		}
	}
	s = openTags.ReplaceAllString(s, "$1")
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return strings.TrimSpace(strings.ReplaceAll(s, "\x00", "<"))
}

// cleanNote does to a note what the vendor does: active tags go, and from version 23 on
// the text between the tags is escaped.
func cleanNote(s string, version int) string {
	s = scripts.ReplaceAllString(strings.TrimSpace(s), "")
	if version == 20 || !strings.ContainsAny(s, "&<>") {
		return s
	}
	var b strings.Builder
	for {
		at := tagInNote.FindStringIndex(s)
		if at == nil {
			b.WriteString(escapeNote(s))
			return b.String()
		}
		b.WriteString(escapeNote(s[:at[0]]))
		b.WriteString(s[at[0]:at[1]])
		s = s[at[1]:]
	}
}

// escapeNote escapes what is not escaped yet; quotes stay.
func escapeNote(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(html.UnescapeString(s))
}

func dropSpaces(s string) string {
	if !strings.ContainsFunc(s, unicode.IsSpace) {
		return s
	}
	return strings.Join(strings.Fields(s), "")
}

// astral returns the place of the first character that the database cannot keep, or -1.
func astral(s string) int {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0xFFFF })
}

func dropAstral(s string) string {
	if astral(s) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r > 0xFFFF {
			return -1
		}
		return r
	}, s)
}
