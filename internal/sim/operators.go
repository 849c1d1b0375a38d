package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// operate is what an administrator does now and then.
func (w *world) operate() {
	if w.rnd.IntN(5) == 0 && w.answer() {
		w.counts["a question answered"]++
	}
}

// administer is what an operator does before a day's run.
func (w *world) administer(day int) {
	acts := w.set.Acts
	if acts.Touch && w.rnd.IntN(3) == 0 {
		if w.touchAll(w.rnd.IntN(len(w.set.Sides))) {
			w.count(touchedAll)
		}
	}
	if acts.Relabel && w.rnd.IntN(3) == 0 {
		w.relabel(w.rnd.IntN(len(w.set.Sides)))
	}
	if acts.Rewind > 0 && day == w.set.Rounds/2 {
		w.rememberVendor()
	}
	if acts.Hide && w.rnd.IntN(3) == 0 {
		w.showAll()
	}
	if acts.Pause && day == w.set.Rounds/2 {
		w.count("switched off for a month")
		w.pass(30 * 24 * time.Hour)
	}
	if n := len(w.set.Others); n > 0 && w.rnd.IntN(3) == 0 {
		if i := w.rnd.IntN(n + 1); i < n {
			w.count("the configuration changed")
			w.configure(w.set.Others[i].Config, w.set.Others[i].Unmapped)
			if w.set.Others[i].Remaps {
				w.remapped = true
				w.remaps = append(w.remaps, [2]time.Time{time.Now(), {}})
				w.count(remapped)
			}
		} else {
			w.configure(w.set.Config, nil)
		}
	}
	again := acts.Backup && w.strikes(StressBackup, 2)
	switch {
	case acts.Backup && len(w.backups) == 0 && day > 1, again && w.storm.IntN(2) == 0:
		w.backUp()
	case again, acts.Backup && day == w.set.Rounds-2:
		w.putBack()
	}
}

// configure lets the hub go on with another configuration.
func (w *world) configure(config string, unmapped []string) {
	if config == w.plan.source {
		return
	}
	p, problems := plan.Parse("tandem.yaml", []byte(config), w.set.Env, w.set.Specs)
	if problems.HasErrors() {
		w.blamef("the configuration: %v", problems)
		return
	}
	for _, key := range w.away {
		w.mapped[key] = time.Now()
		w.fresh = append(w.fresh, key)
		w.counts["a field mapped again"]++
	}
	if n := len(w.remaps); n > 0 && w.remaps[n-1][1].IsZero() {
		w.remaps[n-1][1] = time.Now()
	}
	w.plan, w.away = &planned{p, config}, unmapped
	w.notef("another configuration, without %v", unmapped)
	w.restart()
}

// backUp keeps a copy of the hub's database.
func (w *world) backUp() {
	backup := w.set.Path + ".backup" + strconv.Itoa(len(w.backups))
	w.backups = append(w.backups, backup)
	if _, err := w.store.Backup(w.ctx, backup, store.Backup{Taken: time.Now()}); err != nil {
		w.blamef("no backup: %v", err)
	}
	w.notef("backed up")
}

// backedUp is how it is counted that the hub went on from a backup.
const backedUp = "the hub restored from a backup"

// putBack restores a copy, mostly the only one; what the hub has journaled since is remembered here only.
func (w *world) putBack() {
	if len(w.backups) == 0 {
		return
	}
	backup := w.backups[len(w.backups)-1]
	if w.strikes(StressBackup, 2) {
		backup = w.backups[w.storm.IntN(len(w.backups))]
	}
	w.rememberPast()
	w.homes, w.missed = append(w.homes, w.home()), slices.Clone(w.hidden)
	w.close()
	r, err := store.BeginRestore(w.ctx, backup, w.set.Path, time.Now())
	if err == nil {
		_, err = r.Finish()
	}
	if err != nil {
		w.blamef("the backup cannot be restored: %v", err)
	}
	w.count(backedUp)
	w.restart()
}

// rememberPast keeps what the hub knows before it is restored, once more maybe.
func (w *world) rememberPast() {
	if w.past == nil {
		w.past = []store.Entry{} // not nil: there was a restore, whatever it has lost
	}
	for _, e := range w.history() {
		if !slices.ContainsFunc(w.past, func(p store.Entry) bool { return p.ID == e.ID && p.At.Equal(e.At) }) {
			w.past = append(w.past, e)
		}
	}
	for name, links := range w.allLinks() {
		w.pastLinks[name] = append(w.pastLinks[name], links...)
	}
	w.pastLosses = append(w.pastLosses, w.losses()...)
}

// A loss is a value that an operation in the outbox overrules: the journal tells of it once the
// vendor has answered.
type loss struct {
	side                     int
	object, id, field, value string
}

func (w *world) losses() []loss {
	var all []loss
	for _, s := range w.syncs() {
		ops, err := w.store.Ops(w.ctx, s.Name)
		if err != nil {
			w.blamef("the outbox cannot be read: %v", err)
		}
		for _, op := range ops {
			for _, of := range op.Fields {
				if of.Lost != nil && of.Lost.Side == op.Side {
					all = append(all, loss{s.Ends[op.Side], op.Target.Name, op.TargetID, of.Wire, of.Lost.Value.Text()})
				}
			}
		}
	}
	return all
}

// allLinks are those that the hub has of each sync.
func (w *world) allLinks() map[string][]store.Link {
	all := map[string][]store.Link{}
	for _, s := range w.syncs() {
		links, err := w.store.Links(w.ctx, s.Name, 0, 1<<20)
		if err != nil {
			w.blamef("the links cannot be read: %v", err)
		}
		all[s.Name] = links
	}
	return all
}

// answer decides every open question about a conflict by chance, and about merges as it was. It
// reports whether there was any.
func (w *world) answer() bool {
	found := false
	for _, s := range w.syncs() {
		open, err := w.store.Reviews(w.ctx, store.ReviewQuery{Sync: s.Name, Kinds: []store.ReviewKind{store.ReviewConflict, store.ReviewMerge, store.ReviewConfiguration, store.ReviewParked, store.ReviewAmbiguous}, Open: true, Limit: 1 << 20})
		if err != nil {
			w.blamef("the questions cannot be read: %v", err)
		}
		for _, item := range open {
			choice := w.choose(s, item)
			if choice == "" {
				continue
			}
			found = true
			w.notef("decide %q: %s", item.Subject, choice)
			if err := w.store.DecideReview(w.ctx, item.ID, choice, "ann", time.Now()); err != nil {
				w.blamef("%s cannot be decided: %v", item.Subject, err)
			}
		}
	}
	return found
}

// noteMet remembers which questions about first matches are open: one that settles itself leaves no trace.
func (w *world) noteMet() {
	for kind, k := range w.set.Kinds {
		for _, s := range k.Syncs {
			open, err := w.store.Reviews(w.ctx, store.ReviewQuery{Sync: s.Name, Kinds: []store.ReviewKind{store.ReviewConflict}, Open: true, Limit: 1 << 20})
			if err != nil {
				w.blamef("the questions cannot be read: %v", err)
			}
			for _, r := range open {
				if r.Link == 0 && !slices.ContainsFunc(w.met, func(m asked) bool { return m.Sync == s.Name && m.Field == r.Field && m.Opened.Equal(r.Opened) }) {
					w.met = append(w.met, asked{r, spot{kind, s.Ends[r.Side], r.Record}, s.Ends[1-r.Side]})
				}
			}
		}
	}
}

// choose is what a person who was there says; "" = nothing.
func (w *world) choose(s Sync, item store.Review) string {
	if side, is := w.saysNo(s, item); is {
		return side
	}
	if item.Kind == store.ReviewConflict || item.Kind == store.ReviewConfiguration {
		return item.Choices[w.rnd.IntN(len(item.Choices))]
	}
	if item.Kind == store.ReviewParked { // what was out of sight is tried again when it is back
		if w.quiet && w.counts[hidden] > 0 && item.Field == "" && slices.Contains(item.Choices, "retry") {
			return "retry"
		}
		return ""
	}
	if slices.Contains(item.Choices, "leave") {
		return item.Choices[w.rnd.IntN(len(item.Choices))]
	}
	if item.Kind == store.ReviewAmbiguous {
		return w.recognize(s, item)
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

// recognize tells which of the records that resemble what was to be created a program has made, as a
// person sees it at the vendor's.
func (w *world) recognize(s Sync, item store.Review) string {
	if !strings.HasSuffix(item.Text, resembles) {
		return "" // several have its key
	}
	side := s.Ends[1-item.Side]
	for _, k := range w.set.Kinds {
		if !slices.ContainsFunc(k.Syncs, func(x Sync) bool { return x.Name == s.Name }) {
			continue
		}
		for _, act := range w.set.Sides[side].Twin.Kit().Ledger().Acts() {
			if ours(act) && w.set.Sides[side].verb(act) == "create" && act.Object == k.Objects[side] && slices.Contains(item.Candidates, act.ID) {
				return act.ID
			}
		}
	}
	return "none"
}

// resembles ends the question which record a create has made that cannot be looked up by a key.
const resembles = " resemble it"
