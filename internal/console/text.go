package console

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed texts
var textFiles embed.FS

// A locale is one language: a file in texts/, whose name is its tag. A text is a line, or a
// form for each of the language's plurals, chosen by the first argument; {0} is the first
// argument, {1} the second. A language is added by adding its file.
type locale struct {
	tag     language.Tag
	texts   map[string]map[plural.Form]string
	printer *message.Printer
	said    *sentences // of the hub
}

// forms are the plurals' names in the files, as Unicode has them.
func forms() map[string]plural.Form {
	return map[string]plural.Form{"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other}
}

// loadLocales returns all languages; English, which whoever asks for none of them gets, first.
func loadLocales() ([]*locale, error) {
	names, err := fs.Glob(textFiles, "texts/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []*locale
	for _, name := range names {
		b, err := textFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		l, err := parseLocale(strings.TrimSuffix(path.Base(name), ".yaml"), b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if l.said, err = loadSentences(textFiles, l.Tag()); err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b *locale) int {
		switch {
		case a.tag == language.English:
			return -1
		case b.tag == language.English:
			return 1
		default:
			return strings.Compare(a.tag.String(), b.tag.String())
		}
	})
	if len(all) == 0 || all[0].tag != language.English {
		return nil, errors.New("there is no texts/en.yaml")
	}
	return all, nil
}

func parseLocale(name string, src []byte) (*locale, error) {
	tag, err := language.Parse(name)
	if err != nil {
		return nil, err
	}
	var raw map[string]any
	if err := yaml.Unmarshal(src, &raw); err != nil {
		return nil, err
	}
	l := &locale{tag: tag, texts: map[string]map[plural.Form]string{}, printer: message.NewPrinter(tag), said: &sentences{}}
	for key, value := range raw {
		texts := map[plural.Form]string{}
		switch value := value.(type) {
		case string:
			texts[plural.Other] = value
		case map[string]any:
			for form, text := range value {
				f, known := forms()[form]
				s, isText := text.(string)
				if !known || !isText {
					return nil, fmt.Errorf("%s: %q is no plural with a text", key, form)
				}
				texts[f] = s
			}
		default:
			return nil, fmt.Errorf("%s: %v is no text; put it in quotes", key, value)
		}
		if _, has := texts[plural.Other]; !has {
			return nil, fmt.Errorf("%s has no form \"other\"", key)
		}
		l.texts[key] = texts
	}
	return l, nil
}

// has reports whether there is a text.
func (l *locale) has(key string) bool { return l.texts[key] != nil }

// text returns a text with its arguments. One that is missing shows its key, in brackets: a
// test sees to it that none is.
func (l *locale) text(key string, args ...any) string {
	texts := l.texts[key]
	if texts == nil {
		return "[" + key + "]"
	}
	s, has := texts[l.form(args)]
	if !has {
		s = texts[plural.Other]
	}
	if !strings.Contains(s, "{") {
		return s
	}
	pairs := make([]string, 0, 2*len(args))
	for i, arg := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", l.show(arg))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// sentence returns a text of the hub in the language; what is not known as English.
func (l *locale) sentence(text string) string {
	said, _ := l.said.say(text)
	return said
}

// A saying is a text of the hub on a page; English where nothing of it is known.
type saying struct {
	Text    string
	English bool
}

func (l *locale) saying(text string) saying {
	said, known := l.said.say(text)
	return saying{Text: said, English: !known && l.tag != language.English}
}

// form is the plural that the first argument asks for.
func (l *locale) form(args []any) plural.Form {
	if len(args) == 0 {
		return plural.Other
	}
	n, ok := args[0].(int)
	if !ok || n < 0 {
		return plural.Other
	}
	return plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)
}

// show writes an argument: numbers as the language does, and what an error of the hub says.
func (l *locale) show(arg any) string {
	switch arg := arg.(type) {
	case int, int64, float64:
		return l.printer.Sprint(arg)
	case string:
		return arg
	case error:
		return l.sentence(arg.Error())
	default:
		return fmt.Sprint(arg)
	}
}

// stamp writes a time in a zone, "–" for none.
func (l *locale) stamp(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(zone).Format(l.text("format.time"))
}

// pick returns the language that fits best: the one that a person has chosen, else one that
// the browser asks for.
func pick(all []*locale, chosen, accepted string) *locale {
	tags := make([]language.Tag, len(all))
	for i, l := range all {
		tags[i] = l.tag
		if l.tag.String() == chosen {
			return l
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(cutTo(accepted, 200))
	if err != nil || len(wanted) == 0 {
		return all[0]
	}
	_, i, confidence := language.NewMatcher(tags).Match(wanted...)
	if confidence == language.No {
		return all[0]
	}
	return all[i]
}

// cutTo keeps as much of a text as so many bytes hold, and no half of a letter.
func cutTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// shorten keeps so many letters of what people read, and shows that there are more.
func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// bytes writes a size as people do.
func (l *locale) bytes(n int64) string {
	for _, u := range []struct {
		name string
		of   int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}} {
		if n >= u.of {
			return l.number(float64(n)/float64(u.of)) + " " + u.name
		}
	}
	return l.show(int((n+1023)>>10)) + " KiB"
}
