package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

// leaving starts a world in which the only pair is about to leave the filter.
func leaving(t *testing.T, leave string) (w *world, left, right string) {
	t.Helper()
	yaml := strings.Replace(cardsYAML, "match: [email]", "match: [email]\n    where: { left: \"stage != 'lost'\" }\n    leave: "+leave, 1)
	return pairOf(t, yaml, map[string]string{"name": "Ann", "email": "ann@x.gr", "notes": "old", "stage": "new"})
}

func (w *world) isOpen(right string) bool {
	w.t.Helper()
	links, err := w.store.LinksOf(w.t.Context(), "cards", record.Right, []string{right})
	if err != nil {
		w.t.Fatal(err)
	}
	return links[right].Closed == "" && links[right].ID != 0
}

func TestLeavingTheFilterAndComingBack(t *testing.T) {
	t.Parallel()
	for _, leave := range []string{"keep", "unlink", "archive"} {
		t.Run(leave, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, left, right := leaving(t, leave)
				first := w.linkOf(right)
				w.put(w.a, "cards", left, map[string]string{"stage": "lost"})
				w.settled("cards")
				if n, want := len(w.b.Rows("cards")), map[string]int{"keep": 1, "unlink": 1, "archive": 0}[leave]; n != want {
					t.Errorf("%d cards remain on the right, want %d", n, want)
				}
				if open := w.isOpen(right); open != (leave == "keep") {
					t.Errorf("the link is open: %t", open)
				}
				// Apart, nothing is carried over, and the survivor does not make itself a new partner.
				w.put(w.a, "cards", left, map[string]string{"phone": "1"})
				if leave != "archive" {
					w.put(w.b, "cards", right, map[string]string{"notes": "theirs", "email": "other@x.gr"})
				}
				w.settled("cards")
				if n := len(w.a.Rows("cards")); n != 1 || w.a.Rows("cards")[0].Fields["notes"] != "old" {
					t.Errorf("left has %v", w.a.Rows("cards"))
				}
				quiet(t, w)
				// R18: back in the filter they are the same pair, and both edits survive.
				w.put(w.a, "cards", left, map[string]string{"stage": "won"})
				w.settled("cards")
				if now := w.linkOf(right); now.ID != first.ID || now.Closed != "" {
					t.Errorf("link %d %q, want the same as before, %d, open", now.ID, now.Closed, first.ID)
				}
				got, theirs := w.b.Rows("cards"), w.a.Rows("cards")
				if len(got) != 1 || got[0].ID != right || got[0].Fields["stage"] != "won" || got[0].Fields["phone"] != "1" {
					t.Fatalf("right has %v", got)
				}
				if leave != "archive" && (theirs[0].Fields["notes"] != "theirs" || theirs[0].Fields["email"] != "other@x.gr") {
					t.Errorf("left has %v: an edit made meanwhile is lost", theirs)
				}
				quiet(t, w)
			})
		})
	}
}

func (w *world) linkOf(right string) store.Link {
	w.t.Helper()
	links, err := w.store.LinksOf(w.t.Context(), "cards", record.Right, []string{right})
	if err != nil {
		w.t.Fatal(err)
	}
	return links[right]
}

func TestComingBackWithoutThePartnerStartsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, left, right := leaving(t, "unlink")
		w.put(w.a, "cards", left, map[string]string{"stage": "lost"})
		w.settled("cards")
		w.remove(w.b, "cards", right)
		w.settled("cards")
		w.put(w.a, "cards", left, map[string]string{"stage": "new"})
		w.settled("cards")
		if got := w.b.Rows("cards"); len(got) != 1 || got[0].ID == right || got[0].Fields["name"] != "Ann" {
			t.Errorf("right has %v, want Ann anew", got)
		}
		quiet(t, w)
	})
}

// twoSyncs part the cards of the left account by stage; the order of the file is as given.
func twoSyncs(first, second string) string {
	parts := map[string]string{
		"leads": `
  leads:
    left: a.cards
    right: b.cards
    match: [email]
    where: { left: "stage == 'new'", right: "stage == 'new'" }
    leave: archive
    fields: [name, box, email, stage]
`,
		"customers": `
  customers:
    left: a.cards
    right: b.cards
    match: [email]
    where: { left: "stage == 'won'", right: "stage in ['new', 'won']" }
    create: right
    fields: [name, box, email, { left: stage, right: stage, direction: left-to-right }, notes]
`,
		"companies": `
  companies:
    left: a.cards
    right: b.labels
    direction: left-to-right
    match: [name]
    where: { left: "stage == 'won'" }
    fields: [name]
`,
	}
	return header + parts[first] + parts[second]
}

func TestR25AMoveToAnotherObjectUnlinksAndMatches(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]string{{"leads", "companies"}, {"companies", "leads"}} {
		t.Run(order[0]+" first", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, twoSyncs(order[0], order[1]))
				acme := w.put(w.a, "cards", "", map[string]string{"name": "Acme", "email": "x@acme.gr", "stage": "new"})
				gone := w.put(w.a, "cards", "", map[string]string{"name": "Gone", "email": "x@gone.gr", "stage": "new"})
				label := w.put(w.b, "labels", "", map[string]string{"name": "Acme"})
				w.settled("leads")
				time.Sleep(time.Minute)
				w.put(w.a, "cards", acme, map[string]string{"stage": "won"})
				w.put(w.a, "cards", gone, map[string]string{"stage": "lost"})
				w.settled("leads")
				w.settled("companies")
				// The lead that became a customer is unlinked, not archived as the lost one is.
				if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].Fields["name"] != "Acme" {
					t.Errorf("leads that remain: %v, want Acme", rows)
				}
				if rows := w.b.Rows("labels"); len(rows) != 1 || rows[0].ID != label {
					t.Errorf("companies: %v, want the one that was there, matched", rows)
				}
				links, err := w.store.LinksOf(t.Context(), "companies", record.Left, []string{acme})
				if err != nil || links[acme].IDs[1] != label || links[acme].Closed != "" {
					t.Errorf("link to the company: %+v, %v", links[acme], err)
				}
				// And back: the lead and its record are the same pair again.
				w.put(w.a, "cards", acme, map[string]string{"stage": "new", "name": "Acme SA"})
				w.settled("leads")
				w.settled("companies")
				if rows := w.b.Rows("cards"); len(rows) != 1 || rows[0].Fields["name"] != "Acme SA" {
					t.Errorf("leads after the way back: %v", rows)
				}
				for _, name := range []string{"leads", "companies"} {
					if rep := w.settled(name); rep.Left.Updated+rep.Right.Updated+rep.Left.Created+rep.Right.Created != 0 {
						t.Errorf("not quiet: %+v", rep)
					}
				}
			})
		})
	}
}

func TestR25AMoveWithinOneObjectKeepsThePartner(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]string{{"leads", "customers"}, {"customers", "leads"}} {
		t.Run(order[0]+" first", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, twoSyncs(order[0], order[1]))
				// Nothing but the link tells who the partner is: there is no e-mail to match by.
				ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "stage": "new"})
				w.settled("leads")
				theirs := w.by(w.b, "cards", "name", "Ann").ID
				w.put(w.a, "cards", ann, map[string]string{"stage": "won", "notes": "signed"})
				for range 3 {
					w.sync("leads")
				}
				rows := w.b.Rows("cards")
				if len(rows) != 1 || rows[0].ID != theirs || rows[0].Fields["stage"] != "won" || rows[0].Fields["notes"] != "signed" {
					t.Errorf("right has %v, want the same card, won", rows)
				}
				w.settled("leads")
				w.settled("customers")
			})
		})
	}
}

// R21: a partner that is out of sight is there: it has neither left the filter, nor is it made anew.
func TestARecordThatIsOutOfSightIsNotDoubledWhenItsPartnerComesBack(t *testing.T) {
	t.Parallel()
	for name, hideWhenMade := range map[string]bool{"hidden as soon as it is made": true, "hidden while they were parted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, movingYAML("leads", "customers", false))
				hide := func(hidden bool) {
					if err := w.b.Hide("cards", w.b.Rows("cards")[0].ID, hidden); err != nil {
						t.Error(err)
					}
				}
				ann := w.put(w.a, "cards", "", map[string]string{"name": "Ann", "email": "ann@x.gr", "stage": "new"})
				if hideWhenMade {
					w.b.After(onceAt("/v1/do", func() { hide(true) }))
				}
				w.moved()
				theirs := w.b.Rows("cards")[0].ID
				if !hideWhenMade {
					w.put(w.a, "cards", ann, map[string]string{"stage": "lost"})
					w.moved()
					hide(true)
				}
				w.put(w.b, "cards", theirs, map[string]string{"tags": "vip"})
				w.moved()
				w.put(w.a, "cards", ann, map[string]string{"stage": "new", "email": "", "notes": "ours"})
				w.moved()
				if n := len(w.b.Rows("cards")); n != 1 {
					t.Fatalf("%d cards at b, want the one that is out of sight", n)
				}
				hide(false)
				w.put(w.b, "cards", theirs, map[string]string{"phone": "7"})
				w.moved()
				a, b := w.a.Rows("cards"), w.b.Rows("cards")
				if len(a) != 1 || len(b) != 1 || a[0].Fields["tags"] != "vip" || b[0].Fields["notes"] != "ours" || b[0].Fields["email"] != "" {
					t.Errorf("in the end %v and %v", a, b)
				}
			})
		})
	}
}
