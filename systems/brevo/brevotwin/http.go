package brevotwin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// A failure is an answer that is no success.
type failure struct {
	status   int
	Code     string         `json:"code"`
	Message  string         `json:"message"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

func fail(status int, code, message string) *failure {
	return &failure{status: status, Code: code, Message: message}
}

func invalid(message string) *failure { return fail(400, "invalid_parameter", message) }

func missing(message string) *failure { return fail(400, "missing_parameter", message) }

func notFound(message string) *failure { return fail(404, "document_not_found", message) }

// A request is one call to the API.
type request struct {
	*http.Request
	account *Account
	path    []string // what follows /v3
	body    []byte
	now     time.Time
	keyName string // of the API key that came with it
}

// serve answers one request under the account's lock.
func (a *Account) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil {
		write(w, 400, invalid("Input could not be read"))
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.work()
	req := &request{Request: r, account: a, body: body, now: a.stamp()}
	status, answer := a.answer(w, req)
	if to, ok := answer.(redirect); ok {
		w.Header().Set("Location", string(to))
		answer = nil
	}
	write(w, status, answer)
}

// answer checks the credential and the limits and finds the endpoint.
func (a *Account) answer(w http.ResponseWriter, r *request) (int, any) {
	switch parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/"); parts[0] {
	case "realms":
		return a.oauth(r)
	case "reports":
		return a.report(w, parts)
	case "v3":
		for _, p := range parts[1:] {
			plain, err := url.PathUnescape(p)
			if err != nil {
				return failed(invalid("the path is not escaped"))
			}
			r.path = append(r.path, plain)
		}
	default:
		return a.unknown(r)
	}
	if f := a.admit(r); f != nil {
		return failed(f)
	}
	if f := a.count(w.Header(), r); f != nil {
		return failed(f)
	}
	if len(r.path) == 0 {
		return a.unknown(r)
	}
	switch r.path[0] {
	case "account":
		return a.accountCall(r)
	case "contacts":
		return a.contactsCall(r)
	case "companies", "crm":
		return a.salesCall(r)
	case "events":
		return a.eventsCall(r)
	case "processes":
		return a.processCall(r)
	case "webhooks":
		return a.webhooksCall(r)
	}
	return a.unknown(r)
}

func failed(f *failure) (int, any) { return f.status, f }

func (a *Account) unknown(r *request) (int, any) {
	a.Unknown(r.Request, "endpoint")
	return failed(notFound("Resource not found"))
}

// admit looks at the credential.
func (a *Account) admit(r *request) *failure {
	if a.foreign {
		return fail(401, "unauthorized", "We have detected you are using an unrecognised IP address 203.0.113.7. If you performed this action make sure to add the new IP address in this link: https://app.brevo.com/security/authorised_ips")
	}
	switch token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case r.Header.Get("api-key") == apiKey:
		r.keyName = keyName
	case bearer && a.grants.valid(token, r.now):
	case r.Header.Get("api-key") == "" && !bearer:
		return fail(401, "unauthorized", "Key not found")
	default:
		return fail(401, "unauthorized", "API Key is not enabled")
	}
	return nil
}

// An allowance is so many calls in a time.
type allowance struct {
	calls  int
	per    time.Duration
	recent []time.Time
}

// defaultAllowances are those of the general tier; see https://developers.brevo.com/docs/api-limits
func defaultAllowances() map[string][]*allowance {
	return map[string][]*allowance{
		"contacts": {{calls: 10, per: time.Second}, {calls: 36000, per: time.Hour}},
		"events":   {{calls: 10, per: time.Second}, {calls: 36000, per: time.Hour}},
		"other":    {{calls: 100, per: time.Hour}},
	}
}

func (r *request) group() string {
	switch {
	case r.path[0] == "contacts":
		return "contacts"
	case r.path[0] == "events" && r.Method == http.MethodPost:
		return "events"
	default:
		return "other"
	}
}

// count keeps the limits and tells of them in the answer.
func (a *Account) count(h http.Header, r *request) *failure {
	if a.options.NoLimits || len(r.path) == 0 {
		return nil
	}
	now := time.Now()
	over := false
	for i, l := range a.allowed[r.group()] {
		l.recent = slices.DeleteFunc(l.recent, func(t time.Time) bool { return now.Sub(t) >= l.per })
		reset := l.per
		if len(l.recent) > 0 {
			reset = l.per - now.Sub(l.recent[0])
		}
		full := len(l.recent) >= l.calls
		if !full {
			l.recent = append(l.recent, now)
		}
		if i == 0 || full {
			h.Set("x-sib-ratelimit-limit", strconv.Itoa(l.calls))
			h.Set("x-sib-ratelimit-remaining", strconv.Itoa(l.calls-len(l.recent)))
			h.Set("x-sib-ratelimit-reset", strconv.Itoa(int(math.Ceil(reset.Seconds()))))
		}
		over = over || full
	}
	if over {
		return fail(429, "too_many_requests", "You have reached the limit of calls")
	}
	return nil
}

// decode reads a JSON body; what the endpoint does not know is refused and noted.
func (r *request) decode(into any) *failure {
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	d.UseNumber()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "unknown field") {
		r.account.Unknown(r.Request, err.Error())
	}
	return fail(400, "bad_request", "Input must be a valid JSON object: "+err.Error())
}

// query reads parameters; those that the endpoint does not have are noted and ignored.
func (r *request) query(known ...string) url.Values {
	out := r.URL.Query()
	for name := range out {
		if !slices.Contains(known, name) {
			r.account.Unknown(r.Request, "parameter "+name)
		}
	}
	return out
}

// window reads limit and offset.
func (a *Account) window(q url.Values, def, most int) (limit, offset int, f *failure) {
	limit = def
	var err error
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > most {
			return 0, 0, fail(400, "out_of_range", fmt.Sprintf("Limit exceeds max value: it must be between 1 and %d", most))
		}
	}
	if text := q.Get("offset"); text != "" {
		if offset, err = strconv.Atoi(text); err != nil || offset < 0 {
			return 0, 0, invalid("offset is not valid")
		}
	}
	if a.options.PageSize > 0 {
		limit = min(limit, a.options.PageSize)
	}
	return limit, offset, nil
}

// part returns the rows of a page.
func part[T any](rows []T, offset, limit int) []T {
	offset = min(offset, len(rows))
	return rows[offset:min(len(rows), offset+limit)]
}

// moment reads a time of a query; the zero time if it is not there.
func moment(q url.Values, name string) (time.Time, *failure) {
	text := q.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, invalid(name + " is not a valid UTC date-time")
	}
	return t, nil
}

func stamped(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// write sends an answer; nil is an empty body.
func write(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	if text, ok := answer.(csv); ok {
		w.Header().Set("Content-Type", "text/csv")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, string(text)) // a caller that is gone is no fault of the twin
		return
	}
	body, _ := json.Marshal(answer) // plain structs and maps; it cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone is no fault of the twin
}

// encodeFault answers a fault in Brevo's form.
func encodeFault(w http.ResponseWriter, _ *http.Request, kind twin.FaultKind, wait time.Duration) {
	if wait > 0 && (kind == twin.FaultRateLimit || kind == twin.FaultUnavailable) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	switch kind {
	case twin.FaultRateLimit:
		write(w, 429, fail(429, "too_many_requests", "You have reached the limit of calls"))
	case twin.FaultUnauthorized:
		write(w, 401, fail(401, "unauthorized", "Key not found"))
	case twin.FaultErrorAfterCommit:
		write(w, 500, fail(500, "internal_server_error", "Internal server error"))
	case twin.FaultUnavailable:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(503)
		_, _ = io.WriteString(w, "<html><body>503 Service Temporarily Unavailable</body></html>")
	}
}

// accountCall tells who the account is; see https://developers.brevo.com/reference/get-account
func (a *Account) accountCall(r *request) (int, any) {
	if r.Method != http.MethodGet || len(r.path) != 1 {
		return a.unknown(r)
	}
	r.query()
	return 200, map[string]any{
		"organization_id": organization, "user_id": 4711, "enterprise": false, "companyName": "Twin & Daughters",
		"email": "admin@twin.example", "firstName": "Ann", "lastName": "Berg",
		"plan":          []any{map[string]any{"type": "free", "credits": 300, "creditsType": "sendLimit"}},
		"planVerticals": []any{map[string]any{"planCategory": "CRM", "planType": "free", "name": "Free", "status": "active"}},
		"relay":         map[string]any{"enabled": true, "data": map[string]any{"userName": "admin@twin.example", "relay": "smtp-relay.brevo.com", "port": 587}},
	}
}
