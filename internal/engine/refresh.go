package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// slicePages is how many pages of a sweep or a refresh one run reads, so that neither keeps
// what people have changed waiting. The next run goes on (R35).
const slicePages = 100

// relisted is how often all is listed of an object whose deleted records lie in a bin, even if it
// has no field to read again: what was erased is in no bin, and is missed by its absence only
// (R21). A week is soon enough for whoever asked to be forgotten, and cheap in slices.
const relisted = 7 * 24 * time.Hour

// refresh reads a side's records once more if that is due, because it has fields of which the
// vendor does not tell when they change: only a listing shows them (R35).
func (r *run) refresh(ctx context.Context, side record.Side) error {
	end := r.p.ends[side]
	if end.hosted() || r.refreshes(side) <= 0 {
		return nil
	}
	ctx = metered(ctx, r.calls[side])
	parts, err := partitions(ctx, end)
	if err != nil {
		return fmt.Errorf("refresh %s: %w", end.of, err)
	}
	for _, part := range parts {
		if err := r.refreshPart(ctx, side, part); err != nil {
			return fmt.Errorf("refresh %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
		}
	}
	return nil
}

// refreshes returns how often a side's records are read once more; 0 = never.
func (r *run) refreshes(side record.Side) time.Duration {
	every := r.p.ends[side].conn.plan.Refresh
	switch {
	case every <= 0 || r.silent(side):
		return every
	case r.p.ends[side].object.Deletes == record.EvidenceBin && len(r.p.wire[side]) > 0:
		return max(every, relisted)
	default:
		return 0
	}
}

func (r *run) silent(side record.Side) bool {
	return slices.ContainsFunc(r.p.wire[side], func(name string) bool {
		f, ok := r.p.ends[side].object.Field(name)
		return ok && f.Silent
	})
}

func (r *run) refreshPart(ctx context.Context, side record.Side, part string) error {
	end := r.p.ends[side]
	listed, err := r.e.store.Feed(ctx, end.of, part, store.FeedChanges)
	if err != nil {
		return fmt.Errorf("load feed: %w", err)
	}
	state, err := r.e.store.Feed(ctx, end.of, part, store.FeedRefresh)
	if err != nil {
		return fmt.Errorf("load feed: %w", err)
	}
	last := listed.ListedAt
	if state.ListedAt.After(last) {
		last = state.ListedAt
	}
	underWay := state.Began.After(listed.ListedAt) // else a full listing has done it meanwhile
	if last.IsZero() || !underWay && time.Since(last) < r.refreshes(side) {
		return nil
	}
	rd := reading{end: end, part: part, feed: store.FeedRefresh, fields: r.p.wire[side], print: listed.Fields,
		keys: r.keysOf(side), state: state, pages: r.e.slice}
	if !underWay {
		rd.state.Cursor, rd.state.Began = "", time.Now()
	}
	rd.state.ListedAt = last // whatever it does not show is suspect, the first time too
	return r.readOrRestart(ctx, side, &rd)
}
