package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tandemhub/tandem/connector"
)

// GiveOut takes the first n operations of a sync on an object whose vendor fetches them, and
// marks them as sent, which is durable before it returns (R16). Creates come first and deletes
// last (R30). What was given out and has no result is given out again; a create only if again
// says that the vendor knows it by its key. SentAt stays what it was the first time: from then
// on the operation may have taken effect.
func (s *Store) GiveOut(ctx context.Context, sync string, target Object, again bool, n int, now time.Time) ([]Op, error) {
	var ops []Op
	err := s.write(ctx, fmt.Sprintf("give out operations of %s", target), func(t *tx) error {
		ops = nil
		if err := t.s.knowNames(t.ctx, t.run); err != nil {
			return err
		}
		var first, ids []int64
		err := t.each(`SELECT `+opColumns+` FROM outbox WHERE sync = ? AND object = ? AND state IN ('ready', 'sent', 'unknown') AND not_before <= ?
			AND (state = 'ready' OR verb <> ? OR ?) ORDER BY CASE verb WHEN 'create' THEN 0 WHEN 'restore' THEN 1 WHEN 'update' THEN 2
			WHEN 'archive' THEN 4 WHEN 'delete' THEN 5 ELSE 3 END, id LIMIT ?`,
			args(s.names.sync(sync).id, s.names.object(target), micros(now), string(connector.Create), again, n), func(scan scanner) error {
				o, err := s.scanOp(scan)
				ids = append(ids, o.ID)
				if o.State == OpReady {
					o.SentAt = fromMicros(micros(now))
					first = append(first, o.ID)
				}
				o.Attempts++
				ops = append(ops, o)
				return err
			})
		if err != nil || len(ids) == 0 {
			return err
		}
		if len(first) > 0 {
			if _, err := t.exec(`UPDATE outbox SET sent_at = ? WHERE `+s.d.in("id"), micros(now), s.d.list(first)); err != nil {
				return err
			}
		}
		_, err = t.exec(`UPDATE outbox SET state = 'sent', attempts = attempts + 1 WHERE `+s.d.in("id"), s.d.list(ids))
		return err
	})
	return ops, err
}
