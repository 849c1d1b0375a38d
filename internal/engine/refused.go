package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// notTaken tells the merge of a set what of it a vendor has not taken, or has no way to take: it is
// sent again with what a side changes (R2). The journal has it as it was sent; of the bases alone
// nobody could say which side did not take it, nor what a side holds that is nobody's business.
func (b *batch) notTaken(ctx context.Context, d *draft, i int, in *merge.Field) error {
	f := b.r.p.Mapping.Fields()[i]
	why := d.noted[f.Key]
	if !in.Set || why != cannotEmpty && why != cannotChange && !strings.HasPrefix(why, refusedBecause) {
		return nil
	}
	of := b.r.p.ends[record.Left].of
	lines, err := b.r.e.store.History(ctx, store.HistoryQuery{Connection: of.Connection, Object: of.Name, Record: d.link.IDs[record.Left], Kinds: []store.EntryKind{store.Refused}})
	if err != nil {
		return fmt.Errorf("look for what was refused: %w", err)
	}
	for _, e := range slices.Backward(lines) {
		for _, to := range record.Sides() {
			own := fieldOn(f, to)
			if e.Of == b.r.p.ends[to].of && e.Record == d.link.IDs[to] && e.Field == own.Name {
				in.Refused[to] = merge.Unsent{Was: plainOf(own, e.Old), Sent: plainOf(own, e.New)}
				return nil
			}
		}
	}
	return nil
}

// plainOf is a value without the vendor's ids of its elements (R12).
func plainOf(f record.Field, v record.Value) record.Value {
	if f.Kind != record.KindList {
		return v
	}
	return f.Plain(v)
}
