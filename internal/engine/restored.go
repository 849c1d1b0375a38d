package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// leastBack is how many of the highest ids have to be missing at once for a vendor to look
// restored. A few at the top are what people delete in a day's work; these the guard sees to.
const leastBack = 10

// A RestoredError says that a vendor looks as if it was restored from a backup: all of its
// newest records are gone at once, and their ids will be given to other records (R33).
type RestoredError struct {
	Of   store.Object
	Text string
}

func (e *RestoredError) Error() string { return e.Text }

func restoredSubject(of store.Object) string { return "restored " + of.String() }
func sightSubject(of store.Object) string    { return "sight of " + of.String() }
func listingSubject(of store.Object) string  { return "listing of " + of.String() }

// stillBack stops a run as long as nobody has said what became of the records that are gone, and
// they are not back. A vendor is restored as a whole: what one object shows stops all syncs of its
// connection, those of which nothing could be seen too; a sync of that object finds out whether its
// records are back. What a person was told of records out of sight goes when these are in sight.
func (r *run) stillBack(ctx context.Context) error {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewIdentity}, Open: true, Limit: maxLost})
	if err != nil {
		return fmt.Errorf("load questions about vendors: %w", err)
	}
	for _, side := range record.Sides() {
		of := r.p.ends[side].of
		for _, item := range items {
			switch {
			case item.Subject == restoredSubject(of):
				back, err := r.cameBack(ctx, side, item.Candidates)
				switch {
				case err != nil:
					return err
				case !back:
					return &RestoredError{Of: of, Text: item.Text}
				}
			case strings.HasPrefix(item.Subject, restoredSubject(store.Object{Connection: of.Connection})):
				return &RestoredError{Of: of, Text: item.Text}
			case item.Subject == sightSubject(of):
				if !r.inSight(ctx, side, item.Candidates) {
					continue
				}
			default:
				continue
			}
			if err := r.lookAnew(ctx, side, item.Subject); err != nil {
				return err
			}
		}
	}
	return nil
}

// cameBack reports whether the records are there again of which a vendor seemed to have lost all.
// Another one under the same id is what was feared (R33): it was made at another time, or, where
// the vendor tells none, has another key.
func (r *run) cameBack(ctx context.Context, side record.Side, ids []string) (bool, error) {
	changes, known := r.askAbout(ctx, side, ids)
	if !known {
		return false, nil
	}
	rows, err := r.e.store.Rows(ctx, r.p.ends[side].of, ids)
	if err != nil {
		return false, fmt.Errorf("load the records that were gone: %w", err)
	}
	for _, c := range changes {
		if c.Fate != connector.Present || !r.sameRecord(side, rows[c.ID], c.Record) {
			return false, nil
		}
	}
	return true, nil
}

func (r *run) sameRecord(side record.Side, was store.Row, is record.Record) bool {
	if !was.Created.IsZero() && !is.Created.IsZero() {
		return is.Created.Sub(was.Created).Abs() < time.Minute
	}
	now := r.p.Mapping.Keys(side, is.Fields)
	for i, k := range r.p.Mapping.Keys(side, was.Fields) {
		if k.Value != "" && k.Value == now[i].Value {
			return true
		}
	}
	return false
}

// inSight reports whether records that were out of sight are not any more.
func (r *run) inSight(ctx context.Context, side record.Side, ids []string) bool {
	changes, known := r.askAbout(ctx, side, ids)
	return known && !slices.ContainsFunc(changes, isHidden)
}

func isHidden(c connector.Change) bool { return c.Fate == connector.Left }

// askAbout reads what an item names; a vendor that cannot say now leaves the item as it is.
func (r *run) askAbout(ctx context.Context, side record.Side, ids []string) (changes []connector.Change, known bool) {
	end := r.p.ends[side]
	if len(ids) == 0 || end.conn.able.Reader == nil {
		return nil, false
	}
	changes, _, err := r.ask(metered(ctx, r.calls[side]), &reading{end: end}, ids)
	return changes, err == nil && len(changes) == len(ids)
}

// lookAnew ends what was asked, and has all of the object listed once more: what was read in
// the meantime proves nothing, and what a restored vendor holds has no stamp that would tell.
func (r *run) lookAnew(ctx context.Context, side record.Side, about string) error {
	if err := r.listAgain(ctx, r.p.ends[side]); err != nil {
		return err
	}
	return r.withdrawAbout(ctx, about)
}

func (r *run) listAgain(ctx context.Context, end end) error {
	parts, err := partitions(metered(ctx, r.calls[r.sideOf(end.conn)]), end)
	if err != nil {
		return fmt.Errorf("list the parts of %s: %w", end.of, err)
	}
	for _, part := range parts {
		if err := r.e.store.ResetFeed(ctx, end.of, part, store.FeedChanges); err != nil {
			return fmt.Errorf("list %s anew: %w", end.of, err)
		}
	}
	return nil
}

// withdrawAbout takes back what was asked about an object as a whole, by whichever sync of it.
func (r *run) withdrawAbout(ctx context.Context, subjects ...string) error {
	for _, about := range subjects {
		items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewIdentity}, About: about, Open: true})
		if err != nil {
			return fmt.Errorf("load questions about vendors: %w", err)
		}
		for _, item := range items {
			if err := r.e.store.Settle(ctx, nil, store.Facts{Sync: item.Sync, Close: []string{about}}); err != nil {
				return fmt.Errorf("take back a question: %w", err)
			}
		}
	}
	return nil
}
