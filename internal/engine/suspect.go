package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// Merges of which the vendor does not say, or not wholly, what went into what (R24).

// mergedNowhere tells of a record that was merged into one that nobody names.
func (b *batch) mergedNowhere(ctx context.Context, d *draft, lost record.Side) error {
	if held, err := b.suspectMerge(ctx, d, lost); err != nil || held {
		return err
	}
	survivor := lost.Other()
	about := mergedSubject(d.link.ID)
	item, err := b.r.decision(ctx, about)
	if err != nil {
		return err
	}
	if item.Decision == "unlink" {
		b.closeLink(d.link, closedLost, "merged at the vendor, unlinked by a person")
		return nil
	}
	d.diverge(wholeRecord, lost.String()+" was merged into another record")
	b.store(d)
	if item.Decision == "dismiss" && item.Seen[lost] == d.rows[lost].Seq {
		return nil // nothing is new about the merge, whatever people do with the other record
	}
	b.review(store.Review{Kind: store.ReviewMerge, Subject: about, Link: d.link.ID, Side: survivor, Record: d.link.IDs[survivor], Seen: d.seen(),
		Text: fmt.Sprintf("%s/%s was merged into a record that %s does not name; %s/%s is left alone", b.r.p.ends[lost].of, d.link.IDs[lost],
			b.r.p.ends[lost].conn.spec.Title, b.r.p.ends[survivor].of, d.link.IDs[survivor]),
		Fix: "unlink the pair, so that the surviving record can be matched; it is not created anew", Choices: []string{"unlink", "dismiss"}})
	return nil
}

// suspectMerge holds a delete if another record holds the lost one's key: at a vendor that
// gives no pointer, a merge looks like that.
func (b *batch) suspectMerge(ctx context.Context, d *draft, lost record.Side) (bool, error) {
	ids, key, err := b.heirsByKey(ctx, lost, d.rows[lost])
	if err != nil {
		return false, err
	}
	item, err := b.r.decision(ctx, heldSubject(d.link.ID))
	if err != nil {
		return false, err
	}
	if slices.Contains(item.Candidates, item.Decision) && item.Kind == store.ReviewMerge {
		to := d.link.IDs
		to[lost] = item.Decision
		return true, b.follow(ctx, d.link, to)
	}
	if len(ids) == 0 {
		return false, nil
	}
	survivor := lost.Other()
	end := b.r.p.ends[lost]
	choices := append(slices.Clone(ids), "unlink")
	fix := "if it was merged, choose the record that it went into by its id; else keep the other record alone"
	if p := b.r.p.Delete[survivor]; (p == plan.DeleteDelete || p == plan.DeleteArchive) && b.r.p.Direction.Allows(survivor) && !b.optedOut(d.rows[survivor], survivor) {
		choices = append(choices, "delete")
		fix = "if it was merged, choose the record that it went into by its id; else keep the other record alone, or delete it too"
	}
	return true, b.hold(ctx, d, survivor, lost.String()+" is gone; maybe it was merged", store.Review{Kind: store.ReviewMerge, Candidates: ids,
		Text: fmt.Sprintf("%s/%s%s is gone, and %s/%s has the same %s: maybe the one was merged into the other, so %s/%s is not deleted", end.of, d.link.IDs[lost],
			called(d.rows[lost].Fields), end.of, ids[0], key, b.r.p.ends[survivor].of, d.link.IDs[survivor]),
		Fix:     fix,
		Choices: choices})
}

// heirsByKey finds the present records that hold the first key of a lost one that any holds.
func (b *batch) heirsByKey(ctx context.Context, side record.Side, row store.Row) ([]string, string, error) {
	of := b.r.p.ends[side].of
	keys := b.r.p.Mapping.Keys(side, row.Fields)
	for i, k := range keys {
		if k.Value == "" || k.Free {
			continue
		}
		key := store.Key{Name: k.Name, Value: k.Value}
		found, err := b.r.e.store.FindByKey(ctx, of, []store.Key{key})
		if err != nil {
			return nil, "", fmt.Errorf("look for the record that %s/%s may have been merged into: %w", of, row.ID, err)
		}
		rows, err := b.r.e.store.Rows(ctx, of, found[key])
		if err != nil {
			return nil, "", fmt.Errorf("load candidates: %w", err)
		}
		ids := slices.DeleteFunc(found[key], func(id string) bool {
			theirs := b.r.p.Mapping.Keys(side, rows[id].Fields)
			for j, mine := range keys[:i] { // R14: an earlier key that differs makes it another one
				if mine.Value != "" && theirs[j].Value != "" && mine.Value != theirs[j].Value {
					return true
				}
			}
			return id == row.ID
		})
		if len(ids) > 0 {
			return ids, k.Name, nil
		}
	}
	return nil, "", nil
}
