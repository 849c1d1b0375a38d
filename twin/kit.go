package twin

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Kit is what all twins have in common: the clock, latency, faults, the log of
// requests and the ledger. All methods may be called at the same time, except that
// Encode is set before the first request.
//
// A twin embeds it through an alias of its own, because a field called Kit would hide
// the method of that name:
//
//	type kit = twin.Kit
//
//	type account struct {
//		*kit
//		…
//	}
type Kit struct {
	// Encode answers a fault in the vendor's own form: FaultRateLimit, FaultUnavailable,
	// FaultErrorAfterCommit, FaultHTML and FaultUnauthorized. A kind for which it writes
	// nothing gets the kit's plain answer, and so do all if Encode is nil. wait is how
	// long the answer shall ask to wait, 0 = it says nothing of that.
	Encode func(w http.ResponseWriter, r *http.Request, kind FaultKind, wait time.Duration)

	latency time.Duration
	ledger  *Ledger

	mu       sync.Mutex
	skew     time.Duration
	faults   []*Injected
	before   []func(*http.Request)
	after    []func(*http.Request)
	requests requestLog
	unknowns []string
}

// NewKit returns a kit for one twin.
func NewKit(o Options) *Kit {
	k := &Kit{latency: o.Latency}
	k.ledger = &Ledger{now: k.Now}
	return k
}

// Kit returns k, so that whatever embeds a kit has the method that [Twin] asks for.
func (k *Kit) Kit() *Kit { return k }

// Now is the time by the vendor's clock.
func (k *Kit) Now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Add(k.skew)
}

// Skew sets how far the vendor's clock is ahead of ours; it is behind if d is negative.
func (k *Kit) Skew(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.skew = d
}

// Ledger returns the account of who did what to which record.
func (k *Kit) Ledger() *Ledger { return k.ledger }

// Before adds a hook that runs inside every request that reaches the handler, before the
// handler sees it: a person's edit that comes in between. It must leave the body alone.
func (k *Kit) Before(f func(*http.Request)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.before = append(k.before, f)
}

// After adds a hook that runs inside every request that reached the handler, when what it
// asked for has been applied and the answer has not yet left.
func (k *Kit) After(f func(*http.Request)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.after = append(k.after, f)
}

// Wrap puts the kit around a twin's handler. Every request is logged; takes the latency
// of the options; meets the faults that are injected; and is answered with the Date of
// the vendor's clock. The answer leaves when next has returned, so next cannot stream.
func (k *Kit) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := k.arrive(r)
		s := k.strike(r)
		entry.Fault = string(s.kind)
		defer func() { k.leave(entry) }()

		pause(r, k.latency)
		a, inProcess := w.(*answer)
		if !inProcess {
			a = newAnswer()
		}
		k.answer(a, r, next, s)
		pause(r, s.slow)
		if s.kind == FaultLostReply {
			abort(r, errLost)
		}
		entry.Status = a.code()
		if !inProcess {
			a.send(w, r)
		}
	})
}

// answer lets the handler and the fault fill a.
func (k *Kit) answer(a *answer, r *http.Request, next http.Handler, s strike) {
	a.Header().Set("Date", k.Now().UTC().Format(http.TimeFormat))
	switch s.kind {
	case FaultRefuse:
		abort(r, errRefused)
	case FaultRateLimit, FaultUnavailable, FaultUnauthorized, FaultHTML:
		k.spoil(a, r, s)
		return
	}
	k.mu.Lock()
	before, after := slices.Clone(k.before), slices.Clone(k.after)
	k.mu.Unlock()
	for _, f := range before {
		f(r)
	}
	next.ServeHTTP(a, r)
	for _, f := range after {
		f(r)
	}
	switch s.kind {
	case FaultErrorAfterCommit:
		a.reset()
		a.Header().Set("Date", k.Now().UTC().Format(http.TimeFormat))
		k.spoil(a, r, s)
	case FaultTruncate:
		if a.body.Len() == 0 {
			abort(r, errLost) // there is nothing to cut but the reply
		}
		a.cut = true
	}
}

// pause waits within a request. It ends the request if the caller gives up meanwhile.
func pause(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	if err := sleep(r.Context(), d); err != nil {
		abort(r, err)
	}
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
