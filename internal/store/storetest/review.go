package storetest

import (
	"errors"
	"strings"

	"github.com/tandemhub/tandem/internal/store"
	"github.com/tandemhub/tandem/record"
)

func reviewCases() map[string]func(*bench) {
	return map[string]func(*bench){
		"a review item comes back as it was opened":              reviewRoundTrip,
		"an open item is refreshed and keeps its id":             reviewRefresh,
		"a decision is journaled and marks its record":           reviewDecide,
		"a decision on a link marks its left record":             reviewDecideLink,
		"only an open item is decided, by one of its choices":    reviewRefusals,
		"items that settled themselves are gone":                 reviewClose,
		"Decisions gives the newest per subject":                 decisions,
		"Reviews selects by sync, kind and state":                reviewSelect,
		"an item of no sync can be opened and decided":           reviewNoSync,
		"a subject can be opened again after it was decided":     reviewAgain,
		"an item of another sync with the same subject is apart": reviewSubjects,
		"many items are decided in one go, each with its line":   reviewDecideMany,
		"one wrong choice decides none of many":                  reviewDecideNone,
		"an edit is kept until it has been carried out":          reviewEdit,
		"an edit needs values and an open item":                  reviewEditRefusals,
	}
}

func (b *bench) review(subject string) store.Review {
	return store.Review{Sync: "contacts", Kind: store.ReviewConflict, Subject: subject, Side: record.Left, Record: "1", Text: "t",
		Fix: "f", Choices: []string{"left", "right"}, Opened: at(1)}
}

func (b *bench) open(reviews ...store.Review) []store.Review {
	b.Helper()
	b.decide(store.Facts{Reviews: reviews})
	got, err := b.s.Reviews(b.ctx, store.ReviewQuery{Open: true})
	b.ok(err)
	return got
}

func reviewRoundTrip(b *bench) {
	want := b.review("link 12 email")
	want.Link, want.Field, want.Candidates, want.Cause = 12, "email", []string{"b", "a"}, "invalid country"
	want.Seen = [2]int64{7, 9}
	want.Values = [2]record.Value{record.Text("l"), record.Texts("r", "s")}
	got := b.open(want)[0]
	want.ID = got.ID
	b.same("item", want, got)
	one, found, err := b.s.Review(b.ctx, got.ID)
	b.ok(err)
	if b.same("by id", want, one); !found || got.ID == 0 {
		b.Error("not found by id")
	}
	if _, found, err := b.s.Review(b.ctx, 999); found || err != nil {
		b.Errorf("an item that nobody opened: %v %v", found, err)
	}
}

func reviewRefresh(b *bench) {
	first := b.open(b.review("s"))[0]
	again := b.review("s")
	again.Text, again.Opened, again.Values[0] = "new text", at(9), record.Text("v")
	got := b.open(again)
	again.ID, again.Opened = first.ID, at(1)
	b.same("items", []store.Review{again}, got)
	b.same("review", 1, b.tally().Review)
}

func reviewDecide(b *bench) {
	asked := b.review("s")
	asked.Values = [2]record.Value{record.Text("a"), record.Text("b")}
	r := b.open(asked)[0]
	b.ok(b.s.DecideReview(b.ctx, r.ID, "left", "ann", at(2)))
	got, _, err := b.s.Review(b.ctx, r.ID)
	b.ok(err)
	r.Decision, r.By, r.Decided = "left", "ann", at(2)
	b.same("item", r, got)
	b.same("dirty", []store.Spot{left("1")}, b.dirty())
	b.same("review", 0, b.tally().Review)
	lines, err := b.s.History(b.ctx, store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1"})
	b.ok(err)
	if len(lines) != 1 || lines[0].Kind != store.Decided || lines[0].By != "ann" || !lines[0].At.Equal(at(2)) || lines[0].Old.Text() != "b" || lines[0].New.Text() != "a" {
		b.Errorf("journal: %+v", lines)
	}
}

func reviewDecideLink(b *bench) {
	l := b.linked(1)[0]
	r := b.review("s")
	r.Record, r.Link = "", l.ID
	b.ok(b.s.DecideReview(b.ctx, b.open(r)[0].ID, "right", "ann", at(2)))
	b.same("dirty", []store.Spot{left("1")}, b.dirty())
}

func reviewRefusals(b *bench) {
	r := b.open(b.review("s"))[0]
	for _, decision := range []string{"", "both"} {
		if err := b.s.DecideReview(b.ctx, r.ID, decision, "ann", at(2)); err == nil || errors.Is(err, store.ErrDecided) {
			b.Errorf("decision %q: %v", decision, err)
		}
	}
	if err := b.s.DecideReview(b.ctx, 999, "left", "ann", at(2)); !errors.Is(err, store.ErrDecided) {
		b.Errorf("no such item: %v", err)
	}
	b.ok(b.s.DecideReview(b.ctx, r.ID, "left", "ann", at(2)))
	if err := b.s.DecideReview(b.ctx, r.ID, "right", "bob", at(3)); !errors.Is(err, store.ErrDecided) {
		b.Errorf("a second decision: %v", err)
	}
	b.same("dirty", 1, len(b.dirty()))
}

func reviewClose(b *bench) {
	items := b.open(b.review("one"), b.review("two"))
	b.ok(b.s.DecideReview(b.ctx, items[1].ID, "left", "ann", at(2)))
	b.decide(store.Facts{Close: []string{"one", "two", "three"}})
	all, err := b.s.Reviews(b.ctx, store.ReviewQuery{})
	b.ok(err)
	b.same("left", []string{"two"}, []string{all[0].Subject})
	b.same("review", 0, b.tally().Review)
}

func decisions(b *bench) {
	for i, decision := range []string{"left", "right"} {
		items := b.open(b.review("s"), b.review("open"))
		b.ok(b.s.DecideReview(b.ctx, items[len(items)-1-count(items[len(items)-1].Subject == "open")].ID, decision, "ann", at(i)))
	}
	got, err := b.s.Decisions(b.ctx, "contacts", []string{"s", "open", "none"})
	b.ok(err)
	if len(got) != 1 || got["s"].Decision != "right" {
		b.Errorf("decisions: %+v", got)
	}
	got, err = b.s.Decisions(b.ctx, "others", []string{"s"})
	b.ok(err)
	b.same("of another sync", 0, len(got))
	got, err = b.s.Decisions(b.ctx, "", []string{"s", "none"})
	b.ok(err)
	b.same("of any sync", "right", got["s"].Decision)
}

func count(x bool) int {
	if x {
		return 1
	}
	return 0
}

func reviewSelect(b *bench) {
	parked, other := b.review("p"), b.review("o")
	parked.Kind, other.Sync = store.ReviewParked, "others"
	items := b.open(b.review("c"), parked, other)
	b.ok(b.s.DecideReview(b.ctx, items[0].ID, "left", "ann", at(2)))
	for _, c := range []struct {
		q    store.ReviewQuery
		want string
	}{
		{store.ReviewQuery{}, "cpo"}, {store.ReviewQuery{Open: true}, "po"}, {store.ReviewQuery{Sync: "contacts"}, "cp"},
		{store.ReviewQuery{Kinds: []store.ReviewKind{store.ReviewConflict, store.ReviewGuard}}, "co"}, {store.ReviewQuery{Limit: 1}, "c"}, {store.ReviewQuery{About: "p"}, "p"},
		{store.ReviewQuery{Sync: "nobody"}, ""},
	} {
		got, err := b.s.Reviews(b.ctx, c.q)
		b.ok(err)
		var subjects strings.Builder
		for _, r := range got {
			subjects.WriteString(r.Subject)
		}
		b.same("subjects", c.want, subjects.String())
	}
}

func reviewNoSync(b *bench) {
	r := b.review("connection erp")
	r.Sync, r.Record = "", ""
	id := b.open(r)[0].ID
	b.ok(b.s.DecideReview(b.ctx, id, "left", "ann", at(2)))
	b.same("dirty", 0, len(b.dirty()))
}

func reviewAgain(b *bench) {
	first := b.open(b.review("s"))[0]
	b.ok(b.s.DecideReview(b.ctx, first.ID, "left", "ann", at(2)))
	second := b.open(b.review("s"))
	if len(second) != 1 || second[0].ID == first.ID {
		b.Errorf("opened again: %+v", second)
	}
}

func reviewSubjects(b *bench) {
	other := b.review("s")
	other.Sync = "others"
	b.same("open", 2, len(b.open(b.review("s"), other)))
	b.same("of the sync", 1, b.tally().Review)
}

func reviewDecideMany(b *bench) {
	items := b.open(b.review("one"), b.review("two"), b.review("three"))
	b.ok(b.s.DecideReview(b.ctx, items[1].ID, "left", "bob", at(1)))
	got, err := b.s.DecideReviews(b.ctx, []store.Choice{{ID: items[0].ID, Decision: "left"}, {ID: items[1].ID, Decision: "right"},
		{ID: items[2].ID, Decision: "right"}, {ID: 999, Decision: "left"}}, "ann", at(2))
	b.ok(err)
	b.same("decided", []int64{items[0].ID, items[2].ID}, got) // what somebody else decided meanwhile stays
	all, err := b.s.Reviews(b.ctx, store.ReviewQuery{})
	b.ok(err)
	var who []string
	for _, r := range all {
		who = append(who, r.Subject+" "+r.Decision+" "+r.By)
	}
	b.same("items", []string{"one left ann", "two left bob", "three right ann"}, who)
	lines, err := b.s.History(b.ctx, store.HistoryQuery{Kinds: []store.EntryKind{store.Decided}})
	b.ok(err)
	b.same("lines", 3, len(lines))
	b.same("review", 0, b.tally().Review)
}

func reviewDecideNone(b *bench) {
	items := b.open(b.review("one"), b.review("two"))
	_, err := b.s.DecideReviews(b.ctx, []store.Choice{{ID: items[0].ID, Decision: "left"}, {ID: items[1].ID, Decision: "both"}}, "ann", at(2))
	if err == nil || !strings.Contains(err.Error(), "none of its choices") {
		b.Errorf("a choice that there is not: %v", err)
	}
	b.same("review", 2, b.tally().Review)
	b.same("dirty", 0, len(b.dirty()))
}

func reviewEdit(b *bench) {
	r := b.open(b.review("s"))[0]
	e := store.Edit{Side: record.Left, Fields: []store.Correction{{Key: "country", Wire: "land",
		Now: [2]record.Value{record.Text("XX"), {}}, To: [2]record.Value{record.Text("GR"), record.Text("Greece")}}}}
	b.ok(b.s.EditReview(b.ctx, r.ID, e, "ann", at(2)))
	pending, err := b.s.PendingEdits(b.ctx, "contacts")
	b.ok(err)
	r.Decision, r.By, r.Decided, r.Edit = store.Edited, "ann", at(2), &e
	b.same("pending", []store.Review{r}, pending)
	b.same("dirty", []store.Spot{left("1")}, b.dirty())
	lines, err := b.s.History(b.ctx, store.HistoryQuery{Connection: "erp", Object: "contacts", Record: "1"})
	b.ok(err)
	if len(lines) != 1 || lines[0].Kind != store.Decided || lines[0].By != "ann" || lines[0].Field != "land" ||
		lines[0].Old.Text() != "XX" || lines[0].New.Text() != "GR" {
		b.Errorf("journal: %+v", lines)
	}
	other, err := b.s.PendingEdits(b.ctx, "others")
	b.ok(err)
	b.same("of another sync", 0, len(other))
	b.decide(store.Facts{Carried: []int64{r.ID}})
	pending, err = b.s.PendingEdits(b.ctx, "contacts")
	b.ok(err)
	b.same("still pending", 0, len(pending))
}

func reviewEditRefusals(b *bench) {
	r := b.open(b.review("s"))[0]
	if err := b.s.EditReview(b.ctx, r.ID, store.Edit{}, "ann", at(2)); err == nil {
		b.Error("an edit without values was kept")
	}
	b.ok(b.s.DecideReview(b.ctx, r.ID, "left", "ann", at(2)))
	e := store.Edit{Fields: []store.Correction{{Key: "k", Wire: "w"}}}
	if err := b.s.EditReview(b.ctx, r.ID, e, "ann", at(3)); !errors.Is(err, store.ErrDecided) {
		b.Errorf("an edit of a decided item: %v", err)
	}
}
