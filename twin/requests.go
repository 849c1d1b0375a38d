package twin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Call is one request that a twin received.
type Call struct {
	Method string
	Path   string
	Query  string // as sent, without the question mark
	Status int    // of the answer; 0 if none left
	At     time.Time
	Fault  string // the kind of the fault that struck; "" if none did
}

const (
	keepCalls    = 1000 // the last calls, whole
	keepPaths    = 5000 // distinct methods and paths that are counted apart
	keepUnknowns = 1000
)

type route struct{ method, path string }

// requestLog has the last calls in a ring and counts all of them.
type requestLog struct {
	ring   []*Call
	next   int
	counts map[route]int
}

// arrive counts a request and returns its entry in the log, written down when it leaves.
func (k *Kit) arrive(r *http.Request) *Call {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := &k.requests
	if l.counts == nil {
		l.counts = map[route]int{}
	}
	l.counts[l.route(r.Method, r.URL.Path)]++
	return &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, At: time.Now().Add(k.skew)}
}

// route returns where to count a request: its path or, when too many paths are counted, a
// folder above it. Every step up has room of its own, so that the folders of very many
// records are counted apart.
func (l *requestLog) route(method, path string) route {
	at := route{method, path}
	for room := keepPaths; len(l.counts) >= room; room += keepPaths {
		i := strings.LastIndexByte(at.path, '/')
		if _, known := l.counts[at]; known || i < 0 {
			break
		}
		at.path = at.path[:i]
	}
	return at
}

func (k *Kit) leave(c *Call) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := &k.requests
	if len(l.ring) < keepCalls {
		l.ring = append(l.ring, c)
		return
	}
	l.ring[l.next] = c
	l.next = (l.next + 1) % keepCalls
}

// Calls returns the last 1000 requests, in the order in which they were answered.
func (k *Kit) Calls() []Call {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := &k.requests
	calls := make([]Call, 0, len(l.ring))
	for i := range l.ring {
		calls = append(calls, *l.ring[(l.next+i)%len(l.ring)])
	}
	return calls
}

// Count returns how many requests with that method arrived so far whose path begins with
// pathPrefix; "" = any. When more than 5000 distinct paths have been asked for, a further
// one counts for a path above it.
func (k *Kit) Count(method, pathPrefix string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for at, count := range k.requests.counts {
		if (method == "" || method == at.method) && strings.HasPrefix(at.path, pathPrefix) {
			n += count
		}
	}
	return n
}

// Unknown records that a request named something that the twin does not know: an
// endpoint, a parameter, a field. The twin then answers as the vendor does.
func (k *Kit) Unknown(r *http.Request, what string) {
	line := fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, what)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.unknowns) < keepUnknowns && !slices.Contains(k.unknowns, line) {
		k.unknowns = append(k.unknowns, line)
	}
}

// Unknowns returns each thing that the twin did not know, once. A test that finds any
// fails: either the connector asks for what the vendor does not have, or the twin lacks it.
func (k *Kit) Unknowns() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.unknowns)
}
