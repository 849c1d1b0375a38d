package brevo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// failure is how Brevo says what is wrong; see
// https://developers.brevo.com/docs/how-it-works
type failure struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Metadata struct {
		Duplicates []string `json:"duplicate_identifiers"`
	} `json:"metadata"`
}

func decodeFailure(body []byte) failure {
	var f failure
	if json.Unmarshal(body, &f) != nil {
		return failure{}
	}
	return f
}

// taken says that unique values are another contact's: which, the write finds out.
type taken struct {
	fields []string // wire names
	said   error
}

// Error returns what Brevo said.
func (t *taken) Error() string { return t.said.Error() }

// classify says what an answer means; nil if the status alone tells.
func classify(r *rest.Response) error {
	if r.Status < 400 || r.Status >= 500 {
		return nil
	}
	f := decodeFailure(r.Body)
	if f.Code == "" && f.Message == "" && r.Status != http.StatusTooManyRequests {
		return nil
	}
	e := &connector.Error{Kind: rest.DefaultKind(r.Status), Err: f.err()}
	switch {
	case len(f.Metadata.Duplicates) > 0: // told by code duplicate_parameter or invalid_parameter
		t := &taken{said: f.err()}
		for _, id := range f.Metadata.Duplicates {
			t.fields = append(t.fields, fieldOfIdentifier(id))
		}
		e.Kind, e.Err, e.Field = connector.Duplicate, t, t.fields[0]
		e.Fix = "another contact has this value: link the two, merge them in Brevo, or change the value"
	case r.Status == http.StatusUnauthorized:
		e.Scope, e.Fix = connector.ScopeConnection, unauthorized(f)
	case r.Status == http.StatusForbidden:
		e.Scope, e.Fix = connector.ScopeObject, "give the app the right to this in Brevo; does the plan have it?"
	case r.Status == http.StatusPaymentRequired:
		e.Scope, e.Fix = connector.ScopeConnection, "the account has no credits left, or its plan does not have this"
	case r.Status == http.StatusTooManyRequests:
		e.Scope, e.Limit, e.Wait = connector.ScopeConnection, limitOf(r.Method, r.Path), resets(r.Header)
	case f.Code == "duplicate_parameter":
		e.Kind = connector.Duplicate
	}
	return e
}

// unauthorized tells a key that is wrong from an address that is not allowed.
func unauthorized(f failure) string {
	if strings.Contains(strings.ToLower(f.Message), "ip address") {
		return "add this machine's IP address to those that are authorised: Brevo, Settings, Security, Authorised IPs"
	}
	return "the API key is not valid, or no more: make a new one in Brevo and put it into api_key"
}

// fieldOfIdentifier returns the field that an identifier is the value of; Brevo writes
// identifiers in several ways.
func fieldOfIdentifier(id string) string {
	switch name := strings.TrimSuffix(strings.ToUpper(id), "_ID"); name {
	case "EMAIL":
		return fieldEmail
	case "EXT":
		return fieldExtID
	case "PHONE":
		return fieldSMS
	default:
		return name
	}
}

// takenFields returns the fields whose values are another contact's; nil if that is not
// what the error is about.
func takenFields(err error) []string {
	if t, ok := errors.AsType[*taken](err); ok {
		return slices.Clone(t.fields)
	}
	return nil
}

func (f failure) err() error {
	const most = 240
	text := strings.Join(strings.Fields(strings.ToValidUTF8(f.Message, "")), " ")
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + " …"
	}
	if text == "" {
		text = "Brevo gave no reason"
	}
	if f.Code != "" {
		text += " (" + f.Code + ")"
	}
	return errors.New(text)
}

func invalid(field, why, fix string) *connector.Error {
	return &connector.Error{Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: field, Fix: fix, Err: errors.New(why)}
}

func unsupported(format string, args ...any) *connector.Error {
	return &connector.Error{Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: fmt.Errorf(format, args...)}
}

func notFound(object, id string) *connector.Error {
	return &connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: fmt.Errorf("%s %s is not there", object, id)}
}

// refuse names a field that is not written, and why (R29).
func refuse(field, why string) connector.Refusal { return connector.Refusal{Field: field, Why: why} }
