package record

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NormalVATID returns a VAT or tax number in capitals without blanks and punctuation,
// with its country in front as ISO code ("EL094..." becomes "GR094..."). A number without
// a country gets that of country; without one it stays as it is. See [SameVATID].
func NormalVATID(s, country string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(digit(unicode.ToUpper(r)))
		}
	}
	id := b.String()
	if !strings.ContainsAny(id, "0123456789") {
		return ""
	}
	prefix, number := splitVATID(id)
	if prefix == "" {
		prefix = strings.ToUpper(country)
	}
	switch prefix {
	case "EL":
		prefix = "GR"
	case "CH":
		// https://www.uid.admin.ch: CHE-123.456.789, followed by the word for VAT.
		number = trimWord(number, "MWST", "TVA", "IVA", "TPV", "VAT", "HR", "RC")
		if uid, ok := strings.CutPrefix(number, "E"); ok && len(uid) == 9 && digits(uid) {
			number = uid
		}
	case "NO":
		number = trimWord(number, "MVA")
	}
	if len(number) < 4 { // no country has shorter ones; this is a note such as "no" or "0"
		return ""
	}
	return prefix + number
}

// SameVATID reports whether two VAT numbers are the same; where one has no country, only
// the numbers are compared.
func SameVATID(a, b string) bool {
	a, b = NormalVATID(a, ""), NormalVATID(b, "")
	if a == "" || b == "" {
		return false
	}
	pa, na := splitVATID(a)
	pb, nb := splitVATID(b)
	return na == nb && (pa == pb || pa == "" || pb == "")
}

// splitVATID splits off a country prefix: two letters that are a country's code, or the
// EL and XI of Greece and Northern Ireland. https://ec.europa.eu/taxation_customs/vies/
func splitVATID(id string) (prefix, number string) {
	if len(id) < 6 || id[0] < 'A' || id[0] > 'Z' || id[1] < 'A' || id[1] > 'Z' {
		return "", id
	}
	if p := id[:2]; p == "EL" || p == "XI" || isCountry(p) {
		return p, id[2:]
	}
	return "", id
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// trimWord drops one of the words behind a digit.
func trimWord(s string, words ...string) string {
	for _, w := range words {
		if rest, ok := strings.CutSuffix(s, w); ok && rest != "" && digits(rest[len(rest)-1:]) {
			return rest
		}
	}
	return s
}
