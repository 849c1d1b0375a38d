package twin

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// Transport returns a RoundTripper that lets h answer in process, whatever host a request
// names, so that no byte leaves the machine and virtual time can pass. The handler runs in
// the goroutine of the caller and has returned before the answer is given; a handler that
// panics with [http.ErrAbortHandler] breaks the connection. A request ends when its context
// does, as far as the handler heeds it.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

// RoundTrip answers one request.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }() // the sender's own; the answer does not hang on it
	}
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := newAnswer()
	if err := serve(t.handler, a, req); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return a.response(req), nil
}

// serve runs the handler on the request as a server would see it.
func serve(h http.Handler, a *answer, req *http.Request) (err error) {
	b := &broken{err: errLost}
	r := req.Clone(context.WithValue(req.Context(), brokenKey{}, b))
	r.URL.Scheme, r.URL.Host, r.URL.User, r.URL.Fragment, r.URL.RawFragment = "", "", nil, "", ""
	r.RequestURI = r.URL.RequestURI()
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RemoteAddr = "127.0.0.1:0"
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.GetBody, r.Response = nil, nil
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		r.Body, r.ContentLength = http.NoBody, 0
	case r.ContentLength == 0:
		r.ContentLength = -1
	}
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = b.err
		default:
			panic(p) // the twin's own mistake: the test shall see it
		}
	}()
	h.ServeHTTP(a, r)
	return nil
}

// broken says how a connection broke, for a caller in process; on a socket all there is
// to see is that it did.
type broken struct{ err error }

type brokenKey struct{}

// abort breaks the connection of a request, in the one way that net/http's server, too,
// understands.
func abort(r *http.Request, err error) {
	if b, ok := r.Context().Value(brokenKey{}).(*broken); ok {
		b.err = err
	}
	panic(http.ErrAbortHandler)
}

// answer is a response under construction: the ResponseWriter of a twin's handler.
type answer struct {
	status int // 0 until the header is written
	header http.Header
	sent   http.Header // the header as it was when written
	body   bytes.Buffer
	cut    bool // only half of the body arrives
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

// Header returns the header, which may be changed until it is written.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader fixes status and header; like a server's, only the first one counts, and an
// informational one does not.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 || status < 200 {
		return
	}
	a.status, a.sent = status, a.header.Clone()
}

// Write adds to the body.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if !hasBody(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return a.body.Write(b)
}

// WriteString adds to the body.
func (a *answer) WriteString(s string) (int, error) {
	a.WriteHeader(http.StatusOK)
	if !hasBody(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return a.body.WriteString(s)
}

// Flush fixes the header; nothing leaves before the handler returns.
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }

func (a *answer) reset() { *a = answer{header: http.Header{}} }

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// finish fixes the header and adds what a server adds to it.
func (a *answer) finish() {
	a.WriteHeader(http.StatusOK)
	if !hasBody(a.status) {
		return
	}
	if a.body.Len() > 0 && a.sent.Get("Content-Type") == "" {
		a.sent.Set("Content-Type", http.DetectContentType(a.body.Bytes()))
	}
	if a.sent.Get("Content-Length") == "" {
		a.sent.Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
}

// bytes returns what arrives of the body.
func (a *answer) bytes() []byte {
	if a.cut {
		return a.body.Bytes()[:a.body.Len()/2]
	}
	return a.body.Bytes()
}

// response makes the answer the one to req, without copying the body.
func (a *answer) response(req *http.Request) *http.Response {
	a.finish()
	res := &http.Response{
		Status:     strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        a.sent,
		Body:          http.NoBody,
		ContentLength: int64(a.body.Len()),
		Request:       req,
	}
	if req.Method != http.MethodHead && a.body.Len() > 0 {
		res.Body = &body{ctx: req.Context(), rest: bytes.NewReader(a.bytes()), cut: a.cut}
	}
	return res
}

// send copies the answer to a server's connection.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	a.finish()
	h := w.Header()
	maps.Copy(h, a.sent)
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.bytes()) // a caller that is gone is no fault of the twin
	}
	if a.cut {
		_ = http.NewResponseController(w).Flush() // the half is to arrive before the cut
		abort(r, errLost)
	}
}

// body is a response's body that ends with its context, or in the middle.
type body struct {
	ctx  context.Context
	rest *bytes.Reader
	cut  bool
}

// Read reads what is left.
func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.rest.Read(p)
	if err == io.EOF && b.cut {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close does nothing: there is no connection to give back.
func (b *body) Close() error { return nil }
