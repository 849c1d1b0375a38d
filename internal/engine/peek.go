package engine

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// maxPeek is how many pages of changes are looked through; with more to come, a run is due
// before anything can be called drifted.
const maxPeek = 50

// places loads how far the changes of one side have been read.
func (v *verifier) places(ctx context.Context, side record.Side) (map[string]store.Feed, error) {
	parts, err := partitions(metered(ctx, v.r.calls[side]), v.r.p.ends[side])
	if err != nil {
		return nil, fmt.Errorf("list the parts of %s: %w", v.r.p.ends[side].of, err)
	}
	feeds := make(map[string]store.Feed, len(parts))
	for _, part := range parts {
		if feeds[part], err = v.r.e.store.Feed(ctx, v.r.p.ends[side].of, part, store.FeedChanges); err != nil {
			return nil, fmt.Errorf("load feed: %w", err)
		}
	}
	return feeds, nil
}

// peek asks both sides which records have changed since the mirror was last brought up to
// date, and remembers nothing of it: feeds may be replayed (C4). A change that a read by id
// shows and that the feed does not tell of, is one that no run would ever see.
func (v *verifier) peek(ctx context.Context, s *sight) error {
	for _, side := range record.Sides() {
		told, err := v.peekSide(ctx, side, s)
		if err != nil {
			return fmt.Errorf("read changes of %s: %w", v.r.p.ends[side].of, v.r.e.spoil(ctx, v.r.p.ends[side].conn, err))
		}
		s.told[side] = told
	}
	return nil
}

func (v *verifier) peekSide(ctx context.Context, side record.Side, s *sight) (map[string]bool, error) {
	told := map[string]bool{}
	all := func() map[string]bool { // nothing can be said: whatever differs may have been told of
		for id := range s.rows[side] {
			told[id] = true
		}
		return told
	}
	end := v.r.p.ends[side]
	ctx = metered(ctx, v.r.calls[side])
	for part, feed := range s.feeds[side] {
		if feed.Cursor == "" || !feed.Began.IsZero() || end.conn.able.Source == nil || end.hosted() {
			return all(), nil
		}
		cursor := feed.Cursor
		for page := 0; ; page++ {
			got, err := end.conn.able.Source.Changes(ctx, connector.Query{Object: end.of.Name, Partition: part, Cursor: cursor, Fields: v.r.p.wire[side]})
			if connector.KindOf(err) == connector.Expired || page == maxPeek {
				return all(), nil
			}
			if err != nil {
				return nil, err
			}
			for _, c := range got.Changes {
				told[c.ID] = true
			}
			if cursor = got.Next; !got.More {
				break
			}
		}
	}
	return told, nil
}
