package engine_test

import (
	"testing"
	"testing/synctest"
)

func TestR12ChoicesMergePerElementBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cardsYAML)
		left := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "trade"})
		right := w.put(w.b, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "tags": "vip"})
		w.settled("cards")
		tags := func(want string) {
			t.Helper()
			for name, got := range map[string]string{"left": w.a.Rows("cards")[0].Fields["tags"], "right": w.b.Rows("cards")[0].Fields["tags"]} {
				if got != want {
					t.Errorf("%s has %q, want %q", name, got, want)
				}
			}
		}
		tags("trade;vip")
		w.put(w.a, "cards", left, map[string]string{"tags": "vip"})
		w.put(w.b, "cards", right, map[string]string{"tags": "press;trade;vip"})
		w.settled("cards")
		tags("press;vip")
		quiet(t, w)
	})
}
