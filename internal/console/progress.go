package console

import (
	"time"

	"github.com/tandemhub/tandem/internal/engine"
)

// A Progress says how far the run has come that is under way.
type Progress struct {
	Run      int64
	Sync     string
	Stopping bool // somebody has asked for its end
	Stages   []Stage
}

// A Stage is one thing that takes time in a run.
type Stage struct {
	Act   engine.Act
	Of    string
	Done  int
	Total int       // 0 = not known
	Until time.Time // of a wait
	Began time.Time
	Seen  time.Time // when it last came on
}

// See takes up what an engine says of its run.
func (p *Progress) See(e engine.Progress, now time.Time) {
	for i := range p.Stages {
		s := &p.Stages[i]
		if s.Act == e.Act && s.Of == e.Of {
			s.Done, s.Total, s.Until, s.Seen = e.Done, e.Total, e.Until, now
			return
		}
	}
	p.Stages = append(p.Stages, Stage{Act: e.Act, Of: e.Of, Done: e.Done, Total: e.Total, Until: e.Until, Began: now, Seen: now})
}

// measured is how long something must have taken before it is said how long it will take.
const measured = 3 * time.Second

// Left estimates how long a stage still takes, if its end is known and it was seen for a while.
func (s Stage) Left() (time.Duration, bool) {
	took := s.Seen.Sub(s.Began)
	if s.Total <= 0 || s.Done <= 0 || s.Done >= s.Total || took < measured {
		return 0, false
	}
	return time.Duration(float64(took) / float64(s.Done) * float64(s.Total-s.Done)), true
}

// Percent is how much of a stage is done, 100 at most.
func (s Stage) Percent() int {
	if s.Total <= 0 {
		return 0
	}
	return min(100, 100*s.Done/s.Total)
}
