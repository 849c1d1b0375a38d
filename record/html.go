package record

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLText returns what a person reads in an HTML fragment: text with a line break where
// a block ends, "- " before items of a list, and nothing of scripts and styles.
func HTMLText(s string) string {
	if !strings.ContainsAny(s, "<&\r\u00A0") {
		return NormalText(foldBlanks(s))
	}
	w := textWriter{}
	t := html.NewTokenizer(strings.NewReader(strings.ToValidUTF8(s, "\uFFFD")))
	for {
		switch t.Next() {
		case html.ErrorToken: // the end; a reader of a string has no other error
			return NormalText(w.b.String())
		case html.TextToken:
			w.text(string(t.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := t.TagName()
			w.open(atom.Lookup(name))
		case html.EndTagToken:
			name, _ := t.TagName()
			w.close(atom.Lookup(name))
		}
	}
}

// foldBlanks makes runs of HTML's white space one blank.
func foldBlanks(s string) string {
	w := textWriter{}
	w.text(s)
	return w.b.String()
}

type textWriter struct {
	b     strings.Builder
	blank bool // white space is due before the next word
	lines int  // line breaks at the end of b
	quiet atom.Atom
	pre   int
}

// text writes a run of text; a no-break space is a blank that is never folded.
func (w *textWriter) text(s string) {
	if w.quiet != 0 {
		return
	}
	for _, r := range s {
		switch {
		case r == '\n' && w.pre > 0:
			w.line()
		case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f':
			if w.pre > 0 {
				w.put(r)
			} else {
				w.blank = true
			}
		case r == '\u00A0':
			w.put(' ')
		case unicode.IsControl(r): // nobody sees it
		default:
			w.put(r)
		}
	}
}

func (w *textWriter) put(r rune) {
	if w.blank && w.b.Len() > 0 && w.lines == 0 {
		w.b.WriteByte(' ')
	}
	w.blank, w.lines = false, 0
	w.b.WriteRune(r)
}

// line ends a line, whatever is on it.
func (w *textWriter) line() {
	w.b.WriteByte('\n')
	w.blank = false
	w.lines++
}

// block makes sure that at least n line breaks stand before what follows.
func (w *textWriter) block(n int) {
	if w.b.Len() == 0 {
		w.blank = false
		return
	}
	for w.lines < n {
		w.line()
	}
	w.blank = false
}

func (w *textWriter) open(a atom.Atom) {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Template:
		if w.quiet == 0 {
			w.quiet = a
		}
	case atom.Br:
		w.line()
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote:
		w.block(2)
	case atom.Pre:
		w.block(1)
		w.pre++
	case atom.Li:
		w.block(1)
		w.put('-')
		w.blank = true
	case atom.Td, atom.Th:
		w.blank = true
	default:
		if isBlock(a) {
			w.block(1)
		}
	}
}

func (w *textWriter) close(a atom.Atom) {
	if a == w.quiet {
		w.quiet = 0
	}
	switch a {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote:
		w.block(2)
	case atom.Pre:
		w.pre = max(0, w.pre-1)
		w.block(1)
	case atom.Li:
		w.block(1)
	default:
		if isBlock(a) {
			w.block(1)
		}
	}
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.Div, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd, atom.Table, atom.Tr, atom.Thead, atom.Tbody,
		atom.Section, atom.Article, atom.Header, atom.Footer, atom.Address, atom.Hr, atom.Form, atom.Figure:
		return true
	default:
		return false
	}
}

// TextHTML returns an HTML fragment that shows the text as it is: HTMLText reads it back,
// but for white space that nobody sees.
func TextHTML(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	lead := true // a blank here would not be shown
	for _, r := range NormalText(drop(s, invisible)) {
		switch {
		case r == '\n':
			b.WriteString("<br>")
			lead = true
			continue
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '\u00A0', r == ' ' && lead:
			b.WriteString("&nbsp;")
		case r == ' ' || r == '\t':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
		lead = r == ' ' || r == '\t'
	}
	return b.String()
}

// invisible tells control characters from those that part words and lines.
func invisible(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
}
