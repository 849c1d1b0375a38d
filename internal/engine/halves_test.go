package engine_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/twin"
)

// R16: where a vendor takes lines one by one and the process is cut off in the middle, what it left
// behind is no edit of that side, and is not carried back: it is written to its end.
func TestR16LinesThatWereWrittenInPartAreWrittenToTheirEnd(t *testing.T) {
	t.Parallel()
	bill := func(rows ...string) string { return lines("text", "price", rows...) }
	for name, c := range map[string]struct{ left, wants []string }{
		"the old ones are still there": {[]string{"nut 1", "bolt 2", "screw 3", "gear 4"}, []string{"screw 3", "gear 4"}},
		"one is still to come":         {[]string{"nut 1", "screw 3"}, []string{"nut 1", "screw 3", "gear 4"}},
		"one was changed in its place": {[]string{"screw 3", "bolt 2"}, []string{"screw 3", "gear 4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, listsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "lines": bill("nut 1", "bolt 2")})
				w.put(w.a, "cards", left, map[string]string{"lines": bill(c.wants...)})
				// Nobody knows what became of it; nothing but a part was written.
				w.b.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Path: "/v1/do", Times: 1})
				w.b.After(onceAt("/v1/do", func() { w.put(w.b, "cards", right, map[string]string{"lines": bill(c.left...)}) }))
				w.settled("cards")
				for _, tw := range []*toy.Twin{w.a, w.b} {
					if got, _ := told(tw.Rows("cards")[0].Fields["lines"], "text", "price"); !slices.Equal(got, c.wants) {
						t.Errorf("the lines are %q, want %q", got, c.wants)
					}
				}
				quiet(t, w)
			})
		})
	}
}

// What a person entered meanwhile is told from it: prefer decides, and no edit vanishes (R8).
func TestR16AnEditOfLinesIsNoHalf(t *testing.T) {
	t.Parallel()
	bill := func(rows ...string) string { return lines("text", "price", rows...) }
	for name, theirs := range map[string][]string{
		"a line that nobody sent":   {"screw 3", "washer 5"},
		"nothing of it was written": {"nut 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := pairOf(t, listsYAML, map[string]string{"name": "Ann", "email": "ann@x.gr", "lines": bill("nut 1", "bolt 2")})
				w.put(w.a, "cards", left, map[string]string{"lines": bill("screw 3", "gear 4")})
				w.b.Inject(twin.Fault{Kind: twin.FaultErrorAfterCommit, Method: "POST", Path: "/v1/do", Times: 1})
				w.b.After(onceAt("/v1/do", func() { w.put(w.b, "cards", right, map[string]string{"lines": bill(theirs...)}) }))
				w.settled("cards")
				if got, _ := told(w.a.Rows("cards")[0].Fields["lines"], "text", "price"); !slices.Equal(got, theirs) {
					t.Errorf("the lines are %q, want %q", got, theirs)
				}
				quiet(t, w)
			})
		})
	}
}
