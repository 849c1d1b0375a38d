package dolibarr

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// longestFilter keeps the address of a lookup below the 8 KB that web servers accept,
// with every character escaped.
const longestFilter = 2000

// Find finds records by a field. The API's own lookups by e-mail answer two matches with
// an empty shell (recorded), so it filters, and looks at what comes: the database's
// collation thinks that é is e.
func (c *conn) Find(ctx context.Context, name, fieldName string, values []string) ([]record.Record, error) {
	o, err := objectOf(name)
	if err != nil {
		return nil, err
	}
	found, err := c.find(ctx, o, fieldName, values)
	if err != nil {
		return nil, fmt.Errorf("find %s by %s: %w", o.Name, fieldName, err)
	}
	return found, nil
}

func (c *conn) find(ctx context.Context, o object, fieldName string, values []string) ([]record.Record, error) {
	decode, err := c.decoder(ctx, o)
	if err != nil {
		return nil, err
	}
	extras, err := c.extrasOf(ctx, o.Name)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(o.fields, extras)
	i := slices.IndexFunc(all, func(f field) bool { return f.Name == fieldName && f.Findable })
	if i < 0 {
		return nil, &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Field: fieldName,
			Err: fmt.Errorf("records cannot be found by %q", fieldName),
		}
	}
	var found []record.Record
	seen := map[string]bool{}
	for _, filter := range filters(all[i].column, values) {
		rows, err := c.listAll(ctx, o, filter, pageRows)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			ch := decode(row)
			if !seen[ch.ID] && holds(ch.Fields[fieldName].Text(), values) {
				seen[ch.ID] = true
				found = append(found, ch.Record)
			}
		}
	}
	return found, nil
}

// holds reports whether a text is one of the values; case does not count.
func holds(s string, values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return v != "" && strings.EqualFold(strings.TrimSpace(v), strings.TrimSpace(s))
	})
}

// filters joins the values with or, in as many filters as the length of an address wants.
func filters(column string, values []string) []string {
	var out []string
	var now string
	for _, v := range values {
		if strings.TrimSpace(v) == "" {
			continue
		}
		one := criterion(column, v)
		switch {
		case now == "":
			now = one
		case len(now)+len(one) > longestFilter:
			out, now = append(out, now), one
		default:
			now += " or " + one
		}
	}
	if now != "" {
		out = append(out, now)
	}
	return out
}

// attack are the words that Dolibarr's firewall refuses in a query, in some company or
// other, whatever they mean there:
// https://github.com/Dolibarr/dolibarr/blob/develop/htdocs/main.inc.php
var attack = regexp.MustCompile(`(?i)delete|create|insert|select|union|update|into|user|information_schema|script|\bon[a-z]+\s*=`)

// criterion writes one comparison. A quote cannot be escaped, a parenthesis ends the
// criterion, and some words are taken for an attack (all recorded): such a value becomes
// a pattern with % in place of everything that is neither letter nor digit, and of one
// letter of such a word; the caller sorts out what matches by accident.
func criterion(column, value string) string {
	value = strings.TrimSpace(value)
	if !strings.ContainsAny(value, `'"()\<>;%`) && !attack.MatchString(value) {
		return "(" + column + ":=:'" + value + "')"
	}
	value = attack.ReplaceAllStringFunc(value, func(word string) string { return word[:1] + "%" + word[2:] })
	var b strings.Builder
	wild := false
	for _, r := range value {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '@', r == '.', r == '-':
			b.WriteRune(r)
			wild = false
		case !wild:
			b.WriteByte('%')
			wild = true
		}
	}
	return "(" + column + ":like:'" + b.String() + "')"
}
