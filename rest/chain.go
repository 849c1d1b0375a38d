package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/tandemhub/tandem/record"
)

// outer is the end of the chain that the caller holds.
type outer struct {
	next   http.RoundTripper
	scrub  *scrubber
	limits *Limits
	bottom http.RoundTripper
}

// RoundTrip hides below what the vendor's answer and its errors must not show: secrets,
// and the request as it was signed, whose address net/http puts into its own errors.
func (o *outer) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := o.next.RoundTrip(req)
	if err != nil {
		return nil, o.scrub.err(err)
	}
	res.Request = req
	if to := res.Header.Get("Location"); to != "" {
		res.Header.Set("Location", o.scrub.text(to)) // some vendors repeat the key in it
	}
	return res, nil
}

// CloseIdleConnections passes the wish on to the transport.
func (o *outer) CloseIdleConnections() {
	if c, ok := o.bottom.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// errTooLong is what reading a body beyond the cap gives.
var errTooLong = errors.New("the answer is longer than allowed")

type capper struct {
	next http.RoundTripper
	most int64
}

// RoundTrip caps the body of the answer, as it is after decompression.
func (c *capper) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(req)
	if err == nil && !tripOf(req.Context()).streamed {
		res.Body = &cappedBody{ReadCloser: res.Body, left: c.most}
	}
	return res, err
}

type cappedBody struct {
	io.ReadCloser
	left int64
}

// Read reads one byte more than allowed, to know whether there is one.
func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, errTooLong
	}
	return n, err
}

type pacer struct {
	next   http.RoundTripper
	limits *Limits
}

// RoundTrip sends the request when the limits have room, and gives its place in those on
// calls at a time back when the answer has been read.
func (p *pacer) RoundTrip(req *http.Request) (*http.Response, error) {
	done, err := p.limits.Wait(req.Context(), costOf(req.Context()))
	if err != nil {
		closeBody(req)
		return nil, err
	}
	res, err := p.next.RoundTrip(req)
	if err != nil {
		done()
		return nil, err
	}
	res.Body = &watchedBody{ReadCloser: res.Body, done: done}
	return res, nil
}

type counter struct {
	next   http.RoundTripper
	scrub  *scrubber
	log    *slog.Logger
	onCall func(CallInfo)
}

// RoundTrip tells of the attempt.
func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	res, err := c.next.RoundTrip(req)
	info := CallInfo{Method: req.Method, Duration: time.Since(start), Class: classOf(err)}
	logs := c.log.Enabled(req.Context(), slog.LevelDebug)
	if c.onCall == nil && !logs {
		return res, err
	}
	info.Path = c.scrub.text(req.URL.Path)
	if res != nil {
		info.Status = res.StatusCode
		if res.StatusCode >= 400 {
			info.Class = "status"
		}
	}
	if c.onCall != nil {
		c.onCall(info)
	}
	if logs {
		c.log.LogAttrs(req.Context(), slog.LevelDebug, "request",
			slog.String("method", info.Method), slog.String("path", info.Path),
			slog.Int("status", info.Status), slog.Duration("took", info.Duration), slog.String("class", info.Class))
	}
	return res, err
}

func classOf(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "broken"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	default:
		return "network"
	}
}

// sender is the end of the chain that the vendor sees.
type sender struct {
	next    http.RoundTripper
	base    *url.URL
	baseErr error
	sign    func(*http.Request)
	links   bool // links may lead to other hosts
}

// RoundTrip turns the request to the base's origin and signs it, and gives the attempt up
// when the vendor falls silent.
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.baseErr != nil {
		closeBody(req)
		return nil, s.baseErr
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(silence, func() { cancel(errSilent) })
	done := sync.OnceFunc(func() {
		timer.Stop()
		cancel(nil)
	})
	out := req.Clone(ctx)
	elsewhere := s.links && followsLink(ctx) && out.URL.Scheme == "https"
	if s.base != nil && !elsewhere {
		out.URL.Scheme, out.URL.Host, out.Host = s.base.Scheme, s.base.Host, ""
		if s.sign != nil && !hasOwnCredential(ctx) {
			s.sign(out)
		}
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "Tandem")
	}
	trip := tripOf(req.Context())
	res, err := s.next.RoundTrip(out)
	if err != nil {
		trip.sent = !neverSent(err)
		err = silent(ctx, err)
		done()
		return nil, err
	}
	trip.sent = true
	timer.Reset(silence)
	res.Body = &watchedBody{ReadCloser: res.Body, done: done, ctx: ctx, timer: timer}
	return res, nil
}

// silenceError says that the vendor sent nothing for too long.
type silenceError struct{}

func (silenceError) Error() string { return "nothing came for " + record.Roughly(silence) }
func (silenceError) Timeout() bool { return true }

var errSilent error = silenceError{}

// silent tells an attempt that we gave up from one that the caller did.
func silent(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// neverSent reports whether the vendor certainly has not seen the request.
func neverSent(err error) bool {
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &cert):
		return true
	case errors.As(err, &op):
		return op.Op == "dial" || op.Op == "proxyconnect"
	default:
		return false
	}
}

// closeBody keeps a RoundTripper's promise for a request that goes no further.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a request body in memory: closing it cannot fail
	}
}

// watchedBody calls done when the body has ended or is closed, and with a timer gives up
// when nothing comes. done may be called more than once.
type watchedBody struct {
	io.ReadCloser
	done  func()
	ctx   context.Context // nil without timer
	timer *time.Timer
	end   error // what ended the body: after done the context is no more
}

// Read reads on.
func (b *watchedBody) Read(p []byte) (int, error) {
	if b.end != nil {
		return 0, b.end
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err != nil:
		if b.ctx != nil && err != io.EOF { //nolint:errorlint // a reader's end comes bare
			err = silent(b.ctx, err)
		}
		b.end = err
		b.done()
	case b.timer != nil:
		b.timer.Reset(silence)
	}
	return n, err
}

// Close closes the body.
func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	b.done()
	return err
}
