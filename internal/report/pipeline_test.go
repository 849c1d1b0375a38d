package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"github.com/tandemhub/tandem/record"
)

func day(month, d int) time.Time { return time.Date(2026, time.Month(month), d, 12, 0, 0, 0, time.UTC) }

func stages() []record.Choice {
	return []record.Choice{{Value: "new", Label: "New", Parent: "p"}, {Value: "offer", Label: "Offer", Parent: "p"},
		{Value: "won", Label: "Won", Parent: "p", Kind: record.ChoiceWon}, {Value: "lost", Label: "Lost", Parent: "p", Kind: record.ChoiceLost}}
}

func to(value string, at time.Time) Step { return Step{Value: value, At: at} }

// TestThePipelineIsWhatIsComputedByHand is the example of docs/guide/reports.md.
func TestThePipelineIsWhatIsComputedByHand(t *testing.T) {
	t.Parallel()
	eur := decimal.NewFromInt
	in := Input{Stages: stages(), Deals: []Deal{
		// 1: new on 1 Jan, offer on 5 Jan, won on 3 Feb.
		{Pipeline: "p", Stage: "won", Source: "web", Amount: eur(100), Currency: "EUR",
			Steps: []Step{to("new", day(1, 1)), to("offer", day(1, 5)), to("won", day(2, 3))}},
		// 2: seen in offer on 2 Jan, back to new on 4 Jan, lost on 10 Jan.
		{Pipeline: "p", Stage: "lost", Source: "fair", Amount: eur(50), Currency: "EUR",
			Steps: []Step{{Value: "offer", At: day(1, 2), Seen: true}, to("new", day(1, 4)), to("lost", day(1, 10))}},
		// 3: new on 1 Jan, offer on 11 Jan, and still there.
		{Pipeline: "p", Stage: "offer", Source: "web", Amount: eur(70), Currency: "USD", Steps: []Step{to("new", day(1, 1)), to("offer", day(1, 11))}},
		// 4: was won when it was first seen; its close date is in December.
		{Pipeline: "p", Stage: "won", Amount: eur(30), Currency: "EUR", Closes: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC),
			Steps: []Step{{Value: "won", At: day(1, 2), Seen: true}}},
	}}
	d := 24 * time.Hour
	want := Pipeline{
		Stages: []StageRow{
			// 4, 6 and 10 days: 1 and 3 went onward, 2 was lost.
			{Pipeline: "p", Stage: "new", Label: "New", State: record.ChoiceOpen, Value: Money{}, Onward: 2, Lost: 1, Timed: 3, Mean: 20 * d / 3, Median: 6 * d},
			// 1 went onward after 29 days; 2 went back, and nobody knows since when it was there.
			{Pipeline: "p", Stage: "offer", Label: "Offer", State: record.ChoiceOpen, Deals: 1, Value: Money{"USD": eur(70)}, Onward: 1, Back: 1, Timed: 1,
				Mean: 29 * d, Median: 29 * d},
			{Pipeline: "p", Stage: "won", Label: "Won", State: record.ChoiceWon, Deals: 2, Value: Money{"EUR": eur(130)}},
			{Pipeline: "p", Stage: "lost", Label: "Lost", State: record.ChoiceLost, Deals: 1, Value: Money{"EUR": eur(50)}},
		},
		Months: []EndRow{
			{Key: "2025-12", Won: 1, WonValue: Money{"EUR": eur(30)}, LostSum: Money{}, ByCloseDate: 1},
			{Key: "2026-01", Lost: 1, WonValue: Money{}, LostSum: Money{"EUR": eur(50)}},
			{Key: "2026-02", Won: 1, WonValue: Money{"EUR": eur(100)}, LostSum: Money{}},
		},
		Sources: []EndRow{
			{Key: "", Won: 1, WonValue: Money{"EUR": eur(30)}, LostSum: Money{}, ByCloseDate: 1},
			{Key: "fair", Lost: 1, WonValue: Money{}, LostSum: Money{"EUR": eur(50)}},
			{Key: "web", Won: 1, WonValue: Money{"EUR": eur(100)}, LostSum: Money{}},
		},
		Totals: map[record.ChoiceKind]int{record.ChoiceOpen: 1, record.ChoiceWon: 2, record.ChoiceLost: 1},
		Values: map[record.ChoiceKind]Money{record.ChoiceOpen: {"USD": eur(70)}, record.ChoiceWon: {"EUR": eur(130)}, record.ChoiceLost: {"EUR": eur(50)}},
	}
	got := NewPipeline(in)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(StageRow{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := got.Stages[0].Conversion(); c < 0.666 || c > 0.667 {
		t.Errorf("conversion of new: %v, want two of three", c)
	}
	if c := got.Stages[2].Conversion(); c != -1 {
		t.Errorf("conversion of won: %v, want none", c)
	}
}

// Where winning is a status, the stage stays what it was.
func TestADealIsWonByItsStatusInAnyStage(t *testing.T) {
	t.Parallel()
	in := Input{Stages: stages()[:2], Statuses: []record.Choice{{Value: "open", Kind: record.ChoiceOpen}, {Value: "won", Kind: record.ChoiceWon}},
		Deals: []Deal{{Stage: "offer", Status: "won", Steps: []Step{to("new", day(1, 1)), {Status: true, Value: "open", At: day(1, 1)},
			to("offer", day(1, 3)), {Status: true, Value: "won", At: day(1, 4)}}}}}
	got := NewPipeline(in)
	if s := got.Stages[1]; s.Deals != 0 || s.Onward != 1 || s.Median != 24*time.Hour {
		t.Errorf("offer: %+v", s)
	}
	if len(got.Months) != 1 || got.Months[0].Won != 1 || got.Months[0].Key != "2026-01" {
		t.Errorf("months: %+v", got.Months)
	}
}

func TestWhatHappenedBeforeTheTimeAskedForIsLeftOut(t *testing.T) {
	t.Parallel()
	in := Input{Stages: stages(), Since: day(2, 1), Deals: []Deal{{Stage: "won", Steps: []Step{to("new", day(1, 1)), to("offer", day(1, 5)), to("won", day(2, 3))}}}}
	got := NewPipeline(in)
	if got.Stages[0].Ended() != 0 || got.Stages[1].Onward != 1 {
		t.Errorf("stages: %+v", got.Stages)
	}
}
