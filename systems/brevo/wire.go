package brevo

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// contact is a contact as lists and single reads show it; see
// https://developers.brevo.com/reference/get-contacts
type contact struct {
	ID           int64          `json:"id"`
	Email        string         `json:"email"`
	MailNo       bool           `json:"emailBlacklisted"`
	SMSNo        bool           `json:"smsBlacklisted"`
	Lists        []int64        `json:"listIds"`
	Unsubscribed []int64        `json:"listUnsubscribed"`
	Attributes   map[string]any `json:"attributes"`
	Created      instant        `json:"createdAt"`
	Modified     instant        `json:"modifiedAt"`
}

type contactPage struct {
	Contacts []contact `json:"contacts"`
	Count    int       `json:"count"`
}

// contactInput is a contact to create or change; ID only in a batch.
type contactInput struct {
	ID         int64          `json:"id,omitempty"`
	Email      string         `json:"email,omitempty"`
	ExtID      *string        `json:"ext_id,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
	MailNo     *bool          `json:"emailBlacklisted,omitempty"`
	SMSNo      *bool          `json:"smsBlacklisted,omitempty"`
	Lists      []int64        `json:"listIds,omitempty"`
	Unlink     []int64        `json:"unlinkListIds,omitempty"`
}

func (in contactInput) empty() bool {
	return in.Email == "" && in.ExtID == nil && len(in.Attributes) == 0 && in.MailNo == nil && in.SMSNo == nil &&
		len(in.Lists) == 0 && len(in.Unlink) == 0
}

// An instant is a time as Brevo writes it; one that cannot be read is zero.
type instant time.Time

// UnmarshalJSON reads a time.
func (i *instant) UnmarshalJSON(b []byte) error {
	*i = instant(parseTime(strings.Trim(string(b), `"`)))
	return nil
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// flexText is a text, or what other answers write as a number or a boolean.
type flexText string

// UnmarshalJSON reads any scalar; what is none is "".
func (f *flexText) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*string)(f)) != nil && len(b) > 0 && b[0] != '{' && b[0] != '[' {
		*f = flexText(b)
	}
	return nil
}

// stamped is the time that Brevo takes in queries.
func stamped(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// consent reads a blocklisting. Not to be on the list says nothing (R32).
func consent(no bool) record.Value {
	if no {
		return record.Text(record.Denied)
	}
	return record.Value{}
}

func listRefs(ids []int64) record.Value {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return record.Texts(texts...)
}

// record makes a record of a contact. An attribute that is not in the answer is empty.
func (s *shape) record(x contact) record.Record {
	r := record.Record{
		Ref:     record.Ref{Object: contacts, ID: strconv.FormatInt(x.ID, 10)},
		Created: time.Time(x.Created), Modified: time.Time(x.Modified),
		Fields: make(record.Fields, len(s.names)),
	}
	if !r.Modified.IsZero() {
		r.Version = r.Modified.Format(time.RFC3339Nano)
	}
	for _, name := range s.names {
		switch name {
		case fieldEmail:
			r.Fields[name] = record.Text(x.Email)
		case fieldMailNo:
			r.Fields[name] = consent(x.MailNo)
		case fieldSMSNo:
			r.Fields[name] = consent(x.SMSNo)
		case fieldLists:
			r.Fields[name] = listRefs(x.Lists)
		case fieldUnsubscribed:
			r.Fields[name] = listRefs(x.Unsubscribed)
		default:
			r.Fields[name] = decodeValue(s.fields[name], x.Attributes[name])
		}
	}
	return r
}

func (s *shape) change(x contact) connector.Change { return connector.Change{Record: s.record(x)} }

// decodeValue makes a value of what Brevo holds. What is not of the field's kind is kept as
// it is, so that it is seen.
func decodeValue(f record.Field, v any) record.Value {
	if list, ok := v.([]any); ok {
		texts := make([]string, 0, len(list))
		for _, item := range list {
			texts = append(texts, choiceOf(f, scalar(item)))
		}
		return record.Texts(texts...)
	}
	text := scalar(v)
	if text == "" {
		return record.Value{}
	}
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		if n, ok := record.Number(text); ok {
			return n
		}
	case record.KindDate:
		if t := parseTime(text); !t.IsZero() {
			return record.Date(t.Date())
		}
	case record.KindDateTime:
		if t := parseTime(text); !t.IsZero() {
			return record.Time(t)
		}
	case record.KindPhone:
		if digits := strings.TrimPrefix(text, "+"); digits == onlyDigits(digits) {
			return record.Text("+" + digits) // Brevo keeps numbers with their country code
		}
	case record.KindChoice:
		return record.Text(choiceOf(f, text))
	case record.KindChoices:
		return record.Texts(choiceOf(f, text))
	}
	return record.Text(text)
}

// choiceOf returns the value of a choice that is shown by its value or its label.
func choiceOf(f record.Field, text string) string {
	for _, c := range f.Choices {
		if c.Value == text {
			return text
		}
	}
	for _, c := range f.Choices {
		if c.Label == text {
			return c.Value
		}
	}
	return text
}

// scalar returns a JSON value as text; "" for null and for what is none.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return ""
	}
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// encodeValue makes what Brevo takes for a field. What it would ignore without a word,
// because it is not of the attribute's type, is an error that says why.
func encodeValue(f record.Field, v record.Value) (any, error) {
	text := v.Text()
	switch {
	case v.IsEmpty() && f.Kind == record.KindChoices:
		return []string{}, nil
	case v.IsEmpty():
		return "", nil
	case f.Kind == record.KindChoices:
		return encodeChoices(f, v)
	case v.IsList() || v.Fields() != nil:
		return nil, errors.New("the attribute takes one value, not a list")
	}
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		if n, ok := record.Number(text); ok {
			return json.Number(n.Text()), nil
		}
		return nil, fmt.Errorf("the attribute takes numbers only, and %.40q is none: Brevo would ignore it", text)
	case record.KindBool:
		if text == "true" || text == "false" {
			return text == "true", nil
		}
		return nil, fmt.Errorf("the attribute takes true or false, and %.40q is neither: Brevo would ignore it", text)
	case record.KindDate:
		if _, err := time.Parse(time.DateOnly, text); err == nil {
			return text, nil
		}
		return nil, fmt.Errorf("the attribute takes dates only, and %.40q is none: Brevo would ignore it", text)
	case record.KindPhone:
		return encodePhone(text)
	case record.KindChoice:
		if !offered(f, text) {
			return nil, fmt.Errorf("the attribute does not offer %.40q: Brevo would ignore it", text)
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
			return n, nil // values of a category are numbers
		}
	}
	return text, nil
}

func encodeChoices(f record.Field, v record.Value) (any, error) {
	var texts []string
	for _, item := range v.Items() {
		if !offered(f, item.Text()) {
			return nil, fmt.Errorf("the attribute does not offer %.40q: Brevo would ignore it", item.Text())
		}
		texts = append(texts, item.Text())
	}
	return texts, nil
}

func offered(f record.Field, value string) bool {
	return f.Open || slices.ContainsFunc(f.Choices, func(c record.Choice) bool { return c.Value == value })
}

// encodePhone makes a number with its country code; see
// https://developers.brevo.com/reference/create-contact
func encodePhone(text string) (any, error) {
	number := onlyDigits(text)
	abroad := strings.HasPrefix(strings.TrimSpace(text), "+")
	if rest, ok := strings.CutPrefix(number, "00"); ok && !abroad {
		number, abroad = rest, true
	}
	if !abroad || len(number) < 6 || len(number) > 15 || number[0] == '0' {
		return nil, fmt.Errorf("a telephone number needs its country code here, and %.40q has none", text)
	}
	return "+" + number, nil
}
