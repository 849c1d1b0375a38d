package jsonl

import (
	"context"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// A Review is one item of the review queue.
type Review struct {
	ID         int64            `json:"id"`
	Sync       string           `json:"sync"`
	Kind       store.ReviewKind `json:"kind"`
	Record     string           `json:"record,omitempty"`
	Side       string           `json:"side"`
	Field      string           `json:"field,omitempty"`
	Left       *record.Value    `json:"left,omitempty"`
	Right      *record.Value    `json:"right,omitempty"`
	Text       string           `json:"text"`
	Fix        string           `json:"fix,omitempty"`
	Candidates []string         `json:"candidates,omitempty"`
	Choices    []string         `json:"choices,omitempty"`
	Opened     time.Time        `json:"opened"`
	Decision   string           `json:"decision,omitempty"`
	Decided    *time.Time       `json:"decided,omitempty"`
	By         string           `json:"by,omitempty"`
	Cause      string           `json:"cause,omitempty"`
	Ranked     []Candidate      `json:"ranked,omitempty"`  // in show: the candidates, compared
	Entered    []Entered        `json:"entered,omitempty"` // what a person entered
	Would      string           `json:"would,omitempty"`   // in a bulk decision that was not confirmed: what it would be decided as
}

// OfReview tells an item.
func OfReview(r store.Review) Review {
	line := Review{
		ID: r.ID, Sync: r.Sync, Kind: r.Kind, Record: r.Record, Side: r.Side.String(), Field: r.Field, Text: r.Text, Fix: r.Fix,
		Candidates: r.Candidates, Choices: r.Choices, Opened: r.Opened, Decision: r.Decision, By: r.By, Cause: r.Cause, Entered: EnteredOf(r.Edit),
	}
	if r.Kind == store.ReviewConflict {
		line.Left, line.Right = &r.Values[0], &r.Values[1]
	}
	if engine.NamesAffected(r) {
		line.Candidates = nil // tandem review show names the records
	}
	if !r.Decided.IsZero() {
		line.Decided = &r.Decided
	}
	return line
}

// A Candidate is one of the records that an item names, compared with the one that it asks about.
type Candidate struct {
	Record  string       `json:"record"`
	Title   string       `json:"title,omitempty"`
	Score   int          `json:"score"`
	Why     []string     `json:"why"`
	Differs []Difference `json:"differs,omitempty"`
}

// A Difference is a field in which a candidate differs.
type Difference struct {
	Field  string       `json:"field"`
	Mine   record.Value `json:"mine"`
	Theirs record.Value `json:"theirs"`
}

// Candidates tells candidates, the likeliest first.
func Candidates(ranked []engine.Candidate) []Candidate {
	var lines []Candidate
	for _, c := range ranked {
		line := Candidate{Record: c.Of.String() + "/" + c.ID, Title: c.Title, Score: c.Score, Why: c.Why}
		for _, f := range c.Fields {
			if !f.Same {
				line.Differs = append(line.Differs, Difference{f.Key, f.Mine, f.Theirs})
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// An Entered is one value that a person entered.
type Entered struct {
	Field string       `json:"field"`
	Old   record.Value `json:"old"`
	New   record.Value `json:"new"`
}

// An Edit is one value that would be written.
type Edit struct {
	ID     int64        `json:"id"`
	Status string       `json:"status"` // preview or entered
	Side   string       `json:"side"`
	Object string       `json:"object"`
	Record string       `json:"record,omitempty"` // none = it will be created
	Field  string       `json:"field"`
	Old    record.Value `json:"old"`
	New    record.Value `json:"new"`
	Kept   string       `json:"kept,omitempty"` // why this side keeps what it has
}

// EnteredOf tells what a person entered.
func EnteredOf(e *store.Edit) []Entered {
	if e == nil {
		return nil
	}
	var lines []Entered
	for _, c := range e.Fields {
		lines = append(lines, Entered{Field: c.Wire, Old: c.Now[e.Side], New: c.To[e.Side]})
	}
	return lines
}

// Affected tells of the records that an item names what would be written because of them, and how
// many it leaves out; most bounds them, 0 = all.
func Affected(ctx context.Context, p *plan.Plan, s *store.Store, it store.Review, most int) ([]engine.AffectedRecord, int, error) {
	names, more := it.Candidates, 0
	if most > 0 && len(names) > most {
		more, names = len(names)-most, names[:most]
	}
	records, err := engine.Affected(ctx, s, p, it, names)
	return records, more, err
}

// Edits tells what entering values for an item comes to; status is "preview" or "entered".
func Edits(it store.Review, p engine.EditPlan, status string) []Edit {
	var all []Edit
	for _, w := range p.Writes {
		all = append(all, Edit{ID: it.ID, Status: status, Side: w.Side.String(), Object: w.Of.String(), Record: w.ID, Field: w.Field, Old: w.Old, New: w.New, Kept: w.Kept})
	}
	return all
}
