package pipedrive

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/record"
)

// record makes a record of a row. A field of Pipedrive's own that is not in the answer is
// absent, not empty (R11). A custom field that is not in it is empty: leads leave those out
// that have no value, and whether the others do so is not documented.
func (s *shape) record(r row) record.Record {
	out := record.Record{
		Ref:     record.Ref{Object: s.kind.name, ID: r.id()},
		Created: r.made(), Modified: r.stamp(), Fields: make(record.Fields, len(s.list)),
	}
	if !out.Modified.IsZero() {
		out.Version = version(out.Modified)
	}
	custom := r
	if !s.kind.flat {
		custom = r.object(keyCustom)
	}
	for _, f := range s.list {
		from := r
		if f.Custom {
			from = custom
		}
		if v, ok := s.decode(f, from); ok || f.Custom && from != nil {
			out.Fields[f.Name] = v
		}
	}
	return out
}

// version is what a record's version is: Pipedrive has none but the time of its last change.
func version(changed time.Time) string { return changed.Format(time.RFC3339Nano) }

// decode reads a field of a row; false if the row does not show it.
func (s *shape) decode(f record.Field, r row) (record.Value, bool) {
	switch {
	case s.kind.name == persons && (key(f.Name) == fieldEmails || key(f.Name) == fieldPhones):
		ways, ok := waysIn(r, key(f.Name))
		if i := ways.main(f.Name); i >= 0 {
			return record.Text(ways[i].Value), true
		}
		return record.Value{}, ok
	case f.Name == fieldDue:
		return due(r.text("due_date"), r.text("due_time")), r["due_date"] != nil
	case f.Name == fieldDuration:
		return seconds(r.text(fieldDuration)), r[fieldDuration] != nil
	}
	raw, ok := r[key(f.Name)]
	if !ok {
		return record.Value{}, false
	}
	if _, part, dotted := strings.Cut(f.Name, "."); dotted {
		if key(f.Name) == keyPrices {
			raw = first(raw)
		}
		var object row
		if json.Unmarshal(raw, &object) != nil {
			if s.kind.flat && f.Custom {
				return decodeValue(f, flatPart(r, key(f.Name), part)), true
			}
			return record.Value{}, true
		}
		// What was composed of the other parts, for want of a street, is no street.
		if _, ok := s.fields[key(f.Name)+".locality"]; ok && part == "value" && object.text(part) == composed(object.text) {
			return record.Value{}, true
		}
		raw = object[part]
	}
	return decodeValue(f, raw), true
}

// flatPart returns a part of a value as version 1 has it of deals, and may have it of leads:
// the value itself, and the other parts beside it; see
// https://pipedrive.readme.io/docs/core-api-concepts-custom-fields
func flatPart(r row, key, part string) json.RawMessage {
	if part == "value" {
		return r[key]
	}
	return r[key+"_"+part]
}

// first returns the first element of a list, null if there is none.
func first(raw json.RawMessage) json.RawMessage {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil || len(all) == 0 {
		return json.RawMessage("null")
	}
	return all[0]
}

// decodeValue makes a value of JSON. What is not of the field's kind is kept as it is, so
// that it is seen.
func decodeValue(f record.Field, raw json.RawMessage) record.Value {
	if f.Kind == record.KindChoices {
		return record.Texts(elements(raw)...)
	}
	text := row{"": raw}.text("")
	if f.Kind == record.KindReference && text == "" {
		text = target(raw)
	}
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		if v, ok := record.Number(text); ok {
			return v
		}
	case record.KindConsent:
		return consentOf(text)
	case record.KindBool:
		switch text {
		case "1":
			return record.Bool(true)
		case "0":
			return record.Bool(false)
		}
	case record.KindDateTime:
		if t := parseTime(text); !t.IsZero() {
			return record.Time(t)
		}
	}
	return record.Text(text)
}

// elements returns the texts of a list, or those of one text that version 1 joins with commas.
func elements(raw json.RawMessage) []string {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return strings.FieldsFunc(row{"": raw}.text(""), func(r rune) bool { return r == ',' || r == ' ' })
	}
	var texts []string
	for _, one := range all {
		if t := (row{"": one}).text(""); t != "" {
			texts = append(texts, t)
		}
	}
	return texts
}

// target returns the id of a reference that is shown as the record it points to, as version 1
// does with users, persons and organizations.
func target(raw json.RawMessage) string {
	var object row
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	if id := object.text("id"); id != "" {
		return id
	}
	return object.text("value")
}

// due joins the day and the time of an activity, which is in UTC. One without a time is due
// at its day's beginning.
func due(day, clock string) record.Value {
	if day == "" {
		return record.Value{}
	}
	if clock == "" {
		clock = "00:00:00"
	}
	if len(clock) == len("15:04") {
		clock += ":00"
	}
	if t := parseTime(day + " " + clock); !t.IsZero() {
		return record.Time(t)
	}
	return record.Text(day)
}

// seconds reads a duration like 01:30 or 01:30:00.
func seconds(text string) record.Value {
	parts := strings.Split(text, ":")
	if text == "" || len(parts) < 2 {
		return record.Text(text)
	}
	sum := 0
	for i, unit := range []int{3600, 60, 1}[:min(3, len(parts))] {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return record.Text(text)
		}
		sum += n * unit
	}
	return record.Int(int64(sum))
}

// encodeValue makes what Pipedrive takes: it is strict about types, and null clears.
func (k kind) encodeValue(f record.Field, v record.Value) any {
	if v.IsEmpty() {
		if f.Name == fieldLabels {
			return []any{}
		}
		return nil
	}
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		return number(v.Text())
	case record.KindBool:
		return v.Bool()
	case record.KindConsent:
		return marketing(v)
	case record.KindChoices, record.KindReferences:
		list := make([]any, 0, len(v.Items()))
		for _, item := range v.Items() {
			list = append(list, number(item.Text()))
		}
		return list
	case record.KindChoice:
		if k.old && f.Name == fieldVisible { // a text, in version 1
			return v.Text()
		}
		return number(v.Text())
	case record.KindReference:
		return number(v.Text())
	case record.KindDateTime:
		if t := v.Time(); !t.IsZero() && k.old {
			return t.UTC().Format(time.DateTime)
		} else if !t.IsZero() {
			return t.UTC().Format("2006-01-02T15:04:05Z")
		}
	}
	return v.Text()
}

// number returns a JSON number, or a text that is none as it is, for Pipedrive to refuse.
func number(text string) any {
	n := json.Number(text)
	if _, err := n.Float64(); err != nil || !json.Valid([]byte(text)) {
		return text
	}
	return n
}

// A way is one of a person's e-mail addresses or phones.
type way struct {
	Value   string `json:"value"`
	Primary bool   `json:"primary"`
	Label   string `json:"label,omitempty"`
}

type ways []way

func waysIn(r row, key string) (ways, bool) {
	var w ways
	raw, ok := r[key]
	if json.Unmarshal(raw, &w) != nil {
		return nil, ok
	}
	return w, ok
}

const labelMobile = "mobile"

// main returns which entry a field shows: the primary one, or else the first, of those that
// it is about. Phones are parted by their label.
func (w ways) main(field string) int {
	best := -1
	for i, one := range w {
		about := key(field) != fieldPhones || (one.Label == labelMobile) == (field == fieldMobile)
		if about && one.Value != "" && (best < 0 || one.Primary && !w[best].Primary) {
			best = i
		}
	}
	return best
}

// mainAddress is the address that a marketing status is of.
func (w ways) mainAddress() string {
	if i := w.main(fieldEmails); i >= 0 {
		return w[i].Value
	}
	return ""
}

// with returns the entries with another value for a field; all others are kept.
func (w ways) with(field, value string) ways {
	i := w.main(field)
	w = slices.Clone(w)
	switch {
	case value == "" && i < 0:
	case value == "":
		w = slices.Delete(w, i, i+1)
	case i >= 0:
		w[i].Value = value
	default:
		label := "work"
		if field == fieldMobile {
			label = labelMobile
		}
		w = append(w, way{Value: value, Label: label})
		i = len(w) - 1
	}
	for j := len(w) - 1; j >= 0 && value != ""; j-- {
		if j != i && strings.EqualFold(w[j].Value, value) && w[j].Label == w[i].Label {
			w[i].Primary = w[i].Primary || w[j].Primary
			w = slices.Delete(w, j, j+1)
			if j < i {
				i--
			}
		}
	}
	if len(w) > 0 && !slices.ContainsFunc(w, func(one way) bool { return one.Primary }) {
		w[0].Primary = true
	}
	if w == nil {
		w = ways{}
	}
	return w
}

// isNull reports whether JSON is missing or null.
func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}
