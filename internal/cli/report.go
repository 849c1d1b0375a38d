package cli

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
	"github.com/tandemhub/tandem/internal/report"
)

type reportCmd struct {
	Pipeline pipelineCmd `cmd:"" help:"Deals by stage, with value, conversion and time in each stage; won and lost by month and by source."`
}

type pipelineCmd struct {
	Object string `arg:"" optional:"" help:"Only these deals (crm.deals). All objects that are deals if left out."`
	Since  string `placeholder:"TIME" help:"Only what happened since: 90d, 2026-01-01."`
	CSV    bool   `name:"csv" help:"Comma-separated values with one heading."`
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
	rows, err := jsonl.Pipelines(ctx, p, s, c.Object, func(o engine.DealObject) (report.Pipeline, error) {
		return jsonl.DealReport(ctx, s, o, from, p.Timezone)
	})
	if errors.Is(err, jsonl.ErrNoDeals) {
		return usage("%w", err)
	}
	if err != nil {
		return misnamed(err)
	}
	switch {
	case c.CSV:
		return a.print(pipelineCSV(rows))
	case a.json:
		for _, line := range rows {
			if err := a.line(line); err != nil {
				return err
			}
		}
		return nil
	}
	return a.print(pipelineText(rows))
}

func money(m map[string]string) string {
	var parts []string
	for _, currency := range sortedKeys(m) {
		parts = append(parts, strings.TrimSpace(m[currency]+" "+currency))
	}
	return cmp.Or(strings.Join(parts, ", "), "-")
}

func pipelineText(rows []jsonl.Pipeline) string {
	var b strings.Builder
	var t table
	section := ""
	flush := func() {
		b.WriteString(t.text("  "))
		t = table{}
	}
	for _, x := range rows {
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

func pipelineCSV(rows []jsonl.Pipeline) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(strings.Split("section,object,pipeline,key,label,state,deals,value,won,lost,won_value,lost_value,onward,back,conversion,timed,median_hours,mean_hours,by_close_date", ","))
	number := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	for _, x := range rows {
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
