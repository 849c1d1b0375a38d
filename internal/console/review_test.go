package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemhub/tandem/connectortest/toy"
	"github.com/tandemhub/tandem/internal/account"
	"github.com/tandemhub/tandem/internal/engine"
	"github.com/tandemhub/tandem/internal/store"
)

func TestAConflictIsSolvedFieldByField(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "")
		left, right := d.pair("name", "Ann Meyer", "email", "ann@x.gr", "phone", "1")
		d.put(d.left, left, "name", "Ann <script>alert(1)</script>", "phone", "111", "discount", "1234.5")
		d.put(d.right, right, "name", "Ann Mayer", "phone", "121", "discount", "99.25")
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
		for _, tw := range []*toy.Twin{d.left, d.right} {
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
		gold, silver, bronze := label(d.left, "Gold"), label(d.left, "<b>Silver</b>"), label(d.right, "Bronze")
		d.sync()
		left, right := d.pair("name", "Ann", "email", "ann@x.gr", "label", gold)
		d.put(d.left, left, "label", silver)
		d.put(d.right, right, "label", bronze)
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
		d.put(d.right, "", "name", "Somebody Else", "email", "ann@x.gr", "phone", "2")
		best := d.put(d.right, "", "name", "Ann Meyer", "email", "ann@x.gr", "phone", "1")
		d.put(d.left, "", "name", "Ann Meyer", "email", "ann@x.gr", "phone", "1")
		d.sync()
		it := d.only(store.ReviewAmbiguous)
		d.want(d.w.get(at(it.ID)), http.StatusOK, "Which of these is it?", "same email (&#43;100)", "Somebody Else", `value="`+best+`"`, "None of them")
		d.want(d.w.get("/review?kind=ambiguous"), http.StatusOK, "The likeliest candidate", "all 1 of this kind")
		d.to(d.w.post(at(it.ID), "item", id(it.ID), "choice-"+id(it.ID), best), "/review?done=decided")
		if got := d.item(it.ID); got.Decision != best || got.By != "user" {
			t.Errorf("decided %+v", got)
		}
		d.sync()
		if n := len(d.right.Rows("cards")); n != 2 {
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
		for _, tw := range []*toy.Twin{d.left, d.right} {
			if got := tw.Rows("cards")[0].Fields["notes"]; got != "good luck" {
				t.Errorf("after the run: %q", got)
			}
		}
	})
}

func TestABlownGuardIsToldInNumbersAndByRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, ", guard: { update: 10 }")
		var ids []string
		for i := range 60 {
			ids = append(ids, d.put(d.left, "", "name", fmt.Sprintf("Card %d", i), "email", fmt.Sprintf("c%d@x.gr", i), "notes", fmt.Sprintf("note %d", i)))
		}
		d.sync()
		for i, id := range ids {
			d.put(d.left, id, "notes", fmt.Sprintf("changed %d", i))
		}
		d.sync()
		it := d.only(store.ReviewGuard)
		if told := read[reviewBody](d.w, "GET", "/api/v1"+at(it.ID), ""); len(told.Records) != 60 || len(d.c.memo.keys) != 1 {
			t.Errorf("%d records, %q is kept: the month's journal is walked once for an item", len(told.Records), d.c.memo.keys)
		}
		got := d.w.get(at(it.ID))
		d.want(got, http.StatusOK, "Stopped by a guard", "1 to 50 of 60", "This was meant: let it through", "note 1", "changed 1", "Card 1", `href="`+at(it.ID)+`?from=50"`)
		d.want(d.w.get(at(it.ID)+"?from=50"), http.StatusOK, "51 to 60 of 60")
		d.want(d.w.get(at(it.ID)+"?from=60"), http.StatusNotFound)
		if len(d.c.memo.keys) != 1 {
			t.Errorf("%q is kept: the page and the API ask for the same", d.c.memo.keys)
		}
		d.want(d.w.post(at(it.ID), "item", id(it.ID), "choice-"+id(it.ID), "approve"), http.StatusOK, "Nothing is done yet.")
		d.to(d.w.post(at(it.ID), "item", id(it.ID), "choice-"+id(it.ID), "approve", "yes", "1"), "/review?done=decided")
		if got := d.item(it.ID); got.Decision != "approve" {
			t.Errorf("decided %+v", got)
		}
	})
}

// Of what somebody else was quicker with, nobody is told that they have decided it.
func TestWhatOthersSettledMeanwhileIsNotSaidToBeDecided(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, "")
		left, right := d.pair("name", "Ann Meyer", "email", "ann@x.gr", "phone", "1")
		d.put(d.left, left, "name", "Ann Maier", "phone", "111")
		d.put(d.right, right, "name", "Ann Mayer", "phone", "121")
		d.sync()
		byField := map[string]store.Review{}
		for _, it := range d.open(store.ReviewConflict) {
			byField[keyName(it.Field)] = it
		}
		name, phone := byField["name"], byField["phone"]
		quicker := func(it store.Review) { // while the form is being checked
			lent := d.hub.engine
			d.hub.engine = func() *engine.Engine {
				d.hub.engine = lent
				d.ok(d.hub.store.DecideReview(t.Context(), it.ID, "left", "eve", time.Now()))
				return lent()
			}
		}
		entry := entryName(phone.ID, phone.Field)
		edit := []string{"item", id(phone.ID), "choice-" + id(phone.ID), "edit", "was-" + entry, "111", entry, "777", "yes", "1"}
		quicker(name)
		d.to(d.w.post(at(name.ID), append([]string{"item", id(name.ID), "choice-" + id(name.ID), "right"}, edit...)...), "/review?done=decidedrest")
		d.want(d.w.get("/review?done=decidedrest"), http.StatusOK, "Decided, but for what was answered")
		if got := d.item(name.ID); got.Decision != "left" || got.By != "eve" || d.item(phone.ID).Decision != store.Edited {
			t.Errorf("%+v", got)
		}
		lines := d.audited()
		if got := lines[len(lines)-1]; !strings.HasSuffix(got, "|edit|done") {
			t.Errorf("the audit ends with %q", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b, items := newPile(t, 2, parkedItem)
		open := []answer{{item: items[0], choice: "retry"}, {item: items[1], choice: "retry"}}
		b.ok(b.hub.store.DecideReview(t.Context(), items[1].ID, "dismiss", "eve", time.Now()))
		given, err := b.c.give(t.Context(), open, "ann")
		if err != nil || len(given) != 1 || given[0].item.ID != items[0].ID || len(open) != 2 {
			t.Errorf("%+v, %v", given, err)
		}
		if given, err := b.c.give(t.Context(), open, "ann"); len(given) > 0 || err == nil || err.Error() != errSettled().Error() {
			t.Errorf("%+v, %v", given, err)
		}
	})
	for settled, to := range map[int]string{1: "/review?done=decidedrest", 2: ""} {
		b, items := newPile(t, 2, parkedItem)
		w := b.signed(account.User)
		asked := 0
		b.c.now = func() time.Time { // for the audit, and then for the decision
			if asked++; asked == 2 {
				for _, it := range items[:settled] {
					b.ok(b.hub.store.DecideReview(t.Context(), it.ID, "dismiss", "eve", time.Now()))
				}
			}
			return time.Now()
		}
		got := w.post("/review/many", "choice", "retry", "id", id(items[0].ID), "id", id(items[1].ID))
		if to == "" {
			b.want(got, http.StatusConflict, "answered already")
		} else {
			b.to(got, to)
		}
	}
}
