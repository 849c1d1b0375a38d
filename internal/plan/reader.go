package plan

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/tandemhub/tandem/connector"
)

// A reader takes the file apart and gathers what is wrong with it.
type reader struct {
	file     string
	env      func(string) (string, bool)
	specs    []connector.Spec
	problems Problems
	secrets  []string              // values that no problem may show
	vault    func() (Vault, error) // nil where its secrets cannot be used
	names    []string              // of the connections
}

func (r *reader) fail(at place, text string) { r.near(at, text, "") }

func (r *reader) near(at place, text, near string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: at.line, Column: at.column, Text: text, Near: near})
}

func (r *reader) warn(at place, text string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: at.line, Column: at.column, Text: text, Warning: true})
}

// finish returns the problems for people. No text quotes a value that came from the
// environment; this makes sure of it (invariant 9).
func (r *reader) finish() Problems { return scrub(r.problems, r.secrets).sorted() }

// scrub hides the secrets in the texts. Very short ones are left: they would turn up
// within ordinary words, and show themselves by being hidden there.
func scrub(ps Problems, secrets []string) Problems {
	for i := range ps {
		for _, s := range secrets {
			if len(s) >= 8 {
				ps[i].Text = strings.ReplaceAll(ps[i].Text, s, hidden)
				ps[i].Near = strings.ReplaceAll(ps[i].Near, s, hidden)
			}
		}
	}
	return ps
}

// A key is one row of a table of the keys that a map may have. The rows make the reading,
// the lists of known words and the JSON Schema.
type key[T any] struct {
	name     string
	help     string
	required bool
	later    bool // of a later version: an error that says so, no part of the schema
	schema   schema
	read     func(r *reader, n node, into *T)
}

// readMap reads a map by its table and returns where each key stands. The place is where
// a missing key is reported.
func readMap[T any](r *reader, n node, at place, what string, keys []key[T], into *T) map[string]place {
	if n.shape != shapeMap {
		r.notAMap(n, at, what+" must be a map")
		return nil
	}
	seen := make(map[string]place, len(n.pairs))
	for _, p := range n.pairs {
		i := slices.IndexFunc(keys, func(k key[T]) bool { return k.name == p.key })
		switch {
		case i < 0:
			// What is only misspelt is not reported as missing, too.
			if meant := r.unknown(p, what, keyNames(keys)); meant != "" && seen[meant] == (place{}) {
				seen[meant] = p.place
			}
		case keys[i].later:
			r.fail(p.place, fmt.Sprintf("this version does not have %q yet", p.key))
		default:
			seen[p.key] = p.place
			keys[i].read(r, p.value, into)
		}
	}
	for _, k := range keys {
		if _, has := seen[k.name]; k.required && !has {
			r.fail(at, fmt.Sprintf("%s lacks %q%s", what, k.name, because(k.help)))
		}
	}
	return seen
}

// notAMap reports a value that should have been a map.
func (r *reader) notAMap(n node, at place, text string) {
	switch n.shape {
	case shapeBroken:
	case shapeNull:
		r.fail(at, text)
	default:
		r.fail(orElse(n.place, at), text+blankHint(n))
	}
}

// keyNames are the words that this version knows.
func keyNames[T any](keys []key[T]) []string {
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		if !k.later {
			names = append(names, k.name)
		}
	}
	return names
}

// unknown reports a key that is not in the table, and returns the one that was meant.
func (r *reader) unknown(p pair, what string, names []string) string {
	key := printable(p.key)
	text := fmt.Sprintf("unknown key %q", key)
	near := nearest(key, names)
	switch {
	case strings.Contains(p.key, ":"):
		r.fail(p.place, text+"; a blank belongs after the colon")
		return near
	case near == "":
		text += "; " + what + " can have " + strings.Join(names, ", ")
	}
	r.near(p.place, text, near)
	return near
}

// because appends a row's help to a problem.
func because(help string) string {
	if help == "" {
		return ""
	}
	return ": " + oneLine(help)
}

// oneLine folds white space, so that a system's help cannot break a problem's line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// blankHint explains a scalar where a map was meant: "key:value".
func blankHint(n node) string {
	if n.shape == shapeScalar && strings.Contains(n.text, ":") {
		return "; a blank belongs after each colon"
	}
	return ""
}

func orElse(at, other place) place {
	if at.line == 0 {
		return other
	}
	return at
}

// text reads a scalar and expands its variables.
func (r *reader) text(n node) (string, bool) { return r.textOf(n, false) }

// textOf is text, with secrets of the vault among the variables if they are allowed.
func (r *reader) textOf(n node, vaulted bool) (string, bool) {
	switch {
	case n.shape == shapeBroken:
		return "", false
	case n.shape == shapeNull:
		r.fail(n.place, n.label()+" has no value")
		return "", false
	case n.shape != shapeScalar:
		r.fail(n.place, n.label()+" must be one value")
		return "", false
	}
	return r.expand(n, vaulted)
}

// word reads one of the words.
func (r *reader) word(n node, words ...string) (string, bool) {
	s, ok := r.text(n)
	if !ok {
		return "", false
	}
	if !slices.Contains(words, s) {
		r.near(n.place, fmt.Sprintf("%s: %q is none of %s", n.label(), shown(n.text), strings.Join(words, ", ")), nearest(n.text, words))
		return "", false
	}
	return s, true
}

// flag reads true or false; anything else is a problem, and false.
func (r *reader) flag(n node) bool {
	s, _ := r.word(n, "true", "false")
	return s == "true"
}

// shown cuts a value that is quoted in a problem.
func shown(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// validName reports whether s can name a connection or a sync: it stands in addresses, in
// "connection.object" and on the command line.
func validName(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		digit := c >= '0' && c <= '9' || c == '_' || c == '-'
		if !letter && (i == 0 || !digit) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (r *reader) checkName(p pair, what string) {
	if !validName(p.key) {
		r.fail(p.place, fmt.Sprintf("%q cannot be the name of a %s: a letter, then letters, digits, _ and -", printable(p.key), what))
	}
}

// hasControl reports whether s holds a character that no setting can mean.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' })
}
