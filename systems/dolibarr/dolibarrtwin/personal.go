package dolibarrtwin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The connector's names of what is no column.
const (
	extraPrefix = "array_options.options_"
	linesField  = "lines"
	tagsField   = "categories"
)

// personal reads what a person typed, by the connector's names.
func (t *Twin) personal(tab *table, fields map[string]string) (edit, error) {
	e := edit{cells: map[int]string{}}
	for _, name := range sortedKeys(fields) {
		if err := t.typed(tab, &e, name, fields[name]); err != nil {
			return edit{}, err
		}
		e.names = append(e.names, name)
	}
	return e, nil
}

// typed reads one field.
func (t *Twin) typed(tab *table, e *edit, name, value string) error {
	if code, ok := strings.CutPrefix(name, extraPrefix); ok {
		return t.typedExtra(tab, e, code, value)
	}
	if name == tagsField && tab.tagType() != "" {
		return t.typedTags(tab, e, value)
	}
	if name == linesField && tab.line != "" {
		lines, err := t.typedLines(value)
		e.lines = &lines
		return err
	}
	key := name
	if name == "country_code" {
		key = "country_id"
	}
	i, ok := tab.byKey[key]
	if !ok {
		return fmt.Errorf("no field %q", name)
	}
	v, err := t.fromPerson(tab, tab.cols[i], value)
	if err != nil {
		return fmt.Errorf("field %s: %w", name, err)
	}
	if tab.name == thirdParties && key == "phone" {
		v = dropSpaces(v)
	}
	e.cells[i] = v
	return nil
}

func (t *Twin) typedExtra(tab *table, e *edit, code, value string) error {
	i := tab.extraByCode(code)
	if i < 0 {
		return fmt.Errorf("no extrafield %q", code)
	}
	v, err := t.fromPerson(tab, tab.extras[i].column, value)
	if v == "0" && tab.extras[i].kind == flag && t.version > 20 {
		v = "" // a box that is not ticked is NULL (recorded)
	}
	if err != nil {
		return fmt.Errorf("extrafield %s: %w", code, err)
	}
	if e.extra == nil {
		e.extra, e.extras = map[int]string{}, true
	}
	e.extra[i] = v
	return nil
}

// typedTags reads the ids of the categories that a record shall be in.
func (t *Twin) typedTags(tab *table, e *edit, value string) error {
	tags := []int64{}
	for id := range strings.SplitSeq(value, ",") {
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		c := t.tables[categories].byID(id)
		if c == nil || c.cells[t.tables[categories].byKey["type"]] != tab.tagType() {
			return fmt.Errorf("no category %s of %s", id, tab.name)
		}
		tags = append(tags, c.id)
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	e.tags = &tags
	return nil
}

// typedLines reads lines written as JSON, a list of objects with the API's keys.
func (t *Twin) typedLines(value string) ([]line, error) {
	lines := []line{}
	if value == "" {
		return lines, nil
	}
	var given []map[string]any
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber()
	if err := d.Decode(&given); err != nil {
		return nil, fmt.Errorf("lines: %w", err)
	}
	for _, item := range given {
		l := line{id: int64(numeric(phpText(item["id"])))}
		for _, key := range sortedKeys(item) {
			if !l.set(key, dropAstral(phpText(item[key]))) && !lineShown(key) {
				return nil, fmt.Errorf("lines: no field %q", key)
			}
		}
		if l.product != "" && t.tables[products].byID(l.product) == nil {
			return nil, fmt.Errorf("lines: no product %s", l.product)
		}
		l.sum()
		lines = append(lines, l)
	}
	return lines, nil
}

func (t *Twin) fromPerson(tab *table, c column, s string) (string, error) {
	if s == "" {
		return "", nil
	}
	switch c.kind {
	case country:
		id, ok := tab.nations[strings.ToUpper(s)]
		if !ok {
			return "", fmt.Errorf("no country %q", s)
		}
		return id, nil
	case flag:
		if s == "true" || s == "1" {
			return "1", nil
		}
		return "0", nil
	case day, moment:
		return t.typedTime(c, s)
	case number:
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "", errors.New("no number")
		}
		return s, nil
	case decimal:
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "", errors.New("no number")
		}
		return rounded(s, c.digits), nil
	case people:
		return idList(s), nil
	case raw:
		return "", errors.New("nobody types that")
	case markup:
		return dropAstral(s), nil
	default:
		return clean(dropAstral(s)), nil
	}
}

// typedTime reads a day or a moment; either is good for the other, in the server's zone.
func (t *Twin) typedTime(c column, s string) (string, error) {
	at, err := time.ParseInLocation(time.DateOnly, s, t.zone)
	if err != nil {
		if at, err = time.Parse(time.RFC3339, s); err != nil {
			return "", err
		}
	}
	if c.kind == day {
		return at.In(t.zone).Format(time.DateOnly), nil
	}
	return strconv.FormatInt(at.Unix(), 10), nil
}

// shown returns a record as people see it, under the connector's names.
func (t *table) shown(r *row) map[string]string {
	m := make(map[string]string, len(t.cols))
	for _, c := range t.cols {
		name := wireName(c.key)
		if v := t.value(r, name); v != "" && c.kind != raw {
			m[name] = v
		}
	}
	for _, name := range []string{linesField, tagsField} {
		if v := t.value(r, name); v != "" {
			m[name] = v
		}
	}
	for i, x := range t.extras {
		if r.extra != nil && r.extra[i] != "" {
			m[extraPrefix+x.def.Code] = forPerson(x.column, r.extra[i])
		}
	}
	return m
}

// value returns one field as people see it, under the connector's name.
func (t *table) value(r *row, name string) string {
	if code, ok := strings.CutPrefix(name, extraPrefix); ok {
		i := t.extraByCode(code)
		if i < 0 || r.extra == nil {
			return ""
		}
		return forPerson(t.extras[i].column, r.extra[i])
	}
	switch name {
	case "country_code":
		if i, ok := t.byKey["country_id"]; ok {
			return t.codes[r.cells[i]]
		}
		return ""
	case tagsField:
		return joinIDs(r.tags)
	case linesField:
		return linesForPerson(r.lines)
	}
	i, ok := t.byKey[name]
	if !ok {
		return ""
	}
	return forPerson(t.cols[i], r.cells[i])
}

func forPerson(c column, v string) string {
	if v == "" {
		return ""
	}
	switch c.kind {
	case flag:
		return strconv.FormatBool(v == "1")
	case moment:
		n, _ := strconv.ParseInt(v, 10, 64) // the twin itself wrote it
		return time.Unix(n, 0).UTC().Format(time.RFC3339)
	default:
		return v
	}
}

// joinIDs writes ids as a list.
func joinIDs(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(words, ",")
}

// idList puts a list of ids in order.
func idList(s string) string {
	var ids []int64
	for word := range strings.SplitSeq(s, ",") {
		if n := int64(numeric(strings.TrimSpace(word))); n > 0 {
			ids = append(ids, n)
		}
	}
	slices.Sort(ids)
	return joinIDs(slices.Compact(ids))
}

// rounded writes a decimal with at most so many digits after the point and no needless
// zeros; with none given it keeps what there are.
func rounded(s string, digits int) string {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return ""
	}
	if digits == 0 {
		digits = -1
	}
	s = strconv.FormatFloat(n, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}
