package notify

import (
	"fmt"
	"time"

	"github.com/tandemhub/tandem/record"
)

// A Growth notices that ever more waits. It remembers the last hour, and from another process no
// more than that it grew.
type Growth struct {
	Since time.Time // when it was found to grow; zero = it does not

	samples []sample
}

type sample struct {
	at time.Time
	n  int
}

const (
	growthOver  = time.Hour
	growthLeast = 15 * time.Minute // a queue that was filled in one go is not growing
)

// Look takes in how much waits now, and returns since when it has been too much and growing. It
// goes on to be until less than half of the limit waits.
func (g *Growth) Look(n, limit int, now time.Time) time.Time {
	g.samples = append(g.samples, sample{now, n})
	for len(g.samples) > 1 && now.Sub(g.samples[0].at) > growthOver {
		g.samples = g.samples[1:]
	}
	first := g.samples[0]
	switch {
	case n < (limit+1)/2:
		g.Since = time.Time{}
	case g.Since.IsZero() && n > limit && n > first.n && now.Sub(first.at) >= growthLeast:
		g.Since = now
	}
	return g.Since
}

// A Run is what is compared of a run with those before it.
type Run struct {
	Written int
	Took    time.Duration
}

const (
	usualRuns    = 10 // fewer say nothing about what is usual
	usualFactor  = 10
	usualWritten = 100
	usualTook    = 5 * time.Minute
)

// Deviates says how a run is unlike those before it; "" if it is not. The first complete ones write
// everything, so before holds only runs after these.
func Deviates(last Run, before []Run) string {
	if len(before) < usualRuns {
		return ""
	}
	var most Run
	for _, r := range before {
		most.Written, most.Took = max(most.Written, r.Written), max(most.Took, r.Took)
	}
	switch {
	case last.Written > usualWritten && last.Written > usualFactor*most.Written:
		return fmt.Sprintf("It wrote %d records; the most of the %d runs before it was %d", last.Written, len(before), most.Written)
	case last.Took > usualTook && last.Took > usualFactor*most.Took:
		return fmt.Sprintf("It took %s; the longest of the %d runs before it took %s", record.Roughly(last.Took), len(before), record.Roughly(most.Took))
	default:
		return ""
	}
}
