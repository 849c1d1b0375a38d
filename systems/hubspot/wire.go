package hubspot

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

// Names of properties with a meaning of their own.
const (
	propEmail      = "email"
	propMoreEmails = "hs_additional_emails"
	propCompany    = "associatedcompanyid"
	propKey        = "tandem_key"
	propMerged     = "hs_merged_object_ids"
	propID         = "hs_object_id"
	propStage      = "lifecyclestage"
	propDuration   = "hs_call_duration"
	propChance     = "hs_deal_stage_probability"
	propTime       = "hs_timestamp"
	propStart      = "hs_meeting_start_time"
)

// accountInfo is the account; portalName is new in 2027-03-beta. See
// https://developers.hubspot.com/docs/api-reference/latest/account/account-information/get-account-details
type accountInfo struct {
	PortalID            int64  `json:"portalId"`
	PortalName          string `json:"portalName"`
	AccountType         string `json:"accountType"`
	TimeZone            string `json:"timeZone"`
	CompanyCurrency     string `json:"companyCurrency"`
	UIDomain            string `json:"uiDomain"`
	DataHostingLocation string `json:"dataHostingLocation"`
}

// row is a record; every value is a text, null if there is none. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide
type row struct {
	ID         string             `json:"id"`
	Properties map[string]*string `json:"properties"`
	CreatedAt  instant            `json:"createdAt"`
	UpdatedAt  instant            `json:"updatedAt"`
	ArchivedAt instant            `json:"archivedAt"`
	Archived   bool               `json:"archived"`
	Trace      string             `json:"objectWriteTraceId"`
}

// text returns a property, "" if it is not set.
func (r row) text(name string) string {
	if v := r.Properties[name]; v != nil {
		return *v
	}
	return ""
}

// stamp returns when the record changed last, as the search filters by it.
func (r row) stamp(object string) time.Time {
	if t, ok := parseTime(r.text(stampOf(object))); ok {
		return t
	}
	return time.Time(r.UpdatedAt)
}

// mergedIDs returns the ids of the records that were merged into this one.
func (r row) mergedIDs() []string {
	var ids []string
	for id := range strings.SplitSeq(r.text(propMerged), ";") {
		if id = strings.TrimSpace(id); id != "" && id != r.ID {
			ids = append(ids, id)
		}
	}
	return ids
}

// page is a page of a list or of a search.
type page struct {
	Results []row   `json:"results"`
	Paging  *paging `json:"paging"`

	full []row // of a search: the rows with all that was asked for
}

type paging struct {
	Next *struct {
		After string `json:"after"`
	} `json:"next"`
}

// after returns where the next page begins, "" if this is the last.
func (p *paging) after() string {
	if p == nil || p.Next == nil {
		return ""
	}
	return p.Next.After
}

// batch is the answer to a batch; with status 207 some rows failed.
type batch struct {
	Results []row     `json:"results"`
	Errors  []failure `json:"errors"`
}

// owner is a user who can own records; see
// https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide
type owner struct {
	ID        string  `json:"id"`
	Email     string  `json:"email"`
	FirstName string  `json:"firstName"`
	LastName  string  `json:"lastName"`
	Type      string  `json:"type"`
	UserID    *int64  `json:"userId"`
	CreatedAt instant `json:"createdAt"`
	UpdatedAt instant `json:"updatedAt"`
	Archived  bool    `json:"archived"`
}

type ownerPage struct {
	Results []owner `json:"results"`
	Paging  *paging `json:"paging"`
}

type option struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Order  int    `json:"displayOrder"`
	Hidden bool   `json:"hidden"`
}

type modify struct {
	ReadOnlyValue bool `json:"readOnlyValue"`
}

// Requests.
type (
	idInput struct {
		ID string `json:"id"`
	}
	readInput struct {
		Inputs     []idInput `json:"inputs"`
		Properties []string  `json:"properties"`
		IDProperty string    `json:"idProperty,omitempty"`
	}
	writeInput struct {
		ID           string            `json:"id,omitempty"`
		Properties   map[string]string `json:"properties"`
		Associations []association     `json:"associations,omitempty"`
		Trace        string            `json:"objectWriteTraceId,omitempty"`
	}
	inputs[T any] struct {
		Inputs []T `json:"inputs"`
	}
	searchInput struct {
		Groups     []filterGroup `json:"filterGroups"`
		Sorts      []sortBy      `json:"sorts"`
		Properties []string      `json:"properties"`
		Limit      int           `json:"limit"`
		After      string        `json:"after,omitempty"`
	}
	filterGroup struct {
		Filters []filter `json:"filters"`
	}
	filter struct {
		Property string   `json:"propertyName"`
		Operator string   `json:"operator"`
		Value    string   `json:"value,omitempty"`
		Values   []string `json:"values,omitempty"`
	}
	sortBy struct {
		Property  string `json:"propertyName"`
		Direction string `json:"direction"`
	}
)

// An instant is a time as HubSpot writes it; one that cannot be read is zero, not a reason
// to lose the page.
type instant time.Time

// UnmarshalJSON reads a time.
func (i *instant) UnmarshalJSON(b []byte) error {
	t, _ := parseTime(strings.Trim(string(b), `"`))
	*i = instant(t)
	return nil
}

// parseTime reads ISO 8601, or milliseconds.
func parseTime(s string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), true
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), true
	}
	return time.Time{}, false
}

// decodeValue makes a value of what HubSpot holds. What is not of the field's kind is kept
// as it is, so that it is seen.
func decodeValue(f record.Field, text string) record.Value {
	if text == "" {
		return record.Value{}
	}
	switch f.Kind {
	case record.KindNumber, record.KindMoney:
		switch f.Name {
		case propDuration:
			text = seconds(text)
		case propChance:
			text = moved(text, 2)
		}
		if v, ok := record.Number(text); ok {
			return v
		}
	case record.KindDate:
		if _, err := time.Parse(time.DateOnly, text); err == nil {
			return record.Text(text)
		}
		if t, ok := parseTime(text); ok { // milliseconds of midnight in UTC
			return record.Date(t.Year(), t.Month(), t.Day())
		}
	case record.KindDateTime:
		if t, ok := parseTime(text); ok {
			return record.Time(t)
		}
	case record.KindChoices:
		var values []string
		for v := range strings.SplitSeq(text, ";") {
			if v != "" {
				values = append(values, v)
			}
		}
		return record.Texts(values...)
	}
	return record.Text(text)
}

// encodeValue makes the text that HubSpot takes; "" clears. It reports false if the value
// has no such form.
func encodeValue(f record.Field, v record.Value) (string, bool) {
	switch {
	case v.IsEmpty():
		return "", true
	case v.IsList():
		if f.Kind != record.KindChoices {
			return "", false
		}
		values := make([]string, 0, len(v.Items()))
		for _, item := range v.Items() {
			values = append(values, item.Text())
		}
		return strings.Join(values, ";"), true
	case v.Fields() != nil:
		return "", false
	case f.Name == propDuration:
		return milliseconds(v.Text()), true
	case f.Name == propChance:
		return moved(v.Text(), -2), true
	case f.Kind == record.KindDateTime:
		if t := v.Time(); !t.IsZero() {
			return t.Format("2006-01-02T15:04:05.000Z"), true // it keeps milliseconds
		}
	}
	return v.Text(), true
}

// moved moves the point of a number to the right, exactly: HubSpot counts a probability from 0
// to 1, everybody else in percent. What is no number stays.
func moved(text string, places int) string {
	n, ok := record.Number(text)
	if !ok {
		return text
	}
	rest, minus := strings.CutPrefix(n.Text(), "-")
	whole, part, _ := strings.Cut(rest, ".")
	if digits(whole) != whole || digits(part) != part {
		return text
	}
	pad := strings.Repeat("0", max(places, -places)+1)
	whole, part = pad+whole, part+pad
	at := len(whole) + places
	all := whole + part
	out, ok := record.Number(sign(minus) + all[:at] + "." + all[at:])
	if !ok {
		return text
	}
	return out.Text()
}

// seconds makes seconds of HubSpot's milliseconds, the unit of no other field.
func seconds(text string) string {
	n, minus := strings.CutPrefix(text, "-")
	if n == "" || digits(n) != n {
		return text
	}
	n = strings.Repeat("0", max(0, 4-len(n))) + n
	return sign(minus) + n[:len(n)-3] + "." + n[len(n)-3:]
}

// milliseconds makes whole milliseconds of seconds.
func milliseconds(text string) string {
	n, minus := strings.CutPrefix(text, "-")
	whole, part, _ := strings.Cut(n, ".")
	if n == "" || digits(whole) != whole || digits(part) != part {
		return text
	}
	ms := strings.TrimLeft(whole+(part + "000")[:3], "0")
	if ms == "" {
		return "0"
	}
	return sign(minus) + ms
}

func sign(minus bool) string {
	if minus {
		return "-"
	}
	return ""
}

// record makes a record of a row: the properties that are known and in the answer. One
// that is not in the answer is absent, not empty (R11).
func (d *definitions) record(r row) record.Record {
	out := record.Record{
		Ref:      record.Ref{Object: d.object, ID: r.ID},
		Created:  time.Time(r.CreatedAt),
		Modified: time.Time(r.UpdatedAt),
		Fields:   make(record.Fields, len(r.Properties)),
	}
	if !out.Modified.IsZero() {
		out.Version = out.Modified.Format(time.RFC3339Nano)
	}
	for name, text := range r.Properties {
		f, ok := d.fields[name]
		if !ok || d.isLink(name) {
			continue
		}
		if text == nil {
			out.Fields[name] = record.Value{}
			continue
		}
		out.Fields[name] = decodeValue(f, *text)
	}
	return out
}

// record makes a record of an owner.
func (o owner) record() record.Record {
	r := record.Record{
		Ref:      record.Ref{Object: owners, ID: o.ID},
		Created:  time.Time(o.CreatedAt),
		Modified: time.Time(o.UpdatedAt),
		Fields: record.Fields{
			"email": record.Text(o.Email), "firstName": record.Text(o.FirstName), "lastName": record.Text(o.LastName),
			"type": record.Text(o.Type), "userId": {},
		},
	}
	if !r.Modified.IsZero() {
		r.Version = r.Modified.Format(time.RFC3339Nano)
	}
	if o.UserID != nil {
		r.Fields["userId"] = record.Int(*o.UserID)
	}
	return r
}

// flexID is an id that older answers write as a number.
type flexID string

// UnmarshalJSON reads either form.
func (f *flexID) UnmarshalJSON(b []byte) error {
	var n json.Number
	if err := json.Unmarshal(b, &n); err == nil { // it takes quotes, too
		*f = flexID(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(f))
}

// flexText is a text, or what other versions write as a number or a boolean.
type flexText string

// UnmarshalJSON reads any scalar; what is none is "".
func (f *flexText) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*string)(f)) != nil && len(b) > 0 && b[0] != '{' && b[0] != '[' {
		*f = flexText(b)
	}
	return nil
}

func refs(object string, id string) []record.Ref { return []record.Ref{{Object: object, ID: id}} }

func tombstone(object, id string, fate connector.Fate) connector.Change {
	return connector.Change{Record: record.Record{Ref: record.Ref{Object: object, ID: id}}, Fate: fate}
}
