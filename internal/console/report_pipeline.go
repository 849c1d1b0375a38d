package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/report"
	"github.com/tandemhub/tandem/record"
)

// pipeline is the report about deals.
func (x reporter) pipeline(p *reportPage) error {
	objects, err := engine.DealObjects(x.ctx, x.c.hub.Store(), x.c.hub.Plan())
	if err != nil || len(objects) == 0 {
		return err
	}
	var options []reportOption
	for _, o := range objects {
		options = append(options, reportOption{Value: o.Of.String(), Text: o.Of.String()})
	}
	of := x.chosen(p, "of", "report.deals", options)
	o := objects[slices.IndexFunc(objects, func(o engine.DealObject) bool { return o.Of.String() == of })]
	back := x.chosen(p, "since", "report.since", []reportOption{{Value: "", Text: x.l.text("report.ever")},
		{Value: "90", Text: x.l.text("report.lastdays", 90)}, {Value: "365", Text: x.l.text("report.lastdays", 365)}})
	var since time.Time
	if n, err := strconv.Atoi(back); err == nil {
		now := x.now.In(x.zone)
		since = time.Date(now.Year(), now.Month(), now.Day()-n, 0, 0, 0, 0, x.zone)
	}
	r, err := x.deals(o, since)
	if err != nil {
		return err
	}
	for _, state := range []record.ChoiceKind{record.ChoiceOpen, record.ChoiceWon, record.ChoiceLost} {
		p.Tiles = append(p.Tiles, reportTile{Label: x.l.text("deals." + string(state)), Value: x.l.show(r.Totals[state]), Hint: x.money(r.Values[state]).Text})
	}
	p.Sections = x.stages(o, r)
	p.Sections = append(p.Sections, x.ends("months", r.Months), x.ends("sources", r.Sources))
	return nil
}

// deals computes the report of an object's deals once for a state of the mirror.
func (x reporter) deals(o engine.DealObject, since time.Time) (report.Pipeline, error) {
	seq, err := x.c.hub.Store().MaxSeq(x.ctx, o.Of)
	if err != nil {
		return report.Pipeline{}, err
	}
	key := fmt.Sprintf("pipeline %s %d %s %s", o.Of, seq, since.Format(time.RFC3339Nano), x.zone)
	got, err := x.c.memo.get(x.ctx, key, func() (any, error) { return jsonl.DealReport(x.ctx, x.c.hub.Store(), o, since, x.zone) })
	if err != nil {
		return report.Pipeline{}, err
	}
	r, _ := got.(report.Pipeline)
	return r, nil
}

// stages are three views of the stages: what is in them, how deals left them, and how long they took.
func (x reporter) stages(o engine.DealObject, r report.Pipeline) []reportSection {
	pipelines, _ := o.Schema.ByCommon("pipeline")
	now := reportTable{Columns: x.columns("report.pipeline", "report.stage", "#report.dealcount", "#report.value")}
	moves := reportTable{Columns: x.columns("report.pipeline", "report.stage", "#report.onward", "#report.back", "#report.lost", "#report.conversion", "#report.timed", "#report.median", "#report.mean")}
	var labels []string
	var deals, onward, backward, lost, median []float64
	all := 0
	for _, s := range r.Stages {
		line, stage := textCell(engine.ChoiceLabel(pipelines, s.Pipeline)), textCell(cmp.Or(s.Label, s.Stage))
		now.Rows = append(now.Rows, []reportCell{line, stage, x.count(s.Deals), x.money(s.Value)})
		moves.Rows = append(moves.Rows, []reportCell{line, stage, x.count(s.Onward), x.count(s.Back), x.count(s.Lost), x.conversion(s), x.count(s.Timed), x.took(s, s.Median), x.took(s, s.Mean)})
		labels = append(labels, stage.Text)
		deals = append(deals, float64(s.Deals))
		onward, backward, lost = append(onward, float64(s.Onward)), append(backward, float64(s.Back)), append(lost, float64(s.Lost))
		median = append(median, s.Median.Hours()/24)
		all += s.Deals
	}
	return []reportSection{
		{Name: "stages", Title: x.l.text("report.stagestitle"), Table: now,
			Chart: drawBars(x.l, x.l.text("report.stagesalt", all, len(labels)), axis{Labels: labels}, series{Class: "bar", Values: deals})},
		{Name: "moves", Title: x.l.text("report.movestitle"), Hint: x.l.text("report.moveshint"), Table: moves,
			Chart: drawBars(x.l, x.l.text("report.movesalt"), axis{Labels: labels}, series{Class: "bar", Text: x.l.text("report.onward"), Values: onward},
				series{Class: "bar-right", Text: x.l.text("report.back"), Values: backward}, series{Class: "bar-fail", Text: x.l.text("report.lost"), Values: lost})},
		{Name: "times", Title: x.l.text("report.timestitle"), Hint: x.l.text("report.timeshint"), Table: moves,
			Chart: drawBars(x.l, x.l.text("report.timesalt"), axis{Labels: labels}, series{Class: "bar", Values: median})},
	}
}

// ends are deals that were won or lost, by month or by source.
func (x reporter) ends(name string, rows []report.EndRow) reportSection {
	t := reportTable{Columns: x.columns("report.month", "#report.won", "#report.lost", "#report.wonvalue", "#report.lostvalue", "#report.byclose")}
	s := reportSection{Name: name, Title: x.l.text("report.monthstitle"), Hint: x.l.text("report.monthshint")}
	if name == "sources" {
		t.Columns[0].Text, s.Title, s.Hint = x.l.text("report.source"), x.l.text("report.sourcestitle"), ""
	}
	var labels []string
	var won, lost []float64
	for _, e := range rows {
		label := reportCell{Text: cmp.Or(e.Key, x.l.text("report.notknown")), Raw: e.Key}
		if month, err := time.Parse("2006-01", e.Key); err == nil && name == "months" {
			label.Text = month.Format(x.l.text("format.month"))
		}
		t.Rows = append(t.Rows, []reportCell{label, x.count(e.Won), x.count(e.Lost), x.money(e.WonValue), x.money(e.LostSum), x.count(e.ByCloseDate)})
		labels, won, lost = append(labels, label.Text), append(won, float64(e.Won)), append(lost, float64(e.Lost))
	}
	s.Table = t
	if len(rows) > 0 {
		s.Chart = drawBars(x.l, x.l.text("report.endsalt", int(total(won)), int(total(lost))), axis{Labels: labels}, series{Class: "bar", Text: x.l.text("report.won"), Values: won},
			series{Class: "bar-fail", Text: x.l.text("report.lost"), Values: lost})
	}
	return s
}

// money writes a sum for each currency.
func (x reporter) money(m report.Money) reportCell {
	var shown, raw []string
	for _, currency := range slices.Sorted(maps.Keys(m)) {
		if n := m[currency]; !n.IsZero() {
			shown = append(shown, strings.TrimSpace(x.l.decimal(n.String())+" "+currency))
			raw = append(raw, strings.TrimSpace(n.String()+" "+currency))
		}
	}
	return reportCell{Text: cmp.Or(strings.Join(shown, ", "), "–"), Raw: cmp.Or(strings.Join(raw, ", "), "0"), Num: true}
}

func (x reporter) conversion(s report.StageRow) reportCell {
	n := s.Conversion()
	if n < 0 {
		return reportCell{Text: "–", Num: true}
	}
	return reportCell{Text: x.percent(n), Raw: strconv.FormatFloat(n, 'f', 4, 64), Num: true}
}

// took writes a time in days.
func (x reporter) took(s report.StageRow, d time.Duration) reportCell {
	if s.Timed == 0 {
		return reportCell{Text: "–", Num: true}
	}
	days := d.Hours() / 24
	return reportCell{Text: x.l.number(days), Raw: strconv.FormatFloat(days, 'f', 2, 64), Num: true}
}
