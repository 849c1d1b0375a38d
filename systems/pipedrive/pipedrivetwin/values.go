package pipedrivetwin

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// check returns a value of a body as it is kept, or what is wrong with it. Version 2 is
// strict: a text is no number, and 1 is not true.
func (c *Company) check(kind string, v any) (any, string) {
	if v == nil {
		return nil, ""
	}
	switch kind {
	case "marketing":
		return checkMarketing(v)
	case "number":
		return checkNumber(v)
	case "bool":
		if b, ok := v.(bool); ok {
			return b, ""
		}
		return nil, "must be a boolean"
	case "text", "currency", "type", "status", "date", "clock", "visibleText", "outcome", "moment":
		return checkText(kind, v)
	case "visible":
		n, wrong := checkInt(v)
		if wrong == "" && !slices.Contains([]int64{1, 3, 5, 7}, n) {
			return nil, "must be one of 1, 3, 5, 7"
		}
		return n, wrong
	case "stage", "pipeline", "user", "industry", persons, organizations, deals:
		return c.checkRef(kind, v)
	case leads:
		id, ok := v.(string)
		if !ok || c.object(leads).find(id) == nil {
			return nil, "must be the id of a lead"
		}
		return id, ""
	case "ids", "leadLabels":
		return checkLabels(kind, v)
	default:
		return c.checkObject(kind, v)
	}
}

func checkNumber(v any) (any, string) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, "must be a number"
	}
	return n, ""
}

func checkInt(v any) (int64, string) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, "must be an integer"
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil || i > math.MaxInt32 {
		return 0, "must be an integer"
	}
	return i, ""
}

func checkText(kind string, v any) (any, string) {
	s, ok := v.(string)
	if !ok {
		return nil, "must be a string"
	}
	fits := true
	switch kind {
	case "currency":
		fits = slices.Contains([]string{"EUR", "USD", "GBP", "THB"}, s)
	case "type":
		fits = slices.ContainsFunc(activityTypes(), func(t [2]string) bool { return t[0] == s })
	case "status":
		fits = slices.Contains([]string{"open", "won", "lost"}, s)
	case "outcome":
		fits = slices.Contains([]string{"connected", "no_answer", "left_message", "left_voicemail", "wrong_number", "busy"}, s)
	case "moment":
		at, err := parseOld(s)
		s, fits = at.UTC().Format(millis), err == nil
	case "visibleText":
		fits = slices.Contains([]string{"1", "3", "5", "7"}, s)
	case "date":
		_, err := time.Parse(time.DateOnly, s)
		fits = err == nil
	case "clock":
		fits = regexp.MustCompile(`^\d\d:[0-5]\d(:[0-5]\d)?$`).MatchString(s)
		if len(s) == len("15:04") {
			s += ":00"
		}
	}
	if !fits {
		return nil, fmt.Sprintf("%q is not a valid %s", s, kind)
	}
	return s, ""
}

// checkRef wants the number of something that is there.
func (c *Company) checkRef(kind string, v any) (any, string) {
	n, wrong := checkInt(v)
	if wrong != "" {
		return nil, wrong
	}
	var found bool
	switch kind {
	case "stage":
		found = stageOf(n) != nil
	case "pipeline":
		found = n == 1 || n == 2
	case "industry":
		found = n >= 1 && n <= int64(len(industries()))
	default:
		if kind == "user" {
			kind = users
		}
		r := c.object(kind).find(strconv.FormatInt(n, 10))
		found = r != nil && !r.deleted
	}
	if !found {
		return nil, fmt.Sprintf("%d does not exist", n)
	}
	return n, ""
}

// checkLabels wants a list of ids of labels.
func checkLabels(kind string, v any) (any, string) {
	list, ok := v.([]any)
	if !ok {
		return nil, "must be an array"
	}
	for i, one := range list {
		if kind == "leadLabels" {
			if id, ok := one.(string); !ok || !slices.ContainsFunc(leadLabels(), func(l [2]string) bool { return l[0] == id }) {
				return nil, "must be ids of labels"
			}
			continue
		}
		n, wrong := checkInt(one)
		if wrong != "" || n < 1 || n > 3 {
			return nil, "must be ids of labels"
		}
		list[i] = n
	}
	return list, ""
}

// checkObject wants an object, or a list of them, with the members that the kind has.
func (c *Company) checkObject(kind string, v any) (any, string) {
	switch kind {
	case "ways", "participants", "prices":
		list, ok := v.([]any)
		if !ok {
			return nil, "must be an array"
		}
		for i, one := range list {
			m, wrong := c.members(kind, one)
			if wrong != "" {
				return nil, wrong
			}
			list[i] = m
		}
		return settled(kind, list), ""
	default:
		return c.members(kind, v)
	}
}

// shapes are the members of objects and their kinds; the first must be there.
func shapes(kind string) [][2]string {
	switch kind {
	case "ways":
		return [][2]string{{"value", "text"}, {"primary", "bool"}, {"label", "text"}}
	case "participants":
		return [][2]string{{"person_id", persons}, {"primary", "bool"}}
	case "prices":
		return [][2]string{{"price", "number"}, {"currency", "currency"}, {"cost", "number"}, {"direct_cost", "number"}, {"overhead_cost", "number"}, {"notes", "text"}}
	case "amount":
		return [][2]string{{"amount", "number"}, {"currency", "currency"}}
	case "monetary":
		return [][2]string{{"value", "number"}, {"currency", "currency"}}
	case "daterange":
		return [][2]string{{"value", "date"}, {"until", "date"}}
	case "time":
		return [][2]string{{"value", "clock"}, {"timezone_name", "text"}}
	case "timerange":
		return [][2]string{{"value", "clock"}, {"until", "clock"}, {"timezone_name", "text"}}
	default: // address
		out := [][2]string{{"value", "text"}}
		for _, part := range addressParts() {
			out = append(out, [2]string{part, "text"})
		}
		return out
	}
}

func addressParts() []string {
	return []string{
		"country", "admin_area_level_1", "admin_area_level_2", "locality", "sublocality", "route", "street_number", "subpremise",
		"postal_code", "formatted_address",
	}
}

// members checks an object. What is left out becomes null.
func (c *Company) members(kind string, v any) (any, string) {
	given, ok := v.(map[string]any)
	if !ok {
		return nil, "must be an object"
	}
	m := map[string]any{}
	for i, s := range shapes(kind) {
		one, there := given[s[0]]
		delete(given, s[0])
		checked, wrong := c.check(s[1], one)
		if wrong != "" {
			return nil, s[0] + " " + wrong
		}
		if i == 0 && (checked == nil || checked == "") && kind != "prices" {
			return nil, s[0] + " is required"
		}
		if there || kind != "prices" {
			m[s[0]] = checked
		}
	}
	for name := range given {
		return nil, "property " + name + " should not exist"
	}
	if kind == "amount" && m["currency"] == nil {
		return nil, "currency is required"
	}
	if kind == "address" {
		m["formatted_address"] = m["value"]
	}
	return m, ""
}

// asMap is an object of a list that was checked.
func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// settled makes the first way the primary one if none is, and gives it a label.
func settled(kind string, list []any) []any {
	if kind == "prices" {
		return list
	}
	primary := false
	for _, one := range list {
		m := asMap(one)
		if kind == "ways" && m["label"] == nil {
			m["label"] = "work"
		}
		m["primary"] = m["primary"] == true && !primary
		primary = primary || m["primary"] == true
	}
	if !primary && len(list) > 0 {
		asMap(list[0])["primary"] = true
	}
	return list
}

// checkCustom checks the value of a custom field.
func (c *Company) checkCustom(f *customField, v any) (any, string) {
	if v == nil {
		return nil, ""
	}
	switch f.kind {
	case "varchar", "varchar_auto", "text", "phone":
		s, ok := v.(string)
		if !ok {
			return nil, "must be a string"
		}
		if f.kind != "text" && utf8.RuneCountInString(s) > 255 {
			return nil, "must be at most 255 characters long"
		}
		return s, ""
	case "double":
		return checkNumber(v)
	case "enum":
		n, wrong := checkInt(v)
		if wrong == "" && (n < 1 || n > int64(len(f.options))) {
			wrong = "is no option"
		}
		return n, wrong
	case "set":
		list, ok := v.([]any)
		if !ok || len(list) == 0 { // it is cleared with null
			return nil, "must be an array of options that is not empty"
		}
		for i, one := range list {
			n, wrong := checkInt(one)
			if wrong != "" || n < 1 || n > int64(len(f.options)) {
				return nil, "must be options"
			}
			list[i] = n
		}
		return list, ""
	case "org":
		return c.check(organizations, v)
	case "people":
		return c.check(persons, v)
	default: // date, user, monetary, address and the ranges
		return c.check(f.kind, v)
	}
}
