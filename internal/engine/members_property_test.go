package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/twin"
)

// Whatever participants and the people of the CRM do with a meeting, in whatever order, with
// runs in between or not: it settles, every participant who has a copy and is invited is told the same
// on both sides, nobody gets a second copy, and no copy but the organiser's gets anything but its own fields.
func TestPropertyR26ParticipantsSettleWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		acts := rapid.SliceOfN(rapid.SampledFrom([]string{"answer", "set", "leave", "invite", "uninvite", "rename", "run", "restart"}), 1, 12).Draw(rt, "acts")
		tracks := rapid.Bool().Draw(rt, "tracks")
		fail := ""
		synctest.Test(t, func(t *testing.T) {
			w := met(t)
			w.b.Track(tracks)
			for n, act := range acts {
				who := rapid.SampledFrom([]string{"bob", "cem", "dee", "eva", "fay"}).Draw(rt, "who")
				w.does(act, who, strconv.Itoa(n))
				time.Sleep(time.Minute)
			}
			for range 3 {
				w.sync("visits")
				time.Sleep(time.Minute)
			}
			if rep := w.sync("visits"); rep.Status != engine.StatusOK || !rep.Reconciled || rep.Linked != 1 {
				fail = fmt.Sprintf("%+v %v", rep, w.reviews())
				return
			}
			w.still("visits")
			fail = w.disagree()
		})
		if fail != "" {
			rt.Fatal(fail)
		}
	})
}

// does lets somebody do something.
func (w *world) does(act, who, text string) {
	w.t.Helper()
	copied := slices.ContainsFunc(w.b.Rows("meetings"), func(r twin.Row) bool { return r.Fields["box"] == mail(who) })
	v := w.visit()
	lines := toy.Lines(v.Fields["guests"])
	var names []string
	for _, l := range lines {
		name, _, _ := strings.Cut(l["mail"], "@")
		names = append(names, strings.TrimSpace(name+" "+orDash(l["answer"])+" "+l["remind"]))
	}
	invited := slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, who+" ") })
	switch {
	case act == "answer" && copied:
		w.answers(who, "c"+text)
	case act == "leave" && copied:
		w.remove(w.b, "meetings", w.meeting(who).ID)
	case act == "set":
		w.sets(map[string]string{who: "v" + text})
	case act == "invite" && !invited:
		w.put(w.a, "visits", v.ID, map[string]string{"guests": guestList(append(names, who)...)})
	case act == "uninvite" && invited:
		names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, who+" ") })
		w.put(w.a, "visits", v.ID, map[string]string{"guests": guestList(names...)})
	case act == "rename":
		w.put(w.b, "meetings", w.meeting("ann").ID, map[string]string{"name": "Plan " + text})
	case act == "run":
		w.sync("visits")
	case act == "restart":
		w.restart()
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// disagree says which participant's copy and element of the visit differ; "" = none.
func (w *world) disagree() string {
	w.t.Helper()
	answers := map[string]string{}
	v := w.visit()
	for _, l := range toy.Lines(v.Fields["guests"]) {
		answers[l["mail"]] = l["answer"]
	}
	seen := map[string]bool{}
	for _, r := range w.b.Rows("meetings") {
		box := r.Fields["box"]
		if seen[box] {
			return box + " has two copies"
		}
		seen[box] = true
		if said, invited := answers[box]; invited && said != r.Fields["answer"] {
			return fmt.Sprintf("%s's copy says %q, the visit %q\n%s", box, r.Fields["answer"], said, strings.Join(w.told(), "\n"))
		}
		if r.Fields["name"] != v.Fields["name"] {
			return fmt.Sprintf("%s's copy is called %q, the visit %q", box, r.Fields["name"], v.Fields["name"])
		}
	}
	for _, a := range w.b.Ledger().Acts() {
		for field := range a.Fields {
			if a.By == "api" && a.ID != w.meeting("ann").ID && field != "answer" && field != "remind" {
				return fmt.Sprintf("copy %s got %v", a.ID, a.Fields)
			}
		}
	}
	return ""
}
