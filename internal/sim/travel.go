package sim

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"regexp"
	"time"
)

// slowest is the longest that a request is on its way, where several are at a time.
const slowest = 400 * time.Millisecond

// homes are the installation's name in keys of operations: it differs from life to life.
var homes = regexp.MustCompile("tandem-[0-9a-f]{10}-")

// travel lets a request be on its way for a time of its own, which follows from the seed and from
// what is asked, not from who came first. So the requests of several workers arrive one after the
// other, in an order that the seed decides, and their lives can be lived again.
func (w *world) travel(side int, r *http.Request) error {
	what := fmt.Sprint(side, r.Method, r.URL)
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		if err := r.Body.Close(); err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		what += string(body)
	}
	select {
	case <-r.Context().Done():
		return context.Cause(r.Context())
	case <-time.After(w.takes(what)):
		return nil
	}
}

// takes is how long a request is on its way. What was asked before takes another time.
func (w *world) takes(what string) time.Duration {
	what = homes.ReplaceAllString(what, "")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[what]++
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, w.set.Seed, w.asked[what], what) // a hash takes all
	return time.Duration(h.Sum64() % uint64(slowest))
}
