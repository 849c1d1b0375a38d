package engine

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// mostWords bounds by how many words one record is found.
const mostWords = 16

// namesRecords reports whether people know a record by what stands in a field of that meaning.
func namesRecords(common string) bool {
	switch common {
	case "name", "first_name", "last_name", "company_name", "subject", "number", "reference", "sku", "login":
		return true
	}
	return false
}

// wordFields are the fields by whose words records of an object are found; none of lines, of which
// there are many and which are looked for by nobody.
func wordFields(o record.Object) []record.Field {
	if o.Common == "line" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(o.Fields), func(f record.Field) bool {
		return f.Kind != record.KindEmail && f.Kind != record.KindPhone && !namesRecords(f.Common) && !slices.ContainsFunc(f.Elem, holdsAddress)
	})
}

func holdsAddress(f record.Field) bool {
	return f.Kind == record.KindEmail || f.Kind == record.KindPhone
}

// wordsPrint changes whenever other words would be made.
func wordsPrint(fields []record.Field, country string) string {
	if len(fields) == 0 {
		return ""
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return "words 1 " + country + " " + strings.Join(names, " ")
}

// addWords adds the index entries by which people find a record.
func addWords(keys []store.Key, fields []record.Field, f record.Fields, country string) []store.Key {
	n := 0
	add := func(words ...string) {
		for _, w := range words {
			if k := store.WordKey(w); w != "" && n < mostWords && !slices.Contains(keys, k) {
				keys = append(keys, k)
				n++
			}
		}
	}
	for _, field := range fields {
		v := f[field.Name]
		switch {
		case holdsAddress(field):
			add(record.Normal(field, v, country))
		case len(field.Elem) > 0:
			for _, item := range v.Items() {
				for _, part := range field.Elem {
					if holdsAddress(part) {
						add(record.Normal(part, item.Fields()[part.Name], country))
					}
				}
			}
		default:
			add(nameWords(v.Text())...)
		}
	}
	return keys
}

// nameWords returns the words of a name without case and accents.
func nameWords(s string) []string {
	const longest = 400 // of a name that somebody looks for
	if len(s) > longest {
		s = s[:longest]
	}
	s = record.NormalName(s)
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			s = norm.NFC.String(strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Mn, r) {
					return -1
				}
				return r
			}, norm.NFD.String(s)))
			break
		}
	}
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
}

// SearchWords returns the beginnings of words that a search asks for: of an e-mail address, of a
// telephone number however it is written, else of the words of a name; nil if there is nothing
// to look for.
func SearchWords(text, country string) []string {
	text = strings.TrimSpace(text)
	if mail := record.NormalEmail(text); mail != "" {
		return []string{mail}
	}
	if phone := record.NormalPhone(text, country); phone != "" && strings.ContainsFunc(text, unicode.IsDigit) && !strings.ContainsFunc(text, unicode.IsLetter) {
		return []string{phone}
	}
	if strings.Contains(text, "@") && !strings.ContainsFunc(text, unicode.IsSpace) {
		return []string{strings.ToLower(text)} // of an address that is not typed to its end
	}
	words := nameWords(text)
	return words[:min(len(words), mostWords)]
}
