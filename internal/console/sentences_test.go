package console

import (
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// sentenceFiles are the files of a language's sentences, without .yaml.
func sentenceFiles(t *testing.T, tag string) map[string]map[string]string {
	t.Helper()
	names, err := fs.Glob(textFiles, "texts/sentences/"+tag+"/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]map[string]string{}
	for _, name := range names {
		b, err := textFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := parseSentences(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files[strings.TrimSuffix(path.Base(name), ".yaml")] = texts
	}
	return files
}

// Each sentence that sources make is in each language that has a folder, and no other is.
func TestNoSentenceIsMissingOrLeftOver(t *testing.T) {
	t.Parallel()
	folders, err := fs.Glob(textFiles, "texts/sentences/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		files := sentenceFiles(t, path.Base(folder))
		rows := slices.DeleteFunc(sinks(), func(k sink) bool { return files[k.file] == nil })
		made := sourceFormats(t, rows)
		if files["configuration"] != nil {
			maps.Copy(made, spokenWords())
		}
		maps.Copy(made, hubWords())
		have := map[string]bool{}
		for _, texts := range files {
			for format := range texts {
				have[canonical(format)] = true
			}
		}
		want := map[string]bool{}
		for _, format := range slices.Sorted(maps.Keys(made)) {
			want[canonical(format)] = true
			if !have[canonical(format)] && !onlyWhere(format, made[format]) {
				t.Errorf("%s lacks %q, of %s", folder, format, made[format])
			}
		}
		for name, texts := range files {
			for _, format := range slices.Sorted(maps.Keys(texts)) {
				if !want[canonical(format)] {
					t.Errorf("%s/%s.yaml has %q, which no source makes", folder, name, format)
				}
			}
		}
	}
}

// saysAll is the argument rule of a translation: what the English sentence tells, the other
// tells too.
func TestSentencesTellAllArguments(t *testing.T) {
	t.Parallel()
	folders, err := fs.Glob(textFiles, "texts/sentences/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		for name, texts := range sentenceFiles(t, path.Base(folder)) {
			for english, said := range texts {
				s, err := newSentence(english, said)
				if err != nil {
					t.Errorf("%s/%s.yaml: %q: %v", folder, name, english, err)
					continue
				}
				for _, p := range s.english {
					same := func(o part) bool { return o.verb == p.verb && o.argument == p.argument }
					if p.verb != 0 && !slices.ContainsFunc(s.said, same) {
						t.Errorf("%s/%s.yaml: %q leaves out argument %d of %q", folder, name, said, p.argument+1, english)
					}
				}
			}
		}
	}
}

func testSentences(t *testing.T, texts map[string]string) *sentences {
	t.Helper()
	s, err := newSentences(texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSentencesAreSaidByTheFormatThatMadeThem(t *testing.T) {
	t.Parallel()
	s := testSentences(t, map[string]string{
		"%s has no field %q":             "%[1]s hat kein Feld %[2]q",
		"%s has no field %q yet":         "%s hat noch kein Feld %q",
		"sync %s: %v":                    "Abgleich %s: %v",
		"the token was refused":          "das Token wurde abgelehnt",
		"sign in again":                  "melden Sie sich neu an",
		"parts takes %s":                 "parts bekommt %s",
		"%s takes %s, not %d":            "%s nimmt %s, nicht %d",
		"1 argument":                     "1 Argument",
		"date":                           "Datum",
		"%q is a %s of the %s":           "%q ist vom Typ %v in %s",
		"%d records":                     "%d Datensätze",
		"%v: %q is none of %s":           "%v: %[3]s enthält %[2]q nicht",
		"%q is read-only%s":              "%q kann nur gelesen werden%s",
		"set direction: %s":              "setzen Sie direction: %s",
		"100%% percent of %s":            "100 %% von %s",
		"put in %s, %s":                  "%[2]s in %[1]s",
		"Give the token the right %s.":   "Geben Sie dem Token das Recht %s.",
		"Then try again.":                "Versuchen Sie es dann noch einmal.",
		"unknown names %q":               "unbekannte Namen %q",
		"%[1]s is %[1]s of the world %s": "%[2]s: Welt %[1]s",
	})
	for _, x := range []struct{ text, want string }{
		{`contacts has no field "a \"b\" c"`, `contacts hat kein Feld "a \"b\" c"`},
		{`contacts has no field "x" yet`, `contacts hat noch kein Feld "x"`},
		{"sync people: the token was refused", "Abgleich people: das Token wurde abgelehnt"},
		{"sync people: the token was refused; sign in again", "Abgleich people: das Token wurde abgelehnt; melden Sie sich neu an"},
		{"sync people: sync deals: 3 records", "Abgleich people: Abgleich deals: 3 Datensätze"},
		{"the token was refused; HTTP 401; sign in again", "das Token wurde abgelehnt; HTTP 401; melden Sie sich neu an"},
		{"HTTP 401: the token was refused", "HTTP 401: das Token wurde abgelehnt"},
		{"the token was refused.", "das Token wurde abgelehnt."},
		{"the token was refused. sign in again\n3 records", "das Token wurde abgelehnt. melden Sie sich neu an\n3 Datensätze"},
		{`prefer: "x" is none of left, right`, `prefer: left, right enthält "x" nicht`},
		{`"x" is read-only`, `"x" kann nur gelesen werden`},
		{`"x" is read-only; set direction: left-to-right`, `"x" kann nur gelesen werden; setzen Sie direction: left-to-right`},
		{"100% percent of it", "100 % von it"},
		{"put in a, b", "b in a"},
		{"Give the token the right a.read. Then try again.", "Geben Sie dem Token das Recht a.read. Versuchen Sie es dann noch einmal."},
		{`unknown names ["a" "b]"]`, `unbekannte Namen ["a" "b]"]`},
		{"a is a of the world b", "b: Welt a"},
		{"a is b of the world c", "a is b of the world c"},
		{`"the token was refused"`, `"the token was refused"`},
		{`"x" is a date of the date`, `"x" ist vom Typ Datum in date`},
		{"parts takes 1 argument, not 3", "parts nimmt 1 Argument, nicht 3"},
		{"parts takes whatever", "parts bekommt whatever"},
		{"date: the token was refused", "date: das Token wurde abgelehnt"}, // a vendor's own word
		{"3 recordss", "3 recordss"},
		{"three records", "three records"},
		{"has no field", "has no field"},
		{"", ""},
		{" ; : . ", " ; : . "},
		{"the token was refused" + strings.Repeat("!", longestSentence), "the token was refused" + strings.Repeat("!", longestSentence)},
	} {
		got, known := s.say(x.text)
		if got != x.want || known != (x.text != x.want) {
			t.Errorf("%q became %q, %v; want %q", x.text, got, known, x.want)
		}
	}
}

func TestOddSentencesAreRefused(t *testing.T) {
	t.Parallel()
	for english, said := range map[string]string{
		"":                     "leer",
		"there is nothing":     "",
		"%s: %s":               "%s: %s",
		"a %s of letters":      "%[2]s",
		"lone %":               "lone",
		"an odd verb %z":       "x",
		"an odd verb %[x]s":    "x",
		"no argument %[0]s":    "x",
		"so many words %[99]s": "x",
		"an open verb %[1":     "x",
		"a star %*d of it":     "x",
	} {
		if _, err := newSentence(english, said); err == nil {
			t.Errorf("%q and %q are taken", english, said)
		}
	}
}

// germanSentences are all sentences of the folder.
func germanSentences(t testing.TB) (map[string]string, *sentences) {
	t.Helper()
	all, err := loadLocales()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	names, _ := fs.Glob(textFiles, "texts/sentences/de/*.yaml")
	for _, name := range names {
		b, err := textFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		more, err := parseSentences(b)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(texts, more)
	}
	return texts, pick(all, "de", "").said
}

// arguments are what a format takes, by the letters that are given.
func argumentsOf(parts []part, words func(int) string) []any {
	var all []any
	for _, p := range parts {
		for p.verb != 0 && len(all) <= p.argument {
			all = append(all, "?")
		}
		switch p.verb {
		case 'd':
			all[p.argument] = 7 + p.argument
		case 'q', 's':
			all[p.argument] = words(p.argument)
		}
	}
	return all
}

// plain is a format that Sprintf takes with texts and numbers.
func plain(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.verb == 0 {
			b.WriteString(strings.ReplaceAll(p.text, "%", "%%"))
		} else {
			fmt.Fprintf(&b, "%%[%d]%c", p.argument+1, p.verb)
		}
	}
	return b.String()
}

// What a format makes of distinct simple arguments is exactly what the German one makes.
func TestEachSentenceComesBackWithItsArguments(t *testing.T) {
	t.Parallel()
	texts, german := germanSentences(t)
	for english, said := range texts {
		from, err := parseFormat(english)
		if err != nil {
			t.Fatal(err)
		}
		to, err := parseFormat(said)
		if err != nil {
			t.Fatal(err)
		}
		arguments := argumentsOf(from, func(i int) string { return fmt.Sprintf("zz%dy", i) })
		text, want := fmt.Sprintf(plain(from), arguments...), fmt.Sprintf(plain(to), arguments...)
		if len(arguments) == 0 {
			text, want = strings.ReplaceAll(english, "%%", "%"), strings.ReplaceAll(said, "%%", "%")
		}
		if got, known := german.say(text); got != want || !known {
			t.Errorf("%q became\n%q, want\n%q", text, got, want)
		}
	}
}

func TestGermanPagesSayTimesInGerman(t *testing.T) {
	t.Parallel()
	_, german := germanSentences(t)
	for text, want := range map[string]string{
		"prefer newest: left is 1 hour newer": "das Neueste hat Vorrang: links ist um 1 Stunde neuer",
		"the vendor's budget is used up, or kept for what people do, until 2026-11-22 17:25 EET: list crm.contacts: wait for the vendor's limit: there is room in about 56 minutes": "das Kontingent des Systems ist aufgebraucht oder für Menschen zurückbehalten, bis 2026-11-22 17:25 EET: beim Auflisten von crm.contacts: die Grenze des Systems ist erreicht, und es dauert noch etwa 56 Minuten, bis Platz ist",
	} {
		if got, _ := german.say(text); got != want {
			t.Errorf("%q became\n%q, want\n%q", text, got, want)
		}
	}
	if got, _ := german.say("mobile (phone in HubSpot) of erp.contacts/1 (Ann Lee) is left out: the answer is not JSON"); got != "mobile (phone in HubSpot) von erp.contacts/1 (Ann Lee) wird ausgelassen: die Antwort ist kein JSON" {
		t.Errorf("a field with two names became %q", got)
	}
}

func TestAnyArgumentsAreTakenApart(t *testing.T) {
	t.Parallel()
	texts, german := germanSentences(t)
	if len(texts) == 0 {
		t.Skip("there is no sentence yet")
	}
	formats := slices.Sorted(maps.Keys(texts))
	rapid.Check(t, func(t *rapid.T) {
		parts, err := parseFormat(rapid.SampledFrom(formats).Draw(t, "format"))
		if err != nil {
			t.Fatal(err)
		}
		one := rapid.OneOf(rapid.String(), rapid.SampledFrom(formats), rapid.StringMatching(`[a-z";:. ]{0,40}`))
		arguments := argumentsOf(parts, func(i int) string { return one.Draw(t, fmt.Sprint(i)) })
		text := fmt.Sprintf(plain(parts), arguments...)
		_, _ = german.say(text)
		for _, s := range german.byByte[text[0]] {
			if got, fits := s.match(text); fits && s.arguments > 0 {
				if again := (&sentence{said: s.english}).render(func(p part) string { return got[p.argument] }); again != text {
					t.Fatalf("%q is taken apart into what makes %q", text, again)
				}
			}
		}
	})
}

func FuzzSentence(f *testing.F) {
	_, german := germanSentences(f)
	f.Add("sync people: the token was refused; sign in again")
	f.Add(`["a" "b" ["`)
	f.Add(strings.Repeat(`is a "`, 300))
	f.Fuzz(func(t *testing.T, text string) {
		if said, known := german.say(text); !known && said != text {
			t.Errorf("%q is not known, and became %q", text, said)
		}
	})
}

func FuzzSentenceFormat(f *testing.F) {
	f.Add("%s has no field %q", "%[2]q fehlt in %[1]s")
	f.Fuzz(func(t *testing.T, english, said string) {
		s, err := newSentence(english, said)
		if err != nil {
			return
		}
		if arguments, fits := s.match(english); fits {
			_ = s.render(func(p part) string { return arguments[p.argument] })
		}
	})
}

// Text of another hand costs no more than a page can bear, however much it looks like ours.
func TestForeignTextCostsLittle(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for i := range 1000 {
		texts[fmt.Sprintf("%%s and %%s of %%s and number %d", i)] = "%s %s %s"
	}
	s := testSentences(t, texts)
	begin := time.Now()
	for _, text := range []string{
		strings.Repeat("a and b of c and number ", 150), strings.Repeat(" of ", 1000), strings.Repeat(": and ", 600), strings.Repeat(`"; `, 1300),
	} {
		if said, known := s.say(text); known {
			t.Errorf("%.40q became %.40q", text, said)
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// What a mapping is wrong with is said in the language of whoever looks; what they entered
// stays as it is, and is no HTML.
func TestAMappingIsCheckedInGerman(t *testing.T) {
	t.Parallel()
	m := newMapped(t)
	m.adopt()
	m.to(m.who.post("/account/wishes", "language", "de"), "/account?done=wishes")
	for _, x := range []struct {
		left, right, from string
		want              string
	}{
		{"naem", "color", "", `cards hat kein Feld "naem"`},
		{"tags", "discount", "", `Falsch von links nach rechts: "tags" hat den Typ Mehrfachauswahl und kann nicht zu "discount" mit dem Typ Zahl werden`},
		{"born", "seen", "", "Kann überraschen born=seen: die Uhrzeit geht verloren"},
		{"", "color", "fist(name)", `Falsch es gibt keine Funktion "fist" Meinten Sie`},
		{"", "color", "upper(name", "Falsch Spalte 10: unexpected token EOF"},
		{"<script>alert(1)</script>", "color", "", `kein Feld "<script>alert(1)</script>"`},
	} {
		_, form := m.send(filled(m.who.get(mappingAt).Body.String()), http.StatusOK, "act", "add")
		body, _ := m.send(form, http.StatusOK, "row-4-left", x.left, "row-4-right", x.right, "row-4-from", x.from)
		m.reads(body, "row-4-says", x.want)
		if strings.Contains(body, "<script>alert") {
			t.Errorf("%s: what was entered is HTML", x.want)
		}
	}
}

func BenchmarkSentence(b *testing.B) {
	_, german := germanSentences(b)
	for b.Loop() {
		_, _ = german.say(`sync "people", fields[2]: left to right: "birthday" is a date and cannot become the number "age"`)
		_, _ = german.say(`HTTP 400 of api.example.com: {"error": "Invalid property", "detail": "It is; not. known"}`)
	}
}
