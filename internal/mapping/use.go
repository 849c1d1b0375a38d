package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tandemhub/tandem/record"
)

// Fields returns the pairs of fields in the order of the configuration, match fields that
// it does not mention last. The caller must not change them.
func (m *Mapping) Fields() []Field { return m.fields }

// Own returns a side's own value of a field: what the record holds, or what its expression
// comes to. known is false if the record does not have the field at all, or its expression has
// no value for it.
func (m *Mapping) Own(i int, side record.Side, f record.Fields, refs Refs) (v record.Value, known bool, err error) {
	p := &m.pairs[i]
	if p.expr != nil && p.source == side {
		v, known, _ = p.expr.value(f, refs) // R11: what cannot be computed is absent; Fault says why
		return v, known, nil
	}
	v, known = f[p.names[side]]
	return v, known, nil
}

// Fault returns why an expression has no value for a record: a currency without a rate, a
// division by zero. It is nil where there is a value, or merely something is not known yet.
func (m *Mapping) Fault(i int, side record.Side, f record.Fields, refs Refs) error {
	p := &m.pairs[i]
	if p.expr == nil || p.source != side {
		return nil
	}
	_, _, err := p.expr.value(f, refs)
	return err
}

// Source returns the expression that computes a side's value of a field, "" if none does.
func (m *Mapping) Source(i int, side record.Side) string {
	if p := &m.pairs[i]; p.expr != nil && p.source == side {
		if len(m.fields[i].Lists) > 0 {
			return "the rules of lists"
		}
		return p.expr.source
	}
	return ""
}

// Same reports whether two values mean the same under the normaliser of the field's type,
// so that a first match needs no write (R5). References are never the same here unless
// both are empty; they have to be translated first.
func (m *Mapping) Same(i int, left, right record.Value) bool {
	p := &m.pairs[i]
	if left.IsEmpty() && right.IsEmpty() || p.alike && left.Equal(right) {
		return true
	}
	f := &m.fields[i]
	if isReference(f.Left.Kind) || isReference(f.Right.Kind) {
		return false
	}
	if conv := p.conv[record.Left]; conv != nil {
		out, known, err := conv(left, nil)
		return err == nil && known && m.alike(&f.Right, out, right)
	}
	if conv := p.conv[record.Right]; conv != nil {
		out, known, err := conv(right, nil)
		return err == nil && known && m.alike(&f.Left, left, out)
	}
	return false
}

// alike compares two values of one field.
func (m *Mapping) alike(f *record.Field, a, b record.Value) bool {
	switch {
	case a.Equal(b):
		return true
	case f.Kind == record.KindList: // one of both was converted, and has only what could be told
		return f.Echoes(a, b) || f.Echoes(b, a)
	case f.Format == record.FormatVATID && record.SameVATID(a.Text(), b.Text()):
		return true
	}
	x, y := record.Normal(*f, a, m.country), record.Normal(*f, b, m.country)
	switch {
	case x != "" && y != "":
		return x == y
	case x != "" || y != "":
		return false
	case a.IsEmpty() || b.IsEmpty():
		// Nothing but blanks, or HTML without text, is as good as nothing; an unusable
		// address is not.
		return f.Kind == record.KindText && (f.Format == "" || f.Format == record.FormatHTML)
	default:
		return strings.EqualFold(record.NormalText(a.Text()), record.NormalText(b.Text()))
	}
}

// InScope reports whether a record passes the filter of its side.
func (m *Mapping) InScope(side record.Side, f record.Fields, refs Refs) (bool, error) {
	if m.where[side] == nil {
		return true, nil
	}
	in, err := m.where[side].truth(f, refs)
	if err != nil {
		return false, fmt.Errorf("filter %s: %w", side, err)
	}
	return in, nil
}

// Wire returns the wire names that this mapping needs from a side, sorted. The caller must
// not change them.
func (m *Mapping) Wire(side record.Side) []string { return m.wire[side] }

// Parents returns the objects of a side to which mapped references point, sorted: their
// records should be linked before those of this mapping (R28).
func (m *Mapping) Parents(side record.Side) []string { return m.parents[side] }

// Lookups returns the objects of a side into which expressions reach with a dot, sorted:
// they must be in the mirror.
func (m *Mapping) Lookups(side record.Side) []string { return m.lookups[side] }

// Fingerprint identifies what this mapping does with a record: match, where, fields and
// conversions. It changes with the configuration, not with an account's lists of choices
// (R19).
func (m *Mapping) Fingerprint() string { return m.fingerprint }

func (c *compiler) print() string {
	h := sha256.New()
	line := func(parts ...any) {
		var b []byte
		for _, p := range parts {
			b = fmt.Appendf(b, "%q ", fmt.Sprint(p))
		}
		h.Write(append(b, '\n'))
	}
	line("objects", c.in.Left.Name, c.in.Right.Name, c.in.Country, c.in.Zones[record.Left], c.in.Zones[record.Right])
	line("where", c.in.Where[record.Left], c.in.Where[record.Right])
	for _, k := range c.m.keys {
		line("match", k.name)
		for _, p := range k.parts {
			line("part", p.fields[record.Left].Name, p.fields[record.Right].Name, p.fields[record.Left].Kind, p.fields[record.Left].Format)
		}
	}
	entries := make(map[int]Entry, len(c.in.Entries))
	for _, e := range c.in.Entries {
		entries[e.Index] = e
	}
	for i, f := range c.m.fields {
		p, e := &c.m.pairs[i], entries[f.Entry]
		line("field", f.Key, f.Left.Kind, f.Left.Format, f.Right.Kind, f.Right.Format, f.ToRight, f.ToLeft)
		if p.expr != nil {
			line("from", p.expr.source)
			for _, code := range p.expr.usedRates() {
				line("rate", code, p.expr.rates[code])
			}
		}
		for _, first := range p.first {
			if first != nil {
				line("first", first.source)
			}
		}
		for _, pair := range elements(f.Left, f.Right) {
			line("element", pair[0].Name, pair[1].Name, pair[0].Kind, pair[1].Kind, f.Natural)
		}
		if !e.All {
			for _, l := range sortedKeys(e.Values) {
				line("value", l, e.Values[l])
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
