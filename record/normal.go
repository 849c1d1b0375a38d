package record

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normal returns the form of a value under which two vendors' values of this field mean
// the same exactly when the forms are equal. It is "" if the value is empty, or unusable
// for its field: no e-mail address, no possible phone number. country is the ISO code of
// the country that a phone or VAT number without a prefix belongs to, or "".
//
// What comes out is for comparing and finding, never for writing.
func Normal(f Field, v Value, country string) string {
	switch f.Kind {
	case KindEmail:
		return NormalEmail(v.Text())
	case KindPhone:
		return NormalPhone(v.Text(), country)
	case KindNumber, KindMoney:
		n, _ := Number(strings.TrimSpace(v.Text()))
		return n.Text()
	case KindDateTime:
		return normalTime(v)
	case KindChoices, KindReferences:
		return normalSet(v)
	case KindList:
		return listForm(v)
	case KindText, KindChoice:
		return normalText(f, v.Text(), country)
	default:
		return v.Text()
	}
}

func normalText(f Field, s, country string) string {
	switch f.Format {
	case FormatDomain:
		return NormalDomain(s)
	case FormatURL:
		return normalURL(s)
	case FormatName:
		return NormalName(s)
	case FormatCountry:
		return NormalCountry(s)
	case FormatLanguage:
		return NormalLanguage(s)
	case FormatVATID:
		return NormalVATID(s, country)
	case FormatHTML:
		return NormalText(HTMLText(s))
	default:
		if f.Kind == KindChoice {
			return s
		}
		return NormalText(s)
	}
}

// normalTime cuts to seconds, because most vendors keep no more.
func normalTime(v Value) string {
	t := v.Time()
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func normalSet(v Value) string {
	if !v.IsList() {
		return v.Text()
	}
	texts := make([]string, 0, len(v.Items()))
	for _, item := range v.Items() {
		texts = append(texts, item.Text())
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "\x1f")
}

func listForm(v Value) string {
	if v.IsEmpty() {
		return ""
	}
	return string(v.append(nil))
}

// NormalText drops what people cannot see: white space at both ends and at the ends of
// lines, the kind of line break, and the ways in which Unicode spells one character.
func NormalText(s string) string {
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	if !ascii(s) {
		s = norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
	}
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "\n") {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(line, unicode.IsSpace)
	}
	return strings.Join(lines, "\n")
}

// NormalEmail returns the address in lower case with its domain in ASCII, and "" if s is
// no address. It takes "Ann <ann@example.com>" and "mailto:" too.
func NormalEmail(s string) string {
	s = strings.TrimSpace(s)
	if from := strings.LastIndexByte(s, '<'); from >= 0 && strings.HasSuffix(s, ">") {
		s = strings.TrimSpace(s[from+1 : len(s)-1])
	}
	if len(s) > len("mailto:") && strings.EqualFold(s[:len("mailto:")], "mailto:") {
		s = s[len("mailto:"):]
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || len(s) > 320 {
		return ""
	}
	local, domain := lowered(s[:at]), host(s[at+1:])
	if domain == "" || strings.HasPrefix(local, "mailto:") || !utf8.ValidString(local) || strings.ContainsFunc(local, notInLocal) {
		return ""
	}
	if local == s[:at] && domain == s[at+1:] {
		return s
	}
	return local + "@" + domain
}

// notInLocal tells what no mailbox name has unless it is quoted, which none is in practice.
func notInLocal(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`@<>()[],;:\"`, r)
}

// lowered is lower case in one spelling; lower case of a composed letter may come out
// decomposed and the other way round, hence twice.
func lowered(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(strings.ToLower(norm.NFC.String(strings.ToLower(norm.NFC.String(s)))))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// normalURL drops what does not tell two web addresses apart: case, scheme, "www." and a
// slash at the end.
func normalURL(s string) string {
	s = strings.ToLower(s)
	for {
		was := s
		s = strings.TrimRight(strings.TrimSpace(s), "/")
		if _, rest, ok := strings.Cut(s, "://"); ok {
			s = rest
		}
		if s = strings.TrimPrefix(s, "www."); s == was {
			return s
		}
	}
}

// NormalDomain returns the host of a web address, or of a bare host name, in lower case
// ASCII without "www."; "" if there is none. An address that is an IP names no domain.
func NormalDomain(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	s = strings.TrimLeft(s, "/\\")
	if i := strings.IndexAny(s, "/?#\\"); i >= 0 {
		s = s[:i]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	if i := strings.IndexByte(s, ':'); i >= 0 {
		s = s[:i]
	}
	s = host(strings.TrimSpace(s))
	for strings.HasPrefix(s, "www.") && strings.Contains(s[len("www."):], ".") {
		s = s[len("www."):]
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return ""
	}
	return s
}

// host returns a host name of at least two labels in lower case ASCII, else "".
func host(s string) string {
	s = strings.TrimSuffix(s, ".")
	if !plainHost(s) {
		a, err := idna.Lookup.ToASCII(s)
		if err != nil || !utf8.ValidString(s) || strings.HasSuffix(a, ".") {
			return ""
		}
		if again, err := idna.Lookup.ToASCII(a); err != nil || again != a {
			return ""
		}
		s = a
	}
	if len(s) > 253 || !strings.Contains(s, ".") || strings.HasPrefix(s, ".") || strings.Contains(s, "..") {
		return ""
	}
	return s
}

// plainHost spares the IDN tables nearly every host name.
func plainHost(s string) bool {
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			label++
		case c == '-' && label != 0 && label != 2 && label != 3:
			label++ // two hyphens after two letters are IDN's own
		case c == '.' && label > 0 && label <= 63 && s[i-1] != '-':
			label = 0
		default:
			return false
		}
	}
	return label > 0 && label <= 63 && s[len(s)-1] != '-'
}

// NormalPhone returns the number in E.164 form, without an extension; "" if it is no
// possible number. country is that of a number without an international prefix; without
// one, such a number is no number at all.
func NormalPhone(s, country string) string {
	if len(s) > 250 {
		return ""
	}
	s = strings.TrimSpace(strings.Map(digit, s))
	if rest, ok := strings.CutPrefix(s, "00"); ok && country == "" {
		s = "+" + rest
	}
	n, err := phonenumbers.Parse(s, strings.ToUpper(country))
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return ""
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	// A number that reads differently without its context is not worth comparing.
	again, err := phonenumbers.Parse(e164, "")
	if err != nil || !phonenumbers.IsPossibleNumber(again) || phonenumbers.Format(again, phonenumbers.E164) != e164 {
		return ""
	}
	return e164
}

// digit turns the digits of every script into ASCII ones. Unicode keeps each script's ten
// digits together, in order; unicode.Nd's ranges begin at a zero.
func digit(r rune) rune {
	if r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r) {
		return r
	}
	for _, r16 := range unicode.Nd.R16 {
		if uint32(r) >= uint32(r16.Lo) && uint32(r) <= uint32(r16.Hi) {
			return '0' + (r-rune(r16.Lo))%10
		}
	}
	for _, r32 := range unicode.Nd.R32 {
		if uint32(r) >= r32.Lo && uint32(r) <= r32.Hi {
			return '0' + (r-rune(r32.Lo))%10
		}
	}
	return r
}

// NormalName makes names comparable that differ in case, blanks, punctuation, the spelling
// of characters, or in the accents that Greek drops in capitals. Names in different
// scripts stay different.
func NormalName(s string) string {
	if out, ok := asciiName(s); ok {
		return out
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	for range 4 { // folding and composing can each undo the other's work; in practice once
		next := foldName(s)
		if next == s || settled(next) {
			return next
		}
		s = next
	}
	return s
}

// settled reports whether a folded name holds only characters of the common alphabets,
// which a second folding leaves alone.
func settled(s string) bool {
	for _, r := range s {
		if r >= 0x250 && (r < 0x370 || r >= 0x530) && (r < 0xE00 || r >= 0xE80) && (r < 0x4E00 || r >= 0xA000) {
			return false
		}
	}
	return true
}

func foldName(s string) string {
	s = norm.NFKD.String(cases.Fold().String(norm.NFKC.String(s)))
	return norm.NFKC.String(collapsed(withoutMarks(s)))
}

// withoutMarks drops invisible characters everywhere and stress marks in Greek.
func withoutMarks(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	greek := false
	for _, r := range s {
		switch {
		case r < 0xAD: // the first invisible one
			greek = false
		case unicode.Is(unicode.Cf, r):
			continue
		case greek && unicode.Is(unicode.Mn, r):
			continue
		case !unicode.Is(unicode.Mn, r):
			greek = unicode.Is(unicode.Greek, r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// collapsed drops dots and apostrophes, turns other punctuation and blanks into one
// blank, and keeps s if nothing else would be left.
func collapsed(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	blank := false
	for _, r := range s {
		switch {
		case strings.ContainsRune(".'`\u2019\u2018\u02BC\u0384\u00B4", r):
		case unicode.IsSpace(r), unicode.IsPunct(r):
			blank = b.Len() > 0
		default:
			if blank {
				b.WriteByte(' ')
				blank = false
			}
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return strings.Join(strings.Fields(s), " ")
	}
	return b.String()
}

// asciiName is NormalName for names in ASCII, and spares the tables; it reports false if
// s has anything else.
func asciiName(s string) (string, bool) {
	if !ascii(s) {
		return "", false
	}
	clean := true
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != ' ' || i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			clean = false
			break
		}
	}
	if clean {
		return s, true
	}
	return collapsed(strings.ToLower(s)), true
}
