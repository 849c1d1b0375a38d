package engine

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tandemhub/tandem/record"
)

// A shape is what may have happened to one value. It names it, the same for all values that it
// happened to in the same way, or is "". Each is pure and knows nothing but the two values.
type shape func(kind record.Kind, was, is string) string

func shapes() []shape {
	return []shape{shifted, swappedDayAndMonth, scaled, negated, rounded, asSpreadsheet, garbled, hidden, escaped, oneCase, lostZeros, lostStart, lostEnd, cutShort}
}

// shaped names all that may have happened to a value.
func shaped(kind record.Kind, was, is string) []string {
	if was == "" || is == "" || was == is {
		return nil
	}
	var names []string
	for _, s := range shapes() {
		if name := s(kind, was, is); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// The times by which whole calendars have been known to move.
const (
	zonesApart = 14 * time.Hour
	aDay       = 24 * time.Hour
	epochs     = 1462 * aDay // between the two calendars of spreadsheets
	aCentury   = 36_524 * aDay
)

// shifted is a wrong time zone, a day lost between zones, or another epoch.
func shifted(kind record.Kind, was, is string) string {
	if kind != record.KindDate && kind != record.KindDateTime {
		return ""
	}
	a, b := record.Text(was).Time(), record.Text(is).Time()
	if a.IsZero() || b.IsZero() {
		return ""
	}
	by := b.Sub(a)
	switch abs := by.Abs(); {
	case abs == epochs, abs == aCentury, abs == aCentury+aDay, kind == record.KindDate && abs == aDay:
		return fmt.Sprintf("moved by %d days", by/aDay)
	case kind == record.KindDateTime && abs <= zonesApart && abs%(15*time.Minute) == 0:
		return fmt.Sprintf("moved by %s", offset(by))
	}
	return ""
}

// offset writes by how much a zone moves a time, to the minute: "+2:00", "-5:30".
func offset(by time.Duration) string {
	sign := "+"
	if by < 0 {
		sign = "-"
	}
	minutes := int(by.Abs() / time.Minute)
	return fmt.Sprintf("%s%d:%02d h", sign, minutes/60, minutes%60)
}

// swappedDayAndMonth is a date read by the custom of another country.
func swappedDayAndMonth(kind record.Kind, was, is string) string {
	if kind != record.KindDate && kind != record.KindDateTime {
		return ""
	}
	a, b := record.Text(was).Time(), record.Text(is).Time()
	if a.Year() == b.Year() && a.Day() == int(b.Month()) && int(a.Month()) == b.Day() && a.Day() != int(a.Month()) {
		return "given with day and month the other way round"
	}
	return ""
}

func numbers(kind record.Kind, was, is string) (a, b record.Value, ok bool) {
	if kind != record.KindNumber && kind != record.KindMoney {
		return a, b, false
	}
	a, okA := record.Number(was)
	b, okB := record.Number(is)
	return a, b, okA && okB && !a.Decimal().IsZero() && !b.Decimal().IsZero()
}

// scaled is a currency in cents, a percentage as a fraction, or a lost decimal point.
func scaled(kind record.Kind, was, is string) string {
	a, b, ok := numbers(kind, was, is)
	if !ok {
		return ""
	}
	for _, zeros := range []int32{1, 2, 3, 4, 6} {
		switch d := b.Decimal(); {
		case d.Equal(a.Decimal().Shift(zeros)):
			return "multiplied by 1" + strings.Repeat("0", int(zeros))
		case a.Decimal().Equal(d.Shift(zeros)):
			return "divided by 1" + strings.Repeat("0", int(zeros))
		}
	}
	return ""
}

func negated(kind record.Kind, was, is string) string {
	if a, b, ok := numbers(kind, was, is); ok && a.Decimal().Equal(b.Decimal().Neg()) {
		return "given the other sign"
	}
	return ""
}

func rounded(kind record.Kind, was, is string) string {
	a, b, ok := numbers(kind, was, is)
	if !ok || a.Decimal().IsInteger() || !b.Decimal().IsInteger() {
		return ""
	}
	if d := b.Decimal(); d.Equal(a.Decimal().Floor()) || d.Equal(a.Decimal().Ceil()) {
		return "stripped of what stands behind the point"
	}
	return ""
}

// asSpreadsheet is a long number as a spreadsheet likes to write it: 3.02E+11.
func asSpreadsheet(_ record.Kind, was, is string) string {
	mantissa, exponent, found := strings.Cut(strings.ToUpper(is), "E+")
	if !found || len(was) < 8 {
		return ""
	}
	if _, err := strconv.ParseFloat(strings.ReplaceAll(mantissa, ",", "."), 64); err != nil {
		return ""
	}
	if _, err := strconv.Atoi(exponent); err != nil {
		return ""
	}
	return "rewritten as a spreadsheet shows long numbers"
}

// garbled is text that was read in the wrong encoding, there and back.
func garbled(_ record.Kind, was, is string) string {
	const mangled = "garbled, as by a wrong encoding"
	if isASCII(was) {
		return ""
	}
	if strings.Contains(is, "\uFFFD") && !strings.Contains(was, "\uFFFD") || asLatin(was) == is {
		return mangled
	}
	old, now := []rune(was), []rune(is)
	if len(old) != len(now) {
		return ""
	}
	for i := range old {
		if old[i] != now[i] && (old[i] < utf8.RuneSelf || now[i] != '?') {
			return ""
		}
	}
	return mangled
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// asLatin is what UTF-8 looks like to a program that takes each byte for a letter.
func asLatin(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// hidden is what a vendor shows of a value to a credential that may not see it.
func hidden(_ record.Kind, was, is string) string {
	for _, mask := range []string{"***", "•••", "xxxx", "XXXX", "[redacted]"} {
		if strings.Contains(is, mask) && !strings.Contains(was, mask) {
			return "masked"
		}
	}
	return ""
}

// escaped is text that went through one more program than it should.
func escaped(_ record.Kind, was, is string) string {
	if html.UnescapeString(is) == was || is == strconv.Quote(was) || strings.ReplaceAll(is, `\`, "") == was {
		return "escaped once more"
	}
	return ""
}

func oneCase(_ record.Kind, was, is string) string {
	switch {
	case !strings.EqualFold(was, is):
	case is == strings.ToUpper(was):
		return "put into capitals"
	case is == strings.ToLower(was) && strings.ContainsFunc(was, unicode.IsUpper):
		return "put into small letters"
	}
	return ""
}

func lostZeros(kind record.Kind, was, is string) string {
	if kind != record.KindNumber && kind != record.KindMoney && strings.HasPrefix(was, "0") && strings.TrimLeft(was, "0") == is {
		return "stripped of leading zeros"
	}
	return ""
}

func worded(kind record.Kind) bool {
	return kind == record.KindText || kind == record.KindPhone || kind == record.KindEmail
}

func lostStart(kind record.Kind, was, is string) string {
	if start, ok := strings.CutSuffix(was, is); ok && worded(kind) {
		return fmt.Sprintf("stripped of %q at the beginning", start)
	}
	return ""
}

func lostEnd(kind record.Kind, was, is string) string {
	if end, ok := strings.CutPrefix(was, is); ok && worded(kind) {
		return fmt.Sprintf("stripped of %q at the end", end)
	}
	return ""
}

// cutShort is text that got too little room.
func cutShort(kind record.Kind, was, is string) string {
	if strings.HasPrefix(was, is) && worded(kind) {
		return "cut off at the end"
	}
	return ""
}
