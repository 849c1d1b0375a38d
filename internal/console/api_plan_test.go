package console

import (
	"net/http"
	"testing"

	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/jsonl"
)

func TestAPlanIsMadeAndReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	const at = "/api/v1/syncs/cards/plan"
	w.want(w.ask("GET", at, ""), http.StatusNotFound)
	for _, name := range []string{"Ann", "Bob", "Cleo"} {
		w.put(w.left, "", "name", name, "email", name+"@x.gr")
	}
	w.put(w.right, "", "name", "Ann", "email", "ann@x.gr", "notes", "theirs")
	if got := read[plannedBody](w, "POST", at, ""); got.Job.By != "operator" || len(got.Items) != 0 {
		t.Errorf("%+v", got)
	}
	all := read[plannedBody](w, "GET", at+"?wait=20", "")
	if all.Plan == nil || all.Job.Ended == nil || all.Plan.Counts[engine.WouldCreate] != 2 || all.Plan.Left != "a.cards" || all.Next != "" {
		t.Fatalf("%+v", all)
	}
	if len(w.right.Rows("cards")) != 1 {
		t.Error("a plan has written")
	}
	var made []jsonl.Planned
	page := read[plannedBody](w, "GET", at+"?kind=create&limit=1", "")
	for ; ; page = read[plannedBody](w, "GET", at+"?kind=create&limit=1&cursor="+page.Next, "") {
		made = append(made, page.Items...)
		if page.Next == "" {
			break
		}
	}
	if len(made) != 2 || made[0].Title == made[1].Title || made[0].Side != "right" || len(made[0].Fields) == 0 {
		t.Errorf("%+v", made)
	}
	w.want(w.ask("GET", at+"?kind=x", ""), http.StatusUnprocessableEntity, "query.kind")
	w.want(w.ask("GET", at+"?cursor=99999999", ""), http.StatusOK, `"items":[]`)
	w.want(w.ask("POST", "/api/v1/syncs/x/plan", ""), http.StatusNotFound)
	w.want(w.ask("GET", "/api/v1/syncs/x/plan", ""), http.StatusNotFound)
}

func TestWhatVerifyingFoundIsReadOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	w.put(w.left, "", "name", "Ann", "email", "ann@x.gr")
	w.sync()
	const at = "/api/v1/syncs/cards/verify"
	if got := read[verificationBody](w, "GET", at, ""); got.Job != nil || got.Report != nil || got.Ended != nil {
		t.Errorf("%+v", got)
	}
	w.put(w.right, w.right.Rows("cards")[0].ID, "notes", "edited")
	if !w.c.start(verifying, "cards", "ann", false) { // as the page does
		t.Fatal("nothing began")
	}
	got := read[verificationBody](w, "GET", at, "")
	if got.Job == nil || got.Job.By != "ann" || got.Report == nil || got.Report.Pairs != 1 || len(got.Findings) != 1 || got.Findings[0].Found.Text() != "edited" {
		t.Errorf("%+v", got)
	}
	begun := read[verificationBody](w, "POST", "/api/v1/syncs/cards/verifications", `{"repair":true}`)
	if begun.Job == nil || begun.Job.By != "operator" {
		t.Errorf("%+v", begun)
	}
	if got = read[verificationBody](w, "GET", at+"?wait=5", ""); got.Job.By != "operator" || got.Report == nil || len(got.Findings) != 1 {
		t.Errorf("%+v", got)
	}
	w.sync()
	if got := w.cell(w.left, "notes"); got != "edited" {
		t.Errorf("what was repaired is %q after a run", got)
	}
	w.want(w.ask("GET", "/api/v1/syncs/x/verify", ""), http.StatusNotFound)
	w.want(w.ask("POST", "/api/v1/syncs/x/verifications", ""), http.StatusNotFound)
}
