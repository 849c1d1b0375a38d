package pipedrivetwin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// A failure is an answer that is no success; see
// https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes
type failure struct {
	status     int
	Success    bool   `json:"success"`
	Error      string `json:"error"`
	Code       string `json:"code,omitempty"`
	ErrorCode  int    `json:"errorCode,omitempty"`
	Info       string `json:"error_info,omitempty"`
	Data       any    `json:"data"`
	Additional any    `json:"additional_data"`
}

const codeSchema = "ERR_SCHEMA_VALIDATION_FAILED"

func fail(status int, text, code string) *failure {
	return &failure{status: status, Error: text, Code: code}
}

// failOld is an answer of version 1.
func failOld(status int, text string) *failure { return &failure{status: status, Error: text} }

// invalid is the answer to a value that is refused. How it looks is not documented, but
// that it names a custom field by its key.
func invalid(o *object, key, why string) *failure {
	if o.old {
		return failOld(400, "Validation failed: "+key+": "+why)
	}
	return fail(400, "Validation failed: "+key+": "+why, codeSchema)
}

func unauthorized() *failure {
	return &failure{status: 401, Error: "unauthorized access", ErrorCode: 401, Info: "Please check developers.pipedrive.com"}
}

func mismatch() *failure {
	return &failure{status: 403, Error: "Scope and URL mismatch", ErrorCode: 403, Info: "Please check developers.pipedrive.com"}
}

// A request is one call to the API.
type request struct {
	*http.Request
	company *Company
	version int // 1 or 2
	path    []string
}

// serve answers one request under the company's lock.
func (c *Company) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 32<<20))
	if err != nil {
		write(w, 400, failOld(400, "bad request"))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	status, answer := c.answer(w, r)
	if f, ok := answer.(*failure); ok {
		status = f.status
	}
	if page, ok := answer.(page); ok {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, string(page)) //nolint:gosec // a constant
		return
	}
	if bytes, ok := answer.(blob); ok {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.WriteHeader(status)
		_, _ = w.Write(bytes) //nolint:gosec // what was put there
		return
	}
	if to, ok := answer.(redirect); ok {
		w.Header().Set("Location", string(to))
		answer = nil
	}
	write(w, status, answer)
}

// A page is an answer for people.
type page string

// A redirect is an answer that leads elsewhere.
type redirect string

// answer checks the credential and what is left to spend, and finds the endpoint.
func (c *Company) answer(w http.ResponseWriter, r *http.Request) (int, any) {
	req := &request{Request: r, company: c}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "oauth" && len(parts) == 2 {
		return c.oauth(req, parts[1])
	}
	if parts[0] == filesPath && len(parts) == 2 && r.Method == "GET" {
		return c.storedFile(req, parts[1])
	}
	switch parts[0] {
	case "api":
		parts = parts[1:]
	case "v2":
		return c.unknown(req) // it is below /api only
	}
	if len(parts) < 2 || parts[0] != "v1" && parts[0] != "v2" {
		return c.unknown(req)
	}
	req.version, req.path = int(parts[0][1]-'0'), parts[1:]
	app, f := c.credential(r)
	if f != nil {
		return 0, f
	}
	if status, refused := c.rates.pass(w.Header(), c.Now(), req.cost(), app, slices.Contains([]string{"itemSearch", "search"}, req.path[len(req.path)-1]), c.options.NoLimits); refused != nil {
		return status, refused
	}
	return c.route(req)
}

// credential reads the header that says who calls; true for an app.
func (c *Company) credential(r *http.Request) (app bool, f *failure) {
	if given := r.Header.Get("X-Api-Token"); given != "" {
		if given != token {
			return false, unauthorized()
		}
		return false, nil
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if ends := c.grants.access[given]; ok && c.Now().Before(ends) {
		return true, nil
	}
	return false, unauthorized()
}

// route finds the endpoint of a path.
func (c *Company) route(r *request) (int, any) {
	name := r.path[0]
	if r.version == 2 {
		switch name {
		case "pipelines", "stages":
			return c.pipelinesCall(r)
		case "itemSearch":
			return c.search(r)
		}
		if o := c.object(name); len(r.path) > 3 && r.path[2] == "convert" && (name == leads || name == deals) {
			return c.convertCall(r, o)
		}
		if fields, ok := strings.CutSuffix(name, "Fields"); ok {
			return c.fieldsCall(r, fields+"Fields")
		}
	} else {
		switch name {
		case "users":
			return c.usersCall(r)
		case "leadLabels", "activityTypes":
			return c.oldNames(r)
		case "webhooks":
			return c.webhooksCall(r)
		case "files":
			return c.filesCall(r)
		}
	}
	o := c.object(name)
	if o != nil && r.version == 2 && len(r.path) == 2 && r.path[1] == "search" {
		return c.searchOf(r, o)
	}
	if r.version == 1 && len(r.path) == 3 && r.path[2] == "files" && slices.Contains([]string{persons, organizations, deals, products}, name) {
		return c.filesOf(r, o)
	}
	merge := r.version == 1 && len(r.path) == 3 && r.path[2] == "merge" && (name == persons || name == organizations || name == deals)
	if o == nil || o.old != (r.version == 1) && !merge {
		return c.unknown(r)
	}
	return c.records(r, o, merge)
}

// records answers the calls that most objects have.
func (c *Company) records(r *request, o *object, merge bool) (int, any) {
	if c.lacking[o.scope+":read"] || c.lacking[o.scope+":full"] && r.Method != "GET" {
		return 0, mismatch()
	}
	switch {
	case len(r.path) == 1 && r.Method == "GET", len(r.path) == 2 && r.Method == "GET" && r.path[1] == "archived" && (o.name == deals || o.name == leads):
		if o.old {
			return c.oldList(r, o, len(r.path) == 2)
		}
		return c.list(r, o, len(r.path) == 2)
	case len(r.path) == 1 && r.Method == "POST":
		return c.create(r, o)
	case len(r.path) != 2 && !merge, o.name == callLogs && r.Method != "GET" && r.Method != "DELETE":
		return c.unknown(r)
	}
	if _, err := strconv.ParseInt(r.path[1], 10, 64); err != nil && o.name != leads && o.name != callLogs {
		return 0, invalid(o, "id", "must be an integer")
	}
	n := o.find(r.path[1])
	// Of what was deleted the API still shows that, which is not documented; what was merged
	// or is hidden is not there.
	if n == nil || n.into != "" || c.hidden(n) || n.deleted && (r.Method != "GET" || o.name == leads || o.name == callLogs) {
		return 0, c.missing(o)
	}
	switch {
	case merge && r.Method == "PUT":
		return c.merge(r, o, n)
	case merge:
		return 0, methodNotAllowed()
	case r.Method == "GET":
		q := r.query(optional(o, false, false)...)
		if f := c.mayInclude(r, o, q); f != nil {
			return 0, f
		}
		return 200, c.envelope(c.included(o, n, q))
	case r.Method == "PATCH" && o.name != notes, r.Method == "PUT" && o.name == notes:
		return c.change(r, o, n)
	case r.Method == "DELETE":
		return c.remove(o, n)
	}
	return 0, methodNotAllowed()
}

func (c *Company) missing(o *object) *failure {
	if o.old {
		return &failure{status: 404, Error: "requested " + singular(o.name) + " not found", Info: "Object was not found."}
	}
	name := singular(o.name)
	return fail(404, strings.ToUpper(name[:1])+name[1:]+" not found", "ERR_NOT_FOUND")
}

func (c *Company) unknown(r *request) (int, any) {
	c.Unknown(r.Request, "endpoint")
	return 0, failOld(404, "Unknown method .")
}

// object reads a body that is a JSON object.
func (r *request) object() (map[string]any, *failure) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil, fail(415, "Unsupported media type", "")
	}
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil || m == nil {
		return nil, fail(400, "Invalid JSON in the body", codeSchema)
	}
	return m, nil
}

// query reads parameters; those that the endpoint does not have are noted.
func (r *request) query(known ...string) map[string]string {
	out := map[string]string{}
	for name, values := range r.URL.Query() {
		if !slices.Contains(known, name) {
			r.company.Unknown(r.Request, "parameter "+name)
			continue
		}
		out[name] = strings.Join(values, ",")
	}
	return out
}

// limit reads a page size.
func (c *Company) limit(text string, most int) (int, *failure) {
	n := 100
	if text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > most {
			return 0, fail(400, "Validation failed: limit: must not be greater than "+strconv.Itoa(most), codeSchema)
		}
	}
	if c.options.PageSize > 0 {
		n = min(n, c.options.PageSize)
	}
	return n, nil
}

// cost is what a call takes of the day's tokens; see x-token-cost in
// https://developers.pipedrive.com/docs/api/v1/openapi.yaml
func (r *request) cost() int {
	last := r.path[len(r.path)-1]
	switch {
	case last == "me":
		return 2
	case last == "merge", r.Method == "POST" && slices.Contains(r.path, "convert"):
		return 40
	case last == "itemSearch", last == "search":
		return 20
	case slices.Contains([]string{"pipelines", "stages"}, r.path[0]):
		return 5
	case slices.Contains([]string{"webhooks", "leadLabels"}, r.path[0]):
		return map[string]int{"DELETE": 6}[r.Method] + map[string]int{"GET": 10, "POST": 10}[r.Method]
	}
	cost := map[string]int{"GET": 1, "POST": 5, "PATCH": 5, "DELETE": 3}[r.Method]
	if r.Method == "GET" && (len(r.path) == 1 || last == "archived" || last == "files") {
		cost = 10
	}
	if last == "archived" {
		cost *= 2
	}
	if r.version == 1 {
		cost *= 2
	}
	if r.Method == "PUT" {
		cost = 10
	}
	return cost
}

// write sends an answer; nil is an empty body.
func write(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	body, _ := json.Marshal(answer) // plain values; it cannot fail
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone is no fault of the twin
}

// encodeFault answers a fault in Pipedrive's form.
func (c *Company) encodeFault(w http.ResponseWriter, _ *http.Request, kind twin.FaultKind, wait time.Duration) {
	switch kind {
	case twin.FaultRateLimit:
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		}
		write(w, 429, tooMany())
	case twin.FaultUnauthorized:
		write(w, 401, unauthorized())
	case twin.FaultErrorAfterCommit:
		write(w, 500, failOld(500, "Internal server error"))
	}
}
