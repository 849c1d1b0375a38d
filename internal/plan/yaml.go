package plan

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The bounds on what is given to the YAML parser. It recurses per entry, nested value and
// document, and some of its work grows with the square of their number; a configuration
// for hundreds of syncs stays far below.
const (
	maxBytes   = 512 << 10
	maxLines   = 10_000
	maxLine    = 64 << 10
	maxNesting = 50
)

// A shape tells YAML nodes apart as far as a configuration cares.
type shape uint8

const (
	shapeNull shape = iota
	shapeScalar
	shapeList
	shapeMap
	shapeBroken // reported already; nobody reports it again
)

// A node is a YAML value with its place. Only this file knows the YAML library.
type node struct {
	place
	shape shape
	text  string // a scalar as written, without its quotes
	path  string // "syncs.contacts.fields[2].left"
	items []node // of a list
	pairs []pair // of a map, in file order, no key twice
}

type pair struct {
	place // of the key
	key   string
	value node
}

// get returns the value of a map's key.
func (n node) get(key string) (node, bool) {
	for _, p := range n.pairs {
		if p.key == key {
			return p.value, true
		}
	}
	return node{}, false
}

// label names the node in a problem: its key, or what it is an entry of. A key within a
// rule of a sync is named with the rule: "guard.delete".
func (n node) label() string {
	parts := strings.Split(n.path, ".")
	name := parts[len(parts)-1]
	if before, _, ok := strings.Cut(name, "["); ok {
		return "an entry of " + before
	}
	if len(parts) == 4 && parts[0] == "syncs" && !strings.Contains(parts[2], "[") {
		return parts[2] + "." + name
	}
	return name
}

// document reads the file into nodes. It reports false if there is no map to go on with.
func (r *reader) document(src []byte) (node, bool) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	if !r.readable(src) {
		return node{}, false
	}
	file, err := parseYAML(src)
	if err != nil {
		r.syntax(src, err)
		return node{}, false
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		switch d.Body.(type) {
		case *ast.DirectiveNode, *ast.CommentGroupNode:
		default:
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) == 0 {
		r.fail(place{1, 1}, `the file is empty; begin it with "version: 1", or let "tandem init" write it`)
		return node{}, false
	}
	if len(bodies) > 1 {
		r.fail(placeOf(bodies[1]), `a second document begins here; the file holds one ("---" separates documents)`)
	}
	root := r.node(bodies[0], "", 0)
	if root.shape != shapeMap {
		r.fail(root.place, `the file must be a map that begins with "version: 1"`)
		return node{}, false
	}
	return root, true
}

// parseYAML keeps a bug of the parser that panics on odd input from ending the program.
func parseYAML(src []byte) (f *ast.File, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("not valid YAML")
		}
	}()
	return parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
}

// readable holds the file against the bounds above.
func (r *reader) readable(src []byte) bool {
	if len(src) > maxBytes {
		r.fail(place{1, 1}, fmt.Sprintf("the file is larger than %d KiB", maxBytes>>10))
		return false
	}
	depth := 0
	for i, line := range strings.Split(string(src), "\n") {
		at := place{line: i + 1}
		if i == maxLines {
			r.fail(at, fmt.Sprintf("the file is longer than %d lines", maxLines))
			return false
		}
		if !utf8.ValidString(line) {
			r.fail(at, "the line is not UTF-8 text")
			return false
		}
		depth = max(0, depth+strings.Count(line, "[")+strings.Count(line, "{")-strings.Count(line, "]")-strings.Count(line, "}"))
		if depth > maxNesting || strings.Count(line, "[") > maxLine/8 || len(line) > maxLine || entries(line) > maxNesting {
			r.fail(at, "the line is too long or nested too deeply")
			return false
		}
	}
	return true
}

// entries counts the list and key marks that a line begins with: each nests one deeper.
func entries(line string) int {
	n := 0
	for word := range strings.FieldsSeq(line) {
		if word != "-" && word != "?" {
			break
		}
		n++
	}
	return n
}

func placeOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return placeOf(m.Values[0].Key)
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column}
}

// node converts and reports what a configuration has no use for: anchors, tags, merges.
func (r *reader) node(n ast.Node, path string, depth int) node {
	if n == nil {
		return node{path: path}
	}
	out := node{place: placeOf(n), path: path}
	if depth > maxNesting {
		r.fail(out.place, "nested too deeply")
		out.shape = shapeBroken
		return out
	}
	switch x := n.(type) {
	case *ast.NullNode:
	case *ast.MappingNode:
		out.shape = shapeMap
		for _, v := range x.Values {
			r.pair(&out, v, depth)
		}
	case *ast.MappingValueNode:
		out.shape = shapeMap
		out.place = placeOf(x.Key)
		r.pair(&out, x, depth)
	case *ast.SequenceNode:
		out.shape = shapeList
		for i, v := range x.Values {
			out.items = append(out.items, r.node(v, path+"["+strconv.Itoa(i)+"]", depth+1))
		}
	case *ast.StringNode:
		out.shape, out.text = shapeScalar, x.Value
	case *ast.LiteralNode:
		out.shape, out.text = shapeScalar, strings.TrimSuffix(x.Value.Value, "\n")
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.shape, out.text = shapeScalar, n.GetToken().Value
	case *ast.AnchorNode, *ast.AliasNode:
		out.shape = shapeBroken
		r.fail(out.place, `anchors and aliases (& and *) are not supported; write the value out, and text that begins with * in quotes: "*"`)
	case *ast.TagNode:
		out.shape = shapeBroken
		r.fail(out.place, "tags (!) are not supported; write text that begins with ! in quotes")
	default:
		out.shape = shapeBroken
		r.fail(out.place, "this is no value that a configuration can hold")
	}
	return out
}

func (r *reader) pair(into *node, v *ast.MappingValueNode, depth int) {
	at := placeOf(v.Key)
	switch v.Key.(type) {
	case *ast.MergeKeyNode:
		r.fail(at, "merge keys (<<) are not supported; write the keys out")
		return
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
	default:
		r.fail(at, "a key must be one word")
		return
	}
	key := v.Key.GetToken().Value
	for _, p := range into.pairs {
		if p.key == key {
			r.fail(at, fmt.Sprintf("the key %q is here twice; the first is in line %d", printable(key), p.line))
			return
		}
	}
	child := key
	if into.path != "" {
		child = into.path + "." + key
	}
	into.pairs = append(into.pairs, pair{place: at, key: key, value: r.node(v.Value, child, depth+1)})
}

// syntax reports what the YAML parser stumbled over, with a guess at the usual cause. The
// parser's own report is not shown whole: it quotes the file, which may hold a secret.
func (r *reader) syntax(src []byte, err error) {
	at, said := place{1, 1}, ""
	var se yaml.Error
	if errors.As(err, &se) && se.GetToken() != nil && se.GetToken().Position != nil {
		p := se.GetToken().Position
		at, said = place{p.Line, p.Column}, se.GetMessage()
	}
	lines := strings.Split(string(src), "\n")
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(indent, '\t'); tab >= 0 && i+1 <= at.line+1 && strings.TrimSpace(line) != "" {
			r.fail(place{i + 1, tab + 1}, "a tab in the indentation; YAML takes only blanks")
			return
		}
	}
	hint := ""
	if at.line <= len(lines) {
		hint = yamlHint(lines[at.line-1])
	}
	if hint == "" {
		hint = plainly(said)
	}
	r.fail(at, "not valid YAML: "+hint)
}

// plainly says in the user's words what the parser says in its own. Sentences that quote
// the file are dropped.
func plainly(message string) string {
	switch {
	case strings.Contains(message, "not allowed in this context"), strings.Contains(message, "non-map value"), strings.Contains(message, "unexpected key name"):
		return "this does not fit here; is a colon missing, or does the line begin in another column than its neighbours?"
	case strings.HasPrefix(message, "could not find end character"):
		return "a quote is not closed"
	case strings.HasPrefix(message, "',' or"), strings.Contains(message, "end token"):
		return "a comma or a closing bracket is missing here or in the lines above"
	case message == "", strings.ContainsAny(message, `"`+"\n"), len(message) > 100:
		return "this cannot stand here"
	default:
		return message
	}
}

// yamlHint guesses why a line is no YAML.
func yamlHint(line string) string {
	bare := unquoted(line)
	switch {
	case strings.Contains(bare, "${") && strings.Contains(strings.ReplaceAll(bare, "${", ""), "{"):
		return `within { } write "${NAME}" in quotes`
	case hasBare(bare, '*'):
		return `text that begins with * must stand in quotes: "*"`
	case hasBare(bare, '%'), hasBare(bare, '@'), hasBare(bare, '`'):
		return "text that begins with %, @ or ` must stand in quotes"
	case strings.Count(bare, ": ") > 1 && !strings.Contains(bare, "{"):
		return "text that holds a colon and a blank must stand in quotes"
	default:
		return ""
	}
}

// hasBare reports whether a value of the line begins with c.
func hasBare(line string, c byte) bool {
	for i := range len(line) {
		head := strings.TrimRight(line[:i], " ")
		if line[i] == c && head != "" && strings.IndexByte(":-[,{", head[len(head)-1]) >= 0 {
			return true
		}
	}
	return false
}

// unquoted blanks out what stands in quotes and in the comment of a line.
func unquoted(line string) string {
	var quote byte
	b := []byte(line)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			b[i] = 'x'
		case c == '"' || c == '\'':
			quote, b[i] = c, 'x'
		case c == '#' && i > 0 && b[i-1] == ' ':
			return string(b[:i])
		}
	}
	return string(b)
}

// printable cuts a key to what may be shown: a value that slipped into it (a forgotten
// blank after the colon) may be a secret.
func printable(key string) string {
	key, _, _ = strings.Cut(key, ":")
	if len(key) > 40 {
		key = strings.ToValidUTF8(key[:40], "") + "…"
	}
	return key
}
