package record

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// NormalCountry returns the ISO 3166 code of two letters of a country that is given by
// code or by name, in English, in its own or in one of some thirty languages; "" if it is
// none that is known.
func NormalCountry(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 100 {
		return ""
	}
	if len(s) == 2 && isCountry(s) {
		return s
	}
	return countryNames()[placeKey(s)]
}

// CountryName returns the English name of a country by its ISO code, "" if there is none.
func CountryName(code string) string {
	r, err := language.ParseRegion(code)
	if err != nil || !isCountry(r.String()) {
		return ""
	}
	return display.English.Regions().Name(r)
}

// CountryISO3 returns the code of three letters of a country by its code of two, "" if
// there is none.
func CountryISO3(code string) string {
	r, err := language.ParseRegion(code)
	if err != nil || !isCountry(r.String()) || r.ISO3() == "ZZZ" {
		return ""
	}
	return r.ISO3()
}

// NormalLanguage returns the code of a language without its country ("en" for "en_US" and
// for "English"); "" if it is none that is known.
func NormalLanguage(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 100 {
		return ""
	}
	if tag, err := language.Parse(s); err == nil {
		if base, sure := tag.Base(); sure == language.Exact && display.English.Languages().Name(language.Make(base.String())) != "" {
			return base.String()
		}
	}
	return languageNames()[placeKey(s)]
}

// LanguageName returns the English name of a language by its code, "" if there is none.
func LanguageName(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return ""
	}
	base, _ := tag.Base()
	return display.English.Languages().Name(language.Make(base.String()))
}

// placeKey is the name without what people leave out: case, punctuation, and the accents
// of Latin letters, which most keyboards lack.
func placeKey(s string) string {
	s = NormalName(s)
	if ascii(s) {
		return s
	}
	latin := false
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			if latin {
				return -1
			}
			return r
		}
		latin = unicode.Is(unicode.Latin, r)
		return r
	}, norm.NFD.String(s)))
}

// isCountry reports whether s is the code of two capital letters of a country.
func isCountry(s string) bool {
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return false
	}
	r, err := language.ParseRegion(s)
	return err == nil && r.IsCountry() && r.String() == s && r.Canonicalize() == r
}

// spoken are the languages in which the names of places are known, English first: where
// two languages call two countries by one name, the first one has it.
func spoken() []language.Tag {
	codes := strings.Fields(`en de fr es it pt nl el ru th pl cs sk hu ro bg sr hr sl sv da nb fi et lv lt
		uk tr ar he fa hi zh zh-Hant ja ko vi id ms`)
	tags := make([]language.Tag, 0, len(codes))
	for _, c := range codes {
		tags = append(tags, language.Make(c))
	}
	return tags
}

// countryNames maps every known name and code of a country, as placeKey has it, to its
// code. It is built when it is first needed and never changed.
var countryNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string, 8000)
	var regions []language.Region
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if code := string([]rune{a, b}); isCountry(code) {
				regions = append(regions, language.MustParseRegion(code))
			}
		}
	}
	learn := func(name string, r language.Region) {
		if key := placeKey(name); key != "" && names[key] == "" {
			names[key] = r.String()
		}
	}
	for _, r := range regions {
		learn(r.String(), r)
		if iso3 := r.ISO3(); iso3 != "ZZZ" {
			learn(iso3, r)
		}
	}
	for name, code := range countryAliases() {
		learn(name, language.MustParseRegion(code))
	}
	for _, tag := range spoken() {
		if namer := display.Regions(tag); namer != nil {
			for _, r := range regions {
				learn(namer.Name(r), r)
			}
		}
	}
	for _, r := range regions { // the country's own language, if it is not among them
		if tag, err := language.Compose(language.Und, r); err == nil {
			base, _ := tag.Base()
			if namer := display.Regions(language.Make(base.String())); namer != nil {
				learn(namer.Name(r), r)
			}
		}
	}
	return names
})

// countryAliases are what people write and no table of names has.
func countryAliases() map[string]string {
	return map[string]string{
		"EL": "GR", "Hellas": "GR", "Ελλάς": "GR", "Hellenic Republic": "GR", "Ελληνική Δημοκρατία": "GR",
		"UK": "GB", "Great Britain": "GB", "England": "GB", "Scotland": "GB", "Wales": "GB", "Northern Ireland": "GB", "XI": "GB",
		"U.S.A.": "US", "United States of America": "US", "America": "US", "Vereinigte Staaten von Amerika": "US", "США": "US",
		"Holland": "NL", "The Netherlands": "NL", "Czech Republic": "CZ", "Czechia": "CZ", "Slovak Republic": "SK",
		"Russian Federation": "RU", "РФ": "RU", "Российская Федерация": "RU",
		"Korea": "KR", "South Korea": "KR", "Republic of Korea": "KR", "North Korea": "KP",
		"ประเทศไทย": "TH", "Kingdom of Thailand": "TH", "Siam": "TH",
		"Turkey": "TR", "Türkiye": "TR", "Turkiye": "TR", "Macedonia": "MK", "North Macedonia": "MK", "FYROM": "MK",
		"Ivory Coast": "CI", "Cape Verde": "CV", "Burma": "MM", "Swaziland": "SZ", "East Timor": "TL",
		"UAE": "AE", "Emirates": "AE", "Viet Nam": "VN", "Republic of Ireland": "IE", "Eire": "IE",
		"Federal Republic of Germany": "DE", "Bundesrepublik Deutschland": "DE", "BRD": "DE",
		"People's Republic of China": "CN", "PRC": "CN", "Taiwan": "TW", "Hong Kong": "HK", "Macau": "MO",
		"Brasil": "BR", "Moldova": "MD", "Vatican": "VA", "Bosnia": "BA", "Congo": "CG", "DR Congo": "CD",
	}
}

// languageNames maps every known name of a language, as placeKey has it, to its code.
// It is built when it is first needed and never changed.
var languageNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string, 4000)
	learn := func(name, code string) {
		if key := placeKey(name); key != "" && names[key] == "" {
			names[key] = code
		}
	}
	var bases []language.Base
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'z'; b++ {
			if base, err := language.ParseBase(string([]rune{a, b})); err == nil {
				bases = append(bases, base)
			}
		}
	}
	for _, base := range bases {
		learn(base.ISO3(), base.String())
		learn(display.Self.Name(language.Make(base.String())), base.String())
	}
	for _, tag := range spoken() {
		if namer := display.Languages(tag); namer != nil {
			for _, base := range bases {
				learn(namer.Name(language.Make(base.String())), base.String())
			}
		}
	}
	learn("Greek", "el")
	learn("Norwegian", "no")
	return names
})
