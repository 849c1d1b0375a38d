package plan

import (
	"fmt"
	"slices"
	"strings"
)

// EditSync returns the document with a sync's direction, prefer, delete, match and fields as they
// are given. Entries of fields that are the document's own (At) keep their places; new ones follow
// them. Whatever stays the same stays letter by letter, and so do comments.
//
// What comes out is read again: unless it says what was meant, and of everything else what it said
// before, nothing is returned but [ErrOddSync].
func EditSync(src []byte, name string, want WrittenSync) ([]byte, error) {
	s, was, err := openSheet(src, name)
	if err != nil {
		return nil, err
	}
	if was.same(want) {
		return src, nil
	}
	before := s.root
	if !s.isBlock(s.sync) {
		s.unfold()
		if s, was, err = openSheet(s.text(), name); err != nil {
			return nil, ErrOddSync
		}
	}
	if err := s.edit(was, want); err != nil {
		return nil, err
	}
	out := s.text()
	again, is, err := openSheet(out, name)
	if err != nil || !is.same(want) || !alike(before, again.root, "syncs."+name) {
		return nil, ErrOddSync
	}
	return []byte(WithBreaksOf(string(src), string(out))), nil
}

// editedKeys are the keys of a sync that EditSync writes.
func editedKeys() []string { return []string{"direction", "prefer", "delete", "match", "fields"} }

// alike reports whether two documents say the same but for the keys that are edited of one sync.
func alike(a, b node, sync string) bool {
	rest := func(n node) []pair {
		return slices.DeleteFunc(slices.Clone(n.pairs), func(p pair) bool { return n.path == sync && slices.Contains(editedKeys(), p.key) })
	}
	if a.path != b.path || a.shape != b.shape || a.text != b.text {
		return false
	}
	return slices.EqualFunc(a.items, b.items, func(x, y node) bool { return alike(x, y, sync) }) &&
		slices.EqualFunc(rest(a), rest(b), func(x, y pair) bool { return x.key == y.key && alike(x.value, y.value, sync) })
}

func (s *sheet) edit(was, want WrittenSync) error {
	if !s.isBlock(s.sync) {
		return fmt.Errorf("%w (line %d)", ErrOddSync, s.sync.line)
	}
	pad := indentOf(s.lines[s.sync.value.pairs[0].line-1])
	set := func(key, was, want string) {
		if was != want {
			s.setKey(s.sync.value, pad, key, inline(want), want == "")
		}
	}
	set("direction", was.Direction, want.Direction)
	set("prefer", was.Prefer, want.Prefer)
	if was.Delete != want.Delete {
		s.setKey(s.sync.value, pad, "delete", deleteText(want.Delete), want.Delete == [2]string{})
	}
	if !sameMatch(was.Match, want.Match) {
		s.setKey(s.sync.value, pad, "match", matchText(want.Match, pad), want.Match == nil)
	}
	if sameFields(was.Fields, want.Fields) {
		return nil
	}
	return s.setFields(was, want, pad)
}

// unfold writes a sync that stands in braces with its keys in lines of their own.
func (s *sheet) unfold() {
	from, to := s.sync.line-1, s.end(s.sync)
	pad := indentOf(s.lines[from])
	out := remarked([]string{pad + s.sync.key + ":\n"}, trailing(s.lines[from]))
	out = append(out, s.comments(from+1, to, pad+"  ")...)
	for _, p := range s.sync.value.pairs {
		out = append(out, pad+"  "+inFlow(p.key)+": "+folded(p.value)+"\n")
	}
	s.cuts = append(s.cuts, cut{from, to, out})
}

// folded writes a value in one line.
func folded(n node) string {
	var parts []string
	switch n.shape {
	case shapeMap:
		for _, p := range n.pairs {
			parts = append(parts, inFlow(p.key)+": "+folded(p.value))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case shapeList:
		for _, item := range n.items {
			parts = append(parts, folded(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case shapeScalar:
		return inFlow(n.text)
	default:
		return "null"
	}
}

// inline is a value behind its key.
func inline(text string) []string { return []string{" " + asYAML(text) + "\n"} }

func deleteText(by [2]string) []string {
	switch {
	case by[0] == by[1]:
		return inline(by[0])
	case by[0] == "":
		return []string{" { right: " + asYAML(by[1]) + " }\n"}
	case by[1] == "":
		return []string{" { left: " + asYAML(by[0]) + " }\n"}
	default:
		return []string{" { left: " + asYAML(by[0]) + ", right: " + asYAML(by[1]) + " }\n"}
	}
}

func matchText(keys [][][2]string, pad string) []string {
	out := []string{"\n"}
	for _, key := range keys {
		var parts []string
		for _, p := range key {
			if p[0] == p[1] {
				parts = append(parts, inFlow(p[0]))
			} else {
				parts = append(parts, "{ left: "+inFlow(p[0])+", right: "+inFlow(p[1])+" }")
			}
		}
		text := strings.Join(parts, ", ")
		if len(parts) != 1 {
			text = "[" + text + "]"
		}
		out = append(out, pad+"  - "+text+"\n")
	}
	return out
}

// setKey writes a key of a block of keys: in its place if it is there, else below the others.
func (s *sheet) setKey(block node, pad, key string, value []string, remove bool) {
	i := slices.IndexFunc(block.pairs, func(p pair) bool { return p.key == key })
	if i < 0 {
		if !remove {
			end := s.end(block.pairs[len(block.pairs)-1])
			s.cuts = append(s.cuts, cut{end, end, under(pad+key+":", value)})
		}
		return
	}
	p := block.pairs[i]
	from, to := p.line-1, s.end(p)
	kept := s.comments(from+1, to, pad)
	if remove {
		s.cuts = append(s.cuts, cut{from, to, append(asComment(pad, trailing(s.lines[from])), kept...)})
		return
	}
	s.cuts = append(s.cuts, cut{from, to, append(kept, under(pad+key+":", remarked(value, trailing(s.lines[from])))...)})
}

// under puts what begins a line before lines.
func under(head string, lines []string) []string {
	out := slices.Clone(lines)
	out[0] = head + out[0]
	return out
}

// remarked puts a comment behind the first line.
func remarked(lines []string, comment string) []string {
	if comment == "" {
		return lines
	}
	out := slices.Clone(lines)
	out[0] = strings.TrimSuffix(out[0], "\n") + comment + "\n"
	return out
}

// asComment is a comment on a line of its own.
func asComment(pad, comment string) []string {
	if comment == "" {
		return nil
	}
	return []string{pad + strings.TrimSpace(comment) + "\n"}
}

// comments are those in a range of lines, each on a line of its own.
func (s *sheet) comments(from, to int, pad string) []string {
	var out []string
	for _, line := range s.lines[min(from, to):to] {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "#") {
			out = append(out, pad+text+"\n")
		} else {
			out = append(out, asComment(pad, trailing(line))...)
		}
	}
	return out
}

// setFields brings the entries in line with those that are wanted.
func (s *sheet) setFields(was, want WrittenSync, pad string) error {
	i := slices.IndexFunc(s.sync.value.pairs, func(p pair) bool { return p.key == "fields" })
	if i < 0 || want.Fields == nil || s.inFlow(s.sync.value.pairs[i].value) {
		lines := []string{"\n"}
		for _, f := range want.Fields {
			lines = append(lines, f.lines(pad+"  ")...)
		}
		s.setKey(s.sync.value, pad, "fields", lines, want.Fields == nil)
		return nil
	}
	list := s.sync.value.pairs[i].value
	dash := indentOf(s.lines[s.start(list.items[0])])
	stays := map[int]bool{}
	last := 0
	for _, f := range want.Fields {
		if f.At == 0 {
			continue
		}
		if f.At <= last || f.At > len(was.Fields) {
			return ErrOddSync // an entry twice, or in another place
		}
		last, stays[f.At] = f.At, true
		if old := was.Fields[f.At-1]; !old.Same(f) {
			s.setEntry(list.items[f.At-1], old, f, dash)
		}
	}
	for at, old := range was.Fields {
		if !stays[at+1] {
			from, to := old.Span.First-1, old.Span.Last
			s.cuts = append(s.cuts, cut{from, to, s.comments(from+1, to, dash)})
		}
	}
	var fresh []string
	for _, f := range want.Fields {
		if f.At == 0 {
			fresh = append(fresh, f.lines(dash)...)
		}
	}
	end := was.Fields[len(was.Fields)-1].Span.Last
	s.cuts = append(s.cuts, cut{end, end, fresh})
	return nil
}

// setEntry writes one entry of fields. One that stands in several lines, a key each, keeps those
// that stay the same.
func (s *sheet) setEntry(item node, was, want WrittenField, dash string) {
	from, to := was.Span.First-1, was.Span.Last
	block := item.shape == shapeMap && !s.inFlow(item) && to-from > 1 && item.line-1 == from
	if block {
		first := item.pairs[0].key
		is, will := was.texts()[first], want.texts()[first]
		block = is != nil && *is == *will && !want.All
	}
	if !block {
		s.cuts = append(s.cuts, cut{from, to, append(s.comments(from+1, to, dash), remarked(want.lines(dash), trailing(s.lines[from]))...)})
		return
	}
	pad := dash + strings.Repeat(" ", item.column-1-len(dash))
	is, will := was.texts(), want.texts()
	for _, key := range fieldTexts() {
		if *is[key] != *will[key] {
			s.setKey(item, pad, key, inline(*will[key]), *will[key] == "")
		}
	}
	if slices.Equal(sortedValues(was.Values), sortedValues(want.Values)) {
		return
	}
	i := slices.IndexFunc(item.pairs, func(p pair) bool { return p.key == "values" })
	if i < 0 || len(want.Values) == 0 || !s.isBlock(item.pairs[i]) {
		s.setKey(item, pad, "values", valueLines(want.Values, pad), len(want.Values) == 0)
		return
	}
	s.setValues(item.pairs[i].value, was.Values, want.Values)
}

// setValues writes rows of a map of values of which each has its line; it can only be added to at
// its end.
func (s *sheet) setValues(block node, was, want [][2]string) {
	pad := indentOf(s.lines[block.pairs[0].line-1])
	keys := func(of [][2]string) map[string]string {
		m := map[string]string{}
		for _, v := range of {
			m[v[0]] = v[1]
		}
		return m
	}
	before, now := keys(was), keys(want)
	for _, p := range block.pairs {
		if text, stays := now[p.key]; !stays || text != before[p.key] {
			value := []string{inline(text)[0]}
			from, to := p.line-1, s.end(p)
			if !stays {
				s.cuts = append(s.cuts, cut{from, to, s.comments(from+1, to, pad)})
				continue
			}
			s.cuts = append(s.cuts, cut{from, to, under(pad+inFlow(p.key)+":", remarked(value, trailing(s.lines[from])))})
		}
	}
	end := s.end(block.pairs[len(block.pairs)-1])
	for _, v := range want {
		if _, old := before[v[0]]; !old {
			s.cuts = append(s.cuts, cut{end, end, []string{pad + inFlow(v[0]) + ": " + asYAML(v[1]) + "\n"}})
		}
	}
}

// lines writes an entry of fields below a dash.
func (f WrittenField) lines(dash string) []string {
	if f.All {
		return []string{dash + "- \"*\"\n"}
	}
	if f.Left == f.Right && f.From == "" && f.Direction == "" && f.Prefer == "" && f.Enforce == "" && len(f.Values) == 0 {
		return []string{dash + "- " + asYAML(f.Left) + "\n"}
	}
	texts := f.texts()
	var parts []string
	for _, key := range fieldTexts() {
		if text := *texts[key]; text != "" {
			parts = append(parts, key+": "+inFlow(text))
		}
	}
	if len(f.Values) == 0 {
		return []string{dash + "- { " + strings.Join(parts, ", ") + " }\n"}
	}
	var out []string
	for _, p := range parts {
		out = append(out, dash+"  "+p+"\n")
	}
	out = append(out, under(dash+"  values:", valueLines(f.Values, dash+"  "))...)
	out[0] = dash + "- " + strings.TrimPrefix(out[0], dash+"  ")
	return out
}

func valueLines(values [][2]string, pad string) []string {
	out := []string{"\n"}
	for _, v := range values {
		out = append(out, pad+"  "+inFlow(v[0])+": "+asYAML(v[1])+"\n")
	}
	return out
}
