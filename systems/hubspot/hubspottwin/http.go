package hubspottwin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// A failure is an answer that is no success; see
// https://developers.hubspot.com/docs/api-reference/latest/error-handling
type failure struct {
	code      int
	Status    string         `json:"status"`
	Message   string         `json:"message"`
	Errors    []detail       `json:"errors,omitempty"`
	Category  string         `json:"category,omitempty"`
	SubCat    string         `json:"subCategory,omitempty"`
	ErrorType string         `json:"errorType,omitempty"`
	Policy    string         `json:"policyName,omitempty"`
	ID        string         `json:"correlationId,omitempty"`
	Context   map[string]any `json:"context,omitempty"`
}

type detail struct {
	Message string         `json:"message"`
	Code    string         `json:"code,omitempty"`
	In      string         `json:"in,omitempty"`
	Context map[string]any `json:"context,omitempty"`
}

func fail(code int, category, message string) *failure {
	return &failure{code: code, Status: "error", Category: category, Message: message}
}

func invalid(message string) *failure { return fail(400, "VALIDATION_ERROR", message) }

func notFound() *failure { return fail(404, "OBJECT_NOT_FOUND", "resource not found") }

// badValues is the answer to property values that HubSpot refuses. What is wrong stands
// as JSON inside the message, and in newer answers also in errors.
func badValues(wrong []*problem) *failure {
	text, _ := json.Marshal(wrong)
	f := invalid("Property values were not valid: " + string(text))
	for _, p := range wrong {
		f.Errors = append(f.Errors, detail{
			Message: p.Message, Code: p.Code,
			Context: map[string]any{"propertyName": []string{p.Name}},
		})
	}
	return f
}

// taken is the answer to a unique value of another record's. A new contact's e-mail is
// refused with 409, everything else as a value that cannot be set.
func (o *object) taken(c *clash, self int64) *failure {
	if c.name == "email" && self == 0 {
		f := fail(409, "CONFLICT", fmt.Sprintf("Contact already exists. Existing ID: %d", c.holder))
		return f
	}
	if self == 0 {
		self = o.next + 50000 // the half-made record that the value was to go to
	}
	return invalid(fmt.Sprintf("Cannot set PropertyValueCoordinates{portalId=%d, objectTypeId=ObjectTypeId{legacyObjectType=%s}, "+
		"propertyName=%s, value=%s} on %d. %d already has that value.", portalID, o.legacy, c.name, c.value, self, c.holder))
}

// A request is one call to the API, read so far as all endpoints need it.
type request struct {
	*http.Request
	account *Account
	version string   // "2026-09", "2026-03", or legacy "v3", "v4"
	path    []string // what follows the version
	cred    *credential
	now     time.Time
}

// serve answers one request under the account's lock.
func (a *Account) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil {
		write(w, 400, invalid("Invalid input"))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	a.mu.Lock()
	defer a.mu.Unlock()
	status, answer := a.answer(w, r)
	if f, ok := answer.(*failure); ok {
		status = f.code
		if f.ID == "" {
			f.ID = a.correlation()
		}
	}
	if to, ok := answer.(redirect); ok {
		w.Header().Set("Location", string(to))
		answer = nil
	}
	write(w, status, answer)
}

// answer checks the credential and the rates and finds the endpoint.
func (a *Account) answer(w http.ResponseWriter, r *http.Request) (int, any) {
	area, req := a.route(r)
	switch area {
	case "oauth":
		return a.oauth(req, req.path)
	case "webhooks-journal-files":
		return a.journalFile(req, req.version)
	case "hubfs-signed":
		return a.signed(req)
	}
	var f *failure
	if req.cred, f = a.credential(r.Header.Get("Authorization"), req.now); f != nil {
		return 0, f
	}
	if area == "webhooks-journal" {
		return a.webhooksJournal(req) // it has rates of its own
	}
	search := area == "objects" && len(req.path) == 2 && req.path[1] == "search"
	rates := &a.rates
	if req.cred.oauth {
		rates = &a.appRates
	}
	if f := rates.pass(w.Header(), req.now, search, a.options.NoLimits); f != nil {
		return 0, f
	}
	switch area {
	case "account-info":
		return a.accountInfo(req)
	case "objects":
		return a.objects(req)
	case "associations":
		return a.associations(req)
	case "properties":
		return a.properties(req)
	case "pipelines":
		return a.pipelinesCall(req)
	case "crm-object-schemas":
		return a.schemas(req)
	case "lists":
		return a.lists(req)
	case "files":
		return a.filesCall(req)
	case "calling":
		return a.dispositions(req)
	case "owners":
		return a.ownersList(req)
	}
	return a.unknown(req)
}

// route reads the path: dated ones have the version behind the area, legacy ones before.
func (a *Account) route(r *http.Request) (string, *request) {
	req := &request{Request: r, account: a, now: a.Now().Truncate(time.Millisecond)}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "crm" {
		parts = parts[1:]
	}
	if len(parts) < 2 {
		return "", req
	}
	area, version := parts[0], parts[1]
	switch {
	case area == "oauth":
		req.path = parts[1:]
		return area, req
	case area == "webhooks-journal" && len(parts) > 2:
		req.version, req.path = parts[2], append([]string{version}, parts[3:]...)
		if !dated(req.version) {
			return "", req
		}
		return area, req
	case area == "webhooks-journal-files", area == "hubfs-signed", area == "calling" && version == "v1":
		req.version, req.path = version, parts[2:]
		return area, req
	case strings.HasPrefix(area, "v"):
		area, version = version, area
	}
	legacy := version == "v3" || version == "v4" && (area == "objects" || area == "associations")
	if !dated(version) && !legacy {
		return "", req
	}
	req.version, req.path = version, parts[2:]
	return area, req
}

func dated(version string) bool { return version == "2026-09" || version == "2026-03" }

func (a *Account) unknown(r *request) (int, any) {
	a.Unknown(r.Request, "endpoint")
	return 0, notFound()
}

// decode reads a JSON body; what the endpoint does not know is refused and noted.
func (r *request) decode(into any) *failure {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "unknown field") {
		r.account.Unknown(r.Request, err.Error())
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid("Invalid input JSON on line 1, column " + strconv.FormatInt(wrong.Offset, 10) + ": Cannot deserialize value of " + wrong.Field)
	}
	return invalid("Invalid input JSON on line 1: " + err.Error())
}

// query reads parameters; those that the endpoint does not have are noted, and ignored as
// the vendor does.
func (r *request) query(known ...string) map[string]string {
	out := map[string]string{}
	for name, values := range r.URL.Query() {
		if !slices.Contains(known, name) {
			r.account.Unknown(r.Request, "parameter "+name)
			continue
		}
		out[name] = strings.Join(values, ",")
	}
	return out
}

// limit reads a page size; 0 in the request means def.
func (a *Account) limit(given string, def, most int) (int, *failure) {
	n := def
	if given != "" {
		var err error
		if n, err = strconv.Atoi(given); err != nil || n < 1 || n > most {
			return 0, invalid(fmt.Sprintf("Invalid limit %s: it must be between 1 and %d", given, most))
		}
	}
	if a.options.PageSize > 0 {
		n = min(n, a.options.PageSize)
	}
	return n, nil
}

// write sends an answer; nil is an empty body.
func write(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	if bytes, ok := answer.(blob); ok {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.WriteHeader(status)
		_, _ = w.Write(bytes) //nolint:gosec // no page; and a caller that is gone is no fault of the twin
		return
	}
	body, ok := answer.([]byte)
	if !ok {
		body, _ = json.Marshal(answer) // plain structs; it cannot fail
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON; and a caller that is gone is no fault of the twin
}

// encodeFault answers a fault in HubSpot's form.
func (a *Account) encodeFault(w http.ResponseWriter, _ *http.Request, kind twin.FaultKind, wait time.Duration) {
	const id = "00000000-0000-4000-8000-00000000fa17"
	switch kind {
	case twin.FaultRateLimit:
		f := tooMany("TEN_SECONDLY_ROLLING")
		f.ID = id
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		}
		write(w, 429, f)
	case twin.FaultUnauthorized:
		write(w, 401, &failure{Status: "error", ID: id, Category: "EXPIRED_AUTHENTICATION", Message: "The OAuth token used to make this call expired."})
	case twin.FaultErrorAfterCommit:
		write(w, 500, &failure{Status: "error", ID: id, Message: "internal error"})
	case twin.FaultUnavailable:
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		}
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(503)
		_, _ = io.WriteString(w, "<html><head><title>503</title></head><body>Service unavailable</body></html>")
	}
}
