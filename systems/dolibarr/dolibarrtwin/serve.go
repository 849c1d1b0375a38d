package dolibarrtwin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/twin"
)

// root is where the API is below the server's address.
const root = "/api/index.php"

// A failure is an error as the vendor words it: the status, the message and what stands
// beside it under "0", "1" and so on.
type failure struct {
	status  int
	message string
	details []any
}

func (f *failure) Error() string { return f.message }

func fail(status int, message string, details ...any) *failure {
	return &failure{status: status, message: message, details: details}
}

// A pageError is an answer that is no JSON: a web page with whatever status, or, when
// PHP dies of lack of memory, a status of 500 and nothing.
type pageError struct {
	status int
	text   string
}

func (p pageError) Error() string { return p.text }

var (
	// pathWall and queryWall are the vendor's firewall: what it refuses to see in the path
	// and in the query, whatever it is good for there.
	pathWall  = regexp.MustCompile(`[:;"'<>?(){}$%]`)
	queryWall = regexp.MustCompile(`(?i)delete\s*from|create\s*table|insert\s*into|select\s*from|into\s*(outfile|dumpfile)|information_schema|<svg|update[^&=\w].*set.+=|union.+select|javascript:|on(click|load|error)\s*=`)
)

// answer serves one request.
func (t *Twin) answer(w http.ResponseWriter, r *http.Request) {
	result, err := t.route(r)
	var page pageError
	var refusal *failure
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, result)
	case errors.As(err, &page):
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(page.status)
		_, _ = io.WriteString(w, page.text)
	case errors.As(err, &refusal):
		writeFailure(w, refusal)
	default:
		writeFailure(w, fail(http.StatusInternalServerError, err.Error()))
	}
}

func writeJSON(w http.ResponseWriter, status int, result any) {
	body, ok := result.([]byte)
	if !ok {
		body = quoted(result)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache, must-revalidate")
	w.Header().Set("X-Powered-By", "Luracast Restler v3.1.0")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, and said to be
}

func writeFailure(w http.ResponseWriter, f *failure) {
	if f.status == http.StatusNotModified {
		w.WriteHeader(f.status) // which has no body
		return
	}
	message := http.StatusText(f.status)
	if f.message != "" {
		message += ": " + f.message
	}
	e := map[string]any{"code": f.status, "message": message}
	for i, d := range f.details {
		e[strconv.Itoa(i)] = d
	}
	writeJSON(w, f.status, map[string]any{"error": e})
}

// encodeFault gives the kit's faults the vendor's form: the core never limits, so that a
// 429 or 503 is the web server's, and a crash has an empty body.
func (t *Twin) encodeFault(w http.ResponseWriter, _ *http.Request, kind twin.FaultKind, wait time.Duration) {
	switch kind {
	case twin.FaultUnauthorized:
		writeFailure(w, t.badKey())
	case twin.FaultErrorAfterCommit:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(http.StatusInternalServerError)
	case twin.FaultRateLimit, twin.FaultUnavailable:
		status := http.StatusTooManyRequests
		if kind == twin.FaultUnavailable {
			status = http.StatusServiceUnavailable
		}
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html>\r\n<head><title>%d %s</title></head>\r\n</html>\r\n", status, http.StatusText(status))
	}
}

func (t *Twin) badKey() *failure {
	return fail(http.StatusUnauthorized, "Error user not valid (not found with api key or bad status or bad validity dates) (conf->entity=1)")
}

// route finds out who asks for what.
func (t *Twin) route(r *http.Request) (any, error) {
	path, ok := strings.CutPrefix(r.URL.Path, root)
	if !ok || path != "" && path[0] != '/' {
		t.Unknown(r, "outside the API")
		return nil, pageError{http.StatusNotFound, "<html><head><title>404 Not Found</title></head></html>"}
	}
	if err := t.closed(r); err != nil {
		return nil, err
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if tab := t.tables[parts[0]]; tab == nil && !slices.Contains([]string{"status", "login", "setup"}, parts[0]) {
		t.Unknown(r, "no such class")
		return nil, pageError{http.StatusOK, "API not found (failed to include API file)"}
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete}, r.Method) {
		return nil, fail(http.StatusNotFound, "")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	who, err := t.login(r)
	if err != nil {
		return nil, err
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch parts[0] {
	case "status":
		return t.status(), nil
	case "setup":
		return t.setup(r, who, parts[1:])
	case "login":
		return nil, fail(http.StatusForbidden, "Error: The login APIs are disabled.")
	default:
		return t.object(r, who, method, t.tables[parts[0]], parts[1:])
	}
}

// closed answers for a server that does not even look at the request.
func (t *Twin) closed(r *http.Request) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	refused := func(kind int) error {
		return pageError{http.StatusForbidden, fmt.Sprintf("Access refused to 127.0.0.1 by SQL or Script injection protection in main.inc.php:analyseVarsForSqlAndScriptsInjection type=%d<br>\n", kind)}
	}
	query, err := url.QueryUnescape(r.URL.RawQuery)
	switch {
	case pathWall.MatchString(r.URL.Path):
		return refused(2)
	case err == nil && queryWall.MatchString(query):
		return refused(1)
	case t.apiOff:
		return pageError{http.StatusOK, "Module <b>Api</b> must be enabled.<br><br>To activate modules, go on setup Area (Home->Setup->Modules)."}
	case t.ipBlock:
		return pageError{http.StatusOK, "APIs are not allowed from the IP 127.0.0.1"}
	}
	return nil
}

// login finds the user of the key.
func (t *Twin) login(r *http.Request) (*login, error) {
	q := r.URL.Query()
	key := r.Header.Get("Dolapikey")
	for _, other := range []string{q.Get("DOLAPIKEY"), q.Get("api_key")} {
		if key == "" {
			key = other
		}
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && key == "" && t.version > 20 {
		key = bearer
	}
	if key == "" {
		if t.version == 20 {
			return nil, fail(http.StatusUnauthorized, "Failed to login to API. No parameter 'HTTP_DOLAPIKEY' on HTTP header (and no parameter DOLAPIKEY in URL).")
		}
		return nil, fail(http.StatusUnauthorized, "Failed to login to API. Neither parameter 'HTTP_DOLAPIKEY' nor 'Authentication: Bearer' found on HTTP header (and no parameter DOLAPIKEY in URL).")
	}
	if entity := r.Header.Get("Dolapientity"); entity != "" && entity != "1" {
		if t.version == 20 {
			return nil, fail(http.StatusUnauthorized, "Error user not valid (not found with api key or bad status or bad validity dates) (conf->entity="+entity+")")
		}
		return nil, fail(http.StatusUnauthorized, "functions_isallowed::check_user_api_key Authentication KO for 'sync': Token not valid (may be a typo or a wrong entity)")
	}
	i := slices.IndexFunc(t.logins, func(l *login) bool { return l.key == key })
	if i < 0 {
		return nil, t.badKey()
	}
	statut := t.tables[users].byKey["statut"]
	if u := t.tables[users].rows[t.logins[i].id]; u == nil || u.cells[statut] == "0" {
		return nil, t.badKey()
	}
	return t.logins[i], nil
}

func (t *Twin) status() any {
	version := "24.0.0-beta"
	if t.version == 20 {
		version = "20.0.2"
	}
	locked := "0"
	if t.locked {
		locked = "admin"
	}
	now := t.Now()
	return map[string]any{"success": map[string]any{
		"code": 200, "dolibarr_version": version, "access_locked": locked, "environment": "non-production",
		"timestamp_now_utc": now.Unix(), "timestamp_php_tz": t.zone.String(), "date_tz": now.In(t.zone).Format(time.DateTime),
	}}
}

// setup answers what belongs to the installation.
func (t *Twin) setup(r *http.Request, who *login, parts []string) (any, error) {
	path := strings.Join(parts, "/")
	admin := func(constant, v20 string) error {
		switch {
		case who.admin:
			return nil
		case t.version == 20 && v20 != "":
			return fail(http.StatusForbidden, v20)
		default:
			return fail(http.StatusForbidden, "Error API open to admin users only or to the users with logins defined into constant API_LOGINS_ALLOWED_FOR_GET_"+constant)
		}
	}
	code, byCode := strings.CutPrefix(path, "dictionary/countries/byCode/")
	iso, byISO := strings.CutPrefix(path, "dictionary/countries/byISO/")
	switch {
	case r.Method != http.MethodGet:
		return nil, fail(http.StatusNotFound, "")
	case path == "extrafields":
		if err := admin("EXTRAFIELDS", "Only an admin user can get list of extrafields"); err != nil {
			return nil, err
		}
		return t.definitions(r.URL.Query().Get("elementtype")), nil
	case path == "company":
		if err := admin("COMPANY", ""); err != nil {
			return nil, err
		}
		return map[string]any{"name": "Tandem Twin"}, nil
	case path == "modules":
		if err := admin("MODULES", ""); err != nil {
			return nil, err
		}
		return []string{"api", "societe", "user"}, nil
	case path == "dictionary/countries":
		return t.countries(r)
	case byCode, byISO:
		for _, n := range nations() {
			if byCode && n.iso2 == code || byISO && n.iso3 == iso {
				return n.wire(t.version), nil
			}
		}
		return nil, fail(http.StatusNotFound, "Country not found")
	}
	t.Unknown(r, "no such route")
	return nil, fail(http.StatusNotFound, "")
}

func (t *Twin) countries(r *http.Request) (any, error) {
	limit, _, err := paging(r)
	if err != nil {
		return nil, err
	}
	rows := []map[string]any{}
	if t.version == 20 { // the version that also shows the row for no country
		rows = append(rows, map[string]any{"id": "0", "entity": nil, "code": "", "label": "-", "active": "1", "code_iso": nil})
	}
	for _, n := range nations() {
		if len(rows) < limit {
			rows = append(rows, n.wire(t.version))
		}
	}
	return rows, nil
}

// readList decodes a body that is a list of objects.
func readList(r *http.Request) ([]map[string]any, error) {
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	var list []any
	if err := d.Decode(&list); err != nil {
		return nil, fail(http.StatusBadRequest, "Error encoding/decoding JSON: Syntax error")
	}
	return lineBodies(list), nil
}

// readBody decodes a JSON or form body into keys and values.
func readBody(r *http.Request) (map[string]any, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fail(http.StatusBadRequest, "Error reading the request")
	}
	body := map[string]any{}
	if len(strings.TrimSpace(string(raw))) == 0 {
		return body, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, fail(http.StatusBadRequest, "Error decoding the form")
		}
		for k := range form {
			body[k] = form.Get(k)
		}
		return body, nil
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		return nil, fail(http.StatusBadRequest, "Error encoding/decoding JSON: Syntax error")
	}
	return body, nil
}
