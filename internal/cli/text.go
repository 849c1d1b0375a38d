package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"github.com/tandemhub/tandem/record"
)

// line writes one line of JSON Lines. What it is given is plain data of ours.
func (a *app) line(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// print writes text for people.
func (a *app) print(text string) error {
	if _, err := io.WriteString(a.Out, text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// columns is how wide a text is on a terminal. Ambiguous characters count as narrow,
// whatever the locale, so that output is the same everywhere.
func columns(s string) int {
	c := runewidth.Condition{StrictEmojiNeutral: true}
	return c.StringWidth(s)
}

// fit cuts a text to at most so many columns.
func fit(s string, most int) string {
	c := runewidth.Condition{StrictEmojiNeutral: true}
	if c.StringWidth(s) <= most {
		return s
	}
	return c.Truncate(s, most, "…")
}

// pad fills a text up to so many columns.
func pad(s string, want int) string { return s + strings.Repeat(" ", max(0, want-columns(s))) }

// printable makes a vendor's text safe for a terminal: nothing in it can move the cursor,
// colour the screen or turn the direction of writing. Line breaks stay.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F:
			return '\uFFFD'
		default:
			return r
		}
	}, s)
}

// oneLine is printable on one line.
func oneLine(s string) string {
	return printable(strings.NewReplacer("\r\n", "⏎", "\n", "⏎", "\t", " ").Replace(s))
}

// shown is a value for people: what is empty says so, what is long is cut.
func shown(v record.Value, most int) string {
	if v.IsEmpty() {
		return "(empty)"
	}
	return fit(oneLine(v.String()), most)
}

// count writes a number with commas: 4,812.
func count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// plural writes a number with its noun: "1 field", "2 fields".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// took writes a duration as short as is useful.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// stamp writes a moment in the zone of the configuration; "never" for none.
func stamp(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "never"
	}
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04:05")
}

// A table is rows of cells, aligned by what they take on a terminal. A row of one cell
// stands by itself.
type table struct {
	rows  [][]string
	right map[int]bool // columns that are aligned to the right
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// text returns the table, every line indented, none with blanks at its end.
func (t *table) text(indent string) string {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 {
				widths[i] = max(widths[i], columns(cell))
			}
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			if t.right[i] && len(row) > 1 {
				line.WriteString(strings.Repeat(" ", widths[i]-columns(cell)))
				line.WriteString(cell)
			} else {
				line.WriteString(pad(cell, widths[i]))
			}
		}
		b.WriteString(strings.TrimRight(indent+line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}
