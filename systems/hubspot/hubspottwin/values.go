package hubspottwin

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A problem is one property value that HubSpot refuses; a list of them is in the message
// of the answer.
type problem struct {
	Valid     bool   `json:"isValid"`
	Message   string `json:"message"`
	Code      string `json:"error"`
	Name      string `json:"name"`
	Localized string `json:"localizedErrorMessage"`
	Portal    int    `json:"portalId"`
}

func refuse(name, code, format string, args ...any) *problem {
	text := fmt.Sprintf(format, args...)
	return &problem{Message: text, Code: code, Name: name, Localized: text, Portal: portalID}
}

// accept returns the values as HubSpot stores them and what is wrong with them. was is
// what the record holds now.
func (a *Account) accept(o *object, props, was map[string]string) (map[string]string, []*problem) {
	out := make(map[string]string, len(props))
	var wrong []*problem
	for name, v := range props {
		p := o.props[name]
		switch {
		case p == nil || p.Archived:
			wrong = append(wrong, refuse(name, "PROPERTY_DOESNT_EXIST", "Property %q does not exist", name))
		case p.Modify.ReadOnlyValue:
			wrong = append(wrong, refuse(name, "READ_ONLY_VALUE", "%q is a read only property; its value cannot be set.", name))
		case v == "":
			out[name] = ""
		default:
			value, problem := a.acceptValue(p, v, was[name])
			if problem != nil {
				wrong = append(wrong, problem)
				continue
			}
			out[name] = value
		}
	}
	slices.SortFunc(wrong, func(x, y *problem) int { return strings.Compare(x.Name, y.Name) })
	if stage, ok := out["lifecyclestage"]; ok && len(wrong) == 0 && backwards(o, was["lifecyclestage"], stage) {
		// Accepted, and nothing changes: see
		// https://knowledge.hubspot.com/records/use-lifecycle-stages
		out["lifecyclestage"] = was["lifecyclestage"]
	}
	return out, wrong
}

// maxText is the most characters of a text; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide
const maxText = 65536

func (a *Account) acceptValue(p *property, v, was string) (string, *problem) {
	switch {
	case p.Name == "email":
		return acceptEmail(v)
	case p.Name == "domain":
		return strings.ToLower(strings.TrimSpace(v)), nil
	case p.Referenced == "OWNER":
		if id, ok := parseID(v); !ok || a.owners.get(id) == nil {
			return "", refuse(p.Name, "INVALID_OWNER_ID", "Owner %s does not exist", v)
		}
		return v, nil
	}
	switch p.Type {
	case "string":
		if utf8.RuneCountInString(v) > maxText {
			return "", refuse(p.Name, "PROPERTY_VALUE_TOO_LONG", "The value is longer than %d characters.", maxText)
		}
	case "number":
		if f, err := strconv.ParseFloat(v, 64); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return "", refuse(p.Name, "INVALID_LONG", "%s was not a valid long.", v)
		}
	case "bool":
		if v != "true" && v != "false" {
			return "", refuse(p.Name, "INVALID_OPTION", "%s was not one of the allowed options: [true, false]", v)
		}
	case "enumeration":
		return acceptOption(p, v, was)
	case "date":
		return acceptDate(p, v)
	case "datetime":
		return acceptTime(p, v)
	}
	return v, nil
}

// acceptEmail knows an e-mail address as HubSpot does, roughly: it also refuses domains
// whose last part is no known one, for which .invalid stands here.
func acceptEmail(v string) (string, *problem) {
	mail := strings.ToLower(strings.TrimSpace(v))
	at := strings.LastIndexByte(mail, '@')
	if at <= 0 || strings.ContainsAny(mail, " \t\n,;<>()") || strings.Count(mail, "@") != 1 ||
		!strings.Contains(mail[at:], ".") || strings.HasSuffix(mail, ".") || strings.HasPrefix(mail[at:], "@.") ||
		strings.HasSuffix(mail, ".invalid") {
		return "", refuse("email", "INVALID_EMAIL", "Email address %s is invalid", v)
	}
	return mail, nil
}

// acceptOption takes the value of an option, never its label; several are joined with
// semicolons, and a semicolon in front adds to what is there.
func acceptOption(p *property, v, was string) (string, *problem) {
	if p.External {
		return v, nil
	}
	values := []string{v}
	if p.multiple() {
		rest, adds := strings.CutPrefix(v, ";")
		values = strings.Split(rest, ";")
		if adds && was != "" {
			values = append(strings.Split(was, ";"), values...)
		}
	}
	var kept []string
	for _, x := range values {
		if !p.allowed[x] {
			return "", refuse(p.Name, "INVALID_OPTION", "%s was not one of the allowed options: [%s]", x, optionLabels(p))
		}
		if !slices.Contains(kept, x) {
			kept = append(kept, x)
		}
	}
	return strings.Join(kept, ";"), nil
}

func optionLabels(p *property) string {
	var labels []string
	for _, o := range p.Options {
		labels = append(labels, fmt.Sprintf("label: %s, value: %s", o.Label, o.Value))
	}
	return strings.Join(labels, "; ")
}

// acceptDate takes a day, or the milliseconds of its midnight in UTC.
func acceptDate(p *property, v string) (string, *problem) {
	if t, err := time.Parse(time.DateOnly, v); err == nil {
		return t.Format(time.DateOnly), nil
	}
	if ms, err := strconv.ParseInt(v, 10, 64); err == nil {
		if t := time.UnixMilli(ms).UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
			return t.Format(time.DateOnly), nil
		}
		return "", refuse(p.Name, "INVALID_DATE", "%s is at %s UTC, not midnight!", v, time.UnixMilli(ms).UTC().Format(time.TimeOnly))
	}
	return "", refuse(p.Name, "INVALID_DATE", "%s was not a valid date.", v)
}

// acceptTime takes ISO 8601 or milliseconds, and keeps milliseconds.
func acceptTime(p *property, v string) (string, *problem) {
	if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
		return stamp(t.Truncate(time.Millisecond)), nil
	}
	if ms, err := strconv.ParseInt(v, 10, 64); err == nil {
		return stamp(time.UnixMilli(ms)), nil
	}
	return "", refuse(p.Name, "INVALID_DATE", "%s was not a valid date.", v)
}

// backwards reports whether a lifecycle stage comes before the one that the record has.
func backwards(o *object, was, stage string) bool {
	p := o.props["lifecyclestage"]
	if p == nil {
		return false
	}
	at := func(v string) int { return slices.IndexFunc(p.Options, func(x option) bool { return x.Value == v }) }
	return was != "" && stage != "" && at(stage) < at(was)
}

// A clash is a unique value that another record has.
type clash struct {
	name, value string
	holder      int64
}

// clashes returns the first unique value that another record than self holds.
func (o *object) clashes(props map[string]string, self int64) *clash {
	for name := range o.unique {
		v := props[name]
		if v == "" {
			continue
		}
		if h := o.holder(name, v); h != nil && h.id != self {
			return &clash{name, v, h.id}
		}
	}
	return nil
}

// required says what a new record lacks; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide#create-contacts
func (o *object) required(props map[string]string) *failure {
	set := func(name string) bool { return props[name] != "" }
	if len(o.either) > 0 && !slices.ContainsFunc(o.either, set) {
		return invalid("One of the following properties is required: " + strings.Join(o.either, ", "))
	}
	var lacks []string
	for _, name := range o.needs {
		if !set(name) {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	f := invalid("Error creating " + o.legacy + ". Some required properties were not set.")
	f.Context = map[string]any{"properties": lacks}
	return f
}
