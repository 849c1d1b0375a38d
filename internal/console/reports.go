package console

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// reportNames are the reports in the order of their tabs.
func reportNames() []string { return []string{"volume", "latency", "pipeline", "problems", "quota"} }

// reportDays is how far back reports look that are by day.
const reportDays = 30

type reportPage struct {
	Name     string
	Names    []string
	Choices  []reportChoice // what can be chosen besides
	Tiles    []reportTile
	Sections []reportSection
}

// A reportChoice is one list to choose from.
type reportChoice struct {
	Name    string
	Label   string
	Options []reportOption
}

type reportOption struct {
	Value, Text string
	Here        bool
}

type reportTile struct{ Label, Value, Hint string }

// A reportSection is a table, with a chart of it above.
type reportSection struct {
	Name  string
	Title string
	Hint  string
	Chart *chart
	Table reportTable

	Download string // the address of the table as comma-separated values
}

type reportTable struct {
	Columns []reportColumn
	Rows    [][]reportCell
}

type reportColumn struct {
	Text string
	Num  bool
}

// A reportCell is what people read, and what programs read in a download.
type reportCell struct {
	Text, Raw string
	Num       bool
	Link      string
	Side      string // "left" or "right": the end of a sync that it names
}

// A reporter builds one report in one language.
type reporter struct {
	c    *console
	ctx  context.Context
	l    *locale
	q    url.Values
	zone *time.Location
	now  time.Time
}

func (c *console) showReports(w http.ResponseWriter, r *http.Request) error {
	return c.reportPage(w, r, reportNames()[0])
}

func (c *console) showReport(w http.ResponseWriter, r *http.Request) error {
	return c.reportPage(w, r, r.PathValue("report"))
}

func (c *console) reportPage(w http.ResponseWriter, r *http.Request, name string) error {
	p, err := c.report(r, name)
	if err != nil {
		return err
	}
	return c.view.page(w, r, "reports", p)
}

// reporter computes what reports tell.
func (c *console) reporter(ctx context.Context) reporter {
	x := reporter{c: c, ctx: ctx, zone: c.hub.Plan().Timezone, now: c.now()}
	if x.zone == nil {
		x.zone = time.UTC
	}
	return x
}

// report computes one report.
func (c *console) report(r *http.Request, name string) (reportPage, error) {
	x := c.reporter(r.Context())
	x.l, x.q = visitOf(r).locale, r.URL.Query()
	p := reportPage{Name: name, Names: reportNames()}
	build := map[string]func(*reportPage) error{"volume": x.volume, "pipeline": x.pipeline, "problems": x.problems, "quota": x.quota, "latency": x.latency}[name]
	if build == nil {
		return p, errNotFound()
	}
	if err := build(&p); err != nil {
		return p, err
	}
	chosen := url.Values{}
	for _, choice := range p.Choices {
		for _, o := range choice.Options {
			if o.Here && o.Value != "" {
				chosen.Set(choice.Name, o.Value)
			}
		}
	}
	for i := range p.Sections {
		s := &p.Sections[i]
		s.Download = "/reports/" + name + "/" + url.PathEscape(s.Name) + ".csv"
		if len(chosen) > 0 {
			s.Download += "?" + chosen.Encode()
		}
	}
	return p, nil
}

// downloadTable answers with one table of a report as comma-separated values, with numbers as programs
// read them.
func (c *console) downloadTable(w http.ResponseWriter, r *http.Request) error {
	p, err := c.report(r, r.PathValue("report"))
	if err != nil {
		return err
	}
	name, is := strings.CutSuffix(r.PathValue("table"), ".csv")
	i := slices.IndexFunc(p.Sections, func(s reportSection) bool { return s.Name == name })
	if !is || i < 0 {
		return errNotFound()
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="tandem-%s-%s.csv"`, p.Name, name))
	out := csv.NewWriter(w)
	table := p.Sections[i].Table
	var head []string
	for _, col := range table.Columns {
		head = append(head, col.Text)
	}
	_ = out.Write(head) // a browser that has gone needs none
	for _, row := range table.Rows {
		var line []string
		for _, x := range row {
			line = append(line, x.csv())
		}
		_ = out.Write(line)
	}
	out.Flush()
	return nil
}

// csv is a cell as programs read it. A spreadsheet takes a text that begins like a formula for one:
// vendor text is data.
func (x reportCell) csv() string {
	if x.Num {
		return x.Raw
	}
	raw := cmp.Or(x.Raw, x.Text)
	if raw != "" && strings.ContainsRune("=+-@\t\r", rune(raw[0])) {
		return "'" + raw
	}
	return raw
}

func (x reporter) count(n int) reportCell {
	return reportCell{Text: x.l.show(n), Raw: strconv.Itoa(n), Num: true}
}

func textCell(s string) reportCell { return reportCell{Text: s} }

// columns names columns by their keys; those behind a "#" are numbers.
func (x reporter) columns(keys ...string) []reportColumn {
	var all []reportColumn
	for _, key := range keys {
		name, num := strings.CutPrefix(key, "#")
		all = append(all, reportColumn{x.l.text(name), num})
	}
	return all
}

// chosen makes a list to choose from, and returns what was chosen; the first option if nothing was.
func (x reporter) chosen(p *reportPage, name, label string, options []reportOption) string {
	if len(options) == 0 {
		return ""
	}
	here := max(0, slices.IndexFunc(options, func(o reportOption) bool { return o.Value == x.q.Get(name) }))
	options[here].Here = true
	p.Choices = append(p.Choices, reportChoice{name, x.l.text(label), options})
	return options[here].Value
}

// days are the last days of a report, the oldest first, and when the first one begins.
func (x reporter) days() (keys []string, since time.Time) {
	now := x.now.In(x.zone)
	for i := reportDays - 1; i >= 0; i-- {
		keys = append(keys, time.Date(now.Year(), now.Month(), now.Day()-i, 12, 0, 0, 0, x.zone).Format(time.DateOnly))
	}
	return keys, time.Date(now.Year(), now.Month(), now.Day()-reportDays+1, 0, 0, 0, 0, x.zone)
}

// day writes a day for people, or short for an axis.
func (x reporter) day(key, format string) string {
	at, err := time.Parse(time.DateOnly, key)
	if err != nil {
		return key
	}
	return at.Format(x.l.text(format))
}

// by is the axis of days.
func (x reporter) by(keys []string) axis {
	a := axis{Labels: make([]string, len(keys)), Late: true}
	for i, key := range keys {
		a.Labels[i] = x.day(key, "format.day")
	}
	return a
}

// runs sums up the runs of the days of a report. What is older than some days is summed up once:
// a run that takes longer than that is told in full from the next day on.
func (x reporter) runs(keys []string, since time.Time) ([]store.RunDay, error) {
	const settled = 3
	cut := since.AddDate(0, 0, len(keys)-settled)
	older, err := x.c.memo.get(x.ctx, "runs "+since.Format(time.RFC3339)+" "+cut.Format(time.RFC3339), func() (any, error) {
		return x.c.hub.Store().RunsByDay(x.ctx, since, cut, x.zone)
	})
	if err != nil {
		return nil, err
	}
	newer, err := x.c.hub.Store().RunsByDay(x.ctx, cut, x.now.AddDate(0, 0, 1), x.zone)
	days, _ := older.([]store.RunDay)
	return append(slices.Clone(days), newer...), err
}

// volume is what was written, by day and side.
func (x reporter) volume(p *reportPage) error {
	options := []reportOption{{Value: "", Text: x.l.text("report.allsyncs")}}
	for _, s := range x.c.hub.Plan().Syncs {
		options = append(options, reportOption{Value: s.Name, Text: s.Name})
	}
	only := x.chosen(p, "sync", "report.sync", options)
	keys, since := x.days()
	runs, err := x.runs(keys, since)
	if err != nil {
		return err
	}
	written, made, failed := [2][]float64{make([]float64, len(keys)), make([]float64, len(keys))}, make([]int, len(keys)), make([]int, len(keys))
	var sums [2][3]int
	verbs := make([][2][3]int, len(keys))
	for _, d := range runs {
		i := slices.Index(keys, d.Day)
		if i < 0 || only != "" && d.Sync != only {
			continue
		}
		made[i] += d.Runs
		failed[i] += d.Failed
		for _, side := range record.Sides() {
			for v, n := range [3]int{d.Sides[side].Created, d.Sides[side].Updated, d.Sides[side].Deleted} {
				verbs[i][side][v] += n
				sums[side][v] += n
				written[side][i] += float64(n)
			}
		}
	}
	table := reportTable{Columns: x.columns("report.day", "#report.runs", "#report.failed", "#report.leftcreated", "#report.leftupdated", "#report.leftdeleted",
		"#report.rightcreated", "#report.rightupdated", "#report.rightdeleted")}
	for i, key := range slices.Backward(keys) {
		row := []reportCell{{Text: x.day(key, "format.date"), Raw: key}, x.count(made[i]), x.count(failed[i])}
		for _, side := range record.Sides() {
			for _, n := range verbs[i][side] {
				row = append(row, x.count(n))
			}
		}
		table.Rows = append(table.Rows, row)
	}
	left, right := x.l.text("report.left"), x.l.text("report.right")
	if s, known := x.c.hub.Plan().Sync(only); known {
		left, right = s.Ends[0].String(), s.Ends[1].String()
	}
	sum := func(n [3]int) int { return n[0] + n[1] + n[2] }
	for _, one := range []struct {
		label string
		n     [3]int
	}{{left, sums[0]}, {right, sums[1]}} {
		p.Tiles = append(p.Tiles, reportTile{Label: x.l.text("report.writtento", one.label), Value: x.l.show(sum(one.n)),
			Hint: x.l.text("report.verbs", one.n[0], one.n[1], one.n[2])})
	}
	runsSum, failedSum := total(made), total(failed)
	p.Tiles = append(p.Tiles, reportTile{Label: x.l.text("report.runs"), Value: x.l.show(runsSum), Hint: x.l.text("report.failedcount", failedSum)})
	p.Sections = []reportSection{{Name: "days", Title: x.l.text("report.volumetitle"), Hint: x.l.text("report.volumehint", reportDays), Table: table,
		Chart: drawBars(x.l, x.l.text("report.volumealt", reportDays, sum(sums[0]), sum(sums[1])), x.by(keys),
			series{Class: "bar-left", Text: left, Values: written[0]}, series{Class: "bar-right", Text: right, Values: written[1]})}}
	return nil
}

func total[N int | float64](all []N) N {
	var n N
	for _, x := range all {
		n += x
	}
	return n
}
