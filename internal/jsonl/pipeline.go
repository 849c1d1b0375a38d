package jsonl

import (
	"context"
	"errors"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/report"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A Pipeline is one row of the report of deals.
type Pipeline struct {
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

func sums(m report.Money) map[string]string {
	out := map[string]string{}
	for currency, n := range m {
		if !n.IsZero() {
			out[currency] = n.String()
		}
	}
	return out
}

func pipelineLines(o engine.DealObject, r report.Pipeline) []Pipeline {
	var lines []Pipeline
	pipelines, _ := o.Schema.ByCommon("pipeline")
	for _, s := range r.Stages {
		line := Pipeline{Section: "stage", Object: o.Of.String(), Pipeline: engine.ChoiceLabel(pipelines, s.Pipeline), Key: s.Stage, Label: s.Label, State: s.State,
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
			lines = append(lines, Pipeline{Section: x.section, Object: o.Of.String(), Key: e.Key, Deals: e.Won + e.Lost, Won: e.Won, Lost: e.Lost,
				WonValue: sums(e.WonValue), LostValue: sums(e.LostSum), ByClose: e.ByCloseDate})
		}
	}
	for _, state := range []record.ChoiceKind{record.ChoiceOpen, record.ChoiceWon, record.ChoiceLost} {
		lines = append(lines, Pipeline{Section: "total", Object: o.Of.String(), Key: string(state), State: state, Deals: r.Totals[state], Value: sums(r.Values[state])})
	}
	return lines
}

func hours(d time.Duration) float64 { return float64(d.Round(time.Minute)/time.Minute) / 60 }

// ErrNoDeals says that there is nothing to report of.
var ErrNoDeals = errors.New("no sync keeps deals in step, or none has run yet: the report is computed from what was read")

// DealReport computes the report of one object's deals from the mirror alone.
func DealReport(ctx context.Context, s *store.Store, o engine.DealObject, since time.Time, zone *time.Location) (report.Pipeline, error) {
	in, err := engine.Deals(ctx, s, o)
	if err != nil {
		return report.Pipeline{}, err
	}
	in.Since, in.Zone = since, zone
	return report.NewPipeline(in), nil
}

// Pipelines tells the reports of deals that compute returns: of one object, as in crm.deals, or of
// all that are deals for "".
func Pipelines(ctx context.Context, p *plan.Plan, s *store.Store, object string, compute func(engine.DealObject) (report.Pipeline, error)) ([]Pipeline, error) {
	objects, err := dealObjects(ctx, p, s, object)
	if err != nil {
		return nil, err
	}
	var all []Pipeline
	for _, o := range objects {
		r, err := compute(o)
		if err != nil {
			return nil, err
		}
		all = append(all, pipelineLines(o, r)...)
	}
	return all, nil
}

// dealObjects finds what is to be reported: all objects of deals, or the one that is named.
func dealObjects(ctx context.Context, p *plan.Plan, s *store.Store, named string) ([]engine.DealObject, error) {
	known, err := engine.DealObjects(ctx, s, p)
	if err != nil {
		return nil, err
	}
	var all []engine.DealObject
	var names []string
	for _, o := range known {
		names = append(names, o.Of.String())
		if named == "" || named == o.Of.String() {
			all = append(all, o)
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case named != "":
		return nil, &UnknownError{Kind: "object of deals named", Name: named, Have: names}
	}
	return nil, ErrNoDeals
}
