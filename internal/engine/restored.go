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

// stillBack stops a run as long as nobody has said what became of the records that are gone. A
// vendor is restored as a whole: what one object shows stops all syncs of its connection, those of
// which nothing could be seen too.
func (r *run) stillBack(ctx context.Context) error {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewIdentity}, Open: true})
	if err != nil {
		return fmt.Errorf("load questions about vendors: %w", err)
	}
	for _, end := range r.p.ends {
		for _, item := range items {
			if strings.HasPrefix(item.Subject, restoredSubject(store.Object{Connection: end.of.Connection})) {
				return &RestoredError{Of: end.of, Text: item.Text}
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
