package console

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/tandemhub/tandem/internal/account"
)

// A fakeDemo has one trouble and one thing that somebody did.
type fakeDemo struct {
	word   string
	broken bool
}

func (d *fakeDemo) Redeem(word string) bool {
	right := d.word != "" && word == d.word
	d.word = ""
	return right
}

func (d *fakeDemo) Troubles() []Trouble {
	return []Trouble{{Name: "storm", On: d.broken, Until: time.Date(2026, 3, 4, 15, 6, 7, 0, time.UTC), Hits: 1234}}
}

func (d *fakeDemo) set(name string, broken bool) error {
	if name != "storm" {
		return ErrNoTrouble
	}
	d.broken = broken
	return nil
}

func (d *fakeDemo) Break(name string) error { return d.set(name, true) }
func (d *fakeDemo) Mend(name string) error  { return d.set(name, false) }
func (d *fakeDemo) Work() []Work {
	return []Work{{System: "HubSpot", Right: true, Who: "<script>alert(1)</script>", Field: "city", Value: "Köln"}}
}

func (d *fakeDemo) Compare(context.Context) (Comparison, error) {
	return Comparison{Pairs: 4321, Values: 1, Differ: 7}, nil
}

func TestTheDemosPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	w, viewer := b.signed(account.Operator), b.signed(account.Viewer)
	for _, path := range []string{"/demo", "/demo/enter?token=x", "/api/v1/demo"} {
		b.want(w.get(path), http.StatusNotFound)
	}
	b.want(w.post("/demo/storm/break"), http.StatusNotFound)
	b.want(w.ask("POST", "/api/v1/demo/storm/break", ""), http.StatusNotFound)
	d := &fakeDemo{word: "once"}
	b.c.demo, b.c.view.demo = d, true
	b.want(w.get("/demo"), http.StatusOK, "4,321", "1 value compared", ">7<", "On their way", "1,234 times so far", "All is well", "&lt;script&gt;alert(1)&lt;/script&gt;", `action="/demo/storm/break"`, `href="/demo" aria-current="page"`)
	b.to(w.post("/demo/storm/break"), "/demo?done=broken")
	b.want(w.get("/demo?done=broken"), http.StatusOK, "It is broken now.", "Broken now", "until 15:06:07", `action="/demo/storm/mend"`)
	b.to(w.post("/demo/storm/mend"), "/demo?done=mended")
	b.want(w.post("/demo/flood/break"), http.StatusNotFound)
	b.want(viewer.post("/demo/storm/break"), http.StatusForbidden)
	if body := viewer.get("/demo").Body.String(); d.broken || len(body) == 0 {
		t.Error("a viewer broke it")
	}
	read[doneBody](w, "POST", "/api/v1/demo/storm/break", "")
	got := read[demoBody](w, "GET", "/api/v1/demo", "")
	if len(got.Troubles) != 1 || !got.Troubles[0].On || got.Troubles[0].Hits != 1234 || got.Compared != (comparedBody{4321, 1, 7}) || len(got.Work) != 1 || got.Work[0].Value != "Köln" {
		t.Errorf("%+v", got)
	}
	read[doneBody](w, "POST", "/api/v1/demo/storm/mend", "")
	b.want(w.ask("POST", "/api/v1/demo/flood/mend", ""), http.StatusNotFound)
	if d.broken {
		t.Error("it was not mended")
	}
	if err := AddDemo(t.Context(), b.c.accounts); err != nil {
		t.Fatal(err)
	}
	guest := b.browser()
	b.to(guest.get("/demo/enter?token=once"), "/")
	b.want(guest.get("/account"), http.StatusOK, "You are demo, Administrator.")
	b.want(b.browser().get("/demo/enter?token=once"), http.StatusUnprocessableEntity, "This link was used already.")
	lines := b.audited()
	if got := lines[len(lines)-1]; got != "demo|sign.in.demo|demo||done" {
		t.Errorf("the audit ends with %s", got)
	}
}
