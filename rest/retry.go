package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/record"
)

type retrier struct {
	next    http.RoundTripper
	limits  *Limits
	retries int
	jitter  func(time.Duration) time.Duration
}

// RoundTrip repeats what certainly did not happen or harms nothing when repeated.
func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	replayable := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	var start time.Time
	away := false
	for n := 0; ; n++ {
		attempt, err := replay(req, n, away)
		if err != nil {
			return nil, err
		}
		res, err := r.next.RoundTrip(attempt)
		if start.IsZero() {
			start = time.Now()
		}
		if !again(ctx, req.Method, res, err) {
			return res, err
		}
		asked, wait := r.waitFor(res, n)
		limited := res != nil && res.StatusCode == http.StatusTooManyRequests
		if limited {
			r.pause(ctx, wait)
		}
		late := time.Since(start)+wait > longestWait || beyond(ctx, wait)
		most := r.retries
		if res == nil && isBrief(ctx) {
			most = min(most, 1)
		}
		if late || n >= most || !replayable {
			if limited && late && asked && !tripOf(ctx).asked {
				return nil, tooMany(req, res, wait)
			}
			return res, err
		}
		if res != nil {
			discard(res)
		}
		tripOf(ctx).sent = false // what may be repeated was not done, or harmed nothing
		if limited && r.limits != nil {
			away = true // the pause makes it wait, at the head of the queue
			continue
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// replay returns the request for its n-th repetition.
func replay(req *http.Request, n int, away bool) (*http.Request, error) {
	if n == 0 {
		return req, nil
	}
	ctx := context.WithValue(req.Context(), resentKey{}, n)
	if away {
		ctx = sentAway(ctx)
	}
	again := req.WithContext(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("repeat request: %w", err)
		}
		again.Body = body
	}
	return again, nil
}

// again reports whether the attempt may be repeated.
func again(ctx context.Context, method string, res *http.Response, err error) bool {
	if err != nil {
		var known *connector.Error // of our own pacing
		var cert *tls.CertificateVerificationError
		switch {
		case ctx.Err() != nil, errors.As(err, &known), errors.As(err, &cert):
			return false
		default:
			return neverSent(err) || isSafe(ctx, method)
		}
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return isSafe(ctx, method)
	default:
		return false
	}
}

// waitFor returns how long to wait before the repetition that follows attempt n, and
// whether the vendor asked for just that.
func (r *retrier) waitFor(res *http.Response, n int) (asked bool, wait time.Duration) {
	if res != nil {
		if d, ok := retryAfter(res.Header, time.Now()); ok && d > 0 {
			return true, d
		}
	}
	wait = time.Second << min(n, 6)
	return false, wait + r.jitter(wait/4)
}

// pause holds all calls back that cost what this one costs.
func (r *retrier) pause(ctx context.Context, d time.Duration) {
	named := false
	for name, units := range costOf(ctx) {
		if name != "" && units > 0 {
			r.limits.Pause(name, d)
			named = true
		}
	}
	if !named {
		r.limits.Pause("", d)
	}
}

// tooMany closes the answer and makes the error of it.
func tooMany(req *http.Request, res *http.Response, wait time.Duration) error {
	discard(res)
	return &connector.Error{
		Kind: connector.RateLimited, Scope: connector.ScopeConnection, Wait: wait,
		Err: fmt.Errorf("%s %s: too many requests, come back in %s", req.Method, req.URL.Path, record.Roughly(wait)),
	}
}

// discard reads a short rest of an answer, so that its connection can be used again.
func discard(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // whatever it is, nobody wants it
	_ = res.Body.Close()
}

// beyond reports whether a wait would outlast the context.
func beyond(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= wait
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// longestRetryAfter bounds what is believed of a header that a machine wrote.
const longestRetryAfter = 7 * 24 * time.Hour

// retryAfter reads the Retry-After header, in seconds or as a date
// (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). A date is compared with the
// vendor's own clock, if the answer tells that.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0, false
	}
	// Some vendors send fractions, which the RFC does not know.
	if s, err := strconv.ParseFloat(text, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		if !(s >= 0) { // negative or no number
			return 0, false
		}
		return time.Duration(min(s, longestRetryAfter.Seconds()) * float64(time.Second)), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longestRetryAfter), true
}
