package dolibarr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandemhub/tandem/record"
)

// A wireStatus is what GET /status tells.
type wireStatus struct {
	Version     string `json:"dolibarr_version"`
	Locked      string `json:"access_locked"`
	Environment string `json:"environment"`
	Now         int64  `json:"timestamp_now_utc"`
	Zone        string `json:"timestamp_php_tz"`
	Local       string `json:"date_tz"`
}

// location returns PHP's zone. A name that we do not know becomes the offset at which the
// server's own wall clock stands.
func (s wireStatus) location() *time.Location {
	if zone, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" {
		return zone
	}
	if local, err := time.Parse(time.DateTime, s.Local); err == nil {
		return time.FixedZone("", int(local.Unix()-s.Now))
	}
	return time.UTC
}

// zoneName writes a zone into a cursor: its name, or its offset in seconds.
func zoneName(zone *time.Location) string {
	if zone.String() != "" {
		return zone.String()
	}
	_, offset := time.Time{}.In(zone).Zone()
	return strconv.Itoa(offset)
}

// zoneOf reads what zoneName wrote; nil if it is nothing.
func zoneOf(name string) *time.Location {
	if name == "" {
		return nil
	}
	if offset, err := strconv.Atoi(name); err == nil {
		return time.FixedZone("", offset)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

// A wireRow is a record as the API shows it. Its values are whatever PHP had in hand: a
// number comes as a string or as a number, nothing as null, as "" or as [].
type wireRow map[string]json.RawMessage

// text returns a scalar as text, "" for nothing.
func (r wireRow) text(key string) string { return scalar(r[key]) }

// number returns a scalar as a whole number, 0 for nothing.
func (r wireRow) number(key string) int64 {
	n, err := strconv.ParseInt(r.text(key), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func scalar(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		if len(raw) < 2 {
			return ""
		}
		if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
			return string(inner) // the decoder has seen that it is well formed; most texts have no escapes
		}
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return ""
		}
		return s
	case 'n', 'f', '[', '{':
		return ""
	case 't':
		return "1"
	default:
		return string(raw)
	}
}

// options returns the extrafields by their keys ("options_segment"). An empty
// array_options is a list, a filled one an object.
func (r wireRow) options() map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if raw := bytes.TrimSpace(r["array_options"]); len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil
		}
	}
	return m
}

// moment returns a time in seconds, 0 for nothing. Products of version 20 show theirs as a
// text by PHP's own clock (recorded).
func (r wireRow) moment(key string, zone *time.Location) int64 {
	if n := r.number(key); n != 0 {
		return n
	}
	at, err := time.ParseInLocation(time.DateTime, r.text(key), zone)
	if err != nil {
		return 0
	}
	return at.Unix()
}

// record decodes a row: every field that it shows, and the extrafields with the kinds
// that are known of them.
func (r wireRow) record(o object, extras []field, zone *time.Location, d drift) record.Record {
	rec := record.Record{
		Ref:        record.Ref{Object: o.Name, ID: r.text("id")},
		ModifiedBy: r.text(o.modifier),
		Fields:     make(record.Fields, len(r)),
	}
	if at := r.moment(o.created, zone); at != 0 {
		rec.Created = time.Unix(at, 0).UTC()
	}
	rec.Modified = d.modified(r.moment(o.modified, zone), rec.Created)
	for i := range o.fields {
		f := &o.fields[i]
		if raw, shown := r[f.Name]; shown {
			rec.Fields[f.Name] = f.decode(raw, zone)
		}
	}
	for key, raw := range r.options() {
		name := optionsPrefix + key
		kind := record.KindText
		for i := range extras {
			if extras[i].Name == name {
				kind = extras[i].Kind
			}
		}
		if rec.Fields[name] = value(kind, false, scalar(raw), zone); kind == record.KindBool && rec.Fields[name].IsEmpty() {
			rec.Fields[name] = record.Bool(false) // a box that is not ticked comes back as null (recorded)
		}
	}
	return rec
}

// closed reports whether the record counts as archived.
func (r wireRow) closed(o object) bool {
	for key, value := range o.closed {
		if r.text(key) != value {
			return false
		}
	}
	return len(o.closed) > 0
}

// decode gives what the wire shows of a field the canonical form of its kind.
func (f *field) decode(raw json.RawMessage, zone *time.Location) record.Value {
	switch f.Kind {
	case record.KindList:
		return f.list(raw, zone)
	case record.KindReferences:
		return references(raw)
	default:
		return value(f.Kind, f.zero, scalar(raw), zone)
	}
}

// references decodes people who are linked: a map with their ids as keys, or a list if
// there are none.
func references(raw json.RawMessage) record.Value {
	var of map[string]json.RawMessage
	if err := json.Unmarshal(raw, lenient(&of)); err != nil {
		return record.Value{}
	}
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(of)), func(id string) bool { return !isID(id) })
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return record.Texts(ids...)
}

// value gives a text of the wire the canonical form of its kind. zero says that "0"
// stands for nothing, as in the id of a reference.
func value(kind record.Kind, zero bool, s string, zone *time.Location) record.Value {
	if s == "" || zero && s == "0" {
		return record.Value{}
	}
	switch kind {
	case record.KindNumber, record.KindMoney:
		if v, ok := record.Number(s); ok {
			return v
		}
	case record.KindBool:
		return record.Bool(s != "0")
	case record.KindDate:
		return day(s, zone)
	case record.KindDateTime:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return record.Time(time.Unix(n, 0))
		}
		if at, err := time.ParseInLocation(time.DateTime, s, zone); err == nil {
			return record.Time(at)
		}
	case record.KindText:
		return record.Text(strings.ReplaceAll(s, "\r\n", "\n"))
	}
	return record.Text(s)
}

// day reads a date. It comes as the epoch of midnight by the server's own clock, so that
// in UTC it would be the day before east of Greenwich (recorded).
func day(s string, zone *time.Location) record.Value {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return record.Text(s[:min(len(s), len(time.DateOnly))])
	}
	at := time.Unix(n, 0).In(zone)
	return record.Date(at.Date())
}

var errNoNumber = errors.New("it is no number")

// encode writes a value as the API takes it, null for the empty one. Dates go as a text,
// which both versions read as a day of the server's zone (recorded), or, where the server
// makes a moment of it, as the noon of the day, whose time it cuts off (recorded); truth
// values as 0 and 1, because version 20 fails on false (recorded).
func encode(f field, v record.Value, zone *time.Location) (any, error) {
	if f.Kind == record.KindReferences {
		return linked(v), nil
	}
	if v.IsEmpty() {
		return nil, nil
	}
	switch f.Kind {
	case record.KindBool:
		if v.Bool() {
			return 1, nil
		}
		return 0, nil
	case record.KindNumber, record.KindMoney:
		n, ok := record.Number(v.Text())
		if !ok {
			return nil, errNoNumber
		}
		return json.Number(n.Text()), nil
	case record.KindDateTime:
		at := v.Time()
		if at.IsZero() {
			return nil, errors.New("it is no time")
		}
		return at.Unix(), nil
	case record.KindDate:
		at := v.Time()
		switch {
		case at.IsZero():
			return nil, errors.New("it is no date")
		case f.epoch:
			return time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, zone).Unix(), nil
		}
		return v.Text(), nil
	}
	if f.whole {
		n, err := strconv.ParseInt(v.Text(), 10, 64)
		if err != nil {
			return nil, errNoNumber
		}
		return n, nil
	}
	// A character beyond U+FFFF would be refused by the database with an error 500.
	return record.Rewritten(v, []record.Rewrite{record.RewriteDropAstral}).Text(), nil
}

// linked encodes people as the API takes them: {"12":{"id":"12"}}.
func linked(v record.Value) map[string]any {
	of := map[string]any{}
	for _, item := range v.Items() {
		of[item.Text()] = map[string]any{"id": item.Text()}
	}
	return of
}
