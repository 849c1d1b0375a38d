package hubspottwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The search's limits; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm#limits
const (
	maxSearchBody = 3000
	maxSearchPage = 200
	maxGroups     = 5
	maxFilters    = 18
	perGroup      = 6
)

type searchCall struct {
	FilterGroups []struct{ Filters []filter }
	Sorts        []sort
	Query        string
	Properties   []string
	Limit        int
	After        string
}

type filter struct {
	PropertyName, Operator string
	Value, HighValue       string
	Values                 []string
}

// A sort is an object. The official clients send it as a text: the object's JSON, or a
// property's name, with a minus sign for the other direction.
type sort struct{ PropertyName, Direction string }

// UnmarshalJSON reads every form.
func (s *sort) UnmarshalJSON(b []byte) error {
	type plain sort
	var text string
	if json.Unmarshal(b, &text) != nil {
		return json.Unmarshal(b, (*plain)(s))
	}
	if strings.HasPrefix(text, "{") {
		return json.Unmarshal([]byte(text), (*plain)(s))
	}
	if name, ok := strings.CutPrefix(text, "-"); ok {
		text, s.Direction = name, "DESCENDING"
	}
	s.PropertyName = text
	return nil
}

// search answers POST …/search.
func (a *Account) search(r *request, o *object) (int, any) {
	body, _ := io.ReadAll(r.Body) // it is in memory
	if len(body) > maxSearchBody {
		return 0, invalid("The request body must not be longer than 3000 characters")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in searchCall
	if f := r.decode(&in); f != nil {
		return 0, f
	}
	limit, after, f := a.searchPage(&in)
	if f == nil {
		f = o.checkSearch(&in)
	}
	if f != nil {
		return 0, f
	}
	hits := a.hits(o, &in, r.now)
	names := r.wanted(o, in.Properties)
	var l list
	for _, h := range hits[min(after, len(hits)):min(after+limit, len(hits))] {
		l.add(a, o, h.rec, shown{names: names, at: &h.at})
	}
	following := int64(0)
	if after+limit < len(hits) {
		following = int64(after + limit)
	}
	return 200, l.closePage(len(hits), following)
}

func (a *Account) searchPage(in *searchCall) (limit, after int, f *failure) {
	given := ""
	if in.Limit != 0 {
		given = strconv.Itoa(in.Limit)
	}
	if limit, f = a.limit(given, 10, maxSearchPage); f != nil {
		return 0, 0, f
	}
	if in.After != "" {
		var err error
		if after, err = strconv.Atoi(in.After); err != nil || after < 0 {
			return 0, 0, invalid("Invalid paging cursor: " + in.After)
		}
	}
	if after+limit > a.searchMax {
		return 0, 0, invalid(fmt.Sprintf("Paging through more than %d results is not supported", a.searchMax))
	}
	return limit, after, nil
}

func (o *object) checkSearch(in *searchCall) *failure {
	n := 0
	for _, g := range in.FilterGroups {
		n += len(g.Filters)
		if len(g.Filters) > perGroup {
			return invalid("There are too many filters in a group")
		}
		for _, f := range g.Filters {
			if o.props[f.PropertyName] == nil {
				return invalid("There was a problem with the request. Property '" + f.PropertyName + "' does not exist")
			}
			if !slices.Contains([]string{"EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN",
				"HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}, f.Operator) {
				return invalid("Invalid operator " + f.Operator)
			}
		}
	}
	switch {
	case len(in.FilterGroups) > maxGroups || n > maxFilters:
		return invalid("There are too many filters or filter groups")
	case len(in.Sorts) > 1:
		return invalid("Only one sort is supported")
	case len(in.Sorts) == 1 && o.props[in.Sorts[0].PropertyName] == nil:
		return invalid("Property '" + in.Sorts[0].PropertyName + "' does not exist")
	}
	return nil
}

// A hit is a record that a search found, as the index has it.
type hit struct {
	rec *rec
	at  snapshot
	num float64 // what is sorted by
	str string
}

// hits returns all records that match, in order. Rows that sort alike come in the order of
// creation.
func (a *Account) hits(o *object, in *searchCall, now time.Time) []hit {
	var out []hit
	for _, id := range o.order {
		x := o.recs[id]
		if x == nil || !x.archived.IsZero() {
			continue
		}
		at, ok := x.seen(now, a.lag)
		if !ok || !a.matches(o, x, &at, in) {
			continue
		}
		h := hit{rec: x, at: at}
		if len(in.Sorts) == 1 {
			h.num, h.str = a.sortKey(o, x, &at, in.Sorts[0].PropertyName)
		}
		out = append(out, h)
	}
	if len(in.Sorts) == 1 {
		sign := 1
		if in.Sorts[0].Direction == "DESCENDING" {
			sign = -1
		}
		slices.SortStableFunc(out, func(x, y hit) int {
			if x.num != y.num {
				if x.num < y.num {
					return -sign
				}
				return sign
			}
			return sign * strings.Compare(x.str, y.str)
		})
	}
	return out
}

func (a *Account) sortKey(o *object, x *rec, at *snapshot, name string) (float64, string) {
	switch name {
	case o.stamp:
		return float64(at.modified.UnixMilli()), ""
	case o.born:
		return float64(x.created.UnixMilli()), ""
	case "hs_object_id":
		return float64(x.id), ""
	}
	v, _ := a.value(o, x, at.props, at.modified, name)
	if n, ok := number(v); ok {
		return n, ""
	}
	return 0, strings.ToLower(v)
}

func (a *Account) matches(o *object, x *rec, at *snapshot, in *searchCall) bool {
	if in.Query != "" && !a.mentions(o, at, in.Query) {
		return false
	}
	if len(in.FilterGroups) == 0 {
		return true
	}
	for _, g := range in.FilterGroups {
		all := true
		for i := range g.Filters {
			if !a.passes(o, x, at, &g.Filters[i]) {
				all = false
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

func (a *Account) mentions(o *object, at *snapshot, query string) bool {
	for _, name := range []string{
		"email", "firstname", "lastname", "phone", "company", "name", "domain", "website", "dealname", "hs_lead_name",
		"description", "hs_sku", "hs_title", "hs_number", "hs_note_body", "hs_task_subject", "hs_meeting_title", "hs_call_title", "hs_email_subject",
	} {
		if o.props[name] != nil && strings.Contains(strings.ToLower(at.props[name]), strings.ToLower(query)) {
			return true
		}
	}
	return false
}

func (a *Account) passes(o *object, x *rec, at *snapshot, f *filter) bool {
	// The two that incremental reads filter by are compared without making texts of them.
	var have float64
	switch f.PropertyName {
	case o.stamp:
		have = float64(at.modified.UnixMilli())
	case "hs_object_id":
		have = float64(x.id)
	default:
		v, ok := a.value(o, x, at.props, at.modified, f.PropertyName)
		return passesText(f, v, ok)
	}
	want, ok := number(f.Value)
	switch f.Operator {
	case "HAS_PROPERTY":
		return true
	case "EQ":
		return ok && have == want
	case "GT":
		return ok && have > want
	case "GTE":
		return ok && have >= want
	case "LT":
		return ok && have < want
	case "LTE":
		return ok && have <= want
	}
	return passesText(f, strconv.FormatInt(int64(have), 10), true)
}

// passesText compares texts without regard to case, except that the values of IN and
// NOT_IN have to be given in lower case.
func passesText(f *filter, v string, has bool) bool {
	lower := strings.ToLower(v)
	switch f.Operator {
	case "HAS_PROPERTY":
		return has
	case "NOT_HAS_PROPERTY":
		return !has
	case "EQ":
		return has && (lower == strings.ToLower(f.Value) || order(v, f.Value) == 0)
	case "NEQ":
		return has && lower != strings.ToLower(f.Value)
	case "IN":
		return has && slices.Contains(f.Values, lower)
	case "NOT_IN":
		return has && !slices.Contains(f.Values, lower)
	case "CONTAINS_TOKEN":
		return has && containsToken(lower, strings.ToLower(f.Value))
	case "NOT_CONTAINS_TOKEN":
		return has && !containsToken(lower, strings.ToLower(f.Value))
	case "LT":
		return has && order(v, f.Value) < 0
	case "LTE":
		return has && order(v, f.Value) <= 0
	case "GT":
		return has && order(v, f.Value) > 0
	case "GTE":
		return has && order(v, f.Value) >= 0
	case "BETWEEN":
		return has && order(v, f.Value) >= 0 && order(v, f.HighValue) <= 0
	}
	return false
}

func containsToken(v, token string) bool {
	token = strings.Trim(token, "*")
	for _, word := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" @.,;-/", r) }) {
		if word == token || strings.HasPrefix(word, token) {
			return true
		}
	}
	return v == token
}

// order compares numbers and times by value, else texts.
func order(x, y string) int {
	m, ok1 := number(x)
	n, ok2 := number(y)
	if ok1 && ok2 {
		switch {
		case m < n:
			return -1
		case m > n:
			return 1
		}
		return 0
	}
	return strings.Compare(strings.ToLower(x), strings.ToLower(y))
}

// number reads a number, or a time as milliseconds.
func number(s string) (float64, bool) {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return n, true
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.UnixMilli()), true
		}
	}
	return 0, false
}
