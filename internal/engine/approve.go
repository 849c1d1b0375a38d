package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// askApproval brings the questions about a changed configuration in line with what waits for
// them: one per kind, however many pairs there are (R19).
func (r *run) askApproval(ctx context.Context) error {
	if r.former == nil || !r.former.touched.Swap(false) {
		return nil
	}
	waiting, err := r.countWaiting(ctx)
	if err != nil {
		return err
	}
	var f store.Facts
	for _, c := range changes() {
		text := waiting.text(c, r.p)
		if text == "" {
			continue
		}
		f.Reviews = append(f.Reviews, store.Review{ID: r.e.store.NewID(), Sync: r.p.Name, Kind: store.ReviewConfiguration, Subject: r.former.subject(c), Opened: time.Now(),
			Text: "the configuration changed: " + text, Candidates: waiting.names(c, r.p),
			Fix: "approve it, with tandem sync --approve " + r.p.Name + " too, or keep what is there; setting the configuration back ends the question. " +
				"What people edit is carried over meanwhile",
			Choices: []string{approved, kept}})
	}
	if r.dry != nil {
		for _, item := range f.Reviews {
			r.dry.put(PreviewItem{Kind: WouldAsk, Of: r.p.ends[0].of, Note: item.Text})
		}
		return nil
	}
	r.asking.Store(r.asking.Load() || len(f.Reviews) > 0)
	return r.putQuestions(ctx, f)
}

// putQuestions opens the questions and withdraws those that are not asked any more.
func (r *run) putQuestions(ctx context.Context, f store.Facts) error {
	items, err := r.e.store.Reviews(ctx, store.ReviewQuery{Sync: r.p.Name, Kinds: []store.ReviewKind{store.ReviewConfiguration}, Open: true})
	if err != nil {
		return fmt.Errorf("load questions: %w", err)
	}
	for _, item := range items {
		if !slices.ContainsFunc(f.Reviews, func(q store.Review) bool { return q.Subject == item.Subject }) {
			f.Close = append(f.Close, item.Subject)
		}
	}
	if len(f.Reviews)+len(f.Close) == 0 {
		return nil
	}
	if err := r.e.store.Decide(ctx, r.p.Name, r.marks, f); err != nil {
		return fmt.Errorf("ask about the configuration: %w", err)
	}
	return nil
}

// waiting counts what a changed configuration would do.
type waiting struct {
	fields map[string]int      // records by mapping key
	pairs  int                 // that leave the filter
	ids    map[change][]string // left ids of the pairs, as many as an item names
}

func (r *run) countWaiting(ctx context.Context) (waiting, error) {
	w := waiting{fields: map[string]int{}, ids: map[change][]string{}}
	err := r.eachLink(ctx, func(links []store.Link) error {
		for _, l := range links {
			if rehearsed, ok := r.former.overlay[l.ID]; ok {
				l = rehearsed
			}
			if l.Closed == "" {
				w.add(l)
			}
		}
		return nil
	})
	return w, err
}

func (w *waiting) add(l store.Link) {
	for key, why := range l.Diverged {
		switch {
		case why != waitsForApproval:
		case key == leftFilter:
			w.pairs++
			w.about(changesFilter, l)
		default:
			w.fields[key]++
			w.about(changesValues, l)
		}
	}
}

// about notes a pair that a question is about, once.
func (w *waiting) about(c change, l store.Link) {
	ids := w.ids[c]
	if id := l.IDs[record.Left]; len(ids) < maxAffected && (len(ids) == 0 || ids[len(ids)-1] != id) {
		w.ids[c] = append(ids, id)
	}
}

// names returns the records of a question as tandem history takes them.
func (w *waiting) names(c change, p *pair) []string {
	var names []string
	for _, id := range w.ids[c] {
		names = append(names, p.ends[record.Left].of.String()+"/"+id)
	}
	return names
}

// text says in plain words what waits; "" = nothing of that kind.
func (w waiting) text(c change, p *pair) string {
	if c == changesFilter {
		what := "and would be left as they are"
		switch p.Leave {
		case plan.LeaveUnlink:
			what = "and would be unlinked"
		case plan.LeaveArchive:
			what = "and their partners would be archived"
		}
		if w.pairs == 0 {
			return ""
		}
		return fmt.Sprintf("%s the filter %s", counted(w.pairs, "1 pair leaves", "%d pairs leave"), what)
	}
	var parts []string
	for _, f := range p.Mapping.Fields() {
		n := w.fields[f.Key]
		if n == 0 {
			continue
		}
		to := fieldOn(f, p.leading(p.index[f.Key]).Other()).Name
		if to == "" {
			to = f.Left.Name + f.Right.Name // one of both is computed
		}
		parts = append(parts, fmt.Sprintf("%s get a new value for %s", counted(n, "1 record would", "%d records would"), to))
	}
	return strings.Join(parts, "; ")
}

func counted(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// endFormer takes today's rules for approved of once nothing waits and all is planned by them,
// and withdraws questions that a configuration which was set back has left behind.
func (r *run) endFormer(ctx context.Context, gaps []string) error {
	if r.former != nil {
		w, err := r.countWaiting(ctx)
		if err != nil || w.pairs > 0 || len(w.fields) > 0 || len(gaps) > 0 {
			return err
		}
		if err := r.approveRules(ctx); err != nil || !r.former.back {
			return err
		}
	}
	if !r.asking.Load() {
		return nil
	}
	return r.putQuestions(ctx, store.Facts{})
}

// eachLink walks over the links of the sync, a batch at a time.
func (r *run) eachLink(ctx context.Context, fn func([]store.Link) error) error {
	var after int64
	for {
		links, err := r.e.store.Links(ctx, r.p.Name, after, planBatch)
		if err != nil {
			return fmt.Errorf("load links: %w", err)
		}
		if len(links) == 0 {
			return nil
		}
		after = links[len(links)-1].ID
		if err := fn(links); err != nil {
			return err
		}
	}
}

// markDirty has records planned again.
func (r *run) markDirty(ctx context.Context, spots []store.Spot) error {
	if len(spots) == 0 {
		return nil
	}
	marks, err := r.e.store.Marks(ctx, r.p.Name)
	if err != nil {
		return fmt.Errorf("load marks: %w", err)
	}
	if err := r.e.store.Decide(ctx, r.p.Name, marks, store.Facts{Dirty: slices.Clip(spots)}); err != nil {
		return fmt.Errorf("have records planned again: %w", err)
	}
	return nil
}
