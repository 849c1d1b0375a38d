package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// maxChildren is how many children a delete may take along, and a held one names.
const maxChildren = 100

// heldForChildren is why a record that is to be deleted is still there.
const heldForChildren = "held because of what would go with it"

// A child is a record that goes with its parent.
type child struct {
	of  store.Object
	id  string
	seq int64 // of the row that it was judged by
}

// childField is the key of an operation's field that names a child instead of a value.
const childField = "child"

func (c child) field(why string) store.OpField {
	return store.OpField{Key: childField, Wire: c.of.Name, Source: record.Texts(c.id, strconv.FormatInt(c.seq, 10)), Rule: why}
}

// childrenOf are the children that an operation takes along.
func childrenOf(op store.Op) []child {
	var kids []child
	for _, f := range op.Fields {
		if f.Key != childField || len(f.Source.Items()) != 2 {
			continue
		}
		seq, err := strconv.ParseInt(f.Source.Items()[1].Text(), 10, 64)
		if err == nil {
			kids = append(kids, child{store.Object{Connection: op.Target.Connection, Name: f.Wire}, f.Source.Items()[0].Text(), seq})
		}
	}
	return kids
}

// heldByChildren is R23: a delete that would take children along is held while one of them
// is alive on the other side, linked to nothing, or changed since its sides agreed: that one
// would be lost although nobody deleted it. It returns the children that may go. A held
// delete is looked at again in every run.
func (b *batch) heldByChildren(ctx context.Context, d *draft, side record.Side, policy plan.DeletePolicy) ([]child, bool, error) {
	if policy != plan.DeleteDelete {
		return nil, false, nil
	}
	kids, item, known, err := b.childrenOn(ctx, d, side)
	if err != nil || !known {
		return nil, true, err
	}
	if item.Kind == "" {
		return kids, false, nil
	}
	return nil, true, b.hold(ctx, d, side, "deleted on the other side; "+heldForChildren, item)
}

// childrenOn returns what goes with a record that is to be deleted, and what a person is to be asked
// about that; of no kind: nothing. What has to be read before that is known is read, and the record
// planned again then.
func (b *batch) childrenOn(ctx context.Context, d *draft, side record.Side) (kids []child, item store.Review, known bool, err error) {
	end := b.r.p.ends[side]
	for _, c := range end.object.Cascades {
		of := store.Object{Connection: end.of.Connection, Name: c.Object}
		if b.r.wantPulled(of, side, store.Spot{Side: b.side, ID: d.link.IDs[b.side]}) {
			b.again(d.link.IDs[b.side]) // there may be children that nobody has seen yet
			return nil, item, false, nil
		}
		ids, err := b.r.e.store.Children(ctx, of, childKey(c.Field, d.link.IDs[side]), maxChildren)
		if err != nil {
			return nil, item, false, fmt.Errorf("find children: %w", err)
		}
		if len(ids) == 0 {
			continue
		}
		judged, stale, err := b.judgeChildren(ctx, side, of, ids)
		switch {
		case err != nil:
			return nil, item, false, err
		case stale && b.wantChildren(ctx, d, side, judged):
			b.again(d.link.IDs[b.side])
			return nil, item, false, nil
		}
		why, allFree := "", len(ids) < maxChildren
		for _, j := range judged {
			kids = append(kids, j.child)
			if j.held != "" && why == "" {
				why, allFree = ": "+j.held, false
			}
		}
		if !allFree && item.Kind == "" {
			item = store.Review{Kind: store.ReviewDelete, Candidates: ids,
				Text: fmt.Sprintf("deleting %s/%s would take %d %s with it%s", end.of, d.link.IDs[side], len(ids), c.Object, why),
				Fix:  "delete it together with them, keep it alone, or wait: it is deleted by itself when they are gone", Choices: []string{"delete", "unlink"}}
		}
	}
	return kids, item, true, nil
}

// deleteToo carries out that a person has said that a record goes. Of its children only those go with
// it that were shown then, and those that nobody would be asked about (R23).
func (b *batch) deleteToo(ctx context.Context, d *draft, side record.Side, said store.Review) error {
	const decided = "a person decided to delete it too"
	if b.r.p.Delete[side] != plan.DeleteDelete {
		b.remove(d.link, d.rows, side, connector.Archive, decided)
		return nil
	}
	kids, item, known, err := b.childrenOn(ctx, d, side)
	switch {
	case err != nil || !known:
		return err
	case item.Kind == "" || said.Kind == store.ReviewDelete && subset(item.Candidates, said.Candidates):
		b.remove(d.link, d.rows, side, connector.Delete, decided, kids...)
	default:
		b.ask(d, side, decided+"; "+heldForChildren, item)
	}
	return nil
}

// A judgement says whether a child may go with its parent.
type judgement struct {
	child
	held  string // why not; "" = it may
	ends  [2]end // of a sync that links it
	other string // its partner's id there
}

// judgeChildren judges each child by every sync that links it to the parent's other side.
// stale says that it was judged by rows that may have moved since they were read (R4).
func (b *batch) judgeChildren(ctx context.Context, side record.Side, of store.Object, ids []string) ([]judgement, bool, error) {
	rows, err := b.r.e.store.Rows(ctx, of, ids)
	if err != nil {
		return nil, false, fmt.Errorf("load children: %w", err)
	}
	out := make([]judgement, len(ids))
	for i, id := range ids {
		out[i] = judgement{child: child{of, id, rows[id].Seq}, held: fmt.Sprintf("%s/%s is linked to nothing", of, id)}
	}
	stale := false
	for _, p := range b.r.e.syncs {
		for s, end := range p.ends {
			if end.of != of || p.Mapping == nil || p.ends[1-s].of.Connection != b.r.p.ends[side.Other()].of.Connection {
				continue
			}
			old, err := b.judgeBy(ctx, p, record.Side(s), rows, out)
			if err != nil {
				return nil, false, err
			}
			stale = stale || old
		}
	}
	return out, stale, nil
}

// judgeBy judges the children by one sync.
func (b *batch) judgeBy(ctx context.Context, p *pair, side record.Side, rows map[string]store.Row, out []judgement) (stale bool, err error) {
	ids := make([]string, len(out))
	for i, j := range out {
		ids[i] = j.id
	}
	links, err := b.r.e.store.LinksOf(ctx, p.Name, side, ids)
	if err != nil {
		return false, fmt.Errorf("load links of children: %w", err)
	}
	var partners []string
	for _, l := range links {
		partners = append(partners, l.IDs[side.Other()])
	}
	theirs, err := b.r.e.store.Heads(ctx, p.ends[side.Other()].of, partners)
	if err != nil {
		return false, fmt.Errorf("load partners of children: %w", err)
	}
	for i := range out {
		j := &out[i]
		l, ok := links[j.id]
		if !ok || l.Closed != "" || j.other != "" && j.held != "" {
			continue // another sync has held it already
		}
		row, partner := rows[j.id], theirs[l.IDs[side.Other()]]
		j.ends, j.other, j.held = p.ends, l.IDs[side.Other()], ""
		switch changed := p.changed(l, side, row); {
		case len(p.ends[side].object.Cascades) > 0:
			j.held = fmt.Sprintf("%s/%s may have children of its own", j.of, j.id)
		case p.Delete[side] != plan.DeleteDelete:
			j.held = fmt.Sprintf("%s/%s is not to be deleted by %s", j.of, j.id, p.Name)
		case saysNo(p.ends[side].object, row): // R32
			j.held = fmt.Sprintf("%s/%s remembers a no to mail", j.of, j.id)
		case changed != "":
			j.held = fmt.Sprintf("%s of %s/%s was changed", changed, j.of, j.id)
		case partner.Fate != connector.Deleted && partner.Fate != connector.Archived:
			j.held = fmt.Sprintf("%s/%s has a partner", j.of, j.id)
		}
		stale = stale || time.Since(row.ReadAt) > freshFor || j.held != "" && time.Since(partner.ReadAt) > freshFor
	}
	return stale, nil
}

// changed names a mapped field of a linked record that differs from what was agreed.
func (p *pair) changed(l store.Link, side record.Side, row store.Row) string {
	if l.Role != store.Main {
		return p.memberChanged(l, row)
	}
	for i, f := range p.Mapping.Fields() {
		own := fieldOn(f, side)
		v, known, err := p.Mapping.Own(i, side, row.Fields, nil)
		base, agreed := l.Base[side][f.Key]
		if own.Name != "" && err == nil && known && (!agreed || !own.Same(v, base)) {
			return own.Name
		}
	}
	return ""
}

// wantChildren has children and their partners read anew, once in a run.
func (b *batch) wantChildren(_ context.Context, d *draft, side record.Side, judged []judgement) bool {
	then, wanted := store.Spot{Side: b.side, ID: d.link.IDs[b.side]}, false
	for _, j := range judged {
		for s, end := range j.ends {
			id, at := j.id, side
			if j.other == "" {
				continue
			}
			if end.of != j.of {
				id, at = j.other, side.Other()
			}
			wanted = b.r.wantOf(j.ends[s], at, id, then) || wanted
		}
	}
	return wanted
}

// takesChildren reports whether an operation takes along what refers to its record.
func (s *settling) takesChildren(op store.Op) bool {
	return op.Verb == connector.Delete && len(s.end.object.Cascades) > 0
}

// readKin reads on in the objects whose records go with those of a batch: what people have made, or
// put there, since the deletes were decided is in no mirror yet, and between the two stands all else
// that the run had to write (R4, R23).
func (s *settling) readKin(ctx context.Context) error {
	if s.end.hosted() || !slices.ContainsFunc(s.ops, s.takesChildren) {
		return nil // what a hosted system has, it brings by itself
	}
	select { // of several batches one at a time: a feed has one place
	case s.r.kin <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.r.kin }()
	for _, c := range s.end.object.Cascades {
		if kin, read := s.r.readElsewhere(store.Object{Connection: s.end.of.Connection, Name: c.Object}); read {
			if err := s.r.pullOf(ctx, want{end: kin, side: s.side}); err != nil {
				return err
			}
		}
	}
	return nil
}

// freshChildren reports whether the children that an operation takes along are as they were
// when that was decided, which they are read again for, and still all that it would take (R4).
func (s *settling) freshChildren(ctx context.Context, op store.Op) (bool, error) {
	byObject := map[store.Object][]string{}
	kids := childrenOf(op)
	if more, err := s.moreChildren(ctx, op, kids); err != nil || more {
		return false, err
	}
	for _, k := range kids {
		byObject[k.of] = append(byObject[k.of], k.id)
	}
	rows := map[child]bool{}
	for of, ids := range byObject {
		if err := s.readChildren(ctx, of, ids); err != nil {
			return false, err
		}
		heads, err := s.r.e.store.Heads(ctx, of, ids)
		if err != nil {
			return false, fmt.Errorf("load children: %w", err)
		}
		for id, row := range heads {
			rows[child{of, id, row.Seq}] = row.Fate == connector.Present
		}
	}
	for _, k := range kids {
		if !rows[k] {
			return false, nil
		}
	}
	return true, nil
}

// moreChildren reports whether a record has children that were not thought of when its delete was
// decided.
func (s *settling) moreChildren(ctx context.Context, op store.Op, kids []child) (bool, error) {
	if !s.takesChildren(op) {
		return false, nil
	}
	for _, c := range s.end.object.Cascades {
		of := store.Object{Connection: s.end.of.Connection, Name: c.Object}
		ids, err := s.r.e.store.Children(ctx, of, childKey(c.Field, op.TargetID), maxChildren)
		if err != nil {
			return false, fmt.Errorf("find children: %w", err)
		}
		for _, id := range ids {
			if !slices.ContainsFunc(kids, func(k child) bool { return k.of == of && k.id == id }) {
				return true, nil
			}
		}
	}
	return false, nil
}

// readChildren brings children up to date in the mirror.
func (s *settling) readChildren(ctx context.Context, of store.Object, ids []string) error {
	kin := end{conn: s.end.conn, of: of, object: s.end.conn.objects[of.Name]}
	rd := reading{end: kin, keys: s.r.e.keysOf(kin)}
	return s.r.readByID(ctx, &rd, ids)
}

// tookAlong journals the children that a delete has taken along. What became of them is read
// by their own sync.
func (s *settling) tookAlong(op store.Op, link store.Link) {
	for _, k := range childrenOf(op) {
		s.facts.Journal = append(s.facts.Journal, store.Entry{At: s.at, Run: s.r.id, Sync: s.r.p.Name, Side: s.side, Of: k.of, Record: k.id,
			Kind: store.Deleted, Why: fmt.Sprintf("went with %s/%s", s.end.of, link.IDs[s.side])})
		s.count(func(c *store.Counts) { c.Deleted++ })
	}
}
