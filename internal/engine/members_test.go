package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// visitsYAML keeps visits, one record each, in step with meetings, of which every participant
// has a copy.
const visitsYAML = header + `
  visits:
    left: a.visits
    right: b.meetings
    match: [name]
    prefer: newest
    delete: { left: delete, right: delete }
    fields: [{ left: name, right: name }, { left: at, right: at }, { left: guests, right: guests }, { left: host, right: box }]
`

func mail(who string) string { return who + "@toy.example" }

// guestList writes a list of guests, "bob yes 15m" each.
func guestList(rows ...string) string {
	var list []map[string]string
	for _, r := range rows {
		parts := append(strings.Fields(r), "", "")
		line := map[string]string{"mail": mail(parts[0])}
		if parts[1] != "" && parts[1] != "-" {
			line["answer"] = parts[1]
		}
		if parts[2] != "" {
			line["remind"] = parts[2]
		}
		list = append(list, line)
	}
	b, _ := json.Marshal(list)
	return string(b)
}

func fiveGuests() string { return guestList("bob", "cem", "dee", "eva", "fay") }

// said is a list of guests as one text, in the order of their addresses.
func said(cell string) string {
	var rows []string
	for _, l := range toy.Lines(cell) {
		who, _, _ := strings.Cut(l["mail"], "@")
		row := who
		if l["answer"] != "" || l["remind"] != "" {
			row += ":" + strings.TrimSuffix(l["answer"]+"/"+l["remind"], "/")
		}
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return strings.Join(rows, " ")
}

func (w *world) meeting(who string) twin.Row {
	w.t.Helper()
	return w.by(w.b, "meetings", "box", mail(who))
}

func (w *world) visit() twin.Row {
	w.t.Helper()
	rows := w.a.Rows("visits")
	if len(rows) != 1 {
		w.t.Fatalf("%d visits, want 1: %v", len(rows), rows)
	}
	return rows[0]
}

// answers sets the own fields of a participant's copy.
func (w *world) answers(who, answer string) {
	w.t.Helper()
	w.put(w.b, "meetings", w.meeting(who).ID, map[string]string{"answer": answer})
}

// sets changes the answers of guests in the visit.
func (w *world) sets(answers map[string]string) {
	w.t.Helper()
	v := w.visit()
	lines := toy.Lines(v.Fields["guests"])
	for _, l := range lines {
		who, _, _ := strings.Cut(l["mail"], "@")
		if a, ok := answers[who]; ok {
			l["answer"] = a
		}
	}
	b, _ := json.Marshal(lines)
	w.put(w.a, "visits", v.ID, map[string]string{"guests": string(b)})
}

// still runs once more and wants nothing to be written, read into the journal or left open.
func (w *world) still(sync string) {
	w.t.Helper()
	time.Sleep(time.Minute)
	before := apiWrites(w.a, w.b)
	lines := len(w.told())
	w.settled(sync)
	if n := apiWrites(w.a, w.b) - before; n != 0 {
		w.t.Errorf("invariant 6: a further run wrote %d times", n)
	}
	if now := w.told(); len(now) != lines {
		w.t.Errorf("invariant 6: a further run journaled %v", now[lines:])
	}
}

func (w *world) told() []string {
	w.t.Helper()
	lines, err := w.store.History(w.t.Context(), store.HistoryQuery{Limit: 10000})
	if err != nil {
		w.t.Fatal(err)
	}
	var texts []string
	for _, e := range lines {
		texts = append(texts, fmt.Sprintf("%s %s/%s %s %q -> %q: %s", e.Kind, e.Of, e.Record, e.Field, e.Old, e.New, e.Why))
	}
	return texts
}

func (w *world) members() map[string]store.Link {
	w.t.Helper()
	links, err := w.store.Links(w.t.Context(), "visits", 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	open := map[string]store.Link{}
	for _, l := range links {
		if l.Closed == "" && l.Role != store.Main {
			open[l.IDs[record.Right]] = l
		}
	}
	return open
}

// met makes a meeting of ann's with five guests and brings it into the visits.
func met(t *testing.T) *world {
	w := newWorld(t, visitsYAML)
	w.put(w.b, "meetings", "", map[string]string{"name": "Plan", "box": mail("ann"), "guests": fiveGuests()})
	time.Sleep(time.Minute)
	if rep := w.settled("visits"); rep.Left.Created != 1 || rep.Right.Created != 0 || rep.Linked != 1 {
		t.Fatalf("%+v", rep)
	}
	if n := len(w.members()); n != 5 {
		t.Fatalf("%d members, want 5", n)
	}
	w.still("visits")
	return w
}

func TestR26FiveMembersAnswerOnBothSidesAtOnce(t *testing.T) {
	t.Parallel()
	for _, tracks := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := met(t)
			w.b.Track(tracks)
			w.answers("bob", "yes")
			w.answers("cem", "no")
			w.answers("dee", "maybe")
			w.sets(map[string]string{"eva": "yes", "fay": "no"})
			w.put(w.b, "meetings", w.meeting("bob").ID, map[string]string{"remind": "15m"})
			rep := w.settled("visits")
			if got, want := said(w.visit().Fields["guests"]), "bob:yes/15m cem:no dee:maybe eva:yes fay:no"; got != want {
				t.Errorf("the visit says %s, want %s", got, want)
			}
			for who, want := range map[string]string{"bob": "yes", "cem": "no", "dee": "maybe", "eva": "yes", "fay": "no"} {
				if got := w.meeting(who).Fields["answer"]; got != want {
					t.Errorf("%s's copy says %q, want %q", who, got, want)
				}
			}
			if rep.Left.Updated != 1 || rep.Conflicts != 0 {
				t.Errorf("all answers are one write of the visit: %+v", rep)
			}
			if tracks { // the organiser's copy has followed
				time.Sleep(time.Minute)
				w.settled("visits")
			}
			w.still("visits")
		})
	}
}

func TestR26OnlyTheOwnFieldsOfACopyAreWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.sets(map[string]string{"bob": "yes"})
		w.put(w.a, "visits", w.visit().ID, map[string]string{"name": "Plan B"})
		w.settled("visits")
		for _, act := range w.b.Ledger().Acts() {
			if act.By == "api" && act.ID != w.meeting("ann").ID && !cmp.Equal(act.Fields, map[string]string{"answer": "yes"}) {
				t.Errorf("a participant's copy got %v", act.Fields)
			}
		}
		if got := w.meeting("fay").Fields["name"]; got != "Plan B" { // the vendor tells them
			t.Errorf("fay's copy is called %q", got)
		}
		w.still("visits")
	})
}

func TestR26AConflictOfOneParticipantIsThatParticipantsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.configure(strings.Replace(visitsYAML, "prefer: newest", "prefer: ask", 1))
		w.sync("visits")
		w.answers("bob", "yes")
		w.sets(map[string]string{"bob": "no", "cem": "yes"})
		if rep := w.sync("visits"); rep.Status != engine.StatusReview || rep.Conflicts != 1 || !rep.Reconciled {
			t.Fatalf("%+v %v", rep, w.reviews())
		}
		if got := w.meeting("cem").Fields["answer"]; got != "yes" {
			t.Errorf("cem's copy says %q", got)
		}
		w.decide(w.review(store.ReviewConflict), "right")
		w.settled("visits")
		if got := said(w.visit().Fields["guests"]); got != "bob:yes cem:yes dee eva fay" {
			t.Errorf("the visit says %s", got)
		}
		w.still("visits")
	})
}

func TestR26ADeletedCopyChangesOnlyThatParticipation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.answers("cem", "yes")
		w.remove(w.b, "meetings", w.meeting("bob").ID)
		w.settled("visits")
		if got := said(w.visit().Fields["guests"]); got != "bob:no cem:yes dee eva fay" {
			t.Errorf("the visit says %s", got)
		}
		if n := len(w.b.Rows("meetings")); n != 5 || len(w.members()) != 4 {
			t.Errorf("%d copies are left, and %d members", n, len(w.members()))
		}
		w.still("visits")
		// What the visit says of him now goes nowhere but to the organiser's list.
		w.sets(map[string]string{"bob": "maybe"})
		w.settled("visits")
		if n := len(w.b.Rows("meetings")); n != 5 {
			t.Errorf("%d copies", n)
		}
		w.still("visits")
	})
}

func TestR26TheOrganisersDeleteIsTheRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.remove(w.b, "meetings", w.meeting("ann").ID)
		w.settled("visits")
		if rows := w.a.Rows("visits"); len(rows) != 0 || len(w.members()) != 0 {
			t.Errorf("visits %v, members %v", rows, w.members())
		}
		w.still("visits")
	})
}

func TestR26ADeletedRecordDeletesTheOrganisersCopy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.remove(w.a, "visits", w.visit().ID)
		w.settled("visits")
		if rows := w.b.Rows("meetings"); len(rows) != 0 || len(w.members()) != 0 {
			t.Errorf("meetings %v, members %v", rows, w.members())
		}
		for _, act := range w.b.Ledger().Acts() {
			if act.By == "api" && act.Verb == "delete" && len(w.b.Rows("meetings")) > 0 {
				t.Errorf("we deleted %s", act.ID)
			}
		}
		w.still("visits")
		w.still("visits")
	})
}

func TestR22AnAnswerWinsOverADelete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.answers("bob", "yes")
		w.remove(w.a, "visits", w.visit().ID)
		if rep := w.sync("visits"); rep.Status != engine.StatusReview {
			t.Errorf("%+v", rep)
		}
		if n := len(w.b.Rows("meetings")); n != 6 {
			t.Errorf("%d copies are left", n)
		}
		w.decide(w.review(store.ReviewDelete), "delete")
		w.settled("visits")
		if rows := w.b.Rows("meetings"); len(rows) != 0 || len(w.members()) != 0 {
			t.Errorf("meetings %v, members %v", rows, w.members())
		}
	})
}

func TestR26AParticipantAddedInTheCRMGetsACopyFromTheVendor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, visitsYAML)
		w.put(w.a, "visits", "", map[string]string{"name": "Plan", "host": mail("ann"), "guests": guestList("bob", "cem yes")})
		w.settled("visits")
		time.Sleep(time.Minute)
		w.settled("visits")
		if n := len(w.members()); n != 2 {
			t.Errorf("%d members: %v", n, w.b.Rows("meetings"))
		}
		w.put(w.a, "visits", w.visit().ID, map[string]string{"guests": guestList("bob", "cem yes", "dee - 5m")})
		w.settled("visits")
		time.Sleep(time.Minute)
		w.settled("visits")
		if n := len(w.members()); n != 3 || len(w.b.Rows("meetings")) != 4 {
			t.Errorf("%d members: %v", n, w.b.Rows("meetings"))
		}
		w.answers("dee", "yes")
		w.settled("visits")
		if got := said(w.visit().Fields["guests"]); got != "bob cem:yes dee:yes/5m" {
			t.Errorf("the visit says %s", got)
		}
		w.still("visits")
		// Taken off the list in the CRM: the vendor takes the copy away.
		w.put(w.a, "visits", w.visit().ID, map[string]string{"guests": guestList("cem yes", "dee yes 5m")})
		w.settled("visits")
		time.Sleep(time.Minute)
		w.settled("visits")
		if got := said(w.meeting("ann").Fields["guests"]); !strings.HasPrefix(got, "cem:yes dee") || len(w.members()) != 2 {
			t.Errorf("the organiser's copy says %s; members %v", got, w.members())
		}
		w.still("visits")
	})
}

func TestR26CopiesMaySeeTheLightInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, organiser := range []string{"ann", "cem", "fay"} { // mailboxes are read in the order of the alphabet
		for _, workers := range []int{1, 4} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, visitsYAML)
				w.workers = workers
				w.configure(visitsYAML)
				guests := guestList("ann", "bob", "cem", "dee", "eva", "fay")
				w.put(w.b, "meetings", "", map[string]string{"name": "Plan", "box": mail(organiser), "guests": guests})
				w.put(w.b, "meetings", "", map[string]string{"name": "Other", "box": mail("bob"), "guests": guestList("cem yes", "fay")})
				time.Sleep(time.Minute)
				rep := w.sync("visits")
				if rows := w.a.Rows("visits"); len(rows) != 2 && rep.Status == engine.StatusOK || len(rows) > 2 {
					t.Errorf("%s, %d workers: visits %v, %+v %v", organiser, workers, rows, rep, w.reviews())
				}
				w.sync("visits")
				if n := len(w.members()); n != 7 {
					t.Errorf("%s, %d workers: %d members, %+v", organiser, workers, n, rep)
				}
			})
		}
	}
}

func TestR26WithoutTheOrganiserTheFirstCopyIsMain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, visitsYAML)
		ids, err := w.b.Invited("x-1", map[string]string{"name": "Fair", "guests": guestList("bob", "cem", "zoe")}, mail("bob"), mail("cem"), mail("dee"))
		if err != nil {
			t.Fatal(err)
		}
		rep := w.sync("visits")
		if len(w.a.Rows("visits")) != 0 || !rep.Reconciled {
			t.Errorf("decided before the organiser's copy could be seen: %+v", rep)
		}
		time.Sleep(time.Minute)
		w.settled("visits")
		w.visit()
		if m := w.members(); len(m) != 2 || m[ids[0]].ID != 0 {
			t.Errorf("members %v of %v", m, ids)
		}
		if rep.Conflicts != 0 {
			t.Errorf("%+v", rep)
		}
		if !slices.ContainsFunc(w.told(), func(s string) bool { return strings.Contains(s, "the first copy stands for all") }) {
			t.Errorf("the journal does not say why: %v", w.told())
		}
		w.still("visits")
		w.answers("cem", "yes")
		w.settled("visits")
		if got := said(w.visit().Fields["guests"]); got != "bob cem:yes zoe" {
			t.Errorf("the visit says %s", got)
		}
	})
}

func TestR26TheMainLinkFollowsTheOrganiser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.put(w.b, "meetings", w.meeting("ann").ID, map[string]string{"guests": guestList("ann", "bob", "cem")})
		w.settled("visits")
		if err := w.b.HandOver(w.meeting("cem").ID); err != nil {
			t.Fatal(err)
		}
		w.settled("visits")
		m := w.members()
		if len(m) != 2 || m[w.meeting("cem").ID].ID != 0 || m[w.meeting("ann").ID].ID == 0 {
			t.Errorf("members %v", m)
		}
		w.still("visits")
		w.put(w.b, "meetings", w.meeting("cem").ID, map[string]string{"name": "Plan C"})
		w.answers("ann", "yes")
		w.settled("visits")
		if v := w.visit(); v.Fields["name"] != "Plan C" || said(v.Fields["guests"]) != "ann:yes bob cem" {
			t.Errorf("the visit is %v", v)
		}
		w.still("visits")
	})
}

func TestR26ACrashAtAnyVendorCallLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for after := 0; ; after++ {
		over := false
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, visitsYAML)
			w.put(w.b, "meetings", "", map[string]string{"name": "Plan", "box": mail("cem"), "guests": guestList("ann", "bob", "dee")})
			w.put(w.a, "visits", "", map[string]string{"name": "Visit", "host": mail("ann"), "guests": guestList("fay", "bob yes")})
			time.Sleep(time.Minute)
			w.settled("visits")
			time.Sleep(time.Minute)
			w.settled("visits")
			w.put(w.b, "meetings", w.copyOf("Plan", "bob").ID, map[string]string{"answer": "yes"})
			w.put(w.b, "meetings", w.copyOf("Plan", "dee").ID, map[string]string{"answer": "no"})
			w.remove(w.b, "meetings", w.copyOf("Plan", "ann").ID)
			v := w.by(w.a, "visits", "name", "Visit")
			w.put(w.a, "visits", v.ID, map[string]string{"guests": guestList("fay yes", "bob no", "eva")})
			w.put(w.a, "visits", "", map[string]string{"name": "Third", "host": mail("ann"), "guests": guestList("dee", "bob yes")})
			w.crash(after)
			if over = !w.crashed(); over {
				return
			}
			w.restart()
			for range 3 {
				time.Sleep(10 * time.Minute)
				w.sync("visits")
			}
			w.settled("visits")
			want := map[string]string{"Plan": "ann:no bob:yes dee:no", "Visit": "bob:no eva fay:yes", "Third": "bob:yes dee"}
			rows := w.a.Rows("visits")
			for _, r := range rows {
				if got := said(r.Fields["guests"]); got != want[r.Fields["name"]] {
					t.Errorf("after %d calls: %s says %s, want %s", after, r.Fields["name"], got, want[r.Fields["name"]])
				}
			}
			if len(rows) != 3 || len(w.b.Rows("meetings")) != 3+4+3 {
				t.Errorf("after %d calls: %d visits and %d copies", after, len(rows), len(w.b.Rows("meetings")))
			}
			if got := w.copyOf("Visit", "fay").Fields["answer"] + w.copyOf("Visit", "bob").Fields["answer"]; got != "yesno" {
				t.Errorf("after %d calls: the copies say %q", after, got)
			}
			w.still("visits")
		})
		if over || t.Failed() {
			t.Logf("%d calls", after)
			return
		}
	}
}

// copyOf is a participant's copy of the meeting of that name.
func (w *world) copyOf(name, who string) twin.Row {
	w.t.Helper()
	for _, r := range w.b.Rows("meetings") {
		if r.Fields["name"] == name && r.Fields["box"] == mail(who) {
			return r
		}
	}
	w.t.Fatalf("%s has no copy of %s: %v", who, name, w.b.Rows("meetings"))
	return twin.Row{}
}

// crashed reports whether crash has closed the store.
func (w *world) crashed() bool {
	_, err := w.store.Marks(context.Background(), "visits")
	return err != nil
}

func TestR26VerifyKnowsMembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.b.Track(true)
		w.answers("bob", "yes")
		w.settled("visits")
		time.Sleep(time.Minute)
		w.settled("visits")
		look := func() (found []engine.Finding) {
			_, err := w.engine.Verify(t.Context(), []string{"visits"}, engine.VerifyOptions{Found: func(f engine.Finding) error { found = append(found, f); return nil }})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if found := look(); len(found) != 0 {
			t.Errorf("%+v", found)
		}
		if err := w.b.Drift("meetings", w.meeting("cem").ID, map[string]string{"answer": "no"}); err != nil {
			t.Fatal(err)
		}
		if found := look(); len(found) != 1 || found[0].ID != w.meeting("cem").ID || found[0].Kind != engine.Drifted {
			t.Errorf("%+v", found)
		}
	})
}

func TestInvariant10WhatAParticipantSaidGoesBackAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		w.answers("bob", "yes")
		w.answers("cem", "no")
		w.sets(map[string]string{"dee": "maybe"})
		w.settled("visits")
		for _, e := range w.journal("visits") {
			bobs := e.Side == record.Left && strings.Contains(fmt.Sprint(e.New), "bob@")
			if e.Kind != store.Written || !bobs && e.Side == record.Left {
				continue
			}
			if _, err := w.engine.Revert(t.Context(), engine.RevertRequest{Change: e.ID, By: "eve"}, func(it engine.RevertItem) error { t.Logf("%+v", it); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if got := said(w.visit().Fields["guests"]); got != "bob cem:no dee:maybe eva fay" {
			t.Errorf("the visit says %s", got)
		}
		if got := w.meeting("dee").Fields["answer"] + w.meeting("bob").Fields["answer"]; got != "yes" {
			t.Errorf("the copies say %q", got)
		}
		time.Sleep(time.Minute)
		w.settled("visits")
		if got := said(w.visit().Fields["guests"]); got != "bob cem:no dee:maybe eva fay" {
			t.Errorf("the visit says %s", got)
		}
	})
}

func TestWhyTellsAMember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := met(t)
		all, err := w.engine.Why(t.Context(), store.Object{Connection: "b", Name: "meetings"}, w.meeting("bob").ID, "")
		if err != nil || len(all) != 1 || all[0].State != "linked" || len(all[0].Fields) != 1 || all[0].Fields[0].State != "agreed" || all[0].Reasons[0].Rule.Number != "R26" {
			t.Errorf("%+v %v", all, err)
		}
	})
}
