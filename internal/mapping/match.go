package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// A matchKey is a compiled [MatchKey].
type matchKey struct {
	name  string
	parts []matchPart
}

type matchPart struct {
	fields [2]record.Field // both with the kind and format by which they are compared
	domain [2]bool         // that side's field is an e-mail address of which the domain counts
}

// needsCountry reports whether the part reads differently in another country.
func (p matchPart) needsCountry() bool {
	f := p.fields[record.Left]
	return f.Kind == record.KindPhone || f.Format == record.FormatVATID
}

// match compiles the match keys, and maps their fields if nothing else does.
func (c *compiler) match() {
	c.m.place = [2]string{placeOf(c.in.Left), placeOf(c.in.Right)}
	keys := c.in.Match
	if keys == nil {
		keys = c.defaultMatch()
	}
	for i, key := range keys {
		k, ok := c.key(fmt.Sprintf("match[%d]", i), key)
		if !ok {
			continue
		}
		c.m.keys = append(c.m.keys, k)
	}
	c.mapKeys()
}

// defaultMatch is what recognises a pair of each common object.
func (c *compiler) defaultMatch() []MatchKey {
	var names []string
	if c.in.Left.Common == c.in.Right.Common {
		switch c.in.Left.Common {
		case "company":
			names = []string{"vat_id", "domain"}
		case "contact", "user", "lead":
			names = []string{"email"}
		}
	}
	var keys []MatchKey
	for _, name := range names {
		_, left := c.in.Left.ByCommon(name)
		_, right := c.in.Right.ByCommon(name)
		if left && right {
			keys = append(keys, MatchKey{Parts: []MatchPart{{Left: name, Right: name}}})
		}
	}
	if len(keys) == 0 {
		c.warnf("match", "%s and %s have no match key by default, so that no records that exist on both sides are recognised", c.in.Left.Name, c.in.Right.Name)
	}
	return keys
}

func (c *compiler) key(path string, key MatchKey) (matchKey, bool) {
	var k matchKey
	if len(key.Parts) == 0 {
		c.problemf(path, "the key has no fields")
		return k, false
	}
	var names []string
	for _, part := range key.Parts {
		var fields [2]record.Field
		for s, name := range [2]string{part.Left, part.Right} {
			f, ok := resolve(c.object(record.Side(s)), name)
			if !ok {
				c.problems = append(c.problems, unknownField(path, c.object(record.Side(s)), name))
				return k, false
			}
			if f.Kind == record.KindList || isSet(f.Kind) || f.Kind == record.KindReference {
				c.problemf(path, "%q is a %s and cannot be a match key", f.Name, f.Kind)
				return k, false
			}
			fields[s] = f
		}
		k.parts = append(k.parts, newPart(fields))
		names = append(names, partName(part))
	}
	k.name = strings.Join(names, "+")
	return k, true
}

func partName(p MatchPart) string {
	if p.Left == p.Right {
		return p.Left
	}
	return p.Left + "=" + p.Right
}

// newPart chooses how both sides are compared: by the one of the two meanings that says
// more. An e-mail address against a domain counts by its domain.
func newPart(fields [2]record.Field) matchPart {
	p := matchPart{fields: fields}
	for _, s := range record.Sides() {
		other := fields[s.Other()]
		if fields[s].Kind == record.KindEmail && other.Format == record.FormatDomain {
			p.domain[s] = true
		}
	}
	lead := fields[record.Left]
	if !special(lead) || fields[record.Right].Format == record.FormatDomain {
		lead = fields[record.Right]
	}
	for s := range p.fields {
		if special(lead) {
			p.fields[s].Kind, p.fields[s].Format = lead.Kind, lead.Format
		}
	}
	return p
}

func special(f record.Field) bool {
	return f.Kind == record.KindEmail || f.Kind == record.KindPhone || f.Kind == record.KindText && f.Format != ""
}

// placeOf finds the field that tells in which country a record is.
func placeOf(o record.Object) string {
	for _, name := range []string{"country_code", "country"} {
		if f, ok := o.ByCommon(name); ok && (f.Kind == record.KindText || f.Kind == record.KindChoice) {
			return f.Name
		}
	}
	i := slices.IndexFunc(o.Fields, func(f record.Field) bool {
		return f.Format == record.FormatCountry && (f.Kind == record.KindText || f.Kind == record.KindChoice)
	})
	if i < 0 {
		return ""
	}
	return o.Fields[i].Name
}

// mapKeys adds match fields that no entry maps, in the directions that entries have.
func (c *compiler) mapKeys() {
	e := Entry{Index: -1}
	for _, x := range c.in.Entries {
		e.LeftToRight = e.LeftToRight || x.LeftToRight
		e.RightToLeft = e.RightToLeft || x.RightToLeft
	}
	if len(c.in.Entries) == 0 {
		e.LeftToRight, e.RightToLeft = true, true
	}
	for _, k := range c.m.keys {
		for _, part := range k.parts {
			left, ok := c.in.Left.Field(part.fields[record.Left].Name)
			right, ok2 := c.in.Right.Field(part.fields[record.Right].Name)
			if ok && ok2 && !left.Key && !right.Key {
				c.mapKey(e, [2]record.Field{left, right})
			}
		}
	}
}

func (c *compiler) mapKey(e Entry, fields [2]record.Field) {
	for _, p := range c.m.pairs {
		same := [2]bool{}
		for _, s := range record.Sides() {
			same[s] = p.names[s] == fields[s].Name
			if same[s] && p.allowed[s.Other()] {
				return // another entry decides what is written there
			}
		}
		if same[record.Left] && same[record.Right] {
			return
		}
	}
	p, _ := c.pair(fields, nil)
	if fields[record.Left].Kind == record.KindEmail && fields[record.Right].Format == record.FormatDomain ||
		fields[record.Right].Kind == record.KindEmail && fields[record.Left].Format == record.FormatDomain {
		return // an address is matched with a domain, and never written there
	}
	if c.flows(&p, fields, record.Left) || c.flows(&p, fields, record.Right) {
		c.add(e, p, fields)
	}
}

// KeyNames returns the names of the match keys, in their order.
func (m *Mapping) KeyNames() []string {
	names := make([]string, 0, len(m.keys))
	for i := range m.keys {
		names = append(names, m.keys[i].name)
	}
	return names
}

// Keys returns a record's value of every match key, in their order.
func (m *Mapping) Keys(side record.Side, f record.Fields) []Key {
	if len(m.keys) == 0 {
		return nil
	}
	keys := make([]Key, 0, len(m.keys))
	for i := range m.keys {
		keys = append(keys, m.key(&m.keys[i], side, f))
	}
	return keys
}

func (m *Mapping) key(k *matchKey, side record.Side, f record.Fields) Key {
	key := Key{Name: k.name}
	for i := range k.parts {
		value, free := m.partKey(&k.parts[i], side, f)
		if value == "" {
			return Key{Name: k.name}
		}
		key.Free = key.Free || free && len(k.parts) == 1
		if i > 0 {
			value = key.Value + "\x1f" + value
		}
		key.Value = value
	}
	return key
}

func (m *Mapping) partKey(p *matchPart, side record.Side, f record.Fields) (value string, free bool) {
	field := &p.fields[side]
	v, ok := f[field.Name]
	if !ok || v.IsEmpty() {
		return "", false
	}
	if p.domain[side] {
		address := record.NormalEmail(v.Text())
		domain := record.NormalDomain(address[strings.LastIndexByte(address, '@')+1:])
		return domain, record.FreeMail(domain)
	}
	country := ""
	if p.needsCountry() {
		country = m.countryOf(side, f)
	}
	value = record.Normal(*field, v, country)
	switch {
	case field.Format == record.FormatDomain:
		return value, record.FreeMail(value)
	case field.Kind == record.KindText && field.Format == "":
		return strings.ToLower(value), false
	}
	return value, false
}

// countryOf is a record's own country, else the configured one.
func (m *Mapping) countryOf(side record.Side, f record.Fields) string {
	if name := m.place[side]; name != "" {
		if code := record.NormalCountry(f[name].Text()); code != "" {
			return code
		}
	}
	return m.country
}

// Matched reports whether field i is part of a match key, on either side.
func (m *Mapping) Matched(i int) bool {
	f := m.fields[i]
	for _, k := range m.keys {
		for _, p := range k.parts {
			if f.Left.Name != "" && p.fields[record.Left].Name == f.Left.Name ||
				f.Right.Name != "" && p.fields[record.Right].Name == f.Right.Name {
				return true
			}
		}
	}
	return false
}
