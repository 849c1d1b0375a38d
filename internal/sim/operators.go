package sim

import (
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// operate is what an administrator does now and then.
func (w *world) operate() {
	if w.rnd.IntN(5) == 0 && w.answer() {
		w.counts["a question answered"]++
	}
}

// answer decides every open question about a conflict by chance, and about merges as it was. It
// reports whether there was any.
func (w *world) answer() bool {
	any := false
	for _, s := range w.syncs() {
		open, err := w.store.Reviews(w.ctx, store.ReviewQuery{Sync: s.Name, Kinds: []store.ReviewKind{store.ReviewConflict, store.ReviewMerge}, Open: true, Limit: 1 << 20})
		if err != nil {
			w.blamef("the questions cannot be read: %v", err)
		}
		for _, item := range open {
			choice := w.choose(s, item)
			if choice == "" {
				continue
			}
			any = true
			w.notef("decide %q: %s", item.Subject, choice)
			if err := w.store.DecideReview(w.ctx, item.ID, choice, "ann", time.Now()); err != nil {
				w.blamef("%s cannot be decided: %v", item.Subject, err)
			}
		}
	}
	return any
}

// choose is what a person who was there says; "" = nothing.
func (w *world) choose(s Sync, item store.Review) string {
	if item.Kind == store.ReviewConflict {
		return item.Choices[w.rnd.IntN(len(item.Choices))]
	}
	if slices.Contains(item.Choices, "leave") {
		return item.Choices[w.rnd.IntN(len(item.Choices))]
	}
	links, err := w.store.Links(w.ctx, s.Name, 0, 1<<20)
	if err != nil {
		w.blamef("the links cannot be read: %v", err)
	}
	i := slices.IndexFunc(links, func(l store.Link) bool { return l.ID == item.Link })
	if i < 0 {
		return ""
	}
	lost, side := links[i].IDs[1-item.Side], s.Ends[1-item.Side]
	for range w.fused {
		for _, m := range w.fused {
			if m.side == side && slices.Contains(m.lost, lost) {
				lost = m.into
			}
		}
	}
	if slices.Contains(item.Candidates, lost) {
		return lost
	}
	return "unlink"
}
