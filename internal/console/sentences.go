package console

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Sentences are what the hub says in its journal, in problems and in errors, in another
// language: texts/sentences/LANGUAGE/*.yaml hold the formats that make them. A text is
// taken apart by the format that made it, when it is shown, so that what a vendor or a
// person wrote into it stays as it is; the hub itself speaks English only.
type sentences struct {
	byByte [256][]*sentence // by the first byte of a text; those with the most words of their own first
}

// A sentence is one format, and what it is in the other language.
type sentence struct {
	english, said []part
	arguments     int
	words         int // letters of the English format itself
}

const (
	longestSentence = 4096 // bytes; what is longer stays as it is
	deepestSentence = 5    // arguments within arguments that are sentences too
	sentenceTries   = 100  // per text, so that a vendor's page of text costs no more
	fewestLetters   = 4    // of a format with holes: fewer say nothing, and would fit too much
	shortSentence   = 8    // with fewer letters, only what stands behind a colon may be more than a word
)

// loadSentences returns a language's sentences; none if it has no folder.
func loadSentences(files fs.FS, tag string) (*sentences, error) {
	names, err := fs.Glob(files, "texts/sentences/"+tag+"/*.yaml")
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		texts, err := parseSentences(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for english, said := range texts {
			if other, has := all[english]; has && other != said {
				return nil, fmt.Errorf("%s: %q is %q in another file", name, english, other)
			}
			all[english] = said
		}
	}
	return newSentences(all)
}

func parseSentences(src []byte) (map[string]string, error) {
	var texts map[string]string
	if err := yaml.Unmarshal(src, &texts); err != nil {
		return nil, err
	}
	return texts, nil
}

func newSentences(texts map[string]string) (*sentences, error) {
	all := make([]*sentence, 0, len(texts))
	for _, english := range slices.Sorted(maps.Keys(texts)) {
		s, err := newSentence(english, texts[english])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", english, err)
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b *sentence) int {
		return cmp.Or(cmp.Compare(b.words, a.words), cmp.Compare(a.arguments, b.arguments))
	})
	known := &sentences{}
	for c := range known.byByte {
		for _, s := range all {
			if s.begins(byte(c)) {
				known.byByte[c] = append(known.byByte[c], s)
			}
		}
	}
	return known, nil
}

func newSentence(english, said string) (*sentence, error) {
	from, err := parseFormat(english)
	if err != nil {
		return nil, err
	}
	to, err := parseFormat(said)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", said, err)
	}
	s := &sentence{english: from, said: to}
	for _, p := range from {
		s.words += lettersOf(p.text)
		s.arguments = max(s.arguments, p.argument+1)
	}
	switch {
	case english == "" || said == "":
		return nil, errors.New("there is no text")
	case s.words == 0, s.arguments > 0 && s.words < fewestLetters:
		return nil, errors.New("there is too little text beside its arguments; it would fit everything")
	}
	for _, p := range to {
		if p.verb != 0 && !slices.ContainsFunc(from, func(f part) bool { return f.verb != 0 && f.argument == p.argument }) {
			return nil, fmt.Errorf("%q: there is no argument %d", said, p.argument+1)
		}
	}
	return s, nil
}

// begins reports whether a text with that first byte may be one that the format made.
func (s *sentence) begins(c byte) bool {
	switch first := s.english[0]; first.verb {
	case 0:
		return first.text[0] == c
	case 'q':
		return c == '"' || c == '['
	case 'd':
		return c == '-' || c >= '0' && c <= '9'
	default:
		return true
	}
}

// say returns a text of the hub in the language, and whether it or a part of it was known.
// What is too long for a sentence stays as it is.
func (k *sentences) say(text string) (string, bool) {
	if text == "" || len(text) > longestSentence {
		return text, false
	}
	s := speaker{known: k, tries: sentenceTries}
	said, known := s.say(text, deepestSentence)
	return said, known > 0
}

// A speaker says one text.
type speaker struct {
	known *sentences
	tries int // that are left
}

// say returns the text in the language, and how many of its letters were known.
func (s *speaker) say(text string, depth int) (string, int) {
	if depth == 0 {
		return text, 0
	}
	if said, known := s.ending(text, depth); known > 0 {
		return said, known
	}
	return s.joined(text, depth)
}

// ending says what one format made, or all but its full stop: that may stand behind an
// argument, as the format's that it is an argument of.
func (s *speaker) ending(text string, depth int) (string, int) {
	said, known := s.whole(text, depth)
	if known == 0 && !strings.HasSuffix(text, ".") {
		said, known = s.whole(text+".", depth)
		said = strings.TrimSuffix(said, ".")
	}
	return said, known
}

// whole says what one format made: of those that fit the one that, with its arguments, knows
// most of the text.
func (s *speaker) whole(text string, depth int) (best string, most int) {
	if text == "" || s.tries <= 0 {
		return "", 0
	}
	s.tries--
	for _, one := range s.known.byByte[text[0]] {
		arguments, fits := one.match(text)
		if !fits {
			continue
		}
		known := one.words
		said := one.render(func(p part) string {
			argument, more := s.argument(p, arguments[p.argument], depth-1)
			known += more
			return argument
		})
		if known > most {
			best, most = said, known
		}
	}
	return best, most
}

// argument says an argument that is a sentence itself. A single word is most often a name
// that somebody gave, and stays as it is, unless the format of the other language asks for
// the word with %v.
func (s *speaker) argument(p part, text string, depth int) (string, int) {
	if p.verb != 's' || !p.word && !strings.Contains(text, " ") {
		return text, 0
	}
	return s.say(text, depth)
}

// render writes the format of the other language.
func (s *sentence) render(argument func(part) string) string {
	var b strings.Builder
	for _, p := range s.said {
		if p.verb == 0 {
			b.WriteString(p.text)
		} else {
			b.WriteString(argument(p))
		}
	}
	return b.String()
}

// joined says sentences that stand in a row, such as "the sync people: the token was
// refused; sign in again": from each, as much as one format makes, and what none makes as
// it is.
func (s *speaker) joined(text string, depth int) (string, int) {
	seams := seamsOf(text)
	var b strings.Builder
	sum := 0
	for start := 0; start < len(text); {
		said, known, to := s.first(text, start, seams, depth)
		sum += known
		b.WriteString(said)
		b.WriteString(text[to.end:to.next])
		start = to.next
		for len(seams) > 0 && seams[0].next <= start && seams[0].end <= start {
			seams = seams[1:]
		}
	}
	return b.String(), sum
}

// first says as much of a text, from a place on, as one format makes, or else leaves it as
// it is up to the next seam.
func (s *speaker) first(text string, start int, seams []seam, depth int) (string, int, seam) {
	for _, to := range slices.Backward(seams) {
		if start == 0 && to.end == len(text) {
			continue // the whole, which is known to be none
		}
		say := s.whole
		if to.next == len(text) {
			say = s.ending
		}
		one := text[start:max(start, to.end)]
		if text[to.end:to.next] == ": " && !strings.Contains(one, " ") {
			continue // a name, or a word of somebody else
		}
		if said, known := say(one, depth); known > 0 {
			return said, known, to
		}
	}
	return text[start:max(start, seams[0].end)], 0, seams[0]
}

// A seam is where one sentence may end and the next begin.
type seam struct{ end, next int }

// seamsOf returns the seams of a text that are not within quotes; the last is its end.
func seamsOf(text string) []seam {
	var all []seam
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case text[i] == '"':
			i += max(quotedLength(rest), 1) - 1
		case strings.HasPrefix(rest, "; "), strings.HasPrefix(rest, ": "):
			all = append(all, seam{i, i + 2})
		case strings.HasPrefix(rest, ". "), strings.HasPrefix(rest, ".\n"):
			all = append(all, seam{i, i + 2}, seam{i + 1, i + 2}) // a format may end in a full stop
		case rest == ".":
			all = append(all, seam{i, i + 1})
		case text[i] == '\n':
			all = append(all, seam{i, i + 1})
		}
	}
	return append(all, seam{len(text), len(text)})
}
