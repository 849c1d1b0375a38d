package merge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/internal/merge"
	"github.com/tandemhub/tandem/record"
)

// cell is a side that holds now, and held before at the last agreement, told as it is.
func cell(before, now string) merge.Cell {
	b, n := record.Text(before), record.Text(now)
	return merge.Cell{Value: n, Known: true, Base: b, HasBase: true, Sent: n, Translated: true, SentBase: b}
}

// fresh is a side without an agreement.
func fresh(now string) merge.Cell {
	c := cell("", now)
	c.HasBase = false
	return c
}

func untranslated(c merge.Cell) merge.Cell {
	c.Translated, c.Sent = false, record.Value{}
	return c
}

func absent(c merge.Cell) merge.Cell {
	return merge.Cell{Base: c.Base, HasBase: c.HasBase}
}

func field(left, right merge.Cell) merge.Field {
	return merge.Field{Cells: [2]merge.Cell{left, right}, Direction: merge.Both, Prefer: merge.Newest}
}

func with(f merge.Field, change func(*merge.Field)) merge.Field {
	change(&f)
	return f
}

func write(to record.Side, s string) []merge.Write {
	return []merge.Write{{To: to, Value: record.Text(s)}}
}

func lost(s record.Side, v string) *merge.Lost { return &merge.Lost{Side: s, Value: record.Text(v)} }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func edited(left, right time.Duration) merge.Times {
	return merge.Times{At: [2]time.Time{noon.Add(left), noon.Add(right)}, Known: [2]bool{true, true}}
}

// between is an edit of the left that was some time in between, and one of the right.
func between(from, to, right time.Duration) merge.Times {
	t := edited(to, right)
	t.Since[record.Left] = noon.Add(from)
	return t
}

type scene struct {
	name  string
	field merge.Field
	times merge.Times
	want  merge.Outcome
}

func play(t *testing.T, scenes []scene) {
	t.Helper()
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(s.want, merge.One(s.field, s.times)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFirstMatchFollowsR5(t *testing.T) {
	t.Parallel()
	fold := func(l, r record.Value) bool { return strings.EqualFold(l.Text(), r.Text()) }
	different := field(fresh("Ann"), fresh("Anna"))
	play(t, []scene{
		{name: "equal under the normaliser is agreed",
			field: with(field(fresh("ANN"), fresh("Ann")), func(f *merge.Field) { f.Same = fold }),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "first match: equal"}},
		{name: "both empty is agreed",
			field: field(fresh(""), fresh("")),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "first match: equal"}},
		{name: "an empty right is filled",
			field: field(fresh("Ann"), fresh("")),
			want:  merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "Ann"), Rule: "first match: right is empty"}},
		{name: "an empty left is filled",
			field: field(fresh(""), fresh("Ann")),
			want:  merge.Outcome{State: merge.StateWrite, Writes: write(record.Left, "Ann"), Rule: "first match: left is empty"}},
		{name: "an empty source never wipes a filled follower",
			field: with(field(fresh(""), fresh("Ann")), func(f *merge.Field) { f.Direction = merge.LeftToRight }),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "first match: left is empty and is not written to"}},
		{name: "prefer right overrules left, which is kept for the journal",
			field: with(different, func(f *merge.Field) { f.Prefer = merge.Right }),
			want: merge.Outcome{State: merge.StateWrite, Writes: write(record.Left, "Anna"), Conflict: true,
				Lost: lost(record.Left, "Ann"), Rule: "first match: prefer right"}},
		{name: "newest asks, because no edit is newer than a first match",
			field: different, times: edited(0, time.Hour),
			want: merge.Outcome{State: merge.StateAsk, Conflict: true, Rule: "first match: both are filled and differ"}},
		{name: "a decision is followed",
			field: with(different, func(f *merge.Field) { f.Prefer, f.Decision = merge.Ask, merge.Left }),
			want: merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "Ann"), Conflict: true,
				Lost: lost(record.Right, "Anna"), Rule: "first match: decided for left"}},
		{name: "a one-way source wins",
			field: with(different, func(f *merge.Field) { f.Direction = merge.RightToLeft }),
			want: merge.Outcome{State: merge.StateWrite, Writes: write(record.Left, "Anna"), Conflict: true,
				Lost: lost(record.Left, "Ann"), Rule: "first match: right is the source"}},
		{name: "a preferred follower is kept and not carried back",
			field: with(different, func(f *merge.Field) { f.Direction, f.Prefer = merge.LeftToRight, merge.Right }),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "first match: prefer right, and left is not written to"}},
		{name: "a winner that is empty over there wipes nothing",
			field: with(field(func() merge.Cell { c := fresh("<p>"); c.Sent = record.Value{}; return c }(), fresh("Anna")),
				func(f *merge.Field) { f.Prefer = merge.Left }),
			want: merge.Outcome{State: merge.StateAgreed, Rule: "first match: empty does not wipe right"}},
		{name: "a field mapped later has no base, whatever is stored",
			field: with(field(cell("Ann", "Ann"), cell("", "")), func(f *merge.Field) { f.NewField = true }),
			want:  merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "Ann"), Rule: "first match: right is empty"}},
	})
}

func TestOneChangeFollowsR8AndR10(t *testing.T) {
	t.Parallel()
	follower := with(field(cell("a", "a"), cell("A", "B")), func(f *merge.Field) { f.Direction = merge.LeftToRight })
	play(t, []scene{
		{name: "nothing changed is equal, however different the sides are",
			field: field(cell("a", "a"), cell("A", "A")),
			want:  merge.Outcome{State: merge.StateEqual, Rule: "nothing changed"}},
		{name: "left changed",
			field: field(cell("a", "b"), cell("a", "a")),
			want:  merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "b"), Rule: "left changed"}},
		{name: "right changed to empty, which is a change like any other",
			field: field(cell("a", "a"), cell("a", "")),
			want:  merge.Outcome{State: merge.StateWrite, Writes: write(record.Left, ""), Rule: "right changed"}},
		{name: "a change to what is there already writes nothing",
			field: field(cell("a ", "a"), cell("a", "a")),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "left changed to what right holds"}},
		{name: "a follower's edit is neither carried back nor fought over",
			field: follower,
			want:  merge.Outcome{State: merge.StateDiverged, Rule: "right changed, and only left is carried over"}},
		{name: "enforce puts a follower back",
			field: with(follower, func(f *merge.Field) { f.Enforce = true }),
			want: merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "a"), Conflict: true,
				Lost: lost(record.Right, "B"), Rule: "enforced: left is the source"}},
		{name: "a follower's edit to what the source holds is agreed",
			field: with(field(cell("a", "a"), cell("A", "a")), func(f *merge.Field) { f.Direction, f.Enforce = merge.LeftToRight, true }),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "right changed to what left holds"}},
		{name: "the source overrules an edited follower",
			field: with(field(cell("a", "c"), cell("A", "B")), func(f *merge.Field) { f.Direction = merge.LeftToRight }),
			want: merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "c"), Conflict: true,
				Lost: lost(record.Right, "B"), Rule: "both changed: left is the source"}},
		{name: "direction none writes nothing",
			field: with(field(cell("a", "c"), cell("A", "A")), func(f *merge.Field) { f.Direction = merge.None }),
			want:  merge.Outcome{State: merge.StateDiverged, Rule: "left changed, and nothing is written in direction none"}},
	})
}

func TestBothChangedFollowsR8AndR9(t *testing.T) {
	t.Parallel()
	conflict := field(cell("a", "l"), cell("a", "r"))
	leftWins := func(rule string) merge.Outcome {
		return merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "l"), Conflict: true, Lost: lost(record.Right, "r"), Rule: rule}
	}
	rightWins := func(rule string) merge.Outcome {
		return merge.Outcome{State: merge.StateWrite, Writes: write(record.Left, "r"), Conflict: true, Lost: lost(record.Left, "l"), Rule: rule}
	}
	play(t, []scene{
		{name: "to the same is agreed",
			field: field(cell("a", "b"), cell("a", "b")),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "both changed to the same"}},
		{name: "to the same after translation is agreed",
			field: with(field(cell("a", "b"), cell("A", "B")), func(f *merge.Field) { f.Cells[record.Left].Sent = record.Text("B") }),
			want:  merge.Outcome{State: merge.StateAgreed, Rule: "both changed to the same"}},
		{name: "the newer wins", field: conflict, times: edited(0, 5*time.Minute), want: rightWins("prefer newest: right is 5 minutes newer")},
		{name: "an interval of ours that ends before the stamp", field: conflict, times: between(-time.Hour, 0, time.Minute), want: rightWins("prefer newest: right is 1 minute newer")},
		{name: "an interval of ours that begins after the stamp", field: conflict, times: between(time.Minute, time.Hour, 0), want: leftWins("prefer newest: left is 1 minute newer")},
		{name: "an interval of ours around the stamp", field: conflict, times: between(-time.Hour, time.Hour, 0), want: leftWins("times not comparable: left wins")},
		{name: "left may be the newer", field: conflict, times: edited(3*time.Second, 0), want: leftWins("prefer newest: left is 3 seconds newer")},
		{name: "within two seconds left wins", field: conflict, times: edited(0, 2*time.Second), want: leftWins("times not comparable: left wins")},
		{name: "an unknown time makes left win", field: conflict,
			times: merge.Times{At: [2]time.Time{{}, noon}, Known: [2]bool{false, true}}, want: leftWins("times not comparable: left wins")},
		{name: "prefer left", field: with(conflict, func(f *merge.Field) { f.Prefer = merge.Left }), times: edited(0, time.Hour), want: leftWins("both changed: prefer left")},
		{name: "ask", field: with(conflict, func(f *merge.Field) { f.Prefer = merge.Ask }), times: edited(0, time.Hour),
			want: merge.Outcome{State: merge.StateAsk, Conflict: true, Rule: "both changed differently"}},
		{name: "a decision ends the asking", field: with(conflict, func(f *merge.Field) { f.Prefer, f.Decision = merge.Ask, merge.Right }), want: rightWins("both changed: decided for right")},
		{name: "an unknown preference asks", field: with(conflict, func(f *merge.Field) { f.Prefer = "" }),
			want: merge.Outcome{State: merge.StateAsk, Conflict: true, Rule: "both changed differently"}},
		{name: "direction none writes nothing", field: with(conflict, func(f *merge.Field) { f.Direction = merge.None }),
			want: merge.Outcome{State: merge.StateDiverged, Rule: "both changed, and nothing is written in direction none"}},
	})
}

// R32: a person may say that the old address of somebody who said no holds.
func TestADecisionHoldsWhereOneSideChangedToo(t *testing.T) {
	t.Parallel()
	decided := func(s merge.Prefer, d merge.Direction, left, right merge.Cell) merge.Field {
		return with(field(left, right), func(f *merge.Field) { f.Direction, f.Decision = d, s })
	}
	play(t, []scene{
		{name: "for the side that changed", field: decided(merge.Left, merge.Both, cell("a", "b"), cell("a", "a")),
			want: merge.Outcome{State: merge.StateWrite, Writes: write(record.Right, "b"), Rule: "left changed"}},
		{name: "for the other one", field: decided(merge.Right, merge.Both, cell("a", "b"), cell("a", "a")),
			want: merge.Outcome{State: merge.StateWrite, Conflict: true, Writes: write(record.Left, "a"), Lost: lost(record.Left, "b"), Rule: "left changed: decided for right"}},
		{name: "for the other one, and the source is not written", field: decided(merge.Right, merge.LeftToRight, cell("a", "b"), cell("a", "a")),
			want: merge.Outcome{State: merge.StateDiverged, Rule: "left changed: decided for right, and left is not written to"}},
		{name: "for the follower after both changed", field: decided(merge.Right, merge.LeftToRight, cell("a", "b"), cell("a", "c")),
			want: merge.Outcome{State: merge.StateDiverged, Rule: "both changed: decided for right, and left is not written to"}},
	})
}

func TestAbsentNeverWinsAndNeverWrites(t *testing.T) {
	t.Parallel()
	unknown := func(rule string) merge.Outcome { return merge.Outcome{State: merge.StateUnknown, Rule: rule} } // R11
	play(t, []scene{
		{name: "an absent left", field: field(absent(cell("a", "")), cell("a", "b")), want: unknown("left is not known")},
		{name: "an absent right", field: field(cell("a", "b"), absent(cell("a", ""))), want: unknown("right is not known")},
		{name: "both", field: field(absent(fresh("")), absent(fresh(""))), want: unknown("neither side is known")},
		{name: "a change that cannot be told waits", field: field(untranslated(cell("1", "2")), cell("7", "7")),
			want: unknown("left holds what cannot be told to right yet")},
		{name: "a first value that cannot be told waits", field: field(untranslated(fresh("2")), fresh("")),
			want: unknown("left holds what cannot be told to right yet")},
		{name: "a winner that cannot be told does not wipe the loser", field: field(untranslated(cell("1", "2")), cell("7", "8")), times: edited(time.Hour, 0),
			want: unknown("left holds what cannot be told to right yet")},
		{name: "a loser that cannot be told is overruled like any", field: field(untranslated(cell("1", "2")), cell("7", "8")), times: edited(0, time.Hour),
			want: merge.Outcome{State: merge.StateWrite, Writes: write(record.Left, "8"), Conflict: true, Lost: lost(record.Left, "2"),
				Rule: "prefer newest: right is 1 hour newer"}},
	})
}

func setCell(before, now string) merge.Cell {
	list := func(s string) record.Value { return record.Texts(strings.Fields(s)...) }
	return merge.Cell{Value: list(now), Known: true, Base: list(before), HasBase: true, Sent: list(now), Translated: true, SentBase: list(before)}
}

func set(left, right merge.Cell) merge.Field {
	f := field(left, right)
	f.Set = true
	return f
}

// refused is a set of which a side did not take what was sent.
func refused(f merge.Field, to record.Side, was, sent string) merge.Field {
	f.Refused[to] = merge.Unsent{Was: record.Texts(strings.Fields(was)...), Sent: record.Texts(strings.Fields(sent)...)}
	return f
}

func TestSetsMergePerElement(t *testing.T) {
	t.Parallel()
	tell := func(to record.Side, s string) merge.Write {
		return merge.Write{To: to, Value: record.Texts(strings.Fields(s)...)}
	}
	noBase := func(c merge.Cell) merge.Cell { c.HasBase = false; return c }
	play(t, []scene{ // R12
		{name: "order has no meaning", field: set(setCell("a b", "b a"), setCell("a b", "a b")),
			want: merge.Outcome{State: merge.StateEqual, Rule: "nothing changed"}},
		{name: "what both sides added and removed meets", field: set(setCell("a b c", "a b l"), setCell("a b c", "b c r")),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Left, "b l r"), tell(record.Right, "b r l")}, Rule: "elements of both changed"}},
		{name: "elements that nobody named stay", field: set(setCell("a b", "a"), setCell("a b own", "a b own")),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Right, "a own")}, Rule: "elements of left changed"}},
		{name: "the same change on both sides writes nothing", field: set(setCell("a", "a b"), setCell("a", "b a")),
			want: merge.Outcome{State: merge.StateAgreed, Rule: "elements of both changed"}},
		{name: "a first match unites", field: set(noBase(setCell("", "a b")), noBase(setCell("", "b c"))),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Left, "a b c"), tell(record.Right, "b c a")}, Rule: "first match: each side gets the other's elements"}},
		{name: "a one-way set keeps the follower's own", field: with(set(setCell("a", "a b"), setCell("a", "a own")), func(f *merge.Field) { f.Direction = merge.LeftToRight }),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Right, "a own b")}, Rule: "elements of both changed"}},
		{name: "a follower's edit is left", field: with(set(setCell("a", "a"), setCell("a", "")), func(f *merge.Field) { f.Direction = merge.LeftToRight }),
			want: merge.Outcome{State: merge.StateDiverged, Rule: "right changed, and only left is carried over"}},
		{name: "enforce puts a follower back", field: with(set(setCell("a", "a"), setCell("a old", "old own")), func(f *merge.Field) { f.Direction, f.Enforce = merge.LeftToRight, true }),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Right, "a old")}, Conflict: true,
				Lost: &merge.Lost{Side: record.Right, Value: record.Texts("old", "own")}, Rule: "enforced: left is the source"}},
		{name: "a set that cannot be told waits", field: set(untranslated(setCell("a", "a b")), setCell("a", "a")),
			want: merge.Outcome{State: merge.StateUnknown, Rule: "left holds what cannot be told to right yet"}},
		{name: "what left did not take is sent again with what is removed there", field: refused(set(setCell("a", ""), setCell("a b", "a b")), record.Left, "a", "a b"), // R2
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Left, "b"), tell(record.Right, "b")}, Rule: "elements of left changed, and what was refused is sent again"}},
		{name: "what right did not let go is taken away again", field: refused(set(setCell("a", "a c"), setCell("a b own", "a b own")), record.Right, "a b own", "a own"),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Right, "a own c")}, Rule: "elements of left changed, and what was refused is sent again"}},
		{name: "what was refused and then removed where it came from is forgotten", field: refused(set(setCell("a", "a"), setCell("a b", "a")), record.Left, "a", "a b"),
			want: merge.Outcome{State: merge.StateAgreed, Rule: "elements of right changed"}},
		{name: "what was refused stays where a person puts it although it is removed where it came from", field: refused(set(setCell("a", "a b"), setCell("a b", "a")), record.Left, "a", "a b"),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Right, "a b")}, Rule: "elements of both changed"}},
		{name: "what was refused and is agreed on since comes back to nobody who removes it", field: refused(set(setCell("a b", "a"), setCell("a b", "a b")), record.Left, "a", "a b"),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Right, "a")}, Rule: "elements of left changed"}},
		{name: "what was refused is not sent while nothing changes", field: refused(set(setCell("a", "a"), setCell("a b", "b a")), record.Left, "a", "a b"),
			want: merge.Outcome{State: merge.StateEqual, Rule: "nothing changed"}},
		{name: "a follower gets what it refused once its source changes", field: with(refused(set(setCell("a b", "a b c"), setCell("a", "a")), record.Right, "a", "a b"), func(f *merge.Field) { f.Direction = merge.LeftToRight }),
			want: merge.Outcome{State: merge.StateWrite, Writes: []merge.Write{tell(record.Right, "a b c")}, Rule: "elements of left changed, and what was refused is sent again"}},
		{name: "direction none writes nothing", field: with(set(setCell("a", "b"), setCell("a", "a")), func(f *merge.Field) { f.Direction = merge.None }),
			want: merge.Outcome{State: merge.StateDiverged, Rule: "elements of left changed, and nothing is written in direction none"}},
	})
}

func TestDirectionAllows(t *testing.T) {
	t.Parallel()
	for d, want := range map[merge.Direction][2]bool{
		merge.Both: {true, true}, merge.LeftToRight: {false, true}, merge.RightToLeft: {true, false}, merge.None: {}, "": {}, "sideways": {},
	} {
		if got := [2]bool{d.Allows(record.Left), d.Allows(record.Right)}; got != want {
			t.Errorf("%q allows %v, want %v", d, got, want)
		}
	}
}

func BenchmarkOneEqual(b *testing.B) {
	f := field(cell("some text", "some text"), cell("some text", "some text"))
	for b.Loop() {
		merge.One(f, merge.Times{})
	}
}
