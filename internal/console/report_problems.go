package console

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
)

// mostReasons is how many causes of errors are told.
const mostReasons = 100

// reasons are why records wait, and why runs since a time were not ok.
func (x reporter) reasons(since time.Time) ([]store.OpenCause, []store.RunError, error) {
	causes, err := x.c.hub.Store().OpenCauses(x.ctx, mostReasons, store.ReviewParked, store.ReviewUnknown, store.ReviewEvents)
	if err != nil {
		return nil, nil, err
	}
	failures, err := x.c.hub.Store().RunErrors(x.ctx, since, mostReasons)
	return causes, failures, err
}

// problems is why records and runs do not get through.
func (x reporter) problems(p *reportPage) error {
	keys, since := x.days()
	causes, failures, err := x.reasons(since)
	if err != nil {
		return err
	}
	records := reportTable{Columns: x.columns("#report.records", "report.sync", "report.kind", "report.field", "report.cause", "report.fix")}
	parked := 0
	for _, cause := range causes {
		parked += cause.N
		why := textCell(x.l.sentence(cause.Cause))
		why.Link = fmt.Sprintf("/review/%d", cause.First)
		if why.Text == "" {
			why.Text = x.l.text("report.nocause")
		}
		records.Rows = append(records.Rows, []reportCell{x.count(cause.N), textCell(cause.Sync), textCell(x.l.text("question." + string(cause.Kind))), textCell(keyName(cause.Field)), why, textCell(x.l.sentence(cause.Fix))})
	}
	runs := reportTable{Columns: x.columns("#report.runs", "report.sync", "report.state", "report.error", "report.last")}
	for _, f := range failures {
		status := textCell(x.l.text("status." + keyOf(f.Status)))
		last := reportCell{Text: x.l.stamp(f.Last, x.zone), Raw: f.Last.UTC().Format(time.RFC3339), Link: "/runs/" + engine.RunName(f.LastID)}
		runs.Rows = append(runs.Rows, []reportCell{x.count(f.Runs), textCell(f.Sync), status, textCell(x.l.sentence(f.Error)), last})
	}
	days, err := x.runs(keys, since)
	if err != nil {
		return err
	}
	failed, sum := make([]float64, len(keys)), 0
	for _, d := range days {
		if i := slices.Index(keys, d.Day); i >= 0 {
			failed[i] += float64(d.Failed)
			sum += d.Failed
		}
	}
	byDay := reportTable{Columns: x.columns("report.day", "#report.failed")}
	for i, key := range slices.Backward(keys) {
		byDay.Rows = append(byDay.Rows, []reportCell{{Text: x.day(key, "format.date"), Raw: key}, x.count(int(failed[i]))})
	}
	p.Tiles = []reportTile{{Label: x.l.text("report.parkedrecords"), Value: x.l.show(parked)}, {Label: x.l.text("report.failedruns"), Value: x.l.show(sum), Hint: x.l.text("report.indays", reportDays)}}
	p.Sections = []reportSection{
		{Name: "records", Title: x.l.text("report.recordstitle"), Hint: x.l.text("report.recordshint"), Table: records},
		{Name: "runs", Title: x.l.text("report.runstitle"), Hint: x.l.text("report.indays", reportDays), Table: runs},
		{Name: "days", Title: x.l.text("report.failedtitle"), Table: byDay,
			Chart: drawBars(x.l, x.l.text("report.failedalt", reportDays, sum), x.by(keys), series{Class: "bar-fail", Values: failed})},
	}
	return nil
}

// A spending is what was spent of one budget of a connection's vendor.
type spending struct {
	Connection string
	Budget     string // "" = every call
	Per        time.Duration
	Days       []int // by day, the oldest first
	Limit      int   // units in that time; 0 = not known
}

func (s spending) sum() int { return total(s.Days) }

// spendings are what was spent of all budgets in the last days.
func (x reporter) spendings(keys []string, since time.Time) ([]spending, error) {
	var all []spending
	for _, conn := range x.c.hub.Plan().Connections {
		spent, err := x.c.hub.Store().Spendings(x.ctx, conn.Name, since)
		if err != nil {
			return nil, err
		}
		limits, err := x.limits(conn)
		if err != nil {
			return nil, err
		}
		first := len(all)
		for _, s := range spent {
			at := slices.IndexFunc(all[first:], func(b spending) bool { return b.Budget == s.Name && b.Per == s.Per })
			if at < 0 {
				at = len(all) - first
				all = append(all, spending{Connection: conn.Name, Budget: s.Name, Per: s.Per, Days: make([]int, len(keys)), Limit: limitOf(limits, s)})
			}
			if day := slices.Index(keys, s.Hour.In(x.zone).Format(time.DateOnly)); day >= 0 {
				all[first+at].Days[day] += s.Units
			}
		}
	}
	return all, nil
}

// limitOf is the limit of a budget, as its vendor states it; 0 = it does not.
func limitOf(limits []connector.Limit, s store.Spending) int {
	i := slices.IndexFunc(limits, func(l connector.Limit) bool { return l.Name == s.Name && l.Per == s.Per })
	if i < 0 {
		return 0
	}
	return max(0, limits[i].Units)
}

// quota is what was spent of vendors' budgets, by day.
func (x reporter) quota(p *reportPage) error {
	keys, since := x.days()
	all, err := x.spendings(keys, since)
	for _, s := range all {
		p.Sections = append(p.Sections, x.budget(s, keys))
	}
	return err
}

// limits are those that a vendor states for the account of a connection.
func (x reporter) limits(conn plan.Connection) ([]connector.Limit, error) {
	spec, has := x.c.specOf(conn.System)
	if !has || spec.Limits == nil {
		return nil, nil
	}
	known, _, err := x.c.hub.Store().Connection(x.ctx, conn.Name)
	if err != nil {
		return nil, err
	}
	return spec.Limits(conn.Settings, known.Identity), nil
}

func (x reporter) budget(b spending, keys []string) reportSection {
	name := cmp.Or(b.Budget, x.l.text("report.calls"))
	s := reportSection{Name: strings.Trim(b.Connection+"-"+b.Budget, "-") + "-" + strconv.Itoa(int(b.Per.Hours())), Title: b.Connection + ": " + name,
		Table: reportTable{Columns: x.columns("report.day", "#report.spent")}}
	daily := b.Limit > 0 && b.Per == 24*time.Hour
	if b.Limit > 0 {
		s.Hint = x.l.text("report.limit", b.Limit, int(b.Per.Hours()))
	}
	if daily {
		s.Table.Columns = x.columns("report.day", "#report.spent", "#report.ofquota")
	}
	values := make([]float64, len(keys))
	for d, key := range slices.Backward(keys) {
		values[d] = float64(b.Days[d])
		row := []reportCell{{Text: x.day(key, "format.date"), Raw: key}, x.count(b.Days[d])}
		if daily {
			part := values[d] / float64(b.Limit)
			row = append(row, reportCell{Text: x.percent(part), Raw: strconv.FormatFloat(part, 'f', 4, 64), Num: true})
		}
		s.Table.Rows = append(s.Table.Rows, row)
	}
	s.Chart = drawLine(x.l, x.l.text("report.quotaalt", reportDays, b.sum(), b.Connection), x.by(keys), series{Class: "line", Values: values})
	return s
}

// percent writes a part as people of the language do.
func (x reporter) percent(part float64) string {
	return x.l.text("format.percent", int(part*100+0.5))
}
