package hubspottwin

import (
	"encoding/json"
	"slices"
	"strconv"
)

// An id is a number that the API shows as a text.
type id int64

// MarshalJSON returns the number in quotes.
func (n id) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatInt(int64(n), 10)), nil
}

// shown says how a record is shown.
type shown struct {
	names []string  // properties, in order; nil = those that are returned unasked
	exact bool      // an unset property is left out instead of being null
	trace string    // the caller's mark of this row
	isNew *bool     // an upsert's answer says so
	at    *snapshot // what the index has
	with  []*object // associations that are shown, too
}

// wanted returns the properties to show: what was asked for, without what does not exist,
// plus what is always there.
func (r *request) wanted(o *object, asked []string) []string {
	if len(asked) == 0 {
		return o.defaults
	}
	names := []string{o.born, "hs_object_id", o.stamp}
	for _, n := range asked {
		switch p := o.props[n]; {
		case p == nil:
			r.account.Unknown(r.Request, "property "+n)
		case !p.Archived && !slices.Contains(names[:3], n):
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// append writes a record as JSON.
func (a *Account) append(b []byte, o *object, r *rec, s shown) []byte {
	props, modified := r.props, r.modified
	if s.at != nil {
		props, modified = s.at.props, s.at.modified
	}
	b = append(b, `{"id":"`...)
	b = strconv.AppendInt(b, r.id, 10)
	b = append(b, `","properties":{`...)
	first := true
	for _, name := range s.names {
		v, ok := a.value(o, r, props, modified, name)
		if !ok && s.exact {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, '"', ':')
		if !ok {
			b = append(b, "null"...)
			continue
		}
		b = appendText(b, v)
	}
	b = append(b, `},"createdAt":"`...)
	b = append(b, stamp(r.created)...)
	b = append(b, `","updatedAt":"`...)
	b = append(b, stamp(modified)...)
	b = append(b, `","archived":`...)
	b = strconv.AppendBool(b, !r.archived.IsZero())
	if !r.archived.IsZero() {
		b = append(b, `,"archivedAt":"`...)
		b = append(b, stamp(r.archived)...)
		b = append(b, '"')
	}
	if s.isNew != nil {
		b = append(b, `,"new":`...)
		b = strconv.AppendBool(b, *s.isNew)
	}
	if s.trace != "" {
		b = append(b, `,"objectWriteTraceId":`...)
		b = appendText(b, s.trace)
	}
	if len(s.with) > 0 {
		text, _ := json.Marshal(o.associated(a, r.id, s.with)) // plain maps; it cannot fail
		b = append(b, `,"associations":`...)
		b = append(b, text...)
	}
	return append(b, '}')
}

// appendText writes a JSON string; encoding/json does those with escapes.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x80 {
			text, _ := json.Marshal(s) // a string cannot fail
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// next is the paging member that names where to go on.
func next(after int64) map[string]any {
	text := strconv.FormatInt(after, 10)
	return map[string]any{"next": map[string]any{"after": text, "link": "?after=" + text}}
}

// list is a page of records under construction.
type list struct {
	body []byte
	n    int
}

func (l *list) add(a *Account, o *object, r *rec, s shown) {
	if l.body == nil {
		l.body = append(make([]byte, 0, 16<<10), `"results":[`...)
	}
	if l.n > 0 {
		l.body = append(l.body, ',')
	}
	l.n++
	l.body = a.append(l.body, o, r, s)
}

func (l *list) close() []byte {
	if l.body == nil {
		l.body = []byte(`"results":[`)
	}
	return append(l.body, ']')
}

// closePage ends a page; after 0 = no further one.
func (l *list) closePage(total int, after int64) []byte {
	b := []byte{'{'}
	if total >= 0 {
		b = append(b, `"total":`...)
		b = strconv.AppendInt(b, int64(total), 10)
		b = append(b, ',')
	}
	b = append(b, l.close()...)
	if after > 0 {
		paging, _ := json.Marshal(next(after))
		b = append(b, `,"paging":`...)
		b = append(b, paging...)
	}
	return append(b, '}')
}

// closeBatch ends a batch's answer.
func (l *list) closeBatch(now string, errs []*failure) []byte {
	b := append([]byte(`{"status":"COMPLETE",`), l.close()...)
	if len(errs) > 0 {
		text, _ := json.Marshal(errs)
		b = append(b, `,"numErrors":`...)
		b = strconv.AppendInt(b, int64(len(errs)), 10)
		b = append(b, `,"errors":`...)
		b = append(b, text...)
	}
	b = append(b, `,"startedAt":"`...)
	b = append(b, now...)
	b = append(b, `","completedAt":"`...)
	b = append(b, now...)
	return append(b, `"}`...)
}
