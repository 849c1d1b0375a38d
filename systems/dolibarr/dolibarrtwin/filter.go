package dolibarrtwin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A cond tells whether a row is wanted.
type cond func(*row) bool

// A filter is a parsed sqlfilters. The hints spare looking at every row: only rows after
// an id, or only certain ids, can be wanted.
type filter struct {
	match cond
	after int64
	ids   []int64 // nil: any
}

// A syntaxError is what the vendor answers 400 to, a columnError what its database
// refuses.
type (
	syntaxError string
	columnError string
)

func (e syntaxError) Error() string {
	return "Error when validating parameter sqlfilters -> Bad syntax of the search string: " + string(e)
}

func (e columnError) Error() string { return fmt.Sprintf("Unknown column '%s' in 'WHERE'", string(e)) }

// maxNesting bounds the recursion.
const maxNesting = 64

// parseFilter reads sqlfilters: criteria alias.column:operator:value in parentheses,
// joined by "and" and "or", nested as one likes. A string that is not wholly in parentheses
// is put into some.
func (t *Twin) parseFilter(tab *table, s string) (filter, error) {
	if strings.TrimSpace(s) == "" {
		return filter{match: func(*row) bool { return true }}, nil
	}
	if !strings.HasPrefix(s, "(") || !strings.HasSuffix(s, ")") {
		s = "(" + s + ")"
	}
	p := &filterParser{twin: t, tab: tab, in: s}
	f, err := p.either(0)
	if err != nil {
		return filter{}, err
	}
	if p.space(); p.at != len(p.in) {
		return filter{}, syntaxError(s)
	}
	return f, nil
}

type filterParser struct {
	twin *Twin
	tab  *table
	in   string
	at   int
}

func (p *filterParser) space() {
	for p.at < len(p.in) && p.in[p.at] == ' ' {
		p.at++
	}
}

func (p *filterParser) word(w string) bool {
	p.space()
	end := p.at + len(w)
	if end > len(p.in) || !strings.EqualFold(p.in[p.at:end], w) {
		return false
	}
	if end < len(p.in) && p.in[end] != ' ' && p.in[end] != '(' {
		return false
	}
	p.at = end
	return true
}

// either reads terms joined by or; and binds closer, as in SQL.
func (p *filterParser) either(depth int) (filter, error) {
	f, err := p.both(depth)
	if err != nil {
		return filter{}, err
	}
	for p.word("or") {
		g, err := p.both(depth)
		if err != nil {
			return filter{}, err
		}
		a, b := f.match, g.match
		f = filter{match: func(r *row) bool { return a(r) || b(r) }}
	}
	return f, nil
}

func (p *filterParser) both(depth int) (filter, error) {
	f, err := p.term(depth)
	if err != nil {
		return filter{}, err
	}
	for p.word("and") {
		g, err := p.term(depth)
		if err != nil {
			return filter{}, err
		}
		a, b := f.match, g.match
		f.match, f.after = func(r *row) bool { return a(r) && b(r) }, max(f.after, g.after)
		if f.ids == nil {
			f.ids = g.ids
		}
	}
	return f, nil
}

func (p *filterParser) term(depth int) (filter, error) {
	p.space()
	if depth > maxNesting || p.at >= len(p.in) || p.in[p.at] != '(' {
		return filter{}, syntaxError(p.in)
	}
	p.at++
	p.space()
	if p.at < len(p.in) && p.in[p.at] == '(' {
		f, err := p.either(depth + 1)
		if err != nil {
			return filter{}, err
		}
		if p.space(); p.at >= len(p.in) || p.in[p.at] != ')' {
			return filter{}, syntaxError(p.in)
		}
		p.at++
		return f, nil
	}
	end := strings.IndexAny(p.in[p.at:], "()")
	if end < 0 || p.in[p.at+end] != ')' {
		return filter{}, syntaxError(p.in)
	}
	criterion := p.in[p.at : p.at+end]
	p.at += end + 1
	return p.criterion(criterion)
}

func (p *filterParser) criterion(s string) (filter, error) {
	name, rest, ok := strings.Cut(s, ":")
	op, value, ok2 := strings.Cut(rest, ":")
	op = strings.ToLower(op)
	known := []string{"=", "<", ">", "<=", ">=", "!=", "like", "notlike", "in", "notin", "is", "isnot"}
	if !ok || !ok2 || !columnName(name) || !slices.Contains(known, op) {
		return filter{}, syntaxError(p.in)
	}
	if name == p.tab.idColumn() {
		return rowidFilter(op, value), nil
	}
	v, ok := p.twin.accessor(p.tab, name)
	if !ok {
		return filter{}, columnError(name)
	}
	return filter{match: v.compile(op, value)}, nil
}

func columnName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// rowidFilter compares ids and gives the hints.
func rowidFilter(op, value string) filter {
	v := accessor{kind: number, id: true}
	f := filter{match: v.compile(op, value)}
	switch op {
	case ">":
		f.after = int64(numeric(unquote(value)))
	case ">=":
		f.after = int64(numeric(unquote(value))) - 1
	case "=", "in":
		f.ids = []int64{}
		for item := range strings.SplitSeq(value, ",") {
			f.ids = append(f.ids, int64(numeric(unquote(item))))
		}
	}
	return f
}

// An accessor reads one column of a row.
type accessor struct {
	kind  kind
	id    bool // the row's id
	clock bool // a DATETIME, as the number of its wall clock
	get   func(*row) string
	stamp func(*row) int64 // tms, as the number of its wall clock; 0 is NULL
}

// accessor returns the column of that name: t. is the object, ef. or te. its extrafields, s. the
// third party of a contact.
func (t *Twin) accessor(tab *table, name string) (accessor, bool) {
	alias, col, _ := strings.Cut(name, ".")
	switch {
	case alias == tab.extraAlias():
		return t.extraAccessor(tab, col)
	case alias == "s" && tab.name == contacts:
		return t.parentAccessor(tab, col)
	case alias != "t":
		return accessor{}, false
	case col == "tms":
		return accessor{stamp: func(r *row) int64 { return r.wall }}, true
	case col == "datec":
		return accessor{kind: text, get: func(r *row) string {
			return time.Unix(r.created, 0).In(t.zone).Format(time.DateTime)
		}}, true
	case col == "fk_action" && tab.name == events:
		code := tab.byKey["type_code"]
		return accessor{kind: number, get: func(r *row) string { return eventType(r.cells[code]).id }}, true
	case col == "entity":
		return accessor{kind: number, get: func(r *row) string { return strconv.Itoa(r.entity) }}, true
	}
	i, ok := tab.bySQL[col]
	if !ok {
		return accessor{}, false
	}
	k := tab.cols[i].kind
	switch k {
	case country:
		k = number
	case moment:
		return accessor{clock: true, get: func(r *row) string { return t.clock(r.cells[i]) }}, true
	}
	return accessor{kind: k, get: func(r *row) string { return r.cells[i] }}, true
}

// clock is the wall clock of PHP at an epoch, as the database keeps it.
func (t *Twin) clock(epoch string) string {
	n, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return ""
	}
	return strconv.FormatInt(wall(n, t.zone), 10)
}

func (t *Twin) parentAccessor(tab *table, col string) (accessor, bool) {
	soc := tab.byKey["socid"]
	if col == "rowid" {
		return accessor{kind: number, get: func(r *row) string { return r.cells[soc] }}, true
	}
	parents := t.tables[thirdParties]
	i, ok := parents.bySQL[col]
	if !ok {
		return accessor{}, false
	}
	return accessor{kind: parents.cols[i].kind, get: func(r *row) string {
		if p := parents.byID(r.cells[soc]); p != nil {
			return p.cells[i]
		}
		return ""
	}}, true
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	return s
}

// numeric is what the database makes of a text where it wants a number: its leading
// digits, or nothing.
func numeric(s string) float64 {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.' || s[end] == '-' && end == 0) {
		end++
	}
	n, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0
	}
	return n
}

func (v accessor) compile(op, value string) cond {
	switch op {
	case "is", "isnot":
		want := op == "is"
		return func(r *row) bool { return !v.filled(r) == want }
	case "in", "notin":
		var each []cond
		for item := range strings.SplitSeq(value, ",") {
			each = append(each, v.compare("=", unquote(item)))
		}
		want := op == "in"
		return func(r *row) bool {
			return slices.ContainsFunc(each, func(c cond) bool { return c(r) }) == want
		}
	case "like", "notlike":
		pattern, want := fold(unquote(value)), op == "like"
		return func(r *row) bool { return v.filled(r) && like(fold(v.text(r)), pattern) == want }
	default:
		return v.compare(op, unquote(value))
	}
}

func (v accessor) filled(r *row) bool {
	if v.stamp != nil {
		return v.stamp(r) != 0
	}
	return v.id || v.get(r) != ""
}

func (v accessor) text(r *row) string {
	switch {
	case v.id:
		return strconv.FormatInt(r.id, 10)
	case v.stamp != nil:
		return strconv.FormatInt(v.stamp(r), 10)
	default:
		return v.get(r)
	}
}

// compare compiles a comparison. NULL is never equal, less or greater.
func (v accessor) compare(op, literal string) cond {
	switch {
	case v.stamp != nil:
		want := stampLiteral(literal)
		return func(r *row) bool { at := v.stamp(r); return at != 0 && decide(op, float64(at)-want) }
	case v.clock:
		want := stampLiteral(literal)
		return func(r *row) bool { s := v.get(r); return s != "" && decide(op, numeric(s)-want) }
	case v.id:
		want := numeric(literal)
		return func(r *row) bool { return decide(op, float64(r.id)-want) }
	case v.kind == number || v.kind == decimal || v.kind == flag || v.kind == moment:
		want := numeric(literal)
		return func(r *row) bool { s := v.get(r); return s != "" && decide(op, numeric(s)-want) }
	case op == "=":
		want := fold(literal)
		return func(r *row) bool { s := v.get(r); return s != "" && same(s, want) }
	default:
		want := fold(literal)
		return func(r *row) bool {
			s := v.get(r)
			return s != "" && decide(op, float64(strings.Compare(fold(s), want)))
		}
	}
}

func decide(op string, difference float64) bool {
	switch op {
	case "=":
		return difference == 0
	case "!=":
		return difference != 0
	case "<":
		return difference < 0
	case ">":
		return difference > 0
	case "<=":
		return difference <= 0
	default:
		return difference >= 0
	}
}

// stampLiteral reads a time literal as the database does: by its own wall clock, without
// a thought for Z or an offset. A number that is no date is compared as a number, so that
// an epoch is less than every stamp.
func stampLiteral(s string) float64 {
	for _, layout := range []string{"20060102150405", time.DateTime, "2006-01-02T15:04:05", time.DateOnly} {
		if len(s) < len(layout) {
			continue
		}
		if at, err := time.Parse(layout, s[:len(layout)]); err == nil {
			return float64(wall(at.Unix(), time.UTC))
		}
	}
	return numeric(s)
}
