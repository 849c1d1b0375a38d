package twin

import (
	"context"
	"net/http"
)

// HookFaults are what goes wrong with notifications on their way to us.
type HookFaults struct {
	Twice     bool // each arrives two times
	Backwards bool // the last one arrives first
	Forged    bool // they are signed with another secret than the vendor's
	Lost      bool // the vendor takes them for delivered, and they never arrive
}

// A Notifier is a twin whose vendor calls us when something has changed.
type Notifier interface {
	// Deliver sends what has happened since it was last called to those who asked for it, one
	// request after the other and all in the goroutine of the caller, and returns the statuses
	// that were answered. What is not answered with a 2xx is sent again by the next Deliver.
	Deliver(ctx context.Context, through http.RoundTripper, f HookFaults) ([]int, error)
}
