package plan

import "strings"

const mark = "\ufeff" // before the first letter of documents that some editors of Windows write

// WithBreaksOf returns a document's text with the line breaks that most lines of an earlier text of it
// have, and with the byte order mark that it began with.
func WithBreaksOf(was, text string) string {
	text = withoutBreaks(text)
	if 2*strings.Count(was, "\r\n") > strings.Count(was, "\n") {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if strings.HasPrefix(was, mark) {
		text = mark + text
	}
	return text
}

// withoutBreaks returns a text whose lines end with one byte, without a byte order mark.
func withoutBreaks(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, mark), "\r\n", "\n")
}
