package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// What strikes over and over in a life that is to be hard: see [Setup.Stress].
const (
	StressHide    = "hide"    // records go out of sight, mostly those that the hub has made, some as soon as it made them
	StressKill    = "kill"    // the process is killed several times a day
	StressBackup  = "backup"  // the hub is restored, several times and from several backups
	StressRestore = "restore" // people put records aside and bring them back
	StressMerge   = "merge"   // people merge records
)

func stresses() []string {
	return []string{StressHide, StressKill, StressBackup, StressRestore, StressMerge}
}

// stressOf reads TANDEM_SIM_STRESS: names joined by commas, or all.
func stressOf(list string) ([]string, error) {
	if list == "all" {
		return stresses(), nil
	}
	names := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	for _, name := range names {
		if !slices.Contains(stresses(), name) {
			return nil, fmt.Errorf("TANDEM_SIM_STRESS: there is no %q; there are %s, and all", name, strings.Join(stresses(), ", "))
		}
	}
	return names, nil
}

// Stressed are these acts with what the names of a stress add to them.
func (a Acts) Stressed(names []string) Acts {
	a.Hide = a.Hide || slices.Contains(names, StressHide)
	a.Restore = a.Restore || slices.Contains(names, StressRestore)
	a.Merge = a.Merge || slices.Contains(names, StressMerge)
	return a
}

// storm draws what the stress brings. An ordinary life never asks it, and is lived as if there were none.
func storm(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 0x57e5)) //nolint:gosec // a seed is to be repeatable
}

// strikes reports whether a stress strikes now, which it does once in so many times.
func (w *world) strikes(name string, once int) bool {
	return slices.Contains(w.set.Stress, name) && w.storm.IntN(once) == 0
}

// strain lets people do once more what the stress names.
func (w *world) strain() {
	side := w.storm.IntN(len(w.set.Sides))
	if w.set.Sides[side].Still {
		return
	}
	kind := w.kindAt(side)
	if w.set.Acts.Hide && w.strikes(StressHide, 2) {
		w.hideMade(kind, side)
	}
	if w.set.Acts.Restore && w.strikes(StressRestore, 3) {
		w.archive(kind, side)
	}
	if w.set.Acts.Restore && w.strikes(StressRestore, 3) {
		w.comeBack()
	}
	if w.set.Acts.Merge && w.strikes(StressMerge, 3) {
		w.merge(kind, side)
	}
}

// hideMade takes a record out of sight that the hub has made, the newest or another one; now and then
// any record.
func (w *world) hideMade(kind, side int) {
	var made []string
	for _, act := range w.set.Sides[side].Twin.Kit().Ledger().Acts() {
		if ours(act) && w.set.Sides[side].verb(act) == "create" && act.Object == w.set.Kinds[kind].Objects[side] {
			made = append(made, act.ID)
		}
	}
	if len(made) == 0 || w.storm.IntN(4) == 0 {
		w.hide(kind, side)
		return
	}
	id := made[len(made)-1]
	if w.storm.IntN(2) == 0 {
		id = made[w.storm.IntN(len(made))]
	}
	w.conceal(spot{kind, side, id})
}

// killings kills the process again and again, and starts it over what it had left.
func (w *world) killings() {
	for w.strikes(StressKill, 2) {
		w.strikeSoon()
		w.run(w.storm.IntN(4) == 0)
		w.pass(time.Duration(w.storm.IntN(4)) * 7 * time.Minute)
	}
}

// strikeSoon has the process killed within its next few calls or transactions.
func (w *world) strikeSoon() {
	w.stop = stop{at: moments()[w.storm.IntN(4)], in: 1 + w.storm.IntN(12)}
}
