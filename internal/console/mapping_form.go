package console

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/internal/plan"
)

// The most that a form may have.
const (
	mostMapRows   = 500
	mostMapValues = 500 // of one row
	mostMapKeys   = 20
	mostMapText   = 4096 // as an expression may have
)

// The rules of a sync that does not name them.
const (
	usualPrefer = "newest"
	usualDelete = "ignore"
)

// take fills the form from the document.
func (p *mappingPage) take(w plan.WrittenSync) {
	p.Direction, p.Prefer = cmp.Or(w.Direction, bothWays), cmp.Or(w.Prefer, usualPrefer)
	p.Delete = [2]string{cmp.Or(w.Delete[0], usualDelete), cmp.Or(w.Delete[1], usualDelete)}
	fields := w.Fields
	if fields == nil {
		fields = []plan.WrittenField{{All: true}}
	}
	for i, f := range fields {
		row := mapRow{I: i, At: f.At, All: f.All, Left: cleanText(f.Left), Right: cleanText(f.Right), Direction: f.Direction, Prefer: f.Prefer, Enforce: f.Enforce, From: cleanText(f.From)}
		for j, v := range f.Values {
			row.Values = append(row.Values, mapValue{j, cleanText(v[0]), cleanText(v[1])})
		}
		p.Rows = append(p.Rows, row)
	}
	for i, key := range w.Match {
		k := keyEntry(key)
		k.I = i
		p.Keys = append(p.Keys, k)
	}
}

// unusual is what is to be written: nothing, if nothing was and it is what is usual.
func unusual(word, was, usual string) string {
	if was == "" && word == usual {
		return ""
	}
	return word
}

// keyEntry is a key as the form has it.
func keyEntry(parts [][2]string) mapKey {
	var k mapKey
	for i, part := range parts {
		if i > 0 {
			k.Left, k.Right = k.Left+" + ", k.Right+" + "
		}
		k.Left, k.Right = k.Left+cleanText(part[0]), k.Right+cleanText(part[1])
	}
	return k
}

// enter takes what was entered in place of the document's; false if the form cannot have been sent.
func (p *mappingPage) enter(form url.Values) bool {
	p.Look.enter(form)
	p.Note = cutTo(cleanText(form.Get("note")), mostNote)
	p.Direction, p.Prefer, p.Delete = form.Get("direction"), form.Get("prefer"), [2]string{form.Get("delete-left"), form.Get("delete-right")}
	ok := slices.Contains(p.Directions(), p.Direction) && slices.Contains(p.Preferences(), p.Prefer) &&
		slices.Contains(p.Policies(), p.Delete[0]) && slices.Contains(p.Policies(), p.Delete[1])
	rows, fine := count(form.Get("rows"), mostMapRows)
	keys, good := count(form.Get("keys"), mostMapKeys)
	if !ok || !fine || !good {
		return false
	}
	p.Rows, p.Keys = nil, nil
	values := 0
	for i := range rows {
		row, fine := p.enterRow(form, i)
		if values += len(row.Values); !fine || values > len(form) { // no form has more than it sends
			return false
		}
		p.Rows = append(p.Rows, row)
	}
	for i := range keys {
		text := func(side string) string {
			return cutTo(cleanText(form.Get(fmt.Sprintf("key-%d-%s", i, side))), mostMapText)
		}
		p.Keys = append(p.Keys, mapKey{I: i, Left: text("left"), Right: text("right")})
	}
	if act := form.Get("act"); len(p.Keys) == 0 && (act == "key" || strings.HasPrefix(act, "take-")) {
		for _, name := range form["usual"][:min(len(form["usual"]), mostMapKeys)] { // a key beside the usual ones leaves them
			p.Keys = append(p.Keys, mapKey{Left: cutTo(cleanText(name), mostMapText), Right: cutTo(cleanText(name), mostMapText)})
		}
	}
	return p.act(form.Get("act"))
}

// count reads how many of something a form has; none if that cannot be.
func count(text string, most int) (int, bool) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, false
	}
	return n, true
}

func (p *mappingPage) enterRow(form url.Values, i int) (mapRow, bool) {
	text := func(name string) string {
		return cutTo(cleanText(form.Get(fmt.Sprintf("row-%d-%s", i, name))), mostMapText)
	}
	row := mapRow{I: i, Left: text("left"), Right: text("right"), Direction: text("direction"), Prefer: text("prefer"), From: text("from")}
	var fine bool
	if row.At, fine = count(text("at"), len(p.written.Fields)); !fine {
		return row, false
	}
	if row.At > 0 {
		was := p.written.Fields[row.At-1]
		row.All, row.Enforce = was.All, was.Enforce
	}
	if text("all") != "" {
		row = mapRow{I: i, At: row.At, All: true}
		return row, row.At == 0 || p.written.Fields[row.At-1].All
	}
	values, fine := count(cmp.Or(text("values"), "0"), mostMapValues)
	for j := range values {
		row.Values = append(row.Values, mapValue{j, text(fmt.Sprintf("value-%d-left", j)), text(fmt.Sprintf("value-%d-right", j))})
	}
	return row, fine && !row.All && (row.Direction == "" || slices.Contains(p.Directions(), row.Direction)) && (row.Prefer == "" || slices.Contains(p.Preferences(), row.Prefer))
}

// act adds or takes away rows, as a button of the form says: "add", "drop-3", "value-3",
// "drop-3-1", "key", "dropkey-0", "take-mail=email". Anything else only checks.
func (p *mappingPage) act(what string) bool {
	word, rest, _ := strings.Cut(what, "-")
	first, second, two := strings.Cut(rest, "-")
	i, err := strconv.Atoi(first)
	at := func(n int) bool { return err == nil && i >= 0 && i < n }
	switch {
	case word == "add" && len(p.Rows) < mostMapRows:
		p.Rows, p.Focus = append(p.Rows, mapRow{I: len(p.Rows)}), fmt.Sprintf("row-%d-left", len(p.Rows))
	case word == "all" && !slices.ContainsFunc(p.Rows, func(r mapRow) bool { return r.All }) && len(p.Rows) < mostMapRows:
		p.Rows = append(p.Rows, mapRow{I: len(p.Rows), All: true})
	case word == "value" && at(len(p.Rows)) && len(p.Rows[i].Values) < mostMapValues:
		row := &p.Rows[i]
		p.Focus = fmt.Sprintf("row-%d-value-%d-left", i, len(row.Values))
		row.Values = append(row.Values, mapValue{J: len(row.Values)})
	case word == "drop" && two && at(len(p.Rows)):
		j, err := strconv.Atoi(second)
		row := &p.Rows[i]
		if err != nil || j < 0 || j >= len(row.Values) {
			return false
		}
		row.Values = slices.Delete(row.Values, j, j+1)
	case word == "drop" && at(len(p.Rows)):
		p.Rows = slices.Delete(p.Rows, i, i+1)
	case word == "key" && len(p.Keys) < mostMapKeys:
		p.Keys, p.Focus = append(p.Keys, mapKey{I: len(p.Keys)}), fmt.Sprintf("key-%d-left", len(p.Keys))
	case word == "take":
		p.takeKey(rest)
	case word == "dropkey" && at(len(p.Keys)):
		p.Keys = slices.Delete(p.Keys, i, i+1)
	}
	p.number()
	return true
}

func (p *mappingPage) number() {
	for i := range p.Rows {
		p.Rows[i].I = i
		for j := range p.Rows[i].Values {
			p.Rows[i].Values[j].J = j
		}
	}
	for i := range p.Keys {
		p.Keys[i].I = i
	}
}

// draft is what the form says, as the document would. Rows in which nothing was entered, and those
// that cannot stand there yet, are left out; the second and third result say which rows and keys the
// entries are.
func (p *mappingPage) draft() (plan.WrittenSync, []int, []int) {
	was := p.written
	w := plan.WrittenSync{
		Ends: was.Ends, Direction: unusual(p.Direction, was.Direction, bothWays), Prefer: unusual(p.Prefer, was.Prefer, usualPrefer),
		Delete: [2]string{unusual(p.Delete[0], was.Delete[0], usualDelete), unusual(p.Delete[1], was.Delete[1], usualDelete)},
	}
	var rows, keys []int
	last := 0
	for _, row := range p.Rows {
		f, ok := p.entry(&p.Rows[row.I])
		if !ok || f.At > 0 && f.At <= last {
			continue
		}
		last = max(last, f.At)
		w.Fields, rows = append(w.Fields, f), append(rows, row.I)
	}
	slices.SortStableFunc(rows, func(a, b int) int { return count01(p.Rows[a].At == 0) - count01(p.Rows[b].At == 0) })
	slices.SortStableFunc(w.Fields, func(a, b plan.WrittenField) int { return count01(a.At == 0) - count01(b.At == 0) })
	if p.Empty = len(rows) == 0; p.Empty || was.Fields == nil && len(w.Fields) == 1 && w.Fields[0].All {
		w.Fields = was.Fields // none at all would mean all common ones
	}
	for i, k := range p.Keys {
		if parts := p.parts(k); parts != nil {
			w.Match, keys = append(w.Match, parts), append(keys, i)
			continue
		}
		p.Keys[i].Variable = variable(k.Left + k.Right)
		p.Keys[i].Lacks = !p.Keys[i].Variable && (k.Left != "" || k.Right != "")
	}
	return w, rows, keys
}

// entry is a row as the document would have it; false if it cannot stand there.
func (p *mappingPage) entry(row *mapRow) (plan.WrittenField, bool) {
	if row.All {
		return plan.WrittenField{At: row.At, All: true}, true
	}
	f := plan.WrittenField{At: row.At, Left: row.Left, Right: row.Right, Direction: row.Direction, Prefer: row.Prefer, Enforce: row.Enforce, From: row.From}
	if f.At > 0 {
		was := p.written.Fields[f.At-1]
		for _, x := range []struct {
			is  *string
			was string
		}{{&f.Left, was.Left}, {&f.Right, was.Right}, {&f.From, was.From}} {
			if *x.is == cleanText(x.was) {
				*x.is = x.was // as it stands there, in several lines perhaps
			}
		}
	}
	seen := map[string]bool{}
	for _, v := range row.Values {
		if v.Left == "" && v.Right == "" {
			continue
		}
		if seen[v.Left] {
			row.Twice = v.Left
			continue
		}
		seen[v.Left] = true
		f.Values = append(f.Values, p.valueOf(f.At, v))
	}
	if row.Variable = p.varies(f); row.Variable {
		return f, false
	}
	switch {
	case f.Left == "" && f.Right == "" && f.From == "" && len(f.Values) == 0:
		return f, false
	case f.Left == "" && (f.From == "" || f.Right == ""):
		row.Lacks = "left"
	case f.Right == "" && f.From == "":
		row.Lacks = "right"
	}
	return f, row.Lacks == ""
}

// valueOf is a row of values as the document has it, if it does.
func (p *mappingPage) valueOf(at int, v mapValue) [2]string {
	if at > 0 {
		for _, was := range p.written.Fields[at-1].Values {
			if cleanText(was[0]) == v.Left && cleanText(was[1]) == v.Right {
				return was
			}
		}
	}
	return [2]string{v.Left, v.Right}
}

// variable reports whether a text stands for a value of the environment, which may be a secret. Such
// are for the text, where whoever enters one is in the audit before it means anything: here it would
// be read at once, and shown.
func variable(text string) bool { return strings.Contains(text, "${") }

// varies reports whether an entry has a variable that the document's own has not.
func (p *mappingPage) varies(f plan.WrittenField) bool {
	var was plan.WrittenField
	if f.At > 0 {
		was = p.written.Fields[f.At-1]
	}
	for _, x := range [][2]string{{f.Left, was.Left}, {f.Right, was.Right}, {f.From, was.From}} {
		if variable(x[0]) && x[0] != x[1] {
			return true
		}
	}
	return slices.ContainsFunc(f.Values, func(v [2]string) bool { return variable(v[0]+v[1]) && !slices.Contains(was.Values, v) })
}

// parts are the parts of a key; nil if it is not complete.
func (p *mappingPage) parts(k mapKey) [][2]string {
	for _, was := range p.written.Match {
		if old := keyEntry(was); old.Left == k.Left && old.Right == k.Right {
			return was
		}
	}
	left, right := strings.Split(k.Left, " + "), strings.Split(k.Right, " + ")
	if variable(k.Left + k.Right) {
		return nil
	}
	if len(left) != len(right) || slices.Contains(left, "") || slices.Contains(right, "") {
		return nil
	}
	parts := make([][2]string, len(left))
	for i := range left {
		parts[i] = [2]string{left[i], right[i]}
	}
	return parts
}
