package engine

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// divergedByRevert is why the two sides of a reverted field may differ: they are as they
// were before we wrote, each agreed by itself, and nothing fights over it (R7).
const divergedByRevert = "reverted"

// reverts reports whether an operation takes something back.
func reverts(op store.Op) bool {
	return anew(op) || len(op.Fields) > 0 && strings.HasPrefix(op.Fields[0].Rule, store.RevertOf)
}

// anew reports whether an operation creates a record anew that we once took away: it names
// the link that its record had.
func anew(op store.Op) bool { return op.Verb == connector.Create && op.Link != 0 }

// reverted notes whether the two sides of a field differ now that it went back.
func (s *settling) reverted(link *store.Link, key string) {
	diverged := maps.Clone(link.Diverged)
	if diverged == nil {
		diverged = map[string]string{}
	}
	i, mapped := s.r.p.index[key]
	if mapped && !s.r.p.Mapping.Same(i, link.Base[record.Left][key], link.Base[record.Right][key]) {
		diverged[key] = divergedByRevert
	} else {
		delete(diverged, key)
	}
	link.Diverged = diverged
}

// notReverted says in a review item what a system did not take back.
func (s *settling) notReverted(op store.Op, item store.Review) store.Review {
	what := fmt.Sprintf("%s/%s", s.end.of, op.TargetID)
	if item.Field != "" {
		what = item.Field + " of " + what
	}
	if anew(op) {
		what = "a record that was to be created anew in " + s.end.of.String()
	}
	item.Subject = fmt.Sprintf("revert %d %s", op.Link, item.Field)
	item.Side, item.Record, item.Candidates = s.side, op.TargetID, nil
	item.Text = "the system does not take " + what + " back: " + item.Text
	item.Choices = []string{"dismiss"}
	return item
}

// created anew: the new record has no partner yet; planning finds or makes one.
func (s *settling) createdAnew(op store.Op, a answer) {
	s.pages = append(s.pages, connector.Change{Record: a.rec})
	link := s.links[op.Link]
	s.journal(link, store.Entry{Kind: store.Created, Set: op.Set, Why: "created anew, as a person decided"})
	s.facts.Journal[len(s.facts.Journal)-1].Record = a.rec.ID
	s.count(func(c *store.Counts) { c.Created++ })
}

// createsAnew reports whether a person decided that the lost partner of a record is created
// anew. It is asked only for records that are planned again because of something.
func (b *batch) createsAnew(ctx context.Context, link store.Link) (bool, error) {
	if !b.dirty {
		return false, nil
	}
	if b.r.undo.again(b.side, link) {
		return true, nil
	}
	decided, err := b.decided(ctx, anewSubject(link.ID))
	return decided == "create", err
}

// recreate carries out the decision to create a record anew whose partner is gone too. It
// is done once: the journal knows (invariant 8).
func (b *batch) recreate(ctx context.Context, link store.Link) error {
	wanted, err := b.createsAnew(ctx, link)
	if err != nil || !wanted {
		return err
	}
	lines, err := b.r.e.store.LinesOf(ctx, []int64{link.ID})
	if err != nil {
		return fmt.Errorf("look for its last state: %w", err)
	}
	var last record.Fields
	for _, e := range lines {
		if (e.Kind == store.Deleted || e.Kind == store.Archived) && e.Side == b.side {
			last = e.Set
		}
	}
	claim := anewSubject(link.ID)
	if last == nil || remade(lines, link, b.side) || b.claimed[claim] != 0 {
		return nil
	}
	if barred, err := b.anewBarred(ctx, link, last); err != nil || barred {
		return err
	}
	op := b.newOp(b.side, connector.Create)
	op.Link, op.Claim, op.State, op.Set = link.ID, claim, store.OpReady, record.Fields{}
	for _, name := range b.r.p.wire[b.side] {
		f, ok := b.r.p.ends[b.side].object.Field(name)
		if v := last[name]; ok && f.Writable() && !v.IsEmpty() {
			op.Set[name] = v
		}
	}
	if missing := b.unfilled(op.Set, b.side); missing != "" {
		b.review(store.Review{Kind: store.ReviewParked, Subject: claim + " parked", Side: b.side, Record: link.IDs[b.side], Link: link.ID,
			Text: fmt.Sprintf("%s/%s cannot be created anew: %s is required and was not kept", b.r.p.ends[b.side].of, link.IDs[b.side], missing),
			Fix:  "create it at the system by hand", Choices: []string{"dismiss"}})
		return nil
	}
	held, err := b.r.e.store.Claimed(ctx, b.r.p.ends[b.side].of, []string{claim})
	if err != nil {
		return fmt.Errorf("load claims: %w", err)
	}
	if held[claim] == 0 {
		b.claimed[claim] = op.ID
		b.facts.Ops = append(b.facts.Ops, op)
	}
	return nil
}
