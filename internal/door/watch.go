package door

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tandemhub/tandem/connector"
)

// A Watch fetches notifications from one vendor.
type Watch struct {
	Connection string
	Objects    []string
	// Ready returns who fetches, once the connection is known to be usable.
	Ready func(ctx context.Context) (connector.HintWatcher, error)
	Feed  func(ctx context.Context, connection string, d connector.Delivery) error
	Log   *slog.Logger
}

const (
	// watchAgain bounds the time until a feed is taken up again that broke.
	watchAgain = 5 * time.Minute
	// watchedWell is how long a feed must have held for its break to be the first one.
	watchedWell = 10 * time.Minute
)

// Run watches until ctx ends, and takes a feed that broke up again after a while. It returns
// earlier if the connection, as it is set up, has no feed.
func (w *Watch) Run(ctx context.Context) {
	failures := 0
	for {
		began := time.Now()
		err := w.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= watchedWell {
			failures = 0
		}
		pause := min(time.Second<<min(failures, 9), watchAgain)
		failures++
		if e := connector.ErrorOf(err); err != nil && e.Kind == connector.Unsupported && e.Scope == connector.ScopeConnection {
			w.Log.Info("the vendor's notifications are not fetched; its changes are read by the schedule", "connection", w.Connection, "why", err)
			return // another process, with other settings, may
		}
		if failures > 1 || err != nil {
			w.Log.Warn("the feed of a vendor's notifications broke; its changes are read by the schedule meanwhile",
				"connection", w.Connection, "again_in", pause.String(), "error", err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// watch follows a feed until it breaks. The channel has no room, and a delivery is received
// when the one before has been kept: so the place of the vendor moves on behind what is on disk.
func (w *Watch) watch(ctx context.Context) error {
	from, err := w.Ready(ctx)
	if err != nil {
		return err
	}
	hints := make(chan connector.Delivery)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(hints)
		return from.WatchHints(gctx, w.Objects, hints)
	})
	g.Go(func() error {
		for d := range hints {
			if len(d.Hints) == 0 && !d.Lost {
				continue // sent to learn that the one before has been kept
			}
			if err := w.Feed(gctx, w.Connection, d); err != nil {
				return err // which ends the feed
			}
		}
		return nil
	})
	return g.Wait()
}
