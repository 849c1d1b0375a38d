package dolibarrtwin

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold returns what the database's collation (utf8mb4_unicode_ci) compares by: case and
// accents do not count, nor do blanks at the end.
func fold(s string) string {
	s = strings.TrimRight(s, " ")
	if ascii(s) {
		return strings.ToLower(s)
	}
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s)))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// same reports whether a text is equal to a folded one.
func same(s, folded string) bool {
	if ascii(s) {
		return strings.EqualFold(strings.TrimRight(s, " "), folded)
	}
	return fold(s) == folded
}

// like reports whether a folded text matches a folded pattern, in which % is any text
// and _ any one character. It does not backtrack over more than the last %.
func like(s, pattern string) bool {
	text, want := []rune(s), []rune(pattern)
	i, j, star, mark := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case j < len(want) && want[j] == '%':
			star, mark = j, i
			j++
		case j < len(want) && (want[j] == '_' || want[j] == text[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(want) && want[j] == '%' {
		j++
	}
	return j == len(want)
}
