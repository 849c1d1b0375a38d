package jsonl

import (
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

// A Why says how a record stands in one sync, and why.
type Why struct {
	Sync    string     `json:"sync"`
	Record  string     `json:"record"`
	Title   string     `json:"title,omitempty"`
	State   string     `json:"state"` // linked, alone, under way, gone, unknown
	Partner string     `json:"partner,omitempty"`
	Reasons []Reason   `json:"reasons,omitempty"`
	Review  []int64    `json:"review,omitempty"`  // ids of open questions about it
	Decided []Decided  `json:"decided,omitempty"` // what people decided about it
	Fields  []WhyField `json:"fields,omitempty"`
}

// A Decided is what a person decided about a record.
type Decided struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	What string    `json:"what"`
	Line int64     `json:"line"` // of the journal
}

// A Reason is one reason with the rule behind it.
type Reason struct {
	Rule string `json:"rule,omitempty"`
	Says string `json:"says,omitempty"` // the rule's sentence in docs/rules.md
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

// A WhyField is one mapped field of a record.
type WhyField struct {
	Field    string       `json:"field"`
	State    string       `json:"state,omitempty"`
	Value    record.Value `json:"value"`
	Base     record.Value `json:"base"`
	Reason   *Reason      `json:"reason,omitempty"` // why it is not agreed
	Origin   Reason       `json:"origin"`           // where the value came from
	Replaced record.Value `json:"replaced"`
	At       *time.Time   `json:"at,omitempty"`
	Run      string       `json:"run,omitempty"`
	By       string       `json:"by,omitempty"`
	Lines    []int64      `json:"lines,omitempty"` // of the journal, oldest first
}

func ofReason(r engine.WhyReason) Reason {
	return Reason{Rule: r.Rule.Number, Says: r.Rule.Text, Text: r.Text, Fix: r.Fix}
}

// OfWhy tells how a record stands.
func OfWhy(y engine.Why) Why {
	line := Why{Sync: y.Sync, Record: y.Of.String() + "/" + y.ID, Title: y.Title, State: y.State, Partner: y.Partner}
	for _, r := range y.Reasons {
		line.Reasons = append(line.Reasons, ofReason(r))
	}
	for _, item := range y.Reviews {
		line.Review = append(line.Review, item.ID)
	}
	for _, e := range y.Decided {
		line.Decided = append(line.Decided, Decided{At: e.At, By: e.By, What: e.Why, Line: e.ID})
	}
	for _, f := range y.Fields {
		x := WhyField{Field: f.Field, State: f.State, Value: f.Value, Base: f.Base, Replaced: f.Origin.Replaced,
			Origin: Reason{Rule: f.Origin.Rule.Number, Says: f.Origin.Rule.Text, Text: f.Origin.Text}}
		if f.Reason.Text != "" {
			r := ofReason(f.Reason)
			x.Reason = &r
		}
		if e := f.Origin.Entry; e != nil {
			x.At, x.Run, x.By = &e.At, engine.RunName(e.Run), e.By
		}
		for _, e := range f.Trail {
			x.Lines = append(x.Lines, e.ID)
		}
		line.Fields = append(line.Fields, x)
	}
	return line
}
