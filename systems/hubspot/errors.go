package hubspot

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// failure is how HubSpot says what is wrong, of a call or of one row of a batch. Nothing
// of it is certain to be there; see
// https://developers.hubspot.com/docs/api-reference/latest/error-handling
type failure struct {
	Message   string    `json:"message"`
	Category  string    `json:"category"`
	ErrorType string    `json:"errorType"`
	Policy    string    `json:"policyName"`
	Errors    []detail  `json:"errors"`
	Context   situation `json:"context"`
	ID        string    `json:"id"`
}

type detail struct {
	Message string    `json:"message"`
	Code    string    `json:"code"`
	In      string    `json:"in"`
	Context situation `json:"context"`
}

// situation is what an error is about, by name. Values are lists, single texts or, in some
// answers, all one text; what is none of that is left out.
type situation map[string][]string

// UnmarshalJSON never fails: an error without its context is still an error.
func (s *situation) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if json.Unmarshal(b, &raw) != nil {
		return nil //nolint:nilerr // see above
	}
	*s = make(situation, len(raw))
	for name, v := range raw {
		var many []flexID
		var one flexID
		switch {
		case json.Unmarshal(v, &many) == nil:
			for _, x := range many {
				(*s)[name] = append((*s)[name], string(x))
			}
		case json.Unmarshal(v, &one) == nil:
			(*s)[name] = []string{string(one)}
		}
	}
	return nil
}

// decodeFailure reads an error's body; a web page, as the gateway sends, has nothing in it.
func decodeFailure(body []byte) failure {
	var f failure
	if json.Unmarshal(body, &f) == nil {
		return f
	}
	var loose struct {
		Message  string `json:"message"`
		Category string `json:"category"`
	}
	if json.Unmarshal(body, &loose) == nil {
		return failure{Message: loose.Message, Category: loose.Category}
	}
	return failure{}
}

// A problem is one property value that HubSpot refuses.
type problem struct {
	Name    string `json:"name"`
	Code    string `json:"error"`
	Message string `json:"message"`
}

// problems returns the refused values. They stand as JSON in the message, in newer
// answers also in errors.
func (f failure) problems() []problem {
	var out []problem
	if _, text, ok := strings.Cut(f.Message, "Property values were not valid: "); ok {
		if json.NewDecoder(strings.NewReader(text)).Decode(&out) == nil {
			return slices.DeleteFunc(out, func(p problem) bool { return p.Name == "" && p.Message == "" })
		}
		out = nil
	}
	for _, d := range f.Errors {
		name := d.In
		for _, key := range []string{"propertyName", "properties"} {
			if names := d.Context[key]; len(names) > 0 {
				name = names[0]
			}
		}
		if name != "" {
			out = append(out, problem{Name: name, Code: d.Code, Message: d.Message})
		}
	}
	return out
}

// classify says what an answer means.
func (c *conn) classify(r *rest.Response) error {
	if r.Status < 400 || r.Status >= 500 {
		return nil // what a 5xx means the status says; its body is often a web page
	}
	f := decodeFailure(r.Body)
	e := f.meaning(r.Status, objectIn(r.Path))
	if e == nil {
		return nil
	}
	if e.Limit == limitDaily {
		e.Wait = c.untilMidnight()
	}
	return e
}

// objectIn returns the object that a path is about, "" if none.
func objectIn(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		if _, ok := kindOf(part); ok || part == owners {
			return part
		}
	}
	return ""
}

// untilMidnight is when the daily limit is full again: at midnight of the account's time,
// here a minute later, because nobody knows whose clock counts.
func (c *conn) untilMidnight() time.Duration {
	c.mu.Lock()
	zone := c.zone
	c.mu.Unlock()
	if zone == nil {
		zone = time.UTC
	}
	now := c.vendorNow().In(zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 1, 0, 0, zone)
	return midnight.Sub(now)
}

// Statuses that net/http has no name for.
const statusMigrating = 477 // the account is being moved to another data centre

// meaning says what a failure is to the hub; nil if nothing is known beyond the status.
func (f failure) meaning(status int, object string) *connector.Error {
	if e := f.duplicate(object); e != nil {
		return e
	}
	switch status {
	case http.StatusUnauthorized:
		return &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Err: f.err(),
			Fix: "the access token is not valid, or no more: make a new one in HubSpot and put it into access_token",
		}
	case http.StatusForbidden:
		return f.forbidden()
	case http.StatusNotFound:
		return &connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: f.err()}
	case http.StatusConflict:
		return &connector.Error{Kind: connector.Duplicate, Scope: connector.ScopeRecord, Err: f.err()}
	case http.StatusRequestURITooLong:
		return &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeRecord, Err: f.err(),
			Fix: "a record can take at most 250 merges; an address that is too long needs fewer fields",
		}
	case http.StatusLocked: // many writes to one record at a time
		return &connector.Error{Kind: connector.Unavailable, Scope: connector.ScopeRecord, Wait: 2 * time.Second, Err: f.err()}
	case statusMigrating:
		return &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: f.err(),
			Fix: "HubSpot is moving the account to another data centre; it will be back within a day",
		}
	case http.StatusTooManyRequests:
		return f.tooMany()
	}
	if status == http.StatusBadRequest || f.Category == "VALIDATION_ERROR" {
		return f.invalid()
	}
	return nil
}

// status returns the status that a row of a batch would have had alone.
func (f failure) status() int {
	switch f.Category {
	case "CONFLICT":
		return http.StatusConflict
	case "OBJECT_NOT_FOUND":
		return http.StatusNotFound
	case "MISSING_SCOPES":
		return http.StatusForbidden
	case "RATE_LIMITS", "RATE_LIMIT":
		return http.StatusTooManyRequests
	default:
		return http.StatusBadRequest
	}
}

// duplicate knows the answers that name the record which has a unique value: "Contact
// already exists. Existing ID: 512", and "Cannot set PropertyValueCoordinates{…
// propertyName=x, value=y} on 12. 10 already has that value."
func (f failure) duplicate(object string) *connector.Error {
	e := &connector.Error{
		Kind: connector.Duplicate, Scope: connector.ScopeRecord, Err: f.err(),
		Fix: "another record has this value: link the two, merge them in HubSpot, or change the value",
	}
	id := ""
	if before, _, ok := strings.Cut(f.Message, " already has that value"); ok {
		id = digits(before[strings.LastIndexByte(before, ' ')+1:])
		if _, name, ok := strings.Cut(before, "propertyName="); ok {
			e.Field, _, _ = strings.Cut(name, ",")
		}
	} else if _, after, ok := strings.Cut(f.Message, "Existing ID: "); ok {
		id = digits(after)
	}
	if ids := f.Context["existingId"]; id == "" && len(ids) > 0 {
		id = digits(ids[0])
	}
	if id == "" {
		return nil
	}
	e.Existing = record.Ref{Object: object, ID: id}
	if e.Field == "" && object == contacts {
		e.Field = propEmail // the only value of a contact that such a message is about
	}
	return e
}

// digits returns the digits that s begins with.
func digits(s string) string {
	n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if n < 0 {
		return s
	}
	return s[:n]
}

// forbidden names the scopes that the token lacks; any one of them is enough.
func (f failure) forbidden() *connector.Error {
	e := &connector.Error{
		Kind: connector.Forbidden, Scope: connector.ScopeObject, Err: f.err(),
		Fix: "give the token the right to this in HubSpot, or leave the object out",
	}
	var scopes []string
	for _, d := range append([]detail{{Context: f.Context}}, f.Errors...) {
		for _, key := range []string{"requiredGranularScopes", "missingScopes", "requiredScopes"} {
			for _, s := range d.Context[key] {
				if !slices.Contains(scopes, s) {
					scopes = append(scopes, s)
				}
			}
		}
	}
	if len(scopes) > 0 {
		e.Fix = "add the scope " + strings.Join(scopes, " or ") + " to the service key or app in HubSpot"
	}
	return e
}

// tooMany names the limit that was hit. No answer says how long to wait.
func (f failure) tooMany() *connector.Error {
	e := &connector.Error{Kind: connector.RateLimited, Scope: connector.ScopeConnection, Err: f.err()}
	message := strings.ToLower(f.Message)
	switch {
	case f.Policy == "DAILY" || strings.Contains(message, "daily"):
		e.Limit, e.Wait = limitDaily, time.Hour
		e.Fix = "all calls of the day are spent; they are counted for all apps of the account"
	case strings.Contains(message, "ten_secondly") || strings.HasPrefix(f.Policy, "TEN_SECONDLY"):
		e.Limit, e.Wait = limitBurst, burstWindow
	case f.Policy == "SECONDLY" || strings.Contains(message, "secondly"):
		e.Limit, e.Wait = limitSearch, time.Second
	default:
		e.Limit, e.Wait = limitBurst, burstWindow
	}
	return e
}

// invalid names the property that HubSpot refuses, and what to do.
func (f failure) invalid() *connector.Error {
	e := &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: f.err()}
	problems := f.problems()
	if len(problems) == 0 {
		if strings.Contains(f.Message, "valid association type") {
			e.Fix = "the label is not in HubSpot any more: tandem check reads anew which there are"
		}
		return e
	}
	e.Field = problems[0].Name
	e.Fix = remedy(problems[0].Code)
	var texts []string
	for _, p := range problems {
		texts = append(texts, fmt.Sprintf("%s: %s (%s)", p.Name, short(p.Message), p.Code))
	}
	e.Err = errors.New("HubSpot refuses " + strings.Join(texts, "; "))
	return e
}

// remedy says in plain words what a person can do about a refused value.
func remedy(code string) string {
	switch code {
	case "INVALID_EMAIL":
		return "correct the e-mail address"
	case "INVALID_OPTION":
		return "HubSpot has no such option: add it to the property, or map the value to one that is there"
	case "PROPERTY_DOESNT_EXIST":
		return "the property is not in HubSpot: make it there or with check --create-fields"
	case "READ_ONLY_VALUE":
		return "HubSpot computes this property itself: map it one way only, from HubSpot"
	case "INVALID_LONG", "INVALID_INTEGER", "INVALID_NUMBER", "INVALID_FLOAT":
		return "the property takes numbers only"
	case "INVALID_DATE":
		return "the property takes dates only"
	case "INVALID_OWNER_ID":
		return "the owner is not, or no more, a user of the HubSpot account"
	default:
		return "correct the value; HubSpot's property settings may have a rule for it"
	}
}

// err is what HubSpot said, in short, for the log.
func (f failure) err() error {
	text := short(f.Message)
	if text == "" {
		text = "HubSpot gave no reason"
	}
	if f.Category != "" {
		text += " (" + f.Category + ")"
	}
	return errors.New(text)
}

// short keeps an error readable: lists of allowed options can be long.
func short(s string) string {
	const most = 240
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + " …"
}
