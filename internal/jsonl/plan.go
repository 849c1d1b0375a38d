package jsonl

import (
	"strings"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/record"
)

// A Planned is one record that a sync would write, link or ask about.
type Planned struct {
	Sync    string             `json:"sync"`
	Kind    engine.PreviewKind `json:"kind"`
	Side    string             `json:"side"`
	Object  string             `json:"object"`
	ID      string             `json:"id,omitempty"`
	Partner string             `json:"partner,omitempty"`
	Title   string             `json:"title,omitempty"`
	Fields  []PlannedField     `json:"fields,omitempty"`
	Note    string             `json:"note,omitempty"`
}

// A PlannedField is one field that would be written.
type PlannedField struct {
	Name string       `json:"name"`
	Old  record.Value `json:"old"`
	New  record.Value `json:"new"`
	Rule string       `json:"rule,omitempty"`
}

// A Plan is what a sync would do, in numbers.
type Plan struct {
	Sync      string                     `json:"sync"`
	Left      string                     `json:"left"`
	Right     string                     `json:"right"`
	Counts    map[engine.PreviewKind]int `json:"counts"`
	Linked    int                        `json:"linked"`
	Unchanged int                        `json:"unchanged"`
	Events    int                        `json:"events,omitempty"`
	Blown     string                     `json:"blown,omitempty"`
	Error     string                     `json:"error,omitempty"`
}

// OfPlanned tells one record of a plan.
func OfPlanned(sync string, it engine.PreviewItem) Planned {
	line := Planned{
		Sync: sync, Kind: it.Kind, Side: it.Side.String(), Object: it.Of.String(), ID: it.ID, Partner: it.Partner, Title: Bare(it.Title), Note: it.Note,
	}
	for _, f := range it.Fields {
		line.Fields = append(line.Fields, PlannedField(f))
	}
	return line
}

// Bare takes the parentheses off a title: they set it apart within a sentence only.
func Bare(title string) string {
	inner, opens := strings.CutPrefix(title, "(")
	inner, closes := strings.CutSuffix(inner, ")")
	if opens && closes {
		return inner
	}
	return title
}

// OfPlan tells a plan in numbers.
func OfPlan(pv engine.Preview) Plan {
	sum := Plan{
		Sync: pv.Sync, Left: pv.Left.String(), Right: pv.Right.String(), Counts: pv.Counts, Linked: pv.Linked, Unchanged: pv.Unchanged, Events: pv.Events, Blown: pv.Blown,
	}
	if sum.Counts == nil {
		sum.Counts = map[engine.PreviewKind]int{}
	}
	if pv.Err != nil {
		sum.Error = pv.Err.Error()
	}
	return sum
}
