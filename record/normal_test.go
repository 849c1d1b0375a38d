package record_test

import (
	"testing"
	"unicode/utf8"

	"github.com/tandemhub/tandem/record"
)

// table checks a normaliser, and that what it returns is normal already.
func table(t *testing.T, normal func(string) string, rows map[string]string) {
	t.Helper()
	for in, want := range rows {
		got := normal(in)
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		if again := normal(got); again != got {
			t.Errorf("%q: %q becomes %q a second time", in, got, again)
		}
	}
}

func TestNormalEmailIsLowerCaseWithAnASCIIDomain(t *testing.T) {
	t.Parallel()
	table(t, record.NormalEmail, map[string]string{
		"":                               "",
		"ann@example.com":                "ann@example.com",
		" Ann@Example.COM\t":             "ann@example.com",
		"Ann Lee <ANN@Example.com>":      "ann@example.com",
		"mailto:ann@example.com":         "ann@example.com",
		"Ann@MÜNCHEN.de":                 "ann@xn--mnchen-3ya.de",
		"ann@xn--mnchen-3ya.de":          "ann@xn--mnchen-3ya.de",
		"ΆΝΝΑ@παράδειγμα.gr":             "άννα@xn--hxajbheg2az3al.gr",
		"Иван@Почта.рф":                  "иван@xn--80a1acny.xn--p1ai",
		"สมชาย@ไทย.com":                  "สมชาย@xn--o3cw4h.com",
		"ann+news@example.com":           "ann+news@example.com",
		"ann@example.com.":               "ann@example.com",
		"ann":                            "",
		"ann@":                           "",
		"@example.com":                   "",
		"ann@localhost":                  "",
		"ann@ex ample.com":               "",
		"an n@example.com":               "",
		"a@b@example.com":                "",
		"ann@example..com":               "",
		"ann@.example.com":               "",
		"ann@-example.com":               "",
		"a@example.com, b@example.com":   "",
		"a@example.com;b@example.com":    "",
		"ann@example.com\x00":            "",
		"\"quoted blank\"@example.com":   "",
		"info[at]example.com":            "",
		"mailto:mailto:ann@example.com ": "",
	})
}

func TestNormalPhoneIsE164(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ in, country, want string }{
		{"", "GR", ""},
		{"210 123 4567", "GR", "+302101234567"},
		{"(+30) 210-123.4567", "", "+302101234567"},
		{"0030 210 1234567", "", "+302101234567"},
		{"0030 210 1234567", "gr", "+302101234567"},
		{"081-234-5678", "TH", "+66812345678"},
		{"๐๘๑ ๒๓๔ ๕๖๗๘", "TH", "+66812345678"},
		{"8 (495) 123-45-67", "RU", "+74951234567"},
		{"030/12 34 56", "DE", "+4930123456"},
		{"+49 30 123456 ext. 5", "", "+4930123456"},
		{"+39 06 698 12345", "", "+390669812345"},
		{"210 123 4567", "", ""},
		{"12", "GR", ""},
		{"call Ann", "GR", ""},
		{"+999 123456789", "", ""},
	} {
		got := record.NormalPhone(row.in, row.country)
		if got != row.want {
			t.Errorf("%q in %q: got %q, want %q", row.in, row.country, got, row.want)
		}
		if again := record.NormalPhone(got, row.country); again != got {
			t.Errorf("%q: %q becomes %q a second time", row.in, got, again)
		}
	}
}

func TestNormalDomainIsTheHost(t *testing.T) {
	t.Parallel()
	table(t, record.NormalDomain, map[string]string{
		"":                                   "",
		"example.com":                        "example.com",
		"https://www.Example.com:8080/a?b#c": "example.com",
		"HTTP://EXAMPLE.COM":                 "example.com",
		"//example.com/":                     "example.com",
		"http://user:pw@www.bücher.de/a@b":   "xn--bcher-kva.de",
		"www.παράδειγμα.ελ":                  "xn--hxajbheg2az3al.xn--qxam",
		"https://ไทย.com/หน้าแรก": "xn--o3cw4h.com",
		"почта.рф":                            "xn--80a1acny.xn--p1ai",
		"info@example.com":                    "example.com",
		"www.com":                             "www.com",
		"www.example.co.th.":                  "example.co.th",
		"shop.example.com":                    "shop.example.com",
		"localhost":                           "",
		"192.168.1.1":                         "",
		"http://[2001:db8::1]/":               "",
		"no website":                          "",
		"-":                                   "",
		"https://":                            "",
		"example.com?utm_source=x":            "example.com",
		"example.com\\path":                   "example.com",
		"facebook.com/acme":                   "facebook.com",
		"a." + string(make([]byte, 300)) + "": "",
	})
}

func TestNormalNameIgnoresCaseBlanksAndPunctuation(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"Straße & Söhne GmbH", "STRASSE  &  SÖHNE GMBH", "Strasse, So\u0308hne GmbH"},
		{"ΠΑΠΑΔΟΠΟΥΛΟΣ ΓΙΩΡΓΟΣ", "Παπαδόπουλος Γιώργος", " Παπαδόπουλος,  Γιώργος "},
		{"บริษัท ไทย จำกัด", "บริษัท  ไทย\u200b จำกัด"},
		{"Ёлкин-Палкин", "ЁЛКИН ПАЛКИН"},
		{"O'Brien S.A.", "O’BRIEN SA", "obrien sa"},
		{"ＡＣＭＥ　Ｌｔｄ", "Acme Ltd."},
		{"ﬁne", "FINE"},
	} {
		want := record.NormalName(same[0])
		for _, s := range same {
			if got := record.NormalName(s); got != want {
				t.Errorf("%q is %q, but %q is %q", s, got, same[0], want)
			}
			if again := record.NormalName(want); again != want {
				t.Errorf("%q becomes %q a second time", want, again)
			}
		}
	}
	for _, different := range [][2]string{{"Müller", "Muller"}, {"Елкин", "Ёлкин"}, {"Anna", "Άννα"}, {"Acme 1", "Acme 2"}, {"!!!", "???"}} {
		if record.NormalName(different[0]) == record.NormalName(different[1]) {
			t.Errorf("%q and %q are the same", different[0], different[1])
		}
	}
}

func TestNormalCountryKnowsCodesAndNames(t *testing.T) {
	t.Parallel()
	table(t, record.NormalCountry, map[string]string{
		"": "", "GR": "GR", "gr": "GR", "GRC": "GR", "EL": "GR", "Greece": "GR", "Ελλάδα": "GR", "ΕΛΛΑΔΑ": "GR",
		"Griechenland": "GR", "Греция": "GR", "กรีซ": "GR", "Grèce": "GR", "Hellas": "GR",
		"Deutschland": "DE", "Germany": "DE", "Γερμανία": "DE", "Германия": "DE", "เยอรมนี": "DE",
		"ไทย": "TH", "ประเทศไทย": "TH", "Thailand": "TH", "THAILAND ": "TH",
		"Россия": "RU", "Russian Federation": "RU", "UK": "GB", "England": "GB", "U.S.A.": "US", "USA": "US", "United States": "US",
		"Österreich": "AT", "OSTERREICH": "AT", "España": "ES", "espana": "ES", "Côte d’Ivoire": "CI", "Holland": "NL", "日本": "JP",
		"Suisse": "CH", "Schweiz": "CH", "Czech Republic": "CZ", "Türkiye": "TR", "Niger": "NE", "Nigeria": "NG",
		"Atlantis": "", "XX": "", "1": "", "ZZ": "", "EU": "",
	})
}

func TestCountriesHaveNamesAndCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"GR", "DE", "TH", "RU", "US", "GB", "CI", "XK"} {
		if got := record.NormalCountry(record.CountryName(code)); got != code {
			t.Errorf("%s is called %q, which is %q", code, record.CountryName(code), got)
		}
	}
	if got := record.CountryISO3("GR"); got != "GRC" {
		t.Errorf("GR is %q", got)
	}
	for _, none := range []string{"", "ZZ", "Greece", "EU"} {
		if name, iso := record.CountryName(none), record.CountryISO3(none); name != "" || iso != "" {
			t.Errorf("%q is %q and %q", none, name, iso)
		}
	}
}

func TestNormalLanguageKnowsCodesAndNames(t *testing.T) {
	t.Parallel()
	table(t, record.NormalLanguage, map[string]string{
		"": "", "en": "en", "en_US": "en", "EN-us": "en", "English": "en", "Englisch": "en", "Αγγλικά": "en",
		"el": "el", "el_GR": "el", "Greek": "el", "Ελληνικά": "el", "ΕΛΛΗΝΙΚΑ": "el", "Griechisch": "el",
		"Deutsch": "de", "German": "de", "ไทย": "th", "Thai": "th", "Русский": "ru", "Russian": "ru",
		"pt-BR": "pt", "français": "fr", "francais": "fr", "Klingonic": "", "12": "", "ell": "el",
	})
	if got := record.LanguageName("el"); got != "Greek" {
		t.Errorf("el is %q", got)
	}
	if got := record.LanguageName("?"); got != "" {
		t.Errorf("? is %q", got)
	}
}

func TestNormalVATIDKeepsTheCountryInFront(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ in, country, want string }{
		{"EL 094.259.216", "", "GR094259216"}, {"GR094259216", "", "GR094259216"}, {"094259216", "GR", "GR094259216"},
		{"094259216", "", "094259216"}, {"de-123 456 789", "AT", "DE123456789"}, {"ATU12345678", "", "ATU12345678"},
		{"CHE-123.456.789 MWST", "", "CH123456789"}, {"NO 923 609 016 MVA", "", "NO923609016"},
		{"ESB12345678", "", "ESB12345678"}, {"B12345678", "ES", "ESB12345678"}, {"0105536000000", "TH", "TH0105536000000"},
		{"๐๑๐๕๕๓๖๐๐๐๐๐๐", "TH", "TH0105536000000"}, {"", "GR", ""}, {"n/a", "GR", ""}, {"-", "GR", ""},
	} {
		got := record.NormalVATID(row.in, row.country)
		if got != row.want {
			t.Errorf("%q in %q: got %q, want %q", row.in, row.country, got, row.want)
		}
		if again := record.NormalVATID(got, row.country); again != got {
			t.Errorf("%q: %q becomes %q a second time", row.in, got, again)
		}
	}
}

func TestSameVATIDComparesWithAndWithoutCountry(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"EL094259216", "GR 094 259 216", true}, {"EL094259216", "094259216", true}, {"094.259.216", "094259216", true},
		{"DE123456789", "AT123456789", false}, {"DE123456789", "DE123456780", false}, {"", "", false}, {"none", "none", false},
		{"CHE-123.456.789", "CH 123456789 TVA", true},
	} {
		if got := record.SameVATID(row.a, row.b); got != row.want {
			t.Errorf("%q and %q: %v", row.a, row.b, got)
		}
		if record.SameVATID(row.a, row.b) != record.SameVATID(row.b, row.a) {
			t.Errorf("%q and %q: the order matters", row.a, row.b)
		}
	}
}

func TestHTMLTextIsWhatPeopleRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                     "",
		"plain":                "plain",
		"two\nlines of source": "two lines of source",
		"<p>Γεια σου <b>Άννα</b></p><p>two</p>":                           "Γεια σου Άννα\n\ntwo",
		"a<br>b<br/>c<BR />d":                                             "a\nb\nc\nd",
		"<ul><li>หนึ่ง</li><li>สอง</li></ul>":                             "- หนึ่ง\n- สอง",
		"a &amp; b &lt; c &#1087;":                                        "a & b < c п",
		"<script>alert(1)</script>x<style>p{}</style>":                    "x",
		"<div>x</div><div>y</div>":                                        "x\ny",
		"<pre>a\n  b</pre>":                                               "a\n  b",
		"x&nbsp;&nbsp;y":                                                  "x  y",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
		"1 < 2":        "1 < 2",
		"<p></p>":      "",
		"<b>unclosed":  "unclosed",
		"</b>closed":   "closed",
		"a<!-- b -->c": "ac",
	} {
		if got := record.HTMLText(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestTextHTMLShowsTheTextAsItIs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "a & b <c>": "a &amp; b &lt;c&gt;", "one\ntwo\r\n\r\nthree": "one<br>two<br><br>three", "a  b": "a &nbsp;b", "  x": "x",
	} {
		if got := record.TextHTML(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNormalPicksByKindAndFormat(t *testing.T) {
	t.Parallel()
	text := func(format record.Format) record.Field { return record.Field{Kind: record.KindText, Format: format} }
	kind := func(k record.Kind) record.Field { return record.Field{Kind: k} }
	for _, row := range []struct {
		field record.Field
		in    record.Value
		want  string
	}{
		{kind(record.KindEmail), record.Text("ANN@x.gr"), "ann@x.gr"},
		{kind(record.KindPhone), record.Text("210 1234567"), "+302101234567"},
		{kind(record.KindMoney), record.Text("43.40"), "43.4"},
		{kind(record.KindNumber), record.Text("many"), ""},
		{kind(record.KindBool), record.Bool(true), "true"},
		{kind(record.KindDate), record.Text("2026-11-21"), "2026-11-21"},
		{kind(record.KindDateTime), record.Text("2026-11-21T10:00:00.123Z"), "2026-11-21T10:00:00Z"},
		{kind(record.KindDateTime), record.Text("2026-11-21T12:00:00+02:00"), "2026-11-21T10:00:00Z"},
		{kind(record.KindDateTime), record.Text("soon"), ""},
		{kind(record.KindChoice), record.Text(" vip "), " vip "},
		{kind(record.KindChoices), record.Texts("b", "a", "b"), "a\x1fb"},
		{kind(record.KindReferences), record.Text("7"), "7"},
		{kind(record.KindReference), record.Text("7"), "7"},
		{kind(record.KindList), record.List(record.Struct(record.Fields{"x": record.Text("1")})), `[{"x":"1"}]`},
		{kind(record.KindList), record.Value{}, ""},
		{text(""), record.Text(" a\r\nb \n c "), "a\nb\n c"},
		{text(""), record.Text("e\u0301"), "é"},
		{text(record.FormatDomain), record.Text("https://www.x.gr/"), "x.gr"},
		{text(record.FormatName), record.Text("Ann  LEE"), "ann lee"},
		{text(record.FormatCountry), record.Text("Ελλάδα"), "GR"},
		{text(record.FormatLanguage), record.Text("el_GR"), "el"},
		{text(record.FormatVATID), record.Text("094259216"), "GR094259216"},
		{text(record.FormatHTML), record.Text("<p>a</p>"), "a"},
		{text(""), record.Value{}, ""},
	} {
		if got := record.Normal(row.field, row.in, "GR"); got != row.want {
			t.Errorf("%s %s %q: got %q, want %q", row.field.Kind, row.field.Format, row.in, got, row.want)
		}
	}
}

func TestFreeMailKnowsTheProvidersOfManyCountries(t *testing.T) {
	t.Parallel()
	for _, domain := range []string{
		"gmail.com", "GMail.com", "hotmail.gr", "yahoo.co.th", "outlook.de", "live.com", "gmx.net", "web.de", "t-online.de", "otenet.gr",
		"in.gr", "mail.ru", "yandex.ru", "bk.ru", "thaimail.com", "qq.com", "icloud.com", "proton.me", "seznam.cz",
	} {
		if !record.FreeMail(domain) {
			t.Errorf("%s is no free-mail provider", domain)
		}
	}
	for _, domain := range []string{"", "example.com", "acme.gr", "yahoo", "live.example.com", "outlook.acme.de", "notgmail.com", "gmail.com.acme.gr"} {
		if record.FreeMail(domain) {
			t.Errorf("%s is a free-mail provider", domain)
		}
	}
}

func FuzzNormalisersAreIdempotent(f *testing.F) {
	for _, s := range []string{
		"Ann <ann@münchen.de>", "+30 210 1234567", "https://www.Example.com:80/x", "Παπαδόπουλος, Γιώργος", "ประเทศไทย", "en_US",
		"CHE-123.456.789 MWST", "İstanbul", "ǅ", "ﬀ", "\u0345", "a\u0300\u0345", "0039 06", "www.www.com", "xn--a", "\xff\xfe", "ᾳ", "K", "mailto:a@b.c", "0", "CHE-E23.456f798 MWST", "\x00 0", "<0@0\xbc.00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, normal := range map[string]func(string) string{
			"email": record.NormalEmail, "domain": record.NormalDomain, "name": record.NormalName, "country": record.NormalCountry,
			"language": record.NormalLanguage, "text": record.NormalText,
			"phone":        func(s string) string { return record.NormalPhone(s, "GR") },
			"bare phone":   func(s string) string { return record.NormalPhone(s, "") },
			"VAT":          func(s string) string { return record.NormalVATID(s, "GR") },
			"bare VAT":     func(s string) string { return record.NormalVATID(s, "") },
			"HTML as text": func(s string) string { return record.TextHTML(record.HTMLText(s)) },
		} {
			once := normal(s)
			if twice := normal(once); twice != once {
				t.Errorf("%s of %q: first %q, then %q", name, s, once, twice)
			}
			if utf8.ValidString(s) && !utf8.ValidString(once) {
				t.Errorf("%s of %q is no UTF-8: %q", name, s, once)
			}
		}
		if text := record.NormalText(s); utf8.ValidString(s) {
			if back := record.HTMLText(record.TextHTML(text)); record.NormalText(back) != back {
				t.Errorf("the text of the HTML of %q is not normal: %q", text, back)
			}
		}
	})
}

func BenchmarkNormal(b *testing.B) {
	for _, c := range []struct {
		name  string
		field record.Field
		value string
	}{
		{"email", record.Field{Kind: record.KindEmail}, "ann.lee@example.com"},
		{"domain", record.Field{Kind: record.KindText, Format: record.FormatDomain}, "example.com"},
		{"name", record.Field{Kind: record.KindText, Format: record.FormatName}, "Example Trading Ltd"},
		{"greek name", record.Field{Kind: record.KindText, Format: record.FormatName}, "Παπαδόπουλος Γιώργος"},
		{"phone", record.Field{Kind: record.KindPhone}, "+30 210 1234567"},
		{"vat", record.Field{Kind: record.KindText, Format: record.FormatVATID}, "EL094259216"},
		{"text", record.Field{Kind: record.KindText}, "some text as it is"},
	} {
		b.Run(c.name, func(b *testing.B) {
			v := record.Text(c.value)
			b.ReportAllocs()
			for b.Loop() {
				record.Normal(c.field, v, "GR")
			}
		})
	}
}
