package dolibarr

import (
	"cmp"
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
		return technicalError(r)
	}
	return e
}

// technicalError reads what version 20 sends when SQL fails in the middle of a create: 202
// with a page for people, and behind it the error as JSON, which may lack the reason that
// the page has (recorded). Nothing is created.
func technicalError(r *rest.Response) error {
	at := errorBehind.FindIndex(r.Body)
	if at == nil {
		return nil
	}
	said, ok := wordsOf(r.Body[at[0]:])
	if !ok {
		return nil
	}
	if why := reason.FindSubmatch(r.Body[:at[0]]); why != nil && !strings.Contains(said.all, string(why[1])) {
		said.all = strings.TrimPrefix(said.all+": "+string(why[1]), ": ")
	}
	failed := *r
	failed.Status = said.code
	return meaning(&failed, said)
}

var (
	errorBehind = regexp.MustCompile(`\{\s*"error"\s*:`)
	reason      = regexp.MustCompile(`Information for latest database access request error:</b> ([^<\n]{1,300})`)
)

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

// forbidden tells a record that is out of sight, or cannot be deleted, from an object that is.
func forbidden(e *connector.Error, said words) {
	e.Kind, e.Scope = connector.Forbidden, connector.ScopeObject
	e.Fix = "give the key's user the right to do this, and switch on the object's module"
	switch has := func(words string) bool { return strings.Contains(said.message, words) }; {
	case strings.HasPrefix(said.message, "Access ") && has("not allowed for login"):
		e.Scope, e.Fix = connector.ScopeRecord, seeAll
	case has("owner id"): // an event of somebody else
		e.Scope, e.Fix = connector.ScopeRecord, "give the key's user the rights to the events of everybody"
	case has("not erasable"):
		e.Kind, e.Scope = connector.Invalid, connector.ScopeRecord
		e.Fix = "only the newest invoice can be deleted: cancel it, or make a credit note"
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
		e.Kind, e.Field = connector.Duplicate, cmp.Or(fieldIn(object, said.all), keyIn(object, said.all))
		switch {
		case has("ErrorCustomerCodeAlreadyUsed"):
			e.Field = "code_client"
		case has("ErrorProductAlreadyExists"):
			e.Field = "ref"
		}
	case has("ErrorBadThirdPartyName"):
		e.Field = "name"
	case has("Date of proposal is required"):
		e.Field = "date"
	case has("UserowneridNotDefined"):
		e.Field = "userownerid"
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

// parts splits a path of the API behind its base.
func parts(path string) []string {
	_, rest, ok := strings.Cut(path, apiPath+"/")
	if !ok {
		rest = path[strings.LastIndexByte(path, '/')+1:]
	}
	return strings.Split(rest, "/")
}

func isList(path string) bool {
	p := parts(path)
	return len(p) == 1 && objectIn(path) != ""
}

// objectIn returns the object that a path names.
func objectIn(path string) string {
	name := parts(path)[0]
	if slices.ContainsFunc(objects(), func(o object) bool { return o.Name == name }) {
		return name
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
	if strings.HasSuffix(table, "det") { // the table of lines
		return linesName
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

// uniqueKey finds the name of the database's key that a value offends: 'uk_projet_ref'.
var uniqueKey = regexp.MustCompile(`for key '(?:[a-z0-9_]+\.)?([a-z0-9_]+)'`)

// keyIn returns the wire name of the unique field that such a key is named after, "" if
// there is none.
func keyIn(objectName, said string) string {
	found := uniqueKey.FindStringSubmatch(said)
	o, err := objectOf(objectName)
	if found == nil || err != nil {
		return ""
	}
	for _, f := range o.fields {
		if f.Unique && strings.HasSuffix(found[1], "_"+strings.TrimPrefix(f.column, "t.")) {
			return f.Name
		}
	}
	return ""
}
