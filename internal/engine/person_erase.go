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
)

// What an erasure asks of a system.
const (
	askErase   = "erase"
	askDelete  = "delete"
	askArchive = "archive"
	askNothing = "nothing"
)

// An ErasedRecord is what became of one record of a person.
type ErasedRecord struct {
	store.Erasure

	ByHand string // what a person has to do there; "" = nothing
	Waits  string // why it could not be carried out yet: repeat the erasure; "" = it was
}

// UnderWayError says that a record of the person is being written.
type UnderWayError struct{ Record string }

func (e *UnderWayError) Error() string {
	return "nobody knows yet what became of a write to " + e.Record + ": run tandem sync, then repeat this"
}

// Erase carries out a person's right to be forgotten, on everything that Person has found to
// be theirs. Each record's outcome is told to see. First it is made sure that no sync brings
// them back; an erasure that was cut short goes on where it was when it is repeated.
func (e *Engine) Erase(ctx context.Context, p Person, by string, see func(ErasedRecord) error) error {
	var own []PersonRecord
	for _, r := range p.Records {
		if r.Own {
			own = append(own, r)
		}
	}
	if _, err := e.store.Recover(ctx); err != nil {
		return fmt.Errorf("take over the outbox: %w", err)
	}
	if err := e.undecided(ctx, own); err != nil {
		return err
	}
	begun := make([]store.Erasure, len(own))
	for i, r := range own {
		begun[i] = store.Erasure{Of: r.Of, Record: r.ID, Asked: r.Asks}
	}
	if err := e.store.BeginErasure(ctx, p.Key.String(), e.marksOf(p.Key, own), begun, time.Now(), by); err != nil {
		return err
	}
	for _, r := range own {
		out, err := e.eraseOne(ctx, r)
		if err != nil {
			return err
		}
		out.Of, out.Record, out.At, out.By = r.Of, r.ID, time.Now(), by
		if out.Waits == "" {
			if err := e.store.Forget(ctx, out.Erasure); err != nil {
				return fmt.Errorf("forget %s/%s: %w", r.Of, r.ID, err)
			}
		}
		if err := see(out); err != nil {
			return err
		}
	}
	return nil
}

// marksOf is what a person is not to be matched or created again by (R32): their addresses, and
// only if they have none their numbers, which colleagues share.
func (e *Engine) marksOf(key PersonKey, own []PersonRecord) []string {
	var marks []string
	mail := key.Email != ""
	if mail {
		marks = append(marks, key.String())
	}
	for _, r := range own {
		marks = append(marks, r.marks(e.plan.Country)...)
	}
	if len(marks) == 0 && key.Phone != "" {
		marks = append(marks, key.String())
	}
	slices.Sort(marks)
	return slices.Compact(marks)
}

// undecided refuses while a write of unknown outcome to one of the records is to be looked up: it
// might make what nobody would find (invariant 4).
func (e *Engine) undecided(ctx context.Context, own []PersonRecord) error {
	ops, err := e.store.Ops(ctx, "", store.OpSent, store.OpUnknown, store.OpPending)
	if err != nil || len(ops) == 0 {
		return err
	}
	ends := map[string][2]store.Object{}
	for _, p := range e.syncs {
		ends[p.Name] = [2]store.Object{p.ends[0].of, p.ends[1].of}
	}
	for _, r := range own {
		for _, op := range ops {
			source := ends[op.Sync][op.Side.Other()]
			if op.Target == r.Of && op.TargetID == r.ID || source == r.Of && op.SourceID == r.ID {
				return &UnderWayError{Record: r.Of.String() + "/" + r.ID}
			}
		}
	}
	return nil
}

// eraseOne asks one system. The error is the store's or the context's.
func (e *Engine) eraseOne(ctx context.Context, r PersonRecord) (ErasedRecord, error) {
	out := ErasedRecord{Erasure: store.Erasure{Asked: askNothing, Fate: connector.Left}}
	c := e.conns[r.Of.Connection]
	switch {
	case r.Row.ID != "" && (r.Row.Fate == connector.Deleted || r.Row.Fate == connector.Merged || r.Row.Fate == connector.Converted):
		out.Fate, out.Answer = r.Row.Fate, "it was gone already"
		return out, nil
	case c == nil:
		out.Answer = "the connection is not in the configuration any more"
		out.ByHand = out.Answer + ": delete the record there"
		return out, nil
	}
	if err := e.prepareConn(ctx, c, false); err != nil {
		return out, err
	}
	if err := c.usable(); err != nil { // R33: never at another account than the pinned one
		out.Waits = err.Error()
		return out, nil //nolint:nilerr // it is what the record waits for
	}
	object := r.object
	if now, ok := c.objects[r.Of.Name]; ok {
		object = now
	}
	e.askTo(ctx, c, object, r, &out)
	return out, ctx.Err()
}

// askTo erases where the system can, else deletes, else archives, else says what a person has to do.
func (e *Engine) askTo(ctx context.Context, c *conn, o record.Object, r PersonRecord, out *ErasedRecord) {
	ref := record.Ref{Object: r.Of.Name, ID: r.ID}
	hint := ""
	if c.able.Eraser != nil {
		out.Asked = askErase
		err := c.able.Eraser.Erase(ctx, ref)
		if connector.KindOf(err) != connector.Unsupported || err == nil {
			out.answered(err, connector.Deleted, "erased for good")
			return
		}
		hint = connector.ErrorOf(err).Fix
	}
	switch {
	case o.Delete && len(o.Cascades) == 0 && c.able.Writer != nil:
		out.Asked = askDelete
		out.answered(write(ctx, c, connector.Delete, ref), connector.Deleted, "deleted")
	case o.Archive && c.able.Writer != nil:
		out.Asked = askArchive
		out.answered(write(ctx, c, connector.Archive, ref), connector.Archived, "archived")
		if out.Answer == "archived" {
			out.ByHand = "it lies where archived records lie: delete it there for good"
			if hint != "" {
				out.ByHand = hint
			}
		}
	default:
		out.Asked, out.Answer = askNothing, c.spec.Title+" has no way to delete it by its API"
		out.ByHand = "delete it at " + c.spec.Title
	}
}

// write sends one operation outside any sync.
func write(ctx context.Context, c *conn, verb connector.Verb, ref record.Ref) error {
	results, err := c.able.Writer.Write(ctx, []connector.Op{{Key: "erase-" + ref.Object + "-" + ref.ID, Verb: verb, Ref: ref}})
	switch {
	case err != nil:
		return err
	case len(results) != 1:
		return errors.New("the system gave no answer")
	case results[0].Pending != "":
		return &connector.Error{Kind: connector.Unavailable, Err: errors.New("the system says later whether it did")}
	}
	return results[0].Err
}

// answered takes in what a system said.
func (out *ErasedRecord) answered(err error, fate connector.Fate, done string) {
	switch kind := connector.KindOf(err); {
	case err == nil:
		out.Fate, out.Answer = fate, done
	case kind == connector.NotFound:
		out.Fate, out.Answer = connector.Deleted, "it was gone already"
	case kind == connector.Unsupported, kind == connector.Invalid, kind == connector.Conflict, kind == connector.Duplicate:
		out.Fate, out.Answer = connector.Left, "refused" // the vendor's words may hold what is to be forgotten
		out.ByHand = "delete it there; the system said: " + err.Error()
	default:
		out.Waits = err.Error()
		if out.Waits == "" {
			out.Waits = "it was stopped"
		}
	}
}
