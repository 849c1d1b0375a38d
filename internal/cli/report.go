package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/report"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

type reportCmd struct {
	Pipeline pipelineCmd `cmd:"" help:"Deals by stage, with value, conversion and time in each stage; won and lost by month and by source."`
}

type pipelineCmd struct {
	Object string `arg:"" optional:"" help:"Only these deals (crm.deals). All objects that are deals if left out."`
	Since  string `placeholder:"TIME" help:"Only what happened since: 90d, 2026-01-01."`
	CSV    bool   `name:"csv" help:"Comma-separated values with one heading."`
}

// pipelineLine is one row of the report in tandem report pipeline -o json, and with --csv.
type pipelineLine struct {
	Section    string            `json:"section"` // stage, month, source, total
	Object     string            `json:"object"`
	Pipeline   string            `json:"pipeline,omitempty"`
	Key        string            `json:"key"` // the stage, the month, the source, the state; "" = not known
	Label      string            `json:"label,omitempty"`
	State      record.ChoiceKind `json:"state,omitempty"`
	Deals      int               `json:"deals"`
	Value      map[string]string `json:"value,omitempty"` // by currency
	Won        int               `json:"won"`
	Lost       int               `json:"lost"`
	WonValue   map[string]string `json:"won_value,omitempty"`
	LostValue  map[string]string `json:"lost_value,omitempty"`
	Onward     int               `json:"onward"`
	Back       int               `json:"back"`
	Conversion *float64          `json:"conversion,omitempty"` // 0 to 1; absent if no visit has ended
	Timed      int               `json:"timed"`
	Median     float64           `json:"median_hours"`
	Mean       float64           `json:"mean_hours"`
	ByClose    int               `json:"by_close_date"`
}

// Run computes the report from the mirror alone.
func (c *pipelineCmd) Run(ctx context.Context, a *app) (err error) {
	p, err := a.load(ctx)
	if err != nil {
		return err
	}
	from, err := since(c.Since, time.Now(), p.Timezone)
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx, p, look)
	if err != nil {
		return err
	}
	defer (&session{store: s}).close(&err)
	objects, err := c.objects(ctx, p, s)
	if err != nil {
		return err
	}
	var lines []pipelineLine
	for _, o := range objects {
		in, err := engine.Deals(ctx, s, o)
		if err != nil {
			return err
		}
		in.Since, in.Zone = from, p.Timezone
		lines = append(lines, pipelineLines(o, report.NewPipeline(in))...)
	}
	switch {
	case c.CSV:
		return a.print(pipelineCSV(lines))
	case a.json:
		for _, line := range lines {
			if err := a.line(line); err != nil {
				return err
			}
		}
		return nil
	}
	return a.print(pipelineText(lines))
}

// objects finds what is to be reported: objects of syncs that are deals.
func (c *pipelineCmd) objects(ctx context.Context, p *plan.Plan, s *store.Store) ([]engine.DealObject, error) {
	known, err := engine.DealObjects(ctx, s, p)
	if err != nil {
		return nil, err
	}
	var all []engine.DealObject
	var names []string
	for _, o := range known {
		names = append(names, o.Of.String())
		if c.Object == "" || c.Object == o.Of.String() {
			all = append(all, o)
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case c.Object != "":
		return nil, unknown("object of deals named", c.Object, names)
	}
	return nil, usage("no sync keeps deals in step, or none has run yet: the report is computed from what was read")
}

func sums(m report.Money) map[string]string {
	out := map[string]string{}
	for currency, n := range m {
		if !n.IsZero() {
			out[currency] = n.String()
		}
	}
	return out
}

func pipelineLines(o engine.DealObject, r report.Pipeline) []pipelineLine {
	var lines []pipelineLine
	pipelines, _ := o.Schema.ByCommon("pipeline")
	for _, s := range r.Stages {
		line := pipelineLine{Section: "stage", Object: o.Of.String(), Pipeline: engine.ChoiceLabel(pipelines, s.Pipeline), Key: s.Stage, Label: s.Label, State: s.State,
			Deals: s.Deals, Value: sums(s.Value), Onward: s.Onward, Back: s.Back, Lost: s.Lost, Timed: s.Timed, Median: hours(s.Median), Mean: hours(s.Mean)}
		if n := s.Conversion(); n >= 0 {
			line.Conversion = &n
		}
		lines = append(lines, line)
	}
	for _, x := range []struct {
		section string
		rows    []report.EndRow
	}{{"month", r.Months}, {"source", r.Sources}} {
		for _, e := range x.rows {
			lines = append(lines, pipelineLine{Section: x.section, Object: o.Of.String(), Key: e.Key, Deals: e.Won + e.Lost, Won: e.Won, Lost: e.Lost,
				WonValue: sums(e.WonValue), LostValue: sums(e.LostSum), ByClose: e.ByCloseDate})
		}
	}
	for _, state := range []record.ChoiceKind{record.ChoiceOpen, record.ChoiceWon, record.ChoiceLost} {
		lines = append(lines, pipelineLine{Section: "total", Object: o.Of.String(), Key: string(state), State: state, Deals: r.Totals[state], Value: sums(r.Values[state])})
	}
	return lines
}

func hours(d time.Duration) float64 { return float64(d.Round(time.Minute)/time.Minute) / 60 }

func money(m map[string]string) string {
	var parts []string
	for _, currency := range sortedKeys(m) {
		parts = append(parts, strings.TrimSpace(m[currency]+" "+currency))
	}
	return cmp.Or(strings.Join(parts, ", "), "-")
}

func pipelineText(lines []pipelineLine) string {
	var b strings.Builder
	var t table
	section := ""
	flush := func() {
		b.WriteString(t.text("  "))
		t = table{}
	}
	for _, x := range lines {
		if now := x.Object + " " + x.Section; now != section {
			flush()
			section = now
			fmt.Fprintf(&b, "%s by %s\n", x.Object, x.Section)
			switch x.Section {
			case "stage":
				t.add("PIPELINE", "STAGE", "DEALS", "VALUE", "ONWARD", "BACK", "LOST", "CONVERSION", "MEDIAN", "MEAN")
			case "total":
				t.add("STATE", "DEALS", "VALUE")
			default:
				t.add(strings.ToUpper(x.Section), "WON", "LOST", "WON VALUE", "LOST VALUE", "BY CLOSE DATE")
			}
		}
		switch x.Section {
		case "stage":
			t.add(oneLine(cmp.Or(x.Pipeline, "-")), oneLine(cmp.Or(x.Label, x.Key)), count(x.Deals), money(x.Value), count(x.Onward), count(x.Back), count(x.Lost),
				percent(x.Conversion), days(x.Timed, x.Median), days(x.Timed, x.Mean))
		case "total":
			t.add(x.Key, count(x.Deals), money(x.Value))
		default:
			t.add(oneLine(cmp.Or(x.Key, "not known")), count(x.Won), count(x.Lost), money(x.WonValue), money(x.LostValue), count(x.ByClose))
		}
	}
	flush()
	return b.String()
}

func percent(n *float64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatFloat(*n*100, 'f', 0, 64) + "%"
}

func days(timed int, hours float64) string {
	if timed == 0 {
		return "-"
	}
	return strconv.FormatFloat(hours/24, 'f', 1, 64) + "d"
}

func pipelineCSV(lines []pipelineLine) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(strings.Split("section,object,pipeline,key,label,state,deals,value,won,lost,won_value,lost_value,onward,back,conversion,timed,median_hours,mean_hours,by_close_date", ","))
	number := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	for _, x := range lines {
		conversion := ""
		if x.Conversion != nil {
			conversion = number(*x.Conversion)
		}
		_ = w.Write([]string{x.Section, x.Object, x.Pipeline, x.Key, x.Label, string(x.State), strconv.Itoa(x.Deals), money(x.Value), strconv.Itoa(x.Won),
			strconv.Itoa(x.Lost), money(x.WonValue), money(x.LostValue), strconv.Itoa(x.Onward), strconv.Itoa(x.Back), conversion, strconv.Itoa(x.Timed),
			number(x.Median), number(x.Mean), strconv.Itoa(x.ByClose)})
	}
	w.Flush() // into memory: it cannot fail
	return b.String()
}
