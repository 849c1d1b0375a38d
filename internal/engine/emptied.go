package engine

import (
	"context"
	"fmt"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// unlessEmptied decides a conflict over a reference that is empty at one side because the record that it
// led to was deleted there. Its vendor has emptied it, and no person: what people have chosen on the other
// side holds, whatever is preferred, and nobody is asked. The journal tells of it as overruled all the
// same, since a person may have emptied it before that record went (invariant 7).
func (b *batch) unlessEmptied(ctx context.Context, d *draft, i int, in merge.Field, out merge.Outcome) (merge.Outcome, error) {
	key := b.r.p.Mapping.Fields()[i].Key
	if !out.Conflict || b.r.restored != nil || d.link.Diverged[key] == waitsSinceRestore { // R34: what was edited since a backup a person decides
		return out, nil
	}
	for _, side := range record.Sides() {
		own, f := in.Cells[side], fieldOn(b.r.p.Mapping.Fields()[i], side)
		if f.To == "" || in.Set || !own.HasBase || own.Base.IsEmpty() || !own.Value.IsEmpty() {
			continue
		}
		if said, err := b.saidOf(ctx, d, key, in); err != nil || said {
			return out, err
		}
		cut, waits, err := b.cutOffNow(ctx, d, side, f, own)
		switch {
		case err != nil:
			return out, err
		case waits:
			return merge.Outcome{State: merge.StateUnknown}, nil
		case !cut:
			continue
		}
		in.Prefer = merge.Prefer(side.Other().String())
		if kept := merge.One(in, d.times); kept.Lost != nil && kept.Lost.Side == side {
			kept.Conflict, kept.Rule = false, fmt.Sprintf("%s is empty because what it led to was deleted", side)
			return kept, nil
		}
	}
	return out, nil
}

// saidOf reports whether a person has decided between exactly these values.
func (b *batch) saidOf(ctx context.Context, d *draft, key string, in merge.Field) (bool, error) {
	was, err := b.r.decision(ctx, subject(d.link.ID, key))
	return was.Decision != "" && was.Values[0].Equal(in.Cells[0].Value) && was.Values[1].Equal(in.Cells[1].Value), err
}

// cutOffNow is cutOff for what nobody need have noticed yet: a deleted record that the mirror still has is
// asked for by its id, and the pair decided about then.
func (b *batch) cutOffNow(ctx context.Context, d *draft, side record.Side, f record.Field, own merge.Cell) (cut, waits bool, err error) {
	if cut, err = b.cutOff(ctx, side, f, own.Base, own.Value); cut || err != nil {
		return cut, false, err
	}
	end, known := b.r.p.ends[side], true
	if of := (store.Object{Connection: end.of.Connection, Name: f.To}); of != end.of {
		end, known = b.r.readElsewhere(of)
	}
	return false, known && b.r.wantOf(end, side, own.Base.Text(), store.Spot{Side: b.side, ID: d.link.IDs[b.side]}), nil
}
