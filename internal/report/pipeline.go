// Package report computes reports from what the mirror holds. Its definitions are those of
// docs/guide/reports.md. It does no I/O and reads no clock.
package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/tandemhub/tandem/record"
)

// A Deal is what the report needs of one deal.
type Deal struct {
	Pipeline, Stage, Status, Source string
	Amount                          decimal.Decimal
	Currency                        string
	Closes                          time.Time // its close date; zero = none
	Steps                           []Step    // the oldest first
}

// A Step is one value that the stage or the status of a deal came to have.
type Step struct {
	Status bool // it is of the status, not of the stage
	Value  string
	At     time.Time
	Seen   bool // the deal had it when it was first seen: since when nobody knows
}

// Input is what a report is computed from.
type Input struct {
	Stages   []record.Choice // in their order
	Statuses []record.Choice
	Deals    []Deal
	Since    time.Time      // what happened before is left out; zero = nothing is
	Zone     *time.Location // whose months are meant
}

// Money is a sum for each currency: they are never added up.
type Money map[string]decimal.Decimal

func (m Money) add(d Deal) { m[d.Currency] = m[d.Currency].Add(d.Amount) }

// A StageRow is what is and was of one stage.
type StageRow struct {
	Pipeline, Stage, Label string
	State                  record.ChoiceKind
	Deals                  int // that are in it now
	Value                  Money
	Onward, Back, Lost     int // visits that ended, by how
	Timed                  int // of these, with a known beginning
	Mean, Median           time.Duration
	times                  []time.Duration
}

// Ended counts the visits of the stage that ended.
func (r StageRow) Ended() int { return r.Onward + r.Back + r.Lost }

// Conversion is the part of the ended visits that went onward, 0 to 1; -1 if none ended.
func (r StageRow) Conversion() float64 {
	if r.Ended() == 0 {
		return -1
	}
	return float64(r.Onward) / float64(r.Ended())
}

// An EndRow counts deals that ended, by month or by source.
type EndRow struct {
	Key               string // "2026-03", a source, or "" where that is not known
	Won, Lost         int
	WonValue, LostSum Money
	ByCloseDate       int // of them, those whose month is that of the close date: when they ended was not seen
}

// A Pipeline is the report.
type Pipeline struct {
	Stages  []StageRow
	Months  []EndRow
	Sources []EndRow
	Totals  map[record.ChoiceKind]int
	Values  map[record.ChoiceKind]Money
}

// NewPipeline computes the report.
func NewPipeline(in Input) Pipeline {
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	c := &counting{in: in, at: map[string]int{}, months: map[string]*EndRow{}, sources: map[string]*EndRow{}}
	c.out.Totals, c.out.Values = map[record.ChoiceKind]int{}, map[record.ChoiceKind]Money{}
	for _, s := range in.Stages {
		c.at[s.Value] = len(c.out.Stages)
		c.out.Stages = append(c.out.Stages, StageRow{Pipeline: s.Parent, Stage: s.Value, Label: s.Label, State: open(s.Kind), Value: Money{}})
	}
	for _, d := range in.Deals {
		c.deal(d)
	}
	for i := range c.out.Stages {
		c.out.Stages[i].average()
	}
	c.out.Months, c.out.Sources = rows(c.months), rows(c.sources)
	return c.out
}

func open(k record.ChoiceKind) record.ChoiceKind {
	if k == "" {
		return record.ChoiceOpen
	}
	return k
}

type counting struct {
	in      Input
	at      map[string]int // places of stages
	months  map[string]*EndRow
	sources map[string]*EndRow
	out     Pipeline
}

// place returns the place of a stage, which may be one that the schema does not name.
func (c *counting) place(d Deal, stage string) int {
	i, ok := c.at[stage]
	if !ok {
		i = len(c.out.Stages)
		c.at[stage] = i
		c.out.Stages = append(c.out.Stages, StageRow{Pipeline: d.Pipeline, Stage: stage, Label: stage, State: record.ChoiceOpen, Value: Money{}})
	}
	return i
}

// state says whether a deal is open, won or lost: by its status where that tells it, else by its stage.
func (c *counting) state(stage, status string) record.ChoiceKind {
	i := slices.IndexFunc(c.in.Statuses, func(x record.Choice) bool { return x.Value == status })
	if i >= 0 && c.in.Statuses[i].Kind != "" {
		return c.in.Statuses[i].Kind
	}
	if i, ok := c.at[stage]; ok {
		return c.out.Stages[i].State
	}
	return record.ChoiceOpen
}

// deal counts one deal.
func (c *counting) deal(d Deal) {
	state := c.state(d.Stage, d.Status)
	i := c.place(d, d.Stage)
	if row := &c.out.Stages[i]; row.State == state {
		row.Deals++
		row.Value.add(d)
	}
	c.out.Totals[state]++
	if c.out.Values[state] == nil {
		c.out.Values[state] = Money{}
	}
	c.out.Values[state].add(d)
	spans := c.spans(d)
	c.visits(d, spans)
	if state != record.ChoiceOpen {
		c.ended(d, state, spans)
	}
}

// A span is a time in which a deal's stage and state stayed as they were.
type span struct {
	stage string
	state record.ChoiceKind
	from  time.Time
	seen  bool
}

// spans puts the steps of stage and status together.
func (c *counting) spans(d Deal) []span {
	steps := slices.Clone(d.Steps)
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	var spans []span
	stage, status := first(steps, false, d.Stage), first(steps, true, d.Status)
	for _, s := range steps {
		if s.Status {
			status = s.Value
		} else {
			stage = s.Value
		}
		now := span{stage, c.state(stage, status), s.At, s.Seen}
		n := len(spans)
		switch {
		case n > 0 && spans[n-1].stage == now.stage && spans[n-1].state == now.state:
		case n > 0 && spans[n-1].from.Equal(now.from): // stage and status in one write
			spans[n-1].stage, spans[n-1].state = now.stage, now.state
		default:
			spans = append(spans, now)
		}
	}
	return spans
}

// first is the value before the first step is known: what the first one says.
func first(steps []Step, status bool, now string) string {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Status == status })
	if i < 0 {
		return now
	}
	return steps[i].Value
}

// visits counts the stages that an open deal has left, by how.
func (c *counting) visits(d Deal, spans []span) {
	for i := 0; i+1 < len(spans); i++ {
		here, next := spans[i], spans[i+1]
		if here.state != record.ChoiceOpen || next.from.Before(c.in.Since) {
			continue
		}
		to := c.place(d, next.stage)
		at := c.place(d, here.stage)
		row := &c.out.Stages[at]
		switch {
		case next.state == record.ChoiceWon, next.state == record.ChoiceOpen && to > at:
			row.Onward++
		case next.state == record.ChoiceLost:
			row.Lost++
		default:
			row.Back++
		}
		if !here.seen {
			row.times = append(row.times, next.from.Sub(here.from))
		}
	}
}

// ended counts a deal that was won or lost in the month in which that was seen to happen; where it
// was not seen, in that of its close date.
func (c *counting) ended(d Deal, state record.ChoiceKind, spans []span) {
	month, byDate, when := "", false, time.Time{}
	for i := len(spans) - 1; i >= 0 && spans[i].state == state; i-- {
		when = spans[i].from
		if spans[i].seen {
			when = time.Time{}
		}
	}
	if when.IsZero() && !d.Closes.IsZero() {
		when, byDate = d.Closes, true
	}
	if when.Before(c.in.Since) && !when.IsZero() {
		return
	}
	switch {
	case byDate:
		month = when.Format("2006-01") // a day has no zone
	case !when.IsZero():
		month = when.In(c.in.Zone).Format("2006-01")
	}
	c.count(c.months, month, d, state, byDate)
	c.count(c.sources, d.Source, d, state, byDate)
}

func (c *counting) count(into map[string]*EndRow, key string, d Deal, state record.ChoiceKind, byDate bool) {
	row := into[key]
	if row == nil {
		row = &EndRow{Key: key, WonValue: Money{}, LostSum: Money{}}
		into[key] = row
	}
	if byDate {
		row.ByCloseDate++
	}
	if state == record.ChoiceWon {
		row.Won++
		row.WonValue.add(d)
		return
	}
	row.Lost++
	row.LostSum.add(d)
}

// average computes mean and median of the times that are known from end to end.
func (r *StageRow) average() {
	r.Timed = len(r.times)
	if r.Timed == 0 {
		return
	}
	slices.Sort(r.times)
	var sum time.Duration
	for _, t := range r.times {
		sum += t
	}
	r.Mean = sum / time.Duration(r.Timed)
	r.Median = (r.times[(r.Timed-1)/2] + r.times[r.Timed/2]) / 2
}

func rows(of map[string]*EndRow) []EndRow {
	var all []EndRow
	for _, row := range slices.SortedFunc(maps.Values(of), func(a, b *EndRow) int { return cmp.Compare(a.Key, b.Key) }) {
		all = append(all, *row)
	}
	return all
}
