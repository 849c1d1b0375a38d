package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connector"
	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/plan"
	"github.com/tandemhub/tandem/internal/status"
	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
	"github.com/tandemhub/tandem/twin"
)

// A desk is a console over two toy address books, which an engine has in step.
type desk struct {
	*bench

	a, b   *toy.Twin
	engine *engine.Engine
	w      *browser
}

func newDesk(t *testing.T, rules string) *desk {
	t.Helper()
	return newDeskOf(t, "", rules)
}

// newDeskOf is newDesk with more fields.
func newDeskOf(t *testing.T, more, rules string) *desk {
	t.Helper()
	d := &desk{bench: newBench(t)}
	d.a, d.b = deskTwin(t), deskTwin(t)
	yaml := `version: 1
timezone: UTC
country: GR
connections:
  a: { system: toy, url: "http://a.test/v1", api_key: "${KEY}" }
  b: { system: toy, url: "http://b.test/v1", api_key: "${KEY}" }
syncs:
  cards: { left: a.cards, right: b.cards, match: [email], fields: [name, box, email, phone, code, discount, stage, tags, notes` + more + `], prefer: ask`
	specs := []connector.Spec{toy.Spec()}
	p, problems := plan.Parse("tandem.yaml", []byte(yaml+rules+" }\n"), func(string) (string, bool) { return d.a.Settings()["api_key"], true }, specs)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	d.hub.plan = p
	d.hub.engine = func() *engine.Engine {
		e, err := engine.New(engine.Options{Store: d.hub.store, Plan: p, Specs: specs, Workers: 1, Transport: func(c plan.Connection) http.RoundTripper {
			if c.Name == "a" {
				return twin.Transport(d.a)
			}
			return twin.Transport(d.b)
		}})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	d.engine = d.hub.engine()
	d.populate()
	d.w = d.signed(account.User)
	return d
}

func deskTwin(t *testing.T) *toy.Twin {
	t.Helper()
	tw, ok := toy.New(twin.Options{NoLimits: true}).(*toy.Twin)
	if !ok {
		t.Fatal("toy.New makes no *toy.Twin")
	}
	return tw
}

// put writes a card: name, value, name, value …
func (d *desk) put(tw *toy.Twin, id string, pairs ...string) string {
	d.Helper()
	fields := map[string]string{}
	if id == "" {
		fields["box"] = "sales"
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	id, err := tw.Put("cards", id, fields)
	if err != nil {
		d.Fatal(err)
	}
	return id
}

func (d *desk) sync() {
	d.Helper()
	time.Sleep(time.Minute)
	if _, err := d.engine.Sync(d.Context(), nil, engine.SyncOptions{}); err != nil {
		d.Fatal(err)
	}
}

// pair makes a linked pair of cards.
func (d *desk) pair(pairs ...string) (left, right string) {
	d.Helper()
	left = d.put(d.a, "", pairs...)
	d.sync()
	links, err := d.hub.store.LinksOf(d.Context(), "cards", record.Left, []string{left})
	if err != nil {
		d.Fatal(err)
	}
	return left, links[left].IDs[1]
}

func (d *desk) open(kind store.ReviewKind) []store.Review {
	d.Helper()
	items, err := d.hub.store.Reviews(d.Context(), store.ReviewQuery{Kinds: []store.ReviewKind{kind}, Open: true})
	if err != nil {
		d.Fatal(err)
	}
	return items
}

func (d *desk) only(kind store.ReviewKind) store.Review {
	d.Helper()
	items := d.open(kind)
	if len(items) != 1 {
		d.Fatalf("%d items of kind %s: %+v", len(items), kind, items)
	}
	return items[0]
}

func (d *desk) item(id int64) store.Review {
	d.Helper()
	it, found, err := d.hub.store.Review(d.Context(), id)
	if err != nil || !found {
		d.Fatalf("item %d: %t %v", id, found, err)
	}
	return it
}

func at(id int64) string { return fmt.Sprintf("/review/%d", id) }

func id(n int64) string { return fmt.Sprint(n) }

func TestAConflictIsSolvedFieldByField(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "")
		left, right := d.pair("name", "Ann Meyer", "email", "ann@x.gr", "phone", "1")
		d.put(d.a, left, "name", "Ann <script>alert(1)</script>", "phone", "111", "discount", "1234.5")
		d.put(d.b, right, "name", "Ann Mayer", "phone", "121", "discount", "99.25")
		d.sync()
		items := d.open(store.ReviewConflict)
		if len(items) != 3 {
			t.Fatalf("%+v", items)
		}
		byField := map[string]store.Review{}
		for _, it := range items {
			byField[keyName(it.Field)] = it
		}
		got := d.w.get("/review")
		d.want(got, http.StatusOK, "3 questions wait for a person.", "1<mark>1</mark>1", "1<mark>2</mark>1", "a.cards/"+left)
		got = d.w.get(at(items[0].ID))
		d.want(got, http.StatusOK, "&lt;script&gt;alert(1)&lt;/script&gt;", "Ann Meyer", "1,234.5", "99.25", "a.cards", "b.cards", "Last agreed")
		if strings.Contains(got.Body.String(), "<script>alert") {
			t.Error("a name is markup")
		}
		german := httptest.NewRequest(http.MethodGet, at(items[0].ID), http.NoBody)
		german.Header.Set("Accept-Language", "de")
		d.want(d.w.do(german), http.StatusOK, "1.234,5", "99,25", "Zuletzt einig")

		d.want(d.w.post(at(items[0].ID), "item", id(items[0].ID)), http.StatusUnprocessableEntity, "Choose an answer first.")
		d.want(d.w.post(at(items[0].ID), "item", id(items[0].ID), "choice-"+id(items[0].ID), "middle"), http.StatusUnprocessableEntity)
		third := byField["phone"]
		form := []string{
			"item", id(byField["name"].ID), "choice-" + id(byField["name"].ID), "right",
			"item", id(byField["discount"].ID), "choice-" + id(byField["discount"].ID), "left",
			"item", id(third.ID), "choice-" + id(third.ID), "edit", "was-" + entryName(third.ID, third.Field), "111", entryName(third.ID, third.Field), "777",
		}
		d.want(d.w.post(at(items[0].ID), form...), http.StatusOK, "Nothing is done yet.", "777", "The right value", `name="yes"`)
		if n := len(d.open(store.ReviewConflict)); n != 3 {
			t.Fatalf("%d are open after a look", n)
		}
		d.to(d.w.post(at(items[0].ID), append(form, "yes", "1")...), "/review?done=decided")
		d.want(d.w.get("/review?done=decided"), http.StatusOK, "Decided. The next run acts on it.", "Nothing waits for you.")
		d.want(d.w.get(at(third.ID)), http.StatusOK, "Decided: edit, by user", "777")
		d.want(d.w.post(at(third.ID), "item", id(third.ID), "choice-"+id(third.ID), "left"), http.StatusConflict, "answered already")
		d.sync()
		for _, tw := range []*toy.Twin{d.a, d.b} {
			row := tw.Rows("cards")[0].Fields
			if row["name"] != "Ann Mayer" || row["phone"] != "777" || row["discount"] != "1234.5" {
				t.Errorf("after the run: %v", row)
			}
		}
		if lines := strings.Join(d.audited(), "\n"); strings.Count(lines, "(shown first)|done") != 1 || !strings.Contains(lines, "name=name: right, discount=discount: left, phone=phone: edit|done") {
			t.Errorf("the audit: %s", lines)
		}
	})
}

// A person who decides knows what records are called, and not their ids.
func TestWhatIsReferredToIsShownByName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeskOf(t, ", label", " }\n  labels: { left: a.labels, right: b.labels, match: [code], fields: [name, code]")
		label := func(tw *toy.Twin, name string) string {
			id, err := tw.Put("labels", "", map[string]string{"name": name, "code": strings.ToLower(name)})
			d.ok(err)
			return id
		}
		gold, silver, bronze := label(d.a, "Gold"), label(d.a, "<b>Silver</b>"), label(d.b, "Bronze")
		d.sync()
		left, right := d.pair("name", "Ann", "email", "ann@x.gr", "label", gold)
		d.put(d.a, left, "label", silver)
		d.put(d.b, right, "label", bronze)
		d.sync()
		it := d.only(store.ReviewConflict)
		silverText, bronzeText := "&lt;b&gt;Silver&lt;/b&gt; ("+silver+")", "Bronze ("+bronze+")"
		d.want(d.w.get("/review"), http.StatusOK, silverText, bronzeText)
		d.want(d.w.get("/review/many?kind=conflict&all=1&choice=left"), http.StatusOK, silverText, bronzeText)
		d.want(d.w.get(at(it.ID)), http.StatusOK, silverText, bronzeText, "Gold ("+gold+")")
	})
}

func TestADoubtfulMatchIsLinked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "")
		d.put(d.b, "", "name", "Somebody Else", "email", "ann@x.gr", "phone", "2")
		best := d.put(d.b, "", "name", "Ann Meyer", "email", "ann@x.gr", "phone", "1")
		d.put(d.a, "", "name", "Ann Meyer", "email", "ann@x.gr", "phone", "1")
		d.sync()
		it := d.only(store.ReviewAmbiguous)
		d.want(d.w.get(at(it.ID)), http.StatusOK, "Which of these is it?", "same email (&#43;100)", "Somebody Else", `value="`+best+`"`, "None of them")
		d.want(d.w.get("/review?kind=ambiguous"), http.StatusOK, "The likeliest candidate", "all 1 of this kind")
		d.to(d.w.post(at(it.ID), "item", id(it.ID), "choice-"+id(it.ID), best), "/review?done=decided")
		if got := d.item(it.ID); got.Decision != best || got.By != "user" {
			t.Errorf("decided %+v", got)
		}
		d.sync()
		if n := len(d.b.Rows("cards")); n != 2 {
			t.Errorf("%d cards", n)
		}
	})
}

func TestAParkedRecordIsCorrectedAndTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "")
		left, _ := d.pair("name", "Ann", "email", "ann@x.gr", "notes", "bad luck")
		it := d.fill(1, func(int) store.Review {
			return store.Review{Kind: store.ReviewParked, Subject: "field left " + left + " notes=notes", Record: left, Field: "notes=notes", Cause: "rude words are not allowed",
				Text: "it was refused", Fix: "say it nicely", Choices: []string{"retry", "dismiss"}}
		})[0]
		d.want(d.w.get(at(it.ID)), http.StatusOK, "it was refused", "say it nicely", "Try again", "Enter the right value", `value="bad luck"`, "Asked about")
		name := entryName(it.ID, it.Field)
		form := []string{"item", id(it.ID), "was-" + name, "bad luck", name, "good luck"}
		d.want(d.w.post(at(it.ID), append(form, "choice-"+id(it.ID), "retry")...), http.StatusUnprocessableEntity, "chosen another answer", `value="good luck"`)
		d.want(d.w.post(at(it.ID), "item", id(it.ID), "choice-"+id(it.ID), "edit"), http.StatusUnprocessableEntity, "cannot be entered")
		d.want(d.w.post(at(it.ID), form...), http.StatusOK, "<mark>goo</mark>d luck", "What will be written", "once the other side holds it")
		d.to(d.w.post(at(it.ID), append(form, "yes", "1")...), "/review?done=decided")
		if got := d.item(it.ID); got.Decision != store.Edited || got.Edit == nil || got.By != "user" {
			t.Errorf("decided %+v", got)
		}
		d.sync()
		for _, tw := range []*toy.Twin{d.a, d.b} {
			if got := tw.Rows("cards")[0].Fields["notes"]; got != "good luck" {
				t.Errorf("after the run: %q", got)
			}
		}
	})
}

// fill opens items of which the store alone knows.
func (b *bench) fill(n int, item func(i int) store.Review) []store.Review {
	b.Helper()
	if err := b.hub.store.SetSync(b.Context(), "cards", store.Object{Connection: "a", Name: "cards"}, store.Object{Connection: "b", Name: "cards"}); err != nil {
		b.Fatal(err)
	}
	var f store.Facts
	for i := range n {
		it := item(i)
		it.ID, it.Sync, it.Opened = b.hub.store.NewID(), "cards", time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
		f.Reviews = append(f.Reviews, it)
	}
	if err := b.hub.store.Decide(b.Context(), "cards", [2]int64{}, f); err != nil {
		b.Fatal(err)
	}
	items, err := b.hub.store.Reviews(b.Context(), store.ReviewQuery{Open: true, Limit: n})
	if err != nil {
		b.Fatal(err)
	}
	return items
}

func parkedItem(i int) store.Review {
	return store.Review{Kind: store.ReviewParked, Subject: fmt.Sprint(i), Record: fmt.Sprint(i), Field: "country=country", Cause: "invalid country",
		Text: fmt.Sprintf("no-%d. <script>alert(1)</script>", i), Fix: "correct the country", Choices: []string{"retry", "dismiss"}}
}

func cardsPlan() *plan.Plan {
	return &plan.Plan{Timezone: time.UTC, Syncs: []plan.Sync{{Name: "cards", Ends: [2]plan.Endpoint{{Connection: "a", Object: "cards"}, {Connection: "b", Object: "cards"}}}}}
}

func TestTheListIsPagedAndFiltered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.plan = cardsPlan()
	b.populate()
	b.fill(60, func(i int) store.Review {
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
	b := newBench(t)
	b.hub.plan = cardsPlan()
	b.populate()
	items := b.fill(12, func(i int) store.Review {
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
	b.to(w.post("/review/many", "choice", "retry", "id", id(items[0].ID), "id", id(items[1].ID), "id", id(items[10].ID)), "/review?done=decidedmany")
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
	b := newBench(t)
	b.hub.plan = cardsPlan()
	b.populate()
	items := b.fill(3, func(i int) store.Review {
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

func TestABlownGuardIsToldInNumbersAndByRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, ", guard: { update: 10 }")
		var ids []string
		for i := range 60 {
			ids = append(ids, d.put(d.a, "", "name", fmt.Sprintf("Card %d", i), "email", fmt.Sprintf("c%d@x.gr", i), "notes", fmt.Sprintf("note %d", i)))
		}
		d.sync()
		for i, id := range ids {
			d.put(d.a, id, "notes", fmt.Sprintf("changed %d", i))
		}
		d.sync()
		it := d.only(store.ReviewGuard)
		got := d.w.get(at(it.ID))
		d.want(got, http.StatusOK, "Stopped by a guard", "1 to 50 of 60", "This was meant: let it through", "note 1", "changed 1", "Card 1", `href="`+at(it.ID)+`?from=50"`)
		d.want(d.w.get(at(it.ID)+"?from=50"), http.StatusOK, "51 to 60 of 60")
		d.want(d.w.get(at(it.ID)+"?from=60"), http.StatusNotFound)
		d.want(d.w.post(at(it.ID), "item", id(it.ID), "choice-"+id(it.ID), "approve"), http.StatusOK, "Nothing is done yet.")
		d.to(d.w.post(at(it.ID), "item", id(it.ID), "choice-"+id(it.ID), "approve", "yes", "1"), "/review?done=decided")
		if got := d.item(it.ID); got.Decision != "approve" {
			t.Errorf("decided %+v", got)
		}
	})
}

func TestWhatCannotBeTakenBackIsAskedTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.plan = cardsPlan()
	b.populate()
	it := b.fill(1, func(i int) store.Review {
		it := parkedItem(i)
		it.Kind, it.Choices = store.ReviewDelete, []string{"delete", "unlink"}
		return it
	})[0]
	w := b.signed(account.User)
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

func (b *bench) renders(name string, data any) {
	b.Helper()
	for _, l := range b.c.view.locales {
		p := page{Name: name, Lang: l.Tag(), Data: data, Who: account.Principal{}}
		if err := b.c.view.pages[l.Tag()][name].ExecuteTemplate(&strings.Builder{}, "content", p); err != nil {
			b.Errorf("%s in %s: %v", name, l.Tag(), err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add("item=1&choice-1=retry", "/review/1")
	f.Add("item=1&choice-1=edit&value-1-email=x&was-value-1-email=y&yes=1", "/review/1")
	f.Add("all=1&kind=parked&choice=:1&upto=9", "/review/many")
	b := newBench(f)
	b.hub.plan = cardsPlan()
	b.populate()
	b.fill(3, parkedItem)
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
