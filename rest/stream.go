package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
