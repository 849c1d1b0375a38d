package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
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

// stillBack stops a run as long as nobody has said what became of the records that are gone, and
// they are not back. A vendor is restored as a whole: what one object shows stops all syncs of its
// connection, those of which nothing could be seen too; a sync of that object finds out whether its
// records are back. What a person was told of records out of sight goes when these are in sight.
func (r *run) stillBack(ctx context.Context) error {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewIdentity}, Open: true})
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
	end := r.p.ends[side]
	parts, err := partitions(metered(ctx, r.calls[side]), end)
	if err != nil {
		return fmt.Errorf("list the parts of %s: %w", end.of, err)
	}
	for _, part := range parts {
		if err := r.e.store.ResetFeed(ctx, end.of, part, store.FeedChanges); err != nil {
			return fmt.Errorf("list %s anew: %w", end.of, err)
		}
	}
	return r.withdrawAbout(ctx, about)
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

// wentBack stops the run if a complete listing shows none of the highest ids that are known,
// many at once, and the vendor says that they do not exist. Whether people have deleted its
// newest records, or a backup was restored, cannot be told from here.
func (r *run) wentBack(ctx context.Context, rd *reading, listing time.Time) error {
	if !rd.end.object.Rising {
		return nil
	}
	missing, top, err := r.beyondTop(ctx, rd, listing)
	if err != nil || len(missing) < leastBack {
		return err
	}
	about := restoredSubject(rd.end.of)
	item, err := r.decision(ctx, about)
	if err != nil || item.Decision == "deleted" && !item.Decided.Before(rd.state.ListedAt) {
		return err
	}
	if err := r.e.sameAccount(ctx, rd.end.conn, listing); err != nil {
		return err
	}
	changes, _, err := r.ask(ctx, rd, missing[:leastBack])
	if err != nil || slices.ContainsFunc(changes, func(c connector.Change) bool { return c.Fate != connector.Deleted }) {
		return err // the proofs of all will tell
	}
	back := &RestoredError{Of: rd.end.of, Text: fmt.Sprintf("the %d newest records of %s, all beyond id %s, are gone at once: "+
		"it looks restored from a backup, and nothing is taken for deleted until a person has looked", len(missing), rd.end.of, top)}
	f := store.Facts{Reviews: []store.Review{{Sync: r.p.Name, Kind: store.ReviewIdentity, Subject: about, Candidates: missing[:min(len(missing), maxChildren)], Opened: time.Now(),
		Text: back.Error(), Choices: []string{"deleted"},
		Fix: "if people deleted them, decide deleted and run tandem sync --sweep " + r.p.Name + "; if " + rd.end.conn.spec.Title +
			" was restored, bring the records back there first: new ones would get the same ids"}}}
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, f); err != nil {
		return fmt.Errorf("open review: %w", err)
	}
	return back
}

// beyondTop returns the ids that the listing did not show and that are higher than all that
// it showed, and the highest of these.
func (r *run) beyondTop(ctx context.Context, rd *reading, listing time.Time) ([]string, string, error) {
	top, err := r.e.store.TopID(ctx, rd.end.of, listing)
	if err != nil {
		return nil, "", err
	}
	highest, err := strconv.ParseInt(top, 10, 64)
	if err != nil {
		return nil, "", nil //nolint:nilerr // nothing is left, or ids are no numbers: that is for the guard
	}
	var missing []string
	for after := ""; ; {
		ids, err := r.e.store.Unseen(ctx, rd.end.of, listing, after, proofBatch)
		if err != nil {
			return nil, "", fmt.Errorf("find unseen records: %w", err)
		}
		if len(ids) == 0 {
			return missing, top, nil
		}
		after = ids[len(ids)-1]
		for _, id := range ids {
			if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > highest {
				missing = append(missing, id)
			}
		}
	}
}
