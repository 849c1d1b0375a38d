package pipedrive

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

// failure is how Pipedrive says what is wrong. Nothing of it is certain to be there; see
// https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes
type failure struct {
	Error   string          `json:"error"`
	Info    string          `json:"error_info"`
	Message string          `json:"message"`
	Code    flexText        `json:"code"`
	Errors  json.RawMessage `json:"errors"` // of webhooks: lists of texts by field
}

// text is what Pipedrive said, in short.
func (f failure) text() string {
	var parts []string
	for _, s := range []string{f.Error, f.Message, f.Info, string(f.Errors)} {
		if s != "" && s != "null" {
			parts = append(parts, s)
		}
	}
	text := strings.Join(parts, ": ")
	if text == "" {
		text = "Pipedrive gave no reason"
	}
	if f.Code != "" {
		text += " (" + string(f.Code) + ")"
	}
	return short(text)
}

func short(s string) string {
	const most = 240
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + " …"
}

// blocked is how long a block by the gateway is waited out. Pipedrive does not say how long
// it lasts.
const blocked = 10 * time.Minute

// classify says what an answer means.
func (c *conn) classify(r *rest.Response) error {
	if r.Status < 400 || r.Status >= 500 {
		return nil // what a 5xx means the status says
	}
	var f failure
	isJSON := json.Unmarshal(r.Body, &f) == nil
	said := errors.New(f.text())
	switch r.Status {
	case http.StatusUnauthorized:
		return &connector.Error{
			Kind: connector.Unauthorized, Scope: connector.ScopeConnection, Err: said,
			Fix: "the API token is not valid, or no more: copy it anew from Pipedrive's personal preferences; an OAuth app has to be granted access again",
		}
	case http.StatusPaymentRequired:
		return &connector.Error{
			Kind: connector.Forbidden, Scope: connector.ScopeConnection, Err: said,
			Fix: "Pipedrive's account is not open: look at its billing",
		}
	case http.StatusForbidden:
		if !isJSON {
			return gateway()
		}
		return f.forbidden(r.Method, said)
	case http.StatusNotFound, http.StatusGone:
		return f.absent(r, isJSON, said)
	case http.StatusUnsupportedMediaType:
		return &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: said,
			Fix: "Pipedrive says so of a feature that is not switched on: switch it on in Pipedrive, or do without this object",
		}
	case http.StatusTooManyRequests:
		return c.tooMany(r.Header, said)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return &connector.Error{
			Kind: connector.Invalid, Scope: connector.ScopeRecord, Field: fieldIn(f.Error + " " + f.Info), Err: said,
			Fix: "correct the value, or look whether the field is still in Pipedrive",
		}
	}
	return nil
}

// gateway is the meaning of a web page with status 403: who goes on in spite of 429 is
// shut out by what stands before Pipedrive.
func gateway() error {
	return &connector.Error{
		Kind: connector.RateLimited, Scope: connector.ScopeConnection, Wait: blocked,
		Fix: "the gateway before Pipedrive has shut this address out for a while; is another program calling too often?",
		Err: errors.New("the gateway answers with a web page"),
	}
}

// absent tells a record that is not there from a call that is not: with a part of version 1
// that is taken out of service, or with a wrong address, no record has gone (R21). 410 means
// an old call, but of call logs and files it is documented for the record.
func (f failure) absent(r *rest.Response, isJSON bool, said error) error {
	ofRecord := strings.Contains(r.Path, "/"+callLogs+"/") || strings.Contains(r.Path, "/files/")
	switch {
	case !isJSON:
		return &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Fix: "is the address right?",
			Err: errors.New("what answers is not Pipedrive's API"),
		}
	case strings.HasPrefix(f.Error, "Unknown method"), r.Status == http.StatusGone && !ofRecord:
		return &connector.Error{
			Kind: connector.Unsupported, Scope: connector.ScopeObject, Err: said,
			Fix: "Pipedrive no longer has this call: look for a newer Tandem",
		}
	}
	return &connector.Error{Kind: connector.NotFound, Scope: connector.ScopeRecord, Err: said}
}

// forbidden tells a right that is missing from a limit of the plan. Who may change some
// records and not others is told so by the record.
func (f failure) forbidden(method string, said error) error {
	e := &connector.Error{
		Kind: connector.Forbidden, Scope: connector.ScopeObject, Err: said,
		Fix: "give the user, or the OAuth app, the right to this in Pipedrive",
	}
	if method == http.MethodPatch || method == http.MethodPut || method == http.MethodDelete {
		e.Scope = connector.ScopeRecord
	}
	switch {
	case strings.HasPrefix(string(f.Code), "feature_capping"):
		e.Scope, e.Fix = connector.ScopeObject, "the plan's limit is reached: delete records in Pipedrive, or take a larger plan"
	case strings.Contains(f.Error, "Scope and URL mismatch"):
		e.Scope, e.Fix = connector.ScopeObject, "add the scope to the app in Pipedrive's Developer Hub and grant it access again, or use the API token of an administrator"
	}
	return e
}

// dearest is the most tokens that one call costs.
const dearest = 40

// longestPatience is how long calls rest at most where nothing tells which limit was hit.
const longestPatience = time.Hour

// tooMany tells the burst from the day. A day's tokens are also spent when there are fewer
// left than the call costs; then the burst has room. Where no header says either, which
// happens, calls rest longer each time: who goes on is shut out.
func (c *conn) tooMany(h http.Header, said error) error {
	e := &connector.Error{Kind: connector.RateLimited, Scope: connector.ScopeConnection, Limit: limitBurst, Wait: resetIn(h), Err: said}
	room, noRoom := strconv.Atoi(h.Get(headerLeft))
	left, noLeft := strconv.Atoi(h.Get(headerDailyLeft))
	inBurst := noRoom == nil && room <= 0
	switch {
	case noLeft == nil && (left <= 0 || left < dearest && !inBurst), noLeft != nil && noRoom == nil && !inBurst:
		e.Limit, e.Wait = limitDaily, c.untilRenewed()
		e.Fix = "the company's tokens of the day are spent; they are counted for all its apps"
	case noLeft != nil && noRoom != nil:
		if n := c.refusals.Add(1); n > 1 {
			e.Wait = min(time.Minute<<min(n-2, 10), longestPatience)
		}
	}
	return e
}

// fieldIn finds the field that a message is about: a custom one by its key, which since
// 2026-05-21 is always told, others as "Validation failed: name: …".
func fieldIn(text string) string {
	if key := regexp.MustCompile(`\b[0-9a-f]{40}\b`).FindString(text); key != "" {
		return key
	}
	_, after, ok := strings.Cut(text, "Validation failed: ")
	if !ok {
		return ""
	}
	name, _, ok := strings.Cut(after, ":")
	if !ok || strings.ContainsAny(name, " \"'") {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

// flexText is a text, or what other answers write as a number.
type flexText string

// UnmarshalJSON reads any scalar; what is none is "".
func (f *flexText) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*string)(f)) != nil && len(b) > 0 && b[0] != '{' && b[0] != '[' {
		*f = flexText(b)
	}
	return nil
}
