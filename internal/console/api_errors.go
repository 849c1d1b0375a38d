package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// errBusy says that an engine works, and for how long nobody knows.
var errBusy = errors.New("an engine works")

// patience is how long an operation waits until nothing else works.
const patience = 20 * time.Second

// borrow lends an engine to an operation that calls vendors, once nothing else works. Whoever waits
// for a run is told soon to come again; what has begun is not hurried.
func (c *console) borrow(ctx context.Context, fn func(context.Context, *engine.Engine) error) error {
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timer := time.AfterFunc(patience, func() { stop(errBusy) })
	defer timer.Stop()
	err := c.hub.Borrow(waiting, func(ctx context.Context, e *engine.Engine) error {
		if !timer.Stop() {
			return errBusy
		}
		return fn(ctx, e)
	})
	if err != nil && errors.Is(context.Cause(waiting), errBusy) {
		return errBusy
	}
	return err
}

// apiError makes a problem of what programs can do something about; the details are those of the
// command line.
func (c *console) apiError(err error, r *http.Request) error {
	if p, ok := told(err, c.now()); ok {
		return p
	}
	text := err.Error()
	of := func(status int, key string) error { return &problem{status: status, key: key, detail: text} }
	var unknown *jsonl.UnknownError
	var named *jsonl.NameError
	var edit *engine.EditError
	var change *engine.NoChangeError
	var noSync *engine.NoSyncError
	var unsettled *engine.UnderWayError
	var problems plan.Problems
	switch {
	case errors.As(err, &unknown), errors.As(err, &change), errors.As(err, &noSync):
		return of(http.StatusNotFound, "error.notfound")
	case errors.As(err, &named), errors.As(err, &edit):
		return of(http.StatusUnprocessableEntity, "error.input")
	case errors.As(err, &unsettled):
		return of(http.StatusConflict, "error.busy")
	case errors.Is(err, store.ErrDecided):
		return of(http.StatusConflict, "error.decided")
	case errors.Is(err, jsonl.ErrNoDeals):
		return of(http.StatusNotFound, "error.notfound")
	case errors.As(err, &problems), errors.Is(err, ErrNoKey):
		return of(http.StatusConflict, "error.unusable")
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded) && r.Context().Err() != nil:
		return &problem{status: http.StatusServiceUnavailable, key: "error.busy", wait: 30}
	}
	if x, ok := errors.AsType[*connector.Error](err); ok {
		return &problem{status: http.StatusBadGateway, key: "error.vendor", detail: text, wrong: []wrongPart{{Where: string(x.Kind), What: x.Fix}}}
	}
	return err
}

// badInput is a problem with one part of a request.
func badInput(where, what string) error {
	return &problem{status: http.StatusUnprocessableEntity, key: "error.input", wrong: []wrongPart{{Where: where, What: what}}}
}

// A list is one page of many things.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"the cursor of the next page; absent on the last one"`
}

// Paging is what every list can be asked.
type Paging struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500" doc:"at most so many"`
	Cursor string `query:"cursor" doc:"next of the page before"`
}

// from reads the cursor of a list of Numbered things; 0 = from the beginning.
func (p Paging) from() (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.Cursor, 10, 64)
	if err != nil || n <= 0 {
		return 0, badInput("query.cursor", "it is none that was given")
	}
	return n, nil
}

// listOf makes a page of up to one more than were asked for: the last one says that there is more.
func listOf[S, T any](p Paging, found []S, tell func(S) T, number func(S) int64) list[T] {
	out := list[T]{Items: []T{}}
	for i, x := range found {
		if i == p.Limit {
			out.Next = strconv.FormatInt(number(found[i-1]), 10)
			break
		}
		out.Items = append(out.Items, tell(x))
	}
	return out
}
