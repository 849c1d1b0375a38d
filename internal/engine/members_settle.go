package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// How writes to copies, and of a record to which members have added their parts, are settled: the
// link of each member sees its own part of the operation and of the answer (R26).

// loadOwners loads the copies of the members that a settling is about.
func (s *settling) loadOwners(ctx context.Context) error {
	c := s.r.p.copies
	if c == nil {
		return nil
	}
	var ids []string
	for _, l := range s.links {
		if l.Role != store.Main {
			ids = append(ids, l.IDs[c.side])
		}
	}
	var err error
	if s.owners, err = s.r.e.store.Rows(ctx, s.r.p.ends[c.side].of, ids); err != nil {
		return fmt.Errorf("load copies: %w", err)
	}
	return nil
}

// partOf is what the link of a member sees of an operation and of the answer to it; for a main
// link that is all of it.
func (s *settling) partOf(link store.Link, op store.Op, a answer) (store.Op, answer) {
	c := s.r.p.copies
	if link.Role == store.Main || c == nil || c.list < 0 {
		return op, a
	}
	copied := s.owners[link.IDs[c.side]].Fields
	list := fieldOn(s.r.p.Mapping.Fields()[c.list], s.side).Name
	see := func(f record.Fields) record.Fields {
		if s.side == c.side { // what it does not name is as it was
			all := make(record.Fields, len(copied)+len(f))
			maps.Copy(all, copied)
			maps.Copy(all, f)
			f = all
		}
		return c.view(s.side, list, copied[c.Owner], f)
	}
	fields := make([]store.OpField, 0, 1)
	for _, f := range op.Fields {
		if f.Link == link.ID || op.Link == link.ID {
			f.Link = 0
			fields = append(fields, f)
		}
	}
	op.Fields, op.Set, op.Was = fields, see(op.Set), see(op.Was)
	a.rec.Fields = see(a.rec.Fields)
	return op, a
}

// updatedMembers settles what an update of a record says for members.
func (s *settling) updatedMembers(op store.Op, a answer) {
	for _, f := range op.Fields {
		link, ok := s.links[f.Link]
		if f.Link == 0 || !ok {
			continue
		}
		part, shown := s.partOf(link, op, a)
		link.Base[0], link.Base[1] = link.Base[0].Clone(), link.Base[1].Clone()
		s.fields(&link, part, shown)
		s.links[f.Link] = link
		s.facts.Links = append(s.facts.Links, link)
	}
}

// invalidMembers is R29 for what members share: the vendor does not take the list, or an own
// field of a copy. It is left out for all whose part it is, and the rest is written. It reports
// false if the error is of another field.
func (s *settling) invalidMembers(op store.Op, e *connector.Error) bool {
	own := s.links[op.Link].Role != store.Main
	hit := func(f store.OpField) bool { return e.Field != "" && (own || f.Wire == e.Field) }
	if !slices.ContainsFunc(op.Fields, func(f store.OpField) bool { return hit(f) && (own || f.Link != 0) }) {
		return false
	}
	rest := op
	rest.ID, rest.State, rest.NotBefore, rest.Fields = s.r.e.store.NewID(), store.OpReady, time.Time{}, nil
	for _, f := range op.Fields {
		if !hit(f) {
			rest.Fields = append(rest.Fields, f)
			continue
		}
		id := cmp.Or(f.Link, op.Link)
		link := s.links[id]
		part, _ := s.partOf(link, op, answer{})
		link.Base[0], link.Base[1] = link.Base[0].Clone(), link.Base[1].Clone()
		s.refuse(&link, part, f, part.Was[f.Wire], e.Error())
		s.links[id] = link
		s.facts.Links = append(s.facts.Links, link)
	}
	s.facts.Reviews = append(s.facts.Reviews, s.item(op, store.Review{Kind: store.ReviewParked, Subject: fieldSubject(s.side.Other(), op.SourceID, e.Field), Field: e.Field,
		Text: fmt.Sprintf("%s of %s/%s is not taken by %s: %v", e.Field, s.r.p.ends[s.side.Other()].of, op.SourceID, s.end.of, e.Err),
		Fix:  fixOr(e, "correct the value"), Choices: []string{"retry", "dismiss"}}))
	rest.Set = op.Set.Clone()
	delete(rest.Set, e.Field)
	if len(rest.Set) > 0 && !own {
		s.facts.Ops = append(s.facts.Ops, rest)
	}
	return true
}
