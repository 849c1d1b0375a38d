package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A preview collects the decisions that a real run would store.
type preview struct {
	out     Preview
	ops     []store.Op
	taken   map[store.Spot]string // records that the preview has linked, across its batches
	claimed map[string]int64
	seen    map[store.Spot]bool
	written map[store.Spot]bool
}

// Preview reads both sides into the mirror and says what the named syncs (none = all) would
// do. It writes to no vendor and decides nothing.
func (e *Engine) Preview(ctx context.Context, syncs []string) ([]Preview, error) {
	if err := e.Prepare(ctx); err != nil {
		return nil, err
	}
	picked, err := e.pick(syncs)
	if err != nil {
		return nil, err
	}
	var all []Preview
	for _, p := range picked {
		r := e.newRun(p)
		r.dry = &preview{taken: map[store.Spot]string{}, claimed: map[string]int64{}, seen: map[store.Spot]bool{}, written: map[store.Spot]bool{},
			out: Preview{Sync: p.Name, Left: p.ends[0].of, Right: p.ends[1].of, Counts: map[PreviewKind]int{}}}
		r.dry.out.Err = r.rehearse(ctx)
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		all = append(all, r.previewed())
	}
	return all, nil
}

func (r *run) rehearse(ctx context.Context) error {
	if err := r.usable(); err != nil {
		return err
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if err := r.relist(ctx); err != nil {
		return err
	}
	if err := r.readAndPlan(ctx); err != nil {
		return err
	}
	for _, side := range record.Sides() {
		if err := r.sweep(ctx, side, false); err != nil {
			return err
		}
	}
	stop, err := r.lookFirst(ctx)
	if err != nil {
		return err
	}
	if err := r.planRound(ctx); err != nil {
		return err
	}
	if err := r.askApproval(ctx); err != nil {
		return err
	}
	linked, err := r.linkedAtStart(ctx)
	if err != nil {
		return err
	}
	r.dry.out.Linked = linked
	if r.dry.out.Events, err = r.countEvents(ctx); err != nil {
		return err
	}
	for _, op := range r.dry.ops {
		if op.Verb == connector.Create {
			r.made[op.Side]++
			r.makers[op.Side] = append(r.makers[op.Side], op.SourceID)
		}
	}
	if r.dry.out.Blown, err = r.judge(ctx, r.dry.ops); stop != "" {
		r.dry.out.Blown = stop
	}
	return err
}

func (r *run) previewed() Preview {
	out := r.dry.out
	out.Unchanged = r.unchanged()
	out.Report = Report{Sync: r.p.Name, Left: r.rec.Sides[0], Right: r.rec.Sides[1], Took: time.Since(r.began)}
	out.Report.Left.Calls, out.Report.Right.Calls = r.calls[0].get(), r.calls[1].get()
	return out
}

// add turns a batch's decisions into items for people.
func (p *preview) add(b *batch) {
	written := map[int64]bool{}
	for _, op := range b.facts.Ops {
		written[op.Link] = true
		to := store.Spot{Side: op.Side, ID: op.TargetID}
		if op.TargetID != "" && p.written[to] {
			continue // both sides of the pair have changed, and it was planned from either
		}
		p.written[to] = true
		p.ops = append(p.ops, op)
		p.put(b.opItem(op))
	}
	for _, l := range b.facts.Links {
		if b.r.former != nil {
			b.r.former.overlay[l.ID] = l
		}
		if fresh := b.isFresh(l); fresh && !written[l.ID] {
			p.put(PreviewItem{Kind: WouldLink, Side: record.Right, Of: b.r.p.ends[1].of, ID: l.IDs[1], Partner: l.IDs[0],
				Title: title(b.rows[1][l.IDs[1]].Fields), Note: b.whyLinked(l)})
		}
	}
	for _, item := range b.facts.Reviews {
		p.put(PreviewItem{Kind: WouldAsk, Side: item.Side, Of: b.r.p.ends[item.Side].of, ID: item.Record, Note: item.Text})
	}
	for _, s := range b.facts.Standing {
		if s.Reason == standsReview {
			continue
		}
		if spot := (store.Spot{Side: s.Side, ID: s.ID}); !p.seen[spot] {
			p.seen[spot] = true
			p.put(PreviewItem{Kind: WouldSkip, Side: s.Side, Of: b.r.p.ends[s.Side].of, ID: s.ID,
				Title: title(b.rows[s.Side][s.ID].Fields), Note: s.Reason + ": " + s.Detail})
		}
	}
}

func (b *batch) isFresh(l store.Link) bool {
	return slices.ContainsFunc(b.facts.Journal, func(e store.Entry) bool { return e.Kind == store.Linked && e.Link == l.ID })
}

func (b *batch) whyLinked(l store.Link) string {
	i := slices.IndexFunc(b.facts.Journal, func(e store.Entry) bool { return e.Kind == store.Linked && e.Link == l.ID })
	return b.facts.Journal[i].Why
}

func (p *preview) put(item PreviewItem) {
	p.out.Items = append(p.out.Items, item)
	p.out.Counts[item.Kind]++
}

func (b *batch) opItem(op store.Op) PreviewItem {
	kinds := map[connector.Verb]PreviewKind{connector.Create: WouldCreate, connector.Update: WouldUpdate,
		connector.Delete: WouldDelete, connector.Archive: WouldArchive, connector.Restore: WouldRestore, verbMerge: WouldMerge}
	item := PreviewItem{Kind: kinds[op.Verb], Side: op.Side, Of: op.Target, ID: op.TargetID, Partner: op.SourceID}
	item.Title = title(b.rows[op.Side][op.TargetID].Fields)
	if item.Title == "" {
		item.Title = title(b.rows[op.Side.Other()][op.SourceID].Fields)
	}
	rules := map[string]string{}
	for _, f := range op.Fields {
		rules[f.Wire] = f.Rule
		item.Note = f.Rule
	}
	for _, name := range slices.Sorted(maps.Keys(op.Set)) {
		item.Fields = append(item.Fields, PreviewField{Name: name, Old: op.Was[name], New: op.Set[name], Rule: rules[name]})
	}
	switch op.Verb {
	case connector.Create:
		item.Note = fmt.Sprintf("from %s/%s", b.r.p.ends[op.Side.Other()].of, op.SourceID)
		if slices.ContainsFunc(b.facts.Waits, func(w store.Wait) bool { return w.Side == b.side && w.ID == op.SourceID }) {
			item.Note += "; what it refers to follows as soon as that is linked"
		}
	case connector.Update:
		item.Note = ""
	}
	return item
}
