package dolibarr

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/rest"
)

var (
	// errNothing marks the 404 with which some lists say that they are empty.
	errNothing = errors.New("the list is empty")
	// errTooMuch marks the error 500 without a body that PHP leaves when a page is more
	// than its memory allows.
	errTooMuch = errors.New("the server broke down without a word")
)

// classify says what an answer means. The status lies both ways, so the text counts.
func classify(r *rest.Response) error {
	html := isHTML(r)
	switch {
	case html && (r.Status == http.StatusOK || r.Status == http.StatusAccepted):
		return pageError(r)
	case html && r.Status == http.StatusForbidden:
		return wallError(r)
	case html && r.Status == http.StatusNotFound:
		return &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeConnection, Err: errors.New("there is no API"),
			Fix: "is the address right? It is that of Dolibarr, with or without " + apiPath,
		}
	case r.Status < 300:
		return nil
	case r.Status == http.StatusInternalServerError && len(strings.TrimSpace(string(r.Body))) == 0:
		return &connector.Error{
			Kind: connector.Unavailable, Scope: connector.ScopeObject, Err: errTooMuch,
			Fix: "give PHP more memory (memory_limit), or look into the web server's error log",
		}
	}
	said, ok := wordsOf(r.Body)
	if !ok {
		return nil // no answer of Dolibarr's own: the status says it
	}
	return meaning(r, said)
}

func isHTML(r *rest.Response) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "html") && len(r.Body) > 0
}

// pageError tells what a page with a status of success says: nothing was done.
func pageError(r *rest.Response) error {
	body := string(r.Body)
	e := &connector.Error{Kind: connector.Forbidden, Scope: connector.ScopeConnection}
	switch {
	case strings.Contains(body, "must be enabled"):
		e.Err = errors.New("the API module is switched off")
		e.Fix = "in Dolibarr, switch on Home, Setup, Modules, \"API/Web services REST\""
	case strings.Contains(body, "APIs are not allowed from the IP"):
		e.Err = errors.New("calls from our address are not accepted")
		e.Fix = "add our address to the allowed ones in the setup of the module \"API/Web services REST\""
	case strings.Contains(body, "API not found"):
		e.Kind, e.Scope = connector.Unsupported, connector.ScopeObject
		e.Err = errors.New("this installation has no such API")
		e.Fix = "switch on the module in Home, Setup, Modules, or update Dolibarr"
	default:
		// Version 20 sends a page and an error one after the other when SQL fails in the
		// middle of a create: 202, then {"error":...} (recorded).
		at := strings.Index(body, `{"error"`)
		if at < 0 {
			return nil
		}
		if said, ok := wordsOf([]byte(body[at:])); ok {
			failed := *r
			failed.Status = said.code
			return meaning(&failed, said)
		}
		return nil
	}
	return e
}

// wallError is what the web application firewall answers, in Dolibarr or before it.
func wallError(r *rest.Response) error {
	if !strings.Contains(string(r.Body), "injection protection") {
		return nil
	}
	return &connector.Error{
		Kind: connector.Invalid, Scope: connector.ScopeRecord, Err: errors.New("the firewall of Dolibarr refuses the request"),
		Fix: "the value looks like an attack to Dolibarr; change it",
	}
}

// words are what an error of Dolibarr's says: the message, and the details beside it.
type words struct {
	code    int
	message string // without the name of the status
	all     string // with the details
}

func wordsOf(body []byte) (words, bool) {
	var got struct {
		Error map[string]json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Error == nil {
		return words{}, false
	}
	code, err := strconv.Atoi(scalar(got.Error["code"]))
	if err != nil {
		return words{}, false
	}
	w := words{code: code, message: scalar(got.Error["message"])}
	if name, rest, cut := strings.Cut(w.message, ": "); cut && name == http.StatusText(code) {
		w.message = rest
	} else if w.message == http.StatusText(code) {
		w.message = ""
	}
	w.all = w.message
	for i := range 10 {
		if more := scalar(got.Error[strconv.Itoa(i)]); more != "" {
			w.all = strings.TrimPrefix(w.all+": "+more, ": ")
		}
	}
	return w, true
}

// meaning translates an error of Dolibarr's own.
func meaning(r *rest.Response, said words) error {
	e := &connector.Error{Scope: connector.ScopeRecord, Err: errors.New(said.all)}
	if said.all == "" {
		e.Err = errors.New(strings.ToLower(http.StatusText(r.Status)))
	}
	object := objectIn(r.Path)
	switch r.Status {
	case http.StatusUnauthorized:
		e.Kind, e.Scope = connector.Unauthorized, connector.ScopeConnection
		e.Fix = "give the API key of an active user; it is on the user's card"
	case http.StatusForbidden:
		forbidden(e, said)
	case http.StatusNotFound:
		notFound(e, r, said)
	case http.StatusConflict:
		e.Kind, e.Fix = connector.Invalid, "it is used in documents: close it instead of deleting it"
	case http.StatusBadRequest:
		e.Kind = connector.Invalid
		if name, ok := strings.CutSuffix(said.message, " field missing"); ok {
			e.Field = name
		}
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		refused(e, r, object, said)
	default:
		return nil
	}
	return e
}

// forbidden tells a record that is out of sight from an object that is.
func forbidden(e *connector.Error, said words) {
	e.Kind, e.Scope = connector.Forbidden, connector.ScopeObject
	e.Fix = "give the key's user the right to do this, and switch on the object's module"
	if strings.HasPrefix(said.message, "Access not allowed for login") {
		e.Scope, e.Fix = connector.ScopeRecord, seeAll
	}
}

// notFound tells an empty list, an unknown record, the unknown parent of a contact and an
// unknown route apart.
func notFound(e *connector.Error, r *rest.Response, said words) {
	e.Kind, e.Scope = connector.NotFound, connector.ScopeRecord
	list := r.Method == http.MethodGet && isList(r.Path)
	switch {
	case said.message == "":
		e.Kind, e.Scope = connector.Unsupported, connector.ScopeObject
		e.Err = errors.New("this installation has no such call")
	case list && (strings.HasSuffix(said.message, "not found") || strings.HasPrefix(said.message, "No ")):
		e.Err, e.Scope = errNothing, connector.ScopeObject
	case strings.HasPrefix(said.message, "Thirdparty with id="):
		e.Kind, e.Field = connector.Invalid, "socid"
	}
}

// refused classifies what comes as an error of the server and mostly is one of the
// caller. It must not be repeated blindly.
func refused(e *connector.Error, r *rest.Response, object string, said words) {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said.all, w) })
	}
	e.Kind, e.Scope = connector.Invalid, connector.ScopeRecord
	switch {
	case has("CodeAlreadyUsed", "Duplicate entry", "AlreadyExists"):
		e.Kind, e.Field = connector.Duplicate, fieldIn(object, said.all)
		if has("ErrorCustomerCodeAlreadyUsed") {
			e.Field = "code_client"
		}
	case has("ErrorBadThirdPartyName"):
		e.Field = "name"
	case has("foreign key constraint fails"):
		e.Field = fieldIn(object, said.all)
	case has("Data too long", "Incorrect ", "Out of range", "cannot be null"):
		e.Field = fieldIn(object, said.all)
	case has("Unknown column", "ambiguous", "SQL syntax"):
		e.Kind, e.Scope = connector.Unsupported, connector.ScopeObject
		e.Fix = "check the connection again: a field may have been removed"
	case has("Deadlock", "Lock wait timeout", "gone away", "Too many connections", "server has gone"):
		e.Kind, e.Scope = connector.Unavailable, connector.ScopeConnection
	case r.Method == http.MethodGet:
		e.Kind, e.Scope = connector.Unavailable, connector.ScopeObject
	default:
		// Dolibarr itself gave the transaction up. Its reason may be a webhook's receiver
		// that is down, but mostly it is the record.
		e.Fix = "read the reason; if it is a webhook's, repair its receiver or make it non-blocking"
	}
	if r.Method == http.MethodGet && e.Kind == connector.Invalid {
		e.Scope = connector.ScopeObject
	}
}

// lastPart splits a path of the API.
func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func isList(path string) bool {
	return slices.Contains([]string{thirdParties, contacts, users}, lastPart(path))
}

// objectIn returns the object that a path names.
func objectIn(path string) string {
	for _, name := range []string{thirdParties, contacts, users} {
		if strings.HasSuffix(path, "/"+name) || strings.Contains(path, "/"+name+"/") {
			return name
		}
	}
	return ""
}

// column finds the column that an error of the database names: 'nom', or
// `base`.`llx_societe`.`nom`, or the key of a constraint.
var column = regexp.MustCompile("column '([a-z0-9_]+)'|column `[^`]*`\\.`([a-z0-9_]*)`\\.`([a-z0-9_]+)`|FOREIGN KEY \\(`([a-z0-9_]+)`\\)")

// fieldIn returns the wire name of the field whose column the text names, "" if unknown.
func fieldIn(objectName, said string) string {
	found := column.FindStringSubmatch(said)
	o, err := objectOf(objectName)
	if found == nil || err != nil {
		return ""
	}
	table, name := found[2], found[1]+found[3]+found[4]
	if strings.HasSuffix(table, "_extrafields") {
		return optionsPrefix + "options_" + name
	}
	for _, f := range o.fields {
		if f.column == "t."+name {
			return f.Name
		}
	}
	if table == "" { // no column of the object's own, so one of the customer's
		return fmt.Sprintf("%soptions_%s", optionsPrefix, name)
	}
	return ""
}
