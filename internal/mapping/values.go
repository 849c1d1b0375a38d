package mapping

import (
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// values checks a value map and returns it in canonical form: a two-way one, or one that
// goes from right to left, must be one to one (R13).
func (c *compiler) values(e Entry, fields [2]record.Field) (map[string]string, bool) {
	if len(e.Values) == 0 {
		return nil, true
	}
	out, back := make(map[string]string, len(e.Values)), make(map[string]string, len(e.Values))
	fine := true
	for _, left := range sortedKeys(e.Values) {
		l, ok := c.canonical(e, fields[record.Left], left)
		r, ok2 := c.canonical(e, fields[record.Right], e.Values[left])
		if !ok || !ok2 {
			fine = false
			continue
		}
		if other, twice := back[r]; twice && e.RightToLeft {
			c.problemf(e.path("values"), "%q and %q both become %q, so there is no way back; set direction: left-to-right", other, l, r)
			fine = false
			continue
		}
		out[l], back[r] = r, l
	}
	return out, fine
}

// canonical is a value of a map in the canonical form of its field's kind.
func (c *compiler) canonical(e Entry, f record.Field, s string) (string, bool) {
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		v, ok := record.Number(s)
		if !ok {
			c.problemf(e.path("values"), "%q is no number for %q", s, f.Name)
		}
		return v.Text(), ok
	case record.KindBool:
		if s != "" && s != "true" && s != "false" {
			c.problemf(e.path("values"), "%q is neither true nor false for %q", s, f.Name)
			return "", false
		}
	case record.KindConsent:
		if s != "" && s != record.Denied && s != record.Granted {
			c.problemf(e.path("values"), "%q is neither %s nor %s for %q", s, record.Denied, record.Granted, f.Name)
			return "", false
		}
	case record.KindChoice, record.KindChoices:
		return c.canonicalChoice(e, f, s)
	case record.KindList, record.KindReference, record.KindReferences:
		c.problemf(e.path("values"), "%q is a %s and has no values to map", f.Name, f.Kind)
		return "", false
	}
	return s, true
}

func (c *compiler) canonicalChoice(e Entry, f record.Field, s string) (string, bool) {
	if s == "" || f.Open || len(f.Choices) == 0 {
		return s, true
	}
	var words []string
	for _, ch := range f.Choices {
		if ch.Value == s {
			return s, true
		}
		words = append(words, ch.Value, ch.Label)
	}
	if v, ok := byLabel(f.Choices, s); ok {
		return v, true
	}
	c.problems = append(c.problems, Problem{
		Path: e.path("values"), Text: "\"" + s + "\" is no value of \"" + f.Name + "\"", Near: nearest(s, words),
	})
	return "", false
}

// byLabel finds the one choice of that label, in any case.
func byLabel(choices []record.Choice, label string) (string, bool) {
	want := fold(label)
	found, n := "", 0
	for _, ch := range choices {
		if want != "" && fold(ch.Label) == want {
			if n++; n == 1 || !ch.Hidden {
				found = ch.Value
			}
		}
	}
	return found, n == 1
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func hasChoice(f record.Field, value string) bool {
	return slices.ContainsFunc(f.Choices, func(ch record.Choice) bool { return ch.Value == value })
}

// choiceTable pairs the choices of two fields by equal value, else by equal label, else by
// the label of the one and the value of the other.
func choiceTable(from, to record.Field) map[string]string {
	table := make(map[string]string, len(from.Choices))
	for _, ch := range from.Choices {
		if v, ok := counterpart(ch, to); ok {
			table[ch.Value] = v
		}
	}
	return table
}

func counterpart(ch record.Choice, to record.Field) (string, bool) {
	if hasChoice(to, ch.Value) {
		return ch.Value, true
	}
	if v, ok := byLabel(to.Choices, ch.Label); ok {
		return v, true
	}
	if v, ok := byLabel(to.Choices, ch.Value); ok {
		return v, true
	}
	for _, t := range to.Choices {
		if fold(ch.Label) != "" && fold(t.Value) == fold(ch.Label) {
			return t.Value, true
		}
	}
	return "", false
}

// unmatchedChoices warns of choices that can be chosen and have no counterpart.
func (c *compiler) unmatchedChoices(e Entry, fields [2]record.Field, values map[string]string) {
	for _, s := range record.Sides() {
		from, to := fields[s], fields[s.Other()]
		if !isChoice(from.Kind) || !isChoice(to.Kind) || to.Open || len(to.Choices) == 0 || !e.toward(s.Other()) || places(from, to) {
			continue
		}
		table, mapped := choiceTable(from, to), oriented(values, s)
		var missing []string
		for _, ch := range from.Choices {
			if _, ok := mapped[ch.Value]; !ok && table[ch.Value] == "" && !ch.Hidden {
				missing = append(missing, ch.Value)
			}
		}
		if len(missing) > 0 {
			shown := strings.Join(missing[:min(len(missing), 5)], ", ")
			c.warnf(e.path("values"), "%d values of %s %q have no counterpart: %s", len(missing), s, from.Name, shown)
		}
	}
}

// oriented turns a value map so that it leads away from a side.
func oriented(values map[string]string, from record.Side) map[string]string {
	if from == record.Left {
		return values
	}
	back := make(map[string]string, len(values))
	for _, l := range sortedKeys(values) {
		if _, twice := back[values[l]]; !twice {
			back[values[l]] = l
		}
	}
	return back
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
