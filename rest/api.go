package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// An API makes calls to one vendor and turns whatever comes back into a value or a
// [*connector.Error]. It is a value: a connector makes one per connection.
type API struct {
	HTTP *http.Client // as lent by the hub
	Base string       // what paths are put after; no slash at its end
	// Classify says what an answer means to the vendor: an error, best a
	// *connector.Error, or nil for what the status alone says. It sees every answer, a
	// 2xx and one that is no JSON too. The API adds method, path and status, the wait of
	// Retry-After, and the scope if there is none: the connection for an Unauthorized,
	// Unavailable or RateLimited, else the record. It makes Unavailable Ambiguous for a
	// write's 5xx other than 503.
	Classify func(*Response) error
	Accept   string // "" = application/json
}

// A Call is one request.
type Call struct {
	Method string // "" = GET
	// Path is put after the API's base, its parts escaped by the caller; a query in it
	// stays. A whole address, as vendors give for the next page, is used with its path
	// and query, at the base's origin.
	Path   string
	Query  url.Values
	Header http.Header
	Body   any        // sent as JSON; a []byte is sent as it is; nil = none
	Form   url.Values // sent as a form if Body is nil
	Into   any        // where the JSON of a 2xx answer goes; numbers into an any become json.Number
	Raw    bool       // take a 2xx answer as it is, whatever its type
}

// A Response is an answer, whole.
type Response struct {
	Status int // 0 if none came
	Header http.Header
	Body   []byte
	Sent   bool   // the vendor may have seen the request
	Method string // of the request
	Path   string // of the request, without query
}

// Limits returns the limits of the account that the client keeps to, so that a connector
// can correct them by what an answer says. It may be nil, which is of use all the same.
func (a API) Limits() *Limits {
	if o := chainOf(a.HTTP); o != nil {
		return o.limits
	}
	return nil
}

// repeats is how often an answer that broke off is asked for again.
const repeats = 2

// Do makes a call. Success is a 2xx that Classify takes for one, with JSON in it if it is
// not empty. Everything else is an error, and the response is never nil:
//
//   - no answer, or one that breaks off: Unavailable of the whole connection if the call is
//     safe (reads and what [WithSafe] marks; a broken answer is asked for again twice),
//     Ambiguous if it is a write that the vendor may have seen;
//   - an answer that is no success: what Classify says, else [DefaultKind] of the status; a
//     write's 5xx is Ambiguous, except a 503 with Retry-After;
//   - a 2xx that is not JSON, such as a web page: Unavailable, for a write Ambiguous;
//   - a cancelled context: its error, as it is.
func (a API) Do(ctx context.Context, c Call) (*Response, error) {
	safe := isSafe(ctx, c.Method)
	for n := 0; ; n++ {
		r, err := a.once(ctx, c, safe)
		wait := time.Second << n
		if !errors.Is(err, errBrokeOff) || !safe || n == repeats || beyond(ctx, wait) {
			return r, a.scrub(err)
		}
		if err := sleep(ctx, wait); err != nil {
			return r, a.settle(ctx, r, safe, err)
		}
	}
}

// errBrokeOff marks an answer that came in part only.
var errBrokeOff = errors.New("the answer breaks off")

func (a API) once(ctx context.Context, c Call, safe bool) (*Response, error) {
	r, res, err := a.send(ctx, c, safe, &trip{asked: true})
	if err != nil {
		return r, err
	}
	defer func() { _ = res.Body.Close() }() // what was read stands, whatever closing says
	if r.Body, err = readBody(res); err != nil && (r.Status < 400 || r.Status >= 500 || ctx.Err() != nil) {
		return r, a.settle(ctx, r, safe, err)
	} // a 4xx needs no whole body: nothing was done
	if err := a.classify(r, safe); err != nil {
		return r, err
	}
	if c.Raw || r.Method == http.MethodHead || r.Status == http.StatusNotModified {
		return r, nil
	}
	if err := decodeJSON(r, c.Into); err != nil {
		return r, a.settle(ctx, r, safe, err)
	}
	return r, nil
}

// send sends the call and returns the open answer.
func (a API) send(ctx context.Context, c Call, safe bool, t *trip) (*Response, *http.Response, error) {
	r := &Response{Method: c.Method}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	req, err := a.request(withTrip(ctx, t), r.Method, c)
	if err != nil {
		return r, nil, &connector.Error{Kind: connector.Invalid, Err: fmt.Errorf("make request: %w", withoutURL(err))}
	}
	r.Path = req.URL.Path
	res, err := a.HTTP.Do(req)
	if err != nil {
		err = withoutURL(err)
		r.Sent = t.sent || chainOf(a.HTTP) == nil && !neverSent(err)
		return r, nil, a.settle(ctx, r, safe, err)
	}
	r.Status, r.Header, r.Sent = res.StatusCode, res.Header, true
	return r, res, nil
}

// settle makes the error of a call that got no whole answer.
func (a API) settle(ctx context.Context, r *Response, safe bool, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if known, ok := errors.AsType[*connector.Error](err); ok {
		return known
	}
	e := &connector.Error{
		Kind: connector.Unavailable, Scope: connector.ScopeConnection,
		Err: fmt.Errorf("%s %s: %w", r.Method, r.Path, err),
	}
	switch {
	case !safe && r.Sent:
		e.Kind, e.Scope = connector.Ambiguous, connector.ScopeRecord // R16
	case errors.Is(err, errTooLong):
		e.Kind, e.Scope, e.Fix = connector.Unsupported, connector.ScopeObject, "ask for less at a time"
	}
	switch {
	case errors.Is(err, errNotJSON):
		e.Fix = rightAddress
	case neverSent(err):
		e.Fix = "is the address right, its certificate trusted, and the vendor up?"
	}
	return a.scrub(e)
}

// classify returns what the answer means, nil for success.
func (a API) classify(r *Response, safe bool) error {
	var said error
	if a.Classify != nil {
		said = a.Classify(r)
	}
	byStatus := defaultError(r, safe)
	if said == nil {
		if byStatus == nil {
			return nil
		}
		return byStatus
	}
	e := *connector.ErrorOf(said)
	if e.Scope == "" {
		e.Scope = widest(e.Kind)
	}
	if e.Wait == 0 {
		e.Wait, _ = retryAfter(r.Header, time.Now())
	}
	if e.Kind == connector.Unavailable && !safe && r.Status >= 500 && r.Status != http.StatusServiceUnavailable {
		e.Kind, e.Scope = connector.Ambiguous, connector.ScopeRecord // R16
	}
	e.Err = fmt.Errorf("%s %s: %d: %w", r.Method, r.Path, r.Status, cause(said))
	return &e
}

// cause is what a classified error says apart from what is kept of it.
func cause(said error) error {
	if e, ok := said.(*connector.Error); ok { //nolint:errorlint // what wraps it is part of the cause
		if e.Err == nil {
			return errors.New(strings.ReplaceAll(string(e.Kind), "_", " "))
		}
		return e.Err
	}
	return said
}

// scrub takes out the secrets that the client knows.
func (a API) scrub(err error) error {
	if o := chainOf(a.HTTP); o != nil {
		return o.scrub.err(err)
	}
	return err
}

func (a API) request(ctx context.Context, method string, c Call) (*http.Request, error) {
	address, err := a.address(c, followsLink(ctx))
	if err != nil {
		return nil, err
	}
	var body io.Reader
	kind := ""
	switch b := c.Body.(type) {
	case nil:
		if c.Form != nil {
			body, kind = strings.NewReader(c.Form.Encode()), "application/x-www-form-urlencoded"
		}
	case []byte:
		body = bytes.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("encode body: %w", err)
		}
		body, kind = bytes.NewReader(encoded), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", a.Accept)
	if a.Accept == "" {
		req.Header.Set("Accept", "application/json")
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, values := range c.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return req, nil
}

func (a API) address(c Call, link bool) (string, error) {
	address := a.Base + c.Path
	switch {
	case strings.HasPrefix(c.Path, "http://"), strings.HasPrefix(c.Path, "https://"):
		address = c.Path
	case c.Path != "" && c.Path[0] != '/' && c.Path[0] != '?':
		address = a.Base + "/" + c.Path
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	if base, err := url.Parse(a.Base); err == nil && base.Host != "" && !link {
		u.Scheme, u.Host, u.User = base.Scheme, base.Host, nil // C9
	}
	if len(c.Query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += c.Query.Encode()
	}
	return u.String(), nil
}

// withoutURL drops the address, whose query is nobody's business, from an error of
// net/http or net/url.
func withoutURL(err error) error {
	if address, ok := errors.AsType[*url.Error](err); ok {
		return address.Err
	}
	return err
}

// readBody reads the body whole; what came before an error is returned with it.
func readBody(res *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if n := res.ContentLength; n > 0 && n < 8<<20 { // what a header claims is not allocated blindly
		b.Grow(int(n) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(res.Body); err != nil {
		if errors.Is(err, errTooLong) {
			return b.Bytes(), err
		}
		return b.Bytes(), fmt.Errorf("read answer: %w: %w", errBrokeOff, err)
	}
	return b.Bytes(), nil
}

// errNotJSON marks an answer that is whole and something else.
var errNotJSON = errors.New("the answer is not JSON")

// decodeJSON reads the answer's JSON into a value, which may be nil.
func decodeJSON(r *Response, into any) error {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		if into == nil || r.Status != http.StatusOK && r.Status != http.StatusCreated {
			return nil
		}
		return fmt.Errorf("%w: it is empty", errBrokeOff)
	}
	if err := wantJSON(r.Header); err != nil {
		return err
	}
	if into == nil {
		into = new(json.RawMessage)
	}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return notJSON(err)
	}
	if _, err := d.Token(); err != io.EOF { // Token returns it bare
		return fmt.Errorf("%w: something follows it", errNotJSON)
	}
	return nil
}

// notJSON tells an answer cut short from one that is something else.
func notJSON(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("decode answer: %w: %w", errBrokeOff, err)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: %w", errNotJSON, err)
	default:
		return fmt.Errorf("decode answer: %w", err)
	}
}

// wantJSON reports an answer whose type says that it is something else.
func wantJSON(h http.Header) error {
	text := h.Get("Content-Type")
	if text == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(text)
	if err != nil && kind == "" {
		kind, _, _ = strings.Cut(text, ";")
	}
	kind = strings.ToLower(strings.TrimSpace(kind))
	if kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json") {
		return nil
	}
	return fmt.Errorf("%w but %s", errNotJSON, kind)
}

// failure says what the vendor answered, in short.
func (r *Response) failure() error {
	text := fmt.Sprintf("%s %s: %d", r.Method, r.Path, r.Status)
	if name := http.StatusText(r.Status); name != "" {
		text += " " + strings.ToLower(name)
	}
	if to := r.Header.Get("Location"); to != "" && r.Status >= 300 && r.Status < 400 {
		if u, err := url.Parse(to); err == nil && u.Host != "" {
			text += fmt.Sprintf(", to %s://%s", u.Scheme, u.Host)
		}
	}
	if said := excerpt(r); said != "" {
		text += ": " + said
	}
	return errors.New(text)
}

// excerpt returns the beginning of what a vendor says about an error, on one line;
// nothing of a web page.
func excerpt(r *Response) string {
	const most = 200
	body := bytes.TrimSpace(r.Body)
	if len(body) == 0 || body[0] == '<' || strings.Contains(r.Header.Get("Content-Type"), "html") {
		return ""
	}
	cut := len(body) > 4*most
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 4*most)]), "")), " ")
	if letters := []rune(text); len(letters) > most {
		text, cut = string(letters[:most]), true
	}
	if cut {
		text += " …"
	}
	return text
}
