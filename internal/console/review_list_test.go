package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func TestTheListIsPagedAndFiltered(t *testing.T) {
	t.Parallel()
	b, _ := newPile(t, 60, func(i int) store.Review {
		it := parkedItem(i)
		if i%10 == 9 {
			it.Kind, it.Choices = store.ReviewIdentity, []string{"keep", "unlink"}
		}
		return it
	})
	w := b.signed(account.Viewer)
	first := w.get("/review")
	b.want(first, http.StatusOK, "60 questions wait", "no-0.", "no-49.", "&lt;script&gt;", `>54</span>`, `>6</span>`)
	if body := first.Body.String(); strings.Contains(body, "no-50.") || strings.Contains(body, `type="checkbox"`) || strings.Contains(body, "<script>alert") {
		t.Error("the first page of a viewer shows too much")
	}
	_, rest, _ := strings.Cut(first.Body.String(), `href="/review?after=`)
	after, _, _ := strings.Cut(rest, `"`)
	second := w.get("/review?after=" + after)
	b.want(second, http.StatusOK, "no-50.", "no-59.", "Back to the first")
	b.want(w.get("/review?kind=identity"), http.StatusOK, "6 questions wait", "no-9.", "no-59.")
	b.want(w.get("/review?kind=guard&sync=nothing"), http.StatusOK, "Nothing of this kind waits.")
	b.want(w.get("/review?after=x"), http.StatusNotFound)
	b.want(w.get("/review/999999"), http.StatusNotFound, "answered already")
	b.want(w.get("/review/x"), http.StatusNotFound)
}

func TestManyAreDecidedAtOnceByTheRulesOfTheCommandLine(t *testing.T) {
	t.Parallel()
	b, items := newPile(t, 12, func(i int) store.Review {
		it := parkedItem(i)
		switch i {
		case 10:
			it.Kind, it.Choices = store.ReviewDelete, []string{"delete", "unlink"}
		case 11:
			it.Kind, it.Candidates, it.Choices = store.ReviewAmbiguous, []string{"501", "7"}, []string{"501", "7", "none"}
		}
		return it
	})
	w := b.signed(account.User)
	decision := func(i int) string {
		it, _, err := b.hub.store.Review(b.Context(), items[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		return it.Decision
	}
	ticked := url.Values{"choice": {"retry"}, "id": {id(items[0].ID), id(items[1].ID), id(items[10].ID)}}
	b.want(w.get("/review/many?"+ticked.Encode()), http.StatusOK, "2 questions are answered at once.", "1 has no such answer", "the system says: invalid country")
	if decision(0) != "" {
		t.Fatal("a look has decided")
	}
	ticked["id"] = append(ticked["id"], ticked["id"]...) // each counts once
	b.want(w.get("/review/many?"+ticked.Encode()), http.StatusOK, "2 questions are answered at once.", "1 has no such answer")
	b.to(w.post("/review/many", "choice", "retry", "id", id(items[0].ID), "id", id(items[1].ID), "id", id(items[10].ID), "id", id(items[1].ID)), "/review?done=decidedmany")
	if decision(0) != "retry" || decision(1) != "retry" || decision(10) != "" || decision(2) != "" {
		t.Error("others than those that were ticked are decided")
	}
	b.want(w.get("/review/many?kind=parked&all=1&choice=dismiss"), http.StatusOK, "8 questions are answered at once.", `name="upto" value="`+id(items[9].ID)+`"`)
	later := b.fill(1, func(int) store.Review { return parkedItem(99) })
	b.to(w.post("/review/many", "kind", "parked", "all", "1", "upto", id(items[9].ID), "choice", "dismiss"), "/review?kind=parked&done=decidedmany")
	if decision(2) != "dismiss" || decision(9) != "dismiss" {
		t.Error("not all of the kind are decided")
	}
	if len(later) == 0 {
		t.Fatal("nothing came later")
	}
	if rest, err := b.hub.store.Reviews(b.Context(), store.ReviewQuery{Open: true}); err != nil || len(rest) != 3 {
		t.Errorf("what came after the look is decided too: %v %v", rest, err)
	}
	b.to(w.post("/review/many", "choice", "approve", "id", id(items[10].ID), "id", id(items[11].ID)), "/review?done=decidedmany")
	b.to(w.post("/review/many", "choice", ":1", "id", id(items[11].ID)), "/review?done=decidedmany")
	if decision(10) != "delete" || decision(11) != "501" {
		t.Errorf("yes means %q, the first candidate is %q", decision(10), decision(11))
	}
	b.want(w.post("/review/many", "choice", "left", "id", id(items[3].ID)), http.StatusUnprocessableEntity)
	b.want(w.get("/review/many?id=x&choice=left"), http.StatusNotFound)
	lines := b.audited()
	if got := lines[len(lines)-1]; got != "user|review.decide|0 review items|left|refused" {
		t.Errorf("the audit ends with %q", got)
	}
	if !slices.Contains(lines, "user|review.decide|8 review items|dismiss|done") {
		t.Errorf("the audit: %v", lines)
	}
}

func TestAfterADecisionComesTheNextOpenItem(t *testing.T) {
	t.Parallel()
	b, items := newPile(t, 3, func(i int) store.Review {
		it := parkedItem(i)
		if i == 1 {
			it.Kind = store.ReviewEvents
		}
		return it
	})
	w := b.signed(account.User)
	answer := func(i int, more ...string) *httptest.ResponseRecorder {
		return w.post(at(items[i].ID), append([]string{"item", id(items[i].ID), "choice-" + id(items[i].ID), "retry"}, more...)...)
	}
	b.want(w.get(at(items[1].ID)), http.StatusOK, `href="`+at(items[0].ID)+`" rel="prev"`, `href="`+at(items[2].ID)+`" rel="next"`)
	b.to(answer(0, "kind", "parked"), at(items[2].ID)+"?kind=parked&done=decided")
	b.to(answer(2), at(items[1].ID)+"?done=decided")
	b.to(answer(1), "/review?done=decided")
}

func TestWhatCannotBeTakenBackIsAskedTwice(t *testing.T) {
	t.Parallel()
	b, items := newPile(t, 1, func(i int) store.Review {
		it := parkedItem(i)
		it.Kind, it.Choices = store.ReviewDelete, []string{"delete", "unlink"}
		return it
	})
	it, w := items[0], b.signed(account.User)
	form := []string{"item", id(it.ID), "choice-" + id(it.ID), "delete"}
	b.want(w.post(at(it.ID), form...), http.StatusOK, "cannot be taken back")
	b.to(w.post(at(it.ID), append(form, "yes", "1")...), "/review?done=decided")
}

// Every page renders with nothing and with everything that its struct can hold.
func TestReviewTemplatesRenderEmptyAndFull(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.populate()
	entry := entryView{Name: "value-1-x", Label: "X", Many: true}
	full := itemPage{Rows: []conflictRow{{ID: 1, Entry: &entryView{Field: record.Field{Kind: record.KindBool}}}}, Fields: []fieldView{{Name: "x"}},
		Pair:    [2]sideView{{ID: "1", Gone: true}, {ID: "2"}},
		Columns: []candidateView{{ID: "1", Why: []string{"a", "b"}, Choice: &choiceView{Word: "1", No: 1}}}, Compared: []comparedRow{{Cells: []comparedCell{{Known: true, Same: true}}}},
		Choices: []choiceView{{Word: "odd"}}, Entry: []entryView{entry, {Name: "y", Field: record.Field{Kind: record.KindDate}}}, EditNo: 2, Answered: []fieldView{{}},
		Stopped: &stoppedView{Alarms: []engine.Alarm{{Side: "right"}}, Total: 1, Records: []engine.AffectedRecord{{Verb: "merge", Fields: []engine.AffectedField{{}}}}, Suggested: &status.Guard{}, Suggests: []suggestLine{{What: "update"}}}}
	for _, it := range engine.ReviewKinds() {
		for _, p := range []itemPage{{}, full} {
			p.Item.Kind = it
			b.renders("review_item", p)
		}
	}
	b.renders("review", reviewPage{})
	b.renders("review_many", manyPage{})
	b.renders("review_confirm", confirmPage{})
	b.renders("review_confirm", confirmPage{Final: true, Lines: []confirmLine{{Kind: store.ReviewGuard}}, Writes: []writeView{{New: true}, {Kept: "x"}, {Then: true}}})
	b.renders("reports", reportPage{Name: "volume", Names: reportNames()})
}

func FuzzAnswers(f *testing.F) {
	f.Add("item=1&choice-1=retry", "/review/1")
	f.Add("item=1&choice-1=edit&value-1-email=x&was-value-1-email=y&yes=1", "/review/1")
	f.Add("all=1&kind=parked&choice=:1&upto=9", "/review/many")
	b, _ := newPile(f, 3, parkedItem)
	w := b.signed(account.User)
	f.Fuzz(func(t *testing.T, body, path string) {
		if u, err := url.Parse(path); err != nil || !strings.HasPrefix(u.Path, "/review/") || u.Host != "" || strings.ContainsAny(path, " \t\r\n") {
			return
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body+"&"+formField+"="+w.form()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if got := w.do(r); got.Code >= http.StatusInternalServerError {
			t.Errorf("%d %s", got.Code, got.Body)
		}
	})
}
