package console

import (
	"time"

	"github.com/tandemhub/tandem/internal/store"
)

// A barChart shows what was written on each of some days.
type barChart struct {
	Bars  []bar
	Most  int // records on the busiest day
	Total int
}

// A bar is one day, in the units of the drawing.
type bar struct {
	store.DayCounts
	Day        time.Time
	X, Y, W, H int
}

// All is what was written on the day.
func (b bar) All() int { return b.Created + b.Updated + b.Deleted }

// First is the oldest day.
func (c barChart) First() time.Time { return c.end(0) }

// Last is the newest day.
func (c barChart) Last() time.Time { return c.end(len(c.Bars) - 1) }

func (c barChart) end(i int) time.Time {
	if len(c.Bars) == 0 {
		return time.Time{}
	}
	return c.Bars[i].Day
}

// The drawing is barsWide by barsHigh.
const (
	barsWide, barsHigh = 700, 120
	barsGap            = 10
)

// bars draws the days from the first on.
func bars(first time.Time, n int, days map[string]store.DayCounts) barChart {
	var c barChart
	for i := range n {
		day := first.AddDate(0, 0, i)
		b := bar{Day: day, DayCounts: days[day.Format(time.DateOnly)]}
		c.Most, c.Total = max(c.Most, b.All()), c.Total+b.All()
		c.Bars = append(c.Bars, b)
	}
	step := barsWide / max(n, 1)
	for i := range c.Bars {
		b := &c.Bars[i]
		b.X, b.W = i*step+barsGap/2, step-barsGap
		if c.Most > 0 && b.All() > 0 {
			b.H = max(2, b.All()*barsHigh/c.Most) // what is little is seen, too
		}
		b.Y = barsHigh - b.H
	}
	return c
}
