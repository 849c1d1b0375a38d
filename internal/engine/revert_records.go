package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// life says how a record goes, or comes back, as a whole.
func (b *revertBatch) life(ctx context.Context, l store.Link, e store.Entry) (unit, error) {
	u := unit{RevertItem: b.v.item(e, RevertNothing), link: l.ID}
	row := b.rows[e.Side][l.IDs[e.Side]]
	u.Title, u.State = title(row.Fields), RevertDo
	there := row.ID != "" && row.Fate == connector.Present
	_, before := lives(e.Kind)
	if there == before {
		u.State, u.Kind = RevertAlready, RevertArchive
		if before {
			u.Kind = RevertRestore
		}
		return u, nil
	}
	if before {
		b.comeback(&u, l, row)
		return u, nil
	}
	return u, b.removal(ctx, &u, l, e)
}

// removal takes a record away that we created or brought back, unless a person has made it
// their own since.
func (b *revertBatch) removal(ctx context.Context, u *unit, l store.Link, e store.Entry) error {
	object := b.v.r.p.ends[u.Side].object
	switch {
	case object.Archive:
		u.Kind = RevertArchive
	case object.Delete && e.Kind == store.Created:
		u.Kind = RevertDelete
	default:
		u.Kind, u.State, u.Why = RevertDelete, RevertCannot, u.Of.String()+" cannot be archived or deleted with this credential"
		return nil
	}
	if b.another(l, u.Side) { // its partner would be taken for one whose record was deleted
		u.State, u.Why = RevertCannot, "it has another partner by now; unlink that first"
		return nil
	}
	why, err := b.touched(l, u.Side, e)
	if err != nil {
		return err
	}
	if why != "" {
		u.Why = why
		if !b.v.q.Force {
			u.State = RevertEdited
			return nil
		}
	}
	if u.Kind == RevertDelete {
		return b.wouldTake(ctx, u)
	}
	return nil
}

// wouldTake holds a delete that would take other records along (R23), by force too.
func (b *revertBatch) wouldTake(ctx context.Context, u *unit) error {
	for _, c := range b.v.r.p.ends[u.Side].object.Cascades {
		ids, err := b.v.r.e.store.Children(ctx, store.Object{Connection: u.Of.Connection, Name: c.Object}, childKey(c.Field, u.ID), maxChildren)
		if err != nil {
			return fmt.Errorf("find children: %w", err)
		}
		if len(ids) > 0 {
			u.State, u.Why = RevertCannot, fmt.Sprintf("deleting it would take %d %s with it; revert those first", len(ids), c.Object)
			return nil
		}
	}
	return nil
}

// touched finds a sign that a person has worked on a record since we made it: a field that
// differs from what was agreed, or one whose edit was carried to the other side.
func (b *revertBatch) touched(l store.Link, side record.Side, made store.Entry) (string, error) {
	fields := b.rows[side][l.IDs[side]].Fields
	for i, f := range b.v.r.p.Mapping.Fields() {
		base, ok := l.Base[side][f.Key]
		if _, expected := l.Expected[side][f.Key]; !ok || expected {
			continue
		}
		own, known, err := b.v.r.p.Mapping.Own(i, side, fields, b.refs)
		if err != nil {
			return "", fmt.Errorf("field %s: %w", f.Key, err)
		}
		if known && !own.Equal(base) {
			return fmt.Sprintf("%s was edited since: it holds %q", fieldOn(f, side).Name, own), nil
		}
	}
	for _, e := range b.lines[l.ID] {
		if e.ID > made.ID && e.Kind == store.Written && e.Side == side.Other() && e.Run != made.Run && !strings.HasPrefix(e.Why, store.RevertOf) {
			return fmt.Sprintf("it was edited since: %s was carried to %s (change %d)", e.Field, e.Of, e.ID), nil
		}
	}
	return "", nil
}

// comeback brings a record back that we took away: with its id where the system can, else a
// person is asked whether it shall be created anew from its last state.
func (b *revertBatch) comeback(u *unit, l store.Link, row store.Row) {
	object := b.v.r.p.ends[u.Side].object
	switch {
	case row.Fate == connector.Left:
		u.Kind, u.State, u.Why = RevertRestore, RevertCannot, "it is out of sight of this credential"
	case row.Fate == connector.Merged || row.Fate == connector.Converted:
		u.Kind, u.State, u.Why = RevertRestore, RevertCannot, "it was folded into another record"
	case row.Fate == connector.Archived && object.Restore:
		u.Kind = RevertRestore
	case remade(b.lines[l.ID], l, u.Side):
		u.Kind, u.State, u.Why = RevertAsk, RevertAlready, "it was created anew"
	case object.Create:
		u.Kind, u.Why = RevertAsk, b.v.r.p.ends[u.Side].conn.spec.Title+" cannot bring it back with its id; you are asked whether to create it anew"
	default:
		u.Kind, u.State, u.Why = RevertAsk, RevertCannot, u.Of.String()+" can neither be brought back nor created with this credential"
	}
}

// remade reports whether a record that we took away was created anew since.
func remade(lines []store.Entry, l store.Link, side record.Side) bool {
	for _, e := range slices.Backward(lines) {
		if e.Side != side {
			continue
		}
		switch e.Kind { //nolint:exhaustive // the others say nothing about the record as a whole
		case store.Created:
			return e.Record != l.IDs[side]
		case store.Deleted, store.Archived:
			return false
		}
	}
	return false
}

// joint says how a link is closed that a run made, or holds again that it closed (R18).
func (b *revertBatch) joint(l store.Link, e store.Entry) unit {
	u := unit{RevertItem: b.v.item(e, RevertUnlink), link: l.ID}
	u.Title, u.State = title(b.rows[e.Side][l.IDs[e.Side]].Fields), RevertDo
	open := l.Closed == ""
	if e.Kind != store.Closed {
		u.Why = "with " + b.v.r.p.ends[e.Side.Other()].of.String() + "/" + l.IDs[e.Side.Other()]
		if !open {
			u.State = RevertAlready
		}
		return u
	}
	u.Kind = RevertRelink
	switch {
	case open:
		u.State = RevertAlready
		return u
	case reenters(l):
		u.State, u.Why = RevertCannot, "it left the filter, and is linked again when it passes"
		return u
	}
	for _, side := range record.Sides() {
		if row := b.rows[side][l.IDs[side]]; row.ID == "" || row.Fate != connector.Present {
			u.State, u.Why = RevertCannot, fmt.Sprintf("%s/%s is gone", b.v.r.p.ends[side].of, l.IDs[side])
			return u
		}
		if b.another(l, side) {
			u.State, u.Why = RevertCannot, fmt.Sprintf("%s/%s has another partner by now", b.v.r.p.ends[side].of, l.IDs[side])
			return u
		}
	}
	return u
}
