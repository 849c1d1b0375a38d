package merge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// yes, no and dunno are shorter in tables.
const (
	yes   = record.Granted
	no    = record.Denied
	dunno = ""
)

// consented is a field whose sides hold these values; right hears from people themselves.
func consented(left, right string, bases ...string) merge.Field {
	f := merge.Field{Direction: merge.Both, Prefer: merge.Newest,
		Consent: &merge.Consent{Says: [2]string{left, right}, Firsthand: [2]bool{false, true}, Told: [2]bool{true, true}}}
	for i, v := range []string{left, right} {
		c := &f.Cells[i]
		c.Value, c.Known, c.Sent, c.Translated = record.Text(v), true, record.Text(v), true
		if len(bases) > 0 {
			c.Base, c.HasBase = record.Text(bases[i]), true
		}
	}
	return f
}

func TestR32ANoStandsOverEverythingElse(t *testing.T) {
	t.Parallel()
	toLeft, toRight := "left", "right"
	for _, row := range []struct {
		name        string
		left, right string
		bases       []string
		direction   merge.Direction
		decision    merge.Prefer
		later       bool   // the left record may have been changed after the right one
		want        string // what is written: side and value
		state       merge.State
	}{
		{name: "first match, no on the left", left: no, right: yes, want: toRight + no},
		{name: "first match, no on the right, one way to the right", left: yes, right: no, direction: merge.LeftToRight, want: toLeft + no},
		{name: "first match, yes fills nothing said", left: dunno, right: yes, want: toLeft + yes},
		{name: "a new no on the left", left: no, right: yes, bases: []string{yes, yes}, want: toRight + no},
		{name: "a new no on the right, one way to the right", left: yes, right: no, bases: []string{yes, yes}, direction: merge.LeftToRight, want: toLeft + no},
		{name: "both changed", left: yes, right: no, bases: []string{dunno, dunno}, want: toLeft + no},
		{name: "the person subscribes again", left: no, right: yes, bases: []string{no, no}, want: toLeft + yes},
		{name: "the person subscribes again, and may have said no since", left: no, right: yes, bases: []string{no, no}, later: true, state: merge.StateAsk},
		{name: "the yes was the last word", left: no, right: yes, bases: []string{no, no}, later: true, decision: merge.Right, want: toLeft + yes},
		{name: "the no was the last word", left: no, right: yes, bases: []string{no, no}, later: true, decision: merge.Left, want: toRight + no},
		{name: "a later change is no new no", left: yes, right: yes, bases: []string{yes, no}, later: true, state: merge.StateAgreed},
		{name: "somebody else says so", left: yes, right: no, bases: []string{no, no}, state: merge.StateAsk},
		{name: "somebody else forgets the no", left: dunno, right: no, bases: []string{no, no}, state: merge.StateAsk},
		{name: "somebody else says so, and is believed", left: yes, right: no, bases: []string{no, no}, decision: merge.Left, want: toRight + yes},
		{name: "somebody else says so, and is not believed", left: yes, right: no, bases: []string{no, no}, decision: merge.Right, want: toLeft + no},
		{name: "the person forgets", left: no, right: dunno, bases: []string{no, no}, state: merge.StateAsk},
		{name: "nothing changed", left: yes, right: no, bases: []string{yes, no}, state: merge.StateEqual},
		{name: "both took it away", left: yes, right: yes, bases: []string{no, no}, state: merge.StateAgreed},
		{name: "both said no", left: no, right: no, bases: []string{yes, yes}, state: merge.StateAgreed},
		{name: "yes and nothing said, both changed", left: dunno, right: yes, bases: []string{no, no}, want: toLeft + yes},
		{name: "a yes is taken back without a no", left: dunno, right: yes, bases: []string{yes, yes}, want: toRight + dunno},
		{name: "no direction at all still tells a no", left: no, right: yes, bases: []string{yes, yes}, direction: merge.None, want: toRight + no},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := consented(row.left, row.right, row.bases...)
			f.Decision, f.Consent.Later[0] = row.decision, row.later
			if row.direction != "" {
				f.Direction = row.direction
			}
			out := merge.One(f, merge.Times{})
			got := ""
			for _, w := range out.Writes {
				got += w.To.String() + w.Value.Text()
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("written: %s\n%+v", diff, out)
			}
			if row.state != "" && out.State != row.state {
				t.Errorf("state %s, want %s", out.State, row.state)
			}
		})
	}
}

func TestR32ANoThatCannotBeToldIsShown(t *testing.T) {
	t.Parallel()
	f := consented(no, yes, yes, yes)
	f.Direction, f.Consent.Told = merge.RightToLeft, [2]bool{true, false}
	if out := merge.One(f, merge.Times{}); out.State != merge.StateDiverged {
		t.Errorf("state %s: %s", out.State, out.Rule)
	}
}

// Whatever the rules and decisions, a no is replaced only by a yes of the person, or by a
// person's decision about exactly this.
func TestR32NothingWeakensANo(t *testing.T) {
	t.Parallel()
	words := []string{yes, no, dunno}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) string { return rapid.SampledFrom(words).Draw(t, name) }
		var bases []string
		if rapid.Bool().Draw(t, "linked") {
			bases = []string{draw("left base"), draw("right base")}
		}
		f := consented(draw("left"), draw("right"), bases...)
		f.Direction = rapid.SampledFrom([]merge.Direction{merge.Both, merge.LeftToRight, merge.RightToLeft, merge.None}).Draw(t, "direction")
		f.Prefer = rapid.SampledFrom([]merge.Prefer{merge.Left, merge.Right, merge.Newest, merge.Ask}).Draw(t, "prefer")
		f.Decision = rapid.SampledFrom([]merge.Prefer{"", merge.Left, merge.Right}).Draw(t, "decision")
		f.Enforce = rapid.Bool().Draw(t, "enforce") && f.Direction != merge.Both
		f.NewField = rapid.Bool().Draw(t, "new field")
		for side := range 2 {
			f.Consent.Firsthand[side] = rapid.Bool().Draw(t, "firsthand")
			f.Consent.Told[side] = rapid.Bool().Draw(t, "told")
			f.Consent.Later[side] = rapid.Bool().Draw(t, "later")
		}
		out := merge.One(f, merge.Times{})
		for _, w := range out.Writes {
			from := w.To.Other()
			if f.Cells[w.To].Value.Text() != no || w.Value.Text() == no {
				continue
			}
			anew := w.Value.Text() == yes && f.Consent.Firsthand[from] && f.Cells[from].HasBase && f.Cells[from].Base.Text() != yes && !f.Consent.Later[w.To]
			decided := f.Decision == merge.Prefer(from.String())
			if !anew && !decided {
				t.Fatalf("%q is written over a no: %s", w.Value.Text(), out.Rule)
			}
		}
		if f.Cells[0].Value.Text() == no && f.Cells[1].Value.Text() == no && len(out.Writes) > 0 {
			t.Fatalf("both say no, and %v is written", out.Writes)
		}
	})
}
