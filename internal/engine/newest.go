package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// R33: a vendor that was restored from a backup shows itself in two ways: it does not know the
// place up to which we have read, and records are not there that were. Whichever run of whichever
// sync comes upon either looks at the newest records of all objects of the connection before it
// takes anything of that into the mirror. What is not in the mirror is followed by nothing, and a
// run that is cut short there comes upon the same again.

// vouchedFor is how long a run relies on having seen the newest records of a connection.
const vouchedFor = 30 * time.Second

// lostNewest is how many of the highest ids of an object are not there any more.
type lostNewest struct {
	end end
	ids []string // the highest first
}

// hasNewest stops the run if a vendor has lost the newest records of a connection, many at once,
// and no person has said that they were deleted. Whether people have deleted them or a backup was
// restored cannot be told from here.
func (r *run) hasNewest(ctx context.Context, c *conn) error {
	c.mu.Lock()
	seen := time.Since(c.vouched) < vouchedFor && !c.vouched.Before(r.began)
	c.mu.Unlock()
	if seen || c.able.Reader == nil {
		return nil
	}
	began := time.Now()
	var all []lostNewest
	sum := 0
	for _, end := range r.e.rising(c) {
		ids, err := r.newestGone(ctx, end)
		if err != nil {
			return fmt.Errorf("look for the newest records of %s: %w", end.of, err)
		}
		if len(ids) > 0 {
			all, sum = append(all, lostNewest{end, ids}), sum+len(ids)
		}
	}
	if sum >= leastBack {
		return r.looksRestored(ctx, c, all, began)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vouched = began
	return nil
}

// rising are the objects of a connection that syncs read and of which ids only grow.
func (e *Engine) rising(c *conn) []end {
	var ends []end
	for _, p := range e.syncs {
		for _, one := range p.sights() {
			known := slices.ContainsFunc(ends, func(other end) bool { return other.of == one.of })
			if one.conn == c && one.object.Rising && !one.hosted() && !known {
				ends = append(ends, one)
			}
		}
	}
	return ends
}

// newestGone returns which of the highest ids that are known of an object, from the highest down to
// the first that is there, its vendor does not know, or knows as another record's by now. Those that
// were known when a person last said of such that they were deleted are left out, and so is what
// reads may not show yet (R3).
func (r *run) newestGone(ctx context.Context, end end) ([]string, error) {
	said, err := r.e.saidDeleted(ctx, end.of)
	if err != nil {
		return nil, err
	}
	rows, err := r.e.store.Newest(ctx, end.of, said, time.Now().Add(-end.object.ReadLag), maxChildren)
	if err != nil {
		return nil, err
	}
	var gone []string
	for some := range slices.Chunk(rows, leastBack) {
		ids := make([]string, len(some))
		for i, row := range some {
			ids[i] = row.ID
		}
		changes, _, err := r.ask(metered(ctx, r.calls[r.sideOf(end.conn)]), &reading{end: end}, ids)
		if err != nil {
			return nil, err
		}
		for i, row := range some {
			if i >= len(changes) || !notThere(row, changes[i]) {
				return gone, nil
			}
			gone = append(gone, row.ID)
		}
	}
	return gone, nil
}

// notThere reports whether a record is gone, or another one has its id.
func notThere(was store.Row, is connector.Change) bool {
	other := !was.Created.IsZero() && !is.Created.IsZero() && is.Created.Sub(was.Created).Abs() >= time.Minute
	return is.Fate == connector.Deleted || is.Fate == connector.Present && other
}

// sideOf is the side of the sync that a connection is.
func (r *run) sideOf(c *conn) record.Side {
	if r.p.ends[record.Left].conn == c {
		return record.Left
	}
	return record.Right
}

// saidDeleted is when a person last said that the newest records of an object, which were gone at
// once, were deleted by people; zero = never. Any sync of the connection may have asked.
func (e *Engine) saidDeleted(ctx context.Context, of store.Object) (time.Time, error) {
	about := restoredSubject(of)
	got, err := e.store.Decisions(ctx, "", []string{about})
	if err != nil {
		return time.Time{}, fmt.Errorf("load what was said of %s: %w", of, err)
	}
	if got[about].Decision != sayDeleted {
		return time.Time{}, nil
	}
	return got[about].Decided, nil
}

// looksRestored asks a person about each object of which many of the newest records are gone, or
// about that with the most, and stops the run. All objects of the connection are listed anew when
// it goes on: what a restored vendor holds has no stamp that would tell.
func (r *run) looksRestored(ctx context.Context, c *conn, all []lostNewest, began time.Time) error {
	if err := r.e.sameAccount(ctx, c, began); err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b lostNewest) int { return len(b.ids) - len(a.ids) })
	var f store.Facts
	for i, lost := range all {
		if i > 0 && len(lost.ids) < leastBack {
			break
		}
		f.Reviews = append(f.Reviews, r.restoredItem(lost))
	}
	back := &RestoredError{Of: all[0].end.of, Text: f.Reviews[0].Text}
	if r.dry != nil {
		return back
	}
	if err := r.listAnew(ctx, c); err != nil {
		return err
	}
	f.Sync = r.p.Name
	if err := r.e.store.Settle(ctx, nil, f); err != nil {
		return fmt.Errorf("open review: %w", err)
	}
	return back
}

// sayDeleted is what a person says of the newest records that are gone if people deleted them.
const sayDeleted = "deleted"

func (r *run) restoredItem(lost lostNewest) store.Review {
	of, title := lost.end.of, lost.end.conn.spec.Title
	return store.Review{ID: r.e.store.NewID(), Sync: r.p.Name, Kind: store.ReviewIdentity, Subject: restoredSubject(of), Candidates: lost.ids, Opened: time.Now(), Choices: []string{sayDeleted},
		Text: fmt.Sprintf("the %d newest records of %s, from id %s on, are gone at once: it looks restored from a backup, and nothing is taken for deleted until a person has looked",
			len(lost.ids), of, lost.ids[len(lost.ids)-1]),
		Fix: "if people deleted them, decide deleted and run tandem sync --sweep; if " + title + " was restored, bring the records back there first: new ones would get the same ids"}
}

// listAnew has all objects of a connection that syncs read listed once more.
func (r *run) listAnew(ctx context.Context, c *conn) error {
	for _, p := range r.e.syncs {
		for _, end := range p.sights() {
			if end.conn != c || end.hosted() {
				continue
			}
			if err := r.listAgain(ctx, end); err != nil {
				return err
			}
		}
	}
	return nil
}

// stillThere is asked before records that were there are taken for gone because a read by their
// ids does not show them: nobody has told that they were deleted.
func (r *run) stillThere(ctx context.Context, end end, changes []connector.Change) error {
	var gone []string
	for _, c := range changes {
		if c.Fate == connector.Deleted {
			gone = append(gone, c.ID)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	rows, err := r.e.store.Heads(ctx, end.of, gone)
	if err != nil {
		return fmt.Errorf("load what is gone: %w", err)
	}
	for _, row := range rows {
		if row.Fate == connector.Present {
			return r.hasNewest(ctx, end.conn)
		}
	}
	return nil
}
