package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// lookBack is how many runs are looked through for one that can be believed.
const lookBack = 20

// A timetable knows when the scheduled syncs of a plan are due. A sync is due at the first
// time of its schedule after its last run began, so what fell due while nobody served is
// made up for once, and nothing is forgotten over a restart.
type timetable struct {
	zone  *time.Location
	syncs []plan.Sync          // those with a schedule, in file order
	began map[string]time.Time // when a sync's last run began; zero = never
	early map[string]time.Time // an operation of the sync waits for this time

	paused map[string]store.Pause // what somebody keeps from running by itself
}

// newTimetable takes the last runs from the store's log of runs.
func newTimetable(ctx context.Context, p *plan.Plan, s *store.Store) (*timetable, error) {
	t := &timetable{zone: p.Timezone, began: map[string]time.Time{}, early: map[string]time.Time{}}
	for _, sync := range p.Syncs {
		if sync.Schedule == (plan.Schedule{}) {
			continue
		}
		t.syncs = append(t.syncs, sync)
		runs, err := s.FullRuns(ctx, sync.Name, lookBack)
		if err != nil {
			return nil, fmt.Errorf("load runs: %w", err)
		}
		now := time.Now()
		if i := slices.IndexFunc(runs, func(r store.Run) bool { return !ahead(r.Started, now) }); i >= 0 {
			t.began[sync.Name] = runs[i].Started
		}
	}
	return t, nil
}

// ahead reports whether a run seems to begin in the future: our clock was ahead when it did, and
// nobody knows by how much.
func ahead(began, now time.Time) bool { return began.Sub(now) > time.Minute }

// at returns when a sync is due: the zero time means now, for one that never ran, as far as
// is known. It reports false if it never will be.
func (t *timetable) at(s plan.Sync, now time.Time) (time.Time, bool) {
	began := t.began[s.Name]
	if began.IsZero() || ahead(began, now) {
		return time.Time{}, true
	}
	next := s.Schedule.Next(began, t.zone)
	early := t.early[s.Name]
	switch {
	case early.IsZero():
		return next, !next.IsZero()
	case next.IsZero() || early.Before(next):
		return early, true
	default:
		return next, true
	}
}

// due returns the syncs that have to run by now, in file order.
func (t *timetable) due(now time.Time) []string {
	var names []string
	for _, s := range t.awake() {
		if at, ok := t.at(s, now); ok && !at.After(now) {
			names = append(names, s.Name)
		}
	}
	return names
}

// next returns when the next sync is due. It reports false if none ever is.
func (t *timetable) next() (time.Time, bool) {
	var first time.Time
	found, now := false, time.Now()
	for _, s := range t.awake() {
		if at, ok := t.at(s, now); ok && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	return first, found
}

// awake returns the scheduled syncs that nobody has paused.
func (t *timetable) awake() []plan.Sync {
	if len(t.paused) == 0 {
		return t.syncs
	}
	return slices.DeleteFunc(slices.Clone(t.syncs), func(s plan.Sync) bool {
		_, paused := t.paused[s.Name]
		return paused
	})
}

// of returns the scheduled syncs that a connection is part of.
func (t *timetable) of(connection string) []string {
	var names []string
	for _, s := range t.syncs {
		if s.Ends[0].Connection == connection || s.Ends[1].Connection == connection {
			names = append(names, s.Name)
		}
	}
	return names
}

// hurry makes a sync due at that time at the latest.
func (t *timetable) hurry(sync string, at time.Time) {
	if early := t.early[sync]; early.IsZero() || at.Before(early) {
		t.early[sync] = at
	}
}

// later remembers what time a run that does not count for the schedule waits for, if any.
func (t *timetable) later(sync string, began time.Time, until *time.Time) {
	if until != nil && until.After(began) {
		t.hurry(sync, *until)
	}
}

// ran remembers that a sync's run began then, and what time it still waits for, if any.
func (t *timetable) ran(sync string, began time.Time, until *time.Time) {
	t.began[sync] = began.Round(0) // as the clock shows it, which somebody may set
	delete(t.early, sync)
	if until != nil && until.After(began) {
		t.early[sync] = *until
	}
}
