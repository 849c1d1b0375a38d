package twin

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A FaultKind is something that goes wrong at a vendor.
type FaultKind string

// The kinds of faults. A lost reply, a truncated body and a refused connection look in
// process as they do on a socket, and cut the connection there.
const (
	FaultRateLimit        FaultKind = "rate limit"         // 429; the handler does not run
	FaultUnavailable      FaultKind = "unavailable"        // 503; the handler does not run
	FaultUnauthorized     FaultKind = "unauthorized"       // 401; the handler does not run
	FaultHTML             FaultKind = "html"               // 200 with a web page; the handler does not run
	FaultRefuse           FaultKind = "refuse"             // connection refused; the handler does not run
	FaultErrorAfterCommit FaultKind = "error after commit" // 500 although the handler ran
	FaultLostReply        FaultKind = "lost reply"         // the connection breaks after the handler ran
	FaultTruncate         FaultKind = "truncate"           // the connection breaks after half of the body; a lost reply if there is none
	FaultSlow             FaultKind = "slow"               // the handler runs at once, its answer is late
)

// A Fault is something that goes wrong with some requests. Which ones depends on nothing
// but the order in which the requests that match arrive.
type Fault struct {
	Kind   FaultKind
	Method string // "" = any
	Path   string // prefix of the URL's path; "" = any
	After  int    // let so many matching requests pass first
	Every  int    // then strike every n-th matching request; 0 and 1 = each
	Times  int    // strike at most so often; 0 = for ever
	// Wait is how late a slow answer is, and what Retry-After a rate limit or an
	// unavailable vendor asks for, in whole seconds rounded up; 0 = no such header.
	Wait time.Duration
}

// An Injected is a fault at work.
type Injected struct {
	kit   *Kit
	fault Fault
	seen  int
	hits  int
}

// Inject puts a fault to work. Of several that would strike one request the first
// injected does; slowness adds to any other.
func (k *Kit) Inject(f Fault) *Injected {
	i := &Injected{kit: k, fault: f}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.faults = append(k.faults, i)
	return i
}

// Hits returns how often the fault struck.
func (i *Injected) Hits() int {
	i.kit.mu.Lock()
	defer i.kit.mu.Unlock()
	return i.hits
}

// Remove ends the fault; its hits stay known.
func (i *Injected) Remove() {
	i.kit.mu.Lock()
	defer i.kit.mu.Unlock()
	i.kit.faults = slices.DeleteFunc(i.kit.faults, func(x *Injected) bool { return x == i })
}

// strike is what befalls one request.
type strike struct {
	kind FaultKind
	wait time.Duration
	slow time.Duration
}

// strike counts the request with every fault that it matches and says what befalls it.
func (k *Kit) strike(r *http.Request) strike {
	k.mu.Lock()
	defer k.mu.Unlock()
	var s strike
	for _, i := range k.faults {
		if !i.due(r) {
			continue
		}
		switch {
		case i.fault.Kind == FaultSlow:
			s.slow += i.fault.Wait
			if s.kind == "" {
				s.kind = FaultSlow
			}
		case s.kind == "" || s.kind == FaultSlow:
			s.kind, s.wait = i.fault.Kind, i.fault.Wait
		default:
			continue
		}
		i.hits++
	}
	return s
}

func (i *Injected) due(r *http.Request) bool {
	f := i.fault
	if f.Method != "" && f.Method != r.Method || !strings.HasPrefix(r.URL.Path, f.Path) {
		return false
	}
	i.seen++
	n := i.seen - f.After
	if n <= 0 || f.Every > 1 && n%f.Every != 0 {
		return false
	}
	return f.Times == 0 || i.hits < f.Times
}

// spoil answers with the fault, in the vendor's form if there is one.
func (k *Kit) spoil(a *answer, r *http.Request, s strike) {
	if k.Encode != nil {
		k.Encode(a, r, s.kind, s.wait)
	}
	if a.status == 0 {
		encodeFault(a, s.kind, s.wait)
	}
}

func encodeFault(w http.ResponseWriter, kind FaultKind, wait time.Duration) {
	if kind == FaultHTML {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<title>Sign in</title>\n<p>Please sign in.</p>\n")
		return
	}
	status := http.StatusInternalServerError
	switch kind {
	case FaultRateLimit:
		status = http.StatusTooManyRequests
	case FaultUnavailable:
		status = http.StatusServiceUnavailable
	case FaultUnauthorized:
		status = http.StatusUnauthorized
	}
	if wait > 0 && kind != FaultErrorAfterCommit {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(wait.Seconds()), 'f', 0, 64))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":%q}`, http.StatusText(status))
}

// What a broken connection looks like to the caller.
var (
	errRefused = fmt.Errorf("connect: %w", syscall.ECONNREFUSED)
	errLost    = io.ErrUnexpectedEOF
)
