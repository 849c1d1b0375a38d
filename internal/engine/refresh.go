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

// refresh reads a side's records once more if that is due, because it has fields of which the
// vendor does not tell when they change: only a listing shows them (R35).
func (r *run) refresh(ctx context.Context, side record.Side) error {
	end := r.p.ends[side]
	if end.hosted() || end.conn.plan.Refresh <= 0 || !r.silent(side) {
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
	if last.IsZero() || !underWay && time.Since(last) < end.conn.plan.Refresh {
		return nil
	}
	rd := reading{end: end, part: part, feed: store.FeedRefresh, fields: r.p.wire[side], print: listed.Fields,
		keys: r.keysOf(side), state: state, pages: r.e.slice}
	if !underWay {
		rd.state.Cursor, rd.state.Began = "", time.Now()
	}
	return r.readOrRestart(ctx, side, &rd)
}
