package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

// A pairOfContacts is one contact and the ids of the companies on both sides, by domain.
type pairOfContacts struct {
	*world
	mine, theirs string
	erp, crm     map[string]string
}

// employed starts a synced world and looks at Eleni, who works at acme.gr.
func employed(t *testing.T, yaml string) pairOfContacts {
	t.Helper()
	w, _ := synced(t, yaml)
	p := pairOfContacts{world: w, erp: map[string]string{}, crm: map[string]string{}}
	p.mine = w.by(w.erp, "contacts", "email", "eleni@acme.gr").ID
	p.theirs = w.by(w.crm, "contacts", "email", "eleni@acme.gr").ID
	for name, domain := range map[string]string{"Ακμή ΑΕ": "acme.gr", "Müller & Söhne": "mueller.de", "ООО Ромашка": "romashka.example"} {
		p.erp[domain] = w.by(w.erp, "thirdparties", "name", name).ID
		p.crm[domain] = w.by(w.crm, "companies", "name", name).ID
	}
	return p
}

// works proves at which company each side has the contact; "" is none.
func (p pairOfContacts) works(erp, crm string) {
	p.t.Helper()
	if got := p.row(p.world.erp, "contacts", p.mine)["socid"]; got != p.erp[erp] {
		p.t.Errorf("in erp the contact's company is %q, want %q (%s)", got, p.erp[erp], erp)
	}
	if got := p.row(p.world.crm, "contacts", p.theirs)["associatedcompanyid"]; got != p.crm[crm] {
		p.t.Errorf("in crm the contact's company is %q, want %q (%s)", got, p.crm[crm], crm)
	}
}

func (p pairOfContacts) move(erp, crm string) {
	p.t.Helper()
	if erp != "-" {
		p.put(p.world.erp, "contacts", p.mine, map[string]string{"socid": p.erp[erp]})
	}
	if crm != "-" {
		p.put(p.world.crm, "contacts", p.theirs, map[string]string{"associatedcompanyid": p.crm[crm]})
	}
}

func TestAContactsCompanyFollowsChangesAtDolibarr(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := employed(t, pairYAML)
		p.works("acme.gr", "acme.gr")
		for _, to := range []string{"mueller.de", "", "romashka.example", "acme.gr"} {
			p.move(to, "-")
			time.Sleep(time.Minute)
			p.settled()
			p.works(to, to)
		}
		p.quiet()
	})
}

func TestR35AContactsCompanyFollowsChangesAtHubSpot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := employed(t, pairYAML)
		for _, to := range []string{"mueller.de", "romashka.example", "acme.gr"} {
			p.move("-", to)
			for range 25 { // a change of the association moves no stamp: it is found within a day
				time.Sleep(time.Hour)
				p.settled()
			}
			p.works(to, to)
		}
		p.quiet()
	})
}

func TestAContactsCompanyTravelsWithAnotherEditAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := employed(t, pairYAML)
		p.put(p.world.crm, "contacts", p.theirs, map[string]string{"associatedcompanyid": p.crm["mueller.de"], "jobtitle": "Director"})
		time.Sleep(time.Minute)
		p.settled()
		p.works("mueller.de", "mueller.de")
		p.quiet()
	})
}

func TestR11AClearThatDolibarrCannotDoIsShownAndNotRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := employed(t, pairYAML)
		p.put(p.world.crm, "contacts", p.theirs, map[string]string{"associatedcompanyid": "", "jobtitle": "Freelancer"})
		time.Sleep(time.Minute)
		p.settled()
		p.works("acme.gr", "")
		if lines := p.journal("erp", "contacts", p.mine); !tells(lines, store.Refused, "socid") {
			t.Errorf("the journal does not say that the company could not be cleared: %+v", lines)
		}
		p.quiet()
		p.works("acme.gr", "")
		p.move("mueller.de", "-") // a later change at erp is carried over again
		time.Sleep(time.Minute)
		p.settled()
		p.works("mueller.de", "mueller.de")
		p.quiet()
	})
}

func TestAConflictAboutTheCompanyIsSolvedByPreference(t *testing.T) {
	t.Parallel()
	for prefer, want := range map[string]string{"left": "mueller.de", "right": "romashka.example"} {
		t.Run(prefer, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := employed(t, strings.Replace(pairYAML, "match: [email]", "match: [email]\n    prefer: "+prefer, 1))
				p.move("mueller.de", "-")
				p.put(p.world.crm, "contacts", p.theirs, map[string]string{"associatedcompanyid": p.crm["romashka.example"], "jobtitle": "x"})
				time.Sleep(time.Minute)
				rep := p.settled()["contacts"]
				p.works(want, want)
				if rep.Conflicts != 1 {
					t.Errorf("%d conflicts, want 1", rep.Conflicts)
				}
				lines := append(p.journal("erp", "contacts", p.mine), p.journal("crm", "contacts", p.theirs)...)
				if !tells(lines, store.Overruled, "") {
					t.Error("the journal does not tell which company was overruled")
				}
				p.quiet()
			})
		})
	}
}

func TestR8AConflictAboutTheCompanyWaitsForAPerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := employed(t, strings.Replace(pairYAML, "match: [email]", "match: [email]\n    prefer: ask", 1))
		p.move("mueller.de", "-")
		p.put(p.world.crm, "contacts", p.theirs, map[string]string{"associatedcompanyid": p.crm["romashka.example"], "jobtitle": "x"})
		time.Sleep(time.Minute)
		rep := p.sync(engine.SyncOptions{})["contacts"]
		items := p.reviews(store.ReviewConflict)
		if rep.Status != engine.StatusReview || len(items) != 1 {
			t.Fatalf("status %s, queue %v", rep.Status, p.queue())
		}
		p.works("mueller.de", "romashka.example")
		p.quiet()
		if err := p.store.DecideReview(t.Context(), items[0].ID, "right", "ann", time.Now()); err != nil {
			t.Fatal(err)
		}
		p.settled()
		p.works("romashka.example", "romashka.example")
		p.quiet()
	})
}

func TestBothMoveTheContactToTheSameCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := employed(t, pairYAML)
		before := writes(p.world.erp) + writes(p.world.crm)
		p.move("mueller.de", "mueller.de")
		p.put(p.world.crm, "contacts", p.theirs, map[string]string{"hs_lead_status": "OPEN"}) // moves the stamp; not mapped
		time.Sleep(time.Minute)
		rep := p.settled()["contacts"]
		p.works("mueller.de", "mueller.de")
		if rep.Conflicts != 0 || writes(p.world.erp)+writes(p.world.crm) != before {
			t.Errorf("two people did the same, and it became a conflict or a write: %+v", rep)
		}
		p.quiet()
	})
}

func TestR28ACompanyThatComesLaterIsFilledIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, strings.Replace(pairYAML, "match: [domain]", "match: [domain]\n    where: { left: \"client == '1'\" }", 1))
		prospect := w.put(w.erp, "thirdparties", "", map[string]string{"name": "Later Ltd", "url": "later.example"})
		w.put(w.erp, "contacts", "", map[string]string{"lastname": "Early", "email": "early@later.example", "socid": prospect})
		time.Sleep(10 * time.Second)
		w.settled()
		if got := w.by(w.crm, "contacts", "email", "early@later.example").Fields["associatedcompanyid"]; got != "" {
			t.Fatalf("the contact has the company %q", got)
		}
		w.quiet()
		w.put(w.erp, "thirdparties", prospect, map[string]string{"client": "1"})
		time.Sleep(time.Minute)
		w.settled()
		company := w.only(w.crm, "companies").ID
		if got := w.by(w.crm, "contacts", "email", "early@later.example").Fields["associatedcompanyid"]; got != company {
			t.Errorf("the contact's company is %q, want %q", got, company)
		}
		w.quiet()
	})
}

func TestANewCompanyAndItsContactArriveTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := synced(t, pairYAML)
		company := w.put(w.crm, "companies", "", map[string]string{"name": "New GmbH", "domain": "new.example"})
		w.put(w.crm, "contacts", "", map[string]string{"lastname": "Neu", "email": "neu@new.example", "associatedcompanyid": company})
		time.Sleep(time.Minute)
		w.settled()
		mine := w.by(w.erp, "thirdparties", "name", "New GmbH").ID
		if got := w.by(w.erp, "contacts", "email", "neu@new.example").Fields["socid"]; got != mine {
			t.Errorf("the contact's company is %q, want %q", got, mine)
		}
		w.quiet()
	})
}

func TestR8AQuestionThatPeopleSettleThemselvesIsClosed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ erp, crm, want string }{
		"they agree":          {"-", "from erp", "from erp"},
		"one takes it back":   {"-", "old", "from erp"},
		"both take them back": {"old", "old", "old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := employed(t, strings.Replace(pairYAML, "match: [email]", "match: [email]\n    prefer: ask", 1))
				p.put(p.world.erp, "contacts", p.mine, map[string]string{"poste": "old"})
				p.settled()
				time.Sleep(time.Minute)
				p.put(p.world.erp, "contacts", p.mine, map[string]string{"poste": "from erp"})
				p.put(p.world.crm, "contacts", p.theirs, map[string]string{"jobtitle": "from crm"})
				time.Sleep(time.Minute)
				p.sync(engine.SyncOptions{})
				if items := p.reviews(store.ReviewConflict); len(items) != 1 {
					t.Fatalf("want one question: %v", p.queue())
				}
				if c.erp != "-" {
					p.put(p.world.erp, "contacts", p.mine, map[string]string{"poste": c.erp})
				}
				p.put(p.world.crm, "contacts", p.theirs, map[string]string{"jobtitle": c.crm})
				time.Sleep(time.Minute)
				p.settled()
				p.contains(p.row(p.world.erp, "contacts", p.mine), map[string]string{"poste": c.want})
				p.contains(p.row(p.world.crm, "contacts", p.theirs), map[string]string{"jobtitle": c.want})
				p.quiet()
			})
		})
	}
}
