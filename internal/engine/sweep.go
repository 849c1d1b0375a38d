package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/rest"
)

// proofBatch is how many suspicions are looked at in one go.
const proofBatch = 500

// sweep looks for deleted records of one side if that is due: by ids only, apart from the
// reading of changes (R35). It is due a day, or the connection's own interval, after
// everything was last listed or swept.
func (r *run) sweep(ctx context.Context, side record.Side, now bool) error {
	end := r.p.ends[side]
	if end.hosted() || end.object.Deletes != record.EvidenceListing && end.object.Deletes != record.EvidenceBin {
		return nil
	}
	ctx = metered(ctx, r.calls[side])
	parts, err := partitions(ctx, end)
	if err != nil {
		return fmt.Errorf("sweep %s: %w", end.of, err)
	}
	due := proofs{parts: len(parts)}
	for _, part := range parts {
		if err := r.sweepPart(ctx, side, part, now, &due); err != nil {
			return fmt.Errorf("sweep %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
		}
	}
	if err := r.prove(ctx, &due); err != nil {
		return fmt.Errorf("sweep %s: %w", end.of, r.e.spoil(ctx, end.conn, err))
	}
	return nil
}

func (r *run) sweepPart(ctx context.Context, side record.Side, part string, now bool, due *proofs) error {
	of := r.p.ends[side].of
	changes, err := r.e.store.Feed(ctx, of, part, store.FeedChanges)
	if err != nil {
		return fmt.Errorf("load feed: %w", err)
	}
	state, err := r.e.store.Feed(ctx, of, part, store.FeedSweep)
	if err != nil {
		return fmt.Errorf("load feed: %w", err)
	}
	last := changes.ListedAt
	if last.IsZero() {
		return nil
	}
	if r.p.ends[side].object.Deletes == record.EvidenceBin {
		last = r.complete[0] // however often all is listed, that does not show what is in the bin
	}
	if state.ListedAt.After(last) {
		last = state.ListedAt
	}
	every := r.p.ends[side].conn.plan.Sweep
	if due := every > 0 && !last.IsZero() && (time.Since(last) >= every || !state.Began.IsZero()); !now && !due {
		return nil
	}
	rd := reading{end: r.p.ends[side], part: part, feed: store.FeedSweep, fields: []string{}, keys: r.keysOf(side), state: state, due: due,
		partial: narrowedBy(changes.Fields) != ""}
	if rd.state.Began.IsZero() {
		rd.state.Cursor, rd.state.Began = "", time.Now()
	}
	if !now {
		rd.pages = r.e.slice
	}
	rd.state.ListedAt = last // whatever the sweep did not show is suspect, the first time too
	return r.readOrRestart(ctx, side, &rd)
}

// readOrRestart reads on, and from the beginning if the vendor has forgotten where that was.
func (r *run) readOrRestart(ctx context.Context, side record.Side, rd *reading) error {
	if rd.feed != store.FeedChanges || !rd.state.Began.IsZero() { // C5: what people do goes first
		ctx = rest.WithPriority(ctx, rest.Backfill)
	}
	err := r.readPages(ctx, side, rd)
	if connector.KindOf(err) != connector.Expired {
		return err
	}
	if err := r.hasNewest(ctx, rd.end.conn); err != nil { // R33: a vendor may have been restored to before that place
		return err
	}
	if err := r.e.store.ResetFeed(ctx, rd.end.of, rd.part, rd.feed); err != nil {
		return fmt.Errorf("reset feed: %w", err)
	}
	rd.whole()
	rd.state.Cursor, rd.state.Began = "", time.Now()
	return r.readPages(ctx, side, rd)
}

// proveGone takes the rows that a complete listing did not show and asks for each by id:
// absence is a suspicion, only the vendor's own word is proof (R21). One refusal among the
// answers cancels it all: then it is our sight that has changed, not the data.
func (r *run) proveGone(ctx context.Context, rd *reading, listing time.Time) error {
	switch rd.end.object.Deletes {
	case record.EvidenceListing:
	case record.EvidenceFeed: // what was told before a cursor expired is lost: a listing made anew has to prove it
	case record.EvidenceBin: // what was erased is in no bin, nor is what it did not keep until we looked
		if rd.feed == store.FeedSweep {
			return nil // of the bin: it shows nothing that is there
		}
	default:
		return nil
	}
	return r.proveUnseen(ctx, rd, listing)
}

func (r *run) proveUnseen(ctx context.Context, rd *reading, listing time.Time) error {
	after, there := "", 0
	for {
		ids, err := r.e.store.Unseen(ctx, rd.end.of, listing, after, proofBatch)
		if err != nil {
			return fmt.Errorf("find unseen records: %w", err)
		}
		if len(ids) == 0 {
			return r.leftOut(ctx, rd, there)
		}
		after = ids[len(ids)-1]
		if err := r.e.sameAccount(ctx, rd.end.conn, listing); err != nil {
			return err
		}
		changes, began, err := r.ask(ctx, rd, ids)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(changes, isHidden) {
			if without, err := r.goesOnWithout(ctx, rd); err != nil || !without {
				return errors.Join(err, r.cancelSweep(ctx, rd, changes))
			}
		}
		for _, c := range changes {
			if c.Fate == connector.Present {
				there++
			}
		}
		if err := r.stillThere(ctx, rd.end, changes); err != nil {
			return err
		}
		if _, err := r.e.store.SavePage(ctx, store.Page{Of: rd.end.of, Changes: r.mapped(rd.end.of, changes), Keys: rd.keys, Began: began}); err != nil {
			return fmt.Errorf("save proofs: %w", err)
		}
	}
}

// leftOut tells a person of a listing that left out records which are there: it is no proof of
// anything, and whoever else reads such listings may have taken them for deleted.
func (r *run) leftOut(ctx context.Context, rd *reading, there int) error {
	if rd.some { // in a part that was not listed
		return r.withdrawAbout(ctx, sightSubject(rd.end.of))
	}
	settled := []string{sightSubject(rd.end.of)}
	if there <= leastStrayed {
		settled = append(settled, listingSubject(rd.end.of))
	}
	if err := r.withdrawAbout(ctx, settled...); err != nil || there <= leastStrayed {
		return err
	}
	return r.askListing(ctx, rd, fmt.Sprintf("%s listed %s without %d records that are there when they are asked for by their ids: nothing is taken for deleted", rd.end.conn.spec.Title, rd.end.of, there),
		"nothing has to be done here; if it stays so, ask the vendor")
}

// showsNone tells a person of an object that is listed as if it had no record any more, where that proves
// nothing: they may be out of sight, and nothing that happens to them is seen (R21). What is said ends
// with the next listing that proves something.
func (r *run) showsNone(ctx context.Context, side record.Side, rd *reading) error {
	tally, err := r.e.store.Tally(ctx, r.p.Name)
	if err != nil {
		return err
	}
	if tally.Rows[side] == 0 {
		return nil
	}
	return r.askListing(ctx, rd, fmt.Sprintf("%s shows no record of %s any more, of %d that are known: they may be out of sight, and nothing is taken for deleted", rd.end.conn.spec.Title, rd.end.of, tally.Rows[side]),
		"give the user of the credential the right to see them; if people have deleted all of them, that is carried on as soon as there is another record")
}

// askListing shows what is wrong with the listings of an object.
func (r *run) askListing(ctx context.Context, rd *reading, text, fix string) error {
	f := store.Facts{Reviews: []store.Review{{ID: r.e.store.NewID(), Sync: r.p.Name, Kind: store.ReviewIdentity, Subject: listingSubject(rd.end.of), Opened: time.Now(),
		Text: text, Fix: fix, Choices: []string{"dismiss"}}}}
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, f); err != nil {
		return fmt.Errorf("open review: %w", err)
	}
	return nil
}

// sameAccount makes sure that it is still the account that was pinned whose records seem to
// be missing: behind another one, all of them would be (R33).
func (e *Engine) sameAccount(ctx context.Context, c *conn, since time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known.CheckedAt.Before(since) {
		if err := e.identify(ctx, c); err != nil {
			return err
		}
	}
	return c.problem
}

// ask reads suspects by id. A Forbidden answer counts as one that is out of our sight.
func (r *run) ask(ctx context.Context, rd *reading, ids []string) ([]connector.Change, time.Time, error) {
	began := time.Now()
	var all []connector.Change
	for chunk := range slices.Chunk(ids, max(1, rd.end.object.ReadBatch)) {
		changes, err := rd.end.conn.able.Reader.Read(ctx, rd.end.of.Name, chunk)
		if connector.KindOf(err) == connector.Forbidden {
			for _, id := range chunk {
				all = append(all, connector.Change{Record: record.Record{Ref: record.Ref{Object: rd.end.of.Name, ID: id}}, Fate: connector.Left})
			}
			continue
		}
		if err != nil {
			return nil, began, fmt.Errorf("read by id: %w", err)
		}
		all = append(all, changes...)
	}
	return all, began, nil
}

// cancelSweep leaves everything as it is and tells a person why. After a restore the care goes
// on then: nothing else will tell what was deleted since the backup (R34).
func (r *run) cancelSweep(ctx context.Context, rd *reading, asked []connector.Change) error {
	var hidden []string
	for _, c := range asked {
		if isHidden(c) && len(hidden) < leastBack {
			hidden = append(hidden, c.ID)
		}
	}
	fix := "give the user of the credential the right to see all records again"
	if r.restored != nil {
		r.unproven.Store(true)
		fix += "; a backup was restored, and until then nobody knows what was deleted since it was made: dismiss goes on without what is out of sight"
	}
	f := store.Facts{Reviews: []store.Review{{Sync: r.p.Name, Kind: store.ReviewIdentity, Subject: sightSubject(rd.end.of), Candidates: hidden,
		Text: fmt.Sprintf("%s no longer shows all records of %s, for example %s, although they exist: nothing is taken for deleted", rd.end.conn.spec.Title, rd.end.of, hidden[0]),
		Fix:  fix, Choices: []string{"dismiss"}, Opened: time.Now()}}}
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, f); err != nil {
		return fmt.Errorf("open review: %w", err)
	}
	return nil
}
