package engine

import (
	"context"
	"slices"
	"time"

	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/report"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A DealObject is an object whose records are deals.
type DealObject struct {
	Of     store.Object
	Schema record.Object
}

// DealObjects finds, in file order, the objects of syncs that are deals, as far as they are known.
func DealObjects(ctx context.Context, s *store.Store, p *plan.Plan) ([]DealObject, error) {
	known, err := s.Connections(ctx)
	if err != nil {
		return nil, err
	}
	var all []DealObject
	for _, sync := range p.Syncs {
		for _, end := range sync.Ends {
			of := store.Object{Connection: end.Connection, Name: end.Object}
			if slices.ContainsFunc(all, func(o DealObject) bool { return o.Of == of }) {
				continue
			}
			for _, conn := range known {
				if o, ok := conn.Schema.Object(end.Object); conn.Name == end.Connection && ok && o.Common == "deal" {
					all = append(all, DealObject{of, o})
				}
			}
		}
	}
	return all, nil
}

// Deals reads the deals of an object, and what is known of their way, for a report.
func Deals(ctx context.Context, s *store.Store, o DealObject) (report.Input, error) {
	var in report.Input
	field := func(common string) record.Field { f, _ := o.Schema.ByCommon(common); return f }
	stage, status, source := field("stage"), field("status"), field("source")
	if stage.Name == "" {
		stage, status = status, record.Field{}
	}
	pipeline, amount, currency, closes := field("pipeline"), field("amount"), field("currency"), field("close_date")
	in.Stages, in.Statuses = stage.Choices, status.Choices
	steps, err := s.Stages(ctx, o.Of)
	if err != nil {
		return in, err
	}
	if err := earlierSteps(ctx, s, o.Of, stage.Name, status.Name, steps); err != nil {
		return in, err
	}
	err = s.EachPresent(ctx, o.Of, func(r record.Record) error {
		d := report.Deal{Stage: r.Fields[stage.Name].Text(), Status: r.Fields[status.Name].Text(), Pipeline: r.Fields[pipeline.Name].Text(),
			Source: ChoiceLabel(source, r.Fields[source.Name].Text()), Amount: r.Fields[amount.Name].Decimal(), Currency: r.Fields[currency.Name].Text()}
		if v := r.Fields[closes.Name]; !v.IsEmpty() {
			d.Closes = v.Time()
		}
		for _, x := range steps[r.ID] {
			d.Steps = append(d.Steps, report.Step{Status: status.Name != "" && x.Field == status.Name, Value: x.Value, At: x.At, Seen: x.Seen})
		}
		in.Deals = append(in.Deals, d)
		return nil
	})
	return in, err
}

// earlierSteps adds what the journal knows from the time before stages were noted: what we wrote.
func earlierSteps(ctx context.Context, s *store.Store, of store.Object, stage, status string, steps map[string][]store.Stage) error {
	noted := make(map[string]time.Time, len(steps))
	for id, list := range steps {
		noted[id] = list[0].At
	}
	for _, field := range []string{stage, status} {
		if field == "" {
			continue
		}
		lines, err := s.History(ctx, store.HistoryQuery{Connection: of.Connection, Object: of.Name, Field: field, Kinds: []store.EntryKind{store.Written}, Limit: 1 << 30})
		if err != nil {
			return err
		}
		for _, e := range lines {
			if first, is := noted[e.Record]; e.Of == of && (!is || e.At.Before(first)) {
				steps[e.Record] = append(steps[e.Record], store.Stage{Of: of, ID: e.Record, Field: field, Value: e.New.Text(), At: e.At})
			}
		}
	}
	for _, list := range steps {
		slices.SortStableFunc(list, func(a, b store.Stage) int { return a.At.Compare(b.At) })
	}
	return nil
}

// ChoiceLabel is what people call a choice of a field: its label, else its value.
func ChoiceLabel(f record.Field, value string) string {
	for _, c := range f.Choices {
		if c.Value == value && c.Label != "" {
			return c.Label
		}
	}
	return value
}
