package dolibarr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// where translates conditions into a filter, as far as the database compares as the hub
// does: what it lets through may be too much, and must never be too little (C4). "" if
// nothing can be translated.
func (c *conn) where(o object, conds []connector.Cond) string {
	extras, typed := c.knownExtras(o.Name)
	all := o.fields
	if typed { // a field of unknown type may be kept in another form than it is shown in
		all = slices.Concat(all, extras)
	}
	var filter string
	for _, cond := range conds {
		i := slices.IndexFunc(all, func(f field) bool { return f.Name == cond.Field })
		if i < 0 || all[i].column == "" || all[i].Name == "country_code" { // its column holds an id
			continue
		}
		one := all[i].criteria(cond)
		if len(filter)+len(one) > longestFilter {
			break
		}
		filter = both(filter, one)
	}
	return filter
}

// criteria writes one condition; "" if it cannot be told to the database.
func (f field) criteria(cond connector.Cond) string {
	switch cond.Op {
	case connector.Filled:
		if f.box {
			return "" // it always is
		}
		// What is empty without being NULL comes along.
		return "(" + f.column + ":isnot:null)"
	case connector.In:
		return f.anyOf(cond.Values)
	case connector.NotIn:
		return f.noneOf(cond.Values)
	}
	return "" // an empty text may be NULL or "", an empty reference NULL or 0
}

// anyOf selects the records that hold one of the values.
func (f field) anyOf(values []string) string {
	var list []string
	for _, v := range values {
		var one string
		switch n, ok := f.numeral(v); {
		case ok && f.box && n == "0":
			one = "(" + f.column + ":=:0) or (" + f.column + ":is:null)"
		case ok:
			one = "(" + f.column + ":=:" + n + ")"
		case f.comparable() && harmless(v):
			// The collation takes more for equal than we do: too much comes, not too little.
			one = "(" + f.column + ":=:'" + v + "')"
		default:
			return ""
		}
		list = append(list, one)
	}
	if len(list) == 0 {
		return ""
	}
	return "(" + strings.Join(list, " or ") + ")"
}

// noneOf selects the records that hold none of the values. It is not for texts: the
// collation would leave out what only looks like one of them.
func (f field) noneOf(values []string) string {
	var list []string
	for _, v := range values {
		if n, ok := f.numeral(v); ok {
			list = append(list, "("+f.column+":!=:"+n+")")
		}
	}
	if len(list) == 0 {
		return ""
	}
	// NULL is unequal to nothing.
	return "((" + strings.Join(list, " and ") + ") or (" + f.column + ":is:null))"
}

// numeral returns how the database keeps a value of a column of whole numbers.
func (f field) numeral(v string) (string, bool) {
	switch {
	case f.Kind == record.KindBool && v == "true":
		return "1", true
	case f.Kind == record.KindBool && v == "false":
		return "0", true
	case !f.whole || f.zero && v == "0": // which is shown as empty
		return "", false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	return v, err == nil && strconv.FormatInt(n, 10) == v
}

// comparable reports whether the database keeps the text that the API shows.
func (f field) comparable() bool {
	switch f.Kind {
	case record.KindText:
		return f.Format != record.FormatHTML
	case record.KindEmail:
		return true
	case record.KindChoice:
		return !f.whole
	default:
		return false
	}
}

// harmless reports whether a text can stand in a filter as it is: no quote, which cannot
// be escaped, no parenthesis, which ends the criterion, nothing that the firewall takes for
// an attack (all recorded), and nothing of which there are two forms, as of an accent.
func harmless(v string) bool {
	if strings.TrimSpace(v) != v || v == "" || strings.ContainsAny(v, "'\"()\\<>;%&") || attack.MatchString(v) {
		return false
	}
	return !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' })
}
