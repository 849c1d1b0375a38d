package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tandemhub/tandem/connector"
)

// Stream makes a call whose answer is too long to be held: each reads the JSON of a 2xx
// answer piece by piece, and what it leaves unread is dropped. Errors are as those of
// [API.Do], except that a broken answer is not asked for again, since each may have used
// what came of it; an error of each's own is returned as it is. Classify does not see a
// 2xx with JSON, and there is no cap.
func (a API) Stream(ctx context.Context, c Call, each func(*json.Decoder) error) error {
	safe := isSafe(ctx, c.Method)
	r, res, err := a.send(ctx, c, safe, &trip{asked: true, streamed: true})
	if err != nil {
		return a.scrub(err)
	}
	defer func() { _ = res.Body.Close() }() // what was read stands, whatever closing says
	other := wantJSON(res.Header)
	if other != nil || r.Status < 200 || r.Status > 299 {
		return a.scrub(a.refused(ctx, r, res, safe, other))
	}
	body := &reader{Reader: res.Body}
	d := json.NewDecoder(body)
	d.UseNumber()
	err = each(d)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case body.err != nil:
		err = fmt.Errorf("read answer: %w: %w", errBrokeOff, body.err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("decode answer: %w: %w", errBrokeOff, err)
	case errors.As(err, &syntax):
		err = fmt.Errorf("%w: %w", errNotJSON, err)
	default:
		return a.scrub(err)
	}
	return a.scrub(a.settle(ctx, r, safe, err))
}

// refused returns what an answer means that has no JSON to stream.
func (a API) refused(ctx context.Context, r *Response, res *http.Response, safe bool, other error) error {
	r.Body, _ = io.ReadAll(io.LimitReader(res.Body, 1<<20)) // part of an excuse will do
	if err := a.classify(r, safe); err != nil {
		return err
	}
	if other == nil { // 304
		return nil
	}
	return a.settle(ctx, r, safe, other)
}

// reader remembers what broke it.
type reader struct {
	io.Reader
	err error
}

// Read reads on.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF { // a reader's end comes bare
		r.err = err
	}
	return n, err
}

// Open makes a call whose 2xx answer is bytes of any type and length, and returns them to be
// read and closed; until then ctx must live. Errors are as those of [API.Do] until the answer
// begins; later ones come from Read, and mean as a rule that the answer broke off. Classify
// does not see a 2xx, and there is no cap. Call.Into is of no use here.
func (a API) Open(ctx context.Context, c Call) (*Response, io.ReadCloser, error) {
	safe := isSafe(ctx, c.Method)
	if c.Header == nil {
		c.Header = http.Header{}
	}
	if c.Header.Get("Accept") == "" {
		c.Header = c.Header.Clone()
		c.Header.Set("Accept", "*/*")
	}
	r, res, err := a.send(ctx, c, safe, &trip{asked: true, streamed: true})
	if err != nil {
		return r, nil, a.scrub(err)
	}
	if r.Status < 200 || r.Status > 299 {
		defer func() { _ = res.Body.Close() }() // what was read stands, whatever closing says
		return r, nil, a.scrub(a.refused(ctx, r, res, safe, errNotJSON))
	}
	return r, &body{ReadCloser: res.Body, api: a, r: r}, nil
}

// body makes errors of what breaks an answer off.
type body struct {
	io.ReadCloser
	api API
	r   *Response
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF || errors.Is(err, context.Canceled) {
		return n, err
	}
	return n, b.api.scrub(&connector.Error{
		Kind: connector.Unavailable, Scope: connector.ScopeRecord,
		Err: fmt.Errorf("%s %s: %w: %w", b.r.Method, b.r.Path, errBrokeOff, withoutURL(err)),
	})
}
