package sim

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
)

// People returns the fields of an address book as the simulated systems that keep cards
// have them, with values that have broken programs before.
func People() []Field {
	return []Field{
		{Key: "name", Wire: both("name"), Keeps: true, Draw: Name},
		{Key: "email", Wire: both("email"), Draw: Email, Same: lower},
		{Key: "phone", Wire: both("phone"), Draw: Phone, Same: Digits},
		{Key: "discount", Wire: both("discount"), Draw: Number, Same: number},
		{Key: "stage", Wire: both("stage"), Draw: oneOf("new", "won", "lost"), Options: []string{"new", "won", "lost"}},
		{Key: "tags", Wire: both("tags"), Draw: oneOf("vip", "trade", "press", "vip;trade", "press;vip", "trade;press;vip"), Same: sorted, Set: true},
		{Key: "notes", Wire: both("notes"), Draw: Text},
		{Key: "color", Wire: both("color"), Draw: Text, Loose: true},
		{Key: "born", Wire: both("born"), Draw: oneOf("1970-01-01", "2000-02-29", "1899-12-31"), Loose: true},
	}
}

// Consent returns the field in which a card keeps its person's yes or no to mail.
func Consent() Field {
	return Field{Key: "mail", Wire: both("mail"), Consent: true, Draw: oneOf("in", "in", no)}
}

// Labels returns the fields of what the cards of an address book can refer to.
func Labels() []Field {
	return []Field{
		{Key: "name", Wire: both("name"), Keeps: true, Draw: Name},
		{Key: "code", Wire: both("code"), Sole: true, Same: lower, Draw: func(rnd *rand.Rand, _ int) string { return fmt.Sprintf("L%d", rnd.IntN(40)) }},
		{Key: "weight", Wire: both("weight"), Draw: Number, Same: number},
	}
}

// both is the name of a field that all systems give it.
func both(wire string) []string { return []string{wire, wire, wire} }

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// Digits is a telephone number without what people put between the figures.
func Digits(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	return strings.TrimPrefix(s, "30")
}

func number(s string) string {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return s
	}
	return r.RatString()
}

func sorted(s string) string {
	if s == "" {
		return ""
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(strings.Split(s, ";")))), ";")
}

func oneOf(words ...string) func(*rand.Rand, int) string {
	return func(rnd *rand.Rand, _ int) string { return words[rnd.IntN(len(words))] }
}

// Text draws a text that nobody else has.
func Text(rnd *rand.Rand, n int) string {
	shapes := []string{"%d", "note %d", "«%d» “quoted” 'it''s' \"so\"", "🙂👩‍👩‍👧 %d", "Ελένη %d ΆΈΉ", "e\u0301 %d", "a\tb %d", "line\nbreak %d", "null %d", "=1+%d",
		"<b>%d</b> & co", "C:\\%d\\x", "{{%d}} ${HOME}", "  blanks %d  ", "\u00a0hard %d", "عربي %d", "%d%%20%%00", "'; DROP TABLE cards; -- %d", "0%d", "-%d", "true %d"}
	return fmt.Sprintf(shapes[rnd.IntN(len(shapes))], n)
}

// Name draws a name that nobody else has.
func Name(rnd *rand.Rand, n int) string {
	shapes := []string{"Person %d", "O'Brien-%d", "Jürgen Müller %d", "Ελένη Παπαδοπούλου %d", "สมชาย %d", "李 %d", "de la \"Cruz\" %d", "Person %d ", "ANN %d", "🙂 %d"}
	return fmt.Sprintf(shapes[rnd.IntN(len(shapes))], n)
}

// Email draws one of few addresses, so that records meet.
func Email(rnd *rand.Rand, n int) string {
	i := rnd.IntN(60)
	return fmt.Sprintf([]string{"p%d@x.example", "P%d@X.example", "p%d@x.example", "o'p%d+tag@x.example", "p%d@bücher.example"}[rnd.IntN(5)], i)
}

// Phone draws a number that nobody else has.
func Phone(rnd *rand.Rand, n int) string {
	return fmt.Sprintf([]string{"+30210%07d", "210%07d", "+30 210 %07d", "210-%07d"}[rnd.IntN(4)], 1000000+n)
}

// Number draws a decimal that nobody else has.
func Number(rnd *rand.Rand, n int) string {
	return fmt.Sprintf([]string{"%d", "%d.50", "-%d.25", "%d.0", "0.%d1"}[rnd.IntN(5)], n)
}
