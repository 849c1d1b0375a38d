package twin

import (
	"context"
	"net/http"
)

// VisitFaults are what goes wrong with a visit.
type VisitFaults struct {
	Forged  bool // the visitor gives another password
	Twice   bool // it sends every request two times
	Lost    int  // the answer to that request never arrives, and the visitor goes; 0 = all arrive
	Broken  int  // the visitor goes before it sends that request; 0 = it does not
	Unsaid  bool // it carries out what it fetched, and never says so
	Padding int  // so many bytes are added to each request
}

// A Visitor is a twin whose vendor visits us to exchange records.
type Visitor interface {
	// Visit makes one visit to an address, in the goroutine of the caller, and returns the
	// statuses that were answered. A visit that was cut short by a fault is no error.
	Visit(ctx context.Context, through http.RoundTripper, address string, f VisitFaults) ([]int, error)
}
