package plan

import (
	"fmt"
	"strings"

	"golang.org/x/text/language"
)

// CountryCode reads an ISO code of two letters.
func CountryCode(s string) (string, error) {
	code, near := countryCode(s)
	switch {
	case code != "":
		return code, nil
	case near != "":
		return "", fmt.Errorf("%q is no ISO country code of two letters such as GR; did you mean %s?", s, near)
	default:
		return "", fmt.Errorf("%q is no ISO country code of two letters such as GR", s)
	}
}

// countryCode returns the code, or else what may be meant.
func countryCode(s string) (code, near string) {
	code = strings.ToUpper(s)
	if near = map[string]string{"EL": "GR", "UK": "GB"}[code]; near != "" { // used for taxes and by habit
		return "", near
	}
	region, err := language.ParseRegion(code)
	if err != nil || len(code) != 2 || !region.IsCountry() || region.String() != code {
		return "", ""
	}
	return code, ""
}

// WithPlace returns a ready document with another time zone and another country; what is empty stays
// as it is there. Comments stay.
func WithPlace(src []byte, zone, country string) []byte {
	lines := strings.SplitAfter(string(src), "\n")
	for _, x := range [][2]string{{"timezone", zone}, {"country", country}} {
		for i, line := range lines {
			if x[1] == "" || !strings.HasPrefix(strings.TrimPrefix(line, "# "), x[0]+": ") {
				continue
			}
			comment := trailing(strings.TrimPrefix(line, "# "))
			lines[i] = x[0] + ": " + quoted(x[1]) + comment + "\n"
			break
		}
	}
	return []byte(strings.Join(lines, ""))
}
