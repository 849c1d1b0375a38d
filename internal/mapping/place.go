package mapping

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/tandemhub/tandem/record"
)

// places reports whether both fields hold a country, or both a language.
func places(from, to record.Field) bool {
	return from.Format == to.Format && (from.Format == record.FormatCountry || from.Format == record.FormatLanguage) &&
		(from.Kind == record.KindText || from.Kind == record.KindChoice) &&
		(to.Kind == record.KindText || to.Kind == record.KindChoice)
}

// A spelling is how a field writes countries or languages.
type spelling string

const (
	spellName spelling = "name"
	spellISO2 spelling = "iso2"
	spellISO3 spelling = "iso3"
)

// spellingOf guesses from what the schema says. Two letters hold nothing but a code; a
// field that calls itself one wants one; anything else is for people to read.
func spellingOf(f record.Field) spelling {
	name := strings.ToLower(f.Name + " " + f.Common)
	switch {
	case f.MaxLen == 2:
		return spellISO2
	case f.MaxLen == 3 && f.Format == record.FormatCountry:
		return spellISO3
	case strings.Contains(name, "iso3"):
		return spellISO3
	case strings.Contains(name, "code"), strings.Contains(name, "iso"):
		return spellISO2
	default:
		return spellName
	}
}

// place converts countries and languages between codes, names and choices. Where both
// fields spell them alike, what a person wrote is kept.
func (c *compiler) place(from, to record.Field) converter {
	normal, write := record.NormalCountry, countryAs
	if from.Format == record.FormatLanguage {
		normal, write = record.NormalLanguage, languageAs
	}
	if len(from.Choices) == 0 && len(to.Choices) == 0 && spellingOf(from) == spellingOf(to) {
		return asIs
	}
	read, find := labelsOf(from), placeChoices(to, normal)
	spell := spellingOf(to)
	return func(v record.Value, _ Refs) (record.Value, bool, error) {
		s := v.Text()
		if s == "" {
			return v, true, nil
		}
		if out, ok := find.exact(s); ok {
			return record.Text(out), true, nil
		}
		code := normal(s)
		if label := read[s]; label != "" && (code == "" || from.Kind == record.KindChoice) {
			if out, ok := find.exact(label); ok {
				return record.Text(out), true, nil
			}
			if byName := normal(label); byName != "" {
				code = byName
			}
		}
		if out, ok := find.byCode[code]; ok && code != "" {
			return record.Text(out), true, nil
		}
		switch {
		case len(to.Choices) > 0 && !to.Open:
			return v, false, misfit(to, "%.60q is none of its choices", s)
		case code == "" && to.Open:
			return v, true, nil
		case code == "": // kept as it is, it would not lead back (R13)
			return v, false, misfit(to, "%.60q is no %s that is known", s, from.Format)
		}
		return record.Text(write(code, spell)), true, nil
	}
}

func labelsOf(f record.Field) map[string]string {
	labels := make(map[string]string, len(f.Choices))
	for _, ch := range f.Choices {
		labels[ch.Value] = ch.Label
	}
	return labels
}

// A placeFinder finds the choice for a country or language.
type placeFinder struct {
	byCode map[string]string // first choice per code
	byTag  map[string]string // choice per exact language tag or value
	tagged bool
}

func placeChoices(f record.Field, normal func(string) string) placeFinder {
	p := placeFinder{byCode: map[string]string{}, byTag: map[string]string{}, tagged: f.Format == record.FormatLanguage}
	for _, ch := range f.Choices {
		p.byTag[p.tag(ch.Value)] = ch.Value
		code := normal(ch.Label)
		if code == "" {
			code = normal(ch.Value)
		}
		if _, ok := p.byCode[code]; !ok && code != "" {
			p.byCode[code] = ch.Value
		}
	}
	return p
}

// exact finds a choice that says no less than s: pt-BR for pt_BR, before any pt.
func (p placeFinder) exact(s string) (string, bool) {
	if len(p.byTag) == 0 {
		return "", false
	}
	out, ok := p.byTag[p.tag(s)]
	return out, ok
}

func (p placeFinder) tag(s string) string {
	if p.tagged {
		if t, err := language.Parse(s); err == nil {
			return t.String()
		}
	}
	return s
}

func countryAs(code string, s spelling) string {
	out := code
	switch s {
	case spellISO3:
		out = record.CountryISO3(code)
	case spellName:
		out = record.CountryName(code)
	}
	if out == "" {
		return code
	}
	return out
}

func languageAs(code string, s spelling) string {
	if s != spellName {
		return code
	}
	if name := record.LanguageName(code); name != "" {
		return name
	}
	return code
}
